//! Checks and reads that need no program: the runner makes them itself, and never changes a target.

use crate::domain::error::Result;
use crate::domain::{Evidence, Verb};
use crate::journal::record::{Ending, Outcome};
use crate::probes::clock;
use crate::procedure::plan::{Action, Step};
use crate::runner::adapters::look::Around;
use crate::runner::adapters::{self, ActEnd, hide};
use crate::runner::engine::Engine;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::Instrument;

impl Engine {
    /// Looks once; returns the ending with its evidence, and the log lines. Handles calls while it waits; an abort cancels
    /// the look.
    pub(super) async fn look(&mut self, step: u32, planned: &Step, action: &Action) -> Result<(Outcome, Vec<u8>)> {
        let began = clock::boot();
        let cancel = Arc::new(AtomicBool::new(false));
        let (end, lines) = match self.filled(action) {
            Err(why) => (ActEnd::unknown(why), Vec::new()),
            Ok(action) => {
                let work = self.looking(action, planned.timeout_s, Arc::clone(&cancel));
                let work = work.instrument(tracing::info_span!("look", step = step + 1, id = planned.id));
                tokio::pin!(work);
                let late = tokio::time::sleep(Duration::from_secs(planned.timeout_s));
                tokio::pin!(late);
                loop {
                    tokio::select! {
                        done = &mut work => break done,
                        () = &mut late => break (ActEnd::unknown("it took too long"), Vec::new()),
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
            unexecuted: false,
            evidence: end.evidence,
            whole: BTreeMap::new(),
        };
        self.vouch(&mut outcome, planned);
        Ok((outcome, lines))
    }

    /// The look itself, which owns all its data.
    fn looking(
        &self,
        action: Action,
        timeout_s: u64,
        cancel: Arc<AtomicBool>,
    ) -> impl Future<Output = (ActEnd, Vec<u8>)> + 'static {
        let around = self.around();
        async move {
            let span = tracing::Span::current();
            let work = tokio::task::spawn_blocking(move || {
                let mut lines = Vec::new();
                let patience = Duration::from_secs(timeout_s);
                let end = span.in_scope(|| around.look(&action, patience, &mut lines, &cancel));
                (hide::end(end), hide::text(&String::from_utf8_lossy(&lines)).into_bytes())
            });
            work.await
                .unwrap_or_else(|cause| (ActEnd::unknown(format!("the look was interrupted: {cause}")), Vec::new()))
        }
    }

    /// The data that a look may need.
    pub(super) fn around(&self) -> Around {
        Around {
            estate: self.estate.clone(),
            name: self.plan.estate.clone(),
            runs: self.dir.path.parent().unwrap_or(Path::new("/")).to_owned(),
            own: self.dir.id.clone(),
        }
    }

    /// Adds the standard evidence to a check or a read that has none: the question, the time and the answer.
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
        self.keep_whole(outcome, planned.verb);
    }
}
