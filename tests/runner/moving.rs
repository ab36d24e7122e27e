//! What a prompt showed changes before it is answered, or the prompt grows old.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent, demand, set_of};
use midwatch::app::msg::Msg;
use midwatch::domain::{PromptId, RunStatus, Wall};
use midwatch::gate::follow::Follower;
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Answer, Ask, Closed, Covered, Event};
use midwatch::runner::reread;
use std::fs;

fn estate() -> Estate {
    let estate = Estate::default();
    for number in 0..3 {
        estate.file(&format!("data/{number}.json"), "data");
    }
    let steps = r#"
[[clean]]
title  = "Delete"
effect = "destroy"
do     = { files = "delete", under = "data", match = "*.json" }
undo   = { none = "a test" }
"#;
    estate.procedure("clean", "", steps);
    estate
}

/// How a prompt was closed: why, and what moved.
fn closing(run: &Run<'_>, id: &PromptId) -> (Closed, Vec<String>) {
    let closed = |event| match event {
        Event::PromptClosed { prompt, why, drift } if prompt == *id => Some((why, drift)),
        _ => None,
    };
    run.events().into_iter().find_map(closed).expect("the prompt was not closed")
}

fn phrase(prompt: &OpenPrompt) -> String {
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    preview.phrase.clone()
}

#[test]
fn an_answer_to_a_changed_set_is_refused_and_the_new_set_is_shown() {
    let estate = estate();
    let run = estate.start_waiting("clean");
    let mut prompt = run.prompt();
    let changes: [(&str, &dyn Fn()); 3] = [
        ("new: data/new.json", &|| estate.file("data/new.json", "data")),
        ("changed: data/1.json", &|| estate.file("data/1.json", "other data")),
        ("no longer among them: data/2.json", &|| fs::remove_file(estate.tree("data/2.json")).unwrap()),
    ];
    for (drift, change) in changes {
        change();
        run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "has changed since");
        let next = run.prompt_after(&prompt.id);
        assert_eq!(closing(&run, &prompt.id), (Closed::Drifted, vec![drift.to_owned()]));
        assert_ne!(set_of(&next), set_of(&prompt));
        run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "not open");
        prompt = next;
    }
    assert_eq!((estate.names("data").len(), phrase(&prompt).as_str()), (3, "delete 3 files"));
    assert_eq!(run.count("step.intent"), 0);
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(estate.names("data").len(), 0);
    run.is_whole_and_known();
}

#[test]
fn the_set_of_an_open_prompt_is_read_again_and_only_drift_closes_it() {
    let estate = estate().with("MIDWATCH_SPAN_PROMPT_REREAD", "60");
    let run = estate.start_waiting("clean");
    let prompt = run.prompt();
    let read = |after: Option<Wall>| {
        wait_for("a reading", || reread::last(&run.dir, &prompt.id).filter(|at| Some(*at) > after))
    };
    let records = run.records().len();
    let first = read(None);
    read(Some(first));
    let view = run.view();
    assert_eq!(view.prompt.as_ref(), Some(&prompt));
    assert_eq!((run.records().len(), run.count("prompt.reread")), (records, 0), "an unchanged set is not recorded");
    // A console shows how long ago that was.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = runtime.block_on(async {
        let (out, mut seen) = tokio::sync::mpsc::channel(16);
        let _follower = Follower::start(run.dir.clone(), out, false);
        loop {
            if let Some(Msg::RunFolded { view, .. }) = seen.recv().await
                && let Some(open) = view.prompt.filter(|open| open.read > first)
            {
                break open;
            }
        }
    });
    assert_eq!((&shown.id, &shown.ask, shown.opened), (&prompt.id, &prompt.ask, prompt.opened));
    estate.file("data/new.json", "data");
    let next = run.prompt_after(&prompt.id);
    assert_eq!(closing(&run, &prompt.id), (Closed::Drifted, vec!["new: data/new.json".to_owned()]));
    assert_eq!((run.count("answer.rejected"), phrase(&next).as_str()), (0, "delete 4 files"));
    run.drive();
    assert_eq!(estate.names("data").len(), 0);
}

#[test]
fn a_prompt_that_lapsed_is_asked_again() {
    let estate = estate().with("MIDWATCH_SPAN_PROMPT_LIFE", "400");
    let run = estate.start_waiting("clean");
    let prompt = run.prompt();
    let next = run.prompt_after(&prompt.id);
    assert_eq!(closing(&run, &prompt.id), (Closed::Expired, Vec::new()));
    assert_eq!(set_of(&next), set_of(&prompt));
    run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "not open");
    assert_eq!(estate.names("data").len(), 3);
    run.drive();
    assert_eq!(estate.names("data").len(), 0);
    run.is_whole_and_known();
}

