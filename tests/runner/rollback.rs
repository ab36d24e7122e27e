//! The undo of one step, of the run, and in cleanup steps; each undo once, counted at the target.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::RunView;
use midwatch::journal::record::{Ask, Choice, Ending, Event, WentBack};
use midwatch::runner::protocol::Demand;
use midwatch::ui::shot::{self, Paper};
use std::fs;

/// Two steps with an undo in two phases, then a check for the file `go`, then what is taken in every ending.
fn estate(header: &str, check: &str) -> Estate {
    let estate = Estate::default();
    let tree = estate.tree("").display().to_string();
    estate.file("replicas", "3\n");
    let cleanup = cleanup(&format!("exec = [\"sh\", \"-c\", \"echo over >>{tree}over\"]"));
    let steps = format!(
        r#"
[[prepare]]
title = "What is there"
read  = {{ exec = ["cat", "{tree}replicas"] }}
save  = "before"
[[prepare]]
id     = "page"
title  = "Page"
effect = "change"
takes  = "30s"
do     = {{ exec = ["sh", "-c", "echo page >>{tree}page"] }}
undo   = {{ exec = ["sh", "-c", "echo {{{{before.output}}}} >>{tree}unpage"] }}
[[work]]
id     = "stop"
title  = "Stop"
effect = "change"
takes  = "90s"
do     = {{ exec = ["sh", "-c", "echo stop >>{tree}stop"] }}
undo   = {{ exec = ["sh", "-c", "echo start >>{tree}start"] }}
[[work]]
id     = "healthy"
title  = "Healthy"
check  = {{ exec = ["test", "-e", "{tree}go"] }}
{check}
{cleanup}"#
    );
    estate.procedure("back", header, &steps);
    estate
}

/// The cleanup steps: they undo `page` and `stop`, and carry out one act more.
pub fn cleanup(act: &str) -> String {
    format!(
        r#"[[finish]]
title   = "Bring it back"
undo_of = ["page", "stop"]
always  = true
[[finish]]
title  = "Write it down"
effect = "change"
always = true
do     = {{ {act} }}
undo   = {{ none = "a test" }}
"#
    )
}

/// How often each effect is there: page, its undo, stop, its undo, what is taken in every ending.
fn effects(estate: &Estate) -> [usize; 5] {
    ["page", "unpage", "stop", "start", "over"].map(|name| estate.lines(name))
}

fn states(view: &RunView) -> Vec<&'static str> {
    view.steps.iter().map(|step| step.state.word()).collect()
}

fn remark(view: &RunView, step: usize) -> &str {
    view.steps[step].remark.as_deref().unwrap_or_default()
}

