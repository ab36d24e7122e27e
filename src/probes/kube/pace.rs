//! How long everything may take.

use std::time::Duration;

/// The times of one reader.
///
/// They hold together: what is read of a quiet and healthy cluster is at most [`Pace::watch`] old, and read again after 10 s, so
/// a row reaches 25 s of the 30 s after which it is stale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// For an answer to begin, and for a small one to be whole.
    pub answer: Duration,
    /// For a page of a list to be whole.
    pub page: Duration,
    /// After which the server is asked to end a watch; whole seconds.
    pub watch: Duration,
    /// For which a watch may neither speak nor end.
    pub silence: Duration,
    /// Between two questions for the version.
    pub pulse: Duration,
    /// For the first reading to wait for all lists; below the deadline of a reading.
    pub first: Duration,
    /// For which a status may contradict the pods until they alone count: longer than any watch is silent.
    pub settle: Duration,
    /// The pause after a loss; doubled with each one that follows at once.
    pub retry: Duration,
    /// The longest pause, whatever the server asks for.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            page: Duration::from_secs(20),
            watch: Duration::from_secs(15),
            silence: Duration::from_secs(20),
            pulse: Duration::from_secs(10),
            first: Duration::from_secs(8),
            settle: Duration::from_secs(30),
            retry: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

impl Pace {
    /// The pause after so many losses in a row, of which the server asked to be left alone for `wait`.
    pub(crate) fn pause(&self, losses: u32, wait: Option<Duration>) -> Duration {
        let doubled = self.retry.saturating_mul(2_u32.saturating_pow(losses.saturating_sub(1)));
        doubled.max(wait.unwrap_or_default()).min(self.longest)
    }
}
