//! Where a step stands, in one or two words: its state, or, where its undo ended otherwise than well, how that ended.

use crate::domain::StepState;
use crate::journal::fold::StepView;
use crate::journal::record::Ending;

impl StepView {
    /// How its newest undo ended, where that did not undo it: what the step did may still be there, all of it or a part.
    #[must_use]
    pub fn failed_undo(&self) -> Option<Ending> {
        let undo = self.undo.as_ref().filter(|_| self.is_latest_undo() && self.state != StepState::Undone)?;
        Some(undo.ending)
    }

    /// The words for where it stands.
    #[must_use]
    pub fn standing(&self) -> &'static str {
        match (self.failed_undo(), self.state) {
            (None | Some(Ending::Ok), state) => state.word(),
            (Some(Ending::Failed), _) => "undo failed",
            (Some(Ending::TimedOut), _) => "undo timed out",
            (Some(Ending::Cancelled), _) => "undo stopped",
            (Some(Ending::NotStarted), _) => "undo not started",
            (Some(Ending::Unknown), StepState::Unknown) => "undo unknown",
            // A person looked, and its effect is still there.
            (Some(Ending::Unknown), _) => "not undone",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::StepState;
    use crate::journal::chain::read;
    use crate::journal::fold::RunView;
    use crate::journal::record::{Ending, Event};
    use crate::journal::samples::{bytes, night};

    #[test]
    fn a_step_whose_undo_did_not_end_well_is_not_called_done() {
        for (ending, words) in [
            (Ending::Ok, "undone"),
            (Ending::Failed, "undo failed"),
            (Ending::TimedOut, "undo timed out"),
            (Ending::Cancelled, "undo stopped"),
            (Ending::NotStarted, "undo not started"),
            (Ending::Unknown, "undo unknown"),
        ] {
            let mut events = night();
            events.pop();
            for event in &mut events {
                if let Event::UndoOutcome { outcome, .. } = event {
                    outcome.ending = ending;
                }
            }
            let records = read(&bytes(1, &events)).records;
            let view = RunView::of(&records).unwrap();
            let step = view.steps.iter().find(|step| step.undo.is_some()).unwrap();
            assert_eq!(step.standing(), words, "{ending:?}");
            assert_eq!(step.failed_undo().is_none(), ending == Ending::Ok, "{ending:?}");
            let never = view.steps.iter().filter(|step| step.undo.is_none());
            assert!(never.clone().count() > 0 && never.clone().all(|step| step.standing() == step.state.word()));
            let mut settled = step.clone();
            settled.state = StepState::Done;
            let expected = if ending == Ending::Unknown { "not undone" } else { words };
            assert!(ending == Ending::Ok || settled.standing() == expected, "{ending:?}: {}", settled.standing());
        }
    }
}
