//! Midwatch, a terminal console for maintenance windows.
//!
//! The crate is a house of seven floors; a module may use itself and the floors below it (`ARCHITECTURE.md`
//! has the picture, `tests/arch` holds the rule).

pub mod app;
pub mod calendar;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod gate;
pub mod history;
pub mod journal;
pub mod probes;
pub mod procedure;
pub mod runner;
pub mod tui;
pub mod ui;
