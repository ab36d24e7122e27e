//! From a [`Snapshot`] to a frame: draws, and does nothing else.
//!
//! ```text
//!  MIDWATCH  cell0 · PRODUCTION          weekly 02:00–04:00 UTC · 1 h 12 m left    operator@bastion-1  02:47:31 UTC
//!  ✖ 2 critical: service novacron-api 503, backup database 31 h old · 1 unknown
//! ┏ 1 Health ━━━━━━━━━━ ✖ 1 critical  ● 4 ok ┓┌ 2 Backups ──────────────────────── ✖ 1 critical  ● 3 ok ┐
//! ┃  ✖  novacron-api   503                   ┃│  ✖  database   4.2 GiB  31 h old · limit 24 h         │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛└────────────────────────────────────────────────────────┘
//! ┌ 3 Certificates ─────────────── next: 9 d ┐┌ 4 Bloat ─────────────────────── 6.1 GiB reclaimable, est. ┐
//! └──────────────────────────────────────────┘└────────────────────────────────────────────────────────┘
//! ┌ 5 Checklist ─────────────────────────────┐┌ 6 Run  Data retention cleanup ─────────── ◆ waiting  3/5 ┐
//! └──────────────────────────────────────────┘└────────────────────────────────────────────────────────┘
//!  Enter open  x act  / filter  : commands  ? help  q quit                              412 B/s  ● live
//! ```

pub mod banner;
pub mod footer;
pub mod header;
pub mod ink;
pub mod layout;
pub mod modal;
pub mod panes;
pub mod pen;
pub mod shot;
pub mod text;
pub mod theme;
pub mod trend;
pub mod wallboard;
pub mod widgets;
pub mod wrap;

use crate::app::Snapshot;
use crate::app::model::{Area, Hit, Pane, Seen};
use crate::app::panes::rows::RowList;
use crate::config::theme::{Glyphs, Role, Theme};
use crate::domain::{Clean, Section};
use crate::ui::layout::{LEAST, Layout, Wants};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// What depends on the drawn height and outlives a frame, and what the last frame showed.
#[derive(Clone, Debug, Default)]
pub struct ViewState {
    /// The first row of each section on the screen.
    pub lists: BTreeMap<Section, usize>,
    /// The first line of Checklist on the screen.
    pub checklist: usize,
    /// The first line of Run on the screen.
    pub run: usize,
    /// The first row of the topmost dialog's list on the screen.
    pub list: usize,
    /// What the last frame showed, for `Model::drawn`.
    pub seen: Seen,
}

impl ViewState {
    /// The first row of a section on the screen.
    #[must_use]
    pub fn top(&self, section: Section) -> usize {
        self.lists.get(&section).copied().unwrap_or(0)
    }

    /// Remembers it.
    pub fn set_top(&mut self, section: Section, top: usize) {
        self.lists.insert(section, top);
    }

    /// Remembers what is where.
    pub fn hit(&mut self, area: Rect, hit: Hit) {
        let Rect { x, y, width, height } = area;
        self.seen.hits.push((Area { x, y, width, height }, hit));
    }
}

/// Draws one frame; afterwards `view.seen` belongs to `Model::drawn`.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot<'_>, theme: &Theme, view: &mut ViewState) {
    draw_all(frame, snapshot, theme, view);
    if theme.glyphs == Glyphs::Ascii {
        text::to_ascii(frame.buffer_mut());
    }
}

fn draw_all(frame: &mut Frame<'_>, snapshot: &Snapshot<'_>, theme: &Theme, view: &mut ViewState) {
    let (area, pen) = (frame.area(), Pen { theme });
    view.seen = Seen { size: (area.width, area.height), ..Seen::default() };
    if snapshot.wallboard.is_some() {
        if !wallboard::draw(pen, frame, snapshot, view) {
            too_small(pen, frame, area, view);
        }
        return;
    }
    let wants = Wants {
        focus: snapshot.focus,
        zoomed: snapshot.zoomed,
        summary: snapshot.lists.all().any(RowList::has_read),
        banner: banner::rows(snapshot, area.width),
        run: snapshot.run.following.is_some(),
        checklist: snapshot.checklist.run.following.is_some(),
        run_rows: snapshot.run.view.as_deref().map(panes::run::rows),
        short_log: snapshot.log.page.as_ref().is_none_or(|page| page.total_lines <= u64::from(layout::SHORT_LOG)),
    };
    let Some(layout) = Layout::of(area, wants) else { return too_small(pen, frame, area, view) };
    frame.buffer_mut().set_style(area, pen.style(Role::UiText));
    header::draw(pen, frame, layout.header, snapshot);
    header::summary(pen, frame, layout.summary, snapshot);
    if let Some(strip) = layout.strip {
        header::strip(pen, frame, strip, snapshot, view);
    }
    if layout.banner.height > 0 {
        banner::draw(pen, frame, layout.banner, snapshot);
    }
    let brief = layout.panes.len() > 1 && layout.panes.iter().all(|(pane, _)| *pane != Pane::Log);
    for (pane, area) in &layout.panes {
        view.hit(*area, Hit::Pane(*pane));
        if let Some(section) = pane.section() {
            panes::rows::draw(pen, frame, *area, section, snapshot, view);
            continue;
        }
        match pane {
            Pane::Checklist => panes::checklist::draw(pen, frame, *area, snapshot, view),
            Pane::Run => panes::run::draw(pen, frame, *area, snapshot, brief, view),
            _ => panes::log::draw(pen, frame, *area, snapshot, view),
        }
    }
    if let Some(step) = layout.step {
        panes::run::one_line(pen, frame, step, snapshot);
    }
    footer::draw(pen, frame, layout.footer, snapshot);
    for (place, modal) in snapshot.modals.iter().enumerate() {
        // Only the topmost dialog is on the screen whole; those below it lend nothing to consent.
        if place + 1 == snapshot.modals.len() {
            modal::draw(pen, frame, layout.dialogs, modal, snapshot, view);
        }
    }
}

fn too_small(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, view: &mut ViewState) {
    view.seen.needed = LEAST;
    let here = format!("this is {}x{}", area.width, area.height);
    let style = pen.style(Role::UiText);
    let width = usize::from(area.width);
    let rows =
        ["Midwatch needs 40x10;".to_owned(), here].into_iter().flat_map(|text| pen::words(&Clean::text(&text), width));
    let lines: Vec<_> = rows.map(|row| Strip::new().put_within(width, style, row).line()).collect();
    pen.lines(frame, area, &lines);
}
