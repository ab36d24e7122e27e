//! Reports, counts and sums up the results for the items of a set, one after another.

use crate::domain::error::system_text;
use crate::domain::quantity::count;
use crate::journal::record::Ending;
use crate::runner::adapters::ActEnd;
use std::collections::BTreeMap;
use std::io::Write;

/// The result for one item.
pub(super) enum Came {
    /// It was done.
    Done,
    /// There was nothing to do: an earlier attempt did it.
    Already,
    /// It is not the frozen item, or its new name is taken.
    LeftAlone(String),
    /// It could not be done.
    Failed(String),
    /// It was stopped before anything was done to it.
    Stopped,
}

/// The counts of a set.
pub(super) struct Tally<'a> {
    /// The participle of the action: "deleted".
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
    /// Starts counting a set of so many.
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

    /// Sets whether one item that is left alone makes the whole a failure.
    pub(super) fn needs_all(self, needs_all: bool) -> Self {
        Self { needs_all, ..self }
    }

    /// Sets after how many failures in a row it stops.
    pub(super) fn gives_up_after(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// Counts one item of so many bytes, and reports it; `false` if the rest must not be touched.
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
            // Stop if the report fails: no action without a report.
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
        // An act that did nothing of its work did not succeed.
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
