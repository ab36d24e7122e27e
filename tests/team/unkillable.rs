//! An act that outlived its shim and that the run's user may not end: it became another user's process.

use super::people::{ANNA, BEN, Team, is_root, typed};
use crate::support::estate::{kill, kill_wholly, wait_for};
use midwatch::domain::RunStatus;
use midwatch::journal::record::Event;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Where the system's `setpriv` is.
const SETPRIV: &str = "/usr/bin/setpriv";

#[test]
fn an_abort_over_unkillable_processes_exits_8_and_seals_only_after_they_end() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let estate = &team.estate;
    let become_root = estate.beside("become-root");
    fs::copy(SETPRIV, &become_root).unwrap();
    fs::set_permissions(&become_root, Permissions::from_mode(0o4755)).unwrap();
    let (tree, program) = (estate.tree(""), become_root.display());
    let work = format!("echo $$ >{0}pid; while ! test -e {0}go; do sleep 0.02; done", tree.display());
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\nundo = {{ none = \"a test\" }}\n\
         do = {{ exec = [\"{program}\", \"--reuid\", \"0\", \"--regid\", \"0\", \"--clear-groups\", \"sh\", \"-c\", \"{work}\"] }}\n"
    );
    estate.procedure("one", "lock = [\"host\"]", &steps);
    let run = team.start_waiting(ANNA, "one", &[]);
    let prompt = run.prompt();
    team.accept(ANNA, &run, &prompt, typed("change"));
    let pid = || fs::read_to_string(estate.tree("pid")).ok()?.trim().parse::<u32>().ok();
    let act = wait_for("the work", pid);
    kill(run.runner());
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let id = run.dir.id.to_string();
    team.midwatch(ANNA, &["abort", &id])
        .exits(8)
        .prints(&format!("attempt 1.1 is still at work: {act} (sh)"))
        .prints("the run is not sealed, and what it locks stays locked")
        .prints(&format!("midwatch attach {id}"));
    assert_eq!(run.view().sealed, None);
    let notes = |event| match event {
        Event::Note { text, .. } => Some(text),
        _ => None,
    };
    let notes: Vec<String> = run.events().into_iter().filter_map(notes).collect();
    let output = format!("attempt 1.1 is still at work and cannot be ended: {act} (sh)");
    assert!(notes.len() == 1 && notes[0].contains(&output) && notes[0].contains("permission denied"), "{notes:?}");
    team.midwatch(BEN, &["run", "test/one", "--yes", "change"]).exits(6);
    fs::write(estate.tree("go"), "").unwrap();
    let view = run.sealed();
    assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Aborted), 1));
    run.midwatch("verify", &[]).exits(0);
    estate.nothing_runs();
}
