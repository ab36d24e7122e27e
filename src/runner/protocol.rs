//! The protocol of a run's control socket: one JSON object per line, one request per connection.

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

/// A request, addressed to one run so that no other run can take it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version.
    pub v: u32,
    /// The run it is for.
    pub run: RunId,
    /// The demand.
    pub ask: Demand,
    /// Its origin: `console`, `run`, `abort`; a claim.
    pub through: String,
    /// Until when it is valid. Without it, it is valid while its client holds the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
}

/// The moment from which a request is no longer valid: by then the client has given it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The boot in which the moment is measured.
    pub boot_id: String,
    /// The moment.
    pub boot: Boot,
}

impl Until {
    /// The moment that is `span` from now; `None` if the kernel does not report the boot id.
    #[must_use]
    pub fn after(span: Duration) -> Option<Self> {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let boot = Boot(clock::boot().0.saturating_add(nanos));
        Some(Self { boot_id: clock::boot_id(), boot }).filter(|until| !until.boot_id.is_empty())
    }

    /// Whether the moment has passed. A moment of another boot has.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.boot_id != clock::boot_id() || clock::boot() >= self.boot
    }
}

/// What a client demands of a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Demand {
    /// Give an answer to a prompt.
    Answer {
        /// The prompt.
        prompt: PromptId,
        /// The record that opened the prompt, as it was shown.
        seq: u64,
        /// The digest of the set that was shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
        /// The answer.
        answer: Answer,
    },
    /// Record a note.
    Note {
        /// The step that it is about, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u32>,
        /// The text.
        text: String,
    },
    /// Do something with one item of a checklist.
    Item {
        /// The item's step, from 0.
        step: u32,
        /// The record that opened the item, as it was shown.
        seq: u64,
        /// The verb.
        #[serde(rename = "deed")]
        action: ItemAction,
    },
    /// Abort the run.
    Abort {
        /// Whether to undo what was done.
        undo: bool,
    },
}

/// The runner's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The demand was accepted.
    Accepted {
        /// The number of the record.
        seq: u64,
    },
    /// The demand was rejected.
    Rejected {
        /// Why, in a sentence.
        why: String,
    },
    /// The runner is busy: too many peers at that moment. Send it again.
    Busy,
}
