//! `run`: looks for a successful run of a procedure.
//!
//! ```toml
//! check = { run = "cell0/health-check", since = "24h" }
//! ```
//!
//! Searches the journals of this state directory, the newest run first. A run counts if it belongs to this estate,
//! its journal is complete and sealed as ok, and it ended within the span. The evidence names the run by its id and
//! the digest of its last record.

use crate::config::reader::{Problems, Table};
use crate::domain::quantity::{ago, counted, parse_span, span};
use crate::domain::{EffectClass, Evidence, RunId, RunStatus, Wall};
use crate::journal::append::JOURNAL;
use crate::journal::chain::Verdict;
use crate::journal::fold::RunView;
use crate::journal::list::walk_file;
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::adapters::Purpose;
use crate::procedure::plan::Action;
use crate::runner::adapters::{self as common, ActEnd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Its key.
pub const KEY: &str = "run";

/// How many journals are read at most.
const MOST_RUNS: usize = 500;

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    procedure: String,
    since_s: u64,
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    if !matches!(purpose, Purpose::Read | Purpose::Check) {
        problems.add(at, format!("`run` is for `check` and `read`, not for `{}`", purpose.word()));
        return None;
    }
    let procedure = table.text(KEY, problems);
    let missing = !table.has("since");
    let since = table.parsed("since", "a span such as \"24h\" or \"7d\"", problems, |text| {
        parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0)
    });
    if missing {
        problems.add(at, "`since` is missing: how old may the run be?");
    }
    table.finish(problems);
    let spec = Spec { procedure: procedure?, since_s: since? };
    let within = span(std::time::Duration::from_secs(spec.since_s));
    let line = format!("a run of {} succeeded within {within}", spec.procedure);
    common::action(KEY, EffectClass::Read, line, &spec)
}

/// Searches the runs below `runs`, except the run that asks.
pub fn look(action: &Action, runs: &Path, estate: &str, own: &RunId) -> ActEnd {
    let spec: Spec = match common::spec(action) {
        Ok(spec) => spec,
        Err(cause) => return ActEnd::unknown(cause.message),
    };
    let ids = match ids(runs, own) {
        Ok(ids) => ids,
        Err(cause) => return ActEnd::unknown(format!("the runs cannot be listed: {cause}")),
    };
    let now = clock::now().wall;
    let within = std::time::Duration::from_secs(spec.since_s);
    let mut newest: Option<String> = None;
    let mut unread = 0_u64;
    for id in ids.iter().take(MOST_RUNS) {
        let Some(view) = whole(&runs.join(id.as_str()).join(JOURNAL)) else {
            unread += 1;
            continue;
        };
        if view.procedure != spec.procedure || view.estate != estate {
            continue;
        }
        let well = view.sealed == Some(RunStatus::Ok);
        match view.ended.filter(|ended| well && now.since(*ended) <= within) {
            Some(ended) => return found(&view, ended, now),
            None => drop(newest.get_or_insert_with(|| describe(&view, now))),
        }
    }
    let limit = span(within);
    let more = ids.len().saturating_sub(MOST_RUNS);
    let none = match newest {
        Some(newest) => format!("no run of {} succeeded within {limit}; the newest {newest}", spec.procedure),
        None => format!("no run of {} is here", spec.procedure),
    };
    match unread {
        0 if more > 0 => ActEnd::unknown(format!(
            "{none} among the newest {MOST_RUNS} runs; {} not read",
            counted(more as u64, "older one was", "older ones were")
        )),
        0 => ActEnd::new(Ending::Failed, none),
        _ => ActEnd::unknown(format!("{none}; {unread} journals cannot be read or are damaged")),
    }
}

/// The end for the run that counts.
fn found(view: &RunView, ended: Wall, now: Wall) -> ActEnd {
    let facts = BTreeMap::from([
        ("run".to_owned(), view.id.to_string()),
        ("head".to_owned(), view.head.to_string()),
        ("ended".to_owned(), ended.0.to_string()),
        ("starter".to_owned(), view.starter.name.clone()),
        ("procedure".to_owned(), view.procedure.clone()),
    ]);
    let detail = format!("run {} succeeded {}", view.id, ago(now.since(ended)));
    ActEnd::new(Ending::Ok, detail).seen(Evidence { source: format!("run {}", view.id), seen: ended, facts })
}

fn describe(view: &RunView, now: Wall) -> String {
    match (view.sealed, view.ended) {
        (Some(status), Some(ended)) => {
            format!("({}) ended {} {}", view.id.short(), status.word(), ago(now.since(ended)))
        }
        _ => format!("({}) is not over", view.id.short()),
    }
}

/// A run with a complete journal.
fn whole(journal: &Path) -> Option<RunView> {
    let walked = walk_file(journal).ok()?;
    if matches!(walked.verdict, Verdict::Damaged { .. }) { None } else { walked.view }
}

/// The ids of all runs except one, the newest first.
fn ids(runs: &Path, own: &RunId) -> std::io::Result<Vec<RunId>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(runs)? {
        let id = entry?.file_name().to_str().and_then(RunId::parse);
        ids.extend(id.filter(|id| id != own));
    }
    ids.sort_unstable();
    ids.reverse();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::samples::{bytes, created, steps};

    #[test]
    fn a_run_that_may_lie_beyond_those_that_are_read_is_unknown() {
        let runs = tempfile::tempdir().unwrap();
        let made = |number: u64| {
            let dir = runs.path().join(RunId::new(number, 1).as_str());
            std::fs::create_dir(&dir).unwrap();
            std::fs::write(dir.join(JOURNAL), bytes(1, &[created(steps())])).unwrap();
        };
        (1..=MOST_RUNS as u64).for_each(made);
        let spec = Spec { procedure: "no/such".to_owned(), since_s: 60 };
        let action = common::action(KEY, EffectClass::Read, "a run".to_owned(), &spec).unwrap();
        let looked = || look(&action, runs.path(), "cell0", &RunId::new(9_999_999, 1));
        let end = looked();
        assert!(end.ending == Ending::Failed && !end.is_unknown(), "{end:?}");
        made(MOST_RUNS as u64 + 1);
        let end = looked();
        assert!(end.is_unknown(), "{end:?}");
        assert!(end.detail.ends_with("among the newest 500 runs; 1 older one was not read"), "{}", end.detail);
    }
}
