//! The connection service file: named connections, the user's and the system's.

use crate::config::libpq::words::{Given, known};
use crate::config::paths::Surroundings;
use crate::domain::error::system_text;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file's name in the system's directory, and where that is on Debian and on Red Hat.
const SYSTEM_FILE: &str = "pg_service.conf";
const SYSTEM_PLACES: [&str; 2] = ["etc/postgresql-common", "etc/sysconfig/pgsql"];

/// What a service says, by its name. `file` is the user's own file, where one is named.
///
/// # Errors
/// It is in neither file, or a file cannot be read.
pub(super) fn read(name: &str, file: Option<&Path>, around: &Surroundings) -> Result<Given, String> {
    let own = file.map(Path::to_owned).or_else(|| Some(home(around)?.join(".pg_service.conf")));
    let system: Vec<PathBuf> = match around.get("PGSYSCONFDIR") {
        Some(directory) => vec![Path::new(directory).join(SYSTEM_FILE)],
        None => SYSTEM_PLACES.iter().map(|place| around.system(place).join(SYSTEM_FILE)).collect(),
    };
    for place in own.into_iter().chain(system) {
        let text = match fs::read_to_string(&place) {
            Ok(text) => text,
            // Only a named file must be there.
            Err(cause) if cause.kind() == ErrorKind::NotFound && file != Some(&place) => continue,
            Err(cause) => return Err(format!("the service file {}: {}", place.display(), why_unreadable(&cause))),
        };
        if let Some(found) = section(&text, name).map_err(|why| format!("{}: {why}", place.display()))? {
            return Ok(found);
        }
    }
    Err(format!("there is no service {}", name.escape_debug()))
}

/// One section of a file. Only that one is judged.
fn section(text: &str, name: &str) -> Result<Option<Given>, String> {
    let mut found: Option<Given> = None;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_suffix(']') == Some(name) {
                found = Some(Given::new());
            }
            continue;
        }
        let Some(given) = &mut found else { continue };
        if line.starts_with("ldap") {
            return Err(format!("line {number}: LDAP is not asked"));
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("line {number} has no ="))?;
        let key = known(key).map_err(|why| format!("line {number}: {why}"))?;
        if matches!(key, "service" | "servicefile") {
            return Err(format!("line {number}: a service cannot name another one"));
        }
        // The first one counts.
        given.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }
    Ok(found)
}

/// The home directory.
pub(super) fn home(around: &Surroundings) -> Option<PathBuf> {
    around.get("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Why a file cannot be read.
pub(super) fn why_unreadable(cause: &std::io::Error) -> String {
    match cause.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => system_text(cause),
    }
}
