//! What is said of a target while it is judged.

use crate::domain::Verdict;

/// The verdict so far, with its words.
pub(super) struct Sentence {
    pub(super) verdict: Verdict,
    pub(super) words: Vec<String>,
}

impl Sentence {
    /// Says one thing more; the worst verdict stays.
    pub(super) fn add(&mut self, verdict: Verdict, words: String) {
        self.verdict = self.verdict.worse(verdict);
        self.words.push(words);
    }
}
