//! A prompt of the runner: what exactly will be touched, and how to say yes.
//!
//! ```text
//! ┏ ■ DESTROY ━━ cell0 · PRODUCTION ━━ step 3 of 5 ━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ Delete 1,284 files under data/sessions                                ┃
//! ┃ where     cell0-prod-1:/srv/cell0/data/sessions                       ┃
//! ┃ params    days = 90, root = /srv/cell0                                ┃
//! ┃ what      1,284 of 9,702 · 2.1 GiB · 13 %, limit 40 %                 ┃
//! ┃ oldest    2024-03-02  s-0af1.json                                     ┃
//! ┃ newest    2026-08-22  s-ffe9.json                                     ┃
//! ┃ takes     ~9 s                                                        ┃
//! ┃ undo  none (in the backup proven above)                           ┃
//! ┃ set       frozen 02:14:07 · read now · sha256 9f3c12ab34de            ┃
//! ┃                                                                       ┃
//! ┃ Type  delete 1284 files  to confirm: ▌                             ┃
//! ┗ Esc leaves it open  Tab leaves the field ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

mod approval;
mod ask;

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::PromptDialog;
use crate::app::modal::pages::{INLINE, Page};
use crate::app::panes::run::describe_end;
use crate::config::theme::Role;
use crate::domain::{Clean, Digest, Item, Preview, quantity};
use crate::journal::fold::{PromptEnd, PromptEnding, RunView};
use crate::journal::record::{Ask, Choice, Closed, consequences};
use crate::ui::header::environment;
use crate::ui::pen::{Pen, VALUES, words};
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;
use std::time::Duration;

/// The longest name of a fact that is shown whole, in columns.
const LONGEST_NAME: usize = 14;

pub(super) fn prompt(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &PromptDialog, width: usize) -> Dialog {
    if let Some(end) = &dialog.ended {
        return ended(pen, snapshot, dialog, end, width);
    }
    let open = &dialog.prompt;
    let (mut head, mut body) = (Body::default(), Body::default());
    match &open.ask {
        Ask::Confirm { .. } => {
            if let Some(page) = dialog.page() {
                head.line(pen.sentence(Role::UiTitle, page.headline.to_owned(), width));
            }
            if let Some(Page { preview: Some(preview), step, set, .. }) = dialog.page() {
                consent(pen, snapshot, dialog, (preview, step, set), width, &mut body);
            }
        }
        Ask::Sign { text, .. } => body.line(pen.sentence(Role::UiText, text, width)),
        Ask::Decide { text, choices, means, .. } => {
            if let Some(step) = snapshot.view(&dialog.run).and_then(|run| run.step(open.step)) {
                head.line(pen.sentence(Role::UiTitle, &step.head.title, width));
            }
            decision(pen, dialog, text, (choices, means), width, &mut body);
        }
        Ask::Approve { text, hash, start } => {
            let params = snapshot.view(&dialog.run).and_then(RunView::params_words);
            approval::approval(pen, text, (hash, params), *start, width, &mut body);
        }
    }
    if open.expires <= snapshot.now.wall.plus(Duration::from_secs(120)) {
        let text = format!("lapses at {}, then the step asks again", open.expires.clock());
        let column = if let Ask::Confirm { preview, .. } = &open.ask { values(preview) } else { VALUES };
        body.known("hurry", pen.named_to(column, Piece::Words("hurry"), Role::VerdictWarn, text, width));
    }
    Dialog {
        title: heading(pen, snapshot, dialog),
        role: Some(Role::UiPrompt),
        foot: foot(pen, snapshot, dialog, width),
        hint: Some(hint(snapshot, dialog)),
        keys: keys(snapshot, dialog),
        head,
        body,
        scroll: dialog.scroll,
        must_read: true,
        ..Dialog::default()
    }
}

