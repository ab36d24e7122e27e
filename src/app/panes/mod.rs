//! The state and the behaviour of each pane.

pub mod checklist;
pub mod log;
pub mod rows;
pub mod run;
