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
//! The name and the state have the room first, then the word of the verdict; graph, age, source, error and issuer have what is left.

mod columns;
mod empty;
mod headings;
mod sentence;

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane, TargetId};
use crate::app::panes::rows::RowList;
use crate::app::reason;
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
/// How wide it is at the least, where what the row says leaves no more.
const LEAST_SPARK: usize = 6;
/// How much of a name is enough, where a cause needs the room; of a path the end.
const LEAST_NAME: usize = 12;
/// How wide the word of a verdict is.
const WORD: usize = 8;
/// From which width on a row has the verdict's word in any case, the reading's age, and its source.
const DETAIL_WIDTHS: [usize; 3] = [76, 96, 150];
/// From which width on the word stays, and what is not the name or the state gives way to it.
const LEAST_WITH_WORD: usize = 48;

/// What is left out of a name in Bloat: `public.`, and ` idx` in the place of ` (index)`.
const SPARE: usize = 11;
/// The age that tells nothing.
const NOW: &str = "now";
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
    let mut inner = framed(pen, frame, area, snapshot, pane, (left, summary(pen, snapshot, list, room)));
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
fn summary(pen: Pen<'_>, snapshot: &Snapshot<'_>, list: &RowList, room: usize) -> Strip {
    let own = match list.section() {
        Section::Certificates => list.next().map(|days| format!("next: {} d", days.floor())),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Bytes of a disk.
        Section::Bloat => list
            .sum()
            .filter(|sum| *sum >= 1.0)
            .map(|sum| format!("{} reclaimable, est.", quantity::bytes(sum.max(0.0) as u64))),
        _ => None,
    };
    // Of what was never tried, the counts beside it tell nothing: it stands first. Where there is no row at all, the pane says so.
    let unread = snapshot.unread(list.section()).filter(|_| list.targets_read() > 0);
    let wanted = |words: bool, own: Option<&String>| {
        let strip = Strip::new().gap(1);
        let strip = match unread {
            Some(count) => strip.put(pen.style(Role::VerdictUnknown), not_read(count)).gap(2),
            None => strip,
        };
        let strip = verdicts(pen, strip, list, words);
        let Some(own) = own else { return strip };
        strip.gap(1).put(pen.style(Role::UiText), own).gap(1)
    };
    let ways = [wanted(true, own.as_ref()), wanted(false, own.as_ref()), wanted(false, None)];
    ways.into_iter().find(|strip| strip.width() <= room).unwrap_or_default()
}

/// How many targets were not read yet.
#[must_use]
pub fn not_read(count: usize) -> String {
    format!("{} not read yet", quantity::count(count as u64))
}

/// How the rows of a pane are laid out; the same for all of them.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    /// The columns of the names.
    name: usize,
    /// Whether the usual schema is left out of every name, because one of them is too long.
    bare: bool,
    /// The columns of the verdict's word beside its symbol; none where it is not there.
    word: usize,
    /// Whether the columns that give way to that word are left out.
    lean: bool,
    /// Whether the reading's age stands at the end.
    age: bool,
    /// How many columns its source has, after that.
    source: usize,
}

impl Shape {
    fn of(list: &RowList, width: usize) -> Self {
        let [wide, age, source] = DETAIL_WIDTHS.map(|least| width >= least);
        let source = if source { width / 3 } else { 0 };
        let shape = Self { width, name: 0, bare: false, word: 0, lean: false, age, source };
        // Where it is narrow, the end of a path is enough.
        let section = list.section();
        let widest = list.widest(source == 0) + columns::tag(section);
        let (full, lean) = (columns::least(section), columns::least_beside_word(section));
        // What stands behind a name has its least room first, and the name all that is left.
        let behind = |word: usize, least: usize| 4 + 2 + least + if word > 0 { word + 1 } else { 0 };
        let room = |word: usize, least: usize| shape.end().saturating_sub(behind(word, least));
        let brief = list.shown_counts().into_iter().filter(|(_, count)| *count > 0);
        let brief = brief.map(|(verdict, _)| verdict.word().len()).max().unwrap_or(WORD);
        let ways = [(WORD, false, full), (WORD, true, lean), (brief, true, lean)];
        // Of a name that is too long, the usual schema and half of what stands behind it are left out.
        let spare = if section == Section::Bloat { SPARE } else { 0 };
        let fits = ways.into_iter().find(|(word, _, least)| widest <= room(*word, *least) + spare);
        let (word, is_lean, least) = match fits {
            Some(way) => way,
            None if wide => (WORD, true, lean),
            None if width >= LEAST_WITH_WORD => (brief, true, lean),
            None => (0, false, full),
        };
        let name = widest.clamp(8, room(word, least).max(width / 3).max(8));
        Self { name, bare: widest > name, word, lean: is_lean, ..shape }
    }

    /// Where the names start.
    fn start(self) -> usize {
        if self.word > 0 { 4 + self.word + 1 } else { 4 }
    }

    /// Where what the row says has to end.
    fn end(self) -> usize {
        self.end_beside(self.age, self.source > 0)
    }

    /// The same where the reading's age and its source stand behind it, or do not.
    fn end_beside(self, age: bool, source: bool) -> usize {
        let source = if source { self.source + 2 } else { 0 };
        self.width.saturating_sub(1 + source + if age { 6 } else { 0 })
    }

    /// The blanks between two columns.
    fn apart(self) -> usize {
        columns::apart(self.end())
    }

