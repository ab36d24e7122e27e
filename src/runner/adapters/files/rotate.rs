//! `rotate`: gives a growing log another name, and puts an empty file in its place at the same moment.
//!
//! The empty file gets the owner, the mode, the ACL and every other attribute of the log, and both exchange their
//! names in one call (renameat2(2), `RENAME_EXCHANGE`), so that the log exists at every moment. A writer that has the
//! old file open keeps writing to it until it reopens the log, so no line is lost. The writer is notified through
//! systemd, by its unit: with a signal that its main process handles, or with a reload. Copying and truncating would
//! lose the lines written in between.

use crate::config::reader::{Problems, Table, Value};
use crate::domain::{Error, Kind, Preview};
use crate::journal::record::Ending;
use crate::probes::units::bus::Bus;
use crate::probes::units::jobs;
use crate::runner::adapters::files::attributes::{self, Attributes};
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Had, Name};
use crate::runner::adapters::files::handles;
use crate::runner::adapters::files::worker::{Worker, reach, unreached};
use crate::runner::adapters::tally::Came;
use crate::runner::adapters::{ActEnd, Look, block};
use crate::runner::failpoint;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat, openat, renameat_with, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// Signals at which programs reopen their logs, with their numbers on Linux. Any other signal ends a program.
const SIGNALS: [(&str, i32); 3] = [("HUP", 1), ("USR1", 10), ("USR2", 12)];

/// How long a writer may take to close the old log.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often that is checked.
const GLANCE: Duration = Duration::from_millis(50);

/// How the writer is made to reopen its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reopen {
    /// A signal to the main process of a unit.
    Signal { unit: String, signal: String },
    /// A reload of a unit.
    Reload { unit: String },
    /// Nothing to do: it opens the log for each line.
    EachLine,
}

impl fmt::Display for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { unit, signal } => write!(f, "send {signal} to {unit}"),
            Self::Reload { unit } => write!(f, "reload {unit}"),
            Self::EachLine => f.write_str("notify no writer (it opens the log for each line)"),
        }
    }
}

/// Reads `reopen`.
pub(super) fn parse(table: &mut Table, problems: &mut Problems) -> Option<Reopen> {
    let at = table.place_of("reopen");
    let hint = "`{ unit = \"api.service\", signal = \"USR1\" }`, `{ unit = \"api.service\", reload = true }`, or \"each-line\"";
    let copying = "copying and truncating loses what is written in between";
    if table.entries.iter().any(|entry| entry.key == "copytruncate") {
        problems.add_with_hint(table.at, copying, hint);
        return None;
    }
    let mut inner = match table.take("reopen").map(|node| node.value) {
        Some(Value::Text(word)) if word == "each-line" => return Some(Reopen::EachLine),
        Some(Value::Text(word)) if word == "copytruncate" => {
            problems.add_with_hint(at, copying, hint);
            return None;
        }
        Some(Value::Table(inner)) => inner,
        _ => {
            problems.add_with_hint(at, "`reopen` must name how the writer is made to reopen its log", hint);
            return None;
        }
    };
    let unit_at = inner.place_of("unit");
    let unit = inner.required_text("unit", problems).filter(|name| {
        let sound = crate::runner::adapters::systemd::is_unit(name);
        if !sound {
            problems.add(unit_at, format!("\"{}\" is not the name of a unit", name.escape_debug()));
        }
        sound
    });
    let (signalled, reloaded) = (inner.has("signal"), inner.has("reload"));
    let signal = inner.parsed("signal", "HUP, USR1 or USR2", problems, |word| {
        SIGNALS.iter().find(|(name, _)| *name == word).map(|(name, _)| (*name).to_owned())
    });
    let reload = inner.bool("reload", problems).unwrap_or(false);
    inner.finish(problems);
    if signalled == reloaded || (reloaded && !reload) {
        problems.add_with_hint(at, "`reopen` needs either `signal` or `reload = true`", hint);
        return None;
    }
    let unit = unit?;
    if reload { Some(Reopen::Reload { unit }) } else { signal.map(|signal| Reopen::Signal { unit, signal }) }
}

