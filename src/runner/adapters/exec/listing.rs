//! The text of a program that is a script: what a person must be able to read before it runs.

use crate::domain::Listing;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The longest script that is shown, in bytes; of a longer one its size is said.
const LONGEST: u64 = 64 << 10;

/// Interpreters whose first argument without a dash names the script that they run.
const INTERPRETERS: [&str; 8] = ["sh", "bash", "dash", "ksh", "zsh", "perl", "python3", "ruby"];

/// What a program's file turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// No script: there is no text to read.
    None,
    /// A script, whole.
    Whole(Listing),
    /// A script of so many bytes, which is too long to be shown, or holds bytes that are no text.
    TooLong(String, u64),
}

/// The script that a program is, or that it is given to run: a file with an interpreter line, or the file named first to an
/// interpreter.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn of(program: &Path, argv: &[String]) -> io::Result<Text> {
    // A bare name is a program that the system installed, whatever it is written in.
    let is_named_by_path = argv.first().is_some_and(|name| name.contains('/'));
    let own = if is_named_by_path { read(program, true)? } else { Text::None };
    let name = program.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    if own != Text::None || !INTERPRETERS.contains(&name) {
        return Ok(own);
    }
    let mut rest = argv.iter().skip(1);
    match rest.find(|argument| !argument.starts_with('-')).map(Path::new) {
        Some(script) if script.is_absolute() && script.is_file() => read(script, false),
        _ => Ok(Text::None),
    }
}

/// Reads a script; with `marked`, only a file that begins with an interpreter line is one.
fn read(path: &Path, marked: bool) -> io::Result<Text> {
    let file = match File::open(path) {
        // A program that may be run and not read has no text for anybody to see.
        Err(cause) if marked && cause.kind() == io::ErrorKind::PermissionDenied => return Ok(Text::None),
        opened => opened?,
    };
    let size = file.metadata()?.size();
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if marked && !bytes.starts_with(b"#!") {
        return Ok(Text::None);
    }
    let name = path.display().to_string();
    let whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST);
    Ok(match String::from_utf8(bytes) {
        Ok(text) if whole => Text::Whole(Listing { name, text }),
        _ => Text::TooLong(name, size),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_script_is_shown_whole_and_a_program_has_no_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prog");
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let script = "#!/bin/sh\necho one\nrm -rf /srv/old\n";
        fs::write(&path, script).unwrap();
        let name = path.display().to_string();
        let whole = |text: &str| Text::Whole(Listing { name: name.clone(), text: text.to_owned() });
        assert_eq!(of(&path, &argv(&[&name])).unwrap(), whole(script));
        fs::write(&path, b"\x7fELF\0").unwrap();
        assert_eq!(of(&path, &argv(&[&name])).unwrap(), Text::None);
        // A file that is handed to an interpreter is a script, whatever its first line.
        fs::write(&path, "echo two\n").unwrap();
        assert_eq!(of(Path::new("/bin/bash"), &argv(&["bash", "-e", &name, "x"])).unwrap(), whole("echo two\n"));
        assert_eq!(of(Path::new("/bin/ls"), &argv(&["ls", &name])).unwrap(), Text::None);
        let long = "#".repeat(70 << 10);
        fs::write(&path, &long).unwrap();
        assert_eq!(of(Path::new("/bin/sh"), &argv(&["sh", &name])).unwrap(), Text::TooLong(name.clone(), 70 << 10));
    }
}
