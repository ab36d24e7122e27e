//! From `windows.toml` to windows; every problem at once, each with its place.

use crate::calendar::{Calendar, HORIZON_DAYS, Window, rules};
use crate::config::estate::Environment;
use crate::config::file::{read_trusted, refused};
use crate::config::patience;
use crate::config::reader::{self, Place, Problem, Problems, Table};
use crate::domain::{Error, quantity};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name, beside the estate file.
pub const WINDOWS_FILE: &str = "windows.toml";

/// The shortest and the longest that a window may last.
const LASTS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 86_400));
/// How far ahead each opening is tried, in days: until every rule of a zone's clock has come by.
const TRIED_DAYS: i64 = 731;

/// Where the windows of an estate lie; `None` where the estate has no file.
#[must_use]
pub fn beside(estate: Option<&Path>) -> Option<PathBuf> {
    Some(estate?.parent()?.join(WINDOWS_FILE))
}

/// One day.
const DAY: Duration = Duration::from_secs(86_400);

/// Reads the windows of an estate; a file that is not there holds none.
///
/// # Errors
/// Kind `Usage`: the file cannot be read, or anything in it is wrong; each problem has its line and column.
pub fn load(estate: Option<&Path>) -> Result<Calendar, Error> {
    let Some(path) = beside(estate) else { return Ok(Calendar::default()) };
    let found = patience::at(&path, || path.symlink_metadata());
    if found.is_err_and(|cause| cause.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Calendar::default());
    }
    let text = read_trusted(&path, "the windows")?;
    parse(&text, &path).map_err(|problems| refused("the windows", &path, &problems))
}

/// Reads windows from text; `file` is named in problems.
///
/// # Errors
/// Every problem of the text, in the order of their places.
pub fn parse(text: &str, file: &Path) -> Result<Calendar, Vec<Problem>> {
    let mut problems = Problems::of(file);
    let mut root = reader::parse(text, &mut problems);
    let mut windows: Vec<Window> = Vec::new();
    let mut found = Vec::new();
    if root.schema(1, &mut problems) {
        found = rules::read(&mut root, &mut problems);
        let mut names: BTreeMap<String, Place> = BTreeMap::new();
        for table in root.tables("window", &mut problems) {
            let at = table.place_of("name");
            let Some(window) = window(table, &mut problems) else { continue };
            if let Some(Place { line, .. }) = names.get(&window.name) {
                problems.add(at, format!("a window of this name is on line {line} already: `{}`", window.name));
            }
            names.entry(window.name.clone()).or_insert(at);
            windows.push(window);
        }
        root.finish(&mut problems);
    }
    if problems.is_empty() {
        Ok(Calendar { windows, rules: found, text: text.to_owned() })
    } else {
        Err(problems.into_sorted())
    }
}

fn window(mut table: Table, problems: &mut Problems) -> Option<Window> {
    let name_at = table.place_of("name");
    let name = table.required_text("name", problems);
    if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.chars().any(char::is_control)) {
        problems.add(name_at, "`name` must be text without control characters");
    }
    let environment = table.parsed("environment", "production, staging or other", problems, Environment::from_word);
    let starts_at = table.place_of("starts");
    let starts = table.required_text("starts", problems);
    let lasts = if table.has("lasts") {
        let read = |text: &str| quantity::parse_span(text).filter(|span| (LASTS.0..=LASTS.1).contains(span));
        table.parsed("lasts", "a span from 1 min to 30 d such as \"2h\"", problems, read)
    } else {
        table.required_text("lasts", problems);
        None
    };
    let zone_at = table.place_of("zone");
    let zone = table.text("zone", problems).unwrap_or_else(|| "UTC".to_owned());
    let operations = table.texts("operations", problems).unwrap_or_default();
    let notice = table.parsed("notice", "a span such as \"24h\"", problems, quantity::parse_span);
    table.finish(problems);
    let cron = starts.as_ref().and_then(|starts| pattern(starts, starts_at, problems));
    let tz = time_zone(&zone, zone_at, problems);
    let (starts, lasts, cron, tz) = (starts?, lasts?, cron?, tz?);
    let operations = operations.into_iter().map(|(_, word)| word).collect();
    let window = Window { name: name?, environment, starts, lasts, zone, operations, notice, at: name_at, cron, tz };
    try_openings(&window, starts_at, problems);
    Some(window)
}

