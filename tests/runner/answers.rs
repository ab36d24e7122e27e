//! Only one answer counts, and only to the shown set; every other is rejected with the reason, and recorded.

use crate::support::estate::{Estate, SOON};
use crate::support::run::{Run, consent, decide, demand, set_of};
use midwatch::domain::{Digest, PromptId, RunId, RunStatus, StepState};
use midwatch::journal::record::{Answer, Choice, Closed, Ending, Event};
use midwatch::runner::protocol::{Demand, Reply, Request};
use rustix::thread::{Gid, Uid, set_thread_gid, set_thread_uid};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Barrier;

/// A program, a deletion, and a sign-off with a note, so that the run outlives the answers to its first prompts.
fn estate() -> Estate {
    let estate = Estate::default();
    for number in 0..3 {
        estate.file(&format!("data/{number}.json"), "data");
    }
    let steps = r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
undo   = { none = "a test" }
[[clean]]
title  = "Delete"
effect = "destroy"
do     = { files = "delete", under = "data", match = "*.json" }
undo   = { none = "a test" }
[[after]]
title  = "Look"
manual = "Look."
sign   = { note = "required" }
"#;
    estate.procedure("asks", "", steps);
    estate
}

fn typed(text: &str) -> Answer {
    Answer::Confirm { typed: text.to_owned() }
}

#[test]
fn an_answer_without_a_prompt_is_rejected() {
    let estate = estate();
    let run = estate.start_waiting("asks");
    let change = run.prompt();
    let good = demand(&change, typed("change"));
    let Demand::Answer { prompt, seq, set, answer } = good.clone() else { unreachable!() };
    let with = |ask: Demand| run.to_it(ask);
    let of = |set: Option<Digest>| Demand::Answer { prompt: prompt.clone(), seq, set, answer: answer.clone() };
    run.refused(&with(demand(&change, typed("Change"))), "phrase");
    run.refused(&with(demand(&change, typed(""))), "phrase");
    run.refused(&with(of(Some(Digest::of(b"another")))), "another set");
    run.refused(&with(of(None)), "another set");
    let late = Demand::Answer { prompt: prompt.clone(), seq: seq + 1, set: set.clone(), answer: answer.clone() };
    run.refused(&with(late), "opened by record");
    let unseen = Demand::Answer { prompt: PromptId::new(7), seq, set: set.clone(), answer: answer.clone() };
    run.refused(&with(unseen), "not open");
    run.refused(&with(demand(&change, Answer::Sign { note: "yes".to_owned() })), "another kind");
    run.refused(&with(demand(&change, decide(Choice::Skip))), "another kind");
    let elsewhere = Request { run: RunId::new(1, 1), ..with(good) };
    run.refused(&elsewhere, "this is run");
    run.refused(&with(Demand::Note { step: Some(99), text: "x".to_owned() }), "a step that exists");
    assert_eq!((estate.lines("done"), run.count("step.intent")), (0, 0));
    assert_eq!(run.prompt(), change);

    run.accept(&change, typed("change"));
    let destroy = run.prompt_after(&change.id);
    run.refused(&with(demand(&change, typed("change"))), "answered it already");
    for wrong in ["change", "delete 2 files", "delete 3 file", "Delete 3 files", "delete 3 files "] {
        run.refused(&with(demand(&destroy, typed(wrong))), "phrase");
    }
    assert_eq!(estate.names("data").len(), 3);
    run.accept(&destroy, typed("delete 3 files"));
    let sign = run.prompt_after(&destroy.id);
    run.refused(&with(demand(&sign, Answer::Sign { note: " ".to_owned() })), "note");
    run.accept(&sign, Answer::Sign { note: "seen".to_owned() });
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!((estate.lines("done"), estate.names("data").len()), (1, 0));
    run.is_whole_and_known();
}

