//! The line that says which key answers, and with what. It follows the focus: in a text field no letter is a key.
//!
//! ```text
//! Reason: the disk is full
//! Press  c  to HOLD the run: it stays as it is, and waits until somebody resumes it.
//! ```

use super::approval;
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::PromptDialog;
use crate::config::theme::Role;
use crate::domain::EffectClass;
use crate::journal::record::{Ask, Choice, consequences};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::text::Line;

/// How to answer.
pub(super) fn lines(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    dialog: &PromptDialog,
    key: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let (prompt, strong) = (pen.style(Role::UiPrompt), pen.style(Role::UiKey));
    let typed = |strip: Strip| pen.typed_whole(strip, &dialog.field, width.saturating_sub(1), dialog.in_field);
    let press = |before: &'static str, after: &'static str| {
        let strip = Strip::new().gap(1).put(prompt, before).put(strong, key.to_owned());
        vec![strip.put_within(width.saturating_sub(before.len() + 4), prompt, after).line()]
    };
    match &dialog.prompt.ask {
        _ if dialog.prompt.waits_for_second() => approval::ask(pen, snapshot, dialog, key, width),
        Ask::Approve { .. } => Vec::new(),
        Ask::Confirm { effect: EffectClass::Destroy, preview, .. } => {
            let strip =
                Strip::new().gap(1).put(prompt, "Type  ").put(strong, &preview.phrase).put(prompt, "  to confirm:");
            // A phrase and what is typed of it fit side by side, or stand one above the other.
            if strip.width() + preview.phrase.len() + 4 <= width {
                typed(strip.gap(2))
            } else {
                std::iter::once(strip.line()).chain(typed(Strip::new().gap(1))).collect()
            }
        }
        Ask::Confirm { .. } if dialog.pages() > 1 => {
            let all = format!("  to confirm {}. Enter does nothing.", all(dialog.pages()));
            let strip = Strip::new().gap(1).put(prompt, "Press  ").put(strong, key.to_owned()).put(prompt, all);
            vec![strip.line()]
        }
        Ask::Confirm { .. } => press("Press  ", "  to confirm this change. Enter does nothing."),
        Ask::Sign { note_required, .. } => {
            let what = if *note_required { "Note (needed): " } else { "Note: " };
            let mut lines = typed(Strip::new().gap(1).put(prompt, what));
            let lacks = *note_required && dialog.field.text().trim().is_empty();
            lines.extend(match (dialog.in_field, lacks) {
                (true, _) => field(pen, snapshot, key, "signs off", width),
                (false, true) => missing(pen, snapshot, "This sign-off needs a note", width),
                (false, false) => press("When it is done, press  ", "  to sign off."),
            });
            lines
        }
        Ask::Decide { choices, means, .. } => {
            let mut lines = typed(Strip::new().gap(1).put(prompt, "Reason: "));
            lines.extend(decide(pen, snapshot, dialog, (choices, means), key, width));
            lines
        }
    }
}

/// What the key that confirms would decide, with what it leads to.
fn decide(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    dialog: &PromptDialog,
    (choices, means): (&[Choice], &[String]),
    key: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let chosen = dialog.choice.and_then(|place| consequences(choices, means).nth(place));
    let Some((choice, means)) = chosen else {
        let (down, up) = (snapshot.keymap.shown(Action::Down), snapshot.keymap.shown(Action::Up));
        return pen.sentence(Role::UiPrompt, format!("Choose with  {down} {up}  first, then press  {key}."), width);
    };
    if dialog.in_field {
        return field(pen, snapshot, key, "decides", width);
    }
    if choice.needs_reason() && dialog.field.text().trim().is_empty() {
        return missing(pen, snapshot, "This choice needs a reason", width);
    }
    pen.sentence(Role::UiPrompt, format!("Press  {key}  to {}: {means}.", choice.does()), width)
}

/// `both`, `all three`, `all 12`.
fn all(number: usize) -> String {
    let words = ["three", "four", "five", "six", "seven", "eight", "nine"];
    match number.checked_sub(3).map(|place| words.get(place)) {
        None => "both".to_owned(),
        Some(Some(word)) => format!("all {word}"),
        Some(None) => format!("all {number}"),
    }
}

/// In the text field the key that confirms is a letter.
fn field(pen: Pen<'_>, snapshot: &Snapshot<'_>, key: &str, does: &str, width: usize) -> Vec<Line<'static>> {
    let tab = snapshot.keymap.shown(Action::Leave);
    pen.sentence(Role::UiPrompt, format!("{tab} leaves the text; then {key} {does}."), width)
}

fn missing(pen: Pen<'_>, snapshot: &Snapshot<'_>, what: &str, width: usize) -> Vec<Line<'static>> {
    let tab = snapshot.keymap.shown(Action::Leave);
    pen.sentence(Role::UiPrompt, format!("{what}: {tab} goes to the text."), width)
}
