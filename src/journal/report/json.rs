//! The report as JSON, to be processed.

use crate::journal::fold::{RunView, StepView};
use crate::journal::reading::{Change, Compared, Reading, compare};
use crate::journal::record::{Event, Record};
use crate::journal::report::markdown::is_unseen;
use crate::journal::report::model::{self, Confirmation, Person, Timing, Tone};
use crate::journal::report::{Report, SetShown, approval, checklist, listings, time, verify_command};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The same as text, with every invisible character escaped by its number: it is safe on a terminal.
#[must_use]
pub fn json_text(report: &Report) -> String {
    let mut out = String::new();
    for symbol in format!("{:#}\n", json(report)).chars() {
        if symbol != '\n' && is_unseen(symbol) {
            // Outside of strings JSON has nothing but ASCII that can be seen.
            for half in symbol.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{half:04x}");
            }
        } else {
            out.push(symbol);
        }
    }
    out
}

/// The record as JSON, to be processed: the run, its steps, its notes, and every record as the journal has it.
#[must_use]
pub fn json(report: &Report) -> Value {
    let Report { view, records, .. } = report;
    let steps: Vec<Value> = view.steps.iter().map(step_json).collect();
    let notes: Vec<Value> = view
        .notes
        .iter()
        .map(|note| json!({ "at": note.at, "by": note.by, "step": note.step, "text": note.text }))
        .collect();
    let refused: Vec<Value> =
        view.refused.iter().map(|(at, by, why)| json!({ "at": at, "by": by, "why": why })).collect();
    let items: Vec<Value> = view.items().iter().map(checklist::item_json).collect();
    let saved: serde_json::Map<String, Value> = view
        .saved
        .iter()
        .map(|(name, saved)| (name.clone(), json!({ "step": saved.step, "says": saved.text, "facts": saved.facts })))
        .collect();
    json!({
        "run": view.id,
        "procedure": view.procedure,
        "title": view.title,
        "estate": view.estate,
        "environment": view.environment,
        "plan": view.plan,
        "params": view.params,
        "starter": view.starter,
        "confirmed": view.confirmed,
        "time": time::json(view),
        "started": view.started,
        "ended": view.ended,
        "status": view.sealed,
        "rolled_back": view.went_back(),
        "resumed": view.resumed,
        "abort": view.abort.as_ref().map(|(by, undo)| json!({ "by": by, "undo": undo })),
        "unknown": view.unknown(),
        "locks": locks_json(view),
        "order": view.order,
        "steps": steps,
        "items": items,
        "saved": saved,
        "notes": notes,
        "approvals": approval::approvals_json(view),
        "overrides": approval::overrides_json(view),
        "broke_glass": view.used_break_glass(),
        "refused": refused,
        "whole": report.faults().is_empty(),
        "verdict": report.verdict.to_string(),
        "faults": report.faults(),
        "people": model::people(records).iter().map(person_json).collect::<Vec<_>>(),
        "sets": report.sets.iter().map(set_json).collect::<Vec<_>>(),
        "scripts": listings::json(view, records),
        "confirmations": model::confirmations(records).iter().map(confirmation_json).collect::<Vec<_>>(),
        "deviations": deviations(report),
        "timings": model::timings(view).iter().map(timing_json).collect::<Vec<_>>(),
        "panes": panes_json(report),
        "records": records.iter().map(record_json).collect::<Vec<_>>(),
        "count": view.seq,
        "head": view.head,
        "verify": verify_command(view),
    })
}

fn locks_json(view: &RunView) -> Vec<Value> {
    view.locks.iter().map(|(name, identity)| json!({ "name": name, "identity": identity })).collect()
}

fn step_json(step: &StepView) -> Value {
    json!({
        "phase": step.head.phase,
        "title": step.head.title,
        "verb": step.head.verb,
        "effect": step.head.effect,
        "undo_action": step.head.undo,
        "state": step.state,
        "standing": step.standing(),
        "attempts": step.attempts,
        "began": step.started,
        "ended": step.ended,
        "set": step.set,
        "confirmed": step.confirmed.as_ref().map(|(by, typed)| json!({ "by": by, "typed": typed })),
        "outcome": step.outcome,
        "remark": step.remark,
        "by": step.by,
        "claimed": step.claimed,
        "settled_by_hand": step.settled_by_hand,
        "overridden": step.overridden,
        "undo": step.undo,
        "log": step.log(),
    })
}

fn record_json(record: &Record) -> Value {
    let body = match &record.event {
        Event::Other { body, .. } => body.clone(),
        known => serde_json::to_value(known)
            .ok()
            .and_then(|mut whole| whole.get_mut("body").map(Value::take))
            .unwrap_or_default(),
    };
    json!({
        "seq": record.seq,
        "kind": record.event.kind(),
        "wall": record.wall,
        "boot": record.boot,
        "actor": record.actor,
        "body": body,
        "prev": record.prev,
        "h": record.h,
    })
}

fn set_json(set: &SetShown) -> Value {
    json!({
        "digest": set.digest,
        "step": set.step,
        "effect": set.effect,
        "headline": set.headline,
        "count": set.count,
        "bytes": set.bytes,
        "used": set.used,
        "fault": set.file.as_ref().err(),
    })
}

fn person_json(person: &Person<'_>) -> Value {
    let actor = person.actor;
    json!({
        "uid": actor.uid,
        "login_uid": actor.login_uid,
        "name": actor.name,
        "host": actor.host,
        "through": person.through,
        "records": person.records,
        "answers": { "accepted": person.answers.0, "refused": person.answers.1 },
    })
}

fn confirmation_json(consent: &Confirmation<'_>) -> Value {
    json!({
        "record": consent.seq,
        "at": consent.at,
        "by": consent.by,
        "step": consent.step,
        "typed": consent.typed,
        "effect": consent.effect,
        "headline": consent.headline,
        "set": consent.set,
        "open_ms": consent.waited.map(ms),
    })
}

fn timing_json(timing: &Timing) -> Value {
    let expected = timing.expected.map(ms);
    json!({ "step": timing.step, "expected_ms": expected, "took_ms": ms(timing.took), "late": timing.is_late() })
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn deviations(report: &Report) -> Vec<Value> {
    let describe = |record: &Record| {
        let (tone, what) = model::deviation(&report.view, record)?;
        Some(json!({ "record": record.seq, "at": record.wall, "grave": tone == Tone::Bad, "what": what }))
    };
    report.records.iter().filter_map(describe).collect()
}

/// Both readings whole, and what is different between them.
fn panes_json(report: &Report) -> Value {
    let side = |read: &Result<Reading, String>| match read {
        Ok(reading) => json!(reading),
        Err(why) => json!({ "missing": why }),
    };
    let compared = match (&report.before, &report.after) {
        (Ok(before), Ok(after)) => compare(before, after),
        _ => Vec::new(),
    };
    let different: serde_json::Map<String, Value> = compared
        .iter()
        .map(|(section, rows)| {
            let rows: Vec<&Compared> = rows.iter().filter(|row| row.change != Change::Same).collect();
            (section.word().to_owned(), json!(rows))
        })
        .collect();
    json!({ "before": side(&report.before), "after": side(&report.after), "different": different })
}
