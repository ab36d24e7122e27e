//! The wallboard: one sentence, the figures that matter in large, and every problem by its pane and reason.
//!
//! ```text
//!  MIDWATCH  novacron · PRODUCTION  READ-ONLY     weekly 02:00–04:00 UTC ███░░ 1 h 12 m left   02:47:31 UTC
//!
//!  ✖ 2 critical: service novacron-api 503, backup database 31 h old · 1 unknown · next: step 8: Analyze tasks
//!    · window "weekly" ends at 04:00 UTC, 1 h 12 m left
//!
//!  Time left          Step          Health               Backups
//!  ██   █   █  ██     ████  ...     █
//!  weekly             of 12         critical  unknown    critical
//!
//!  ✖ critical  Health    novacron-api    503
//!  ✖ critical  Backups   database        31 h old
//!
//!  ● ok  Certificates 5  Bloat 12
//!  q leaves                                                                        oldest reading 12 s · ● live
//! ```
//! A pane without a problem is in the last line and nowhere else.

mod tiles;

use crate::app::Snapshot;
use crate::app::model::Pane;
use crate::app::panes::rows::RowList;
use crate::app::problems::{self, Class, Problem};
use crate::app::reason;
use crate::app::wallboard::{Sentence, sentence};
use crate::config::theme::Role;
use crate::domain::Clean;
use crate::ui::ViewState;
use crate::ui::header::{self, class_role};
use crate::ui::layout::{LEAST, take_bottom, take_top};
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use crate::ui::{footer, panes};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// From how many rows on the parts have blank rows between them.
const ROOMY: u16 = 20;
/// From how many rows on the figures stand in large.
const LARGE: u16 = 18;
/// The fewest rows for the list of problems, where there is one.
const LIST: u16 = 4;

/// Draws the wallboard; `false` where the terminal is too small for it.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, snapshot: &Snapshot<'_>, view: &mut ViewState) -> bool {
    let mut rest = frame.area();
    if rest.width < LEAST.0 || rest.height < LEAST.1 {
        return false;
    }
    let (roomy, large) = (rest.height >= ROOMY, rest.height >= LARGE);
    let blank = |rest: &mut Rect| {
        if roomy {
            take_top(rest, 1);
        }
    };
    frame.buffer_mut().set_style(rest, pen.style(Role::UiText));
    header::draw(pen, frame, take_top(&mut rest, 1), snapshot);
    if let Some(trouble) = &snapshot.trouble {
        loud(pen, frame, &mut rest, trouble);
    }
    blank(&mut rest);
    let sentence = sentence(snapshot);
    let lines = lines(pen, &sentence, usize::from(rest.width));
    let place = take_top(&mut rest, u16::try_from(lines.len()).unwrap_or(1));
    pen.lines(frame, place, &lines);
    if sentence.blind {
        frame.buffer_mut().set_style(place, pen.style(Role::UiSelection));
    }
    blank(&mut rest);
    footer::draw_wallboard(pen, frame, take_bottom(&mut rest, 1), snapshot);
    let found = problems::all(snapshot.lists, snapshot.now.wall);
    let well = well(pen, snapshot, &found);
    if well.width() > 0 {
        pen.line(frame, take_bottom(&mut rest, 1), well);
    }
    if large {
        let kept = if found.is_empty() { 0 } else { LIST };
        let rows = tiles::draw(pen, frame, Rect { height: rest.height.saturating_sub(kept), ..rest }, snapshot, &found);
        take_top(&mut rest, rows);
    }
    list(pen, frame, rest, snapshot, &found);
    view.seen.page_rows = rest.height;
    true
}

/// What must not be overlooked: reversed, and whole.
fn loud(pen: Pen<'_>, frame: &mut Frame<'_>, rest: &mut Rect, words: &str) {
    let text = format!("{} {words}", pen.symbol(Role::VerdictCritical).plain());
    let lines = pen.sentence(Role::VerdictCritical, text, usize::from(rest.width));
    let place = take_top(rest, u16::try_from(lines.len()).unwrap_or(1));
    pen.lines(frame, place, &lines);
    frame.buffer_mut().set_style(place, pen.style(Role::UiSelection));
}

