//! What is copied to the clipboard, by pane: a row, the lines of a log, the run's id.

use crate::app::effect::{Effect, Screen};
use crate::app::modal::Modal;
use crate::app::model::{Model, Pane};
use crate::domain::{Clean, Row, quantity};

/// The most that is copied, in bytes: a terminal may drop a longer sequence, and a slow line would be busy with it.
pub const LARGEST: usize = 32 << 10;

/// Copies what the focused pane is about, and says what that was.
pub fn copy(model: &mut Model) -> Vec<Effect> {
    let (what, text) = match of(model) {
        Ok(found) => found,
        Err(why) => {
            model.notify(why);
            return Vec::new();
        }
    };
    let all = text.len();
    let text = cut(text);
    model.notify(copied_message(&what, text.len(), all));
    vec![Effect::Screen(Screen::Copy(text))]
}

/// What was copied, and of how much where it is not all.
fn copied_message(what: &str, copied: usize, all: usize) -> String {
    let of = if copied < all { format!(", the first of {}", quantity::bytes(all as u64)) } else { String::new() };
    format!("copied {what}: {}{of}", quantity::bytes(copied as u64))
}

/// What it is, and its text without anything that could steer a terminal.
fn of(model: &mut Model) -> Result<(String, String), &'static str> {
    if let Some(Modal::Row(dialog)) = model.modal() {
        let row = model.lists.row(&dialog.target).ok_or("the row is gone, so nothing is copied")?;
        return Ok(match row.remedy_command() {
            Some(command) => ("the command".to_owned(), Clean::text(command).plain()),
            None => of_row(row),
        });
    }
    if let Some(section) = model.focus.section() {
        let row = model.lists.of(section).under_cursor().ok_or("the cursor is on no row, so nothing is copied")?;
        return Ok(of_row(row));
    }
    if model.focus == Pane::Log {
        return lines(model).ok_or("there is no line to copy");
    }
    let run = model.at_hand().following.as_ref().ok_or("no run is followed, so nothing is copied")?;
    Ok(("the run's id".to_owned(), run.to_string()))
}

/// A row's name, and what it says.
fn of_row(row: &Row) -> (String, String) {
    let name = Clean::text(&row.name()).plain();
    let detail = row.observation.as_ref().map_or("not read yet", |seen| &seen.detail);
    let lost = row.lost.as_ref().map_or_else(String::new, |(why, _)| format!("{why} · was "));
    (name.clone(), format!("{name}  {}", Clean::text(&format!("{lost}{detail}")).plain()))
}

/// The line that the search found, else the lines on the screen.
fn lines(model: &Model) -> Option<(String, String)> {
    let (log, rows) = (&model.log, u64::from(model.seen().log_rows.max(1)));
    let page = log.page.as_ref()?;
    let end = page.top + page.lines.len() as u64;
    let (from, to) = match (log.found, log.follow) {
        (Some(found), _) => (found, found + 1),
        (None, true) => (end.saturating_sub(rows), end),
        (None, false) => (log.top, log.top + rows),
    };
    let shown = (page.top..).zip(&page.lines).filter(|(number, _)| (from..to).contains(number));
    let lines: Vec<String> = shown.map(|(_, line)| Clean::line(&line.bytes).plain()).collect();
    let what = match (lines.len() as u64, log.found) {
        (0, _) => return None,
        (1, _) => format!("line {}", quantity::count(from + 1)),
        (count, _) => quantity::counted(count, "line", "lines"),
    };
    Some((what, lines.join("\n")))
}

/// The text within [`LARGEST`], cut between two characters.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(LARGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_of_how_much() {
        let text = cut("ä".repeat(LARGEST));
        assert_eq!(copied_message("3 lines", text.len(), 2 * LARGEST), "copied 3 lines: 32 KiB, the first of 64 KiB");
        assert_eq!(copied_message("line 1", 5, 5), "copied line 1: 5 B");
    }
}
