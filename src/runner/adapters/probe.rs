//! `probe`: reads a target of the estate, and uses its verdict.
//!
//! ```toml
//! check = { probe = "backup", target = "database" }
//! check = { probe = "mount", at_least = "warn" }        # every mount; a warning is good enough
//! read  = { probe = "postgres", target = "main", object = "replication" }
//! ```
//!
//! The target is read again, as the console reads it. Without `target` all targets of the kind are read, and the
//! worst verdict counts. A warning fails unless `at_least = "warn"`. Unknown stays unknown; so is a target that the
//! estate does not declare, and a named part of the host that this kernel does not have.

use crate::config::estate::Estate;
use crate::config::paths::Surroundings;
use crate::config::reader::{Problems, Table, nearest};
use crate::domain::{EffectClass, Evidence, Fact, Row, TargetKind, Verdict};
use crate::journal::record::Ending;
use crate::probes::estate::targets;
use crate::probes::schedule::read_all;
use crate::probes::target::{Every, Target};
use crate::probes::{clock, host, postgres, redis};
use crate::procedure::adapters::{Adapters, Purpose};
use crate::procedure::plan::Action;
use crate::runner::adapters::{self as common, ActEnd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Its key.
pub const KEY: &str = "probe";

/// How many rows are named in the reason.
const MOST_NAMED: usize = 5;

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    kind: TargetKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// Whether a warning passes.
    warn: bool,
    /// Whether only facts are requested, with any verdict.
    facts_only: bool,
}

