//! Asks a second person.
//!
//! ```text
//! do, four eyes ─▶ prompt ─▶ confirmed by one ─▶ approved by another, or the glass is broken ─▶ attempt
//! approve       ─▶ prompt ─▶ approved by another than the starter, or the glass is broken
//! start         ─▶ the same, before step 1, about the whole plan
//! ```

use crate::domain::Actor;
use crate::domain::error::Result;
use crate::journal::record::{Answer, Ask, Event};
use crate::procedure::plan::Step;
use crate::runner::engine::Engine;
use crate::runner::engine::prompt::Asked;

impl Engine {
    /// An `approve` step, or item: another person than the starter agrees to its text.
    pub(super) async fn approve(&mut self, step: u32, planned: &Step) -> Result<()> {
        let ask = Ask::Approve { text: self.told(&planned.text), hash: self.view().plan.clone(), start: false };
        let said = match self.ask(step, ask).await? {
            Asked::Answered(_, Answer::Approve { note }) => note,
            Asked::Answered(_, Answer::BreakGlass { reason }) => format!("break glass: {reason}"),
            _ => return Ok(()),
        };
        let by = self.second_of(step);
        self.write_as(&by, Event::StepClosed { step, note: said }).map(drop)
    }

    /// Whoever approved a step last.
    fn second_of(&self, step: u32) -> Actor {
        self.view().approval(step).map_or_else(|| self.me.clone(), |approval| approval.by.clone())
    }

    /// Asks another person than the starter to agree to the run's start, before its first step; `why` says what is special
    /// about it. A run that goes on after its runner was gone asks no second time. Says whether to go on: not where the run was
    /// stopped, or somebody said no.
    ///
    /// The caller refuses a start for which no second person can be had: see [`Engine::has_team`] and
    /// [`crate::runner::policy::without_team`].
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn approve_start(&mut self, why: &str) -> Result<bool> {
        while self.view().start_approval().is_none() {
            let ask = Ask::Approve { text: why.to_owned(), hash: self.view().plan.clone(), start: true };
            if let Asked::Stopped = self.ask(0, ask).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether others than the starter reach this run: it is kept in a team directory.
    pub(super) fn has_team(&self) -> bool {
        self.dir.team().is_some()
    }
}
