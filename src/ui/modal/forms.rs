//! Dialogs in which something is typed: a procedure's parameters, and a note.

use super::body::Body;
use super::{Dialog, below_banner, keys, place, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::note::Writes;
use crate::app::modal::palette::in_general;
use crate::app::modal::{Form, Note};
use crate::app::model::Hit;
use crate::config::theme::Role;
use crate::domain::Clean;
use crate::journal::fold::ItemView;
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::pen::{self, Pen};
use crate::ui::text::{Piece, Strip};
use crate::ui::widgets::frame::frame as draw_frame;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

/// The fewest rows in which words are written that close something.
const LEAST_ROWS: u16 = 3;

/// The row below the text that says what the next key does.
const FOOT: u16 = 1;

pub(super) fn params(pen: Pen<'_>, form: &Form, width: usize) -> Dialog {
    let mut body = Vec::new();
    if !form.offer.purpose.is_empty() {
        body.extend(pen.sentence(Role::UiMuted, &form.offer.purpose, width));
        body.push(Strip::new().line());
    }
    let names = form.offer.params.iter().map(|param| Clean::text(&param.name).width());
    let name = names.max().unwrap_or(0).clamp(6, (width / 3).max(6));
    let mut at = 0;
    for (place, (param, field)) in form.offer.params.iter().zip(&form.fields).enumerate() {
        let on = place == form.cursor && !form.planning;
        if on {
            at = body.len() + 1;
        }
        let role = if on { Role::UiPrompt } else { Role::UiText };
        let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " }).gap(1);
        let strip = strip.put_within(name, pen.style(role), &param.name).to(name + 4);
        body.push(pen.typed(strip, field, width.saturating_sub(1), on).line());
        let room = width.saturating_sub(name + 5);
        for row in pen::words(&Clean::text(&param.help), room).into_iter().filter(|_| !param.help.is_empty()) {
            body.push(Strip::new().gap(name + 4).put_within(room, pen.style(Role::UiText), row).line());
        }
        let hint = Strip::new().gap(name + 4);
        let chooses =
            if param.choices.len() > 1 { pen.glyph(" · ←/→ chooses", " - Left/Right chooses") } else { "" };
        body.push(hint.put_within(room, pen.style(Role::UiMuted), format!("{}{chooses}", param.accepts)).line());
    }
    let enter = if form.is_last() { "shows what it would do" } else { "goes to the next" };
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(in_general(&form.offer.title)))]),
        body: body.into(),
        foot: below(pen, form, width),
        keys: vec![(Action::Open, enter), (Action::Back, "goes back")],
        cursor: Some(at),
        ..Dialog::default()
    }
}

