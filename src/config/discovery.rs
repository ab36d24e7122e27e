//! The estate of a host without an estate file, from its files, variables and sockets.
//!
//! It looks and connects to nothing: whether a server that is found also answers is for its row to say. What was looked for
//! and is not there is listed, and has no row.

use crate::config::estate::{Environment, Estate, Keep, Thresholds, Unread};
use crate::config::file::read_text;
use crate::config::paths::{Surroundings, estate_places};
use crate::config::secrets::Secrets;
use crate::domain::{TargetKind, quantity};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

mod certificates;
mod kubernetes;
mod postgres;
mod redis;

/// How long all looks together may take.
const LIMIT: Duration = Duration::from_secs(2);

/// One kind of source that is looked for: its row where the look does not end, and the look.
type Look = (TargetKind, &'static str, fn(&Surroundings, &mut Estate));

const LOOKS: [Look; 5] = [
    (TargetKind::Unit, "failed units", units),
    (TargetKind::Postgres, "postgres", postgres::look),
    (TargetKind::Redis, "redis", redis::look),
    (TargetKind::Kubernetes, "kubernetes", kubernetes::look),
    (TargetKind::Certificate, "certificates", certificates::look),
];

/// Looks around a host; the estate is taken for production. Each look has a thread that is left behind where a file system does not
/// answer, such as a home on a file server that has gone.
#[must_use]
pub fn discover(hostname: &str, around: &Surroundings) -> Estate {
    let mut estate = nothing(hostname);
    let places: Vec<String> = estate_places(around).iter().map(|path| path.display().to_string()).collect();
    estate.discovered = vec![format!("host {hostname}"), "the mounts of this host".to_owned()];
    estate.not_found = vec![
        format!("an estate file: looked for {}", places.join(" and ")),
        "services and backups: known only from an estate file".to_owned(),
    ];
    let until = Instant::now() + LIMIT;
    let begun = LOOKS.map(|look| (look, begin(look, nothing(hostname), around.clone())));
    for ((kind, name, _), answer) in begun {
        match answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(found) => take(&mut estate, found),
            Err(_) => {
                let why = format!("not known whether there is one: no answer within {}", quantity::span(LIMIT));
                let why = format!("{why}; a file system that is looked at hangs: $HOME, or one that a variable names");
                estate.unread.push(Unread { kind, name: name.to_owned(), why });
            }
        }
    }
    estate
}

fn begin((_, name, look): Look, mut estate: Estate, around: Surroundings) -> mpsc::Receiver<Estate> {
    let (notify, answer) = mpsc::sync_channel(1);
    let work = move || {
        look(&around, &mut estate);
        // After the time limit no one waits any more.
        let _ = notify.send(estate);
    };
    // Without a thread the channel is closed, which is no answer either.
    let _ = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    answer
}

/// Adds what one look has found.
fn take(estate: &mut Estate, found: Estate) {
    estate.failed_units |= found.failed_units;
    estate.postgres.extend(found.postgres);
    estate.redis.extend(found.redis);
    estate.secrets.places.extend(found.secrets.places);
    estate.kubernetes.extend(found.kubernetes);
    estate.certificates.extend(found.certificates);
    estate.discovered.extend(found.discovered);
    estate.not_found.extend(found.not_found);
    estate.unread.extend(found.unread);
}

pub(super) fn nothing(hostname: &str) -> Estate {
    Estate {
        name: hostname.to_owned(),
        environment: Environment::Production,
        packs: Vec::new(),
        trusted_reads: Vec::new(),
        thresholds: Thresholds::default(),
        services: Vec::new(),
        mounts: Vec::new(),
        secrets: Secrets::default(),
        units: Vec::new(),
        failed_units: false,
        postgres: Vec::new(),
        redis: Vec::new(),
        kubernetes: Vec::new(),
        certificates: Vec::new(),
        backups: Vec::new(),
        stores: Vec::new(),
        receivers: Vec::new(),
        keep: Keep::default(),
        source: None,
        discovered: Vec::new(),
        not_found: Vec::new(),
        unread: Vec::new(),
    }
}

/// systemd is there when its directory is (sd_booted(3)), or a system bus to ask.
fn units(around: &Surroundings, estate: &mut Estate) {
    estate.failed_units =
        ["run/systemd/system", "run/dbus/system_bus_socket"].iter().any(|place| around.system(place).exists());
    if estate.failed_units {
        estate.discovered.push("failed systemd units".to_owned());
    } else {
        estate.not_found.push("systemd units: systemd does not run here".to_owned());
    }
}

/// The user's home directory.
fn home(around: &Surroundings) -> Option<PathBuf> {
    around.get("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The text of a file that may be missing; that it is there and cannot be read is noted.
fn text_of(path: &Path, what: &str, estate: &mut Estate) -> Option<String> {
    let absent = |cause: std::io::Error| matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    if fs::metadata(path).is_err_and(absent) {
        return None;
    }
    match read_text(path, what) {
        Ok(text) => Some(text),
        Err(cause) => {
            estate.not_found.push(cause.message);
            None
        }
    }
}

/// What a directory holds, sorted; that it is there and cannot be listed is noted.
fn list(directory: &Path, estate: &mut Estate) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).and_then(|all| all.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>());
    match entries {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
        Err(cause) => {
            estate.not_found.push(format!("{}: {cause}", directory.display()));
            Vec::new()
        }
    }
}

/// Whether this is a socket.
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(test)]
mod tests;
