//! Takes over a run whose runner is gone.

use crate::domain::Verb;
use crate::domain::error::Result;
use crate::journal::fold::Act;
use crate::journal::record::{Closed, Event};
use crate::runner::engine::{Engine, attempt};

impl Engine {
    /// Closes what the previous runner left open: a prompt lapses; an attempt is adopted from its shim.
    ///
    /// A step that provably never began counts as planned. One that began and has no outcome is unknown, and is
    /// settled in its turn; it is repeated automatically only if its author called that safe. An act that the
    /// previous runner began because of the abort, such as an undo, is not stopped by the same abort.
    pub(super) async fn recover(&mut self) -> Result<()> {
        if !self.view().is_attempt_to_stop() {
            self.aborts_seen = self.view().aborts();
        }
        let recovered = self.close_open().await;
        self.aborts_seen = 0;
        recovered
    }

    async fn close_open(&mut self) -> Result<()> {
        if let Some(prompt) = self.view().prompt.clone() {
            self.write(Event::PromptClosed { prompt: prompt.id, why: Closed::RunnerGone, drift: Vec::new() })?;
        }
        match self.view().open_attempt() {
            None => Ok(()),
            Some((step, attempt, Act::Forward)) => {
                let planned = self.planned(step)?;
                if planned.verb == Verb::Wait {
                    return self.wait_on(step, attempt, &planned).await;
                }
                let found = self.adopt(&attempt::name(step, attempt)).await?;
                if planned.verb == Verb::Notify {
                    return self.conclude_notice(step, attempt, found, true);
                }
                self.finish(step, attempt, &planned, found, true).await
            }
            Some((step, attempt, Act::Undo)) => {
                let name = attempt::undo_name(step, attempt);
                let found = self.adopt(&name).await?;
                let outcome = self.conclude(&name, found, true);
                self.end_undo(step, attempt, outcome).map(drop)
            }
        }
    }
}
