//! A checklist as its operator walks it in the console: items by evidence, by hand, skipped; and who may only look.

use super::{Home, WIDE, leave, line_with, stdout, until};
use crate::support::pty::{Pty, SOON};
use std::fs;

/// The list of the plain prompts with one item more, and with its root given.
fn list(home: &Home) -> String {
    let third = r#"[[before]]
title = "Third"
check = { files = "newest", under = ".", match = "*.third", younger = "24h" }
[[before]]
title  = "Append"
"#;
    let text = super::LIST.replace("[[before]]\ntitle  = \"Append\"\n", third).replace("\"List\"", "\"Tonight\"");
    text.replace("path = true", &format!("path = true, default = \"{}\"", home.word("work")))
}

fn home() -> Home {
    let home = Home::with("", &[]);
    let text = list(&home);
    fs::write(home.path("config/midwatch/procedures/test/list.toml"), text).unwrap();
    home
}

/// Begins the checklist from its pane, where nothing is ticked yet.
fn begin(home: &Home) -> Pty {
    let pty = home.open(&[], &[], WIDE);
    pty.wait_for(SOON, |screen| screen.contains("5 Checklist"));
    pty.send("5");
    let shown = pty.wait_for(SOON, |screen| screen.contains("☐  Fresh") && screen.contains("none open"));
    assert!(line_with(&shown, "Tonight").contains("5 items"), "the estate's own comes first: {shown}");
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("an absolute path"));
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("Press  c  to start"));
    pty.press_until("c", |screen| screen.contains("Before 0/4 · After 0/1"));
    pty
}

/// Turns to an item, counted from 1.
fn turn(pty: &Pty, number: u32) -> String {
    let at = |screen: &str| screen.split("item ").nth(1)?.split(" of 5").next()?.parse::<u32>().ok();
    loop {
        let now = at(&pty.screen());
        if now == Some(number) {
            return pty.screen();
        }
        pty.send(if now > Some(number) { "k" } else { "j" });
        pty.wait_for(SOON, |screen| at(screen) != now);
    }
}

#[test]
fn items_are_closed_by_evidence_by_hand_and_skipped_in_the_console() {
    let home = home();
    let pty = begin(&home);
    pty.wait_for(SOON, |screen| line_with(screen, "☐  Third").contains("no file fits"));
    pty.send("\r");
    let shown = pty.wait_for(SOON, |screen| screen.contains("item 1 of 5") && screen.contains("no file fits *.gz"));
    for expected in ["It is the rollback", "hard: only evidence closes it", "not passed"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!line_with(&shown, "Enter evidence").contains("by hand"), "{shown}");
    // A look that does not pass says why; one that does closes the item.
    pty.press_until("\r", |screen| screen.contains("it stays open: no file fits *.gz"));
    fs::write(home.path("work/a.gz"), "x").unwrap();
    pty.press_until("\r", |screen| screen.contains("✓ EVIDENCE") || screen.contains("item 2 of 5"));
    // Another one by hand, with a note; one is skipped, with a reason.
    turn(&pty, 2);
    pty.press_until("m", |screen| screen.contains("Sign off by hand"));
    write(&pty, "checked by hand");
    pty.press_until("c", |screen| screen.contains("✎ CLAIM") && screen.contains("says      checked by hand"));
    turn(&pty, 3);
    pty.press_until("s", |screen| screen.contains("Skip: why"));
    write(&pty, "not tonight");
    pty.press_until("c", |screen| screen.contains("SKIPPED") && screen.contains("because   not tonight"));
    again(&pty);
    assert!(turn(&pty, 4).contains("asks before it acts"), "{}", pty.screen());
    pty.press_until("\r", |screen| screen.contains("□ CHANGE"));
    assert!(home.effects().is_empty());
    pty.press_until("c", |screen| screen.contains("✓ EVIDENCE") && screen.contains("item 4 of 5"));
    assert_eq!(home.effects(), ["x"]);
    // The next phase has opened; the sign-off is the last.
    pty.press_until("\r", |screen| screen.contains("item 5 of 5"));
    pty.press_until("m", |screen| screen.contains("Sign off by hand"));
    write(&pty, "yes");
    pty.press_until("c", |screen| screen.contains("says      yes"));
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| screen.contains("Before 4/4 · After 1/1") && screen.contains("leaves it"));
    let run = home.newest_run();
    let report = stdout(&home.command(&["report", &run]));
    for expected in ["says: checked by hand", "reason: really not tonight", "odd smell", "says: yes", "| evidence |"] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| screen.contains("none open"));
    leave(&pty);
}

