//! What Midwatch's own log says of a target that is read again and again: only what differs from the reading before.

use crate::domain::{Loss, Row};
use std::collections::BTreeMap;

/// What was logged of a target so far.
#[derive(Debug, Default)]
pub(super) struct LogChanges {
    answered: bool,
    /// Why it does not answer.
    cause: Option<String>,
    /// How many readings in a row have failed.
    failures: u32,
}

/// What one reading says of the objects of a target.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Those that are unknown from this reading on, by cause: the first of them, and how many there are.
    lost: BTreeMap<String, (String, usize)>,
    /// The first of those that are known again, and how many there are.
    back: Option<(String, usize)>,
}

impl Objects {
    /// Notes how a row's object was read, before the row takes it in.
    pub(super) fn note<T>(&mut self, row: &Row, seen: &Result<T, Loss>) {
        let name = || row.object.clone().unwrap_or_default();
        let down = row.observation.as_ref().filter(|_| row.is_down()).map(|seen| seen.detail.as_str());
        let before = row.lost.as_ref().map(|(why, _)| why.as_str()).or(down);
        match (seen, before) {
            (Err(loss), Some(before)) if before == loss.why() || before == loss.detail() => {}
            (Err(loss), _) => self.lost.entry(loss.why().to_owned()).or_insert_with(|| (name(), 0)).1 += 1,
            (Ok(_), Some(_)) => self.back.get_or_insert_with(|| (name(), 0)).1 += 1,
            (Ok(_), None) => {}
        }
    }
}

impl LogChanges {
    /// Logs that a reading came, and what it says of the objects.
    pub(super) fn answered(&mut self, of: &Row, objects: Objects) {
        let (kind, target) = (of.kind.word(), of.target.as_str());
        let failures = std::mem::take(&mut self.failures);
        let was_lost = self.cause.take().is_some();
        if was_lost {
            tracing::info!(kind, target, failures, "probe answers again");
        } else if !self.answered {
            tracing::info!(kind, target, "probe answers");
        }
        self.answered = true;
        if let Some((object, objects)) = objects.back.filter(|_| !was_lost) {
            tracing::info!(kind, target, object, objects, "probe answers again");
        }
        for (cause, (object, objects)) in objects.lost {
            tracing::warn!(kind, target, object, objects, cause, "probe failed");
        }
    }

    /// Logs that no reading came, unless the one before failed for the same cause.
    pub(super) fn failed(&mut self, of: &Row, cause: &str) {
        self.failures = self.failures.saturating_add(1);
        if self.cause.as_deref() != Some(cause) {
            tracing::warn!(kind = of.kind.word(), target = of.target, failures = self.failures, cause, "probe failed");
            self.cause = Some(cause.to_owned());
        }
    }
}
