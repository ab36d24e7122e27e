//! What goes over a run's control socket: one JSON object a line, one request a connection.

use crate::domain::{Boot, Digest, PromptId, RunId};
use crate::journal::item::ItemAction;
use crate::journal::record::Answer;
use crate::probes::clock;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// How long it counts. Without it, it counts as long as its client holds the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
}

/// The moment from which a request counts no more: the client has given it up by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The boot that the moment is of.
    pub boot_id: String,
    /// The moment.
    pub boot: Boot,
}

impl Until {
    /// The moment that is `span` from now; `None` where the kernel does not name its boot.
    #[must_use]
    pub fn after(span: Duration) -> Option<Self> {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let boot = Boot(clock::boot().0.saturating_add(nanos));
        Some(Self { boot_id: clock::boot_id(), boot }).filter(|until| !until.boot_id.is_empty())
    }

    /// Whether the moment has passed. One of another boot has.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.boot_id != clock::boot_id() || clock::boot() >= self.boot
    }
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
        /// Whether to undo what was done.
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