fn heading(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &PromptDialog) -> Strip {
    let (role, word) = match &dialog.prompt.ask {
        Ask::Confirm { effect, .. } => (Role::from(*effect), effect.word()),
        Ask::Sign { .. } => (Role::UiPrompt, "sign off"),
        Ask::Decide { .. } => (Role::UiPrompt, "decide"),
        Ask::Approve { .. } => (Role::UiPrompt, "approve"),
    };
    let approval = match (dialog.prompt.four_eyes, &dialog.prompt.confirmed) {
        (false, _) => "",
        (true, None) => " · 1 of 2",
        (true, Some(_)) => " · 2 of 2",
    };
    let pages = dialog.pages();
    let word = if pages > 1 { format!("{word} {pages} steps") } else { format!("{word}{approval}") };
    let word = format!("{} {}", pen.symbol(role).plain(), word.to_uppercase());
    let run = snapshot.view(&dialog.run);
    let steps = run.map_or(0, |run| run.steps.len());
    let number = dialog.page().map_or(dialog.prompt.step, |page| page.step) + 1;
    let page = if pages > 1 { format!(" · page {} of {pages}", dialog.page + 1) } else { String::new() };
    let step = format!("step {number} of {steps}{page}");
    // The run's own, for a journal may belong to another estate than the one that is watched.
    let (env, env_word) = environment(run.map_or(snapshot.environment, |run| &run.environment));
    let mut strip = title(pen, [(role, Piece::from(word.trim_start().to_owned()))]);
    let dash = pen.glyph("━━ ", "== ");
    let estate = Clean::text(run.map_or(snapshot.estate, |run| &run.estate)).cut(24);
    strip = strip.put(pen.style(Role::UiMuted), dash).put(pen.style(Role::UiText), estate);
    strip = strip.put(pen.style(Role::UiMuted), " · ").put(pen.style(env), env_word).gap(1);
    strip.put(pen.style(Role::UiMuted), dash).put(pen.style(Role::UiText), step).gap(1)
}

/// Everything a frozen set is known by.
fn consent(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    dialog: &PromptDialog,
    (preview, number, set): (&Preview, u32, &Digest),
    width: usize,
    body: &mut Body,
) {
    let column = values(preview);
    let mut describe = |name: &'static str, role, text: String| {
        body.line(pen.named_to(column, Piece::Words(name), role, text, width));
    };
    describe("where", Role::UiText, preview.place.clone());
    let of_run = snapshot.view(&dialog.run);
    if let Some(params) = of_run.and_then(RunView::params_words) {
        describe("params", Role::UiText, params);
    }
    describe("what", Role::UiText, amount(preview));
    if let Some(item) = &preview.oldest {
        describe("oldest", Role::UiText, named(item));
    }
    if let Some(item) = preview.newest.as_ref().filter(|item| preview.oldest.as_ref() != Some(*item)) {
        describe("newest", Role::UiText, named(item));
    }
    if let Some(seconds) = preview.takes_s {
        describe("takes", Role::UiText, format!("~{}", quantity::span(Duration::from_secs(seconds))));
    }
    if let Some(pace) = of_run.and_then(|run| run.step(number)?.head.timing.pace) {
        describe("took", Role::UiText, pace.words());
    }
    if let Some((open, left)) = of_run.and_then(|run| run.window_left(snapshot.now.wall)) {
        let no_time = of_run.and_then(|run| run.no_time(number, snapshot.now.wall));
        let fits = if no_time.is_some() { "does not fit any more" } else { "fits" };
        let role = if no_time.is_some() { Role::VerdictWarn } else { Role::UiText };
        let text = format!("{} left of {} · {fits}", quantity::left(left), open.window);
        body.known(("window", fits), pen.named_to(column, Piece::Words("window"), role, text, width));
    }
    let mut render = |name: &'static str, role, text: String| {
        body.line(pen.named_to(column, Piece::Words(name), role, text, width));
    };
    let back = if preview.undo.is_empty() { "nothing to undo" } else { &preview.undo };
    let none = back.starts_with("none");
    render("undo", if none { Role::VerdictWarn } else { Role::UiText }, back.to_owned());
    for (name, value) in &preview.facts {
        body.line(pen.named_to(column, Piece::from(name), Role::UiText, value, width));
    }
    let open = &dialog.prompt;
    let age = quantity::ago(snapshot.now.wall.since(open.read));
    let frozen = format!("frozen {} · last read {age} · sha256 {}…", open.opened.clock(), set.short());
    body.known(("set", set.as_str()), pen.named_to(column, Piece::Words("set"), Role::UiMuted, frozen, width));
    let who = approval::who(pen, open, column, width);
    if !who.is_empty() {
        body.line(who);
    }
    warnings(pen, preview, width, body);
    listing(pen, snapshot, preview, column, width, body);
    body.push(Strip::new().line());
}

