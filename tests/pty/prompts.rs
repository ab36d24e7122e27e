//! Prompts, and everything that must not answer them.

use super::{Home, SLOW, WIDE, line_with, open_prompt, until};
use crate::support::pty::{Pty, SOON};
use midwatch::journal::chain;
use midwatch::journal::record::Event;
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

/// Deletes what is old below `old`; its phrase is `delete 3 files`.
const CLEAN: &str = r#"
format = 1
id = "test/clean"
title = "Clean up"
purpose = "Delete what is old"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
lock = ["host"]
root = "{{root}}"
phases = ["clean"]

[params]
root = { path = true }

[[clean]]
title = "Delete old files"
effect = "destroy"
do = { files = "delete", under = "old", match = "*.txt", older = "30d" }
prove = { files = "gone" }
undo = { none = "they are old" }
"#;

/// A home with three old files, one new one, and a run that asks to delete the old ones.
fn destroying() -> (Home, String) {
    let home = Home::with("", &[("clean", CLEAN)]);
    fs::create_dir(home.path("work/old")).unwrap();
    for name in ["a", "b", "c", "new"] {
        let file = fs::File::create(home.path(&format!("work/old/{name}.txt"))).unwrap();
        if name != "new" {
            file.set_modified(SystemTime::now() - Duration::from_secs(100 * 86_400)).unwrap();
        }
    }
    let run = home.run("test/clean");
    (home, run)
}

/// The answers that count by the journal, which must have a prompt that could be answered.
fn accepted(home: &Home, run: &str) -> Vec<Event> {
    let records = chain::read(home.journal(run).as_bytes()).records;
    assert!(records.iter().any(|record| matches!(record.event, Event::PromptOpened { .. })), "no prompt was opened");
    let answers = records.into_iter().map(|record| record.event);
    answers.filter(|event| matches!(event, Event::AnswerAccepted { .. })).collect()
}

fn left(home: &Home) -> usize {
    super::files(&home.path("work/old"), ".txt")
}

/// The text behind the phrase.
fn typed(screen: &str) -> String {
    line_with(screen, "to confirm:")
        .split("to confirm:")
        .nth(1)
        .unwrap_or_default()
        .trim_matches([' ', '┃', '│'])
        .to_owned()
}

/// Types one character and waits until it is in the field; before the dialog is awake, none does.
fn wake(pty: &Pty, character: &str) {
    pty.press_until(character, |screen| typed(screen).starts_with(character));
    pty.press_until("\x7f", |screen| typed(screen) == "▌");
}

#[test]
fn only_the_exact_phrase_destroys() {
    let (home, run) = destroying();
    let pty = home.open(&["attach", &run], &[], (100, 30));
    let shown = open_prompt(&pty, "■ DESTROY");
    assert!(shown.contains("Type  delete 3 files  to confirm:"), "{shown}");
    assert!(shown.contains("3 of 4"), "{shown}");
    wake(&pty, "d");
    // A paste is refused, and so are the keys that a tired hand presses.
    pty.send("\x1b[200~delete 3 files\x1b[201~");
    let refused = pty.wait_for(SOON, |screen| screen.contains("nothing can be pasted here"));
    assert_eq!(typed(&refused), "▌");
    pty.press_until("\r", |screen| screen.contains("not the phrase yet"));
    pty.send("yc ");
    pty.wait_for(SOON, |screen| typed(screen).starts_with("yc"));
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("not the phrase yet"));
    for _ in 0..3 {
        pty.send("\x7f");
    }
    pty.wait_for(SOON, |screen| typed(screen) == "▌");
    pty.type_in("delete 3 filess\r");
    pty.wait_for(SOON, |screen| typed(screen) == "delete 3 filess▌" && screen.contains("not the phrase yet"));
    assert_eq!(left(&home), 4);
    assert_eq!(accepted(&home, &run), Vec::new());
    pty.send("\x7f");
    pty.wait_for(SOON, |screen| typed(screen) == "delete 3 files▌");
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("ended well"));
    assert_eq!((left(&home), accepted(&home, &run).len()), (1, 1));
    assert!(home.path("work/old/new.txt").exists());
}

