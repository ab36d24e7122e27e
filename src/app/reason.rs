//! Why a row has the verdict that it has, in a sentence: which figure, and against which limit.

use crate::domain::facts::{self, Limit, Unit};
use crate::domain::{Fact, Observation, Row, TargetKind, Verdict, Wall, quantity};

/// The sentence: `critical: 31 h old, limit 24 h`.
#[must_use]
pub fn sentence(row: &Row, now: Wall) -> String {
    let Some(seen) = &row.observation else {
        return match &row.lost {
            Some((why, at)) => format!("unknown: never read; the reading at {} UTC failed: {why}", at.clock()),
            None => "unknown: not read yet".to_owned(),
        };
    };
    let (verdict, age) = (seen.verdict.word(), now.since(seen.observed_at));
    if let Some((why, _)) = &row.lost {
        let ago = quantity::ago(age);
        return format!("unknown: the last reading failed: {why}; {ago} it was {verdict}: {}", seen.detail);
    }
    if row.is_stale(now) {
        let (every, limit) = (quantity::span(row.every), quantity::span(row.every * 3));
        return format!("stale: the last reading is {} old, limit {limit} (read every {every})", quantity::age(age));
    }
    if let Some(judged) = figure(row.kind, seen) {
        return format!("{verdict}: {}", judged.words(seen.verdict));
    }
    let expected = || expected(seen).map(|status| format!("expected {status}"));
    if let Some(limits) = bloat_limits(row.kind, seen).or_else(expected) {
        return format!("{verdict}: {}; {limits}", seen.detail);
    }
    match other_cause(row, seen) {
        Some(cause) => format!("{verdict}: {cause}"),
        None if seen.detail.is_empty() => verdict.to_owned(),
        None => format!("{verdict}: {}", seen.detail),
    }
}

/// The reason in a few words, for a list and a line: the first part of what the row says.
#[must_use]
pub fn brief(row: &Row, now: Wall) -> String {
    let first = |detail: &str| detail.split(" · ").next().unwrap_or(detail).to_owned();
    match (&row.lost, &row.observation) {
        (Some((why, _)), _) => first(why),
        (None, None) => "not read yet".to_owned(),
        (None, Some(_)) if row.is_stale(now) => "stale".to_owned(),
        (None, Some(seen)) => match figure(row.kind, seen).filter(|_| seen.verdict != Verdict::Ok) {
            Some(judged) => judged.short(),
            None => other_cause(row, seen).map_or_else(|| first(&seen.detail), |cause| first(&cause)),
        },
    }
}

/// The limits from which a healthy relation would warn; both beyond the error of the estimate.
fn bloat_limits(kind: TargetKind, seen: &Observation) -> Option<String> {
    match (seen.facts.get("warn_ratio")?, seen.facts.get("warn_bytes")?) {
        (Fact::Real(share), Fact::Int(bytes)) if kind == TargetKind::Bloat && seen.verdict == Verdict::Ok => {
            let bytes = quantity::bytes(u64::try_from(*bytes).unwrap_or(0));
            Some(format!("warns from {} and {bytes}, both beyond the error", quantity::limit(*share)))
        }
        _ => None,
    }
}

/// The status that an answer should have.
fn expected(seen: &Observation) -> Option<&str> {
    match seen.facts.get("expected_status")? {
        Fact::Text(expected) => Some(expected),
        _ => None,
    }
}

/// What the verdict is about, where that is not what the row says first: a backup that is fresh, and whose checksum is wrong.
fn other_cause(row: &Row, seen: &Observation) -> Option<String> {
    if seen.verdict == Verdict::Ok {
        return None;
    }
    if let Some(reason) = own_reason(seen) {
        return Some(reason.to_owned());
    }
    if let (TargetKind::Bloat, Verdict::Warn, Some(Fact::Real(share))) =
        (row.kind, seen.verdict, seen.facts.get("bloat_ratio"))
    {
        return Some(format!("{} bloat", quantity::percent(*share)));
    }
    let text = |name: &str| match seen.facts.get(name)? {
        Fact::Text(text) => Some(text.clone()),
        _ => None,
    };
    if let (TargetKind::Backup, Verdict::Unknown) = (row.kind, seen.verdict) {
        return text("not_verified").map(|why| format!("not verified: {why}"));
    }
    // Of a reading from before reasons were noted.
    let causes = [
        (TargetKind::Backup, "verified", Fact::Bool(false), "checksum wrong"),
        (TargetKind::Backup, "size_bytes", Fact::Int(0), "empty"),
        (TargetKind::Certificate, "name_matches", Fact::Bool(false), "not for the name asked for"),
        (TargetKind::Certificate, "served_matches_file", Fact::Bool(false), "served ≠ file"),
    ];
    let is_it = |(kind, name, value, _): &(TargetKind, &str, Fact, &str)| {
        *kind == row.kind && seen.facts.get(name) == Some(value)
    };
    causes.into_iter().find(is_it).map(|(.., words)| words.to_owned())
}

