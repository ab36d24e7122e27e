//! Midwatch's own log of a run: what a person who was not there reads afterwards.

use crate::support::estate::{Estate, wait_for};
use midwatch::domain::RunStatus;
use midwatch::journal::record::Answer;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// All files of the log, one after the other.
fn log(estate: &Estate) -> String {
    let mut files: Vec<_> =
        fs::read_dir(estate.state().join("log")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// Waits for a line that holds every one of these words.
#[track_caller]
fn line(estate: &Estate, words: &[&str]) -> String {
    wait_for(&format!("a line of the log with {words:?}"), || {
        log(estate).lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
    })
}

#[test]
fn the_log_of_a_run_names_the_lost_target_the_rejected_answer_and_every_step() {
    let estate = Estate::default();
    estate.configure("[[service]]\nname = \"web\"\nurl = \"http://127.0.0.1:1/\"\n");
    estate.file("old", "");
    let steps = "[[work]]\nid = \"remove\"\ntitle = \"Remove it\"\neffect = \"change\"\ndo = { exec = [\"rm\", \"{tree}/old\"] }\n\
                 undo = { none = \"a test\" }\n[[work]]\ntitle = \"Web\"\ncheck = { probe = \"service\", target = \"web\" }\n";
    estate.procedure("logged", "", steps);
    let run = estate.start_waiting("logged");
    let id = run.dir.id.to_string();
    let prompt = run.prompt();
    let typed = "hunter2 is not the phrase";
    let _ = run.answer(&prompt, Answer::Confirm { typed: typed.to_owned() });
    run.accept(&prompt, Answer::Confirm { typed: "change".to_owned() });
    let failed = run.prompt_after(&prompt.id);
    run.midwatch("abort", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Failed));
    line(&estate, &[&id, "command", "what=\"start\"", "through=\"run\""]);
    line(&estate, &[&id, "prompt.opened", "step=1", "id=\"remove\"", "what=\"confirm\"", &prompt.id.0]);
    line(&estate, &["WARN", &id, "answer.rejected", &prompt.id.0, "cause="]);
    line(&estate, &[&id, "answer.accepted", "step=1"]);
    line(&estate, &[&id, "step.intent", "step=1", "attempt=1"]);
    line(&estate, &[&id, "step.outcome", "step=1", "what=\"ok\""]);
    line(&estate, &["WARN", "probe: failed", "target=\"web\"", "cause="]);
    line(&estate, &["WARN", &id, "step.outcome", "step=2", "what=\"failed\"", "cause="]);
    line(&estate, &[&id, "prompt.opened", "what=\"decide\"", &failed.id.0]);
    line(&estate, &[&id, "command", "what=\"abort\""]);
    line(&estate, &[&id, "run.sealed", "what=\"failed\""]);
    estate.midwatch(&["resume", &id]).exits(2);
    line(&estate, &["WARN", "the command ends with an error", "exit=2"]);
    let log = log(&estate);
    assert!(!log.contains("hunter2"), "what people type stays out of it");
    assert!(!log.chars().any(|c| c.is_control() && c != '\n'));
}
