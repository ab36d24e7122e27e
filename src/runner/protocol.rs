//! What goes over a run's control socket: one JSON object a line, one request a connection.

use crate::domain::{Digest, PromptId, RunId};
use crate::journal::item::ItemAction;
use crate::journal::record::Answer;
use serde::{Deserialize, Serialize};

/// The largest request in bytes, its newline included.
pub const LARGEST_REQUEST: usize = 64 << 10;

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// A request, addressed to one run so that it cannot count for another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version.
    pub v: u32,
    /// The run it is for.
    pub run: RunId,
    /// What it asks.
    pub ask: Demand,
    /// What it comes through: `console`, `run`, `abort`; a claim.
    pub through: String,
}

/// What is asked of a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Demand {
    /// Take this answer.
    Answer {
        /// The prompt it answers.
        prompt: PromptId,
        /// The record that opened the prompt, as it was shown.
        seq: u64,
        /// The digest of the set that was shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
        /// The answer.
        answer: Answer,
    },
    /// Write this down.
    Note {
        /// Beside which step, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u32>,
        /// What.
        text: String,
    },
    /// Do this with one item of a checklist.
    Item {
        /// The item's step, from 0.
        step: u32,
        /// The record that opened the item, as it was shown.
        seq: u64,
        /// What is wanted.
        #[serde(rename = "deed")]
        action: ItemAction,
    },
    /// Stop.
    Abort {
        /// Whether to take back what was done.
        undo: bool,
    },
}

/// The runner's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It counts; the record that says so.
    Accepted {
        /// The record's number.
        seq: u64,
    },
    /// It does not count.
    Rejected {
        /// Why, in a sentence.
        why: String,
    },
    /// Nobody listened: too many peers were heard at that moment. It can be sent again.
    Busy,
}
