//! Break-glass with a reason, and the attached persons who could approve instead.

use super::people::{ANNA, BEN, Person, Team, break_glass, is_root};
use crate::support::estate::{BINARY, kill_wholly, wait_for};
use crate::support::run::{Run, demand};
use midwatch::domain::{Attendee, RunStatus};
use midwatch::runner::presence::Presence;
use std::path::Path;
use std::process::{Child, Stdio};

const CHANGE: &str = r#"
[[work]]
title   = "Append a line"
effect  = "change"
do      = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
confirm = "four-eyes"
undo    = { none = "a test" }
"#;

/// A person who follows a run, in a terminal of their own.
struct Follower(Child);

impl Follower {
    fn start(team: &Team, who: Person, run: &Run<'_>) -> Self {
        // `script` gives it the terminal that makes it a person's.
        let line = format!("exec {BINARY} attach --plain {}", run.dir.id);
        let mut command = team.command(who, Path::new("script"), &["-qec", &line, "/dev/null"]);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn people(run: &Run<'_>) -> Vec<Attendee> {
    Presence::unseen(&run.dir).unwrap().people()
}

fn waiting(team: &Team) -> Run<'_> {
    team.estate.procedure("four", "", CHANGE);
    let run = team.start_waiting(ANNA, "four", &["--yes", "change"]);
    run.wait("the first answer", |view| view.prompt.as_ref().is_some_and(|open| open.confirmed.is_some()));
    run
}

#[test]
fn break_glass_needs_a_reason_and_stays_on_record() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let run = waiting(&team);
    let prompt = run.prompt();
    team.refused(ANNA, &run, demand(&prompt, break_glass("  ")), "needs a reason");
    assert_eq!(team.estate.lines("done"), 0);
    team.accept(ANNA, &run, &prompt, break_glass("nobody else is awake"));
    let view = run.sealed();
    assert_eq!((view.sealed, team.estate.lines("done")), (Some(RunStatus::Ok), 1));
    assert!(view.used_break_glass());
    assert_eq!(view.approvals[0].break_glass_reason.as_deref(), Some("nobody else is awake"));
    assert_eq!(view.approvals[0].by.uid, ANNA.uid);
    run.is_whole_and_known();
    team.midwatch(BEN, &["runs"]).exits(0).prints("BREAK GLASS");
    team.midwatch(BEN, &["runs", "--json"]).exits(0).prints("\"broke_glass\": true");
    team.midwatch(BEN, &["report", run.dir.id.as_str()])
        .exits(0)
        .prints("**BREAK GLASS**")
        .prints("nobody else is awake");
}

#[test]
fn break_glass_is_refused_before_the_confirmation_and_while_another_person_is_there() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("four", "", CHANGE);
    let run = team.start_waiting(ANNA, "four", &[]);
    let prompt = run.prompt();
    team.refused(ANNA, &run, demand(&prompt, break_glass("haste")), "it is not confirmed yet");
    team.accept(ANNA, &run, &prompt, super::people::typed("change"));
    let ben = Follower::start(&team, BEN, &run);
    let is_ben = |person: &Attendee| person.actor.uid == BEN.uid && person.may_act;
    wait_for("Ben to be seen", || people(&run).iter().any(is_ben).then_some(()));
    team.refused(ANNA, &run, demand(&prompt, break_glass("haste")), "is attached and can approve it");
    drop(ben);
    wait_for("Ben to be gone", || people(&run).is_empty().then_some(()));
    team.accept(ANNA, &run, &prompt, break_glass("Ben fell asleep"));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
}

#[test]
fn attached_consoles_are_listed_and_dead_ones_are_not() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let run = waiting(&team);
    assert_eq!(people(&run), []);
    let _anna = Follower::start(&team, ANNA, &run);
    let _ben = Follower::start(&team, BEN, &run);
    let two = wait_for("both to be seen", || Some(people(&run)).filter(|people| people.len() == 2));
    let mut uids: Vec<u32> = two.iter().map(|person| person.actor.uid).collect();
    uids.sort_unstable();
    assert_eq!(uids, [ANNA.uid, BEN.uid]);
    assert!(two.iter().all(|person| person.may_act && person.actor.login_uid == Some(person.actor.uid)), "{two:?}");
    kill_wholly(two.iter().find(|person| person.actor.uid == BEN.uid).unwrap().actor.pid);
    let left = wait_for("one to be left", || Some(people(&run)).filter(|people| people.len() == 1));
    assert_eq!(left[0].actor.uid, ANNA.uid);
    assert_eq!(run.count("answer.rejected"), 0, "looking is harmless");
}
