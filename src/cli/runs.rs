//! `midwatch runs`: the runs, newest first.

use crate::app::msg::RunSummary;
use crate::cli::args::{Common, Runs};
use crate::cli::{demo, out, plan, setup};
use crate::config::shell;
use crate::domain::error::Result;
use crate::gate::lookup;
use crate::journal::record::ended;
use serde_json::json;
use std::fmt::Write;

/// Prints the runs.
///
/// # Errors
/// When the state directory cannot be read.
pub fn run(common: &Common, args: &Runs) -> Result<u8> {
    let world = setup::runs_world(common)?;
    let runs = lookup::runs(&world)?;
    let text = if args.json { out::json(&as_json(&runs)) } else { as_text(&runs) };
    if let Some(hint) = demo::hint(common).filter(|_| runs.is_empty()) {
        out::warn_line(format_args!("{hint}"));
    }
    let code = out::print(text.as_bytes())?;
    if runs.is_empty() && !args.json {
        let place = world.state.dir.join("runs");
        let procedures = shell::on_estate("procedures");
        out::warn_line(format_args!("hint: runs are kept in {}; {procedures} lists what can be run", place.display()));
    }
    Ok(code)
}

fn as_text(runs: &[RunSummary]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let mut text = String::new();
    let status = |run: &RunSummary| match run.damage {
        Some(_) => "damaged".to_owned(),
        None => ended(run.status, run.went_back, run.caveats),
    };
    let widest = runs.iter().map(|run| status(run).len()).max().unwrap_or(0).max(11);
    for run in runs {
        let (over, of) = run.progress;
        let status = status(run);
        let started = run.started.minute();
        let title = if run.emergency { format!("EMERGENCY · {}", run.title) } else { run.title.clone() };
        let _ = writeln!(text, "{}  {status:<widest$}  {over:>3}/{of:<3}  {started}  {}  {title}", run.id, run.starter);
        if run.used_break_glass {
            let _ = writeln!(text, "{:28}BREAK GLASS: it went on without a second person", "");
        }
        if let Some(damage) = &run.damage {
            let _ = writeln!(text, "{:28}{damage}", "");
        }
    }
    plan::clean(&text)
}

fn as_json(runs: &[RunSummary]) -> String {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            json!({
                "run": run.id, "title": run.title, "status": run.status, "rolled_back": run.went_back, "started": run.started, "ended": run.ended,
                "starter": run.starter, "steps_over": run.progress.0, "steps": run.progress.1, "damage": run.damage,
                "broke_glass": run.used_break_glass, "emergency": run.emergency, "settled_by_hand": run.caveats.settled_by_hand,
                "skipped": run.caveats.skipped,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "schema": 1, "runs": rows }))
}
