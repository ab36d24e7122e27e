//! Writing a log: the first bytes, and the newest.

use crate::config::plain;
use crate::config::state::team;
use crate::domain::error::{Result, system_text};
use crate::domain::ids::Hasher;
use crate::domain::{Digest, Error, Wall};
use crate::journal::log::mask::Mask;
use crate::journal::log::parts::{self, Parts};
use crate::journal::log::stamp::Stamper;
use crate::journal::record::LogEnd;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How many of the first bytes of a log are kept.
pub const CAP_FIRST: u64 = 16 << 20;

/// How many of the newest bytes of a log are kept at most, beside the first.
pub const CAP_LAST: u64 = 48 << 20;

/// Into how many parts the newest bytes are divided; the oldest is dropped whole, so that at least seven eighths stay.
const PARTS: u64 = 8;

/// Where bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Writes the log of one attempt.
///
/// Nothing that happens to the log stops the act: bytes that cannot be written are counted, and a line in the log reports them.
pub struct LogWriter {
    path: PathBuf,
    head: File,
    hasher: Hasher,
    /// The part that is written now; none while the head is.
    part: Option<File>,
    /// The parts that are kept: number, where it begins in the stream, how long it is.
    kept: VecDeque<(u64, u64, u64)>,
    /// How long the head is.
    head_len: u64,
    /// How long the file that is written now is, and whether it ends at a line's end.
    len: u64,
    at_line_start: bool,
    cap_first: u64,
    cap_last: u64,
    next_part: u64,
    /// How many bytes were given to the files: the place in the stream.
    stream: u64,
    /// How many bytes came.
    bytes: u64,
    /// How many of them were not kept.
    dropped: u64,
    /// How many could not be written since the last that could, and why.
    lost: Option<(u64, String)>,
    stamper: Stamper,
    masks: [Mask; 2],
}

impl LogWriter {
    /// Creates a log, readable by its owner only.
    ///
    /// # Errors
    /// When there is one already, or it cannot be created.
    pub fn create(path: &Path, cap_first: u64, cap_last: u64) -> Result<Self> {
        let head = create(path).map_err(|cause| failed("create", path, cause))?;
        Ok(Self {
            path: path.to_path_buf(),
            head,
            hasher: Hasher::default(),
            part: None,
            kept: VecDeque::new(),
            head_len: 0,
            len: 0,
            at_line_start: true,
            cap_first,
            cap_last,
            next_part: 1,
            stream: 0,
            bytes: 0,
            dropped: 0,
            lost: None,
            stamper: Stamper::beside(path),
            masks: [Mask::new(&[]), Mask::new(&[])],
        })
    }

    /// Keeps these values out of the log: `[masked]` replaces them.
    #[must_use]
    pub fn masking(self, values: &[Vec<u8>]) -> Self {
        Self { masks: [Mask::new(values), Mask::new(values)], ..self }
    }

    /// Takes what the act wrote.
    pub fn write(&mut self, bytes: &[u8], from: Stream, at: Wall) {
        let [out, err] = &mut self.masks;
        let mask = if from == Stream::Err { err } else { out };
        if mask.is_empty() {
            self.keep(bytes, from, at);
        } else {
            let bytes = mask.feed(bytes);
            self.keep(&bytes, from, at);
        }
    }

    /// Writes bytes that may be seen.
    fn keep(&mut self, bytes: &[u8], from: Stream, at: Wall) {
        if bytes.is_empty() {
            return;
        }
        self.bytes += bytes.len() as u64;
        if let Err(cause) = self.write_loss() {
            self.lose(bytes.len() as u64, &cause);
            return;
        }
        self.stamper.note(self.stream, from == Stream::Err, at);
        if let (rest, Err(cause)) = self.put(bytes) {
            self.lose(rest, &cause);
        }
    }

    fn lose(&mut self, bytes: u64, cause: &io::Error) {
        self.dropped += bytes;
        let before = self.lost.as_ref().map_or(0, |(lost, _)| *lost);
        self.lost = Some((before + bytes, system_text(cause)));
    }

