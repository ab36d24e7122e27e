//! The act process: does the work of one step, for every adapter except those that run a program.
//!
//! Standard input holds one line, the [`ActHead`], and then the frozen set. Progress goes to standard output, which
//! the shim writes to the step's log. The result is written completely or not at all, beside the shim's files.

use crate::domain::error::{Result, system_text};
use crate::domain::quantity::span;
use crate::domain::{EffectClass, Error, Kind};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::runner::adapters::{self, ActEnd, hide};
use crate::runner::failpoint;
use crate::runner::reserved::Reserved;
use crate::runner::shim::ActHead;
use signal_hook::consts::SIGTERM;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The exit code of an act that touched nothing, because the disk had no space for its result.
pub const NOT_BEGUN: i32 = Kind::Journal.exit_code() as i32;

/// The largest set that is kept for a retry, in bytes; an undo of a larger one is tried once.
const KEPT: u64 = 64 << 20;
/// The first and the longest pause between tries of an undo; each pause is twice the previous one.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// How often a pause checks for cancellation.
const GLANCE: Duration = Duration::from_millis(50);

/// How much of `result.json` is reserved on disk before anything is touched; a longer result takes more if there is
/// space.
const RESULT_RESERVE: usize = 32 << 10;
/// How many characters of a reason are kept when the disk has no space for the whole result.
const SHORTENED: usize = 2000;

/// Does the act; the exit code is 0 on success and 1 otherwise. `begins` receives the directory of the attempt.
///
/// # Errors
/// [`Kind::Journal`] (exit code [`NOT_BEGUN`]) where the result has no room: then nothing was touched. Others when the action cannot
/// be read or the result cannot be kept.
pub fn main(begins: impl FnOnce(&Path)) -> Result<u8> {
    let cancel = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register(SIGTERM, Arc::clone(&cancel));
    registered.map_err(|cause| Error::machine("listen for a cancel", cause))?;
    let mut input = BufReader::new(io::stdin().lock());
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the action", cause))?;
    let head: ActHead = serde_json::from_slice(&line).map_err(|cause| Error::machine("read the action", cause))?;
    if let Some(attempt) = head.result.parent() {
        begins(attempt);
    }
    let mut kept = Reserved::create(&head.result, RESULT_RESERVE).map_err(|cause| {
        let what = format!("cannot begin, because there is no disk space for the result: {}", system_text(cause));
        Error::new(Kind::Journal, what)
    })?;
    let mut out = hide::Output::of(io::stdout().lock());
    let end = hide::end(match (head.prove, head.again_s) {
        (true, _) => ActEnd::from(adapters::prove(&head.action, &mut input, &mut out, &cancel)),
        (false, None) => adapters::act(&head.action, &mut input, &mut out, &cancel),
        (false, Some(seconds)) => {
            let limit = failpoint::span("UNDO_AGAIN", Duration::from_secs(seconds));
            again(&head, limit, &mut input, &mut out, &cancel)
        }
    });
    drop(out);
    let changes = !head.prove && head.action.least > EffectClass::Read;
    keep(&mut kept, end, changes)
}

/// Writes the result and returns the exit code. If the disk has no space for all of it, a change keeps its ending
/// without its counts and facts; a look needs its facts, so without them it failed.
fn keep(kept: &mut Reserved, mut end: ActEnd, changes: bool) -> Result<u8> {
    let failed = |cause: io::Error| Error::machine("keep the result of the act", cause);
    let mut json = serde_json::to_vec(&end).map_err(|cause| failed(cause.into()))?;
    if !kept.holds(json.len()) {
        let detail: String = end.detail.chars().take(SHORTENED).collect();
        let no_space = "the disk has no space for the rest of the result";
        end = match changes {
            true => ActEnd::new(end.ending, format!("{detail}; {no_space}")),
            false => ActEnd::new(Ending::Failed, no_space),
        };
        json = serde_json::to_vec(&end).map_err(|cause| failed(cause.into()))?;
    }
    kept.keep(&json).map_err(failed)?;
    Ok(u8::from(end.ending != Ending::Ok))
}

/// Undoes; an undo that provably did nothing is tried again, with longer and longer pauses, until the limit.
fn again(
    head: &ActHead,
    limit: Duration,
    input: &mut impl BufRead,
    out: &mut impl Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let mut set = Vec::new();
    let began = clock::boot();
    let read = input.by_ref().take(KEPT).read_to_end(&mut set);
    if read.is_err() || set.len() as u64 == KEPT {
        return adapters::act(&head.action, &mut set.as_slice().chain(input), out, cancel);
    }
    let mut pause = PAUSES.0;
    for tries in 1_u32.. {
        let end = adapters::act(&head.action, &mut set.as_slice(), out, cancel);
        let spent = clock::boot().since(began);
        if !end.again || cancel.load(Ordering::Relaxed) {
            return end;
        }
        if spent + pause >= limit {
            return exhausted(end, tries, spent);
        }
        let _ = writeln!(out, "{}; tried again in {}", end.detail, span(pause));
        if !rested(pause, cancel) {
            return end;
        }
        pause = (pause * 2).min(PAUSES.1);
    }
    ActEnd::new(Ending::Unknown, "it was tried without an end")
}

/// The end of an undo that was tried up to the limit, with what a person does next.
fn exhausted(mut end: ActEnd, tries: u32, spent: Duration) -> ActEnd {
    let next = end.next.as_ref().map(|next| format!(". Next: {next}")).unwrap_or_default();
    end.detail = format!("{}; tried {tries} times in {}{next}", end.detail, span(spent));
    end
}

/// Pauses; false when it is cancelled.
fn rested(pause: Duration, cancel: &AtomicBool) -> bool {
    let began = clock::boot();
    while clock::boot().since(began) < pause {
        if cancel.load(Ordering::Relaxed) {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
    true
}
