//! Asks a second person.
//!
//! ```text
//! do, four-eyes ─▶ prompt ─▶ confirmed by one ─▶ approved by another, or break-glass is used ─▶ attempt
//! approve       ─▶ prompt ─▶ approved by another than the starter, or break-glass is used
//! start         ─▶ the same, before step 1, about the whole plan
//! ```

use crate::domain::error::Result;
use crate::domain::{Actor, Attendee};
use crate::journal::answer::may_give;
use crate::journal::fold::OpenPrompt;
use crate::journal::record::{Answer, Ask, Choice, Event};
use crate::procedure::plan::Step;
use crate::runner::engine::Engine;
use crate::runner::engine::prompt::Asked;
use crate::runner::presence::Presence;

impl Engine {
    /// An `approve` step or item: a person other than the starter agrees to its text.
    pub(super) async fn approve(&mut self, step: u32, planned: &Step) -> Result<()> {
        let ask = Ask::Approve { text: self.mask(&planned.text), hash: self.view().plan.clone(), start: false };
        let text = match self.ask(step, ask).await? {
            Asked::Answered(_, Answer::Approve { note }) => note,
            Asked::Answered(_, Answer::BreakGlass { reason }) => format!("break-glass: {reason}"),
            _ => return Ok(()),
        };
        let by = self.second_of(step);
        self.write_as(&by, Event::StepClosed { step, note: text }).map(drop)
    }

    /// The actor who approved a step last.
    fn second_of(&self, step: u32) -> Actor {
        self.view().approval(step).map_or_else(|| self.me.clone(), |approval| approval.by.clone())
    }

    /// Asks a person other than the starter to approve the start, before the first step; `why` gives the reason. A
    /// resumed run does not ask again. Returns whether to go on: false if the run was stopped. A start for which no
    /// second person is available is refused before there is a run.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) async fn approve_start(&mut self, why: &str) -> Result<bool> {
        while self.view().start_approval().is_none() {
            let ask = Ask::Approve { text: why.to_owned(), hash: self.view().plan.clone(), start: true };
            if let Asked::Stopped = self.ask(0, ask).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Refuses break-glass while a person is attached who could approve instead.
    pub(super) fn must_break(&self, open: &OpenPrompt, answer: &Answer) -> std::result::Result<(), String> {
        let Answer::BreakGlass { .. } = answer else { return Ok(()) };
        let approve = Answer::Approve { note: String::new() };
        let people = Presence::unseen(&self.dir).map(|presence| presence.people()).unwrap_or_default();
        let could = |person: &&Attendee| {
            person.may_act && may_give(open, &self.view().starter, &person.actor, &approve).is_ok()
        };
        match people.iter().find(could) {
            Some(person) => {
                Err(format!("{} is attached and can approve it: break-glass is refused", person.actor.name))
            }
            None => Ok(()),
        }
    }

    /// The choice to override a hard gate: only by a person other than the starter, if others can reach the run.
    pub(super) fn past_a_gate(&self) -> Option<Choice> {
        self.has_team().then_some(Choice::Override)
    }

    /// Whether other people can reach this run: it is in a team directory.
    pub(super) fn has_team(&self) -> bool {
        self.dir.team().is_some()
    }
}
