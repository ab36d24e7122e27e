//! Whether to leave the demo, and what becomes of it.

use super::body::Body;
use super::small::{choice, press};
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::confirm::removal_phrase;
use crate::app::keymap::Action;
use crate::app::modal::Leaving;
use crate::app::modal::leave::{Choice, counts};
use crate::config::theme::Role;
use crate::domain::quantity::counted;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// The dialog: what stays and what goes, and the key or the phrase for it.
pub(super) fn demo(pen: Pen<'_>, snapshot: &Snapshot<'_>, leaving: &Leaving, width: usize) -> Dialog {
    let runs = snapshot.runs.map(counts);
    let of = |count: usize| counted(count as u64, "run", "runs");
    let mut body = Body::default();
    body.line(pen.sentence(Role::UiText, "Keep the demo estate, or remove it?", width));
    body.push(Strip::new().line());
    let means = "it goes on, and ends by itself 24 hours after its start";
    body.known(means, choice(pen, leaving.choice == Choice::Keep, "keep", means, width));
    body.known(("remove", runs), removing(pen, runs, leaving.choice, width));
    body.push(Strip::new().line());
    let known = runs.map_or_else(|| "not known yet".to_owned(), |(all, _)| of(all));
    body.line(pen.fact("records", Role::UiText, known, width));
    body.line(pen.fact("read them", Role::UiText, format!("{} runs", snapshot.command), width));
    let mut foot = vec![Strip::new().line()];
    let mut keys = vec![(Action::Back, "cancels")];
    match (leaving.choice, runs) {
        (Choice::Remove, Some((all, _))) => {
            let phrase = removal_phrase(all);
            let text = format!("This deletes {} with their reports. Type  {phrase}  and press Enter.", of(all));
            foot.extend(pen.sentence(Role::VerdictCritical, text, width));
            foot.extend(pen.typed_whole(Strip::new().gap(1), &leaving.field, width.saturating_sub(1), true));
            foot.extend(pen.sentence(Role::UiMuted, "The arrow key up goes back to keep.", width));
        }
        _ => {
            foot.push(press(pen, snapshot, "Press  ", "  to leave and KEEP the demo."));
            keys.insert(0, (Action::Down, "down"));
        }
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Leave the demo"))]),
        role: Some(Role::UiPrompt),
        body,
        foot,
        keys,
        hint: Some(leaving.hint.clone().unwrap_or_default()),
        scroll: leaving.scroll,
        must_read: true,
        ..Dialog::default()
    }
}

/// The choice to remove it, or why there is none.
fn removing(pen: Pen<'_>, runs: Option<(usize, usize)>, chosen: Choice, width: usize) -> Vec<Line<'static>> {
    let why = match runs {
        Some((_, 0)) => {
            let means = "servers, files, runs and reports are deleted";
            return choice(pen, chosen == Choice::Remove, "remove", means, width);
        }
        Some((_, 1)) => "It cannot be removed while 1 run is not over.".to_owned(),
        Some((_, live)) => format!("It cannot be removed while {live} runs are not over."),
        None => "It cannot be removed before its runs are known.".to_owned(),
    };
    pen.sentence(Role::UiMuted, why, width)
}
