//! What a run still needs, against the time that its window and its budget leave.
//!
//! ```text
//!  now ──────── step (p90) ── rollback needed ────┤ end of the window: it fits
//!  now ── started + budget.run: the same, without the rollback, which has a budget of its own
//! ```
//! Reading and the rollback itself are never refused; only what changes something is.

use crate::domain::pace::whole;
use crate::domain::{Basis, EffectClass, Expected, StepState, Verb, Wall, quantity};
use crate::journal::fold::{RunView, StepView};
use crate::journal::record::{Event, Record};
use crate::journal::terms::Span;
use std::time::Duration;

/// What went otherwise with a run's time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeView {
    /// When the wall clock was set, and by how many milliseconds.
    pub jumps: Vec<(Wall, i64)>,
    /// What went on past the end of its window.
    pub late: Vec<Late>,
    /// The end of the window that was last open for it.
    pub(super) end: Option<Wall>,
}

/// Something that went on past the end of a run's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The step, from 0.
    pub step: u32,
    /// Whether it was its undo.
    pub undo: bool,
    /// The end of the window.
    pub until: Wall,
    /// When it was seen to continue.
    pub at: Wall,
}

impl TimeView {
    /// By how many milliseconds the wall clock was set in all, forward.
    pub(super) fn set_ms(&self) -> i64 {
        self.jumps.iter().fold(0, |sum, (_, by_ms)| sum.saturating_add(*by_ms))
    }
}

/// The time between two moments of a wall clock that was set in between.
fn lasted(from: Wall, until: Wall, set_ms: i64) -> Duration {
    let set = jiff::SignedDuration::from_millis(set_ms);
    let shown = until.0.duration_since(from.0);
    shown.checked_sub(set).and_then(|real| Duration::try_from(real).ok()).unwrap_or_default()
}

/// Why a change does not fit its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTime {
    /// No window is open.
    Outside {
        /// The one that opens next, where one ever does.
        next: Option<Span>,
    },
    /// The window ends before it could be done and undone.
    Window {
        /// How long the step takes.
        step: Expected,
        /// How long the rollback takes afterwards.
        rollback: Duration,
        /// The time left.
        left: Duration,
        /// The window.
        open: Span,
    },
    /// The run's budget ends before it could be done.
    Run {
        /// How long the step takes.
        step: Expected,
        /// What is left of the budget.
        left: Duration,
        /// The budget.
        budget: Duration,
    },
    /// The rollback would take longer than its budget.
    Rollback {
        /// How long it would take.
        needs: Duration,
        /// The budget.
        budget: Duration,
    },
}

/// What is left of a window beside what is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spare {
    /// So much.
    Left(Duration),
    /// So much is missing.
    Short(Duration),
}

impl NoTime {
    /// Why a step cannot begin, in a sentence: outside any window the reason is not time.
    #[must_use]
    pub fn of(&self, step: &str) -> String {
        match self {
            Self::Outside { .. } => format!("{step} is outside any maintenance window: {}", self.words()),
            _ => format!("no time for {step}: {}", self.words()),
        }
    }

    /// It in a sentence with its numbers: `needs 12 m + 20 m rollback, 18 m left, window weekly ends 04:00 UTC`.
    #[must_use]
    pub fn words(&self) -> String {
        let span = quantity::span;
        match self {
            Self::Outside { next: None } => "no window is open, and none opens again".to_owned(),
            Self::Outside { next: Some(next) } => {
                format!("no window is open; next: {} at {} UTC", next.window, next.from.minute())
            }
            Self::Window { step, rollback: undo, left, open } => {
                let back = if undo.is_zero() { String::new() } else { format!(" + {} rollback", whole(*undo)) };
                let ends = open.until.clock();
                let ends = ends.get(..5).unwrap_or(&ends);
                let (step, left) = (step.words(), span(*left));
                format!("needs {step}{back}, {left} left, window {} ends {ends} UTC", open.window)
            }
            Self::Run { step, left, budget } => {
                format!("needs {}, {} left of the run's budget of {}", step.words(), span(*left), span(*budget))
            }
            Self::Rollback { needs, budget } => {
                format!("the rollback would take {}, and its budget is {}", whole(*needs), span(*budget))
            }
        }
    }
}

