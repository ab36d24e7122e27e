//! The row below the header: a prompt that waits and is not on the screen, runs that are on no pane, or what should be known first.
//!
//! ```text
//!  ◆ destroy  step 2 waits: 6 Enter opens it · +1 more run waits: Vacuum public.tasks (Z1A2B3)
//!  ◆ waiting  Data retention cleanup waits for an operator: R lists the runs
//!  ◆ the edited estate is wrong: unknown key `nmae`; did you mean `name`?
//!    (midwatch.toml:3:1) and 2 more; the one before is in use · P shows all of it
//! ```

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::runs::{self, Other};
use crate::app::snapshot::{Asks, Waiting};
use crate::config::theme::Role;
use crate::domain::{Clean, RunStatus};
use crate::ui::layout::take_top;
use crate::ui::pen::{self, Pen};
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

/// The most rows of a banner.
const MOST: usize = 2;

/// How many rows it needs at a width; none where there is none.
#[must_use]
pub fn rows(snapshot: &Snapshot<'_>, width: u16) -> u16 {
    let asked = u16::from(asks(snapshot));
    match known(snapshot, width, MOST - usize::from(asked)) {
        Some(lines) => asked + u16::try_from(lines.len()).unwrap_or(1),
        None => u16::from(asks(snapshot) || !snapshot.others.is_empty()),
    }
}

/// Whether a run waits for a person: that has the first row to itself.
fn asks(snapshot: &Snapshot<'_>) -> bool {
    snapshot.waiting.is_some() || snapshot.others.first().is_some_and(|other| other.status == RunStatus::Waiting)
}

/// Draws it: what waits for a person comes before anything else.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let mut rest = area;
    let first = if asks(snapshot) { take_top(&mut rest, 1) } else { Rect::ZERO };
    match &snapshot.waiting {
        Some(own) => waiting(pen, frame, first, own, &snapshot.others),
        None if first.height > 0 => others(pen, frame, first, snapshot),
        None => {}
    }
    let lines = match known(snapshot, rest.width, usize::from(rest.height)) {
        Some(lines) if rest.height > 0 => lines,
        None if first.height == 0 => return others(pen, frame, rest, snapshot),
        _ => return,
    };
    let style = pen.style(Role::UiPrompt);
    let mut sign = Strip::new().gap(1).put(style, pen.symbol(Role::UiPrompt)).gap(1);
    let lines = lines.into_iter().map(|line| {
        let strip = std::mem::replace(&mut sign, Strip::new().gap(3));
        strip.put(style, line).line()
    });
    pen.lines(frame, rest, &lines.collect::<Vec<_>>());
}

/// What should be known of the estate or of the start, over so many rows at the most; `None` where nothing is.
/// Where that is not all of it, the last row ends with the key that shows the rest.
fn known(snapshot: &Snapshot<'_>, width: u16, rows: usize) -> Option<Vec<Clean>> {
    let text = snapshot.banner.as_ref()?;
    let room = usize::from(width).saturating_sub(4);
    let whole = pen::words(&Clean::text(text), room);
    if whole.len() <= rows && snapshot.banners.len() < 2 {
        return Some(whole);
    }
    let key = format!("{} shows all of it", snapshot.keymap.shown(Action::Problems));
    let with = pen::words(&Clean::text(&format!("{text} · {key}")), room);
    if with.len() <= rows {
        return Some(with);
    }
    let (first, rest) = whole.split_at(rows.saturating_sub(1).min(whole.len()));
    let rest = rest.iter().map(Clean::plain).collect::<Vec<_>>().join(" ");
    let rest = Clean::text(&format!("{rest}…")).cut(room.saturating_sub(key.chars().count() + 1));
    let last = Clean::text(&format!("{} {key}", rest.plain())).cut(room);
    Some(first.iter().cloned().chain([last]).collect())
}

/// A prompt that waits: what it asks for, and the keys that open it. Both stay where room is short.
fn waiting(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, waiting: &Waiting, others: &[Other]) {
    let role = match waiting.asks {
        Asks::Act(effect) => Role::from(effect),
        _ => Role::UiPrompt,
    };
    let sentence = waiting.sentence();
    let short = format!("step {}: {} opens it", waiting.step, waiting.keys);
    let with = |text: &str, more: Option<String>| more.map(|more| format!("{text} · {more}"));
    let (named, counted) = (runs::more(others, true), runs::more(others, false));
    let ways = [
        with(&sentence, named),
        with(&sentence, counted.clone()),
        with(&short, counted),
        others.is_empty().then_some(sentence),
        Some(short),
    ];
    first_that_fits(pen, frame, area, (role, waiting.asks.word()), ways);
}

/// The runs that are on no pane: the first by its title, with the key that lists them.
fn others(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let Some((first, rest)) = snapshot.others.split_first() else { return };
    let key = snapshot.keymap.shown(Action::Runs);
    let (named, counted) = (runs::more(rest, true), runs::more(rest, false));
    // The word before it says where it stands, so that a short sentence need not.
    let message = format!("{} {}: {key} lists the runs", first.title, first.does());
    let (brief, short) = (format!("{}: {key} lists the runs", first.title), format!("{key} lists the runs"));
    let with = |text: &str, more: &Option<String>| {
        Some(more.as_ref().map_or_else(|| text.to_owned(), |more| format!("{text} · {more}")))
    };
    let ways = [
        with(&message, &named),
        with(&message, &counted),
        with(&brief, &counted),
        with(&short, &counted),
        Some(short.clone()),
    ];
    first_that_fits(pen, frame, area, (Role::from(first.status), first.status.word()), ways);
}

/// A symbol, a word, and the first of some sentences that fits; the last is cut where none does.
fn first_that_fits(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    (role, word): (Role, &str),
    ways: impl IntoIterator<Item = Option<String>>,
) {
    let word = Clean::text(format!("{} {word}", pen.symbol(role).plain()).trim_start());
    let strip = Strip::new().gap(1).put(pen.style(role), word).gap(2);
    let room = usize::from(area.width).saturating_sub(strip.width());
    let mut ways = ways.into_iter().flatten().map(|text| Clean::text(&text)).peekable();
    while let Some(text) = ways.next() {
        if text.width() < room || ways.peek().is_none() {
            return pen.line(frame, area, strip.put_within(room, pen.style(Role::UiPrompt), text));
        }
    }
}
