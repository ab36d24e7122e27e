//! A line of text under the cursor: filters, searches, parameters, phrases.

use crate::domain::key::{Key, KeyCode};

/// One line being typed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Field {
    text: String,
    /// The cursor as a byte offset; always between two characters.
    at: usize,
}

impl Field {
    /// The longest text a field takes, in bytes.
    pub const LARGEST: usize = 4096;

    /// A field that holds this text, the cursor behind it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is before and what is behind the cursor.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at_checked(self.at).unwrap_or((&self.text, ""))
    }

    /// Takes a key; `false` where it means nothing to a line of text.
    pub fn take(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl, key.alt) {
            (KeyCode::Char(c), false, false) => self.insert(c),
            (KeyCode::Backspace, false, _) => self.rub_out(),
            (KeyCode::Delete, ..) => {
                if self.at < self.text.len() {
                    self.text.remove(self.at);
                }
            }
            (KeyCode::Left, ..) => self.at = self.before(),
            (KeyCode::Right, ..) => self.at += self.halves().1.chars().next().map_or(0, char::len_utf8),
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, _) => self.at = 0,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, _) => self.at = self.text.len(),
            (KeyCode::Char('u'), true, _) => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            (KeyCode::Char('w'), true, _) => self.rub_out_word(),
            _ => return false,
        }
        true
    }

    /// Takes pasted text; line ends become blanks and control characters are left out.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_end_matches(['\r', '\n']).chars() {
            self.insert(if matches!(c, '\n' | '\t') { ' ' } else { c });
        }
    }

    fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.len() + c.len_utf8() <= Self::LARGEST {
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    fn before(&self) -> usize {
        self.at - self.halves().0.chars().next_back().map_or(0, char::len_utf8)
    }

    fn rub_out(&mut self) {
        let before = self.before();
        if before < self.at {
            self.text.remove(before);
            self.at = before;
        }
    }

    fn rub_out_word(&mut self) {
        let head = self.halves().0.trim_end();
        let start = head.rfind(' ').map_or(0, |blank| blank + 1);
        self.text.drain(start..self.at);
        self.at = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> Key {
        Key { code, ctrl: false, alt: false, shift: false }
    }

    #[test]
    fn a_field_edits_between_characters_of_any_width() {
        let mut field = Field::new("aé漢");
        assert!(field.take(key(KeyCode::Left)));
        field.take(key(KeyCode::Backspace));
        assert_eq!(field.halves(), ("a", "漢"));
        field.take(key(KeyCode::Delete));
        field.take(key(KeyCode::Delete));
        field.paste("x\ny\u{1b}[31m\r\n");
        assert_eq!(field.text(), "ax y[31m");
        field.take(Key { ctrl: true, ..key(KeyCode::Char('w')) });
        assert_eq!(field.text(), "ax ");
        field.take(Key { ctrl: true, ..key(KeyCode::Char('u')) });
        field.take(key(KeyCode::Backspace));
        field.take(key(KeyCode::Left));
        assert_eq!(field.text(), "");
        assert!(!field.take(key(KeyCode::Up)));
    }
}
