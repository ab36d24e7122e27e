//! Dialogs that are lists: commands, procedures for a row, runs, and the items of a frozen set.

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::palette::Command;
use crate::app::modal::{Palette, SetList};
use crate::app::model::{Pane, TargetId};
use crate::app::msg::{Offer, RunSummary};
use crate::app::problems::{self, Problem};
use crate::app::reading::ItemsShown;
use crate::config::theme::Role;
use crate::domain::{Clean, Item, RunId, RunStatus, TargetKind, quantity};
use crate::journal::record::WentBack;
use crate::ui::panes::rows;
use crate::ui::pen::{self, Pen};
use crate::ui::text::{self, Piece, Strip};
use crate::ui::widgets::badge::badge;
use crate::ui::widgets::table::{Column, row};
use ratatui::text::Line;
use std::time::Duration;

/// The most rows of what the palette finds.
const PALETTE: usize = 24;
/// The fewest columns in which the palette says what a command does.
const LEAST_DOC: usize = 16;
/// The rows below the list for all that the chosen command does.
const CHOSEN: usize = 2;
/// From how many rows of the screen on they are there.
const LEAST_HEIGHT: usize = 14;

pub(super) fn mark(pen: Pen<'_>, on: bool) -> Strip {
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    strip.gap(1)
}

pub(super) fn selected(pen: Pen<'_>, on: bool, mut line: Line<'static>, width: usize) -> Line<'static> {
    if on {
        let blanks = Strip::new().gap(width.saturating_sub(line.width())).line();
        line.spans.extend(blanks.spans);
        for span in &mut line.spans {
            span.style = span.style.patch(pen.style(Role::UiSelection));
        }
    }
    line
}

/// The input line and, below it, a page of what it finds. The box is as high whatever is found, so that the line stays where it is.
pub(super) fn palette(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    palette: &Palette,
    (width, height): (usize, usize),
) -> Dialog {
    let matches = palette.matches();
    let every = palette.choices.iter().map(|command| command.name().chars().count()).max().unwrap_or(0);
    let name = every.clamp(10, width / 2);
    // Where it is very small, the commands have all of it.
    let below = if height < LEAST_HEIGHT { 0 } else { CHOSEN };
    let rows = height.saturating_sub(3 + below).clamp(1, PALETTE);
    let chosen_place = palette.selected();
    let top = chosen_place.unwrap_or(0) / rows * rows;
    let mut head = Body::default();
    head.push(pen.typed(mark(pen, false), &palette.field, width - 1, true).line());
    let mut body = Vec::with_capacity(rows);
    for (place, command) in matches.iter().enumerate().skip(top).take(rows) {
        let on = Some(place) == chosen_place;
        let key = match command {
            Command::Action(entry) => snapshot.keymap.shown(entry.action),
            Command::Procedure(_) => String::new(),
        };
        let strip = mark(pen, on).put_within(name, pen.style(Role::UiText), command.name()).to(name + 3);
        let strip = strip.put_within(9, pen.style(Role::UiKey), key).to(name + 13);
        let room = width.saturating_sub(strip.width() + 1);
        // A word or two of it would say nothing.
        let doc = Clean::text(&if room < LEAST_DOC { String::new() } else { command.doc() });
        body.push(selected(pen, on, strip.put_within(room, pen.style(Role::UiMuted), doc).line(), width));
    }
    if matches.is_empty() {
        body.extend(pen.sentence(Role::UiMuted, "no command matches", width));
    }
    body.resize_with(rows, Line::default);
    let command = chosen_place.and_then(|place| matches.get(place));
    let mut foot = match command {
        Some(command) => chosen(pen, command, width),
        None if matches.is_empty() => Vec::new(),
        None => pen.sentence(Role::UiMuted, "Down selects a command, then Enter opens it.", width),
    };
    foot.resize_with(below, Line::default);
    let (first, last) = ((top + 1).min(matches.len()), (top + rows).min(matches.len()));
    let of = format!("{first}–{last} of {}", matches.len());
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Commands")), (Role::UiMuted, Piece::from(of))]),
        head,
        body: body.into(),
        foot,
        keys: [
            command.map(|_| (Action::Open, "does it")),
            (matches.len() > rows).then_some((Action::PageDown, "next page")),
            Some((Action::Back, "goes back")),
        ]
        .into_iter()
        .flatten()
        .collect(),
        ..Dialog::default()
    }
}

