//! What an undo or a proof runs is what was confirmed with its step, or a person is asked first.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent, decide, demand};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Answer, Ask, Choice, Ending, Event};
use midwatch::runner::protocol::Reply;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A script that appends a word to `done`.
fn script(estate: &Estate, name: &str, word: &str) -> PathBuf {
    let text = format!("#!/bin/sh\necho {word} >>{}\n", estate.tree("done").display());
    estate.file(name, &text);
    let path = estate.tree(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A step whose act does something, whose undo is the script `back`; then a check that fails, and further steps.
fn estate(header: &str, act: &str, more: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0");
    script(&estate, "back", "confirmed");
    script(&estate, "other", "other");
    let tree = estate.tree("").display().to_string();
    let act = act.replace('@', &tree);
    let steps = format!(
        "[[work]]\nid = \"it\"\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"{act}\"] }}\n\
         undo = {{ exec = [\"{tree}back\"] }}\n{more}\n\
         [[work]]\ntitle = \"Look\"\ncheck = {{ exec = [\"test\", \"-e\", \"{tree}never\"] }}\n"
    );
    estate.procedure("one", header, &steps);
    estate
}

const BY_ITSELF: &str = "rollback = { on_fail = \"rollback\" }";
/// The act replaces its own undo.
const REPLACES: &str = "mv @other @back";

fn begun(estate: &Estate) -> (Run<'_>, OpenPrompt) {
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let asked = run.prompt_after(&prompt.id);
    (run, asked)
}

fn menu(prompt: &OpenPrompt) -> (&str, &[Choice], &[String]) {
    let Ask::Decide { text, choices, means, .. } = &prompt.ask else { panic!("{prompt:?}") };
    (text, choices, means)
}

fn done(estate: &Estate) -> String {
    fs::read_to_string(estate.tree("done")).unwrap_or_default()
}

/// What a file is known by in a question.
fn known(path: &std::path::Path) -> String {
    midwatch::runner::pinned::FileIdentity::of(path, u64::MAX).unwrap().shown()
}

#[test]
fn an_undo_that_its_own_act_replaced_is_asked_about_and_run_only_where_a_person_names_it() {
    let estate = estate(BY_ITSELF, REPLACES, "");
    let was = known(&estate.tree("back"));
    let (run, asked) = begun(&estate);
    let back = estate.tree("back");
    let (text, choices, means) = menu(&asked);
    let expected =
        format!("the undo would not run what was confirmed: {0} was {was}; is {1}", back.display(), known(&back));
    assert_eq!((text, done(&estate).as_str(), run.count("undo.intent")), (expected.as_str(), "", 0));
    assert_eq!(choices, [Choice::Retry, Choice::RunChanged, Choice::Skip, Choice::Hold, Choice::Abort]);
    assert!(means[1].contains(&format!("{} ({})", back.display(), known(&back))), "{means:?}");
    // It needs a reason, and the digest of what was shown.
    let bare = Answer::Decide { choice: Choice::RunChanged, reason: String::new() };
    assert!(matches!(run.send(demand(&asked, bare)), Some(Reply::Rejected { why }) if why.contains("needs a reason")));
    let mut unnamed = asked.clone();
    let Ask::Decide { set, .. } = &mut unnamed.ask else { unreachable!() };
    assert!(set.take().is_some());
    let refused = run.send(demand(&unnamed, decide(Choice::RunChanged)));
    assert!(matches!(refused, Some(Reply::Rejected { why }) if why.contains("another set than the prompt shows")));
    // To look again changes nothing.
    run.accept(&asked, decide(Choice::Retry));
    let asked = run.prompt_after(&asked.id);
    assert_eq!((menu(&asked).0, run.count("undo.intent")), (expected.as_str(), 0));
    run.accept(&asked, decide(Choice::RunChanged));
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[0].state), (Some(RunStatus::Failed), StepState::Undone));
    assert_eq!((done(&estate).as_str(), run.count("undo.intent")), ("other\n", 1));
    run.midwatch("report", &[]).exits(0).prints("run-changed").prints("the test says so");
    run.is_whole_and_known();
}

