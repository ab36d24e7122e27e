//! Names what a program may run or read without being part of the consent: the prompt shows it.

use super::listing;
use std::path::Path;

/// The arguments of a program that are not compared before it starts, for people; none if all are.
pub(super) fn shown(program: &Path, argv: &[String], cwd: &Path) -> Option<String> {
    let mut parts = Vec::new();
    if listing::has_code(program, argv) {
        parts.push("files that the text in its arguments runs or reads".to_owned());
    }
    for word in argv.iter().skip(1) {
        let named = [Some(word.as_str()), word.split_once('=').map(|(_, value)| value)];
        let directory = named.into_iter().flatten().find(|name| !name.is_empty() && cwd.join(name).is_dir());
        parts.extend(directory.map(|name| format!("files in {}", cwd.join(name).display())));
    }
    parts.dedup();
    (!parts.is_empty()).then(|| parts.join(", "))
}
