//! Why a reading brought nothing, and what that proves of its target.

use crate::domain::error::system_text;
use std::fmt;

/// Why a target could not be read.
///
/// The error's type alone, never its words, distinguishes a target that is down from one that is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It does not serve: it refuses or resets the connection, its socket does not exist, or it says itself that it takes none.
    Down(String),
    /// What the estate names does not exist: a mount, a directory, a bucket, a database.
    Missing(String),
    /// How it is remains unknown: no answer in time, a name that does not resolve, no route, no right, or a failure of our own.
    Unread(String),
}

impl Loss {
    /// The target does not serve.
    pub fn down(why: impl fmt::Display) -> Self {
        Self::Down(system_text(why))
    }

    /// The same, with what was tried before the reason.
    #[must_use]
    pub fn of(self, what: &str) -> Self {
        let with = |why: String| format!("{what}: {why}");
        match self {
            Self::Down(why) => Self::Down(with(why)),
            Self::Missing(why) => Self::Missing(with(why)),
            Self::Unread(why) => Self::Unread(with(why)),
        }
    }

    /// What the estate names does not exist.
    pub fn missing(why: impl fmt::Display) -> Self {
        Self::Missing(system_text(why))
    }

    /// How the target is remains unknown.
    pub fn unread(why: impl fmt::Display) -> Self {
        Self::Unread(system_text(why))
    }

    /// The cause in a few words.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Down(why) | Self::Missing(why) | Self::Unread(why) => why,
        }
    }

    /// Whether it proves that the target does not serve.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        !matches!(self, Self::Unread(_))
    }

    /// What the row of the target says of it: `down: connection refused`.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Down(why) => format!("down: {why}"),
            Self::Missing(why) | Self::Unread(why) => why.clone(),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

impl From<String> for Loss {
    fn from(why: String) -> Self {
        Self::unread(why)
    }
}

impl From<&str> for Loss {
    fn from(why: &str) -> Self {
        Self::unread(why)
    }
}

impl From<Loss> for String {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Down(why) | Loss::Missing(why) | Loss::Unread(why) => why,
        }
    }
}
