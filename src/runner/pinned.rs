//! Pins the files that an act runs and reads: their identity as shown, compared again right before they are executed.
//!
//! ```text
//! preview ─▶ frozen set: device, inode, size, mtime, SHA-256
//! hold    ─▶ opens the path, compares, and executes that descriptor (a native program), or the path (a script)
//! ```
//! A native program begins with the ELF magic. Any other executable file is read by an interpreter, which opens the path
//! once more; so a script is refused where others than root and the run's user could replace it.

mod shebang;

use crate::config::trust;
use crate::domain::ids::Hasher;
use crate::domain::{Digest, Error, Kind, Wall, quantity};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The largest program whose content is hashed; a larger one is known by its device, inode, size, mtime and ctime.
pub const LARGEST_PROGRAM: u64 = 256 << 20;

/// The largest file named in the arguments whose content is hashed.
pub const LARGEST_ARGUMENT: u64 = 16 << 20;

/// How many arguments are checked for the names of files.
pub const MOST_ARGUMENTS: usize = 256;

/// How many bytes are hashed at once.
const CHUNK: usize = 256 << 10;

/// The first bytes of a native program (elf(5)).
const ELF: &[u8] = b"\x7fELF";

/// The identity of a file when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Its device.
    pub dev: u64,
    /// Its inode.
    pub ino: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When its content changed last, in seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// When its inode changed last; stored only without a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctime: Option<(i64, i64)>,
    /// The digest of its content; none if it is too large, or may not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Whether it kept changing during the prompt, so that only its device and inode are compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restless: bool,
}

impl FileIdentity {
    /// The identity of a regular file.
    ///
    /// # Errors
    /// As `open(2)` and `read(2)`, or when it is no regular file.
    pub fn of(path: &Path, largest: u64) -> io::Result<Self> {
        Self::opened(path, largest).map(|(found, _)| found)
    }

    /// Like [`Self::of`], with the descriptor that was looked at. A file that may be executed and not read is opened
    /// by `O_PATH`.
    fn opened(path: &Path, largest: u64) -> io::Result<(Self, OwnedFd)> {
        // Opened only if it is a regular file: opening a device or a pipe may have effects.
        let before = fs::metadata(path)?;
        if !before.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::ACCESS) => {
                rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map(|fd| (fd, false))
            }
            opened => opened.map(|fd| (fd, true)),
        };
        let (fd, readable) = opened?;
        let file = File::from(fd);
        let seen = file.metadata()?;
        if !seen.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let sha256 = if readable && seen.len() <= largest { Some(digest(&file)?) } else { None };
        let identity = Self {
            path: path.to_owned(),
            dev: seen.dev(),
            ino: seen.ino(),
            size: seen.size(),
            mtime: (seen.mtime(), seen.mtime_nsec()),
            ctime: sha256.is_none().then(|| (seen.ctime(), seen.ctime_nsec())),
            sha256,
            restless: false,
        };
        Ok((identity, OwnedFd::from(file)))
    }

    /// The identity without the content, which changes all the time.
    fn without_content(self) -> Self {
        Self { size: 0, mtime: (0, 0), ctime: None, sha256: None, restless: true, ..self }
    }

    /// Opens the path again and compares; returns the descriptor of the same file.
    ///
    /// # Errors
    /// A sentence: what changed, or why it cannot be opened.
    pub fn open_same(&self) -> Result<OwnedFd, String> {
        let largest = if self.sha256.is_some() { u64::MAX } else { 0 };
        let opened = Self::opened(&self.path, largest);
        let (now, fd) = opened.map_err(|cause| format!("{}: {cause}", self.path.display()))?;
        // A file that has become readable is compared by what was known of it.
        let now = Self { sha256: now.sha256.filter(|_| self.sha256.is_some()), ..now };
        match self.changes(&now) {
            None => Ok(fd),
            Some(what) => Err(what),
        }
    }

    /// What differs in a later look, in a sentence; `None` if the file and its content are the same.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Option<String> {
        let path = self.path.display();
        if (self.dev, self.ino) != (now.dev, now.ino) {
            return Some(format!("{path} is another file than the one shown"));
        }
        let content = match (&self.sha256, &now.sha256) {
            (Some(shown), Some(found)) => shown != found,
            (None, None) => self.ctime != now.ctime,
            _ => true,
        };
        if self.restless {
            return None;
        }
        let touched = (self.size, self.mtime) != (now.size, now.mtime);
        (content || touched).then(|| format!("{path} has changed since it was shown"))
    }

    /// Its identity, for people: `sha256 5891b5b522d5…, 1.2 kB, inode 4711, modified 2026-11-30T12:41:16Z`.
    #[must_use]
    pub fn shown(&self) -> String {
        let digest = self.sha256.as_ref().map_or_else(String::new, |digest| format!("sha256 {}…, ", digest.short()));
        let (size, modified) = (quantity::bytes(self.size), Wall::from_unix(self.mtime.0, 0).0);
        format!("{digest}{size}, inode {}, modified {modified}", self.ino)
    }

    fn native(&self, fd: &OwnedFd) -> bool {
        let mut magic = [0; 4];
        // The descriptor is not copied: out of descriptors, a program would be taken for a script.
        match rustix::io::pread(fd, &mut magic, 0) {
            Ok(count) => count == magic.len() && magic == ELF,
            // An unreadable file cannot be a script: its interpreter could not read it either.
            Err(_) => self.sha256.is_none(),
        }
    }
}

