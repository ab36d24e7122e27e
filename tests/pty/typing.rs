//! Somebody types for something else while a run waits: no answer may come of it.
//!
//! Runs wait for a change, a destroy, a sign-off, a decision and for the items of a checklist. A console is opened on one of
//! them, typed into and cut off, again and again, at several sizes. What is typed is what people type: filters and commands with
//! a `c` in them, notes, pane keys, the confirming key by itself, a paste, a click; in a burst, at the pace of a typist, and with
//! pauses longer than the quiet time. No key is sent that opens a prompt: `x` never, and Enter only where it ends a filter or a
//! command. So no prompt is ever open on purpose, and every answer in a journal is a defect; nothing has to be guessed about what
//! the typist meant. `MIDWATCH_TYPING_SECONDS` goes on for longer than the sample, `MIDWATCH_TEST_SEED` repeats one.

use super::{Home, LIST, SLOW};
use crate::runner::chance::{Chance, seed};
use crate::support::pty::SOON;
use midwatch::journal::chain;
use midwatch::journal::record::Event;
use std::fs;
use std::time::{Duration, Instant};

/// How long the sample in the suite goes on.
const SAMPLE: u64 = 20;

const SIZES: [(u16, u16); 5] = [(40, 10), (80, 24), (100, 30), (120, 36), (200, 50)];

/// What is typed, a stretch each.
const STRETCHES: [&str; 22] = [
    "/cell0\r",
    "/cc",
    "/check\r",
    ":check",
    ":cc\r",
    "Nc ccc, cold cache",
    "1c",
    "2jc",
    "3cG",
    "4c",
    "5c",
    "5m claim c",
    "5s because c",
    "6c",
    "6jc",
    "7c",
    "lc",
    "?c",
    "Rc",
    "c",
    "ccc",
    "\x1b[200~c\x1b[201~",
];

const HEAD: &str = r#"
format = 1
title = "Asks"
purpose = "Ask"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
root = "{{root}}"
phases = ["work"]
[params]
root = { path = true }
[[work]]
"#;

/// The steps that ask, by the name of their procedure.
const STEPS: [(&str, &str); 3] = [
    (
        "clean",
        "title = \"Delete\"\neffect = \"destroy\"\ndo = { files = \"delete\", under = \".\", match = \"*.old\" }\nundo = { none = \"a test\" }\n",
    ),
    ("sign", "title = \"Look\"\nmanual = \"Is it so?\"\n"),
    ("decide", "title = \"Gate\"\ncheck = { exec = [\"false\"] }\n"),
];

/// A home with one run that waits, for each kind of prompt.
fn waiting() -> Vec<(Home, String)> {
    let mut all = Vec::new();
    for (name, text) in [("slow", SLOW), ("list", LIST)] {
        let home = Home::with("", &[(name, text)]);
        let run = home.run_waiting(&format!("test/{name}"));
        all.push((home, run));
    }
    for (name, step) in STEPS {
        let text = HEAD.replace("format = 1\n", &format!("format = 1\nid = \"test/{name}\"\n")) + step;
        let home = Home::with("", &[(name, &text)]);
        fs::write(home.path("work/a.old"), "x").unwrap();
        let run = home.run_waiting(&format!("test/{name}"));
        all.push((home, run));
    }
    all
}

/// What people answered or closed in a run so far.
fn answers(home: &Home, run: &str) -> Vec<Event> {
    let records = chain::read(&fs::read(home.path(&format!("state/runs/{run}/journal.jsonl"))).unwrap()).records;
    let by_person = |event: &Event| {
        matches!(
            event,
            Event::AnswerAccepted { .. }
                | Event::AnswerRejected { .. }
                | Event::StepClosed { .. }
                | Event::StepSkipped { .. }
                | Event::StepOverridden { .. }
                | Event::AbortRequested { .. }
        )
    };
    records.into_iter().map(|record| record.event).filter(by_person).collect()
}

#[test]
fn what_is_typed_for_something_else_answers_nothing() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let mut chance = Chance(seed);
    let seconds = std::env::var("MIDWATCH_TYPING_SECONDS").ok().and_then(|text| text.parse().ok());
    let runs = waiting();
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SAMPLE));
    let (mut consoles, mut keys) = (0_u32, 0_usize);
    while Instant::now() < end {
        let (home, run) = &runs[chance.below(runs.len() as u64) as usize];
        let size = SIZES[chance.below(SIZES.len() as u64) as usize];
        let named = ["attach", run];
        let mut pty = home.open(if chance.below(2) == 0 { &named } else { &[] }, &[], size);
        // At times the keys are there before the console is.
        if chance.below(4) > 0 {
            pty.wait_for(SOON, |screen| screen.contains("UTC"));
        }
        let mut typed = String::new();
        for _ in 0..1 + chance.below(6) {
            let stretch = STRETCHES[chance.below(STRETCHES.len() as u64) as usize];
            let pace = [0, 0, 30, 120, 450][chance.below(5) as usize];
            typed.push_str(&format!("{stretch:?} {pace} ms apart; "));
            keys += stretch.len();
            if pace == 0 || stretch.starts_with('\x1b') {
                pty.send(stretch);
            } else {
                for key in stretch.split_inclusive(|_| true) {
                    pty.send(key);
                    std::thread::sleep(Duration::from_millis(pace));
                }
            }
            // An escape by itself: back to the panes, so that no Enter meets another dialog than its own.
            for _ in 0..3 {
                std::thread::sleep(Duration::from_millis(60));
                pty.send("\x1b");
            }
            std::thread::sleep(Duration::from_millis(60));
            assert_eq!(answers(home, run), [], "seed {seed}, {size:?}: {typed}\n{}", pty.screen());
        }
        pty.hang_up();
        pty.exit(SOON);
        assert_eq!(answers(home, run), [], "seed {seed}, {size:?}: {typed}");
        consoles += 1;
    }
    println!("{consoles} consoles, {keys} keys, no answer");
    assert!(consoles > 0 && keys > 0);
}