#[test]
fn an_undo_of_a_run_undoes_the_steps_that_ran_and_skips_undone_ones() {
    let estate = estate("", "");
    estate.file("go", "");
    let steps = fs::read_to_string(estate.beside("procedures/back.toml")).unwrap();
    let twice = steps.replace(
        "[[finish]]\ntitle   = \"Bring it back\"",
        "[[finish]]\ntitle = \"First\"\nundo_of = [\"page\"]\n[[finish]]\ntitle   = \"Bring it back\"",
    );
    let twice = twice.replace("title  = \"Stop\"", "title  = \"Stop\"\non_fail = [\"skip\"]");
    fs::write(estate.beside("procedures/back.toml"), twice).unwrap();
    let run = estate.start_waiting("back");
    let page = run.prompt();
    // The prompt of an act names the cleanup step that undoes it, and asks for nothing else.
    let Ask::Confirm { also, preview, .. } = &page.ask else { panic!("{page:?}") };
    assert!(also.is_empty() && preview.undo.contains("in every ending (step 6)"), "{page:?}");
    run.accept(&page, consent(&page));
    let stop = run.prompt_after(&page.id);
    run.accept(&stop, consent(&stop));
    let first = run.prompt_after(&stop.id);
    let Ask::Confirm { preview, .. } = &first.ask else { panic!("{first:?}") };
    assert_eq!((preview.count, preview.takes_s, first.step), (1, Some(30), 4));
    assert_eq!(preview.headline, "Undo 1 step: Page");
    assert!(preview.facts[0].1.contains("echo 3"), "{:?}", preview.facts);
    assert_eq!(effects(&estate), [1, 0, 1, 0, 0]);
    run.accept(&first, consent(&first));
    // What every ending undoes is not asked about in the good one either; another change of the ending asks for itself.
    let last = run.prompt_after(&first.id);
    assert_eq!(last.step, 6);
    run.accept(&last, consent(&last));
    let view = run.sealed();
    assert_eq!((view.sealed, run.count("prompt.opened")), (Some(RunStatus::Ok), 4));
    assert_eq!(states(&view), ["done", "undone", "undone", "done", "done", "done", "done"]);
    assert_eq!(effects(&estate), [1, 1, 1, 1, 1]);
    // What is shown of an undone step is what its undo did.
    let page = &view.steps[1];
    assert!(page.undo.is_some() && page.latest() == page.undo.as_ref() && page.latest() != page.outcome.as_ref());
    assert_eq!(view.steps[3].latest(), view.steps[3].outcome.as_ref());
    assert_eq!(fs::read_to_string(estate.tree("unpage")).unwrap(), "3\n");
    let detail = |step: usize| view.steps[step].outcome.as_ref().unwrap().detail.clone();
    assert_eq!(detail(4), "undid step 2");
    assert_eq!(detail(5), "undid step 3; skipped step 2, which is undone already");
    assert!(view.went_back().is_none());
    run.midwatch("abort", &["--undo"])
        .exits(2)
        .prints("is over: ok")
        .prints("cannot be undone: run a procedure that reverses");
    run.is_whole_and_known();
    estate.nothing_runs();
}

#[test]
fn a_failure_rolls_back_automatically_to_its_phase_proves_it_and_cleans_up() {
    let estate = estate("rollback = { on_fail = \"rollback\", to = \"work\", prove = [\"healthy\"] }", "");
    let undo = estate.tree("start").display().to_string();
    let heal = format!("echo start >>{undo}\"]");
    let text = fs::read_to_string(estate.beside("procedures/back.toml")).unwrap();
    let text = text.replace(&heal, &format!("echo start >>{undo}; touch {}\"]", estate.tree("go").display()));
    fs::write(estate.beside("procedures/back.toml"), text).unwrap();
    estate.start("back", &["--yes", "change"]).exits(1).prints("failed, rolled back, proved");
    let run = estate.run();
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Failed));
    assert_eq!(states(&view), ["done", "undone", "undone", "failed", "done", "done"]);
    assert_eq!(view.went_back(), Some(WentBack { undone: 1, left: 0, proved: Some(true) }));
    // The page belongs to a phase before, and came down by its own step, after the proof.
    assert_eq!(effects(&estate), [1, 1, 1, 1, 1]);
    let kinds: Vec<String> = run.events().iter().map(|event| event.kind().to_owned()).collect();
    let first = |kind: &str| kinds.iter().position(|known| known == kind).unwrap();
    assert!(first("abort.requested") < first("rollback.began"));
    assert!(first("undo.intent") < first("rollback.proved"));
    assert_eq!((run.count("undo.intent"), run.count("prompt.opened")), (2, 3));
    let report = run.midwatch("report", &[]).exits(0);
    report.prints("failed, rolled back, proved").prints("the rollback began (step 4 failed): step 3 to undo");
    estate.midwatch(&["runs"]).exits(0).prints("  failed, rolled back, proved  ");
    let listed = estate.midwatch(&["runs", "--json"]).exits(0).out;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let row = &listed["runs"][0];
    assert_eq!((row["status"].as_str(), row["rolled_back"]["undone"].as_u64()), (Some("failed"), Some(1)), "{row}");
    assert_eq!(row["rolled_back"]["proved"].as_bool(), Some(true), "{row}");
    run.is_whole_and_known();
    estate.nothing_runs();
}