/// Three changes, the second phase's one among them.
const COVER: &str = r#"
[[work]]
title  = "Add a file to two"
effect = "change"
do     = { exec = ["sh", "-c", "echo new >>{tree}/two/new.gz"] }
undo   = { none = "a test" }
[[work]]
title  = "Move one"
effect = "change"
do     = { files = "move", under = "one", match = "*.gz", to = "to" }
undo   = { files = "restore" }
[[work]]
title  = "Move two"
effect = "change"
do     = { files = "move", under = "two", match = "*.gz", to = "to" }
undo   = { files = "restore" }
[[later]]
title  = "Move three"
effect = "change"
do     = { files = "move", under = "three", match = "*.gz", to = "to" }
undo   = { files = "restore" }
"#;

fn also(prompt: &OpenPrompt) -> Vec<Covered> {
    let Ask::Confirm { also, .. } = &prompt.ask else { panic!("{prompt:?}") };
    also.clone()
}

#[test]
fn a_prompt_asks_for_its_own_step_and_nothing_else() {
    let estate = Estate::default();
    for below in ["one/a.gz", "two/b.gz", "three/c.gz", "to/kept"] {
        estate.file(below, "log");
    }
    estate.procedure("cover", "", COVER);
    let run = estate.start_waiting("cover");
    let mut prompt = run.prompt();
    for (step, left) in [(0, 1), (1, 1), (2, 0), (3, 0)] {
        assert_eq!((prompt.step, also(&prompt)), (step, Vec::new()));
        assert_eq!(estate.names("one").len(), left, "step {step} asks, and nothing ran before its answer");
        run.accept(&prompt, Answer::Confirm { typed: "change".to_owned() });
        if step < 3 {
            prompt = run.prompt_after(&prompt.id);
        }
    }
    run.sealed();
    assert_eq!(run.count("prompt.opened"), 4);
    run.is_whole_and_known();
}

#[test]
fn a_prompt_of_a_phase_shows_each_step_and_covers_no_set_that_drifted() {
    let estate = Estate::default();
    for below in ["one/a.gz", "two/b.gz", "three/c.gz", "to/kept"] {
        estate.file(below, "log");
    }
    estate.procedure("cover", "prompt = \"phase\"", COVER);
    let run = estate.start_waiting("cover");
    let first = run.prompt();
    let covered = also(&first);
    assert_eq!(covered.iter().map(|covered| covered.step).collect::<Vec<_>>(), [1, 2]);
    for covered in &covered {
        let preview = covered.preview.as_ref().unwrap();
        assert_eq!((&preview.headline, preview.count, preview.place.is_empty()), (&covered.headline, 1, false));
    }
    run.accept(&first, Answer::Confirm { typed: "change".to_owned() });
    let second = run.prompt_after(&first.id);
    assert_eq!((second.step, estate.names("one").len(), estate.names("two").len()), (2, 0, 2));
    run.accept(&second, Answer::Confirm { typed: "change".to_owned() });
    let third = run.prompt_after(&second.id);
    assert_eq!((third.step, estate.names("three").len()), (3, 1));
    run.accept(&third, Answer::Confirm { typed: "change".to_owned() });
    run.sealed();
    let permit = |event| match event {
        Event::StepIntent { permit, .. } => permit,
        _ => None,
    };
    let permits: Vec<_> = run.events().into_iter().filter_map(permit).collect();
    assert_eq!(permits, [first.id.clone(), first.id, second.id, third.id]);
    assert_eq!(estate.names("to").len(), 5);
}

#[test]
fn a_new_runner_asks_again_for_a_consent_without_an_intent() {
    let estate = estate().with("MIDWATCH_FAILPOINT", "intent.pre");
    let run = estate.start_waiting("clean");
    let prompt = run.prompt();
    run.send(demand(&prompt, consent(&prompt)));
    wait_for("the kill", || (!run.dir.runner_lives()).then_some(()));
    let mut estate = estate;
    estate.without("MIDWATCH_FAILPOINT");
    let run = estate.run();
    run.midwatch("resume", &[]).exits(0);
    let next = run.prompt_after(&prompt.id);
    assert_eq!(estate.names("data").len(), 3);
    run.accept(&next, consent(&next));
    run.sealed();
    assert_eq!(estate.names("data").len(), 0);
}
