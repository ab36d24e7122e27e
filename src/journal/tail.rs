//! Follows a journal that another process writes.

use crate::config::plain;
use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind};
use crate::journal::chain::{Fault, Walk};
use crate::journal::fold::RunView;
use crate::journal::line::cut_line;
use crate::journal::record::{LARGEST_RECORD, Record};
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// How many bytes one poll reads at most.
const CHUNK: usize = 2 * LARGEST_RECORD;

/// Follows one journal from its beginning on, in constant memory beside the fold.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: File,
    /// Device and inode, to see when another file took the name.
    identity: (u64, u64),
    walk: Walk,
    /// Where the next line begins, in bytes.
    offset: u64,
    /// How long the file was at the last poll.
    size: u64,
    /// The newest record that was handed out: a replaced journal must still have it.
    seen: Option<(u64, Digest)>,
    /// Whether there is more than the last poll read.
    more: bool,
    failed: Option<Error>,
}

impl Tail {
    /// Opens a journal; nothing is read yet.
    ///
    /// # Errors
    /// When there is none, or it may not be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let (file, identity) = open(&path)?;
        Ok(Self {
            path,
            file,
            identity,
            walk: Walk::default(),
            offset: 0,
            size: 0,
            seen: None,
            more: false,
            failed: None,
        })
    }

    /// Reads what came since the last poll: at most 1 MiB, so that memory stays bounded; see [`Tail::behind`].
    ///
    /// Costs one `stat` while nothing comes. Records that chain are handed out before the error about one that does not.
    ///
    /// # Errors
    /// [`Kind::Damaged`] when the journal does not chain, or when it regressed: a record that was seen is gone. Both are final.
    /// [`Kind::Machine`] when it cannot be read now.
    pub fn poll(&mut self) -> Result<Vec<Record>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let stat = std::fs::metadata(&self.path).map_err(|cause| unreadable(&self.path, cause))?;
        if (stat.dev(), stat.ino()) != self.identity {
            (self.file, self.identity) = open(&self.path)?;
            (self.walk, self.offset) = (Walk::default(), 0);
        } else if stat.size() == self.size && !self.behind() {
            return Ok(Vec::new());
        }
        // The open file decides: another may have taken the name since.
        self.size = self.file.metadata().map_err(|cause| unreadable(&self.path, cause))?.size();
        if self.size < self.offset {
            let why = format!("it regressed: it had {} bytes of records and has {} now", self.offset, self.size);
            return Err(self.fail(why));
        }
        let read = self.read();
        if read.is_err() {
            // A failed read is tried again at the next poll.
            self.size = 0;
        }
        read
    }

    /// Reads on, and keeps back what was handed out before.
    fn read(&mut self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        loop {
            let before = self.offset;
            let fault = self.read_chunk(&mut records)?;
            let known = self.seen.as_ref().map_or(0, |(seq, _)| *seq);
            if let Some((seq, h)) = &self.seen
                && records.iter().any(|record| record.seq == *seq && record.h != *h)
            {
                return Err(self.fail(format!("it regressed: record {seq} is not the one that was seen")));
            }
            records.retain(|record| record.seq > known);
            if let Some(last) = records.last() {
                self.seen = Some((last.seq, last.h.clone()));
            }
            if let Some(why) = fault {
                let error = self.fail(why);
                return if records.is_empty() { Err(error) } else { Ok(records) };
            }
            let caught_up = self.walk.due() > known;
            if caught_up || self.offset == before {
                if !caught_up {
                    return Err(self.fail(format!("it regressed: record {known} was seen, and is gone")));
                }
                return Ok(records);
            }
        }
    }

    /// Reads the whole lines of a chunk; returns what is wrong with the first that does not chain.
    fn read_chunk(&mut self, records: &mut Vec<Record>) -> Result<Option<String>> {
        let wanted = self.size.saturating_sub(self.offset).min(CHUNK as u64);
        let mut chunk = vec![0; usize::try_from(wanted).unwrap_or(CHUNK)];
        let mut filled = 0;
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, self.offset + filled as u64) {
                Ok(0) => break,
                Ok(taken) => filled += taken,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(unreadable(&self.path, cause)),
            }
        }
        let (start, end) = (self.offset, self.offset + filled as u64);
        let mut rest = chunk.get(..filled).unwrap_or(&chunk);
        while let Some((line, after)) = cut_line(rest) {
            match self.walk.step(line) {
                Ok(record) => records.push(record),
                Err(Fault(why)) => {
                    return Ok(Some(format!("record {} at byte {}: {why}", self.walk.due(), self.offset)));
                }
            }
            self.offset += line.len() as u64 + 1;
            rest = after;
        }
        self.more = self.offset > start && end < self.size;
        let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let overlong = written > LARGEST_RECORD;
        Ok(overlong
            .then(|| format!("record {} at byte {}: it is larger than a record can be", self.walk.due(), self.offset)))
    }

    /// Ends this tail with a reason.
    fn fail(&mut self, why: impl std::fmt::Display) -> Error {
        let error = Error::machine(format_args!("follow {}", self.path.display()), why).of_kind(Kind::Damaged);
        self.failed = Some(error.clone());
        error
    }

    /// Why nothing more is read; the records before the fault may have been handed out by then.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    /// Whether the last poll left something unread; poll again at once.
    #[must_use]
    pub fn behind(&self) -> bool {
        self.more && self.failed.is_none()
    }

    /// The run as computed from its journal so far; `None` before the first record.
    #[must_use]
    pub fn view(&self) -> Option<&RunView> {
        self.walk.view()
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a journal for reading, with the identity of its file.
fn open(path: &Path) -> Result<(File, (u64, u64))> {
    let file = plain::open(path).map_err(|cause| plain::unreadable(path, &cause))?;
    let stat = file.metadata().map_err(|cause| unreadable(path, cause))?;
    Ok((file, (stat.dev(), stat.ino())))
}

/// An error that names the journal.
fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::machine(format_args!("read {}", path.display()), cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::append::{Appender, JOURNAL};
    use crate::journal::samples::{actor, bytes, created, night, now, recovered_night, run_id, steps, write};
    use std::io::Write as _;

    fn seqs(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.seq).collect()
    }

    #[test]
    fn a_tail_follows_what_the_appender_writes() {
        let dir = tempfile::tempdir().unwrap();
        let (first, rest) = night().split_first().map(|(first, rest)| (first.clone(), rest.to_vec())).unwrap();
        let (mut appender, _) =
            Appender::create(dir.path(), &run_id(1), first, actor("console"), now(0), None).unwrap();
        let mut tail = Tail::open(dir.path().join(JOURNAL)).unwrap();
        assert_eq!(tail.view(), None);
        assert_eq!(seqs(&tail.poll().unwrap()), [1]);
        for event in rest {
            let written = appender.append(event, actor("runner"), now(1)).unwrap();
            assert_eq!(tail.poll().unwrap(), [written]);
            assert_eq!(tail.poll().unwrap(), []);
            assert_eq!(tail.view(), Some(appender.view()));
        }
    }

    #[test]
    fn half_a_line_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let journal = bytes(1, &night());
        let mut file = File::create(&path).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        let mut seen = Vec::new();
        for piece in journal.chunks(100) {
            file.write_all(piece).unwrap();
            seen.extend(seqs(&tail.poll().unwrap()));
        }
        assert_eq!(seen, (1..=17).collect::<Vec<_>>());
    }

    #[test]
    fn damage_comes_after_the_records_before_it_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let journal = bytes(1, &night());
        let line = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut damaged = journal.clone();
        damaged[line + 30] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(seqs(&tail.poll().unwrap()), [1]);
        for _ in 0..2 {
            let error = tail.poll().unwrap_err();
            assert_eq!(error.kind, Kind::Damaged);
            let expected =
                format!("cannot follow {}: record 2 at byte {line}: its bytes do not match its digest", path.display());
            assert_eq!(error.message, expected);
        }
    }

    #[test]
    fn a_journal_that_lost_what_was_seen_regressed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let journal = bytes(1, &night());
        let line = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let shrink: &dyn Fn() = &|| File::options().write(true).open(&path).unwrap().set_len(line as u64).unwrap();
        let replace = |with: &[u8]| {
            std::fs::write(dir.path().join("new"), with).unwrap();
            std::fs::rename(dir.path().join("new"), &path).unwrap();
        };
        let shorter: &dyn Fn() = &|| replace(&journal[..line]);
        let another: &dyn Fn() = &|| replace(&bytes(2, &recovered_night()));
        let empty: &dyn Fn() = &|| replace(b"");
        for regress in [shrink, shorter, another, empty] {
            replace(&journal);
            let mut tail = Tail::open(&path).unwrap();
            assert_eq!(tail.poll().unwrap().len(), 17);
            regress();
            let error = tail.poll().unwrap_err();
            assert!(error.kind == Kind::Damaged && error.message.contains("it regressed"), "{error}");
            assert_eq!(tail.poll().unwrap_err(), error);
        }
        // A replacement that still has what was seen, and more, is followed.
        replace(&journal[..line]);
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(seqs(&tail.poll().unwrap()), [1]);
        replace(&journal);
        assert_eq!(seqs(&tail.poll().unwrap()), (2..=17).collect::<Vec<_>>());
    }

    #[test]
    fn a_vanished_journal_is_named_and_may_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        std::fs::write(&path, bytes(1, &night()[..1])).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        let error = tail.poll().unwrap_err();
        assert!(error.kind == Kind::Machine && error.message.contains(path.to_str().unwrap()), "{error}");
        std::fs::rename(dir.path().join("away"), &path).unwrap();
        assert_eq!(tail.poll().unwrap().len(), 1);
    }

    #[test]
    fn a_long_journal_comes_in_bounded_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = write(dir.path(), &run_id(1), &[created(steps())]);
        for n in 0..50 {
            let note = crate::journal::record::Event::Note { step: None, text: "x".repeat(60_000) };
            appender.append(note, actor("console"), now(n)).unwrap();
        }
        let mut tail = Tail::open(appender.path()).unwrap();
        let mut polls = Vec::new();
        loop {
            polls.push(tail.poll().unwrap().len());
            if !tail.behind() {
                break;
            }
        }
        assert_eq!(polls.iter().sum::<usize>(), 51);
        assert!(polls.iter().all(|records| *records <= 36), "{polls:?}");
    }

    #[test]
    fn a_torn_end_is_not_read_however_long() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut journal = bytes(1, &night()[..2]);
        journal.resize(journal.len() + 3_000_000, 0);
        std::fs::write(&path, journal).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(seqs(&tail.poll().unwrap()), [1, 2]);
        while tail.behind() {
            assert_eq!(tail.poll().unwrap(), []);
        }
    }
}
