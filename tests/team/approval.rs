//! Four-eyes: one person confirms, another approves exactly the confirmed set, and no one counts as two.

use super::people::{ANNA, BEN, CARLA, OUTSIDER, Person, ROOT, Team, approve, is_root, typed};
use crate::support::run::{Run, demand, set_of};
use midwatch::domain::{Digest, PromptId, RunId, RunStatus, StepState};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Answer, Closed, Event};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;

const DELETE: &str = r#"
[[clean]]
title   = "Delete the data"
effect  = "destroy"
do      = { files = "delete", under = "data", match = "*" }
confirm = "four-eyes"
undo    = { none = "a test" }
"#;

const PHRASE: &str = "delete 3 files";

/// A run that Anna started and confirmed, and that waits for a second person.
fn confirmed(team: &Team) -> (Run<'_>, OpenPrompt) {
    for name in ["a", "b", "c"] {
        team.estate.file(&format!("data/{name}"), "x");
    }
    open_to_all(team);
    team.estate.procedure("four", "", DELETE);
    let run = team.start_waiting(ANNA, "four", &["--confirm", PHRASE]);
    let prompt =
        run.wait("the first of two answers", |view| view.prompt.as_ref().is_some_and(|open| open.confirmed.is_some()));
    (run, prompt.prompt.unwrap())
}

/// Lets Anna's runner delete what root made.
fn open_to_all(team: &Team) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(team.estate.tree("data"), fs::Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn a_plan_that_needs_a_second_person_is_refused_without_a_team_with_the_commands_to_make_one() {
    let estate = crate::support::estate::Estate::default();
    estate.file("data/a", "x");
    estate.procedure("four", "", DELETE);
    let approval = "[[ask]]\ntitle = \"Agree\"\napprove = \"Is it fine?\"\n";
    estate.procedure("ask", "", approval);
    for name in ["four", "ask"] {
        let printed = estate.start(name, &["--confirm", PHRASE]).exits(7).prints("needs a second person");
        printed.prints("groupadd --force --system midwatch")
            .prints("install -d -o root -g midwatch -m 3770 /var/lib/midwatch /var/lib/midwatch/runs /var/lib/midwatch/locks")
            .prints("usermod --append --groups midwatch");
    }
    assert!(estate.runs().is_empty() && estate.names("data").len() == 1);
}

#[test]
fn another_person_approves_exactly_the_confirmed_set() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let (run, prompt) = confirmed(&team);
    assert_eq!(prompt.confirmed.as_ref().map(|(by, typed)| (by.uid, typed.as_str())), Some((ANNA.uid, PHRASE)));
    assert_eq!((run.count("step.intent"), team.estate.names("data").len()), (0, 3));
    // A client without a terminal exits with 75 while it waits.
    team.midwatch(BEN, &["attach", "--plain", run.dir.id.as_str()]).exits(75);
    team.accept(BEN, &run, &prompt, approve());
    let view = run.sealed();
    assert_eq!((view.sealed, team.estate.names("data").len()), (Some(RunStatus::Ok), 0));
    let approval = &view.approvals[0];
    assert_eq!((approval.by.uid, approval.by.login_uid, &approval.break_glass_reason), (BEN.uid, BEN.login, &None));
    assert_eq!((Some(&approval.hash), approval.first.as_ref().unwrap().uid), (set_of(&prompt).as_ref(), ANNA.uid));
    assert_eq!(view.steps[0].confirmed.as_ref().unwrap().0.uid, ANNA.uid);
    run.is_whole_and_known();
    let page = team.midwatch(BEN, &["report", run.dir.id.as_str()]).exits(0);
    page.prints("Second persons").prints("approved as a second person").prints(approval.hash.as_str());
}

#[test]
fn no_one_can_be_their_own_second_person() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let (run, prompt) = confirmed(&team);
    let own = "the second person must be another one";
    team.refused(ANNA, &run, demand(&prompt, approve()), own);
    // The same account from a login of its own is the same account.
    team.refused(ANNA.logged_in_as(Some(70_001)), &run, demand(&prompt, approve()), own);
    // Through su and sudo the login stays.
    team.refused(BEN.logged_in_as(ANNA.login), &run, demand(&prompt, approve()), "logged in as the same person");
    team.refused(ROOT.logged_in_as(ANNA.login), &run, demand(&prompt, approve()), "logged in as the same person");
    assert_eq!((run.view().prompt.as_ref(), run.count("step.intent")), (Some(&prompt), 0));
    // A login that is unset is unknown, and unknown is not equal.
    team.accept(BEN.logged_in_as(None), &run, &prompt, approve());
    assert_eq!(run.sealed().approvals[0].by.login_uid, None);
}

#[test]
fn root_is_no_exception() {
    if !is_root() {
        return;
    }
    let team = Team::of("production");
    fs::write(team.estate.beside("windows.toml"), crate::support::hours::ANYTIME).unwrap();
    team.estate.file("data/a", "x");
    // The step does not ask for four-eyes: a destroy without an undo, in production, requires it.
    team.estate.procedure("four", "", &DELETE.replace("confirm = \"four-eyes\"\n", ""));
    let run = team.start_waiting(ROOT, "four", &["--confirm", "delete 1 files"]);
    let prompt = run.prompt();
    team.refused(ROOT, &run, demand(&prompt, approve()), "the second person must be another one");
    team.refused(BEN.logged_in_as(ROOT.login), &run, demand(&prompt, approve()), "logged in as the same person");
    team.accept(BEN, &run, &prompt, approve());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
}

