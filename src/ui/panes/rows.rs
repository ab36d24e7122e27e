//! The panes of rows: Health, Backups, Certificates, Bloat.
//!
//! ```text
//! ┏ 1 Health ━━━━━━━━━━ ✖ 1 critical  ? 1 unknown  ● 2 ok ┓┌ 4 Bloat ──────────────── 6.1 GiB reclaimable, est. ┐
//! ┃  ✖  novacron-api  503 · 12 ms              ▁▁▂▁▁▇█   ┃│  ▲  public.audit_logs    12 GiB   48 %   ±3 vacuum │
//! ┃▌ ?  redis         timed out · was 9 ms, 3 m ago      ┃│  ●  tasks_pkey (index)  1.2 GiB   64 % exact reindex │
//! ┃  ◌  /srv/cell0    41 s old · was 84 %                ┃│                                                     │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛└─────────────────────────────────────────────────────┘
//! ```
//!
//! What a pane says to each symbol stands in its title; where there is room, the word stands on the row as well.

mod columns;
mod empty;
mod headings;

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane, TargetId};
use crate::app::panes::rows::RowList;
use crate::config::theme::Role;
use crate::domain::{Clean, Row, Section, Wall, quantity};
use crate::ui::ViewState;
use crate::ui::header::verdicts;
use crate::ui::layout;
use crate::ui::panes::{filtered, framed, title};
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use crate::ui::trend;
use crate::ui::widgets::spark::spark;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::Duration;

/// How wide the graph of a row is.
const SPARK: usize = 10;
/// How wide the word of a verdict is.
const WORD: usize = 8;
/// From which width on a row has the verdict's word in any case, the reading's age, and its source.
const DETAIL_WIDTHS: [usize; 3] = [76, 96, 150];

/// How many rows above are looked through for the worst; they are sorted by it, unless somebody chose otherwise.
const MOST_LOOKED_AT: usize = 200;

/// Draws the pane of a section.
pub fn draw(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    section: Section,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let (list, pane) = (snapshot.lists.of(section), Pane::of(section));
    let mut left = filtered(pen, title(pen, snapshot, pane), list.filter());
    if !list.filter().is_empty() {
        let all = quantity::count(list.rows().count() as u64);
        let of = format!("{} of {all}", quantity::count(list.len() as u64));
        left = left.put(pen.style(Role::UiText), of).gap(1);
    }
    if !list.sort().mark(section).is_empty() {
        left = left.put(pen.style(Role::UiMuted), list.sort().mark(section)).gap(1);
    }
    let room = usize::from(area.width).saturating_sub(left.width() + 3);
    let mut inner = framed(pen, frame, area, snapshot, pane, (left, summary(pen, list, room)));
    let length = list.len();
    let shape = Shape::of(list, usize::from(inner.width));
    let zoomed = snapshot.zoomed && snapshot.focus == pane;
    if length > 0 && (zoomed || length < usize::from(inner.height)) {
        let line = layout::take_top(&mut inner, 1);
        pen.line(frame, line, headings::strip(pen, list, shape));
    }
    if snapshot.focus == pane {
        view.seen.page_rows = inner.height;
    }
    if length == 0 {
        let lines = empty::lines(pen, snapshot, section, usize::from(inner.width));
        return pen.lines(frame, inner, &lines);
    }
    let (cursor, height) = (list.cursor_place(), usize::from(inner.height));
    let top = layout::offset(view.top(section), cursor, height, length);
    view.set_top(section, top);
    for (place, (row, y)) in list.window(top, height).zip(inner.top()..inner.bottom()).enumerate() {
        let line = Rect { y, height: 1, ..inner };
        let on = cursor == Some(top + place);
        pen.line(frame, line, strip(pen, list, row, snapshot.now.wall, shape, on));
        if on && snapshot.focus == pane {
            frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
        }
        view.hit(line, Hit::Target(TargetId::of(row)));
    }
    out_of_sight(pen, frame, area, list, (top, length.saturating_sub(top + height)), snapshot.now.wall);
}

