//! The report as Markdown, to be read and pasted into a ticket.

use crate::domain::Section;
use crate::domain::quantity::{bytes, count, span};
use crate::journal::fold::RunView;
use crate::journal::reading::{Change, Compared, Reading, RowRead, compare};
use crate::journal::record::{Event, Record, StepHead};
use crate::journal::report::model::{self, Tone, title, when, who};
use crate::journal::report::{Report, approval, checklist, listings, time, verify_command};
use std::fmt::Write as _;

/// The record as Markdown, to be read.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let Report { view, records, .. } = report;
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", safe(&view.title));
    faults(&mut out, report);
    head(&mut out, view, records);
    approval::section(&mut out, view);
    checklist::section(&mut out, view);
    steps(&mut out, view);
    checklist::saved(&mut out, view);
    listings::markdown(&mut out, view, records);
    attempts(&mut out, view, records);
    sets(&mut out, report);
    answers(&mut out, view, records);
    deviations(&mut out, view, records);
    notes(&mut out, view);
    panes(&mut out, report);
    timings(&mut out, view);
    checklist::appendix(&mut out, view);
    proof(&mut out, view);
    out
}

/// Shows first what must not be trusted.
fn faults(out: &mut String, report: &Report) {
    for fault in report.faults() {
        let _ = writeln!(out, "> **NOT WHOLE.** {}\n", safe(&fault));
    }
}

/// A row of a table; the cells are safe already.
pub(super) fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, view: &RunView, records: &[Record]) {
    out.push_str("| | |\n|---|---|\n");
    row(out, &["Run", view.id.as_str()]);
    row(out, &["Procedure", &safe(&view.procedure)]);
    row(out, &["Estate", &format!("{} ({})", safe(&view.estate), safe(&view.environment))]);
    row(
        out,
        &[
            "Started",
            &format!("{} by {}, confirmed: {}", when(view.started), safe(&who(&view.starter)), safe(&view.confirmed)),
        ],
    );
    if let Some(ended) = view.ended {
        row(out, &["Ended", &format!("{}, after {}", when(ended), span(view.lasted(ended)))]);
    }
    row(out, &["Status", &model::status_in_full(view, records)]);
    row(out, &["Plan", view.plan.as_str()]);
    if let Some(Event::RunCreated { source, version, .. }) = records.first().map(|record| &record.event) {
        row(out, &["Procedure file", source.as_str()]);
        row(out, &["Midwatch", &safe(version)]);
    }
    for (name, value) in time::head(view) {
        row(out, &[name, &safe(&value)]);
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
        let lines: Vec<String> = model::outcomes(step).iter().chain(&step.remark).map(|text| safe(text)).collect();
        let (began, ended) = (step.started.map_or_else(String::new, when), step.ended.map_or_else(String::new, when));
        row(
            out,
            &[
                &format!("{number}"),
                &safe(phase),
                &safe(title),
                effect.word(),
                model::state(step),
                &began,
                &ended,
                &lines.join("; "),
            ],
        );
    }
}

fn attempts(out: &mut String, view: &RunView, records: &[Record]) {
    let mut rows = String::new();
    for record in records {
        let (step, attempt, set, text) = match &record.event {
            Event::StepIntent { step, attempt, set, .. } => (step, attempt, set.as_ref(), "begins".to_owned()),
            Event::UndoIntent { step, attempt, set, .. } => (step, attempt, set.as_ref(), "undo begins".to_owned()),
            Event::StepOutcome { step, attempt, outcome } => (step, attempt, None, model::outcome_text(outcome)),
            Event::UndoOutcome { step, attempt, outcome } => {
                (step, attempt, None, format!("undo {}", model::outcome_text(outcome)))
            }
            _ => continue,
        };
        let set = set.map_or("", |set| set.as_str());
        let (number, attempt) = (record.seq.to_string(), attempt.to_string());
        row(&mut rows, &[&number, &when(record.wall), &safe(&title(view, *step)), &attempt, set, &safe(&text)]);
    }
    section(out, "Attempts", "| record | when | step | attempt | set | outcome |\n|---|---|---|---|---|---|", &rows);
}

/// A section that is one table; nothing where that has no rows.
fn section(out: &mut String, heading: &str, head: &str, rows: &str) {
    if !rows.is_empty() {
        let _ = write!(out, "\n## {heading}\n\n{head}\n{rows}");
    }
}