/// What the command under the cursor does, nothing cut off for the columns of the list.
fn chosen(pen: Pen<'_>, command: &Command, width: usize) -> Vec<Line<'static>> {
    let (word, text) = match command {
        Command::Action(_) => (Strip::new().gap(2), command.doc()),
        Command::Procedure(offer) => {
            let (style, symbol) = (pen.style(Role::from(offer.effect)), pen.symbol(Role::from(offer.effect)));
            let word = Strip::new().gap(2).put(style, symbol).gap(1).put(style, offer.effect.word()).gap(2);
            let apart = if offer.purpose.is_empty() { "" } else { " · " };
            (word, format!("{}{apart}{}", command.doc(), offer.purpose))
        }
    };
    let (start, mut first) = (word.width(), Some(word));
    let room = width.saturating_sub(start + 1);
    let mut rows = pen::words(&Clean::text(&text), room);
    if let Some(more) = rows.get(CHOSEN - 1..).filter(|more| more.len() > 1) {
        let last = more.iter().map(Clean::plain).collect::<Vec<_>>().join(" ");
        rows.truncate(CHOSEN - 1);
        rows.push(text::fitted(&last, room));
    }
    let rows = rows.into_iter().map(|row| {
        let strip = first.take().unwrap_or_else(|| Strip::new().gap(start));
        strip.put(pen.style(Role::UiText), row).line()
    });
    rows.collect()
}

pub(super) fn offers(
    pen: Pen<'_>,
    (kind, target): (TargetKind, &str),
    (offers, withheld): (Option<&[Offer]>, &[String]),
    cursor: Option<usize>,
    width: usize,
) -> Dialog {
    let mut body = Vec::new();
    let mut at = 0;
    match offers {
        None => body.extend(pen.sentence(Role::UiMuted, "looking for procedures", width)),
        Some([]) => body.extend(pen.sentence(Role::UiText, none_applies(kind, withheld.len()), width)),
        Some(offers) => {
            for (place, offer) in offers.iter().enumerate() {
                let on = cursor == Some(place);
                if on {
                    at = body.len() + 1;
                }
                body.push(selected(pen, on, offer_line(pen, offer, on, width), width));
                let purpose = if offer.purpose.is_empty() { &offer.procedure } else { &offer.purpose };
                let strip = Strip::new().gap(4).put_within(width.saturating_sub(5), pen.style(Role::UiMuted), purpose);
                body.push(strip.line());
            }
        }
    }
    for why in withheld {
        body.extend(pen.sentence(Role::UiMuted, why, width));
    }
    let mut keys = vec![(Action::Back, "goes back")];
    let any = offers.is_some_and(|offers| !offers.is_empty());
    match cursor {
        Some(_) if any => keys.insert(0, (Action::Open, "opens it; nothing starts yet")),
        None if any => keys.insert(0, (Action::Down, "selects; nothing starts yet")),
        _ => {}
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Act on")), (Role::UiText, Piece::from(target.to_owned()))]),
        body: body.into(),
        keys,
        cursor: any.then_some(at),
        ..Dialog::default()
    }
}

/// How many procedures act on rows of this kind, where none of them applies to this one.
pub(super) fn none_applies(kind: TargetKind, acting: usize) -> String {
    let rows = kind.plural();
    match acting {
        0 => format!("No procedure acts on {rows}."),
        1 => format!("1 procedure acts on {rows}. It does not apply here:"),
        _ => format!("{acting} procedures act on {rows}. None applies here:"),
    }
}

fn offer_line(pen: Pen<'_>, offer: &Offer, on: bool, width: usize) -> Line<'static> {
    let takes =
        offer.takes_s.map_or_else(String::new, |s| format!("~{}", quantity::span(Duration::from_secs(s.max(1)))));
    let room = width.saturating_sub(2 + 24);
    let role = Role::from(offer.effect);
    let strip = mark(pen, on).put_within(room, pen.style(Role::UiText), &offer.title).to(room + 3);
    let strip = strip.put(pen.style(role), pen.symbol(role)).gap(1).put(pen.style(role), offer.effect.word());
    strip.right(width.saturating_sub(1), pen.style(Role::UiMuted), takes).line()
}

/// Every row that is not ok, over all panes: how it stands, in which pane, what it is, and why.
pub(super) fn problems(pen: Pen<'_>, snapshot: &Snapshot<'_>, cursor: Option<&TargetId>, width: usize) -> Dialog {
    let now = snapshot.now.wall;
    let found = problems::all(snapshot.lists, now);
    let at = cursor.and_then(|id| found.iter().position(|problem| id.is_of(problem.row))).unwrap_or(0);
    let names: Vec<String> = found.iter().map(|problem| problem.row.name()).collect();
    let number =
        found.iter().map(|problem| Clean::text(&rows::verdict_text(problem.row, now)).width()).max().unwrap_or(0);
    // Why a row is not ok is worth more than the whole of a path.
    let name = text::columns_of_names(&names, number, width.saturating_sub(17 + 14 + 2 + 1), width / 3);
    let line = |(place, problem): (usize, &Problem<'_>)| {
        let (on, (role, word)) = (place == at, rows::standing(problem.row, now));
        let strip = badge(pen, mark(pen, on), role, word, 11);
        let start = strip.width();
        let strip = strip.put(pen.style(Role::UiMuted), Pane::of(problem.section).word()).to(start + 14);
        let strip = strip.put(pen.style(Role::UiText), text::name(&problem.row.name(), name)).to(start + 14 + name + 2);
        let room = width.saturating_sub(strip.width() + 1);
        let message = strip.put_within(room, pen.style(role), rows::verdict_text(problem.row, now));
        selected(pen, on, message.line(), width)
    };
    let mut body: Vec<Line<'static>> = found.iter().enumerate().map(line).collect();
    let mut keys = vec![(Action::Open, "goes there"), (Action::Back, "goes back")];
    if body.is_empty() {
        body = pen.sentence(Role::UiText, "Nothing is critical, warn, unknown or stale.", width);
        keys.remove(0);
    }
    let count = quantity::counted(found.len() as u64, "row is not ok", "rows are not ok");
    let mut head: Vec<Line<'static>> =
        snapshot.banners.iter().flat_map(|text| pen.sentence(Role::UiPrompt, text, width)).collect();
    if !head.is_empty() {
        head.push(Line::default());
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Problems")), (Role::UiMuted, Piece::from(count))]),
        head: head.into(),
        body: body.into(),
        keys,
        cursor: Some(at),
        ..Dialog::default()
    }
}

pub(super) fn runs(pen: Pen<'_>, snapshot: &Snapshot<'_>, cursor: Option<&RunId>, width: usize) -> Dialog {
    let runs = snapshot.runs.unwrap_or_default();
    let at = cursor.and_then(|id| runs.iter().position(|run| run.id == *id)).unwrap_or(0);
    let mut body: Vec<Line<'static>> = runs
        .iter()
        .enumerate()
        .map(|(place, run)| {
            let on = cursor.is_some() && place == at;
            selected(pen, on, run_line(pen, (run, snapshot.status(run)), on, width), width)
        })
        .collect();
    let mut keys = vec![(Action::Back, "goes back")];
    if body.is_empty() {
        let words = if snapshot.runs.is_some() { "No run has been started yet." } else { "reading the runs" };
        body = pen.sentence(Role::UiMuted, words, width);
    } else {
        keys.splice(0..0, [(Action::Down, "chooses"), (Action::Open, "attaches")]);
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Runs")), (Role::UiMuted, Piece::Words("newest first"))]),
        body: body.into(),
        keys,
        cursor: Some(at),
        ..Dialog::default()
    }
}

fn run_line(pen: Pen<'_>, (run, status): (&RunSummary, RunStatus), on: bool, width: usize) -> Line<'static> {
    let back = run.went_back.filter(|_| status.is_over());
    let (role, word) = match run.damage {
        Some(_) => (Role::VerdictCritical, "damaged"),
        None if run.used_break_glass => (Role::VerdictCritical, "glass"),
        None if back.is_some() => (Role::from(status), "rolled back"),
        None => (Role::from(status), status.word()),
    };
    let strip = badge(pen, mark(pen, on), role, word, 11);
    let start = strip.width();
    let muted = pen.style(Role::UiMuted);
    let progress = format!("{}/{}", run.progress.0, run.progress.1);
    let room = width.saturating_sub(start + 17 + 8 + 10 + 1);
    let marked = if run.used_break_glass {
        format!("{} · {} · BREAK GLASS", run.title, status.word())
    } else {
        run.title.clone()
    };
    let caveats = if status == RunStatus::Ok { run.caveats.words().join(", ") } else { String::new() };
    let marked = if caveats.is_empty() { marked } else { format!("{caveats} · {marked}") };
    let title = run.damage.as_ref().map_or_else(|| marked.clone(), |why| format!("{marked} · {why}"));
    let title = back.and_then(WentBack::lacks).map_or_else(|| title.clone(), |lacks| format!("{lacks} · {title}"));
    let (look, title) = match run.emergency {
        true => (Role::VerdictCritical, format!("EMERGENCY · {title}")),
        false => (Role::UiText, title),
    };
    let cells = [
        (Column::Left(0, room), pen.style(look), Piece::from(title)),
        (Column::Right(room + 1, 5), muted, Piece::from(progress)),
        (Column::Left(room + 8, 16), muted, Piece::from(run.started.minute())),
        (Column::Left(room + 26, 9), muted, Piece::from(&run.starter)),
    ];
    let mut line = strip.line();
    line.spans.extend(row(cells).line().spans);
    line
}

/// The items of a frozen set, each name whole, over as many rows as it needs.
pub(super) fn set(pen: Pen<'_>, list: &SetList, rows: usize, width: usize) -> Dialog {
    let total = list.total.unwrap_or(0);
    let digits = quantity::count(total).len();
    let numbered = list.items.iter().zip(list.from + 1..);
    let items: Vec<_> = numbered.map(|(item, number)| item_rows(pen, item, number, digits, width)).collect();
    let heights: Vec<usize> = items.iter().map(Vec::len).collect();
    let first = list.top.saturating_sub(list.from);
    let before: usize = heights.iter().take(usize::try_from(first).unwrap_or(usize::MAX)).sum();
    let known: usize = heights.iter().sum();
    let mut top = before.saturating_add(list.skip).min(known);
    // The last item stands at the foot of the screen, where it is known.
    if list.from + items.len() as u64 >= total {
        top = top.min(known.saturating_sub(rows));
    }
    let at = place_of(&heights, top).map(|(item, skip)| (list.from + item as u64, skip));
    let outside = list.top < list.from || list.top >= list.from + items.len() as u64;
    let mut body: Vec<Line<'static>> = items.into_iter().flatten().skip(top).take(rows).collect();
    if list.total.is_none() {
        body = pen.sentence(Role::UiMuted, "reading the set", width);
    }
    // The window keeps its height while it is scrolled.
    let full = usize::try_from(total).unwrap_or(usize::MAX).max(known).min(rows);
    body.resize_with(body.len().max(full), || Strip::new().line());
    let of = format!("{} in all · sha256 {}…", quantity::counted(total, "object", "objects"), list.set.short());
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Frozen set")), (Role::UiText, Piece::from(of))]),
        body: body.into(),
        keys: vec![(Action::Down, "scrolls"), (Action::PageDown, "a page"), (Action::Back, "goes back to the prompt")],
        items: ItemsShown { from: list.from, rows: heights, top: at.filter(|_| !outside) },
        ..Dialog::default()
    }
}

/// The item that a row belongs to, and how many of its rows come before that one.
fn place_of(heights: &[usize], row: usize) -> Option<(usize, usize)> {
    let mut start = 0;
    heights.iter().enumerate().find_map(|(place, height)| {
        let skip = row - start;
        start += height;
        (row < start).then_some((place, skip))
    })
}

/// The columns of a size, with what keeps it from the name.
const SIZE: usize = 11;

/// The fewest columns of a name beside its date and its size; with less it stands below them.
const LEAST_NAME: usize = 24;

/// An item: its number, when it was changed, its name and where it goes, and its size.
fn item_rows(pen: Pen<'_>, item: &Item, number: u64, digits: usize, width: usize) -> Vec<Line<'static>> {
    let muted = pen.style(Role::UiMuted);
    let strip = Strip::new().right(digits + 2, muted, number).gap(2);
    let strip = strip.put(muted, item.modified.map_or_else(|| " ".repeat(10), |at| at.date())).gap(2);
    let size = item.bytes.map_or_else(String::new, quantity::bytes);
    let name = match &item.to {
        Some(to) => format!("{} {} {to}", item.name, pen.glyph("→", "->")),
        None => item.name.clone(),
    };
    let (style, beside) = (pen.style(Role::UiText), width.saturating_sub(strip.width() + SIZE));
    let name = |room: usize| Clean::text(&name).wrap(room).into_iter();
    if beside < LEAST_NAME {
        let first = strip.right(width.saturating_sub(1), muted, size).line();
        let below = name(width.saturating_sub(4)).map(|row| Strip::new().gap(3).put(style, row).line());
        return std::iter::once(first).chain(below).collect();
    }
    let start = strip.width();
    let mut first = Some(strip);
    let rows = name(beside).map(|row| match first.take() {
        Some(strip) => strip.put(style, row).right(width.saturating_sub(1), muted, size.clone()).line(),
        None => Strip::new().gap(start).put(style, row).line(),
    });
    rows.collect()
}
