//! What every part of the screen draws with: the theme, and a few lines that look the same everywhere.

use crate::app::keymap::{Action, Keymap};
use crate::config::theme::{Glyphs, Role, Theme};
use crate::domain::Clean;
use crate::ui::text::{self, Piece, Strip, wrapped};
use crate::ui::wrap::wrap;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// The column at which values start behind their names.
pub const VALUES: usize = 10;

/// A theme at hand.
#[derive(Clone, Copy, Debug)]
pub struct Pen<'a> {
    /// The theme.
    pub theme: &'a Theme,
}

impl Pen<'_> {
    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The symbol of a role.
    #[must_use]
    pub fn symbol(&self, role: Role) -> Clean {
        self.theme.symbol(role)
    }

    /// One of two ways to say the same, by what the terminal can show.
    #[must_use]
    pub fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.theme.glyphs == Glyphs::Unicode { unicode } else { ascii }
    }

    /// Draws a line into the first row of an area.
    pub fn line(&self, frame: &mut Frame<'_>, area: Rect, strip: Strip) {
        text::draw(&strip.line(), area.x, area.y, area, frame.buffer_mut());
    }

    /// Draws lines from the top of an area down.
    pub fn lines<'b>(&self, frame: &mut Frame<'_>, area: Rect, lines: impl IntoIterator<Item = &'b Line<'b>>) {
        for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
            text::draw(line, area.x, y, area, frame.buffer_mut());
        }
    }

    /// A name and its value, the value over as many rows as it needs.
    #[must_use]
    pub fn fact(&self, name: &'static str, role: Role, value: impl Into<Piece>, width: usize) -> Vec<Line<'static>> {
        self.named(Piece::Words(name), role, value, width)
    }

    /// The same with a name that was not known when Midwatch was built.
    #[must_use]
    pub fn named(&self, name: Piece, role: Role, value: impl Into<Piece>, width: usize) -> Vec<Line<'static>> {
        self.named_to(VALUES, name, role, value, width)
    }

    /// The same with values that start at another column. A name that is longer has rows of its own before its value, so that nothing
    /// of it is cut.
    #[must_use]
    pub fn named_to(
        &self,
        column: usize,
        name: Piece,
        role: Role,
        value: impl Into<Piece>,
        width: usize,
    ) -> Vec<Line<'static>> {
        let value = match value.into() {
            Piece::Words(words) => Clean::text(words),
            Piece::Clean(clean) => clean,
        };
        let above = if name.width() < column { Vec::new() } else { self.sentence(Role::UiMuted, name.clone(), width) };
        let mut name = Some(name).filter(|_| above.is_empty());
        let rows = words(&value, width.saturating_sub(column + 1)).into_iter();
        let rows = rows.map(|row| {
            let strip = match name.take() {
                Some(name) => Strip::new().gap(1).put(self.style(Role::UiMuted), name).to(column + 1),
                None => Strip::new().gap(column + 1),
            };
            strip.put(self.style(role), row).line()
        });
        above.into_iter().chain(rows).collect()
    }

    /// A sentence over as many rows as it needs, one column in.
    #[must_use]
    pub fn sentence(&self, role: Role, sentence: impl Into<Piece>, width: usize) -> Vec<Line<'static>> {
        let clean = match sentence.into() {
            Piece::Words(words) => Clean::text(words),
            Piece::Clean(clean) => clean,
        };
        let rows = words(&clean, width.saturating_sub(2)).into_iter();
        rows.map(|row| Strip::new().gap(1).put(self.style(role), row).line()).collect()
    }

    /// A line as it is, over as many rows as it needs: spaces are kept, and a row is cut where it is full.
    #[must_use]
    pub fn verbatim(&self, role: Role, line: &str, width: usize) -> Vec<Line<'static>> {
        wrapped(self.style(role), Clean::text(line), width.saturating_sub(1))
    }

    /// Keys with what they do, as many as fit: `Enter open  x act`.
    #[must_use]
    pub fn keys(&self, keymap: &Keymap, keys: &[(Action, &'static str)], width: usize) -> Strip {
        let mut strip = Strip::new().gap(1);
        for (action, word) in keys {
            let key = keymap.shown(*action);
            if key.is_empty() || strip.width() + key.chars().count() + word.len() + 3 > width {
                continue;
            }
            strip = strip.put(self.style(Role::UiKey), key).gap(1).put(self.style(Role::UiMuted), *word).gap(2);
        }
        strip
    }

    /// A line being typed, with its cursor.
    #[must_use]
    pub fn typed(&self, strip: Strip, field: &crate::app::field::Field, width: usize, focused: bool) -> Strip {
        let (before, after) = field.halves();
        let (before, after) = (Clean::text(before), Clean::text(after));
        let room = width.saturating_sub(strip.width() + 1);
        // The end next to the cursor stays in sight.
        let (_, tail) = before.clone().split(before.width().saturating_sub(room.saturating_sub(1)));
        let used = tail.width();
        let strip = strip.put(self.style(Role::UiText), tail);
        let strip = if focused { strip.put(self.style(Role::UiPrompt), self.glyph("▌", "_")) } else { strip };
        strip.put_within(room.saturating_sub(used), self.style(Role::UiText), after)
    }
}

impl Pen<'_> {
    /// The same over as many rows as it needs, for what is confirmed: all of it is on the screen.
    #[must_use]
    pub fn typed_whole(
        &self,
        strip: Strip,
        field: &crate::app::field::Field,
        width: usize,
        focused: bool,
    ) -> Vec<Line<'static>> {
        let (before, after) = field.halves();
        let strip = strip.put(self.style(Role::UiText), Clean::text(before));
        let strip = if focused { strip.put(self.style(Role::UiPrompt), self.glyph("▌", "_")) } else { strip };
        wrap(&strip.put(self.style(Role::UiText), Clean::text(after)).line(), width, 1)
    }
}