/// Says on the lower edge how many rows are out of sight, and of those above, which are the worst: they are what is missed.
fn out_of_sight(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    list: &RowList,
    (above, below): (usize, usize),
    now: Wall,
) {
    if area.height < 2 || (above == 0 && below == 0) {
        return;
    }
    let muted = pen.style(Role::UiMuted);
    let mut strip = Strip::new();
    if above > 0 {
        strip = strip.put(muted, format!(" {} above", quantity::count(above as u64)));
        let worst = list
            .window(0, above.min(MOST_LOOKED_AT))
            .map(|row| standing(row, now))
            .find(|(role, _)| *role != Role::VerdictOk);
        if let Some((role, word)) = worst {
            strip =
                strip.put(muted, ", first ").put(pen.style(role), pen.symbol(role)).gap(1).put(pen.style(role), word);
        }
        strip = strip.gap(1);
    }
    if below > 0 {
        strip = strip.put(muted, format!(" {} more below ", quantity::count(below as u64)));
    }
    text::draw(&strip.line(), area.x.saturating_add(2), area.bottom().saturating_sub(1), area, frame.buffer_mut());
}

/// What the title says on the right: the counts, and the figure that the section is about; as much as there is room for.
fn summary(pen: Pen<'_>, list: &RowList, room: usize) -> Strip {
    let own = match list.section() {
        Section::Certificates => list.next().map(|days| format!("next: {} d", days.floor())),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Bytes of a disk.
        Section::Bloat => list
            .sum()
            .filter(|sum| *sum >= 1.0)
            .map(|sum| format!("{} reclaimable, est.", quantity::bytes(sum.max(0.0) as u64))),
        _ => None,
    };
    let wanted = |words: bool, own: Option<&String>| {
        let strip = verdicts(pen, Strip::new().gap(1), list, words);
        let Some(own) = own else { return strip };
        strip.gap(1).put(pen.style(Role::UiText), own).gap(1)
    };
    let ways = [wanted(true, own.as_ref()), wanted(false, own.as_ref()), wanted(false, None)];
    ways.into_iter().find(|strip| strip.width() <= room).unwrap_or_default()
}

/// How the rows of a pane are laid out; the same for all of them.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    /// The columns of the names.
    name: usize,
    /// Whether the usual schema is left out of every name, because one of them is too long.
    bare: bool,
    /// Whether the verdict's word stands beside its symbol.
    word: bool,
    /// Whether the reading's age stands at the end.
    age: bool,
    /// How many columns its source has, after that.
    source: usize,
}

impl Shape {
    fn of(list: &RowList, width: usize) -> Self {
        let [word, age, source] = DETAIL_WIDTHS.map(|least| width >= least);
        let source = if source { width / 3 } else { 0 };
        let shape = Self { width, name: 0, bare: false, word: false, age, source };
        // Where it is narrow, the end of a path is enough.
        let widest = list.widest(source == 0) + columns::tag(list.section());
        // What stands behind a name has its least room first, and the name all that is left.
        let room = shape.end().saturating_sub(4 + 2 + columns::least(list.section()));
        let word = word || widest + WORD < room;
        let room = room.saturating_sub(if word { WORD + 1 } else { 0 });
        let name = widest.clamp(8, room.max(width / 3).max(8));
        Self { name, bare: widest > name, word, ..shape }
    }

    /// Where what the row says has to end.
    fn end(self) -> usize {
        let source = if self.source > 0 { self.source + 2 } else { 0 };
        self.width.saturating_sub(1 + source + if self.age { 6 } else { 0 })
    }
}

