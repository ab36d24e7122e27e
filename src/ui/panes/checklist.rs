//! The Checklist pane: the items of the checklist that is followed, else what the checklists of the estate hold.
//!
//! ```text
//! ┌ 5 Checklist ─ Before 4/4 · During 1/3 · After 0/4 ─┐   ┌ 5 Checklist ─ none open · 5 known ──────┐
//! │ during                                             │   │▌Cell 0 maintenance checklist   14 items │
//! │ ✓  Logs were archived         auto 02:41  evidence │   │ NovaCron: before maintenance   15 items │
//! │ ☐  Deviations are written down    2 notes  open    │   │ before                                  │
//! └────────────────────────────────────────────────────┘   │ ☐  Users know of the window             │
//! ```

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::palette::in_general;
use crate::app::model::{Hit, Pane};
use crate::app::msg::Outline;
use crate::config::theme::Role;
use crate::domain::{Actor, Clean, RunStatus, quantity};
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::record::ended;
use crate::ui::ViewState;
use crate::ui::layout::{self, take_bottom, take_top};
use crate::ui::panes::{filtered, framed, run, title};
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use ratatui::Frame;
use ratatui::layout::Rect;

/// What a runner says that its records come through.
const RUNNER: &str = "runner";

/// From which width on a checklist has its procedure's id beside its title.
const WITH_IDS: usize = 70;

/// From how many rows on there is room for what is in one.
const WITH_ITEMS: u16 = 5;

/// Draws the pane.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let list = snapshot.checklist.view();
    let left = title(pen, snapshot, Pane::Checklist);
    let left = match list {
        Some(list) if run::is_of_another(snapshot, list) => run::of_another(pen, left, snapshot, list).gap(1),
        _ => left,
    };
    let left = if list.is_some() { filtered(pen, left, &snapshot.checklist.run.filter) } else { left };
    let room = usize::from(area.width).saturating_sub(left.width() + 4);
    let right = match list {
        Some(list) => [progress(pen, list, true), progress(pen, list, false)],
        None => [known(pen, snapshot), Strip::new()],
    };
    let right = right.into_iter().find(|strip| strip.width() <= room).unwrap_or_default();
    let mut inner = framed(pen, frame, area, snapshot, Pane::Checklist, (left, right));
    match list {
        Some(list) => {
            if let Some(strip) = standing(pen, snapshot, list) {
                let foot = take_bottom(&mut inner, 1);
                let strip = Strip::new().gap(1).put_within(usize::from(foot.width).saturating_sub(2), strip.0, strip.1);
                pen.line(frame, foot, strip);
            }
            items(pen, frame, inner, snapshot, list, view);
        }
        None => closed(pen, frame, inner, snapshot, view),
    }
}

/// How many items are closed, by phase: `Before 4/4 · During 1/3`; of the open phase alone where that is too long.
fn progress(pen: Pen<'_>, list: &RunView, all: bool) -> Strip {
    let mut strip = Strip::new().gap(1);
    let counts = list.phase_counts().into_iter().filter(|count| all || count.current);
    for (place, count) in counts.enumerate() {
        if place > 0 {
            strip = strip.put(pen.style(Role::UiMuted), " · ");
        }
        let role = match (count.current, count.closed == count.of) {
            (true, _) => Role::UiText,
            (false, true) => Role::StateDone,
            (false, false) => Role::UiMuted,
        };
        strip = strip.put(pen.style(role), format!("{} {}/{}", capital(&count.phase), count.closed, count.of));
    }
    strip.gap(1)
}

