//! Puts together what is written, the service, the variables and the defaults.

use crate::config::libpq::passfile::{self, Wanted};
use crate::config::libpq::words::{self, Given, KNOWN};
use crate::config::libpq::{
    Access, ChannelBinding, Parameters, Server, ServerPlace, SessionKind, Tls, TlsMode, TlsRoot, service,
};
use crate::config::paths::Surroundings;
use crate::config::secrets::Secret;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where servers put their socket: Debian's and Red Hat's packages, then PostgreSQL's own default.
const SOCKET_PLACES: [&str; 2] = ["var/run/postgresql", "tmp"];
const PORT: u16 = 5432;
/// What refers to a secret of the estate.
const SECRET: &str = "secret:";

/// Parameters that are refused unless they say what is so anyway, with that.
const REFUSED: &[(&str, &[&str])] = &[
    ("gssencmode", &["disable", "prefer"]),
    ("load_balance_hosts", &["disable"]),
    ("oauth_client_id", &[]),
    ("oauth_client_secret", &[]),
    ("oauth_issuer", &[]),
    ("oauth_scope", &[]),
    ("replication", &["false", "off", "no", "0"]),
    ("require_auth", &[]),
    ("requirepeer", &[]),
    ("scram_client_key", &[]),
    ("scram_server_key", &[]),
    ("ssl_max_protocol_version", &["TLSv1.3"]),
    ("sslcertmode", &["allow", "disable"]),
    ("sslcrl", &[]),
    ("sslcrldir", &[]),
    ("sslkeylogfile", &[]),
    ("sslpassword", &[]),
];

/// What is given by every source, and the password that is a secret of the estate.
pub(super) fn given(access: &Access) -> Result<(Given, Option<Secret>), String> {
    let around = &access.around;
    let mut given = words::read(&access.written)?;
    let named = password_by_reference(&given)?;
    let secret = named.map(|name| access.secrets.read(&name, around)).transpose()?;
    if secret.is_some() {
        given.remove("password");
    }
    widen(&mut given, around)?;
    if let Some((name, _)) =
        REFUSED.iter().find(|(name, fine)| value_of(&given, name).is_some_and(|value| !fine.contains(&value)))
    {
        return Err(format!("the connection parameter {name} is not supported"));
    }
    Ok((given, secret))
}

/// Works everything out.
pub(super) fn parameters(access: &Access) -> Result<Parameters, String> {
    let around = &access.around;
    let (given, secret) = given(access)?;
    let user = match value_of(&given, "user") {
        Some(user) => user.to_owned(),
        None => os_user(around).ok_or("no role is named, and this user has no name")?,
    };
    let database = value_of(&given, "dbname").unwrap_or(&user).to_owned();
    let password = secret.or_else(|| value_of(&given, "password").map(Secret::new));
    let mut servers = servers(&given, around)?;
    let mut passfile_refused = None;
    if password.is_none() {
        let file =
            value_of(&given, "passfile").map(PathBuf::from).or_else(|| Some(service::home(around)?.join(".pgpass")));
        match file.map(|path| passfile::read(&path)).transpose() {
            Ok(text) => fill(&mut servers, text.flatten().as_deref(), &database, &user, around),
            Err(why) => passfile_refused = Some(why),
        }
    }
    for server in &mut servers {
        server.password = password.clone().or(server.password.take());
    }
    let name = value_of(&given, "application_name").or_else(|| value_of(&given, "fallback_application_name"));
    Ok(Parameters {
        servers,
        tls: tls(&given, around)?,
        connect_timeout: timeout(&given)?,
        application_name: name.map(str::to_owned),
        options: value_of(&given, "options").map(str::to_owned),
        session: one_of(&given, "target_session_attrs", SESSIONS)?.unwrap_or(SessionKind::Any),
        channel_binding: one_of(&given, "channel_binding", BINDINGS)?.unwrap_or(ChannelBinding::Prefer),
        passfile_refused,
        user,
        database,
    })
}

/// The secret that is named as the password; a password itself is refused, because files with connections are shown and shared.
fn password_by_reference(given: &Given) -> Result<Option<String>, String> {
    match value_of(given, "password").map(|password| password.strip_prefix(SECRET)) {
        None => Ok(None),
        Some(Some(name)) if !name.is_empty() => Ok(Some(name.to_owned())),
        Some(_) => Err("a password is not written here: password=secret:NAME names one of [secrets]".to_owned()),
    }
}

/// What is written and what the variables say, as it may be shown; a service as its name.
pub(super) fn shown(access: &Access) -> Result<String, String> {
    let around = &access.around;
    let mut given = words::read(&access.written)?;
    if let Some(name) = service_of(&given, around)? {
        let database = value_of(&given, "dbname").filter(|name| !name.contains([':', '=']));
        let database = database.map(|name| format!("/{name}")).unwrap_or_default();
        return Ok(format!("service {name}{database}"));
    }
    widen_by_variables(&mut given, around)?;
    let user = || value_of(&given, "user").map(str::to_owned).or_else(|| os_user(around));
    let database = value_of(&given, "dbname").map(str::to_owned).or_else(user);
    // A whole connection string in its place may hold a password.
    let database = database.filter(|name| !name.contains([':', '='])).unwrap_or_default();
    let servers: Vec<String> = servers(&given, around)?.iter().map(ToString::to_string).collect();
    Ok(format!("{}/{database}", servers.join(",")))
}

