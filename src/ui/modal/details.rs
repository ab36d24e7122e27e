//! Dialogs that only tell: help, a row, a step, an error.

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::{ACTIONS, Action, Context};
use crate::app::model::TargetId;
use crate::config::theme::Role;
use crate::domain::{Clean, Error, Fact, Listing, Row, Unit, Wall, quantity};
use crate::journal::record::Outcome;
use crate::ui::panes::{rows, run};
use crate::ui::pen::{Pen, VALUES};
use crate::ui::text::{Piece, Strip};
use crate::ui::trend;
use crate::ui::widgets::spark::spark;
use ratatui::text::Line;
use std::time::Duration;

/// The keys of the context in which help was asked for, then of all others.
pub(super) fn help(pen: Pen<'_>, snapshot: &Snapshot<'_>, context: Context, scroll: u16, width: usize) -> Dialog {
    let near = context.stack();
    let far = Context::ALL.into_iter().filter(|other| !near.contains(other));
    let mut body = Vec::new();
    if let Some(remark) = snapshot.remark {
        body.extend(pen.sentence(Role::UiMuted, remark.to_owned(), width));
        body.push(Strip::new().line());
    }
    let any = |context: &Context| ACTIONS.iter().any(|entry| entry.context == *context);
    for context in near.iter().copied().chain(far).filter(any) {
        let place = match context {
            Context::Global => "everywhere",
            Context::List => "in lists",
            Context::Checklist => "in the checklist",
            Context::Run => "in the run",
            Context::Log => "in the log",
            Context::Prompt => "in a question, outside its text field",
            Context::Note => "in a note",
        };
        body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), place).line());
        for entry in ACTIONS.iter().filter(|entry| entry.context == context) {
            let barred = snapshot.read_only && entry.action.acts();
            let (key, text) = if barred { (Role::UiMuted, Role::UiMuted) } else { (Role::UiKey, Role::UiText) };
            let keys = Clean::text(&snapshot.keymap.all_shown(entry.action));
            let above = keys.width() > 17;
            let mut strip = Strip::new().gap(2).put(pen.style(key), keys);
            if above {
                // Many keys have a row of their own.
                body.push(std::mem::take(&mut strip).line());
            }
            let strip = strip.to(19);
            let doc = if barred { format!("read-only, so not here: {}", entry.doc) } else { entry.doc.to_owned() };
            // Its words go on below, behind the keys.
            let lines = pen.sentence(text, doc, width.saturating_sub(19));
            body.extend(lines.into_iter().enumerate().map(|(place, mut line)| {
                let before = if place == 0 { strip.clone() } else { Strip::new().gap(19) };
                line.spans.splice(0..0, before.line().spans);
                line
            }));
        }
        body.push(Strip::new().line());
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Help")), (Role::UiMuted, Piece::Words("what each key does"))]),
        body: body.into(),
        keys: vec![(Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

/// Everything that is known of a row.
pub(super) fn row(pen: Pen<'_>, snapshot: &Snapshot<'_>, target: &TargetId, scroll: u16, width: usize) -> Dialog {
    let now = snapshot.now.wall;
    let row = snapshot.lists.row(target);
    let body = row.map(|row| told(pen, row, now, width)).unwrap_or_default();
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(row.map_or_else(|| target.name.clone(), Row::name)))]),
        body: body.into(),
        keys: vec![(Action::Act, "offers what can act on it"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

/// How the row stands, where and when that was read, how it went, and every fact.
fn told(pen: Pen<'_>, row: &Row, now: Wall, width: usize) -> Vec<Line<'static>> {
    let (role, word) = rows::standing(row, now);
    let says = format!("{} {word}: {}", pen.symbol(role).plain(), rows::says(row, now));
    let mut body = pen.sentence(role, says, width);
    body.push(Strip::new().line());
    body.extend(pen.fact("kind", Role::UiText, row.kind.word(), width));
    body.extend(pen.fact("source", Role::UiText, &row.source, width));
    let read = row.observation.as_ref().map_or_else(
        || "never".to_owned(),
        |seen| format!("{} UTC · {}", seen.observed_at.clock(), ago(quantity::age(now.since(seen.observed_at)))),
    );
    let (every, stale) = (quantity::span(row.every), quantity::span(row.every * 3));
    body.extend(pen.fact("read", Role::UiText, format!("{read} · every {every}, stale after {stale}"), width));
    if let Some((why, at)) = &row.lost {
        body.extend(pen.fact("lost", Role::VerdictUnknown, format!("{} UTC · {why}", at.clock()), width));
    }
    if row.is_down() {
        let what = format!("{} {} does not serve at {}", row.kind.word(), row.target, row.source);
        body.extend(pen.fact("down", role, what, width));
    }
    body.extend(history(pen, row, trend::role(role), width));
    let Some(seen) = row.observation.as_ref().filter(|seen| !seen.facts.is_empty()) else { return body };
    body.push(Strip::new().line());
    let longest = seen.facts.keys().map(|name| name.len()).max().unwrap_or(0).clamp(8, 24);
    for (name, fact) in &seen.facts {
        let value = Clean::text(&figure(Unit::of_fact(name), fact));
        body.extend(pen.named_to(longest + 3, Piece::from(Clean::text(name)), Role::UiText, value, width));
    }
    body
}

fn ago(age: String) -> String {
    if age == "now" { age } else { format!("{age} ago") }
}

/// The last figures as a graph, with the least and the greatest of them.
fn history(pen: Pen<'_>, row: &Row, role: Role, width: usize) -> Vec<Line<'static>> {
    let Some(range) = range(row) else { return Vec::new() };
    let bars = spark(&row.history, trend::scale(row), width.saturating_sub(VALUES + 3), pen.glyph("u", "a") == "u");
    let mut lines = pen.fact("history", role, bars, width);
    lines.extend(pen.fact("", Role::UiMuted, range, width));
    lines
}

/// The least and the greatest figure of a history, with their unit; none of an empty one.
fn range(row: &Row) -> Option<String> {
    let unit = row.trend.map_or(Unit::Number, |trend| trend.unit);
    let shown = |number: f64| figure(unit, &Fact::Real(number));
    let finite = || row.history.iter().copied().filter(|figure| figure.is_finite());
    let (least, greatest) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let count = quantity::counted(row.history.len() as u64, "reading", "readings");
    (least <= greatest).then(|| format!("{} to {} over {count}", shown(least), shown(greatest)))
}

/// A figure without a unit: whole where it is large, with two decimals where it is small.
fn plain(figure: f64) -> String {
    if figure.abs() >= 100.0 || figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

/// A time to the second where it is long, to the millisecond where it is short.
fn time(time: Duration) -> String {
    if time.as_secs() < 60 { quantity::latency(time) } else { quantity::span(time) }
}

/// A fact with its unit.
fn figure(unit: Unit, fact: &Fact) -> String {
    let timed = |figure: f64, scale: f64| Duration::try_from_secs_f64(figure / scale);
    match fact {
        Fact::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Fact::Int(number) => match (u64::try_from(*number), unit) {
            (Ok(number), Unit::Bytes) => quantity::bytes(number),
            (Ok(number), Unit::Seconds) => quantity::span(Duration::from_secs(number)),
            (Ok(number), Unit::Millis) => quantity::latency(Duration::from_millis(number)),
            (Ok(number), Unit::Ratio | Unit::Number) => quantity::count(number),
            (Err(_), _) => number.to_string(),
        },
        Fact::Real(figure) => match unit {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Not below zero, and bytes.
            Unit::Bytes if *figure >= 0.0 => quantity::bytes(*figure as u64),
            Unit::Ratio => format!("{:.1} %", figure * 100.0),
            Unit::Seconds => timed(*figure, 1.0).map_or_else(|_| plain(*figure), time),
            Unit::Millis => timed(*figure, 1000.0).map_or_else(|_| plain(*figure), time),
            Unit::Bytes | Unit::Number => plain(*figure),
        },
        Fact::Text(text) => text.clone(),
    }
}

pub(super) fn step(pen: Pen<'_>, snapshot: &Snapshot<'_>, number: u32, scroll: u16, width: usize) -> Dialog {
    let mut body: Vec<Line<'static>> = Vec::new();
    let mut heading = format!("step {}", number + 1);
    if let Some(step) = snapshot.run.view.as_ref().and_then(|run| run.step(number)) {
        heading = format!("step {} · {}", number + 1, step.head.title);
        let (role, word) = run::state(snapshot, number, step);
        let mut say = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        let time = run::step_time(snapshot, step);
        say("state", role, format!("{} {word} · {time}", pen.symbol(role).plain()));
        let (verb, effect) = (step.head.verb.word(), step.head.effect);
        say("does", Role::from(effect), format!("{verb} · {}", effect.word()));
        let back = if step.head.way_back.is_empty() { "nothing to take back" } else { &step.head.way_back };
        say("way back", Role::UiText, back.to_owned());
        if let Some((who, typed)) = &step.confirmed {
            say("said yes", Role::UiText, format!("{}@{}, typing: {typed}", who.name, who.host));
        }
        if let Some(set) = &step.set {
            say("set", Role::UiText, format!("sha256 {set}"));
        }
        if let Some(started) = step.started {
            let ended = step.ended.map_or_else(|| "–".to_owned(), Wall::clock);
            say("from, to", Role::UiText, format!("{} – {ended}, attempt {}", started.clock(), step.attempts));
        }
        if let Some(ended) = &step.outcome {
            outcome(&mut say, "outcome", ended);
        }
        if let Some(undone) = &step.undo {
            outcome(&mut say, "undo", undone);
        }
        if let Some(remark) = &step.remark {
            say("remark", Role::UiText, remark.clone());
        }
        if let Some(log) = &step.log {
            say("log", Role::UiText, format!("logs/{log}"));
        }
        if let Some(listing) = &step.head.listing {
            say("runs", Role::UiText, listing.title());
            body.extend(listing.numbered().flat_map(|line| pen.verbatim(Role::UiText, &line, width)));
        }
        let mut say = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        for note in snapshot.run.view.iter().flat_map(|run| &run.notes).filter(|note| note.step == Some(number)) {
            let text = note.text.replace('\n', " / ");
            say("note", Role::UiText, format!("{} {}: {text}", note.at.clock(), note.by.name));
        }
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(heading))]),
        body: body.into(),
        keys: vec![(Action::Log, "its log"), (Action::Note, "note"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

fn outcome(say: &mut impl FnMut(&'static str, Role, String), name: &'static str, outcome: &Outcome) {
    say(name, Role::UiText, format!("{}: {}", outcome.ending.word(), outcome.detail));
    let figures: Vec<String> = outcome
        .counts
        .iter()
        .map(|(name, count)| match name.as_str() {
            "bytes" => quantity::bytes(*count),
            other => format!("{other} {}", quantity::count(*count)),
        })
        .collect();
    if !figures.is_empty() {
        say("counts", Role::UiText, figures.join(" · "));
    }
    if let Some(log) = outcome.log.as_ref().filter(|log| log.dropped > 0) {
        say("log", Role::VerdictWarn, format!("{} were not kept", quantity::bytes(log.dropped)));
    }
}

/// The complete text of what a prompt would run; a line that is wider than the dialog goes on below.
pub(super) fn script(pen: Pen<'_>, listing: &Listing, scroll: u16, width: usize) -> Dialog {
    let mut body = Body::default();
    listing.numbered().for_each(|line| body.line(pen.verbatim(Role::UiText, &line, width)));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Runs")), (Role::UiText, Piece::from(listing.title()))]),
        body,
        keys: vec![(Action::Back, "goes back to the prompt"), (Action::Open, "frozen set")],
        scroll,
        must_read: true,
        ..Dialog::default()
    }
}

pub(super) fn notice(pen: Pen<'_>, error: &Error, scroll: u16, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::UiText, &error.message, width);
    for hint in &error.hints {
        body.extend(pen.fact("try", Role::UiText, hint, width));
    }
    Dialog {
        title: title(pen, [(Role::VerdictCritical, Piece::Words("Not done"))]),
        body: body.into(),
        keys: vec![(Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Observation, TargetKind, Trend, Verdict};
    use std::collections::BTreeMap;

    #[test]
    fn a_history_has_the_unit_of_its_fact_and_not_of_another_with_the_same_figure() {
        let mut row = Row::unread(TargetKind::Service, "api".to_owned(), String::new(), Duration::from_secs(5));
        let mut read = |bytes, latency| {
            let facts = BTreeMap::from([("bytes", Fact::Int(bytes)), ("latency_ms", Fact::Int(latency))]);
            let (verdict, detail, trend) = (Verdict::Ok, String::new(), Some(Trend::millis("latency_ms")));
            row.saw(Observation { verdict, detail, facts, observed_at: Wall::from_unix(0, 0), trend });
        };
        read(2, 40);
        read(2, 2);
        assert_eq!(range(&row).unwrap(), "2 ms to 40 ms over 2 readings");
        row.saw(Observation {
            verdict: Verdict::Ok,
            detail: String::new(),
            facts: BTreeMap::from([("used_memory_bytes", Fact::Int(4096))]),
            observed_at: Wall::from_unix(1, 0),
            trend: Some(Trend::bytes("used_memory_bytes")),
        });
        assert_eq!(
            range(&row).unwrap(),
            "4.0 KiB to 4.0 KiB over 1 reading",
            "of another fact, a history begins again"
        );
    }
}
