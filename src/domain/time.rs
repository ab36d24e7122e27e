//! Instants as values; nothing here reads a clock.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment on the wall clock, UTC; drawn for people, never used to measure a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub jiff::Timestamp);

impl Wall {
    /// The time from `earlier` to this moment; zero when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }

    /// This moment plus `span`; the last representable moment when that overflows.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.checked_add(span).unwrap_or(jiff::Timestamp::MAX))
    }

    /// `02:47:31`, UTC.
    #[must_use]
    pub fn clock(self) -> String {
        self.0.strftime("%H:%M:%S").to_string()
    }

    /// `2026-08-22 02:47`, UTC.
    #[must_use]
    pub fn minute(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2026-08-22`, UTC.
    #[must_use]
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// From seconds and nanoseconds since the epoch, as `stat(2)` gives them; out of range becomes the nearest end.
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: u32) -> Self {
        Self(jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or(0)).unwrap_or(if seconds < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }
}

/// Nanoseconds of `CLOCK_BOOTTIME`: goes on during suspend, never jumps; deadlines are measured with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boot(pub u64);

impl Boot {
    /// The time from `earlier` to this moment; zero when `earlier` is of another boot and lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For people.
    pub wall: Wall,
    /// For deadlines.
    pub boot: Boot,
}
