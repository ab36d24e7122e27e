//! What INFO says, by its keys: <https://redis.io/docs/latest/commands/info/>.
//!
//! A field is there, or it is missing, unreadable or given with several values; `Lack` says which. What a judgement needs is asked
//! for with `Info::need_number` and its like, so that a missing field is never read as a good one.

use crate::domain::{Fact, Verdict, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The lines of an answer to INFO, or of one that is written in the same way.
pub struct Info {
    command: &'static str,
    lines: BTreeMap<String, Line>,
    /// The headings, in small letters.
    sections: BTreeSet<String>,
}

/// What stands behind one key.
enum Line {
    One(String),
    /// The key is there more than once, and its values differ.
    Several,
}

/// Why a field is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The whole section is not there.
    Section { command: &'static str, section: &'static str },
    /// The field is not there, or has no value.
    Absent { command: &'static str, key: String },
    /// Its value is not what it should be.
    Unreadable { command: &'static str, key: String, value: String },
    /// It has values that differ.
    Several { command: &'static str, key: String },
}

impl Lack {
    /// Whether the field is not there at all.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Section { .. } | Self::Absent { .. })
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section { command, section } => write!(out, "{command} has no section {section}"),
            Self::Absent { command, key } => write!(out, "{command} has no {key}"),
            Self::Unreadable { command, key, value } => write!(out, "{command} has no readable {key}: {value}"),
            Self::Several { command, key } => write!(out, "{command} has several values of {key}"),
        }
    }
}

/// The longest value that is repeated in a reason.
const REPEATED: usize = 40;

impl Info {
    /// Takes `key:value` lines; headings and everything else are left out.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::answer_to("INFO", text)
    }

    /// The same of another command that answers with such lines. The last line counts only with its end: it may have been cut off in
    /// the middle of a number.
    pub(super) fn answer_to(command: &'static str, text: &str) -> Self {
        let mut info = Self { command, lines: BTreeMap::new(), sections: BTreeSet::new() };
        for line in text.rsplit_once('\n').map_or("", |(whole, _)| whole).lines() {
            match (line.strip_prefix('#'), line.split_once(':')) {
                (Some(heading), _) => drop(info.sections.insert(heading.trim().to_ascii_lowercase())),
                (None, Some((key, value))) => info.add(key, value.trim_end()),
                (None, None) => {}
            }
        }
        info
    }

    fn add(&mut self, key: &str, value: &str) {
        let new = match self.lines.get(key) {
            Some(Line::One(known)) if known == value => return,
            Some(_) => Line::Several,
            None => Line::One(value.to_owned()),
        };
        self.lines.insert(key.to_owned(), new);
    }

    /// What stands behind a key; nothing is as if it were missing, and so are several values.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.lines.get(key)? {
            Line::One(text) if !text.is_empty() => Some(text),
            Line::One(_) | Line::Several => None,
        }
    }

    /// Whether there is a line of a key, be it without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// A number without a sign: bytes, counts, seconds. `-1`, which stands for "never", counts as missing.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        number(self.text(key)?)
    }

    /// Every pair, in the order of the keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(|(key, line)| match line {
            Line::One(value) => Some((key.as_str(), value.as_str())),
            Line::Several => None,
        })
    }

    pub(super) fn real(&self, key: &str) -> Option<f64> {
        self.text(key)?.parse().ok().filter(|figure: &f64| figure.is_finite())
    }

    /// `1` or `0`.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        flag(self.text(key)?)
    }

    /// `ok` or `err`.
    #[must_use]
    pub fn went_well(&self, key: &str) -> Option<bool> {
        status(self.text(key)?)
    }

    /// A text that a judgement needs.
    pub(super) fn need_text(&self, key: &str) -> Result<&str, Lack> {
        self.text(key).ok_or_else(|| self.lack(key))
    }

    /// One of some words that a judgement needs.
    pub(super) fn need_word(&self, key: &str, words: &[&str]) -> Result<&str, Lack> {
        self.text(key).filter(|text| words.contains(text)).ok_or_else(|| self.lack(key))
    }

    /// A number that a judgement needs.
    pub(super) fn need_number(&self, key: &str) -> Result<u64, Lack> {
        self.need(key, number)
    }

    /// A flag that a judgement needs.
    pub(super) fn need_flag(&self, key: &str) -> Result<bool, Lack> {
        self.need(key, flag)
    }

    /// `ok` or `err`, where a judgement needs it.
    pub(super) fn need_status(&self, key: &str) -> Result<bool, Lack> {
        self.need(key, status)
    }

    fn need<T>(&self, key: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Lack> {
        self.text(key).and_then(read).ok_or_else(|| self.lack(key))
    }

    /// Why a field gave nothing.
    pub(super) fn lack(&self, key: &str) -> Lack {
        let (command, owned) = (self.command, key.to_owned());
        match self.lines.get(key) {
            Some(Line::Several) => Lack::Several { command, key: owned },
            Some(Line::One(value)) if !value.is_empty() => {
                let value = value.chars().take(REPEATED).collect();
                Lack::Unreadable { command, key: owned, value }
            }
            Some(Line::One(_)) => Lack::Absent { command, key: owned },
            None => match section(key).filter(|section| self.is_without_section(section)) {
                Some(section) => Lack::Section { command, section },
                None => Lack::Absent { command, key: owned },
            },
        }
    }

    /// Whether a section is missing; an answer without any heading says nothing of that.
    fn is_without_section(&self, section: &str) -> bool {
        !self.sections.is_empty() && !self.sections.contains(&section.to_ascii_lowercase())
    }

    /// `standalone`, `cluster` or `sentinel`; Valkey calls it another way.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        let named = self.text("redis_mode").or_else(|| self.text("server_mode"));
        // Nothing else counts primaries so.
        named.filter(|mode| MODES.contains(mode)).or_else(|| self.has("sentinel_masters").then_some("sentinel"))
    }

    /// Whether it is a node of a cluster.
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        self.mode() == Some("cluster") || self.flag("cluster_enabled") == Some(true)
    }

    /// What the server is: its product's name and its version.
    #[must_use]
    pub fn product(&self) -> (&'static str, Option<&str>) {
        let redis = self.text("redis_version");
        let valkey = self.text("valkey_version");
        if let Some(version) = self.text("dragonfly_version") {
            return ("dragonfly", Some(version.trim_start_matches("df-").trim_start_matches('v')));
        }
        match (valkey, self.text("upstash_version")) {
            (Some(version), _) => ("valkey", Some(version)),
            (None, Some(version)) => ("upstash", Some(version)),
            (None, None) if self.has("mvcc_depth") => ("keydb", redis),
            (None, None) => ("redis", redis),
        }
    }

    /// The server's own clock, where it tells it (7.0 and later).
    pub(super) fn clock(&self) -> Option<Wall> {
        let micros = self.number("server_time_usec")?;
        let nanos = u32::try_from(micros % 1_000_000 * 1000).ok()?;
        Some(Wall::from_unix(i64::try_from(micros / 1_000_000).ok()?, nanos))
    }

    /// The lines `slave0`, `slave1` and so on, or `master0`: the key and what stands behind it, by their numbers. A line that is given
    /// with several values has none.
    pub(super) fn numbered(&self, name: &str) -> Vec<(&str, Option<&str>)> {
        let number = |key: &str| key.strip_prefix(name).and_then(|rest| rest.parse::<u32>().ok());
        let mut found: Vec<_> = self.lines.keys().filter_map(|key| Some((number(key)?, key.as_str()))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, key)| (key, self.text(key))).collect()
    }
}