#[test]
fn an_answer_for_something_else_does_not_count() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let (run, prompt) = confirmed(&team);
    let of = |prompt: PromptId, seq, set| Demand::Answer { prompt, seq, set, answer: approve() };
    let (id, seq, set) = (prompt.id.clone(), prompt.seq, set_of(&prompt));
    team.refused(BEN, &run, of(PromptId::new(7), seq, set.clone()), "not open");
    team.refused(BEN, &run, of(id.clone(), seq - 1, set.clone()), "was opened by record");
    team.refused(BEN, &run, of(id.clone(), seq, None), "another set");
    team.refused(BEN, &run, of(id.clone(), seq, Some(Digest::of(b"another"))), "another set");
    let elsewhere =
        midwatch::runner::protocol::Request { run: RunId::new(1, 1), ..run.to_it(demand(&prompt, approve())) };
    let reply = team.send(BEN, &run.dir, &elsewhere);
    assert!(matches!(&reply, Reply::Rejected { why } if why.contains("this is run")), "{reply:?}");
    // The first answer, once more; and an answer of another kind.
    team.refused(BEN, &run, demand(&prompt, typed(PHRASE)), "confirmed it already");
    team.refused(BEN, &run, demand(&prompt, Answer::Sign { note: "x".into() }), "confirmed it already");
    assert_eq!((run.view().prompt.as_ref(), run.count("step.intent")), (Some(&prompt), 0));
    // What moved since closes the prompt, and the first answer with it.
    team.estate.file("data/d", "x");
    team.refused(BEN, &run, demand(&prompt, approve()), "has changed since");
    let again = run.prompt_after(&prompt.id);
    assert_eq!(again.confirmed, None);
    team.refused(BEN, &run, demand(&prompt, approve()), "not open");
    team.refused(BEN, &run, demand(&again, approve()), "it is not confirmed yet");
    let closed = |event: &Event| matches!(event, Event::PromptClosed { why: Closed::Drifted, .. });
    assert_eq!(run.events().iter().filter(|event| closed(event)).count(), 1);
    assert_eq!(team.estate.names("data").len(), 4);
}

#[test]
fn neither_the_confirmer_nor_the_starter_can_approve() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.file("data/a", "x");
    open_to_all(&team);
    team.estate.procedure("four", "", DELETE);
    let run = team.start_waiting(ANNA, "four", &[]);
    let prompt = run.prompt();
    team.accept(BEN, &run, &prompt, typed("delete 1 files"));
    for who in [ANNA, BEN] {
        team.refused(who, &run, demand(&prompt, approve()), "the second person must be another one");
    }
    team.accept(CARLA, &run, &prompt, approve());
    let view = run.sealed();
    let approval = &view.approvals[0];
    assert_eq!((approval.first.as_ref().unwrap().uid, approval.by.uid), (BEN.uid, CARLA.uid));
}

#[test]
fn an_outsider_reaches_nothing_and_a_refusal_stops_the_step() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let (run, prompt) = confirmed(&team);
    let reply = team.ask(OUTSIDER, &run, demand(&prompt, approve()));
    assert!(matches!(&reply, Reply::Rejected { why } if why.contains("unreachable")), "{reply:?}");
    // With open permissions, the runner itself refuses.
    open_control(&run);
    team.refused(OUTSIDER, &run, demand(&prompt, approve()), "may not act on a run of");
    team.refused(OUTSIDER, &run, Demand::Abort { undo: false }, "may not act on a run of");
    team.accept(BEN, &run, &prompt, Answer::Cancel);
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[0].state), (Some(RunStatus::Aborted), StepState::Planned));
    assert_eq!(view.abort.unwrap().0.uid, BEN.uid);
    assert_eq!(team.estate.names("data").len(), 3);
}

/// Lets every user reach a run's socket.
fn open_control(run: &Run<'_>) {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for path in [run.estate.state(), &run.estate.state().join("runs"), &run.dir.path] {
        open(path, 0o2777);
    }
    open(&run.dir.path.join("control.sock"), 0o666);
}

#[test]
fn a_question_that_outlives_its_runner_asks_both_people_again() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let (run, prompt) = confirmed(&team);
    run.kill_runner();
    // Another member cannot take it over: its acts would be theirs.
    team.midwatch(BEN, &["resume", run.dir.id.as_str()]).exits(7).prints("only they or root");
    team.midwatch(ANNA, &["resume", run.dir.id.as_str()]).exits(0);
    let again = run.prompt_after(&prompt.id);
    assert_eq!(again.confirmed, None);
    team.refused(BEN, &run, demand(&prompt, approve()), "not open");
    team.accept(ANNA, &run, &again, typed(PHRASE));
    team.accept(BEN, &run, &again, approve());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
}

/// A person for whom the kernel knows the same login twice is one person, whichever way round.
#[test]
fn the_login_that_counts_is_the_kernels() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let printed = team.midwatch(Person { login: Some(61_777), ..ANNA }, &["runs"]).exits(0);
    assert!(printed.out.contains("no runs yet"));
    let (run, _) = confirmed(&team);
    assert_eq!((run.view().starter.uid, run.view().starter.login_uid), (ANNA.uid, ANNA.login));
}
