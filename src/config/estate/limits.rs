//! From where on a share is a warning, and from where on it is critical.

use crate::domain::{Fact, Verdict};

/// From where on a used share is worth a warning, and from where on it is critical; ratios from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From this share on: warn.
    pub warn: f64,
    /// From this share on: critical.
    pub critical: f64,
}

impl Limits {
    /// Those of a mount that has none of its own: 80 % and 90 %.
    pub const DISK: Self = Self { warn: 0.8, critical: 0.9 };

    /// Those of the places for clients of a server: 80 % and 95 %. The first that is refused may be the one that would mend it.
    pub const CONNECTIONS: Self = Self { warn: 0.8, critical: 0.95 };

    /// The limits as facts; one that is never reached is none.
    pub fn facts(self) -> impl Iterator<Item = (&'static str, Fact)> {
        let limits = [("warn_ratio", self.warn), ("critical_ratio", self.critical)];
        limits.into_iter().filter(|(_, limit)| limit.is_finite()).map(|(name, limit)| (name, Fact::Real(limit)))
    }

    /// The verdict of a share; a share that is no number is unknown.
    #[must_use]
    pub fn judge(self, share: f64) -> Verdict {
        if share.is_nan() {
            Verdict::Unknown
        } else if share >= self.critical {
            Verdict::Critical
        } else if share >= self.warn {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }
}

/// Limits for targets without limits of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Used space and used inodes of a mount.
    pub disk: Limits,
    /// The busy share of the host's processors; `None` means that it is shown and not judged.
    pub cpu: Option<Limits>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { disk: Limits::DISK, cpu: None }
    }
}
