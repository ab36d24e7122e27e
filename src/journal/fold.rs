//! From records to the state of a run.
//!
//! Attaching to a run and watching it live are the same function: each record moves the [`RunView`] one step. A record
//! that cannot follow what came before is refused, here and therefore also by the appender, so that an impossible
//! history cannot be written.

use crate::domain::preview::is_consent;
use crate::domain::{Actor, Digest, EffectClass, PromptId, RunId, RunStatus, StepState, Verb, Wall};
use crate::journal::record::{Answer, Ask, Choice, Closed, Covered, Ending, Event, Outcome, Record, StepHead};
use std::collections::{BTreeMap, BTreeSet};

/// A run as its journal tells it. Whether a runner lives is not in the journal; see [`RunView::status`].
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// The run.
    pub id: RunId,
    /// The procedure's id.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// The plan's hash.
    pub plan: Digest,
    /// The estate's name.
    pub estate: String,
    /// Its environment.
    pub environment: String,
    /// The parameters, as shown.
    pub params: BTreeMap<String, String>,
    /// The phases, in order.
    pub phases: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// Who started it.
    pub starter: Actor,
    /// How the start was confirmed.
    pub confirmed: String,
    /// When it started.
    pub started: Wall,
    /// When it was sealed.
    pub ended: Option<Wall>,
    /// How it was sealed.
    pub sealed: Option<RunStatus>,
    /// The open prompt.
    pub prompt: Option<OpenPrompt>,
    /// How the newest prompt that is no longer open came to its end.
    pub prompt_end: Option<PromptEnd>,
    /// The locks it holds: name and identity.
    pub locks: Vec<(String, String)>,
    /// What people wrote down.
    pub notes: Vec<NoteView>,
    /// Answers that did not count: when, who, why.
    pub refused: Vec<(Wall, Actor, String)>,
    /// Who asked to stop it, and whether to take back what was done.
    pub abort: Option<(Actor, bool)>,
    /// How often a new runner took over.
    pub resumed: u32,
    /// The last record's number.
    pub seq: u64,
    /// The last record's digest.
    pub head: Digest,
    /// The last record's time.
    pub last: Wall,
    /// Consents at hand.
    permits: BTreeMap<u32, (PromptId, Digest)>,
    /// Steps with an accepted sign-off that is not used up.
    signed: BTreeSet<u32>,
    /// Steps that a person decided to pass over.
    waived: BTreeSet<u32>,
    /// How many steps are unknown now.
    unsettled: u32,
    /// Where the step of the open prompt stood before it waited.
    before: StepState,
    open: Option<(u32, u32, Act)>,
}

/// Which way an open attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The step itself.
    Forward,
    /// Its undo.
    Undo,
}

/// A step as the journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// What it was created with.
    pub head: StepHead,
    /// Where it stands.
    pub state: StepState,
    /// How many attempts began.
    pub attempts: u32,
    /// The newest attempt's log below `logs/`.
    pub log: Option<String>,
    /// When the newest attempt began.
    pub started: Option<Wall>,
    /// When the step ended.
    pub ended: Option<Wall>,
    /// How the newest attempt ended.
    pub outcome: Option<Outcome>,
    /// The frozen set of the newest attempt.
    pub set: Option<Digest>,
    /// Who consented to the newest attempt, and what was typed.
    pub confirmed: Option<(Actor, String)>,
    /// The sign-off's note, the notice, the skip's reason or the resolution's evidence.
    pub remark: Option<String>,
    /// How its undo ended.
    pub undo: Option<Outcome>,
    /// How many undo attempts began.
    pub undo_attempts: u32,
}

/// A prompt that waits for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPrompt {
    /// The prompt.
    pub id: PromptId,
    /// The step, from 0.
    pub step: u32,
    /// What for.
    pub ask: Ask,
    /// The record that opened it: an answer must name it.
    pub seq: u64,
    /// When it was opened.
    pub opened: Wall,
    /// When its set was last read.
    pub read: Wall,
    /// When it lapses.
    pub expires: Wall,
}

/// The end of a prompt: an answer, or a closing without one.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptEnd {
    /// The prompt.
    pub id: PromptId,
    /// The step, from 0.
    pub step: u32,
    /// When.
    pub at: Wall,
    /// Who answered, or the runner that closed it.
    pub by: Actor,
    /// How.
    pub how: PromptEnding,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PromptEnding {
    /// Somebody answered.
    Answered(Answer),
    /// It closed for this reason; the lines say what moved.
    Closed(Closed, Vec<String>),
}