/// Opens the skipped item again, leaves a note beside it, and skips it once more.
fn again(pty: &Pty) {
    pty.press_until("u", |screen| screen.contains("Open again: why"));
    write(pty, "a mistake");
    pty.press_until("c", |screen| screen.contains("☐ OPEN") && screen.contains("item 3 of 5"));
    pty.send("N");
    pty.wait_for(SOON, |screen| screen.contains("Tab leaves the text; then c saves the note."));
    pty.send("odd smell");
    leave_text(pty);
    pty.press_until("c", |screen| screen.contains("root: odd smell"));
    pty.press_until("s", |screen| screen.contains("Skip: why"));
    write(pty, "really not tonight");
    pty.press_until("c", |screen| screen.contains("because   really not tonight"));
    // An act asks above its item, and Enter alone does nothing there.
}

/// Writes into a text area. What is typed ahead is lost by design: one letter shows that the area listens.
fn write(pty: &Pty, text: &str) {
    pty.press_until("x", |screen| area(screen).starts_with('x'));
    pty.press_until("\x7f", |screen| area(screen).is_empty());
    pty.send(text);
    pty.wait_for(SOON, |screen| area(screen) == text);
    leave_text(pty);
}

/// Goes from the text to the keys; the screen says what the next one does.
fn leave_text(pty: &Pty) {
    pty.send("\t");
    pty.wait_for(SOON, |screen| screen.contains("Tab goes to the text") && !screen.contains("leaves the text"));
}

/// The first line of the text area on the screen.
fn area(screen: &str) -> String {
    let mut lines = screen.lines().skip_while(|line| !line.contains(": w") && !line.contains("Sign off by hand: "));
    let line = lines.nth(1).unwrap_or_default();
    line.split('┃').nth(1).unwrap_or_default().trim().to_owned()
}

#[test]
fn a_watcher_looks_at_the_checklist_and_at_a_run_beside_it_and_ticks_nothing() {
    let home = Home::with("", &[("slow", super::SLOW)]);
    let text = list(&home);
    fs::write(home.path("config/midwatch/procedures/test/list.toml"), text).unwrap();
    home.run("test/list");
    let run = home.newest_run();
    let slow = home.command(&["run", "test/slow", &format!("root={}", home.word("work"))]);
    assert!(stdout(&slow).contains("it waits for a person"), "{}", stdout(&slow));
    let pty = home.open(&["--read-only"], &[], WIDE);
    // It comes to the run that waits; the overview has both.
    pty.wait_for(SOON, |screen| screen.contains(" opens it"));
    pty.send("1");
    pty.wait_for(SOON, |screen| screen.contains("Before 0/4") && line_with(screen, "6 Run").contains("Slow work"));
    until("every look was made", || home.journal(&run).matches("step.outcome").count() >= 3);
    let before = home.journal(&run);
    pty.send("5\r");
    let shown = pty.wait_for(SOON, |screen| screen.contains("item 1 of 5"));
    assert!(shown.contains("Read-only: this console looks at a checklist"), "{shown}");
    for key in ["\r", "m", "s", "u", "N", "\x04", "c"] {
        pty.send(key);
        if ["m", "s", "u", "N"].contains(&key) {
            pty.wait_for(SOON, |screen| screen.contains("Not possible"));
            pty.press_until("\x1b", |screen| !screen.contains("Not possible"));
        }
    }
    pty.send("j");
    pty.wait_for(SOON, |screen| screen.contains("item 2 of 5"));
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| !screen.contains("item 2 of 5"));
    assert_eq!(home.journal(&run), before);

    // The same through `check`, and a second console sees what it says.
    let check = home.command(&["check", "checklist"]);
    assert_eq!(check.status.code(), Some(3));
    assert!(line_with(&stdout(&check), "Other").starts_with("unknown   item"), "{}", stdout(&check));
}
