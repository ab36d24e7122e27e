//! Records facts completely, or refuses them with their size.
//!
//! | what | where it is kept |
//! |---|---|
//! | a short fact, a short sentence | in the journal |
//! | a long one | an excerpt in the journal, with the number of remaining bytes; all of it in `saved/<sha256>` |
//! | more of them than a record holds | nowhere: a read is refused with the size, any other step records how many facts it left out |

use crate::domain::error::system_text;
use crate::domain::quantity::{bytes, counted};
use crate::domain::{Digest, Saved, Verb, Whole};
use crate::journal::digests;
use crate::journal::log::{self, NotWhole};
use crate::journal::record::{Ending, Outcome};
use crate::runner::adapters;
use crate::runner::engine::Engine;
use crate::runner::rundir::read_bounded;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest value that a read saves, in bytes; a longer one is refused with its size.
const MOST_SAVED: u64 = 16 << 20;

/// How much of a value the journal keeps, in bytes; a longer value is stored in a file beside it.
const EXCERPT: usize = 4096;

/// The most bytes of all facts of one outcome: its record must fit into
/// [`LARGEST_RECORD`](crate::journal::record::LARGEST_RECORD), even with every byte escaped.
const MOST_FACTS: usize = 128 << 10;

/// The fact that holds a program's output.
const OUTPUT: &str = "output";

/// The name of the sentence itself, among the names of facts.
const SENTENCE: &str = "";

/// The fact with the number of facts left out, and the bytes that it needs itself.
const LEFT_OUT: &str = "facts_left_out";
const TAIL_BYTES: usize = 64;

impl Engine {
    /// Makes a program's whole output the fact that was read. No output means no fact.
    pub(super) fn take_output(&self, outcome: &mut Outcome) {
        let output = match &outcome.log {
            None => Ok(Vec::new()),
            Some(log) if log.dropped > 0 => Err(NotWhole::Dropped(log.bytes)),
            Some(log) => log::output(&self.dir.log(&log.file), MOST_SAVED),
        };
        let output = output.map_err(|why| why.to_string()).and_then(adapters::printed);
        match output {
            Err(why) => refuse(outcome, &why),
            Ok(output) => {
                output.lines().next().unwrap_or_default().clone_into(&mut outcome.detail);
                if let Some(evidence) = &mut outcome.evidence {
                    evidence.facts.insert(OUTPUT.to_owned(), output);
                }
            }
        }
    }

    /// Stores values that are too long for the journal in files beside it. A read with more than the limit is
    /// refused; for other steps the facts left out are counted.
    pub(super) fn keep_whole(&self, outcome: &mut Outcome, verb: Verb) {
        let refuses = verb == Verb::Read && outcome.ending == Ending::Ok;
        let mut failed = None;
        if outcome.detail.len() > EXCERPT && !outcome.whole.contains_key(SENTENCE) {
            outcome.detail =
                self.kept(&outcome.detail, SENTENCE, &mut outcome.whole).unwrap_or_else(|(excerpt, why)| {
                    failed = Some(why);
                    excerpt
                });
        }
        let Some(evidence) = &mut outcome.evidence else { return };
        let long = |name: &String, fact: &String| fact.len() > EXCERPT && !outcome.whole.contains_key(name);
        let names: Vec<String> =
            evidence.facts.iter().filter(|(name, fact)| long(name, fact)).map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(fact) = evidence.facts.get_mut(&name) else { continue };
            *fact = self.kept(fact, &name, &mut outcome.whole).unwrap_or_else(|(excerpt, why)| {
                failed = Some(why);
                excerpt
            });
        }
        let size = |(name, fact): (&String, &String)| name.len() + fact.len();
        let all: usize = evidence.facts.iter().map(size).sum();
        if all > MOST_FACTS && refuses {
            let (number, most) = (counted(evidence.facts.len() as u64, "fact", "facts"), bytes(MOST_FACTS as u64));
            failed = Some(format!("it brought {number} of {}, and at most {most} are kept", bytes(all as u64)));
            evidence.facts.clear();
            outcome.whole.clear();
        } else if all > MOST_FACTS {
            leave_out(&mut evidence.facts, all);
        }
        if let (Some(why), true) = (failed, refuses) {
            refuse(outcome, &why);
        }
    }

    /// Stores a text as a file, and returns the excerpt for the journal, with the reason if it could not be stored.
    fn kept(&self, text: &str, name: &str, whole: &mut BTreeMap<String, Whole>) -> Result<String, (String, String)> {
        match self.dir.keep_saved(text.as_bytes()) {
            Ok(kept) => {
                let excerpt = excerpt(text, &format!("whole in {}/{}", digests::SAVED, kept.sha256));
                whole.insert(name.to_owned(), kept);
                Ok(excerpt)
            }
            Err(cause) => {
                let why = format!("what was read as `{name}` cannot be kept: {}", system_text(cause));
                Err((excerpt(text, "not kept"), why))
            }
        }
    }

    /// The saved values, with those complete that a text uses.
    ///
    /// # Errors
    /// When such a file cannot be read, or is another one.
    pub(super) fn saved_for(&self, text: &str) -> Result<Cow<'_, BTreeMap<String, Saved>>, String> {
        let saved = &self.view().saved;
        let takes = |name: &str| text.contains(&format!("saved:{name}"));
        let long: Vec<&String> = saved
            .iter()
            .filter(|(name, saved)| !saved.whole.is_empty() && takes(bare(name)))
            .map(|(name, _)| name)
            .collect();
        if long.is_empty() {
            return Ok(Cow::Borrowed(saved));
        }
        let mut saved = saved.clone();
        for name in long.into_iter().cloned().collect::<Vec<_>>() {
            let Some(found) = saved.get_mut(&name) else { continue };
            for (fact, whole) in &found.whole {
                let value = read_bounded(&self.dir.saved(&whole.sha256), whole.bytes).map_err(|cause| {
                    format!("what was read as `{name}` cannot be read again: {}", system_text(cause))
                })?;
                if Digest::of(&value) != whole.sha256 {
                    return Err(format!("what was read as `{name}` is not what was kept"));
                }
                let value = String::from_utf8_lossy(&value).into_owned();
                if fact == SENTENCE {
                    found.text = value;
                    continue;
                }
                if fact == OUTPUT {
                    value.lines().next().unwrap_or_default().clone_into(&mut found.text);
                }
                found.facts.insert(fact.clone(), value);
            }
        }
        Ok(Cow::Owned(saved))
    }
}

/// A name without the entry of `each`: the reference may choose the entry in another way.
fn bare(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// Leaves out facts until the others fit, and records how many.
fn leave_out(facts: &mut BTreeMap<String, String>, mut all: usize) {
    let mut left_out = 0_u64;
    while all > MOST_FACTS - TAIL_BYTES {
        let Some((name, fact)) = facts.pop_last() else { break };
        all -= name.len() + fact.len();
        left_out += 1;
    }
    facts.insert(LEFT_OUT.to_owned(), left_out.to_string());
}

/// Fails a read that is too large, and removes its facts.
fn refuse(outcome: &mut Outcome, why: &str) {
    outcome.ending = Ending::Failed;
    outcome.detail = format!("unknown: {why}");
    outcome.counts.insert("unknown".to_owned(), 1);
}

/// The first bytes, the number of remaining bytes, and the file with all of them.
fn excerpt(text: &str, place: &str) -> String {
    let head = text.get(..text.floor_char_boundary(EXCERPT)).unwrap_or_default();
    format!("{head}\n… {} more, {place}", bytes((text.len() - head.len()) as u64))
}