#[test]
fn a_phrase_that_is_pasted_is_refused_and_typed_it_counts() {
    let (home, run) = destroying();
    let pty = home.open(&["attach", &run], &[], (100, 30));
    open_prompt(&pty, "■ DESTROY");
    wake(&pty, "d");
    // As a terminal without bracketed paste sends it, whole or behind a part that was typed.
    for before in ["", "delete 3 "] {
        pty.type_in(before);
        pty.send(&"delete 3 files\r"[before.len()..]);
        let refused = pty.wait_for(SOON, |screen| screen.contains("type the phrase; pasted text does not count"));
        assert_eq!(typed(&refused), "▌");
        assert!(refused.contains("■ DESTROY"), "{refused}");
        wake(&pty, "d");
    }
    assert_eq!((left(&home), accepted(&home, &run)), (4, Vec::new()));
    pty.type_in("delete 3 files");
    pty.wait_for(SOON, |screen| typed(screen) == "delete 3 files▌");
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("ended well"));
    assert_eq!((left(&home), accepted(&home, &run).len()), (1, 1));
}

#[test]
fn what_was_typed_before_the_prompt_opened_is_not_taken() {
    let (home, run) = destroying();
    // The keys are there before the console is, and again with its first frame.
    let pty = home.open(&["attach", &run], &[], (100, 30));
    pty.send("delete 3 files\r");
    pty.wait_for(SOON, |screen| screen.contains(" opens it"));
    pty.press_until("6\r", |screen| screen.contains("■ DESTROY"));
    pty.send("delete 3 files\r");
    wake(&pty, "z");
    assert_eq!(left(&home), 4);
    assert_eq!(accepted(&home, &run), Vec::new());
}

#[test]
fn what_was_typed_while_the_console_was_held_up_is_not_taken() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    for _ in 0..3 {
        let pty = home.open(&["attach", &run], &[], (100, 30));
        open_prompt(&pty, "□ CHANGE");
        // Stopped as soon as the prompt is there, for much longer than keys are ignored.
        pty.kill(Signal::STOP);
        pty.send("cc");
        std::thread::sleep(Duration::from_millis(900));
        pty.kill(Signal::CONT);
        pty.press_until("g", |screen| screen.contains(" g …"));
        assert_eq!(accepted(&home, &run), Vec::new());
    }
}

#[test]
fn a_change_is_confirmed_by_its_key_alone() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", &run], &[], (100, 30));
    open_prompt(&pty, "□ CHANGE");
    // Once a key says something, the dialog is awake; from then on each of these would act if it could.
    pty.press_until("g", |screen| screen.contains(" g …"));
    pty.send("\r y\r\nY");
    pty.send("\x1b[200~c\x1b[201~");
    pty.wait_for(SOON, |screen| screen.contains("nothing can be pasted here"));
    assert!(pty.screen().contains("□ CHANGE"));
    assert!(home.effects().is_empty());
    assert_eq!(accepted(&home, &run), Vec::new());
    pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
    until("the first step ended", || home.effects() == ["mark"]);
    // Its answer was for its own step: the second asks for itself.
    open_prompt(&pty, "step 2 of 3");
    assert_eq!((accepted(&home, &run).len(), home.effects()), (1, vec!["mark".to_owned()]));
}