/// The digest of a whole file, read from its beginning.
fn digest(file: &File) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => {
                hasher.update(buffer.get(..count).unwrap_or_default());
                at += count as u64;
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// The files that an act runs and reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The program.
    pub program: FileIdentity,
    /// Whether an interpreter reads it, so that it is executed by its path.
    pub interpreted: bool,
    /// Its interpreter where it has one, and the files that its arguments name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileIdentity>,
}

/// A program about to be started, with what decides which files are run and read.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The file to execute.
    pub program: &'a Path,
    /// Its arguments, the program's name first.
    pub argv: &'a [String],
    /// Its working directory.
    pub cwd: &'a Path,
    /// Its `PATH`.
    pub search: &'a str,
    /// Files of its arguments that change all the time, so that their content is not compared.
    pub restless: &'a [PathBuf],
}

/// How a pinned program is executed.
pub enum Executable {
    /// By the descriptor that was compared.
    Descriptor(OwnedFd),
    /// By its path, for an interpreter.
    Path(PathBuf),
}

impl Pinned {
    /// Looks at a program, its interpreters, and the files that its arguments name.
    ///
    /// # Errors
    /// When the program cannot be looked at; of kind refused where it is a script that others could replace.
    pub fn of(start: &Start<'_>) -> Result<Self, Error> {
        let program = start.program;
        let doing = || format!("look at {}", program.display());
        let (identity, fd) =
            FileIdentity::opened(program, LARGEST_PROGRAM).map_err(|cause| Error::machine(doing(), cause))?;
        let interpreted = !identity.native(&fd);
        let mut files = Vec::new();
        if interpreted {
            refuse_loose(program)?;
            for path in shebang::interpreters(&fd, start) {
                let found = if_there(&path, LARGEST_PROGRAM);
                files.extend(found.map_err(|cause| Error::machine(doing(), cause))?);
            }
        }
        let found = arguments(start);
        files.extend(found.map_err(|cause| Error::machine(doing(), cause))?);
        Ok(Self { program: identity, interpreted, files })
    }

    /// Compares all files with what is there now, and returns what to execute.
    ///
    /// # Errors
    /// A sentence: what changed, or why it cannot be opened.
    pub fn open(&self) -> Result<Executable, String> {
        for file in &self.files {
            file.open_same()?;
        }
        let fd = self.program.open_same()?;
        if !self.interpreted {
            return Ok(Executable::Descriptor(fd));
        }
        refuse_loose(&self.program.path).map_err(|refusal| refusal.message)?;
        Ok(Executable::Path(self.program.path.clone()))
    }

