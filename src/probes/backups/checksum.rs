//! Verifies the newest member against the SHA-256 that stands beside it, a part at each reading.
//!
//! `NAME.sha256` counts before a line of `SHA256SUMS`; `sums` reads both. MD5 and SHA-1 are not read: they prove nothing against a
//! person. One reading hashes for two seconds at most and the next one goes on; what has been hashed
//! once is not hashed again while path, inode, size and time of change are the same.

use crate::domain::Digest;
use crate::domain::error::system_text;
use crate::domain::ids::Hasher;
use crate::probes::backups::series::Identity;
use crate::probes::backups::sums::{self, Lack};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of a checksum file has behind that of the file.
pub const ENDING: &str = ".sha256";
/// How long one reading may hash.
pub const BUDGET: Duration = Duration::from_secs(2);
/// How long the only reading of a check may hash.
pub const ONCE: Duration = Duration::from_secs(15);
/// How much is hashed between two looks at the clock.
const PIECE: usize = 256 * 1024;
/// How much of a checksum file is read.
const SUMS_LIMIT: u64 = 4 << 20;
/// How many results are remembered.
const REMEMBERED: usize = 256;

/// What should be, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The checksum file.
    pub file: PathBuf,
    /// The digest; or what is wrong with the file.
    pub digest: Result<Digest, String>,
}

/// How far a verification is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Done: the digest of the file, and when it was computed (seconds since the epoch).
    Done(Digest, i64),
    /// The share that has been hashed.
    UnderWay(f64),
    /// It cannot be read.
    Lost(String),
}

/// Endings of a file of checksums that is called after its one file.
pub const OWN: [&str; 5] = [ENDING, ".sha256sum", ".SHA256", ".SHA256SUM", ".sha256.txt"];
/// Names of files of checksums of a whole directory.
pub const SUMS: [&str; 11] = [
    "SHA256SUMS",
    "SHA256SUMS.txt",
    "SHA256SUM",
    "sha256sums",
    "sha256sums.txt",
    "sha256sum",
    "sha256sum.txt",
    "CHECKSUMS",
    "checksums.txt",
    "checksum.txt",
    "checksums.sha256",
];

/// The checksum that stands beside a member, if one does.
#[must_use]
pub fn beside(directory: &Path, name: &std::ffi::OsStr) -> Option<Expected> {
    let lossy = name.to_string_lossy();
    let own = OWN.iter().map(|ending| {
        let mut own = name.to_owned();
        own.push(ending);
        (own, true)
    });
    let all = SUMS.iter().map(|sums| (OsString::from(sums), false));
    for (file, is_own) in own.chain(all) {
        let file = directory.join(file);
        let stated = match text(&file) {
            Ok(text) => digest_in(&text, &lossy, directory, is_own),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => Some(Err(system_text(cause))),
        };
        if let Some(digest) = stated {
            return Some(Expected { file, digest });
        }
    }
    None
}

/// What a text of checksums says of a file: its digest, or what is wrong; `own` where the text is called after that file alone. `None`
/// where it need not name the file, and does not.
pub fn digest_in(text: &str, name: &str, directory: &Path, own: bool) -> Option<Result<Digest, String>> {
    match sums::digest_in(text, name, directory, own) {
        Ok(digest) => Some(Ok(digest)),
        Err(Lack::Wrong(why)) => Some(Err(why)),
        Err(Lack::Nothing) => own.then(|| Err("no SHA-256 in it".to_owned())),
    }
}

fn text(path: &Path) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(SUMS_LIMIT).read_to_end(&mut bytes)?;
    Ok(sums::decode(&bytes))
}

/// Hashes one file after the other, and remembers what it has hashed.
#[derive(Default)]
pub struct Verifier {
    done: Vec<(PathBuf, Identity, Digest, i64)>,
    under_way: Option<UnderWay>,
}

struct UnderWay {
    path: PathBuf,
    identity: Identity,
    file: File,
    hasher: Hasher,
    read: u64,
}

impl Verifier {
    /// Goes on hashing a file, for as long as the budget lasts; `now` is in seconds since the epoch.
    pub fn go_on(&mut self, path: &Path, identity: &Identity, budget: Duration, now: i64) -> Progress {
        if let Some((_, _, digest, at)) = self.done.iter().find(|(known, of, ..)| known == path && of == identity) {
            return Progress::Done(digest.clone(), *at);
        }
        // One file after the other: what another one has been hashed of is not lost.
        let is_other = |work: &UnderWay| work.path != path && budget.is_zero();
        if self.under_way.as_ref().is_some_and(is_other) {
            return Progress::UnderWay(0.0);
        }
        match self.hash(path, identity, budget) {
            Ok(Some(digest)) => {
                self.done.push((path.to_owned(), identity.clone(), digest.clone(), now));
                if self.done.len() > REMEMBERED {
                    self.done.remove(0);
                }
                Progress::Done(digest, now)
            }
            Ok(None) => {
                let read = self.under_way.as_ref().map_or(0, |under_way| under_way.read);
                #[allow(clippy::cast_precision_loss)] // A figure for people.
                Progress::UnderWay(read as f64 / identity.size.max(1) as f64)
            }
            Err(cause) => {
                self.under_way = None;
                Progress::Lost(system_text(cause))
            }
        }
    }

