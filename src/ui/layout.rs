//! Where everything goes, by the size of the terminal.
//!
//! ```text
//! 110x28 and up                       190x40 and up, with a run            80x24                     below 60x15
//! header                              header                               header                    header
//! ┌ 1 Health ────┐┌ 2 Backups ─────┐  ┌ 1 Health ┐┌ 2 Backups ┐┌ 6 Run ──┐  1 Health  2 Backups …    ┌ the pane ─────┐
//! └──────────────┘└────────────────┘  └──────────┘└───────────┘│         │  ┌ the focused pane ────┐  │               │
//! ┌ 3 Certificat ┐┌ 4 Bloat ───────┐  ┌ 3 Certif ┐┌ 4 Bloat ──┐└─────────┘  │                      │  └───────────────┘
//! └──────────────┘└────────────────┘  └──────────┘└───────────┘┌ 7 Log ──┐  └──────────────────────┘  footer
//! ┌ 5 Checklist ─┐┌ 6 Run ─────────┐  ┌ 5 Checklist ──────────┐│         │  the step at work
//! └──────────────┘└────────────────┘  └───────────────────────┘└─────────┘  footer
//! footer                              footer
//! ```
//! From 80x28 on a smaller terminal shows two panes of its whole width below the strip: the one that has the keys with the run, the
//! checklist or the pane that belongs beside it.
//! A followed run that has the keys has the whole screen from 110x28 on: its steps and its log, and one row for the rest.

use crate::app::model::Pane;
use ratatui::layout::Rect;

/// The least columns and rows in which anything is drawn.
pub const LEAST: (u16, u16) = (40, 10);
const STRIP: (u16, u16) = (60, 15);
/// From here on one pane stands below another.
const TALL: (u16, u16) = (80, 28);
const WIDE: (u16, u16) = (110, 28);
const HUGE: (u16, u16) = (190, 40);
/// From how many rows on a banner may have two of them.
const TWO_ROWS: u16 = 20;

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Layout {
    /// Who, where, when.
    pub header: Rect,
    /// How everything stands, in one sentence; empty where there is no room for it.
    pub summary: Rect,
    /// What the operator should know; empty where there is nothing.
    pub banner: Rect,
    /// The panes by name and count, where only one is shown.
    pub strip: Option<Rect>,
    /// The panes that are shown.
    pub panes: Vec<(Pane, Rect)>,
    /// The step at work, where the Run pane is not shown.
    pub step: Option<Rect>,
    /// The keys.
    pub footer: Rect,
    /// Where dialogs go: everything but the header.
    pub dialogs: Rect,
}

/// What the layout depends on beside the size.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// Whether there is a sentence for all rows.
    pub summary: bool,
    /// How many rows the banner wants; none where there is none.
    pub banner: u16,
    /// Whether a run is followed.
    pub run: bool,
    /// Whether a checklist is followed.
    pub checklist: bool,
    /// How many rows its pane fills, where that is known.
    pub run_rows: Option<u16>,
    /// Whether the log has no more than a few lines.
    pub short_log: bool,
}

/// How many lines a short log has at the most.
pub const SHORT_LOG: u16 = 4;

impl Layout {
    /// The layout for a size; `None` where the terminal is too small for any.
    #[must_use]
    pub fn of(area: Rect, wants: Wants) -> Option<Self> {
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return None;
        }
        let mut rest = area;
        let mut layout = Self { header: take_top(&mut rest, 1), ..Self::default() };
        layout.dialogs = rest;
        layout.footer = take_bottom(&mut rest, 1);
        let at_least = |size: (u16, u16)| area.width >= size.0 && area.height >= size.1;
        if wants.summary && at_least(STRIP) {
            layout.summary = take_top(&mut rest, 1);
        }
        layout.banner = take_top(&mut rest, wants.banner.min(if area.height < TWO_ROWS { 1 } else { 2 }));
        // The log has no place among the others.
        let of_run = wants.focus == Pane::Log || (wants.run && wants.focus == Pane::Run);
        if at_least(HUGE) && wants.run && !wants.zoomed {
            layout.panes = with_run_beside(rest, wants);
        } else if at_least(WIDE) && of_run && !wants.zoomed {
            layout.strip = Some(take_top(&mut rest, 1));
            layout.panes = run_and_log(rest, wants);
        } else if at_least(WIDE) && !wants.zoomed {
            layout.panes = grid(rest, wants);
        } else if at_least(TALL) && !wants.zoomed {
            layout.strip = Some(take_top(&mut rest, 1));
            layout.panes = one_below_the_other(rest, wants);
        } else {
            if at_least(STRIP) {
                layout.strip = Some(take_top(&mut rest, 1));
                if wants.run && wants.focus != Pane::Run {
                    layout.step = Some(take_bottom(&mut rest, 1));
                }
            }
            layout.panes = vec![(wants.focus, rest)];
        }
        Some(layout)
    }
}

