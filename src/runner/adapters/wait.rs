//! A `wait` at work: looks repeatedly until its condition holds, or until its time is up.
//!
//! ```text
//! look ─▶ is it so? ─▶ yes, and has been without a break for the span: over
//!   ▲                  no, unknown, or another run of the source: the span begins again
//!   └── pause ◀────────┘                         time is up: what was seen last
//! ```
//!
//! It runs as an act under a shim, so that it continues without its runner. An error, an empty answer and a missing
//! fact never fulfil the condition. Every look is a line of the step's log; the journal has one record for all of
//! them.

use crate::domain::quantity::{shortened, span};
use crate::domain::{Boot, EffectClass, Evidence};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::condition::Condition;
use crate::procedure::plan::{Action, Until};
use crate::runner::adapters::{self as common, ActEnd, look::Around};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Its key; no procedure can use it.
pub const KEY: &str = "wait";

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(60);

/// How long an abandoned look may take to end, before the next one begins anyway.
const LET_GO: Duration = Duration::from_secs(5);

/// How often a pause checks for cancellation.
const GLANCE: Duration = Duration::from_millis(50);

/// The longest value in a line, in characters.
const LONGEST_VALUE: usize = 120;

/// What a wait does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// The look.
    pub look: Action,
    /// Its condition.
    pub until: Until,
    /// How long it may still take, in milliseconds.
    pub left_ms: u64,
    /// How long it may take in all, in seconds; only for the messages.
    pub timeout_s: u64,
    /// The pause between two looks, in milliseconds.
    pub every_ms: u64,
    /// The context of a look.
    pub around: Around,
}

impl Waiting {
    /// The wait as an action for a shim.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        common::action(KEY, EffectClass::Read, format!("wait until {}", self.until.words()), self)
    }
}

/// What the last look saw.
struct Last {
    /// In words: `value 12`, `unknown: connection refused`.
    sentence: String,
    evidence: Option<Evidence>,
}

/// The time for which the condition has held without a break.
#[derive(Clone, Copy)]
struct So {
    /// The end of the first look that found it true.
    since: Boot,
    /// The beginning of the last one.
    seen: Boot,
    /// The end of the last one.
    until: Boot,
}

/// The progress of a wait.
struct Wait<'a> {
    spec: &'a Waiting,
    condition: Option<Condition>,
    began: Boot,
    looks: u64,
    so: Option<So>,
    last: Option<Last>,
    /// A look that was abandoned and has not ended.
    stuck: Option<Receiver<(ActEnd, Vec<u8>)>>,
    /// The last identity of the source's process.
    run: Option<String>,
}

/// Waits.
pub(super) fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let spec: Waiting = match common::spec(action) {
        Ok(spec) => spec,
        Err(cause) => return ActEnd::unknown(cause.message),
    };
    let condition = match (spec.until.is_passed(), Condition::parse(&spec.until.condition)) {
        (true, _) => None,
        (false, Ok(condition)) => Some(condition),
        (false, Err(why)) => return ActEnd::unknown(format!("`until` cannot be read: {why}")),
    };
    let began = clock::boot();
    Wait { spec: &spec, condition, began, looks: 0, so: None, last: None, stuck: None, run: None }
        .until_its_end(out, cancel)
}

