//! Previews a step and freezes the set that it will touch.

use crate::config::plain;
use crate::config::state::team;
use crate::domain::error::Result;
use crate::domain::{Digest, EffectClass, Error, Kind, Preview, StepState, Verb, quantity};
use crate::journal::fold::StepView;
use crate::journal::record::{Closed, Covered};
use crate::procedure::condition::readable;
use crate::procedure::plan::{Action, Step, UndoPlan};
use crate::procedure::template::OfRun;
use crate::runner::adapters::bound::Bound;
use crate::runner::adapters::{self, Draft, Look, hide, undo};
use crate::runner::engine::Engine;
use crate::runner::engine::rollback::why_no_undo;
use crate::runner::rundir::sync_dir;
use crate::runner::{failpoint, identity, policy};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The most bytes of the preview of one step, and of all previews that one prompt also covers: its record must fit
/// into [`LARGEST_RECORD`](crate::journal::record::LARGEST_RECORD). A larger preview is refused; steps that do not
/// fit get their own prompt.
const LARGEST_PROMPT: usize = 480 << 10;

/// A frozen set with its preview.
pub struct Frozen {
    /// Its digest, and its name below `sets/`.
    pub digest: Digest,
    /// What a prompt shows.
    pub preview: Preview,
}

/// Why a frozen set is no longer valid.
pub(super) struct Drift {
    /// Whether the set changed, or cannot be compared.
    pub why: Closed,
    /// What changed, or the cause.
    pub lines: Vec<String>,
}

impl Drift {
    /// The sentence that rejects an answer to the old set.
    pub(super) fn refusal(&self) -> String {
        match self.why {
            Closed::NoPreview => format!("what the prompt showed cannot be compared: {}", self.lines.join("; ")),
            _ => "what the prompt showed has changed since; look at the new one".to_owned(),
        }
    }
}