    /// The digest once all is hashed.
    fn hash(&mut self, path: &Path, identity: &Identity, budget: Duration) -> io::Result<Option<Digest>> {
        let began = Instant::now();
        let mut work = match self.under_way.take() {
            Some(work) if work.path == path && work.identity == *identity => work,
            _ => {
                let file = File::open(path)?;
                UnderWay { path: path.to_owned(), identity: identity.clone(), file, hasher: Hasher::default(), read: 0 }
            }
        };
        let mut piece = vec![0; PIECE];
        loop {
            let count = work.file.read(&mut piece)?;
            if count == 0 {
                break;
            }
            work.hasher.update(piece.get(..count).unwrap_or_default());
            work.read = work.read.saturating_add(u64::try_from(count).unwrap_or(0));
            if began.elapsed() >= budget {
                self.under_way = Some(work);
                return Ok(None);
            }
        }
        if Identity::of(&work.file.metadata()?) != work.identity {
            return Err(io::Error::other("it changed while it was read"));
        }
        Ok(Some(work.hasher.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    fn identity(path: &Path) -> Identity {
        Identity::of(&fs::metadata(path).unwrap())
    }

    #[test]
    fn a_large_file_is_hashed_in_parts_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::write(&path, vec![7; 3 * PIECE + 5]).unwrap();
        let (known, mut verifier) = (identity(&path), Verifier::default());
        let mut seen = Vec::new();
        let digest = loop {
            match verifier.go_on(&path, &known, Duration::ZERO, 5) {
                Progress::Done(digest, 5) => break digest,
                Progress::UnderWay(share) => seen.push(share),
                other => panic!("{other:?}"),
            }
        };
        assert!(seen.len() == 4 && seen.is_sorted() && seen[0] > 0.3, "{seen:?}");
        let lines = Command::new("sha256sum").arg(&path).output().unwrap().stdout;
        assert!(lines.starts_with(digest.as_str().as_bytes()));
        fs::remove_file(&path).unwrap();
        assert_eq!(verifier.go_on(&path, &known, BUDGET, 9), Progress::Done(digest, 5), "it is not read again");
        assert!(matches!(Verifier::default().go_on(&path, &known, BUDGET, 9), Progress::Lost(_)));
    }

    #[test]
    fn a_file_that_changes_under_way_is_never_called_verified() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it");
        fs::write(&path, vec![7; 2 * PIECE]).unwrap();
        let (known, mut verifier) = (identity(&path), Verifier::default());
        assert!(matches!(verifier.go_on(&path, &known, Duration::ZERO, 0), Progress::UnderWay(_)));
        fs::write(&path, vec![8; 2 * PIECE + 1]).unwrap();
        let lost = verifier.go_on(&path, &known, BUDGET, 0);
        assert_eq!(lost, Progress::Lost("it changed while it was read".to_owned()));
        let now = identity(&path);
        assert!(matches!(verifier.go_on(&path, &now, BUDGET, 0), Progress::Done(..)));
    }

    #[test]
    fn a_file_of_its_own_counts_before_one_of_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::new("a b.dump");
        let (digest, other) = (Digest::of(b"it"), Digest::of(b"other"));
        let write = |file: &str, text: String| fs::write(dir.path().join(file), text).unwrap();
        let found = || beside(dir.path(), name);
        assert_eq!(found(), None);
        write("SHA256SUMS", format!("{other}  else.dump\n"));
        assert_eq!(found(), None);
        for file in SUMS {
            write(file, format!("{other}  else.dump\n{digest}  a b.dump\n"));
            assert_eq!(found().unwrap(), Expected { file: dir.path().join(file), digest: Ok(digest.clone()) });
            fs::remove_file(dir.path().join(file)).unwrap();
        }
        write("SHA256SUMS", format!("{other}  a b.dump\n"));
        for ending in OWN {
            let file = format!("a b.dump{ending}");
            write(&file, format!("{digest}  -\n"));
            assert_eq!(found().unwrap(), Expected { file: dir.path().join(&file), digest: Ok(digest.clone()) });
            fs::remove_file(dir.path().join(&file)).unwrap();
        }
        for (text, why) in [
            (String::new(), "no SHA-256 in it"),
            ("words".to_owned(), "no SHA-256 in it"),
            (format!("{digest}  another.dump\n"), "the SHA-256 in it is of another.dump"),
        ] {
            write("a b.dump.sha256", text.clone());
            assert_eq!(found().unwrap().digest, Err(why.to_owned()), "{text}");
        }
    }
}
