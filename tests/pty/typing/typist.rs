//! A person at a terminal, and what they type.

use super::estate::Estate;
use crate::pty::start;
use crate::runner::chance::Chance;
use crate::support::pty::{Pty, SOON};
use rustix::process::Signal;
use std::time::{Duration, Instant};

pub const SIZES: [(u16, u16); 8] = [(40, 10), (80, 24), (100, 30), (120, 36), (200, 50), (60, 15), (44, 11), (20, 5)];

/// What is typed for something else, a stretch each: filters, commands, notes, claims, searches, pane keys, the confirming key by
/// itself, a paste, a click. Enter comes only where it ends a filter, a search or a command, and `x` never: neither opens a prompt.
const STRETCHES: [&str; 34] = [
    "/cell0\r",
    "/cc",
    "/check\r",
    "/change\r",
    ":check",
    ":cc\r",
    ":confirm\r",
    "Nc ccc, cold cache",
    "Nchange\tc",
    "1c",
    "2jc",
    "3cG",
    "4c",
    "5c",
    "5m claim c",
    "5jm claim c",
    "5s because c",
    "5ju once more c",
    "5/c\r",
    "6c",
    "6jc",
    "6/c\r",
    "7c",
    "7/c\r",
    "7/ccc\rnnbc",
    "lc",
    "?c",
    "Rc",
    "gxc",
    "c",
    "ccc",
    "\x1b[200~c\x1b[201~",
    "\x1b[<0;20;8Mc",
    "\x1b[<65;20;8Mc",
];

/// What leads to another place from a prompt that is open: after these nothing confirms, however slowly they are typed.
const ELSEWHERE: [&str; 10] = ["/cell0\r", "/cc", ":cc\r", ":check", "Nc ccc", "1c", "5m claim c", "7/c\r", "Rc", "lc"];

/// Keys for any purpose, among them those that open and those that confirm; the last ones are words of consent.
const WILD: [&str; 66] = [
    "c",
    "c",
    "c",
    "c",
    "C",
    "y",
    "Y",
    "n",
    "N",
    "j",
    "j",
    "k",
    "g",
    "G",
    "x",
    "z",
    "o",
    "r",
    "R",
    "l",
    "M",
    "q",
    "v",
    "b",
    "e",
    "w",
    "t",
    "f",
    "s",
    "m",
    "u",
    "O",
    "E",
    "/",
    "/",
    ":",
    ":",
    "?",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "6",
    "7",
    " ",
    "0",
    "\r",
    "\r",
    "\r",
    "\r",
    "\t",
    "\x1b",
    "\x1b[A",
    "\x1b[B",
    "\x1b[5~",
    "\x1b[6~",
    "\x7f",
    "\x0c",
    "\x1b[<0;30;9M",
    "\x1b[<65;30;9M",
    "\x1b[<64;30;9M",
    "\x1b[200~change\x1b[201~",
    "change\r",
    "delete 1 files\r",
];

/// A key that means nothing anywhere.
const NOTHING: &str = "\x1b[23~";

/// The longest time between two wild keys, in milliseconds: well below the quiet time, so that no prompt ever takes one of them.
const WILD_PAUSE: u64 = 220;

/// The quiet time of a console, less what a machine may need to write a key.
const QUIET: Duration = Duration::from_millis(380);

/// What was done so far.
#[derive(Default)]
pub struct Tally {
    pub keys: usize,
    pub full: usize,
    pub read_only: usize,
    pub second: usize,
    pub plain: usize,
    pub own: usize,
    /// How often a prompt was open on a screen.
    pub open: usize,
    pub sizes: usize,
    pub cuts: usize,
    /// Keys that this machine wrote later than the quiet time after those before them.
    pub late: usize,
}

impl Tally {
    pub fn consoles(&self) -> usize {
        self.full + self.read_only + self.second + self.plain + self.own
    }
}

/// A person at one terminal.
pub struct Typist<'a> {
    pub pty: Pty,
    pub chance: &'a mut Chance,
    pub tally: &'a mut Tally,
    /// What was typed, for a message.
    pub typed: String,
    last: Instant,
    /// Whether a key was late since the console opened.
    pub late: bool,
}

