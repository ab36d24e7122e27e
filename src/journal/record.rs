//! One line of a journal.
//!
//! ```text
//! {"v":1,"seq":7,"run":"01J…","kind":"step.intent","wall":"…","boot":…,"actor":{…},"body":{…},"prev":"…","h":"…"}
//! ```
//!
//! `h` is the SHA-256 of the 64 digits of `prev` followed by the exact bytes of the line before `,"h":`, so that
//! `printf '%s' "$prev$line_up_to_h" | sha256sum` proves a line without Midwatch.

mod event;
mod outcome;
mod prompt;

pub use event::Event;
pub use outcome::{Ending, LogEnd, Outcome};
pub use prompt::{About, Answer, Ask, Choice, Closed, Covered, Lapsed, consequences};

use crate::domain::quantity::count;
use crate::domain::reference;
use crate::domain::{Actor, Boot, Digest, EffectClass, Listing, RunId, RunStatus, Verb, Wall};
use crate::journal::terms::Timing;
use serde::{Deserialize, Serialize};

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// The largest line in bytes: enough for a run of some thousand steps. Larger data is in files named by their digest.
pub const LARGEST_RECORD: usize = 1 << 20;

/// One record as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// The run it belongs to.
    pub run: RunId,
    /// When, for people.
    pub wall: Wall,
    /// When, for measuring within one boot.
    pub boot: Boot,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
    /// The digest of the record before it.
    pub prev: Digest,
    /// Its own digest.
    pub h: Digest,
}

/// A step as a run was created with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepHead {
    /// Its phase.
    pub phase: String,
    /// Its title.
    pub title: String,
    /// Its verb.
    pub verb: Verb,
    /// Its effect class.
    pub effect: EffectClass,
    /// How long it should take, in seconds, where declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_s: Option<u64>,
    /// The undo, in words; empty where there is nothing to undo.
    #[serde(rename = "way_back", default, skip_serializing_if = "String::is_empty")]
    pub undo: String,
    /// Whether `undo` names an undo that the runner can run.
    #[serde(default)]
    pub can_undo: bool,
    /// What shall be done or looked at, in a line or more; a record of an older version has it of a checklist's items alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whether only evidence lets a checklist go on past it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hard: bool,
    /// Whether a sign-off needs a note.
    #[serde(default, skip_serializing_if = "is_false")]
    pub note_required: bool,
    /// Whether its act needs a second person's approval beside the confirmation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub four_eyes: bool,
    /// The name under which the facts that it reads are saved in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
    /// The included procedure that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Timing::is_unset")]
    pub timing: Timing,
    /// The steps, from 0, whose undo it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_of: Vec<u32>,
    /// Whether it is taken in every ending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub always: bool,
    /// The condition under which it is taken, as its author would write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What a `wait` waits for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How long a `wait` may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// The complete text that it runs; left out where all the texts of a plan are too large for one record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
}

impl StepHead {
    /// The same with the references that were open when the run was created shown by their names.
    #[must_use]
    pub fn shown(self) -> Self {
        Self {
            title: reference::show(&self.title),
            undo: reference::show(&self.undo),
            what: reference::show(&self.what),
            why: reference::show(&self.why),
            when: self.when.as_deref().map(reference::show),
            until: self.until.as_deref().map(reference::show),
            ..self
        }
    }

    /// A step with defaults for everything else.
    #[must_use]
    pub fn new(phase: &str, title: &str, verb: Verb, effect: EffectClass) -> Self {
        Self {
            phase: phase.to_owned(),
            title: title.to_owned(),
            verb,
            effect,
            takes_s: None,
            undo: String::new(),
            can_undo: false,
            what: String::new(),
            why: String::new(),
            hard: false,
            note_required: false,
            four_eyes: false,
            save: None,
            part: None,
            timing: Timing::default(),
            undo_of: Vec::new(),
            always: false,
            when: None,
            until: None,
            timeout_s: None,
            listing: None,
        }
    }
}

/// How a run is undone, as it was created with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackHead {
    /// The earliest phase whose steps are undone, itself included; all phases where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The checks, from 0, that are made again after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prove: Vec<u32>,
    /// How long it may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
}

/// What became of the undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// How many steps were undone by then.
    pub undone: u32,
    /// How many needed an undo and have none.
    pub left: u32,
    /// Whether the checks after it passed; none where no check was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<bool>,
}

impl WentBack {
    /// In words: `rolled back, proved`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match (self.left, self.proved) {
            (1.., _) => "rolled back in part",
            (0, Some(true)) => "rolled back, proved",
            (0, Some(false)) => "rolled back, not proved",
            (0, None) => "rolled back",
        }
    }

    /// What it lacks; none where all of it was undone and no check failed.
    #[must_use]
    pub fn lacks(self) -> Option<&'static str> {
        match (self.left, self.proved) {
            (1.., _) => Some("in part"),
            (0, Some(false)) => Some("not proved"),
            (0, _) => None,
        }
    }
}

/// What an `ok` does not rest on: steps that ended without evidence of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caveats {
    /// How many steps with an unknown outcome a person called done.
    pub settled_by_hand: u32,
    /// How many steps were skipped.
    pub skipped: u32,
}

impl Caveats {
    /// In words, one for each kind there is: `1 settled by hand`, `3 skipped`.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        let kinds = [(self.settled_by_hand, "settled by hand"), (self.skipped, "skipped")];
        let there = kinds.into_iter().filter(|(number, _)| *number > 0);
        there.map(|(number, word)| format!("{} {word}", count(number.into()))).collect()
    }
}

/// How a run that is over ended: `failed, rolled back`, `ok, 1 settled by hand`.
#[must_use]
pub fn ended(status: RunStatus, back: Option<WentBack>, caveats: Caveats) -> String {
    let mut parts = vec![status.word().to_owned()];
    parts.extend(back.filter(|_| status.is_over()).map(|back| back.words().to_owned()));
    if status == RunStatus::Ok {
        parts.extend(caveats.words());
    }
    parts.join(", ")
}

fn is_false(flag: &bool) -> bool {
    !flag
}
