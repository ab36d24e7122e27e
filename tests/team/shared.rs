//! What a team shares: modes independent of the umask, locks across users, and directories that are refused.

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
        (team.estate.state().join("runs"), 0o3770),
        (team.estate.state().join("locks"), 0o3770),
        (at(""), 0o2750),
        (at("sets"), 0o2750),
        (at("logs"), 0o2750),
        (at("plan.json"), 0o640),
        (at("procedure.toml"), 0o640),
        (at("start.json"), 0o640),
        (at("journal.jsonl"), 0o640),
        (at("runner.lock"), 0o600),
        (at("alive"), 0o640),
        (at("presence"), 0o640),
        (at("control.sock"), 0o660),
        (set, 0o640),
    ] {
        assert_eq!(format!("{:o}", mode(&path)), format!("{wanted:o}"), "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().gid(), TEAM, "{}", path.display());
    }
    assert_eq!(mode(&at("steps")) & 0o077, 0, "acts and their environments are nobody else's");
    let id = run.dir.id.as_str();
    team.midwatch(BEN, &["runs"]).exits(0).prints("waiting");
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
    team.midwatch(BEN, &["run", "test/one"]).exits(6).prints(run.dir.id.as_str());
    run.kill_runner();
    team.midwatch(BEN, &["run", "test/one"]).exits(6).prints("still claimed");
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
        estate.start("one", &[]).exits(74).prints(why).prints("chmod 3770");
    };
    refused(0o2777, "everyone may write to it");
    refused(0o2775, "others than its group may enter it");
    refused(0o2750, "its group may not write to it");
    refused(0o2770, "it has no sticky bit");
    if !is_root() {
        return;
    }
    fs::set_permissions(estate.state(), Permissions::from_mode(0o3770)).unwrap();
    chown(estate.state(), Some(BEN.uid), Some(TEAM)).unwrap();
    fs::set_permissions(estate.state(), Permissions::from_mode(0o3770)).unwrap();
    estate.start("one", &[]).exits(74).prints(&format!("it belongs to uid {}", BEN.uid)).prints("chown root");
    chown(estate.state(), Some(0), Some(TEAM)).unwrap();
    fs::set_permissions(estate.state(), Permissions::from_mode(0o3770)).unwrap();
    fs::create_dir(estate.state().join("runs")).unwrap();
    chown(estate.state().join("runs"), Some(0), Some(61_555)).unwrap();
    fs::set_permissions(estate.state().join("runs"), Permissions::from_mode(0o3770)).unwrap();
    estate.start("one", &[]).exits(74).prints("its group is 61555");
    assert!(estate.runs().is_empty());
    // Above the state only, and above the estate as well, which is read first.
    let loose = estate.beside("loose");
    fs::create_dir_all(loose.join("state")).unwrap();
    chown(loose.join("state"), Some(0), Some(TEAM)).unwrap();
    fs::set_permissions(loose.join("state"), Permissions::from_mode(0o3770)).unwrap();
    fs::set_permissions(&loose, Permissions::from_mode(0o777)).unwrap();
    let estate = estate.keeping_state_in(&loose.join("state"));
    estate.start("one", &[]).exits(74).prints(&format!("others may write to {} above it", loose.display()));
    fs::set_permissions(estate.beside(""), Permissions::from_mode(0o777)).unwrap();
    estate.start("one", &[]).exits(2).prints("others may write to");
    assert!(estate.runs().is_empty());
}

