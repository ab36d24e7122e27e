//! The integration tests: one binary, because each would link the world again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // A test says to whoever runs it what was not tried.

mod arch;
mod bloat;
mod commands;
mod console;
mod coverage;
mod exits;
mod faults;
mod fuzz;
mod keys;
mod lint;
mod listing;
mod logout;
mod named;
mod odd;
mod output;
mod postgres;
mod print;
mod procedures;
mod pty;
mod readme;
mod rehearse;
mod render;
mod runner;
mod screenshots;
mod sources;
#[allow(dead_code)] // Some of it serves the tests inside the library.
mod support;
mod team;
mod terminal;
mod variables;
