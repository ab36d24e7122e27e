//! Errors that say what was being done, to what, what happened, and what to try.

use std::fmt;

/// What kind of failure it was; the kind decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step of the run failed.
    StepFailed,
    /// The command line, the estate file or a procedure is wrong.
    Usage,
    /// Another run holds a lock.
    Locked,
    /// Policy says no: read-only, outside the window, over a limit, a second person needed.
    Refused,
    /// A step started and its outcome is not known.
    UnknownOutcome,
    /// A person stopped the run.
    Aborted,
    /// The journal could not be written.
    Journal,
    /// A person is needed and none is here.
    Waiting,
    /// A journal does not chain.
    Damaged,
    /// Anything else of the machine: a file, a socket, a process.
    Machine,
}

impl Kind {
    /// The process exit code: 1, 2, 6, 7, 8, 9, 74, 75, and 4 for a damaged journal.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::StepFailed | Self::Machine => 1,
            Self::Usage => 2,
            Self::Damaged => 4,
            Self::Locked => 6,
            Self::Refused => 7,
            Self::UnknownOutcome => 8,
            Self::Aborted => 9,
            Self::Journal => 74,
            Self::Waiting => 75,
        }
    }
}

/// One failure, told whole: `cannot DOING TARGET: WHAT`, then hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind it was.
    pub kind: Kind,
    /// What was being done, to what, and what happened: one sentence without a full stop.
    pub message: String,
    /// What to try, one sentence each.
    pub hints: Vec<String>,
}

impl Error {
    /// Makes an error of a kind with a sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Makes an error of the machine: "cannot `doing`: `cause`".
    pub fn machine(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::Machine, format!("cannot {doing}: {cause}"))
    }

    /// Adds something to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same failure as another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The result of anything that can fail.
pub type Result<T> = std::result::Result<T, Error>;
