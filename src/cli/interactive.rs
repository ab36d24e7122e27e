//! Lines from a person, when there is one.

use crate::app::model::TYPED_AHEAD;
use crate::cli::out;
use crate::runner::failpoint;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_current_process_group};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the terminal is looked at while a line is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Whether a person can be asked: standard input and output are both a terminal. A pipe never answers a question.
#[must_use]
pub fn is_here() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The person at the terminal. Waiting for a line can be given up at any time, for a prompt may close meanwhile: standard input
/// is read only after a question is on the screen, and by nothing else.
#[derive(Default)]
pub struct Person;

impl Person {
    /// Asks for one line; `None` at the end of input.
    ///
    /// What was typed before the question is on the screen never answers it: the question is printed only after the quiet time,
    /// in which no key was pressed, and what the terminal still holds is discarded.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        if !is_quiet().await {
            return None;
        }
        out::text(format_args!("{question}"));
        let mut line = Vec::new();
        loop {
            if !is_readable() {
                sleep(LOOK).await;
                continue;
            }
            let mut part = [0; 4096];
            let Some(count) = rustix::io::read(stdin(), &mut part).ok().filter(|count| *count > 0) else {
                // What is printed next does not stand behind the question.
                out::line(format_args!(""));
                return None;
            };
            line.extend_from_slice(part.get(..count)?);
            if line.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&line);
                return Some(line.trim_end_matches(['\n', '\r']).to_owned());
            }
        }
    }
}

/// Waits until no key was pressed for the quiet time, and discards those that were; false where the terminal is gone.
async fn is_quiet() -> bool {
    let quiet = failpoint::span("QUIET", TYPED_AHEAD);
    let Some(mut keys) = Keys::take() else { return false };
    let mut since = Instant::now();
    while since.elapsed() < quiet {
        if !is_readable() {
            sleep(LOOK.min(quiet)).await;
            continue;
        }
        let mut typed = [0; 256];
        let Some(count) = rustix::io::read(stdin(), &mut typed).ok().filter(|count| *count > 0) else { return false };
        let signal = typed.iter().take(count).find_map(|key| keys.signal(*key));
        if let Some(signal) = signal {
            // The terminal is put back before, for the signal may end or stop us.
            drop(keys);
            let _ = kill_current_process_group(signal);
            let Some(again) = Keys::take() else { return false };
            keys = again;
        }
        since = Instant::now();
    }
    true
}

/// Whether the terminal has a line, or in the quiet time a key, or was hung up.
fn is_readable() -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}

/// The terminal while it gives each key by itself, without showing it. It is put back when this is dropped, which discards what
/// was typed meanwhile.
struct Keys(Termios);

impl Keys {
    fn take() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut keys = before.clone();
        // Without ISIG: a signal that ends us would leave the terminal so.
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Flush, &keys).ok()?;
        Some(Self(before))
    }

    /// The signal that the terminal sends for a key.
    fn signal(&self, key: u8) -> Option<Signal> {
        let keys = [
            (SpecialCodeIndex::VINTR, Signal::INT),
            (SpecialCodeIndex::VQUIT, Signal::QUIT),
            (SpecialCodeIndex::VSUSP, Signal::TSTP),
        ];
        let sends = self.0.local_modes.contains(LocalModes::ISIG) && key != 0;
        keys.into_iter().find(|(code, _)| sends && self.0.special_codes[*code] == key).map(|(_, signal)| signal)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}
