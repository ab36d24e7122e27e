//! Opens what must be a plain file, and never waits for what is none: a FIFO, a device or a link may lie in a file's place.

use crate::config::file::kind_word;
use crate::config::patience::{Reading, at};
use crate::domain::{Error, Kind, quantity};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a plain file for reading.
///
/// # Errors
/// As `open(2)`; what is there instead, where it is no plain file or a link.
pub fn open(path: &Path) -> io::Result<File> {
    at(path, || open_with(path, OFlags::RDONLY))
}

/// Opens a plain file for appending, and makes it where there is none.
///
/// # Errors
/// As [`open`].
pub fn append(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)
}

fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file"));
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(odd("a symbolic link")),
        // A FIFO without a reader, a socket.
        Err(Errno::NXIO) => return Err(odd(kind_word(kind_of(path)))),
        Err(cause) => return Err(cause.into()),
    };
    match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(file),
        kind => Err(odd(kind_word(kind))),
    }
}

fn kind_of(path: &Path) -> FileType {
    rustix::fs::lstat(path).map_or(FileType::Unknown, |found| FileType::from_raw_mode(found.st_mode))
}

/// Reads a plain file of at most `limit` bytes.
///
/// # Errors
/// As [`open`] and `read(2)`, or when it is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Reading::of(path, open(path)?).take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// Refuses a plain file of more than `limit` bytes without reading it.
///
/// # Errors
/// As [`open`] and `fstat(2)`, or when it is larger.
pub fn open_bounded(path: &Path, limit: u64) -> io::Result<File> {
    let file = open(path)?;
    if at(path, || file.metadata())?.len() > limit {
        return Err(too_large(limit));
    }
    Ok(file)
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {}", quantity::bytes(limit)))
}

/// Whether it failed because something else is in the file's place, and not for lack of rights, descriptors or a working disk.
#[must_use]
pub fn is_odd(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::InvalidInput
}

/// Why a file of a run cannot be read, as an error: kind `Damaged` where something else is in its place.
#[must_use]
pub fn unreadable(path: &Path, cause: &io::Error) -> Error {
    let kind = if is_odd(cause) { Kind::Damaged } else { Kind::Machine };
    Error::machine(format_args!("read {}", path.display()), cause).of_kind(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::net::UnixListener;

    #[test]
    fn what_is_no_plain_file_is_refused_without_waiting_and_without_reading() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, place("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::os::unix::fs::symlink("/dev/zero", place("link")).unwrap();
        fs::create_dir(place("dir")).unwrap();
        let _socket = UnixListener::bind(place("socket")).unwrap();
        fs::write(place("file"), "12345").unwrap();
        for (name, why) in [
            ("fifo", "it is a FIFO, not a file"),
            ("link", "it is a symbolic link, not a file"),
            ("dir", "it is a directory, not a file"),
            ("socket", "it is a socket, not a file"),
        ] {
            assert_eq!(open(&place(name)).unwrap_err().to_string(), why);
            assert_eq!(read(&place(name), 9).unwrap_err().to_string(), why);
            assert!(append(&place(name)).is_err(), "{name}");
        }
        assert!(open(Path::new("/dev/zero")).unwrap_err().to_string().ends_with(", not a file"));
        assert_eq!(read(&place("file"), 5).unwrap(), b"12345");
        assert_eq!(read(&place("file"), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(open_bounded(&place("file"), 5).is_ok());
        assert_eq!(open_bounded(&place("file"), 4).unwrap_err().to_string(), "it is larger than 4 B");
    }
}