#[test]
fn a_rollback_that_is_not_proved_is_reported() {
    let estate = estate("rollback = { on_fail = \"rollback\", prove = [\"healthy\"] }", "");
    estate.start("back", &["--yes", "change"]).exits(1).prints("failed, rolled back, not proved");
    let view = estate.run().sealed();
    assert_eq!(view.went_back(), Some(WentBack { undone: 2, left: 0, proved: Some(false) }));
    assert_eq!(states(&view), ["done", "undone", "undone", "failed", "skipped", "done"]);
    let text = "nothing to undo: skipped step 3, which is undone already; step 2, which is undone already";
    assert_eq!(remark(&view, 4), text);
    assert_eq!(effects(&estate), [1, 1, 1, 1, 1]);
}

/// Drives the run to its first decision.
fn failed(run: &Run<'_>) -> midwatch::journal::fold::OpenPrompt {
    let mut prompt = run.prompt();
    while !matches!(prompt.ask, Ask::Decide { .. }) {
        run.accept(&prompt, consent(&prompt));
        prompt = run.prompt_after(&prompt.id);
    }
    prompt
}

/// Starts a run whose rollback has the undo of its third step at work: it has its effect, and sleeps on.
fn held_in_an_undo(estate: &Estate) -> (Run<'_>, midwatch::journal::fold::OpenPrompt) {
    let text = fs::read_to_string(estate.beside("procedures/back.toml")).unwrap();
    let start = estate.tree("start").display().to_string();
    let text = text.replace(&format!("echo start >>{start}\""), &format!("echo start >>{start}; sleep 60\""));
    fs::write(estate.beside("procedures/back.toml"), text).unwrap();
    let run = estate.start_waiting("back");
    let prompt = failed(&run);
    run.accept(&prompt, decide(Choice::Rollback));
    wait_for("the undo's effect", || (estate.lines("start") == 1).then_some(()));
    (run, prompt)
}

fn menu(prompt: &midwatch::journal::fold::OpenPrompt) -> (Vec<Choice>, Vec<String>) {
    let Ask::Decide { choices, means, .. } = &prompt.ask else { panic!("{prompt:?}") };
    (choices.clone(), means.clone())
}

#[test]
fn a_failure_offers_the_choices_of_its_step_and_a_held_run_can_be_resumed() {
    let estate = estate("", "on_fail = [\"hold\", \"retry\", \"rollback\", \"skip\"]");
    estate.start("back", &["--yes", "change"]).exits(75);
    let run = estate.run();
    let prompt = failed(&run);
    let (choices, means) = menu(&prompt);
    // The gate is hard, so it cannot be skipped.
    assert_eq!(choices, [Choice::Hold, Choice::Retry, Choice::Rollback]);
    assert_eq!(means[1], "run this step again");
    assert_eq!(means[2], "stop; undo 2 steps in ~2 m, 2 closing steps");
    run.accept(&prompt, decide(Choice::Hold));
    wait_for("the end of the runner", || (!run.dir.runner_lives()).then_some(()));
    assert_eq!(run.status(), "held");
    let held = run.view().held().cloned().unwrap();
    assert_eq!((held.step, held.reason.as_str()), (3, "the test says so"));
    estate.nothing_runs();
    run.midwatch("resume", &[]).exits(0);
    let again = run.prompt_after(&prompt.id);
    assert_eq!(menu(&again), (choices, means));
    assert_eq!(run.status(), "waiting");
    run.accept(&again, decide(Choice::Rollback));
    let view = run.drive();
    assert_eq!(view.sealed, Some(RunStatus::Failed));
    assert_eq!(states(&view), ["done", "undone", "undone", "failed", "skipped", "done"]);
    assert_eq!(effects(&estate), [1, 1, 1, 1, 1]);
    run.is_whole_and_known();
}

