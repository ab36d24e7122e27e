//! What is said of the database as a whole, and of all its small relations together.

use crate::domain::{Fact, Finding, Observation, Trend, Verdict, quantity};
use crate::probes::bloat::age::Age;
use crate::probes::bloat::catalog::{Relation, Sized};
use crate::probes::bloat::judge::{Reading, Tally};
use crate::probes::sentence::Sentence;
use std::collections::BTreeMap;
use std::time::Duration;

/// A snapshot that is held for this long, in seconds, is a warning: every table keeps its dead rows meanwhile.
const HELD: i64 = 3600;
/// So is one of this many transactions ago, where nobody knows since when it is held.
const HELD_XIDS: i64 = 10_000_000;
/// The object of the row of all small relations. No relation is called so: those have a dot.
pub(super) const SMALLER: &str = "smaller relations";

/// The relations that are too small to rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Smaller {
    /// How many.
    pub(super) count: u64,
    /// Bytes of all.
    pub(super) size: u64,
    /// The oldest table among them, with its ages in transactions and multixacts.
    pub(super) oldest: Option<(u32, (i64, i64))>,
}

impl Smaller {
    /// Parts the large relations, largest first, from the small ones.
    pub(super) fn split(sizes: Vec<Sized>, smallest: u64) -> (Vec<Sized>, Self) {
        let (mut large, small): (Vec<_>, Vec<_>) =
            sizes.into_iter().partition(|sized| sized.left || sized.size() >= smallest);
        large.sort_by_key(|sized| (std::cmp::Reverse(sized.size()), sized.oid));
        let oldest = small.iter().filter_map(|sized| sized.ages.map(|ages| (sized.oid, ages)));
        let smaller = Self {
            count: u64::try_from(small.len()).unwrap_or(u64::MAX),
            size: small.iter().map(Sized::size).sum(),
            oldest: oldest.max_by_key(|(_, (xids, multis))| *xids.max(multis)),
        };
        (large, smaller)
    }

    /// Their one row; none where there are none.
    pub(super) fn finding(&self, reading: &Reading<'_>, oldest: Option<&Relation>) -> Option<Finding> {
        if self.count == 0 {
            return None;
        }
        let mut facts = BTreeMap::from([
            ("database", Fact::Text(reading.server.database.clone())),
            ("kind", Fact::Text("smaller".to_owned())),
            ("relations", int(self.count)),
            ("size_bytes", int(self.size)),
            ("method", Fact::Text("none".to_owned())),
            ("can_act", Fact::Bool(false)),
        ]);
        let count = quantity::counted(self.count, "relation", "relations");
        let mut notes = vec![quantity::bytes(self.size), format!("{count} below 1 MiB, not estimated")];
        let mut verdict = Verdict::Ok;
        if let Some((_, ages)) = self.oldest {
            let age = Age::of(ages, reading.server);
            age.add_facts(&mut facts);
            verdict = age.verdict;
            facts.extend(oldest.map(|oldest| ("oldest", Fact::Text(oldest.quoted.clone()))));
            let named = oldest.map_or_else(String::new, |oldest| format!("{}: ", oldest.quoted));
            let note = age.note().map(|note| format!("{named}{note}"));
            facts.extend(note.clone().map(|note| ("reason", Fact::Text(note))));
            notes.extend(note);
        }
        let (detail, observed_at) = (notes.join(" · "), reading.at);
        Some(Finding::of(SMALLER, Ok(Observation { verdict, detail, facts, observed_at, trend: None })))
    }
}

