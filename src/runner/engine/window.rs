//! Keeps a run within its window: judges the calendar when it begins, whenever it changes, and before each change of
//! a target.
//!
//! A run uses the windows as they were at its start: `windows.toml` is frozen beside the plan. Later edits apply to
//! later runs, so that the hours of a confirmed run do not change.

use crate::calendar::{Calendar, Standing};
use crate::config::estate::Environment;
use crate::domain::error::Result;
use crate::domain::time::Now;
use crate::domain::{Actor, Digest, Error, Kind, PromptId};
use crate::journal::history::History;
use crate::journal::record::{Choice, Event};
use crate::journal::terms::WindowStanding;
use crate::probes::clock;
use crate::procedure::plan::{Plan, Step};
use crate::runner::engine::Engine;
use crate::runner::engine::decide::Matter;
use crate::runner::preflight;
use crate::runner::rundir::{RunDir, Start, read_bounded};
use std::time::Duration;

/// From this difference on, the wall clock counts as set: a corrected clock is slewed, and reading both clocks may
/// itself be delayed.
const JUMP: Duration = Duration::from_secs(5);

/// The largest `windows.toml`.
const LARGEST: u64 = 4 << 20;

/// The windows of a run (none if its procedure needs none), and the clocks as last read.
pub(super) struct Hours {
    calendar: Calendar,
    last: Now,
}

impl Hours {
    /// The frozen windows of a run.
    ///
    /// # Errors
    /// When the frozen file is missing, another one, or not to be read.
    pub(super) fn of(dir: &RunDir, plan: &Plan, start: &Start) -> Result<Self> {
        let calendar = if plan.window.is_some() { frozen(dir, start)? } else { Calendar::default() };
        Ok(Self { calendar, last: clock::now() })
    }

    /// Refuses a run that its window does not allow now; the launcher has checked, but the clock goes on.
    pub(super) fn allow(&self, dir: &RunDir, plan: &Plan, start: &Start, history: &History, now: Now) -> Result<()> {
        let view = preflight::preview(plan, start, history, self.calendar(), now)?;
        let emergency =
            start.emergency.as_ref().and_then(|reason| preflight::emergency_refusal(reason, dir.team().is_some()));
        emergency.or_else(|| preflight::refusal(plan, &view, now)).map_or(Ok(()), Err)
    }

    /// The windows.
    pub(super) fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

fn frozen(dir: &RunDir, start: &Start) -> Result<Calendar> {
    let path = dir.windows();
    let doing = format!("read the windows that run {} froze", dir.id);
    let Some(digest) = &start.windows else {
        return Err(Error::new(Kind::Refused, "the run belongs in a window, and froze none"));
    };
    let bytes = read_bounded(&path, LARGEST).map_err(|cause| Error::machine(&doing, cause))?;
    if Digest::of(&bytes) != *digest {
        return Err(Error::new(Kind::Refused, "the frozen windows are not those that the run was started with"));
    }
    if bytes.is_empty() {
        // An emergency without a windows.toml.
        return Ok(Calendar::default());
    }
    let text = String::from_utf8(bytes).map_err(|cause| Error::machine(&doing, cause))?;
    crate::calendar::parse(&text, &path).map_err(|problems| {
        let why = problems.first().map(ToString::to_string).unwrap_or_default();
        Error::machine(doing, why)
    })
}

/// The state of the windows for a plan at a moment.
pub fn standing(calendar: &Calendar, plan: &Plan, now: crate::domain::Wall) -> Option<WindowStanding> {
    let wanted = plan.window.as_ref()?;
    let environment = Environment::from_word(&plan.environment).unwrap_or(Environment::Production);
    Some(match calendar.standing_for(wanted, environment, now) {
        Some(Standing::Open(open, _)) => WindowStanding { open: Some(open.into()), next: None },
        Some(Standing::Next(next)) => WindowStanding { open: None, next: Some(next.into()) },
        None => WindowStanding::default(),
    })
}

impl Engine {
    /// Reads both clocks; if the wall clock was set since, that is recorded, and the window is judged again.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn tick(&mut self, me: &Actor) -> Result<Now> {
        let now = clock::now();
        let by_ms = jumped_ms(self.hours.last, now);
        self.hours.last = now;
        if by_ms.unsigned_abs() > u64::try_from(JUMP.as_millis()).unwrap_or(u64::MAX) {
            self.append(Event::ClockJump { by_ms }, me, now)?;
            self.judge_window("the clock was set", now)?;
        }
        Ok(now)
    }

