//! The wall: one sentence, and one pane at a time.
//!
//! ```text
//!  MIDWATCH  novacron · PRODUCTION  READ-ONLY     weekly 02:00–04:00 UTC ███░░ 1 h 12 m left   02:47:31 UTC
//!
//!  ✖  1 critical: novacron-api
//!     next  step 8: Analyze tasks
//!     ends  weekly 02:00–04:00 UTC · 1 h 12 m left
//!
//! ┏ 1 Health ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//!  1 Health ✖ 1   2 Backups ✖ 2   3 Certificates ▲ 1   4 Bloat ▲ 2
//!  q leaves                                                                        oldest reading 12 s · ● live
//! ```

use crate::app::Snapshot;
use crate::app::model::Pane;
use crate::app::wall::{Sentence, sentence};
use crate::config::theme::Role;
use crate::ui::ViewState;
use crate::ui::layout::{LEAST, take_bottom, take_top};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::{footer, header, panes};
use ratatui::Frame;
use ratatui::layout::Rect;

/// From how many rows on the sentence has blank rows around it.
const ROOMY: u16 = 20;

/// Draws the wall; `false` where the terminal is too small for it.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, snapshot: &Snapshot<'_>, view: &mut ViewState) -> bool {
    let mut rest = frame.area();
    if rest.width < LEAST.0 || rest.height < LEAST.1 {
        return false;
    }
    frame.buffer_mut().set_style(rest, pen.style(Role::UiText));
    header::draw(pen, frame, take_top(&mut rest, 1), snapshot);
    let said = sentence(snapshot);
    let lines = lines(pen, &said, usize::from(rest.width));
    let roomy = rest.height >= ROOMY;
    if roomy {
        take_top(&mut rest, 1);
    }
    let count = u16::try_from(lines.len()).unwrap_or(1);
    let rows = count.min(rest.height / 2);
    let place = take_top(&mut rest, rows);
    let drawn: Vec<_> = lines.into_iter().map(Strip::line).collect();
    pen.lines(frame, place, &drawn);
    if said.blind {
        frame.buffer_mut().set_style(Rect { height: 1, ..place }, pen.style(Role::UiSelection));
    }
    if roomy {
        take_top(&mut rest, 1);
    }
    footer::draw_wall(pen, frame, take_bottom(&mut rest, 1), snapshot);
    header::strip(pen, frame, take_bottom(&mut rest, 1), snapshot, view);
    match snapshot.focus.section() {
        Some(section) => panes::rows::draw(pen, frame, rest, section, snapshot, view),
        None if snapshot.focus == Pane::Checklist => panes::checklist::draw(pen, frame, rest, snapshot, view),
        None => panes::run::draw(pen, frame, rest, snapshot, false, view),
    }
    true
}

fn lines(pen: Pen<'_>, said: &Sentence, width: usize) -> Vec<Strip> {
    let role = if said.blind { Role::VerdictCritical } else { Role::from(said.verdict) };
    let (style, room) = (pen.style(role), width.saturating_sub(5));
    let first = Strip::new().gap(1).put(style, pen.symbol(role)).gap(2);
    let mut lines = vec![first.put_within(room, style, said.happening.clone())];
    let more = [("next", &said.next), ("ends", &said.ends)];
    for (word, text) in more {
        if let Some(text) = text {
            let strip = Strip::new().gap(4).put(pen.style(Role::UiMuted), word).gap(2);
            lines.push(strip.put_within(room.saturating_sub(6), pen.style(Role::UiText), text.clone()));
        }
    }
    lines
}
