//! The panes.

pub mod checklist;
pub mod log;
pub mod rows;
pub mod run;

use crate::app::Snapshot;
use crate::app::model::Pane;
use crate::config::theme::Role;
use crate::domain::Clean;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::frame::frame as draw_frame;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws a pane's frame and gives back what is inside.
fn framed(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    pane: Pane,
    (title, right): (Strip, Strip),
) -> Rect {
    let focused = snapshot.focus == pane && snapshot.modals.is_empty();
    let role = if focused { Role::UiFocus } else { Role::UiBorder };
    draw_frame(pen, frame, area, (role, focused), title, right, Strip::new());
    layout::inside(area)
}

/// The beginning of a pane's title: ` 1 Health `.
fn title(pen: Pen<'_>, snapshot: &Snapshot<'_>, pane: Pane) -> Strip {
    let role = if snapshot.focus == pane { Role::UiFocus } else { Role::UiTitle };
    let style = pen.style(role);
    Strip::new().gap(1).put(style, u64::from(pane.number())).gap(1).put(style, pane.word()).gap(1)
}

/// A filter as it stands in a title.
fn filtered(pen: Pen<'_>, strip: Strip, filter: &str) -> Strip {
    if filter.is_empty() {
        return strip;
    }
    strip.put(pen.style(Role::UiMatch), Clean::text(&format!("/{filter}")).cut(20)).gap(1)
}