#[test]
fn a_cleanup_step_runs_after_an_abort_and_hides_no_failure() {
    let estate = estate("", "");
    let run = estate.start_waiting("back");
    let prompt = failed(&run);
    assert_eq!(menu(&prompt).0, [Choice::Retry, Choice::Rollback, Choice::Hold, Choice::Abort]);
    // The last step fails in the ending.
    fs::create_dir(estate.tree("over")).unwrap();
    run.accept(&prompt, decide(Choice::Abort));
    let last = run.prompt_after(&prompt.id);
    assert_eq!(last.step, 5, "a change of the ending asks for itself");
    run.accept(&last, consent(&last));
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Failed));
    assert_eq!(states(&view), ["done", "undone", "undone", "failed", "done", "failed"]);
    assert_eq!(effects(&estate)[..4], [1, 1, 1, 1]);
    assert!(view.went_back().is_none());
    run.is_whole_and_known();
    // Stopped before anything was done, there is nothing to undo; a step that acts still asks.
    let run = { estate.start_waiting("back") };
    run.ask(Demand::Abort { undo: false });
    let asks =
        run.wait("its prompt", |view| view.aborts() == 1 && view.prompt.as_ref().is_some_and(|open| open.step == 5));
    run.accept(asks.prompt.as_ref().unwrap(), midwatch::journal::record::Answer::Cancel);
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Aborted));
    assert_eq!(states(&view), ["done", "planned", "planned", "planned", "skipped", "skipped"]);
    assert!(remark(&view, 5).contains("aborted during its prompt"), "{}", remark(&view, 5));
    assert_eq!(effects(&estate)[..4], [1, 1, 1, 1]);
}

#[test]
fn a_fact_that_an_undo_would_miss_refuses_the_act() {
    let estate = estate("", "");
    let text = fs::read_to_string(estate.beside("procedures/back.toml")).unwrap();
    fs::write(estate.beside("procedures/back.toml"), text.replace("before.output", "before.replicas")).unwrap();
    estate
        .start("back", &["--yes", "change"])
        .exits(7)
        .prints("its undo could not be made")
        .prints("has no `replicas`");
    assert_eq!(effects(&estate), [0; 5]);
    let run = estate.run();
    run.accept(&run.prompt(), decide(Choice::Abort));
    run.drive();
}

#[test]
fn an_undo_that_fails_is_asked_about_and_repeated_only_when_wanted() {
    let estate = estate("", "");
    let start = estate.tree("start");
    let run = estate.start_waiting("back");
    let prompt = failed(&run);
    fs::create_dir(&start).unwrap();
    run.accept(&prompt, decide(Choice::Rollback));
    let asked = run.prompt_after(&prompt.id);
    let (choices, means) = menu(&asked);
    assert_eq!(choices, [Choice::Retry, Choice::Skip, Choice::Hold, Choice::Abort]);
    assert_eq!(means[1], "leave this step, with a reason; 1 undo to go");
    assert_eq!(run.count("undo.intent"), 1);
    // Another runner comes to the same question, and repeats nothing.
    run.kill_runner();
    run.midwatch("resume", &[]).exits(0);
    let asked = run.prompt_after(&asked.id);
    assert_eq!((menu(&asked).0, run.count("undo.intent")), (choices, 1));
    fs::remove_dir(&start).unwrap();
    run.accept(&asked, decide(Choice::Retry));
    let view = run.drive();
    assert_eq!((view.sealed, run.count("undo.intent")), (Some(RunStatus::Failed), 3));
    assert_eq!(view.went_back(), Some(WentBack { undone: 2, left: 0, proved: None }));
    assert_eq!(effects(&estate)[..4], [1, 1, 1, 1]);
    run.is_whole_and_known();
}