/// The part of a rotated log's name between the log's own name and the number.
///
/// No other rotation tool takes such a name for its own: logrotate counts `.1` (the newest) to `.N`, which it
/// removes, and reads dates after `dateformat`; Python's handlers remove names that end in a date. Source:
/// logrotate(8), `dateext`.
const MARK: &[u8] = b".rotated-";

/// Gives each log its new name: the next number after all existing ones.
pub(super) fn destine(root: &Root, files: &mut [Frozen], look: &Look) -> Result<(), Error> {
    let mut parents: BTreeMap<Vec<u8>, Vec<(Vec<u8>, Stat)>> = BTreeMap::new();
    for file in files {
        look.in_time("look at the new names")?;
        let (parent, name) = split(&file.name.0);
        if !parents.contains_key(parent) {
            let shown = Name(parent.to_vec()).shown();
            let names = names(root, parent)
                .map_err(|cause| Error::machine(format_args!("look at {shown}"), beneath::why(cause)))?;
            parents.insert(parent.to_vec(), names);
        }
        let mut last = (0_u64, true);
        for (other, stat) in parents.get(parent).into_iter().flatten() {
            let Some(rest) = other.strip_prefix(name).and_then(|rest| rest.strip_prefix(MARK)) else { continue };
            let digits: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_digit).collect();
            let Some(number) = String::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok()) else {
                continue;
            };
            let is_bare = rest.iter().all(u8::is_ascii_digit);
            if number >= last.0 {
                last = (number, number > last.0 && is_bare && is_left_over(stat));
            }
        }
        let next = if last.1 && last.0 > 0 { Some(last.0) } else { last.0.checked_add(1) };
        let next = next.ok_or_else(|| {
            let shown = file.name.shown();
            Error::new(Kind::Refused, format!("cannot name a rotated {shown}: the number {} is taken", last.0))
                .hint("rename the file that ends in that number")
        })?;
        file.to = Some(Name([file.name.0.as_slice(), MARK, next.to_string().as_bytes()].concat()));
    }
    Ok(())
}

fn names(root: &Root, parent: &[u8]) -> Result<Vec<(Vec<u8>, Stat)>, Errno> {
    let directory = root.directory(parent)?;
    let mut found = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if !name.windows(MARK.len()).any(|part| part == MARK) {
            continue;
        }
        match look_at(&directory, &name) {
            Ok(stat) => found.push((name, stat)),
            Err(Errno::NOENT) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(found)
}

/// Whether a file may be the empty one that an interrupted attempt left.
fn is_left_over(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_size == 0 && stat.st_nlink == 1
}

/// Adds how the writer is notified, and refuses a notification that would do harm.
pub(super) fn preview_reopen(reopen: &Reopen, files: &[Frozen], preview: &mut Preview) -> Result<(), Error> {
    preview.facts.push(("then".to_owned(), reopen.to_string()));
    if files.is_empty() {
        return Ok(());
    }
    match reopen {
        Reopen::EachLine => match handles::writers(files).holder {
            None => Ok(()),
            Some(holder) => {
                let message = format!("cannot rotate: {holder} keeps a log open, and nothing would make it reopen it");
                Err(Error::new(Kind::Refused, message))
            }
        },
        Reopen::Signal { unit, .. } | Reopen::Reload { unit } => {
            let doing = format!("look at {unit}");
            let state = block::finish(&doing, async { jobs::state(&mut Bus::system(), unit).await })?;
            let state = state.map_err(|why| Error::machine(&doing, why))?;
            if !matches!(state.active.as_str(), "active" | "reloading") {
                return Err(Error::machine(&doing, format!("it is {}", state.active)));
            }
            if let Reopen::Signal { signal, .. } = reopen {
                return is_handled(unit, signal, state.main_pid, preview);
            }
            if state.can_reload == Some(false) {
                return Err(Error::machine(&doing, "it cannot be reloaded"));
            }
            Ok(())
        }
    }
}

/// Refuses a signal that the main process of a unit does not handle: it would end the process. Source:
/// proc_pid_status(5), `SigCgt`.
fn is_handled(unit: &str, signal: &str, pid: Option<u64>, preview: &mut Preview) -> Result<(), Error> {
    let doing = format!("look at {unit}");
    let pid = pid.filter(|pid| *pid > 0).ok_or_else(|| Error::machine(&doing, "it has no main process"))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    match caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        None => preview.warnings.push(format!("whether process {pid} handles {signal} is unknown")),
        Some(mask) if mask >> (number(signal) - 1) & 1 == 0 => {
            let message =
                format!("cannot send {signal} to {unit}: its main process {pid} does not handle it, and would end");
            return Err(Error::new(Kind::Refused, message));
        }
        Some(_) => {}
    }
    Ok(())
}

