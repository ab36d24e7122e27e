//! The screen: ratatui's terminal on our backend.

use crate::domain::clean::Depth;
use crate::tui::backend::{Backend, Drawn};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use std::io::{self, Write};

/// Draws frames and knows what is on the terminal.
pub struct Screen<W: Write> {
    terminal: Terminal<Backend<W>>,
}

impl<W: Write> Screen<W> {
    /// A blank screen of this many columns and rows, as `TerminalGuard::enter` leaves it.
    ///
    /// # Errors
    /// None in practice: nothing is written yet.
    pub fn new(writer: W, columns: u16, rows: u16, depth: Depth) -> io::Result<Self> {
        Ok(Self { terminal: Terminal::new(Backend::new(writer, columns, rows, depth))? })
    }

    /// Draws one frame of at most `allowance` bytes: no write at all if nothing changed, otherwise one.
    ///
    /// While an older frame waits, that one is sent first, and `draw` is not called unless it is out.
    ///
    /// # Errors
    /// What the terminal says; it is gone then.
    pub fn draw(&mut self, allowance: usize, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<Drawn> {
        let backend = self.terminal.backend_mut();
        backend.allow(allowance);
        backend.send()?;
        if backend.left() > 0 {
            return Ok(backend.drawn());
        }
        self.terminal.draw(draw)?;
        Ok(Drawn { fresh: true, ..self.terminal.backend().drawn() })
    }

    /// Takes note of the terminal's new size; the next frame is drawn whole.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
    }

    /// Has the next frame drawn whole, on a cleared screen: for Ctrl-L, and after another program had the terminal.
    ///
    /// # Errors
    /// None in practice: nothing is written yet.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        let area = Rect::from(self.terminal.size()?);
        // Not `clear`, which asks the terminal for its cursor and races our reader for the answer.
        self.terminal.resize(area)
    }

    /// Has a sequence that draws nothing go out with the next frame.
    pub fn append(&mut self, sequence: &[u8]) {
        self.terminal.backend_mut().append(sequence);
    }

    /// Changes how many colours are used, and has the next frame drawn whole.
    ///
    /// # Errors
    /// As [`Screen::redraw`].
    pub fn set_depth(&mut self, depth: Depth) -> io::Result<()> {
        self.terminal.backend_mut().set_depth(depth);
        self.redraw()
    }

    /// All bytes ever written.
    pub fn total(&self) -> u64 {
        self.terminal.backend().total()
    }

    /// The writer, for a test to look into.
    pub fn writer(&self) -> &W {
        self.terminal.backend().writer()
    }
}

#[cfg(test)]
mod tests;
