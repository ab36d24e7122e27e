//! The approve verb, the overridden gate, and approvals in a checklist.

use super::people::{ANNA, BEN, Team, approve, is_root};
use crate::support::pty::SOON;
use crate::support::run::{decide, demand};
use midwatch::domain::RunStatus;
use midwatch::journal::fold::ItemState;
use midwatch::journal::item::ItemAction;
use midwatch::journal::record::{Answer, Ask, Choice};
use midwatch::runner::protocol::Demand;

const ASK: &str = "[[ask]]\ntitle = \"Agree\"\napprove = \"Is tonight fine?\"\n";

#[test]
fn an_approval_is_given_by_another_person_than_the_starter() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("ask", "", ASK);
    let run = team.start_waiting(ANNA, "ask", &[]);
    let prompt = run.prompt();
    let plan = run.view().plan;
    assert!(
        matches!(&prompt.ask, Ask::Approve { text, hash, start: false } if text == "Is tonight fine?" && *hash == plan)
    );
    team.refused(ANNA, &run, demand(&prompt, approve()), "the second person must be another one");
    let other = Demand::Answer { prompt: prompt.id.clone(), seq: prompt.seq, set: None, answer: approve() };
    team.refused(BEN, &run, other, "another plan");
    team.accept(BEN, &run, &prompt, Answer::Approve { note: "go".to_owned() });
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[0].remark.as_deref()), (Some(RunStatus::Ok), Some("go")));
    assert_eq!(view.steps[0].by.as_ref().unwrap().uid, BEN.uid);
}

#[test]
fn an_approval_that_is_declined_stops_the_run() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("ask", "", ASK);
    let run = team.start_waiting(ANNA, "ask", &[]);
    team.accept(BEN, &run, &run.prompt(), Answer::Cancel);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
}

#[test]
fn a_hard_gate_is_overridden_by_another_person_for_a_reason_and_for_ever() {
    let gate = "[[look]]\ntitle = \"The gate\"\ncheck = { exec = [\"false\"] }\n";
    let alone = crate::support::estate::Estate::default();
    alone.procedure("gate", "", gate);
    alone.start("gate", &[]).exits(1);
    let offers = |prompt: &midwatch::journal::fold::OpenPrompt| match &prompt.ask {
        Ask::Decide { choices, .. } => choices.contains(&Choice::Override),
        _ => false,
    };
    assert!(!offers(&alone.run().prompt()), "no one else reaches it");
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("gate", "", gate);
    team.midwatch(ANNA, &["run", "test/gate"]).exits(1);
    let run = team.estate.run();
    let prompt = run.prompt();
    assert!(offers(&prompt));
    team.refused(ANNA, &run, demand(&prompt, decide(Choice::Override)), "the second person must be another one");
    team.refused(BEN, &run, demand(&prompt, decide(Choice::Skip)), "not among the choices");
    let bare = Answer::Decide { choice: Choice::Override, reason: " ".to_owned() };
    team.refused(BEN, &run, demand(&prompt, bare), "needs a reason");
    team.accept(BEN, &run, &prompt, decide(Choice::Override));
    let view = run.sealed();
    assert_eq!((view.sealed, view.overrides.len(), view.overrides[0].by.uid), (Some(RunStatus::Ok), 1, BEN.uid));
    team.midwatch(ANNA, &["report", run.dir.id.as_str()]).exits(0).prints("OVERRIDE").prints("the test says so");
}

const WAIT: &str = r#"
[[look]]
title   = "It is drained"
wait    = { exec = ["false"] }
timeout = "1s"
[[look]]
title   = "It is drained indeed"
wait    = { exec = ["false"] }
timeout = "1s"
gate    = "soft"
"#;

#[test]
fn a_wait_that_did_not_come_true_is_a_hard_gate_as_a_check_is() {
    let choices = |prompt: &midwatch::journal::fold::OpenPrompt| match &prompt.ask {
        Ask::Decide { choices, .. } => choices.clone(),
        _ => Vec::new(),
    };
    let alone = crate::support::estate::Estate::default();
    alone.procedure("wait", "", WAIT);
    alone.start("wait", &[]).exits(1);
    assert_eq!(choices(&alone.run().prompt()), [Choice::Retry, Choice::Hold, Choice::Abort], "no one else reaches it");
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("wait", "", WAIT);
    team.midwatch(ANNA, &["run", "test/wait"]).exits(1);
    let run = team.estate.run();
    let prompt = run.prompt();
    assert_eq!(choices(&prompt), [Choice::Retry, Choice::Override, Choice::Hold, Choice::Abort]);
    team.refused(ANNA, &run, demand(&prompt, decide(Choice::Skip)), "not among the choices");
    team.refused(ANNA, &run, demand(&prompt, decide(Choice::Override)), "the second person must be another one");
    team.accept(BEN, &run, &prompt, decide(Choice::Override));
    // The soft one may be skipped by any person of the team.
    let soft = run.prompt_after(&prompt.id);
    assert_eq!(choices(&soft), [Choice::Retry, Choice::Skip, Choice::Hold, Choice::Abort]);
    team.accept(ANNA, &run, &soft, decide(Choice::Skip));
    let view = run.sealed();
    let overrides: Vec<_> = view.overrides.iter().map(|passed| (passed.step, passed.by.uid)).collect();
    assert_eq!((view.sealed, overrides), (Some(RunStatus::Ok), vec![(0, BEN.uid)]));
}