impl Wait<'_> {
    fn until_its_end(mut self, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
        let every = Duration::from_millis(self.spec.every_ms);
        loop {
            let began = clock::boot();
            let Some((end, printed)) = self.look(cancel) else { break };
            let settled = end.settled;
            let restarted = self.is_another_run(&end);
            let so = self.judge(began, end, &printed);
            let again = if restarted { " · restarted since the last look" } else { "" };
            let _ = writeln!(out, "{}{}{again}", self.seen(), if so { " · so" } else { "" });
            if settled {
                let detail = format!("it cannot become so any more: {}", self.seen());
                return self.ended(Ending::Failed, detail);
            }
            if so && self.held() >= Duration::from_secs(self.spec.until.for_s) {
                return self.over();
            }
            if !self.pause(every, cancel) {
                break;
            }
        }
        if cancel.load(Ordering::Relaxed) {
            let seen = self.seen();
            return self.ended(Ending::Cancelled, seen);
        }
        let limit = span(Duration::from_secs(self.spec.timeout_s));
        let detail = format!("not so within {limit}: {} · wanted: {}", self.seen(), self.spec.until.words());
        self.ended(Ending::TimedOut, detail)
    }

    fn left(&self) -> Duration {
        Duration::from_millis(self.spec.left_ms).saturating_sub(clock::boot().since(self.began))
    }

    /// Looks once; `None` if the time is up or it is cancelled during the look.
    fn look(&mut self, cancel: &AtomicBool) -> Option<(ActEnd, Vec<u8>)> {
        if self.left().is_zero() || cancel.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(stuck) = &self.stuck {
            match stuck.try_recv() {
                Err(mpsc::TryRecvError::Empty) => {
                    return Some((ActEnd::unknown("the look before this one still hangs"), Vec::new()));
                }
                _ => self.stuck = None,
            }
        }
        let (send, receive) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (action, around, stopped) = (self.spec.look.clone(), self.spec.around.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut printed = Vec::new();
            let end = around.look(&action, LOOK, &mut printed, &stopped);
            let _ = send.send((end, printed));
        });
        let began = clock::boot();
        loop {
            match receive.recv_timeout(GLANCE) {
                Ok(seen) => return Some(seen),
                Err(RecvTimeoutError::Disconnected) => {
                    return Some((ActEnd::unknown("the look was interrupted"), Vec::new()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let spent = clock::boot().since(began);
            if self.left().is_zero() || cancel.load(Ordering::Relaxed) {
                stop.store(true, Ordering::SeqCst);
                return None;
            }
            if spent >= LOOK {
                stop.store(true, Ordering::SeqCst);
            }
            if spent >= LOOK + LET_GO {
                self.stuck = Some(receive);
                return Some((ActEnd::unknown("it took longer than a look may"), Vec::new()));
            }
        }
    }

    /// Whether another process of the source answers than before; the condition held only for the previous one.
    fn is_another_run(&mut self, end: &ActEnd) -> bool {
        let Some(now) = end.source_run.clone() else { return false };
        let is_another = self.run.as_ref().is_some_and(|before| *before != now);
        self.run = Some(now);
        if is_another {
            self.so = None;
        }
        is_another
    }

    /// Judges a look, and counts since when the condition has held.
    fn judge(&mut self, began: Boot, end: ActEnd, printed: &[u8]) -> bool {
        let now = clock::boot();
        self.looks += 1;
        let facts = facts(&self.spec.look, &end, printed);
        let judged = match (&self.condition, end.ending) {
            _ if end.is_unknown() => Err(end.detail.clone()),
            (None, Ending::Ok) => Ok(true),
            (None, Ending::Failed) => Ok(false),
            (Some(condition), Ending::Ok) => condition.holds_for(&facts),
            _ => Err(end.detail.clone()),
        };
        let so = judged == Ok(true);
        let text = match judged {
            Err(why) if why.starts_with("unknown: ") => why,
            Err(why) => format!("unknown: {why}"),
            Ok(_) if self.condition.is_none() => end.detail.clone(),
            Ok(_) => self.values(&facts),
        };
        let evidence = end.evidence.or_else(|| {
            let source = self.spec.look.line.clone();
            so.then(|| Evidence { source, seen: clock::now().wall, facts })
        });
        self.last = Some(Last { sentence: text, evidence });
        self.so = match self.so {
            _ if !so => None,
            // After such a long time without a look, it is unknown whether the condition held throughout.
            Some(so) if began.since(so.until) <= self.patience() => Some(So { seen: began, until: now, ..so }),
            _ => Some(So { since: now, seen: began, until: now }),
        };
        so
    }

    /// How long the pause between two looks may become within an unbroken span.
    fn patience(&self) -> Duration {
        Duration::from_millis(self.spec.every_ms) * 3 + Duration::from_secs(5)
    }

    /// For how long the condition has held; from the end of the first look that found it true to the beginning of the
    /// last one.
    fn held(&self) -> Duration {
        self.so.map_or(Duration::ZERO, |so| so.seen.since(so.since))
    }

    /// The values of the facts in the condition.
    fn values(&self, facts: &BTreeMap<String, String>) -> String {
        let mut lines: Vec<String> = Vec::new();
        for name in self.condition.iter().flat_map(Condition::facts) {
            let value = facts.get(name).map_or("", String::as_str);
            let text = format!("{name} {}", shortened(value, LONGEST_VALUE));
            if !lines.contains(&text) {
                lines.push(text);
            }
        }
        lines.join(" · ")
    }

    fn seen(&self) -> String {
        let Some(last) = &self.last else { return "nothing was seen".to_owned() };
        let held = match self.so {
            Some(_) if self.spec.until.for_s > 0 => format!(" · so for {}", span(self.held())),
            _ => String::new(),
        };
        format!("{}{held}", last.sentence)
    }

    /// Pauses; false when the time is up or it is cancelled.
    fn pause(&self, pause: Duration, cancel: &AtomicBool) -> bool {
        let began = clock::boot();
        loop {
            let rest = pause.saturating_sub(clock::boot().since(began)).min(self.left());
            if cancel.load(Ordering::Relaxed) || self.left().is_zero() {
                return false;
            }
            if rest.is_zero() {
                return true;
            }
            std::thread::sleep(rest.min(GLANCE));
        }
    }

    fn over(self) -> ActEnd {
        let after = span(clock::boot().since(self.began));
        let detail = format!("{} · after {after}", self.seen());
        self.ended(Ending::Ok, detail)
    }

    fn ended(mut self, ending: Ending, detail: String) -> ActEnd {
        let mut end = ActEnd::new(ending, detail);
        end.counts.insert("looks".to_owned(), self.looks);
        end.evidence = self.last.take().and_then(|last| last.evidence);
        end
    }
}

/// The facts of a look: its facts, its counts, and as `value` its main value.
fn facts(look: &Action, end: &ActEnd, printed: &[u8]) -> BTreeMap<String, String> {
    let mut facts = end.evidence.as_ref().map(|seen| seen.facts.clone()).unwrap_or_default();
    facts.extend(end.counts.iter().map(|(name, count)| (name.clone(), count.to_string())));
    if common::program(look).is_some()
        && let Ok(output) = common::printed(printed.to_vec())
    {
        facts.insert("output".to_owned(), output);
    }
    let only = facts.get("output").or_else(|| facts.values().next().filter(|_| facts.len() == 1)).cloned();
    if let (Some(only), false) = (only, facts.contains_key("value")) {
        facts.insert("value".to_owned(), only);
    }
    facts
}

#[cfg(test)]
mod tests;
