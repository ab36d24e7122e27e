//! A line from a person, when there is one.

use std::io::{BufRead, IsTerminal, Write};

/// Whether a person can be asked: standard input and output are both a terminal.
#[must_use]
pub fn is_here() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks for one line; `None` at the end of input.
///
/// Typed-ahead input is thrown away first, so that nothing typed for an earlier prompt answers this one.
#[must_use]
pub fn ask(question: &str) -> Option<String> {
    let _ = rustix::termios::tcflush(rustix::stdio::stdin(), rustix::termios::QueueSelector::IFlush);
    print!("{question}");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
    }
}
