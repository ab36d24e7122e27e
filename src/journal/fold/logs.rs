//! The logs of a step: one for each attempt at it and at its undo.

use crate::journal::fold::{Act, StepView};

/// The log of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLog {
    /// Which way it went.
    pub act: Act,
    /// Its number, from 1, among those that went this way.
    pub attempt: u32,
    /// Its file below `logs/`.
    pub file: String,
}

impl StepView {
    /// The newest attempt's log below `logs/`.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        self.logs.last().map(|log| log.file.as_str())
    }
}