#[test]
fn a_prompt_that_does_not_fit_cannot_be_confirmed_and_survives() {
    let (home, run) = destroying();
    let mut pty = home.open(&["attach", &run], &[], (100, 30));
    open_prompt(&pty, "■ DESTROY");
    wake(&pty, "d");
    pty.type_in("delete 3 file");
    pty.wait_for(SOON, |screen| typed(screen) == "delete 3 file▌");
    pty.resize(30, 8);
    pty.wait_for(SOON, |screen| screen.contains("40") && screen.contains("30x8"));
    pty.send("s\r");
    // Large enough to be drawn, too small for all of the dialog at once.
    pty.resize(44, 11);
    let small = pty.wait_for(SOON, |screen| screen.contains("DESTROY"));
    assert!(small.contains("rows 1–") || small.contains("row 1 of"), "{small}");
    pty.send("\r");
    pty.resize(100, 30);
    let grown = pty.wait_for(SOON, |screen| typed(screen).starts_with("delete"));
    assert_eq!(typed(&grown), "delete 3 file▌", "a key for a screen that showed nothing is not taken");
    // The quiet time begins again with each key, and a second one that counts would be one too many.
    let until = Instant::now() + SOON;
    while typed(&pty.screen()) == "delete 3 file▌" && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(700));
        pty.send("s");
        std::thread::sleep(Duration::from_millis(700));
    }
    assert_eq!(typed(&pty.screen()), "delete 3 files▌");
    assert_eq!(left(&home), 4);
    assert_eq!(accepted(&home, &run), Vec::new());
    pty.press_until("\r", |screen| screen.contains("✓ ok"));
    assert_eq!(left(&home), 1);
}

#[test]
fn a_prompt_that_is_higher_than_the_screen_is_read_to_its_end_and_confirmed() {
    let (home, run) = destroying();
    let pty = home.open(&["attach", &run], &[], (44, 11));
    open_prompt(&pty, "■ DESTROY");
    let below =
        |screen: &str| screen.lines().skip_while(|line| !line.contains("to confirm:")).nth(1).map(str::to_owned);
    let typed = |screen: &str| below(screen).unwrap_or_default().trim_matches(['┃', ' ', '▌']).to_owned();
    pty.press_until("d", |screen| typed(screen).starts_with('d'));
    pty.press_until("\x7f", |screen| typed(screen).is_empty());
    pty.type_in("delete 3 files");
    pty.wait_for(SOON, |screen| typed(screen) == "delete 3 files");
    pty.press_until("\r", |screen| screen.contains("were not on the screen yet"));
    assert_eq!((left(&home), accepted(&home, &run)), (4, Vec::new()));
    pty.page_through();
    pty.press_until("\r", |screen| !screen.contains("to confirm:"));
    until("the files are deleted", || left(&home) == 1);
    assert_eq!(accepted(&home, &run).len(), 1);
}

/// A console whose change prompt is open and awake, and its run.
fn awake() -> (Home, String, Pty) {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", &run], &[], (100, 30));
    open_prompt(&pty, "□ CHANGE");
    pty.press_until("g", |screen| screen.contains(" g …"));
    (home, run, pty)
}

/// Opens the prompt again, which must be the one of the first step still.
fn answered_nothing(home: &Home, run: &str, pty: &Pty, text: &str) {
    for _ in 0..3 {
        pty.send("\x1b");
        std::thread::sleep(Duration::from_millis(60));
    }
    pty.press_until("6\r", |screen| screen.contains("□ CHANGE") || screen.contains("step 2 of 3"));
    assert!(pty.screen().contains("step 1 of 3"), "{text:?}: {}", pty.screen());
    assert_eq!((accepted(home, run), home.effects()), (Vec::new(), Vec::new()), "{text:?}");
    pty.press_until("g", |screen| screen.contains(" g …"));
}

#[test]
fn a_paste_that_the_terminal_does_not_mark_confirms_nothing() {
    let (home, run, pty) = awake();
    for text in ["cd /tmp\n", "change\n", "ccc", "kjc", "cat notes\r"] {
        pty.send(text);
        answered_nothing(&home, &run, &pty, text);
    }
    // By itself the same key is the answer.
    pty.press_until("c", |screen| !screen.contains("to confirm this change"));
    until("the first step ended", || home.effects() == ["mark"]);
}

