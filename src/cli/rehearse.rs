//! `midwatch rehearse`: proves before step 1 that every undo is possible now; changes nothing.

use crate::cli::args::{Common, Rehearse};
use crate::cli::{out, plan, setup};
use crate::domain::error::Result;
use crate::domain::{Error, Kind, quantity};
use crate::gate::plans;
use crate::procedure::plan::Plan;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::rehearse::{Rehearsal, Way, rehearse};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Prints how each undo stands; the exit code is 1 when one is not possible, 8 when one is unknown.
///
/// # Errors
/// When the plan cannot be made, or standard output is closed.
pub fn run(common: &Common, args: &Rehearse) -> Result<u8> {
    let world = setup::world(common)?;
    let params: BTreeMap<String, String> = args.procedure.params.iter().cloned().collect();
    let plan = plans::plan(&world, &args.procedure.procedure, &params)?;
    let found = rehearse(&plan);
    let text = if args.json { out::json(&as_json(&plan, &found)?) } else { as_text(&plan, &found) };
    out::print(text.as_bytes())?;
    Ok(code(&found))
}

fn code(found: &[Rehearsal]) -> u8 {
    let any = |wanted: fn(&Rehearsed) -> bool| {
        found.iter().any(|one| matches!(&one.way, Way::Asked(answer) if wanted(answer)))
    };
    if any(|answer| matches!(answer, Rehearsed::NotPossible(_))) {
        Kind::StepFailed.exit_code()
    } else if any(|answer| matches!(answer, Rehearsed::Unknown(_))) {
        Kind::UnknownOutcome.exit_code()
    } else {
        0
    }
}

fn as_text(plan: &Plan, found: &[Rehearsal]) -> String {
    let mut text = format!("{}  ({})\n", plan.title, plan.id);
    for one in found {
        let (word, why) = columns(&one.way);
        let _ = writeln!(text, "{:>3}  {word:<12} {}", one.step + 1, one.title);
        if !one.undo.is_empty() {
            let _ = writeln!(text, "       undo: {}", one.undo);
        }
        let _ = writeln!(text, "       {why}");
    }
    let _ = writeln!(text, "{}", sum(found));
    plan::clean(&text)
}

fn columns(way: &Way) -> (&str, &str) {
    match way {
        Way::Asked(answer) => (answer.word(), answer.why()),
        Way::None(reason) => ("no undo", reason),
    }
}

/// `2 undos: 1 possible, 1 unknown; 1 step has no undo`.
fn sum(found: &[Rehearsal]) -> String {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    let mut without = 0;
    for one in found {
        match &one.way {
            Way::Asked(answer) => *words.entry(answer.word()).or_default() += 1,
            Way::None(_) => without += 1,
        }
    }
    let asked: usize = words.values().sum();
    let each: Vec<String> = words.iter().map(|(word, number)| format!("{number} {word}")).collect();
    let colon = if each.is_empty() { "" } else { ": " };
    let none = match without {
        0 => String::new(),
        _ => format!("; {} no undo", quantity::counted(without, "step has", "steps have")),
    };
    format!("{}{colon}{}{none}", quantity::counted(asked as u64, "undo", "undos"), each.join(", "))
}

fn as_json(plan: &Plan, found: &[Rehearsal]) -> Result<String> {
    let steps: Vec<serde_json::Value> = found
        .iter()
        .map(|one| {
            let (answer, why) = columns(&one.way);
            let undo = (!one.undo.is_empty()).then_some(&one.undo);
            serde_json::json!({ "step": one.step + 1, "title": one.title, "undo": undo, "answer": answer, "why": why })
        })
        .collect();
    let report = serde_json::json!({
        "schema": 1,
        "procedure": plan.id,
        "hash": plan.hash()?,
        "steps": steps,
        "exit": code(found),
    });
    let text = serde_json::to_string_pretty(&report).map_err(|cause| Error::machine("print the rehearsal", cause))?;
    Ok(text + "\n")
}
