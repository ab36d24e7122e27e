//! What came of the things of a set, one after the other: told, counted and summed up.

use crate::domain::error::system_text;
use crate::domain::quantity::count;
use crate::journal::record::Ending;
use crate::runner::adapters::ActEnd;
use std::collections::BTreeMap;
use std::io::Write;

/// What came of one thing.
pub(super) enum Came {
    /// It was done.
    Done,
    /// There was nothing to do: an earlier attempt did it.
    Already,
    /// It is not the frozen thing, or its way is not free.
    LeftAlone(String),
    /// It could not be done.
    Failed(String),
    /// It was stopped before anything was done to it.
    Stopped,
}

/// What was counted over a set.
pub(super) struct Tally<'a> {
    /// The word for what is done: "deleted".
    word: &'a str,
    all: u64,
    needs_all: bool,
    patience: u64,
    done: u64,
    bytes: u64,
    already: u64,
    left_alone: u64,
    failed: u64,
    in_a_row: u64,
    stopped: Option<(Ending, String)>,
    out: &'a mut dyn Write,
}

impl<'a> Tally<'a> {
    /// Counts over a set of so many.
    pub(super) fn of(word: &'a str, all: u64, out: &'a mut dyn Write) -> Self {
        Self {
            word,
            all,
            needs_all: false,
            patience: u64::MAX,
            done: 0,
            bytes: 0,
            already: 0,
            left_alone: 0,
            failed: 0,
            in_a_row: 0,
            stopped: None,
            out,
        }
    }

    /// Says whether one that is left alone makes the whole a failure.
    pub(super) fn needs_all(self, needs_all: bool) -> Self {
        Self { needs_all, ..self }
    }

    /// Says after how many failures in a row it is given up.
    pub(super) fn gives_up_after(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// Counts one of so many bytes, and says it; `false` when the rest is not to be touched.
    pub(super) fn count(&mut self, shown: &dyn std::fmt::Display, bytes: u64, came: Came) -> bool {
        self.in_a_row = if matches!(came, Came::Failed(_)) { self.in_a_row + 1 } else { 0 };
        let result = match came {
            Came::Done => {
                self.done += 1;
                self.bytes = self.bytes.saturating_add(bytes);
                writeln!(self.out, "{} {shown}", self.word)
            }
            Came::Already => {
                self.already += 1;
                writeln!(self.out, "nothing to do for {shown}")
            }
            Came::LeftAlone(why) => {
                self.left_alone += 1;
                writeln!(self.out, "left alone {shown}: {why}")
            }
            Came::Failed(why) => {
                let why = system_text(why);
                self.failed += 1;
                if self.in_a_row >= self.patience {
                    self.stopped = Some((Ending::Failed, format!("given up: {why}")));
                }
                writeln!(self.out, "failed {shown}: {why}")
            }
            Came::Stopped => {
                self.stopped = Some((Ending::Cancelled, "stopped".to_owned()));
                Ok(())
            }
        };
        if let Err(cause) = result {
            // What cannot be reported is not done unseen.
            self.stopped = Some((Ending::Failed, format!("stopped: cannot report: {cause}")));
        }
        self.stopped.is_none()
    }

    /// The end of the act, with its counts.
    pub(super) fn end(self) -> ActEnd {
        let mut detail = format!("{} {} of {}", self.word, count(self.done), count(self.all));
        for (number, words) in [(self.already, "already so"), (self.left_alone, "left alone"), (self.failed, "failed")]
        {
            if number > 0 {
                detail.push_str(&format!(", {} {words}", count(number)));
            }
        }
        // An act that did nothing it meant to did not succeed.
        let short = self.left_alone > 0 && (self.needs_all || self.done + self.already == 0);
        let mut ending = if self.failed > 0 || short { Ending::Failed } else { Ending::Ok };
        if let Some((how, why)) = self.stopped {
            ending = how;
            detail = format!("{why}: {detail}");
        }
        let counts = [
            (self.word, self.done),
            ("bytes", self.bytes),
            ("already", self.already),
            ("left_alone", self.left_alone),
            ("failed", self.failed),
        ];
        let counts = counts.into_iter().filter(|(name, number)| *number > 0 || *name == self.word);
        let counts: BTreeMap<String, u64> = counts.map(|(name, number)| (name.to_owned(), number)).collect();
        ActEnd { counts, ..ActEnd::new(ending, detail) }
    }
}