/// What is said below the fields: why a key was not taken, why there is no plan, or that it is being made.
fn below(pen: Pen<'_>, form: &Form, width: usize) -> Vec<Line<'static>> {
    let mut foot = Vec::new();
    if let Some(hint) = &form.hint {
        foot.push(Strip::new().line());
        foot.extend(pen.sentence(Role::VerdictWarn, hint, width));
    }
    if let Some(error) = &form.error {
        foot.push(Strip::new().line());
        // A plan says everything that is wrong at once, a line each.
        for text in error.message.lines() {
            foot.extend(pen.sentence(Role::VerdictWarn, without_place(text.trim_start()).to_owned(), width));
        }
        for hint in &error.hints {
            foot.extend(pen.fact("try", Role::UiText, hint, width));
        }
    }
    if form.planning {
        foot.push(Strip::new().line());
        foot.extend(pen.sentence(Role::StateRunning, "Looking at what it would do. Nothing is changed.", width));
    }
    foot
}

/// What is wrong, without the place in the procedure's file: whoever fills the form in cannot change that.
fn without_place(text: &str) -> &str {
    let Some((place, rest)) = text.split_once(": ") else { return text };
    let mut parts = place.rsplitn(3, ':');
    let mut is_number = || parts.next().is_some_and(|part| part.parse::<u32>().is_ok());
    if is_number() && is_number() && parts.next().is_some() { rest } else { text }
}

/// Draws a note with its text area, or, outside the text, all of it as it is confirmed.
pub(super) fn note(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    note: &Note,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let item = note.step.and_then(|step| snapshot.view(&note.run)?.item(step));
    let beside = match (note.step, &item) {
        (_, Some(item)) => item.title.clone(),
        (Some(step), None) => format!("beside step {}", step + 1),
        (None, None) => "beside the run".to_owned(),
    };
    let word = match note.writes {
        Writes::Beside => "Note",
        Writes::Hand => "Sign off by hand: what you claim",
        Writes::Skip => "Skip: why",
        Writes::Override => "Override a hard gate: why",
        Writes::Reopen => "Open again: why",
    };
    let title = title(pen, [(Role::UiTitle, Piece::Words(word)), (Role::UiText, Piece::from(beside))]);
    let next = next_key(snapshot, note, item.as_ref());
    if note.writing {
        return writing(pen, frame, area, (note, title, next), snapshot, view);
    }
    let width = usize::from(super::inner_width(area));
    let mut body = Body::default();
    note.lines().iter().for_each(|line| body.line(pen.verbatim(Role::UiText, line, width)));
    let dialog = Dialog {
        title,
        role: Some(frame_role(note)),
        body,
        foot: std::iter::once(Strip::new().line()).chain(pen.sentence(Role::UiPrompt, next, width)).collect(),
        hint: Some(note.hint.clone().unwrap_or_default()),
        keys: vec![(Action::Leave, "goes to the text"), (Action::Back, "keeps it for later")],
        scroll: note.scroll,
        must_read: true,
        ..Dialog::default()
    };
    super::show::show(pen, frame, area, dialog, snapshot, view);
}

/// The role of the frame: a text that does something is asked for, a note beside a step only stands there.
fn frame_role(note: &Note) -> Role {
    if note.writes == Writes::Beside { Role::UiFocus } else { Role::UiPrompt }
}

/// Draws the text area while letters are text.
fn writing(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    (note, title, next): (&Note, Strip, String),
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let rows = note.lines().len().clamp(6, 14) + usize::from(FOOT);
    let place = place(below_banner(area, rows, snapshot), rows);
    let mut inner = layout::inside(place);
    view.hit(place, Hit::Dialog);
    view.seen.whole = inner.height >= LEAST_ROWS + FOOT;
    view.seen.needed = (area.width, area.y + LEAST_ROWS + FOOT + 2);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, pen.style(Role::UiText));
    let width = usize::from(inner.width);
    let foot = keys(pen, snapshot, &[(Action::Leave, "leaves the text"), (Action::Back, "keeps it for later")], width);
    draw_frame(pen, frame, place, (frame_role(note), true), title, Strip::new(), foot);
    let mut area = note.area().clone();
    area.set_style(pen.style(Role::UiText));
    area.set_cursor_line_style(pen.style(Role::UiText));
    area.set_cursor_style(pen.style(Role::UiSelection));
    let row = layout::take_bottom(&mut inner, FOOT);
    pen.line(frame, row, Strip::new().gap(1).put_within(width, pen.style(Role::UiPrompt), next));
    if let Some(hint) = &note.hint {
        let row = layout::take_bottom(&mut inner, 1);
        pen.line(frame, row, Strip::new().put_within(width, pen.style(Role::VerdictWarn), hint.to_owned()));
    }
    frame.render_widget(&area, inner);
}

/// What the next key does: in the text the key that confirms is a letter.
fn next_key(snapshot: &Snapshot<'_>, note: &Note, item: Option<&ItemView>) -> String {
    let (key, tab) = (snapshot.keymap.shown(Action::Confirm), snapshot.keymap.shown(Action::Leave));
    let does = note.writes.does();
    if note.writing {
        return format!("{tab} leaves the text; then {key} {does}.");
    }
    match (note.lacks(item), note.writes) {
        (true, _) => format!("The text is empty: {tab} goes to it."),
        (false, Writes::Hand) => format!("{key} signs off: a claim, with your name."),
        (false, _) => format!("{key} {does}."),
    }
}

#[cfg(test)]
mod tests {
    use super::without_place;

    #[test]
    fn what_is_wrong_in_a_form_is_said_without_a_place_in_a_file() {
        let wrong = "`days` must be 1 to 365 days, not \"abc\"";
        assert_eq!(without_place(&format!("<built-in>/cell0/rotate-archive.toml:17:1: {wrong}")), wrong);
        for text in [wrong, "cannot plan cell0/rotate-archive:", "a: b", "at 12:30: nothing", "17:1: no file"] {
            assert_eq!(without_place(text), text);
        }
    }
}