impl StepView {
    /// How long it was open or at work, however the clock was set in between; `None` while it has not ended.
    #[must_use]
    pub fn lasted(&self) -> Option<Duration> {
        let (began, ended) = self.set_ms;
        Some(lasted(self.started?, self.ended?, ended.saturating_sub(began)))
    }

    /// How long it is expected to take.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected::of(self.head.timing.pace, self.head.takes_s, self.head.timing.timeout_s.unwrap_or(0))
    }

    /// How long it is expected to take to undo it; `None` where there is nothing that could.
    ///
    /// Without a past run: as long as the step itself takes; where that is unknown, too: its limit.
    #[must_use]
    pub fn rollback(&self) -> Option<Expected> {
        let of = || Expected::of(self.head.timing.undo, self.head.takes_s, self.head.timing.timeout_s.unwrap_or(0));
        self.head.can_undo.then(of)
    }

    /// Whether it changes anything by itself: such a step needs its window.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.head.effect > EffectClass::Read && self.head.verb == Verb::Do
    }

    /// How long it has been at work, of a run whose clock was set by so much in all; `None` where it never began.
    fn at_work(&self, now: Wall, set_ms: i64) -> Option<Duration> {
        self.started.map(|began| lasted(began, now, set_ms.saturating_sub(self.set_ms.0)))
    }

    /// How long it will still take, where that is more than a guess.
    fn still(&self, now: Wall, set_ms: i64) -> Duration {
        let expected = self.expected();
        let known = expected.basis != Basis::Unknown || self.changes() || self.head.verb == Verb::Wait;
        match self.state {
            _ if !known => Duration::ZERO,
            StepState::Planned | StepState::Waiting | StepState::Failed | StepState::Stopped => expected.time,
            StepState::Running => expected.time.saturating_sub(self.at_work(now, set_ms).unwrap_or_default()),
            _ => Duration::ZERO,
        }
    }
}

impl RunView {
    /// How long it has lasted at a moment, however the clock was set since it began.
    #[must_use]
    pub fn lasted(&self, until: Wall) -> Duration {
        lasted(self.started, until, self.time.set_ms())
    }

    /// How long one of its steps has been at work; `None` where it never began.
    #[must_use]
    pub fn at_work(&self, step: &StepView, now: Wall) -> Option<Duration> {
        step.at_work(now, self.time.set_ms())
    }

    /// How long the rollback would take of what has run, with this step as well.
    #[must_use]
    pub fn rollback_with(&self, step: Option<u32>) -> Duration {
        let mut pending = self.pending_undos();
        pending.extend(step.filter(|step| !pending.contains(step)));
        let times = pending.into_iter().filter_map(|step| self.step(step)?.rollback()).map(|expected| expected.time);
        times.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// What is to be kept free for the undo: its budget where it has one, else what it would take.
    fn reserved(&self, undo: Duration) -> Duration {
        let budget = self.terms.budget.undo_s.map(Duration::from_secs);
        if undo.is_zero() { Duration::ZERO } else { budget.unwrap_or(undo) }
    }

    /// Whether its window and its budget count: not in an emergency.
    fn counts_time(&self) -> bool {
        self.terms.emergency.is_none()
    }

    /// Whether it was started as an emergency, or became one.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        self.terms.emergency.is_some() || self.overrides.iter().any(|passed| passed.late)
    }

    /// Whether another person decided that a step begins although there is no time for it.
    fn cannot_wait(&self, step: u32) -> bool {
        self.overrides.iter().any(|passed| passed.late && passed.step == step)
    }

    /// Why a step may not begin now, for want of time; `None` where it may.
    #[must_use]
    pub fn no_time(&self, step: u32, now: Wall) -> Option<NoTime> {
        let view = self.step(step).filter(|view| view.changes() && self.counts_time() && !self.cannot_wait(step))?;
        self.would_fit(view, now, self.rollback_with(Some(step)))
    }

