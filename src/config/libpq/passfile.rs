//! The password file: `host:port:database:user:password` a line.

use crate::config::secrets::Secret;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whom a password is looked for.
pub(super) struct Wanted<'a> {
    /// The host as it was written; `localhost` for the usual socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// The lines of a password file; nothing when there is none.
///
/// # Errors
/// Why it is not read although it is there: others may read it, or it is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let Ok(found) = fs::metadata(path) else { return Ok(None) };
    if !found.is_file() {
        return Err(format!("the password file {} is no file", path.display()));
    }
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(format!("the password file {} is open to others (mode {mode:04o}, not 0600)", path.display()));
    }
    let text = fs::read_to_string(path);
    text.map(Some)
        .map_err(|cause| format!("the password file {}: {}", path.display(), super::service::why_unreadable(&cause)))
}

/// The password of the first line that fits.
pub(super) fn find(text: &str, wanted: &Wanted) -> Option<Secret> {
    let port = wanted.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for expected in [wanted.host, &port, wanted.database, wanted.user] {
            let (field, literal, after) = field(rest)?;
            if field != expected && literal != "*" {
                return None;
            }
            rest = after;
        }
        Some(Secret::new(unescaped(rest.trim_end_matches('\r'))))
    })
}

/// The next field without its escapes, as it is written, and what follows its colon.
fn field(line: &str) -> Option<(String, &str, &str)> {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (literal, after) = line.split_at_checked(end)?;
    Some((unescaped(literal), literal, after.strip_prefix(':')?))
}

/// `\:` and `\\` are the second character.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}
