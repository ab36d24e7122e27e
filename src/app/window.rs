//! The open or the next window, and the time left.

use crate::calendar::{Calendar, Opening, Standing};
use crate::config::estate::Environment;
use crate::domain::{Fact, Observation, Rows, TargetKind, Verdict, Wall, quantity};
use std::time::Duration;

/// From so little time left on, the end of a window is a warning.
const SHORT: Duration = Duration::from_secs(15 * 60);

/// Keeps how the calendar stands; it is asked again only when an opening begins or ends.
#[derive(Clone, Debug, Default)]
pub struct WindowWatch {
    calendar: Calendar,
    environment: Option<Environment>,
    standing: Option<Standing>,
    looked: Option<Wall>,
}

/// What is shown of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowShown {
    /// Its name.
    pub name: String,
    /// From when to when, UTC: `02:00–04:00`; with the day where it does not open today.
    pub span: String,
    /// When it ends, UTC, with the day where that is another one than that on which it opens.
    pub ends: String,
    /// The time left until it ends, or until it opens: `1 h 12 m left`, `opens in 3 d`.
    pub left: String,
    /// The same as a span of whole minutes.
    pub time: Duration,
    /// How much of it is gone, from 0 to 1; `None` while it is not open.
    pub gone: Option<f64>,
    /// Whether it ends soon.
    pub short: bool,
}

impl WindowWatch {
    /// A watch on the windows of an environment.
    #[must_use]
    pub fn new(calendar: Calendar, environment: Option<Environment>, now: Wall) -> Self {
        let mut watch = Self { calendar, environment, ..Self::default() };
        watch.tick(now);
        watch
    }

    /// Takes note of the time.
    pub fn tick(&mut self, now: Wall) {
        let Some(environment) = self.environment else { return };
        let holds = match &self.standing {
            Some(Standing::Open(open, _)) => open.holds(now),
            Some(Standing::Next(next)) => now < next.from,
            None => self.looked.is_some(),
        };
        if !holds || self.looked.is_some_and(|looked| now < looked) {
            self.standing = self.calendar.standing(now, environment);
        }
        self.looked = Some(now);
    }

    /// The open window, or else the next.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        match self.standing.as_ref()? {
            Standing::Open(opening, _) | Standing::Next(opening) => Some(opening),
        }
    }

    /// That no window is open or to come, for production, whose changes need one.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        let environment = self.environment.filter(|own| *own == Environment::Production)?;
        let is_defined = self.calendar.windows.iter().any(|window| window.is_of(environment));
        match self.standing {
            Some(_) => None,
            None if is_defined => Some("no window to come"),
            None => Some("no window defined"),
        }
    }

    /// Rows with a warning on each mount that is full before the open window ends.
    #[must_use]
    pub fn judged(&self, mut rows: Rows, now: Wall) -> Rows {
        let Some(open) = self.opening().filter(|opening| opening.holds(now)) else { return rows };
        let mounts = rows.rows.iter_mut().filter(|row| row.kind == TargetKind::Mount);
        for seen in mounts.filter_map(|row| row.observation.as_mut()) {
            if full_in(seen).is_some_and(|time| time < open.until.since(seen.observed_at)) {
                seen.verdict = seen.verdict.worse(Verdict::Warn);
                seen.detail.push_str(", in this window");
            }
        }
        rows
    }

    /// What to show at a moment; `None` where no window is known.
    #[must_use]
    pub fn shown(&self, now: Wall) -> Option<WindowShown> {
        let opening = self.opening()?;
        let open = opening.holds(now);
        let left = opening.until.since(now);
        let (from, until) = (opening.from.minute(), opening.until.minute());
        let day = |minute: &str| minute.get(..10).unwrap_or_default().to_owned();
        let time = |minute: &str| minute.get(11..).unwrap_or_default().to_owned();
        let today = day(&from) == now.date();
        let begins = if today { time(&from) } else { from.clone() };
        let ends = if day(&from) == day(&until) { time(&until) } else { until.clone() };
        Some(WindowShown {
            name: opening.window.clone(),
            span: format!("{begins}–{ends}"),
            ends,
            time: whole_minutes(if open { left } else { opening.from.since(now) }),
            left: if open {
                format!("{} left", quantity::left(left))
            } else {
                format!("opens in {}", quantity::left(opening.from.since(now)))
            },
            gone: open.then(|| opening.gone(now)),
            short: open && left < SHORT,
        })
    }
}

