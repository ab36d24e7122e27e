//! Files beside a journal that prove records of it: a journal that was cut at the end of a line still chains, and only these show the cut.
//!
//! ```text
//! seal.json                    written after the seal: how many records the journal has, and the digest of the last
//! steps/3.1                    made after the record of the attempt's intent
//! steps/3.1.undo               made after the record of the undo's intent
//! ```
//!
//! `logs/3.1.log` shows nothing: the log of a look, and that of a step that only undoes others, is written before its intent.

use crate::config::patience::at;
use crate::config::plain;
use crate::domain::Digest;
use crate::journal::append::JOURNAL;
use crate::journal::fold::RunView;
use crate::journal::list::walk_file;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Read as _;
use std::path::Path;

/// The name of the file that holds the seal, below a run's directory.
pub const SEAL: &str = "seal.json";

/// How the name of an attempt at an undo ends.
pub const UNDO: &str = ".undo";

/// What is known of a sealed journal outside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// How many records it has.
    pub records: u64,
    /// The digest of the last.
    pub head: Digest,
}

/// What was found beside a journal. Read before the journal: what a runner adds in between is then in the journal too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    seal: Option<Seal>,
    /// The attempts that left something.
    attempts: Vec<Attempt>,
}

/// The step's number, from 1, the attempt's, and whether it is one at the step's undo.
type Attempt = (u32, u32, bool);

impl Beside {
    /// Looks into a run's directory.
    #[must_use]
    pub fn look(dir: &Path) -> Self {
        at(dir, || Self::found(dir))
    }

    fn found(dir: &Path) -> Self {
        let mut text = Vec::new();
        let read = plain::open(&dir.join(SEAL)).and_then(|file| file.take(4096).read_to_end(&mut text));
        let seal = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
        let entries = fs::read_dir(dir.join("steps")).into_iter().flatten().flatten();
        let mut attempts: Vec<_> = entries.filter_map(|entry| attempt(entry.file_name().to_str()?)).collect();
        attempts.sort_unstable();
        Self { seal, attempts }
    }

    /// Whether nothing is there: no attempt was made and no seal was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seal.is_none() && self.attempts.is_empty()
    }

    /// What the journal must hold and does not, in a sentence; `view` is its fold.
    #[must_use]
    pub fn find_missing(&self, view: Option<&RunView>) -> Option<String> {
        let has = view.map_or(0, |view| view.seq);
        let as_sealed = |seal: &Seal| view.is_some_and(|view| view.seq == seal.records && view.head == seal.head);
        if let Some(seal) = self.seal.as_ref().filter(|seal| !as_sealed(seal)) {
            return Some(format!("{SEAL} records a seal after {} records, and {has} are there", seal.records));
        }
        let began = |step: u32, undo: bool| {
            let index = usize::try_from(step.checked_sub(1)?).ok()?;
            let step = view?.steps.get(index)?;
            Some(if undo { step.undo_attempts } else { step.attempts })
        };
        let is_find_missing = |(step, attempt, undo): &&Attempt| began(*step, *undo).unwrap_or(0) < *attempt;
        let (step, attempt, undo) = self.attempts.iter().find(is_find_missing)?;
        let of = if *undo { "the undo of step" } else { "step" };
        Some(format!("attempt {attempt} of {of} {step} left its files, and no record of it is there"))
    }
}

/// `3.1` and `3.1.undo`; other names are of looks.
fn attempt(name: &str) -> Option<Attempt> {
    let (name, undo) = name.strip_suffix(UNDO).map_or((name, false), |name| (name, true));
    let (step, attempt) = name.split_once('.')?;
    Some((step.parse().ok()?, attempt.parse().ok()?, undo))
}

/// Why a journal that chains is still damaged: it was cut. `None` where it does not chain, which its verdict reports.
#[must_use]
pub fn cut(dir: &Path) -> Option<String> {
    let beside = Beside::look(dir);
    match walk_file(&dir.join(JOURNAL)) {
        Ok(walked) if walked.verdict.exit_code() != 4 => beside.find_missing(walked.view.as_ref()),
        Ok(_) => None,
        // A missing journal is no damage.
        Err(_) => beside.find_missing(None),
    }
}

/// Whether a run never began: its journal has no record, and no file beside it proves one.
#[must_use]
pub fn never_began(dir: &Path) -> bool {
    let beside = Beside::look(dir);
    let journal = dir.join(JOURNAL);
    let none = match at(&journal, || journal.symlink_metadata()) {
        Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
        Ok(_) => walk_file(&journal).is_ok_and(|walked| walked.view.is_none() && walked.verdict.exit_code() != 4),
    };
    none && beside.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_made_after_its_record_shows_a_cut() {
        let dir = tempfile::tempdir().unwrap();
        for below in ["steps", "logs"] {
            fs::create_dir(dir.path().join(below)).unwrap();
        }
        // Each is there before a record of it is: a log, a proof, a look in the ending, a wait that goes on.
        fs::write(dir.path().join("logs/4.1.log"), "restored step 3\n").unwrap();
        for name in ["4.1.proof1", "4.after1", "4.1.again1"] {
            fs::create_dir(dir.path().join("steps").join(name)).unwrap();
        }
        assert!(Beside::look(dir.path()).is_empty());
        assert_eq!(Beside::look(dir.path()).find_missing(None), None);
        for (name, text) in [("4.1.undo", "attempt 1 of the undo of step 4"), ("4.1", "attempt 1 of step 4")] {
            fs::create_dir(dir.path().join("steps").join(name)).unwrap();
            let why = Beside::look(dir.path()).find_missing(None).unwrap();
            assert!(why.starts_with(text), "{why}");
        }
    }
}