#[test]
fn a_change_after_the_question_asks_again() {
    let estate = estate(BY_ITSELF, REPLACES, "");
    let (run, asked) = begun(&estate);
    let third = script(&estate, "third", "third");
    fs::rename(third, estate.tree("back")).unwrap();
    run.accept(&asked, decide(Choice::RunChanged));
    let again = run.prompt_after(&asked.id);
    assert!(menu(&again).0.ends_with(&known(&estate.tree("back"))), "{again:?}");
    assert_eq!((done(&estate).as_str(), run.count("undo.intent")), ("", 0));
    run.accept(&again, decide(Choice::RunChanged));
    run.sealed();
    assert_eq!(done(&estate), "third\n");
}

#[test]
fn a_restored_undo_runs_as_confirmed_and_a_missing_one_cannot_run() {
    let estate = estate(BY_ITSELF, "mv @back @kept", "");
    let (run, asked) = begun(&estate);
    let (text, choices, _) = menu(&asked);
    assert!(text.ends_with("; is gone"), "{text}");
    assert_eq!(choices, [Choice::Retry, Choice::Skip, Choice::Hold, Choice::Abort]);
    run.accept(&asked, decide(Choice::Hold));
    wait_for("the end of the runner", || (!run.dir.runner_lives()).then_some(()));
    fs::rename(estate.tree("kept"), estate.tree("back")).unwrap();
    run.midwatch("resume", &[]).exits(0);
    assert_eq!((run.sealed().steps[0].state, done(&estate).as_str()), (StepState::Undone, "confirmed\n"));
}

#[test]
fn a_step_whose_undo_changed_can_be_left() {
    let estate = estate(BY_ITSELF, REPLACES, "");
    let (run, asked) = begun(&estate);
    run.accept(&asked, decide(Choice::Skip));
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[0].state), (Some(RunStatus::Failed), StepState::Done));
    assert_eq!((done(&estate).as_str(), run.count("undo.intent")), ("", 0));
    assert_eq!(view.went_back().map(|went| (went.undone, went.left)), Some((0, 1)));
    run.is_whole_and_known();
}

#[test]
fn a_step_that_takes_others_back_asks_as_well() {
    for (choice, end, text) in [
        (Choice::RunChanged, "other\n", "undid step 1"),
        (Choice::Skip, "", "skipped step 1, which was to be left as it is"),
    ] {
        let estate = estate("", REPLACES, "[[work]]\ntitle = \"Back\"\nundo_of = [\"it\"]\nalways = true\n");
        let (run, asked) = begun(&estate);
        assert_eq!((asked.step, menu(&asked).1[1]), (0, Choice::RunChanged), "{asked:?}");
        assert_eq!((done(&estate).as_str(), run.count("undo.intent")), ("", 0));
        run.accept(&asked, decide(choice));
        let view = run.wait("its outcome", |view| view.steps[1].outcome.is_some());
        assert_eq!((done(&estate).as_str(), view.steps[1].outcome.as_ref().unwrap().detail.as_str()), (end, text));
        run.midwatch("abort", &[]);
        run.sealed();
        run.is_whole_and_known();
    }
}

