//! The complete texts that the steps of a run ran or would have run.

use crate::domain::{Clean, Listing};
use crate::journal::fold::RunView;
use crate::journal::record::{Ask, Event, Record};
use crate::journal::report::html::page::{Page, text};
use crate::journal::report::markdown::safe;
use crate::journal::report::model::title;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The text of each step, from 0: as its newest prompt showed it, else as the plan had it.
fn all<'a>(view: &'a RunView, records: &'a [Record]) -> BTreeMap<u32, &'a Listing> {
    let planned = (0_u32..).zip(&view.steps).filter_map(|(number, step)| Some((number, step.head.listing.as_ref()?)));
    let mut all: BTreeMap<u32, &Listing> = planned.collect();
    for record in records {
        let Event::PromptOpened { step, ask: Ask::Confirm { preview, also, .. }, .. } = &record.event else { continue };
        all.extend(preview.listing.iter().map(|listing| (*step, listing)));
        let of_others = also.iter().filter_map(|other| Some((other.step, other.preview.as_ref()?.listing.as_ref()?)));
        all.extend(of_others);
    }
    all
}

/// As a section of the Markdown report: blocks that nothing in a text can close (CommonMark, 4.4).
pub(super) fn markdown(out: &mut String, view: &RunView, records: &[Record]) {
    let all = all(view, records);
    if all.is_empty() {
        return;
    }
    out.push_str("\n## Scripts and statements\n");
    for (step, listing) in all {
        let _ = writeln!(out, "\nStep {}: {}\n", safe(&title(view, step)), safe(&listing.title()));
        for line in Clean::lines(&listing.text) {
            let _ = writeln!(out, "    {}", line.plain());
        }
    }
}

/// As a section of the HTML report.
pub(super) fn html(page: &mut Page, view: &RunView, records: &[Record]) {
    let all = all(view, records);
    if all.is_empty() {
        return;
    }
    page.section("Scripts and statements");
    for (step, listing) in all {
        let lines: Vec<String> = Clean::lines(&listing.text).iter().map(|line| text(&line.plain())).collect();
        let heading = format!("Step {}: {}", title(view, step), listing.title());
        page.raw(&format!("<p>{}</p><pre>{}</pre>\n", text(&heading), lines.join("\n")));
    }
}

/// As JSON.
pub(super) fn json(view: &RunView, records: &[Record]) -> Vec<Value> {
    let all = all(view, records).into_iter();
    all.map(|(step, listing)| json!({ "step": step, "name": listing.name, "text": listing.text })).collect()
}
