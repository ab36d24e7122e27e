//! The report as one self-contained page: no script, nothing from elsewhere, light and dark, fit to print.
//!
//! ```text
//!  ┌ NOT WHOLE … ┐                     in red, first, where the journal or a file of it is damaged
//!  procedure · estate · environment
//!  Title of the run          ( status )
//!  [ took ] [ steps ] [ consents ] [ deviations ]
//!  About · Deviations · Timeline · Confirmations · Frozen sets · Before and after · Notes · Timings · People · Proof
//! ```
//! The page's policy forbids scripts and requests, so that even a mistake in escaping can fetch and run nothing.

mod checklist;
mod forced;
pub(super) mod page;
mod panes;

use crate::domain::quantity::{bytes, count, counted, latency, span};
use crate::domain::{Actor, StepState, Wall};
use crate::journal::fold::RunView;
use crate::journal::record::Event;
use crate::journal::report::model::{self, Timing, Tone, outcome_facts, state, title, when};
use crate::journal::report::{Report, listings, time, timeline, verify_command};
use page::{Page, text};
use std::fmt::Write as _;
use std::time::Duration;

/// The record as a page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = Page::begin(&report.view.title);
    faults(&mut page, report);
    forced::alarms(&mut page, &report.view);
    head(&mut page, report);
    about(&mut page, report);
    deviations(&mut page, report);
    story(&mut page, report);
    steps(&mut page, &report.view);
    checklist::items(&mut page, &report.view);
    confirmations(&mut page, report);
    forced::approvals(&mut page, &report.view);
    listings::html(&mut page, &report.view, &report.records);
    sets(&mut page, report);
    panes::section(&mut page, report);
    notes(&mut page, report);
    timings(&mut page, &report.view);
    people(&mut page, report);
    checklist::appendix(&mut page, &report.view);
    proof(&mut page, report);
    page.end()
}

/// Shows first, in red, what must not be trusted.
fn faults(page: &mut Page, report: &Report) {
    let faults = report.faults();
    if faults.is_empty() {
        return;
    }
    page.raw("<div class=\"alarm\" role=\"alert\"><strong>This record is not whole.</strong>");
    for fault in faults {
        page.raw(&format!("<p>{}</p>", text(&fault)));
    }
    page.raw("</div>\n");
}

fn head(page: &mut Page, report: &Report) {
    let view = &report.view;
    let pill = match view.sealed {
        Some(status) => class(Tone::of_run(status)),
        None => "odd",
    };
    let environment = if view.environment == "production" { "production" } else { "soft" };
    let pill = if view.is_emergency() { "bad" } else { pill };
    let mark = if view.is_emergency() { "EMERGENCY · " } else { "" };
    page.raw(&format!(
        "<header><p class=\"eyebrow\">{} · {} · <span class=\"{environment}\">{}</span></p>\n<h1>{}</h1>\n<p><span class=\"pill {pill}\">{}</span></p></header>\n",
        text(&view.procedure),
        text(&view.estate),
        text(&view.environment),
        text(&view.title),
        text(&format!("{mark}{}", model::status_in_full(view, &report.records))),
    ));
    let over = |step: &&crate::journal::fold::StepView| {
        matches!(step.state, StepState::Done | StepState::Skipped | StepState::Undone)
    };
    let took = view.lasted(view.ended.unwrap_or(view.last));
    let odd = report.records.iter().filter(|record| model::deviation(view, record).is_some()).count();
    let tiles = [
        (span(took), if view.ended.is_some() { "duration" } else { "from the start to the last record" }),
        (format!("{} of {}", view.steps.iter().filter(over).count(), view.steps.len()), "steps finished"),
        (count(model::confirmations(&report.records).len() as u64), "confirmations"),
        (count(odd as u64), "deviations"),
        (count(view.refused.len() as u64), "rejected answers"),
    ];
    page.raw("<div class=\"tiles\">");
    for (figure, what) in tiles {
        page.raw(&format!("<div class=\"tile\"><b>{}</b><span>{what}</span></div>", text(&figure)));
    }
    page.raw("</div>\n");
}

fn about(page: &mut Page, report: &Report) {
    let view = &report.view;
    page.section("About");
    page.raw("<div class=\"card\"><dl>");
    page.pair("Run", &format!("<code>{}</code>", text(view.id.as_str())));
    let started = format!("{} by {}, confirmed: {}", when(view.started), model::who(&view.starter), view.confirmed);
    page.pair("Started", &text(&started));
    if let Some(ended) = view.ended {
        page.pair("Ended", &text(&when(ended)));
    }
    page.pair("Plan", &format!("<code>{}</code>", text(view.plan.as_str())));
    if let Some(Event::RunCreated { source, version, .. }) = report.records.first().map(|record| &record.event) {
        page.pair("Procedure file", &format!("<code>{}</code>", text(source.as_str())));
        page.pair("Midwatch", &text(version));
    }
    for (name, value) in time::head(view) {
        page.pair(name, &text(&value));
    }
    for (name, value) in &view.params {
        page.pair(&format!("Parameter {name}"), &text(value));
    }
    for (name, identity) in &view.locks {
        page.pair(&format!("Lock {name}"), &format!("<code>{}</code>", text(identity)));
    }
    page.raw("</dl></div>\n");
}