    /// Why a change would not fit that begins at a moment, and after which the rollback takes so long.
    fn would_fit(&self, view: &StepView, at: Wall, undo: Duration) -> Option<NoTime> {
        let step = view.expected();
        if let Some(standing) = &self.window {
            let Some(open) = standing.open.as_ref().filter(|open| at < open.until) else {
                return Some(NoTime::Outside { next: standing.next.clone() });
            };
            let left = open.until.since(at);
            let undo_text = self.reserved(undo);
            if step.time.saturating_add(undo_text) > left {
                return Some(NoTime::Window { step, rollback: undo_text, left, open: open.clone() });
            }
        }
        if let Some(budget) = self.terms.budget.run_s.map(Duration::from_secs) {
            let left = budget.saturating_sub(at.since(self.started));
            if step.time > left {
                return Some(NoTime::Run { step, left, budget });
            }
        }
        let budget = self.terms.budget.undo_s.map(Duration::from_secs);
        budget.filter(|budget| undo > *budget).map(|budget| NoTime::Rollback { needs: undo, budget })
    }

    /// The first step that would not fit any more if all goes on as expected from now: from there on is no time to go back.
    #[must_use]
    pub fn no_time_from(&self, now: Wall) -> Option<(u32, NoTime)> {
        if self.sealed.is_some() || !self.counts_time() {
            return None;
        }
        let mut at = now;
        let mut undo = self.rollback_with(None);
        for (number, step) in (0_u32..).zip(&self.steps) {
            if step.state.is_over() {
                continue;
            }
            if matches!(step.state, StepState::Planned | StepState::Waiting) && step.changes() {
                undo = undo.saturating_add(step.rollback().map_or(Duration::ZERO, |expected| expected.time));
                if let Some(why) = self.would_fit(step, at, undo) {
                    return Some((number, why));
                }
            }
            at = at.plus(step.still(now, self.time.set_ms()));
        }
        None
    }

    /// What is left to do forward, as far as it is known, and what the rollback of what ran would take.
    #[must_use]
    pub fn remaining(&self, now: Wall) -> (Duration, Duration) {
        let open = self.steps.iter().filter(|step| !step.state.is_over());
        let forward = open.fold(Duration::ZERO, |sum, step| sum.saturating_add(step.still(now, self.time.set_ms())));
        (forward, self.reserved(self.rollback_with(None)))
    }

    /// Keeps the state of the windows, that the clock was set, and what ran past the end of the window: an act that ended
    /// there, a rollback that began there.
    pub(super) fn keep_time(&mut self, record: &Record) {
        let (step, undo) = match &record.event {
            Event::WindowJudged { standing, .. } => {
                self.time.end = standing.open.as_ref().map(|open| open.until).or(self.time.end);
                self.window = Some(standing.clone());
                return;
            }
            Event::ClockJump { by_ms } => return self.time.jumps.push((record.wall, *by_ms)),
            Event::StepOutcome { step, .. } => (*step, false),
            Event::UndoIntent { step, .. } => (*step, true),
            _ => return,
        };
        let changed = undo || self.step(step).is_some_and(StepView::changes);
        if let Some(until) = self.time.end.filter(|until| changed && record.wall >= *until) {
            self.time.late.push(Late { step, undo, until, at: record.wall });
        }
    }

    /// What is left of its window once all is done as expected and undone; `None` while no window is open for it.
    #[must_use]
    pub fn spare(&self, now: Wall) -> Option<Spare> {
        let (_, left) = self.window_left(now)?;
        let (forward, back) = self.remaining(now);
        let needs = forward.saturating_add(back);
        let short = needs.checked_sub(left).filter(|short| !short.is_zero());
        Some(short.map_or_else(|| Spare::Left(left.saturating_sub(needs)), Spare::Short))
    }

    /// The window that is open for it at a moment, with the time left.
    #[must_use]
    pub fn window_left(&self, now: Wall) -> Option<(&Span, Duration)> {
        let open = self.window.as_ref()?.open.as_ref().filter(|open| now < open.until)?;
        Some((open, open.until.since(now)))
    }
}

#[cfg(test)]
mod tests;