fn capital(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// How many checklists there are, where none is followed.
fn known(pen: Pen<'_>, snapshot: &Snapshot<'_>) -> Strip {
    let count = snapshot.checklist.known.as_ref().map_or(0, Vec::len);
    if count == 0 || snapshot.checklist.run.following.is_some() {
        return Strip::new();
    }
    Strip::new().gap(1).put(pen.style(Role::UiMuted), format!("none open · {count} known")).gap(1)
}

/// What is to be said of the checklist as a whole: that nobody keeps it, or that it is over.
fn standing(pen: Pen<'_>, snapshot: &Snapshot<'_>, list: &RunView) -> Option<(ratatui::style::Style, String)> {
    let keymap = snapshot.keymap;
    let (role, text) = match snapshot.checklist.run.status()? {
        _ if snapshot.checklist.run.lost.is_some() => {
            let why = snapshot.checklist.run.lost.as_ref().map_or("", |error| &error.message);
            (Role::VerdictUnknown, format!("its journal cannot be read on: {why}"))
        }
        RunStatus::Held => (Role::StateWaiting, format!("held: {} takes it up", keymap.shown(Action::Resume))),
        RunStatus::Interrupted if snapshot.read_only => (Role::StateInterrupted, "no runner is there".to_owned()),
        RunStatus::Interrupted => {
            (Role::StateInterrupted, format!("no runner is there: {} resumes it", keymap.shown(Action::Resume)))
        }
        status if status.is_over() => {
            let back = keymap.shown(Action::Back);
            let ended = ended(status, list.went_back(), list.caveats());
            let text = format!("{ended} · {back} leaves it · {} report {}", snapshot.command, list.id.short());
            (Role::from(status), text)
        }
        _ => return None,
    };
    Some((pen.style(role), text))
}

/// The checklists that could be begun, and the items of the one under the cursor with nothing ticked.
fn closed(pen: Pen<'_>, frame: &mut Frame<'_>, mut inner: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let width = usize::from(inner.width);
    let pane = snapshot.checklist;
    let mut headings = Vec::new();
    let lines = match (&pane.run.following, &pane.run.lost, &pane.known) {
        (Some(_), Some(error), _) => pen.sentence(Role::VerdictUnknown, &error.message, width),
        (Some(_), None, _) => pen.sentence(Role::UiMuted, "reading the journal", width),
        (None, _, None) => pen.sentence(Role::UiMuted, "reading the checklists", width),
        (None, _, Some(known)) if known.is_empty() => {
            let mut lines = pen.sentence(Role::UiText, "No checklist is open, and none is known.", width);
            let words = "A procedure with order = \"any\" is one.";
            lines.extend(pen.sentence(Role::UiMuted, words, width));
            lines
        }
        (None, _, Some(known)) => {
            let rows = u16::try_from(known.len()).unwrap_or(u16::MAX);
            let rows = rows.min(if inner.height < 2 * WITH_ITEMS { inner.height } else { inner.height / 2 });
            let heads = take_top(&mut inner, rows);
            outlines(pen, frame, heads, snapshot, known, view);
            let chosen = known.get(pane.chosen).filter(|_| inner.height >= WITH_ITEMS);
            let (items, phases) = chosen.map(|outline| unticked(pen, outline, width)).unwrap_or_default();
            headings = phases;
            items
        }
    };
    if snapshot.focus == Pane::Checklist {
        view.seen.page_rows = inner.height;
    }
    let more = lines.len().saturating_sub(usize::from(inner.height));
    let foot = if more > 0 { take_bottom(&mut inner, 1) } else { Rect::default() };
    pen.lines(frame, inner, &lines);
    if more > 0 {
        let shown = usize::from(inner.height);
        let items = more + 1 - headings.iter().filter(|place| **place >= shown).count();
        let text = quantity::counted(items as u64, "more item", "more items");
        pen.line(frame, foot, Strip::new().gap(4).put(pen.style(Role::UiMuted), text));
    }
}

fn outlines(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    known: &[Outline],
    view: &mut ViewState,
) {
    let chosen = snapshot.checklist.chosen;
    let top = layout::offset(view.checklist, Some(chosen), usize::from(area.height), known.len());
    view.checklist = top;
    let ids = known.iter().map(|outline| Clean::text(&outline.offer.procedure).width()).max().unwrap_or(0);
    // Titles come first.
    let ids = if usize::from(area.width) < WITH_IDS { 0 } else { ids };
    for ((place, outline), y) in known.iter().enumerate().skip(top).zip(area.top()..area.bottom()) {
        let (on, line) = (place == chosen, Rect { y, height: 1, ..area });
        let width = usize::from(area.width);
        let tail = Clean::text(&quantity::counted(outline.items.len() as u64, "item", "items"));
        let id = Clean::text(&outline.offer.procedure).cut(ids);
        let mark = if on { pen.glyph("▌", ">") } else { " " };
        let strip = Strip::new().put(pen.style(Role::UiFocus), mark);
        let room = width.saturating_sub(ids + 15);
        let strip = strip.put_within(room, pen.style(Role::UiText), in_general(&outline.offer.title)).to(room + 3);
        let strip = strip.put(pen.style(Role::UiMuted), id);
        pen.line(frame, line, strip.right(width.saturating_sub(1), pen.style(Role::UiMuted), tail));
        if on && snapshot.focus == Pane::Checklist {
            frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
        }
        view.hit(line, Hit::Outline(place));
    }
}

/// The items of a checklist under their phases, none of them ticked; and which of the lines are phases.
fn unticked(pen: Pen<'_>, outline: &Outline, width: usize) -> (Vec<ratatui::text::Line<'static>>, Vec<usize>) {
    let (mut lines, mut headings, mut phase) = (vec![Strip::new().line()], Vec::new(), None);
    for (of, title) in &outline.items {
        if phase != Some(of) {
            phase = Some(of);
            headings.push(lines.len());
            lines.push(Strip::new().gap(1).put(pen.style(Role::UiMuted), of).line());
        }
        let strip = Strip::new().gap(1).put(pen.style(Role::UiMuted), pen.glyph("☐", "[ ]")).to(column(pen));
        lines.push(strip.put_within(width.saturating_sub(6), pen.style(Role::UiMuted), title).line());
    }
    (lines, headings)
}

/// The items under their phases, the one that is looked at among them.
fn items(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    list: &RunView,
    view: &mut ViewState,
) {
    let (mut lines, mut phase): (Vec<(Strip, Option<u32>)>, _) = (Vec::new(), None);
    let shown = snapshot.checklist.shown();
    for item in &shown {
        if phase != Some(&item.phase) {
            phase = Some(&item.phase);
            lines.push((Strip::new().gap(1).put(pen.style(Role::UiMuted), &item.phase), None));
        }
        lines.push((line(pen, snapshot, list, item, usize::from(area.width)), Some(item.step)));
    }
    if lines.is_empty() {
        return pen.line(frame, area, Strip::new().gap(1).put(pen.style(Role::UiMuted), "no item matches the filter"));
    }
    let at = snapshot.checklist.step();
    let cursor = lines.iter().position(|(_, step)| step.is_some() && *step == at);
    let rows = usize::from(area.height);
    // Until a key moves the cursor, the phase that it is in begins at the top, as far as what follows fills the pane.
    let heading = cursor.and_then(|cursor| lines.get(..cursor)?.iter().rposition(|(_, step)| step.is_none()));
    let top = match heading.filter(|_| snapshot.checklist.run.cursor.is_none()) {
        Some(heading) => layout::offset(heading, cursor, rows, lines.len()),
        None => layout::offset(view.checklist, cursor.or(Some(0)), rows, lines.len()),
    };
    // The name of the first phase is not scrolled away by the item below it.
    let top = if top == 1 { 0 } else { top };
    view.checklist = top;
    if snapshot.focus == Pane::Checklist {
        view.seen.page_rows = area.height;
    }
    for ((strip, step), y) in lines.into_iter().skip(top).zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        pen.line(frame, line, strip);
        if let Some(step) = step {
            if at == Some(step) && snapshot.focus == Pane::Checklist {
                frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
            }
            view.hit(line, Hit::Item(step));
        }
    }
}

