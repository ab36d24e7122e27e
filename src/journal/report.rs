//! The maintenance record: what happened in a run, for those who were not there.
//!
//! All of it is told from the journal. Text from outside is escaped, so that a title, a note or a file's name can neither
//! break the page nor hide in it.

mod checklist;
mod time;

use crate::domain::quantity::{bytes, count, span};
use crate::domain::{Actor, StepState, Wall};
use crate::journal::fold::{RunView, StepView};
use crate::journal::record::{Answer, Ask, Closed, Ending, Event, Outcome, Record, StepHead};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The record as Markdown, to be read.
#[must_use]
pub fn markdown(view: &RunView, records: &[Record]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", safe(&view.title));
    head(&mut out, view, records);
    checklist::section(&mut out, view);
    steps(&mut out, view);
    checklist::saved(&mut out, view);
    attempts(&mut out, view, records);
    answers(&mut out, view, records);
    deviations(&mut out, view, records);
    if !view.notes.is_empty() {
        out.push_str("\n## Notes\n\n| when | who | step | note |\n|---|---|---|---|\n");
        for note in &view.notes {
            let step = note.step.map_or_else(String::new, |step| (step + 1).to_string());
            row(&mut out, &[&when(note.at), &who(&note.by), &step, &safe(&note.text)]);
        }
    }
    proof(&mut out, view);
    out
}

/// A row of a table; the cells are safe already.
fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, view: &RunView, records: &[Record]) {
    out.push_str("| | |\n|---|---|\n");
    let status = view.sealed.map_or("not sealed", |status| status.word());
    row(out, &["Run", view.id.as_str()]);
    row(out, &["Procedure", &safe(&view.procedure)]);
    row(out, &["Estate", &format!("{} ({})", safe(&view.estate), safe(&view.environment))]);
    row(
        out,
        &[
            "Started",
            &format!("{} by {}, confirmed: {}", when(view.started), who(&view.starter), safe(&view.confirmed)),
        ],
    );
    let ended = view
        .ended
        .map_or_else(String::new, |ended| format!("{}, after {}", when(ended), span(ended.since(view.started))));
    row(out, &["Ended", &ended]);
    row(out, &["Status", status]);
    row(out, &["Plan", view.plan.as_str()]);
    if let Some(Event::RunCreated { source, version, .. }) = records.first().map(|record| &record.event) {
        row(out, &["Procedure file", source.as_str()]);
        row(out, &["Midwatch", &safe(version)]);
    }
    for (name, value) in time::head(view) {
        row(out, &[&name, &value]);
    }
    for (name, value) in &view.params {
        row(out, &[&format!("Parameter {}", safe(name)), &safe(value)]);
    }
    for (name, identity) in &view.locks {
        row(out, &[&format!("Lock {}", safe(name)), &safe(identity)]);
    }
}

fn steps(out: &mut String, view: &RunView) {
    out.push_str("\n## Steps\n\n| | phase | step | class | state | began | ended | outcome |\n|---|---|---|---|---|---|---|---|\n");
    for (number, step) in (1..).zip(&view.steps) {
        let StepHead { phase, title, effect, .. } = &step.head;
        let outcome = step.outcome.as_ref().map(outcome_text);
        let remark = step.remark.as_ref().map(|remark| safe(remark));
        let undo = step.undo.as_ref().map(|undo| format!("undo: {}", outcome_text(undo)));
        let told: Vec<String> = [outcome, remark, undo].into_iter().flatten().collect();
        let (began, ended) = (step.started.map_or_else(String::new, when), step.ended.map_or_else(String::new, when));
        row(
            out,
            &[
                &format!("{number}"),
                &safe(phase),
                &safe(title),
                effect.word(),
                state(step),
                &began,
                &ended,
                &told.join("; "),
            ],
        );
    }
}

/// A step's state as the report says it.
fn state(step: &StepView) -> &'static str {
    match step.state {
        StepState::Planned => "not reached",
        other => other.word(),
    }
}

/// `ok: deleted 1,284 (code 0, 1 s; deleted 1,284, left_alone 2; log 1-1.log, 100 B)`.
fn outcome_text(outcome: &Outcome) -> String {
    let mut told = format!("{}: {}", outcome.ending.word(), safe(&outcome.detail));
    let mut facts = Vec::new();
    facts.extend(outcome.code.map(|code| format!("code {code}")));
    facts.extend(outcome.signal.map(|signal| format!("signal {signal}")));
    facts.push(span(Duration::from_millis(outcome.took_ms)));
    facts.extend(outcome.counts.iter().map(|(name, number)| format!("{} {}", safe(name), count(*number))));
    if let Some(log) = &outcome.log {
        let dropped = if log.dropped > 0 { format!(", {} dropped", bytes(log.dropped)) } else { String::new() };
        facts.push(format!("log {}: {}{dropped}", safe(&log.file), bytes(log.bytes)));
    }
    if outcome.recovered {
        facts.push("taken over from the shim".to_owned());
    }
    let _ = write!(told, " ({})", facts.join(", "));
    told
}

