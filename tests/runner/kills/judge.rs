//! Holds a run that is over against its target: what happened there, how often, and when.

use super::case::{Case, Effect};
use crate::support::estate::{LOOK, SOON};
use crate::support::invariants::violations;
use crate::support::run::Run;
use midwatch::journal::record::{Choice, Ending, Event};
use serde_json::Value;
use std::fs;
use std::time::Instant;

/// How far a record's time may lag behind, in nanoseconds: it is kept in milliseconds.
const SLOP: i128 = 2_000_000;

/// What is wrong with a run that is over, one line each.
pub fn judge(case: &Case) -> Vec<String> {
    let Some(run) = case.run() else {
        let acted = (1..5).filter(|step| case.estate.lines(&format!("done-{step}")) > 0);
        return acted.map(|step| format!("step {step} acted, and no run was begun")).collect();
    };
    let journal = fs::read(run.dir.journal()).unwrap();
    let mut wrong = violations(&journal);
    let left = wait_for_no_process(case);
    if !left.is_empty() {
        wrong.push(format!("processes are left: {left:?}"));
    }
    let verified = run.midwatch("verify", &[]);
    if verified.code != Some(0) {
        wrong.push(format!("verify: {verified:?}"));
    }
    let records = timed(&run, &journal);
    for step in (1..=case.kinds.len()).filter_map(|step| u32::try_from(step).ok()) {
        for undo in [false, true] {
            wrong.extend(effects(case, &run, &records, step, undo));
        }
    }
    let after = case.estate.start("after", &[]);
    if after.code != Some(0) {
        wrong.push(format!("the lock is not free: {after:?}"));
    }
    wrong
}

fn wait_for_no_process(case: &Case) -> Vec<String> {
    let deadline = Instant::now() + SOON / 2;
    loop {
        let left = case.estate.processes();
        if left.is_empty() || Instant::now() > deadline {
            return left.into_iter().map(|one| format!("{} {}", one.pid, one.line)).collect();
        }
        std::thread::sleep(LOOK);
    }
}

/// The events with their times in nanoseconds.
fn timed(run: &Run<'_>, journal: &[u8]) -> Vec<(i128, Event)> {
    let at = |line: &[u8]| {
        let record: Value = serde_json::from_slice(line).ok()?;
        record["wall"].as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond)
    };
    journal.split(|byte| *byte == b'\n').filter_map(at).zip(run.events()).collect()
}

/// What is wrong with the effects of one step, or of its undo.
fn effects(case: &Case, run: &Run<'_>, records: &[(i128, Event)], step: u32, undo: bool) -> Vec<String> {
    let what = if undo { format!("the undo of step {step}") } else { format!("step {step}") };
    let mut wrong = Vec::new();
    let mut describe = |text: String| wrong.push(format!("{what}: {text}"));
    let found = case.effects(&run.dir.id, step, undo);
    if found.len() > 1 {
        describe(format!(
            "its effect is there {} times, and it was never confirmed with the effect there: {found:?}",
            found.len()
        ));
    }
    let drift = case.estate.names(&format!("from-{step}")).len() + case.estate.names(&format!("to-{step}")).len();
    if case.moves(step) && drift != 2 {
        describe(format!("{drift} files where 2 were"));
    }
    let mut attempt = String::new();
    let mut begun = Vec::new();
    let mut settled: Option<bool> = None;
    for (at, event) in records {
        let later = |attempt: &str| found.iter().find(|effect| is_later(effect, attempt, *at)).cloned();
        match event {
            Event::StepIntent { step: of, log, .. } if *of == step && !undo => begin(log, &mut attempt, &mut begun),
            Event::UndoIntent { step: of, log, .. } if *of == step && undo => begin(log, &mut attempt, &mut begun),
            Event::StepOutcome { step: of, outcome, .. } if *of == step && !undo => {
                settled = Some(outcome.ending == Ending::Ok);
                ended(outcome.ending, later(&attempt), &mut describe);
            }
            Event::UndoOutcome { step: of, outcome, .. } if *of == step && undo => {
                settled = Some(outcome.ending == Ending::Ok);
                ended(outcome.ending, later(&attempt), &mut describe);
            }
            Event::StepResolved { step: of, choice, evidence } if *of == step => {
                let none = if undo { Choice::NotUndone } else { Choice::NotDone };
                if let (true, Some(effect)) = (*choice == none, later(&attempt)) {
                    describe(format!("settled as {} ({evidence}), and it acts after that: {effect:?}", choice.word()));
                }
                let done = if undo { Choice::Undone } else { Choice::Done };
                // Whether a proof that nothing is left speaks of the undo.
                settled = (*choice == done).then_some(true).filter(|_| !evidence.starts_with("proved"));
            }
            Event::RunSealed { .. } => {
                if let Some(effect) = found.iter().find(|effect| effect.at > at + SLOP) {
                    describe(format!("it acts after the seal: {effect:?}"));
                }
            }
            _ => {}
        }
    }
    for effect in found.iter().filter(|effect| !begun.contains(&effect.attempt)) {
        describe(format!("an effect without an intent: {effect:?}"));
    }
    let undone = !undo && case.moves(step) && case.is_there(&run.dir.id, step, "", true);
    if settled == Some(true) && !undone && !case.is_there(&run.dir.id, step, &attempt, undo) {
        describe(format!("attempt {attempt} counts as done, and its effect is absent"));
    }
    wrong
}

fn begin(log: &str, attempt: &mut String, begun: &mut Vec<String>) {
    log.trim_end_matches(".log").clone_into(attempt);
    begun.push(attempt.clone());
}

fn is_later(effect: &Effect, attempt: &str, at: i128) -> bool {
    effect.attempt == attempt && effect.at > at + SLOP
}

/// An attempt that ended acts no more; only one whose outcome is unknown, or that failed and left processes, may.
fn ended(ending: Ending, later: Option<Effect>, describe: &mut impl FnMut(String)) {
    if let (Ending::Ok | Ending::NotStarted | Ending::Cancelled | Ending::TimedOut, Some(effect)) = (ending, later) {
        describe(format!("ended {}, and it acts after that: {effect:?}", ending.word()));
    }
}
