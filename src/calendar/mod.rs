//! Windows: recurring stretches of time in which certain operations are allowed.
//!
//! ```text
//! windows.toml -> Window (cron, span, zone) -> Opening (from, until) -> what is open, what comes next, what collides
//! ```
//! A window recurs on the wall clock of its zone. Times that a zone's clock skips or shows twice are refused when the file is read,
//! so that an opening is one stretch of real time.

mod allow;
mod collide;
pub mod keys;
mod read;
mod rules;

pub use allow::{NoWindow, WindowUse};
pub use collide::{Collisions, collisions};
pub use read::{WINDOWS_FILE, beside, load, parse};
pub use rules::{Allowed, Rule};

use crate::config::estate::Environment;
use crate::config::reader::Place;
use crate::domain::Wall;
use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::time::Duration;

/// How far ahead an opening is looked for, in days: a yearly window, and a leap day.
const HORIZON_DAYS: i64 = 1500;
/// The most openings of one window that are listed.
const MOST_OPENINGS: usize = 2000;

/// One `[[window]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its name, unique.
    pub name: String,
    /// The environment it is for; any where there is none.
    pub environment: Option<Environment>,
    /// When it opens, as written: a cron pattern of five fields.
    pub starts: String,
    /// How long it stays open.
    pub lasts: Duration,
    /// The zone whose clock opens it.
    pub zone: String,
    /// The operations it is for; any where none is named.
    pub operations: Vec<String>,
    /// How long before it a notice is due.
    pub notice: Option<Duration>,
    /// The place of its name in the file.
    pub at: Place,
    cron: Cron,
    tz: TimeZone,
}

/// One stretch of time in which a window is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The window's name.
    pub window: String,
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub until: Wall,
}

/// Every window of an estate.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Calendar {
    /// The windows in the order of the file.
    pub windows: Vec<Window>,
    /// What holds for changes of procedures that name no window; an environment that is not set has its own default.
    pub rules: Vec<Rule>,
    /// The file's text: what a run freezes. Empty where there is no file.
    pub text: String,
}

/// The state of the calendar at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A window is open: the one that ends first, and how many others are open.
    Open(Opening, usize),
    /// None is open; this one opens first.
    Next(Opening),
}

impl Opening {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(&self, at: Wall) -> bool {
        self.from <= at && at < self.until
    }

    /// How much of it is gone at a moment, from 0 to 1.
    #[must_use]
    pub fn gone(&self, at: Wall) -> f64 {
        let whole = self.until.since(self.from).as_secs_f64();
        if whole > 0.0 { (at.since(self.from).as_secs_f64() / whole).min(1.0) } else { 1.0 }
    }
}

impl Window {
    /// Its openings that end after a moment and begin before another, in their order.
    #[must_use]
    pub fn openings(&self, after: Wall, before: Wall) -> Vec<Opening> {
        let mut found = Vec::new();
        let Ok(lasts) = jiff::SignedDuration::try_from(self.lasts) else { return found };
        let Ok(early) = after.0.checked_sub(lasts) else { return found };
        let mut at = early.to_zoned(self.tz.clone()).datetime();
        let mut inclusive = true;
        while found.len() < MOST_OPENINGS
            && let Some(next) = self.next(at, inclusive)
        {
            inclusive = false;
            at = next;
            // A skipped or doubled time is refused by the reader; here it opens at the later of the two.
            let Ok(from) = self.tz.to_ambiguous_timestamp(next).later() else { break };
            let from = Wall(from);
            if from >= before {
                break;
            }
            let until = from.plus(self.lasts);
            if until > after {
                found.push(Opening { window: self.name.clone(), from, until });
            }
        }
        found
    }

    /// The next time that its pattern names, on its zone's clock.
    fn next(&self, after: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&after, inclusive).ok()
    }

    /// Whether its zone's clock shows a time never or twice.
    fn is_doubtful(&self, at: DateTime) -> bool {
        !matches!(self.tz.to_ambiguous_timestamp(at).offset(), AmbiguousOffset::Unambiguous { .. })
    }

    /// The first time from one on and before another that its pattern names and its zone's clock shows never or twice: only what lies
    /// in between where the clock is set can be one.
    fn doubtful(&self, begin: DateTime, end: DateTime) -> Option<DateTime> {
        let from = self.tz.to_ambiguous_timestamp(begin).earlier().ok()?;
        for change in self.tz.following(from) {
            let at = change.timestamp();
            let before = self.tz.to_offset(at.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?);
            let (old, new) = (before.to_datetime(at), change.offset().to_datetime(at));
            let (start, stop) = (old.min(new), old.max(new).min(end));
            if start >= end {
                return None;
            }
            if let Some(time) = self.next(start, true).filter(|time| *time < stop) {
                return Some(time);
            }
        }
        None
    }

    /// Whether it is a window of an environment.
    #[must_use]
    pub fn is_of(&self, environment: Environment) -> bool {
        self.environment.is_none_or(|own| own == environment)
    }
}

impl Calendar {
    /// What is open at a moment, or opens next, for an environment; `None` where nothing ever does.
    #[must_use]
    pub fn standing(&self, now: Wall, environment: Environment) -> Option<Standing> {
        let own = || self.windows.iter().filter(|window| window.is_of(environment));
        let mut open: Vec<Opening> =
            own().flat_map(|window| window.openings(now, now.plus(Duration::from_nanos(1)))).collect();
        open.sort_by_key(|opening| opening.until);
        let others = open.len().saturating_sub(1);
        if let Some(first) = open.into_iter().next() {
            return Some(Standing::Open(first, others));
        }
        own().filter_map(|window| window.first_after(now)).min_by_key(|opening| opening.from).map(Standing::Next)
    }

    /// Every opening for an environment in a stretch of time, in the order of their beginnings.
    #[must_use]
    pub fn agenda(&self, from: Wall, until: Wall, environment: Environment) -> Vec<Opening> {
        let own = self.windows.iter().filter(|window| window.is_of(environment));
        let mut all: Vec<Opening> = own.flat_map(|window| window.openings(from, until)).collect();
        all.sort_by(|a, b| (a.from, &a.window).cmp(&(b.from, &b.window)));
        all
    }
}

impl Window {
    /// Its first opening that begins after a moment.
    #[must_use]
    pub fn first_after(&self, now: Wall) -> Option<Opening> {
        let at = now.0.to_zoned(self.tz.clone()).datetime();
        let next = self.next(at, false)?;
        let from = Wall(self.tz.to_ambiguous_timestamp(next).later().ok()?);
        let within = Duration::from_secs(u64::try_from(HORIZON_DAYS).unwrap_or(0) * 86_400);
        (from.since(now) <= within).then(|| Opening { window: self.name.clone(), from, until: from.plus(self.lasts) })
    }
}

#[cfg(test)]
mod tests;