/// Where titles begin, behind the symbols.
fn column(pen: Pen<'_>) -> usize {
    4 + usize::from(pen.glyph("u", "a") == "a")
}

/// An item's symbol, its role, and its word.
#[must_use]
pub fn state(pen: Pen<'_>, list: &RunView, item: &ItemView) -> (Clean, Role, &'static str) {
    let glyph = |unicode, ascii| Clean::text(pen.glyph(unicode, ascii));
    let asks = list.prompt.as_ref().is_some_and(|open| open.step == item.step);
    let word = item.standing;
    match item.state {
        _ if item.is_undo_failed => (pen.symbol(Role::StateFailed), Role::StateFailed, word),
        ItemState::Evidence => (glyph("✓", "[x]"), Role::StateDone, word),
        ItemState::Claim => (glyph("✎", "[c]"), Role::UiText, word),
        ItemState::Skipped => (glyph("–", "[-]"), Role::StateSkipped, word),
        ItemState::Overridden => (glyph("‼", "[!]"), Role::VerdictCritical, word),
        ItemState::Undone => (glyph("–", "[-]"), Role::StateSkipped, word),
        ItemState::Later => (glyph("☐", "[ ]"), Role::UiMuted, word),
        ItemState::Open if item.passed == Some(false) => (glyph("☐", "[ ]"), Role::VerdictWarn, word),
        ItemState::Open => (glyph("☐", "[ ]"), Role::UiText, word),
        ItemState::SecondPerson => (glyph("2", "[2]"), Role::StateWaiting, "second person"),
        ItemState::AtWork if asks => (glyph("▶", "[>]"), Role::StateWaiting, "asks"),
        ItemState::AtWork => (glyph("▶", "[>]"), Role::StateRunning, word),
        ItemState::Unknown => (pen.symbol(Role::StateUnknown), Role::StateUnknown, word),
    }
}

