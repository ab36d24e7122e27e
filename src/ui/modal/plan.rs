//! A plan before its start: every step with its advisory preview.
//!
//! ```text
//! ┏ PLAN ━━ Data retention cleanup ━━ cell0 · PRODUCTION ━━━━━━━━━━━━┓
//! ┃ root      /srv/cell0                                             ┃
//! ┃ look                                                             ┃
//! ┃  1 Verify the newest backup        read       ~5 s               ┃
//! ┃ clean                                                            ┃
//! ┃  2 Delete old sessions             destroy    ~10 s              ┃
//! ┃           Delete 1,284 files under data/sessions                 ┃
//! ┃           1,284 of 9,702 · 2.1 GiB · undo: none (…)          ┃
//! ┃                                                                  ┃
//! ┃ Press  c  to start it. Each step that acts still asks for itself.┃
//! ┗ Esc goes back ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use super::body::Body;
use super::prompt::amount;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::msg::PlanShown;
use crate::config::theme::Role;
use crate::domain::pace::whole;
use crate::domain::reference;
use crate::domain::{Basis, Clean, Listing, PromptScope, Verb, quantity};
use crate::journal::fold::StepView;
use crate::procedure::plan::Step;
use crate::ui::header::environment;
use crate::ui::panes::run::time;
use crate::ui::pen::{Pen, words};
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;
use std::time::Duration;

pub(super) fn plan(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    shown: &PlanShown,
    scroll: u16,
    sent: bool,
    width: usize,
) -> Dialog {
    let plan = &shown.plan;
    let mut body = Body::default();
    if !plan.purpose.is_empty() {
        body.line(pen.sentence(Role::UiMuted, reference::show(&plan.purpose), width));
    }
    for (name, value) in &plan.params {
        body.line(pen.named(Piece::from(name), Role::UiText, value, width));
    }
    if !plan.locks.is_empty() {
        body.line(pen.fact("locks", Role::UiText, plan.locks.join(", "), width));
    }
    body.line(takes(pen, shown, width));
    let preflight = shown.preflight.as_deref();
    if let Some(standing) = preflight.and_then(|view| view.window.as_ref()) {
        let role = if standing.open.is_some() { Role::UiText } else { Role::VerdictWarn };
        // The name of the row says what it is about.
        let words = standing.words();
        let words = words.strip_prefix("window ").unwrap_or(&words).to_owned();
        // The time that is left goes on, and it is the same window.
        let fits = preflight.is_some_and(|view| view.no_time_from(snapshot.now.wall).is_none());
        let (role, words) = match (&standing.open, fits) {
            (Some(_), true) => (role, format!("{words} · fits")),
            (Some(_), false) => (Role::VerdictWarn, format!("{words} · does not fit")),
            (None, _) => (role, words),
        };
        body.known(("window", standing.open.is_some(), fits), pen.fact("window", role, words, width));
    }
    steps(pen, snapshot, shown, width, &mut body);
    Dialog {
        title: heading(pen, shown),
        role: Some(Role::UiPrompt),
        foot: foot(pen, snapshot, shown, sent, width),
        keys: vec![(Action::Back, "goes back")],
        body,
        scroll,
        must_read: true,
        ..Dialog::default()
    }
}

