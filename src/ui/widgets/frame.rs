//! The frame of a pane or a dialog; the one that has the keys is heavy, so that it needs no colour.

use crate::config::theme::Role;
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Left, right, top and bottom corners and edges of a frame.
type Lines = [&'static str; 6];

const LIGHT: Lines = ["┌", "┐", "└", "┘", "─", "│"];
const HEAVY: Lines = ["┏", "┓", "┗", "┛", "━", "┃"];
const ASCII_LIGHT: Lines = ["+", "+", "+", "+", "-", "|"];
const ASCII_HEAVY: Lines = ["#", "#", "#", "#", "=", "#"];

/// Draws a frame with a title on the left and one on the right of its upper edge, and one on the left of its lower edge.
pub fn frame(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    (role, heavy): (Role, bool),
    left: Strip,
    right: Strip,
    foot: Strip,
) {
    let area = area.intersection(frame.area());
    if area.width < 2 || area.height < 2 {
        return;
    }
    let unicode = pen.glyph("u", "a") == "u";
    let [nw, ne, sw, se, across, down] = match (unicode, heavy) {
        (true, false) => LIGHT,
        (true, true) => HEAVY,
        (false, false) => ASCII_LIGHT,
        (false, true) => ASCII_HEAVY,
    };
    let style = pen.style(role);
    let (x1, y1) = (area.right() - 1, area.bottom() - 1);
    let buffer = frame.buffer_mut();
    for x in area.left() + 1..x1 {
        text::symbol(x, area.y, style, across, buffer);
        text::symbol(x, y1, style, across, buffer);
    }
    for y in area.top() + 1..y1 {
        text::symbol(area.x, y, style, down, buffer);
        text::symbol(x1, y, style, down, buffer);
    }
    for (x, y, corner) in [(area.x, area.y, nw), (x1, area.y, ne), (area.x, y1, sw), (x1, y1, se)] {
        text::symbol(x, y, style, corner, buffer);
    }
    let inner = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let wide = |strip: &Strip| u16::try_from(strip.width()).unwrap_or(u16::MAX);
    let (left_width, right_width, foot_width) = (wide(&left), wide(&right), wide(&foot));
    // What stands on the edge does not take the edge's colour.
    let mut put = |strip: Strip, x: u16, y: u16, width: u16| {
        let ground = Rect { x, y, width, height: 1 }.intersection(inner);
        buffer.set_style(ground, Style::reset().patch(pen.style(Role::UiText)));
        text::draw(&strip.line(), x, y, inner, buffer);
    };
    put(left, inner.x, area.y, left_width);
    // One column is the gap before nothing.
    if right_width > 1 && left_width.saturating_add(right_width) < inner.width {
        put(right, inner.right() - right_width, area.y, right_width);
    }
    if foot_width > 0 {
        put(foot, inner.x, y1, foot_width);
    }
}