#[test]
fn an_undo_that_is_replaced_after_the_last_look_is_not_executed() {
    let estate = estate(BY_ITSELF, "true", "").with("MIDWATCH_FAILPOINT", "stop:undo.intent");
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    let runner = run.runner();
    run.accept(&prompt, consent(&prompt));
    let stat = format!("/proc/{runner}/stat");
    wait_for("the stop", || fs::read_to_string(&stat).unwrap().contains(") T ").then_some(()));
    fs::rename(estate.tree("other"), estate.tree("back")).unwrap();
    kill_process(Pid::from_raw(i32::try_from(runner).unwrap()).unwrap(), Signal::CONT).unwrap();
    let failed = run.prompt_after(&prompt.id);
    let text = format!("failed: the undo: could not be started: {} is another file", estate.tree("back").display());
    assert!(menu(&failed).0.starts_with(&text), "{failed:?}");
    assert_eq!(done(&estate), "");
    // Once more, it is asked about by what it is.
    run.accept(&failed, decide(Choice::Retry));
    let asked = run.prompt_after(&failed.id);
    assert!(menu(&asked).1.contains(&Choice::RunChanged), "{asked:?}");
}

#[test]
fn a_step_confirmed_by_an_older_version_is_undone_as_it_is() {
    let estate = estate("", REPLACES, "");
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let failed = run.prompt_after(&prompt.id);
    let set = run.dir.set(run.view().steps[0].set.as_ref().unwrap());
    let mut head: serde_json::Value = serde_json::from_slice(&fs::read(&set).unwrap()).unwrap();
    assert!(head.as_object_mut().unwrap().remove("bound").is_some());
    fs::write(&set, format!("{head}\n")).unwrap();
    run.accept(&failed, decide(Choice::Rollback));
    assert_eq!((run.sealed().steps[0].state, done(&estate).as_str()), (StepState::Undone, "other\n"));
}

#[test]
fn an_undo_that_drifts_while_a_person_is_asked_closes_the_prompt() {
    let estate = estate("", "true", "").with("MIDWATCH_SPAN_PROMPT_REREAD", "50");
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    fs::rename(estate.tree("other"), estate.tree("back")).unwrap();
    let again = run.prompt_after(&prompt.id);
    assert!(matches!(again.ask, Ask::Confirm { .. }));
    let drift = run.events().into_iter().find_map(|event| match event {
        Event::PromptClosed { drift, .. } => Some(drift),
        _ => None,
    });
    let begins = format!("its undo: {} was sha256 ", estate.tree("back").display());
    assert!(drift.as_ref().is_some_and(|changes| changes.len() == 1 && changes[0].starts_with(&begins)), "{drift:?}");
}

#[test]
fn a_proof_that_is_not_the_confirmed_one_is_not_run_and_proves_nothing() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0");
    let proof = script(&estate, "proof", "proved");
    script(&estate, "other", "other");
    estate.configure(&format!("trusted_reads = [{proof:?}]\n"));
    let tree = estate.tree("").display().to_string();
    let steps = |act: &str| {
        format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"{act}\"] }}\n\
             prove = {{ exec = [{proof:?}] }}\nundo = {{ none = \"a test\" }}\n"
        )
    };
    estate.procedure("one", "", &steps("true"));
    estate.start("one", &["--yes", "change"]).exits(0);
    assert_eq!(done(&estate), "proved\n");
    estate.procedure("two", "", &steps(&format!("mv {tree}other {tree}proof")));
    let run = estate.start_waiting("two");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let asked = run.prompt_after(&prompt.id);
    let (text, choices, _) = menu(&asked);
    let why = format!("it was not run, for it is not what was confirmed: {} was sha256 ", proof.display());
    assert!(text.starts_with("outcome unknown: exit code 0; the proof: ") && text.contains(&why), "{text}");
    assert_eq!(choices, [Choice::Done, Choice::NotDone, Choice::Skip, Choice::Abort]);
    assert_eq!((done(&estate).as_str(), run.view().steps[0].state), ("proved\n", StepState::Unknown));
    run.accept(&asked, decide(Choice::Done));
    assert_eq!((run.sealed().sealed, done(&estate).as_str()), (Some(RunStatus::Ok), "proved\n"));
    let ended =
        |event: &Event| matches!(event, Event::StepOutcome { outcome, .. } if outcome.ending == Ending::Unknown);
    assert_eq!(run.events().iter().filter(|event| ended(event)).count(), 1);
}
