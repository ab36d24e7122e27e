//! What the console costs: its frames, its journal, its logs, its rows.
//!
//! `cargo bench` prints three tables of bytes, then times everything; `cargo bench -- frames` times one part. The figures that
//! were measured, and the goals they are held to, are in `docs/performance.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A benchmark may stop with a panic.
#![allow(clippy::print_stdout)] // Its tables go to whoever runs it.

mod frames;
mod journal;
mod logs;
mod rows;

fn main() {
    let lists = std::env::args().any(|argument| argument == "--list" || argument == "--test");
    if !lists {
        frames::print_bytes();
        journal::print_bytes();
        logs::print_bytes();
        rows::print_tables();
    }
    divan::main();
}