/// A gate of a checklist that cannot pass until the tree holds `there`, and one more item.
const GATES: &str = r#"
[[before]]
title = "The gate"
check = { exec = ["test", "-e", "{tree}/there"] }
gate  = "hard"
[[before]]
title  = "Sign"
manual = "Look around."
"#;

#[test]
fn a_hard_gate_of_a_checklist_is_overridden_by_another_person_for_a_reason() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("gates", "order = \"any\"", GATES);
    let run = team.start_waiting(ANNA, "gates", &[]);
    let item = || run.view().item(0).unwrap();
    run.wait("the look", |view| view.item(0).unwrap().passed == Some(false));
    let past = |reason: &str| Demand::Item {
        step: 0,
        seq: item().seq,
        action: ItemAction::Override { reason: reason.into() },
    };
    let skip = Demand::Item { step: 0, seq: item().seq, action: ItemAction::Skip { reason: "moot".into() } };
    let own = "the second person must be another one";
    team.refused(BEN, &run, skip, "only evidence closes it, or another person than the starter");
    team.refused(ANNA, &run, past("haste"), own);
    team.refused(BEN.logged_in_as(ANNA.login), &run, past("haste"), "logged in as the same person");
    team.refused(BEN, &run, past(" "), "needs a reason");
    let sign = ItemAction::Override { reason: "haste".into() };
    team.refused(BEN, &run, Demand::Item { step: 1, seq: item().seq, action: sign }, "it is no hard gate");
    assert_eq!(item().state, ItemState::Open);

    // At a terminal the starter is not offered what they may not do; another person is.
    let id = run.dir.id.as_str();
    let anna = team.terminal(ANNA, &["attach", "--plain", id], (120, 36));
    let shown = anna.wait_for(SOON, |screen| screen.contains("done (look again)"));
    assert!(shown.contains("hard gate") && !shown.contains("override:") && !shown.contains("skip:"), "{shown}");
    let ben = team.terminal(BEN, &["attach", "--plain", id], (120, 36));
    ben.wait_for(SOON, |screen| screen.contains("done (look again), override: REASON, "));
    ben.send("override: the disk is borrowed tonight\r");
    let view = run.wait("the override", |view| view.item(0).unwrap().state == ItemState::Overridden);
    anna.wait_for(SOON, |screen| screen.contains("OVERRODE the hard gate step 1 of 2 (The gate)"));
    assert_eq!(view.overrides.iter().map(|passed| passed.by.uid).collect::<Vec<_>>(), [BEN.uid]);

    // It can be opened again, and that it was overridden stays.
    let again = Demand::Item { step: 0, seq: item().seq, action: ItemAction::Reopen { reason: "it is back".into() } };
    assert!(matches!(team.ask(ANNA, &run, again), midwatch::runner::protocol::Reply::Accepted { .. }));
    team.estate.file("there", "x");
    let close = Demand::Item { step: 0, seq: item().seq, action: ItemAction::Close };
    assert!(matches!(team.ask(ANNA, &run, close), midwatch::runner::protocol::Reply::Accepted { .. }));
    assert_eq!(item().state, ItemState::Evidence);
    let sign = Demand::Item {
        step: 1,
        seq: run.view().item(1).unwrap().seq,
        action: ItemAction::Hand { note: String::new() },
    };
    assert!(matches!(team.ask(ANNA, &run, sign), midwatch::runner::protocol::Reply::Accepted { .. }));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    run.is_whole_and_known();
    let page = team.midwatch(ANNA, &["report", id]).exits(0);
    page.prints("**OVERRIDE**").prints("the disk is borrowed tonight").prints("overrode the gate of step 1");
}

#[test]
fn an_item_of_a_checklist_asks_another_person() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("list", "order = \"any\"", ASK);
    let run = team.start_waiting(ANNA, "list", &[]);
    let item = run.view().item(0).unwrap();
    assert_eq!(item.state, ItemState::SecondPerson);
    let hand = Demand::Item { step: 0, seq: item.seq, action: ItemAction::Hand { note: "fine".into() } };
    team.refused(BEN, &run, hand, "only an approval closes it");
    let ask = Demand::Item { step: 0, seq: item.seq, action: ItemAction::Close };
    assert!(matches!(team.ask(ANNA, &run, ask), midwatch::runner::protocol::Reply::Accepted { .. }));
    let prompt = run.prompt();
    team.refused(ANNA, &run, demand(&prompt, approve()), "the second person must be another one");
    team.accept(BEN, &run, &prompt, approve());
    let view = run.sealed();
    let item = view.item(0).unwrap();
    assert_eq!((view.sealed, item.state), (Some(RunStatus::Ok), ItemState::Evidence));
    assert_eq!(item.by.unwrap().uid, BEN.uid);
}
