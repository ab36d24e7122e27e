//! PostgreSQL: the variables of libpq, else its service file, else its password file, else a local socket.

use crate::config::discovery::{home, is_socket, list, text_of};
use crate::config::estate::{Estate, Postgres};
use crate::config::paths::Surroundings;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The variables that name a server or a database.
const NAMING: [&str; 5] = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE"];

/// Where the packages and the sources of PostgreSQL put sockets.
const SOCKETS: [&str; 3] = ["var/run/postgresql", "run/postgresql", "tmp"];

/// The database that every server has, for a place that names none.
const DATABASE: &str = "postgres";

/// How many databases are read without an estate file.
const MOST: usize = 8;

/// One source that names databases, and its name.
type Way = fn(&Surroundings, &mut Estate) -> Option<(String, Vec<Postgres>)>;

pub(super) fn look(around: &Surroundings, estate: &mut Estate) {
    let ways: [Way; 4] = [of_variables, of_services, of_passwords, of_sockets];
    let found = ways.into_iter().find_map(|way| way(around, estate).filter(|(_, found)| !found.is_empty()));
    let Some((place, mut found)) = found else {
        let looked = "no PG* variable, service file or password file names one, and there is no local socket";
        return estate.not_found.push(format!("PostgreSQL: {looked}"));
    };
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        estate.not_found.push(format!("{more} more databases of {place}: {MOST} are read without an estate file"));
        found.truncate(MOST);
    }
    let names: Vec<&str> = found.iter().map(|database| database.name.as_str()).collect();
    estate.discovered.push(format!("PostgreSQL {} from {place}", names.join(", ")));
    estate.postgres = found;
}

fn database(name: impl Into<String>, watch: String) -> Postgres {
    Postgres {
        name: name.into(),
        watch,
        act: None,
        bloat_size: None,
        transaction_age: None,
        kept_wal: None,
        critical: true,
    }
}

/// The variables name one database; they are read again with every connection, so nothing else is written.
fn of_variables(around: &Surroundings, _: &mut Estate) -> Option<(String, Vec<Postgres>)> {
    let set: Vec<&str> = NAMING.into_iter().filter(|name| around.get(name).is_some()).collect();
    // Anything but a plain word may be a connection string with a password in it.
    let plain = |name: &str| {
        let value = around.get(name)?.to_str()?;
        value.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)).then(|| value.to_owned())
    };
    let name = plain("PGSERVICE").or_else(|| plain("PGDATABASE")).unwrap_or_else(|| DATABASE.to_owned());
    (!set.is_empty()).then(|| (set.join(", "), vec![database(name, String::new())]))
}

/// Each service of the first service file that has one.
fn of_services(around: &Surroundings, estate: &mut Estate) -> Option<(String, Vec<Postgres>)> {
    let own = around.get("PGSERVICEFILE").map(PathBuf::from).or_else(|| Some(home(around)?.join(".pg_service.conf")));
    let system = match around.get("PGSYSCONFDIR") {
        Some(directory) => vec![PathBuf::from(directory)],
        None => ["etc/postgresql-common", "etc/sysconfig/pgsql"].map(|place| around.system(place)).to_vec(),
    };
    let files = own.into_iter().chain(system.into_iter().map(|directory| directory.join("pg_service.conf")));
    files.into_iter().find_map(|file| {
        let text = text_of(&file, "the service file", estate)?;
        let headers = text.lines().filter_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
        let mut all: Vec<Postgres> = Vec::new();
        for name in headers.filter(|name| !name.trim().is_empty()) {
            if !all.iter().any(|other| other.name == name) {
                all.push(database(name, format!("service={}", quoted(name))));
            }
        }
        (!all.is_empty()).then(|| (file.display().to_string(), all))
    })
}

/// Each server that the password file names; the passwords themselves are left there.
fn of_passwords(around: &Surroundings, estate: &mut Estate) -> Option<(String, Vec<Postgres>)> {
    let file = around.get("PGPASSFILE").map(PathBuf::from).or_else(|| Some(home(around)?.join(".pgpass")))?;
    let mode = fs::metadata(&file).ok()?.mode();
    if mode & 0o077 != 0 {
        estate.not_found.push(format!(
            "{}: not used, it is open to others (mode {:04o})",
            file.display(),
            mode & 0o777
        ));
        return None;
    }
    let text = text_of(&file, "the password file", estate)?;
    let mut all: Vec<Postgres> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [host, port, name, user] = fields(line)?;
        if host == "*" || host.is_empty() || name == "replication" {
            continue;
        }
        let known = |text: &str| (text != "*" && !text.is_empty()).then(|| text.to_owned());
        let mut watch = format!("host={} dbname={}", quoted(&host), quoted(&known(&name).unwrap_or(DATABASE.into())));
        for (key, value) in [("port", known(&port)), ("user", known(&user))] {
            watch.extend(value.map(|value| format!(" {key}={}", quoted(&value))));
        }
        let port = known(&port).filter(|port| port != "5432").map(|port| format!(":{port}")).unwrap_or_default();
        let shown = known(&name).map(|name| format!("{name}@{host}{port}")).unwrap_or(format!("{host}{port}"));
        // The first line that fits is the one that libpq takes.
        if !all.iter().any(|other| other.name == shown) {
            all.push(database(shown, watch));
        }
    }
    Some((file.display().to_string(), all))
}

/// The fields before the password: host, port, database, user.
fn fields(line: &str) -> Option<[String; 4]> {
    let mut fields: [String; 4] = Default::default();
    let mut rest = line.chars();
    for field in &mut fields {
        loop {
            match rest.next() {
                Some('\\') => field.extend(rest.next()),
                Some(':') => break,
                Some(c) => field.push(c),
                None => return Some(Default::default()),
            }
        }
    }
    Some(fields)
}

/// Each socket of this machine; one port in two directories is one server.
fn of_sockets(around: &Surroundings, estate: &mut Estate) -> Option<(String, Vec<Postgres>)> {
    let mut found: Vec<(u16, PathBuf)> = Vec::new();
    for directory in SOCKETS.map(|place| around.system(place)) {
        for path in list(&directory, estate) {
            let port = path.file_name().and_then(|name| name.to_str()?.strip_prefix(".s.PGSQL.")?.parse().ok());
            if let Some(port) = port.filter(|port| is_socket(&path) && !found.iter().any(|(other, _)| other == port)) {
                found.push((port, directory.clone()));
            }
        }
    }
    let only = found.len() == 1;
    let all = found.into_iter().map(|(port, directory)| {
        let name = if only { DATABASE.to_owned() } else { format!("{DATABASE}:{port}") };
        let host = quoted(&directory.display().to_string());
        database(name, format!("host={host} port={port} dbname={DATABASE}"))
    });
    Some(("a local socket".to_owned(), all.collect()))
}

/// A value as a connection string has it.
fn quoted(value: &str) -> String {
    if value.chars().all(|c| c.is_alphanumeric() || "_-./:".contains(c)) && !value.is_empty() {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