    /// Judges the calendar, and records what changed since the last time.
    pub(super) fn judge_window(&mut self, why: &str, now: Now) -> Result<()> {
        let Some(standing) = standing(self.hours.calendar(), &self.plan, now.wall) else { return Ok(()) };
        if self.view().window.as_ref() == Some(&standing) {
            return Ok(());
        }
        let why = why.to_owned();
        let me = self.me.clone();
        self.append(Event::WindowJudged { standing, why }, &me, now).map(drop)
    }

    /// Judges the calendar because time has passed.
    pub(super) fn watch_window(&mut self) -> Result<Now> {
        let me = self.me.clone();
        let now = self.tick(&me)?;
        let open = self.view().window.as_ref().and_then(|standing| standing.open.as_ref());
        let why = match open {
            Some(open) if open.until <= now.wall => "the window ended",
            Some(_) => "another window has more time",
            None => "a window opened",
        };
        self.judge_window(why, now)?;
        Ok(now)
    }

    /// Whether a change of a target may begin now; without enough time, a person is asked, and it does not begin.
    /// Cleanup steps also run past the end of the window, and so do steps that a second person starts as an
    /// emergency. An open prompt waits: it is asked and judged again when it lapses.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) async fn has_time(&mut self, step: u32, planned: &Step) -> Result<bool> {
        let now = self.watch_window()?;
        let why = self.view().no_time(step, now.wall).filter(|_| !self.ending);
        let Some(why) = why else { return Ok(true) };
        let past = self.has_team().then_some(Choice::Emergency);
        self.decide(step, planned, Matter::refused(why.of(&planned.title)), past).await?;
        Ok(false)
    }

    /// Records an intent, judged at the moment of its record; `false` if there is no time left. Since the previous
    /// judgement the panes may have been read, and the clock may have been set.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn intend(&mut self, actor: &Actor, intent: Event) -> Result<bool> {
        let now = self.watch_window()?;
        if let Event::StepIntent { step, .. } = &intent
            && !self.ending
            && self.view().no_time(*step, now.wall).is_some()
        {
            return Ok(false);
        }
        self.append(intent, actor, now)?;
        Ok(true)
    }

    /// Acts on a confirmed set if there is still time: the prompt may have been open for long.
    pub(super) async fn attempt_in_time(
        &mut self,
        step: u32,
        planned: &Step,
        set: Digest,
        permit: PromptId,
    ) -> Result<()> {
        match self.has_time(step, planned).await? {
            true => self.attempt_step(step, planned, Some(set), Some(permit)).await,
            false => Ok(()),
        }
    }
}

/// How far the wall clock jumped against the boot clock between two readings, in milliseconds.
fn jumped_ms(before: Now, after: Now) -> i64 {
    let wall = after.wall.0.duration_since(before.wall.0).as_millis();
    let counted = i128::from(after.boot.0) - i128::from(before.boot.0);
    i64::try_from(wall - counted / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Boot, Wall};

    #[test]
    fn a_jump_is_the_change_of_the_wall_clock_alone() {
        let at = |wall: i64, boot: u64| Now { wall: Wall::from_unix(wall, 0), boot: Boot(boot * 1_000_000_000) };
        assert_eq!(jumped_ms(at(1000, 50), at(1060, 110)), 0, "a minute went by, asleep or not");
        assert_eq!(jumped_ms(at(1000, 50), at(87_400, 50)), 86_400_000);
        assert_eq!(jumped_ms(at(87_400, 50), at(1001, 51)), -86_400_000);
    }
}