fn attempts(out: &mut String, view: &RunView, records: &[Record]) {
    out.push_str("\n## Attempts\n\n| record | when | step | attempt | set | outcome |\n|---|---|---|---|---|---|\n");
    for record in records {
        let (step, attempt, set, told) = match &record.event {
            Event::StepIntent { step, attempt, set, .. } => (step, attempt, set.as_ref(), "begins".to_owned()),
            Event::UndoIntent { step, attempt, set, .. } => (step, attempt, set.as_ref(), "undo begins".to_owned()),
            Event::StepOutcome { step, attempt, outcome } => (step, attempt, None, outcome_text(outcome)),
            Event::UndoOutcome { step, attempt, outcome } => {
                (step, attempt, None, format!("undo {}", outcome_text(outcome)))
            }
            _ => continue,
        };
        let set = set.map_or("", |set| set.as_str());
        let (number, attempt) = (record.seq.to_string(), attempt.to_string());
        row(out, &[&number, &when(record.wall), &title(view, *step), &attempt, set, &told]);
    }
}

/// A step's number, from 1, and title: `2 (Move rotated logs)`.
fn title(view: &RunView, step: u32) -> String {
    let title = view.step(step).map_or_else(String::new, |step| safe(&step.head.title));
    format!("{} ({title})", u64::from(step) + 1)
}

fn answers(out: &mut String, view: &RunView, records: &[Record]) {
    out.push_str("\n## Questions and answers\n\n| record | when | who | step | what |\n|---|---|---|---|---|\n");
    for record in records {
        let (step, told) = match &record.event {
            Event::PromptOpened { step, ask, .. } => (Some(*step), asked(ask)),
            Event::AnswerAccepted { step, answer, .. } => (Some(*step), answered(answer)),
            Event::AnswerRejected { prompt, why } => {
                (None, format!("refused: {} (prompt {})", safe(why), safe(prompt)))
            }
            Event::PromptClosed { why, moved, .. } => {
                let moved: Vec<String> = moved.iter().map(|line| safe(line)).collect();
                let moved = if moved.is_empty() { String::new() } else { format!(": {}", moved.join("; ")) };
                (None, format!("prompt closed, {}{moved}", closed(*why)))
            }
            _ => continue,
        };
        let step = step.map_or_else(String::new, |step| title(view, step));
        row(out, &[&record.seq.to_string(), &when(record.wall), &who(&record.actor), &step, &told]);
    }
}

fn asked(ask: &Ask) -> String {
    match ask {
        Ask::Confirm { effect, set, preview, also } => {
            let place = if preview.place.is_empty() { String::new() } else { format!(" in {}", safe(&preview.place)) };
            let headline = safe(&preview.headline);
            let mut told = format!("asked to confirm a {}: {headline}{place}, set {set}", effect.word());
            for covered in also {
                let (step, headline) = (u64::from(covered.step) + 1, safe(&covered.headline));
                let _ = write!(told, "; with it step {step}: {headline}, set {}", covered.set);
            }
            told
        }
        Ask::Sign { text, .. } => format!("asked to sign: {}", safe(text)),
        Ask::Decide { text, choices } => {
            let choices: Vec<&str> = choices.iter().map(|choice| choice.word()).collect();
            format!("asked to decide ({}): {}", choices.join(", "), safe(text))
        }
    }
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Confirm { typed } => format!("confirmed by typing {}", safe(typed)),
        Answer::Sign { note } => format!("signed: {}", safe(note)),
        Answer::Decide { choice, reason } => format!("decided {}: {}", choice.word(), safe(reason)),
        Answer::Cancel => "cancelled".to_owned(),
    }
}

fn closed(why: Closed) -> &'static str {
    match why {
        Closed::Moved => "what it showed had moved",
        Closed::Expired => "it had lapsed",
        Closed::Aborted => "the run was stopped",
        Closed::RunnerGone => "its runner was gone",
    }
}

