//! `midwatch check`: one reading, printed, with a verdict for an exit code.

use crate::cli::args::{Check, Common};
use crate::cli::{setup, shell};
use crate::config::estate::Estate;
use crate::domain::{Clean, Error, Row, Section, Verdict, Wall};
use crate::gate::lookup;
use crate::probes::clock;
use crate::probes::schedule::read_all;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

/// How long the whole reading may take: as long as the slowest source may.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads, prints, and gives the worst verdict's code; whatever prevents a reading is `unknown` (3).
///
/// A pane without rows does not count, unless it was asked for by name.
#[must_use]
pub fn run(common: &Common, args: &Check) -> u8 {
    let unknown = Verdict::Unknown.exit_code();
    let named: BTreeSet<Section> = args.panes.iter().map(|pane| pane.section()).collect();
    match read(common, &named) {
        Ok((estate, rows)) => {
            let now = clock::now().wall;
            let text = if args.json { as_json(&estate, &named, &rows, now) } else { as_text(&rows, &named, now) };
            if shell::print(text.as_bytes()).is_err() {
                return unknown;
            }
            let empty = named.iter().filter(|section| of(&rows, **section).next().is_none());
            let all = rows.iter().map(|row| row.verdict(now)).chain(empty.map(|_| Verdict::Unknown));
            all.reduce(Verdict::worse).unwrap_or(Verdict::Unknown).exit_code()
        }
        Err(cause) => {
            super::complain(&cause);
            unknown
        }
    }
}

fn of(rows: &[Row], section: Section) -> impl Iterator<Item = &Row> {
    rows.iter().filter(move |row| row.kind.section() == section)
}

/// Reads every target of the named panes, or of all where none is named.
fn read(common: &Common, named: &BTreeSet<Section>) -> Result<(Estate, Vec<Row>), Error> {
    let around = setup::surroundings();
    let estate = setup::estate(common, &around)?;
    let mut targets = lookup::targets(&estate, &around);
    targets.retain(|target| named.is_empty() || named.contains(&target.section()));
    let read = setup::wait_for(async { Ok(read_all(targets, DEADLINE).await) })?;
    let mut rows: Vec<Row> = read.into_iter().flat_map(|all| all.rows).collect();
    let now = clock::now().wall;
    rows.sort_by_cached_key(|row| {
        let worst = std::cmp::Reverse(row.verdict(now).rank());
        (row.kind.section(), worst, row.kind, row.target.clone(), row.object.clone())
    });
    Ok((estate, rows))
}

/// One line a row, worst first: `critical  service  novacron-api  503`.
fn as_text(rows: &[Row], named: &BTreeSet<Section>, now: Wall) -> String {
    let wide = rows.iter().map(|row| Clean::text(&row.name()).width()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for row in rows {
        let name = Clean::text(&row.name());
        let pad = wide.saturating_sub(name.width());
        let detail = Clean::text(&detail(row)).plain();
        let (verdict, kind) = (row.verdict(now).word(), row.kind.word());
        let _ = writeln!(text, "{verdict:<8}  {kind:<11}  {}{:pad$}  {detail}", name.plain(), "");
    }
    for section in named.iter().filter(|section| of(rows, **section).next().is_none()) {
        let _ = writeln!(text, "unknown   {}: nothing is configured or found", section.word());
    }
    text
}

fn detail(row: &Row) -> String {
    match (&row.lost, &row.observation) {
        (Some((why, _)), _) => why.clone(),
        (None, Some(seen)) => seen.detail.clone(),
        (None, None) => "not read".to_owned(),
    }
}

fn as_json(estate: &Estate, named: &BTreeSet<Section>, rows: &[Row], now: Wall) -> String {
    let sections = Section::ALL.into_iter().filter(|section| named.is_empty() || named.contains(section));
    let panes: Map<String, Value> = sections
        .map(|section| (section.word().to_owned(), of(rows, section).map(|row| row_json(row, now)).collect()))
        .collect();
    let report = json!({
        "schema": SCHEMA,
        "estate": estate.name,
        "at": now,
        "panes": panes,
        "not_found": estate.not_found,
    });
    format!("{report:#}\n")
}

fn row_json(row: &Row, now: Wall) -> Value {
    let seen = row.observation.as_ref();
    json!({
        "target": row.target,
        "object": row.object,
        "kind": row.kind,
        "verdict": row.verdict(now),
        "stale": row.is_stale(now),
        "detail": detail(row),
        "observed_at": seen.map(|seen| seen.observed_at),
        "source": row.source,
        "facts": seen.map(|seen| &seen.facts),
    })
}