fn deviations(page: &mut Page, report: &Report) {
    let view = &report.view;
    page.section("Deviations");
    let all: Vec<_> =
        report.records.iter().filter_map(|record| Some((record, model::deviation(view, record)?))).collect();
    if all.is_empty() && view.unknown() == 0 {
        page.raw("<p class=\"soft\">None: everything went as planned.</p>\n");
        return;
    }
    page.raw("<div class=\"card\"><ul class=\"list\">");
    for (record, (tone, sentence)) in all {
        let at = text(&record.wall.clock());
        page.raw(&format!(
            "<li class=\"{}\">{} <span class=\"soft\">record {}, {at}</span></li>",
            class(tone),
            text(&sentence),
            record.seq
        ));
    }
    if view.unknown() > 0 {
        page.raw(&format!("<li class=\"bad\">Steps whose outcome is still unknown: {}</li>", view.unknown()));
    }
    page.raw("</ul></div>\n");
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Person => "person",
        Tone::Good => "good",
        Tone::Odd => "odd",
        Tone::Bad => "bad",
    }
}

fn story(page: &mut Page, report: &Report) {
    page.section("Timeline");
    page.raw("<ol class=\"line\">\n");
    let mut day = String::new();
    for moment in timeline::moments(&report.view, &report.records) {
        let date = moment.at.date();
        if date != day {
            page.raw(&format!("<li class=\"day\">{}, UTC</li>", text(&date)));
            day = date;
        }
        let step = moment.step.map(|step| format!("step {} · ", u64::from(step) + 1)).unwrap_or_default();
        let more = if moment.more.is_empty() { String::new() } else { format!(" · {}", text(&moment.more)) };
        page.raw(&format!(
            "<li class=\"{}\"><time>{}</time><span><span class=\"what\">{}</span><span class=\"small\">{step}{}{more} · record {}</span></span></li>\n",
            class(moment.tone),
            moment.at.clock(),
            text(&moment.what),
            text(&identity(moment.by)),
            moment.seq,
        ));
    }
    page.raw("</ol>\n");
}

/// `anna (uid 1000, login 1000) through console`.
fn identity(actor: &Actor) -> String {
    let login = actor.login_uid.map_or_else(|| "login unknown".to_owned(), |login| format!("login {login}"));
    format!("{} (uid {}, {login}) through {}", actor.name, actor.uid, actor.through)
}

fn steps(page: &mut Page, view: &RunView) {
    page.section("Steps");
    page.table(&["#", "phase", "step", "class", "state", "outcome"]);
    for (number, step) in (1..).zip(&view.steps) {
        let tone = match step.state {
            _ if step.failed_undo().is_some() => "bad",
            StepState::Done => "good",
            StepState::Failed | StepState::Unknown => "bad",
            StepState::Skipped | StepState::Stopped | StepState::Undone => "odd",
            _ => "soft",
        };
        // What the undo did comes first: it is what holds now.
        let undo = step.undo.as_ref().map(|undo| text(&format!("undo: {}", model::outcome_text(undo))));
        let mut lines: Vec<String> = undo.into_iter().collect();
        if let Some(outcome) = &step.outcome {
            let facts = text(&outcome_facts(outcome));
            let act = if step.undo.is_some() { format!("act: {}: ", outcome.ending.word()) } else { String::new() };
            lines.push(format!("{act}{}<br><span class=\"soft\">{facts}</span>", text(&outcome.detail)));
        }
        lines.extend(step.remark.as_ref().map(|remark| text(remark)));
        let class = if step.head.effect.word() == "destroy" { "bad" } else { "soft" };
        page.raw(&format!(
            "<tr><td class=\"num\">{number}</td><td>{}</td><td>{}</td><td class=\"tight {class}\">{}</td><td class=\"tight {tone}\">{}</td><td>{}</td></tr>\n",
            text(&step.head.phase),
            text(&step.head.title),
            step.head.effect.word(),
            state(step),
            lines.join("<br>"),
        ));
    }
    page.end_table();
}

fn confirmations(page: &mut Page, report: &Report) {
    page.section("Confirmations");
    let all = model::confirmations(&report.records);
    if all.is_empty() {
        page.raw("<p class=\"soft\">Nothing was asked for that needed consent.</p>\n");
    } else {
        page.table(&["when", "who", "what was shown", "confirmed", "question open for"]);
    }
    for consent in &all {
        let effect = consent.effect.map(|effect| effect.word()).unwrap_or_default();
        let set =
            consent.set.map(|set| format!("<br><code class=\"soft\">{}</code>", text(set.short()))).unwrap_or_default();
        page.raw(&format!(
            "<tr><td class=\"tight\">{}</td><td>{}</td><td>{}<br><span class=\"soft\">{effect} · step {}</span>{set}</td><td>{}</td><td class=\"num\">{}</td></tr>\n",
            consent.at.clock(),
            text(&identity(consent.by)),
            text(&consent.headline),
            text(&title(&report.view, consent.step)),
            text(&consent.how),
            consent.waited.map(span).unwrap_or_default(),
        ));
    }
    if !all.is_empty() {
        page.end_table();
    }
    if report.view.refused.is_empty() {
        return;
    }
    page.raw("<h3>Answers that were refused</h3>");
    page.table(&["when", "who", "why"]);
    for (at, by, why) in &report.view.refused {
        page.raw(&format!(
            "<tr><td class=\"tight\">{}</td><td>{}</td><td class=\"odd\">{}</td></tr>\n",
            at.clock(),
            text(&identity(by)),
            text(why)
        ));
    }
    page.end_table();
}

