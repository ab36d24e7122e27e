//! The worker: processes one frozen file at a time: deletes, moves, and moves back.

use crate::domain::Error;
use crate::domain::quantity::{bytes, count};
use crate::journal::record::Ending;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Head, Name};
use crate::runner::adapters::files::{Op, Spec, newest, permissions, rotate, scan, verify};
use crate::runner::adapters::frozen;
use crate::runner::adapters::tally::{Came, Tally};
use crate::runner::adapters::{self as common, ActEnd};
use crate::runner::failpoint;
use rustix::fs::{AtFlags, Mode, RenameFlags, fstat, fsync, renameat_with, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// The worker: the root, and the two directories that were opened last.
pub(super) struct Worker {
    pub(super) root: Root,
    pub(super) source: Option<Reached>,
    pub(super) target: Option<Reached>,
}

/// A directory held open, and whether a name in it changed.
pub(super) struct Reached {
    path: Vec<u8>,
    pub(super) fd: OwnedFd,
    pub(super) touched: bool,
}

/// Carries the action out on its set.
pub(in super::super) fn act(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) if spec.op == Op::Newest => return newest::act(action, &spec, out),
        Ok(spec) if spec.op == Op::Verify => return verify::act(action, &spec, out, cancel),
        Ok(spec) if spec.op == Op::Scan => return scan::act(action, &spec, out, cancel),
        spec => spec,
    };
    let ready = spec.and_then(|spec| {
        let (head, files) = frozen::whole::<Head>(set)?;
        let root = fitting_root(&spec, &head)?;
        let grant = spec.grant.as_ref().map(permissions::Grant::numbered).transpose()?;
        Ok((spec, grant, head, files, Worker { root, source: None, target: None }))
    });
    let (spec, grant, head, files, worker) = match ready {
        Ok(ready) => ready,
        Err(error) => return ActEnd::new(Ending::Failed, format!("nothing was touched: {}", error.message)),
    };
    let go =
        |done: &str, one: &mut dyn FnMut(&mut Worker, &Frozen) -> Came| each(worker, &files, done, out, cancel, one);
    let end = match (spec.op, head.op) {
        (Op::List, _) => return list(&files, out, cancel),
        (Op::Delete, _) => go("deleted", &mut Worker::delete),
        (Op::Move, _) => go("moved", &mut Worker::carry),
        (Op::Rotate, _) => go("rotated", &mut Worker::rotate),
        (Op::Archive, _) => go("archived", &mut |worker, file| worker.archive(file, cancel)),
        (Op::Permissions, _) => go("set", &mut |worker, file| worker.grant(file, grant.as_ref())),
        (Op::Restore, Op::Rotate) => go("restored", &mut Worker::rotate_back),
        (Op::Restore, Op::Archive) => go("restored", &mut |worker, file| worker.unpack(file, cancel)),
        (Op::Restore, Op::Permissions) => go("restored", &mut |worker, file| worker.grant_back(file, grant.as_ref())),
        (Op::Restore, _) => go("restored", &mut Worker::carry_back),
        _ => return ActEnd::new(Ending::Failed, "nothing was touched: a proof does not act"),
    };
    match &spec.reopen {
        None => end,
        Some(reopen) => rotate::signal(reopen, (spec.op == Op::Rotate).then_some(files.as_slice()), end, out),
    }
}

/// Opens the root of a set, and refuses one that the action does not fit.
///
/// An undo may run after a restart, which may change the root's device number; the files' own identity must still
/// match.
fn fitting_root(spec: &Spec, head: &Head) -> Result<Root, Error> {
    let fits = if spec.op == Op::Restore { Op::UNDOABLE.contains(&head.op) } else { spec.op == head.op };
    if !fits || head.root != spec.root {
        return Err(common::not_a_set("it belongs to another action"));
    }
    let root = Root::open(&spec.root)?;
    if root.ino != head.ino || (spec.op != Op::Restore && root.dev != head.dev) {
        return Err(Error::machine(
            format_args!("work below {}", spec.root),
            "it is another directory than the one shown",
        ));
    }
    Ok(root)
}

fn list(files: &[Frozen], out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    for file in files {
        if cancel.load(Ordering::Relaxed) {
            return ActEnd::new(Ending::Cancelled, "stopped");
        }
        if let Err(cause) =
            writeln!(out, "{:>9}  {}  {}", bytes(file.size), file.modified().minute(), file.name.shown())
        {
            return ActEnd::new(Ending::Failed, format!("cannot report: {cause}"));
        }
    }
    let mut end = ActEnd::new(Ending::Ok, format!("listed {}", count(files.len() as u64)));
    end.counts.insert("listed".to_owned(), files.len() as u64);
    end
}

/// Processes the files of the set one after another.
fn each(
    mut worker: Worker,
    files: &[Frozen],
    done: &str,
    out: &mut dyn Write,
    cancel: &AtomicBool,
    one: &mut dyn FnMut(&mut Worker, &Frozen) -> Came,
) -> ActEnd {
    // An undo that leaves a file behind has failed.
    let mut tally = Tally::of(done, files.len() as u64, out).needs_all(done == "restored");
    for file in files {
        let came = if cancel.load(Ordering::Relaxed) {
            Came::Stopped
        } else {
            failpoint::pass("act.item");
            one(&mut worker, file)
        };
        if !tally.count(&file.name.shown(), file.size, came) {
            break;
        }
    }
    let synced = worker.finish();
    let mut end = tally.end();
    if let Err(cause) = synced {
        end.ending = Ending::Failed;
        end.detail.push_str(&format!("; the directory could not be synced: {cause}"));
    }
    end
}

