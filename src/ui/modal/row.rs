//! The detail of a row: why it stands as it does, what can be done, what was done, and every fact in words.
//!
//! ```text
//! ┏ database ━━ backup ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ ✖ critical: 31 h old, limit 24 h                                     ┃
//! ┃                                                                      ┃
//! ┃ What can be done                                                     ┃
//! ┃   □ change   Take a backup of database   ~5 m                        ┃
//! ┃ Last runs on it                                                      ┃
//! ┃   2026-11-21 02:40 UTC  ● ok   Take a backup of database · lena      ┃
//! ┃ Size and space                                                       ┃
//! ┃   size         4.2 GiB                                               ┃
//! ┗ x act  y copy  f raw names  Esc goes back ━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use super::lists::none_applies;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::RowDialog;
use crate::app::msg::Offer;
use crate::app::reason;
use crate::config::theme::Role;
use crate::domain::facts::{self, Group};
use crate::domain::{Clean, Fact, Observation, Row, TargetKind, Wall, quantity};
use crate::ui::panes::rows;
use crate::ui::pen::{Pen, VALUES};
use crate::ui::text::{Piece, Strip};
use crate::ui::trend;
use crate::ui::widgets::spark::spark;
use ratatui::text::Line;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most runs on the row that are listed.
const RUNS: usize = 5;
/// What is compared of the certificate that is served and the one in the file.
const PAIRS: [(&str, &str); 5] = [
    ("serial", "file_serial"),
    ("issuer", "file_issuer"),
    ("not_before", "file_not_before"),
    ("not_after", "file_not_after"),
    ("fingerprint_sha256", "file_fingerprint_sha256"),
];
/// The most columns of the names of facts.
const LABELS: usize = 38;

/// Everything that is known of a row.
pub(super) fn row(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &RowDialog, width: usize) -> Dialog {
    let row = snapshot.lists.row(&dialog.target);
    let mut body = Vec::new();
    match row {
        Some(row) => facts_lines(pen, snapshot, (row, dialog), &mut body, width),
        None => body.extend(pen.sentence(Role::UiMuted, "The newest reading has no such row any more.", width)),
    }
    let name = Piece::from(row.map_or_else(|| dialog.target.name.clone(), Row::name));
    let copies = if row.is_some_and(|row| row.remedy_command().is_some()) { "copies the command" } else { "copy" };
    let names = if dialog.raw { "names in words" } else { "raw names" };
    Dialog {
        title: title(pen, [(Role::UiTitle, name), (Role::UiMuted, Piece::Words(dialog.target.kind.word()))]),
        body: body.into(),
        keys: vec![(Action::Act, "act"), (Action::Copy, copies), (Action::Facts, names), (Action::Back, "goes back")],
        scroll: dialog.scroll,
        ..Dialog::default()
    }
}

fn facts_lines(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    (row, dialog): (&Row, &RowDialog),
    body: &mut Vec<Line<'static>>,
    width: usize,
) {
    let now = snapshot.now.wall;
    let (role, _) = rows::standing(row, now);
    let why = reason::sentence(row, now);
    body.extend(pen.sentence(role, format!("{} {why}", pen.symbol(role).plain()), width));
    let found = row.observation.as_ref().filter(|_| row.lost.is_none()).map(|seen| seen.detail.as_str());
    let is_news = |text: &&str| !text.is_empty() && !why.ends_with(*text) && !why.ends_with(&text.replace(" · ", ", "));
    if let Some(message) = found.filter(is_news) {
        body.extend(pen.sentence(Role::UiText, format!("  {message}"), width));
    }
    blank(body);
    read(pen, row, now, body, width);
    acts(pen, (row, dialog), body, width);
    runs(pen, snapshot, dialog, body, width);
    if let Some(seen) = &row.observation {
        if row.kind == TargetKind::Certificate {
            both(pen, seen, body, width);
        }
        groups(pen, seen, dialog.raw, body, width);
    }
}

