//! `verify`: compares the newest file of a pattern with the SHA-256 beside it, in `NAME.sha256` or `SHA256SUMS`.
//!
//! No checksum is unknown, never ok; so is a file that changes while it is read. A different checksum fails.

use crate::config::reader::{Problems, Table};
use crate::domain::ids::Hasher;
use crate::domain::quantity::{bytes, percent};
use crate::domain::{Digest, EffectClass, Evidence};
use crate::journal::record::Ending;
use crate::probes::backups::checksum;
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{Root, open_file, split, why};
use crate::runner::adapters::files::frozen::Frozen;
use crate::runner::adapters::files::{KEY, Op, Select, Spec, newest, pattern, relative};
use crate::runner::adapters::{self as common, ActEnd};
use rustix::fs::fstat;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many bytes are read at once, and how often progress is reported.
const PIECE: usize = 1 << 20;
const REPORT: Duration = Duration::from_secs(5);

/// Why nothing was learned, or that it was stopped.
enum Halt {
    Unknown(String),
    Stopped,
}

/// Reads the action.
pub(super) fn parse(mut table: Table, root: String, problems: &mut Problems) -> Option<Action> {
    let under_at = table.place_of("under");
    let under = table.required_text("under", problems).and_then(|text| relative(&text, "under", under_at, problems));
    let match_at = table.place_of("match");
    let pattern = table.required_text("match", problems).and_then(|text| pattern(text, match_at, problems));
    let recursive = table.bool("recursive", problems).unwrap_or(false);
    table.finish(problems);
    let (under, pattern) = (under?, pattern?);
    let slash = if under.is_empty() { "" } else { "/" };
    let line = format!("the newest {under}{slash}{pattern} matches its SHA-256");
    let select = Select { under, pattern, except: Vec::new(), older_s: None, keep_newest: 0, recursive, larger: 0 };
    let spec = Spec { select: Some(select), ..Spec::of(Op::Verify, root) };
    common::action(KEY, EffectClass::Read, line, &spec)
}

/// Hashes the newest file, and judges.
pub(super) fn act(action: &Action, spec: &Spec, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let Some(select) = &spec.select else { return ActEnd::unknown("the action names no files") };
    let file = match newest::find(spec, select) {
        Err(cause) => return ActEnd::unknown(cause.message),
        Ok(None) => {
            return ActEnd::new(Ending::Failed, format!("no file fits {} under {}", select.pattern, spec.root));
        }
        Ok(Some(file)) => file,
    };
    let end = match judged(spec, &file, out, cancel) {
        Ok((should, is, source)) => {
            let shown = file.name.shown();
            let facts = BTreeMap::from([
                ("name".to_owned(), shown.clone()),
                ("size_bytes".to_owned(), file.size.to_string()),
                ("sha256".to_owned(), is.to_string()),
                ("expected_sha256".to_owned(), should.to_string()),
                ("checksum_file".to_owned(), source.clone()),
            ]);
            let evidence = Evidence { source: action.line.clone(), seen: clock::now().wall, facts };
            let (ending, text) = match should == is {
                true => (Ending::Ok, "as"),
                false => (Ending::Failed, "another SHA-256 than"),
            };
            ActEnd::new(ending, format!("{shown} · {} · {text} in {source}", bytes(file.size))).seen(evidence)
        }
        Err(Halt::Unknown(why)) => ActEnd::unknown(why),
        Err(Halt::Stopped) => ActEnd::new(Ending::Cancelled, "stopped"),
    };
    let _ = writeln!(out, "{}", end.detail.escape_debug());
    end
}

/// The expected checksum, the actual one, and the file of the expected one.
fn judged(
    spec: &Spec,
    file: &Frozen,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> Result<(Digest, Digest, String), Halt> {
    let unknown = |why: String| Halt::Unknown(format!("{}: {why}", file.name.shown()));
    let (parent, name) = split(&file.name.0);
    let directory = Path::new(&spec.root).join(OsStr::from_bytes(parent));
    let expected = checksum::beside(&directory, OsStr::from_bytes(name))
        .ok_or_else(|| unknown("it has no SHA-256 file".to_owned()))?;
    let source = expected.file.display().to_string();
    let should = expected.digest.map_err(|why| unknown(format!("{source}: {why}")))?;
    let root = Root::open(&spec.root).map_err(|cause| unknown(cause.message))?;
    let directory = root.directory(parent).map_err(|cause| unknown(why(cause)))?;
    let mut open = open_file(&directory, name).map_err(|cause| unknown(why(cause)))?;
    let same = |open: &File| fstat(open).is_ok_and(|stat| file.is(&stat));
    if !same(&open) {
        return Err(unknown("it has changed since it was found".to_owned()));
    }
    let is = hashed(&mut open, file.size, out, cancel, &unknown)?;
    if !same(&open) {
        return Err(unknown("it changed while it was read".to_owned()));
    }
    Ok((should, is, source))
}

fn hashed(
    open: &mut File,
    size: u64,
    out: &mut dyn Write,
    cancel: &AtomicBool,
    unknown: &dyn Fn(String) -> Halt,
) -> Result<Digest, Halt> {
    let (mut hasher, mut piece) = (Hasher::default(), vec![0; PIECE]);
    let (mut read, mut reported) = (0_u64, Instant::now());
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Halt::Stopped);
        }
        let count = open.read(&mut piece).map_err(|cause| unknown(cause.to_string()))?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(piece.get(..count).unwrap_or_default());
        read += count as u64;
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            #[allow(clippy::cast_precision_loss)] // A figure for people.
            let share = read as f64 / size.max(1) as f64;
            let _ = writeln!(out, "{} of {}, {}", bytes(read), bytes(size), percent(share));
        }
    }
}