#[test]
fn of_many_operators_exactly_one_answers() {
    let estate = estate();
    let run = estate.start_waiting("asks");
    let prompt = run.prompt();
    let operators = 8;
    let barrier = Barrier::new(operators);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let one = || {
            barrier.wait();
            run.answer(&prompt, typed("change"))
        };
        let threads: Vec<_> = (0..operators).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted = replies.iter().filter(|reply| matches!(reply, Reply::Accepted { .. })).count();
    assert_eq!(accepted, 1, "{replies:?}");
    let second = |reply: &&Reply| matches!(reply, Reply::Rejected { why } if why.contains("answered it already"));
    assert_eq!(replies.iter().filter(second).count(), operators - 1, "{replies:?}");
    run.prompt_after(&prompt.id);
    assert_eq!((run.count("answer.accepted"), run.count("answer.rejected")), (1, operators - 1));
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn another_user_may_not_act() {
    assert!(rustix::process::geteuid().is_root(), "only root can become another user to try this");
    let estate = estate();
    let run = estate.start_waiting("asks");
    let prompt = run.prompt();
    // The directories keep others out; this is about what the socket does when they do not.
    let socket = run.dir.path.join("control.sock");
    for above in socket.ancestors().take_while(|path| path.starts_with(estate.beside("").parent().unwrap())).skip(1) {
        if above.starts_with(estate.beside("")) {
            fs::set_permissions(above, Permissions::from_mode(0o755)).unwrap();
        }
    }
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    for ask in [demand(&prompt, typed("change")), Demand::Abort { undo: false }] {
        let line = serde_json::to_string(&run.to_it(ask)).unwrap() + "\n";
        let reply = as_nobody(|| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            let mut reply = String::new();
            BufReader::new(stream).read_line(&mut reply).unwrap();
            reply
        });
        assert!(reply.contains("rejected") && reply.contains("may not act on a run of"), "{reply}");
    }
    let view = run.view();
    assert_eq!(view.refused.iter().map(|(_, actor, _)| actor.uid).collect::<Vec<_>>(), [NOBODY, NOBODY]);
    assert_eq!((view.prompt.as_ref(), view.abort, estate.lines("done")), (Some(&prompt), None, 0));
}

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// Runs work on a thread with another uid.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            set_thread_gid(Gid::from_raw(NOBODY)).unwrap();
            set_thread_uid(Uid::from_raw(NOBODY)).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn a_consent_and_an_abort_at_once_make_one_story() {
    for round in 0..6 {
        let estate = estate();
        let run = estate.start_waiting("asks");
        let prompt = run.prompt();
        let barrier = Barrier::new(2);
        let (found, stopped) = std::thread::scope(|scope| {
            let consent = scope.spawn(|| {
                barrier.wait();
                if round % 2 == 0 {
                    std::thread::yield_now();
                }
                run.send(demand(&prompt, typed("change")))
            });
            barrier.wait();
            let abort = run.send(Demand::Abort { undo: false });
            (consent.join().unwrap(), abort)
        });
        assert!(matches!(stopped, Some(Reply::Accepted { .. })), "{stopped:?}");
        let view = run.sealed();
        assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Aborted), 0), "{view:?}");
        let intents = run.count("step.intent");
        match found {
            Some(Reply::Accepted { .. }) => assert_eq!(run.count("answer.accepted"), 1),
            // Refused, or too late for any runner.
            Some(Reply::Rejected { .. }) | None => {
                assert_eq!(intents, 0);
                let closed = |event: &Event| matches!(event, Event::PromptClosed { why: Closed::Aborted, .. });
                assert_eq!(run.events().iter().filter(|event| closed(event)).count(), 1, "{:?}", run.events());
            }
            other => panic!("{other:?}"),
        }
        let done = run
            .events()
            .iter()
            .any(|event| matches!(event, Event::StepOutcome { outcome, .. } if outcome.ending == Ending::Ok));
        assert!(estate.lines("done") <= intents, "an effect without an intent");
        assert!(!done || estate.lines("done") == 1);
        run.midwatch("verify", &[]).exits(0).prints("whole and sealed");
        estate.nothing_runs();
    }
}

#[test]
fn an_abort_in_mid_step_stops_the_act_and_the_run_is_aborted() {
    let estate = Estate::default();
    let steps = "[[work]]\ntitle = \"Wait\"\neffect = \"change\"\ndo = { exec = [\"sleep\", \"600\"] }\nundo = { none = \"a test\" }";
    estate.procedure("long", "", steps);
    let run = estate.start_waiting("long");
    run.accept(&run.prompt(), typed("change"));
    run.pid_of("1.1", "act.json");
    run.midwatch("abort", &[]).exits(0);
    let view = run.sealed();
    assert_eq!(view.steps[0].outcome.as_ref().unwrap().ending, Ending::Cancelled);
    assert_eq!((view.sealed, view.steps[0].state), (Some(RunStatus::Aborted), StepState::Stopped));
    estate.nothing_runs();
}

#[test]
fn a_cancel_stops_the_run_before_the_step() {
    let estate = estate();
    let run = estate.start_waiting("asks");
    let prompt = run.prompt();
    assert!(set_of(&prompt).is_some() && consent(&prompt) == typed("change"));
    run.accept(&prompt, Answer::Cancel);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    assert_eq!((estate.lines("done"), run.count("step.intent")), (0, 0));
}

/// The record of a rejected answer names the actor.
#[test]
fn a_refusal_names_the_actor_and_the_origin() {
    let estate = estate();
    let run: Run<'_> = estate.start_waiting("asks");
    let prompt = run.prompt();
    run.refused(&run.to_it(demand(&prompt, typed("no"))), "phrase");
    let (_, actor, _) = run.view().refused.pop().unwrap();
    assert_eq!((actor.pid, actor.through.as_str()), (std::process::id(), "test"));
    assert_eq!(actor.uid, rustix::process::getuid().as_raw());
}
