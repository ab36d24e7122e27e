//! The append-only, hash-chained record of a run, and everything that reads it.

/// The largest journal that is read as a whole, in bytes: thousands of times what a run writes.
pub const LARGEST_JOURNAL: u64 = 1 << 30;

pub mod answer;
pub mod append;
pub mod approval;
pub mod chain;
pub mod digests;
pub mod fold;
pub mod history;
pub mod item;
pub mod line;
pub mod list;
pub mod log;
pub mod reading;
pub mod record;
pub mod report;
#[cfg(test)]
pub mod samples;
mod strict;
pub mod tail;
pub mod terms;
pub mod witness;