#[test]
fn words_that_are_typed_for_another_place_confirm_nothing() {
    let mut tried = 0;
    while tried < 2 {
        let (home, run, pty) = awake();
        let text = ["cd /tmp", "/etc"][tried];
        // The key that woke it leads nowhere, and the quiet time is over.
        pty.send("j");
        std::thread::sleep(Duration::from_millis(700));
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for key in text.split_inclusive(|_| true) {
            pty.send(key);
            longest = longest.max(last.elapsed());
            last = Instant::now();
            std::thread::sleep(Duration::from_millis(150));
        }
        // A machine that held us up for longer typed slower than a person.
        if longest < Duration::from_millis(220) {
            answered_nothing(&home, &run, &pty, text);
            tried += 1;
        }
    }
}

#[test]
fn a_paste_that_comes_in_pieces_confirms_nothing() {
    let mut tried = 0;
    while tried < 2 {
        let (home, run, pty) = awake();
        let text = ["cd /tmp\n", "change\n"][tried];
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for key in text.split_inclusive(|_| true) {
            pty.send(key);
            longest = longest.max(last.elapsed());
            last = Instant::now();
            std::thread::sleep(Duration::from_millis(5));
        }
        // A machine that held us up for longer sent no paste.
        if longest < Duration::from_millis(25) {
            answered_nothing(&home, &run, &pty, text);
            tried += 1;
        }
    }
}

/// Three changes, one after the other.
const THREE: &str = r#"
format = 1
id = "test/three"
title = "Three changes"
purpose = "Ask three times"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
phases = ["work"]

[[work]]
title = "First"
effect = "change"
do = { exec = ["sh", "-c", "echo one >>{{home}}/work/effects"] }
undo = { none = "a test" }
[[work]]
title = "Second"
effect = "change"
do = { exec = ["sh", "-c", "echo two >>{{home}}/work/effects"] }
undo = { none = "a test" }
[[work]]
title = "Third"
effect = "change"
do = { exec = ["sh", "-c", "echo three >>{{home}}/work/effects"] }
undo = { none = "a test" }
"#;

/// Presses `c` again and again, each time after longer than any quiet time, while the banner is shown.
fn rhythm(pty: &Pty) {
    for _ in 0..4 {
        pty.wait_for(SOON, |screen| screen.contains(" opens it"));
        std::thread::sleep(Duration::from_millis(1100));
        pty.send("c");
    }
}

#[test]
fn the_key_that_starts_a_run_confirms_none_of_its_steps_however_often_it_is_pressed() {
    let home = Home::with("", &[]);
    let three = THREE.replace("{{home}}", &home.word(""));
    fs::write(home.path("config/midwatch/procedures/test/three.toml"), three).unwrap();
    let pty = home.open(&[], &[], WIDE);
    pty.wait_for(SOON, |screen| screen.contains("UTC"));
    pty.press_until(":", |screen| screen.contains("palette") || screen.contains("Commands"));
    pty.send("run test/three");
    pty.wait_for(SOON, |screen| screen.contains("run test/three"));
    pty.press_until("\r", |screen| screen.contains("PLAN"));
    pty.press_until("c", |screen| screen.contains(" opens it"));
    let run = home.newest_run();
    rhythm(&pty);
    assert_eq!((accepted(&home, &run), home.effects()), (Vec::new(), Vec::new()));
    // Opened and read, the same key is the answer; and to nothing that follows.
    for done in 1..=3 {
        open_prompt(&pty, "□ CHANGE");
        pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
        until("it is done", || home.effects().len() == done);
        if done < 3 {
            rhythm(&pty);
        }
        assert_eq!((accepted(&home, &run).len(), home.effects().len()), (done, done));
    }
    pty.wait_for(SOON, |screen| screen.contains("ended well"));
}
