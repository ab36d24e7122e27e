//! Frames as single writes.

use crate::domain::clean::Depth;
use crate::tui::encode;
use crate::tui::pace::BYTES_PER_SECOND;
use ratatui::backend::{Backend as RatatuiBackend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Begins and ends a synchronised update (the terminal shows the frame when it is whole, or ignores both).
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// The largest screen that is drawn; beyond it the rest stays empty, so that no claimed size exhausts memory.
const LARGEST: Size = Size { width: 1000, height: 500 };

/// What became of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Bytes that went out just now.
    pub bytes: usize,
    /// Bytes that wait: for the allowance, or for the terminal.
    pub left: usize,
    /// How long the terminal took to take them.
    pub took: Duration,
    /// Whether the terminal would take no more.
    pub blocked: bool,
    /// Whether the model was drawn; not so while an older frame is still waiting.
    pub fresh: bool,
}

/// A cursor as the terminal has it; what is unknown is written again.
#[derive(Clone, Copy, Default)]
struct Cursor {
    visible: Option<bool>,
    at: Option<Position>,
}

/// The ratatui backend: one write per frame, none when nothing changed, and never a question to the terminal.
///
/// Writing may stop half way when the writer says `WouldBlock`; the rest waits here, and the next frame behind it.
pub struct Backend<W> {
    writer: W,
    /// Bytes of the frame, the first `sent` of which are out.
    out: Vec<u8>,
    sent: usize,
    /// Whether the frame is whole; before that nothing of it goes out.
    whole: bool,
    /// What goes out behind the next frame.
    behind: Vec<u8>,
    depth: Depth,
    size: Size,
    allowance: usize,
    wanted: (bool, Position),
    cursor: Cursor,
    drawn: Drawn,
    total: u64,
}

impl<W: Write> Backend<W> {
    /// A backend on a writer, for a terminal of this many columns and rows.
    pub fn new(writer: W, columns: u16, rows: u16, depth: Depth) -> Self {
        let mut backend = Self {
            writer,
            out: Vec::with_capacity(16 << 10),
            sent: 0,
            whole: false,
            behind: Vec::new(),
            depth,
            size: Size::ZERO,
            allowance: usize::MAX,
            wanted: (false, Position::ORIGIN),
            cursor: Cursor::default(),
            drawn: Drawn::default(),
            total: 0,
        };
        backend.resize(columns, rows);
        backend
    }

    /// Takes note of the terminal's size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = Size::new(columns.min(LARGEST.width), rows.min(LARGEST.height));
    }

    /// Changes how many colours are used, from the next frame on.
    pub fn set_depth(&mut self, depth: Depth) {
        self.depth = depth;
    }

    /// Has a sequence that draws nothing go out with the next frame, behind it.
    pub fn append(&mut self, sequence: &[u8]) {
        self.behind.extend_from_slice(sequence);
    }

    /// Says how many bytes may go out until this is called again.
    pub fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
        self.drawn = Drawn::default();
    }

    /// What went out since the last [`Backend::allow`].
    pub fn drawn(&self) -> Drawn {
        Drawn { left: self.left(), ..self.drawn }
    }

    /// All bytes ever written.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The writer, for a test to look into.
    pub fn writer(&self) -> &W {
        &self.writer
    }

    /// Forgets what the terminal shows, because another process wrote to it; a frame of which nothing is out is dropped.
    pub fn forget(&mut self) {
        self.cursor = Cursor::default();
        if self.sent == 0 {
            self.out.clear();
            self.whole = false;
        }
    }

    /// Bytes of whole frames that wait.
    pub fn left(&self) -> usize {
        if self.whole { self.out.len().saturating_sub(self.sent) } else { 0 }
    }

    /// Writes as much of what waits as is allowed and taken; a frame below the cap goes whole or not at all.
    ///
    /// # Errors
    /// What the writer says, other than that it would block.
    pub fn send(&mut self) -> io::Result<()> {
        let left = self.left();
        let held = self.sent == 0 && left > self.allowance && left <= BYTES_PER_SECOND;
        if left == 0 || held {
            return Ok(());
        }
        let began = Instant::now();
        let end = self.sent + left.min(self.allowance);
        while let Some(rest) = self.out.get(self.sent..end).filter(|rest| !rest.is_empty()) {
            match self.writer.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    self.sent += taken;
                    self.drawn.bytes += taken;
                    self.allowance = self.allowance.saturating_sub(taken);
                    self.total += taken as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.drawn.blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if self.left() == 0 {
            self.out.clear();
            self.sent = 0;
            self.whole = false;
        }
        self.drawn.took += began.elapsed();
        Ok(())
    }

    /// Opens the bracket around a frame, once.
    fn begin(&mut self) {
        if self.out.is_empty() {
            self.out.extend_from_slice(BEGIN);
        }
    }

    /// Brings the cursor to where it is wanted.
    fn settle_cursor(&mut self) {
        let (visible, at) = self.wanted;
        if visible && self.cursor.at != Some(at) {
            self.begin();
            let _ = write!(self.out, "\x1b[{};{}H", u32::from(at.y) + 1, u32::from(at.x) + 1);
            self.cursor.at = Some(at);
        }
        if self.cursor.visible != Some(visible) {
            self.begin();
            self.out.extend_from_slice(if visible { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.cursor.visible = Some(visible);
        }
    }
}

impl<W: Write> RatatuiBackend for Backend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_some() {
            self.begin();
            encode::cells(&mut self.out, self.depth, content);
            self.cursor.at = None;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.wanted.0 = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.wanted.0 = true;
        Ok(())
    }

    /// Where the cursor was last put; the terminal is not asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.wanted.1)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.wanted.1 = position.into();
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin();
        self.out.extend_from_slice(match clear_type {
            ClearType::All => b"\x1b[m\x1b[2J",
            ClearType::AfterCursor => b"\x1b[m\x1b[0J",
            ClearType::BeforeCursor => b"\x1b[m\x1b[1J",
            ClearType::CurrentLine => b"\x1b[m\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[m\x1b[0K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    /// Ends the frame and sends it.
    fn flush(&mut self) -> io::Result<()> {
        self.settle_cursor();
        if !self.out.is_empty() {
            self.out.extend_from_slice(END);
        }
        self.out.append(&mut self.behind);
        self.whole = !self.out.is_empty();
        self.send()
    }
}
