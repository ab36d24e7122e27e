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
    let screen = pty.wait_for(SOON, |screen| screen.contains("done (look again), note: TEXT, later, leave [nothing]:"));
    for expected in ["before 0/3  Fresh  hard gate", "why: It is the rollback", "no file fits *.gz"] {
        assert!(screen.contains(expected), "{expected}\n{screen}");
    }
    pty.send("done\r");
    pty.wait_for(SOON, |screen| screen.contains("it stays open: no file fits *.gz"));
    // The next one comes, and the first again when the others are over.
    let asks = |screen: &str, words: &str| {
        screen.trim_end().ends_with(&format!("{words}, note: TEXT, later, leave [nothing]:"))
    };
    pty.wait_for(SOON, |screen| asks(screen, "done (look again), hand: NOTE, skip: REASON"));
    // A word that needs a text is no answer without it, and neither is an empty line; the same question stands again.
    for (line, says) in
        [("hand", "hand needs its text"), ("skip:", "skip needs its text"), ("", "type one of the words")]
    {
        pty.send(format!("{line}\r"));
        pty.wait_for(SOON, |screen| {
            screen.contains(&format!("nothing was done: {says}")) && screen.trim_end().ends_with("leave [nothing]:")
        });
    }
    pty.send("note: odd smell\r");
    pty.wait_for(SOON, |screen| {
        screen.contains("note of root: odd smell") && screen.trim_end().ends_with("[nothing]:")
    });
    pty.send("hand: checked by hand\r");
    pty.wait_for(SOON, |screen| asks(screen, "done (preview and ask), hand: NOTE, skip: REASON"));
    pty.send("done\r");
    pty.wait_for(SOON, |screen| screen.trim_end().ends_with("to confirm, or cancel [nothing]:"));
    pty.send("change\r");
    pty.wait_for(SOON, |screen| {
        screen.contains("before 2/3  Fresh") && screen.trim_end().ends_with("leave [nothing]:")
    });
    fs::write(home.path("work/a.gz"), "x").unwrap();
    pty.send("done\r");
    pty.wait_for(SOON, |screen| {
        screen.contains("after 0/1  Signed") && asks(screen, "done: NOTE (sign off), skip: REASON")
    });
    pty.send("done\r");
    pty.wait_for(SOON, |screen| {
        screen.contains("done needs its text") && screen.trim_end().ends_with("leave [nothing]:")
    });
    pty.send("done: yes\r");
    pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert_eq!(home.effects(), ["x"]);
    let report = stdout(&home.command(&["report", &home.newest_run()]));
    for expected in ["says: checked by hand", "odd smell", "says: yes", "| evidence |"] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
}
