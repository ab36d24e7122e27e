//! What this layer needs of the adapters, which are above it.

use crate::config::reader::{Place, Problems, Table};
use crate::domain::TargetKind;
use crate::procedure::plan::Action;

/// What an action is for; an adapter may refuse some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Acts, after a preview and a confirmation.
    Do,
    /// Fetches facts.
    Read,
    /// Reads and judges.
    Check,
    /// Asks, read-only, whether a step's effect is there.
    Prove,
    /// Takes a step back.
    Undo,
}

impl Purpose {
    /// Its key.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Read => "read",
            Self::Check => "check",
            Self::Prove => "prove",
            Self::Undo => "undo",
        }
    }
}

/// What surrounds an action.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The procedure's root, absolute.
    pub root: Option<String>,
    /// The place of the step's `limit`; an adapter without a countable set refuses it there.
    pub limit: Option<Place>,
    /// The step's `do`, for its `prove` and its `undo`.
    pub of: Option<Action>,
    /// Which target the step works on, where it says.
    pub on: Option<(Place, String)>,
}

/// That the estate has no target of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTarget {
    /// What is missing.
    pub why: String,
    /// The nearest name that exists, or all of them.
    pub hint: Option<String>,
}

/// The adapters of this program.
pub trait Adapters {
    /// Their keys.
    fn names(&self) -> &'static [&'static str];

    /// The estate's targets of a kind that a step can work on; `None` where there is no estate to know them from.
    fn targets(&self, kind: TargetKind) -> Option<Vec<String>>;

    /// The names of the estate's receivers of notices; `None` where there is no estate to know them from.
    fn receivers(&self) -> Option<Vec<String>> {
        None
    }

    /// Why a lock of this name is refused: it names a server that the estate does not have. `None` where no estate is known, and
    /// where a parameter decides the name.
    fn refuses_lock(&self, _name: &str) -> Option<NoTarget> {
        None
    }

    /// Why a probe of this kind and name is refused; `None` as for a lock.
    fn refuses_probe(&self, _kind: &str, _name: &str) -> Option<NoTarget> {
        None
    }

    /// Whether every value is a real one: a procedure is planned, not only read with samples for its parameters.
    fn plans(&self) -> bool {
        false
    }

    /// How long an action takes at least by what it says itself, in seconds; a step is not stopped before.
    fn least_s(&self, _action: &Action) -> u64 {
        0
    }

    /// Reads one action: finds the one adapter key, reads the keys beside it, refuses all others, and computes the least effect
    /// and line. Every mistake joins `problems`. Touches no file, no network and no process.
    fn parse(&self, purpose: Purpose, table: &mut Table, scope: &Scope, problems: &mut Problems) -> Option<Action>;
}
