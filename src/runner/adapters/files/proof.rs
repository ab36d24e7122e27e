//! Asks whether the effect on a frozen set is there.

use crate::domain::Error;
use crate::domain::quantity::count;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{Root, look_at, split};
use crate::runner::adapters::files::frozen::{self, Frozen, Name};
use crate::runner::adapters::files::{Op, Spec};
use crate::runner::adapters::{self as common, Proof};
use rustix::io::Errno;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};

/// What stands at a place now.
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
    let (head, files) = frozen::whole(set)?;
    if head.root != spec.root || !matches!(spec.op, Op::Gone | Op::Arrived) {
        return Err(common::not_a_set("it belongs to another action"));
    }
    let root = Root::open(&spec.root)?;
    if root.ino != head.ino {
        // An unmounted root is empty, and nothing is gone.
        return Err(Error::machine(
            format_args!("look below {}", spec.root),
            "it is another directory than the one shown",
        ));
    }
    let (mut done, mut undone) = (0_u64, 0_u64);
    for file in &files {
        if cancel.load(Ordering::Relaxed) {
            return Ok(Proof::Unclear("stopped".to_owned()));
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
    let word = if spec.op == Op::Gone { "gone" } else { "arrived" };
    let told = format!("{} of {} {word}, {} still at their place", count(done), count(all), count(undone));
    Ok(match (done == all, undone == all) {
        (true, _) => Proof::Done(told),
        (_, true) => Proof::NotDone(told),
        _ => Proof::Unclear(told),
    })
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
