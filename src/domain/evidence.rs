//! The evidence of a checklist item, a check or a read.

use crate::domain::{Digest, Wall};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen, where, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was seen: `backup database (files /backups/*.dump)`, `run 01J…`, a command.
    pub source: String,
    /// When it was seen; of a probe, when the reading was made.
    pub seen: Wall,
    /// The facts by name, as text; a unit is part of the name. Outside bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// What a `read` saved in the run under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The step that read it, from 0.
    pub step: u32,
    /// Its line: the value of `{{name}}`.
    pub text: String,
    /// Its facts: the values of `{{name.fact}}`. Of those in `whole` only an excerpt.
    pub facts: BTreeMap<String, String>,
    /// Its facts that are too long for a journal, by their names.
    pub whole: BTreeMap<String, Whole>,
}

/// A value that is a file of its own beside the journal, named by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The digest of its bytes, which is the file's name.
    pub sha256: Digest,
    /// How many bytes it has.
    pub bytes: u64,
}