#[test]
fn an_undo_that_is_skipped_is_reported_and_the_others_go_on() {
    let estate = estate("", "");
    let run = estate.start_waiting("back");
    let prompt = failed(&run);
    fs::create_dir(estate.tree("start")).unwrap();
    run.accept(&prompt, decide(Choice::Rollback));
    let asked = run.prompt_after(&prompt.id);
    run.accept(&asked, decide(Choice::Skip));
    let view = run.drive();
    assert_eq!(view.went_back(), Some(WentBack { undone: 1, left: 1, proved: None }));
    assert_eq!(states(&view)[..3], ["done", "undone", "done"]);
    // What the step did is still there, and the step is nowhere said to have ended well.
    let standing: Vec<&str> = view.steps.iter().take(3).map(|step| step.standing()).collect();
    assert_eq!(standing, ["done", "undone", "undo failed"]);
    let mut model = sample::following((120, 36), None, view.clone(), false);
    sample::press(&mut model, "6");
    let screen = shot::of(&mut model, &Theme::labelled(Glyphs::Unicode), Paper::Dark).text;
    assert!(screen.contains("✖  undo failed"), "{screen}");
    let page = run.midwatch("report", &[]).out;
    assert!(page.contains("| undo failed |"), "{page}");
    let html = run.midwatch("report", &["--format", "html"]).out;
    assert!(html.contains("bad\">undo failed<"), "{html}");
    let json: serde_json::Value = serde_json::from_str(&run.midwatch("report", &["--format", "json"]).out).unwrap();
    assert_eq!(json["steps"][2]["standing"], "undo failed");
    assert!(remark(&view, 4).contains("step 3, whose undo was tried already"), "{}", remark(&view, 4));
    assert_eq!(effects(&estate)[..2], [1, 1]);
}

#[test]
fn an_undo_with_an_unknown_outcome_is_asked_about_and_never_repeated() {
    let estate = estate("", "");
    let (run, prompt) = held_in_an_undo(&estate);
    run.kill_runner();
    kill_wholly(run.pid_of("3.1.undo", "shim.json"));
    kill_wholly(run.pid_of("3.1.undo", "act.json"));
    run.midwatch("resume", &[]).exits(0);
    // Its child sleeps on.
    let at_work = run.prompt_after(&prompt.id);
    run.accept(&at_work, decide(Choice::End));
    let asked = run.prompt_after(&at_work.id);
    assert_eq!(menu(&asked).0, [Choice::Undone, Choice::NotUndone, Choice::Hold, Choice::Abort]);
    assert_eq!((run.view().steps[2].state, estate.lines("start")), (StepState::Unknown, 1));
    run.accept(&asked, decide(Choice::Undone));
    let view = run.drive();
    assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Failed), 0));
    assert_eq!(view.went_back(), Some(WentBack { undone: 2, left: 0, proved: None }));
    assert_eq!(effects(&estate)[..4], [1, 1, 1, 1]);
    assert_eq!(run.unknown(), 1);
    let resolved = |event: &Event| matches!(event, Event::StepResolved { choice: Choice::Undone, .. });
    assert!(run.events().iter().any(resolved));
    let endings: Vec<Ending> = view.steps.iter().filter_map(|step| step.undo.as_ref()).map(|end| end.ending).collect();
    assert_eq!(endings, [Ending::Ok, Ending::Unknown]);
}

#[test]
fn a_run_stopped_in_its_rollback_leaves_the_rest_and_still_closes() {
    let estate = estate("", "");
    let (run, _) = held_in_an_undo(&estate);
    run.ask(Demand::Abort { undo: false });
    let view = run.drive();
    assert_eq!((view.sealed, view.aborts()), (Some(RunStatus::Failed), 2));
    assert_eq!(view.went_back(), Some(WentBack { undone: 1, left: 1, proved: None }));
    // The page came down by the step that is taken in every ending.
    assert_eq!(states(&view), ["done", "undone", "done", "failed", "done", "done"]);
    assert_eq!(effects(&estate), [1, 1, 1, 1, 1]);
    estate.nothing_runs();
}
