//! Looks at what needs no program: in the runner itself, which reads and never changes a target.

use crate::domain::error::{Result, said};
use crate::domain::quantity::bytes;
use crate::domain::{Digest, Evidence, Saved, Verb, Whole};
use crate::journal::log::{self, NotWhole};
use crate::journal::named;
use crate::journal::record::{Ending, Outcome};
use crate::probes::clock;
use crate::procedure::plan::{Action, Step};
use crate::runner::adapters::look::Around;
use crate::runner::adapters::{self, ActEnd, hide};
use crate::runner::engine::Engine;
use crate::runner::rundir::read_bounded;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest value that a read saves, in bytes; a longer one is refused with its size.
const MOST_SAVED: u64 = 16 << 20;

/// How much of a value the journal keeps, in bytes; what is longer is a file beside it.
const EXCERPT: usize = 4096;

/// The fact that holds what a program printed.
const OUTPUT: &str = "output";

impl Engine {
    /// Looks once; gives how it ended with its evidence, and what it said on the way. Calls are taken meanwhile, and an abort
    /// gives the look up.
    pub(super) async fn look(&mut self, planned: &Step, action: &Action) -> Result<(Outcome, Vec<u8>)> {
        let began = clock::boot();
        let cancel = Arc::new(AtomicBool::new(false));
        let (end, told) = match self.filled(action) {
            Err(why) => (ActEnd::unknown(why), Vec::new()),
            Ok(action) => {
                let work = self.looking(action, planned.timeout_s, Arc::clone(&cancel));
                tokio::pin!(work);
                let late = tokio::time::sleep(Duration::from_secs(planned.timeout_s));
                tokio::pin!(late);
                loop {
                    tokio::select! {
                        done = &mut work => break done,
                        () = &mut late => break (ActEnd::unknown("it took longer than it may"), Vec::new()),
                        call = self.control.calls.recv() => {
                            if let Some(call) = call && self.take_call(call)? {
                                break (ActEnd::new(Ending::Cancelled, "stopped on request"), Vec::new());
                            }
                        }
                    }
                }
            }
        };
        cancel.store(true, Ordering::SeqCst);
        let took = clock::boot().since(began);
        let mut outcome = Outcome {
            ending: end.ending,
            detail: end.detail,
            code: None,
            signal: None,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            counts: end.counts,
            log: None,
            recovered: false,
            evidence: end.evidence,
            whole: BTreeMap::new(),
        };
        self.vouch(&mut outcome, planned);
        Ok((outcome, told))
    }