/// Something written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteView {
    /// When.
    pub at: Wall,
    /// By whom.
    pub by: Actor,
    /// Beside which step.
    pub step: Option<u32>,
    /// What.
    pub text: String,
}

/// A record that cannot follow what came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible(pub String);

/// Refuses a record with a reason.
fn refuse<T>(why: impl Into<String>) -> Result<T, Impossible> {
    Err(Impossible(why.into()))
}

/// Whether an answer is one that the question takes.
fn fits(ask: &Ask, answer: &Answer) -> Result<(), Impossible> {
    match (ask, answer) {
        (_, Answer::Cancel) => Ok(()),
        (Ask::Confirm { effect, preview, .. }, Answer::Confirm { typed }) => {
            if is_consent(*effect, &preview.phrase, typed) {
                return Ok(());
            }
            refuse("what was typed is not consent")
        }
        (Ask::Sign { note_required, .. }, Answer::Sign { note }) => {
            if *note_required && note.trim().is_empty() {
                return refuse("a sign-off without its note");
            }
            Ok(())
        }
        (Ask::Decide { choices, .. }, Answer::Decide { choice, reason }) => {
            if !choices.contains(choice) {
                return refuse(format!("{} was not among the choices", choice.word()));
            }
            if matches!(choice, Choice::Done | Choice::Skip) && reason.trim().is_empty() {
                return refuse(format!("{} without a reason", choice.word()));
            }
            Ok(())
        }
        _ => refuse("an answer of another kind than the prompt"),
    }
}

impl RunView {
    /// The state after the first record.
    ///
    /// # Errors
    /// When the record is not `run.created`.
    pub fn begin(record: &Record) -> Result<Self, Impossible> {
        let Event::RunCreated { procedure, title, plan, estate, environment, params, phases, steps, confirmed, .. } =
            &record.event
        else {
            return refuse("the first record is not run.created");
        };
        Ok(Self {
            id: record.run.clone(),
            procedure: procedure.clone(),
            title: title.clone(),
            plan: plan.clone(),
            estate: estate.clone(),
            environment: environment.clone(),
            params: params.clone(),
            phases: phases.clone(),
            steps: steps.iter().cloned().map(StepView::planned).collect(),
            starter: record.actor.clone(),
            confirmed: confirmed.clone(),
            started: record.wall,
            ended: None,
            sealed: None,
            prompt: None,
            prompt_end: None,
            locks: Vec::new(),
            notes: Vec::new(),
            refused: Vec::new(),
            abort: None,
            resumed: 0,
            seq: record.seq,
            head: record.h.clone(),
            last: record.wall,
            permits: BTreeMap::new(),
            signed: BTreeSet::new(),
            waived: BTreeSet::new(),
            unsettled: 0,
            before: StepState::Planned,
            open: None,
        })
    }

    /// The state after a whole journal.
    ///
    /// # Errors
    /// When there is no record, or one cannot follow the others.
    pub fn of(records: &[Record]) -> Result<Self, Impossible> {
        let Some((first, rest)) = records.split_first() else { return refuse("the journal is empty") };
        let mut view = Self::begin(first)?;
        for record in rest {
            view.apply(record)?;
        }
        Ok(view)
    }

    /// Moves on by one record.
    ///
    /// # Errors
    /// When the record cannot follow; the state is then exactly what it was, so that another record can be tried.
    pub fn apply(&mut self, record: &Record) -> Result<(), Impossible> {
        if record.run != self.id {
            return refuse(format!("record {} belongs to run {}", record.seq, record.run));
        }
        if self.sealed.is_some() {
            return refuse(format!("record {} follows the seal", record.seq));
        }
        self.apply_event(record)?;
        self.seq = record.seq;
        self.head = record.h.clone();
        self.last = record.wall;
        Ok(())
    }

