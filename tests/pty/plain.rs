//! Questions as plain prompts: only what is typed after a question is on the screen answers it.

use super::{Home, SLOW, until};
use crate::support::pty::{Exit, SOON};
use midwatch::journal::chain;
use midwatch::journal::record::{Answer, Event};

/// What people answered in a run so far.
fn answers(home: &Home) -> Vec<Answer> {
    let answer = |event: Event| match event {
        Event::AnswerAccepted { answer, .. } => Some(answer),
        _ => None,
    };
    let records = chain::read(home.journal(&home.newest_run()).as_bytes()).records;
    records.into_iter().filter_map(|record| answer(record.event)).collect()
}

#[test]
fn an_interrupt_in_the_quiet_time_leaves_the_terminal_as_it_was() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", "--plain", &run], &[("MIDWATCH_SPAN_QUIET", "600000")], (120, 50));
    let echoes = |pty: &crate::support::pty::Pty| pty.termios().local_modes.contains(rustix::termios::LocalModes::ECHO);
    until("the quiet time", || !echoes(&pty));
    pty.send("change\r\x03");
    assert_eq!(pty.exit(SOON), Exit::Signal("Interrupt".to_owned()));
    assert!(echoes(&pty));
    assert_eq!(answers(&home), []);
}
