//! An `ok` names its claims: outcomes that a person settled by hand, and items that were skipped.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::RunStatus;
use midwatch::journal::fold::ItemState;
use midwatch::journal::item::ItemAction;
use midwatch::journal::record::{Ask, Choice, Event};
use midwatch::runner::identity::is_stopped;
use midwatch::runner::protocol::Demand;
use midwatch::ui::shot::{self, Paper};

/// The run in `runs --json`.
fn listed(run: &Run<'_>) -> serde_json::Value {
    let printed = run.estate.midwatch(&["runs", "--json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    json["runs"].as_array().unwrap().iter().find(|row| row["run"] == run.dir.id.as_str()).unwrap().clone()
}

#[test]
fn an_unknown_outcome_shows_the_evidence_and_done_against_it_stays_a_claim() {
    for prove in ["", "prove = { files = \"gone\" }"] {
        let estate = Estate::default().with("MIDWATCH_FAILPOINT", "stop:act.item@4");
        for number in 0..10 {
            estate.file(&format!("data/{number}.json"), "data");
        }
        let steps = format!(
            "[[clean]]\ntitle = \"Delete\"\neffect = \"destroy\"\ndo = {{ files = \"delete\", under = \"data\", match = \"*.json\" }}\n\
             undo = {{ none = \"a test\" }}\n{prove}\n"
        );
        estate.procedure("clean", "", &steps);
        let run = estate.start_waiting("clean");
        let prompt = run.prompt();
        run.accept(&prompt, consent(&prompt));
        let act = run.pid_of("1.1", "act.json");
        wait_for("the act is stopped", || is_stopped(act).then_some(()));
        run.kill_runner();
        kill_wholly(run.pid_of("1.1", "shim.json"));
        kill_wholly(act);
        run.is_interrupted();
        let gone = 10 - estate.names("data").len();
        assert!((1..10).contains(&gone), "{gone}");
        run.midwatch("resume", &[]).exits(0);

        let asked = run.prompt_after(&prompt.id);
        let found = format!("{gone} of 10 gone, {} still at their place", 10 - gone);
        let Ask::Decide { text, choices, means, .. } = &asked.ask else { panic!("{asked:?}") };
        assert!(text.contains("unknown") && text.contains(&found), "{text}");
        let done = choices.iter().position(|choice| *choice == Choice::Done).unwrap();
        assert!(means[done].contains("against the evidence"), "{means:?}");
        run.accept(&asked, decide(Choice::Done));
        let view = run.sealed();
        assert_eq!((view.sealed, view.steps[0].settled_by_hand), (Some(RunStatus::Ok), true));
        let recorded = |event: &Event| matches!(event, Event::StepResolved { evidence, .. } if evidence.contains("the test says so") && evidence.contains(&found));
        assert!(run.events().iter().any(recorded), "{:?}", run.events());

        let ended = "ok, 1 settled by hand";
        estate.midwatch(&["runs"]).exits(0).prints(ended);
        assert_eq!((&listed(&run)["settled_by_hand"], &listed(&run)["skipped"]), (&1.into(), &0.into()));
        run.midwatch("report", &["--format", "md"]).exits(0).prints(ended);
        run.midwatch("attach", &["--plain"]).exits(0).prints(&format!("the run is over: {ended}"));
        let mut model = sample::following((140, 50), None, view, false);
        sample::press(&mut model, "6 z");
        let screen = shot::of(&mut model, &Theme::labelled(Glyphs::Unicode), Paper::Dark).text;
        assert!(screen.contains(ended) && screen.contains("✎  claim"), "{screen}");
        run.midwatch("verify", &[]).exits(0);
    }
}

#[test]
fn a_checklist_with_skipped_items_is_listed_with_their_number() {
    let estate = Estate::default();
    let sign = "title = \"Look\"\nmanual = \"Look.\"\n";
    estate.procedure("list", "order = \"any\"", &format!("[[work]]\n{sign}[[work]]\n{sign}[[work]]\n{sign}"));
    let run = estate.start_waiting("list");
    let view = run.wait("open items", |view| view.items().iter().all(|item| item.state == ItemState::Open));
    let reason = || "a test".to_owned();
    let actions = [
        ItemAction::Hand { note: reason() },
        ItemAction::Skip { reason: reason() },
        ItemAction::Skip { reason: reason() },
    ];
    for (step, action) in (0..).zip(actions) {
        run.ask(Demand::Item { step, seq: view.item(step).unwrap().seq, action });
    }
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    estate.midwatch(&["runs"]).exits(0).prints("ok, 2 skipped");
    assert_eq!((&listed(&run)["settled_by_hand"], &listed(&run)["skipped"]), (&0.into(), &2.into()));
    run.midwatch("report", &["--format", "md"]).exits(0).prints("ok, 2 skipped");
}