impl<'a> Typist<'a> {
    pub fn at(pty: Pty, chance: &'a mut Chance, tally: &'a mut Tally) -> Self {
        Self { pty, chance, tally, typed: String::new(), last: Instant::now(), late: false }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.chance.below(all.len() as u64) as usize]
    }

    fn send(&mut self, keys: &str) {
        self.typed.push_str(&format!("{keys:?} "));
        self.tally.keys += keys.chars().count();
        self.pty.send(keys);
    }

    fn look(&mut self) {
        let screen = self.pty.screen();
        let asks = ["□ CHANGE", "■ DESTROY", "◆ SIGN OFF", "DECIDE", "SIGN OFF"];
        self.tally.open += usize::from(asks.iter().any(|word| screen.contains(word)));
    }

    fn resize(&mut self) {
        let (columns, rows) = self.one_of(&SIZES);
        self.typed.push_str(&format!("[{columns}x{rows}] "));
        self.pty.resize(columns, rows);
        self.tally.sizes += 1;
    }

    /// Types a stretch for something else, in a burst or at the pace of a typist, and leaves what it opened. `elsewhere` is for a
    /// console where a prompt may be open.
    pub fn types(&mut self, elsewhere: bool) {
        let stretch = if elsewhere { self.one_of(&ELSEWHERE) } else { self.one_of(&STRETCHES) };
        let pace = self.one_of(&[0, 0, 30, 120, 450]);
        self.typed.push_str(&format!("{pace} ms apart: "));
        if pace == 0 || stretch.starts_with('\x1b') {
            self.send(stretch);
        } else {
            for key in stretch.split_inclusive(|_| true) {
                self.send(key);
                pause(pace);
            }
        }
        if self.chance.below(6) == 0 {
            self.resize();
        }
        self.look();
        // An escape by itself: back to the panes, so that no Enter meets another dialog than its own.
        for _ in 0..4 {
            pause(60);
            self.send("\x1b");
        }
        pause(60);
    }

    /// Presses any keys at all, so many, never as far apart as the quiet time.
    pub fn hammers(&mut self, keys: usize) {
        // Half the time on the prompt that waits, opened.
        if self.chance.below(2) == 0 && self.pty.screen().contains(" opens it") {
            self.send("6\r");
            self.last = Instant::now();
        }
        for _ in 0..keys {
            if !self.pty.look(vt100::Screen::alternate_screen) {
                return;
            }
            let key = self.one_of(&WILD);
            let apart = self.chance.below(WILD_PAUSE);
            pause(apart);
            // What a busy machine held up comes behind another key, in one piece.
            let key = if self.last.elapsed() > Duration::from_millis(250) {
                format!("{NOTHING}{key}")
            } else {
                key.to_owned()
            };
            let begun = self.last;
            self.send(&key);
            self.last = Instant::now();
            if !key.starts_with(NOTHING) && self.last - begun > QUIET {
                (self.late, self.tally.late) = (true, self.tally.late + 1);
            }
            self.look();
            if self.chance.below(40) == 0 {
                self.resize();
            }
        }
    }

    /// Types lines that are none of the words a plain question asks for.
    pub fn types_lines(&mut self) {
        // What is there before the first question is on the screen answers nothing.
        let early = self.one_of(&["", "change\r", "done\rchange\r", "delete 1 files\r"]);
        if self.pty.raw().is_empty() {
            self.send(early);
        }
        for _ in 0..1 + self.chance.below(4) {
            let line = self.one_of(&[
                "c\r",
                "y\r",
                "yes\r",
                "/cell0\r",
                "q\r",
                "\r",
                "chang\r",
                "CHANGE\r",
                "delete\r",
                "ls -l\r",
                "skip it\r",
                "\x1b\r",
            ]);
            if self.chance.below(2) == 0 {
                self.pty.wait_for(SOON, |screen| screen.trim_end().ends_with(':'));
            }
            self.send(line);
            pause(self.chance_below(500));
        }
    }

    fn chance_below(&mut self, limit: u64) -> u64 {
        self.chance.below(limit)
    }

    /// Leaves the console as it happens: by a cut line, mostly.
    pub fn goes(mut self) -> (String, bool) {
        match self.chance.below(8) {
            0 => self.pty.kill(Signal::KILL),
            1 => self.pty.kill(Signal::TERM),
            _ => {
                self.pty.hang_up();
                self.tally.cuts += 1;
            }
        }
        self.pty.exit(SOON);
        (std::mem::take(&mut self.typed), self.late)
    }
}

pub fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Starts a procedure in the console, and opens its prompt; the run's id.
pub fn starts_own(estate: &mut Estate, pty: &Pty) -> String {
    pty.wait_for(SOON, |screen| screen.contains("UTC"));
    pty.press_until(":", |screen| screen.contains("palette") || screen.contains("Commands"));
    pty.send("run test/own");
    pty.wait_for(SOON, |screen| screen.contains("run test/own"));
    pty.press_until("\r", |screen| screen.contains("PLAN"));
    start(pty, "□ CHANGE");
    estate.new_run().expect("the run that was started")
}
