//! A run against its window and its budget.
//!
//! ```text
//! ┃ ── no time for an undo beyond this line · weekly ends 04:00 UTC ─ ┃
//! ┃ window    weekly ends 04:00 UTC · 1 h 12 m left · 32 m spare      ┃
//! ┃           needs 32 m, undo 8 m                                    ┃
//! ```

use crate::config::theme::Role;
use crate::domain::pace::whole;
use crate::domain::{Wall, quantity};
use crate::journal::fold::{NoTime, RunView, Spare};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use std::time::Duration;

/// A line across the pane with words in it.
#[must_use]
pub fn rule(pen: Pen<'_>, role: Role, words: &str, width: usize) -> Strip {
    let dash = pen.glyph("─", "-");
    let (style, muted) = (pen.style(role), pen.style(Role::UiMuted));
    let strip = Strip::new().gap(1).put(muted, dash).put(muted, dash).gap(1);
    let strip = strip.put_within(width.saturating_sub(6), style, words.to_owned()).gap(1);
    let rest = width.saturating_sub(strip.width() + 2);
    strip.put(muted, dash.repeat(rest))
}

/// The words of the line from which on there is no time: short, for they stand in a list.
#[must_use]
pub fn no_time(why: &NoTime) -> String {
    match why {
        NoTime::Window { open, .. } => {
            format!("no time for an undo beyond this line · {} ends {} UTC", open.window, hour(open.until))
        }
        NoTime::Outside { next: Some(next) } => format!("outside the window · next {} UTC", next.from.minute()),
        NoTime::Outside { next: None } => "outside every window".to_owned(),
        NoTime::Run { budget, .. } => format!("beyond the run's budget of {}", quantity::span(*budget)),
        NoTime::Rollback { budget, .. } => {
            format!("over the rollback budget, {}", quantity::span(*budget))
        }
    }
}

fn hour(at: Wall) -> String {
    at.minute().get(11..).unwrap_or_default().to_owned()
}

/// What is left of the window and of the budget, line by line: name, role, text.
pub(super) fn lines(run: &RunView, now: Wall) -> Vec<(&'static str, Role, String)> {
    let mut lines = Vec::new();
    if let Some(reason) = &run.terms.emergency {
        lines.push(("EMERGENCY", Role::VerdictCritical, format!("outside its window: {reason}")));
    }
    if run.sealed.is_some() {
        return lines;
    }
    if let Some(standing) = &run.window {
        lines.push(match run.window_left(now) {
            Some((open, left)) => {
                let (role, spare) = match run.spare(now) {
                    Some(Spare::Short(by)) => (Role::VerdictWarn, format!(" · {} short", whole(by))),
                    Some(Spare::Left(by)) => (Role::UiText, format!(" · {} spare", quantity::left(by))),
                    None => (Role::UiText, String::new()),
                };
                let ends = hour(open.until);
                ("window", role, format!("{} ends {ends} UTC · {} left{spare}", open.window, quantity::left(left)))
            }
            None => ("window", Role::VerdictWarn, closed(standing.next.as_ref().filter(|next| now < next.from))),
        });
    }
    let (forward, back) = run.remaining(now);
    if run.window.is_some() || run.terms.budget.run_s.is_some() {
        let back = if back.is_zero() { String::new() } else { format!(", undo {}", whole(back)) };
        lines.push(("needs", Role::UiText, format!("{}{back}", whole(coarse(forward)))));
    }
    if let Some(budget) = run.terms.budget.run_s.map(Duration::from_secs) {
        let left = budget.saturating_sub(now.since(run.started));
        let role = if left < forward { Role::VerdictWarn } else { Role::UiText };
        lines.push(("budget", role, format!("{} left of {}", quantity::left(left), quantity::span(budget))));
    }
    lines
}

fn closed(next: Option<&crate::journal::terms::Span>) -> String {
    match next {
        Some(next) => format!("closed; next: {} at {} UTC", next.window, next.from.minute()),
        None => "closed".to_owned(),
    }
}

/// The same for what is needed, rounded up.
fn coarse(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs().div_ceil(60) * 60)
}