    fn apply_event(&mut self, record: &Record) -> Result<(), Impossible> {
        match &record.event {
            Event::RunCreated { .. } => refuse("a second run.created"),
            Event::LockTaken { name, identity } => {
                self.locks.push((name.clone(), identity.clone()));
                Ok(())
            }
            Event::RunResumed { .. } => {
                self.resumed += 1;
                self.locks.clear();
                self.permits.clear();
                Ok(())
            }
            Event::PromptOpened { prompt, step, ask, expires } => {
                self.open_prompt(record, prompt, *step, ask, *expires)
            }
            Event::PromptReread { prompt } => {
                let open = self.prompt.as_mut().filter(|open| open.id == *prompt);
                let Some(open) = open else { return refuse("prompt.reread of a prompt that is not open") };
                open.read = record.wall;
                Ok(())
            }
            Event::PromptClosed { prompt, why, moved } => {
                let step = self.close_prompt(prompt)?;
                self.end_prompt(record, prompt, step, PromptEnding::Closed(*why, moved.clone()));
                Ok(())
            }
            Event::AnswerAccepted { prompt, step, answer } => self.accept(record, prompt, *step, answer),
            Event::AnswerRejected { why, .. } => {
                self.refused.push((record.wall, record.actor.clone(), why.clone()));
                Ok(())
            }
            Event::StepIntent { step, attempt, effect, set, permit, log } => {
                self.intend(record, *step, *attempt, *effect, set.as_ref(), permit.as_ref(), log)
            }
            Event::StepOutcome { step, attempt, outcome } => self.end(record, *step, *attempt, outcome),
            Event::StepResolved { step, choice, evidence } => self.resolve(record, *step, *choice, evidence),
            Event::StepSkipped { step, reason } => self.skip_step(record, *step, reason),
            Event::StepClosed { step, note } => self.close_step(record, *step, note),
            Event::UndoIntent { step, attempt, set, log } => self.intend_undo(*step, *attempt, set.as_ref(), log),
            Event::UndoOutcome { step, attempt, outcome } => self.end_undo(record, *step, *attempt, outcome),
            Event::Note { step, text } => {
                step.map_or(Ok(()), |step| self.at(step).map(drop))?;
                let (at, by) = (record.wall, record.actor.clone());
                self.notes.push(NoteView { at, by, step: *step, text: text.clone() });
                Ok(())
            }
            Event::AbortRequested { undo } => {
                self.abort = Some((record.actor.clone(), *undo));
                Ok(())
            }
            Event::RunSealed { status, unknown } => self.seal(record, *status, *unknown),
            Event::JournalRecovered { .. } | Event::Other { .. } => Ok(()),
        }
    }

    fn at(&self, step: u32) -> Result<&StepView, Impossible> {
        self.step(step).ok_or_else(|| Impossible(format!("there is no step {step}")))
    }

    /// Moves a step to a state, and keeps count of the unknown ones.
    fn turn(&mut self, step: u32, state: StepState) -> Result<&mut StepView, Impossible> {
        let index = usize::try_from(step).unwrap_or(usize::MAX);
        let view = self.steps.get_mut(index).ok_or_else(|| Impossible(format!("there is no step {step}")))?;
        self.unsettled = self.unsettled.saturating_sub(u32::from(view.state == StepState::Unknown));
        self.unsettled += u32::from(state == StepState::Unknown);
        view.state = state;
        Ok(view)
    }

    /// A step by its number from 0.
    #[must_use]
    pub fn step(&self, step: u32) -> Option<&StepView> {
        self.steps.get(usize::try_from(step).ok()?)
    }

    fn open_prompt(
        &mut self,
        record: &Record,
        id: &PromptId,
        step: u32,
        ask: &Ask,
        expires: Wall,
    ) -> Result<(), Impossible> {
        if self.prompt.is_some() {
            return refuse("a second prompt");
        }
        if self.open.is_some() {
            return refuse("a prompt while an attempt is open");
        }
        self.may_ask(step, ask)?;
        let before = self.at(step)?.state;
        match ask {
            Ask::Decide { .. } => {}
            // A new question takes back the consent to the old one.
            Ask::Confirm { .. } => drop(self.permits.remove(&step)),
            Ask::Sign { .. } => drop(self.signed.remove(&step)),
        }
        if !matches!(ask, Ask::Decide { .. }) {
            self.turn(step, StepState::Waiting)?;
        }
        self.before = before;
        self.prompt = Some(OpenPrompt {
            id: id.clone(),
            step,
            ask: ask.clone(),
            seq: record.seq,
            opened: record.wall,
            read: record.wall,
            expires,
        });
        Ok(())
    }

