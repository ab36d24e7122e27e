//! The maintenance record: what happened in a run, for those who were not there.
//!
//! ```text
//! journal ─▶ chain (verified first) ─▶ Report ─▶ markdown · json · html
//!              sets/ readings/ logs/ ──┘   checked against the digests that the journal names
//! ```
//! All of it is computed from the journal. Text from outside is escaped, so that a title, a note or a file's name can neither
//! break the page nor hide in it. The report names a damaged or torn journal before anything else.

mod approval;
mod checklist;
mod html;
mod json;
mod listings;
mod markdown;
mod model;
mod time;
mod timeline;

pub use html::html;
pub use json::{json, json_text};
pub use markdown::markdown;

use crate::config::plain;
use crate::config::shell;
use crate::domain::{Digest, EffectClass};
use crate::journal::chain::{Chain, Verdict};
use crate::journal::digests::{self, READINGS, SETS, Wrong};
use crate::journal::fold::RunView;
use crate::journal::reading::{LARGEST, Reading, Side};
use crate::journal::record::{Ask, Event, Record};
use std::io::Read as _;
use std::path::Path;

/// A run with everything that its report shows.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the journal is worth.
    pub verdict: Verdict,
    /// The run.
    pub view: RunView,
    /// Its records, as far as they chain.
    pub records: Vec<Record>,
    /// The frozen sets that were shown or used, in order.
    pub sets: Vec<SetShown>,
    /// Files that differ from their digest in the journal.
    pub wrong: Vec<Wrong>,
    /// How every pane looked before the work: a reading, or why there is none.
    pub before: Result<Reading, String>,
    /// How every pane looked after it.
    pub after: Result<Reading, String>,
}

/// A frozen set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetShown {
    /// Its digest.
    pub digest: Digest,
    /// The step it is of, from 0.
    pub step: u32,
    /// The class of the act.
    pub effect: EffectClass,
    /// What it is, in a line; outside text.
    pub headline: String,
    /// How many objects are in it.
    pub count: u64,
    /// The sum of their sizes in bytes, where they have sizes.
    pub bytes: Option<u64>,
    /// Whether an attempt used it.
    pub used: bool,
    /// Whether its file is whole; a sentence where it is not.
    pub file: Result<(), String>,
}

impl Report {
    /// Gathers a report from a journal that was read, and from the run's directory.
    ///
    /// # Errors
    /// When not one record chains: then there is nothing to report. The chain is returned.
    pub fn of(dir: &Path, chain: Chain) -> Result<Self, Box<Chain>> {
        let Some(view) = chain.walk.view().cloned() else { return Err(Box::new(chain)) };
        let wrong = digests::wrong(dir, &chain.records);
        let sets = sets(&chain.records, &wrong);
        let (before, after) = (reading(dir, &view, Side::Before), reading(dir, &view, Side::After));
        Ok(Self { verdict: chain.verdict, view, records: chain.records, sets, wrong, before, after })
    }

    /// Why the report must not be trusted, one sentence each; empty where all is whole.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match &self.verdict {
            Verdict::Whole { .. } => {}
            Verdict::Torn { bytes, .. } => {
                faults.push(format!("The journal is torn: its last {bytes} bytes are an incomplete record, and are not shown here."));
            }
            Verdict::Damaged { seq, at, why } => faults.push(format!(
                "The journal is damaged at record {seq}, byte {at}: {why}. Only the records before it are shown here, and no more can be proven."
            )),
        }
        faults.extend(
            self.wrong.iter().map(|file| format!("The file {} is not whole: {}.", file.name.display(), file.why)),
        );
        faults
    }

    /// The process exit code of `midwatch report`: 4 where something is damaged, 0 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let is_damaged = matches!(self.verdict, Verdict::Damaged { .. }) || !self.wrong.is_empty();
        if is_damaged { 4 } else { 0 }
    }
}

/// The reading of a side, or why there is none, in a sentence.
fn reading(dir: &Path, view: &RunView, side: Side) -> Result<Reading, String> {
    let Some(named) = view.reading(side) else {
        return Err(format!("the panes were not read {} the work", side.word()));
    };
    let path = dir.join(READINGS).join(named.digest.as_str());
    let mut bytes = Vec::new();
    let read = plain::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let describe = |why: String| format!("the reading {} the work cannot be shown: {why}", side.word());
    read.map_err(|cause| describe(cause.to_string()))?;
    Reading::from_bytes(&bytes, &named.digest).map_err(describe)
}

/// Every set that a prompt showed, each once, with what became of it.
fn sets(records: &[Record], wrong: &[Wrong]) -> Vec<SetShown> {
    let mut all: Vec<SetShown> = Vec::new();
    for record in records {
        match &record.event {
            Event::PromptOpened { step, ask: Ask::Confirm { effect, set, preview, .. }, .. } => {
                if all.iter().any(|shown| shown.digest == *set && shown.step == *step) {
                    continue;
                }
                let name = Path::new(SETS).join(set.as_str());
                let fault = wrong.iter().find(|file| file.name == name);
                all.push(SetShown {
                    digest: set.clone(),
                    step: *step,
                    effect: *effect,
                    headline: preview.headline.clone(),
                    count: preview.count,
                    bytes: preview.bytes,
                    used: false,
                    file: fault.map_or(Ok(()), |fault| Err(fault.why.clone())),
                });
            }
            Event::StepIntent { step, set: Some(set), .. } => {
                for shown in all.iter_mut().filter(|shown| shown.digest == *set && shown.step == *step) {
                    shown.used = true;
                }
            }
            _ => {}
        }
    }
    all
}

/// The command that proves a journal.
fn verify_command(view: &RunView) -> String {
    shell::on_runs(format_args!("verify {}", view.id))
}

#[cfg(test)]
mod tests;
