//! Secrets by reference: an estate names where one lies, and its value is read when it is needed.

use crate::config::file::kind_word;
use crate::config::paths::Surroundings;
use crate::config::redis_url;
use crate::domain::error::system_text;
use crate::domain::quantity;
use rustix::fs::{FileType, Mode, OFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The largest secret, in bytes: a token or a key fits many times over.
const LARGEST: u64 = 64 << 10;

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file, without the line end it may close with; refused where others may read it.
    File(PathBuf),
    /// A variable of Midwatch's own environment.
    Env(String),
    /// The password in a Redis URL that is a variable of Midwatch's own environment; no file can name this place.
    EnvUrl(String),
}

impl fmt::Display for SecretPlace {
    /// `file /etc/midwatch/pg.secret`, `variable PG`: never the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(variable) => write!(f, "variable {variable}"),
            Self::EnvUrl(variable) => write!(f, "URL in the variable {variable}"),
        }
    }
}

/// The secrets of an estate by name; their places, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Each name with its place.
    pub places: BTreeMap<String, SecretPlace>,
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Every value that this process has held: what a service says of them is masked before it is recorded.
static HELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// How many values are remembered; an estate has a few.
const MOST_HELD: usize = 4096;

/// The values of all secrets that this process has held so far.
#[must_use]
pub fn held() -> Vec<Vec<u8>> {
    HELD.lock().map(|held| held.iter().map(|value| value.clone().into_bytes()).collect()).unwrap_or_default()
}

