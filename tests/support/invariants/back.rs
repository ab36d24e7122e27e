//! The result of an attempt, and the undos of the rollback.

use super::Check;
use serde_json::Value;

impl Check {
    /// The rollback lists what ran and can be undone, last first.
    pub(super) fn check_rollback(&mut self, body: &Value) {
        self.went_back = true;
        let steps: Vec<u64> = body["steps"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let pending =
            |step: &u64| self.ran.contains(step) && !self.undone.contains(step) && self.head(*step)["can_undo"] == true;
        if !steps.iter().all(pending) || !steps.is_sorted_by(|one, next| one > next) {
            self.violate(format_args!("the rollback lists {steps:?}"));
        }
        let missing = |step: &&u64| self.head(**step)["can_undo"] == true && !self.undone.contains(step);
        let forgotten: Vec<u64> =
            self.done.iter().filter(missing).filter(|step| !steps.contains(step)).copied().collect();
        // What lies before the phase that is gone back to stays as it is.
        let least = steps.iter().min().copied().unwrap_or(u64::MAX);
        if forgotten.iter().any(|step| *step > least) {
            self.violate(format_args!("the rollback forgets {forgotten:?}"));
        }
    }

    /// What could not be started is not undone, unless an earlier attempt of it was executed.
    fn executed(&mut self, step: u64, outcome: &Value) {
        if outcome["unexecuted"] != true && outcome["ending"] != "not-started" {
            self.executed.insert(step);
        } else if !self.executed.contains(&step) {
            self.ran.remove(&step);
        }
    }

    /// How an attempt or an undo ended.
    pub(super) fn ended(&mut self, step: u64, undo: bool, outcome: &Value) {
        if !undo {
            self.executed(step, outcome);
        }
        match outcome["ending"].as_str() {
            Some("unknown") => {
                self.unknown.insert(step);
            }
            Some("ok") if undo => {
                self.undone.insert(step);
            }
            Some("ok") => {
                self.done.insert(step);
                self.failed.remove(&step);
            }
            Some("failed" | "timed-out") if !undo => {
                self.failed.insert(step);
            }
            Some("not-started" | "failed" | "timed-out" | "cancelled") => {}
            other => self.violate(format_args!("an outcome ends {other:?}")),
        }
    }
}
