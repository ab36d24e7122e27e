//! Two people at a console each: who is seen, who may do what, and the whole way of a destroy that takes both.

use super::people::{ANNA, BEN, Person, Team, is_root};
use crate::support::pty::{Pty, SOON};
use midwatch::domain::RunStatus;
use std::os::unix::fs::PermissionsExt;

const WORK: &str = r#"
[[look]]
title = "The gate"
check = { exec = ["false"] }
[[clean]]
title   = "Delete the data"
effect  = "destroy"
do      = { files = "delete", under = "data", match = "*" }
confirm = "four-eyes"
undo    = { none = "a test" }
"#;

/// A team whose run waits at its gate.
fn team() -> Team {
    let team = Team::of("production");
    std::fs::write(team.estate.beside("windows.toml"), crate::support::hours::ANYTIME).unwrap();
    for name in ["a", "b", "c"] {
        team.estate.file(&format!("data/{name}"), "x");
    }
    std::fs::set_permissions(team.estate.tree("data"), std::fs::Permissions::from_mode(0o777)).unwrap();
    team.estate.procedure("both", "", WORK);
    team.midwatch(ANNA, &["run", "test/both"]).exits(1);
    team
}

fn console(team: &Team, who: Person, size: (u16, u16)) -> Pty {
    let run = team.estate.run().dir.id.to_string();
    let pty = team.terminal(who, &["attach", &run], size);
    opens(&pty, |screen| screen.contains("DECIDE"));
    pty
}

/// Opens the prompt that waits behind the banner.
fn opens(pty: &Pty, so: impl Fn(&str) -> bool) {
    pty.wait_for(SOON, |screen| screen.contains(" opens it"));
    until(pty, "\r", so);
}

/// Presses a key until it has an effect: keys typed ahead have none.
fn until(pty: &Pty, key: &str, so: impl Fn(&str) -> bool) -> String {
    pty.press_until(key, so)
}

/// Chooses the override with a reason.
fn overrides(pty: &Pty, reason: &str) {
    let at = |screen: &str| screen.lines().any(|line| line.contains("▌override"));
    until(pty, "j", at);
    pty.send("\t");
    pty.send(reason);
    pty.wait_for(SOON, |screen| screen.contains(&format!("Reason: {reason}")));
    pty.send("\t");
    pty.wait_for(SOON, |screen| !screen.contains(&format!("{reason}▌")));
    until(pty, "c", |screen| !screen.contains("DECIDE") || screen.contains("second person must be another one"));
}

#[test]
fn a_gate_and_a_destroy_take_two_people_at_two_consoles() {
    if !is_root() {
        return;
    }
    let team = team();
    let run = team.estate.run();
    let (anna, ben) = (console(&team, ANNA, (80, 24)), console(&team, BEN, (120, 36)));
    // Each sees that the other is here, and may act.
    anna.wait_for(SOON, |screen| screen.contains("uid 61002 may act"));
    overrides(&anna, "haste");
    anna.wait_for(SOON, |screen| screen.contains("the second person must be another one"));
    overrides(&ben, "the disk is borrowed");
    for pty in [&anna, &ben] {
        opens(pty, |screen| screen.contains("DESTROY") && screen.contains("1 OF 2"));
    }
    assert_eq!(run.view().overrides.iter().map(|passed| passed.by.uid).collect::<Vec<_>>(), [BEN.uid]);

    // One confirms; she is shown once why she cannot approve, and break-glass is refused while he is attached.
    until(&anna, "d", |screen| screen.contains("to confirm:  d"));
    anna.type_in("elete 3 files\r");
    let waits = anna.wait_for(SOON, |screen| screen.contains("2 OF 2") && screen.contains("waits for a second person"));
    assert!(waits.contains("nobody else can be had"), "{waits}");
    let refused = until(&anna, "c", |screen| screen.contains("second person must be another one"));
    assert_eq!(refused.matches("the second person must be another one").count(), 1, "{refused}");
    until(&anna, "\t", |screen| screen.contains("for ever in the report, type  break glass: REASON"));
    anna.type_in("break glass: nobody is awake\r");
    anna.wait_for(SOON, |screen| screen.contains("is attached and can approve it"));
    assert_eq!(team.estate.names("data").len(), 3);

    // The other one is shown what she confirmed, is offered no way around himself, and approves.
    let asked = ben.wait_for(SOON, |screen| screen.contains("to approve exactly this, as the second person"));
    assert!(asked.contains("by typing delete 3 files") && !asked.contains("nobody else can be had"), "{asked}");
    until(&ben, "c", |screen| screen.contains("ended well"));
    anna.wait_for(SOON, |screen| screen.contains("ended well"));
    let view = run.sealed();
    let approval = &view.approvals[0];
    assert_eq!(
        (view.sealed, approval.by.uid, approval.first.as_ref().unwrap().uid),
        (Some(RunStatus::Ok), BEN.uid, ANNA.uid)
    );
    assert!(team.estate.names("data").is_empty() && !view.used_break_glass());
    run.is_whole_and_known();
}

#[test]
fn break_glass_by_a_single_person_stays_red() {
    if !is_root() {
        return;
    }
    let team = team();
    let run = team.estate.run();
    {
        let ben = console(&team, BEN, (80, 24));
        overrides(&ben, "fine");
        opens(&ben, |screen| screen.contains("1 OF 2"));
    }
    let pty = team.terminal(ANNA, &["attach", run.dir.id.as_str()], (80, 24));
    opens(&pty, |screen| screen.contains("1 OF 2"));
    until(&pty, "d", |screen| screen.contains("to confirm:  d"));
    pty.type_in("elete 3 files\r");
    pty.wait_for(SOON, |screen| screen.contains("2 OF 2") && screen.contains("waits for a second person"));
    until(&pty, "\t", |screen| screen.contains("type  break glass: REASON"));
    pty.type_in("break glass:\r");
    pty.wait_for(SOON, |screen| screen.contains("break glass:▌") && screen.contains("nothing happened"));
    assert_eq!(team.estate.names("data").len(), 3, "without a reason it stays whole");
    pty.type_in(" nobody is awake");
    until(&pty, "\r", |screen| ["6 Run ✓2/2", "✓ ok  2/2"].iter().any(|sign| screen.contains(sign)));
    let view = run.sealed();
    assert!(view.used_break_glass() && team.estate.names("data").is_empty());
    assert_eq!(view.approvals[0].break_glass_reason.as_deref(), Some("nobody is awake"));
    team.midwatch(BEN, &["runs"]).exits(0).prints("BREAK GLASS");
}
