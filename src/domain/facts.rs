//! The catalogue of facts: what each is called in words, in which unit it is, and its group.
//!
//! `docs/facts.md` says what each means; a test holds the two against each other. A fact that is not in here yet is shown under its own
//! name, in the unit of its suffix.

mod table;
mod yes_no;

use crate::domain::{Fact, TargetKind, Wall, quantity};
use std::time::Duration;
use table::TABLE;
pub use yes_no::{predicate, short};

/// In which unit a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Text, or yes and no.
    Plain,
    /// A count, its digits grouped.
    Count,
    /// A number that names something, such as an oid: its digits are not grouped.
    Id,
    /// A real number.
    Number,
    /// Bytes.
    Bytes,
    /// Bytes an hour.
    BytesPerHour,
    /// So many a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// A share from 0 to 1.
    Share,
    /// The share of a space that is used, from 0 to 1.
    Used,
    /// A share from 0 to 1 from which on something is judged.
    Limit,
    /// An age, and its limit: seconds, in buckets.
    Age,
    /// Whole days until an end; below zero from the end on, -1 on the first day after it.
    Days,
    /// A moment, as RFC 3339 writes it.
    Moment,
}

/// The group of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// How it does.
    State,
    /// From where on it warns and is critical.
    Limits,
    /// How busy it is, and how fast.
    Load,
    /// How large it is, and what is left.
    Space,
    /// When something was or will be.
    Time,
    /// What it copies to others, or has from them.
    Copies,
    /// Whether it will be believed.
    Trust,
    /// What it is and where.
    Identity,
    /// Not in the catalogue.
    Other,
}

impl Group {
    /// Every group, in the order of the screen.
    pub const ALL: [Self; 9] = [
        Self::State,
        Self::Limits,
        Self::Load,
        Self::Space,
        Self::Time,
        Self::Copies,
        Self::Trust,
        Self::Identity,
        Self::Other,
    ];

    /// Its heading.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Limits => "Limits",
            Self::Load => "Load and latency",
            Self::Space => "Size and space",
            Self::Time => "Time",
            Self::Copies => "Replication",
            Self::Trust => "Validity and trust",
            Self::Identity => "Identity",
            Self::Other => "Other facts",
        }
    }
}

/// What is known of a fact by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is called in words.
    pub label: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its group.
    pub group: Group,
}

/// Everything that the catalogue has.
#[must_use]
pub fn all() -> &'static [Entry] {
    TABLE
}

/// What the catalogue has of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// What a fact is called in words; its own name where the catalogue does not have it.
#[must_use]
pub fn label(name: &str) -> &str {
    find(name).map_or(name, |entry| entry.label)
}

/// The group of a fact.
#[must_use]
pub fn group(name: &str) -> Group {
    find(name).map_or(Group::Other, |entry| entry.group)
}

/// The unit of a fact: that of the catalogue, else that of the suffix of its name.
#[must_use]
pub fn unit(name: &str) -> Unit {
    let ends = [
        ("_bytes", Unit::Bytes),
        ("_s", Unit::Seconds),
        ("_ms", Unit::Milliseconds),
        ("_ratio", Unit::Share),
        ("_at", Unit::Moment),
    ];
    let by_name = || ends.into_iter().find(|(end, _)| name.ends_with(end)).map_or(Unit::Count, |(_, unit)| unit);
    find(name).map_or_else(by_name, |entry| entry.unit)
}

/// A fact with its unit, as people read it.
#[must_use]
pub fn format_fact(name: &str, fact: &Fact) -> String {
    match (fact, unit(name)) {
        (Fact::Bool(yes), _) => if *yes { "yes" } else { "no" }.to_owned(),
        (Fact::Text(text), Unit::Moment) => moment(text),
        (Fact::Text(text), _) => text.clone(),
        (Fact::Int(number), Unit::Id) => number.to_string(),
        (Fact::Int(number), unit) => whole(*number, unit),
        (Fact::Real(figure), unit) => in_unit(*figure, unit),
    }
}

/// A figure in a unit, for what is no fact by itself: the ends of a graph.
#[must_use]
pub fn in_unit(figure: f64, unit: Unit) -> String {
    if !figure.is_finite() {
        return figure.to_string();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Bytes, and not below zero.
    let bytes = |figure: f64| quantity::bytes(figure as u64);
    match unit {
        Unit::Bytes if figure >= 0.0 => bytes(figure),
        Unit::BytesPerHour => format!("{}{}/h", if figure < 0.0 { "-" } else { "+" }, bytes(figure.abs())),
        Unit::PerSecond => format!("{}/s", plain(figure)),
        Unit::Share => quantity::percent(figure),
        Unit::Used => quantity::used(figure),
        Unit::Limit => quantity::limit(figure),
        #[allow(clippy::cast_possible_truncation)] // Days of a certificate.
        Unit::Days => days(figure.floor() as i64),
        Unit::Age => Duration::try_from_secs_f64(figure).map_or_else(|_| plain(figure), quantity::age),
        Unit::Seconds | Unit::Milliseconds => {
            let scale = if unit == Unit::Milliseconds { 1000.0 } else { 1.0 };
            Duration::try_from_secs_f64(figure / scale).map_or_else(|_| plain(figure), time)
        }
        _ => plain(figure),
    }
}

fn whole(number: i64, unit: Unit) -> String {
    match (u64::try_from(number), unit) {
        (Ok(number), Unit::Bytes) => quantity::bytes(number),
        (Ok(number), Unit::Seconds) => quantity::span(Duration::from_secs(number)),
        (Ok(number), Unit::Milliseconds) => quantity::latency(Duration::from_millis(number)),
        (Ok(number), Unit::Age) => quantity::age(Duration::from_secs(number)),
        (_, Unit::Days) => days(number),
        #[allow(clippy::cast_precision_loss)] // A figure for the screen.
        (_, Unit::BytesPerHour) => in_unit(number as f64, unit),
        (Ok(number), Unit::PerSecond) => format!("{}/s", quantity::count(number)),
        (Ok(number), _) => quantity::count(number),
        (Err(_), _) => number.to_string(),
    }
}

/// Days that are left, or how long ago the last of them was: as the row says it.
fn days(left: i64) -> String {
    match left {
        0.. => format!("{left} d"),
        -1 => "0 d, expired less than 1 d ago".to_owned(),
        _ => format!("0 d, expired {} d ago", -(left + 1)),
    }
}

/// A moment to the minute; as it is where it cannot be read.
fn moment(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |at| format!("{} UTC", Wall(at).minute()))
}

