//! The approve verb, the overridden gate, and approvals in a checklist.

use super::people::{ANNA, BEN, Team, approve, is_root};
use crate::support::run::{decide, demand};
use midwatch::domain::RunStatus;
use midwatch::journal::fold::ItemState;
use midwatch::journal::item::Deed;
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
    team.refused(ANNA, &run, demand(&prompt, approve()), "nobody is their own second person");
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
    assert!(!offers(&alone.run().prompt()), "nobody else reaches it");
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("gate", "", gate);
    team.midwatch(ANNA, &["run", "test/gate"]).exits(1);
    let run = team.estate.run();
    let prompt = run.prompt();
    assert!(offers(&prompt));
    team.refused(ANNA, &run, demand(&prompt, decide(Choice::Override)), "nobody is their own second person");
    team.refused(BEN, &run, demand(&prompt, decide(Choice::Skip)), "not among the choices");
    let bare = Answer::Decide { choice: Choice::Override, reason: " ".to_owned() };
    team.refused(BEN, &run, demand(&prompt, bare), "needs a reason");
    team.accept(BEN, &run, &prompt, decide(Choice::Override));
    let view = run.sealed();
    assert_eq!((view.sealed, view.overrides.len(), view.overrides[0].by.uid), (Some(RunStatus::Ok), 1, BEN.uid));
    team.midwatch(ANNA, &["report", run.dir.id.as_str()]).exits(0).says("OVERRIDE").says("the test says so");
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
    let hand = Demand::Item { step: 0, seq: item.seq, deed: Deed::Hand { note: "fine".into() } };
    team.refused(BEN, &run, hand, "only an approval closes it");
    let ask = Demand::Item { step: 0, seq: item.seq, deed: Deed::Close };
    assert!(matches!(team.ask(ANNA, &run, ask), midwatch::runner::protocol::Reply::Accepted { .. }));
    let prompt = run.prompt();
    team.refused(ANNA, &run, demand(&prompt, approve()), "nobody is their own second person");
    team.accept(BEN, &run, &prompt, approve());
    let view = run.sealed();
    let item = view.item(0).unwrap();
    assert_eq!((view.sealed, item.state), (Some(RunStatus::Ok), ItemState::Evidence));
    assert_eq!(item.by.unwrap().uid, BEN.uid);
}
