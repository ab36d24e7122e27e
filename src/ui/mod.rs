//! From a [`Snapshot`] to a frame: draws, and does nothing else.
//!
//! ```text
//!  MIDWATCH  cell0 · PRODUCTION                                  operator@bastion-1  02:47:31 UTC
//! ┏ 1 Health ━━━━━━ ✖ 1 critical  ● 4 ok ┓┌ 2 Run  Data retention cleanup ───── ◆ waiting  3/5 ┐
//! ┃  ✖  critical novacron-api   503      ┃│ clean                                              │
//! ┃  ●  ok       /srv/cell0     41 %  ▁▂ ┃│  ◆  waiting  Delete old sessions   destroy  ~10 s  │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛└────────────────────────────────────────────────────┘
//! ┌ 3 Log  step 2 · Verify the newest backup ──────────────────────── line 12/12 · following ─┐
//! └────────────────────────────────────────────────────────────────────────────────────────────┘
//!  Enter open  x act  / filter  : commands  ? help                              412 B/s  ● live
//! ```

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
pub mod widgets;

use crate::app::Snapshot;
use crate::app::model::{Area, Hit, Pane, Seen};
use crate::config::theme::{Glyphs, Role, Theme};
use crate::ui::layout::{LEAST, Layout, Wants};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

/// What depends on the drawn height and outlives a frame, and what the last frame showed.
#[derive(Clone, Debug, Default)]
pub struct ViewState {
    /// The first row of Health on the screen.
    pub health: usize,
    /// The first line of Run on the screen.
    pub run: usize,
    /// The first row of the topmost dialog's list on the screen.
    pub list: usize,
    /// What the last frame showed, for `Model::drawn`.
    pub seen: Seen,
}

impl ViewState {
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
    let wants = Wants {
        focus: snapshot.focus,
        zoomed: snapshot.zoomed,
        banner: snapshot.banner.is_some(),
        run: snapshot.run.following.is_some(),
    };
    let Some(layout) = Layout::of(area, wants) else { return too_small(pen, frame, area, view) };
    frame.buffer_mut().set_style(area, pen.style(Role::UiText));
    header::draw(pen, frame, layout.header, snapshot);
    if let Some(strip) = layout.strip {
        header::strip(pen, frame, strip, snapshot, view);
    }
    if let Some(banner) = &snapshot.banner {
        let strip = Strip::new().gap(1).put(pen.style(Role::UiPrompt), pen.symbol(Role::UiPrompt)).gap(1);
        let room = usize::from(layout.banner.width).saturating_sub(4);
        pen.line(frame, layout.banner, strip.put_within(room, pen.style(Role::UiPrompt), banner));
    }
    for (pane, area) in &layout.panes {
        view.hit(*area, Hit::Pane(*pane));
        match pane {
            Pane::Health => panes::health::draw(pen, frame, *area, snapshot, view),
            Pane::Run => panes::run::draw(pen, frame, *area, snapshot, view),
            Pane::Log => panes::log::draw(pen, frame, *area, snapshot, view),
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
    let lines =
        [Strip::new().put_within(width, style, "Midwatch needs 40x10;"), Strip::new().put_within(width, style, here)];
    let lines = lines.map(Strip::line);
    pen.lines(frame, area, &lines);
}
