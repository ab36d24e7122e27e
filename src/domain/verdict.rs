//! What an observation means.

use serde::{Deserialize, Serialize};

/// The judgement of one observation.
///
/// `Unknown` is never fine: an error, an empty answer, a missing command or a stale reading is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within its limits.
    Ok,
    /// Past its warning limit.
    Warn,
    /// Past its critical limit.
    Critical,
    /// Not known.
    Unknown,
}

impl Verdict {
    /// Every verdict, worst first, in the order of [`Verdict::rank`].
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::Unknown, Self::Warn, Self::Ok];

    /// How bad it is, for sorting and for the worst of many: critical > unknown > warn > ok.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warn => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        }
    }

    /// The worse of two.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// The exit code of `midwatch check`, after the monitoring-plugin convention: 0, 1, 2, 3.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warn => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}