/// Reads the action.
pub(super) fn parse(
    purpose: Purpose,
    mut table: Table,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<Action> {
    let at = table.at;
    if !matches!(purpose, Purpose::Read | Purpose::Check) {
        problems.add(at, format!("`probe` is for `check` and `read`, not for `{}`", purpose.word()));
        return None;
    }
    let kind_at = table.place_of(KEY);
    let word = table.text(KEY, problems);
    let kind = word.and_then(|word| {
        let kind = TargetKind::from_word(&word);
        if kind.is_none() {
            let words = TargetKind::ALL.map(TargetKind::word);
            let hint = nearest(&word, words)
                .map_or_else(|| format!("one of {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
            problems.add_with_hint(kind_at, format!("there is no kind of target `{}`", word.escape_debug()), hint);
        }
        kind
    });
    let target_at = table.place_of("target");
    let target = table.text("target", problems);
    if let (Some(kind), Some(name), true) = (kind, &target, adapters.plans())
        && let Some(found) = adapters.refuses_probe(kind.word(), name)
    {
        found.report(target_at, problems);
    }
    let object_at = table.place_of("object");
    let object = table.text("object", problems);
    if let (Some(kind), Some(name)) = (kind, &object)
        && let Some((why, hint)) = refuses_object(kind, name)
    {
        problems.add_with_hint(object_at, why, hint);
    }
    let least_at = table.place_of("at_least");
    let least = table.parsed("at_least", "\"ok\" or \"warn\"", problems, |word| match word {
        "ok" => Some(false),
        "warn" => Some(true),
        _ => None,
    });
    if least.is_some() && purpose == Purpose::Read {
        problems.add(least_at, "`at_least` belongs to `check`: a `read` takes the facts with any verdict");
    }
    table.finish(problems);
    let (kind, warn) = (kind?, least.unwrap_or(false));
    let whose =
        target.as_ref().map_or_else(|| format!("every {}", kind.word()), |name| format!("{} {name}", kind.word()));
    let of = object.as_ref().map(|object| format!(", {object}")).unwrap_or_default();
    let facts_only = purpose == Purpose::Read;
    let wanted = match (facts_only, warn) {
        (true, _) => "",
        (false, true) => " is ok or warns",
        (false, false) => " is ok",
    };
    let line = format!("{whose}{of}{wanted}");
    common::action(KEY, EffectClass::Read, line, &Spec { kind, target, object, warn, facts_only })
}

/// Why a kind of target has no such part; `None` if it has, if its parts are the target's own, or if the name
/// contains an open reference.
fn refuses_object(kind: TargetKind, name: &str) -> Option<(String, String)> {
    let known: &[&str] = match kind {
        TargetKind::Host | TargetKind::Mount | TargetKind::Service => &[],
        TargetKind::Postgres => &postgres::PARTS,
        TargetKind::Redis => &redis::PARTS,
        _ => return None,
    };
    // A sentinel has a part for each primary that it watches.
    let watched = kind == TargetKind::Redis && name.starts_with("primary ");
    if name.contains("{{") || known.contains(&name) || watched {
        return None;
    }
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "leave `object` out".to_owned(),
        None => format!("one of {}", known.join(", ")),
    };
    Some((format!("a reading of {} has no `{}`", kind.word(), name.escape_debug()), hint))
}

/// Reads the targets and judges them; also returns the log lines.
pub async fn look(action: &Action, estate: &Estate, around: &Surroundings, patience: Duration) -> (ActEnd, Vec<u8>) {
    let spec: Spec = match common::spec(action) {
        Ok(spec) => spec,
        Err(cause) => return (ActEnd::unknown(cause.message), Vec::new()),
    };
    let meant = |target: &Target| {
        let row = target.unread(Every::default());
        row.kind == spec.kind && spec.target.as_ref().is_none_or(|name| row.target == *name)
    };
    let found: Vec<Target> = targets(estate, around).into_iter().filter(meant).collect();
    if found.is_empty() {
        let name = spec.target.as_deref().unwrap_or_default();
        let why = format!("the estate names no {} {name}", spec.kind.word());
        return (ActEnd::unknown(why.trim_end()), Vec::new());
    }
    let deadline = found.iter().map(Target::deadline).max().unwrap_or(patience).min(patience);
    let rows = read_all(found, deadline).await.into_iter().flat_map(|rows| rows.rows);
    // If the target itself is down, its parts were not read, and none is ok.
    let meant = |row: &Row| spec.object.is_none() || row.object == spec.object || row.is_down();
    let rows: Vec<Row> = rows.filter(meant).collect();
    (judge(&spec, &rows), log(&rows))
}

/// The worst verdict of the rows, in words, with their facts.
fn judge(spec: &Spec, rows: &[Row]) -> ActEnd {
    let now = clock::now().wall;
    let Some(first) = rows.first() else {
        let what = spec.object.as_deref().unwrap_or("anything");
        return ActEnd::unknown(format!("the reading has no {what}"));
    };
    let worst = rows.iter().map(|row| row.verdict(now)).fold(Verdict::Ok, Verdict::worse);
    let evidence = Evidence {
        source: source(first, rows.len()),
        seen: rows.iter().filter_map(|row| row.observation.as_ref()).map(|seen| seen.observed_at).min().unwrap_or(now),
        facts: facts(rows),
    };
    let lines = if worst == Verdict::Ok { rows.iter().collect() } else { of_verdict(rows, worst) };
    let detail = list_rows(&lines, rows.len());
    let ends_well = worst == Verdict::Ok || (worst == Verdict::Warn && spec.warn) || spec.facts_only;
    let absent = |row: &Row| row.observation.as_ref().is_some_and(host::is_absent);
    match worst {
        // For the host as a whole a missing part is no fault; a check of this part alone has nothing to judge.
        _ if spec.target.is_some() && !spec.facts_only && rows.iter().all(absent) => {
            ActEnd::unknown(detail).seen(evidence)
        }
        Verdict::Unknown => ActEnd::unknown(detail).seen(evidence),
        _ if ends_well => ActEnd::new(Ending::Ok, detail).seen(evidence),
        _ => ActEnd::new(Ending::Failed, format!("{}: {detail}", worst.word())).seen(evidence),
    }
}

fn of_verdict(rows: &[Row], verdict: Verdict) -> Vec<&Row> {
    let now = clock::now().wall;
    rows.iter().filter(|row| row.verdict(now) == verdict).collect()
}

/// The words of the rows: for one row its own, for several each with its name.
fn list_rows(rows: &[&Row], all: usize) -> String {
    let words = |row: &Row| match (&row.lost, &row.observation) {
        (Some((why, _)), _) => why.clone(),
        (None, Some(seen)) => seen.detail.clone(),
        (None, None) => "not read".to_owned(),
    };
    if let ([only], 1) = (rows, all) {
        return words(only);
    }
    let mut lines: Vec<String> = rows
        .iter()
        .take(MOST_NAMED)
        .map(|row| format!("{} {}", row.name(), words(row)).trim_end().to_owned())
        .collect();
    if rows.len() > MOST_NAMED {
        lines.push(format!("and {} more", rows.len() - MOST_NAMED));
    }
    lines.join(" · ")
}

fn source(first: &Row, count: usize) -> String {
    match count {
        1 => format!("{} {} ({})", first.kind.word(), first.name(), first.source),
        _ => format!("{count} rows of {}", first.kind.word()),
    }
}

/// The facts of the rows: for one row unchanged, for several each prefixed with its row's name.
fn facts(rows: &[Row]) -> BTreeMap<String, String> {
    let several = rows.len() > 1;
    let now = clock::now().wall;
    let mut facts = BTreeMap::new();
    for row in rows {
        let prefix = if several { format!("{}: ", row.name()) } else { String::new() };
        facts.insert(format!("{prefix}verdict"), row.verdict(now).word().to_owned());
        let seen = row.observation.iter().flat_map(|seen| &seen.facts);
        facts.extend(seen.map(|(name, fact)| (format!("{prefix}{name}"), text(fact))));
    }
    facts
}

fn text(fact: &Fact) -> String {
    match fact {
        Fact::Bool(flag) => flag.to_string(),
        Fact::Int(number) => number.to_string(),
        // Four decimal places are enough; not-a-number is kept as such.
        Fact::Real(number) => ((number * 10_000.0).round() / 10_000.0).to_string(),
        Fact::Text(text) => text.clone(),
    }
}

fn log(rows: &[Row]) -> Vec<u8> {
    let now = clock::now().wall;
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{} {} · {}", row.verdict(now).word(), list_rows(&[row], 2), row.source);
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Observation;

    fn part(name: &str, verdict: Verdict, absent: bool) -> Row {
        let mut row = Row::unread(TargetKind::Host, name.to_owned(), String::new(), Duration::from_secs(5));
        let facts = if absent { BTreeMap::from([("not_available", Fact::Bool(true))]) } else { BTreeMap::new() };
        let (detail, observed_at) = (name.to_owned(), clock::now().wall);
        row.saw(Observation { verdict, detail, facts, observed_at, trend: None });
        row
    }

    #[test]
    fn what_a_kernel_does_not_have_holds_up_no_check_of_the_host_but_one_of_itself() {
        let check = |target: Option<&str>, facts_only: bool, rows: &[Row]| {
            let target = target.map(str::to_owned);
            let spec = Spec { kind: TargetKind::Host, target, object: None, warn: true, facts_only };
            let end = judge(&spec, rows);
            (end.ending, end.counts.contains_key("unknown"))
        };
        let absent = part("pressure", Verdict::Ok, true);
        let well = [part("cpu", Verdict::Ok, false), part("load", Verdict::Warn, false), absent.clone()];
        assert_eq!(check(None, false, &well), (Ending::Ok, false));
        let worn = [part("memory", Verdict::Critical, false), absent.clone()];
        assert_eq!(check(None, false, &worn), (Ending::Failed, false), "the other parts are judged");
        assert_eq!(check(Some("pressure"), false, std::slice::from_ref(&absent)), (Ending::Failed, true));
        assert_eq!(check(Some("pressure"), true, &[absent]), (Ending::Ok, false), "a read takes what there is");
    }
}
