//! The first row: what is looked at, whether it can be touched, by whom, and when; and the strip of panes below it.
//!
//! ```text
//!  MIDWATCH  cell0 · PRODUCTION  READ-ONLY                     operator@bastion-1  02:47:31 UTC
//!  1 Health ✖ 1 ▲ 1 ● 4   2 Run ◆ 3/5   3 Log
//! ```

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane};
use crate::config::theme::Role;
use crate::domain::Clean;
use crate::ui::ViewState;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws the header. The environment and READ-ONLY stay when room is short; the operator goes first, then the name.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(area.width);
    let (role, word) = environment(snapshot.environment);
    let clock = format!("{} UTC", snapshot.now.wall.clock());
    let operator = Clean::text(snapshot.operator);
    let badge = word.width() + 2 + if snapshot.read_only { 12 } else { 0 };
    let fixed = badge + clock.len() + 5;
    let brand = if width >= fixed + 22 { " MIDWATCH  " } else { " " };
    let name_room = width.saturating_sub(fixed + brand.len());
    let estate = Clean::text(snapshot.estate).cut(name_room);
    let muted = pen.style(Role::UiMuted);
    let mut strip = Strip::new().put(pen.style(Role::UiTitle), brand);
    if !estate.is_empty() {
        strip = strip.put(pen.style(Role::UiText), estate).put(muted, " · ");
    }
    strip = strip.put(pen.style(role), word);
    if snapshot.read_only {
        strip = strip.gap(2).put(pen.style(Role::UiPrompt), "READ-ONLY");
    }
    let left = width.saturating_sub(strip.width() + clock.len() + 4);
    let start = width.saturating_sub(clock.len() + 1);
    if operator.width() <= left {
        strip = strip.right(start.saturating_sub(2), muted, operator);
    }
    pen.line(frame, area, strip.to(start).put(pen.style(Role::UiText), clock));
}

/// The environment's role and its word in capitals, which no theme can change.
#[must_use]
pub fn environment(environment: &str) -> (Role, Clean) {
    let role = match environment {
        "production" => Role::EnvProduction,
        "staging" => Role::EnvStaging,
        _ => Role::EnvOther,
    };
    (role, Clean::text(&environment.to_uppercase()))
}

/// Draws the names of all panes with what they count; the one that has the keys is marked.
pub fn strip(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let mut strip = Strip::new();
    for pane in Pane::ALL {
        let start = strip.width();
        let focused = snapshot.focus == pane;
        let (role, mark) = if focused { (Role::UiFocus, pen.glyph("▌", ">")) } else { (Role::UiMuted, " ") };
        strip = strip.put(pen.style(role), mark).put(pen.style(role), u64::from(pane.number()));
        strip = strip.gap(1).put(pen.style(role), pane.word()).gap(1);
        strip = match pane {
            Pane::Health => verdicts(pen, strip, snapshot, false),
            Pane::Run => super::panes::run::standing(pen, strip, snapshot),
            Pane::Log => strip,
        };
        strip = strip.gap(2);
        let x = area.x.saturating_add(u16::try_from(start).unwrap_or(u16::MAX)).min(area.right());
        let width = u16::try_from(strip.width() - start).unwrap_or(u16::MAX).min(area.right() - x);
        view.hit(Rect { x, width, ..area }, Hit::Pane(pane));
    }
    pen.line(frame, area, strip);
}

/// How many rows have which verdict, the worst first, those of none left out.
#[must_use]
pub fn verdicts(pen: Pen<'_>, mut strip: Strip, snapshot: &Snapshot<'_>, words: bool) -> Strip {
    for (verdict, count) in snapshot.health.counts(snapshot.now.wall) {
        if count > 0 {
            let style = pen.style(Role::from(verdict));
            strip = strip.put(style, pen.symbol(Role::from(verdict))).gap(1).put(style, count as u64);
            if words {
                strip = strip.gap(1).put(style, verdict.word());
            }
            strip = strip.gap(if words { 2 } else { 1 });
        }
    }
    strip
}
