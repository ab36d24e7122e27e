//! When the set of the open prompt was last read again and found unchanged.
//!
//! The time is in its own file beside the journal, which is replaced: as records, twice a minute while a run waits,
//! it would fill the journal without news. A set that differs closes the prompt, and that is a record.

use crate::config::plain;
use crate::domain::{PromptId, Wall};
use crate::runner::rundir::{RunDir, write_durably};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// The largest note in bytes.
const LARGEST: u64 = 1024;

#[derive(Serialize, Deserialize)]
struct Note {
    prompt: PromptId,
    at: Wall,
}

fn place(dir: &RunDir) -> PathBuf {
    dir.path.join("prompt.read")
}

/// Notes that the set of a prompt was read again and is unchanged.
///
/// # Errors
/// When it cannot be written; the prompt then looks as old as it was.
pub fn note(dir: &RunDir, prompt: &PromptId, at: Wall) -> io::Result<()> {
    write_durably(&place(dir), &serde_json::to_vec(&Note { prompt: prompt.clone(), at })?)
}

/// When the set of a prompt was last read again, if that was noted.
#[must_use]
pub fn last(dir: &RunDir, prompt: &PromptId) -> Option<Wall> {
    let note: Note = serde_json::from_slice(&plain::read(&place(dir), LARGEST).ok()?).ok()?;
    (note.prompt == *prompt).then_some(note.at)
}
