//! `when`: whether a step is needed, judged when it is reached.

use crate::domain::error::Result;
use crate::journal::record::{About, Event};
use crate::procedure::condition::{Condition, Operand, Value, in_words};
use crate::procedure::plan::Step;
use crate::runner::engine::Engine;
use crate::runner::engine::decide::Matter;

impl Engine {
    /// Whether to run a step now. A step that is not needed is skipped with the reason; if that is unknown, a person
    /// is asked, as for an unknown check.
    pub(super) async fn is_wanted(&mut self, step: u32, planned: &Step) -> Result<bool> {
        match self.judge_when(planned) {
            Ok(None) => Ok(true),
            Ok(Some(reason)) => self.write(Event::StepSkipped { step, reason }).map(|_| false),
            Err(why) => {
                let condition = planned.when.as_deref().map(in_words).unwrap_or_default();
                let text = format!("unknown: whether {condition}: {why}");
                if self.ending {
                    let reason = format!("it could not run: {text}");
                    return self.write(Event::StepSkipped { step, reason }).map(|_| false);
                }
                self.decide(step, planned, Matter { about: About::Other, text }, self.past(planned))
                    .await
                    .map(|()| false)
            }
        }
    }

    /// Why a step is not needed; `None` if it is.
    ///
    /// # Errors
    /// Why it is unknown.
    pub(super) fn judge_when(&self, planned: &Step) -> std::result::Result<Option<String>, String> {
        let Some(text) = &planned.when else { return Ok(None) };
        let read = Condition::parse(text)?;
        let bound = read.bound(|operand| match operand {
            Operand::Reference(name) => self.known(name).map(Value::Text).map(Some),
            Operand::Fact(name) => Err(format!("`{name}` is nothing that the run knows")),
            Operand::Literal(_) => Ok(None),
        })?;
        let holds = bound.judge(|name| Err(format!("`{name}` is not known")))?;
        let (asked, found) = (in_words(text), bound.words());
        let values = if asked == found { String::new() } else { format!(" ({found})") };
        Ok((!holds).then(|| format!("not needed: only when {asked}{values}")))
    }
}