fn warnings(pen: Pen<'_>, preview: &Preview, width: usize, body: &mut Body) {
    for warning in &preview.warnings {
        let text = format!("{} {warning}", pen.symbol(Role::VerdictWarn).plain());
        body.line(pen.sentence(Role::VerdictWarn, text, width));
    }
}

/// The complete text that runs: whole where it is short, else how to read it.
fn listing(pen: Pen<'_>, snapshot: &Snapshot<'_>, preview: &Preview, column: usize, width: usize, body: &mut Body) {
    let Some(listing) = &preview.listing else { return };
    let long = listing.text.lines().count() > INLINE;
    let key = snapshot.keymap.shown(Action::ListSet);
    let more = if long { format!(" · {key} shows all of it") } else { String::new() };
    let title = format!("{}{more}", listing.title());
    body.line(pen.named_to(column, Piece::Words("runs"), Role::UiText, title, width));
    if !long {
        listing.numbered().for_each(|line| body.line(pen.verbatim(Role::UiText, &line, width)));
    }
}

/// The column of the values: behind the longest name, within reason.
fn values(preview: &Preview) -> usize {
    let names = preview.facts.iter().map(|(name, _)| Clean::text(name).width() + 1);
    names.max().unwrap_or(0).clamp(VALUES, LONGEST_NAME + 1)
}

/// `1,284 of 9,702 · 2.1 GiB · 13 %, limit 40 %`.
pub(super) fn amount(preview: &Preview) -> String {
    let mut parts = vec![match preview.of {
        Some(of) => format!("{} of {}", quantity::count(preview.count), quantity::count(of)),
        None => quantity::counted(preview.count, "object", "objects"),
    }];
    parts.extend(preview.bytes.map(quantity::bytes));
    parts.extend(preview.limit.clone());
    parts.join(" · ")
}

fn named(item: &Item) -> String {
    let mut parts: Vec<String> = item.modified.map(|at| at.date()).into_iter().collect();
    parts.push(item.name.clone());
    parts.extend(item.bytes.map(quantity::bytes));
    parts.join("  ")
}

fn decision(
    pen: Pen<'_>,
    dialog: &PromptDialog,
    text: &str,
    (choices, means): (&[Choice], &[String]),
    width: usize,
    body: &mut Body,
) {
    body.line(pen.sentence(Role::UiText, text.to_owned(), width));
    body.push(Strip::new().line());
    for (place, (choice, means)) in consequences(choices, means).enumerate() {
        let on = dialog.choice == Some(place);
        let (mark, role) = if on { (pen.glyph(" ▌", " >"), Role::UiPrompt) } else { ("  ", Role::UiText) };
        let strip = Strip::new().put(pen.style(Role::UiFocus), mark).put(pen.style(role), choice.word()).to(13);
        let muted = pen.style(if on { Role::UiText } else { Role::UiMuted });
        let mut strip = Some(strip);
        let rows = words(&Clean::text(means), width.saturating_sub(14)).into_iter();
        let rows = rows.map(|row| strip.take().unwrap_or_else(|| Strip::new().gap(13)).put(muted, row).line());
        // The mark of the one that is chosen is no part of what was read.
        body.known((choice.word(), means), rows.collect());
    }
    body.push(Strip::new().line());
}

