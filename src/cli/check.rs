//! `midwatch check`: one reading, printed, with a verdict for an exit code.

use crate::cli::args::{Check, Common};
use crate::cli::{setup, shell};
use crate::config::estate::Estate;
use crate::domain::{Clean, Error, Row, Verdict, Wall};
use crate::gate::lookup;
use crate::probes::clock;
use crate::probes::schedule::read_all;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

/// How long the whole reading may take; the CPU alone is watched for a second.
const DEADLINE: Duration = Duration::from_secs(15);

/// Reads, prints, and gives the worst verdict's code; whatever prevents a reading is `unknown` (3).
#[must_use]
pub fn run(common: &Common, args: &Check) -> u8 {
    let unknown = Verdict::Unknown.exit_code();
    match read(common) {
        Ok((estate, rows)) => {
            let now = clock::now().wall;
            let text = if args.json { as_json(&estate, &rows, now) } else { as_text(&rows, now) };
            let worst = rows.iter().map(|row| row.verdict(now)).reduce(Verdict::worse).unwrap_or(Verdict::Unknown);
            if shell::print(text.as_bytes()).is_err() { unknown } else { worst.exit_code() }
        }
        Err(cause) => {
            super::complain(&cause);
            unknown
        }
    }
}

fn read(common: &Common) -> Result<(Estate, Vec<Row>), Error> {
    let around = setup::surroundings();
    let estate = setup::estate(common, &around)?;
    let targets = lookup::targets(&estate, &around);
    let read = setup::wait_for(async { Ok(read_all(targets, DEADLINE).await) })?;
    let mut rows: Vec<Row> = read.into_iter().flat_map(|all| all.rows).collect();
    let now = clock::now().wall;
    rows.sort_by_key(|row| (std::cmp::Reverse(row.verdict(now).rank()), row.kind, row.target.clone()));
    Ok((estate, rows))
}

/// One line a row, worst first: `critical  service  novacron-api  503`.
fn as_text(rows: &[Row], now: Wall) -> String {
    let wide = rows.iter().map(|row| Clean::text(&row.target).width()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for row in rows {
        let target = Clean::text(&row.target);
        let pad = wide.saturating_sub(target.width());
        let detail = Clean::text(&detail(row)).plain();
        let (verdict, kind) = (row.verdict(now).word(), row.kind.word());
        let _ = writeln!(text, "{verdict:<8}  {kind:<7}  {}{:pad$}  {detail}", target.plain(), "");
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

fn as_json(estate: &Estate, rows: &[Row], now: Wall) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let seen = row.observation.as_ref();
            json!({
                "target": row.target,
                "kind": row.kind,
                "verdict": row.verdict(now),
                "stale": row.is_stale(now),
                "detail": detail(row),
                "observed_at": seen.map(|seen| seen.observed_at),
                "source": row.source,
                "facts": seen.map(|seen| &seen.facts),
            })
        })
        .collect();
    let report = json!({
        "schema": SCHEMA,
        "estate": estate.name,
        "at": now,
        "panes": { "health": rows },
        "not_found": estate.not_found,
    });
    format!("{report:#}\n")
}
