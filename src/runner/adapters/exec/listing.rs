//! The text of a script, so that a person can read it before it runs.

use crate::domain::quantity::{bytes, count};
use crate::domain::{Digest, Error, Kind, Listing};
use crate::runner::adapters::Program;
use crate::runner::pinned::Pinned;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest script that is shown, in bytes and in lines; a longer one is refused with its size.
const LONGEST: u64 = 256 << 10;
const MOST_LINES: usize = 20_000;

/// Interpreters that read a script from a file, each with the letters of its options that take code from the
/// arguments.
const INTERPRETERS: [(&str, &[char]); 12] = [
    ("ash", &['c']),
    ("bash", &['c']),
    ("dash", &['c']),
    ("fish", &['c']),
    ("ksh", &['c']),
    ("node", &['e', 'p']),
    ("perl", &['e', 'E']),
    ("php", &['r']),
    ("python", &['c', 'm']),
    ("ruby", &['e']),
    ("sh", &['c']),
    ("zsh", &['c']),
];

/// The script that a program is, or that it is given to run: a file with an interpreter line, or the first file given
/// to an interpreter. Its content is the frozen one.
///
/// # Errors
/// When the file cannot be read or changed since it was frozen; of kind refused where it is too long to be shown.
pub(super) fn of(pinned: &Pinned, argv: &[String], cwd: &Path) -> Result<Option<Listing>, Error> {
    let program = &pinned.program.path;
    // A bare name is an installed program, in any language.
    let is_named_by_path = argv.first().is_some_and(|name| name.contains('/'));
    if is_named_by_path && let Some(content) = read(program, true)? {
        return shown(pinned, program, &content).map(Some);
    }
    let Some(script) = handed_to(program, argv, cwd) else { return Ok(None) };
    match read(&script, false)? {
        Some(content) => shown(pinned, &script, &content).map(Some),
        None => Ok(None),
    }
}

/// The option letters by which an interpreter takes code from its arguments; none for another program.
fn code_letters(program: &Path) -> Option<&'static [char]> {
    let name = program.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    // `python3.11` is a python.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.into_iter().find(|(known, _)| *known == name).map(|(_, code)| code)
}

/// Whether an argument is an option with code.
fn brings_code(argument: &str, code: &[char]) -> bool {
    argument.strip_prefix('-').filter(|rest| !rest.starts_with('-')).is_some_and(|letters| letters.contains(code))
}

/// Whether an interpreter gets code in its arguments.
pub(super) fn has_code(program: &Path, argv: &[String]) -> bool {
    code_letters(program).is_some_and(|code| argv.iter().skip(1).any(|argument| brings_code(argument, code)))
}

/// Whether a program is an interpreter that reads a script from a file.
pub(in super::super) fn is_interpreter(program: &Path) -> bool {
    code_letters(program).is_some()
}

/// The file that a program gets to run, if it is an interpreter.
pub(in super::super) fn handed(program: &Program) -> Option<PathBuf> {
    handed_to(&program.path, &program.argv, &program.cwd)
}

/// The file that an interpreter gets: the first file argument, unless the code itself is an argument.
fn handed_to(program: &Path, argv: &[String], cwd: &Path) -> Option<PathBuf> {
    let code = code_letters(program)?;
    for argument in argv.iter().skip(1) {
        if brings_code(argument, code) {
            return None;
        }
        let path = cwd.join(argument);
        if !argument.starts_with('-') && path.is_file() {
            return Some(path);
        }
    }
    None
}

