//! Key presses as plain values, with the words that keymaps, help and hints use for them.

use std::fmt;

/// Which key, without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character; an upper-case letter is itself, without [`Key::shift`].
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Deletes to the left.
    Backspace,
    /// Deletes to the right.
    Delete,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// F1 to F24.
    F(u8),
}

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// With Ctrl held.
    pub ctrl: bool,
    /// With Alt held.
    pub alt: bool,
    /// With Shift held; never with a character or [`KeyCode::BackTab`], which say it themselves.
    pub shift: bool,
}

/// The keys that have a name rather than a character, with the one way to write it.
const NAMES: &[(&str, KeyCode)] = &[
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("BackTab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
];

impl Key {
    /// The key without modifiers.
    #[must_use]
    pub fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character key without modifiers.
    #[must_use]
    pub fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    /// Ctrl and a letter.
    #[must_use]
    pub fn ctrl(c: char) -> Self {
        Self { ctrl: true, ..Self::char(c) }.normal()
    }

    /// The same key press in its normal form, for every terminal.
    ///
    /// Shift and a letter is the upper-case letter; Ctrl and a letter has no case, because terminals send none; Shift and
    /// Tab is `BackTab`; Ctrl-H is Backspace, since on some terminals it is.
    #[must_use]
    pub fn normal(mut self) -> Self {
        match self.code {
            KeyCode::Char('h' | 'H') if self.ctrl && !self.alt => return Self::plain(KeyCode::Backspace),
            KeyCode::Char(c) if self.ctrl => self.code = KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Char(c) if self.shift => {
                let mut upper = c.to_uppercase();
                if let (Some(only), None) = (upper.next(), upper.next()) {
                    self.code = KeyCode::Char(only);
                }
            }
            KeyCode::Tab if self.shift => self.code = KeyCode::BackTab,
            _ => {}
        }
        if matches!(self.code, KeyCode::Char(_) | KeyCode::BackTab) {
            self.shift = false;
        }
        self
    }

    /// Reads `g`, `G`, `Space`, `F1`, `Ctrl-L`, `Alt-x`, `Shift-Up`: what `Display` writes.
    ///
    /// A sequence such as `g g` is several keys with spaces between, for the keymap to split. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Self::plain(KeyCode::Esc);
        let mut rest = text;
        loop {
            // A lone `-` is a key, not the end of a modifier.
            let (held, after) = match rest.split_once('-') {
                Some((held, after)) if !held.is_empty() && !after.is_empty() => (held, after),
                _ => break,
            };
            let flag = match held {
                "Ctrl" => &mut key.ctrl,
                "Alt" => &mut key.alt,
                "Shift" => &mut key.shift,
                _ => return None,
            };
            if std::mem::replace(flag, true) {
                return None;
            }
            rest = after;
        }
        key.code = code(rest)?;
        Some(key.normal())
    }
}

/// Reads a key's name without modifiers.
fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && !c.is_whitespace()).then_some(KeyCode::Char(c));
    }
    if let Some(number) = name.strip_prefix('F').filter(|digits| digits.chars().all(|c| c.is_ascii_digit())) {
        return number.parse().ok().filter(|n| (1..=24).contains(n) && !number.starts_with('0')).map(KeyCode::F);
    }
    NAMES.iter().find(|(word, _)| *word == name).map(|(_, code)| *code)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, word) in [(self.ctrl, "Ctrl-"), (self.alt, "Alt-"), (self.shift, "Shift-")] {
            if held {
                f.write_str(word)?;
            }
        }
        if let Some((word, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(word);
        }
        match self.code {
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        let words = [
            "g",
            "G",
            "?",
            "/",
            ":",
            "-",
            "1",
            "é",
            "Space",
            "Enter",
            "Esc",
            "Tab",
            "BackTab",
            "Backspace",
            "Delete",
            "Home",
            "End",
            "PageUp",
            "PageDown",
            "Up",
            "Down",
            "Left",
            "Right",
            "F1",
            "F12",
            "F24",
            "Ctrl-L",
            "Ctrl-Space",
            "Ctrl--",
            "Alt-x",
            "Alt-X",
            "Alt--",
            "Shift-Up",
            "Ctrl-Alt-Delete",
            "Ctrl-Left",
        ];
        for word in words {
            let key = Key::parse(word).unwrap_or_else(|| panic!("{word} is not read"));
            assert_eq!(key.to_string(), word);
            assert_eq!(key.normal(), key, "{word}");
        }
    }

    #[test]
    fn one_press_has_one_value() {
        let cases = [
            ("Ctrl-l", "Ctrl-L"),
            ("Shift-g", "G"),
            ("Shift-G", "G"),
            ("Shift-Tab", "BackTab"),
            ("Ctrl-H", "Backspace"),
            ("Shift-Ctrl-Up", "Ctrl-Shift-Up"),
        ];
        for (written, meant) in cases {
            assert_eq!(Key::parse(written), Key::parse(meant), "{written}");
        }
        assert_eq!(Key::ctrl('C'), Key::parse("Ctrl-C").unwrap());
    }

    #[test]
    fn other_words_are_no_keys() {
        let words = [
            "",
            " ",
            "g g",
            "gg",
            "Ctrl-",
            "Ctrl-Ctrl-L",
            "Meta-x",
            "ctrl-L",
            "enter",
            "F0",
            "F25",
            "F01",
            "F-1",
            "\x1b",
            "-x",
            "Ctrl-gg",
            "F999",
        ];
        for word in words {
            assert_eq!(Key::parse(word), None, "{word:?}");
        }
    }
}
