//! Builds estates and consoles that look like real ones.

pub mod sample;