impl Engine {
    /// Previews a step and stores its set durably; the inner `Err` is a refusal that a person must decide about.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) async fn freeze(&mut self, step: u32) -> Result<std::result::Result<Frozen, Error>> {
        let mut planned = self.planned(step)?;
        if planned.verb == Verb::UndoOf {
            return self.freeze_undo(step, &planned);
        }
        if let Err(why) = self.set_undo(&mut planned) {
            return Ok(Err(Error::new(Kind::Refused, format!("cannot preview step {}: {why}", step + 1))));
        }
        let action = match planned.act.as_ref().map(|action| self.filled(action)) {
            Some(Ok(action)) => action,
            Some(Err(why)) => return Ok(Err(Error::machine(format!("preview step {}", step + 1), why))),
            None => return Ok(Err(Error::machine(format!("preview step {}", step + 1), "it has no action"))),
        };
        let sets = self.dir.path.join("sets");
        let restless = self.restless();
        let span = tracing::info_span!("preview", step = step + 1, id = planned.id);
        let work = tokio::task::spawn_blocking(move || span.in_scope(|| look(&action, &planned, &sets, restless)));
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    let seen = done.map_err(|cause| Error::machine(format!("preview step {}", step + 1), cause));
                    return Ok(seen.and_then(|seen| seen).and_then(|(part, frozen)| self.store(&part, self.with_its_ending(step, frozen))));
                }
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? {
                        return Ok(Err(Error::machine(format!("preview step {}", step + 1), "the run was stopped")));
                    }
                }
            }
        }
    }

    /// Adds to a preview the cleanup step that undoes the act: the consent to the act covers it.
    fn with_its_ending(&self, step: u32, mut frozen: Frozen) -> Frozen {
        let undoes =
            |view: &StepView| view.head.verb == Verb::UndoOf && view.head.always && view.head.undo_of.contains(&step);
        if let Some(by) = self.view().steps.iter().position(undoes) {
            frozen.preview.undo.push_str(&format!(" · in every ending (step {})", by + 1));
        }
        frozen
    }

    /// Fills in the references of the undo and the proof. A value that is unknown now would be missing later, when it
    /// is too late.
    fn set_undo(&self, planned: &mut Step) -> std::result::Result<(), String> {
        if let UndoPlan::Undo(undo) = &mut planned.undo {
            *undo = self.filled(undo).map_err(|why| format!("its undo could not be made: {why}"))?;
        }
        if let Some(prove) = &mut planned.prove {
            *prove = self.filled(prove).map_err(|why| format!("it could not be proved: {why}"))?;
        }
        Ok(())
    }

    /// Freezes what an `undo_of` undoes now: the steps that it names and that have an undo left to run, last first.
    fn freeze_undo(&self, step: u32, planned: &Step) -> Result<std::result::Result<Frozen, Error>> {
        let mut rows = Vec::new();
        for number in self.view().named_undos(step) {
            let other = self.planned(number)?;
            let UndoPlan::Undo(undo) = &other.undo else { continue };
            let line = match self.filled(undo) {
                Ok(undo) => undo.line,
                Err(why) => {
                    let message = format!("cannot preview step {}: the undo of step {}: {why}", step + 1, number + 1);
                    return Ok(Err(Error::new(Kind::Refused, message)));
                }
            };
            let set = self.view().step(number).and_then(|view| view.set.clone());
            rows.push(undo::Row { step: number + 1, title: other.title, line, set });
        }
        let preview = self.preview_of_undo(step, planned, &rows);
        let part = self.dir.path.join("sets").join(format!("part-{}", std::process::id()));
        let doing = "keep the frozen set";
        let kept = Draft::create(&part).map_err(|cause| Error::machine(doing, cause)).and_then(|mut set| {
            undo::write(&rows, &mut set)?;
            set.finish().map_err(|cause| Error::machine(doing, cause))
        });
        Ok(kept.and_then(|digest| self.store(&part, Frozen { digest, preview })))
    }

    /// The preview of an `undo_of`.
    fn preview_of_undo(&self, step: u32, planned: &Step, rows: &[undo::Row]) -> Preview {
        let count = quantity::counted(rows.len() as u64, "step", "steps");
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        let headline = if rows.is_empty() {
            format!("nothing to undo: {}", self.undo_context(step))
        } else {
            format!("Undo {count}: {}", titles.join("; "))
        };
        let numbers: Vec<u32> = rows.iter().map(|row| row.step - 1).collect();
        let named = self.view().step(step).map(|view| view.head.undo_of.clone()).unwrap_or_default();
        let passed = named.into_iter().filter(|number| !rows.is_empty() && !numbers.contains(number));
        let warnings = passed.filter_map(|number| {
            let why = why_no_undo(self.view().step(number)?);
            Some(format!("step {} is skipped, {why}", number + 1))
        });
        Preview {
            headline,
            place: identity::host_name(),
            count: rows.len() as u64,
            facts: rows.iter().map(|row| (format!("step {}", row.step), row.line.clone())).collect(),
            warnings: warnings.collect(),
            takes_s: self.undo_time(&numbers),
            undo: "none (it is an undo itself)".to_owned(),
            phrase: if planned.effect == EffectClass::Destroy { format!("undo {count}") } else { String::new() },
            ..Preview::default()
        }
    }

    /// Stores a set's file durably under its digest.
    fn store(&self, part: &Path, frozen: Frozen) -> Result<Frozen> {
        self.keep_set(part, &frozen.digest).map(|()| frozen)
    }

    /// Stores a set's file durably under a digest.
    pub(super) fn keep_set(&self, part: &Path, digest: &Digest) -> Result<()> {
        let doing = "keep the frozen set";
        let sets = self.dir.path.join("sets");
        let shared = File::open(part).and_then(|file| team::share(&file, &sets, 0o640));
        let kept = shared.and_then(|()| fs::rename(part, self.dir.set(digest))).and_then(|()| sync_dir(&sets));
        kept.map_err(|cause| Error::machine(doing, cause))?;
        failpoint::pass("set.written");
        Ok(())
    }

    /// What changed since a set was frozen, or that it cannot be known; `None` if it is unchanged.
    pub(super) async fn find_drift(&mut self, step: u32, set: &Digest) -> Result<Option<Drift>> {
        let before = self.dir.set(set);
        let after = match self.freeze(step).await? {
            Err(refusal) if refusal.kind == Kind::Refused => {
                let lines = vec![format!("it cannot be previewed any more: {refusal}")];
                return Ok(Some(Drift { why: Closed::Drifted, lines }));
            }
            Err(failed) => return Ok(Some(Drift { why: Closed::NoPreview, lines: vec![failed.to_string()] })),
            Ok(frozen) if frozen.digest == *set => return Ok(None),
            Ok(frozen) => self.dir.set(&frozen.digest),
        };
        self.remember_drift(&before, &after);
        let open = |path: &PathBuf| plain::open(path).map(BufReader::new);
        Ok(Some(match (open(&before), open(&after)) {
            (Ok(mut before), Ok(mut after)) => {
                Drift { why: Closed::Drifted, lines: adapters::drift(&mut before, &mut after) }
            }
            _ => {
                let lines = vec!["the frozen set cannot be read any more".to_owned()];
                Drift { why: Closed::NoPreview, lines }
            }
        }))
    }

    /// The later change steps of the same phase that can be previewed now: a prompt of a procedure with `prompt =
    /// "phase"` covers them with its own step. A destroy and a step with a second person always get their own prompt.
    pub(super) async fn also_covered(&mut self, step: u32) -> Result<Vec<Covered>> {
        let phase = self.planned(step)?.phase;
        let mut covered = Vec::new();
        let mut bytes = 0;
        let count = u32::try_from(self.plan.steps.len()).unwrap_or(u32::MAX);
        for later in step + 1..count {
            let planned = self.planned(later)?;
            let acts = matches!(planned.verb, Verb::Do | Verb::UndoOf) && planned.effect == EffectClass::Change;
            let planned_still = self.view().step(later).is_some_and(|view| view.state == StepState::Planned);
            if planned.phase != phase || !acts || !planned_still || policy::needs_four_eyes(&self.plan, &planned) {
                continue;
            }
            if !matches!(self.judge_when(&planned), Ok(None)) {
                continue;
            }
            let Ok(frozen) = self.freeze(later).await? else { continue };
            if frozen.preview.count == 0 {
                continue;
            }
            bytes += serde_json::to_vec(&frozen.preview).map_or(LARGEST_PROMPT, |text| text.len());
            if bytes >= LARGEST_PROMPT {
                break;
            }
            let headline = frozen.preview.headline.clone();
            let preview = Some(Box::new(frozen.preview));
            covered.push(Covered { step: later, set: frozen.digest, headline, preview });
        }
        Ok(covered)
    }

    /// An action with the run's own references filled in; the error names an unknown reference.
    pub(super) fn filled(&self, action: &Action) -> std::result::Result<Action, String> {
        let dir = self.dir.path.to_string_lossy();
        let saved = self.saved_for(&format!("{} {}", action.line, action.spec))?;
        action.of_run(OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &saved })
    }

    /// The value of a reference that the plan left to the run; an empty value counts as unknown.
    pub(super) fn known(&self, name: &str) -> std::result::Result<String, String> {
        let dir = self.dir.path.to_string_lossy();
        let saved = self.saved_for(name)?;
        let run = OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &saved };
        match run.value(name)? {
            None => Err(format!("`{name}` is nothing that the run knows")),
            Some(value) if value.trim().is_empty() => {
                Err(format!("`{}` is empty", readable(&format!("{{{{{name}}}}}"))))
            }
            Some(value) => Ok(value),
        }
    }

    /// A text for people with the run's own references filled in; an unknown reference is shown as such.
    pub(super) fn mask(&self, text: &str) -> String {
        let dir = self.dir.path.to_string_lossy();
        let run = OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &self.view().saved };
        run.fill(text).unwrap_or_else(|why| format!("{text} ({why})"))
    }
}