/// The part of what the row says that its verdict comes from, where the reading notes it.
fn own_reason(seen: &Observation) -> Option<&str> {
    match seen.facts.get("reason")? {
        Fact::Text(reason) if seen.verdict != Verdict::Ok => Some(reason),
        _ => None,
    }
}

/// The figure that the verdict comes from: it says more than the first part of the row, and less than any other part.
fn figure(kind: TargetKind, seen: &Observation) -> Option<Judged> {
    let is_first = |reason: &str| seen.detail.starts_with(reason) && !seen.facts.contains_key("shape");
    if own_reason(seen).is_none_or(is_first) { judged(kind, seen) } else { None }
}

/// A figure of a row with the limits that the row has for it.
struct Judged {
    limit: &'static Limit,
    figure: f64,
    warn: Option<f64>,
    critical: Option<f64>,
}

/// The figure that the verdict comes from; where all is ok, the first that has limits.
fn judged(kind: TargetKind, seen: &Observation) -> Option<Judged> {
    let number = |name: &str| match seen.facts.get(name)? {
        #[allow(clippy::cast_precision_loss)] // A figure to compare.
        Fact::Int(number) => Some(*number as f64),
        Fact::Real(figure) if figure.is_finite() => Some(*figure),
        _ => None,
    };
    let all = facts::limits(kind).iter().filter_map(|limit| {
        let judged =
            Judged { limit, figure: number(limit.of)?, warn: number(limit.warn), critical: number(limit.critical) };
        (judged.warn.or(judged.critical).is_some() && (judged.figure >= 0.0 || !limit.falls)).then_some(judged)
    });
    all.into_iter().find(|judged| judged.verdict() == seen.verdict)
}

impl Judged {
    fn verdict(&self) -> Verdict {
        // An age is past its limit, a share is at it.
        let age = facts::unit(self.limit.of) == Unit::Age;
        let reached = |limit: f64| match (self.limit.falls, age) {
            (true, _) => self.figure < limit,
            (false, true) => self.figure > limit,
            (false, false) => self.figure >= limit,
        };
        match (self.critical.is_some_and(reached), self.warn.is_some_and(reached)) {
            (true, _) => Verdict::Critical,
            (false, true) => Verdict::Warn,
            (false, false) => Verdict::Ok,
        }
    }

    /// The figure alone: `31 h old`.
    fn short(&self) -> String {
        format!("{} {}", self.figure_text(self.figure), self.limit.word)
    }

    fn words(&self, verdict: Verdict) -> String {
        let figure = self.short();
        let reached = match verdict {
            Verdict::Critical => self.critical,
            Verdict::Warn => self.warn,
            _ => None,
        };
        if let Some(limit) = reached {
            return format!("{figure}, limit {}", self.limit(limit));
        }
        let from = if self.limit.falls { "below" } else { "from" };
        let describe =
            |word: &str, limit: Option<f64>| limit.map(|limit| format!("{word} {from} {}", self.limit(limit)));
        let limits: Vec<_> =
            [describe("warns", self.warn), describe("critical", self.critical)].into_iter().flatten().collect();
        // A share that is rounded up may read as one that has reached a limit.
        let is_used = facts::unit(self.limit.of) == Unit::Used;
        let reads_as = |limit: f64| (self.figure * 100.0).ceil() >= limit * 100.0;
        let rounded = is_used && [self.warn, self.critical].into_iter().flatten().any(reads_as);
        let rounded = if rounded { " (rounded up)" } else { "" };
        format!("{figure}{rounded}; {}", limits.join(", "))
    }

    /// A limit as it was set.
    fn limit(&self, limit: f64) -> String {
        match facts::unit(self.limit.of) {
            Unit::Share | Unit::Used => quantity::limit(limit),
            _ => self.figure_text(limit),
        }
    }

