//! Questions as plain prompts: only what is typed after a question is on the screen answers it.

use super::{Home, SLOW, until};
use crate::support::pty::{Exit, Pty, SOON};
use midwatch::journal::chain;
use midwatch::journal::record::{Answer, Choice, Event};
use std::fs;
use std::time::{Duration, Instant};

/// A quiet time that a busy machine does not outlast by itself, in milliseconds.
const QUIET: [(&str, &str); 1] = [("MIDWATCH_SPAN_QUIET", "2500")];

const CONFIRM: &str = "to confirm, or cancel [nothing]:";

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
        pty.send("change\r");
        // The second step asks for itself, and nothing typed on for the first answers it.
        pty.wait_for(SOON, |screen| screen.matches("CHANGE").count() == 2);
        pty.send("change\rchan");
        pty.wait_for(SOON, |screen| screen.matches(CONFIRM).count() == 2 && screen.trim_end().ends_with(CONFIRM));
        let confirmed = Answer::Confirm { typed: "change".to_owned() };
        assert_eq!(answers(&home), std::slice::from_ref(&confirmed), "{}", pty.screen());
        pty.send("change\r");
        // While a step is under way.
        until("the second step", || home.effects().contains(&"begun".to_owned()));
        pty.send("done\r\rlooks fine\rdo");
        fs::write(home.path("work/go"), "").unwrap();
        question(&pty, "Is the mark there?", "or cancel [nothing]:");
        assert_eq!(answers(&home), [confirmed.clone(), confirmed.clone()], "{}", pty.screen());
        // An empty line signs nothing off.
        pty.send("\r");
        pty.wait_for(SOON, |screen| screen.contains("nothing was signed off"));
        question(&pty, "nothing was signed off", "or cancel [nothing]:");
        pty.send("done\r");
        pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
        assert_eq!(pty.exit(SOON), Exit::Code(0));
        assert_eq!(answers(&home), [confirmed.clone(), confirmed, Answer::Sign { note: String::new() }]);
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

#[test]
fn a_line_that_was_meant_for_something_else_signs_nothing_off() {
    let signed = SLOW.replace(
        "manual = \"Is the mark there?\"\n",
        "manual = \"Is the mark there?\"\nsign = { note = \"required\" }\n",
    );
    for (text, note) in [(SLOW, ""), (&signed, "it is there")] {
        let only_sign =
            text.split("[[work]]").next().unwrap().replace("\"work\", ", "") + &text[text.find("[[after]]").unwrap()..];
        let home = Home::with("", &[("slow", &only_sign)]);
        let run = home.run("test/slow");
        let pty = home.open(&["attach", "--plain", &run], &[], (120, 50));
        let asks = |screen: &str| screen.trim_end().ends_with("to sign off, or cancel [nothing]:");
        pty.wait_for(SOON, asks);
        let mut refused = 0;
        for line in ["c", "y", "ls -l", "", "Done", "done it", "/cell0"] {
            pty.send(format!("{line}\r"));
            refused += 1;
            pty.wait_for(SOON, |screen| screen.matches("nothing was signed off").count() == refused && asks(screen));
        }
        if !note.is_empty() {
            pty.send("done\r");
            pty.wait_for(SOON, |screen| screen.matches("nothing was signed off").count() > refused && asks(screen));
        }
        assert_eq!(answers(&home), []);
        pty.send(if note.is_empty() { "done\r".to_owned() } else { format!("done: {note}\r") });
        pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
        assert_eq!(answers(&home), [Answer::Sign { note: note.to_owned() }]);
    }
}

#[test]
fn what_is_typed_before_a_question_is_on_the_screen_does_not_answer_it() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", "--plain", &run], &[("MIDWATCH_SPAN_QUIET", "1500")], (120, 50));
    // Before the first byte is there, and while the preview is there without its question.
    pty.send("change\r");
    pty.wait_for(SOON, |screen| screen.contains("CHANGE"));
    assert!(!pty.screen().contains("to confirm"), "the question comes after the quiet time");
    pty.send("change\r");
    let asks = |screen: &str, times| screen.matches("to confirm, or cancel [nothing]:").count() == times;
    pty.wait_for(SOON, |screen| asks(screen, 1));
    // A line behind the question is its answer: had one of those before been taken, this would answer the next step.
    pty.send("no\r");
    pty.wait_for(SOON, |screen| asks(screen, 2));
    assert_eq!((answers(&home), home.effects()), (Vec::new(), Vec::new()));
    pty.send("change\r");
    until("the answer is in the journal", || answers(&home).len() == 1);
}

#[test]
fn every_key_begins_the_quiet_time_before_a_plain_question_again() {
    const QUIET: Duration = Duration::from_millis(1200);
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let quiet = QUIET.as_millis().to_string();
    loop {
        let pty = home.open(&["attach", "--plain", &run], &[("MIDWATCH_SPAN_QUIET", &quiet)], (120, 50));
        pty.wait_for(SOON, |screen| screen.contains("CHANGE"));
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(50));
            longest = longest.max(last.elapsed());
            pty.send("x");
            last = Instant::now();
        }
        // Where this machine was busy for so long, the question may appear in between.
        if longest > QUIET / 2 {
            continue;
        }
        let asked = |raw: &[u8]| raw.windows(10).position(|part| part == b"to confirm");
        pty.wait_for_bytes(SOON, |raw, _| asked(raw).is_some());
        let place = asked(&pty.raw()).unwrap();
        let came = pty.times().into_iter().find(|(_, end)| *end > place).unwrap().0;
        assert!(came.duration_since(last) >= QUIET / 2, "the question came {:?} after the last key", came - last);
        return;
    }
}

#[test]
fn a_decision_is_one_line_with_its_reason_and_an_empty_line_or_the_end_of_input_decides_nothing() {
    let fails = SLOW.replace("echo marked; echo mark >>effects", "exit 3");
    let home = Home::with("", &[("slow", &fails)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", "--plain", &run], &[], (120, 50));
    question(&pty, "CHANGE", CONFIRM);
    pty.send("\r");
    question(&pty, "nothing was confirmed", CONFIRM);
    pty.send("change\r");
    let asks = |screen: &str| {
        let last = screen.trim_end().lines().last().unwrap_or_default().to_owned();
        last.starts_with("type  ") && last.contains(" | skip: REASON | ") && last.ends_with("  [nothing]:")
    };
    let mut times = 0;
    for line in ["", "skip", "skip: ", "c", "yes"] {
        pty.wait_for(SOON, |screen| screen.matches("nothing was decided").count() == times && asks(screen));
        pty.send(format!("{line}\r"));
        times += 1;
    }
    pty.wait_for(SOON, |screen| screen.matches("nothing was decided").count() == times && asks(screen));
    let confirmed = Answer::Confirm { typed: "change".to_owned() };
    pty.send("\x04");
    let screen = pty.wait_for(SOON, |screen| screen.contains("it waits for a person"));
    assert!(screen.lines().any(|line| line.starts_with("it waits for a person")), "{screen}");
    assert_eq!(pty.exit(SOON), Exit::Code(1));
    assert_eq!(answers(&home), std::slice::from_ref(&confirmed));
    let pty = home.open(&["attach", "--plain", &run], &[], (120, 50));
    pty.wait_for(SOON, asks);
    pty.send("skip: not tonight: it is late\r");
    let skipped = Answer::Decide { choice: Choice::Skip, reason: "not tonight: it is late".to_owned() };
    until("it is decided", || answers(&home).len() == 2);
    assert_eq!(answers(&home), [confirmed, skipped]);
}
