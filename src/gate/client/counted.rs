//! Whether a request without a reply was accepted, by the journal.

use crate::journal::item::ItemAction;
use crate::journal::line::decode;
use crate::journal::record::Event;
use crate::runner::protocol::{Demand, Request};
use crate::runner::rundir::RunDir;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

/// The end of the journal before a request was sent.
pub(super) struct Mark(u64);

impl Mark {
    /// The end of the journal now.
    pub(super) fn of(dir: &RunDir) -> Self {
        Self(dir.journal().metadata().map_or(0, |found| found.len()))
    }

    /// The record by which the runner accepted this process's request after the mark, if there is one.
    pub(super) fn counted(&self, dir: &RunDir, request: &Request) -> Option<u64> {
        let mut journal = File::open(dir.journal()).ok()?;
        journal.seek(SeekFrom::Start(self.0)).ok()?;
        let records = BufReader::new(journal).split(b'\n').map_while(Result::ok).filter_map(|line| decode(&line).ok());
        let of_it = records.map(|line| line.record).find(|record| {
            record.actor.pid == std::process::id()
                && record.actor.through == request.through
                && is_by(&request.ask, &record.event)
        });
        of_it.map(|record| record.seq)
    }
}

/// Whether an event is the result of a demand.
fn is_by(ask: &Demand, event: &Event) -> bool {
    match (ask, event) {
        (Demand::Answer { prompt: asked, .. }, Event::AnswerAccepted { prompt, .. }) => asked == prompt,
        (Demand::Note { text: asked, .. }, Event::Note { text, .. }) => asked == text,
        (Demand::Abort { undo: asked }, Event::AbortRequested { undo }) => asked == undo,
        (Demand::Item { step: asked, action, .. }, event) => match (action, event) {
            (ItemAction::Hand { .. } | ItemAction::Close, Event::StepClosed { step, .. })
            | (ItemAction::Close, Event::StepIntent { step, .. })
            | (ItemAction::Skip { .. }, Event::StepSkipped { step, .. })
            | (ItemAction::Override { .. }, Event::StepOverridden { step, .. })
            | (ItemAction::Reopen { .. }, Event::StepReopened { step, .. }) => asked == step,
            _ => false,
        },
        _ => false,
    }
}

/// The sentence for a demand that was not accepted.
pub(super) fn nothing_came(ask: &Demand) -> &'static str {
    match ask {
        Demand::Answer { .. } => "nothing was confirmed",
        Demand::Note { .. } => "no note was saved",
        Demand::Item { .. } => "the item is as it was",
        Demand::Abort { .. } => "the run was not stopped",
    }
}
