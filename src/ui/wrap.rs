//! Lines of several styles over as many rows as they need.

use crate::domain::Clean;
use crate::ui::text::Strip;
use ratatui::text::Line;

/// The least columns that a line is wrapped at.
const LEAST: usize = 8;

/// A line over as many rows as it needs, each style kept: broken behind a blank, or where a row is full. Rows behind the first begin so
/// many columns in.
#[must_use]
pub fn wrap(line: &Line<'_>, width: usize, indent: usize) -> Vec<Line<'static>> {
    let width = width.max(indent + LEAST);
    let (mut rows, mut row) = (Vec::new(), Strip::new());
    let mut empty = true;
    for span in &line.spans {
        for word in span.content.split_inclusive(' ') {
            let mut rest = Clean::text(word);
            if !empty && row.width() + Clean::text(word.trim_end()).width() > width {
                rows.push(std::mem::replace(&mut row, Strip::new().gap(indent)).line());
                empty = true;
            }
            while row.width() + rest.width() > width {
                let (head, tail) = rest.split(width - row.width());
                let full = row.put(span.style, head);
                (row, rest, empty) = (Strip::new().gap(indent), tail, true);
                rows.push(full.line());
                // The blank behind a word that fills its row stands for the break.
                if rest.plain().trim().is_empty() {
                    rest = Clean::default();
                }
            }
            empty &= rest.width() == 0;
            row = row.put(span.style, rest);
        }
    }
    if !empty || rows.is_empty() {
        rows.push(row.line());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Color, Style};

    fn rows(parts: &[(&str, Color)], width: usize) -> Vec<Line<'static>> {
        let strip = parts
            .iter()
            .fold(Strip::new().gap(1), |strip, (text, colour)| strip.put(Style::new().fg(*colour), Clean::text(text)));
        wrap(&strip.line(), width, 1)
    }

    fn plain(rows: &[Line<'static>]) -> Vec<String> {
        rows.iter().map(crate::ui::text::plain).collect()
    }

    #[test]
    fn a_line_of_several_styles_is_wrapped_and_each_keeps_its_own() {
        let parts = [("PLAN", Color::Red), (" == ", Color::Blue), ("Delete old sessions", Color::Green)];
        let wrapped = rows(&parts, 20);
        assert_eq!(plain(&wrapped), [" PLAN == Delete old ", " sessions"]);
        let green = |row: &Line<'_>| row.spans.iter().any(|span| span.style.fg == Some(Color::Green));
        assert!(wrapped.iter().all(green));
        assert_eq!(plain(&rows(&parts, 40)), [" PLAN == Delete old sessions"]);
    }

    #[test]
    fn nothing_of_a_line_is_lost_at_any_width() {
        let text = "a bb  ccc dddddddddddddddddddddddddddddd \u{6f22}\u{5b57} e";
        for width in 9..60 {
            let wrapped = rows(&[(text, Color::Red)], width);
            assert!(wrapped.iter().all(|row| row.width() <= width), "{width}: {:?}", plain(&wrapped));
            let solid = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            assert_eq!(solid(&plain(&wrapped).concat()), solid(text), "{width}");
        }
    }
}