/// Previews into a file beside the sets; a run makes one preview at a time, so one name suffices.
fn look(action: &Action, planned: &Step, sets: &Path, restless: Vec<PathBuf>) -> Result<(PathBuf, Frozen)> {
    let doing = format!("preview {}", planned.title);
    let part = sets.join(format!("part-{}", std::process::id()));
    let bound = Bound::of(&Step { act: Some(action.clone()), ..planned.clone() }, &restless)?;
    let mut set = Draft::create(&part).map_err(|cause| Error::machine(&doing, cause))?.with(bound);
    let look = Look { restless, ..Look::of(planned, identity::host_name()) };
    let preview = adapters::preview(action, &look, &mut set)
        .map(|seen| Preview { listing: planned.with_undo_text(seen.listing.clone()), ..seen });
    let preview = preview.map(hide::preview).map_err(|cause| Error { message: hide::text(&cause.message), ..cause })?;
    refuse_what_no_prompt_holds(&doing, &preview)?;
    let digest = set.finish().map_err(|cause| Error::machine(&doing, cause))?;
    Ok((part, Frozen { digest, preview }))
}

/// Refuses a preview that a prompt could not show completely: its record would be too large for the journal.
fn refuse_what_no_prompt_holds(doing: &str, preview: &Preview) -> Result<()> {
    let size = serde_json::to_vec(preview).map_or(usize::MAX, |text| text.len());
    if size < LARGEST_PROMPT {
        return Ok(());
    }
    let (is, most) = (quantity::bytes(size as u64), quantity::bytes(LARGEST_PROMPT as u64));
    let message = format!("cannot {doing}: what it would show has {is}, and a prompt holds at most {most}");
    Err(Error::new(Kind::Refused, message)
        .hint("what is confirmed is shown whole: divide the step, or shorten what it runs"))
}