/// A span in whole minutes, rounded down as [`quantity::left`] says it.
fn whole_minutes(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() / 60 * 60)
}

/// When a mount will be full, where its probe foresees it.
fn full_in(seen: &Observation) -> Option<Duration> {
    match seen.facts.get("full_in_s") {
        Some(Fact::Int(seconds)) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn at(text: &str) -> Wall {
        Wall(text.parse().unwrap())
    }

    #[test]
    fn the_header_counts_down_and_goes_on_to_the_next() {
        let text = "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\n";
        let calendar = crate::calendar::parse(text, Path::new("windows.toml")).unwrap();
        let mut watch = WindowWatch::new(calendar, Some(Environment::Production), at("2026-11-22T02:47:31Z"));
        let mut describe = |now: &str| {
            watch.tick(at(now));
            let shown = watch.shown(at(now)).unwrap();
            (shown.span.clone(), shown.left.clone(), shown.gone.is_some(), shown.short)
        };
        let cases = [
            ("2026-11-22T02:47:31Z", "02:00–04:00", "1 h 12 m left", true, false),
            ("2026-11-22T03:45:01Z", "02:00–04:00", "14 m left", true, true),
            ("2026-11-22T03:59:59Z", "02:00–04:00", "less than 1 m left", true, true),
            ("2026-11-22T04:00:00Z", "2026-11-29 02:00–04:00", "opens in 6 d 22 h", false, false),
            ("2026-11-29T01:59:00Z", "02:00–04:00", "opens in 1 m", false, false),
            ("2026-11-29T02:00:00Z", "02:00–04:00", "2 h left", true, false),
            // The clock was set back.
            ("2026-11-22T02:00:00Z", "02:00–04:00", "2 h left", true, false),
        ];
        for (now, span, left, open, short) in cases {
            assert_eq!(describe(now), (span.to_owned(), left.to_owned(), open, short), "{now}");
        }
    }

    #[test]
    fn a_mount_that_fills_in_the_open_window_is_a_warning() {
        use crate::domain::Row;
        let text = "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\n";
        let calendar = crate::calendar::parse(text, Path::new("windows.toml")).unwrap();
        let judged = |now: &str, kind, full: i64| {
            let watch = WindowWatch::new(calendar.clone(), Some(Environment::Production), at(now));
            let mut row = Row::unread(kind, "/srv".to_owned(), "statvfs".to_owned(), Duration::from_secs(10));
            row.saw(Observation {
                verdict: Verdict::Ok,
                detail: "32 % · full in 1 h".to_owned(),
                facts: std::collections::BTreeMap::from([("full_in_s", Fact::Int(full))]),
                observed_at: at(now),
                trend: None,
            });
            let rows = Rows { kind, target: "/srv".to_owned(), rows: vec![row] };
            let seen = watch.judged(rows, at(now)).rows.remove(0).observation.unwrap();
            (seen.verdict, seen.detail.ends_with(", in this window"))
        };
        let open = "2026-11-22T02:30:00Z";
        assert_eq!(judged(open, TargetKind::Mount, 5399), (Verdict::Warn, true));
        assert_eq!(judged(open, TargetKind::Mount, 5400), (Verdict::Ok, false));
        assert_eq!(judged(open, TargetKind::Service, 60), (Verdict::Ok, false));
        assert_eq!(judged("2026-11-22T01:30:00Z", TargetKind::Mount, 3600), (Verdict::Ok, false));
    }

    #[test]
    fn without_windows_nothing_is_shown() {
        let watch = WindowWatch::new(Calendar::default(), Some(Environment::Other), at("2026-11-22T02:47:31Z"));
        assert_eq!((watch.shown(at("2026-11-22T02:47:31Z")), watch.missing()), (None, None));
    }

    #[test]
    fn production_without_a_window_says_so() {
        let missing = |text: &str, environment| {
            let calendar = crate::calendar::parse(text, Path::new("windows.toml")).unwrap();
            WindowWatch::new(calendar, Some(environment), at("2026-11-22T02:47:31Z")).missing()
        };
        let staging = "schema = 1\n[[window]]\nname = \"w\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\nenvironment = \"staging\"\n";
        assert_eq!(missing(staging, Environment::Production), Some("no window defined"));
        assert_eq!(missing("schema = 1\n", Environment::Production), Some("no window defined"));
        assert_eq!(missing("schema = 1\n", Environment::Staging), None);
        assert_eq!(missing(&staging.replace("staging", "production"), Environment::Production), None);
    }
}