/// One row: where the cursor is, how it stands, what it is, what it says, and how it went.
fn strip(pen: Pen<'_>, list: &RowList, row: &Row, now: Wall, shape: Shape, on: bool) -> Strip {
    let (role, word) = standing(row, now);
    let quiet = if role == Role::VerdictStale { Role::VerdictStale } else { Role::UiText };
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    let mut strip = strip.put(pen.style(role), pen.symbol(role)).to(4);
    if shape.word {
        strip = strip.put_within(WORD, pen.style(role), word).to(4 + WORD + 1);
    }
    let start = strip.width();
    strip = strip.put(pen.style(quiet), name(list, row, shape)).to(start + shape.name + 2);
    let end = shape.end();
    strip = match columns::of(row, now).filter(|_| role != Role::VerdictStale) {
        Some(parts) => columns::put(pen, strip, parts, role, end),
        None => add_detail(pen, strip, row, now, role, end),
    };
    if shape.age {
        let age = row.observation.as_ref().map_or_else(
            || "–".to_owned(),
            |seen| {
                let age = now.since(seen.observed_at);
                if row.lost.is_some() || row.is_stale(now) { exact(age) } else { rough(age) }
            },
        );
        strip = strip.right(end + 6, pen.style(if quiet == Role::UiText { Role::UiMuted } else { quiet }), age);
    }
    if shape.source > 0 {
        let source = Clean::text(&row.source);
        // Of a path the end tells more.
        let source =
            if row.source.starts_with('/') { source.cut_front(shape.source) } else { source.cut(shape.source) };
        strip = strip.to(end + 8).put(pen.style(Role::UiMuted), source);
    }
    strip
}

/// An age that is never "now": of what no longer holds.
fn exact(age: Duration) -> String {
    if age < Duration::from_secs(10) { quantity::span(age) } else { quantity::age(age) }
}

/// An age in minutes at the least: what is read every few seconds is of now, and costs no byte.
fn rough(age: Duration) -> String {
    if age < Duration::from_secs(60) { "now".to_owned() } else { quantity::age(age) }
}

/// A row's name in so many columns; of a path the end tells more.
fn name(list: &RowList, row: &Row, shape: Shape) -> Clean {
    let name = list.name(row);
    let tag = columns::suffix(row);
    // Of names that are too long, the usual schema says least; without it in one, it would be missed in the others.
    let name = name.strip_prefix("public.").filter(|_| shape.bare).unwrap_or(&name).to_owned();
    let clean = Clean::text(&name);
    // The name is worth more than the word behind it.
    let tag = if clean.width() + tag.len() > shape.name { columns::short(tag) } else { tag };
    let room = shape.name.saturating_sub(tag.len());
    let clean = if name.starts_with('/') { clean.cut_front(room) } else { clean.cut(room) };
    if tag.is_empty() { clean } else { Clean::text(&format!("{}{tag}", clean.plain())) }
}

/// What the row says in a sentence, and the graph where that leaves room.
fn add_detail(pen: Pen<'_>, strip: Strip, row: &Row, now: Wall, role: Role, end: usize) -> Strip {
    let room = end.saturating_sub(strip.width());
    let sentence = text::fitted(&verdict_text(row, now), room);
    let graph = sentence.width() + SPARK + 2 <= room
        && !row.history.is_empty()
        && row.kind.section() == Section::Health
        && role != Role::VerdictStale
        && row.lost.is_none();
    let strip = strip.put_within(room, pen.style(text_role(role)), sentence);
    if !graph {
        return strip;
    }
    let bars = spark(&row.bars(), trend::scale(row), SPARK, pen.glyph("u", "a") == "u");
    strip.right(end, pen.style(trend::role(role)), bars)
}

/// The role of what a row says: well is no news, and needs no colour.
fn text_role(role: Role) -> Role {
    if role == Role::VerdictOk { Role::UiText } else { role }
}

/// A row's role and word: a reading too old to stand on is stale, and a lost or missing one unknown.
#[must_use]
pub fn standing(row: &Row, now: Wall) -> (Role, &'static str) {
    if row.is_stale(now) {
        return (Role::VerdictStale, "stale");
    }
    let verdict = row.verdict(now);
    (Role::from(verdict), verdict.word())
}

/// What the row says: its reading; or why there is none, and how old the last one is.
#[must_use]
pub fn verdict_text(row: &Row, now: Wall) -> String {
    match (&row.lost, &row.observation) {
        (Some((why, _)), Some(seen)) => {
            format!("{why} · was {}, {}", seen.detail, quantity::ago(now.since(seen.observed_at)))
        }
        (Some((why, _)), None) => format!("{why} · never read"),
        (None, Some(seen)) if row.is_stale(now) => {
            format!("{} old · was {}", exact(now.since(seen.observed_at)), seen.detail)
        }
        (None, Some(seen)) => row.with_remedy(&seen.detail),
        (None, None) => "not read yet".to_owned(),
    }
}