/// When a window opens, as cron has it.
fn pattern(starts: &str, at: Place, problems: &mut Problems) -> Option<Cron> {
    match parser().parse(starts) {
        Ok(cron) => Some(cron),
        Err(_) => {
            let message = format!("`starts` is not a cron pattern: {}", misread(starts));
            problems.add_with_hint(at, message, "minute hour day month weekday, such as \"0 2 * * SUN\" or \"SUN#1\"");
            None
        }
    }
}

/// The fields of a pattern, each with what it takes.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31, or L"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7, or SUN to SAT, also SUN#1 to SUN#5"),
];

/// What is wrong with a pattern that cannot be read.
fn misread(starts: &str) -> String {
    let given: Vec<&str> = starts.split_whitespace().collect();
    if given.len() != FIELDS.len() {
        return format!("it has {} of {} fields", given.len(), FIELDS.len());
    }
    let is_read = |place: usize, field: &str| {
        let alone: Vec<&str> = (0..FIELDS.len()).map(|other| if other == place { field } else { "*" }).collect();
        parser().parse(&alone.join(" ")).is_ok()
    };
    let all = given.iter().zip(FIELDS).enumerate();
    let wrong = all
        .filter(|(place, (field, _))| !is_read(*place, field))
        .map(|(_, (field, (name, takes)))| format!("the {name} \"{}\" is not {takes}", field.escape_debug()));
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { "its fields do not go together".to_owned() } else { wrong.join(", ") }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// The place of a window's clock time in the file.
fn time_zone(zone: &str, at: Place, problems: &mut Problems) -> Option<TimeZone> {
    let found = TimeZone::get(zone).ok();
    if found.is_none() {
        let message = format!("`zone` is not a time zone of this machine: \"{}\"", zone.escape_debug());
        problems.add_with_hint(
            at,
            message,
            "such as \"UTC\" or \"Europe/Berlin\"; the zones are in the package tzdata",
        );
    }
    found
}

/// Whether a pattern names at most one time of each day.
fn is_once_a_day(starts: &str) -> bool {
    let is_number = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
    starts.split_whitespace().take(2).all(is_number)
}

/// Says where the times of a window are none, doubtful, or reach into each other.
fn try_openings(window: &Window, at: Place, problems: &mut Problems) {
    // A fixed beginning: whether a file is right must not depend on the day it is read. These years have every rule.
    let begin = DateTime::constant(2026, 1, 1, 0, 0, 0, 0);
    let end = begin.saturating_add(jiff::Span::new().days(TRIED_DAYS));
    let far = begin.saturating_add(jiff::Span::new().days(HORIZON_DAYS));
    let Some(first) = window.next(begin, true).filter(|first| *first <= far) else {
        problems.add(at, format!("`starts` names no time that ever comes: \"{}\"", window.starts.escape_debug()));
        return;
    };
    let doubtful = |time: DateTime, problems: &mut Problems| {
        let shown = time.strftime("%H:%M on %Y-%m-%d");
        let message = format!("`starts` names {shown}, which the clocks of {} show never or twice", window.zone);
        problems.add_with_hint(at, message, "take another hour, or zone = \"UTC\"");
    };
    // What opens at one time of a day and lasts no longer than one is only looked at where its clock is set.
    if is_once_a_day(&window.starts) && window.lasts <= DAY {
        if let Some(time) = window.doubtful(begin, end) {
            doubtful(time, problems);
        }
        return;
    }
    let mut before = first;
    let mut next = Some(first);
    while let Some(time) = next.filter(|time| *time < end) {
        if window.is_doubtful(time) {
            doubtful(time, problems);
            return;
        }
        if time > before && Duration::try_from(before.duration_until(time)).is_ok_and(|apart| apart < window.lasts) {
            let message = format!("the window opens again before it has ended ({})", quantity::span(window.lasts));
            problems.add_with_hint(at, message, "a window that never closes may last exactly as long as it is apart");
            return;
        }
        before = time;
        next = window.next(time, false);
    }
}
