//! Sealed runs that are no longer kept go when a run starts, and at no other time.

use crate::support::estate::{Estate, finish};
use std::fs;

const STEP: &str = "[[look]]\ntitle = \"Look\"\ncheck = { exec = [\"/bin/true\"] }\n";

fn estate(runs: usize) -> Estate {
    let estate = Estate::default();
    estate.procedure("look", "", STEP);
    for _ in 0..runs {
        estate.start("look", &[]).exits(0);
    }
    assert_eq!(estate.runs().len(), runs);
    estate
}

/// The ids of the runs, the oldest first.
fn ids(estate: &Estate) -> Vec<String> {
    let mut ids: Vec<String> = estate.runs().iter().map(|run| run.id.to_string()).collect();
    ids.sort();
    ids
}

#[test]
fn a_start_removes_runs_that_are_no_longer_kept_and_logs_it() {
    let estate = estate(3);
    let before = ids(&estate);
    estate.configure("[policy]\nkeep = { runs = 2 }\n");
    for args in
        [&["runs"][..], &["check"], &["lint"], &["plan", "test/look"], &["report", &before[0]], &["verify", &before[0]]]
    {
        estate.midwatch(args);
        assert_eq!(ids(&estate), before, "{args:?} only looks");
    }
    estate.start("look", &[]).exits(0);
    let after = ids(&estate);
    assert_eq!((after.len(), &after[0]), (2, &before[2]));
    let entries = fs::read_dir(estate.state().join("runs")).unwrap().count();
    assert_eq!(entries, 2, "and nothing is left of the others");
    let files = fs::read_dir(estate.state().join("log")).unwrap().map(|entry| entry.unwrap().path());
    let log: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for gone in &before[..2] {
        assert!(log.lines().any(|line| line.contains("run removed") && line.contains(gone)), "{log}");
    }
    estate.midwatch(&["report", &before[0]]).exits(2).prints("there is no run");
    for kept in &after {
        estate.midwatch(&["verify", kept]).exits(0);
    }
    // An age alone keeps what is young, and what cannot be is refused with its place.
    let file = estate.beside("midwatch.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("runs = 2", "age = \"400d\"")).unwrap();
    estate.start("look", &[]).exits(0);
    assert_eq!(ids(&estate).len(), 3);
    fs::write(&file, text.replace("runs = 2", "runs = -1")).unwrap();
    estate.midwatch(&["lint"]).exits(2).prints("midwatch.toml:5:17: `runs` must be from 1 to 1000000, not -1");
}

#[test]
fn a_kill_between_the_rename_and_the_removal_leaves_whole_runs_alone_in_the_list() {
    let estate = estate(3);
    let before = ids(&estate);
    estate.configure("[policy]\nkeep = { runs = 2 }\n");
    let mut command = estate.command(&["run", "test/look"]);
    command.env("MIDWATCH_FAILPOINT", "keep.apart");
    let printed = finish(command);
    assert_eq!(printed.code, None, "it was killed: {printed:?}");
    let half = estate.state().join("runs").join(format!("{}.removed", before[0]));
    assert!(half.join("journal.jsonl").exists());
    let listed = estate.midwatch(&["runs"]).exits(0).out;
    assert!(!listed.contains(&before[0]) && !listed.contains("damaged"), "{listed}");
    estate.midwatch(&["verify", &before[0]]).exits(2).prints("there is no run");
    // The run that was started goes on by itself, and the next start finishes the removal.
    let newest = crate::support::estate::wait_for("the seal of the run", || {
        let newest = estate.runs().into_iter().max_by_key(|run| run.id.to_string())?;
        newest.path.join("seal.json").exists().then_some(newest)
    });
    estate.midwatch(&["verify", newest.id.as_str()]).exits(0);
    estate.start("look", &[]).exits(0);
    assert!(!half.exists());
    assert_eq!(ids(&estate).len(), 2);
}