/// What did not go as planned, one line each.
fn deviations(out: &mut String, view: &RunView, records: &[Record]) {
    let mut lines = Vec::new();
    for record in records {
        if let Some(told) = time::deviation(view, record) {
            lines.push(format!("- record {}, {}: {told}", record.seq, when(record.wall)));
        }
        let told = match &record.event {
            Event::StepOutcome { step, outcome, .. } if outcome.ending != Ending::Ok => {
                format!("step {} ended {}", title(view, *step), outcome.ending.word())
            }
            Event::StepSkipped { step, reason } => format!("step {} was skipped: {}", title(view, *step), safe(reason)),
            Event::StepResolved { step, choice, evidence } => {
                format!("step {} was unknown and settled as {}: {}", title(view, *step), choice.word(), safe(evidence))
            }
            Event::StepReopened { step, reason } => {
                format!("step {} was opened again: {}", title(view, *step), safe(reason))
            }
            Event::RunResumed { why } => format!("a new runner took over: {}", safe(why)),
            Event::JournalRecovered { bytes, saved, .. } => {
                format!("{bytes} torn bytes were cut off the journal and saved as {}", safe(saved))
            }
            Event::AbortRequested { undo } => {
                let undo = if *undo { ", and to take back what was done" } else { "" };
                format!("{} asked to stop{undo}", who(&record.actor))
            }
            Event::UndoOutcome { step, outcome, .. } => {
                format!("the undo of step {} ended {}", title(view, *step), outcome.ending.word())
            }
            Event::Other { kind, body } => {
                format!("a record of a kind this version does not know: {} {}", safe(kind), safe(&body.to_string()))
            }
            _ => continue,
        };
        lines.push(format!("- record {}, {}: {told}", record.seq, when(record.wall)));
    }
    if view.unknown() > 0 {
        lines.push(format!("- steps whose outcome is still unknown: {}", view.unknown()));
    }
    if !lines.is_empty() {
        let _ = write!(out, "\n## Deviations\n\n{}\n", lines.join("\n"));
    }
}

fn proof(out: &mut String, view: &RunView) {
    let _ = write!(
        out,
        "\n## Proof\n\nThe journal has {} records; the digest of the last is {}. To prove that it is whole:\n\n    {}\n",
        count(view.seq),
        view.head,
        verify_command(view),
    );
}

fn verify_command(view: &RunView) -> String {
    format!("midwatch verify {}", view.id)
}

/// `2026-08-22 02:47:31 UTC`.
fn when(at: Wall) -> String {
    format!("{} {} UTC", at.date(), at.clock())
}

/// `anna (uid 1000, login 1000) on bastion, through console`.
fn who(actor: &Actor) -> String {
    let login = actor.login_uid.map_or_else(|| "login unknown".to_owned(), |login| format!("login {login}"));
    let (name, host, through) = (safe(&actor.name), safe(&actor.host), safe(&actor.through));
    format!("{name} (uid {}, {login}) on {host}, through {through}", actor.uid)
}

/// Outside text for Markdown: one line, every mark of Markdown and HTML escaped, what cannot be seen shown.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\n' => out.push_str("\\\\n"),
            '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!' | '@' | '$'
            | ':' => {
                // A colon or an at sign would make a bare address a link.
                out.push('\\');
                out.push(symbol);
            }
            unseen if is_unseen(unseen) => {
                let _ = write!(out, "\\\\u\\{{{:x}\\}}", u32::from(unseen));
            }
            plain => out.push(plain),
        }
    }
    out
}

/// Whether a character is not seen, or moves others: controls, bidi, zero width, tags, private use.
fn is_unseen(symbol: char) -> bool {
    symbol.is_control()
        || matches!(u32::from(symbol),
            0xAD | 0x61C | 0x115F | 0x1160 | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164
            | 0xE000..=0xF8FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF0000..)
}

/// The record as JSON, to be processed: the run, its steps, its notes, and every record as the journal has it.
#[must_use]
pub fn json(view: &RunView, records: &[Record]) -> Value {
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
        .map(|(name, saved)| (name.clone(), json!({ "step": saved.step, "says": saved.says, "facts": saved.facts })))
        .collect();
    let locks: Vec<Value> =
        view.locks.iter().map(|(name, identity)| json!({ "name": name, "identity": identity })).collect();
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
        "terms": view.terms,
        "window": view.window,
        "late": view.late.iter().map(|late| json!({ "step": late.step, "undo": late.undo, "until": late.until, "at": late.at })).collect::<Vec<_>>(),
        "jumps": view.jumps.iter().map(|(at, by_ms)| json!({ "at": at, "by_ms": by_ms })).collect::<Vec<_>>(),
        "started": view.started,
        "ended": view.ended,
        "status": view.sealed,
        "resumed": view.resumed,
        "abort": view.abort.as_ref().map(|(by, undo)| json!({ "by": by, "undo": undo })),
        "unknown": view.unknown(),
        "locks": locks,
        "order": view.order,
        "steps": steps,
        "items": items,
        "saved": saved,
        "notes": notes,
        "refused": refused,
        "records": records.iter().map(record_json).collect::<Vec<_>>(),
        "count": view.seq,
        "head": view.head,
        "verify": verify_command(view),
    })
}

