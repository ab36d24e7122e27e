//! Lines from a person, when there is one.

use rustix::termios::{QueueSelector, tcflush};
use std::io::{BufRead, IsTerminal, Write};
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Whether a person can be asked: standard input and output are both a terminal.
#[must_use]
pub fn is_here() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The person at the terminal. Waiting for a line can be given up at any time, for a prompt may close meanwhile.
#[derive(Default)]
pub struct Person {
    lines: Option<UnboundedReceiver<String>>,
}

impl Person {
    /// Asks for one line; `None` at the end of input.
    ///
    /// What was typed before the question is thrown away, so that nothing meant for an earlier prompt answers this one.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        let lines = self.lines.get_or_insert_with(read);
        let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
        while lines.try_recv().is_ok() {}
        print!("{question}");
        let _ = std::io::stdout().flush();
        lines.recv().await
    }
}

/// Reads standard input on a thread of its own: a read cannot be given up, a wait for its result can.
fn read() -> UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().lock().read_line(&mut line).is_ok_and(|count| count > 0) {
            if sender.send(line.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}
