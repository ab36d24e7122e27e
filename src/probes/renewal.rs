//! A reader keeps its connection, and a connection that lives proves nothing about new ones: a server that is stopped, full or behind
//! another password goes on answering those that it has. So a reader takes a new connection at this pace, in the way that a client does,
//! and lets the one before go; there are never more than two, and only for a moment.

use std::time::{Duration, Instant};

/// How old a connection becomes before a new one is tried.
pub const EVERY: Duration = Duration::from_secs(15);

/// What a loss is called where only the new connection failed.
pub const NO_NEW: &str = "takes no new connection";

/// When a reader last got a new connection.
#[derive(Debug)]
pub struct Renewal {
    every: Duration,
    last: Option<Instant>,
}

impl Default for Renewal {
    fn default() -> Self {
        Self::each(EVERY)
    }
}

impl Renewal {
    /// A renewal of this pace.
    #[must_use]
    pub fn each(every: Duration) -> Self {
        Self { every, last: None }
    }

    /// Whether it is time for a new one.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= self.every)
    }

    /// Takes note of a new connection.
    pub fn made(&mut self) {
        self.last = Some(Instant::now());
    }
}