fn int(count: u64) -> Fact {
    Fact::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The database's own row: what would come back of it, who holds the oldest snapshot, and what else the server has.
pub(super) fn database(reading: &Reading<'_>, tally: &Tally, smaller: &Smaller) -> Finding {
    let server = reading.server;
    let mut facts = BTreeMap::from([
        ("database", Fact::Text(server.database.clone())),
        ("kind", Fact::Text("database".to_owned())),
        ("oid", Fact::Int(server.oid.into())),
        ("size_bytes", int(tally.size.saturating_add(smaller.size))),
        ("unknown_relations", int(tally.unknown)),
        ("hidden_relations", int(tally.hidden)),
        ("server_version", Fact::Int(server.version)),
        ("standby", Fact::Bool(server.standby)),
        ("can_act", Fact::Bool(reading.can_act && !server.standby)),
        ("other_databases", Fact::Text(server.others.clone())),
    ]);
    let age = Age::of(server.ages, server);
    age.add_facts(&mut facts);
    let (verdict, sum) = sum(tally, &mut facts);
    let mut sentence = Sentence::of(verdict, sum);
    if let Some(note) = age.note() {
        sentence.add(age.verdict, note);
    }
    if let Some(holder) = reading.holder {
        reading.holder_facts(holder, &mut facts);
        let held = holder.age(server.now);
        let is_long = held.map_or(holder.xids >= HELD_XIDS, |held| held >= HELD);
        let verdict = if is_long { Verdict::Warn } else { Verdict::Ok };
        if holder.holds(server.now) {
            let since = held.and_then(|held| u64::try_from(held).ok()).map(Duration::from_secs).map(quantity::age);
            let since = since.map_or_else(|| "for a time unknown".to_owned(), |since| format!("for {since}"));
            let own = holder.application.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
            sentence.add(verdict, format!("oldest snapshot: {}{own} {since}", holder.called()));
        } else {
            sentence.weigh(verdict, &format!("oldest snapshot: {}", holder.called()));
        }
    }
    if tally.unknown > 0 {
        let hidden = if tally.hidden > 0 { format!(", {} hidden from this role", tally.hidden) } else { String::new() };
        sentence.add(Verdict::Ok, format!("{} unknown{hidden}", quantity::count(tally.unknown)));
        facts.extend(tally.denied.then(|| reading.server.grant()));
    }
    if tally.invalid > 0 {
        facts.insert("invalid_indexes", int(tally.invalid));
        sentence.add(Verdict::Ok, quantity::counted(tally.invalid, "invalid index", "invalid indexes"));
    }
    sentence.words.extend(server.standby.then(|| "standby: act on the primary".to_owned()));
    sentence.words.extend(others(server.other_count));
    sentence.note_reason(&mut facts);
    let trend = facts.contains_key("total_bloat_bytes").then_some(Trend::of("total_bloat_bytes"));
    let detail = sentence.words.join(" · ");
    Finding::of_target(Observation { verdict: sentence.verdict, detail, facts, observed_at: reading.at, trend })
}

/// What is known of all relations together. Where none has an estimate, nothing is. The facts are called `total_…`, so that a sum over
/// the rows counts nothing twice.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Sizes of files.
fn sum(tally: &Tally, facts: &mut BTreeMap<&'static str, Fact>) -> (Verdict, String) {
    if tally.known_size == 0 && tally.unknown > 0 {
        facts.insert("method", Fact::Text("none".to_owned()));
        let why = match () {
            () if tally.hidden > 0 => "no statistics visible to this role",
            () if tally.mendable == tally.unknown => "no statistics, ANALYZE needed",
            () => "each relation says why",
        };
        return (Verdict::Unknown, format!("bloat unknown: {why}"));
    }
    if tally.known_size == 0 {
        facts.insert("method", Fact::Text("none".to_owned()));
        let text = if tally.size == 0 { "nothing of 1 MiB or more" } else { "nothing that can be estimated" };
        return (Verdict::Ok, text.to_owned());
    }
    let whole = tally.known_size as f64;
    facts.insert("total_bloat_bytes", int(tally.bytes));
    facts.insert("total_bloat_ratio", Fact::Real(tally.bytes as f64 / whole));
    facts.insert("total_error_ratio", Fact::Real((tally.error / whole).min(1.0)));
    facts.insert("method", Fact::Text("width statistics".to_owned()));
    let (bytes, error) = (quantity::bytes(tally.bytes), quantity::bytes(tally.error as u64));
    (Verdict::Ok, format!("{bytes} ±{error} of {} would come back", quantity::bytes(tally.known_size)))
}

/// `not read: 5 other databases`
fn others(count: i64) -> Option<String> {
    let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
    Some(format!("not read: {}", quantity::counted(count, "other database", "other databases")))
}
