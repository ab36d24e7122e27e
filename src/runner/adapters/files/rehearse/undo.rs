//! Whether a rotation, an archiving or new permissions could be undone now: checked by a preview of the act, and by
//! the rights to every directory and every file that it would touch.

use crate::domain::quantity::{bytes, counted};
use crate::domain::{EffectClass, Error};
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::Look;
use crate::runner::adapters::files::beneath::{Root, split};
use crate::runner::adapters::files::frozen::{Frozen, Name};
use crate::runner::adapters::files::rehearse::{reached, refused};
use crate::runner::adapters::files::{Op, Spec, look, permissions};
use crate::runner::adapters::rehearse::Rehearsed;
use rustix::fs::fstatvfs;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long the preview may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Previews the act, and checks what its undo needs.
pub(super) fn rehearse(of: &Action, act: &Spec) -> Rehearsed {
    let files = match touched(of) {
        Ok(files) => files,
        Err(error) => return Rehearsed::Unknown(format!("what it would undo cannot be seen: {}", error.message)),
    };
    let root = match Root::open(&act.root) {
        Ok(root) => root,
        Err(error) => return Rehearsed::NotPossible(error.message),
    };
    let parent = |name: &Name| split(&name.0).0.to_vec();
    let under = act.select.as_ref().map(|select| select.under.clone().into_bytes()).unwrap_or_default();
    let mut directories: BTreeSet<Vec<u8>> = files.iter().map(|file| parent(&file.name)).collect();
    directories.insert(under.clone());
    if act.op == Op::Archive {
        directories.extend(files.iter().filter_map(|file| file.to.as_ref()).map(parent));
        directories.extend(act.to.clone().map(String::into_bytes));
    }
    // Restoring a mode needs no right to its directory, only a writable file system.
    let names = act.op != Op::Permissions;
    for path in &directories {
        if let Some(answer) = closed(&root, path, names) {
            return answer;
        }
    }
    let answer = match act.op {
        Op::Archive => lacks_space(&root, &under, &files),
        Op::Permissions => act.grant.as_ref().and_then(|grant| permissions::not_restorable(&files, grant)),
        _ => None,
    };
    if let Some(why) = answer {
        return Rehearsed::NotPossible(why);
    }
    Rehearsed::Possible(describe(act, &files, directories.len()))
}

/// The files that the act would touch now.
fn touched(of: &Action) -> Result<Vec<Frozen>, Error> {
    let look = Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: String::new(),
        effect: EffectClass::Change,
        now: clock::now().wall,
        deadline: Instant::now() + PATIENCE,
        restless: Vec::new(),
    };
    let mut set = Vec::new();
    look::preview(of, &look, &mut set)?;
    let lines = set.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|cause| Error::machine("read the set", cause))).collect()
}

/// Why a directory cannot be changed, or names in it cannot be created and removed.
fn closed(root: &Root, path: &[u8], names: bool) -> Option<Rehearsed> {
    let path = String::from_utf8_lossy(path);
    match reached(root, &path) {
        Ok((directory, _)) => refused(&directory, &path, names),
        Err(answer) => Some(answer),
    }
}

/// Why the files do not fit where they would be unpacked.
fn lacks_space(root: &Root, under: &[u8], files: &[Frozen]) -> Option<String> {
    let needed = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let space = fstatvfs(root.directory(under).ok()?).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let short = space.f_blocks > 0 && free < needed;
    short.then(|| format!("unpacked they take {}, and {} are free", bytes(needed), bytes(free)))
}

fn describe(act: &Spec, files: &[Frozen], directories: usize) -> String {
    let files = match files.len() as u64 {
        0 => "no file matches now".to_owned(),
        count => counted(count, "file", "files"),
    };
    let directories = counted(directories as u64, "directory", "directories");
    match (act.op, &act.reopen) {
        (Op::Permissions, _) => format!("{files}; this user may give them back what they have"),
        (_, Some(reopen)) => format!("{files} in {directories} that can be written; then: {reopen}"),
        _ => format!("{files} in {directories} that can be written"),
    }
}
