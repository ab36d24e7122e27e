//! Deletes keys in batches: the frozen ones that still have their type, or at most so many of a pattern.

use crate::domain::quantity::count;
use crate::journal::record::Ending;
use crate::probes::redis::session::{Failure, Reply, Session};
use crate::runner::adapters::ActEnd;
use crate::runner::adapters::redis::Which;
use crate::runner::adapters::redis::act::Work;
use crate::runner::adapters::redis::frozen::Name;
use crate::runner::adapters::redis::scan::Scan;
use std::io::Write;
use std::sync::atomic::Ordering;

/// Unlinks every key that has its type, atomically: 0 for a missing key, 1 for a deleted one, 2 for one that is left
/// alone. A `*` is any type.
const SCRIPT: &str = "local came = {} for i, key in ipairs(KEYS) do local is = redis.call('TYPE', key)['ok'] \
    if is == 'none' then came[i] = 0 elseif ARGV[i] == '*' or ARGV[i] == is then redis.call('UNLINK', key) came[i] = 1 \
    else came[i] = 2 end end return came";

/// The counts.
#[derive(Default)]
struct Tally {
    deleted: u64,
    already: u64,
    left_alone: u64,
}

/// Deletes the keys that were shown.
pub(super) async fn delete(work: &Work<'_>, session: &mut Session, which: &Which, out: &mut dyn Write) -> ActEnd {
    let mut tally = Tally::default();
    let own = which.key.as_deref().filter(|_| work.spec.undo);
    let (all, stopped) = match own {
        Some(key) => (1, named(work, session, key, &mut tally, out).await),
        None if work.head.pattern.is_some() => (work.head.count, bounded(work, session, which, &mut tally, out).await),
        None => (work.head.count, listed(work, session, which, &mut tally, out).await),
    };
    let mut detail = format!("deleted {} of {}", count(tally.deleted), count(all));
    for (number, words) in [(tally.already, "gone already"), (tally.left_alone, "left alone")] {
        if number > 0 {
            detail.push_str(&format!(", {} {words}", count(number)));
        }
    }
    let idle = tally.left_alone > 0 && tally.deleted + tally.already == 0;
    let (ending, detail) = match stopped {
        Some((ending, why)) => (ending, format!("{why}: {detail}")),
        None if idle => (Ending::Failed, detail),
        None => (Ending::Ok, detail),
    };
    let mut end = ActEnd::new(ending, detail);
    end.counts.insert("deleted".to_owned(), tally.deleted);
    for (name, number) in [("already", tally.already), ("left_alone", tally.left_alone)] {
        if number > 0 {
            end.counts.insert(name.to_owned(), number);
        }
    }
    end
}

/// Deletes the one key that an undo names, independent of its step: as the text that a step leaves there, or with
/// its type when it was shown.
async fn named(work: &Work<'_>, session: &mut Session, key: &str, tally: &mut Tally, out: &mut dyn Write) -> Stopped {
    let name = Name(key.as_bytes().to_vec());
    let shown = work.keys.iter().find(|frozen| frozen.key == name).map(|frozen| frozen.kind.as_str());
    let kind = shown.filter(|kind| *kind != "none").unwrap_or("string");
    batch(session, &[(&name, kind)], tally, out).await
}

/// Why it ended early.
type Stopped = Option<(Ending, String)>;

async fn listed(
    work: &Work<'_>,
    session: &mut Session,
    which: &Which,
    tally: &mut Tally,
    out: &mut dyn Write,
) -> Stopped {
    for keys in work.keys.chunks(which.batch.max(1)) {
        if work.cancel.load(Ordering::Relaxed) {
            return Some((Ending::Cancelled, "stopped".to_owned()));
        }
        let pairs: Vec<(&Name, &str)> = keys.iter().map(|key| (&key.key, key.kind.as_str())).collect();
        if let Some(stopped) = batch(session, &pairs, tally, out).await {
            return Some(stopped);
        }
    }
    None
}

async fn bounded(
    work: &Work<'_>,
    session: &mut Session,
    which: &Which,
    tally: &mut Tally,
    out: &mut dyn Write,
) -> Stopped {
    let mut scan = Scan::of(work.head.pattern.as_deref().unwrap_or_default());
    loop {
        if work.cancel.load(Ordering::Relaxed) {
            return Some((Ending::Cancelled, "stopped".to_owned()));
        }
        let found = match scan.next(session).await {
            Ok(Some(found)) => found,
            Ok(None) => return None,
            Err(failure) => return Some((Ending::Failed, format!("stopped: {}", failure.reason))),
        };
        for keys in found.chunks(which.batch.max(1)) {
            if tally.deleted.saturating_add(keys.len() as u64) > work.head.count {
                let why = format!("stopped: there are more than the {} that were shown", count(work.head.count));
                return Some((Ending::Failed, why));
            }
            let pairs: Vec<(&Name, &str)> = keys.iter().map(|key| (key, "*")).collect();
            if let Some(stopped) = batch(session, &pairs, tally, out).await {
                return Some(stopped);
            }
        }
        // A key that a scan returned twice counts once.
        tally.already = 0;
    }
}

/// Deletes one batch.
async fn batch(session: &mut Session, keys: &[(&Name, &str)], tally: &mut Tally, out: &mut dyn Write) -> Stopped {
    let mut command = vec![b"EVAL".to_vec(), SCRIPT.as_bytes().to_vec(), keys.len().to_string().into_bytes()];
    command.extend(keys.iter().map(|(key, _)| key.0.clone()));
    command.extend(keys.iter().map(|(_, kind)| kind.as_bytes().to_vec()));
    let came = match session.ask(&command).await {
        Ok(Reply::Many(came)) if came.len() == keys.len() => came,
        Ok(_) => {
            return Some((
                Ending::Unknown,
                "the answer is not Redis's: the outcome of the last batch is unknown".to_owned(),
            ));
        }
        Err(failure) => return Some(of(&failure)),
    };
    for ((key, _), came) in keys.iter().zip(came) {
        let result = match came {
            Reply::Int(1) => {
                tally.deleted += 1;
                writeln!(out, "deleted {}", key.shown())
            }
            Reply::Int(0) => {
                tally.already += 1;
                writeln!(out, "gone already {}", key.shown())
            }
            _ => {
                tally.left_alone += 1;
                writeln!(out, "left alone {}: it has another type", key.shown())
            }
        };
        if let Err(cause) = result {
            // Stop if the report fails: no deletion without a report.
            return Some((Ending::Failed, format!("stopped: cannot report: {cause}")));
        }
    }
    None
}

fn of(failure: &Failure) -> (Ending, String) {
    if failure.is_lost() {
        let why = format!("a batch was sent and not answered, its outcome is unknown: {}", failure.reason);
        return (Ending::Unknown, why);
    }
    (Ending::Failed, format!("stopped: {}", failure.reason))
}
