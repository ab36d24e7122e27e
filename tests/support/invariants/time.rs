//! What the clocks, the windows and the budgets say of a journal.

use super::Check;
use serde_json::Value;

/// From how far on a clock counts as set, and how far what is recorded of it may be off, in milliseconds.
const JUMP: i64 = 5_000;
const SLOP: i64 = 2_000;

impl Check {
    /// Holds what the clocks say against what is recorded of them. A new runner knows nothing of the clocks before, and how the
    /// windows stand may be looked at before the clocks are held against each other.
    pub(super) fn clocks(&mut self, record: &Value, boot: i64) {
        let kind = record["kind"].as_str().unwrap_or_default();
        if kind == "window.judged" {
            return;
        }
        let before = self.clocks.replace((self.wall, boot)).filter(|_| kind != "run.resumed");
        let Some((wall, counted)) = before else { return };
        let drift = (self.wall - wall) - (boot - counted);
        match kind {
            "clock.jump" => {
                let count = record["body"]["by_ms"].as_i64().unwrap_or_default();
                if (count - drift).abs() > SLOP {
                    self.violate(format_args!("a jump by {count} ms is recorded, and the clock was set by {drift} ms"));
                }
            }
            _ if drift.abs() > JUMP + SLOP => {
                self.violate(format_args!("the clock was set by {drift} ms, and no record of it"));
            }
            _ => {}
        }
    }

    /// What changes something needs an open window, and time in the budgets; what is taken in every ending needs neither, nor
    /// a step that a second person started as an emergency.
    pub(super) fn has_time(&mut self, step: u64, head: &Value) {
        if head["verb"] != "do" || head["always"] == true || self.cannot_wait.contains(&step) {
            return;
        }
        let named = self.terms["window"].as_str().is_some_and(|window| !window.is_empty());
        let open = &self.standing["open"];
        let within = !open.is_null() && self.wall >= millis(&open["from"]) && self.wall < millis(&open["until"]);
        if named && self.terms["emergency"].is_null() && !within {
            let standing = self.standing.clone();
            self.violate(format_args!("step {step} begins outside its window: {standing}"));
        }
        let takes = |head: &Value| head["takes_s"].as_i64().unwrap_or_default() * 1000;
        let spent = (self.wall - self.began).max(0) + takes(head);
        if self.terms["budget"]["run_s"].as_i64().is_some_and(|budget| spent > budget * 1000 + SLOP) {
            self.violate(format_args!("step {step} begins beyond the run's budget: {spent} ms"));
        }
        let pending = self.done.iter().filter(|done| !self.undone.contains(done) && **done != step);
        let pending_undos = pending.map(|done| self.head(*done)).chain([head]).filter(|head| head["can_undo"] == true);
        let back: i64 = pending_undos.map(takes).sum();
        if self.terms["budget"]["undo_s"].as_i64().is_some_and(|budget| back > budget * 1000) {
            self.violate(format_args!("step {step} begins, and to take all back would take {back} ms"));
        }
    }
}

/// A moment in milliseconds.
pub(super) fn millis(wall: &Value) -> i64 {
    wall.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).map_or(0, jiff::Timestamp::as_millisecond)
}
