//! Compares what an undo or a proof would run with what was confirmed for its step.
//!
//! ```text
//! undo ─▶ as confirmed ─▶ undo.intent
//!      └▶ another ─▶ prompt: decide ─▶ look again · run it as it is now, with the digest of what was shown · leave the step · hold · abort
//! proof ─▶ another: not run, and unclear
//! ```
//! A set of an older version names neither, and then what is there is what is executed.

use crate::config::plain;
use crate::domain::Digest;
use crate::domain::error::Result;
use crate::journal::record::{About, Choice};
use crate::procedure::plan::{Action, Step, UndoPlan};
use crate::runner::adapters;
use crate::runner::adapters::bound::{Bound, Code};
use crate::runner::engine::Engine;
use crate::runner::engine::attempt::is_undo;
use crate::runner::engine::decide::Matter;
use crate::runner::pinned::Pinned;
use std::io::BufReader;

/// A difference from what was confirmed.
struct Changed {
    /// One line for each file.
    lines: Vec<String>,
    /// The code that would run now; none if nothing can.
    now: Option<Code>,
}

impl Engine {
    /// The files that a set names for the program about to start.
    pub(super) fn confirmed_files(
        &self,
        name: &str,
        action: &Action,
        prove: bool,
        set: Option<&Digest>,
    ) -> Option<Pinned> {
        let set = set?;
        if prove && let Some(bound) = self.bound_in(set) {
            return bound.prove?.pinned;
        }
        if is_undo(name) {
            let changed = self.step_of(name).and_then(|step| self.view().changed_undo(step));
            if let Some(bound) = self.bound_in(changed.unwrap_or(set)) {
                return bound.undo?.pinned;
            }
        }
        let file = plain::open(&self.dir.set(set)).ok().filter(|_| !prove)?;
        adapters::pinned(action, &mut BufReader::new(file))
    }

    /// The part of a set about the undo and the proof of its step; `None` in a set of an older version.
    fn bound_in(&self, set: &Digest) -> Option<Bound> {
        Bound::in_set(&mut BufReader::new(plain::open(&self.dir.set(set)).ok()?))
    }

    /// Whether the undo of a step would run what was confirmed; otherwise a person is asked.
    pub(super) async fn is_as_confirmed(&mut self, step: u32) -> Result<bool> {
        let Some(changed) = self.changed_undo(step)? else { return Ok(true) };
        let text = format!("the undo would not run what was confirmed: {}", changed.lines.join("; "));
        let mut menu =
            vec![(Choice::Retry, "look again, and run the undo where it is as confirmed by then".to_owned())];
        let mut set = None;
        if let Some(now) = changed.now {
            menu.push((Choice::RunChanged, format!("run the undo as it is now, with a reason: {}", now.shown())));
            set = Some(self.keep_changed(now)?);
        }
        menu.extend(self.past_an_undo(step));
        // The answer itself records any other choice, and the undo is compared again.
        if let Some((Choice::Abort, reason)) =
            self.chosen_of(step, Matter { about: About::Other, text }, menu, set).await?
        {
            self.follow(step, Choice::Abort, reason)?;
        }
        Ok(false)
    }

    /// Stores what an undo would run now as a set; the answer must name its digest.
    fn keep_changed(&self, now: Code) -> Result<Digest> {
        let part = self.dir.path.join("sets").join(format!("part-{}", std::process::id()));
        let digest = Bound { undo: Some(now), prove: None }.keep(&part)?;
        self.keep_set(&part, &digest).map(|()| digest)
    }

    /// How the undo of a step differs from what was confirmed last; `None` if it does not.
    fn changed_undo(&self, step: u32) -> Result<Option<Changed>> {
        let planned = self.planned(step)?;
        let view = self.view();
        let set = view.changed_undo(step).or(view.step(step).and_then(|view| view.set.as_ref()));
        let was = set.and_then(|set| self.bound_in(set)).and_then(|bound| bound.undo);
        let (Some(was), UndoPlan::Undo(undo)) = (was, &planned.undo) else { return Ok(None) };
        // A reference that cannot be filled in any more fails at the start of the undo.
        let Ok(undo) = self.filled(undo) else { return Ok(None) };
        let act = planned.act.as_ref().and_then(|act| self.filled(act).ok());
        Ok(match Code::of_undo(&undo, act.as_ref(), &[]) {
            Ok(Some(now)) => {
                let lines = was.changes(&now);
                let now = Some(now).filter(|now| now.pinned.is_some());
                (!lines.is_empty()).then_some(Changed { lines, now })
            }
            Ok(None) => None,
            Err(refusal) => Some(Changed { lines: vec![refusal.message], now: None }),
        })
    }

    /// Why the proof of a step differs from what was confirmed with it; `None` if it does not.
    pub(super) fn changed_proof(&self, step: u32, planned: &Step) -> Option<String> {
        let set = self.view().step(step)?.set.clone()?;
        let was = self.bound_in(&set)?.prove?;
        let prove = self.filled(planned.prove.as_ref()?).ok()?;
        let lines = match Code::of_proof(&prove, &[]) {
            Ok(now) => now.map(|now| was.changes(&now)).unwrap_or_default(),
            Err(refusal) => vec![refusal.message],
        };
        (!lines.is_empty()).then(|| format!("it was not run, for it is not what was confirmed: {}", lines.join("; ")))
    }
}