    /// The look itself, which owns all that it needs.
    fn looking(
        &self,
        action: Action,
        timeout_s: u64,
        cancel: Arc<AtomicBool>,
    ) -> impl Future<Output = (ActEnd, Vec<u8>)> + 'static {
        let around = self.around();
        async move {
            let work = tokio::task::spawn_blocking(move || {
                let mut told = Vec::new();
                let end = around.look(&action, Duration::from_secs(timeout_s), &mut told, &cancel);
                (hide::end(end), hide::text(&String::from_utf8_lossy(&told)).into_bytes())
            });
            work.await.unwrap_or_else(|cause| (ActEnd::unknown(format!("the look broke off: {cause}")), Vec::new()))
        }
    }

    /// What a look may need to know.
    pub(super) fn around(&self) -> Around {
        Around {
            estate: self.estate.clone(),
            name: self.plan.estate.clone(),
            runs: self.dir.path.parent().unwrap_or(Path::new("/")).to_owned(),
            own: self.dir.id.clone(),
        }
    }

    /// Gives a check or a read that was judged the evidence that it has not brought itself: what was asked, when, what came.
    pub(super) fn vouch(&self, outcome: &mut Outcome, planned: &Step) {
        let Some(action) = planned.act.as_ref().filter(|_| Self::is_judged(outcome.ending)) else { return };
        if outcome.evidence.is_none() {
            let mut facts: BTreeMap<String, String> =
                outcome.counts.iter().map(|(name, count)| (name.clone(), count.to_string())).collect();
            facts.extend(outcome.code.map(|code| ("code".to_owned(), code.to_string())));
            let source = self.filled(action).map_or_else(|_| action.line.clone(), |action| action.line);
            outcome.evidence = Some(Evidence { source, seen: clock::now().wall, facts });
        }
        if planned.verb == Verb::Read && outcome.ending == Ending::Ok && adapters::program(action).is_some() {
            self.take_output(outcome);
        }
        if outcome.ending == Ending::Ok || planned.verb == Verb::Check {
            self.keep_long_facts(outcome);
        }
    }

    /// Makes what a program printed the fact that was read, whole. Nothing printed is nothing learned.
    fn take_output(&self, outcome: &mut Outcome) {
        let output = match &outcome.log {
            None => Ok(Vec::new()),
            Some(log) if log.dropped > 0 => Err(NotWhole::Dropped(log.bytes)),
            Some(log) => log::output(&self.dir.log(&log.file), MOST_SAVED),
        };
        let output = output.map(|output| String::from_utf8_lossy(&output).replace("\r\n", "\n"));
        let output = match &output {
            Ok(output) if output.trim().is_empty() => Err("it printed nothing".to_owned()),
            Ok(output) => Ok(output.trim()),
            Err(why) => Err(why.to_string()),
        };
        match output {
            Err(why) => refuse(outcome, &why),
            Ok(output) => {
                output.lines().next().unwrap_or_default().clone_into(&mut outcome.detail);
                if let Some(evidence) = &mut outcome.evidence {
                    evidence.facts.insert(OUTPUT.to_owned(), output.to_owned());
                }
            }
        }
    }

    /// Keeps the facts that are too long for the journal as files beside it, and leaves an excerpt that says how much more there is.
    fn keep_long_facts(&self, outcome: &mut Outcome) {
        let Some(evidence) = &mut outcome.evidence else { return };
        let mut failed = None;
        for (name, fact) in evidence.facts.iter_mut().filter(|(_, fact)| fact.len() > EXCERPT) {
            match self.dir.keep_saved(fact.as_bytes()) {
                Ok(whole) => {
                    *fact = excerpt(fact, &whole);
                    outcome.whole.insert(name.clone(), whole);
                }
                Err(cause) => failed = Some(format!("what was read as `{name}` cannot be kept: {}", said(cause))),
            }
        }
        if outcome.detail.len() > EXCERPT {
            outcome.detail = format!("{}…", head(&outcome.detail));
        }
        if let Some(why) = failed {
            refuse(outcome, &why);
        }
    }

    /// What reads saved, with those facts whole that a text takes.
    ///
    /// # Errors
    /// When such a file cannot be read, or is another one.
    pub(super) fn saved_for(&self, text: &str) -> std::result::Result<Cow<'_, BTreeMap<String, Saved>>, String> {
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
                let value = read_bounded(&self.dir.saved(&whole.sha256), whole.bytes)
                    .map_err(|cause| format!("what was read as `{name}` cannot be read again: {}", said(cause)))?;
                if Digest::of(&value) != whole.sha256 {
                    return Err(format!("what was read as `{name}` is not what was kept"));
                }
                let value = String::from_utf8_lossy(&value).into_owned();
                if fact == OUTPUT {
                    value.lines().next().unwrap_or_default().clone_into(&mut found.says);
                }
                found.facts.insert(fact.clone(), value);
            }
        }
        Ok(Cow::Owned(saved))
    }
}

/// A name without the entry of `each`: the reference may choose the entry by another way.
fn bare(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// Makes a read that learned nothing of what it did not learn.
fn refuse(outcome: &mut Outcome, why: &str) {
    outcome.ending = Ending::Failed;
    outcome.detail = format!("unknown: {why}");
    outcome.counts.insert("unknown".to_owned(), 1);
}

/// As many of the first bytes as a journal keeps.
fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(EXCERPT)).unwrap_or_default()
}

/// The first bytes, and how much more there is, and where.
fn excerpt(text: &str, whole: &Whole) -> String {
    let head = head(text);
    let more = bytes((text.len() - head.len()) as u64);
    format!("{head}\n… {more} more, whole in {}/{}", named::SAVED, whole.sha256)
}
