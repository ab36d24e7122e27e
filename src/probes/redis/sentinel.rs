//! The rows of the primaries that a sentinel watches.
//!
//! INFO has a line for each primary; SENTINEL MASTERS has what the server there says of itself, and SENTINEL CKQUORUM whether a failover
//! could be agreed on: <https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>.

use crate::domain::{Fact, Finding, Observation, Verdict, Wall, quantity};
use crate::probes::redis::info::{Info, joined, known, whole};
use std::collections::{BTreeMap, BTreeSet};

/// The fields of one primary.
pub(super) type Fields = BTreeMap<String, String>;

/// What a sentinel says beside INFO.
pub(super) struct Watch {
    /// The entries of SENTINEL MASTERS, or why there are none.
    pub(super) masters: Result<Vec<Fields>, String>,
    /// What SENTINEL CKQUORUM says, by the primary's name.
    pub(super) quorum: BTreeMap<String, Quorum>,
    /// In words, by the primary's name, which other sentinel of the estate has another address for it.
    pub(super) disagreements: BTreeMap<String, Vec<String>>,
}

/// Whether enough sentinels are there to agree on a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Quorum {
    Reached,
    /// `NOQUORUM`, with the sentinel's own words.
    Missing(String),
    /// Why it is not known.
    Unread(String),
}

/// What was found, each with how bad it is.
type Found = Vec<(Verdict, String)>;

/// A row for each primary that the sentinel watches; `before` are those of the reading before: one of them that has no line any more,
/// although the sentinel counts more primaries than it has lines, is unknown and not gone.
pub(super) fn watched(info: &Info, watch: &Watch, before: &BTreeSet<String>, now: Wall) -> Vec<Finding> {
    let lines = info.numbered("master");
    let all_there = info.number("sentinel_masters").is_some_and(|count| usize::try_from(count) == Ok(lines.len()));
    let mut named: BTreeMap<String, Vec<Fields>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (key, line) in lines {
        let fields = line.map(fields).unwrap_or_default();
        match fields.get("name") {
            Some(name) => named.entry(name.clone()).or_default().push(fields),
            None => findings.push(Finding::of(format!("{ROW}{key}"), Err(info.lack(key).to_string()))),
        }
    }
    let listed = watch.masters.iter().flatten().filter_map(|fields| fields.get("name"));
    let kept = before.iter().filter(|_| !all_there);
    let without_line: BTreeSet<&String> = listed.chain(kept).filter(|name| !named.contains_key(*name)).collect();
    for name in without_line {
        findings.push(Finding::of(format!("{ROW}{name}"), Err("INFO has no line of it".to_owned())));
    }
    for (name, lines) in &named {
        let seen = match lines.as_slice() {
            [line] => Ok(primary(name, line, info, watch, now)),
            _ => Err(format!("INFO has {} lines of it", lines.len())),
        };
        findings.push(Finding::of(format!("{ROW}{name}"), seen));
    }
    findings.sort_by(|one, other| one.object.cmp(&other.object));
    findings
}

/// The names of the primaries that a sentinel has.
pub(super) fn names(info: &Info, watch: &Watch) -> BTreeSet<String> {
    let lines = info.numbered("master").into_iter().filter_map(|(_, line)| line.map(fields));
    let listed = watch.masters.iter().flatten().cloned();
    lines.chain(listed).filter_map(|mut fields| fields.remove("name")).collect()
}

/// The name of the primary that a row is of.
pub(super) fn name_of(finding: &Finding) -> Option<&str> {
    finding.object.as_deref()?.strip_prefix(ROW)
}

/// How the name of a row of a primary begins.
const ROW: &str = "primary ";

/// Reads `name=mymaster,status=odown,address=10.0.0.1:6379,slaves=1,sentinels=3`.
fn fields(line: &str) -> Fields {
    let pairs = line.split(',').filter_map(|part| part.split_once('='));
    pairs.filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// One primary of a sentinel.
struct Primary<'a> {
    name: &'a str,
    line: &'a Fields,
    entry: Option<&'a Fields>,
}

