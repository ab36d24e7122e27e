//! Reads the files that people write, and refuses anything else.

use crate::config::patience;
use crate::config::reader::{LARGEST_FILE, Place, Problem};
use crate::config::trust;
use crate::domain::error::system_text;
use crate::domain::{Error, Kind, quantity};
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a whole text file; `what` names it in messages (`the estate file`).
///
/// # Errors
/// Anything but a readable regular file of UTF-8 text, neither empty nor larger than [`LARGEST_FILE`]. A FIFO or a device
/// is refused without waiting for it.
pub fn read_text(path: &Path, what: &str) -> Result<String, Error> {
    patience::at(path, || text(path, what))
}

fn text(path: &Path, what: &str) -> Result<String, Error> {
    let refuse = |why: String| Error::new(Kind::Usage, format!("cannot read {what} {}: {why}", path.display()));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let mut file = File::from(opened.map_err(|cause| refuse(system_text(cause)))?);
    let found = rustix::fs::fstat(&file).map_err(|cause| refuse(system_text(cause)))?;
    let kind = FileType::from_raw_mode(found.st_mode);
    if kind != FileType::RegularFile {
        return Err(no_file(path, what, kind));
    }
    let size = u64::try_from(found.st_size).unwrap_or(0);
    let too_large = |size: u64| {
        let (size, most) = (quantity::bytes(size), quantity::bytes(LARGEST_FILE));
        refuse(format!("it has {size}, and {most} is the most that is read"))
    };
    if size > LARGEST_FILE {
        return Err(too_large(size));
    }
    let mut bytes = Vec::new();
    let read = file.by_ref().take(LARGEST_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|cause| refuse(system_text(cause)))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    let text = text_of(bytes).map_err(refuse)?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    Ok(text)
}

/// The same of a file that Midwatch acts by: refused where others than root and this user can change it.
///
/// # Errors
/// Kind `Usage` with the place, its owner and mode, and the command that closes it; else as [`read_text`].
pub fn read_trusted(path: &Path, what: &str) -> Result<String, Error> {
    trust::check(path).map_err(|loose| match (loose.odd, &loose.command) {
        (Some(kind), _) => no_file(path, what, kind),
        (None, command) => {
            let refused = Error::new(Kind::Usage, format!("cannot use {what} {}: {loose}", path.display()));
            command.iter().fold(refused, |refused, command| refused.hint(command))
        }
    })?;
    read_text(path, what)
}

/// What to say of something else in a file's place.
fn no_file(path: &Path, what: &str, kind: FileType) -> Error {
    let message = format!("cannot read {what} {}: it is {}, not a file", path.display(), kind_word(kind));
    Error::new(Kind::Usage, message).hint("give the path of a TOML file")
}

/// Takes bytes as text, or says where they are none.
pub(crate) fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    let not_text = |before: &[u8]| {
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Err(format!("line {line} is not UTF-8 text"))
    };
    match String::from_utf8(bytes) {
        Ok(text) => match text.split_once('\0') {
            Some((before, _)) => not_text(before.as_bytes()),
            None => Ok(text),
        },
        Err(error) => {
            let end = error.utf8_error().valid_up_to();
            not_text(error.as_bytes().get(..end).unwrap_or_default())
        }
    }
}

/// What something in the file system is, with its article.
pub(crate) fn kind_word(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        _ => "of an unknown kind",
    }
}

/// One error with every problem of a file, a line each.
#[must_use]
pub fn refused(what: &str, path: &Path, problems: &[Problem]) -> Error {
    let count = quantity::counted(problems.len() as u64, "problem", "problems");
    let mut message = format!("cannot use {what} {}: {count}", path.display());
    for problem in problems {
        message.push_str(&format!("\n  {problem}"));
    }
    Error::new(Kind::Usage, message)
}

/// A file's failure to be read, as a problem of its first line.
#[must_use]
pub fn problem_of(path: &Path, error: Error) -> Problem {
    Problem {
        file: path.to_owned(),
        place: Place { line: 1, column: 1 },
        message: error.message,
        hint: error.hints.into_iter().next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, mkfifoat};
    use std::fs;

    fn reason(path: &Path) -> String {
        read_text(path, "the estate file").unwrap_err().message.replace(&path.display().to_string(), "FILE")
    }

    #[test]
    fn anything_but_a_text_file_is_refused_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(reason(&at("missing")).starts_with("cannot read the estate file FILE: no such file"));
        assert_eq!(reason(dir.path()), "cannot read the estate file FILE: it is a directory, not a file");
        mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(reason(&at("fifo")), "cannot read the estate file FILE: it is a FIFO, not a file");
        assert!(reason(Path::new("/dev/zero")).ends_with("it is a character device, not a file"));
        fs::write(at("empty"), "\u{feff} \n\n").unwrap();
        assert!(reason(&at("empty")).ends_with("it is empty"));
        fs::write(at("binary"), b"a = 1\nb = \xff\xfe").unwrap();
        assert!(reason(&at("binary")).ends_with("line 2 is not UTF-8 text"));
        fs::write(at("nul"), b"a = 1\n\n\0\0").unwrap();
        assert!(reason(&at("nul")).ends_with("line 3 is not UTF-8 text"));
        let large = File::create(at("large")).unwrap();
        large.set_len(100_000_000).unwrap();
        assert!(reason(&at("large")).ends_with("it has 95 MiB, and 4.0 MiB is the most that is read"));
        // Says no size, and holds more than a little: what is read counts, not what is claimed.
        assert!(read_text(Path::new("/proc/self/status"), "the file").is_ok());
    }
}