    /// Whether this may be asked about a step now.
    fn may_ask(&self, step: u32, ask: &Ask) -> Result<(), Impossible> {
        let view = self.at(step)?;
        let (verb, state) = (view.head.verb, view.state);
        let fits = match ask {
            Ask::Confirm { effect, .. } => {
                if self.abort.is_some() {
                    return refuse("a confirmation is asked for after the run was stopped");
                }
                if *effect != view.head.effect {
                    return refuse(format!(
                        "step {step} is of class {}, not {}",
                        view.head.effect.word(),
                        effect.word()
                    ));
                }
                verb == Verb::Do && matches!(state, StepState::Planned | StepState::Failed)
            }
            Ask::Sign { .. } => {
                let soft_gate = verb == Verb::Check && state == StepState::Failed;
                (verb == Verb::Manual && state == StepState::Planned) || soft_gate
            }
            Ask::Decide { choices, .. } => {
                let untouched = state == StepState::Skipped && view.attempts == 0;
                !choices.is_empty() && !untouched && state != StepState::Undone
            }
        };
        if !fits {
            return refuse(format!("this cannot be asked about a {} step that is {}", verb.word(), state.word()));
        }
        let Ask::Confirm { also, .. } = ask else { return Ok(()) };
        for covered in also {
            let later = self.at(covered.step)?;
            let same_phase = later.head.phase == view.head.phase && covered.step > step;
            let changes = later.head.verb == Verb::Do && later.head.effect == EffectClass::Change;
            if !same_phase || !changes || later.state != StepState::Planned {
                return refuse(format!("a confirmation of step {step} cannot cover step {}", covered.step));
            }
        }
        Ok(())
    }

    fn close_prompt(&mut self, id: &PromptId) -> Result<u32, Impossible> {
        let Some(open) = self.prompt.take_if(|open| open.id == *id) else {
            return refuse("prompt.closed of a prompt that is not open");
        };
        self.unwait(open.step).map(|()| open.step)
    }

    fn end_prompt(&mut self, record: &Record, id: &PromptId, step: u32, how: PromptEnding) {
        let (at, by) = (record.wall, record.actor.clone());
        self.prompt_end = Some(PromptEnd { id: id.clone(), step, at, by, how });
    }

    /// Puts a step that waited back to where it stood.
    fn unwait(&mut self, step: u32) -> Result<(), Impossible> {
        if self.at(step)?.state == StepState::Waiting {
            self.turn(step, self.before)?;
        }
        Ok(())
    }

    fn accept(&mut self, record: &Record, id: &PromptId, step: u32, answer: &Answer) -> Result<(), Impossible> {
        let open = self.prompt.as_ref().filter(|open| open.id == *id && open.step == step);
        let Some(open) = open else { return refuse("an accepted answer to a prompt that is not open") };
        fits(&open.ask, answer)?;
        let Some(open) = self.prompt.take() else { return refuse("no prompt is open") };
        self.unwait(step)?;
        match (open.ask, answer) {
            (Ask::Confirm { set, also, .. }, Answer::Confirm { typed }) => {
                let own = Covered { step, set, headline: String::new() };
                for covered in also.into_iter().chain([own]) {
                    let state = self.at(covered.step)?.state;
                    let by = Some((record.actor.clone(), typed.clone()));
                    self.turn(covered.step, state)?.confirmed = by;
                    self.permits.insert(covered.step, (id.clone(), covered.set));
                }
            }
            (Ask::Sign { .. }, Answer::Sign { .. }) => {
                self.signed.insert(step);
            }
            (Ask::Decide { .. }, Answer::Decide { choice: Choice::Skip, .. }) => {
                self.waived.insert(step);
            }
            _ => {}
        }
        self.end_prompt(record, id, step, PromptEnding::Answered(answer.clone()));
        Ok(())
    }

    /// The consent that a step has at hand: the prompt it was given to, and the set it was given for.
    #[must_use]
    pub fn permit(&self, step: u32) -> Option<&(PromptId, Digest)> {
        self.permits.get(&step)
    }