/// The modes of a server.
const MODES: [&str; 3] = ["standalone", "cluster", "sentinel"];

/// A count; what does not fit into a fact was garbage, or has overflown.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| i64::try_from(*number).is_ok())
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn status(text: &str) -> Option<bool> {
    match text {
        "ok" => Some(true),
        "err" => Some(false),
        _ => None,
    }
}

/// The section of INFO that has a field which is judged.
fn section(key: &str) -> Option<&'static str> {
    match key {
        "redis_mode" | "uptime_in_seconds" => Some("Server"),
        "connected_clients" | "maxclients" => Some("Clients"),
        "used_memory" | "maxmemory" | "maxmemory_policy" => Some("Memory"),
        "rejected_connections" => Some("Stats"),
        "loading" => Some("Persistence"),
        "role" | "connected_slaves" => Some("Replication"),
        _ if key.starts_with("rdb_") || key.starts_with("aof_") => Some("Persistence"),
        _ if key.starts_with("sentinel_") => Some("Sentinel"),
        _ => None,
    }
}

/// What a judgement lacks, field by field.
pub(super) struct Gaps<'a> {
    info: &'a Info,
    reasons: Vec<String>,
}

impl<'a> Gaps<'a> {
    pub(super) fn of(info: &'a Info) -> Self {
        Self { info, reasons: Vec::new() }
    }

    /// A number without which there is no judgement, unless the product has none.
    pub(super) fn number(&mut self, key: &str) -> Option<u64> {
        self.take(key, self.info.need_number(key))
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key, self.info.need_flag(key))
    }

    pub(super) fn status(&mut self, key: &str) -> Option<bool> {
        self.take(key, self.info.need_status(key))
    }

    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        self.take(key, self.info.need_text(key))
    }

    /// A number that not every server has; what is there has to be readable.
    pub(super) fn number_if_there(&mut self, key: &str) -> Option<u64> {
        self.optional(self.info.need_number(key))
    }

    pub(super) fn flag_if_there(&mut self, key: &str) -> Option<bool> {
        self.optional(self.info.need_flag(key))
    }

    fn take<T>(&mut self, key: &str, field: Result<T, Lack>) -> Option<T> {
        if self.info.is_without(key) { field.ok() } else { self.keep(field) }
    }

    fn optional<T>(&mut self, field: Result<T, Lack>) -> Option<T> {
        match field {
            Err(lack) if lack.is_absent() => None,
            field => self.keep(field),
        }
    }

    /// What is known of a result; its reason is kept where there is nothing.
    pub(super) fn keep<T>(&mut self, field: Result<T, impl fmt::Display>) -> Option<T> {
        field.map_err(|lack| self.add(lack.to_string())).ok()
    }

    /// Something else that is not known.
    pub(super) fn add(&mut self, reason: String) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// A verdict beside what is not known: what is bad stays bad, what seemed fine is unknown.
    pub(super) fn judge(&self, verdict: Verdict) -> Verdict {
        if self.reasons.is_empty() { verdict } else { verdict.worse(Verdict::Unknown) }
    }

    /// The first reason, and how many more there are; nothing where all is known.
    pub(super) fn words(&self) -> String {
        match self.reasons.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
        }
    }

    /// Every reason, as a fact.
    pub(super) fn fact(&self) -> Option<Fact> {
        (!self.reasons.is_empty()).then(|| Fact::Text(self.reasons.join("; ")))
    }
}

/// A count as a fact.
pub(super) fn whole(number: u64) -> Fact {
    Fact::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The facts that are known of those that there may be.
pub(super) fn known<const N: usize>(all: [(&'static str, Option<Fact>); N]) -> BTreeMap<&'static str, Fact> {
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

/// What is to be said, without what is empty.
pub(super) fn joined(parts: &[String]) -> String {
    let shown: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    shown.join(" · ")
}