/// Clean text over as many rows as it needs, broken between words where that leaves no row half empty, else behind a slash.
#[must_use]
pub fn words(clean: &Clean, width: usize) -> Vec<Clean> {
    let width = width.max(8);
    let (mut rows, mut rest) = (Vec::new(), clean.clone());
    while rest.width() > width {
        let (row, _) = rest.clone().split(width + 1);
        let plain = row.plain();
        let blank = plain.rfind(' ').map(|at| Clean::text(plain.get(..at).unwrap_or("")).width());
        let at = blank.filter(|at| *at >= width / 2 && *at <= width);
        // A path that has to be broken is broken behind a slash.
        let slash = plain.rfind('/').map(|at| Clean::text(plain.get(..=at).unwrap_or("")).width());
        let slash = slash.filter(|slash| at.is_none() && *slash >= width / 3 && *slash <= width);
        let (row, tail) = rest.split(at.or(slash).unwrap_or(width));
        rows.push(row);
        rest = if at.is_some() { tail.split(1).1 } else { tail };
    }
    rows.push(rest);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_broken_behind_a_slash() {
        let rows = |text: &str, width| words(&Clean::text(text), width).iter().map(Clean::plain).collect::<Vec<_>>();
        assert_eq!(rows("moved to /srv/cell0/logs/archive", 27), ["moved to /srv/cell0/logs/", "archive"]);
        assert_eq!(rows("moved to the archive of logs", 20), ["moved to the archive", "of logs"]);
        assert_eq!(rows("/a/0123456789012345678901234", 12), ["/a/012345678", "901234567890", "1234"]);
        let path = "/var/lib/postgresql/15/main/base/16384/pg_internal.init";
        assert!(rows(path, 20).iter().all(|row| row.chars().count() <= 20));
        assert_eq!(rows(path, 20).concat(), path);
    }

    #[test]
    fn a_long_name_stands_whole_above_its_value() {
        let theme = Theme::labelled(Glyphs::Unicode);
        let pen = Pen { theme: &theme };
        let shown = |name: &str| -> Vec<String> {
            let lines = pen.named_to(15, Piece::from(name.to_owned()), Role::UiText, "12 MiB".to_owned(), 40);
            lines.iter().map(text::plain).collect()
        };
        assert_eq!(shown("when stopped"), [" when stopped   12 MiB"]);
        let long = "table public.audit_logs_of_last_year_2026_07";
        assert_eq!(shown(long), [" table public.audit_logs_of_last_year_2", " 026_07", "                12 MiB"]);
    }
}