/// The sentence, over as many rows as it needs: nothing of it is cut.
fn lines(pen: Pen<'_>, sentence: &Sentence, width: usize) -> Vec<Line<'static>> {
    let role = if sentence.blind { Role::VerdictCritical } else { class_role(sentence.worst) };
    // The symbol is that of what it begins with: a run that goes on is not wrong because a row is.
    let symbol = sentence.run.map_or(role, Role::from);
    let text = format!("{} {}", pen.symbol(symbol).plain(), sentence.whole());
    pen.sentence(role, text, width)
}

/// The panes that have rows and no problem, in one line.
fn well(pen: Pen<'_>, snapshot: &Snapshot<'_>, found: &[Problem<'_>]) -> Strip {
    let is_ok = |list: &&RowList| {
        let is_read = list.rows().next().is_some() && snapshot.unread(list.section()).is_none();
        is_read && !found.iter().any(|problem| problem.section == list.section())
    };
    let mut all = snapshot.lists.all().filter(is_ok).peekable();
    if all.peek().is_none() {
        return Strip::new();
    }
    let style = pen.style(Role::VerdictOk);
    let strip = Strip::new().gap(1).put(style, pen.symbol(Role::VerdictOk)).gap(1).put(style, "ok").gap(2);
    all.fold(strip, |strip, list| {
        let strip = strip.put(pen.style(Role::UiText), Pane::of(list.section()).word()).gap(1);
        strip.put(style, list.rows().count() as u64).gap(2)
    })
}

/// The problems: all of them, or the page whose turn it is.
fn list(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, found: &[Problem<'_>]) {
    let (now, width, rows) = (snapshot.now.wall, usize::from(area.width), usize::from(area.height));
    // The last row says which page it is, where there are several.
    let rows = if found.len() > rows { rows.saturating_sub(1) } else { rows };
    if rows == 0 {
        return;
    }
    let pages = found.len().div_ceil(rows).max(1);
    let page = snapshot.wallboard.unwrap_or(0) % pages;
    let why = |problem: &Problem<'_>| match problem.class {
        Class::Stale => panes::rows::verdict_text(problem.row, now),
        _ => reason::brief(problem.row, now),
    };
    let wide = |text: String| Clean::text(&text).width();
    let names: Vec<String> = found.iter().map(|problem| problem.row.name()).collect();
    let reasons = found.iter().map(|problem| wide(why(problem))).max().unwrap_or(0);
    let name = text::columns_of_names(&names, reasons, width.saturating_sub(27 + 2 + 1), width / 3);
    let line = |problem: &Problem<'_>| {
        let (role, word) = panes::rows::standing(problem.row, now);
        let strip = Strip::new().gap(1).put(pen.style(role), pen.symbol(role)).gap(1).put(pen.style(role), word).to(13);
        let strip = strip.put(pen.style(Role::UiMuted), Pane::of(problem.section).word()).to(27);
        let strip = strip.put(pen.style(Role::UiText), text::name(&problem.row.name(), name)).to(27 + name + 2);
        let room = width.saturating_sub(strip.width() + 1);
        strip.put_within(room, pen.style(role), why(problem)).line()
    };
    let mut lines: Vec<Line<'static>> = found.iter().skip(page * rows).take(rows).map(line).collect();
    if pages > 1 {
        lines.resize_with(rows, Line::default);
        let (first, last) = (page * rows + 1, found.len().min((page + 1) * rows));
        let which = format!("problems {first}–{last} of {} · page {} of {pages}", found.len(), page + 1);
        lines.push(Strip::new().gap(1).put(pen.style(Role::UiMuted), which).line());
    }
    pen.lines(frame, area, &lines);
}