/// What was frozen and shown before it was touched.
fn sets(out: &mut String, report: &Report) {
    if report.sets.is_empty() {
        return;
    }
    out.push_str("\n## Frozen sets\n\n| step | what | count | bytes | digest | |\n|---|---|---|---|---|---|\n");
    for set in &report.sets {
        let state = match (&set.file, set.used) {
            (Err(why), _) => safe(&format!("NOT WHOLE: {why}")),
            (Ok(()), true) => "used".to_owned(),
            (Ok(()), false) => "shown, not used".to_owned(),
        };
        let number = (u64::from(set.step) + 1).to_string();
        let size = set.bytes.map(bytes).unwrap_or_default();
        row(out, &[&number, &safe(&set.headline), &count(set.count), &size, set.digest.as_str(), &state]);
    }
}

fn answers(out: &mut String, view: &RunView, records: &[Record]) {
    let mut rows = String::new();
    for record in records {
        let (step, text) = match &record.event {
            Event::PromptOpened { step, ask, .. } => (Some(*step), model::asked(ask)),
            Event::AnswerAccepted { step, answer, .. } => (Some(*step), model::answered(answer, &record.actor)),
            Event::AnswerRejected { prompt, why } => (None, format!("refused: {why} (prompt {prompt})")),
            Event::PromptClosed { why, drift, .. } => (None, model::closed(*why, drift)),
            Event::ConsentLapsed { step, why, drift: changes, .. } => (Some(*step), model::lapsed(*why, changes)),
            _ => continue,
        };
        let step = step.map_or_else(String::new, |step| safe(&title(view, step)));
        let number = record.seq.to_string();
        row(&mut rows, &[&number, &when(record.wall), &safe(&who(&record.actor)), &step, &safe(&text)]);
    }
    section(out, "Questions and answers", "| record | when | who | step | what |\n|---|---|---|---|---|", &rows);
}

/// What did not go as planned, one line each.
fn deviations(out: &mut String, view: &RunView, records: &[Record]) {
    let filter_map = records.iter().filter_map(|record| Some((record, model::deviation(view, record)?)));
    let mut lines: Vec<String> = filter_map
        .map(|(record, (tone, text))| {
            let message = if tone == Tone::Bad { format!("**{}**", safe(&text)) } else { safe(&text) };
            format!("- record {}, {}: {message}", record.seq, when(record.wall))
        })
        .collect();
    if view.unknown() > 0 {
        lines.push(format!("- **steps whose outcome is still unknown: {}**", view.unknown()));
    }
    if !lines.is_empty() {
        let _ = write!(out, "\n## Deviations\n\n{}\n", lines.join("\n"));
    }
}

fn notes(out: &mut String, view: &RunView) {
    if view.notes.is_empty() {
        return;
    }
    out.push_str("\n## Notes\n\n| when | who | step | note |\n|---|---|---|---|\n");
    for note in &view.notes {
        let step = note.step.map_or_else(String::new, |step| (step + 1).to_string());
        row(out, &[&when(note.at), &safe(&who(&note.by)), &step, &safe(&note.text)]);
    }
}

/// Every pane before and after the work, the differences first; what stayed the same is counted.
fn panes(out: &mut String, report: &Report) {
    out.push_str("\n## Before and after\n\n");
    match (&report.before, &report.after) {
        (Ok(before), Ok(after)) => {
            let _ = writeln!(out, "Read at {} and at {}.\n", when(before.at), when(after.at));
            let panes = compare(before, after);
            if panes.iter().all(|(_, rows)| rows.iter().all(|row| row.change == Change::Same)) {
                out.push_str("Nothing is different.\n");
            }
            for (section, rows) in panes {
                compared(out, section, &rows);
            }
        }
        (Ok(only), Err(why)) | (Err(why), Ok(only)) => one_side(out, only, why),
        (Err(why), Err(also)) => {
            let _ = writeln!(out, "{}; {}.", safe(why), safe(also));
        }
    }
}

