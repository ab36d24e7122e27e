//! The large figures: the time left, the step of the run, and how many rows of a pane stand how.

use crate::app::Snapshot;
use crate::app::model::Pane;
use crate::app::panes::run::RunPane;
use crate::app::problems::{Class, Problem};
use crate::config::theme::Role;
use crate::domain::{Clean, RunStatus, Section};
use crate::ui::header::class_role;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::big::{self, Size};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::Duration;

/// The rows of a tile: what it is of, its figures, what they count, and a blank one.
const ROWS: u16 = big::ROWS + 3;
/// The columns between two figures of one tile, and between two tiles.
const APART: (usize, usize) = (3, 5);

/// A tile.
struct Tile {
    /// What it is of.
    of: String,
    /// Each figure with its role, and what it counts.
    figures: Vec<(String, Role, String)>,
}

impl Tile {
    fn figure_width(&self, place: usize, size: Size) -> usize {
        self.figures.get(place).map_or(0, |(figure, _, word)| big::width(figure, size).max(Clean::text(word).width()))
    }

    fn width(&self, size: Size) -> usize {
        let figures: usize = (0..self.figures.len()).map(|place| self.figure_width(place, size) + APART.0).sum();
        figures.saturating_sub(APART.0).max(Clean::text(&self.of).width())
    }
}

/// Draws the tiles, as large as they fit, and gives back how many rows they took.
pub(super) fn draw(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    found: &[Problem<'_>],
) -> u16 {
    let width = usize::from(area.width).saturating_sub(2);
    // Where there is no room for every pane, the figures are of all panes together.
    let ways = [(false, Size::Large), (false, Size::Small), (true, Size::Large), (true, Size::Small)];
    let mut ways = ways.into_iter().map(|(together, size)| (tiles(snapshot, found, together), size));
    let fits = |(tiles, size): &(Vec<Tile>, Size)| rows_of(tiles, *size, width) * ROWS <= area.height;
    let Some((tiles, size)) = ways.find(fits) else { return 0 };
    let (mut x, mut y, mut rows) = (0, area.y, u16::from(!tiles.is_empty()));
    for tile in &tiles {
        let wide = tile.width(size);
        if x > 0 && x + wide > width {
            (x, y, rows) = (0, y.saturating_add(ROWS), rows + 1);
        }
        let left = area.x.saturating_add(1 + u16::try_from(x).unwrap_or(u16::MAX));
        let place = Rect { x: left, y, width: area.right().saturating_sub(left), height: ROWS };
        draw_tile(pen, frame, place.intersection(area), tile, size);
        x += wide + APART.1;
    }
    rows * ROWS
}

/// How many rows of tiles there are at a size.
fn rows_of(tiles: &[Tile], size: Size, width: usize) -> u16 {
    let (mut x, mut rows) = (0, u16::from(!tiles.is_empty()));
    for tile in tiles {
        let wide = tile.width(size);
        if x > 0 && x + wide > width {
            (x, rows) = (0, rows + 1);
        }
        x += wide + APART.1;
    }
    rows
}

fn draw_tile(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, tile: &Tile, size: Size) {
    let room = usize::from(area.width);
    let unicode = pen.glyph("u", "a") == "u";
    let mut lines = vec![Strip::new().put_within(room, pen.style(Role::UiTitle), tile.of.clone()).line()];
    for row in 0..usize::from(big::ROWS) {
        let mut strip = Strip::new();
        for (place, (figure, role, _)) in tile.figures.iter().enumerate() {
            let start = strip.width();
            if let Some(dots) = big::rows(figure, size, unicode).get(row) {
                strip = strip.put(pen.style(*role), dots);
            }
            let end = start + tile.figure_width(place, size) + APART.0;
            let blanks = end.saturating_sub(strip.width());
            strip = strip.gap(blanks);
        }
        lines.push(strip.line());
    }
    let mut words = Strip::new();
    for (place, (_, role, word)) in tile.figures.iter().enumerate() {
        let end = words.width() + tile.figure_width(place, size) + APART.0;
        words = words.put(pen.style(*role), word.clone());
        let blanks = end.saturating_sub(words.width());
        words = words.gap(blanks);
    }
    lines.push(words.line());
    pen.lines(frame, area, &lines);
}

/// What matters now: the window, what runs, and every pane that has a problem, or all of them together.
fn tiles(snapshot: &Snapshot<'_>, found: &[Problem<'_>], together: bool) -> Vec<Tile> {
    let window = snapshot.window.as_ref().map(|window| {
        let (of, role) = match (window.gone, window.short) {
            (Some(_), true) => ("Time left", Role::VerdictWarn),
            (Some(_), false) => ("Time left", Role::UiText),
            (None, _) => ("Window opens in", Role::UiMuted),
        };
        let word = format!("window \"{}\"", Clean::text(&window.name).cut(20).plain());
        Tile { of: of.to_owned(), figures: vec![(spelled(window.time), role, word)] }
    });
    let run = live(snapshot.run).and_then(|(view, role)| {
        let step = snapshot.run.step()? + 1;
        let figure = format!("{step}/{}", view.steps.len());
        Some(Tile { of: "Step".to_owned(), figures: vec![(figure, role, Clean::text(&view.title).cut(28).plain())] })
    });
    let list = live(&snapshot.checklist.run).map(|(view, role)| {
        let closed: usize = view.phase_counts().iter().map(|count| count.closed).sum();
        let figure = format!("{closed}/{}", view.steps.len());
        Tile { of: "Items".to_owned(), figures: vec![(figure, role, Clean::text(&view.title).cut(28).plain())] }
    });
    let of = |name: &str, section: Option<Section>| {
        let is_of = |problem: &&Problem<'_>| section.is_none_or(|section| problem.section == section);
        let count = |class: Class| found.iter().filter(is_of).filter(|problem| problem.class == class).count();
        let figures: Vec<_> = Class::ALL
            .into_iter()
            .filter(|class| count(*class) > 0)
            .map(|class| (count(class).to_string(), class_role(Some(class)), class.word().to_owned()))
            .collect();
        (!figures.is_empty()).then(|| Tile { of: name.to_owned(), figures })
    };
    let panes: Vec<Tile> = if together {
        of("All panes", None).into_iter().collect()
    } else {
        Section::ALL.into_iter().filter_map(|section| of(Pane::of(section).word(), Some(section))).collect()
    };
    window.into_iter().chain(run).chain(list).chain(panes).collect()
}

/// What a pane follows, while it is not over.
fn live(pane: &RunPane) -> Option<(&crate::journal::fold::RunView, Role)> {
    let status = pane.status().filter(|status: &RunStatus| !status.is_over())?;
    Some((pane.view.as_deref()?, Role::from(status)))
}

/// A span of whole minutes as large figures have it: `12m`, `1h05`, `6d`.
fn spelled(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 1440, minutes / 60, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h{minutes:02}"),
        (1, hours, _) => format!("{hours}h"),
        (days, ..) => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_spelled_so_that_it_is_no_time_of_day() {
        let cases = [(0, "0m"), (59, "59m"), (60, "1h00"), (72, "1h12"), (1439, "23h59"), (1500, "25h"), (3000, "2d")];
        for (minutes, spelled_so) in cases {
            assert_eq!(spelled(Duration::from_secs(minutes * 60)), spelled_so);
        }
    }
}
