//! The first row: what is looked at, whether it can be touched, by whom, and when; and the strip of panes below it.
//!
//! ```text
//!  MIDWATCH  cell0 · PRODUCTION   weekly 02:00–04:00 UTC · 1 h 12 m left     operator@bastion-1  02:47:31 UTC
//!  1 Health ▌2 Backups  3 Certs ▲ 1  4 Bloat ▲ 2  5 Check  6 Run ◆ 3/5  7 Log
//! ```

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane};
use crate::app::panes::rows::RowList;
use crate::app::problems::{self, Class};
use crate::app::window::WindowShown;
use crate::config::theme::Role;
use crate::domain::{Clean, Verdict};
use crate::ui::ViewState;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::gauge::gauge;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws the header. The environment and READ-ONLY stay when room is short, then the window; the remark goes first, then
/// the operator, then the name.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(area.width);
    let (role, word) = environment(snapshot.environment);
    let time = snapshot.now.wall.clock();
    let time = if snapshot.seconds { &time } else { time.get(..5).unwrap_or(&time) };
    // As wide with seconds as without, so that nothing beside it moves when a run begins.
    let clock = format!("{:>12}", format!("{time} UTC"));
    let badge = word.width() + 2 + if snapshot.read_only { 12 } else { 0 };
    let fixed = badge + clock.len() + 5;
    let brand = if width >= fixed + 22 { " MIDWATCH  " } else { " " };
    let name_room = width.saturating_sub(fixed + brand.len());
    let estate = Clean::text(snapshot.estate).cut(name_room);
    let muted = pen.style(Role::UiMuted);
    let mut strip = Strip::new().put(pen.style(Role::UiTitle), brand);
    if !estate.is_empty() {
        strip = strip.put(pen.style(Role::UiText), estate).put(muted, " · ");
    }
    strip = strip.put(pen.style(role), word);
    if snapshot.read_only {
        strip = strip.gap(2).put(pen.style(Role::UiPrompt), "READ-ONLY");
    }
    let start = width.saturating_sub(clock.len() + 1);
    let mut left = start.saturating_sub(strip.width() + 4);
    let operator = Clean::text(snapshot.operator);
    let roomy = left.saturating_sub(operator.width() + 3);
    // On a wallboard, where all else is large, a name must not read like a time.
    let quoted = |window: &WindowShown| WindowShown { name: format!("window \"{}\"", window.name), ..window.clone() };
    let shown =
        snapshot.window.as_ref().map(|shown| if snapshot.wallboard.is_some() { quoted(shown) } else { shown.clone() });
    let window = shown.as_ref().and_then(|window| window_in(pen, window, left, roomy));
    let none = snapshot.no_window.map(|text| (Clean::text(text), Role::VerdictWarn));
    let window = window.or(none);
    let mut takes = |text: &Clean| {
        let fits = text.width() <= left;
        left = left.saturating_sub(if fits { text.width() + 3 } else { 0 });
        fits
    };
    let window = window.filter(|(text, _)| takes(text));
    let operator = Some(operator).filter(|text| takes(text));
    let remark = snapshot.remark.map(Clean::text).filter(|text| takes(text));
    if let Some((text, role)) = window {
        strip = strip.gap(3).put(pen.style(role), text);
    }
    let right = [remark, operator].into_iter().flatten();
    let text = right.map(|text| text.plain()).collect::<Vec<_>>().join(" · ");
    if !text.is_empty() {
        strip = strip.right(start.saturating_sub(2), muted, text);
    }
    pen.line(frame, area, strip.to(start).put(pen.style(Role::UiText), clock));
}

/// Draws how everything stands, in one sentence: the worst rows by name and reason, the others by number. It changes with a reading only.
pub fn summary(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let room = usize::from(area.width).saturating_sub(4);
    let fits = |text: &str| Clean::text(text).width() <= room;
    if area.height == 0 {
        return;
    }
    let Some((worst, text)) = problems::summary(snapshot.lists, snapshot.now.wall, fits) else { return };
    let role = class_role(worst);
    let strip = Strip::new().gap(1).put(pen.style(role), pen.symbol(role)).gap(1);
    let answer = if worst.is_none() { Role::UiMuted } else { role };
    pen.line(frame, area, strip.put_within(room, pen.style(answer), text));
}

/// The role of a class of problems; of none, that of what is ok.
#[must_use]
pub fn class_role(class: Option<Class>) -> Role {
    match class {
        None => Role::VerdictOk,
        Some(Class::Critical) => Role::VerdictCritical,
        Some(Class::Warn) => Role::VerdictWarn,
        Some(Class::Unknown) => Role::VerdictUnknown,
        Some(Class::Stale) => Role::VerdictStale,
    }
}

/// As much of the window as fits: with its times and its bar where that leaves room for who looks, else without them, else the time
/// left alone. Its end is a warning when it comes near.
fn window_in(pen: Pen<'_>, window: &WindowShown, room: usize, roomy: usize) -> Option<(Clean, Role)> {
    let WindowShown { name, span, left, .. } = window;
    let role = match (window.gone, window.short) {
        (Some(_), true) => Role::VerdictWarn,
        (Some(_), false) => Role::UiText,
        (None, _) => Role::UiMuted,
    };
    let bar = window.gone.map_or_else(|| "·".to_owned(), |gone| gauge(gone, 10, pen.glyph("u", "a") == "u").plain());
    let ways = [
        (format!("{name} {span} UTC {bar} {left}"), roomy),
        (format!("{name} {bar} {left}"), roomy),
        (format!("{name} · {left}"), room),
        (left.clone(), room),
    ];
    let fits =
        ways.into_iter().map(|(text, room)| (Clean::text(&text), room)).find(|(text, room)| text.width() <= *room);
    fits.map(|(text, _)| (text, role))
}