/// Who closed an item: `auto`, where nobody asked for the look.
#[must_use]
pub fn who(by: &Actor) -> &str {
    if by.through == RUNNER { "auto" } else { &by.name }
}

/// One item: its state, its title, its notes, on whose word and when, its word.
fn line(pen: Pen<'_>, snapshot: &Snapshot<'_>, list: &RunView, item: &ItemView, width: usize) -> Strip {
    // Without a cursor of its own it is on the item that Enter opens.
    let at = snapshot.checklist.run.cursor.or_else(|| snapshot.checklist.step());
    let on = at == Some(item.step) && (snapshot.focus == Pane::Checklist || snapshot.checklist.run.cursor.is_some());
    let (symbol, role, word) = state(pen, list, item);
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    let strip = strip.put(pen.style(role), symbol).to(column(pen));
    // What the title leaves.
    let left = width.saturating_sub(strip.width() + Clean::text(&item.title).width() + 3);
    let mut tail = Vec::new();
    if item.notes > 0 {
        tail.push(quantity::counted(item.notes as u64, "note", "notes"));
    }
    match (&item.by, item.at) {
        (Some(by), Some(at)) if item.state.is_closed() => {
            let clock = at.clock();
            tail.push(format!("{} {}", who(by), clock.get(..5).unwrap_or(&clock)));
        }
        _ if item.state == ItemState::Open && item.passed == Some(false) => {
            let beside: usize = tail.iter().map(|part: &String| part.len() + 2).sum::<usize>() + word.len() + 2;
            let room = left.saturating_sub(beside).max(width / 3);
            tail.push(text::fitted(&run::short(&item.found).plain(), room).plain());
        }
        _ => {}
    }
    if item.state != ItemState::Later {
        tail.push(word.to_owned());
    }
    let tail = Clean::text(&tail.join("  ")).cut(left.max(width * 3 / 5));
    let room = width.saturating_sub(strip.width() + tail.width() + 3);
    let quiet = if item.state == ItemState::Later { Role::UiMuted } else { Role::UiText };
    let strip = strip.put_within(room, pen.style(quiet), &item.title);
    let tail_role = if item.state == ItemState::Evidence { Role::UiMuted } else { role };
    if tail.is_empty() { strip } else { strip.right(width.saturating_sub(1), pen.style(tail_role), tail) }
}
