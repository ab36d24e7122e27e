//! `midwatch check`: one reading, printed, with a verdict for an exit code.

mod items;

use crate::cli::args::{Check, Common, Pane};
use crate::cli::{out, setup};
use crate::config::estate::Estate;
use crate::domain::series::PastRead;
use crate::domain::{Clean, Error, Kind, Row, Rows, Section, Verdict, Wall, quantity};
use crate::gate::lookup;
use crate::history::{self, About};
use crate::probes::clock;
use crate::probes::schedule::read_all_after;
use items::ItemRow;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The word for the pane of the checklist.
const CHECKLIST: &str = "checklist";

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

/// How long the whole reading may take: as long as the slowest source may.
const DEADLINE: Duration = Duration::from_secs(30);

/// What is asked for: panes of rows, and the checklist.
struct Asked {
    sections: BTreeSet<Section>,
    checklist: bool,
    /// Whether they were asked for by name, so that one without rows is unknown.
    named: bool,
}

impl Asked {
    fn of(panes: &[Pane]) -> Self {
        let named = !panes.is_empty();
        let sections =
            if named { panes.iter().filter_map(|pane| pane.section()).collect() } else { Section::ALL.into() };
        Self { sections, checklist: !named || panes.contains(&Pane::Checklist), named }
    }
}

/// What was read.
struct Reading {
    estate: Estate,
    /// Where its history is kept, and the rows as they were read; none where there is no place for state.
    history: Option<(About, Vec<Rows>)>,
    rows: Vec<Row>,
    /// The items of the open checklist; why they could not be read, where they could not.
    items: Result<Vec<ItemRow>, Error>,
}

/// Reads, prints, and gives the worst verdict's code; whatever prevents a reading is `unknown` (3).
///
/// A pane without rows does not count, unless it was asked for by name.
#[must_use]
pub fn run(common: &Common, args: &Check) -> u8 {
    let unknown = Verdict::Unknown.exit_code();
    let asked = Asked::of(&args.panes);
    match read(common, &asked) {
        Ok(reading) => {
            let now = clock::now().wall;
            let printed = match args.json {
                true => out::print(out::json(&as_json(&reading, &asked, now)).as_bytes()),
                false => out::page(&as_text(&reading, &asked, now)),
            };
            if printed.is_err() {
                return unknown;
            }
            let _ = reading.items.as_ref().map_err(super::complain);
            keep(&reading);
            let rows = reading.rows.iter().map(|row| row.verdict(now));
            let items = reading.items.iter().flatten().map(|item| item.verdict);
            let nothing = empty(&reading, &asked).into_iter().map(|_| Verdict::Unknown);
            rows.chain(items).chain(nothing).reduce(Verdict::worse).unwrap_or(Verdict::Unknown).exit_code()
        }
        Err(cause) => {
            super::complain(&cause);
            unknown
        }
    }
}

/// The panes that count although they have no row: those asked for by name, and a checklist that cannot be read.
fn empty(reading: &Reading, asked: &Asked) -> Vec<&'static str> {
    let bare = |section: &&Section| asked.named && of(&reading.rows, **section).next().is_none();
    let mut empty: Vec<&str> = asked.sections.iter().filter(bare).map(|section| section.word()).collect();
    let bare = asked.named && asked.checklist && reading.items.as_ref().is_ok_and(Vec::is_empty);
    if bare || reading.items.is_err() {
        empty.push(CHECKLIST);
    }
    empty
}

fn of(rows: &[Row], section: Section) -> impl Iterator<Item = &Row> {
    rows.iter().filter(move |row| row.kind.section() == section)
}

/// Reads every target of the panes that are asked for, and the checklist.
fn read(common: &Common, asked: &Asked) -> Result<Reading, Error> {
    let around = setup::surroundings();
    let estate = setup::estate(common, &around)?;
    let mut targets = lookup::targets(&estate, &around);
    targets.retain(|target| asked.sections.contains(&target.section()));
    let state = setup::state(common, &around);
    let about = state.as_ref().ok().map(|state| About::of(&estate, state, &around));
    let past = about.clone().map_or_else(PastRead::default, past);
    let read = setup::wait_for(async { Ok(read_all_after(targets, DEADLINE, &past).await) })?;
    let mut rows: Vec<Row> = read.iter().flat_map(|all| all.rows.clone()).collect();
    let now = clock::now().wall;
    rows.sort_by_cached_key(|row| {
        let worst = std::cmp::Reverse(row.verdict(now).rank());
        (row.kind.section(), worst, row.kind, row.target.clone(), row.object.clone())
    });
    let items = match state {
        Ok(state) if asked.checklist => setup::spared("the runs", move || items::read(&state.dir)).flatten(),
        // Where there is no place for state, no checklist can be open; one that does not answer may have one.
        Err(cause) if asked.checklist && (asked.named || cause.kind == Kind::Machine || setup::has_hung()) => {
            Err(cause)
        }
        _ => Ok(Vec::new()),
    };
    Ok(Reading { estate, history: about.map(|about| (about, read)), rows, items })
}

