//! Which windows allow a procedure, and their state for it.

use crate::calendar::{Calendar, Opening, Standing, Window};
use crate::config::estate::Environment;
use crate::config::reader::nearest;
use crate::domain::Wall;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The window that a procedure needs: one by its name, any that allows an operation, or any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowUse {
    /// Any window of the environment: what a procedure needs that names none, where the rule of the environment demands one.
    Any,
    /// The window of this name.
    Named(String),
    /// Any window of the environment that allows the operation.
    Operation {
        /// The environment; the estate's own where it is not set.
        environment: Option<String>,
        /// One of a window's `operations`.
        operation: String,
    },
}

impl WindowUse {
    /// `weekly`, `any window for security_patches`, or `any window`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Any => "any window".to_owned(),
            Self::Named(name) => name.clone(),
            Self::Operation { operation, .. } => format!("any window for {operation}"),
        }
    }
}

/// Why no window can ever allow a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoWindow {
    /// What is wrong, in a sentence.
    pub why: String,
    /// The way on.
    pub hint: String,
}

impl Window {
    /// Whether it allows what a procedure wants, in an environment.
    #[must_use]
    pub fn allows(&self, wanted: &WindowUse, environment: Environment) -> bool {
        let of_it = self.environment.is_none_or(|own| own == environment);
        of_it
            && match wanted {
                WindowUse::Any => true,
                WindowUse::Named(name) => self.name == *name,
                WindowUse::Operation { operation, .. } => self.is_for(operation),
            }
    }

    /// Whether an operation may happen in it; any may where it names none.
    #[must_use]
    pub fn is_for(&self, operation: &str) -> bool {
        self.operations.is_empty() || self.operations.iter().any(|own| own == operation)
    }
}

impl Calendar {
    /// The windows that allow a procedure in an environment, in the order of the file.
    pub fn allowing(&self, wanted: &WindowUse, environment: Environment) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |window| window.allows(wanted, environment))
    }

    /// Of the windows that allow a procedure: the open one that ends last, and how many others are open, or else the one
    /// that opens next; `None` where none ever does.
    #[must_use]
    pub fn standing_for(&self, wanted: &WindowUse, environment: Environment, now: Wall) -> Option<Standing> {
        let moment = now.plus(Duration::from_nanos(1));
        let mut open: Vec<Opening> =
            self.allowing(wanted, environment).flat_map(|window| window.openings(now, moment)).collect();
        open.sort_by_key(|opening| opening.until);
        if let Some(last) = open.pop() {
            return Some(Standing::Open(last, open.len()));
        }
        self.first_after(wanted, environment, now).map(Standing::Next)
    }

    /// The next opening that begins after a moment.
    #[must_use]
    pub fn first_after(&self, wanted: &WindowUse, environment: Environment, now: Wall) -> Option<Opening> {
        let next = self.allowing(wanted, environment).filter_map(|window| window.first_after(now));
        next.min_by_key(|opening| opening.from)
    }

    /// Why no window can ever allow a procedure; `None` where one can.
    #[must_use]
    pub fn refuses(&self, wanted: &WindowUse, environment: Environment) -> Option<NoWindow> {
        if self.allowing(wanted, environment).next().is_some() {
            return None;
        }
        if *wanted == WindowUse::Any {
            return Some(no_window_of(environment));
        }
        if self.windows.is_empty() {
            let why = format!("no window is known, and this belongs in {}", wanted.words());
            return Some(NoWindow { why, hint: "write [[window]] in windows.toml beside the estate file".to_owned() });
        }
        let shown = |text: &str| text.escape_debug().to_string();
        let own = self.windows.iter().filter(|window| window.environment.is_none_or(|of| of == environment));
        Some(match wanted {
            WindowUse::Any => no_window_of(environment),
            WindowUse::Named(name) => {
                if let Some(window) = self.windows.iter().find(|window| window.name == *name) {
                    let of = window.environment.map_or("any", Environment::word);
                    let why = format!("the window `{}` is for {of}, and this estate is {environment}", shown(name));
                    return Some(NoWindow { why, hint: known(own.map(|window| window.name.as_str()), name) });
                }
                let why = format!("there is no window `{}`", shown(name));
                NoWindow { why, hint: known(own.map(|window| window.name.as_str()), name) }
            }
            WindowUse::Operation { operation, .. } => {
                let words = own.flat_map(|window| window.operations.iter().map(String::as_str));
                let why = format!("no window of {environment} is for the operation `{}`", shown(operation));
                NoWindow { why, hint: known(words, operation) }
            }
        })
    }
}

