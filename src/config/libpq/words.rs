//! The two ways to write a connection: `host=db dbname=app`, and `postgresql://db/app`.

use crate::config::percent;
use crate::config::reader::nearest;
use std::collections::BTreeMap;

/// Every parameter that libpq knows, with its variable.
///
/// Source: PostgreSQL 18 manual, 32.1.2 and 32.15.
pub(super) const KNOWN: &[(&str, Option<&str>)] = &[
    ("application_name", Some("PGAPPNAME")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("client_encoding", Some("PGCLIENTENCODING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("fallback_application_name", None),
    ("gssdelegation", Some("PGGSSDELEGATION")),
    ("gssencmode", Some("PGGSSENCMODE")),
    ("gsslib", Some("PGGSSLIB")),
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("keepalives", None),
    ("keepalives_count", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("krbsrvname", Some("PGKRBSRVNAME")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    ("oauth_client_id", None),
    ("oauth_client_secret", None),
    ("oauth_issuer", None),
    ("oauth_scope", None),
    ("options", Some("PGOPTIONS")),
    ("passfile", Some("PGPASSFILE")),
    ("password", Some("PGPASSWORD")),
    ("port", Some("PGPORT")),
    ("replication", None),
    ("require_auth", Some("PGREQUIREAUTH")),
    ("requirepeer", Some("PGREQUIREPEER")),
    ("scram_client_key", None),
    ("scram_server_key", None),
    ("service", Some("PGSERVICE")),
    ("servicefile", Some("PGSERVICEFILE")),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslcertmode", Some("PGSSLCERTMODE")),
    ("sslcompression", Some("PGSSLCOMPRESSION")),
    ("sslcrl", Some("PGSSLCRL")),
    ("sslcrldir", Some("PGSSLCRLDIR")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslkeylogfile", None),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslpassword", None),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslsni", Some("PGSSLSNI")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("tcp_user_timeout", None),
    ("user", Some("PGUSER")),
];

/// What is given, by parameter. A value that is there and empty keeps weaker sources out.
pub(super) type Given = BTreeMap<String, String>;

/// The libpq name of a parameter.
///
/// # Errors
/// There is none of that name; with the nearest one.
pub(super) fn known(name: &str) -> Result<&'static str, String> {
    if let Some((found, _)) = KNOWN.iter().find(|(known, _)| *known == name) {
        return Ok(found);
    }
    let text = format!("there is no connection parameter {}", name.escape_debug());
    Err(match nearest(name, KNOWN.iter().map(|(known, _)| *known)) {
        Some(nearest) => format!("{text}; {nearest} is meant?"),
        None => text,
    })
}

/// Reads either way of writing.
pub(super) fn read(written: &str) -> Result<Given, String> {
    let rest = ["postgresql://", "postgres://"].iter().find_map(|scheme| written.strip_prefix(scheme));
    match rest {
        Some(rest) => url(rest),
        None => string(written),
    }
}

/// `name = value` pairs; a value may be in single quotes, and `\` takes the next character as it is.
fn string(written: &str) -> Result<Given, String> {
    let mut given = Given::new();
    let mut rest = written.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // What is no pair may be a password with a space in it: it is not repeated.
        let value = after.trim_start().strip_prefix('=').ok_or("a connection string has a word without =")?;
        let (value, after) = value_of(value.trim_start())?;
        given.insert(known(name)?.to_owned(), value);
        rest = after.trim_start();
    }
    Ok(given)
}

/// One value, and the rest.
fn value_of(text: &str) -> Result<(String, &str), String> {
    let (quoted, inside) = match text.strip_prefix('\'') {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let mut value = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, characters.as_str())),
            _ if !quoted && character.is_ascii_whitespace() => {
                return Ok((value, inside.get(at..).unwrap_or_default()));
            }
            _ => value.push(character),
        }
    }
    if quoted { Err("a quote in a connection string does not end".to_owned()) } else { Ok((value, "")) }
}

/// `[user[:password]@][host[:port],…][/dbname][?name=value&…]`
fn url(rest: &str) -> Result<Given, String> {
    let mut given = Given::new();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let hosts = match authority.split_once('@') {
        Some((who, hosts)) => {
            let (user, password) = who.split_once(':').unwrap_or((who, ""));
            put(&mut given, "user", decoded(user)?);
            put(&mut given, "password", decoded(password)?);
            hosts
        }
        None => authority,
    };
    let mut places = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(inside) => {
                let (name, after) = inside.split_once(']').ok_or("an address in a URL lacks its ]")?;
                let port = match after {
                    "" => "",
                    _ => after.strip_prefix(':').ok_or("a URL has something between ] and the port")?,
                };
                (name, port)
            }
            None => host.split_once(':').unwrap_or((host, "")),
        };
        places.push((decoded(name)?, decoded(port)?));
    }
    let joined = |list: Vec<&str>| if list.iter().all(|one| one.is_empty()) { String::new() } else { list.join(",") };
    put(&mut given, "host", joined(places.iter().map(|(name, _)| name.as_str()).collect()));
    put(&mut given, "port", joined(places.iter().map(|(_, port)| port.as_str()).collect()));
    put(&mut given, "dbname", decoded(database)?);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("a URL has a parameter without =")?;
        match (decoded(name)?.as_str(), decoded(value)?) {
            // As the manual has it, for URLs of JDBC.
            ("ssl", value) if value == "true" => put(&mut given, "sslmode", "require".to_owned()),
            (name, value) => {
                given.insert(known(name)?.to_owned(), value);
            }
        }
    }
    Ok(given)
}

/// Keeps a part of a URL that is there.
fn put(given: &mut Given, name: &str, value: String) {
    if !value.is_empty() {
        given.insert(name.to_owned(), value);
    }
}

/// Undoes percent-encoding; a NUL is in no value.
fn decoded(text: &str) -> Result<String, String> {
    let plain = percent::decode(text).filter(|plain| !plain.contains('\0'));
    plain.ok_or_else(|| "a URL has a broken %, or bytes that are not UTF-8".to_owned())
}
