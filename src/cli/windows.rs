//! `midwatch windows`: what is open, what comes next, what collides.

use crate::calendar::{Allowed, Collisions, Opening, Standing, Window, collisions};
use crate::cli::args::{Common, Windows};
use crate::cli::{out, plan, setup};
use crate::config::paths;
use crate::domain::error::Result;
use crate::domain::{Wall, quantity};
use crate::gate::World;
use crate::probes::clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// How many collisions of an opening are named, in a line and in JSON; the rest is counted.
const NAMED: usize = 5;
const NAMED_IN_JSON: usize = 100;

/// Prints the calendar.
///
/// # Errors
/// When the estate file or the windows are wrong.
pub fn run(common: &Common, args: &Windows) -> Result<u8> {
    let world = setup::world(common)?;
    let now = clock::now().wall;
    let until = now.plus(Duration::from_secs(u64::from(args.days) * 86_400));
    let openings = world.calendar.agenda(now, until, world.estate.environment);
    match args.json {
        true => out::print(out::json(&as_json(&world, &openings, now)).as_bytes()),
        false => out::page(&plan::clean(&(as_text(&world, &openings, now, args.days) + &rule(&world)))),
    }
}

/// When a change of a procedure without its own window may begin.
fn rule(world: &World) -> String {
    let environment = world.estate.environment;
    let text = match world.calendar.default_of(environment) {
        Allowed::Anytime => {
            format!("{environment}: a change may begin at any time, unless its procedure names a window")
        }
        Allowed::Window => format!("{environment}: a change needs an open window"),
    };
    let exceptions: Vec<&str> = world.calendar.exceptions_of(environment).iter().map(|(_, id)| id.as_str()).collect();
    match (exceptions.is_empty(), world.calendar.default_of(environment)) {
        (false, Allowed::Window) => format!("{text}, except {}\n", exceptions.join(", ")),
        _ => text + "\n",
    }
}

fn as_text(world: &World, openings: &[Opening], now: Wall, days: u16) -> String {
    let windows = by_name(world);
    let mut text = match world.calendar.standing(now, world.estate.environment) {
        None => {
            let place = match crate::calendar::beside(world.estate.source.as_deref()) {
                Some(path) => format!("[[window]] in {} defines them", path.display()),
                None => {
                    let none = paths::no_estate_file(&world.around);
                    format!("they are defined in windows.toml beside the estate file\n{none}")
                }
            };
            return format!("no windows for {}: {place}\n", world.estate.environment);
        }
        Some(Standing::Open(open, others)) => {
            let more = if others == 0 { String::new() } else { format!(", and {others} more") };
            let left = quantity::span(open.until.since(now));
            format!(
                "open: {}{more} · {left} left, until {}\n",
                open.window,
                at(open.until, windows.get(open.window.as_str()))
            )
        }
        Some(Standing::Next(next)) => {
            let to = quantity::span(next.from.since(now));
            format!("closed · next: {} in {to}, at {}\n", next.window, at(next.from, windows.get(next.window.as_str())))
        }
    };
    if openings.is_empty() {
        let _ = writeln!(text, "nothing opens within {}", quantity::counted(days.into(), "day", "days"));
    }
    let wide = openings.iter().map(|opening| opening.window.chars().count()).max().unwrap_or(0);
    let others =
        openings.iter().filter_map(|opening| own_clock(opening.from, windows.get(opening.window.as_str()).copied()));
    let clock = others.map(|clock| clock.chars().count()).max().unwrap_or(0);
    for (opening, met) in openings.iter().zip(collisions(openings, NAMED)) {
        let window = windows.get(opening.window.as_str()).copied();
        let lasts = quantity::span(opening.until.since(opening.from));
        let name = &opening.window;
        let own = own_clock(opening.from, window).unwrap_or_default();
        let own = if clock == 0 { own } else { format!("  {own:clock$}") };
        let from = weekday(opening.from.0.to_zoned(TimeZone::UTC).date());
        let mut line = format!("{from} {} UTC{own}  {lasts:>7}  {name:wide$}", opening.from.minute());
        if let Some(window) = window.filter(|window| !window.operations.is_empty()) {
            let _ = write!(line, "  {}", window.operations.join(" "));
        }
        if met.all > 0 {
            let more = match met.all - met.first.len() {
                0 => String::new(),
                more => format!(" and {} more", quantity::count(more as u64)),
            };
            let _ = write!(line, "  collides with {}{more}", names(&met).join(", "));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A moment by the UTC clock, and by the window's own where that is another: `Sun 2026-12-06 01:00 UTC (Sun 02:00 Europe/Berlin)`.
fn at(moment: Wall, window: Option<&&Window>) -> String {
    let own = own_clock(moment, window.copied()).map(|own| format!(" ({own})")).unwrap_or_default();
    format!("{} {} UTC{own}", weekday(moment.0.to_zoned(TimeZone::UTC).date()), moment.minute())
}

/// A moment by the clock that opens the window: `Sun 02:00 Europe/Berlin`; nothing where that is UTC.
fn own_clock(moment: Wall, window: Option<&Window>) -> Option<String> {
    let window = window.filter(|window| window.zone != "UTC")?;
    let zoned = moment.0.to_zoned(TimeZone::get(&window.zone).ok()?);
    Some(format!("{} {} {}", weekday(zoned.date()), zoned.strftime("%H:%M"), window.zone))
}

fn weekday(date: Date) -> String {
    date.strftime("%a").to_string()
}

fn by_name(world: &World) -> BTreeMap<&str, &Window> {
    world.calendar.windows.iter().map(|window| (window.name.as_str(), window)).collect()
}

fn names<'a>(met: &Collisions<'a>) -> Vec<&'a str> {
    met.first.iter().map(|other| other.window.as_str()).collect()
}

fn as_json(world: &World, openings: &[Opening], now: Wall) -> String {
    let windows = by_name(world);
    let rows: Vec<Value> = openings
        .iter()
        .zip(collisions(openings, NAMED_IN_JSON))
        .map(|(opening, met)| {
            let window = windows.get(opening.window.as_str());
            json!({
                "window": opening.window, "from": opening.from, "until": opening.until, "open": opening.holds(now),
                "operations": window.map(|window| &window.operations),
                "notice_s": window.and_then(|window| window.notice).map(|notice| notice.as_secs()),
                "collides_with": names(&met), "collisions": met.all,
            })
        })
        .collect();
    let environment = world.estate.environment;
    let exceptions: Vec<&str> = world.calendar.exceptions_of(environment).iter().map(|(_, id)| id.as_str()).collect();
    let report = json!({
        "schema": 1, "estate": world.estate.name, "environment": world.estate.environment.word(), "at": now,
        "rule": { "default": world.calendar.default_of(environment).word(), "anytime": exceptions }, "openings": rows,
    });
    format!("{report:#}\n")
}
