//! A checklist as computed from its journal: which items are open, what closed the others, and by whom.
//!
//! The items of a checklist are its steps. Those of one phase are open at once; the next phase opens with the record that closes
//! the last item of the one before it.

use crate::domain::{Actor, EffectClass, Evidence, Order, StepState, Verb, Wall};
use crate::journal::fold::{Impossible, RunView, StepView, refuse};
use crate::journal::record::Ending;

/// The state of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Its phase is not open yet.
    Later,
    /// It waits for evidence, or for a person.
    Open,
    /// It waits for a second person to approve it.
    SecondPerson,
    /// It is looked at, acts, or has a prompt open about it.
    AtWork,
    /// It acted with an unknown outcome.
    Unknown,
    /// It was closed by what was seen or done.
    Evidence,
    /// A person closed it by hand, without evidence.
    Claim,
    /// It was skipped.
    Skipped,
    /// It is a hard gate that did not pass, and another person than the starter led the run past it.
    Overridden,
    /// What it did was undone.
    Undone,
}

impl ItemState {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Later => "later",
            Self::Open => "open",
            Self::SecondPerson => "waits for a second person",
            Self::AtWork => "at work",
            Self::Unknown => "unknown",
            Self::Evidence => "evidence",
            Self::Claim => "claim",
            Self::Skipped => "skipped",
            Self::Overridden => "overridden",
            Self::Undone => "undone",
        }
    }

    /// Whether nothing more is needed of it.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Evidence | Self::Claim | Self::Skipped | Self::Overridden | Self::Undone)
    }
}

/// An item of a checklist.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemView {
    /// Its step, from 0.
    pub step: u32,
    /// The record that opened it; 0 while it is not open yet.
    pub seq: u64,
    /// Its phase.
    pub phase: String,
    /// What it is called.
    pub title: String,
    /// What shall be done or looked at.
    pub what: String,
    /// Why; may be empty.
    pub why: String,
    /// The included procedure that it belongs to.
    pub part: Option<String>,
    /// Its verb.
    pub verb: Verb,
    /// Its effect class.
    pub effect: EffectClass,
    /// Whether only evidence closes it, or an override.
    pub hard: bool,
    /// Whether a sign-off needs a note.
    pub note_required: bool,
    /// Its state.
    pub state: ItemState,
    /// The words for that; where its undo ended otherwise than well, for how that ended.
    pub standing: &'static str,
    /// Whether its undo ended otherwise than well.
    pub is_undo_failed: bool,
    /// Who closed it or skipped it, as the kernel reports; of evidence, the runner or who asked for it.
    pub by: Option<Actor>,
    /// When it was closed; of an open one, when it was last looked at.
    pub at: Option<Wall>,
    /// The note of a claim, the reason of a skip, the text of a notice.
    pub note: String,
    /// What the newest look or act reported: `31 h old`, `exit code 0`; empty where there was none.
    pub found: String,
    /// Whether that look passed; `None` where there was none.
    pub passed: Option<bool>,
    /// Whether a person stopped it before it ended.
    pub stopped: bool,
    /// What was seen by it.
    pub evidence: Option<Evidence>,
    /// How many notes were written beside it.
    pub notes: usize,
}

/// How far a phase is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseCount {
    /// Its name.
    pub phase: String,
    /// How many of its items are closed.
    pub closed: usize,
    /// How many it has.
    pub of: usize,
    /// Whether its items are open.
    pub current: bool,
}

impl ItemView {
    /// Its evidence, in a line: `31 h old · backup database`; empty where nothing was seen.
    #[must_use]
    pub fn evidence_line(&self) -> String {
        match (&self.evidence, self.found.as_str()) {
            (None, found) => found.to_owned(),
            (Some(evidence), found) if evidence.source == self.what => found.to_owned(),
            (Some(evidence), "") => evidence.source.clone(),
            (Some(evidence), found) => format!("{found} · {}", evidence.source),
        }
    }
}

fn is_over(step: &StepView) -> bool {
    matches!(step.state, StepState::Done | StepState::Skipped | StepState::Undone)
}

impl RunView {
    /// The items of a checklist, in order; none where the run is not one.
    #[must_use]
    pub fn items(&self) -> Vec<ItemView> {
        let steps = if self.order == Order::Any { self.steps.len() } else { 0 };
        (0..u32::try_from(steps).unwrap_or(u32::MAX)).filter_map(|step| self.item(step)).collect()
    }