/// A variable as text.
fn variable(name: &str, around: &Surroundings) -> Result<Option<String>, String> {
    let value = around.get(name).map(|value| value.to_str().map(str::to_owned));
    if value == Some(None) { Err(format!("the variable {name} is not UTF-8")) } else { Ok(value.flatten()) }
}

/// The service that is named.
fn service_of(given: &Given, around: &Surroundings) -> Result<Option<String>, String> {
    match value_of(given, "service") {
        Some(name) => Ok(Some(name.to_owned())),
        None if given.contains_key("service") => Ok(None),
        None => variable("PGSERVICE", around),
    }
}

/// Adds what the service and the variables say of what is not given yet.
fn widen(given: &mut Given, around: &Surroundings) -> Result<(), String> {
    if let Some(name) = service_of(given, around)? {
        let file = match value_of(given, "servicefile") {
            Some(file) => Some(file.to_owned()),
            None => variable("PGSERVICEFILE", around)?,
        };
        for (key, value) in service::read(&name, file.as_deref().map(Path::new), around)? {
            given.entry(key).or_insert(value);
        }
    }
    widen_by_variables(given, around)
}

fn widen_by_variables(given: &mut Given, around: &Surroundings) -> Result<(), String> {
    for (key, name) in KNOWN.iter().filter_map(|(key, variable)| Some((*key, (*variable)?))) {
        if let Some(value) = variable(name, around)?
            && !given.contains_key(key)
        {
            given.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

/// A value that is there and not empty.
pub(super) fn value_of<'a>(given: &'a Given, name: &str) -> Option<&'a str> {
    given.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// The servers, without passwords.
pub(super) fn servers(given: &Given, around: &Surroundings) -> Result<Vec<Server>, String> {
    let list = |name| value_of(given, name).map(|list| list.split(',').map(str::trim).collect::<Vec<_>>());
    let (hosts, addresses) = (list("host"), list("hostaddr"));
    let count = hosts.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
    let ports = list("port").unwrap_or_else(|| vec![""]);
    if addresses.as_ref().is_some_and(|addresses| addresses.len() != count) {
        return Err("host and hostaddr name different numbers of servers".to_owned());
    }
    if ports.len() != 1 && ports.len() != count {
        return Err("there are neither one port nor as many as servers".to_owned());
    }
    let at = |list: &Option<Vec<&str>>, turn: usize| {
        list.as_ref().and_then(|list| list.get(turn).copied()).filter(|one| !one.is_empty()).map(str::to_owned)
    };
    let one = |turn: usize| {
        let port = match ports.get(turn).or(ports.first()).copied().unwrap_or_default() {
            "" => PORT,
            text => text
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| format!("{} is no port", text.escape_debug()))?,
        };
        let address = at(&addresses, turn).map(|text| {
            text.parse::<IpAddr>().map_err(|_| format!("hostaddr: {} is no IP address", text.escape_debug()))
        });
        let place = place(at(&hosts, turn), address.transpose()?, port, around)?;
        Ok(Server { place, port, password: None })
    };
    (0..count).map(one).collect()
}

fn place(
    host: Option<String>,
    address: Option<IpAddr>,
    port: u16,
    around: &Surroundings,
) -> Result<ServerPlace, String> {
    match (host, address) {
        (Some(host), None) if host.starts_with('@') => {
            Err("sockets in the abstract namespace are not supported".to_owned())
        }
        (Some(host), None) if host.starts_with('/') => Ok(ServerPlace::Socket(host.into())),
        (name, address) if name.is_some() || address.is_some() => Ok(ServerPlace::Tcp { name, address }),
        _ => {
            let places: Vec<PathBuf> = SOCKET_PLACES.iter().map(|place| around.system(place)).collect();
            let listens = |place: &&PathBuf| place.join(format!(".s.PGSQL.{port}")).exists();
            let found = places.iter().find(listens).or(places.first());
            Ok(ServerPlace::Socket(found.cloned().unwrap_or_default()))
        }
    }
}

/// Gives each server its password of the password file.
fn fill(servers: &mut [Server], text: Option<&str>, database: &str, user: &str, around: &Surroundings) {
    let Some(text) = text else { return };
    for server in servers {
        let host = match &server.place {
            ServerPlace::Socket(at) if SOCKET_PLACES.iter().any(|place| around.system(place) == *at) => {
                "localhost".to_owned()
            }
            ServerPlace::Socket(directory) => directory.to_string_lossy().into_owned(),
            ServerPlace::Tcp { name: Some(name), .. } => name.clone(),
            ServerPlace::Tcp { address, .. } => address.map(|address| address.to_string()).unwrap_or_default(),
        };
        server.password = passfile::find(text, &Wanted { host: &host, port: server.port, database, user });
    }
}

const MODES: &[(&str, TlsMode)] = &[
    ("disable", TlsMode::Disable),
    ("allow", TlsMode::Allow),
    ("prefer", TlsMode::Prefer),
    ("require", TlsMode::Require),
    ("verify-ca", TlsMode::VerifyCa),
    ("verify-full", TlsMode::VerifyFull),
];
const SESSIONS: &[(&str, SessionKind)] = &[
    ("any", SessionKind::Any),
    ("read-write", SessionKind::ReadWrite),
    ("read-only", SessionKind::ReadOnly),
    ("primary", SessionKind::Primary),
    ("standby", SessionKind::Standby),
    ("prefer-standby", SessionKind::PreferStandby),
];
const BINDINGS: &[(&str, ChannelBinding)] =
    &[("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];
const VERSIONS: &[(&str, bool)] = &[("TLSv1", false), ("TLSv1.1", false), ("TLSv1.2", false), ("TLSv1.3", true)];
const SWITCH: &[(&str, bool)] = &[("0", false), ("1", true)];
const NEGOTIATIONS: &[(&str, bool)] = &[("postgres", false), ("direct", true)];

/// The meaning of a value that is one of a few words.
fn one_of<T: Copy>(given: &Given, name: &str, words: &[(&str, T)]) -> Result<Option<T>, String> {
    let Some(value) = value_of(given, name) else { return Ok(None) };
    match words.iter().find(|(word, _)| *word == value) {
        Some((_, meaning)) => Ok(Some(*meaning)),
        None => {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(format!("{name} is one of {}, not {}", all.join(", "), value.escape_debug()))
        }
    }
}

fn tls(given: &Given, around: &Surroundings) -> Result<Tls, String> {
    let wanted = one_of(given, "sslmode", MODES)?;
    let usual = |name: &str| Some(service::home(around)?.join(".postgresql").join(name)).filter(|path| path.exists());
    let root = match value_of(given, "sslrootcert") {
        Some("system") => TlsRoot::System,
        Some(file) => TlsRoot::File(file.into()),
        None => usual("root.crt").map_or(TlsRoot::None, TlsRoot::File),
    };
    let mode = match (wanted, &root) {
        (None, TlsRoot::System) => TlsMode::VerifyFull,
        (None, _) => TlsMode::Prefer,
        (Some(TlsMode::VerifyFull | TlsMode::Disable), TlsRoot::System) => wanted.unwrap_or(TlsMode::VerifyFull),
        (Some(_), TlsRoot::System) => return Err("sslrootcert=system needs sslmode=verify-full".to_owned()),
        (Some(mode), _) => mode,
    };
    if mode >= TlsMode::VerifyCa && root == TlsRoot::None {
        return Err(
            "sslmode verifies, and there is no root certificate: sslrootcert names a file, or system".to_owned()
        );
    }
    let direct = one_of(given, "sslnegotiation", NEGOTIATIONS)?.unwrap_or(false);
    if direct && mode < TlsMode::Require {
        return Err("sslnegotiation=direct needs sslmode=require or more".to_owned());
    }
    let own = match value_of(given, "sslcert").map(PathBuf::from).or_else(|| usual("postgresql.crt")) {
        Some(certificate) if value_of(given, "sslcertmode") != Some("disable") => {
            let key = value_of(given, "sslkey").map(PathBuf::from).or_else(|| usual("postgresql.key"));
            Some((certificate, key.ok_or("sslcert names a certificate, and nothing names its key")?))
        }
        _ => None,
    };
    Ok(Tls {
        mode,
        root,
        own,
        sni: one_of(given, "sslsni", SWITCH)?.unwrap_or(true),
        direct,
        only_1_3: one_of(given, "ssl_min_protocol_version", VERSIONS)?.unwrap_or(false),
    })
}

/// Seconds; none and less mean no limit, and 1 means 2.
fn timeout(given: &Given) -> Result<Option<Duration>, String> {
    let Some(text) = value_of(given, "connect_timeout") else { return Ok(None) };
    let seconds: i64 =
        text.trim().parse().map_err(|_| format!("connect_timeout: {} is no number of seconds", text.escape_debug()))?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.max(2))))
}

/// The name of the user who runs this process.
fn os_user(around: &Surroundings) -> Option<String> {
    let own = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string(around.system("etc/passwd")).unwrap_or_default();
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(&own));
    let named = line.and_then(|line| line.split(':').next()).map(str::to_owned);
    // Users of a directory service are not in the file.
    named.or_else(|| around.get("LOGNAME").or_else(|| around.get("USER"))?.to_str().map(str::to_owned))
}
