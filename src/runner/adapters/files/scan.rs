//! `scan`: searches for world-writable files, or for secrets in logs.
//!
//! ```toml
//! check = { files = "scan", for = "world-writable", under = ".", match = "*", recursive = true, allow = ["spool/*"] }
//! check = { files = "scan", for = "secrets", under = "logs", match = "*.log*", recursive = true, allow = ["logs/test.log"] }
//! ```
//!
//! A finding fails the check, except for paths below the root that a pattern in `allow` matches. An unreadable file,
//! a missing directory and a pattern without matches are unknown: nothing was searched. Compressed logs are searched
//! as well. A secret's value is never shown: a finding is a file, a line and the kind of the secret.

mod secrets;

use crate::config::reader::{Problems, Table};
use crate::domain::quantity::{count, counted};
use crate::domain::{EffectClass, Evidence, glob};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{self, Root, look_at, open_file};
use crate::runner::adapters::files::compressed::{self, Kind as Compressed};
use crate::runner::adapters::files::frozen::Name;
use crate::runner::adapters::files::gz::{self, Halt};
use crate::runner::adapters::files::{KEY, Op, Spec, read};
use crate::runner::adapters::{self as common, ActEnd};
use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many findings are listed, and how many are facts.
const MAX_LISTED: usize = 1000;
const MOST_FACTS: usize = 20;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum For {
    WorldWritable,
    Secrets,
}

/// What is searched for, and what is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    looks_for: For,
    allow: Vec<String>,
}

/// Reads the action.
pub(super) fn parse(mut table: Table, root: String, problems: &mut Problems) -> Option<Action> {
    if !table.has("for") {
        problems.add(table.at, "`for` is missing: world-writable or secrets");
    }
    let looks_for = table.parsed("for", "world-writable or secrets", problems, |word| match word {
        "world-writable" => Some(For::WorldWritable),
        "secrets" => Some(For::Secrets),
        _ => None,
    });
    let mut allow = Vec::new();
    for (at, text) in table.texts("allow", problems).unwrap_or_default() {
        if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| matches!(part, "." | "..")) {
            problems.add(at, "`allow` lists patterns of paths below `root`");
        }
        allow.push(text);
    }
    let select = read::select(Op::Scan, &mut table, problems);
    table.finish(problems);
    let (looks_for, select) = (looks_for?, select?);
    let what = match looks_for {
        For::WorldWritable => "nothing that all may write to",
        For::Secrets => "no secret",
    };
    let files = read::line(Op::Scan, &select, None);
    let line = format!("{what} in {}", files.strip_prefix("scan ").unwrap_or(&files));
    let scan = Some(Wanted { looks_for, allow });
    common::action(KEY, EffectClass::Read, line, &Spec { select: Some(select), scan, ..Spec::of(Op::Scan, root) })
}

/// The findings so far.
#[derive(Default)]
struct Found {
    /// Each finding in one line, without any secret.
    lines: Vec<String>,
    all: u64,
    allowed: u64,
    looked: u64,
    /// How many entries are mounts: they are not below the root.
    mounted: u64,
    /// Why something could not be read.
    unread: Vec<String>,
}

/// Searches, and judges.
pub(super) fn act(action: &Action, spec: &Spec, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let end = match looked(spec, cancel) {
        Ok(found) => judge(action, &found, out),
        Err(Halt::Stopped) => ActEnd::new(Ending::Cancelled, "stopped"),
        Err(Halt::Failed(why)) => ActEnd::unknown(why),
    };
    let _ = writeln!(out, "{}", end.detail.escape_debug());
    end
}

fn judge(action: &Action, found: &Found, out: &mut dyn Write) -> ActEnd {
    for line in &found.lines {
        let _ = writeln!(out, "{line}");
    }
    let more = found.all.saturating_sub(found.lines.len() as u64);
    if more > 0 {
        let _ = writeln!(out, "and {} not listed here", counted(more, "more finding", "more findings"));
    }
    for line in &found.unread {
        let _ = writeln!(out, "{line}");
    }
    let looked = counted(found.looked, "file", "files");
    let allowed = if found.allowed > 0 { format!(", {} allowed", count(found.allowed)) } else { String::new() };
    let mounted = match found.mounted {
        0 => String::new(),
        mounted => format!(", {} left out", counted(mounted, "mount", "mounts")),
    };
    let text = format!("{} in {looked}{allowed}{mounted}", counted(found.all, "finding", "findings"));
    let mut facts = BTreeMap::from([
        ("findings".to_owned(), found.all.to_string()),
        ("allowed".to_owned(), found.allowed.to_string()),
        ("looked_at".to_owned(), found.looked.to_string()),
        ("mounts".to_owned(), found.mounted.to_string()),
    ]);
    for (number, line) in (1..).zip(found.lines.iter().take(MOST_FACTS)) {
        facts.insert(format!("finding_{number:02}"), line.clone());
    }
    let evidence = Evidence { source: action.line.clone(), seen: clock::now().wall, facts };
    let end = match (found.all, found.unread.first(), found.looked) {
        (0, Some(why), _) => {
            ActEnd::unknown(format!("{text}; {} could not be read: {why}", count(found.unread.len() as u64)))
        }
        (0, None, 0) => ActEnd::unknown("nothing fits: nothing was looked at"),
        (0, None, _) => ActEnd::new(Ending::Ok, text),
        (_, unread, _) => {
            let more = unread
                .map_or_else(String::new, |_| format!("; {} could not be read", count(found.unread.len() as u64)));
            ActEnd::new(Ending::Failed, format!("{text}{more}: {}", found.lines.first().map_or("", String::as_str)))
        }
    };
    end.seen(evidence)
}

