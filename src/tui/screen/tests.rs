use super::*;
use crate::domain::Clean;
use crate::ui::text;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::{Modifier, Style};
use std::num::NonZeroU16;

/// A terminal that remembers each write, and may refuse to take more than a few bytes.
#[derive(Default)]
struct Recorder {
    writes: Vec<Vec<u8>>,
    takes: Option<usize>,
}

/// Shared between the screen, which owns one end, and the test.
#[derive(Clone, Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<Recorder>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut recorder = self.0.borrow_mut();
        let taken = recorder.takes.map_or(bytes.len(), |takes| takes.min(bytes.len()));
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        recorder.takes = recorder.takes.map(|takes| takes - taken);
        recorder.writes.push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// Everything written since the last call, write by write.
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.borrow_mut().writes)
    }
}

fn screen(columns: u16, rows: u16) -> (Screen<Shared>, Shared) {
    let shared = Shared::default();
    (Screen::new(shared.clone(), columns, rows, Depth::True).unwrap(), shared)
}

fn print(words: &'static str) -> impl FnOnce(&mut Frame<'_>) {
    move |frame| {
        let area = frame.area();
        text::draw(&text::line(Style::new(), words), 0, 0, area, frame.buffer_mut());
    }
}

#[test]
fn nothing_changed_writes_nothing_and_a_change_writes_once() {
    let (mut screen, out) = screen(80, 24);
    let drawn = screen.draw(usize::MAX, print("hello")).unwrap();
    let writes = out.take();
    assert_eq!(writes, [b"\x1b[?2026h\x1b[Hhello\x1b[?25l\x1b[?2026l"]);
    assert_eq!((drawn.bytes, drawn.left, drawn.fresh), (writes[0].len(), 0, true));

    let drawn = screen.draw(usize::MAX, print("hello")).unwrap();
    assert_eq!((drawn.bytes, out.take().len()), (0, 0));

    screen.draw(usize::MAX, print("help!")).unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[1;4Hp!\x1b[?2026l"]);
    assert_eq!(screen.total(), 30 + 24);
}

#[test]
fn the_cursor_is_written_only_when_it_moved() {
    let (mut screen, out) = screen(80, 24);
    let at = |x| move |frame: &mut Frame<'_>| frame.set_cursor_position(Position::new(x, 2));
    screen.draw(usize::MAX, at(4)).unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[3;5H\x1b[?25h\x1b[?2026l"]);
    screen.draw(usize::MAX, at(4)).unwrap();
    assert!(out.take().is_empty());
    screen.draw(usize::MAX, at(5)).unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[3;6H\x1b[?2026l"]);
    // Drawing elsewhere moves it, so it is put back.
    screen
        .draw(usize::MAX, |frame| {
            print("x")(frame);
            at(5)(frame);
        })
        .unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[Hx\x1b[3;6H\x1b[?2026l"]);
}

#[test]
fn a_redraw_and_a_resize_paint_everything_without_a_question() {
    let (mut screen, out) = screen(20, 2);
    screen.draw(usize::MAX, print("hello")).unwrap();
    let whole: &[u8] = b"\x1b[?2026h\x1b[m\x1b[2J\x1b[Hhello\x1b[?25l\x1b[?2026l";
    out.take();
    screen.redraw().unwrap();
    assert!(out.take().is_empty());
    screen.draw(usize::MAX, print("hello")).unwrap();
    assert_eq!(out.take(), [whole]);
    screen.resize(30, 3);
    screen.draw(usize::MAX, print("hello")).unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[m\x1b[2J\x1b[Hhello\x1b[?2026l"]);
}

#[test]
fn any_size_is_drawn() {
    let sizes = [(0, 0), (1, 1), (1, 0), (0, 5), (500, 500), (3, 1), (80, 24), (u16::MAX, u16::MAX), (0, 0)];
    let (mut screen, out) = screen(0, 0);
    for (columns, rows) in sizes {
        screen.resize(columns, rows);
        screen.draw(usize::MAX, print("hello")).unwrap();
        assert!(out.take().len() <= 1);
    }
}

#[test]
fn a_frame_waits_for_its_allowance_and_then_goes_whole() {
    let (mut screen, out) = screen(80, 24);
    let drawn = screen.draw(10, print("hello")).unwrap();
    assert_eq!((drawn.bytes, drawn.left, drawn.fresh), (0, 30, true));
    let drawn = screen.draw(29, print("never called")).unwrap();
    assert_eq!((drawn.bytes, drawn.left, drawn.fresh), (0, 30, false));
    let drawn = screen.draw(60, print("help!")).unwrap();
    assert_eq!((drawn.bytes, drawn.left, drawn.fresh), (54, 0, true));
    assert_eq!(out.take().len(), 2);
}

#[test]
fn a_terminal_that_takes_nothing_gets_the_rest_later() {
    let (mut screen, out) = screen(80, 24);
    out.0.borrow_mut().takes = Some(12);
    let drawn = screen.draw(usize::MAX, print("hello")).unwrap();
    assert_eq!((drawn.bytes, drawn.left, drawn.blocked), (12, 18, true));
    let drawn = screen.draw(usize::MAX, print("help!")).unwrap();
    assert_eq!((drawn.bytes, drawn.left, drawn.blocked, drawn.fresh), (0, 18, true, false));
    out.0.borrow_mut().takes = None;
    screen.draw(usize::MAX, print("help!")).unwrap();
    let all = out.take().concat();
    let expected: &[u8] = b"\x1b[?2026h\x1b[Hhello\x1b[?25l\x1b[?2026l\x1b[?2026h\x1b[1;4Hp!\x1b[?2026l";
    assert_eq!(all, expected);
}

#[test]
fn a_frame_larger_than_a_second_goes_in_parts() {
    let (mut screen, out) = screen(500, 100);
    let noisy = |frame: &mut Frame<'_>| {
        for (place, cell) in frame.buffer_mut().content.iter_mut().enumerate() {
            let look = if place % 2 == 0 { Modifier::BOLD } else { Modifier::ITALIC };
            cell.set_char('x').set_style(Style::new().add_modifier(look));
        }
    };
    let first = screen.draw(20_000, noisy).unwrap();
    assert_eq!(first.bytes, 20_000);
    let mut all = first.bytes;
    let mut left = first.left;
    while left > 0 {
        let drawn = screen.draw(20_000, noisy).unwrap();
        all += drawn.bytes;
        left = drawn.left;
    }
    assert_eq!(out.take().concat().len(), all);
}

#[test]
fn a_control_character_in_a_cell_never_reaches_the_terminal() {
    let (mut screen, out) = screen(10, 1);
    screen
        .draw(usize::MAX, |frame| {
            #[allow(clippy::disallowed_methods)] // What must not happen.
            frame.buffer_mut()[(0, 0)].set_symbol("\x1b[2J");
        })
        .unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[H?\x1b[?25l\x1b[?2026l"]);
}

#[test]
fn fewer_colours_are_drawn_where_there_are_fewer() {
    for (depth, expected) in [
        (Depth::True, "\x1b[38;2;255;0;0;41m"),
        (Depth::Indexed, "\x1b[38;5;196;41m"),
        (Depth::Sixteen, "\x1b[91;41m"),
        (Depth::None, ""),
    ] {
        let shared = Shared::default();
        let mut screen = Screen::new(shared.clone(), 10, 1, depth).unwrap();
        let line = text::line(Style::new(), Clean::line(b"\x1b[38;2;255;0;0;41mx"));
        screen.draw(usize::MAX, |frame| text::draw(&line, 0, 0, frame.area(), frame.buffer_mut())).unwrap();
        let reset = if expected.is_empty() { "" } else { "\x1b[m" };
        let whole = format!("\x1b[?2026h\x1b[H{expected}x{reset}\x1b[?25l\x1b[?2026l");
        assert_eq!(String::from_utf8(shared.take().concat()).unwrap(), whole);
    }
}

/// Fails if the bytes hold any control sequence other than those that draw a frame.
fn check_only_drawing(bytes: &[u8], what: &str) {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut parts = text.split('\x1b');
    assert_eq!(parts.next(), Some(""), "{what}");
    for part in parts {
        let sequence = part.strip_prefix('[').unwrap_or_else(|| panic!("{what}: {part:?}"));
        let end = sequence.find(|c: char| !matches!(c, '0'..='9' | ';' | '?')).unwrap();
        let (parameters, rest) = sequence.split_at(end);
        let drawing = match rest.chars().next() {
            Some('H' | 'C' | 'X' | 'm' | 'J') => !parameters.starts_with('?'),
            Some('h' | 'l') => ["?2026", "?25"].contains(&parameters),
            _ => false,
        };
        assert!(drawing && !rest.chars().any(crate::domain::clean::corpus::is_forbidden), "{what}: {part:?}");
    }
}

#[test]
fn no_sequence_of_the_corpus_reaches_the_terminal() {
    let (mut screen, out) = screen(120, 2);
    for (line, sequence) in crate::domain::clean::corpus::cases() {
        let log = text::line(Style::new(), Clean::line(&sequence));
        let name = text::line(Style::new(), Clean::name(&sequence));
        screen.redraw().unwrap();
        screen
            .draw(usize::MAX, |frame| {
                text::draw(&log, 0, 0, frame.area(), frame.buffer_mut());
                text::draw(&name, 0, 1, frame.area(), frame.buffer_mut());
            })
            .unwrap();
        check_only_drawing(&out.take().concat(), &format!("line {line} of the corpus"));
    }
}

/// A cell of a random picture: what it shows, and how.
fn cells() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0_u8..12, 0_u8..8), 12 * 5)
}

fn paint(buffer: &mut Buffer, picture: &[(u8, u8)]) {
    let words = ["x", "y", "é", "─", "漢", "e\u{301}", " ", " ", " ", " ", " ", " "];
    for (place, (word, look)) in (0_u16..).zip(picture) {
        let role = [
            Style::new(),
            Style::new().add_modifier(Modifier::BOLD),
            Style::new().add_modifier(Modifier::REVERSED),
            Style::new().add_modifier(Modifier::UNDERLINED | Modifier::DIM),
            Style::new().fg(crate::ui::ink::color(crate::domain::clean::Ink::Indexed(1))),
            Style::new().bg(crate::ui::ink::color(crate::domain::clean::Ink::Indexed(200))),
            Style::new().fg(crate::ui::ink::color(crate::domain::clean::Ink::Rgb(1, 2, 3))),
            Style::new(),
        ][usize::from(*look)];
        let area = buffer.area;
        let line = text::line(role, words[usize::from(*word)]);
        text::draw(&line, place % 12 * 3, place / 12, area, buffer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The bytes of three frames, fed to another implementation of a terminal, give the third picture.
    #[test]
    fn the_bytes_draw_the_picture(first in cells(), second in cells(), third in cells()) {
        let (mut screen, out) = screen(36, 5);
        let mut terminal = vt100::Parser::new(NonZeroU16::new(5).unwrap(), NonZeroU16::new(36).unwrap(), 0);
        let mut last = Buffer::default();
        for picture in [&first, &second, &third] {
            screen.draw(usize::MAX, |frame| { paint(frame.buffer_mut(), picture); last = frame.buffer_mut().clone(); }).unwrap();
            for write in out.take() {
                terminal.process(&write);
            }
        }
        for position in last.area.positions() {
            let ours = &last[position];
            let theirs = terminal.screen().cell(position.y, position.x).unwrap();
            if theirs.is_wide_continuation() {
                continue;
            }
            let symbol = if theirs.contents().is_empty() { " " } else { theirs.contents() };
            prop_assert_eq!(ours.symbol(), symbol, "at {}", position);
            if position.x % 3 == 1 {
                continue; // The other half of what was a wide character: terminals differ on its look.
            }
            prop_assert_eq!(ours.modifier.contains(Modifier::REVERSED), theirs.inverse(), "at {}", position);
            prop_assert_eq!(ours.modifier.contains(Modifier::UNDERLINED), theirs.underline(), "at {}", position);
            let ground = if ours.bg == crate::ui::ink::color(crate::domain::clean::Ink::Default) { vt100::Color::Default } else { vt100::Color::Idx(200) };
            prop_assert_eq!(ground, theirs.bgcolor(), "at {}", position);
            if symbol != " " {
                prop_assert_eq!(ours.modifier.contains(Modifier::BOLD), theirs.bold(), "at {}", position);
                prop_assert_eq!(ours.modifier.contains(Modifier::DIM), theirs.dim(), "at {}", position);
                let letters = match crate::ui::ink::ink(ours.fg) {
                    crate::domain::clean::Ink::Default => vt100::Color::Default,
                    crate::domain::clean::Ink::Indexed(index) => vt100::Color::Idx(index),
                    crate::domain::clean::Ink::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
                };
                prop_assert_eq!(letters, theirs.fgcolor(), "at {}", position);
            }
        }
    }
}

#[test]
fn a_sequence_goes_out_behind_the_frame_in_the_same_write() {
    let (mut screen, out) = screen(80, 24);
    screen.draw(usize::MAX, print("a")).unwrap();
    out.take();
    screen.append(b"\x1b]52;c;Zg==\x07");
    assert_eq!(out.take().len(), 0, "not before a frame");
    screen.draw(usize::MAX, print("b")).unwrap();
    assert_eq!(out.take(), [b"\x1b[?2026h\x1b[Hb\x1b[?2026l\x1b]52;c;Zg==\x07"]);
    screen.append(b"\x1b[?1000l");
    screen.draw(usize::MAX, print("b")).unwrap();
    assert_eq!(out.take(), [b"\x1b[?1000l"], "even where nothing else changed");
    screen.draw(usize::MAX, print("b")).unwrap();
    assert_eq!(out.take().len(), 0);
}