/// The result for a file whose directory could not be opened.
pub(super) fn unreached(cause: Errno) -> Came {
    match cause {
        Errno::NOENT => Came::Already,
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::AGAIN => Came::LeftAlone(beneath::why(cause)),
        other => Came::Failed(other.to_string()),
    }
}

/// Opens a directory, unless it is the last one opened; syncs the previous one.
pub(super) fn reach<'a>(
    slot: &'a mut Option<Reached>,
    path: &[u8],
    open: impl FnOnce() -> Result<OwnedFd, Errno>,
) -> Result<&'a mut Reached, Errno> {
    if slot.as_ref().is_none_or(|reached| reached.path != path) {
        if let Some(left) = slot.take() {
            left.sync()?;
        }
        *slot = Some(Reached { path: path.to_vec(), fd: open()?, touched: false });
    }
    slot.as_mut().ok_or(Errno::NOENT)
}

impl Reached {
    fn sync(&self) -> Result<(), Errno> {
        if self.touched { fsync(&self.fd) } else { Ok(()) }
    }
}

impl Worker {
    fn delete(&mut self, file: &Frozen) -> Came {
        let (parent, name) = split(&file.name.0);
        let Self { root, source, .. } = self;
        let directory = match reach(source, parent, || root.directory(parent)) {
            Ok(directory) => directory,
            Err(cause) => return unreached(cause),
        };
        match look_at(&directory.fd, name) {
            Err(Errno::NOENT) => return Came::Already,
            Err(cause) => return Came::Failed(cause.to_string()),
            Ok(stat) if !file.is(&stat) => return Came::LeftAlone("it changed since it was frozen".to_owned()),
            Ok(_) => {}
        }
        match unlinkat(&directory.fd, OsStr::from_bytes(name), AtFlags::empty()) {
            Ok(()) => directory.touched = true,
            Err(Errno::NOENT) => return Came::Already,
            Err(cause) => return Came::Failed(cause.to_string()),
        }
        Came::Done
    }

    fn carry(&mut self, file: &Frozen) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new place".to_owned()) };
        match self.shift(&file.name, to, |stat| file.is(stat)) {
            // Missing at its old path and present at the new one: an earlier attempt moved it.
            Came::Already if self.is_at(to, file) => Came::Already,
            Came::Already => Came::LeftAlone("it is no longer there".to_owned()),
            came => came,
        }
    }

    fn carry_back(&mut self, file: &Frozen) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new place".to_owned()) };
        if self.is_at(&file.name, file) {
            return Came::Already;
        }
        match self.shift(to, &file.name, |stat| file.is_same_file(stat)) {
            Came::Already => Came::LeftAlone("it is neither here nor there".to_owned()),
            came => came,
        }
    }

    /// Whether the frozen file is at a place.
    pub(super) fn is_at(&self, place: &Name, file: &Frozen) -> bool {
        let (parent, name) = split(&place.0);
        let seen = self.root.directory(parent).and_then(|directory| look_at(&directory, name));
        seen.is_ok_and(|stat| file.is_same_file(&stat))
    }

    /// Renames the right file, never over another; if it was the wrong one, renames it back.
    fn shift(&mut self, from: &Name, to: &Name, is: impl Fn(&rustix::fs::Stat) -> bool) -> Came {
        let ((from_parent, from_name), (to_parent, to_name)) = (split(&from.0), split(&to.0));
        let Self { root, source, target } = self;
        let source = match reach(source, from_parent, || root.directory(from_parent)) {
            Ok(source) => source,
            Err(cause) => return unreached(cause),
        };
        match look_at(&source.fd, from_name) {
            Err(Errno::NOENT) => return Came::Already,
            Err(cause) => return Came::Failed(cause.to_string()),
            Ok(stat) if !is(&stat) => return Came::LeftAlone("it changed since it was frozen".to_owned()),
            Ok(_) => {}
        }
        let mode = fstat(&source.fd).map_or(Mode::RWXU, |stat| Mode::from_raw_mode(stat.st_mode & 0o7777));
        let target = match reach(target, to_parent, || root.make_directory(to_parent, mode)) {
            Ok(target) => target,
            Err(Errno::NOENT) => return Came::Failed("the directory for it vanished".to_owned()),
            Err(cause) => return unreached(cause),
        };
        let (old, new) = (OsStr::from_bytes(from_name), OsStr::from_bytes(to_name));
        match renameat_with(&source.fd, old, &target.fd, new, RenameFlags::NOREPLACE) {
            Ok(()) => (source.touched, target.touched) = (true, true),
            Err(Errno::NOENT) => return Came::Already,
            Err(Errno::EXIST) => return Came::LeftAlone(format!("{} exists already", to.shown())),
            Err(cause) => return Came::Failed(cause.to_string()),
        }
        if look_at(&target.fd, to_name).is_ok_and(|stat| is(&stat)) {
            return Came::Done;
        }
        match renameat_with(&target.fd, new, &source.fd, old, RenameFlags::NOREPLACE) {
            Ok(()) => Came::LeftAlone("it changed while it was moved".to_owned()),
            Err(cause) => Came::Failed(format!("it changed while it was moved, and cannot go back: {cause}")),
        }
    }

    /// Syncs what is still open.
    fn finish(self) -> Result<(), Errno> {
        self.source.iter().chain(&self.target).try_for_each(Reached::sync)
    }
}
