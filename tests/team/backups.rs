//! Old backups go by the word of two people, never the newest seven, and never what was kept for a reason.

use super::people::{ANNA, BEN, Team, approve, is_root};
use midwatch::domain::{Digest, RunStatus};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;

/// Writes a backup of some days with its checksum beside it.
fn backup(team: &Team, name: &str, days: u64) {
    team.estate.file(&format!("backups/{name}"), name);
    team.estate.file(&format!("backups/{name}.sha256"), &format!("{}  {name}\n", Digest::of(name.as_bytes()).as_str()));
    let file = fs::File::options().write(true).open(team.estate.tree(&format!("backups/{name}"))).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(days * DAY + 600)).unwrap();
}

#[test]
fn old_backups_go_by_two_people_and_the_newest_and_the_named_ones_stay() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    for age in [0, 1, 2, 150, 200, 210, 220, 230, 240, 250] {
        backup(&team, &format!("cell0-{age}.tar.gz"), age);
    }
    backup(&team, "pre-update.tar.gz", 400);
    fs::set_permissions(team.estate.tree("backups"), fs::Permissions::from_mode(0o777)).unwrap();
    let windows = "schema = 1\n[[window]]\nname = \"always\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\n";
    fs::write(team.estate.beside("windows.toml"), windows).unwrap();
    let directory = format!("directory={}", team.estate.tree("backups").display());
    let args = ["run", "common/delete-old-backups", "set=files", &directory, "--confirm", "delete 3 files"];
    team.midwatch(ANNA, &args).exits(75);
    let run = team.estate.run();
    let so =
        |view: &midwatch::journal::fold::RunView| view.prompt.as_ref().is_some_and(|open| open.confirmed.is_some());
    let prompt = run.wait("the first of two answers", so).prompt.unwrap();
    assert_eq!(team.estate.names("backups").len(), 22, "one person alone deletes nothing");
    team.accept(BEN, &run, &prompt, approve());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    let mut left = team.estate.names("backups");
    left.retain(|name| name.ends_with(".gz"));
    let kept: Vec<String> = [0, 1, 150, 2, 200, 210, 220].map(|age| format!("cell0-{age}.tar.gz")).into();
    assert_eq!(left, [kept, vec!["pre-update.tar.gz".to_owned()]].concat());
}

#[test]
fn where_backups_have_stopped_the_old_ones_stay() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    for age in [3, 200, 210, 220, 230, 240, 250, 260, 270, 280] {
        backup(&team, &format!("cell0-{age}.tar.gz"), age);
    }
    let windows = "schema = 1\n[[window]]\nname = \"always\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\n";
    fs::write(team.estate.beside("windows.toml"), windows).unwrap();
    let directory = format!("directory={}", team.estate.tree("backups").display());
    let args = ["run", "common/delete-old-backups", "set=files", &directory, "--confirm", "delete 3 files"];
    team.midwatch(ANNA, &args).exits(1).prints("Check that the newest backup is of today");
    assert_eq!(team.estate.names("backups").len(), 20);
}