/// Reads a script; with `marked`, only a file with an interpreter line counts.
fn read(path: &Path, marked: bool) -> Result<Option<Vec<u8>>, Error> {
    let failed = |cause: io::Error| Error::machine(format_args!("read {}", path.display()), cause);
    let file = match File::open(path) {
        // A program that may be run and not read has no text to show.
        Err(cause) if marked && cause.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let size = file.metadata().map_err(failed)?.size();
    let mut content = Vec::new();
    let mut file = file.take(LONGEST + 1);
    if marked {
        file.by_ref().take(2).read_to_end(&mut content).map_err(failed)?;
        if content != b"#!" {
            return Ok(None);
        }
    }
    file.read_to_end(&mut content).map_err(failed)?;
    let (length, lines) = (content.len() as u64, content.iter().filter(|byte| **byte == b'\n').count());
    if length > LONGEST || lines > MOST_LINES {
        let (is, most) = (bytes(size.max(length)), bytes(LONGEST));
        let lines = if length > LONGEST { String::new() } else { format!(" in {} lines", count(lines as u64)) };
        let message = format!(
            "cannot show the script {}: it has {is}{lines}, and at most {most} in {} lines are shown",
            path.display(),
            count(MOST_LINES as u64)
        );
        let hint = "a person confirms a script by its text: call it by its bare name from a short script, or make it a program";
        return Err(Error::new(Kind::Refused, message).hint(hint));
    }
    Ok(Some(content))
}

/// The content as text, if it is the frozen content. Bytes that are not text are shown by their numbers.
fn shown(pinned: &Pinned, path: &Path, content: &[u8]) -> Result<Listing, Error> {
    let frozen = std::iter::once(&pinned.program).chain(&pinned.files).find(|file| file.path == path);
    // The content of a file that keeps changing is not frozen; the prompt shows that.
    let same = match frozen {
        Some(file) => file.sha256.as_ref().map_or(file.restless, |frozen| *frozen == Digest::of(content)),
        None => false,
    };
    if !same {
        let doing = format_args!("read {}", path.display()).to_string();
        return Err(Error::machine(doing, "it changed while it was looked at, so that another text would be shown"));
    }
    let mut text = String::with_capacity(content.len());
    for chunk in content.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Ok(Listing { name: path.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::pinned::Start;
    use std::fs;

    fn pinned(program: &Path, argv: &[String], cwd: &Path) -> Pinned {
        let start = Start { program, argv, cwd, search: "", restless: &[] };
        Pinned::of(&start).unwrap()
    }

    struct Script {
        dir: tempfile::TempDir,
    }

    impl Script {
        fn new(content: &[u8]) -> Self {
            let script = Self { dir: tempfile::tempdir().unwrap() };
            fs::write(script.path(), content).unwrap();
            script
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("prog")
        }

        fn seen(&self, program: &Path, words: &[&str]) -> Result<Option<Listing>, Error> {
            let argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            of(&pinned(program, &argv, self.dir.path()), &argv, self.dir.path())
        }

        fn whole(&self, text: &str) -> Option<Listing> {
            Some(Listing { name: self.path().display().to_string(), text: text.to_owned() })
        }
    }

    #[test]
    fn a_script_is_shown_whole_and_a_program_has_no_text() {
        let text = "#!/bin/sh\necho one\nrm -rf /srv/old\n";
        let script = Script::new(text.as_bytes());
        let path = script.path();
        let name = path.display().to_string();
        assert_eq!(script.seen(&path, &[&name]).unwrap(), script.whole(text));
        fs::write(&path, b"\x7fELF\0").unwrap();
        assert_eq!(script.seen(&path, &[&name]).unwrap(), None);
        // A file given to an interpreter is a script, with any first line, in any place.
        fs::write(&path, "echo two\n").unwrap();
        let bash = Path::new("/bin/bash");
        for words in [
            ["bash", "-e", &name, "x"],
            ["bash", "-o", "pipefail", &name],
            ["bash", "-e", "prog", "x"],
            ["bash", "--norc", "-eu", "prog"],
        ] {
            assert_eq!(script.seen(bash, &words).unwrap(), script.whole("echo two\n"), "{words:?}");
        }
        assert_eq!(script.seen(bash, &["bash", "-ec", "true", &name]).unwrap(), None, "the code is an argument");
        assert_eq!(script.seen(Path::new("/bin/ls"), &["ls", &name]).unwrap(), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_by_their_numbers() {
        let script = Script::new(b"#!/bin/sh\necho caf\xe9 \xff\n");
        let seen = script.seen(&script.path(), &[&script.path().display().to_string()]).unwrap();
        assert_eq!(seen, script.whole("#!/bin/sh\necho caf\\xe9 \\xff\n"));
    }

    #[test]
    fn what_is_too_long_to_be_shown_is_refused_with_its_size() {
        for (content, size) in [("#".repeat(300 << 10), "it has 300 KiB,"), ("\n".repeat(30_000), "in 30,000 lines,")] {
            let script = Script::new(content.as_bytes());
            let error = script.seen(Path::new("/bin/sh"), &["sh", "prog"]).unwrap_err();
            assert!(error.kind == Kind::Refused && error.message.contains(size), "{error:?}");
        }
    }

    #[test]
    fn another_text_than_the_frozen_one_is_not_shown() {
        let script = Script::new(b"echo one\n");
        let argv = ["sh", "prog"].map(str::to_owned);
        let pinned = pinned(Path::new("/bin/sh"), &argv, script.dir.path());
        fs::write(script.path(), "echo two\n").unwrap();
        let error = of(&pinned, &argv, script.dir.path()).unwrap_err();
        assert!(error.message.contains("it changed while it was looked at"), "{error:?}");
    }
}