    #[allow(clippy::too_many_arguments)] // The fields of one record.
    fn intend(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        effect: EffectClass,
        set: Option<&Digest>,
        permit: Option<&PromptId>,
        log: &str,
    ) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("an intent while an attempt or a prompt is open");
        }
        let view = self.at(step)?;
        if !matches!(view.head.verb, Verb::Check | Verb::Do) {
            return refuse(format!("an intent of a {} step", view.head.verb.word()));
        }
        if effect != view.head.effect {
            return refuse(format!("step {step} is of class {}, not {}", view.head.effect.word(), effect.word()));
        }
        if attempt != view.attempts.saturating_add(1) {
            return refuse(format!("attempt {attempt} of step {step} follows attempt {}", view.attempts));
        }
        if !matches!(view.state, StepState::Planned | StepState::Failed) {
            return refuse(format!("an intent of a step that is {}", view.state.word()));
        }
        if effect > EffectClass::Read {
            self.may_change(step, set, permit)?;
        }
        self.permits.remove(&step);
        self.signed.remove(&step);
        self.waived.remove(&step);
        let view = self.turn(step, StepState::Running)?;
        view.attempts = attempt;
        view.started = Some(record.wall);
        view.ended = None;
        view.outcome = None;
        view.set = set.cloned();
        view.log = Some(log.to_owned());
        self.open = Some((step, attempt, Act::Forward));
        Ok(())
    }

    /// Whether a step may change anything now: nobody stopped the run, nothing is unknown, this very set was consented to.
    fn may_change(&self, step: u32, set: Option<&Digest>, permit: Option<&PromptId>) -> Result<(), Impossible> {
        if self.abort.is_some() {
            return refuse(format!("step {step} would act after the run was stopped"));
        }
        if self.unsettled > 0 {
            return refuse(format!("step {step} would act while the outcome of another is unknown"));
        }
        let held = self.permits.get(&step);
        if !held.is_some_and(|(prompt, shown)| Some(prompt) == permit && Some(shown) == set) {
            return refuse(format!("step {step} would act without a confirmation of this very set"));
        }
        Ok(())
    }

    fn end(&mut self, record: &Record, step: u32, attempt: u32, outcome: &Outcome) -> Result<(), Impossible> {
        if self.open != Some((step, attempt, Act::Forward)) {
            return refuse(format!("an outcome of step {step} without its intent"));
        }
        self.open = None;
        let view = self.turn(
            step,
            match outcome.ending {
                Ending::Ok => StepState::Done,
                Ending::Failed | Ending::TimedOut | Ending::Cancelled => StepState::Failed,
                Ending::NotStarted => StepState::Planned,
                Ending::Unknown => StepState::Unknown,
            },
        )?;
        view.ended = Some(record.wall);
        view.outcome = Some(outcome.clone());
        Ok(())
    }

    /// Refuses to settle a step beneath a question about it.
    fn not_asked(&self, step: u32) -> Result<(), Impossible> {
        if self.prompt.as_ref().is_some_and(|open| open.step == step) {
            return refuse(format!("step {step} is settled while a prompt about it is open"));
        }
        Ok(())
    }

    fn resolve(&mut self, record: &Record, step: u32, choice: Choice, evidence: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        let view = self.at(step)?;
        if view.state != StepState::Unknown {
            return refuse(format!("step {step} is {}, not unknown", view.state.word()));
        }
        let undoing = view.undo.as_ref().is_some_and(|undo| undo.ending == Ending::Unknown);
        let state = match choice {
            Choice::Done => StepState::Done,
            // Where it was the undo that nobody could vouch for, no effect means that it did its work.
            Choice::NotDone if undoing => StepState::Undone,
            Choice::NotDone => StepState::Planned,
            _ => return refuse("an unknown outcome is settled as done or as not-done"),
        };
        let view = self.turn(step, state)?;
        view.ended = Some(record.wall);
        view.remark = Some(evidence.to_owned());
        Ok(())
    }

    fn skip_step(&mut self, record: &Record, step: u32, reason: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        match self.at(step)?.state {
            StepState::Planned => {}
            StepState::Failed | StepState::Unknown => {
                if !self.waived.contains(&step) && !self.signed.contains(&step) {
                    return refuse(format!("step {step} went wrong, and nobody said to pass over it"));
                }
            }
            other => return refuse(format!("step {step} is {} already", other.word())),
        }
        self.finish_step(record, step, StepState::Skipped, reason)
    }

    fn close_step(&mut self, record: &Record, step: u32, note: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        let view = self.at(step)?;
        if view.state != StepState::Planned {
            return refuse(format!("step {step} is {} already", view.state.word()));
        }
        match view.head.verb {
            Verb::Notify => {}
            Verb::Manual if self.signed.contains(&step) => {}
            Verb::Manual => return refuse(format!("nobody signed step {step}")),
            verb => return refuse(format!("a {} step is closed by its outcome", verb.word())),
        }
        self.finish_step(record, step, StepState::Done, note)
    }

    fn finish_step(&mut self, record: &Record, step: u32, state: StepState, remark: &str) -> Result<(), Impossible> {
        self.permits.remove(&step);
        self.signed.remove(&step);
        self.waived.remove(&step);
        let view = self.turn(step, state)?;
        view.started = view.started.or(Some(record.wall));
        view.ended = Some(record.wall);
        view.remark = Some(remark.to_owned());
        Ok(())
    }

    fn intend_undo(&mut self, step: u32, attempt: u32, set: Option<&Digest>, log: &str) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("an undo while an attempt or a prompt is open");
        }
        if !self.abort.as_ref().is_some_and(|(_, undo)| *undo) {
            return refuse("an undo that nobody asked for");
        }
        let view = self.at(step)?;
        if !view.owes_undo() || attempt != view.undo_attempts.saturating_add(1) || view.set.as_ref() != set {
            return refuse(format!("step {step} cannot be undone now"));
        }
        let state = view.state;
        let view = self.turn(step, state)?;
        view.undo_attempts = attempt;
        view.log = Some(log.to_owned());
        self.open = Some((step, attempt, Act::Undo));
        Ok(())
    }

    fn end_undo(&mut self, record: &Record, step: u32, attempt: u32, outcome: &Outcome) -> Result<(), Impossible> {
        if self.open != Some((step, attempt, Act::Undo)) {
            return refuse(format!("an undo outcome of step {step} without its intent"));
        }
        self.open = None;
        let state = match outcome.ending {
            Ending::Ok => StepState::Undone,
            Ending::Unknown => StepState::Unknown,
            Ending::Failed | Ending::TimedOut | Ending::Cancelled | Ending::NotStarted => self.at(step)?.state,
        };
        let view = self.turn(step, state)?;
        view.ended = Some(record.wall);
        view.undo = Some(outcome.clone());
        Ok(())
    }

    fn seal(&mut self, record: &Record, status: RunStatus, unknown: u32) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("a seal while an attempt or a prompt is open");
        }
        if !status.is_over() {
            return refuse(format!("a run cannot be sealed as {}", status.word()));
        }
        if unknown != self.unsettled {
            return refuse(format!("the seal says {unknown} unknown, the records say {}", self.unsettled));
        }
        let well = |step: &StepView| matches!(step.state, StepState::Done | StepState::Skipped);
        if status == RunStatus::Ok && !self.steps.iter().all(well) {
            return refuse("a run is sealed as ok while a step of it is not over");
        }
        self.sealed = Some(status);
        self.ended = Some(record.wall);
        Ok(())
    }

    /// Where the run stands, given whether its runner lives.
    #[must_use]
    pub fn status(&self, runner_lives: bool) -> RunStatus {
        match (self.sealed, runner_lives, &self.prompt) {
            (Some(status), ..) => status,
            (None, false, _) => RunStatus::Interrupted,
            (None, true, Some(_)) => RunStatus::Waiting,
            (None, true, None) => RunStatus::Running,
        }
    }

    /// The attempt that has an intent and no outcome: step, attempt, and which way.
    #[must_use]
    pub fn open_attempt(&self) -> Option<(u32, u32, Act)> {
        self.open
    }

    /// The step at work or next in turn; `None` when all are over.
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        if let Some((step, ..)) = self.open {
            return Some(step);
        }
        if let Some(prompt) = &self.prompt {
            return Some(prompt.step);
        }
        let next = self.steps.iter().position(|step| !matches!(step.state, StepState::Done | StepState::Skipped))?;
        u32::try_from(next).ok()
    }

    /// The steps whose undo is owed when the run is taken back: they ran, changed something, and can be undone; last first.
    #[must_use]
    pub fn undo_owed(&self) -> Vec<u32> {
        let numbered = (0_u32..).zip(&self.steps);
        let mut steps: Vec<u32> = numbered.filter(|(_, step)| step.owes_undo()).map(|(index, _)| index).collect();
        steps.reverse();
        steps
    }

    /// How many steps ended unknown and were never settled.
    #[must_use]
    pub fn unknown(&self) -> u32 {
        self.unsettled
    }
}

impl StepView {
    /// Whether an attempt of it may have left something that its undo takes back; passing over it leaves that there.
    fn owes_undo(&self) -> bool {
        let over = matches!(self.state, StepState::Done | StepState::Failed | StepState::Skipped);
        let under_way = matches!(self.state, StepState::Running | StepState::Waiting);
        self.head.can_undo && self.attempts > 0 && (over || under_way)
    }

    /// A step whose turn has not come.
    #[must_use]
    pub fn planned(head: StepHead) -> Self {
        Self {
            head,
            state: StepState::Planned,
            attempts: 0,
            log: None,
            started: None,
            ended: None,
            outcome: None,
            set: None,
            confirmed: None,
            remark: None,
            undo: None,
            undo_attempts: 0,
        }
    }
}

#[cfg(test)]
mod tests;