/// Two panes beside each other, the first a little wider where it does not come out even.
fn pair(row: Rect, left: Pane, right: Pane) -> [(Pane, Rect); 2] {
    beside(row, row.width.div_ceil(2), left, right)
}

/// Two panes beside each other, the first of so many columns.
fn beside(mut row: Rect, columns: u16, left: Pane, right: Pane) -> [(Pane, Rect); 2] {
    let first = take_left(&mut row, columns);
    [(left, first), (right, row)]
}

/// Everything, two by two; a run that is followed gets more rows.
fn grid(mut rest: Rect, wants: Wants) -> Vec<(Pane, Rect)> {
    let rows = rest.height;
    let (first, second) = if wants.run || wants.checklist || wants.focus == Pane::Checklist {
        (rows * 6 / 20, rows * 5 / 20)
    } else {
        (rows * 9 / 20, rows * 7 / 20)
    };
    // A run that is no checklist gets columns, too.
    let checklist = if wants.run && !wants.checklist { rest.width * 2 / 5 } else { rest.width.div_ceil(2) };
    let first = take_top(&mut rest, first);
    let second = take_top(&mut rest, second);
    let pairs = [
        pair(first, Pane::Health, Pane::Backups),
        pair(second, Pane::Certificates, Pane::Bloat),
        beside(rest, checklist, Pane::Checklist, Pane::Run),
    ];
    pairs.into_iter().flatten().collect()
}

/// Two panes of the whole width: the one that has the keys, and the one that belongs beside it. They keep their places when the keys
/// go from one to the other.
fn one_below_the_other(mut rest: Rect, wants: Wants) -> Vec<(Pane, Rect)> {
    let (first, second) = match wants.focus {
        Pane::Log => return run_and_log(rest, wants),
        Pane::Run if wants.run => return run_and_log(rest, wants),
        Pane::Run => (Pane::Health, Pane::Run),
        focus if wants.run => (focus, Pane::Run),
        Pane::Checklist => (Pane::Health, Pane::Checklist),
        focus if wants.checklist => (focus, Pane::Checklist),
        Pane::Health | Pane::Backups => (Pane::Health, Pane::Backups),
        Pane::Certificates | Pane::Bloat => (Pane::Certificates, Pane::Bloat),
    };
    // A checklist is walked through, and is longer than what hurts.
    let rows = if second == Pane::Checklist { rest.height * 2 / 5 } else { rest.height.div_ceil(2) };
    let above = take_top(&mut rest, rows);
    vec![(first, above), (second, rest)]
}

/// The steps of a run above its log.
fn run_and_log(mut rest: Rect, wants: Wants) -> Vec<(Pane, Rect)> {
    // A log that could not fill its part leaves it to the steps.
    let most = rest.height * 3 / 5;
    let most = if wants.short_log { most.max(rest.height.saturating_sub(SHORT_LOG + 2)) } else { most };
    let rows = most.min(wants.run_rows.unwrap_or(u16::MAX).max(rest.height / 4));
    let steps = take_top(&mut rest, rows);
    vec![(Pane::Run, steps), (Pane::Log, rest)]
}

/// Everything on the left, and the run with its log on the right.
fn with_run_beside(mut rest: Rect, wants: Wants) -> Vec<(Pane, Rect)> {
    let columns = rest.width * 3 / 5;
    let mut left = take_left(&mut rest, columns);
    let rows = left.height;
    let checklist = take_bottom(&mut left, if wants.checklist { rows / 4 } else { rows / 6 });
    let first = take_top(&mut left, rows * 9 / 20);
    let mut panes: Vec<_> = pair(first, Pane::Health, Pane::Backups).into();
    panes.extend(pair(left, Pane::Certificates, Pane::Bloat));
    panes.push((Pane::Checklist, checklist));
    panes.extend(run_and_log(rest, wants));
    panes
}

