//! Whether a change needs a window where its procedure names none: `[rules.ENVIRONMENT]` of `windows.toml`.

use crate::calendar::Calendar;
use crate::config::estate::Environment;
use crate::config::reader::{Place, Problems, Table, nearest};

/// When a change of a procedure without its own `window` may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// While any window of the environment is open.
    Window,
    /// At any time.
    Anytime,
}

/// The rule of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The environment.
    pub environment: Environment,
    /// What holds for every procedure that is no exception.
    pub default: Allowed,
    /// The ids of the procedures that may change something at any time, each with its place in the file.
    pub anytime: Vec<(Place, String)>,
}

impl Allowed {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Window, Self::Anytime];

    /// The word for it in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Anytime => "anytime",
        }
    }

    /// What holds in an environment for which the file says nothing.
    #[must_use]
    pub fn default_of(environment: Environment) -> Self {
        if environment == Environment::Production { Self::Window } else { Self::Anytime }
    }
}

impl Calendar {
    /// What holds in an environment for procedures that are no exception.
    #[must_use]
    pub fn default_of(&self, environment: Environment) -> Allowed {
        self.rule(environment).map_or_else(|| Allowed::default_of(environment), |rule| rule.default)
    }

    /// The procedures that may change something in an environment at any time.
    #[must_use]
    pub fn exceptions_of(&self, environment: Environment) -> &[(Place, String)] {
        self.rule(environment).map_or(&[], |rule| &rule.anytime)
    }

    /// Whether a procedure that names no window needs one to change something.
    #[must_use]
    pub fn demands_window(&self, environment: Environment, procedure: &str) -> bool {
        let excepted = self.exceptions_of(environment).iter().any(|(_, id)| id == procedure);
        self.default_of(environment) == Allowed::Window && !excepted
    }

    /// Says which exceptions name a procedure that does not exist; `whereabouts` knows more of some of them.
    pub fn check_exceptions<'a>(
        &self,
        known: &(impl Iterator<Item = &'a str> + Clone),
        whereabouts: impl Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) {
        for (at, id) in self.rules.iter().flat_map(|rule| &rule.anytime) {
            if known.clone().any(|known| known == id) {
                continue;
            }
            let message = format!("there is no procedure `{}`", id.escape_debug());
            let near = || nearest(id, known.clone()).map(|near| format!("did you mean `{near}`?"));
            match whereabouts(id).or_else(near) {
                Some(hint) => problems.add_with_hint(*at, message, hint),
                None => problems.add(*at, message),
            }
        }
    }

    fn rule(&self, environment: Environment) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.environment == environment)
    }
}

/// Takes `rules` out of the top of the file.
pub(super) fn read(root: &mut Table, problems: &mut Problems) -> Vec<Rule> {
    let Some(mut rules) = root.table("rules", problems) else { return Vec::new() };
    let of = |(key, environment): (&'static str, Environment)| {
        let mut table = rules.table(key, problems)?;
        let read = |word: &str| Allowed::ALL.into_iter().find(|allowed| allowed.word() == word);
        let default = table.parsed("default", "window or anytime", problems, read);
        let anytime = table.texts("anytime", problems).unwrap_or_default();
        table.finish(problems);
        Some(Rule { environment, default: default.unwrap_or_else(|| Allowed::default_of(environment)), anytime })
    };
    let keys =
        [("production", Environment::Production), ("staging", Environment::Staging), ("other", Environment::Other)];
    let found: Vec<Rule> = keys.into_iter().filter_map(of).collect();
    rules.finish(problems);
    found
}