impl Primary<'_> {
    fn of_entry(&self, field: &str) -> Option<&str> {
        self.entry?.get(field).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn has_flag(&self, flag: &str) -> bool {
        self.of_entry("flags").is_some_and(|flags| flags.split(',').any(|word| word == flag))
    }

    fn status(&self) -> Option<&str> {
        self.line.get("status").map(String::as_str)
    }

    /// Whether it is down to this sentinel, and whether the others agree.
    fn is_down(&self) -> (bool, bool) {
        let agreed = self.status() == Some("odown") || self.has_flag("o_down");
        (agreed || self.status() == Some("sdown") || self.has_flag("s_down"), agreed)
    }

    /// Whether the server at its address says that it is a primary; none where that is not known.
    fn is_primary(&self) -> Option<bool> {
        match self.of_entry("role-reported")? {
            "master" => Some(true),
            "slave" | "replica" => Some(false),
            _ => None,
        }
    }

    fn number(&self, field: &str) -> Option<u64> {
        self.line.get(field)?.parse().ok().filter(|number| i64::try_from(*number).is_ok())
    }

    /// What INFO and SENTINEL MASTERS say of its state.
    fn state(&self, found: &mut Found) {
        match self.is_down() {
            (_, true) => found.push((Verdict::Critical, "primary is down, the sentinels agree (odown)".to_owned())),
            (true, false) => found.push((Verdict::Warn, "primary does not answer this sentinel (sdown)".to_owned())),
            (false, false) => match self.status() {
                Some("ok") => {}
                Some(other) => found.push((Verdict::Unknown, format!("INFO has no readable status of it: {other}"))),
                None => found.push((Verdict::Unknown, "INFO has no status of it".to_owned())),
            },
        }
        let failing_over = self.has_flag("failover_in_progress");
        match self.is_primary() {
            Some(true) => {}
            Some(false) if failing_over => {}
            // A sentinel calls such a server down after a while, although it answers.
            Some(false) => found.push((
                Verdict::Critical,
                "the server there reports that it is a replica (role-reported:slave)".to_owned(),
            )),
            None if self.entry.is_some() && !self.is_down().0 => {
                found.push((Verdict::Unknown, "SENTINEL MASTERS has no readable role-reported of it".to_owned()));
            }
            None => {}
        }
        if failing_over {
            found.push((Verdict::Warn, "failing over (failover_in_progress)".to_owned()));
        }
        for field in ["address", "slaves", "sentinels"] {
            if !self.line.contains_key(field) || (field != "address" && self.number(field).is_none()) {
                found.push((Verdict::Unknown, format!("INFO has no readable {field} of it")));
            }
        }
        if self.number("slaves") == Some(0) {
            found.push((Verdict::Warn, "no replica to fail over to".to_owned()));
        }
    }
}

fn primary(name: &str, line: &Fields, info: &Info, watch: &Watch, now: Wall) -> Observation {
    let mut found = Found::new();
    let entry = match &watch.masters {
        Ok(masters) => {
            let entry = masters.iter().find(|entry| entry.get("name").map(String::as_str) == Some(name));
            if entry.is_none() {
                found.push((Verdict::Unknown, "SENTINEL MASTERS has no entry of it".to_owned()));
            }
            entry
        }
        Err(why) => {
            found.push((Verdict::Unknown, why.clone()));
            None
        }
    };
    let one = Primary { name, line, entry };
    one.state(&mut found);
    let quorum = watch.quorum.get(one.name);
    match quorum {
        Some(Quorum::Reached) | None => {}
        Some(Quorum::Missing(words)) => found.push((Verdict::Warn, format!("no quorum: {words} (NOQUORUM)"))),
        Some(Quorum::Unread(why)) => found.push((Verdict::Unknown, why.clone())),
    }
    if entry.is_some() && quorum.is_none() {
        found.push((Verdict::Unknown, "SENTINEL CKQUORUM was not asked for it".to_owned()));
    }
    let others = watch.disagreements.get(name).into_iter().flatten();
    found.extend(others.map(|words| (Verdict::Warn, words.clone())));
    match info.need_flag("sentinel_tilt") {
        _ if one.is_down().0 => {}
        Ok(false) => {}
        Ok(true) => found.push((Verdict::Unknown, "not checked in tilt mode".to_owned())),
        Err(lack) => found.push((Verdict::Unknown, lack.to_string())),
    }
    found.sort_by_key(|(verdict, _)| std::cmp::Reverse(verdict.rank()));
    let verdict = found.iter().fold(Verdict::Ok, |worst, (verdict, _)| worst.worse(*verdict));
    let mut parts: Vec<String> = found.into_iter().map(|(_, words)| words).collect();
    if one.is_primary() == Some(true) && verdict.rank() <= Verdict::Warn.rank() && !one.is_down().0 {
        parts.push("primary up".to_owned());
    }
    parts.extend(one.line.get("address").cloned());
    let (replicas, sentinels) = (one.number("slaves"), one.number("sentinels"));
    parts.extend(replicas.map(|count| quantity::counted(count, "replica", "replicas")));
    parts.extend(sentinels.map(|count| quantity::counted(count, "sentinel", "sentinels")));
    let facts = facts(&one, quorum);
    Observation { verdict, detail: joined(&without_repeats(parts)), facts, observed_at: now, trend: None }
}

fn facts(one: &Primary, quorum: Option<&Quorum>) -> BTreeMap<&'static str, Fact> {
    let text = |text: Option<&str>| text.map(|text| Fact::Text(text.to_owned()));
    let reached = quorum.and_then(|quorum| match quorum {
        Quorum::Reached => Some(true),
        Quorum::Missing(_) => Some(false),
        Quorum::Unread(_) => None,
    });
    known([
        ("status", text(one.status())),
        ("address", text(one.line.get("address").map(String::as_str))),
        ("replicas", one.number("slaves").map(whole)),
        ("sentinels", one.number("sentinels").map(whole)),
        ("flags", text(one.of_entry("flags"))),
        ("role_reported", text(one.of_entry("role-reported"))),
        ("quorum", one.of_entry("quorum").and_then(|quorum| quorum.parse().ok()).map(whole)),
        ("quorum_reached", reached.map(Fact::Bool)),
    ])
}

/// The parts, each once: a right that is missing may be missed twice.
fn without_repeats(parts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    parts.into_iter().filter(|words| seen.insert(words.clone())).collect()
}
