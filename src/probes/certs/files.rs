//! Certificates in files and directories.

use crate::domain::error::system_text;
use crate::probes::certs::kind;
use crate::probes::certs::pem::{self, Held};
use crate::probes::permission::Needs;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file of a lineage of certbot that servers take.
const FULL: &str = "fullchain.pem";
/// How much of a file is read: more than twenty of the largest certificates.
pub const FILE_LIMIT: u64 = 2 << 20;
/// How many files of one directory are read.
const FILES: usize = 1000;
/// How many names of one directory are looked at.
const NAMES: usize = 100_000;
/// What a certificate's file is called; such a file without a certificate is a row of its own, any other one is skipped.
const ENDINGS: [&str; 4] = [".pem", ".crt", ".cer", ".der"];
/// What a key's file is called; no certificate is looked for in it.
const KEYS: [&str; 9] = [".key", "-key.pem", "_key.pem", ".key.pem", "privkey.pem", ".p12", ".pfx", ".jks", ".pk8"];

/// What copies of files are called.
const COPIES: [&str; 12] = [
    "~",
    ".bak",
    ".backup",
    ".old",
    ".orig",
    ".save",
    ".swp",
    ".tmp",
    ".dpkg-old",
    ".dpkg-dist",
    ".rpmsave",
    ".rpmnew",
];

/// Reads the certificates of a regular file, at most `most` of them.
///
/// # Errors
/// Why there are none, in a few words.
pub fn read(path: &Path, most: usize) -> Result<Held, String> {
    let failed = |cause| why(path, &cause);
    let file = open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    let mut held = pem::certificates(&bytes, most);
    if held.total == 0 {
        let other = kind::of_der(&bytes).map(str::to_owned).or_else(|| kind::of_text(&bytes));
        return Err(match held.pkcs7 {
            true => "PKCS#7 is not read: openssl pkcs7 -print_certs makes PEM of it".to_owned(),
            false if size == 0 => "the file is empty".to_owned(),
            false if size > FILE_LIMIT => "no certificate in its first 2 MiB".to_owned(),
            false => other.unwrap_or_else(|| "no certificate in it".to_owned()),
        });
    }
    if size > FILE_LIMIT {
        held.cut = Some("only the first 2 MiB are read".to_owned());
    }
    Ok(held)
}

/// Opens a regular file; a pipe or a device must neither hang nor be changed by a look.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    if !kind.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// What the system said of a path, in a few words.
pub(super) fn why(path: &Path, cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => Needs::denied(path),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => system_text(cause),
    }
}

/// One file of a directory.
#[derive(Debug)]
pub struct Entry {
    /// What it is called there.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub held: Result<Held, String>,
}

/// A directory's files that hold certificates, or should; and how many files were not read.
#[derive(Debug, Default)]
pub struct Listing {
    /// By name.
    pub entries: Vec<Entry>,
    /// Files beyond the limit.
    pub unread: usize,
}

/// The one certificate file that a directory stands for: that of a lineage of certbot.
#[must_use]
pub fn lineage_file(directory: &Path) -> Option<PathBuf> {
    let full = directory.join(FULL);
    full.is_file().then_some(full)
}

/// The lineage of certbot that a file below `live/NAME/` belongs to.
#[must_use]
pub fn lineage(path: &Path) -> Option<String> {
    let (name, live) = (path.parent()?, path.parent()?.parent()?);
    let is_live = live.file_name() == Some(OsStr::new("live"));
    is_live.then(|| name.file_name().map(|name| name.to_string_lossy().into_owned())).flatten()
}