fn step_json(step: &StepView) -> Value {
    json!({
        "phase": step.head.phase,
        "title": step.head.title,
        "verb": step.head.verb,
        "effect": step.head.effect,
        "way_back": step.head.way_back,
        "state": step.state,
        "attempts": step.attempts,
        "began": step.started,
        "ended": step.ended,
        "set": step.set,
        "confirmed": step.confirmed.as_ref().map(|(by, typed)| json!({ "by": by, "typed": typed })),
        "outcome": step.outcome,
        "remark": step.remark,
        "by": step.by,
        "claimed": step.claimed,
        "undo": step.undo,
        "log": step.log,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::chain::read;
    use crate::journal::samples::{bytes, night, recovered_night};

    fn of(events: &[Event]) -> (RunView, Vec<Record>) {
        let chain = read(&bytes(1, events));
        (chain.walk.into_view().unwrap(), chain.records)
    }

    #[test]
    fn the_record_tells_the_night() {
        let (view, records) = of(&night());
        let text = markdown(&view, &records);
        let anna = "anna (uid 1000, login 1000) on bastion, through";
        for expected in [
            "# Delete data past retention\n",
            &format!("| Started | 2026-08-22 01:47:31 UTC by {anna} console, confirmed: console |"),
            "| Ended | 2026-08-22 01:47:47 UTC, after 16 s |",
            "| Status | aborted |",
            &format!("| Plan | {} |", view.plan),
            "| Parameter root | /srv/cell0 |",
            "| Lock host | machine-id\\:0123 |",
            "refused: typed \\`chnage\\` (prompt 1\\\\u\\{1b\\}\\[2J)",
            "prompt closed, what it showed had moved: one file more",
            "confirmed by typing change",
            "ok: deleted 1,284, left 2 alone (code 0, 1 s, deleted 1,284, left\\_alone 2, log 1-1.log: 100 B)",
            "| 2 | disk \\| at \\`84 %\\`\\\\n\\# fine |",
            &format!("{anna} runner asked to stop, and to take back what was done"),
            "the undo of step 2 (a do step) ended ok",
            &format!("The journal has 17 records; the digest of the last is {}.", view.head),
            &format!("    midwatch verify {}\n", view.id),
        ] {
            assert!(text.contains(expected), "{expected}\n\n{text}");
        }
        assert!(text.contains(&format!("set {}", crate::journal::samples::set(1))));
    }

    #[test]
    fn what_went_otherwise_is_told() {
        let (view, records) = of(&recovered_night());
        let text = markdown(&view, &records);
        for expected in [
            "step 1 (a check step) ended failed",
            "step 1 (a check step) was skipped: known",
            "a new runner took over: runner gone",
            "step 2 (a do step) ended unknown",
            "step 2 (a do step) was unknown and settled as done: looked",
            "decided skip: seen with my own eyes",
            "confirmed by typing delete 1,284 sessions",
            "signed: calm",
            "told the channel",
            "| Status | ok |",
        ] {
            assert!(text.contains(expected), "{expected}\n\n{text}");
        }
    }

    #[test]
    fn outside_text_cannot_break_the_page() {
        let text = "a|b`c\r\n# d\u{1b}]52;\u{202e}\u{200b}<script>[x](javascript:y) https://evil \u{e0041}";
        let shown = safe(text);
        assert!(!shown.contains(|symbol: char| is_unseen(symbol)), "{shown}");
        let expected = "a\\|b\\`c\\\\u\\{d\\}\\\\n\\# d\\\\u\\{1b\\}\\]52;\\\\u\\{202e\\}\\\\u\\{200b\\}\\<script\\>\\[x\\](javascript\\:y) https\\://evil \\\\u\\{e0041\\}";
        assert_eq!(shown, expected);
        let mut events = night();
        for event in &mut events {
            if let Event::Note { text: note, .. } = event {
                *note = text.to_owned();
            }
        }
        let (view, records) = of(&events);
        let page = markdown(&view, &records);
        assert!(!page.contains(['\u{1b}', '\r']) && !page.contains("<script>"));
        let row = page.lines().find(|line| line.contains("script")).unwrap();
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }

    #[test]
    fn json_has_every_record_and_the_head() {
        let (view, records) = of(&night());
        let told = json(&view, &records);
        assert_eq!(told["records"].as_array().unwrap().len(), 17);
        assert_eq!(told["head"], view.head.as_str());
        assert_eq!(told["records"][16]["h"], view.head.as_str());
        assert_eq!(told["records"][9]["body"]["answer"], serde_json::json!({"answer": "confirm", "typed": "change"}));
        assert_eq!((&told["status"], &told["count"]), (&json!("aborted"), &json!(17)));
        assert_eq!(told["steps"][1]["state"], "undone");
        assert_eq!(told["refused"][0]["why"], "typed `chnage`");
    }
}