/// How long all of it takes, and its undo; nothing where that is not known.
fn takes(pen: Pen<'_>, shown: &PlanShown, width: usize) -> Vec<Line<'static>> {
    let declared = || shown.plan.steps.iter().filter_map(|step| step.takes_s).fold(0_u64, u64::saturating_add);
    let (forward, back) = match shown.preflight.as_deref() {
        Some(view) => view.remaining(view.started),
        None => (Duration::from_secs(declared()), Duration::ZERO),
    };
    if forward.is_zero() {
        return Vec::new();
    }
    let back = if back.is_zero() { String::new() } else { format!(", and ~{} for the undo", whole(back)) };
    // A change or a wait of which nothing is known counts with its limit: that is no time to reckon with.
    let open = shown.preflight.iter().flat_map(|view| &view.steps).filter(|step| !step.state.is_over());
    let counted = open.filter(|step| step.changes() || step.head.verb == Verb::Wait).map(StepView::expected);
    let unknown: Vec<Duration> = counted.filter(|own| own.basis == Basis::Unknown).map(|own| own.time).collect();
    let most = unknown.iter().sum::<Duration>().min(forward);
    let known = forward.saturating_sub(most);
    let steps = quantity::counted(unknown.len() as u64, "step", "steps");
    let all = match (unknown.is_empty(), known.is_zero()) {
        (true, _) => format!("~{} in all", whole(forward)),
        (false, true) => format!("up to {}: how long {steps} will take is not known", whole(most)),
        (false, false) => {
            format!("~{}, and up to {} for {steps} of which it is not known", whole(known), whole(most))
        }
    };
    pen.fact("takes", Role::UiText, format!("{all}{back}"), width)
}

/// Every step with its advisory preview; where there would be no time, a line says so.
fn steps(pen: Pen<'_>, snapshot: &Snapshot<'_>, shown: &PlanShown, width: usize, body: &mut Body) {
    let preflight = shown.preflight.as_deref();
    let no_time = preflight.and_then(|view| view.no_time_from(snapshot.now.wall));
    let mut phase = None;
    let mut previews = shown.previews.iter();
    for (number, step) in (1_u64..).zip(&shown.plan.steps) {
        if phase != Some(&step.phase) {
            phase = Some(&step.phase);
            body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), &step.phase).line());
        }
        if let Some((_, why)) = no_time.as_ref().filter(|(from, _)| u64::from(*from) + 1 == number) {
            body.push(time::rule(pen, Role::VerdictWarn, &time::no_time(why), width).line());
        }
        let known = preflight.and_then(|view| view.step(u32::try_from(number.saturating_sub(1)).ok()?));
        body.line(step_rows(pen, number, step, known, width));
        let indent = width.saturating_sub(6);
        let mut under = |rows: Vec<Line<'static>>| {
            let shifted = rows.into_iter().map(|mut row| {
                row.spans.splice(0..0, Strip::new().gap(5).line().spans);
                row
            });
            body.line(shifted.collect());
        };
        if let Some(pace) = known.and_then(|step| step.head.timing.pace) {
            under(pen.sentence(Role::UiMuted, pace.words(), indent));
        }
        if let Some(undoes) = known.map(|step| &step.head.undo_of).filter(|undoes| !undoes.is_empty()) {
            let steps: Vec<String> = undoes.iter().map(|step| (step + 1).to_string()).collect();
            let steps = format!("step {}", steps.join(", "));
            under(pen.sentence(
                Role::UiMuted,
                format!("undoes {steps}; asks nothing: the confirmation of {steps} covers it"),
                indent,
            ));
        }
        match previews.next() {
            Some(Some(Ok(preview))) => {
                under(pen.sentence(Role::UiText, &preview.headline, indent));
                listing(pen, preview.listing.as_ref(), indent).into_iter().for_each(&mut under);
                let back = if preview.undo.is_empty() { "nothing to undo" } else { &preview.undo };
                under(pen.sentence(Role::UiMuted, format!("{} · undo: {back}", amount(preview)), indent));
                for warning in &preview.warnings {
                    let text = format!("{} {warning}", pen.symbol(Role::VerdictWarn).plain());
                    under(pen.sentence(Role::VerdictWarn, text, indent));
                }
            }
            Some(Some(Err(error))) => {
                listing(pen, step.listing().as_ref(), indent).into_iter().for_each(&mut under);
                under(pen.sentence(Role::VerdictUnknown, &error.message, indent));
            }
            _ => {}
        }
    }
}

/// What the run will ask.
fn asks(shown: &PlanShown) -> &'static str {
    match shown.plan.prompt {
        PromptScope::Step => "Each step that acts asks for itself.",
        PromptScope::Phase => "A prompt may ask for all changes of its phase, and shows each.",
    }
}

