//! How long steps take: by past runs, by their author, and by their limits.

use crate::domain::quantity;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// With fewer past runs than this, a declared time that is longer counts as well.
const FEW: u32 = 3;

/// From how many past runs on a percentile says more than the longest.
const SHAPED: u32 = 5;

/// How long past runs took, by the nearest rank: the smallest time that so many of a hundred did not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: u64,
    /// Nine of ten took no longer, in milliseconds.
    pub p90_ms: u64,
    /// How many there are.
    pub runs: u32,
}

impl Pace {
    /// The pace of some times in milliseconds; `None` of none.
    #[must_use]
    pub fn of(times_ms: &[u64]) -> Option<Self> {
        let mut sorted = times_ms.to_vec();
        sorted.sort_unstable();
        let rank = |share: usize| sorted.get((sorted.len() * share).div_ceil(100).saturating_sub(1)).copied();
        let runs = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        Some(Self { p50_ms: rank(50)?, p90_ms: rank(90)?, runs })
    }

    /// `p50 8 s, p90 12 s of 14 runs`; of fewer than five, which have no shape, `3 earlier runs, longest 12 s`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.runs < SHAPED {
            let runs = quantity::counted(self.runs.into(), "earlier run", "earlier runs");
            // By the nearest rank this is the longest of so few.
            let longest = quantity::span(Duration::from_millis(self.p90_ms));
            let word = if self.runs > 1 { "longest " } else { "" };
            return format!("{runs}, {word}{longest}");
        }
        let span = |ms| quantity::span(Duration::from_millis(ms));
        let runs = quantity::counted(self.runs.into(), "run", "runs");
        format!("p50 {}, p90 {} of {runs}", span(self.p50_ms), span(self.p90_ms))
    }
}

/// How a time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// From past runs.
    Past,
    /// From its author.
    Declared,
    /// From nothing: it is the time after which the step is stopped.
    Unknown,
}

/// How long something is expected to take; where nothing is known, as long as it may take at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The time to reckon with.
    pub time: Duration,
    /// How it is known.
    pub basis: Basis,
}

impl Expected {
    /// From past runs, else from the author, else the time after which it is stopped.
    #[must_use]
    pub fn of(pace: Option<Pace>, takes_s: Option<u64>, timeout_s: u64) -> Self {
        let declared = takes_s.map(Duration::from_secs);
        let past = pace.map(|pace| (Duration::from_millis(pace.p90_ms), pace.runs));
        match (past, declared) {
            (Some((p90, runs)), Some(declared)) if runs < FEW && declared > p90 => {
                Self { time: declared, basis: Basis::Declared }
            }
            (Some((p90, _)), _) => Self { time: p90, basis: Basis::Past },
            (None, Some(declared)) => Self { time: declared, basis: Basis::Declared },
            (None, None) => Self { time: Duration::from_secs(timeout_s), basis: Basis::Unknown },
        }
    }

    /// `12 m`, or `up to 1 h (its limit: no past run shows how long it takes)`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.basis {
            Basis::Unknown => format!("up to {} (its limit: how long it takes is not known)", whole(self.time)),
            _ => whole(self.time),
        }
    }
}

/// A span for a sentence: seconds below a minute, else whole minutes, rounded up, so that what is needed is not understated.
#[must_use]
pub fn whole(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let seconds = if seconds < 60 { seconds } else { seconds.div_ceil(60) * 60 };
    quantity::span(Duration::from_secs(seconds))
}

/// How long a run may take; a rollback has a budget of its own, so that the steps cannot use it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// For all steps together, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_s: Option<u64>,
    /// For the rollback, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_s: Option<u64>,
}

impl Budget {
    /// Whether it is empty.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(Pace::of(&[]), None);
        assert_eq!(Pace::of(&[7]), Some(Pace { p50_ms: 7, p90_ms: 7, runs: 1 }));
        let ten: Vec<u64> = (1..=10).rev().collect();
        assert_eq!(Pace::of(&ten), Some(Pace { p50_ms: 5, p90_ms: 9, runs: 10 }));
        let eleven: Vec<u64> = (1..=11).collect();
        assert_eq!(Pace::of(&eleven), Some(Pace { p50_ms: 6, p90_ms: 10, runs: 11 }));
    }

    #[test]
    fn the_best_estimate_counts_and_a_missing_one_is_shown() {
        let pace = |runs| Some(Pace { p50_ms: 1000, p90_ms: 2000, runs });
        let describe = |pace, takes, limit| {
            let Expected { time, basis } = Expected::of(pace, takes, limit);
            (time.as_secs(), basis)
        };
        assert_eq!(describe(pace(14), Some(60), 600), (2, Basis::Past));
        assert_eq!(describe(pace(2), Some(60), 600), (60, Basis::Declared), "two runs do not outweigh the author");
        assert_eq!(describe(pace(1), Some(1), 600), (2, Basis::Past), "a declared time that is too short does");
        assert_eq!(describe(pace(1), None, 600), (2, Basis::Past));
        assert_eq!(describe(None, Some(60), 600), (60, Basis::Declared));
        assert_eq!(describe(None, None, 600), (600, Basis::Unknown));
        assert!(Expected::of(None, None, 3600).words().starts_with("up to 1 h"));
        assert_eq!(pace(14).unwrap().words(), "p50 1 s, p90 2 s of 14 runs");
        assert_eq!(pace(5).unwrap().words(), "p50 1 s, p90 2 s of 5 runs");
        assert_eq!(pace(4).unwrap().words(), "4 earlier runs, longest 2 s");
        assert_eq!(pace(1).unwrap().words(), "1 earlier run, 2 s");
    }

    #[test]
    fn what_is_needed_is_rounded_up() {
        let cases = [
            (0, "0 s"),
            (1, "1 s"),
            (59_001, "1 m"),
            (90_000, "2 m"),
            (120_000, "2 m"),
            (120_001, "3 m"),
            (721_000, "13 m"),
        ];
        for (ms, expected) in cases {
            assert_eq!(whole(Duration::from_millis(ms)), expected, "{ms}");
        }
    }
}
