//! The invariants of a journal: that they hold of every history that was kept, and that their checker sees each of them broken.

use crate::support::invariants::{chain_again, violations};
use midwatch::journal::chain::{Verdict, read};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Where histories are kept: those that once failed, and some that held.
pub fn histories_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/histories")
}

fn kept() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = fs::read_dir(histories_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    all.sort();
    assert!(all.len() >= 3, "too few histories: {}", all.len());
    all
}

#[test]
fn every_kept_history_holds_and_is_read_the_same_by_the_fold() {
    for (name, journal) in kept() {
        assert_eq!(violations(&journal), Vec::<String>::new(), "{name}");
        assert!(matches!(read(&journal).verdict, Verdict::Whole { .. }), "{name}: {}", read(&journal).verdict);
    }
}

/// The records of the history with the most of them.
fn longest() -> Vec<Value> {
    lines(kept().into_iter().max_by_key(|(_, journal)| journal.len()).unwrap().1)
}

/// The records of the history of a name.
fn named(name: &str) -> Vec<Value> {
    lines(fs::read(histories_dir().join(format!("held-{name}.jsonl"))).unwrap())
}

fn lines(journal: Vec<u8>) -> Vec<Value> {
    let text = String::from_utf8(journal).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The place of the first record of a kind whose body is so.
#[track_caller]
fn place(records: &[Value], kind: &str, so: impl Fn(&Value) -> bool) -> usize {
    let found = records.iter().position(|record| record["kind"] == kind && so(&record["body"]));
    found.unwrap_or_else(|| panic!("the history has no such {kind}"))
}

/// Numbers the records again and chains them.
fn rewritten(mut records: Vec<Value>) -> Vec<u8> {
    for (seq, record) in (1_u64..).zip(&mut records) {
        record["seq"] = seq.into();
    }
    chain_again(&records)
}

type Break = fn(&mut Vec<Value>);

/// Lets the consent to a step lapse right before its intent, after the record was spoilt.
fn lapse(all: &mut Vec<Value>, spoil: fn(&mut Value)) {
    let at = place(all, "step.intent", |body| body["effect"] != "read");
    let mut lapsed = all[at].clone();
    let (prompt, step) = (&lapsed["body"]["permit"], &lapsed["body"]["step"]);
    lapsed["body"] = json!({ "prompt": prompt, "step": step, "moved": ["one file more"] });
    lapsed["kind"] = "consent.lapsed".into();
    spoil(&mut lapsed["body"]);
    all.insert(at, lapsed);
}

/// Each violation of a history, with its message.
const BREAKS: [(&str, Break); 13] = [
    ("without its intent", |all| {
        let at = place(all, "step.intent", |_| true);
        all.remove(at);
    }),
    ("without consent to this very set", |all| {
        let at = place(all, "answer.accepted", |body| body["answer"]["answer"] == "confirm");
        all.remove(at);
    }),
    ("without consent to this very set", |all| {
        let at = place(all, "step.intent", |body| body["effect"] != "read");
        all[at]["body"]["set"] = "0".repeat(64).into();
    }),
    ("without consent to this very set", |all| lapse(all, |_| {})),
    ("lapses that was not given", |all| lapse(all, |body| body["prompt"] = "0".repeat(26).into())),
    ("counts as consent", |all| {
        let at = place(all, "answer.accepted", |body| body["answer"]["answer"] == "confirm");
        all[at]["body"]["answer"]["typed"] = "yes".into();
    }),
    ("to a prompt that is not open", |all| {
        let at = place(all, "answer.accepted", |_| true);
        let twice = all[at].clone();
        all.insert(at + 1, twice);
    }),
    ("while an attempt or a prompt is open", |all| {
        let at = place(all, "step.intent", |_| true);
        let twice = all[at].clone();
        all.insert(at + 1, twice);
    }),
    ("of step", |all| {
        let at = place(all, "step.intent", |_| true);
        all[at]["body"]["attempt"] = 7.into();
    }),
    ("the seal counts", |all| {
        let at = place(all, "run.sealed", |_| true);
        all[at]["body"]["unknown"] = 3.into();
    }),
    ("the seal is not the last record", |all| {
        let at = place(all, "run.sealed", |_| true);
        let twice = all[at].clone();
        all.push(twice);
    }),
    ("the clock of the machine went back", |all| {
        let last = all.len() - 1;
        all[last]["boot"] = 1.into();
    }),
    ("its outcome is unknown", |all| {
        let at = place(all, "step.outcome", |body| body["outcome"]["ending"] == "ok");
        all[at]["body"]["outcome"]["ending"] = "unknown".into();
        let step = all[at]["body"]["step"].clone();
        let mut again = all[place(all, "step.intent", |body| body["step"] == step)].clone();
        again["body"]["attempt"] = (again["body"]["attempt"].as_u64().unwrap() + 1).into();
        all.insert(at + 1, again);
    }),
];

#[test]
fn each_invariant_is_seen_when_it_is_broken() {
    let sound = longest();
    assert_eq!(violations(&rewritten(sound.clone())), Vec::<String>::new(), "chained again it still holds");
    for (expected, spoil) in BREAKS {
        let mut records = sound.clone();
        spoil(&mut records);
        let found = violations(&rewritten(records));
        assert!(found.iter().any(|what| what.contains(expected)), "{expected}: {found:?}");
    }
}

const WINDOWS: &str = "settled-by-a-person-in-windows";
const BREAK_GLASS: &str = "glass-broken-and-asked-again";
const APPROVED: &str = "approved-by-another";
const UNDONE: &str = "undo-unknown-and-repeated";

/// The same for what only some histories have.
const OF_ONE: [(&str, &str, Break); 14] = [
    (WINDOWS, "no record of it", |all| {
        let at = place(all, "clock.jump", |_| true);
        all.remove(at);
    }),
    (WINDOWS, "the clock was set by", |all| {
        let at = place(all, "clock.jump", |_| true);
        all[at]["body"]["by_ms"] = 60_000.into();
    }),
    (WINDOWS, "begins outside its window", |all| {
        let at = place(all, "window.judged", |_| true);
        all.remove(at);
    }),
    (WINDOWS, "begins outside its window", |all| {
        let at = place(all, "window.judged", |_| true);
        all[at]["body"]["standing"]["open"]["until"] = "2026-11-22T10:10:00Z".into();
    }),
    (UNDONE, "beyond the run's budget", |all| all[0]["body"]["terms"]["budget"]["run_s"] = 500.into()),
    (UNDONE, "to take all back would take", |all| all[0]["body"]["terms"]["budget"]["undo_s"] = 500.into()),
    (UNDONE, "the rollback lists", |all| {
        let at = place(all, "rollback.began", |_| true);
        all[at]["body"]["steps"] = vec![2].into();
    }),
    (UNDONE, "is undone without a rollback or a step that names it", |all| {
        let at = place(all, "rollback.began", |_| true);
        all.remove(at);
    }),
    (UNDONE, "locked, and the run began with", |all| {
        let at = place(all, "run.resumed", |_| true);
        all.remove(at + 1);
    }),
    (UNDONE, "was not offered", |all| {
        let at = place(all, "answer.accepted", |body| body["answer"]["answer"] == "decide");
        all[at]["body"]["answer"]["choice"] = "override".into();
    }),
    (UNDONE, "led past by the starter", |all| {
        let at = place(all, "answer.accepted", |body| body["answer"]["answer"] == "decide");
        all[at]["body"]["answer"]["choice"] = "override".into();
    }),
    (UNDONE, "it is called well", |all| {
        let at = place(all, "run.sealed", |_| true);
        all[at]["body"]["status"] = "ok".into();
    }),
    (APPROVED, "is no second answer", |all| {
        let at = place(all, "answer.accepted", |body| body["answer"]["answer"] == "confirm");
        all[at + 1]["actor"] = all[at]["actor"].clone();
    }),
    (BREAK_GLASS, "was skipped, and is taken", |all| {
        let at = place(all, "step.skipped", |_| true);
        let skip = all.remove(at);
        let at = place(all, "step.intent", |body| body["step"] == skip["body"]["step"]);
        all.insert(at, skip);
    }),
];

#[test]
fn a_violation_that_only_some_histories_can_have_is_detected() {
    for (name, expected, spoil) in OF_ONE {
        let mut records = named(name);
        assert_eq!(violations(&rewritten(records.clone())), Vec::<String>::new(), "{name}");
        spoil(&mut records);
        let found = violations(&rewritten(records));
        assert!(found.iter().any(|what| what.contains(expected)), "{name}, {expected}: {found:?}");
    }
}

#[test]
fn a_line_that_was_changed_does_not_chain() {
    let (_, mut journal) = kept().remove(0);
    let middle = journal.len() / 2;
    journal[middle] ^= 1;
    assert!(violations(&journal).iter().any(|what| what.contains("does not chain")));
    let (_, journal) = kept().remove(0);
    // A torn end is no violation: it was never a record.
    assert_eq!(violations(&[&journal[..], b"{\"v\":1"].concat()), Vec::<String>::new());
}