/// The environment's role and its word in capitals, which no theme can change.
#[must_use]
pub fn environment(environment: &str) -> (Role, Clean) {
    let role = match environment {
        "production" => Role::EnvProduction,
        "staging" => Role::EnvStaging,
        _ => Role::EnvOther,
    };
    (role, Clean::text(&environment.to_uppercase()))
}

/// How much the strip says of the panes that do not have the keys.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Names and all counts.
    All,
    /// Names and the worst count.
    Worst,
    /// Short names and the worst count.
    Short,
    /// Numbers and the worst count.
    Numbers,
}

/// Draws the names of all panes with what they count, as much as fits; the one that has the keys is marked.
pub fn strip(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let ways = [Place::All, Place::Worst, Place::Short, Place::Numbers];
    let parts = |answer| Pane::ALL.map(|pane| (pane, part(pen, snapshot, pane, answer)));
    let width = |output| parts(output).iter().map(|(_, part)| part.width()).sum::<usize>();
    let fits = |found: &Place| width(*found) <= usize::from(area.width);
    let says = ways.into_iter().find(fits).unwrap_or(Place::Numbers);
    // A blank more between them, where there is room for it.
    let apart = u16::from(width(says) + Pane::ALL.len() <= usize::from(area.width));
    let mut x = area.x;
    for (pane, part) in parts(says) {
        let width = u16::try_from(part.width()).unwrap_or(u16::MAX).min(area.right() - x);
        let place = Rect { x, width, ..area };
        pen.line(frame, place, part);
        view.hit(place, Hit::Pane(pane));
        x = x.saturating_add(width + apart).min(area.right());
    }
}

fn part(pen: Pen<'_>, snapshot: &Snapshot<'_>, pane: Pane, place: Place) -> Strip {
    let focused = snapshot.focus == pane;
    let (role, mark) = if focused { (Role::UiFocus, pen.glyph("▌", ">")) } else { (Role::UiMuted, " ") };
    let style = pen.style(role);
    let mut strip = Strip::new().put(style, mark).put(style, u64::from(pane.number()));
    let name = match (pane, place) {
        _ if focused => pane.word(),
        (_, Place::Numbers) => "",
        (Pane::Certificates, Place::Short) => "Certs",
        (Pane::Checklist, Place::Short) => "Check",
        _ => pane.word(),
    };
    strip = strip.gap(usize::from(!name.is_empty()));
    strip = strip.put(style, name);
    let worst = place != Place::All;
    // The counts of the pane that has the keys stand in its own title.
    match (pane.section(), focused) {
        (Some(_), true) => strip,
        (Some(section), false) => tally(pen, strip, snapshot.lists.of(section), worst),
        (None, _) if pane == Pane::Run => run_part(pen, strip, snapshot, worst),
        (None, false) if pane == Pane::Checklist => match snapshot.checklist.view() {
            Some(list) => {
                let over: usize = list.phase_counts().iter().map(|count| count.closed).sum();
                strip.gap(1).put(pen.style(Role::UiText), format!("{over}/{}", list.steps.len()))
            }
            None => strip,
        },
        _ => strip,
    }
}

fn run_part(pen: Pen<'_>, strip: Strip, snapshot: &Snapshot<'_>, short: bool) -> Strip {
    if !short && snapshot.run.view.is_some() {
        return super::panes::run::standing(pen, strip.gap(1), snapshot);
    }
    let (Some(run), Some(status)) = (&snapshot.run.view, snapshot.run.status()) else { return strip };
    let over = run.steps_over();
    let style = pen.style(Role::from(status));
    strip.gap(1).put(style, pen.symbol(Role::from(status))).put(style, format!("{over}/{}", run.steps.len()))
}

/// The counts of a pane as symbols and figures; only the worst that is not well, where that is asked for.
fn tally(pen: Pen<'_>, mut strip: Strip, list: &RowList, worst: bool) -> Strip {
    let counts = list.counts().into_iter().filter(|(_, count)| *count > 0);
    let some: Vec<_> =
        if worst { counts.filter(|(verdict, _)| *verdict != Verdict::Ok).take(1).collect() } else { counts.collect() };
    for (verdict, count) in some {
        let style = pen.style(Role::from(verdict));
        strip = strip.gap(1).put(style, pen.symbol(Role::from(verdict))).put(style, count as u64);
    }
    strip
}

/// How many of the rows that are shown have which verdict, the worst first, those of none left out; ends in one blank.
#[must_use]
pub fn verdicts(pen: Pen<'_>, strip: Strip, list: &RowList, words: bool) -> Strip {
    let counts = list.shown_counts().into_iter().filter(|(_, count)| *count > 0);
    counts.enumerate().fold(strip, |strip, (place, (verdict, count))| {
        let style = pen.style(Role::from(verdict));
        let strip = strip.gap(usize::from(words && place > 0));
        let strip = strip.put(style, pen.symbol(Role::from(verdict))).gap(1).put(style, count as u64).gap(1);
        if words { strip.put(style, verdict.word()).gap(1) } else { strip }
    })
}
