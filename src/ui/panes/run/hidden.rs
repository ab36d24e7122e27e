//! How many steps are not in sight, on the lower edge of the pane.
//!
//! ```text
//! └ ▲ 2 steps above  ▼ 3 more steps: 1 change ─────────────────────┘
//! ```

use crate::config::theme::Role;
use crate::domain::{EffectClass, quantity};
use crate::journal::fold::RunView;
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws it on the edge of a pane, where there is something to say; of the steps below, also what they do.
pub(super) fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, run: &RunView, (above, below): (&[u32], &[u32])) {
    if area.height < 2 || (above.is_empty() && below.is_empty()) {
        return;
    }
    let muted = pen.style(Role::UiMuted);
    let mut strip = Strip::new().gap(1);
    if !above.is_empty() {
        let count = quantity::counted(above.len() as u64, "step", "steps");
        strip = strip.put(muted, format!("{} {count} above", pen.glyph("▲", "^"))).gap(1);
    }
    if !below.is_empty() {
        let count = quantity::counted(below.len() as u64, "more step", "more steps");
        strip = strip.gap(usize::from(!above.is_empty()));
        strip = strip.put(muted, format!("{} {count}", pen.glyph("▼", "v")));
        let mut apart = ": ";
        for class in [EffectClass::Change, EffectClass::Destroy] {
            let of = below.iter().filter(|number| run.step(**number).is_some_and(|step| step.head.effect == class));
            let count = of.count();
            if count > 0 {
                strip = strip.put(muted, apart).put(pen.style(Role::from(class)), format!("{count} {}", class.word()));
                apart = ", ";
            }
        }
        strip = strip.gap(1);
    }
    text::draw(&strip.line(), area.x.saturating_add(1), area.bottom() - 1, inside(area), frame.buffer_mut());
}

/// The area between the corners.
fn inside(area: Rect) -> Rect {
    Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area }
}
