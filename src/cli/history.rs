//! `midwatch history`: the figures that were kept, as text or JSON.

use crate::cli::args::{Common, History};
use crate::cli::{out, plan, setup};
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Error, Figure, Kind, Past, SeriesId, facts, quantity};
use crate::history::{self, About};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;
/// Figures that lie further apart have a gap between them.
const GAP: Duration = Duration::from_secs(180);

/// Prints the figures of a target; without one, what there is of every row.
///
/// # Errors
/// When the estate file is wrong, the file of the history cannot be read, or nothing is known of the target.
pub fn run(common: &Common, args: &History) -> Result<u8> {
    let around = setup::surroundings();
    let estate = setup::estate(common, &around)?;
    let about = About::of(&estate, &setup::state(common, &around)?, &around);
    let (minutes, place) = (i64::from(args.hours) * 60, about.place());
    let mut past = setup::spared("the history", move || history::read(about, minutes))??;
    let known: BTreeSet<String> = past.0.keys().map(|id| id.target.clone()).collect();
    if let Some(target) = &args.target {
        past.0.retain(|id, _| id.target == *target && (args.object.is_none() || id.object == args.object));
    }
    if past.0.is_empty() && !args.json {
        return Err(nothing(args, &known, &place.display().to_string()));
    }
    match (args.json, args.target.is_some()) {
        (true, _) => out::print(out::json(&as_json(&estate.name, &past)).as_bytes()),
        (false, true) => out::page(&plan::clean(&figures(&past))),
        (false, false) => out::page(&plan::clean(&summary(&past))),
    }
}

/// That there are no figures, where they would be, and of what there are some.
fn nothing(args: &History, known: &BTreeSet<String>, place: &str) -> Error {
    let hours = quantity::counted(args.hours.into(), "hour", "hours");
    let of = args.target.as_ref().map_or_else(String::new, |target| format!(" of {target}"));
    let error = Error::new(Kind::Usage, format!("there are no figures{of} of the last {hours} in {place}"));
    if known.is_empty() {
        return error.hint(format!("a console, a wallboard, or {} each minute keeps them", shell::on_estate("check")));
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    error.hint(format!("there are some of {}", quantity::shortened(&names.join(", "), 200)))
}

fn name(id: &SeriesId) -> String {
    let object = id.object.as_ref().map_or_else(String::new, |object| format!(" {object}"));
    format!("{} {}{object}", id.kind.word(), id.target)
}

fn said(id: &SeriesId, value: f64) -> String {
    facts::in_unit(value, facts::unit(&id.fact))
}

/// One line a figure, oldest first; a line for each gap.
fn figures(past: &Past) -> String {
    let mut text = String::new();
    for (id, figures) in &past.0 {
        let _ = writeln!(text, "{}: {}", name(id), facts::label(&id.fact));
        let mut before: Option<&Figure> = None;
        for figure in figures {
            let pause = before.map_or(Duration::ZERO, |before| figure.at.since(before.at));
            if pause > GAP {
                let _ = writeln!(text, "  nothing was read for {}", quantity::span(whole_minutes(pause)));
            }
            let _ = writeln!(text, "  {} UTC  {}{}", figure.at.minute(), said(id, figure.value), bounds(id, figure));
            before = Some(figure);
        }
    }
    text
}

/// Between which its readings were, where they were not all the same.
fn bounds(id: &SeriesId, figure: &Figure) -> String {
    let [least, greatest] = [figure.least, figure.greatest].map(|bound| said(id, bound));
    if least == greatest { String::new() } else { format!("  ({least} to {greatest})") }
}

fn whole_minutes(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() / 60 * 60)
}

/// One line a row: what its figures are of, the least, the greatest and the last, and since when.
fn summary(past: &Past) -> String {
    let lines: Vec<[String; 3]> = past.0.iter().filter_map(|(id, figures)| line(id, figures)).collect();
    let wide = |at: usize| lines.iter().filter_map(|line| Some(line.get(at)?.chars().count())).max().unwrap_or(0);
    let (names, facts) = (wide(0).min(60), wide(1));
    lines.iter().map(|[name, fact, text]| format!("{name:<names$}  {fact:<facts$}  {text}\n")).collect()
}

fn line(id: &SeriesId, figures: &[Figure]) -> Option<[String; 3]> {
    let (first, last) = figures.first().zip(figures.last())?;
    let least = figures.iter().map(|figure| figure.least).fold(f64::INFINITY, f64::min);
    let greatest = figures.iter().map(|figure| figure.greatest).fold(f64::NEG_INFINITY, f64::max);
    let text = format!(
        "{} to {}, last {} · {} since {} UTC",
        said(id, least),
        said(id, greatest),
        said(id, last.value),
        quantity::counted(figures.len() as u64, "minute", "minutes"),
        first.at.minute(),
    );
    Some([name(id), facts::label(&id.fact).to_owned(), text])
}

fn as_json(estate: &str, past: &Past) -> String {
    let figure = |figure: &Figure| json!({ "at": figure.at, "value": figure.value, "least": figure.least, "greatest": figure.greatest });
    let series = |(id, figures): (&SeriesId, &Vec<Figure>)| {
        let figures: Vec<Value> = figures.iter().map(figure).collect();
        json!({ "kind": id.kind, "target": id.target, "object": id.object, "fact": id.fact, "figures": figures })
    };
    let all: Vec<Value> = past.0.iter().map(series).collect();
    format!("{:#}\n", json!({ "schema": SCHEMA, "estate": estate, "series": all }))
}
