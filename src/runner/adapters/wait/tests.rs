use super::*;
use crate::domain::RunId;
use std::path::PathBuf;

/// A wait for a condition on the output of `cat`.
fn waiting(file: &std::path::Path, until: Until, left_ms: u64) -> Waiting {
    let spec = serde_json::json!({ "argv": ["cat", file], "cwd": "/", "env": {} });
    let look =
        Action { adapter: "exec".to_owned(), least: EffectClass::Read, line: "cat".to_owned(), spec, listing: None };
    let around = Around { estate: None, name: "e".to_owned(), runs: PathBuf::from("/"), own: RunId::new(1, 1) };
    Waiting { look, until, left_ms, timeout_s: left_ms.div_ceil(1000), every_ms: 20, around }
}

fn until(condition: &str, for_s: u64) -> Until {
    Until { condition: condition.to_owned(), for_s }
}

fn ended(waiting: &Waiting) -> (ActEnd, String) {
    let mut out = Vec::new();
    let end = act(&waiting.action().unwrap(), &mut out, &AtomicBool::new(false));
    (end, String::from_utf8(out).unwrap())
}

#[test]
fn every_look_is_judged_and_only_the_condition_ends_the_wait() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("queue");
    for (text, condition, so) in [
        ("0\n", "value == 0", true),
        ("0\n", "passed", true),
        ("0.0", "value == 0 and output != 'x'", true),
        ("", "value == 0", false),
        ("null", "value == 0", false),
        ("null", "value < 1", false),
        ("0 items", "value == 0", false),
        ("-0", "value > 0", false),
        ("0", "rate == 0", false),
    ] {
        std::fs::write(&file, text).unwrap();
        let (end, log) = ended(&waiting(&file, until(condition, 0), 150));
        let expected = if so { Ending::Ok } else { Ending::TimedOut };
        assert_eq!(end.ending, expected, "{text:?} {condition}: {} {log}", end.detail);
    }
    std::fs::remove_file(&file).unwrap();
    let (end, log) = ended(&waiting(&file, until("passed", 0), 150));
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(log.lines().all(|line| line == "exit code 1") && end.detail.contains("exit code 1"), "{log}");
}

#[test]
fn a_span_has_no_gap_and_begins_again_after_one() {
    let spec = waiting(std::path::Path::new("/nowhere"), until("value == 0", 1), 60_000);
    let condition = Condition::parse("value == 0").ok();
    let mut wait =
        Wait { spec: &spec, condition, began: clock::boot(), looks: 0, so: None, last: None, stuck: None, run: None };
    let saw = |text: &str| (ActEnd::new(Ending::Ok, "exit code 0"), text.as_bytes().to_vec());
    let second = 1_000_000_000;
    let mut judge = |began: Boot, (end, printed): (ActEnd, Vec<u8>)| {
        let so = wait.judge(began, end, &printed);
        (so, wait.so.map(|so| so.since))
    };
    let start = clock::boot();
    let (so, first) = judge(start, saw("0"));
    assert!(so && first >= Some(start));
    assert_eq!(judge(clock::boot(), saw("0")), (true, first), "the span goes on");
    for broken in [
        saw("1"),
        saw(""),
        (ActEnd::unknown("refused"), b"0".to_vec()),
        (ActEnd::new(Ending::Failed, "exit code 1"), b"0".to_vec()),
    ] {
        assert_eq!(judge(clock::boot(), broken), (false, None));
        let (so, again) = judge(clock::boot(), saw("0"));
        assert!(so && again > first);
    }
    // A look that began long after the one before it ended: it is unknown what held between them.
    let late = Boot(clock::boot().0 + 3600 * second);
    let (_, before) = judge(clock::boot(), saw("0"));
    let (so, after) = judge(late, saw("0"));
    assert!(so && after > before);
}

#[test]
fn a_span_begins_again_where_another_run_of_the_source_answers() {
    let spec = waiting(std::path::Path::new("/nowhere"), until("value == 0", 1), 60_000);
    let condition = Condition::parse("value == 0").ok();
    let began = clock::boot();
    let mut wait = Wait { spec: &spec, condition, began, looks: 0, so: None, last: None, stuck: None, run: None };
    let mut saw = |run: Option<&str>| {
        let end = ActEnd::new(Ending::Ok, "exit code 0").of_run(run.map(str::to_owned));
        let restarted = wait.is_another_run(&end);
        assert!(wait.judge(clock::boot(), end, b"0"));
        (restarted, wait.so.unwrap().since)
    };
    let (restarted, first) = saw(Some("a"));
    assert!(!restarted);
    assert_eq!(saw(Some("a")), (false, first));
    assert_eq!(saw(None), (false, first), "a look that does not say which run it is of breaks nothing");
    let (restarted, again) = saw(Some("b"));
    assert!(restarted && again > first);
    assert_eq!(saw(Some("b")), (false, again));
}

#[test]
fn a_look_that_never_ends_is_given_up_with_the_wait() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let (end, _) = ended(&waiting(&fifo, until("value == 0", 0), 300));
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(end.detail.contains("nothing was seen"), "{}", end.detail);
    let cancel = AtomicBool::new(true);
    let end = act(&waiting(&fifo, until("passed", 0), 60_000).action().unwrap(), &mut Vec::new(), &cancel);
    assert_eq!(end.ending, Ending::Cancelled);
}

#[test]
fn a_long_value_shows_how_much_of_it_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state");
    std::fs::write(&file, "x".repeat(LONGEST_VALUE + 30)).unwrap();
    let (end, log) = ended(&waiting(&file, until("value != 'y'", 0), 10_000));
    assert!(end.ending == Ending::Ok && end.detail.contains("xxx… (30 more characters)"), "{}", end.detail);
    assert!(log.contains("(30 more characters)"), "{log}");
}

#[test]
fn what_is_no_text_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state");
    std::fs::write(&file, b"caf\xe9").unwrap();
    let (end, _) = ended(&waiting(&file, until("value != 'y'", 0), 100));
    assert_eq!(end.ending, Ending::TimedOut, "{}", end.detail);
    assert!(end.detail.contains("unknown"), "{}", end.detail);
}
