//! Estates with windows, at a time of the test's own.

use super::estate::Estate;
use std::fs;

/// Open on Sundays from two to four.
pub const WINDOWS: &str = "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\n";

/// Shows every process of the estate this time from now on.
pub fn set_clock(estate: &Estate, at: &str) {
    let wanted: jiff::Timestamp = at.parse().unwrap();
    let by = wanted.duration_since(jiff::Timestamp::now()).as_secs();
    // Renamed into its place: no process reads half a number.
    fs::write(estate.beside("clock.new"), by.to_string()).unwrap();
    fs::rename(estate.beside("clock.new"), estate.beside("clock")).unwrap();
}

/// A rule by which nothing in production needs a window.
pub const ANYTIME: &str = "schema = 1\n[rules.production]\ndefault = \"anytime\"\n";

/// An estate with the weekly window, at a time of Sunday, 22 November 2026.
pub fn estate(at: &str) -> Estate {
    estate_of("other", at)
}

/// The same of an environment.
pub fn estate_of(environment: &str, at: &str) -> Estate {
    let estate = Estate::of(environment);
    fs::write(estate.beside("windows.toml"), WINDOWS).unwrap();
    let clock = estate.beside("clock").to_str().unwrap().to_owned();
    let estate = estate.with("MIDWATCH_WALL_SHIFT", &clock);
    set_clock(&estate, &sunday(at));
    estate
}

pub fn sunday(at: &str) -> String {
    format!("2026-11-22T{at}:00Z")
}