fn sets(page: &mut Page, report: &Report) {
    if report.sets.is_empty() {
        return;
    }
    page.section("Frozen sets");
    page.table(&["step", "what", "objects", "bytes", "digest", ""]);
    for set in &report.sets {
        let file = match (&set.file, set.used) {
            (Err(why), _) => format!("<span class=\"bad\">{}</span>", text(why)),
            (Ok(()), true) => "used".to_owned(),
            (Ok(()), false) => "<span class=\"soft\">shown, not used</span>".to_owned(),
        };
        page.raw(&format!(
            "<tr><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td><code>{}</code></td><td class=\"tight\">{file}</td></tr>\n",
            u64::from(set.step) + 1,
            text(&set.headline),
            count(set.count),
            set.bytes.map(bytes).unwrap_or_default(),
            text(set.digest.as_str()),
        ));
    }
    page.end_table();
}

fn notes(page: &mut Page, report: &Report) {
    let view = &report.view;
    if view.notes.is_empty() {
        return;
    }
    page.section("Notes");
    page.raw("<div class=\"card\">");
    for note in &view.notes {
        let step = note.step.map(|step| format!(" · step {}", text(&title(view, step)))).unwrap_or_default();
        page.raw(&format!(
            "<div class=\"note\">{}<div class=\"small\">{} · {}{step}</div></div>\n",
            page::lines(&note.text),
            when(note.at),
            text(&identity(&note.by)),
        ));
    }
    page.raw("</div>\n");
}

fn timings(page: &mut Page, view: &RunView) {
    let all = model::timings(view);
    let most = all.iter().map(Timing::most).max().unwrap_or_default();
    if all.is_empty() {
        return;
    }
    page.section("Timings");
    page.table(&["#", "step", "expected", "took", "against expectation"]);
    for timing in all {
        let late = if timing.is_late() { " late" } else { "" };
        let mark = timing.expected.map(|expected| format!("<u style=\"left:{}%\"></u>", share(expected, most)));
        let mut bar = format!("<div class=\"bar{late}\"><i style=\"width:{}%\"></i>", share(timing.took, most));
        let _ = write!(bar, "{}</div>", mark.unwrap_or_default());
        page.raw(&format!(
            "<tr><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{bar}</td></tr>\n",
            u64::from(timing.step) + 1,
            text(&timing.title),
            timing.expected.map(span).unwrap_or_default(),
            if timing.took < Duration::from_secs(60) { latency(timing.took) } else { span(timing.took) },
        ));
    }
    page.end_table();
}

/// A span as a share of another, in percent from 1 to 99, so that it can always be seen.
fn share(part: Duration, whole: Duration) -> u128 {
    (part.as_millis() * 100).checked_div(whole.as_millis()).unwrap_or(0).clamp(1, 99)
}

fn people(page: &mut Page, report: &Report) {
    page.section("People");
    page.table(&["who, as the kernel reports", "host", "through", "records", "answers that counted", "refused"]);
    for person in model::people(&report.records) {
        let actor = person.actor;
        let login = actor.login_uid.map_or_else(|| "unknown".to_owned(), |login| login.to_string());
        page.raw(&format!(
            "<tr><td>{}<br><span class=\"soft\">uid {} · login uid {login}</span></td><td>{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n",
            text(&actor.name),
            actor.uid,
            text(&actor.host),
            text(&person.through.join(", ")),
            person.records,
            person.answers.0,
            person.answers.1,
        ));
    }
    page.end_table();
}

fn proof(page: &mut Page, report: &Report) {
    let view = &report.view;
    page.section("Proof");
    let verdict = text(&report.verdict.to_string());
    let tone = if report.faults().is_empty() { "good" } else { "bad" };
    page.raw("<div class=\"card\"><dl>");
    page.pair("Journal", &format!("<span class=\"{tone}\">{verdict}</span>"));
    page.pair("Records", &counted(view.seq, "record", "records"));
    page.pair("Digest of the last", &format!("<code>{}</code>", text(view.head.as_str())));
    page.pair("To prove it again", &format!("<code>{}</code>", text(&verify_command(view))));
    page.raw("</dl></div>\n");
    page.raw(&format!("<footer>Times are UTC. Computed from the journal up to {}.</footer>\n", until(view.last)));
}

fn until(at: Wall) -> String {
    text(&when(at))
}

#[cfg(test)]
mod tests;