    /// Reports lost bytes in the log, as soon as it takes bytes again.
    fn write_loss(&mut self) -> io::Result<()> {
        let Some((lost, why)) = self.lost.take() else { return Ok(()) };
        let count = crate::domain::quantity::counted(lost, "byte", "bytes");
        let line_end = if self.at_line_start { "" } else { "\n" };
        let mark = format!("{line_end}[midwatch: {count} could not be written: {why}]\n");
        let (_, result) = self.put(mark.as_bytes());
        if result.is_err() {
            // The written part of the line stays; the whole line is written again.
            self.lost = Some((lost, why));
        }
        result
    }

    /// Writes bytes to the head or to the newest part, divided at lines where that is possible; returns how many were left.
    fn put(&mut self, bytes: &[u8]) -> (u64, io::Result<()>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let limit = if self.part.is_some() { self.part_size() } else { self.cap_first };
            let space = usize::try_from(limit.saturating_sub(self.len)).unwrap_or(usize::MAX);
            let mut now = rest.len().min(space);
            let full = now < rest.len();
            if full {
                let fits = rest.get(..now).unwrap_or_default();
                match fits.iter().rposition(|byte| *byte == b'\n') {
                    Some(place) => now = place + 1,
                    // A line that would be divided goes to the next part whole, unless it began here.
                    None if self.at_line_start && self.len > 0 => now = 0,
                    None => {}
                }
            }
            let (piece, after) = rest.split_at_checked(now).unwrap_or((rest, &[]));
            let written = self.put_piece(piece);
            if let Err((done, cause)) = written {
                return ((rest.len() - done) as u64, Err(cause));
            }
            rest = after;
            if full && let Err(cause) = self.next_part() {
                return (rest.len() as u64, Err(cause));
            }
        }
        (0, Ok(()))
    }

    /// Writes to the current file; returns how many bytes it took.
    fn put_piece(&mut self, piece: &[u8]) -> std::result::Result<usize, (usize, io::Error)> {
        let mut done = 0;
        let mut outcome = Ok(());
        while let Some(rest) = piece.get(done..).filter(|rest| !rest.is_empty()) {
            match self.part.as_mut().unwrap_or(&mut self.head).write(rest) {
                Ok(0) => outcome = Err(io::Error::from(io::ErrorKind::WriteZero)),
                Ok(taken) => done += taken,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => outcome = Err(cause),
            }
            if outcome.is_err() {
                break;
            }
        }
        let taken = piece.get(..done).unwrap_or(piece);
        self.len += done as u64;
        self.stream += done as u64;
        match (&self.part, self.kept.back_mut()) {
            (Some(_), Some((_, _, len))) => *len = self.len,
            _ => {
                self.hasher.update(taken);
                self.head_len = self.len;
            }
        }
        if let Some(last) = taken.last() {
            self.at_line_start = *last == b'\n';
        }
        outcome.map(|()| done).map_err(|cause| (done, cause))
    }

    fn part_size(&self) -> u64 {
        (self.cap_last / PARTS).max(1)
    }

    /// Begins a part, and drops the oldest as far as the newest need its space.
    fn next_part(&mut self) -> io::Result<()> {
        let number = self.next_part;
        let file = create(&parts::part_path(&self.path, number))?;
        let mut kept = self.kept.clone();
        let mut gone = Vec::new();
        while kept.iter().map(|(_, _, len)| len).sum::<u64>() + self.part_size() > self.cap_last {
            let Some(oldest) = kept.pop_front() else { break };
            gone.push(oldest);
        }
        kept.push_back((number, self.stream, 0));
        let dropped = self.dropped + gone.iter().map(|(_, _, len)| len).sum::<u64>();
        if let Err(cause) = self.parts(&kept, dropped).write(&self.path) {
            let _ = std::fs::remove_file(parts::part_path(&self.path, number));
            return Err(cause);
        }
        for (number, ..) in gone {
            let _ = std::fs::remove_file(parts::part_path(&self.path, number));
        }
        (self.kept, self.dropped, self.part) = (kept, dropped, Some(file));
        (self.next_part, self.len) = (number + 1, 0);
        Ok(())
    }

    fn parts(&self, kept: &VecDeque<(u64, u64, u64)>, dropped: u64) -> Parts {
        let resumes = kept.front().map_or(self.head_len, |(_, start, _)| *start);
        let parts = kept.iter().map(|(number, start, _)| (*number, *start)).collect();
        Parts { dropped, head: self.head_len, mark: 0, resumes, parts }
    }

    /// Ends the log: makes one file of it, with a line where bytes were dropped, and makes that durable.
    ///
    /// `bytes` counts what came with its secrets masked. There is no digest when the disk does not take the whole: then
    /// the parts stay, and the log is read from them.
    pub fn finish(mut self, at: Wall) -> LogEnd {
        for from in [Stream::Out, Stream::Err] {
            let [out, err] = &mut self.masks;
            let held = if from == Stream::Err { err.finish() } else { out.finish() };
            self.keep(&held, from, at);
        }
        let _ = self.write_loss();
        let digest = self.gather().ok();
        let file = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        LogEnd { file, bytes: self.bytes, dropped: self.dropped, digest }
    }

    /// Appends the parts to the head. Until the side file changes that, readers see the head and the parts.
    fn gather(&mut self) -> io::Result<Digest> {
        let mut whole = self.parts(&self.kept, self.dropped);
        if let Err(cause) = self.append_parts(&mut whole) {
            let _ = self.head.set_len(self.head_len);
            return Err(cause);
        }
        let parts = std::mem::take(&mut whole.parts);
        if whole.dropped > 0 {
            whole.write(&self.path)?;
        } else if !parts.is_empty() {
            std::fs::remove_file(parts::beside(&self.path, "parts"))?;
        }
        for (number, _) in parts {
            let _ = std::fs::remove_file(parts::part_path(&self.path, number));
        }
        Ok(std::mem::take(&mut self.hasher).finish())
    }

    fn append_parts(&mut self, whole: &mut Parts) -> io::Result<()> {
        let gap = whole.gap();
        if gap > 0 {
            let mut mark = parts::mark(gap);
            if !self.head_ends_line()? {
                mark.insert(0, b'\n');
            }
            self.head.write_all(&mark)?;
            self.hasher.update(&mark);
            whole.mark = mark.len() as u64;
        }
        let mut chunk = vec![0; 256 << 10];
        for (number, _) in &whole.parts {
            let mut part = plain::open(&parts::part_path(&self.path, *number))?;
            loop {
                let taken = part.read(&mut chunk)?;
                let Some(piece) = chunk.get(..taken).filter(|piece| !piece.is_empty()) else { break };
                self.head.write_all(piece)?;
                self.hasher.update(piece);
            }
        }
        self.head.sync_all()
    }

    fn head_ends_line(&self) -> io::Result<bool> {
        use std::os::unix::fs::FileExt as _;
        let Some(last) = self.head_len.checked_sub(1) else { return Ok(true) };
        let mut byte = [0];
        plain::open(&self.path)?.read_exact_at(&mut byte, last)?;
        Ok(byte == *b"\n")
    }
}

/// Creates a file for appending that only its owner may read, and in a team directory the group.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = File::options().append(true).create_new(true).mode(0o600).open(path)?;
    team::share(&file, path.parent().unwrap_or(path), 0o640)?;
    Ok(file)
}

fn failed(doing: &str, path: &Path, cause: io::Error) -> Error {
    Error::machine(format_args!("{doing} the log {}", path.display()), cause)
}

#[cfg(test)]
impl LogWriter {
    /// Puts another file in the place of the head's.
    pub(super) fn swap_head(&mut self, file: File) -> File {
        std::mem::replace(&mut self.head, file)
    }
}
