//! From what systemd says of a unit to a verdict with its reason.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::units::ending;
use crate::probes::units::seen::{Exit, Seen, Service};
use std::collections::BTreeMap;
use std::time::Duration;

/// For how long after a start by systemd itself that start is news.
const NEWS: Duration = Duration::from_secs(60);
/// What was started again so often, the last time so shortly ago, crashes again and again.
const LOOP: (u64, Duration) = (3, Duration::from_secs(30));

/// The observation of a unit.
///
/// `critical` says whether a unit that does not run is critical or a warning; `before` is how often it had been started again
/// at the reading before.
pub(super) fn observation(seen: &Seen, critical: bool, before: Option<u64>, now: Wall) -> Observation {
    let bad = if critical { Verdict::Critical } else { Verdict::Warn };
    let (verdict, detail) = judge(seen, bad, before, now);
    let trend = seen.memory.map(|_| Trend::of("memory_bytes"));
    Observation { verdict, detail, facts: facts(seen, now), observed_at: now, trend }
}

fn judge(seen: &Seen, bad: Verdict, before: Option<u64>, now: Wall) -> (Verdict, String) {
    let age = seen.since.map(|since| quantity::age(now.since(since)));
    let state = format!("{} ({})", seen.active, seen.sub);
    match seen.active.as_str() {
        "active" => active(seen, (bad, before), &state, now),
        "failed" => (bad, joined(&["failed".to_owned(), ending::words(seen), ago(age.as_deref())])),
        "inactive" => inactive(seen, bad, now),
        "activating" if seen.sub.starts_with("auto-restart") => {
            let restarts = seen.restarts.map(|count| quantity::counted(count, "restart", "restarts"));
            (
                bad,
                joined(&["waiting to be started again".to_owned(), ending::words(seen), restarts.unwrap_or_default()]),
            )
        }
        // For what runs once, starting is running.
        "activating" if seen.service.as_ref().is_some_and(|service| service.oneshot) => {
            (Verdict::Ok, joined(&["running".to_owned(), lasting(age.as_deref())]))
        }
        "activating" | "deactivating" | "reloading" | "refreshing" | "maintenance" => {
            (Verdict::Warn, joined(&[state, lasting(age.as_deref())]))
        }
        _ => (Verdict::Unknown, format!("a state that is not known here: {state}")),
    }
}

fn active(seen: &Seen, (bad, before): (Verdict, Option<u64>), state: &str, now: Wall) -> (Verdict, String) {
    let age = seen.since.map(|since| quantity::age(now.since(since)));
    let age = age.as_deref();
    let memory = seen.memory.map(quantity::bytes).unwrap_or_default();
    let plain = |word: String| joined(&[word, state.to_owned(), lasting(age)]);
    match seen.load.as_str() {
        "not-found" => return (Verdict::Warn, plain("its file is gone".to_owned())),
        "loaded" => {}
        other => return (Verdict::Warn, plain(other.to_owned())),
    }
    if let Some((verdict, words)) = restarted(seen, bad, before, now) {
        return (verdict, joined(&[words, state.to_owned(), lasting(age)]));
    }
    if let Some(why) = seen.started.as_deref().and_then(|started| failed(started, now)) {
        let name = seen.starts.as_deref().unwrap_or_default();
        return (bad, joined(&[format!("{name} {why}"), state.to_owned(), lasting(age)]));
    }
    if seen.timer.is_some() && seen.sub == "elapsed" {
        return (Verdict::Warn, plain("will not fire again".to_owned()));
    }
    let reload = if seen.need_reload == Some(true) { "its file has changed" } else { "" };
    (Verdict::Ok, joined(&[state.to_owned(), lasting(age), memory, reload.to_owned()]))
}

/// That systemd has started it again by itself, lately or since the reading before. One look is enough for what crashes again and
/// again, although it is active whenever somebody looks.
fn restarted(seen: &Seen, bad: Verdict, before: Option<u64>, now: Wall) -> Option<(Verdict, String)> {
    let count = seen.restarts.filter(|count| *count > 0)?;
    let times = quantity::counted(count, "restart", "restarts");
    let up = seen.entered.map(|entered| now.since(entered));
    if count >= LOOP.0 && up.is_some_and(|up| up < LOOP.1) {
        return Some((bad, format!("crashes again and again, {times}")));
    }
    let is_news = up.is_some_and(|up| up < NEWS) || before.is_some_and(|before| count > before);
    is_news.then(|| (Verdict::Warn, format!("started again, {times}")))
}

/// Why what a timer or a path starts did not end well; none where it did, or is at work.
fn failed(started: &Seen, now: Wall) -> Option<String> {
    let ended = started.service.as_ref().and_then(|service| service.ended).or(started.since);
    let ago = ago(ended.map(|ended| quantity::age(now.since(ended))).as_deref());
    match (started.load.as_str(), started.active.as_str()) {
        ("not-found", _) => Some("does not exist".to_owned()),
        ("masked", _) => Some("is masked".to_owned()),
        ("loaded", "failed") => Some(joined(&["failed".to_owned(), ending::words(started), ago])),
        ("loaded", "inactive") if !ending::words(started).is_empty() => {
            Some(joined(&["did not end well".to_owned(), ending::words(started), ago]))
        }
        ("loaded", _) => None,
        (_, _) => {
            let why = started.load_error.clone().unwrap_or_else(|| started.load.clone());
            Some(format!("cannot be loaded: {why}"))
        }
    }
}