    /// What differs in a later look, one line each.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut lines: Vec<String> = self.program.changes(&now.program).into_iter().collect();
        if self.program.path != now.program.path {
            lines.insert(0, format!("the program is {} now", now.program.path.display()));
        }
        for file in &self.files {
            match now.files.iter().find(|other| other.path == file.path) {
                Some(other) => lines.extend(file.changes(other)),
                None => lines.push(format!("{} is no regular file any more", file.path.display())),
            }
        }
        let new = now.files.iter().filter(|file| !self.files.iter().any(|other| other.path == file.path));
        lines.extend(new.map(|file| format!("{} is there now", file.path.display())));
        lines
    }

    /// The files of the arguments that differ in a later look.
    pub fn changed_arguments<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = &'a Path> {
        let same = |file: &&FileIdentity| now.files.iter().any(|other| file.changes(other).is_none());
        self.files.iter().filter(move |file| !same(file)).map(|file| file.path.as_path())
    }

    /// The files whose content is not compared: too large, or changing all the time.
    pub fn unhashed(&self) -> impl Iterator<Item = &FileIdentity> {
        std::iter::once(&self.program).chain(&self.files).filter(|file| file.sha256.is_none())
    }
}

/// Refuses a script that another user could replace between two looks.
fn refuse_loose(path: &Path) -> Result<(), Error> {
    trust::check(path).map_err(|loose| {
        let message = format!("{} is a script, and {loose}", path.display());
        let refused = Error::new(Kind::Refused, message);
        loose.command.iter().fold(refused, |refused, command| refused.hint(format!("close it: {command}")))
    })
}

/// The regular files that arguments name: by themselves, after the first `=`, or right behind the letter of an option (`-fFILE`).
fn arguments(start: &Start<'_>) -> io::Result<Vec<FileIdentity>> {
    let mut files: Vec<FileIdentity> = Vec::new();
    for word in start.argv.iter().skip(1).take(MOST_ARGUMENTS) {
        for path in named(word, start.cwd) {
            let moves = start.restless.contains(&path);
            let found = if_there(&path, if moves { 0 } else { LARGEST_ARGUMENT })?;
            let found = found.map(|file| if moves { file.without_content() } else { file });
            files.extend(found.filter(|file| !files.iter().any(|known| known.path == file.path)));
        }
    }
    Ok(files)
}

/// The paths that one argument may name.
pub fn named(word: &str, cwd: &Path) -> impl Iterator<Item = PathBuf> {
    let value = word.split_once('=').map(|(_, value)| value);
    let behind = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')).and_then(|rest| {
        let mut letters = rest.chars();
        letters.next().map(|_| letters.as_str())
    });
    let names = std::iter::once(word).chain(value).chain(behind).filter(|name| !name.is_empty());
    names.map(|name| cwd.join(name))
}

/// The identity of a regular file; none if there is no such file, or it may not be opened. A lack of descriptors or
/// memory in this process is an error.
fn if_there(path: &Path, largest: u64) -> io::Result<Option<FileIdentity>> {
    const OURS: [Errno; 3] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    match FileIdentity::of(path, largest) {
        Ok(found) => Ok(Some(found)),
        Err(cause) if Errno::from_io_error(&cause).is_some_and(|errno| OURS.contains(&errno)) => Err(cause),
        Err(_) => Ok(None),
    }
}

/// Checks that a file for an interpreter has this content.
///
/// # Errors
/// As `read(2)`, or when it holds something else.
pub fn holds(path: &Path, text: &str) -> io::Result<FileIdentity> {
    let mut found = String::new();
    let (identity, fd) = FileIdentity::opened(path, LARGEST_ARGUMENT)?;
    File::from(fd).take(text.len() as u64 + 1).read_to_string(&mut found)?;
    if found != text {
        return Err(io::Error::other(format!("{} holds something else", path.display())));
    }
    Ok(identity)
}

#[cfg(test)]
mod tests;
