//! Terminals of every size, and those that change it all the time.

use super::{Home, SLOW, WIDE, open_prompt};
use crate::support::pty::{Exit, SOON};

#[test]
fn no_size_is_too_odd_to_start_at() {
    let home = Home::with("", &[]);
    for size in [(1, 1), (0, 0), (500, 500), (1, 200), (300, 1)] {
        let mut pty = home.open(&[], &[], size);
        pty.wait_until(SOON, vt100::Screen::alternate_screen);
        if size == (500, 500) {
            pty.wait_for(SOON, |screen| screen.contains("1 Health") && screen.contains("commands"));
        }
        pty.resize(80, 24);
        let screen = pty.wait_for(SOON, |screen| screen.contains("1 Health") && screen.contains("commands"));
        assert!(screen.lines().count() <= 24 && screen.contains("test · OTHER"), "{size:?}: {screen}");
        pty.send("q");
        assert_eq!(pty.exit(SOON), Exit::Code(0), "{size:?}");
    }
}

#[test]
fn a_terminal_that_is_too_small_shows_the_needed_size() {
    let home = Home::with("", &[]);
    let mut pty = home.open(&[], &[], (39, 9));
    let screen = pty.wait_for(SOON, |screen| screen.contains("40x10"));
    assert!(screen.contains("39x9") && !screen.contains("Health"), "{screen}");
    pty.resize(40, 10);
    pty.wait_for(SOON, |screen| screen.contains("Health") && !screen.contains("40x10"));
    // The same key leaves, where nothing else is to be seen.
    pty.resize(20, 5);
    pty.wait_for(SOON, |screen| screen.contains("20x5"));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

#[test]
fn a_storm_of_sizes_ends_with_a_whole_screen() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let mut pty = home.open(&["attach", &run], &[], WIDE);
    open_prompt(&pty, "□ CHANGE");
    for turn in 0..200_u16 {
        pty.resize(20 + turn * 7 % 180, 5 + turn * 11 % 50);
    }
    pty.resize(100, 30);
    pty.wait_for(SOON, |screen| screen.contains("□ CHANGE") && screen.contains("to confirm this change"));
    // The screen is what a screen drawn again shows, cell by cell, but for the clock and the figures.
    let calm = |text: &str| {
        let steady = |line: &&str| {
            !line.contains("UTC") && !line.contains("B/s") && !line.contains("last read") && !line.contains("1 Health")
        };
        text.lines().filter(steady).map(str::to_owned).collect::<Vec<_>>()
    };
    // A frame for one of the sizes before may have as many rows.
    let is_last = |screen: &str| screen.lines().count() == 30 && screen.lines().any(|line| line.chars().count() == 100);
    pty.wait_for(SOON, is_last);
    // Both have the message of a key in the quiet time.
    pty.press_until("g", |screen| screen.contains(" g …"));
    let stormed = pty.screen();
    let drawn = pty.raw().len();
    pty.send("\x0c");
    pty.wait_for_bytes(SOON, |raw, _| {
        raw[drawn..].windows(4).any(|part| part == b"\x1b[2J") && raw.ends_with(b"\x1b[?2026l")
    });
    assert_eq!(calm(&stormed), calm(&pty.screen()));
    assert!(home.effects().is_empty());
}
