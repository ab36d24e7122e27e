//! Runs as earlier versions kept them: their journals chain, fold, verify and report as they did then.
//!
//! `tests/fixtures/runs` holds one directory a run, taken from runs that went every way there is: done, failed, rolled back, aborted,
//! resumed, waiting, a checklist, an override, a break-glass. `runs.expected` holds the result of each; `MIDWATCH_EXPECT=1` writes it,
//! which only a change of what a run *came to* is a reason for.

use crate::support::estate::Estate;
use midwatch::journal::chain::{self, Verdict};
use midwatch::journal::fold::RunView;
use midwatch::journal::record::{Event, Outcome};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn kept() -> Vec<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs");
    let mut all: Vec<PathBuf> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    assert!(all.len() >= 20, "too few runs: {}", all.len());
    all
}

/// A value as the journal writes it.
fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// What a run came to, in the journal's own words.
fn summary(run: &Path) -> String {
    let chain = chain::read(&fs::read(run.join("journal.jsonl")).unwrap());
    let verdict = match &chain.verdict {
        Verdict::Whole { .. } => "whole",
        Verdict::Torn { .. } => "torn",
        Verdict::Damaged { .. } => "damaged",
    };
    let mut text =
        format!("{}: {verdict}, {} records", run.file_name().unwrap().to_string_lossy(), chain.records.len());
    let Ok(view) = RunView::of(&chain.records) else {
        text.push_str(", no fold\n");
        return text;
    };
    let open = if view.prompt.is_some() { "open" } else { "none" };
    let _ = writeln!(text, ", sealed {}, prompt {open}, {} notes", written(&view.sealed), view.notes.len());
    for (number, step) in (1..).zip(&view.steps) {
        let ending = |outcome: &Option<Outcome>| written(&outcome.as_ref().map(|outcome| outcome.ending));
        let _ = writeln!(
            text,
            "  {number} {} {}: {} attempts, ended {}, undo {} {}, skipped {}, claimed {}, overridden {}",
            written(&step.head.verb),
            step.head.title,
            step.attempts,
            ending(&step.outcome),
            step.undo_attempts,
            ending(&step.undo),
            step.remark.is_some() && !step.ran,
            step.claimed,
            step.overridden,
        );
    }
    text
}

#[test]
fn runs_of_earlier_versions_fold_to_the_same_result() {
    let now: String = kept().iter().map(|run| summary(run)).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/runs.expected");
    if std::env::var_os("MIDWATCH_EXPECT").is_some() {
        return fs::write(file, now).unwrap();
    }
    assert_eq!(now, fs::read_to_string(file).unwrap());
}

#[test]
fn the_kept_runs_have_nearly_every_kind_of_record() {
    let records = kept().into_iter().flat_map(|run| chain::read(&fs::read(run.join("journal.jsonl")).unwrap()).records);
    let seen: BTreeSet<String> = records.map(|record| record.event.kind().to_owned()).collect();
    let missing: Vec<&&str> = Event::KINDS.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missing.len() <= 3, "{missing:?}");
}

/// Copies a directory, closed to others as a run is.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, PermissionsExt::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(&name)).unwrap();
            fs::set_permissions(to.join(&name), PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
}

#[test]
fn runs_of_earlier_versions_verify_and_report() {
    let estate = Estate::default();
    copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").as_path(), &estate.state().join("runs"));
    let _ = fs::remove_file(estate.state().join("runs/runs.expected"));
    fs::set_permissions(estate.state(), PermissionsExt::from_mode(0o700)).unwrap();
    let listed = estate.midwatch(&["runs"]).exits(0);
    for run in kept() {
        let id = run.file_name().unwrap().to_string_lossy().into_owned();
        assert!(listed.out.contains(&id), "{id}: {}", listed.out);
        let chain = chain::read(&fs::read(run.join("journal.jsonl")).unwrap());
        let code = match chain.verdict {
            Verdict::Whole { .. } => 0,
            Verdict::Torn { .. } => 3,
            Verdict::Damaged { .. } => 4,
        };
        let printed = estate.midwatch(&["verify", &id]);
        assert_eq!(printed.code, Some(code), "{id}: {} {}", printed.out, printed.err);
        let Ok(view) = RunView::of(&chain.records) else { continue };
        for format in ["md", "json", "html"] {
            let report = estate.midwatch(&["report", &id, "--format", format]);
            assert!(report.out.contains(&id), "{id} {format}: {}", report.err);
            assert!(code != 0 || report.code == Some(0), "{id} {format}: {}", report.err);
            let titled = view.steps.iter().filter(|step| report.out.contains(&step.head.title)).count();
            assert!(format == "html" || titled * 2 >= view.steps.len(), "{id} {format}: {titled}");
        }
    }
}
