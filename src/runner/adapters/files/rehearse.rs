//! Whether an operation on files could be undone now.

mod undo;

use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::files::beneath::{Root, split, why};
use crate::runner::adapters::files::{Op, Spec};
use crate::runner::adapters::rehearse::Rehearsed;
use rustix::fs::{Access, StatVfsMountFlags, accessat, fstatvfs};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Checks both ends of the move: the files would be moved back.
pub(in super::super) fn rehearse(undo: &Action, of: &Action) -> Rehearsed {
    let read = common::spec::<Spec>(undo).and_then(|undo| Ok((undo, common::spec::<Spec>(of)?)));
    let (undo, act) = match read {
        Ok(specs) => specs,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    let (Op::Restore, Some(select)) = (undo.op, &act.select) else {
        return Rehearsed::Unknown(format!("`{}` cannot be checked in advance", undo.op.word()));
    };
    let to = act.to.clone().unwrap_or_default();
    if [&act.root, &select.under, &to].iter().any(|path| path.contains("{{")) {
        return Rehearsed::Unknown("which directory it is, only the run knows".to_owned());
    }
    if act.op != Op::Move {
        return undo::rehearse(of, &act);
    }
    let root = match Root::open(&act.root) {
        Ok(root) => root,
        Err(error) => return Rehearsed::NotPossible(error.message),
    };
    let (back, _) = match reached(&root, &select.under) {
        Ok((directory, true)) => (directory, true),
        Ok((_, false)) => return Rehearsed::NotPossible(format!("{} is not there", shown(&select.under))),
        Err(answer) => return answer,
    };
    let (from, is_there) = match reached(&root, &to) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    for (directory, path) in [(&back, &select.under), (&from, &to)] {
        if let Some(answer) = refused(directory, path, true) {
            return answer;
        }
    }
    let made = if is_there { "" } else { ", which will be made," };
    Rehearsed::Possible(format!("{} and {}{made} can be written", shown(&select.under), shown(&to)))
}

/// The directory, or its nearest existing parent, and whether it is the directory itself.
fn reached(root: &Root, path: &str) -> Result<(OwnedFd, bool), Rehearsed> {
    let mut path = path.as_bytes();
    let mut is_it = true;
    loop {
        match root.directory(path) {
            Ok(directory) => return Ok((directory, is_it)),
            Err(Errno::NOENT) if !path.is_empty() => {
                (path, _) = split(path);
                is_it = false;
            }
            Err(cause) => {
                let path = String::from_utf8_lossy(path);
                let shown = shown(&path);
                let text = format!("{shown} cannot be entered: {}", why(cause));
                return Err(match cause {
                    Errno::IO | Errno::AGAIN | Errno::NOSYS => Rehearsed::Unknown(text),
                    _ => Rehearsed::NotPossible(text),
                });
            }
        }
    }
}

/// Why nothing can be changed in a directory; with `names`, also why names cannot be created and removed.
fn refused(directory: &OwnedFd, path: &str, names: bool) -> Option<Rehearsed> {
    let shown = shown(path);
    let space = match fstatvfs(directory) {
        Ok(space) => space,
        Err(cause) => return Some(Rehearsed::Unknown(format!("the file system of {shown} does not answer: {cause}"))),
    };
    if space.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some(Rehearsed::NotPossible(format!("the file system of {shown} is read-only")));
    }
    if !names {
        return None;
    }
    // A file system that reports no blocks (0 of 0) has no limit; a full one may not take a new name.
    if space.f_blocks > 0 && space.f_bavail == 0 {
        return Some(Rehearsed::NotPossible(format!("the file system of {shown} is full")));
    }
    let rights = Access::WRITE_OK | Access::EXEC_OK;
    match accessat(directory, c".", rights, rustix::fs::AtFlags::EACCESS) {
        Ok(()) => None,
        Err(cause) => Some(Rehearsed::NotPossible(format!("this user may not write in {shown}: {cause}"))),
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the root" } else { path }
}