fn looked(spec: &Spec, cancel: &AtomicBool) -> Result<Found, Halt> {
    let (Some(select), Some(wanted)) = (&spec.select, &spec.scan) else {
        return Err(Halt::Failed("the action does not hold what to search for".to_owned()));
    };
    let root = Root::open(&spec.root).map_err(|error| Halt::Failed(error.message))?;
    let mut found = Found::default();
    let mut waiting = vec![select.under.clone().into_bytes()];
    while let Some(path) = waiting.pop() {
        let shown = || Name(path.clone()).shown();
        let is_first = path == select.under.as_bytes();
        let directory = match root.directory(&path) {
            Ok(directory) => directory,
            Err(cause) if is_first => {
                return Err(Halt::Failed(format!("cannot read {}/{}: {}", spec.root, shown(), beneath::why(cause))));
            }
            // It was removed since it was listed, or another file system begins there.
            Err(Errno::NOENT | Errno::XDEV) => continue,
            Err(cause) => {
                found.unread.push(format!("{}: {}", shown(), beneath::why(cause)));
                continue;
            }
        };
        let entries = Dir::read_from(&directory).map_err(|cause| Halt::Failed(cause.to_string()))?;
        for entry in entries {
            if cancel.load(Ordering::Relaxed) {
                return Err(Halt::Stopped);
            }
            let entry = entry.map_err(|cause| Halt::Failed(format!("cannot read {}: {cause}", shown())))?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let stat = match look_at(&directory, name) {
                Ok(stat) => stat,
                Err(Errno::XDEV) => {
                    found.mounted += 1;
                    continue;
                }
                Err(_) => continue,
            };
            let inner = if path.is_empty() { name.to_vec() } else { [path.as_slice(), b"/", name].concat() };
            let kind = FileType::from_raw_mode(stat.st_mode);
            let fits = glob::selects(select.pattern.as_bytes(), name)
                && !select.except.iter().any(|pattern| glob::fits(pattern.as_bytes(), name));
            if fits {
                one(wanted, &directory, name, &Name(inner.clone()), &stat, &mut found, cancel)?;
            }
            if kind == FileType::Directory && select.recursive {
                waiting.push(inner);
            }
        }
    }
    found.lines.sort();
    Ok(found)
}

/// The secrets in a file, by line, as far as it could be read, and whether all of it could.
fn secrets_of(directory: &OwnedFd, name: &[u8], cancel: &AtomicBool) -> (Vec<(u64, &'static str)>, Result<(), Halt>) {
    let mut finder = secrets::Finder::default();
    let mut hits = Vec::new();
    let failed = |cause: Errno| Halt::Failed(cause.to_string());
    let read = match compressed::kind(directory, name) {
        Some(Compressed::Other(program)) => Err(Halt::Failed(format!("it is compressed by {program}"))),
        kind => open_file(directory, name).map_err(failed).and_then(|open| {
            gz::each(&open, kind == Some(Compressed::Gzip), cancel, &mut |piece| {
                finder.feed(piece, &mut hits);
                Ok(())
            })
        }),
    };
    finder.finish(&mut hits);
    (hits, read)
}

/// Checks one matching name.
fn one(
    wanted: &Wanted,
    directory: &OwnedFd,
    name: &[u8],
    path: &Name,
    stat: &Stat,
    found: &mut Found,
    cancel: &AtomicBool,
) -> Result<(), Halt> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    let allowed = wanted.allow.iter().any(|pattern| glob::fits(pattern.as_bytes(), &path.0));
    let describe = |found: &mut Found, line: String| {
        if allowed {
            found.allowed += 1;
            return;
        }
        found.all += 1;
        if found.lines.len() < MAX_LISTED {
            found.lines.push(line);
        }
    };
    match wanted.looks_for {
        For::WorldWritable => {
            if kind == FileType::Symlink {
                return Ok(());
            }
            found.looked += 1;
            // In a sticky directory such as /tmp, only an owner removes names (inode(7)).
            let sticky = kind == FileType::Directory && stat.st_mode & 0o1000 != 0;
            if stat.st_mode & 0o002 != 0 && !sticky {
                let slash = if kind == FileType::Directory { "/" } else { "" };
                describe(found, format!("{}{slash}: mode {:04o}", path.shown(), stat.st_mode & 0o7777));
            }
        }
        For::Secrets => {
            if kind != FileType::RegularFile {
                return Ok(());
            }
            found.looked += 1;
            let (hits, read) = secrets_of(directory, name, cancel);
            match read {
                Err(Halt::Stopped) => return Err(Halt::Stopped),
                Err(Halt::Failed(why)) => found.unread.push(format!("{}: {why}", path.shown())),
                Ok(()) => {}
            }
            for (line, kind) in hits {
                describe(found, format!("{}:{line}: {kind} [masked]", path.shown()));
            }
        }
    }
    Ok(())
}
