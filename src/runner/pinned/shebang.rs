//! The interpreters of a script: the program in its first line, and the program that `env` starts.

use super::Start;
use rustix::fs::{Access, access};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many bytes of a script's first line the kernel reads (execve(2)).
const FIRST_LINE: usize = 255;

/// The long name of the option that splits a string into arguments (env(1)).
const SPLIT: &[u8] = b"--split-string=";

/// Where a program without a `PATH` is searched (execvp(3), confstr(3)).
const NO_PATH: &str = "/bin:/usr/bin";

/// The interpreter that a script's first line names, and the program that it finds where it is `env`.
pub(super) fn interpreters(fd: &OwnedFd, start: &Start<'_>) -> Vec<PathBuf> {
    let mut first = vec![0; FIRST_LINE];
    let count = rustix::io::pread(fd, &mut first, 0).unwrap_or(0);
    let line = first.get(..count).and_then(|first| first.strip_prefix(b"#!")).unwrap_or_default();
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(named) = words.next().map(|word| PathBuf::from(OsStr::from_bytes(word))) else { return Vec::new() };
    let is_env = named.file_name().is_some_and(|name| name == "env");
    let found = is_env.then(|| found_by_env(words, start)).flatten();
    std::iter::once(named).chain(found).collect()
}

/// The program that `env` starts: the first word that is neither an option, nor the value of one, nor a variable. A
/// bare name is searched in the `PATH` that these words set.
fn found_by_env<'a>(mut words: impl Iterator<Item = &'a [u8]>, start: &Start<'_>) -> Option<PathBuf> {
    let mut search = start.search.as_bytes();
    while let Some(word) = words.next() {
        let word = match word {
            b"-" | b"-i" | b"--ignore-environment" => {
                search = NO_PATH.as_bytes();
                continue;
            }
            b"-C" | b"--chdir" => {
                words.next();
                continue;
            }
            b"-u" | b"--unset" => {
                if words.next() == Some(b"PATH") {
                    search = NO_PATH.as_bytes();
                }
                continue;
            }
            b"-uPATH" | b"--unset=PATH" => {
                search = NO_PATH.as_bytes();
                continue;
            }
            [b'-', b'S', word @ ..] if !word.is_empty() => word,
            word if word.starts_with(SPLIT) => word.strip_prefix(SPLIT).unwrap_or_default(),
            [b'-', ..] => continue,
            word => word,
        };
        if let Some(given) = word.strip_prefix(b"PATH=") {
            search = given;
        } else if !word.contains(&b'=') {
            return in_path(Path::new(OsStr::from_bytes(word)), search, start.cwd);
        }
    }
    None
}

/// A program as execvp(3) finds it: a name with a slash is a path, and an empty directory is the working directory.
fn in_path(name: &Path, search: &[u8], cwd: &Path) -> Option<PathBuf> {
    if name.as_os_str().as_bytes().contains(&b'/') {
        return Some(cwd.join(name));
    }
    let mut found = search.split(|byte| *byte == b':').map(|dir| cwd.join(OsStr::from_bytes(dir)).join(name));
    found.find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}
