//! Text being written: a note beside a step, or the words of a action on an item of a checklist.

use crate::app::keymap::Action;
use crate::domain::RunId;
use crate::domain::key::{Key, KeyCode};
use crate::journal::fold::ItemView;
use crate::journal::item::{ItemAction, fits};
use tui_textarea::{Input, Key as Typed, TextArea, WrapMode};

/// What is done with a text when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writes {
    /// It stands beside the step.
    Beside,
    /// It closes an item by hand.
    Hand,
    /// It is why an item is skipped.
    Skip,
    /// It is why a hard gate is overridden.
    Override,
    /// It is why an item is opened again.
    Reopen,
}

impl Writes {
    /// All that can be done with a text.
    pub const ALL: [Self; 5] = [Self::Beside, Self::Hand, Self::Skip, Self::Override, Self::Reopen];

    /// What asks for such a text.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Beside => Action::Note,
            Self::Hand => Action::Hand,
            Self::Skip => Action::Skip,
            Self::Override => Action::Override,
            Self::Reopen => Action::Reopen,
        }
    }

    /// What the key that confirms does with a text: `signs off`.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::Beside => "saves the note",
            Self::Hand => "signs off",
            Self::Skip => "skips the item",
            Self::Override => "overrides the gate",
            Self::Reopen => "reopens the item",
        }
    }

    /// What a text does with an item; `None` where it only stands beside it.
    #[must_use]
    pub fn item_action(self, text: &str) -> Option<ItemAction> {
        let text = text.to_owned();
        match self {
            Self::Beside => None,
            Self::Hand => Some(ItemAction::Hand { note: text }),
            Self::Skip => Some(ItemAction::Skip { reason: text }),
            Self::Override => Some(ItemAction::Override { reason: text }),
            Self::Reopen => Some(ItemAction::Reopen { reason: text }),
        }
    }
}

/// A text being written.
#[derive(Clone, Debug)]
pub struct Note {
    /// The run.
    pub run: RunId,
    /// The step beside which it stands, from 0.
    pub step: Option<u32>,
    /// What is done with it.
    pub writes: Writes,
    /// Of an item, the record that opened it as it was shown.
    pub seq: u64,
    /// Whether letters are text; else they are keys, and one of them confirms.
    pub writing: bool,
    /// What the operator should know after a key that did nothing.
    pub hint: Option<String>,
    /// Outside the text, the first row on the screen.
    pub scroll: u16,
    area: TextArea<'static>,
}

impl Note {
    /// A note that goes on from these lines.
    #[must_use]
    pub fn new(run: RunId, step: Option<u32>, lines: Vec<String>) -> Self {
        let mut area = TextArea::new(lines);
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.move_cursor(tui_textarea::CursorMove::Bottom);
        area.move_cursor(tui_textarea::CursorMove::End);
        Self { run, step, writes: Writes::Beside, seq: 0, writing: true, hint: None, scroll: 0, area }
    }

    /// The words of a action on an item, given as its step and the record that opened it.
    #[must_use]
    pub fn of_item(run: RunId, (step, seq): (u32, u64), writes: Writes, lines: Vec<String>) -> Self {
        Self { writes, seq, ..Self::new(run, Some(step), lines) }
    }

    /// The text area, for drawing.
    #[must_use]
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// What was written, without the blanks around it.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n").trim().to_owned()
    }

    /// Whether what is to be done with it needs words, and there are none.
    #[must_use]
    pub fn lacks(&self, item: Option<&ItemView>) -> bool {
        let text = self.text();
        let takes_none = match (item, self.writes.item_action(&text)) {
            (Some(item), Some(action)) => fits(item, &action).is_ok(),
            (_, item_action) => item_action.is_some(),
        };
        text.is_empty() && !takes_none
    }

    /// Goes out of the text, where letters are keys, or back into it.
    pub fn turn(&mut self) {
        self.writing = !self.writing;
        self.scroll = 0;
        self.hint = None;
    }

    /// Takes a key.
    pub fn take(&mut self, key: Key) {
        self.hint = None;
        let typed = match key.code {
            KeyCode::Char(c) => Typed::Char(c),
            KeyCode::Enter => Typed::Enter,
            KeyCode::Backspace => Typed::Backspace,
            KeyCode::Delete => Typed::Delete,
            KeyCode::Home => Typed::Home,
            KeyCode::End => Typed::End,
            KeyCode::Up => Typed::Up,
            KeyCode::Down => Typed::Down,
            KeyCode::Left => Typed::Left,
            KeyCode::Right => Typed::Right,
            KeyCode::PageUp => Typed::PageUp,
            KeyCode::PageDown => Typed::PageDown,
            _ => return,
        };
        let input = Input { key: typed, ctrl: key.ctrl, alt: key.alt, shift: key.shift };
        match (key.code, key.ctrl || key.alt) {
            (KeyCode::Char(_) | KeyCode::Enter | KeyCode::Backspace | KeyCode::Delete, false) => {
                self.area.input_without_shortcuts(input);
            }
            _ => {
                self.area.input(input);
            }
        }
    }

    /// Takes pasted text without its control characters.
    pub fn paste(&mut self, text: &str) {
        let plain: String = text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
        self.area.insert_str(plain);
    }
}
