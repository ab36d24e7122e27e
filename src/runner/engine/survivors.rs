//! Handles processes that outlive their shim: the run waits for them or ends them, and settles nothing before.

use crate::config::plain;
use crate::domain::error::{Result, system_text};
use crate::domain::{Digest, EffectClass, PromptId, StepState, Verb};
use crate::journal::record::{Choice, Closed, Event, Lapsed};
use crate::procedure::plan::Step;
use crate::runner::engine::decide::Matter;
use crate::runner::engine::{Engine, attempt};
use crate::runner::shim::GRACE;
use crate::runner::survivors::{self, Living};
use crate::runner::{adapters, failpoint};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to check whether they have ended.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How long a process may take to end after KILL before it counts as unkillable.
const AFTER_KILL: Duration = Duration::from_secs(3);

/// How often a file named in arguments may change during its prompt before its content is no longer compared.
const CHANGES: u32 = 2;

impl Engine {
    /// Whether the set of a consent has changed, or cannot be read. Then nothing runs, a record names the reason, and
    /// the step asks again.
    pub(super) async fn has_drifted(&mut self, step: u32, permit: &PromptId, set: &Digest) -> Result<bool> {
        let drift = self.find_drift(step, set).await?;
        if self.is_stopped() {
            return Ok(true);
        }
        let Some(change) = drift else { return Ok(false) };
        if self.view().permit(step).is_some_and(|(given, _)| given == permit) {
            let why = if change.why == Closed::NoPreview { Lapsed::Unread } else { Lapsed::Drifted };
            self.write(Event::ConsentLapsed { prompt: permit.clone(), step, why, drift: change.lines })?;
        }
        Ok(true)
    }

    /// Counts the argument files that changed between two sets.
    pub(super) fn remember_drift(&mut self, before: &Path, after: &Path) {
        let (Ok(before), Ok(after)) = (plain::open(before), plain::open(after)) else { return };
        for path in adapters::drifted_arguments(&mut BufReader::new(before), &mut BufReader::new(after)) {
            *self.restless.entry(path).or_default() += 1;
        }
    }

    /// The files that change too often to be confirmed.
    pub(super) fn restless(&self) -> Vec<PathBuf> {
        self.restless.iter().filter(|(_, times)| **times >= CHANGES).map(|(path, _)| path.clone()).collect()
    }

    /// Ends the remaining processes of a look, and asks about those of an act; `false` if there are none. Nothing is
    /// settled, repeated or undone while they run.
    pub(super) async fn is_at_work(&mut self, step: u32, planned: &Step, how: &Matter) -> Result<bool> {
        let attempt = self.view().step(step).map_or(0, |view| view.attempts);
        let name = attempt::name(step, attempt);
        let alive = survivors::left_of(&self.dir.attempt(&name));
        if alive.is_empty() {
            return Ok(false);
        }
        if planned.effect == EffectClass::Read && planned.verb != Verb::Notify {
            // A look changes nothing.
            self.end_living(&name).await?;
        } else {
            self.decide_at_work(step, name, how, &alive).await?;
        }
        Ok(true)
    }

    /// Asks about an attempt whose shim is gone and whose processes still run; the run also waits for their end while
    /// the prompt is open.
    pub(super) async fn decide_at_work(
        &mut self,
        step: u32,
        name: String,
        how: &Matter,
        living: &[Living],
    ) -> Result<()> {
        let text = format!("{}; still at work: {}", how.text, survivors::shown(living));
        // Settle nothing while they run: going on would free what they lock, and could seal the run.
        let choices = [Choice::End, Choice::Hold, Choice::Abort];
        let mut menu = self.meaning(step, &choices);
        for (choice, means) in &mut menu {
            match choice {
                Choice::End => *means = format!("end {} (TERM, then KILL), then look again", survivors::shown(living)),
                Choice::Abort => means.push_str(", and end what is at work"),
                _ => means.push_str("; its processes keep running, and the run keeps its locks"),
            }
        }
        self.awaited = Some(name.clone());
        let chosen = self.chosen(step, Matter { about: how.about, text }, menu).await;
        self.awaited = None;
        match chosen? {
            Some((Choice::End, _)) => self.end_living(&name).await.map(drop),
            Some((choice, reason)) => self.follow(step, choice, reason),
            None => Ok(()),
        }
    }

