//! Help: the keys of where it was asked for, what the symbols mean, then every other key.
//!
//! ```text
//! ┏ Help ━━ keys and symbols ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ in Health                                                     ┃
//! ┃   Enter            Opens what the cursor is on.               ┃
//! ┃ symbols of a row                                              ┃
//! ┃   ✖  critical      Past its critical limit, or down.          ┃
//! ```

use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::keymap::{ACTIONS, Context, Entry};
use crate::config::theme::Role;
use crate::domain::Clean;
use crate::ui::footer;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// The column of what a key does.
const WORDS: usize = 19;

/// The groups of symbols that are explained, with their headings.
const SYMBOLS: [(&str, &str); 3] = [
    ("verdict", "symbols of a row"),
    ("state", "symbols of a step and of a run"),
    ("effect", "symbols of what a step does"),
];

/// The help that was asked for somewhere.
pub(super) fn help(pen: Pen<'_>, snapshot: &Snapshot<'_>, context: Context, scroll: u16, width: usize) -> Dialog {
    let mut body = Vec::new();
    // Over another dialog, its own keys come first.
    let here: Vec<&Entry> = if snapshot.modals.len() > 1 {
        ACTIONS.iter().filter(|entry| entry.context == context).collect()
    } else {
        footer::keys_here(snapshot).into_iter().filter_map(|(action, _)| action.entry()).collect()
    };
    let place = if snapshot.modals.len() > 1 { place(context) } else { format!("in {}", snapshot.focus.word()) };
    section(pen, snapshot, &place, &here, width, &mut body);
    for (group, heading) in SYMBOLS {
        symbols(pen, group, heading, width, &mut body);
    }
    signs(pen, "symbols of a checklist's item", &ITEMS, width, &mut body);
    signs(pen, "symbols of a log", &LOG, width, &mut body);
    let near = context.stack();
    let far = Context::ALL.into_iter().filter(|other| !near.contains(other));
    for context in near.iter().copied().chain(far) {
        let is_here = |entry: &&Entry| here.iter().any(|other| other.action == entry.action);
        let rest: Vec<&Entry> = ACTIONS.iter().filter(|entry| entry.context == context && !is_here(entry)).collect();
        section(pen, snapshot, &self::place(context), &rest, width, &mut body);
    }
    if let Some(remark) = snapshot.remark {
        body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), "of this console").line());
        beside(pen, Strip::new(), (Role::UiText, remark.to_owned()), width, &mut body);
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Help")), (Role::UiMuted, Piece::Words("keys and symbols"))]),
        body: body.into(),
        keys: vec![(Action::Down, "scrolls"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

/// Where a key works.
fn place(context: Context) -> String {
    match context {
        Context::Global => "everywhere",
        Context::List => "in lists",
        Context::Checklist => "in the checklist",
        Context::Run => "in the run",
        Context::Log => "in the log",
        Context::Prompt => "in a question or a note, outside its text",
    }
    .to_owned()
}

/// A heading and its keys, each with what it does over as many rows as that needs.
fn section(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    heading: &str,
    entries: &[&Entry],
    width: usize,
    body: &mut Vec<Line<'static>>,
) {
    if entries.is_empty() {
        return;
    }
    body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), heading.to_owned()).line());
    for entry in entries {
        let barred = snapshot.read_only && entry.action.acts();
        let (key, text) = if barred { (Role::UiMuted, Role::UiMuted) } else { (Role::UiKey, Role::UiText) };
        let keys = Clean::text(&snapshot.keymap.all_shown(entry.action));
        let mut strip = Strip::new().gap(2).put(pen.style(key), keys.clone());
        if keys.width() + 3 > WORDS {
            // Many keys have a row of their own.
            body.push(std::mem::take(&mut strip).line());
        }
        let doc = if barred { format!("read-only, so not here: {}", entry.doc) } else { entry.doc.to_owned() };
        beside(pen, strip, (text, doc), width, body);
    }
    body.push(Strip::new().line());
}

/// What the box of a checklist's item means, in Unicode, in ASCII and in words.
const ITEMS: [(&str, &str, &str, &str); 7] = [
    ("☐", "[ ]", "open", "Not closed yet; in the colour of a warning, its check did not hold."),
    ("✓", "[x]", "evidence", "Closed: a check, a reading or a run shows it."),
    ("✎", "[c]", "claim", "Signed off by hand: somebody says so, in a note."),
    ("–", "[-]", "skipped", "Skipped with a reason, or undone."),
    ("‼", "[!]", "overridden", "Closed against its check, with a reason."),
    ("▶", "[>]", "at work", "Its step runs, or asks."),
    ("2", "[2]", "approval", "Waits for a second person."),
];

/// What stands between the time and the text of a line of a log.
const LOG: [(&str, &str, &str, &str); 1] = [("²", "&", "stderr", "The program wrote the line to standard error.")];

/// Signs of our own, each with its word and what it means.
fn signs(
    pen: Pen<'_>,
    heading: &'static str,
    signs: &[(&'static str, &'static str, &'static str, &str)],
    width: usize,
    body: &mut Vec<Line<'static>>,
) {
    body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), heading).line());
    for (unicode, ascii, word, doc) in signs {
        let strip = Strip::new().gap(2).put(pen.style(Role::UiText), pen.glyph(unicode, ascii)).to(6);
        let strip = strip.put(pen.style(Role::UiText), *word);
        beside(pen, strip, (Role::UiText, (*doc).to_owned()), width, body);
    }
    body.push(Strip::new().line());
}

/// What each symbol of a group means.
fn symbols(pen: Pen<'_>, group: &str, heading: &'static str, width: usize, body: &mut Vec<Line<'static>>) {
    body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), heading).line());
    for role in Role::ALL.iter().copied().filter(|role| role.group() == group) {
        let strip = Strip::new().gap(2).put(pen.style(role), pen.symbol(role)).to(5);
        let strip = strip.put(pen.style(role), role.key());
        beside(pen, strip, (Role::UiText, role.doc().to_owned()), width, body);
    }
    body.push(Strip::new().line());
}

/// Words behind what they are about; they go on below, at the same column.
fn beside(pen: Pen<'_>, first: Strip, (role, words): (Role, String), width: usize, body: &mut Vec<Line<'static>>) {
    let first = first.to(WORDS);
    let lines = pen.sentence(role, words, width.saturating_sub(WORDS));
    body.extend(lines.into_iter().enumerate().map(|(place, mut line)| {
        let before = if place == 0 { first.clone() } else { Strip::new().gap(WORDS) };
        line.spans.splice(0..0, before.line().spans);
        line
    }));
}