/// The complete text that a step runs, line by line.
fn listing(pen: Pen<'_>, listing: Option<&Listing>, width: usize) -> Vec<Vec<Line<'static>>> {
    let Some(listing) = listing else { return Vec::new() };
    let title = pen.sentence(Role::UiMuted, listing.title(), width);
    let lines = listing.numbered().map(|line| pen.verbatim(Role::UiText, &reference::show(&line), width));
    std::iter::once(title).chain(lines).collect()
}

fn heading(pen: Pen<'_>, shown: &PlanShown) -> Strip {
    let (env, word) = environment(&shown.plan.environment);
    let strip = title(
        pen,
        [(Role::UiTitle, Piece::Words("PLAN")), (Role::UiText, Piece::from(reference::show(&shown.plan.title)))],
    );
    let dash = pen.glyph("━━ ", "== ");
    let strip =
        strip.put(pen.style(Role::UiMuted), dash).put(pen.style(Role::UiText), Clean::text(&shown.plan.estate).cut(24));
    strip.put(pen.style(Role::UiMuted), " · ").put(pen.style(env), word).gap(1)
}

/// A step with its title whole, over as many rows as it needs.
fn step_rows(pen: Pen<'_>, number: u64, step: &Step, known: Option<&StepView>, width: usize) -> Vec<Line<'static>> {
    let declared = step.takes_s.map(Duration::from_secs);
    let expected = known.map(StepView::expected).filter(|expected| expected.basis != Basis::Unknown);
    let time = expected.map(|expected| expected.time).or(declared);
    let takes = time.map_or_else(String::new, |time| format!("~{}", quantity::span(time)));
    let room = width.saturating_sub(5 + 20);
    let strip = Strip::new().right(4, pen.style(Role::UiMuted), number).gap(2);
    let mut first = Some(strip);
    let title = Clean::text(&reference::show(&step.title));
    let rows = words(&title, room).into_iter().map(|row| {
        let Some(strip) = first.take() else { return Strip::new().gap(6).put(pen.style(Role::UiText), row).line() };
        let strip = strip.put(pen.style(Role::UiText), row).to(6 + room);
        let strip = strip.put(pen.style(Role::from(step.effect)), step.effect.word());
        strip.right(width.saturating_sub(1), pen.style(Role::UiMuted), takes.clone()).line()
    });
    rows.collect()
}

fn foot(pen: Pen<'_>, snapshot: &Snapshot<'_>, shown: &PlanShown, sent: bool, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Strip::new().line()];
    if let Some(error) = &shown.refused {
        lines.extend(pen.sentence(Role::VerdictCritical, format!("This cannot start: {}", error.message), width));
        for hint in &error.hints {
            lines.extend(pen.sentence(Role::UiMuted, hint, width));
        }
        if shown.late && !snapshot.read_only {
            let (prompt, key) = (pen.style(Role::UiPrompt), pen.style(Role::UiKey));
            let strip = Strip::new().gap(1).put(prompt, "Press  ").put(key, snapshot.keymap.shown(Action::Emergency));
            lines.push(strip.put(prompt, "  if it cannot wait: an emergency.").line());
        }
    } else if sent {
        lines.extend(pen.sentence(Role::StateRunning, "The runner is being started.", width));
    } else if snapshot.read_only {
        lines.extend(pen.sentence(Role::UiMuted, "Read-only: this console cannot start a run.", width));
    } else {
        for warning in &shown.warnings {
            let text = format!("{} {warning}", pen.symbol(Role::VerdictWarn).plain());
            lines.extend(pen.sentence(Role::VerdictWarn, text, width));
        }
        let (prompt, key) = (pen.style(Role::UiPrompt), pen.style(Role::UiKey));
        let strip = Strip::new().gap(1).put(prompt, "Press  ").put(key, snapshot.keymap.shown(Action::Confirm));
        let strip = strip.put(prompt, "  to start. ");
        if strip.width() + asks(shown).len() < width {
            lines.push(strip.put(prompt, asks(shown)).line());
        } else {
            lines.push(strip.line());
            lines.extend(pen.sentence(Role::UiPrompt, asks(shown), width));
        }
    }
    lines
}