    /// Whether the awaited processes have ended.
    pub(super) fn has_ended_awaited(&self) -> bool {
        self.awaited.as_ref().is_some_and(|name| survivors::of_attempt(&self.dir.attempt(name)).is_empty())
    }

    /// Ends the processes of an attempt whose shim is gone: TERM, then KILL after the grace. Returns those that do
    /// not end, with the reason. Handles calls while it waits.
    pub(super) async fn end_living(&mut self, name: &str) -> Result<Vec<(Living, String)>> {
        let dir = self.dir.attempt(name);
        let grace = failpoint::span("GRACE", GRACE);
        let began = Instant::now();
        let (mut lines, mut first) = (Vec::new(), Vec::new());
        loop {
            let alive = survivors::of_attempt(&dir);
            if alive.is_empty() {
                if !first.is_empty() {
                    let text = format!("ended what still ran of attempt {name}: {}", survivors::shown(&first));
                    self.write(Event::Note { step: self.step_of(name), text })?;
                }
                return Ok(Vec::new());
            }
            if first.is_empty() {
                first.clone_from(&alive);
            }
            let spent = began.elapsed();
            if spent >= grace + AFTER_KILL {
                let why = |one: Living| match one.signal(Signal::KILL) {
                    Ok(()) => (one, "it does not end on KILL".to_owned()),
                    Err(cause) => (one, system_text(cause)),
                };
                return Ok(alive.into_iter().map(why).collect());
            }
            if spent >= grace {
                survivors::kill_group(&dir);
            }
            for one in alive {
                if spent >= grace {
                    let _ = one.signal(Signal::KILL);
                } else if !lines.contains(&one.id) {
                    let _ = one.signal(Signal::TERM).and_then(|()| one.signal(Signal::CONT));
                    lines.push(one.id);
                }
            }
            self.idle(LOOK).await?;
        }
    }

    /// Ends every process of this run that outlived its shim, and waits while one does not end: the run is not sealed
    /// and keeps its locks. With `rolls_back`, an undo at work is left alone: the rollback asks about it in its turn.
    pub(super) async fn end_all_living(&mut self, rolls_back: bool) -> Result<()> {
        // Record each attempt and reason once: an unkillable process may start and end children for hours.
        let mut noted = BTreeSet::new();
        loop {
            let mut left = BTreeMap::<_, Vec<Living>>::new();
            for name in self.left_at_work().into_iter().filter(|name| !(rolls_back && attempt::is_undo(name))) {
                for (one, why) in self.end_living(&name).await? {
                    left.entry((name.clone(), why)).or_default().push(one);
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            for ((name, why), processes) in left {
                if noted.insert((name.clone(), why.clone())) {
                    let text = format!(
                        "attempt {name} is still at work and cannot be ended: {}: {why}; the run is sealed when it has ended",
                        survivors::shown(&processes)
                    );
                    self.write(Event::Note { step: self.step_of(&name), text })?;
                }
            }
            self.idle(Duration::from_secs(1)).await?;
        }
    }

    /// The attempts with processes that still run without a shim: their act did not end well, or their step failed.
    fn left_at_work(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = survivors::of_run(&self.dir).into_iter().map(|(name, _)| name).collect();
        for (number, step) in (0_u32..).zip(&self.view().steps) {
            let name = attempt::name(number, step.attempts);
            let settled = !matches!(step.state, StepState::Failed | StepState::Stopped | StepState::Unknown);
            if !settled && !survivors::left_of(&self.dir.attempt(&name)).is_empty() {
                names.insert(name);
            }
        }
        names
    }

    /// The step of an attempt, by its name.
    pub(super) fn step_of(&self, name: &str) -> Option<u32> {
        let number = name.split('.').next()?.parse::<u32>().ok()?;
        number.checked_sub(1).filter(|step| self.view().step(*step).is_some())
    }
}
