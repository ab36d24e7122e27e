//! What a person may do with one item of a checklist; asked by the console, by the runner and by the tests alike.

use crate::domain::{Actor, Verb};
use crate::journal::approval::is_another;
use crate::journal::fold::{ItemState, ItemView};
use serde::{Deserialize, Serialize};

/// What a person wants with one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case", deny_unknown_fields)]
pub enum ItemAction {
    /// Close it with evidence: its check or read is made now, its act begins and asks, its notice is given.
    Close,
    /// Close it by hand, with a note; it is a claim.
    Hand {
        /// The note; may be empty only where a sign-off needs none.
        note: String,
    },
    /// Skip it.
    Skip {
        /// Why.
        reason: String,
    },
    /// Go on past a hard gate that did not pass; for another person than the starter.
    Override {
        /// Why.
        reason: String,
    },
    /// Open again what was closed by hand or skipped.
    Reopen {
        /// Why.
        reason: String,
    },
}

impl ItemAction {
    /// The one word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Hand { .. } => "hand",
            Self::Skip { .. } => "skip",
            Self::Override { .. } => "override",
            Self::Reopen { .. } => "reopen",
        }
    }
}

/// Whether an item can take this now.
///
/// # Errors
/// Why it cannot, in a sentence.
pub fn fits(item: &ItemView, action: &ItemAction) -> Result<(), String> {
    if let ItemAction::Reopen { reason } = action {
        return match item.state {
            ItemState::Claim | ItemState::Skipped | ItemState::Overridden => {
                require(!reason.trim().is_empty(), "to open it again needs a reason")
            }
            state => {
                Err(format!("it is {}: only a claim, or what was skipped or overridden, is opened again", state.word()))
            }
        };
    }
    match item.state {
        ItemState::Open => {}
        ItemState::SecondPerson if *action == ItemAction::Close => return Ok(()),
        ItemState::Later => return Err(format!("the phase {} is not open yet", item.phase)),
        ItemState::SecondPerson => {
            return Err("it waits for a second person: only an approval closes it".to_owned());
        }
        ItemState::AtWork => return Err("it is at work, or asks already".to_owned()),
        ItemState::Unknown => return Err("its outcome is unknown and must be settled first".to_owned()),
        state => {
            let by = item.by.as_ref().map_or_else(String::new, |by| format!(", by {}", by.name));
            return Err(format!("it is closed already: {}{by}", state.word()));
        }
    }
    match action {
        ItemAction::Close => {
            require(item.verb != Verb::Manual, "nothing but a person can vouch for it: close it by hand")
        }
        ItemAction::Hand { .. } if item.verb == Verb::Notify => {
            Err("a notice is given, not claimed: close it, or skip it with a reason".to_owned())
        }
        ItemAction::Override { .. } if !item.hard => {
            Err("it is no hard gate: close it by hand, or skip it with a reason".to_owned())
        }
        ItemAction::Override { .. } if item.passed != Some(false) => {
            Err("it was not looked at yet: only a gate that did not pass is overridden".to_owned())
        }
        ItemAction::Override { reason } => require(!reason.trim().is_empty(), "to override it needs a reason"),
        _ if item.hard => Err(HARD.to_owned()),
        ItemAction::Hand { note } => {
            let may_be_bare = item.verb == Verb::Manual && !item.note_required;
            require(may_be_bare || !note.trim().is_empty(), "to close it by hand needs a note")
        }
        ItemAction::Skip { reason } => require(!reason.trim().is_empty(), "to skip it needs a reason"),
        ItemAction::Reopen { .. } => Ok(()),
    }
}

/// What closes a hard gate.
pub const HARD: &str = "it is a hard gate: only evidence closes it, or another person than the starter overrides it";

/// Whether this very person may do this: no starter overrides a gate.
///
/// # Errors
/// Why not, in a sentence.
pub fn may_do(starter: &Actor, by: &Actor, action: &ItemAction) -> Result<(), String> {
    match action {
        ItemAction::Override { .. } => is_another(by, starter, "started the run"),
        _ => Ok(()),
    }
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