#[test]
fn a_member_cannot_remove_or_rename_another_members_files() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    // As the installation makes them; and as an earlier version did, without the sticky bit.
    for below in ["runs", "locks"] {
        fs::create_dir(team.estate.state().join(below)).unwrap();
        chown(team.estate.state().join(below), Some(0), Some(TEAM)).unwrap();
        fs::set_permissions(team.estate.state().join(below), Permissions::from_mode(0o2770)).unwrap();
    }
    team.estate.procedure("one", "lock = [\"target\"]", CHANGE);
    team.midwatch(ANNA, &["run", "test/one"]).exits(74).prints("it has no sticky bit").prints("chmod 3770");
    for below in ["runs", "locks"] {
        fs::set_permissions(team.estate.state().join(below), Permissions::from_mode(0o3770)).unwrap();
    }
    let run = team.start_waiting(ANNA, "one", &[]);
    let lock = lock_file(&team, "target");
    assert!(lock.exists());
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let away = path(&team.estate.state().join("runs/away"));
    for (program, args) in [
        ("/bin/mv", vec![path(&run.dir.path), away]),
        ("/bin/rm", vec![path(&lock)]),
        ("/bin/mv", vec![path(&team.estate.state().join("runs")), path(&team.estate.state().join("other"))]),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let printed = crate::support::estate::finish(team.command(BEN, Path::new(program), &args));
        assert_ne!(printed.code, Some(0), "{program} {args:?}");
    }
    assert!(lock.exists() && run.dir.path.exists());
    team.midwatch(BEN, &["run", "test/one"]).exits(6).prints(run.dir.id.as_str());
}

/// The file of a lock that is itself.
fn lock_file(team: &Team, name: &str) -> std::path::PathBuf {
    let identity = midwatch::runner::lock_targets::by_name(name, "test");
    team.estate.state().join("locks").join(format!("{}.lock", midwatch::domain::Digest::of(identity.as_bytes())))
}

#[test]
fn a_lock_file_planted_by_a_member_is_refused_by_name() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("one", "lock = [\"target\"]", CHANGE);
    team.estate.procedure("other", "", CHANGE);
    team.midwatch(ANNA, &["run", "test/other"]).exits(75);
    let lock = lock_file(&team, "target");
    let place = lock.to_str().unwrap();
    for (plant, what) in [
        (format!("mkfifo -m 666 {place}"), "a FIFO of"),
        (format!("ln -s /etc/passwd {place}"), "a symbolic link of"),
        (format!("mkdir -m 777 {place}"), "a directory of"),
        (format!("umask 077; echo >{place}"), "a file of"),
        (
            format!(
                "rm -f {0}/mine; echo x >{0}/mine; ln {0}/mine {place}; chmod 666 {place}",
                team.estate.beside("home").display()
            ),
            "a hard link",
        ),
    ] {
        crate::support::estate::finish(team.command(BEN, Path::new("/bin/sh"), &["-c", &plant])).exits(0);
        let printed = team.midwatch(ANNA, &["run", "test/one"]).exits(6).prints(what).prints(place).prints("rm ");
        assert!(printed.err.contains(&midwatch::config::names::user(BEN.uid)), "{}", printed.err);
        fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock)).unwrap();
    }
    team.midwatch(ANNA, &["run", "test/one"]).exits(75);
}

#[test]
fn a_shared_lock_of_a_member_keeps_no_owner_from_the_run() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("one", "", CHANGE);
    let run = team.start_waiting(ANNA, "one", &[]);
    let prompt = run.prompt();
    team.midwatch(BEN, &["runs"]).exits(0).prints("waiting");
    run.kill_runner();
    let on_the_lock = team.squat(BEN, &run.dir.path.join("runner.lock"));
    assert!(on_the_lock.printed.contains("Permission denied"), "{}", on_the_lock.printed);
    // The file that shows the team that the runner lives can be read, and so be locked; that blocks no process.
    let on_alive = team.squat(BEN, &run.dir.path.join("alive"));
    assert_eq!(on_alive.printed, "holds");
    team.midwatch(BEN, &["runs"]).exits(0).prints("interrupted");
    team.midwatch(ANNA, &["resume", run.dir.id.as_str()]).exits(0);
    run.prompt_after(&prompt.id);
    team.midwatch(BEN, &["runs"]).exits(0).prints("waiting");
    team.midwatch(ANNA, &["abort", run.dir.id.as_str()]).exits(0);
    run.sealed();
}
