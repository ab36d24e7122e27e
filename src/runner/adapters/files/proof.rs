//! Whether the effect on a frozen set is present.

use crate::domain::Error;
use crate::domain::quantity::count;
use crate::procedure::adapters::Purpose;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Had, Head, Name};
use crate::runner::adapters::files::permissions::Grant;
use crate::runner::adapters::files::{Op, Spec, gz, handles, permissions};
use crate::runner::adapters::frozen;
use crate::runner::adapters::{self as common, Proof};
use rustix::io::Errno;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};

/// The file at a path now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    TheFile,
    Another,
    Unreadable,
}

/// Looks at every file of the set.
pub(in super::super) fn prove(action: &Action, set: &mut dyn BufRead, cancel: &AtomicBool) -> Proof {
    match judge(action, set, cancel) {
        Ok(proof) => proof,
        Err(error) => Proof::Unclear(error.message),
    }
}

fn judge(action: &Action, set: &mut dyn BufRead, cancel: &AtomicBool) -> Result<Proof, Error> {
    let spec: Spec = common::spec(action)?;
    let (head, files) = frozen::whole::<Head>(set)?;
    if head.root != spec.root || spec.op.purpose().0 != Purpose::Prove {
        return Err(common::not_a_set("it belongs to another action"));
    }
    let root = Root::open(&spec.root)?;
    if root.ino != head.ino {
        // An unmounted root is empty, but that proves no deletion.
        return Err(Error::machine(
            format_args!("look below {}", spec.root),
            "it is another directory than the one shown",
        ));
    }
    let grant = spec.grant.as_ref().map(Grant::numbered).transpose()?;
    let (mut done, mut undone) = (0_u64, 0_u64);
    for file in &files {
        if cancel.load(Ordering::Relaxed) {
            return Ok(Proof::Unclear("stopped".to_owned()));
        }
        if matches!(spec.op, Op::Rotated | Op::Archived | Op::Granted) {
            match is_done(&spec, &root, file, grant.as_ref(), cancel) {
                Some(true) => done += 1,
                Some(false) => undone += 1,
                None => {}
            }
            continue;
        }
        let here = at(&root, &file.name, file);
        match (spec.op, here, &file.to) {
            (Op::Gone, There::Nothing, _) => done += 1,
            (Op::Arrived, There::Nothing, Some(to)) if at(&root, to, file) == There::TheFile => done += 1,
            (_, There::TheFile, _) => undone += 1,
            _ => {}
        }
    }
    let all = files.len() as u64;
    let rest = if spec.op == Op::Granted { "as before" } else { "still at their place" };
    let mut text = format!("{} of {} {}, {} {rest}", count(done), count(all), spec.op.word(), count(undone));
    if spec.op == Op::Rotated
        && done > 0
        && let Some(holder) = handles::writers(&files).holder
    {
        text.push_str(&format!("; {holder} still writes into an old log"));
        return Ok(Proof::Unclear(text));
    }
    Ok(match (done == all, undone == all) {
        (true, _) => Proof::Done(text),
        (_, true) => Proof::NotDone(text),
        _ => Proof::Unclear(text),
    })
}

/// Whether the effect on one file is present; `None` if it is partly present.
fn is_done(spec: &Spec, root: &Root, file: &Frozen, grant: Option<&Grant>, cancel: &AtomicBool) -> Option<bool> {
    let look = |place: &Name| {
        let (parent, name) = split(&place.0);
        root.directory(parent).and_then(|directory| look_at(&directory, name))
    };
    let here = look(&file.name);
    match spec.op {
        Op::Granted => {
            let here = here.ok()?;
            match permissions::is_granted(file, grant, &here)? {
                true => Some(true),
                false => (file.had == Some(Had::of(&here))).then_some(false),
            }
        }
        Op::Rotated => match (here, look(file.to.as_ref()?)) {
            (Ok(here), Ok(there)) if file.is_same_inode(&there) && !file.is_same_inode(&here) => Some(true),
            (Ok(here), _) if file.is_same_inode(&here) => Some(false),
            _ => None,
        },
        _ => {
            let (far, new) = split(&file.to.as_ref()?.0);
            let archive = root.directory(far).and_then(|directory| beneath::open_file(&directory, new));
            match (here, archive) {
                (Err(Errno::NOENT), Ok(open)) => {
                    let whole = gz::digest(&open, true, cancel).is_ok_and(|(length, _)| length == file.size);
                    whole.then_some(true)
                }
                (Ok(here), Err(Errno::NOENT)) if file.is_same_file(&here) => Some(false),
                _ => None,
            }
        }
    }
}

fn at(root: &Root, place: &Name, file: &Frozen) -> There {
    let (parent, name) = split(&place.0);
    let Ok(directory) = root.directory(parent) else { return There::Unreadable };
    match look_at(&directory, name) {
        Ok(stat) if file.is_same_file(&stat) => There::TheFile,
        Ok(_) => There::Another,
        Err(Errno::NOENT) => There::Nothing,
        Err(_) => There::Unreadable,
    }
}
