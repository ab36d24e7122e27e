//! The only owner of the terminal.
//!
//! ```text
//!  Tty ── TerminalGuard   enters raw mode and the other screen, leaves them on every path
//!   │  └─ hangup::watch   ends the process when the terminal is gone
//!   └─ Backend ─ Screen   a frame becomes one write, or none
//!  Pace                   says when the next frame may go, and how many bytes
//!  input                  events of the terminal as plain values
//! ```
//!
//! The loop that joins them, once per turn:
//!
//! ```text
//! wait for: an event (input::read), a message, pace.due()
//! pace.want(Cause::Key | Cause::Data, now)           whenever the model changed
//! if pace.is_due(now) { let drawn = screen.draw(pace.allowance(now), |frame| …)?; pace.drawn(&drawn, now) }
//! on Resize: screen.resize(columns, rows)            Ctrl-L: screen.redraw()
//! on Ctrl-Z: guard.suspend(), then screen.resize(tty.size()) and screen.redraw()
//! ```

pub mod backend;
pub mod clipboard;
pub mod encode;
pub mod event_loop;
pub mod guard;
pub mod hangup;
pub mod input;
pub mod pace;
pub mod screen;
pub mod tty;

#[cfg(test)]
#[allow(dead_code)] // Shared with the integration tests, which use all of it.
#[path = "../../tests/support/pty.rs"]
mod pty;