fn blank(body: &mut Vec<Line<'static>>) {
    body.push(Strip::new().line());
}

fn heading(pen: Pen<'_>, body: &mut Vec<Line<'static>>, words: &'static str) {
    blank(body);
    body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), words).line());
}

/// When it was last read and from where, and how its figure went.
fn read(pen: Pen<'_>, row: &Row, now: Wall, body: &mut Vec<Line<'static>>, width: usize) {
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
        body.extend(pen.fact("down", rows::standing(row, now).0, what, width));
    }
    history(pen, row, trend::role(rows::standing(row, now).0), body, width);
}

fn ago(age: String) -> String {
    if age == "now" { age } else { format!("{age} ago") }
}

/// The last figures as a graph, with the least and the greatest of them, and over what time they are.
fn history(pen: Pen<'_>, row: &Row, role: Role, body: &mut Vec<Line<'static>>, width: usize) {
    let Some(range) = range(row) else { return };
    let bars = spark(&row.bars(), trend::scale(row), width.saturating_sub(VALUES + 3), pen.glyph("u", "a") == "u");
    body.extend(pen.fact("history", role, bars, width));
    body.extend(pen.fact("", Role::UiMuted, range, width));
}

/// What a history is of, its least and its greatest figure, and the time it is over; none of an empty one.
fn range(row: &Row) -> Option<String> {
    let figures = row.history.figures();
    let least = figures.iter().map(|figure| figure.least).fold(f64::INFINITY, f64::min);
    let greatest = figures.iter().map(|figure| figure.greatest).fold(f64::NEG_INFINITY, f64::max);
    if !(least <= greatest && least.is_finite() && greatest.is_finite()) {
        return None;
    }
    let unit = row.trend.map_or(facts::Unit::Number, |trend| trend.unit());
    let of = row.trend.map_or_else(String::new, |trend| format!("{}: ", facts::label(trend.fact)));
    // What is read more often than each minute has the readings of a minute in one bar.
    let joins = row.every < Duration::from_secs(60) && row.kind != TargetKind::Backup;
    let (one, several) = if joins { ("minute", "minutes") } else { ("reading", "readings") };
    let readings = quantity::counted(figures.len() as u64, one, several);
    let minutes = row.history.span().as_secs() / 60 * 60;
    let span = match minutes {
        0 => String::new(),
        seconds => format!(" in {}", quantity::span(Duration::from_secs(seconds))),
    };
    let gaps = match row.bars().len() - figures.len() {
        0 => String::new(),
        gaps => format!(", {}", quantity::counted(gaps as u64, "gap", "gaps")),
    };
    let describe = |figure: f64| facts::in_unit(figure, unit);
    let bar = if joins { " · bars show peaks" } else { "" };
    Some(format!("{of}{} to {} over {readings}{span}{gaps}{bar}", describe(least), describe(greatest)))
}

/// What can be done: a command to copy, and the procedures that act on it, as the key for acting lists them.
fn acts(pen: Pen<'_>, (row, dialog): (&Row, &RowDialog), body: &mut Vec<Line<'static>>, width: usize) {
    heading(pen, body, "What can be done");
    if let Some(command) = row.remedy_command() {
        let is_read_only = row.observation.as_ref().is_some_and(|seen| seen.facts.contains_key("read_only_by"));
        let why = match is_read_only {
            true => "  A superuser of the database lets transactions write again:",
            false => "  A superuser of the database grants what this role lacks:",
        };
        body.extend(pen.sentence(Role::UiMuted, why, width));
        body.extend(pen.sentence(Role::UiKey, format!("  {command}"), width));
    }
    match dialog.offers.as_deref() {
        None => body.extend(pen.sentence(Role::UiMuted, "  looking for procedures", width)),
        Some([]) if row.remedy_command().is_some() && dialog.withheld.is_empty() => {}
        Some([]) => {
            let none = none_applies(row.kind, dialog.withheld.len());
            body.extend(pen.sentence(Role::UiText, format!("  {none}"), width));
        }
        Some(offers) => body.extend(offers.iter().map(|offer| offered(pen, offer, width))),
    }
    for why in &dialog.withheld {
        body.extend(pen.sentence(Role::UiMuted, format!("  {why}"), width));
    }
}

