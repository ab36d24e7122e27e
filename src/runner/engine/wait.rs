//! `wait`: one attempt, which looks repeatedly under a shim; a lost one starts again within the same timeout.

use crate::domain::error::Result;
use crate::domain::{Error, Wall};
use crate::journal::record::{Event, Outcome};
use crate::probes::clock;
use crate::procedure::condition::{Condition, Operand, Value};
use crate::procedure::plan::{Step, Until};
use crate::runner::adapters::wait::Waiting;
use crate::runner::engine::Engine;
use crate::runner::engine::attempt::{self, Found};
use crate::runner::failpoint;
use crate::runner::shim::Exit;
use std::time::Duration;

/// The shortest and the longest pause between two looks. Between these limits, the pause is the smaller of a sixtieth
/// of the timeout and a third of the `hold` time.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// How much longer than the wait its shim lives, so that the wait itself can report what it saw.
const GRACE_S: u64 = 30;

impl Engine {
    /// Starts a wait.
    pub(super) async fn wait(&mut self, step: u32, planned: &Step) -> Result<()> {
        for lock in &self.locks {
            lock.confirm()?;
        }
        let attempt = self.view().step(step).map_or(0, |view| view.attempts) + 1;
        let name = attempt::name(step, attempt);
        let (effect, log) = (planned.effect, format!("{name}.log"));
        failpoint::pass("intent.pre");
        self.write(Event::StepIntent { step, attempt, effect, set: None, permit: None, log })?;
        failpoint::pass("intent.post");
        let found = self.wait_under(&name, step, planned).await?;
        self.waited(step, attempt, planned, &name, found, false).await
    }

    /// Continues a wait whose runner is gone: with its shim if that still looks, else with new looks.
    pub(super) async fn wait_on(&mut self, step: u32, attempt: u32, planned: &Step) -> Result<()> {
        let mut name = attempt::name(step, attempt);
        for again in 1.. {
            let next = format!("{name}.again{again}", name = attempt::name(step, attempt));
            if !self.dir.attempt(&next).exists() {
                break;
            }
            name = next;
        }
        let found = self.adopt(&name).await?;
        if matches!(found, Found::Lost(_)) {
            // Nothing reads the result of these looks.
            self.end_living(&name).await?;
        }
        self.waited(step, attempt, planned, &name, found, true).await
    }

    /// Records how a wait ended; a lost one looks again, until its time is up.
    async fn waited(
        &mut self,
        step: u32,
        attempt: u32,
        planned: &Step,
        name: &str,
        mut found: Found,
        recovered: bool,
    ) -> Result<()> {
        let mut name = name.to_owned();
        let mut again = 0;
        while matches!(found, Found::NotStarted | Found::Lost(_)) && !self.is_stopped() {
            again += 1;
            name = format!("{}.again{again}", attempt::name(step, attempt));
            if self.dir.attempt(&name).exists() {
                continue;
            }
            found = self.wait_under(&name, step, planned).await?;
            if matches!(found, Found::Lost(_)) {
                self.idle(PAUSES.0).await?;
            }
        }
        let outcome: Outcome = self.conclude(&name, found, recovered);
        self.end_attempt(step, attempt, outcome)
    }

    /// Looks repeatedly under a shim, for the time that the intent has left.
    async fn wait_under(&mut self, name: &str, step: u32, planned: &Step) -> Result<Found> {
        let began = self.view().step(step).and_then(|view| view.started);
        let waiting = match self.waiting(planned, began) {
            Ok(waiting) => waiting,
            Err(why) => return Ok(Found::Ended(Box::new(Exit::not_started(why)))),
        };
        let Some(action) = waiting.action() else {
            return Err(Error::machine(format!("run step {}", step + 1), "what it waits for cannot be written down"));
        };
        self.launch_filled(name, action, false, None, waiting.left_ms.div_ceil(1000).saturating_add(GRACE_S)).await
    }

    fn waiting(&self, planned: &Step, began: Option<Wall>) -> std::result::Result<Waiting, String> {
        let look = planned.act.as_ref().ok_or("it has no action")?;
        let until = planned.until.clone().ok_or("it has no `until`")?;
        let until = Until { condition: self.condition(&until)?, ..until };
        let whole = Duration::from_secs(planned.timeout_s);
        let spent = began.map_or(Duration::ZERO, |began| clock::now().wall.since(began));
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Ok(Waiting {
            look: self.filled(look)?,
            left_ms: ms(whole.saturating_sub(spent)),
            timeout_s: planned.timeout_s,
            every_ms: ms(failpoint::span("WAIT_EVERY", pause(whole, Duration::from_secs(until.for_s)))),
            until,
            around: self.around(),
        })
    }

    /// The condition of an `until` with the run's references filled in.
    fn condition(&self, until: &Until) -> std::result::Result<String, String> {
        if until.is_passed() {
            return Ok(until.condition.clone());
        }
        let read = Condition::parse(&until.condition)?;
        read.bound(|operand| match operand {
            Operand::Reference(name) => self.known(name).map(Value::Text).map(Some),
            _ => Ok(None),
        })
        .map(|condition| condition.to_string())
    }

    /// Sleeps; handles calls while it waits, and a call that stops the run ends it early.
    pub(super) async fn idle(&mut self, span: Duration) -> Result<()> {
        let over = tokio::time::sleep(span);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The length of the pause between two looks.
fn pause(whole: Duration, held: Duration) -> Duration {
    let pause = whole / 60;
    let pause = if held.is_zero() { pause } else { pause.min(held / 3) };
    pause.clamp(PAUSES.0, PAUSES.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_fits_the_time_there_is_and_the_span_that_must_hold() {
        let second = Duration::from_secs(1);
        let cases = [(20 * 60, 0, 10), (20 * 60, 30, 10), (20 * 60, 6, 2), (5, 0, 1), (300, 30, 5), (86_400, 1, 1)];
        for (whole, held, expected) in cases {
            assert_eq!(pause(second * whole, second * held), second * expected, "{whole} {held}");
        }
    }
}
