//! Which step may be taken back, and what became of it.

use crate::domain::{Digest, StepState};
use crate::journal::fold::{Act, Impossible, RunView, refuse};
use crate::journal::record::{Ending, Outcome, Record};

impl RunView {
    pub(super) fn intend_undo(
        &mut self,
        step: u32,
        attempt: u32,
        set: Option<&Digest>,
        log: &str,
    ) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("an undo while an attempt or a prompt is open");
        }
        if !self.abort.as_ref().is_some_and(|(_, undo)| *undo) {
            return refuse("an undo that nobody asked for");
        }
        let view = self.at(step)?;
        if !view.owes_undo() || attempt != view.undo_attempts.saturating_add(1) || view.set.as_ref() != set {
            return refuse(format!("step {step} cannot be undone now"));
        }
        let state = view.state;
        let view = self.turn(step, state)?;
        view.undo_attempts = attempt;
        view.log = Some(log.to_owned());
        self.open = Some((step, attempt, Act::Undo));
        Ok(())
    }

    pub(super) fn end_undo(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        outcome: &Outcome,
    ) -> Result<(), Impossible> {
        if self.open != Some((step, attempt, Act::Undo)) {
            return refuse(format!("an undo outcome of step {step} without its intent"));
        }
        self.open = None;
        let state = match outcome.ending {
            Ending::Ok => StepState::Undone,
            Ending::Unknown => StepState::Unknown,
            Ending::Failed | Ending::TimedOut | Ending::Cancelled | Ending::NotStarted => self.at(step)?.state,
        };
        let view = self.turn(step, state)?;
        view.ended = Some(record.wall);
        view.undo = Some(outcome.clone());
        Ok(())
    }
}