impl Secret {
    /// Keeps a value, which is masked from now on in all that this process records.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let secret = Self(value.into());
        if let Ok(mut held) = HELD.lock()
            && held.len() < MOST_HELD
        {
            held.insert(secret.0.clone());
        }
        secret
    }

    /// A value of the estate file itself, which may be named.
    #[must_use]
    pub fn open(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Secrets {
    /// Reads a secret's value.
    ///
    /// # Errors
    /// A sentence with the secret's name and its place: it is not named, or its place cannot be read, holds nothing, or is
    /// open to others. Never with the value.
    pub fn read(&self, name: &str, around: &Surroundings) -> Result<Secret, String> {
        let place = self.places.get(name).ok_or_else(|| format!("there is no secret {}", name.escape_debug()))?;
        let value = match place {
            SecretPlace::Env(variable) => of_variable(variable, around),
            SecretPlace::EnvUrl(variable) => of_variable(variable, around).and_then(|url| {
                redis_url::part(&url)?.password.map(|secret| secret.0).ok_or_else(|| "no password is in it".to_owned())
            }),
            SecretPlace::File(path) => of_file(path),
        };
        value.map(Secret::new).map_err(|why| format!("secret {name}: {place}: {why}"))
    }
}

fn of_variable(variable: &str, around: &Surroundings) -> Result<String, String> {
    let missing = || if around.has(variable) { "it is set, but empty" } else { "it is not set" };
    let value = around.get(variable).ok_or_else(missing)?;
    value.to_str().map(str::to_owned).ok_or_else(|| "it is not UTF-8 text".to_owned())
}

/// Reads a file that none but its owner may open, as `ssh` and libpq demand it of theirs.
fn of_file(path: &Path) -> Result<String, String> {
    let describe = |cause: rustix::io::Errno| system_text(cause);
    // Non-blocking: it may be a FIFO.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(describe)?);
    let found = rustix::fs::fstat(&file).map_err(describe)?;
    let kind = FileType::from_raw_mode(found.st_mode);
    if kind != FileType::RegularFile {
        return Err(format!("it is {}, not a file", kind_word(kind)));
    }
    let mode = found.st_mode & 0o7777;
    if mode & 0o077 != 0 {
        return Err(format!("it is open to others (mode {mode:04o}): chmod 600"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(system_text)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it has more than {}", quantity::bytes(LARGEST)));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() { Err("it is empty".to_owned()) } else { Ok(value.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn secrets(place: SecretPlace) -> Secrets {
        Secrets { places: BTreeMap::from([("pg".to_owned(), place)]) }
    }

    fn around(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    /// A file of this mode; the directory goes with the handle.
    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pg.secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn read_file(content: &[u8], mode: u32) -> Result<String, String> {
        let (_dir, path) = file(content, mode);
        let read = secrets(SecretPlace::File(path.clone())).read("pg", &around(&[]));
        read.map(|secret| secret.expose().to_owned()).map_err(|why| why.replace(&path.display().to_string(), "PLACE"))
    }

    #[test]
    fn one_line_end_is_not_of_the_value() {
        let cases: [(&[u8], &str); 5] =
            [(b"s", "s"), (b"s\n", "s"), (b"s\r\n", "s"), (b" s \n\n", " s \n"), (b"s\r", "s\r")];
        for (content, value) in cases {
            assert_eq!(read_file(content, 0o600).as_deref(), Ok(value));
        }
        assert_eq!(read_file(b"s", 0o400).as_deref(), Ok("s"));
    }

    #[test]
    fn what_is_refused_names_the_place_and_never_the_value() {
        let large = vec![b's'; 64 * 1024 + 1];
        let cases: [(&[u8], u32, &str); 7] = [
            (b"hunter2", 0o640, "it is open to others (mode 0640): chmod 600"),
            (b"hunter2", 0o604, "it is open to others (mode 0604): chmod 600"),
            (b"hunter2", 0o610, "it is open to others (mode 0610): chmod 600"),
            (b"", 0o600, "it is empty"),
            (b"\r\n", 0o600, "it is empty"),
            (b"hunter2\xff", 0o600, "it is not UTF-8 text"),
            (&large, 0o600, "it has more than 64 KiB"),
        ];
        for (content, mode, why) in cases {
            assert_eq!(read_file(content, mode), Err(format!("secret pg: file PLACE: {why}")));
        }
        assert_eq!(read_file(&large[1..], 0o600).map(|value| value.len()), Ok(64 * 1024));
    }

    #[test]
    fn only_a_file_is_read_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).unwrap();
        let cases = [
            (fifo, "it is a FIFO, not a file"),
            (dir.path().to_owned(), "it is a directory, not a file"),
            (dir.path().join("none"), "no such file or directory"),
        ];
        for (path, why) in cases {
            let read = secrets(SecretPlace::File(path.clone())).read("pg", &around(&[]));
            assert_eq!(read.unwrap_err(), format!("secret pg: file {}: {why}", path.display()));
        }
    }

    #[test]
    fn variables_are_read_whole_or_not_at_all() {
        let read = |place, variables: &[(&str, &str)]| secrets(place).read("pg", &around(variables));
        let env = || SecretPlace::Env("PG".to_owned());
        let url = || SecretPlace::EnvUrl("REDIS_URL".to_owned());
        assert_eq!(read(env(), &[("PG", " hunter2\n")]).unwrap().expose(), " hunter2\n");
        assert_eq!(read(env(), &[("PG", "")]).unwrap_err(), "secret pg: variable PG: it is set, but empty");
        assert_eq!(read(env(), &[]).unwrap_err(), "secret pg: variable PG: it is not set");
        let why = read(url(), &[("REDIS_URL", "")]).unwrap_err();
        assert_eq!(why, "secret pg: URL in the variable REDIS_URL: it is set, but empty");
        assert_eq!(read(url(), &[("REDIS_URL", "redis://:hunter%402@h/")]).unwrap().expose(), "hunter@2");
        let why = read(url(), &[("REDIS_URL", "redis://h/")]).unwrap_err();
        assert_eq!(why, "secret pg: URL in the variable REDIS_URL: no password is in it");
        let why = read(url(), &[("REDIS_URL", "rdis://:hunter2@h/")]).unwrap_err();
        assert!(why.contains("must begin with redis://") && !why.contains("hunter2"), "{why}");
        assert_eq!(secrets(env()).read("gp", &around(&[])).unwrap_err(), "there is no secret gp");
    }

    #[test]
    fn nothing_shows_a_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "(secret)");
        let around = around(&[("PG", "hunter2")]);
        assert!(!format!("{around:?}").contains("hunter2") && format!("{around:?}").contains("PG"));
    }
}