/// How to say yes.
fn foot(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &PromptDialog, width: usize) -> Vec<Line<'static>> {
    if snapshot.read_only {
        return pen.sentence(
            Role::UiMuted,
            "Read-only: this console can look at a prompt and cannot answer it.",
            width,
        );
    }
    let key = snapshot.keymap.shown(Action::Confirm);
    let again = snapshot.keymap.shown(Action::Decline);
    let mut lines = Vec::new();
    if dialog.sent {
        lines.extend(pen.sentence(Role::StateRunning, "The answer is on its way to the runner.", width));
    } else if dialog.orphaned {
        let words = "No runner is there to take an answer. Leave, and resume the run.";
        lines.extend(pen.sentence(Role::StateInterrupted, words, width));
    } else if dialog.declining {
        let back = snapshot.keymap.shown(Action::Back);
        let words = format!("{again} once more answers no: the run stops before this step. {back} undoes it.");
        lines.extend(pen.sentence(Role::VerdictWarn, words, width));
    } else {
        lines.extend(ask::lines(pen, snapshot, dialog, &key, width));
    }
    lines
}

/// What came of the last key; what stands in the foot already is not said twice.
fn hint(snapshot: &Snapshot<'_>, dialog: &PromptDialog) -> String {
    let refusal = if dialog.prompt.waits_for_second() { approval::may(snapshot, dialog).err() } else { None };
    dialog.hint.clone().filter(|hint| refusal.as_ref() != Some(hint)).unwrap_or_default()
}

fn keys(snapshot: &Snapshot<'_>, dialog: &PromptDialog) -> Vec<(Action, &'static str)> {
    let mut keys = vec![(Action::Back, "leaves it open")];
    if dialog.in_field {
        keys.push((Action::Leave, "leaves the field"));
        return keys;
    }
    if dialog.has_field() {
        match (dialog.prompt.waits_for_second(), approval::may(snapshot, dialog)) {
            (false, _) => keys.push((Action::Leave, "goes to the field")),
            (true, Err(_)) => keys.push((Action::Leave, "nobody else can be had")),
            // Whoever can approve needs no way without a second person.
            (true, Ok(())) => {}
        }
    }
    if let Some(page) = dialog.page() {
        let script = page.preview.is_some_and(|preview| preview.listing.is_some());
        keys.push((Action::ListSet, if script { "whole text" } else { "full list" }));
    }
    if dialog.pages() > 1 {
        keys.push((Action::Down, "turns the page"));
    }
    keys.push((Action::Decline, "answers no"));
    keys
}

/// A prompt that closed under the operator's eyes: why, and what moved.
fn ended(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &PromptDialog, end: &PromptEnd, width: usize) -> Dialog {
    let answered = matches!(end.how, PromptEnding::Answered(_));
    let mut sentence = describe_end(end);
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut body = pen.sentence(Role::VerdictWarn, sentence, width);
    if let PromptEnding::Closed(closed, drift) = &end.how {
        let name = if *closed == Closed::NoPreview { "because" } else { "moved" };
        for line in drift {
            body.extend(pen.fact(name, Role::UiText, line, width));
        }
    }
    body.push(Strip::new().line());
    let rest = match (answered, dialog.in_field) {
        (true, _) => "This console answered nothing.",
        (false, false) => "Nothing was confirmed. If the step still asks, it asks again.",
        (false, true) => "Nothing was confirmed. If the step still asks, it asks again. Esc leaves this.",
    };
    body.extend(pen.sentence(Role::UiText, rest, width));
    Dialog {
        title: heading(pen, snapshot, dialog),
        role: Some(Role::UiPrompt),
        body: body.into(),
        keys: vec![(Action::Back, "back to the run")],
        ..Dialog::default()
    }
}
