//! The state and the behaviour of each pane.

pub mod health;
pub mod log;
pub mod run;
