//! Whether a program could be started now.

use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::exec::{Spec, resolve};
use crate::runner::adapters::rehearse::Rehearsed;
use rustix::fs::{Access, access};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many bytes of a script's first line are read: as many as the kernel reads (execve(2)).
const FIRST_LINE: u64 = 255;

/// Checks the program, the interpreter of a script, and the working directory.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    let spec: Spec = match common::spec(undo) {
        Ok(spec) => spec,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    let Some(name) = spec.argv.first() else { return Rehearsed::NotPossible("no program is named".to_owned()) };
    if name.contains("{{") {
        return Rehearsed::Unknown(format!("which program it is, only the run knows: {name}"));
    }
    let path = match resolve(name) {
        Ok(path) => path,
        Err(error) => return Rehearsed::NotPossible(error.message),
    };
    if let Some(why) = no_interpreter(&path) {
        return Rehearsed::NotPossible(why);
    }
    if let Some(why) = no_directory(&spec.cwd) {
        return Rehearsed::NotPossible(why);
    }
    Rehearsed::Possible(format!("{} can be executed", path.display()))
}

/// Why a directory cannot be used as working directory; the run creates its own.
pub(in super::super) fn no_directory(cwd: &str) -> Option<String> {
    let path = Path::new(cwd);
    if cwd.starts_with("{{run.dir}}") {
        None
    } else if !path.is_dir() {
        Some(format!("{cwd} is no directory to work in"))
    } else {
        access(path, Access::EXEC_OK).is_err().then(|| format!("this user may not enter {cwd}"))
    }
}

/// Why a script's interpreter cannot be started; none if the file is not a script, or the interpreter can be started.
fn no_interpreter(path: &Path) -> Option<String> {
    let mut first = Vec::new();
    File::open(path).ok()?.take(FIRST_LINE).read_to_end(&mut first).ok()?;
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let name = line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?;
    let interpreter = Path::new(std::ffi::OsStr::from_bytes(name));
    let runs = interpreter.is_file() && access(interpreter, Access::EXEC_OK).is_ok();
    let shown = interpreter.display();
    (!runs).then(|| format!("{} needs {shown}, which is not there or cannot be executed", path.display()))
}
