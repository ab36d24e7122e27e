//! `midwatch completions` and `midwatch man`, generated from the same definitions as the help.

use crate::cli::args::{Cli, Completions};
use crate::domain::Error;
use crate::domain::error::Result;
use clap::CommandFactory;

/// Prints the completions of a shell.
///
/// # Errors
/// When standard output is closed.
pub fn completions(args: &Completions) -> Result<u8> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "midwatch", &mut out);
    print(&out)
}

/// Prints the man page.
///
/// # Errors
/// When standard output is closed.
pub fn man() -> Result<u8> {
    let mut out = Vec::new();
    let page = clap_mangen::Man::new(Cli::command());
    page.render(&mut out).map_err(|cause| Error::machine("make the man page", cause))?;
    print(&out)
}

/// Prints bytes; a reader that has seen enough (`| head`) is no failure.
pub fn print(bytes: &[u8]) -> Result<u8> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(bytes) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::machine("print", cause)),
        _ => Ok(0),
    }
}