/// Why a change is refused in an environment whose rule demands a window, and which has none.
fn no_window_of(environment: Environment) -> NoWindow {
    let why = format!("a change in {environment} needs an open maintenance window, and {environment} has no window");
    let hint = format!(
        "write [[window]] in windows.toml beside the estate file, or [rules.{environment}] with default = \"anytime\", \
         or anytime = [\"ID\"] for this procedure alone"
    );
    NoWindow { why, hint }
}

/// The nearest of the known words, else all of them.
fn known<'a>(words: impl Iterator<Item = &'a str>, given: &str) -> String {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    match nearest(given, words.iter().copied()) {
        Some(near) if near != given => format!("did you mean `{near}`?"),
        _ if words.is_empty() => "windows.toml has none for this environment".to_owned(),
        _ => format!("windows.toml has {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn at(text: &str) -> Wall {
        Wall(text.parse().unwrap())
    }

    fn calendar() -> Calendar {
        let text = r#"schema = 1
[[window]]
name = "weekly"
environment = "production"
starts = "0 2 * * SUN"
lasts = "2h"
operations = ["security_patches", "vacuum"]
[[window]]
name = "monthly"
environment = "production"
starts = "0 1 * * SUN#1"
lasts = "5h"
operations = ["security_patches", "upgrade"]
[[window]]
name = "staging"
environment = "staging"
starts = "0 22 * * *"
lasts = "2h"
"#;
        crate::calendar::parse(text, Path::new("windows.toml")).unwrap()
    }

    fn named(name: &str) -> WindowUse {
        WindowUse::Named(name.to_owned())
    }

    fn operation(word: &str) -> WindowUse {
        WindowUse::Operation { environment: None, operation: word.to_owned() }
    }

    #[test]
    fn the_open_window_with_the_most_time_left_counts() {
        let calendar = calendar();
        let stored = |wanted: &WindowUse, now: &str, of| match calendar.standing_for(wanted, of, at(now)) {
            Some(Standing::Open(open, others)) => {
                format!("open {} until {} +{others}", open.window, open.until.clock())
            }
            Some(Standing::Next(next)) => format!("next {} at {}", next.window, next.from.minute()),
            None => "never".to_owned(),
        };
        let production = Environment::Production;
        // The first Sunday of a month holds both.
        let both = "2026-12-06T02:30:00Z";
        assert_eq!(stored(&operation("security_patches"), both, production), "open monthly until 06:00:00 +1");
        assert_eq!(stored(&operation("vacuum"), both, production), "open weekly until 04:00:00 +0");
        assert_eq!(stored(&named("weekly"), both, production), "open weekly until 04:00:00 +0");
        assert_eq!(stored(&named("weekly"), "2026-12-06T04:00:00Z", production), "next weekly at 2026-12-13 02:00");
        let soon = stored(&operation("upgrade"), "2026-12-06T06:00:00Z", production);
        assert_eq!(soon, "next monthly at 2027-01-03 01:00");
        // A window without operations is for any, but only of its environment.
        assert_eq!(
            stored(&operation("vacuum"), "2026-12-06T22:10:00Z", Environment::Staging),
            "open staging until 00:00:00 +0"
        );
        assert_eq!(stored(&named("weekly"), both, Environment::Staging), "never");
    }

    #[test]
    fn what_no_window_can_allow_says_why_and_what_there_is() {
        let calendar = calendar();
        let describe =
            |wanted: &WindowUse, of| calendar.refuses(wanted, of).map(|no| format!("{} ({})", no.why, no.hint));
        let production = Environment::Production;
        assert_eq!(describe(&named("weekly"), production), None);
        assert_eq!(describe(&operation("upgrade"), production), None);
        let cases = [
            (named("weakly"), "there is no window `weakly` (did you mean `weekly`?)"),
            (named("zzz"), "there is no window `zzz` (windows.toml has monthly, weekly)"),
            (
                named("staging"),
                "the window `staging` is for staging, and this estate is production (windows.toml has monthly, weekly)",
            ),
            (operation("vacum"), "no window of production is for the operation `vacum` (did you mean `vacuum`?)"),
        ];
        for (wanted, expected) in cases {
            assert_eq!(describe(&wanted, production).as_deref(), Some(expected));
        }
        let none = Calendar::default().refuses(&named("weekly"), production).unwrap();
        assert_eq!(none.why, "no window is known, and this belongs in weekly");
    }
}