/// Reads every file of a directory, and of each lineage in it.
///
/// A link to a file that is there by another name is not read twice: OpenSSL's directories hold each root with a link whose name is a
/// hash.
///
/// # Errors
/// Why the directory cannot be read.
pub fn list(directory: &Path, most: usize) -> Result<Listing, String> {
    let (mut listing, mut seen, mut read_files) = (Listing::default(), Vec::new(), 0);
    let mut denied = None;
    let names;
    (names, listing.unread) = names_of(directory, NAMES)?;
    for name in names {
        let shown = name.to_string_lossy().into_owned();
        if KEYS.iter().any(|ending| shown.ends_with(ending)) || is_copy(&shown) {
            continue;
        }
        let mut path = directory.join(&name);
        let known = fs::metadata(&path);
        let named = ENDINGS.iter().any(|ending| shown.to_ascii_lowercase().ends_with(ending));
        if let Some(closed) = closed(&path, known.as_ref()) {
            // What has another name may be anything: it counts where nothing else is there.
            denied.get_or_insert_with(|| Needs::denied(&closed));
            if named || lineage(&closed).is_some() || is_in_live(&path) {
                listing.entries.push(Entry { name: shown, held: Err(Needs::denied(&closed)), path: closed });
            }
            continue;
        }
        if known.as_ref().is_ok_and(fs::Metadata::is_dir) {
            let Some(full) = lineage_file(&path) else { continue };
            path = full;
        } else if let Ok(known) = &known {
            let identity = (known.dev(), known.ino());
            if !known.is_file() || seen.contains(&identity) {
                continue;
            }
            seen.push(identity);
        }
        if read_files == FILES {
            listing.unread += 1;
            continue;
        }
        read_files += 1;
        let held = read(&path, most);
        if held.is_ok() || (named && !only_a_key(&path)) {
            listing.entries.push(Entry { name: shown, path, held });
        }
    }
    if let Some(denied) = denied.filter(|_| listing.entries.is_empty()) {
        return Err(denied);
    }
    listing.entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(listing)
}

/// What of an entry of a directory may not be looked at: the entry, or what it would hold if it were a lineage.
fn closed(path: &Path, known: Result<&fs::Metadata, &io::Error>) -> Option<PathBuf> {
    let is_denied = |cause: &io::Error| cause.kind() == io::ErrorKind::PermissionDenied;
    match known {
        Err(cause) => is_denied(cause).then(|| path.to_owned()),
        Ok(known) if known.is_dir() => {
            let full = path.join(FULL);
            fs::metadata(&full).is_err_and(|cause| is_denied(&cause)).then_some(full)
        }
        Ok(_) => None,
    }
}

/// Whether a path lies right in certbot's directory of lineages.
fn is_in_live(path: &Path) -> bool {
    path.parent().and_then(Path::file_name) == Some(OsStr::new("live"))
}

/// Whether a name is that of a copy which no server reads: of an editor, of a package manager, or one put aside by hand.
fn is_copy(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    COPIES.iter().any(|ending| lower.ends_with(ending))
}

/// The names in a directory, those of hashes last, and how many there are beyond the most that are looked at.
fn names_of(directory: &Path, most: usize) -> Result<(Vec<OsString>, usize), String> {
    let failed = |cause| why(directory, &cause);
    let (mut names, mut beyond) = (Vec::new(), 0);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if names.len() < most { names.push(name) } else { beyond += 1 }
    }
    names.sort_by_key(|name| (is_hash(name), name.clone()));
    Ok((names, beyond))
}

/// Whether a name is one that `openssl rehash` makes: `ca6e4ad9.0`.
fn is_hash(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let Some((hash, rest)) = bytes.split_at_checked(8) else { return false };
    let number = rest.strip_prefix(b".").unwrap_or_default();
    hash.iter().all(u8::is_ascii_hexdigit) && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// Whether a file named like a certificate's is whole PEM of other things, such as keys or parameters.
fn only_a_key(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = open(path).and_then(|file| file.take(64 * 1024).read_to_end(&mut head));
    read.is_ok() && head.windows(11).any(|window| window == b"-----BEGIN ") && !contains_certificate(&head)
}

fn contains_certificate(head: &[u8]) -> bool {
    head.windows(12).any(|window| window == b"CERTIFICATE-" || window == b"BEGIN PKCS7-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_that_are_looked_at_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.pem", "b.pem", "c.pem"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let (names, beyond) = names_of(dir.path(), 2).unwrap();
        assert_eq!((names.len(), beyond), (2, 1));
        assert_eq!(names_of(dir.path(), 3).unwrap().1, 0);
    }
}