fn inactive(seen: &Seen, bad: Verdict, now: Wall) -> (Verdict, String) {
    let age = seen.since.map(|since| quantity::age(now.since(since)));
    let age = age.as_deref();
    let word = match seen.load.as_str() {
        "not-found" => return (bad, "no such unit".to_owned()),
        "masked" => "masked",
        "loaded" => "inactive",
        _ => {
            let why = seen.load_error.clone().unwrap_or_else(|| seen.load.clone());
            return (bad, format!("cannot be loaded: {why}"));
        }
    };
    let unmet = seen.unmet.as_ref().map(|unmet| format!("not started: {unmet} is not met")).unwrap_or_default();
    // What runs once and does not remain is at rest when it is inactive.
    if let Some(service) = seen.service.as_ref().filter(|service| service.oneshot && !service.remains)
        && word == "inactive"
    {
        return at_rest(seen, service, (bad, unmet), now);
    }
    let only = match seen.conditions.as_slice() {
        some @ [_, ..] if word == "inactive" => format!("starts only where {} holds", some.join(" and ")),
        _ => String::new(),
    };
    (bad, joined(&[word.to_owned(), ending::words(seen), unmet, only, lasting(age)]))
}

/// A service that runs once and does not run now.
fn at_rest(seen: &Seen, service: &Service, (bad, unmet): (Verdict, String), now: Wall) -> (Verdict, String) {
    let age = |at: Wall| ago(Some(&quantity::age(now.since(at))));
    match (service.ended, seen.result.as_deref()) {
        (Some(ended), Some("success")) => (Verdict::Ok, joined(&["done".to_owned(), age(ended), unmet])),
        (None, _) if !unmet.is_empty() => (Verdict::Warn, unmet),
        (None, _) if seen.is_referred_to => (Verdict::Warn, "has not run since the system started".to_owned()),
        // systemd.unit(5), CollectMode=: what has ended is unloaded where nothing refers to it, and its last run is forgotten.
        (None, _) => {
            let why = "no run is known: systemd forgets one that has ended where no other unit refers to this one";
            (Verdict::Unknown, why.to_owned())
        }
        _ => {
            (bad, joined(&["inactive".to_owned(), ending::words(seen), unmet, seen.since.map(age).unwrap_or_default()]))
        }
    }
}

/// How long a state lasts.
fn lasting(age: Option<&str>) -> String {
    match age {
        None => String::new(),
        Some("now") => "just now".to_owned(),
        Some(age) => age.to_owned(),
    }
}

/// How long ago it was.
fn ago(age: Option<&str>) -> String {
    match age {
        Some(age) if age != "now" => format!("{age} ago"),
        other => lasting(other),
    }
}

fn joined(parts: &[String]) -> String {
    let lines: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    lines.join(" · ")
}

/// The facts of a unit: states as systemd words them, `since` in UTC, `since_s` in seconds, `memory_bytes` in bytes.
fn facts(seen: &Seen, now: Wall) -> BTreeMap<&'static str, Fact> {
    let text = |text: &String| Fact::Text(text.clone());
    let whole = |number: u64| Fact::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let moment = |at: Wall| Fact::Text(at.0.to_string());
    let service = seen.service.as_ref();
    let timer = seen.timer.unwrap_or_default();
    let exit = service.and_then(|service| service.exit).map(|exit| match exit {
        Exit::Status(status) => ("exit_status", Fact::Int(status)),
        Exit::Signal(signal) => ("exit_signal", Fact::Int(signal)),
    });
    let all = [
        ("load_state", Some(text(&seen.load))),
        ("active_state", Some(text(&seen.active))),
        ("sub_state", Some(text(&seen.sub)).filter(|_| !seen.sub.is_empty())),
        ("result", seen.result.as_ref().map(text)),
        ("since", seen.since.map(moment)),
        ("since_s", seen.since.map(|since| whole(now.since(since).as_secs()))),
        ("main_pid", service.and_then(|service| service.main_pid).map(whole)),
        ("restarts", seen.restarts.map(whole)),
        ("memory_bytes", seen.memory.map(whole)),
        ("unit_file_state", seen.file_state.as_ref().map(text)),
        ("need_daemon_reload", seen.need_reload.map(Fact::Bool)),
        ("load_error", seen.load_error.as_ref().map(text)),
        ("next_at", timer.next.map(moment)),
        ("last_at", timer.last.map(moment)),
        ("connections", seen.connections.map(whole)),
        ("starts", seen.starts.as_ref().map(text)),
        ("starts_result", seen.started.as_ref().and_then(|started| started.result.as_ref()).map(text)),
        ("unmet_condition", seen.unmet.as_ref().map(text)),
    ];
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).chain(exit).collect()
}