    /// How a row that goes up to a column ends: where, and whether its age and its source stand behind that. What it says comes first; an
    /// age that tells something stays.
    fn tail(self, reach: usize, is_stated: bool) -> (usize, bool, bool) {
        let (age, source) = (self.age, self.source > 0);
        let ways = [(age, source), (age && is_stated, source), (age && is_stated, false)];
        let ends = ways.map(|(age, source)| (self.end_beside(age, source), age, source));
        let [.., shortest] = ends;
        ends.into_iter().find(|(end, ..)| reach <= *end).unwrap_or(shortest)
    }
}

/// One row: where the cursor is, how it stands, what it is, what it says, and how it went.
fn strip(pen: Pen<'_>, list: &RowList, row: &Row, now: Wall, shape: Shape, on: bool) -> Strip {
    let (role, word) = standing(row, now);
    let quiet = if role == Role::VerdictStale { Role::VerdictStale } else { Role::UiText };
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    let mut strip = strip.put(pen.style(role), pen.symbol(role)).to(4);
    if shape.word > 0 {
        strip = strip.put_within(shape.word, pen.style(role), word).to(shape.start());
    }
    let (at, apart) = (shape.start() + shape.name + 2, shape.apart());
    let parts = columns::of(row, now, shape.lean).filter(|_| role != Role::VerdictStale);
    let message = verdict_text(row, now);
    let (must, reach) = match &parts {
        Some(parts) => parts.reach(at, apart),
        None => (0, at + Clean::text(&message).width()),
    };
    let age = age(row, now);
    let (end, has_age, has_source) = shape.tail(reach, age != NOW);
    // Beside figures that are not what the verdict is about, a sentence comes first.
    let alone = parts.as_ref().filter(|_| must > end).and_then(|parts| parts.sentence()).map(str::to_owned);
    strip = match parts.filter(|_| alone.is_none()) {
        Some(parts) => {
            let strip = strip.put(pen.style(quiet), name(list, row, shape, shape.name)).to(at);
            columns::put(pen, strip, parts, role, (end, apart))
        }
        None => {
            let text = alone.unwrap_or(message);
            let whole = name(list, row, shape, shape.name).width();
            let cause = (role != Role::VerdictOk && role != Role::VerdictStale).then(|| reason::brief(row, now));
            let room = sentence::Room {
                least: shape.start() + whole.min(LEAST_NAME) + 2,
                whole: shape.start() + if list.name(row).starts_with('/') { whole.min(LEAST_NAME) } else { whole } + 2,
                at,
                end,
            };
            let (start, text) = sentence::place(row, &text, cause.as_deref(), room);
            let columns = start.saturating_sub(shape.start() + 2).min(shape.name);
            let strip = strip.put(pen.style(quiet), name(list, row, shape, columns)).to(start);
            add_detail(pen, strip, row, text, role, end)
        }
    };
    if has_age {
        strip = strip.right(end + 6, pen.style(if quiet == Role::UiText { Role::UiMuted } else { quiet }), age);
    }
    if has_source {
        let source = Clean::text(&row.source);
        // Of a path the end tells more.
        let source =
            if row.source.starts_with('/') { source.cut_front(shape.source) } else { source.cut(shape.source) };
        strip = strip.to(shape.end() + 8).put(pen.style(Role::UiMuted), source);
    }
    strip
}

/// How long ago a row was read.
fn age(row: &Row, now: Wall) -> String {
    let Some(seen) = &row.observation else { return "–".to_owned() };
    let age = now.since(seen.observed_at);
    if row.lost.is_some() || row.is_stale(now) { exact(age) } else { rough(age) }
}

/// An age that is never "now": of what no longer holds.
fn exact(age: Duration) -> String {
    if age < Duration::from_secs(10) { quantity::span(age) } else { quantity::age(age) }
}

/// An age in minutes at the least: what is read every few seconds is of now, and costs no byte.
fn rough(age: Duration) -> String {
    if age < Duration::from_secs(60) { NOW.to_owned() } else { quantity::age(age) }
}

/// A row's name in so many columns; of a path the end tells more.
fn name(list: &RowList, row: &Row, shape: Shape, columns: usize) -> Clean {
    let name = list.name(row);
    let tag = columns::suffix(row);
    // Of names that are too long, the usual schema says least; without it in one, it would be missed in the others.
    let name = name.strip_prefix("public.").filter(|_| shape.bare).unwrap_or(&name).to_owned();
    let clean = Clean::text(&name);
    // The name is worth more than the word behind it.
    let tag = if clean.width() + tag.len() > columns { columns::short(tag) } else { tag };
    let room = columns.saturating_sub(tag.len());
    let clean = if name.starts_with('/') { clean.cut_front(room) } else { clean.cut(room) };
    if tag.is_empty() { clean } else { Clean::text(&format!("{}{tag}", clean.plain())) }
}

/// What the row says, and the graph where that leaves room.
fn add_detail(pen: Pen<'_>, strip: Strip, row: &Row, text: Clean, role: Role, end: usize) -> Strip {
    let left = end.saturating_sub(strip.width() + text.width());
    let graph = left >= LEAST_SPARK + 2
        && !row.history.is_empty()
        && row.kind.section() == Section::Health
        && role != Role::VerdictStale
        && row.lost.is_none();
    let strip = strip.put(pen.style(text_role(role)), text);
    if !graph {
        return strip;
    }
    let bars = spark(&row.bars(), trend::scale(row), SPARK.min(left - 2), pen.glyph("u", "a") == "u");
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
