//! A stopped step did not fail: an act, a check, an undo, an `undo_of`; wherever it is shown.

use crate::sources::bus::{Bus, UNIT};
use crate::support::estate::Estate;
use crate::support::run::{Run, consent, decide};
use midwatch::config::theme::{Glyphs, Role, Theme};
use midwatch::demo::sample;
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::RunView;
use midwatch::journal::record::{About, Ask, Choice, Ending};
use midwatch::runner::protocol::Demand;
use midwatch::ui::shot::{self, Paper};
use std::net::TcpListener;

/// A step whose undo takes very long; then a person's, at which the run can be stopped; then these.
fn estate(header: &str, more: &str) -> Estate {
    let estate = Estate::default();
    let steps = format!(
        "[[work]]\nid = \"it\"\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"true\"] }}\n\
         undo = {{ exec = [\"sleep\", \"600\"] }}\n\
         [[work]]\ntitle = \"Look\"\nmanual = \"Look at it.\"\n{more}\n"
    );
    estate.procedure("stop", header, &steps);
    estate
}

/// Does the first step, asks to stop, and waits until the undo of it is at work.
fn undoing(run: &Run<'_>, undo: bool) {
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.prompt_after(&prompt.id);
    run.ask(Demand::Abort { undo });
    run.pid_of("1.1.undo", "act.json");
}

fn ending(view: &RunView, step: usize) -> Option<Ending> {
    view.steps[step].outcome.as_ref().map(|end| end.ending)
}