    /// An item of a checklist, by its step from 0.
    #[must_use]
    pub fn item(&self, step: u32) -> Option<ItemView> {
        let view = self.step(step).filter(|_| self.order == Order::Any)?;
        // What was seen of an undone item is what its undo did.
        let is_undone = view.state == StepState::Undone && view.undo.is_some();
        let outcome = if is_undone { view.undo.as_ref() } else { view.outcome.as_ref() };
        let ended = |how: Ending| outcome.is_some_and(|end| end.ending == how);
        let by_undo = if is_undone { "its undo: " } else { "" };
        Some(ItemView {
            step,
            seq: view.opened,
            phase: view.head.phase.clone(),
            title: view.head.title.clone(),
            what: view.head.what.clone(),
            why: view.head.why.clone(),
            part: view.head.part.clone(),
            verb: view.head.verb,
            effect: view.head.effect,
            hard: view.head.hard,
            note_required: view.head.note_required,
            state: self.item_state(view),
            standing: view.failed_undo().map_or(self.item_state(view).word(), |_| view.standing()),
            is_undo_failed: view.failed_undo().is_some(),
            by: view.by.clone(),
            at: view.ended,
            note: view.remark.clone().unwrap_or_default(),
            found: outcome.map(|end| format!("{by_undo}{}", end.detail)).unwrap_or_default(),
            stopped: ended(Ending::Cancelled),
            passed: outcome.map(|end| end.ending == Ending::Ok),
            evidence: outcome.and_then(|end| end.evidence.clone()),
            notes: self.notes.iter().filter(|note| note.step == Some(step)).count(),
        })
    }

    fn item_state(&self, view: &StepView) -> ItemState {
        match view.state {
            StepState::Done if view.claimed || view.settled_by_hand => ItemState::Claim,
            StepState::Done => ItemState::Evidence,
            StepState::Skipped if view.overridden => ItemState::Overridden,
            StepState::Skipped => ItemState::Skipped,
            StepState::Undone => ItemState::Undone,
            StepState::Unknown => ItemState::Unknown,
            StepState::Running | StepState::Waiting => ItemState::AtWork,
            StepState::Planned | StepState::Failed | StepState::Stopped if !self.is_in_phase(view) => ItemState::Later,
            StepState::Planned | StepState::Failed | StepState::Stopped if view.head.verb == Verb::Approve => {
                ItemState::SecondPerson
            }
            StepState::Planned | StepState::Failed | StepState::Stopped => ItemState::Open,
        }
    }

    /// The phase of a checklist whose items are open; `None` when all are closed.
    #[must_use]
    pub fn phase(&self) -> Option<&str> {
        self.phase.and_then(|phase| self.phases.get(phase)).map(String::as_str)
    }

    /// How far each phase of a checklist is, in order.
    #[must_use]
    pub fn phase_counts(&self) -> Vec<PhaseCount> {
        let current = self.phase();
        let count = |phase: &String| {
            let (mut closed, mut of) = (0, 0);
            for step in self.steps.iter().filter(|step| step.head.phase == *phase) {
                of += 1;
                closed += usize::from(is_over(step));
            }
            PhaseCount { phase: phase.clone(), closed, of, current: current == Some(phase.as_str()) }
        };
        self.phases.iter().filter(|_| self.order == Order::Any).map(count).collect()
    }

    /// Whether a checklist has nothing to do but to wait for people.
    #[must_use]
    pub fn waits_for_people(&self) -> bool {
        self.order == Order::Any && self.open.is_none() && self.abort.is_none() && self.phase.is_some()
    }

    fn is_in_phase(&self, view: &StepView) -> bool {
        self.phase().is_some_and(|phase| phase == view.head.phase)
    }

    /// Refuses what belongs to a phase of a checklist that is not open.
    pub(super) fn in_its_phase(&self, step: u32) -> Result<(), Impossible> {
        let view = self.at(step)?;
        if self.order == Order::Any && !self.is_in_phase(view) {
            return refuse(format!("step {step} belongs to the phase {}, which is not open", view.head.phase));
        }
        Ok(())
    }

    /// Opens the first phase of a checklist that is not over, when another was open before this record. It never reopens an earlier one.
    pub(super) fn advance(&mut self, seq: u64) {
        if self.order != Order::Any || self.abort.is_some() {
            return;
        }
        let from = self.phase.unwrap_or(0);
        let waits = |phase: &String| self.steps.iter().any(|step| step.head.phase == *phase && !is_over(step));
        let next = (from..).zip(self.phases.iter().skip(from)).find(|(_, phase)| waits(phase)).map(|(at, _)| at);
        if next == self.phase {
            return;
        }
        self.phase = next;
        let Some(opened) = self.phase().map(str::to_owned) else { return };
        for step in self.steps.iter_mut().filter(|step| step.head.phase == opened) {
            step.opened = seq;
        }
    }
}

#[cfg(test)]
mod tests;
