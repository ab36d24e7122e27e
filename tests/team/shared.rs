//! What a team shares: modes that hold whatever the umask, locks across users, and directories that are refused.

use super::people::{ANNA, BEN, OUTSIDER, TEAM, Team, is_root};
use crate::support::estate::Estate;
use crate::support::run::consent;
use midwatch::domain::RunStatus;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

const CHANGE: &str = r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
undo   = { none = "a test" }
"#;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())).mode() & 0o7777
}

#[test]
fn members_read_the_run_and_answer_it_and_only_its_user_writes_it() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("one", "", CHANGE);
    let run = team.start_waiting(ANNA, "one", &[]);
    let prompt = run.prompt();
    let set = run.dir.set(crate::support::run::set_of(&prompt).as_ref().unwrap());
    let at = |below: &str| run.dir.path.join(below);
    for (path, wanted) in [
        (team.estate.state().join("runs"), 0o2770),
        (team.estate.state().join("locks"), 0o2770),
        (at(""), 0o2750),
        (at("sets"), 0o2750),
        (at("logs"), 0o2750),
        (at("plan.json"), 0o640),
        (at("procedure.toml"), 0o640),
        (at("start.json"), 0o640),
        (at("journal.jsonl"), 0o640),
        (at("runner.lock"), 0o640),
        (at("presence"), 0o640),
        (at("control.sock"), 0o660),
        (set, 0o640),
    ] {
        assert_eq!(format!("{:o}", mode(&path)), format!("{wanted:o}"), "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().gid(), TEAM, "{}", path.display());
    }
    assert_eq!(mode(&at("steps")) & 0o077, 0, "acts and their environments are nobody else's");
    let id = run.dir.id.as_str();
    team.midwatch(BEN, &["runs"]).exits(0).says("waiting");
    team.midwatch(BEN, &["verify", id]).exits(0);
    assert_ne!(team.midwatch(OUTSIDER, &["runs"]).code, Some(0));
    team.accept(BEN, &run, &prompt, consent(&prompt));
    let view = run.sealed();
    assert_eq!((view.sealed, team.estate.lines("done")), (Some(RunStatus::Ok), 1));
    assert_eq!(view.steps[0].confirmed.as_ref().unwrap().0.uid, BEN.uid, "the record names who");
    assert_eq!(mode(&at("logs/1.1.log")), 0o640);
    assert_eq!(fs::metadata(team.estate.tree("done")).unwrap().uid(), ANNA.uid, "the act is its starter's");
}

#[test]
fn a_lock_holds_across_users_and_names_its_holder() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("one", "lock = [\"host\"]", CHANGE);
    let run = team.start_waiting(ANNA, "one", &[]);
    team.midwatch(BEN, &["run", "test/one"]).exits(6).says(run.dir.id.as_str());
    run.kill_runner();
    team.midwatch(BEN, &["run", "test/one"]).exits(6).says("still claimed");
    team.midwatch(ANNA, &["abort", run.dir.id.as_str()]).exits(0);
    run.sealed();
    let other = team.start_waiting(BEN, "one", &[]);
    assert_eq!(other.view().starter.uid, BEN.uid);
}

#[test]
fn a_directory_that_is_no_teams_is_refused_with_its_reason() {
    let estate = Estate::default();
    estate.procedure("one", "", CHANGE);
    fs::create_dir(estate.state()).unwrap();
    let refused = |mode: u32, why: &str| {
        fs::set_permissions(estate.state(), Permissions::from_mode(mode)).unwrap();
        estate.start("one", &[]).exits(74).says(why).says("chmod 2770");
    };
    refused(0o2777, "everybody may write to it");
    refused(0o2775, "others than its group may enter it");
    refused(0o2750, "its group may not write to it");
    if !is_root() {
        return;
    }
    fs::set_permissions(estate.state(), Permissions::from_mode(0o2770)).unwrap();
    chown(estate.state(), Some(BEN.uid), Some(TEAM)).unwrap();
    fs::set_permissions(estate.state(), Permissions::from_mode(0o2770)).unwrap();
    estate.start("one", &[]).exits(74).says(&format!("it belongs to uid {}", BEN.uid)).says("chown root");
    chown(estate.state(), Some(0), Some(TEAM)).unwrap();
    fs::set_permissions(estate.state(), Permissions::from_mode(0o2770)).unwrap();
    fs::create_dir(estate.state().join("runs")).unwrap();
    chown(estate.state().join("runs"), Some(0), Some(61_555)).unwrap();
    fs::set_permissions(estate.state().join("runs"), Permissions::from_mode(0o2770)).unwrap();
    estate.start("one", &[]).exits(74).says("its group is 61555");
    fs::set_permissions(estate.beside(""), Permissions::from_mode(0o777)).unwrap();
    estate.start("one", &[]).exits(74).says("others may write to");
    assert!(estate.runs().is_empty());
}
