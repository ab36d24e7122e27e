//! Verifies the newest member against the SHA-256 that stands beside it, a part at each reading.
//!
//! `NAME.sha256` counts before a line of `SHA256SUMS`; both as `sha256sum` writes them, with or without `--tag`. MD5 and SHA-1 are not
//! read: they prove nothing against a person. One reading hashes for two seconds at most and the next one goes on; what has been hashed
//! once is not hashed again while path, inode, size and time of change are the same.

use crate::domain::Digest;
use crate::domain::error::said;
use crate::domain::ids::Hasher;
use crate::probes::backups::series::Identity;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of a checksum file has behind that of the file.
pub const ENDING: &str = ".sha256";
/// How long one reading may hash.
pub const BUDGET: Duration = Duration::from_secs(2);
/// How much is hashed between two looks at the clock.
const PIECE: usize = 256 * 1024;
/// How much of a checksum file is read.
const SUMS_LIMIT: u64 = 4 << 20;
/// How many results are remembered.
const REMEMBERED: usize = 8;

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

/// The checksum that stands beside a member, if one does.
#[must_use]
pub fn beside(directory: &Path, name: &std::ffi::OsStr) -> Option<Expected> {
    let mut own = name.to_owned();
    own.push(ENDING);
    let own = directory.join(own);
    let lossy = name.to_string_lossy();
    match text(&own) {
        Ok(text) => {
            let said = line_of(&text, &lossy).or_else(|| alone(&text));
            let digest = said.ok_or_else(|| "no SHA-256 in it".to_owned());
            return Some(Expected { file: own, digest });
        }
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Some(Expected { file: own, digest: Err(said(cause)) });
        }
        Err(_) => {}
    }
    let sums = directory.join("SHA256SUMS");
    match text(&sums) {
        Ok(text) => line_of(&text, &lossy).map(|digest| Expected { file: sums, digest: Ok(digest) }),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Some(Expected { file: sums, digest: Err(said(cause)) })
        }
        Err(_) => None,
    }
}

/// The digest of a name in the text of a checksum file; with `alone`, also one that stands there without a name.
pub fn digest_in(text: &str, name: &str, alone: bool) -> Option<Digest> {
    line_of(text, name).or_else(|| self::alone(text).filter(|_| alone))
}

fn text(path: &Path) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(SUMS_LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The digest on the line of a name: `DIGEST  NAME`, `DIGEST *NAME` or `SHA256 (NAME) = DIGEST`; the name may have a path.
fn line_of(text: &str, name: &str) -> Option<Digest> {
    let is_it = |said: &str| said == name || said.rsplit('/').next() == Some(name);
    text.lines().find_map(|line| {
        let line = line.trim_end();
        if let Some((said, digest)) = line.strip_prefix("SHA256 (").and_then(|rest| rest.rsplit_once(") = ")) {
            return is_it(said).then(|| digest_of(digest)).flatten();
        }
        let (digest, said) = line.split_once(' ')?;
        let said = said.strip_prefix([' ', '*']).unwrap_or(said);
        is_it(said).then(|| digest_of(digest)).flatten()
    })
}

/// The digest of a file that holds nothing else.
fn alone(text: &str) -> Option<Digest> {
    let mut words = text.split_whitespace();
    let digest = digest_of(words.next()?)?;
    words.next().is_none().then_some(digest)
}

fn digest_of(text: &str) -> Option<Digest> {
    Digest::parse(&text.to_ascii_lowercase())
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
                Progress::Lost(said(cause))
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
        let said = Command::new("sha256sum").arg(&path).output().unwrap().stdout;
        assert!(said.starts_with(digest.as_str().as_bytes()));
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
    fn checksum_files_of_every_shape_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::new("a b.dump");
        let digest = Digest::of(b"it");
        let other = Digest::of(b"other");
        let write = |file: &str, text: String| fs::write(dir.path().join(file), text).unwrap();
        let found = || beside(dir.path(), name);
        assert_eq!(found(), None);
        write("SHA256SUMS", format!("{other}  else.dump\n"));
        assert_eq!(found(), None);
        for line in
            [format!("{digest}  a b.dump"), format!("{digest} *./x/a b.dump"), format!("SHA256 (a b.dump) = {digest}")]
        {
            write("SHA256SUMS", format!("{other}  else.dump\n{line}\r\n"));
            assert_eq!(found().unwrap().digest, Ok(digest.clone()), "{line}");
        }
        for text in [format!("{digest}\n"), digest.as_str().to_uppercase(), format!("{digest}  a b.dump\n")] {
            write("a b.dump.sha256", text.clone());
            let found = found().unwrap();
            assert_eq!((found.digest, found.file), (Ok(digest.clone()), dir.path().join("a b.dump.sha256")), "{text}");
        }
        for text in [String::new(), "words".to_owned(), format!("{digest}  another.dump\n"), "0".repeat(63)] {
            write("a b.dump.sha256", text.clone());
            assert_eq!(found().unwrap().digest, Err("no SHA-256 in it".to_owned()), "{text}");
        }
    }
}
