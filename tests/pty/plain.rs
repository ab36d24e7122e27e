//! Questions as plain prompts: only what is typed after a question is on the screen answers it.

use super::{Home, SLOW, until};
use crate::support::pty::{Exit, Pty, SOON};
use midwatch::journal::chain;
use midwatch::journal::record::{Answer, Event};
use std::fs;

/// A quiet time that a busy machine does not outlast by itself, in milliseconds.
const QUIET: [(&str, &str); 1] = [("MIDWATCH_SPAN_QUIET", "2500")];

const CONFIRM: &str = "type  change  to confirm, or cancel:";

/// What people answered in a run so far.
fn answers(home: &Home) -> Vec<Answer> {
    let answer = |event: Event| match event {
        Event::AnswerAccepted { answer, .. } => Some(answer),
        _ => None,
    };
    let records = chain::read(home.journal(&home.newest_run()).as_bytes()).records;
    records.into_iter().filter_map(|record| answer(record.event)).collect()
}

/// Waits for a question at the end of the screen, below a text.
fn question(pty: &Pty, above: &str, question: &str) {
    pty.wait_for(SOON, |screen| screen.contains(above) && screen.trim_end().ends_with(question));
}

#[test]
fn what_was_typed_before_the_question_answers_nothing() {
    for attached in [false, true] {
        let home = Home::with("", &[("slow", SLOW)]);
        let root = format!("root={}", home.word("work"));
        let run = if attached { home.run("test/slow") } else { String::new() };
        let arguments: &[&str] = if attached { &["attach", "--plain", &run] } else { &["run", "test/slow", &root] };
        let pty = home.open(arguments, &QUIET, (120, 50));
        // While the consequences are on the screen already and the question is not: a line, and the beginning of another.
        pty.wait_for(SOON, |screen| screen.contains("CHANGE"));
        pty.send("change\rchan");
        question(&pty, "CHANGE", CONFIRM);
        assert_eq!(answers(&home), [], "{}", pty.screen());
        // One question for both steps.
        pty.send("change\r");
        // While a step is under way.
        until("the second step", || home.effects().contains(&"begun".to_owned()));
        pty.send("done\r\rlooks fine\rdo");
        fs::write(home.path("work/go"), "").unwrap();
        question(&pty, "Is the mark there?", "or cancel:");
        let confirmed = Answer::Confirm { typed: "change".to_owned() };
        assert_eq!(answers(&home), [confirmed.clone()], "{}", pty.screen());
        // An empty line signs nothing off.
        pty.send("\r");
        pty.wait_for(SOON, |screen| screen.contains("nothing was signed off"));
        question(&pty, "nothing was signed off", "or cancel:");
        pty.send("done\r");
        pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
        assert_eq!(pty.exit(SOON), Exit::Code(0));
        assert_eq!(answers(&home), [confirmed, Answer::Sign { note: String::new() }]);
    }
}

#[test]
fn an_interrupt_in_the_quiet_time_leaves_the_terminal_as_it_was() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", "--plain", &run], &[("MIDWATCH_SPAN_QUIET", "600000")], (120, 50));
    let echoes = |pty: &Pty| pty.termios().local_modes.contains(rustix::termios::LocalModes::ECHO);
    until("the quiet time", || !echoes(&pty));
    pty.send("change\r\x03");
    assert_eq!(pty.exit(SOON), Exit::Signal("Interrupt".to_owned()));
    assert!(echoes(&pty));
    assert_eq!(answers(&home), []);
}
