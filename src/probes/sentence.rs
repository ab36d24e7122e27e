//! What is said of a target while it is judged.

use crate::domain::{Fact, Verdict};
use std::collections::BTreeMap;

/// The verdict so far, with its words.
pub(super) struct Sentence {
    pub(super) verdict: Verdict,
    pub(super) words: Vec<String>,
    /// The words that the verdict comes from.
    reason: Option<String>,
}

impl Sentence {
    /// Begins with a first thing.
    pub(super) fn of(verdict: Verdict, words: String) -> Self {
        let mut sentence = Self { verdict: Verdict::Ok, words: Vec::new(), reason: None };
        sentence.add(verdict, words);
        sentence
    }

    /// Says one thing more; the worst verdict stays.
    pub(super) fn add(&mut self, verdict: Verdict, words: String) {
        self.weigh(verdict, &words);
        self.words.push(words);
    }

    /// Weighs a verdict with the words that it comes from, which are said elsewhere.
    pub(super) fn weigh(&mut self, verdict: Verdict, words: &str) {
        let worse = self.verdict.worse(verdict);
        if worse != self.verdict {
            self.reason = Some(words.to_owned());
        }
        self.verdict = worse;
    }

    /// Notes the reason among the facts; a row that is ok has none.
    pub(super) fn note_reason(&self, facts: &mut BTreeMap<&'static str, Fact>) {
        facts.extend(self.reason.clone().map(|reason| ("reason", Fact::Text(reason))));
    }
}
