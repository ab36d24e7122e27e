//! What a client reports as failed comes to nothing: neither then nor later.

use crate::support::estate::{Estate, SOON, wait_for};
use crate::support::run::{Run, consent, demand};
use midwatch::domain::{Boot, Error, RunStatus};
use midwatch::gate::client;
use midwatch::journal::fold::ItemState;
use midwatch::journal::item::ItemAction;
use midwatch::runner::protocol::{Demand, Reply, Request, Until};
use rustix::process::{Pid, Signal, kill_process};

fn estate() -> Estate {
    let estate = Estate::default();
    let act = "title = \"Append a line\"\neffect = \"change\"\ndo = { exec = [\"sh\", \"-c\", \"echo done >>{tree}/done\"] }\nundo = { none = \"a test\" }\n";
    let sign = "[[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n";
    estate.procedure("asks", "", &format!("[[work]]\n{act}{sign}"));
    estate.procedure("list", "order = \"any\"", &format!("{sign}[[work]]\n{act}"));
    estate
}

/// What a console that lives on is answered to each of these, all sent to a runner that is stopped; the runner then goes on.
fn asked_while_stopped(run: &Run<'_>, asks: &[Demand]) -> Vec<Error> {
    let runner = Pid::from_raw(i32::try_from(run.runner()).unwrap()).unwrap();
    kill_process(runner, Signal::STOP).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let replies: Vec<_> = runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let sent: Vec<_> = asks
            .iter()
            .map(|ask| {
                let (dir, ask) = (run.dir.clone(), ask.clone());
                local.spawn_local(async move { client::send(&dir, ask, "console").await })
            })
            .collect();
        local.await;
        let mut replies = Vec::new();
        for one in sent {
            replies.push(one.await.unwrap());
        }
        replies
    });
    kill_process(runner, Signal::CONT).unwrap();
    wait_for("all of them to be refused", || (run.view().refused.len() == asks.len()).then_some(()));
    replies.into_iter().map(|reply| reply.unwrap_err()).collect()
}

#[test]
fn a_request_given_up_at_a_stopped_runner_is_invalid_when_it_continues() {
    let estate = estate();
    let run = estate.start_waiting("asks");
    let prompt = run.prompt();
    let note = Demand::Note { step: None, text: "seen".to_owned() };
    let asks = [demand(&prompt, consent(&prompt)), note, Demand::Abort { undo: false }];
    let errors = asked_while_stopped(&run, &asks);
    for (error, nothing) in errors.iter().zip(["nothing was confirmed", "no note was saved", "the run was not stopped"])
    {
        assert!(error.message.contains("is stopped (SIGSTOP)") && error.message.contains(nothing), "{error:?}");
    }
    let view = run.view();
    assert!(view.refused.iter().all(|(.., why)| why.contains("was withdrawn")), "{:?}", view.refused);
    assert_eq!((view.prompt.as_ref(), view.abort, run.count("note")), (Some(&prompt), None, 0));
    assert_eq!((run.count("answer.accepted"), run.count("step.intent"), estate.lines("done")), (0, 0, 0));
    // The same prompt accepts an answer whose client waits.
    run.accept(&prompt, consent(&prompt));
    let sign = run.prompt_after(&prompt.id);
    assert_eq!(estate.lines("done"), 1);
    run.accept(&sign, consent(&sign));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    run.is_whole_and_known();
}

#[test]
fn an_item_that_was_given_up_stays_as_it_was() {
    let estate = estate();
    let run = estate.start_waiting("list");
    let view = run.wait("open items", |view| view.items().len() == 2);
    let of = |step: u32, action: ItemAction| Demand::Item { step, seq: view.item(step).unwrap().seq, action };
    let reason = || "a test".to_owned();
    let asks = [
        of(0, ItemAction::Hand { note: reason() }),
        of(1, ItemAction::Skip { reason: reason() }),
        of(1, ItemAction::Close),
    ];
    let errors = asked_while_stopped(&run, &asks);
    assert!(errors.iter().all(|error| error.message.contains("the item is as it was")), "{errors:?}");
    let view = run.view();
    assert!(view.items().iter().all(|item| item.state == ItemState::Open), "{:?}", view.items());
    assert_eq!((view.prompt, estate.lines("done")), (None, 0));
    run.midwatch("abort", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
}

#[test]
fn a_request_counts_until_its_time_and_in_its_boot() {
    let estate = estate();
    let run = estate.start_waiting("asks");
    let prompt = run.prompt();
    let good = run.to_it(demand(&prompt, consent(&prompt)));
    let soon = Until::after(SOON).unwrap();
    let past = Until { boot: Boot(0), ..soon.clone() };
    let other = Until { boot_id: "another boot".to_owned(), ..soon.clone() };
    for until in [past, other] {
        run.refused(&Request { until: Some(until), ..good.clone() }, "expired before it was accepted");
    }
    // Every client of the program names a time.
    let abort = run.estate.command(&["abort", run.dir.id.as_str()]).env("MIDWATCH_SPAN_REQUEST", "0").output().unwrap();
    assert!(String::from_utf8_lossy(&abort.stderr).contains("expired before it was accepted"), "{abort:?}");
    assert_eq!((run.prompt(), estate.lines("done")), (prompt.clone(), 0));
    let reply = run.request(&Request { until: Some(soon), ..good });
    assert!(matches!(reply, Some(Reply::Accepted { .. })), "{reply:?}");
    run.prompt_after(&prompt.id);
}

#[test]
fn a_start_that_is_reported_as_failed_does_not_begin_later() {
    let estate = estate().with("MIDWATCH_SPAN_LAUNCH", "1000").with("MIDWATCH_FAILPOINT", "stop:run.created");
    estate.start("asks", &[]).exits(1).prints("it did not report its first record within").prints("was ended");
    estate.nothing_runs();
}
