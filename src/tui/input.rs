//! Events of the terminal as plain values.

use crate::app::msg::Mouse;
use crate::domain::{Key, KeyCode};
use crossterm::event::{Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down.
    Key(Key),
    /// Text was pasted: outside bytes, however they got onto the clipboard.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// What the mouse did, at a cell (column, row) counted from 0.
    Mouse(Mouse, u16, u16),
}

/// Makes our value of an event; none for what means nothing here (focus, a key going up, a mouse moving).
#[must_use]
pub fn read(event: Event) -> Option<Input> {
    match event {
        Event::Key(event) => key(event).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
        Event::Mouse(event) => {
            let what = match event.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Click,
                MouseEventKind::ScrollUp => Mouse::ScrollUp,
                MouseEventKind::ScrollDown => Mouse::ScrollDown,
                _ => return None,
            };
            Some(Input::Mouse(what, event.column, event.row))
        }
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// Makes our value of a key press; a key held down repeats only if it moves.
fn key(event: KeyEvent) -> Option<Key> {
    let code = match event.code {
        Code::Char(c) => KeyCode::Char(c),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::F(number) => KeyCode::F(number),
        _ => return None,
    };
    let moves = matches!(
        code,
        KeyCode::Up | KeyCode::Down | KeyCode::Left | KeyCode::Right | KeyCode::PageUp | KeyCode::PageDown
    );
    match event.kind {
        KeyEventKind::Press => {}
        KeyEventKind::Repeat if moves => {}
        KeyEventKind::Repeat | KeyEventKind::Release => return None,
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let (ctrl, alt, shift) = (held(KeyModifiers::CONTROL), held(KeyModifiers::ALT), held(KeyModifiers::SHIFT));
    Some(Key { code, ctrl, alt, shift }.normal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::MouseEvent;

    #[test]
    fn keys_mean_what_keymaps_call_them() {
        let none = KeyModifiers::NONE;
        let cases = [
            (Code::Char('g'), none, "g"),
            (Code::Char('G'), KeyModifiers::SHIFT, "G"),
            (Code::Char('g'), KeyModifiers::SHIFT, "G"),
            (Code::Char('l'), KeyModifiers::CONTROL, "Ctrl-L"),
            (Code::Char('h'), KeyModifiers::CONTROL, "Backspace"),
            (Code::Char('x'), KeyModifiers::ALT, "Alt-x"),
            (Code::Char('?'), KeyModifiers::SHIFT, "?"),
            (Code::BackTab, KeyModifiers::SHIFT, "BackTab"),
            (Code::Up, KeyModifiers::SHIFT, "Shift-Up"),
            (Code::F(5), none, "F5"),
            (Code::Enter, none, "Enter"),
        ];
        for (code, modifiers, word) in cases {
            let event = Event::Key(KeyEvent::new(code, modifiers));
            assert_eq!(read(event), Key::parse(word).map(Input::Key), "{word}");
        }
    }

    #[test]
    fn only_presses_count_and_only_movement_repeats() {
        let event = |code, kind| Event::Key(KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind));
        assert_eq!(read(event(Code::Char('c'), KeyEventKind::Release)), None);
        assert_eq!(read(event(Code::Char('c'), KeyEventKind::Repeat)), None);
        assert_eq!(read(event(Code::Enter, KeyEventKind::Repeat)), None);
        assert_eq!(read(event(Code::Down, KeyEventKind::Repeat)), Some(Input::Key(Key::plain(KeyCode::Down))));
        assert_eq!(read(event(Code::CapsLock, KeyEventKind::Press)), None);
    }

    #[test]
    fn the_rest_passes_or_does_not() {
        let mouse = |kind| Event::Mouse(MouseEvent { kind, column: 7, row: 2, modifiers: KeyModifiers::NONE });
        assert_eq!(read(mouse(MouseEventKind::Down(MouseButton::Left))), Some(Input::Mouse(Mouse::Click, 7, 2)));
        assert_eq!(read(mouse(MouseEventKind::ScrollDown)), Some(Input::Mouse(Mouse::ScrollDown, 7, 2)));
        assert_eq!(read(mouse(MouseEventKind::Moved)), None);
        assert_eq!(read(mouse(MouseEventKind::Down(MouseButton::Right))), None);
        assert_eq!(read(Event::Paste("rm\n".into())), Some(Input::Paste("rm\n".into())));
        assert_eq!(read(Event::Resize(3, 4)), Some(Input::Resize(3, 4)));
        assert_eq!(read(Event::FocusLost), None);
    }
}
