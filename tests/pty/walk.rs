//! A checklist as plain prompts: one item at a time, what it is, why, and what is known of it.

use super::{Home, LIST, stdout};
use crate::support::pty::{Exit, SOON};
use std::fs;

#[test]
fn one_item_after_the_other_is_done_claimed_skipped_or_left_for_later() {
    let home = Home::with("", &[("list", LIST)]);
    let root = format!("root={}", home.word("work"));
    let pty = home.open(&["run", "test/list", &root], &[], (120, 50));
    // A hard gate cannot be closed by hand, and shows its reason and the reading.
    let screen = pty.wait_for(SOON, |screen| screen.contains("done (look again), later, note, leave:"));
    for expected in ["before 0/3  Fresh  hard gate", "why: It is the rollback", "no file fits *.gz"] {
        assert!(screen.contains(expected), "{expected}\n{screen}");
    }
    pty.send("done\r");
    pty.wait_for(SOON, |screen| screen.contains("it stays open: no file fits *.gz"));
    // The next one comes, and the first again when the others are over.
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("done (look again), hand, skip, later, note, leave:"));
    pty.send("note\r");
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("note:"));
    pty.send("odd smell\r");
    pty.wait_for(SOON, |screen| screen.contains("note of root: odd smell") && screen.trim_end().ends_with("leave:"));
    pty.send("hand\r");
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("note (required):"));
    pty.send("checked by hand\r");
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("done (preview and ask), hand, skip, later, note, leave:"));
    pty.send("done\r");
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("to confirm, or cancel:"));
    pty.send("change\r");
    pty.wait_for(SOON, |screen| screen.contains("before 2/3  Fresh") && screen.trim_end().ends_with("leave:"));
    fs::write(home.path("work/a.gz"), "x").unwrap();
    pty.send("done\r");
    pty.wait_for(SOON, |screen| {
        screen.contains("after 0/1  Signed")
            && screen.trim_end().ends_with("done: NOTE (sign off), skip, later, note, leave:")
    });
    pty.send("done\r");
    pty.wait_for(SOON, |screen| screen.contains("must say something") && screen.trim_end().ends_with("leave:"));
    pty.send("done: yes\r");
    pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert_eq!(home.effects(), ["x"]);
    let report = stdout(&home.command(&["report", &home.newest_run()]));
    for expected in ["says: checked by hand", "odd smell", "says: yes", "| evidence |"] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
}
