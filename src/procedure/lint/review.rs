//! Reviews that are due.

use crate::config::reader::{Problem, Table};
use crate::procedure::header::Procedure;
use crate::procedure::lint::problem;
use jiff::ToSpan;
use jiff::civil::Date;

/// A day, in seconds.
const DAY: u64 = 86_400;

/// Warns of a review that is overdue on this day, that never was, or that is dated in the future.
pub(super) fn warnings(procedure: &Procedure, top: &Table, today: Date) -> Vec<Problem> {
    let Some(every) = procedure.review_every_s else { return Vec::new() };
    let Some(reviewed) = procedure.reviewed else {
        let message = "it is to be reviewed, and no review is written down".to_owned();
        let hint = "`reviewed = 2026-11-21` says when it was last reviewed".to_owned();
        return vec![problem(procedure, top.place_of("review_every"), message, Some(hint))];
    };
    let at = top.place_of("reviewed");
    if reviewed > today {
        return vec![problem(procedure, at, format!("it was reviewed on {reviewed}, which is still to come"), None)];
    }
    let days = i64::try_from(every.div_ceil(DAY)).unwrap_or(i64::MAX).min(i64::from(i32::MAX) / 400);
    let Ok(due) = reviewed.checked_add(days.days()) else { return Vec::new() };
    if due >= today {
        return Vec::new();
    }
    let owner = if procedure.owner.is_empty() { String::new() } else { format!(" by {}", procedure.owner) };
    vec![problem(procedure, at, format!("its review{owner} was due on {due}"), None)]
}
