//! What a program may run or read and no consent is bound to: a prompt says so.

use super::listing;
use std::path::Path;

/// What of a program's arguments is not compared before it starts, for people; none where all that they name is compared.
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
