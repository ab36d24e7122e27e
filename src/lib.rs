//! Midwatch, a terminal console for maintenance windows.
//!
//! The crate has seven layers; a module may use itself and the layers below it (`ARCHITECTURE.md` has the picture, `tests/arch`
//! checks the rule).

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