/// Asserts that a run that was only stopped is nowhere reported, counted or drawn as failed.
#[track_caller]
fn nothing_failed(run: &Run<'_>, view: &RunView) {
    assert_eq!(view.sealed, Some(RunStatus::Aborted), "{view:?}");
    assert!(view.steps.iter().all(|step| step.state != StepState::Failed), "{view:?}");
    let plain = run.midwatch("attach", &["--plain"]).exits(9).out;
    assert!(plain.contains("cancelled") && plain.contains("the run is over: aborted"), "{plain}");
    let screen = screen(view);
    let failed = Theme::labelled(Glyphs::Unicode).symbol(Role::StateFailed).plain();
    assert!(!screen.contains(&failed), "{failed} in\n{screen}");
    let report = |form: &str| run.midwatch("report", &["--format", form]).exits(0).out;
    let (md, page) = (report("md"), report("html"));
    for (form, text) in [("plain", &plain), ("screen", &screen), ("md", &md), ("html", &page)] {
        assert!(!text.contains("failed"), "{form}:\n{text}");
    }
    // A stopped step has no mark of failure.
    let bold = md.lines().find(|line| line.contains("**") && line.contains("cancelled"));
    assert_eq!(bold, None, "{md}");
    let marked = |tag: &str| {
        let parts = page.split(tag).skip(1).map(|part| part.split("</").next().unwrap_or_default());
        let wrong = |part: &&str| part.contains("cancelled") || part.contains("aborted") || part.contains(">stopped");
        parts.filter(wrong).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = [marked("class=\"bad\""), marked("class=\"pill bad\""), marked("class=\"tight bad\"")].concat();
    assert_eq!(all, Vec::<String>::new());
    let value: serde_json::Value = serde_json::from_str(&report("json")).unwrap();
    assert_eq!(value["status"], "aborted");
    let grave = |deviation: &&serde_json::Value| {
        deviation["grave"] == true && deviation["what"].as_str().unwrap().contains("cancelled")
    };
    assert_eq!(value["deviations"].as_array().unwrap().iter().find(grave), None);
    run.is_whole_and_known();
    run.estate.nothing_runs();
}

/// The Run pane of a sealed run, and nothing around it.
fn screen(view: &RunView) -> String {
    let mut model = sample::following((200, 50), None, view.clone(), false);
    sample::press(&mut model, "6 z");
    let text = shot::of(&mut model, &Theme::labelled(Glyphs::Unicode), Paper::Dark).text;
    text.lines().filter(|line| line.starts_with(['┏', '┃'])).map(|line| format!("{line}\n")).collect()
}

#[test]
fn an_act_that_is_stopped_did_not_fail() {
    let estate = Estate::default();
    let steps = "[[work]]\ntitle = \"Wait\"\neffect = \"change\"\ndo = { exec = [\"sleep\", \"600\"] }\nundo = { none = \"a test\" }\n";
    estate.procedure("stop", "", steps);
    let run = estate.start_waiting("stop");
    run.accept(&run.prompt(), consent(&run.prompt()));
    run.pid_of("1.1", "act.json");
    run.midwatch("abort", &[]).exits(0);
    let view = run.sealed();
    assert_eq!((ending(&view, 0), view.steps[0].state), (Some(Ending::Cancelled), StepState::Stopped));
    assert!(screen(&view).contains("step 1 stopped: stopped on request"), "{}", screen(&view));
    nothing_failed(&run, &view);
}

#[test]
fn a_check_that_is_stopped_did_not_fail() {
    // It accepts no connection from its queue, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let estate = Estate::default();
    let steps = format!(
        "[[work]]\ntitle = \"Begin\"\nmanual = \"Begin.\"\n\
         [[work]]\ntitle = \"Well\"\ncheck = {{ http = \"{url}\", within = \"5m\" }}\ntimeout = \"10m\"\n"
    );
    estate.procedure("stop", "", &steps);
    let run = estate.start_waiting("stop");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.pid_of("2.1", "act.json");
    run.midwatch("abort", &[]).exits(0);
    let view = run.sealed();
    assert_eq!((ending(&view, 1), view.steps[1].state), (Some(Ending::Cancelled), StepState::Stopped));
    nothing_failed(&run, &view);
}

#[test]
fn a_stopped_undo_did_not_fail_and_its_prompt_says_stopped() {
    let estate = estate("", "");
    let run = estate.start_waiting("stop");
    undoing(&run, true);
    run.ask(Demand::Abort { undo: false });
    let view = run.sealed();
    let undo = view.steps[0].undo.clone().unwrap();
    assert_eq!((undo.ending, view.steps[0].state), (Ending::Cancelled, StepState::Done));
    let last = format!("step 1 done · undo stopped: {}", undo.detail);
    assert!(screen(&view).contains(&last), "no {last:?} in\n{}", screen(&view));
    nothing_failed(&run, &view);

    // Wanted back once more while its ending asks, it is asked about: it was stopped.
    let last = "[[finish]]\ntitle = \"Close\"\neffect = \"change\"\nalways = true\ndo = { exec = [\"true\"] }\nundo = { none = \"a test\" }\n";
    let estate = self::estate("", last);
    let run = estate.start_waiting("stop");
    undoing(&run, true);
    run.ask(Demand::Abort { undo: false });
    let close = run.wait("the ending's prompt", |view| view.prompt.as_ref().is_some_and(|open| open.step == 2));
    run.ask(Demand::Abort { undo: true });
    let asked = run.prompt_after(&close.prompt.unwrap().id);
    let Ask::Decide { about, text, .. } = &asked.ask else { panic!("{asked:?}") };
    assert_eq!((asked.step, *about), (0, About::Other));
    assert!(text.starts_with("stopped: the undo: "), "{text}");
    run.midwatch("attach", &["--plain"]).exits(75);
    run.accept(&asked, decide(Choice::Abort));
    let view = run.drive();
    nothing_failed(&run, &view);
}

#[test]
fn a_step_that_takes_others_back_and_is_stopped_did_not_fail() {
    let estate = estate("", "[[finish]]\ntitle = \"Back\"\nundo_of = [\"it\"]\nalways = true\n");
    let run = estate.start_waiting("stop");
    undoing(&run, false);
    run.ask(Demand::Abort { undo: false });
    let view = run.sealed();
    let by = view.steps[2].outcome.clone().unwrap();
    assert_eq!((by.ending, view.steps[2].state), (Ending::Cancelled, StepState::Stopped), "{by:?}");
    assert!(
        by.detail.starts_with("stopped on request; did not finish the undo of step 1 (stopped on request"),
        "{by:?}"
    );
    assert_eq!(view.steps[0].undo.as_ref().unwrap().ending, Ending::Cancelled);
    nothing_failed(&run, &view);
}

#[test]
fn an_undo_cancelled_by_another_client_stops_its_undo_of_and_its_prompt_says_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::start(dir.path());
    let estate = Estate::default().with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address());
    let steps = format!(
        "[[work]]\nid = \"it\"\ntitle = \"Stop\"\neffect = \"change\"\ndo = {{ systemd = \"stop\", unit = \"{UNIT}\" }}\n\
         undo = {{ systemd = \"start\", unit = \"{UNIT}\" }}\n[[finish]]\ntitle = \"Back\"\nundo_of = [\"it\"]\n"
    );
    estate.procedure("stop", "", &steps);
    let run = estate.start_waiting("stop");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let back = run.prompt_after(&prompt.id);
    bus.cancels_jobs();
    run.accept(&back, consent(&back));
    let asked = run.prompt_after(&back.id);
    let Ask::Decide { about, text, .. } = &asked.ask else { panic!("{asked:?}") };
    assert_eq!((asked.step, *about), (1, About::Other), "{text}");
    assert!(text.starts_with("stopped: did not finish the undo of step 1 (job cancelled: "), "{text}");
    assert_eq!((ending(&run.view(), 1), run.view().steps[1].state), (Some(Ending::Cancelled), StepState::Stopped));
    run.midwatch("attach", &["--plain"]).exits(75);
    run.accept(&asked, decide(Choice::Abort));
    let view = run.sealed();
    nothing_failed(&run, &view);
}