    fn figure_text(&self, figure: f64) -> String {
        match facts::unit(self.limit.of) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Not below zero.
            Unit::Days => quantity::counted(figure.max(0.0) as u64, "day", "days"),
            unit => facts::in_unit(figure, unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn at(second: i64) -> Wall {
        Wall::from_unix(1_000_000 + second, 0)
    }

    fn row(kind: TargetKind, verdict: Verdict, detail: &str, facts: &[(&'static str, f64)]) -> Row {
        let mut row = Row::unread(kind, "it".to_owned(), "there".to_owned(), Duration::from_secs(10));
        let facts: BTreeMap<_, _> = facts.iter().map(|(name, figure)| (*name, Fact::Real(*figure))).collect();
        row.observation =
            Some(Observation { verdict, detail: detail.to_owned(), facts, observed_at: at(0), trend: None });
        row
    }

    #[test]
    fn a_verdict_names_its_figure_and_its_limit() {
        use TargetKind::{Backup, Certificate, Host, Mount, Service};
        use Verdict::{Critical, Ok, Warn};
        let disk = |used, inodes| {
            [("used_ratio", used), ("inodes_ratio", inodes), ("warn_ratio", 0.8), ("critical_ratio", 0.9)]
        };
        let age = |hours: f64| [("age_s", hours * 3600.0), ("max_age_s", 86_400.0)];
        let days = |days| [("days_left", days), ("warn_days", 21.0), ("critical_days", 7.0)];
        let cases = [
            (row(Backup, Critical, "31 h old · limit 24 h", &age(31.0)), "critical: 31 h old, limit 24 h"),
            (row(Backup, Ok, "03:10 today", &age(23.0)), "ok: 23 h old; critical from 24 h"),
            (row(Mount, Warn, "84 %", &disk(0.841, 0.1)), "warn: 85 % used, limit 80 %"),
            (row(Mount, Critical, "inodes 93 %", &disk(0.1, 0.93)), "critical: 93 % of the inodes used, limit 90 %"),
            (
                row(Mount, Ok, "80 %", &disk(0.793, 0.1)),
                "ok: 80 % used (rounded up); warns from 80 %, critical from 90 %",
            ),
            (row(Mount, Ok, "38 %", &disk(0.38, 0.1)), "ok: 38 % used; warns from 80 %, critical from 90 %"),
            (row(Certificate, Warn, "9 d · R11", &days(9.0)), "warn: 9 days left, limit 21 days"),
            (row(Certificate, Critical, "expired 2 d ago", &days(-2.0)), "critical: expired 2 d ago"),
            // The figure is within its limits: something else is the reason, and the row says what.
            (row(Certificate, Warn, "61 d · served ≠ file", &days(61.0)), "warn: 61 d · served ≠ file"),
            (
                row(Backup, Critical, "03:10 today · checksum wrong", &age(23.0)),
                "critical: 03:10 today · checksum wrong",
            ),
            (
                row(Host, Warn, "9 9 9 on 4 cores", &[("load_5", 8.4), ("warn_load", 8.0)]),
                "warn: 8.40 over 5 minutes, limit 8",
            ),
            (row(Service, Critical, "503 · 12 ms", &[("status", 503.0)]), "critical: 503 · 12 ms"),
        ];
        for (row, expected) in cases {
            assert_eq!(sentence(&row, at(1)), expected);
        }
    }

    #[test]
    fn a_limit_of_half_a_percent_is_said_as_it_was_set() {
        let facts = [("used_ratio", 0.824), ("warn_ratio", 0.825), ("critical_ratio", 0.995)];
        let ok = row(TargetKind::Mount, Verdict::Ok, "83 %", &facts);
        assert_eq!(sentence(&ok, at(1)), "ok: 83 % used (rounded up); warns from 82.5 %, critical from 99.5 %");
    }

    #[test]
    fn a_healthy_relation_names_its_warning_limit() {
        let mut row = row(TargetKind::Bloat, Verdict::Ok, "11 MiB · 66 % · ±10", &[("warn_ratio", 0.4)]);
        row.observation.as_mut().unwrap().facts.insert("warn_bytes", Fact::Int(100 << 20));
        let text = "ok: 11 MiB · 66 % · ±10; warns from 40 % and 100 MiB, both beyond the error";
        assert_eq!(sentence(&row, at(1)), text);
    }

    #[test]
    fn an_answer_is_held_against_the_status_that_was_expected() {
        for (verdict, detail, text) in [
            (Verdict::Ok, "200 · 9 ms", "ok: 200 · 9 ms; expected 200 to 299"),
            (Verdict::Critical, "503 · 12 ms", "critical: 503 · 12 ms; expected 200 to 299"),
        ] {
            let mut row = row(TargetKind::Service, verdict, detail, &[]);
            let expected = Fact::Text("200 to 299".to_owned());
            row.observation.as_mut().unwrap().facts.insert("expected_status", expected);
            assert_eq!(sentence(&row, at(1)), text);
        }
    }

    #[test]
    fn a_row_that_cannot_be_judged_says_since_when_and_why() {
        let mut row = row(TargetKind::Service, Verdict::Ok, "200 · 9 ms", &[]);
        assert_eq!(sentence(&row, at(31)), "stale: the last reading is 30 s old, limit 30 s (read every 10 s)");
        row.lost = Some(("timed out after 2 s".to_owned(), at(60)));
        let lost = "unknown: the last reading failed: timed out after 2 s; 1 m ago it was ok: 200 · 9 ms";
        assert_eq!(sentence(&row, at(61)), lost);
        row.observation = None;
        let never = "unknown: never read; the reading at 13:47:40 UTC failed: timed out after 2 s";
        assert_eq!(sentence(&row, at(61)), never);
        row.lost = None;
        assert_eq!(sentence(&row, at(61)), "unknown: not read yet");
    }

    #[test]
    fn the_reason_that_a_reading_notes_counts_before_what_its_facts_suggest() {
        use TargetKind::{Backup, Bloat, Certificate, Kubernetes};
        let cases = [
            (
                Bloat,
                "0 B ±2.6 MiB of 9.1 MiB would come back · wraparound age 118 % of its limit",
                "wraparound age 118 % of its limit",
            ),
            (Bloat, "0 B · invalid: uniqueness is not enforced · reindex", "invalid: uniqueness is not enforced"),
            (Certificate, "61 d · R11 · its issuer is not sent · served ≠ file", "its issuer is not sent"),
            (Kubernetes, "ready · disk pressure · v1.31.2", "disk pressure"),
            (Kubernetes, "3 of 3 ready · CrashLoopBackOff", "CrashLoopBackOff"),
            (Backup, "20:46 yesterday · 14 MiB · 1 failed since", "1 failed since"),
        ];
        for (kind, detail, reason) in cases {
            let mut row = row(kind, Verdict::Critical, detail, &[]);
            let facts = &mut row.observation.as_mut().unwrap().facts;
            facts.insert("reason", Fact::Text(reason.to_owned()));
            facts.extend([("size_bytes", Fact::Int(0)), ("served_matches_file", Fact::Bool(false))]);
            assert_eq!(brief(&row, at(1)), reason);
            assert_eq!(sentence(&row, at(1)), format!("critical: {reason}"));
        }
        // A figure that the row says first is said with its limit; one of another series is not.
        let age = [("age_s", 31.0 * 3600.0), ("max_age_s", 86_400.0)];
        let mut old = row(Backup, Verdict::Critical, "31 h old · limit 24 h · 14 MiB", &age);
        old.observation.as_mut().unwrap().facts.insert("reason", Fact::Text("31 h old · limit 24 h".to_owned()));
        assert_eq!(
            (brief(&old, at(1)).as_str(), sentence(&old, at(1)).as_str()),
            ("31 h old", "critical: 31 h old, limit 24 h")
        );
        let seen = old.observation.as_mut().unwrap();
        seen.detail = "app_*.sql: none since 2026-11-29 03:10".to_owned();
        seen.facts.extend([("reason", Fact::Text(seen.detail.clone())), ("shape", Fact::Text("app_*.sql".to_owned()))]);
        assert_eq!(brief(&old, at(1)), "app_*.sql: none since 2026-11-29 03:10");
    }

    #[test]
    fn a_few_words_are_those_that_the_verdict_is_about() {
        let age = |hours: f64| [("age_s", hours * 3600.0), ("max_age_s", 86_400.0)];
        let mut wrong = row(TargetKind::Backup, Verdict::Critical, "03:10 today · checksum wrong · 14 MiB", &age(23.0));
        wrong.observation.as_mut().unwrap().facts.insert("verified", Fact::Bool(false));
        assert_eq!(brief(&wrong, at(1)), "checksum wrong");
        assert_eq!(sentence(&wrong, at(1)), "critical: checksum wrong", "and below it what the row says");
        let mut old = row(TargetKind::Backup, Verdict::Critical, "31 h old · limit 24 h · checksum wrong", &age(31.0));
        old.observation.as_mut().unwrap().facts.insert("verified", Fact::Bool(false));
        assert_eq!(brief(&old, at(1)), "31 h old");
        assert_eq!(brief(&old, at(40)), "stale");
        let days = [("days_left", 9.0), ("warn_days", 21.0), ("critical_days", 7.0)];
        assert_eq!(brief(&row(TargetKind::Certificate, Verdict::Warn, "9 d · R11", &days), at(1)), "9 days left");
        let bloat = [("bloat_ratio", 0.64)];
        assert_eq!(brief(&row(TargetKind::Bloat, Verdict::Warn, "12 GiB · 64 %", &bloat), at(1)), "64 % bloat");
    }
}