/// A figure without a unit: whole where it is large, with two decimals where it is small.
fn plain(figure: f64) -> String {
    if figure.abs() >= 100.0 || figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

/// A time to the second where it is long, to the millisecond where it is short.
fn time(time: Duration) -> String {
    if time.as_secs() < 60 { quantity::latency(time) } else { quantity::span(time) }
}

/// A figure of a row with the limits that it is judged by. A limit that the row has no fact for does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The fact that is judged.
    pub of: &'static str,
    /// The fact from which on it warns.
    pub warn: &'static str,
    /// The fact from which on it is critical.
    pub critical: &'static str,
    /// Whether less is worse: days that are left.
    pub falls: bool,
    /// The words behind the figure in a sentence: `84 % used`.
    pub word: &'static str,
}

const fn rises(of: &'static str, word: &'static str) -> Limit {
    Limit { of, warn: "warn_ratio", critical: "critical_ratio", falls: false, word }
}

/// What the rows of a kind are judged by, where that is a figure.
#[must_use]
pub fn limits(kind: TargetKind) -> &'static [Limit] {
    const HOST: &[Limit] = &[
        rises("busy_ratio", "busy"),
        rises("used_ratio", "used"),
        rises("memory_full_ratio", "of the time all work waits for memory"),
        Limit { of: "load_5", warn: "warn_load", critical: "", falls: false, word: "over 5 minutes" },
    ];
    const MOUNT: &[Limit] = &[rises("used_ratio", "used"), rises("inodes_ratio", "of the inodes used")];
    const POSTGRES: &[Limit] = &[rises("connections_ratio", "of the connections taken")];
    const REDIS: &[Limit] = &[rises("memory_ratio", "of the memory limit used")];
    const BACKUP: &[Limit] = &[Limit { of: "age_s", warn: "", critical: "max_age_s", falls: false, word: "old" }];
    const CERTIFICATE: &[Limit] =
        &[Limit { of: "days_left", warn: "warn_days", critical: "critical_days", falls: true, word: "left" }];
    match kind {
        TargetKind::Host => HOST,
        TargetKind::Mount => MOUNT,
        TargetKind::Postgres => POSTGRES,
        TargetKind::Redis => REDIS,
        TargetKind::Backup => BACKUP,
        TargetKind::Certificate => CERTIFICATE,
        TargetKind::Service | TargetKind::Unit | TargetKind::Kubernetes | TargetKind::Bloat => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_catalogue_and_the_documentation_name_the_same_facts() {
        let page = include_str!("../../docs/facts.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let documented: BTreeSet<&str> =
            rows.flat_map(|names| names.split('`').map(str::trim).filter(|name| !name.is_empty())).collect();
        let known: BTreeSet<&str> = all().iter().map(|entry| entry.name).collect();
        assert_eq!(known.len(), all().len(), "a name is in the catalogue twice");
        assert_eq!(documented.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the catalogue");
        assert_eq!(known.difference(&documented).collect::<Vec<_>>(), Vec::<&&str>::new(), "not documented");
        for kind in TargetKind::ALL {
            for limit in limits(kind) {
                for name in [limit.of, limit.warn, limit.critical] {
                    assert!(name.is_empty() || known.contains(name), "{name} of {}", kind.word());
                }
            }
        }
    }

    #[test]
    fn a_fact_is_shown_in_its_unit() {
        let cases: [(&str, Fact, &str); 15] = [
            ("oid", Fact::Int(1_638_712), "1638712"),
            ("count", Fact::Int(1_284), "1,284"),
            ("size_bytes", Fact::Int(4_509_715_661), "4.2 GiB"),
            ("age_s", Fact::Int(111_600), "31 h"),
            ("latency_ms", Fact::Int(12), "12 ms"),
            ("used_ratio", Fact::Real(0.8412), "85 %"),
            ("warn_ratio", Fact::Real(0.825), "82.5 %"),
            ("days_left", Fact::Int(-3), "0 d, expired 2 d ago"),
            ("growth_per_hour", Fact::Int(-2048), "-2.0 KiB/h"),
            ("ops_per_s", Fact::Real(12.0), "12/s"),
            ("not_after", Fact::Text("2026-12-01T23:59:59Z".to_owned()), "2026-12-01 23:59 UTC"),
            ("verified", Fact::Bool(true), "yes"),
            ("load_1", Fact::Real(1.844), "1.84"),
            ("something_new_bytes", Fact::Int(2048), "2.0 KiB"),
            ("newest_at", Fact::Text("some day".to_owned()), "some day"),
        ];
        for (name, fact, expected) in cases {
            assert_eq!(format_fact(name, &fact), expected, "{name}");
        }
        assert_eq!((label("oid"), label("something_new")), ("oid", "something_new"));
    }
}
