//! The second answer: who confirmed, and how another person approves exactly this.
//!
//! ```text
//! ┏ DESTROY · 2 OF 2 ━━ cell0 · PRODUCTION ━━ step 3 of 5 ━━━━━━━━━━━━━━━━┓
//! ┃ …                                                                     ┃
//! ┃ confirmed 02:14:31 by anna@bastion-1, by typing delete 1284 files  ┃
//! ┃                                                                       ┃
//! ┃ Press  c  to approve exactly this, as the second person.              ┃
//! ┗ Esc leaves it open  Tab nobody else can be had ━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::PromptDialog;
use crate::config::theme::Role;
use crate::domain::Digest;
use crate::journal::answer::{consent_words, may_give};
use crate::journal::approval::BREAK_GLASS;
use crate::journal::fold::OpenPrompt;
use crate::journal::record::Answer;
use crate::ui::modal::body::Body;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// What is asked of another person, with the parameters, and the digest that they agree to.
pub(super) fn approval(
    pen: Pen<'_>,
    text: &str,
    (hash, params): (&Digest, Option<String>),
    start: bool,
    width: usize,
    body: &mut Body,
) {
    if start {
        body.line(pen.sentence(Role::UiTitle, "The run begins only when another person agrees.", width));
    }
    body.line(pen.sentence(Role::UiText, text.to_owned(), width));
    if let Some(params) = params {
        body.line(pen.fact("params", Role::UiText, params, width));
    }
    let digest = format!("sha256 {}…", hash.short());
    body.line(pen.fact("plan", Role::UiMuted, digest, width));
    body.push(Strip::new().line());
}

/// Who confirmed, or that two people are needed.
pub(super) fn who(pen: Pen<'_>, open: &OpenPrompt, column: usize, width: usize) -> Vec<Line<'static>> {
    let (name, role, text) = match &open.confirmed {
        None if !open.four_eyes => return Vec::new(),
        None => ("eyes", Role::VerdictWarn, "four: after this, another person must approve it".to_owned()),
        Some((by, typed)) => (
            "confirmed",
            Role::UiText,
            format!("by {}@{} (uid {}), {}", by.name, by.host, by.uid, consent_words(typed, by)),
        ),
    };
    pen.named_to(column, Piece::Words(name), role, text, width)
}

/// Whether the operator of this console can be the second person.
pub(super) fn may(snapshot: &Snapshot<'_>, dialog: &PromptDialog) -> Result<(), String> {
    let approve = Answer::Approve { note: String::new() };
    let starter = snapshot.view(&dialog.run).map(|run| &run.starter);
    starter.map_or(Ok(()), |starter| may_give(&dialog.prompt, starter, snapshot.me, &approve))
}

/// How to approve, or why this very person cannot; and the way on without a second person.
pub(super) fn ask(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    dialog: &PromptDialog,
    key: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let prompt = pen.style(Role::UiPrompt);
    let mut lines = match may(snapshot, dialog) {
        Ok(()) if dialog.in_field => {
            let tab = snapshot.keymap.shown(Action::Leave);
            let words = format!("{tab} leaves the field; then {key} approves exactly this, as the second person.");
            pen.sentence(Role::UiPrompt, words, width)
        }
        Ok(()) => {
            let strip = Strip::new().gap(1).put(prompt, "Press  ").put(pen.style(Role::UiKey), key.to_owned());
            vec![strip.put(prompt, "  to approve exactly this, as the second person.").line()]
        }
        Err(why) => {
            let mut lines = pen.sentence(Role::StateWaiting, "It waits for a second person's approval.", width);
            lines.extend(pen.sentence(Role::UiMuted, why, width));
            lines
        }
    };
    if dialog.in_field || !dialog.field.text().is_empty() {
        let red = pen.style(Role::VerdictCritical);
        let strip = Strip::new().gap(1).put(red, "Without a second person, for ever in the report, type  ");
        lines.push(strip.put(pen.style(Role::UiKey), format!("{BREAK_GLASS} REASON")).line());
        lines.extend(pen.typed_whole(Strip::new().gap(1), &dialog.field, width.saturating_sub(1), dialog.in_field));
    }
    lines
}