fn number(signal: &str) -> i32 {
    SIGNALS.iter().find(|(name, _)| *name == signal).map_or(1, |(_, number)| *number)
}

impl Worker {
    /// Exchanges the log with a new empty file.
    pub(super) fn rotate(&mut self, file: &Frozen) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new name".to_owned()) };
        let ((parent, name), (_, new)) = (split(&file.name.0), split(&to.0));
        let Self { root, source, .. } = self;
        let directory = match reach(source, parent, || root.directory(parent)) {
            Ok(directory) => directory,
            Err(cause) => return unreached(cause),
        };
        let log = match (look_at(&directory.fd, name), look_at(&directory.fd, new)) {
            (_, Ok(there)) if file.is_inode(&there) => return Came::Already,
            (Ok(other), _) if !file.is_inode(&other) => {
                return Came::LeftAlone("it is another file than the one shown".to_owned());
            }
            (Ok(log), Err(Errno::NOENT)) => log,
            (Ok(log), Ok(there)) if is_left_over(&there) => log,
            (Ok(_), Ok(_)) => return Came::LeftAlone(format!("{} exists already", to.shown())),
            (Err(Errno::NOENT), _) => return Came::LeftAlone("it is no longer there".to_owned()),
            (Err(cause), _) | (_, Err(cause)) => return Came::Failed(cause.to_string()),
        };
        if let Err(why) = make_empty(&directory.fd, name, new, &log) {
            return Came::Failed(why);
        }
        failpoint::pass("act.half");
        let (old, fresh) = (OsStr::from_bytes(name), OsStr::from_bytes(new));
        directory.touched = true;
        match renameat_with(&directory.fd, old, &directory.fd, fresh, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(cause) => {
                let _ = unlinkat(&directory.fd, fresh, AtFlags::empty());
                let why = if cause == Errno::INVAL {
                    "this file system cannot exchange two names".to_owned()
                } else {
                    cause.to_string()
                };
                return Came::Failed(why);
            }
        }
        if look_at(&directory.fd, new).is_ok_and(|stat| file.is_inode(&stat)) {
            return Came::Done;
        }
        match renameat_with(&directory.fd, old, &directory.fd, fresh, RenameFlags::EXCHANGE) {
            Ok(()) => Came::LeftAlone("it changed while it was rotated".to_owned()),
            Err(cause) => Came::Failed(format!("it changed while it was rotated, and cannot go back: {cause}")),
        }
    }

    /// Gives a log its name back; the lines written to the new one since are kept under the other name.
    pub(super) fn rotate_back(&mut self, file: &Frozen) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new name".to_owned()) };
        let ((parent, name), (_, new)) = (split(&file.name.0), split(&to.0));
        let Self { root, source, .. } = self;
        let directory = match reach(source, parent, || root.directory(parent)) {
            Ok(directory) => directory,
            Err(cause) => return unreached(cause),
        };
        let (old, fresh) = (OsStr::from_bytes(name), OsStr::from_bytes(new));
        match (look_at(&directory.fd, name), look_at(&directory.fd, new)) {
            (Ok(here), there) if file.is_same_inode(&here) => {
                // Interrupted between the two: the empty file is still there.
                if there.is_ok_and(|there| is_left_over(&there)) {
                    let _ = unlinkat(&directory.fd, fresh, AtFlags::empty());
                }
                return Came::Already;
            }
            (Ok(_), Ok(there)) if file.is_same_inode(&there) => {}
            (Err(Errno::NOENT), Ok(there)) if file.is_same_inode(&there) => {
                directory.touched = true;
                return match renameat_with(&directory.fd, fresh, &directory.fd, old, RenameFlags::NOREPLACE) {
                    Ok(()) => Came::Done,
                    Err(cause) => Came::Failed(cause.to_string()),
                };
            }
            _ => return Came::LeftAlone("it is neither here nor there".to_owned()),
        }
        directory.touched = true;
        if let Err(cause) = renameat_with(&directory.fd, old, &directory.fd, fresh, RenameFlags::EXCHANGE) {
            return Came::Failed(cause.to_string());
        }
        failpoint::pass("act.half");
        if look_at(&directory.fd, new).is_ok_and(|stat| is_left_over(&stat))
            && handles::of_name(&directory.fd, new).is_none()
        {
            let _ = unlinkat(&directory.fd, fresh, AtFlags::empty());
        }
        Came::Done
    }
}