/// What was read in the last hour: from it comes when a file system will be full. Without it, that is not said.
fn past(about: About) -> PastRead {
    let past = PastRead::default();
    match setup::spared("the history", move || history::read(about, history::SHOWN)).flatten() {
        Ok(read) => past.fill(Arc::new(read)),
        Err(cause) => tracing::warn!(cause = cause.message, "history not read"),
    }
    past
}

/// Adds the figures to the history, where there is a state directory and no console writes it; nothing of that is the reading's affair.
fn keep(reading: &Reading) {
    let Some((about, read)) = reading.history.clone() else { return };
    if let Err(cause) = setup::spared("the history", move || history::contribute(about, &read)) {
        tracing::warn!(cause = cause.message, "history not kept");
    }
}

/// One line a row, worst first: `critical  service  novacron-api  503`, behind which stands what would help; the items of a checklist in their order.
fn as_text(reading: &Reading, asked: &Asked, now: Wall) -> String {
    let row =
        |row: &Row| (row.verdict(now), row.kind.word(), Clean::text(&row.name()), row.with_remedy(&detail(row, now)));
    let item = |item: &ItemRow| (item.verdict, items::KIND, Clean::text(&item.item.title), item.detail.clone());
    let items = reading.items.iter().flatten().map(item);
    let lines: Vec<_> = reading.rows.iter().map(row).chain(items).collect();
    let wide = lines.iter().map(|(_, _, name, _)| name.width()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for (verdict, kind, name, detail) in lines {
        let pad = wide.saturating_sub(name.width());
        let (verdict, detail) = (out::verdict(verdict, 8), Clean::text(&detail).plain());
        let _ = writeln!(text, "{verdict}  {kind:<11}  {}{:pad$}  {detail}", name.plain(), "");
    }
    for pane in empty(reading, asked) {
        let why = match (pane == CHECKLIST, reading.items.is_err()) {
            (true, true) => "it cannot be read",
            (true, false) => "none is open",
            (false, _) => "nothing is configured or found",
        };
        let verdict = out::verdict(Verdict::Unknown, 8);
        let _ = writeln!(text, "{verdict}  {pane}: {why}{}", configures(pane, &reading.estate));
    }
    // Only where there is no estate file.
    for (word, phrases) in [("found", &reading.estate.discovered), ("not found", &reading.estate.not_found)] {
        for phrase in phrases {
            let _ = writeln!(text, "{word:<9} {}", Clean::text(phrase).plain());
        }
    }
    text
}

/// What would give a pane its rows: `; [[backup]] in FILE names them`.
fn configures(pane: &str, estate: &Estate) -> String {
    let section = match pane {
        "backups" => "[[backup]]",
        "certificates" => "[[certificate]]",
        "bloat" => "[[postgres]]",
        _ => return String::new(),
    };
    let file = estate.source.as_ref().map_or_else(|| "an estate file".to_owned(), |file| file.display().to_string());
    format!("; {section} in {file} names what it shows")
}

fn detail(row: &Row, now: Wall) -> String {
    match (&row.lost, &row.observation) {
        (Some((why, _)), _) => why.clone(),
        (None, Some(seen)) if row.is_stale(now) => {
            let (age, limit) = (quantity::age(now.since(seen.observed_at)), quantity::span(row.every * 3));
            format!("stale: nothing was heard for {age}, limit {limit} · was {}", seen.detail)
        }
        (None, Some(seen)) => seen.detail.clone(),
        (None, None) => "not read".to_owned(),
    }
}

fn as_json(reading: &Reading, asked: &Asked, now: Wall) -> String {
    let rows = |section: Section| of(&reading.rows, section).map(|row| row_json(row, now)).collect();
    let mut panes: Map<String, Value> =
        asked.sections.iter().map(|section| (section.word().to_owned(), rows(*section))).collect();
    if asked.checklist {
        panes.insert(CHECKLIST.to_owned(), reading.items.iter().flatten().map(ItemRow::json).collect());
    }
    let report = json!({
        "schema": SCHEMA,
        "estate": reading.estate.name,
        "at": now,
        "panes": panes,
        "not_found": reading.estate.not_found,
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
        "detail": detail(row, now),
        "remedy": row.remedy(),
        "observed_at": seen.map(|seen| seen.observed_at),
        "source": row.source,
        "facts": seen.map(|seen| &seen.facts),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Observation, TargetKind};
    use std::collections::BTreeMap;

    #[test]
    fn a_stale_row_says_why_it_is_stale() {
        let at = |second: i64| Wall::from_unix(1_000_000 + second, 0);
        let mut row = Row::unread(TargetKind::Kubernetes, "k".to_owned(), "there".to_owned(), Duration::from_secs(10));
        assert_eq!(detail(&row, at(0)), "not read");
        let (verdict, facts) = (Verdict::Ok, BTreeMap::new());
        row.saw(Observation { verdict, detail: "3 of 3".to_owned(), facts, observed_at: at(0), trend: None });
        assert_eq!(detail(&row, at(30)), "3 of 3");
        assert_eq!(detail(&row, at(120)), "stale: nothing was heard for 2 m, limit 30 s · was 3 of 3");
        row.lost("timed out".to_owned(), at(120));
        assert_eq!(detail(&row, at(120)), "timed out");
    }
}