fn compared(out: &mut String, section: Section, rows: &[Compared]) {
    let different: Vec<&Compared> = rows.iter().filter(|row| row.change != Change::Same).collect();
    let same = rows.len() - different.len();
    let _ = writeln!(out, "### {}\n", section.word());
    if !different.is_empty() {
        out.push_str("| | kind | name | before | after |\n|---|---|---|---|---|\n");
    }
    for pair in different {
        let Some(own) = pair.row() else { continue };
        let (before, after) = (pair.before.as_ref().map(cell_text), pair.after.as_ref().map(cell_text));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        row(out, &[pair.change.word(), own.kind.word(), &name(own), &before, &after]);
    }
    let _ = writeln!(out, "\n{same} unchanged.\n");
}

fn one_side(out: &mut String, only: &Reading, why: &str) {
    let _ = writeln!(out, "{}. Read at {}:\n", safe(why), when(only.at));
    out.push_str("| kind | name | |\n|---|---|---|\n");
    for own in &only.rows {
        row(out, &[own.kind.word(), &name(own), &cell_text(own)]);
    }
}

fn name(own: &RowRead) -> String {
    let object = own.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default();
    safe(&format!("{}{object}", own.target))
}

fn cell_text(own: &RowRead) -> String {
    format!("{}: {}", own.verdict.word(), safe(&own.detail))
}

/// How long everything took, against what was expected.
fn timings(out: &mut String, view: &RunView) {
    let all = model::timings(view);
    if all.is_empty() {
        return;
    }
    out.push_str("\n## Timings\n\n| | step | expected | took | |\n|---|---|---|---|---|\n");
    for timing in all {
        let expected = timing.expected.map_or_else(String::new, span);
        let late = if timing.is_late() { "longer than expected" } else { "" };
        let number = (u64::from(timing.step) + 1).to_string();
        row(out, &[&number, &safe(&timing.title), &expected, &span(timing.took), late]);
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

/// Outside text for Markdown: one line, every mark of Markdown and HTML escaped where it would mark something up, what cannot be seen
/// shown.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_of_word = |symbol: char| symbol.is_alphanumeric();
    let mut behind = 0;
    for (at, symbol) in text.char_indices() {
        if at < behind {
            continue;
        }
        let rest = text.get(at + symbol.len_utf8()..).unwrap_or_default();
        match symbol {
            // A bare address would become a link; as code it is none, and reads as it is.
            ':' if rest.starts_with("//") => {
                let address = address(text.get(at..).unwrap_or_default());
                let scheme = out.len() - trailing_scheme(&out);
                let name = out.split_off(scheme);
                let _ = write!(out, "`{name}{address}`");
                behind = at + address.len();
            }
            ':' if ends_with_scheme(&out) => out.push_str("\\:"),
            '.' if ends_with(&out, "www") => out.push_str("\\."),
            // Inside a word it marks nothing up (CommonMark, 6.2).
            '_' if out.ends_with(is_of_word) && rest.starts_with(is_of_word) => out.push(symbol),
            '\n' => out.push_str("\\\\n"),
            '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '@' | '$' => {
                out.push('\\');
                out.push(symbol);
            }
            unseen if is_unseen(unseen) => {
                let _ = write!(out, "\\\\u{{{:x}}}", u32::from(unseen));
            }
            plain => out.push(plain),
        }
    }
    out
}

/// How much of a text that begins with `://` is an address: to the next blank or mark, without what ends a sentence.
fn address(text: &str) -> &str {
    let ends = |symbol: char| {
        symbol.is_whitespace() || is_unseen(symbol) || matches!(symbol, '`' | '|' | '<' | '>' | '"' | '\\' | '[' | ']')
    };
    let end = text.find(ends).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\''])
}

/// The bytes of the scheme at the end of a text: `https`.
fn trailing_scheme(out: &str) -> usize {
    let is_of_scheme = |symbol: &char| symbol.is_ascii_alphanumeric() || matches!(symbol, '+' | '-');
    out.chars().rev().take_while(is_of_scheme).count()
}

/// Whether a colon behind it makes an address without slashes.
fn ends_with_scheme(out: &str) -> bool {
    ["mailto", "xmpp"].into_iter().any(|scheme| ends_with(out, scheme))
}

fn ends_with(out: &str, word: &str) -> bool {
    let start = out.len().checked_sub(word.len());
    start.and_then(|start| out.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Whether a character is not seen, or moves others: controls, bidi, zero width, tags, private use.
pub(super) fn is_unseen(symbol: char) -> bool {
    symbol.is_control()
        || matches!(u32::from(symbol),
            0xAD | 0x61C | 0x115F | 0x1160 | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164
            | 0xE000..=0xF8FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF0000..)
}