fn offered(pen: Pen<'_>, offer: &Offer, width: usize) -> Line<'static> {
    let role = Role::from(offer.effect);
    let takes =
        offer.takes_s.map_or_else(String::new, |s| format!("~{}", quantity::span(Duration::from_secs(s.max(1)))));
    let strip = Strip::new().gap(3).put(pen.style(role), pen.symbol(role)).gap(1);
    let strip = strip.put(pen.style(role), offer.effect.word()).to(14);
    let room = width.saturating_sub(14 + takes.len() + 3);
    let strip = strip.put_within(room, pen.style(Role::UiText), &offer.title);
    strip.right(width.saturating_sub(1), pen.style(Role::UiMuted), takes).line()
}

/// The last runs of what acts on it.
fn runs(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &RowDialog, body: &mut Vec<Line<'static>>, width: usize) {
    let mut runs = dialog.runs(snapshot.runs.unwrap_or_default()).take(RUNS).peekable();
    if runs.peek().is_none() {
        return;
    }
    heading(pen, body, "Last runs on it");
    for run in runs {
        let (role, word) = match run.damage {
            Some(_) => (Role::VerdictCritical, "damaged"),
            None => (Role::from(snapshot.status(run)), snapshot.status(run).word()),
        };
        let strip = Strip::new().gap(3).put(pen.style(Role::UiMuted), format!("{} UTC", run.started.minute())).gap(2);
        let strip = strip.put(pen.style(role), pen.symbol(role)).gap(1).put(pen.style(role), word).gap(2);
        let room = width.saturating_sub(strip.width() + 1);
        let title = format!("{} · {}", run.title, run.starter);
        body.push(strip.put_within(room, pen.style(Role::UiText), title).line());
    }
}

/// The certificate that is served beside the one in the file, where they differ: which one is newer is the question.
fn both(pen: Pen<'_>, seen: &Observation, body: &mut Vec<Line<'static>>, width: usize) {
    if seen.facts.get("served_matches_file") != Some(&Fact::Bool(false)) {
        return;
    }
    heading(pen, body, "Served and in the file");
    let newer = match seen.facts.get("newer") {
        Some(Fact::Text(newer)) if newer == "file" => {
            "The one in the file is newer: the server was not reloaded since."
        }
        Some(Fact::Text(_)) => "The one that is served is newer: the file is not what the server uses.",
        _ => "Both are valid from the same moment.",
    };
    body.extend(pen.sentence(Role::VerdictWarn, format!("  {newer}"), width));
    let describe =
        |name: &str| seen.facts.get(name).map_or_else(|| "–".to_owned(), |fact| facts::format_fact(name, fact));
    for (served, file) in PAIRS {
        let label = facts::label(served);
        let (ours, theirs) = (describe(served), describe(file));
        let lines = [(format!("{label}, served"), ours), (format!("{label}, file"), theirs)];
        for (label, value) in lines {
            body.extend(pen.named_to(28, Piece::from(Clean::text(&label)), Role::UiText, Clean::text(&value), width));
        }
    }
}

/// The counts that tell something where they are zero.
const ZERO_MATTERS: [&str; 21] = [
    "cores",
    "connections",
    "connections_active",
    "connections_limit",
    "standbys",
    "clients",
    "max_clients",
    "changes_since_save",
    "replicas",
    "replicas_online",
    "good_replicas",
    "nodes",
    "sentinels",
    "shards",
    "desired",
    "ready",
    "updated",
    "available",
    "slots_assigned",
    "slots_ok",
    "count",
];

/// Whether a fact is that there is none of something bad: what is not there need not be read.
fn is_nothing(name: &str, fact: &Fact) -> bool {
    *fact == Fact::Int(0) && facts::unit(name) == facts::Unit::Count && !ZERO_MATTERS.contains(&name)
}

/// Every fact, group by group in words; or under its own name, one after the other.
fn groups(pen: Pen<'_>, seen: &Observation, raw: bool, body: &mut Vec<Line<'static>>, width: usize) {
    let mut groups: BTreeMap<Group, Vec<(&'static str, &Fact)>> = BTreeMap::new();
    let both = seen.facts.get("served_matches_file") == Some(&Fact::Bool(false));
    let compared = |name: &str| both && PAIRS.iter().any(|(served, file)| *served == name || *file == name);
    let shown = |name: &str, fact: &Fact| raw || !(compared(name) || is_nothing(name, fact));
    for (name, fact) in seen.facts.iter().filter(|(name, fact)| shown(name, fact)) {
        let group = if raw { Group::Other } else { facts::group(name) };
        groups.entry(group).or_default().push((*name, fact));
    }
    let label = |name: &'static str| if raw { name } else { facts::label(name) };
    let longest = seen.facts.keys().map(|name| label(name).chars().count()).max().unwrap_or(0).clamp(8, LABELS);
    for group in Group::ALL {
        let Some(of) = groups.remove(&group) else { continue };
        heading(pen, body, if raw { "Facts" } else { group.word() });
        for (name, fact) in of {
            let label = Piece::from(Clean::text(&format!(" {}", label(name))));
            let value = Clean::text(&facts::format_fact(name, fact));
            body.extend(pen.named_to(longest + 4, label, Role::UiText, value, width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Trend, Verdict};
    use std::collections::BTreeMap;

    #[test]
    fn none_of_something_bad_is_left_out_and_none_of_something_wanted_is_not() {
        let none = Fact::Int(0);
        for name in ["gaps", "dead_rows_pinned", "evicted_keys", "restarts", "standbys_gone", "slots_lost"] {
            assert!(is_nothing(name, &none) && !is_nothing(name, &Fact::Int(1)), "{name}");
        }
        for name in ["ready", "replicas", "clients", "latency_ms", "used_ratio", "status", "age_s", "size_bytes"] {
            assert!(!is_nothing(name, &none), "{name}");
        }
        for name in ZERO_MATTERS {
            assert_eq!(facts::find(name).map(|entry| entry.unit), Some(facts::Unit::Count), "{name}");
        }
    }

    #[test]
    fn a_history_has_the_unit_of_its_fact_and_not_of_another_with_the_same_figure() {
        let mut row = Row::unread(TargetKind::Service, "api".to_owned(), String::new(), Duration::from_secs(5));
        let mut read = |at, bytes, latency| {
            let facts = BTreeMap::from([("bytes", Fact::Int(bytes)), ("latency_ms", Fact::Int(latency))]);
            let (verdict, detail, trend) = (Verdict::Ok, String::new(), Some(Trend::of("latency_ms")));
            row.saw(Observation { verdict, detail, facts, observed_at: Wall::from_unix(at, 0), trend });
        };
        read(0, 2, 40);
        read(60, 2, 2);
        assert_eq!(range(&row).unwrap(), "latency: 2 ms to 40 ms over 2 minutes in 1 m · bars show peaks");
        row.saw(Observation {
            verdict: Verdict::Ok,
            detail: String::new(),
            facts: BTreeMap::from([("used_memory_bytes", Fact::Int(4096))]),
            observed_at: Wall::from_unix(61, 0),
            trend: Some(Trend::of("used_memory_bytes")),
        });
        assert_eq!(
            range(&row).unwrap(),
            "memory used: 4.0 KiB to 4.0 KiB over 1 minute · bars show peaks",
            "of another fact, a history begins again"
        );
    }
}