/// Cuts rows off the top.
pub fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let cut = Rect { height: rows, ..*rest };
    *rest = Rect { y: rest.y.saturating_add(rows), height: rest.height - rows, ..*rest };
    cut
}

/// Cuts rows off the bottom.
pub fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.y.saturating_add(rest.height), height: rows, ..*rest }
}

fn take_left(rest: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(rest.width);
    let cut = Rect { width: columns, ..*rest };
    *rest = Rect { x: rest.x.saturating_add(columns), width: rest.width - columns, ..*rest };
    cut
}

/// What is inside a frame of one cell, with a blank column on each side.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(1),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
    .intersection(area)
}

/// The first row of a list on the screen, so that the cursor is among those that fit and the list fills its room.
#[must_use]
pub fn offset(before: usize, cursor: Option<usize>, rows: usize, length: usize) -> usize {
    let at_most = length.saturating_sub(rows);
    let Some(cursor) = cursor else { return 0 };
    before.max(cursor.saturating_add(1).saturating_sub(rows)).min(cursor).min(at_most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_cursor_on_the_screen() {
        assert_eq!(offset(0, Some(9), 5, 20), 5);
        assert_eq!(offset(5, Some(7), 5, 20), 5);
        assert_eq!(offset(5, Some(2), 5, 20), 2);
        assert_eq!(offset(18, Some(19), 5, 20), 15);
        assert_eq!(offset(3, Some(1), 9, 4), 0);
        assert_eq!(offset(3, None, 9, 40), 0);
        assert_eq!(offset(3, Some(3), 0, 0), 0);
    }

    #[test]
    fn the_terminal_of_a_bastion_shows_two_panes_and_a_small_one_shows_one() {
        let shown = |size: (u16, u16), focus, run, checklist| {
            let wants = Wants {
                focus,
                zoomed: false,
                banner: 0,
                run,
                checklist,
                run_rows: None,
                summary: false,
                short_log: false,
            };
            let layout = Layout::of(Rect::new(0, 0, size.0, size.1), wants).unwrap();
            assert!(layout.strip.is_some());
            layout.panes.into_iter().map(|(pane, _)| pane).collect::<Vec<_>>()
        };
        for focus in [Pane::Health, Pane::Backups] {
            assert_eq!(shown((100, 30), focus, false, false), [Pane::Health, Pane::Backups]);
            assert_eq!(shown((100, 30), focus, true, true), [focus, Pane::Run]);
            assert_eq!(shown((80, 28), focus, false, false), [Pane::Health, Pane::Backups], "from here on");
            for smaller in [(79, 28), (80, 27), (80, 24)] {
                assert_eq!(shown(smaller, focus, true, false), [focus], "{smaller:?}");
            }
        }
        assert_eq!(shown((100, 30), Pane::Bloat, false, true), [Pane::Bloat, Pane::Checklist]);
        assert_eq!(shown((100, 30), Pane::Checklist, false, true), [Pane::Health, Pane::Checklist]);
        for focus in [Pane::Run, Pane::Log] {
            assert_eq!(shown((100, 30), focus, true, false), [Pane::Run, Pane::Log]);
        }
    }

    #[test]
    fn no_size_overlaps_or_leaves_the_screen() {
        for (width, height) in (0..220).step_by(7).flat_map(|w| (0..60).map(move |h| (w, h))) {
            let area = Rect::new(0, 0, width, height);
            let ways = [(false, 0, true), (true, 1, true), (false, 2, false)];
            for (focus, (zoomed, banner, run)) in Pane::ALL.into_iter().flat_map(|pane| ways.map(|way| (pane, way))) {
                let Some(layout) = Layout::of(
                    area,
                    Wants {
                        focus,
                        zoomed,
                        summary: !zoomed,
                        banner,
                        run,
                        checklist: zoomed,
                        run_rows: Some(height / 2),
                        short_log: zoomed || banner > 0,
                    },
                ) else {
                    continue;
                };
                assert!(layout.panes.iter().any(|(pane, _)| *pane == focus), "{focus:?} has the keys");
                let mut all = vec![layout.header, layout.summary, layout.banner, layout.footer];
                all.extend(layout.strip);
                all.extend(layout.step);
                all.extend(layout.panes.iter().map(|(_, area)| *area));
                let cells: u32 = all.iter().map(|rect| rect.area()).sum();
                assert_eq!(cells, area.area(), "{width}x{height}");
                assert!(all.iter().all(|rect| area.union(*rect) == area));
            }
        }
    }
}
