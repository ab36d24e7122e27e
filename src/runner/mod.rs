//! Executes a run.

pub mod adapters;