/// Creates an empty file with all attributes of a log, durably, or takes the one that is left over.
fn make_empty(directory: &OwnedFd, log: &[u8], name: &[u8], stat: &Stat) -> Result<(), String> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let place = OsStr::from_bytes(name);
    let fd = match openat(directory, place, flags | OFlags::EXCL, Mode::RUSR | Mode::WUSR) {
        Err(Errno::EXIST) => openat(directory, place, flags, Mode::empty()),
        other => other,
    };
    let fresh = File::from(fd.map_err(|cause| cause.to_string())?);
    let made = beneath::hold(directory, log)
        .and_then(Attributes::of)
        .map_err(|cause| format!("its extended attributes cannot be read: {cause}"))
        .and_then(|attributes| attributes::settle(&fresh, Had::of(stat), &attributes));
    made.map_err(|why| {
        let _ = unlinkat(directory, place, AtFlags::empty());
        format!("the new log cannot be as the old one: {why}")
    })
}

/// Notifies the writer, waits until it has closed the old logs if there are `old` ones, and adds the result to the
/// end of the act.
pub(super) fn signal(reopen: &Reopen, old: Option<&[Frozen]>, mut end: ActEnd, out: &mut dyn Write) -> ActEnd {
    let rotated = |name: &str| end.counts.get(name).copied().unwrap_or(0);
    if rotated("rotated") + rotated("restored") + rotated("already") == 0 {
        return end;
    }
    let result = match reopen {
        Reopen::EachLine => Ok(Ok(())),
        other => block::finish("notify the writer", ask(other)),
    };
    let outcome = result.map_err(|error| error.message).and_then(|answer| answer);
    let _ = writeln!(out, "{reopen}: {}", outcome.as_ref().map_or_else(|why| why.as_str(), |()| "done"));
    if let Err(why) = outcome {
        end.ending = if end.ending == Ending::Ok { Ending::Failed } else { end.ending };
        end.detail.push_str(&format!("; the writer was not notified, and writes to the old log: {why}"));
        return end;
    }
    let Some(old) = old else { return end };
    let began = Instant::now();
    loop {
        let writers = handles::writers(old);
        match writers.holder {
            None => {
                let unseen = if writers.unseen > 0 { ", as far as can be seen" } else { "" };
                end.detail.push_str(&format!("; no writer is left{unseen}"));
                return end;
            }
            Some(holder) if began.elapsed() >= PATIENCE => {
                end.ending = if end.ending == Ending::Ok { Ending::Failed } else { end.ending };
                end.detail.push_str(&format!("; {holder} was notified, and still writes to the old log"));
                return end;
            }
            Some(_) => std::thread::sleep(GLANCE),
        }
    }
}

async fn ask(reopen: &Reopen) -> Result<(), String> {
    let mut bus = Bus::system();
    match reopen {
        Reopen::EachLine => Ok(()),
        Reopen::Signal { unit, signal } => {
            let body = (unit.as_str(), "main", number(signal));
            bus.manager::<_, ()>("KillUnit", &body).await.map_err(|trouble| trouble.words())
        }
        Reopen::Reload { unit } => {
            let mut job = jobs::begin(&mut bus, "ReloadUnit", unit).await.map_err(|trouble| trouble.words())?;
            match tokio::time::timeout(Duration::from_secs(60), job.over()).await {
                Ok(Some(result)) if result == "done" => Ok(()),
                Ok(Some(result)) => Err(format!("the reload is over: {result}")),
                Ok(None) => Err("the bus was lost".to_owned()),
                Err(_) => Err("the reload took too long".to_owned()),
            }
        }
    }
}
