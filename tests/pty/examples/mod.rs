//! The three complete procedures of `docs/examples`, as an operator takes them: from the row that offers them to the report, with
//! real keys in a real terminal, on real servers and files. What counts is what the target says in the end.

mod drain;
mod dump;
mod retention;

use super::{Home, all_output, choose, line_with, stdout};
use crate::support::pty::{Pty, SOON};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Opens the console, and waits until a row is ok.
fn console(home: &Home, more: &[(&str, &str)], row: &str) -> Pty {
    let pty = home.open(&[], more, super::WIDE);
    pty.wait_for(SOON, |screen| screen.lines().any(|line| line.contains("● ") && line.contains(row)));
    pty
}

/// From a row of a pane to the plan of what acts on it: goes to the offer by its title, types what is not known yet, and says yes to
/// the rest of the parameters.
fn plan(pty: &Pty, (pane, row): (&str, &str), title: &str, typed: &str, fields: usize) -> String {
    pty.send(pane);
    pty.send("/");
    pty.send(row);
    pty.wait_for(SOON, |screen| screen.contains(&format!(" filter {row}")));
    pty.send("\r");
    pty.wait_for(SOON, |screen| !screen.contains(&format!(" filter {row}")));
    // A row is offered what fits it once it has been read.
    loop {
        pty.send("x");
        let offers = pty.wait_for(SOON, |screen| {
            screen.contains(title) || screen.contains(" apply here:") || screen.contains(" applies here:")
        });
        if offers.contains(title) {
            break;
        }
        // Once: a second one would take the filter away.
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains("┏ Act on"));
    }
    while !line_with(&pty.screen(), title).contains('▌') {
        let before = pty.screen();
        pty.send("j");
        pty.wait_for(SOON, |screen| screen != before);
    }
    pty.send("\r");
    pty.wait_for(SOON, |screen| !screen.contains("┏ Act on"));
    pty.send(typed);
    pty.wait_for(SOON, |screen| screen.contains(typed));
    for _ in 0..fields {
        pty.send("\r");
    }
    let shown = pty.wait_for(SOON, |screen| screen.contains("Press  c  to start"));
    pty.page_through();
    shown
}

/// Signs off with a note.
fn sign(pty: &Pty, note: &str) {
    let noted = |screen: &str| {
        let line = line_with(screen, "Note (needed):");
        line.split("Note (needed):").nth(1).unwrap_or_default().trim_matches([' ', '┃', '│', '▌']).to_owned()
    };
    pty.press_until("x", |screen| noted(screen).starts_with('x'));
    pty.press_until("\x7f", |screen| noted(screen).is_empty());
    pty.send(note);
    pty.wait_for(SOON, |screen| noted(screen) == note);
    pty.send("\t");
    pty.press_until("c", |screen| !screen.contains("SIGN OFF"));
}

/// Chooses what becomes of a step that went wrong.
fn decide(pty: &Pty, word: &str) {
    choose(pty, word);
    pty.press_until("c", |screen| !screen.contains("DECIDE"));
}

/// Says that a test is over, however it ends, so that what runs beside it ends as well.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// The report of the newest run, whose record is whole and sealed.
fn report(home: &Home) -> String {
    let run = home.newest_run();
    let verify = home.command(&["verify", &run]);
    assert!(verify.status.success() && stdout(&verify).contains("whole and sealed"), "{}", all_output(&verify));
    let report = home.command(&["report", &run]);
    assert!(report.status.success(), "{}", all_output(&report));
    stdout(&report)
}
