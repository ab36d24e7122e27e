//! The Run pane: the run that is followed, the cursor on its steps, and the prompts it opens.

use crate::app::effect::{Effect, Query};
use crate::app::modal::{Modal, PromptDialog};
use crate::app::model::{Model, Pane};
use crate::app::panes::{checklist, log};
use crate::domain::{Attendee, Error, Order, RunId, RunStatus};
use crate::journal::fold::{PromptEnd, PromptEnding, RunView, StepView};
use crate::journal::record::{Answer, Closed};

/// The run that is followed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RunPane {
    /// The run whose journal was asked for.
    pub following: Option<RunId>,
    /// It, as its journal tells it; `None` until the first answer.
    pub view: Option<Box<RunView>>,
    /// Whether its runner lives.
    pub lives: bool,
    /// The process of its act, where that runs without a runner.
    pub act: Option<u32>,
    /// Who looks at it now, this console included.
    pub people: Vec<Attendee>,
    /// Why its journal cannot be read on.
    pub lost: Option<Error>,
    /// The step under the cursor; `None` follows the step at work.
    pub cursor: Option<u32>,
    /// Only steps that contain this are shown.
    pub filter: String,
}

impl RunPane {
    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> Option<RunStatus> {
        self.view.as_ref().map(|view| view.status(self.lives))
    }

    /// The step that is looked at: under the cursor, else the one that asks, else at work, else the last.
    #[must_use]
    pub fn step(&self) -> Option<u32> {
        let view = self.view.as_ref()?;
        let last = u32::try_from(view.steps.len()).ok()?.checked_sub(1)?;
        let asks = view.prompt.as_ref().map(|open| open.step);
        Some(self.cursor.or(asks).or_else(|| view.current()).unwrap_or(last).min(last))
    }

    /// The steps that are shown, with their numbers from 0.
    pub fn shown(&self) -> impl Iterator<Item = (u32, &StepView)> {
        let needle = self.filter.to_lowercase();
        let steps = self.view.iter().flat_map(|view| (0_u32..).zip(&view.steps));
        steps.filter(move |(_, step)| {
            let head = &step.head;
            let texts = [&head.title, &head.phase];
            let words = [head.verb.word(), head.effect.word(), step.state.word()];
            texts.iter().any(|text| text.to_lowercase().contains(&needle)) || words.contains(&needle.as_str())
        })
    }

    /// Moves the cursor among the shown steps.
    pub fn step_by(&mut self, by: isize) {
        let shown: Vec<u32> = self.shown().map(|(number, _)| number).collect();
        let at = self.step().and_then(|step| shown.iter().position(|number| *number == step));
        let place = match at {
            Some(at) => at.saturating_add_signed(by).min(shown.len().saturating_sub(1)),
            None if by < 0 => shown.len().saturating_sub(1),
            None => 0,
        };
        self.cursor = shown.get(place).copied();
    }
}

impl Model {
    /// The pane that follows a run.
    #[must_use]
    pub fn followed(&self, run: &RunId) -> Option<&RunPane> {
        [&self.run, &self.checklist.run].into_iter().find(|pane| pane.following.as_ref() == Some(run))
    }

    /// The same, to change it.
    pub fn followed_mut(&mut self, run: &RunId) -> Option<&mut RunPane> {
        [&mut self.run, &mut self.checklist.run].into_iter().find(|pane| pane.following.as_ref() == Some(run))
    }

    /// The run that the focused pane is about; elsewhere, the one that is followed, and a checklist only where there is no other.
    #[must_use]
    pub fn at_hand(&self) -> &RunPane {
        let list = &self.checklist.run;
        let is_list = match self.focus {
            Pane::Checklist => true,
            Pane::Run => false,
            Pane::Log => self.log.run.is_some() && self.log.run == list.following,
            _ => self.run.following.is_none(),
        };
        if is_list { list } else { &self.run }
    }
}

/// Follows a run that was chosen from the list, in the pane it belongs to.
pub fn attach(model: &mut Model, id: RunId) -> Vec<Effect> {
    let is_list = model.runs.iter().flatten().any(|run| run.id == id && run.order == Order::Any);
    model.focus = if is_list { Pane::Checklist } else { Pane::Run };
    if is_list { checklist::follow(model, id) } else { follow(model, id) }
}

/// Asks for a run's journal, and forgets the run followed before.
pub fn follow(model: &mut Model, run: RunId) -> Vec<Effect> {
    if model.run.following.as_ref() == Some(&run) {
        return Vec::new();
    }
    model.run = RunPane { following: Some(run.clone()), ..RunPane::default() };
    model.log = model.log.renewed(Some(run.clone()), None);
    vec![Effect::Query(Query::FollowRun(run))]
}

/// Takes the run's newest state.
pub fn folded(model: &mut Model, view: Box<RunView>, lives: bool) -> Vec<Effect> {
    let id = view.id.clone();
    let mut effects = Vec::new();
    if view.order == Order::Any && model.run.following.as_ref() == Some(&id) {
        effects = checklist::run_changed(model, id.clone());
    }
    let Some(pane) = model.followed_mut(&id) else { return effects };
    (pane.view, pane.lives, pane.lost) = (Some(view), lives, None);
    settle_prompt(model, &id);
    checklist::settle(model);
    effects.extend(log::attend(model));
    effects
}

/// Closes, renews or ends the prompt dialog after the journal moved on.
fn settle_prompt(model: &mut Model, id: &RunId) {
    let Some(pane) = model.followed(id) else { return };
    let (Some(view), lives) = (pane.view.clone(), pane.lives) else { return };
    let top = model.modal_mut();
    let Some(Modal::Prompt(dialog)) = top else { return settle_below(model, &view) };
    if dialog.run != view.id || dialog.ended.is_some() {
        return;
    }
    if let Some(open) = view.prompt.as_ref().filter(|open| open.id == dialog.prompt.id) {
        dialog.orphaned = !lives;
        if dialog.renew(open) {
            model.look_again();
        }
        return;
    }
    let end = view.prompt_end.as_ref().filter(|end| end.id == dialog.prompt.id);
    let (step, typing) = (dialog.prompt.step, dialog.in_field && !dialog.sent);
    match end {
        // What is being typed for it must not act as keys elsewhere: it stays on the screen until it is left.
        Some(PromptEnd { how, .. }) if typing || matches!(how, PromptEnding::Closed(..)) => {
            dialog.ended = end.cloned();
            dialog.sent = false;
        }
        Some(end) if !dialog.sent => {
            let text = describe_end(end);
            model.close();
            model.notify(text);
        }
        _ => {
            model.close();
            model.kept.forget_answer(id, step);
        }
    }
}

/// A prompt dialog under another one (the list of its set) ends with its prompt as well.
fn settle_below(model: &mut Model, view: &RunView) {
    let stale = |modal: &Modal| match modal {
        Modal::Prompt(dialog) => {
            dialog.run == view.id && view.prompt.as_ref().is_none_or(|open| open.id != dialog.prompt.id)
        }
        _ => false,
    };
    while model.modals().iter().any(stale) && !matches!(model.modal(), Some(Modal::Prompt(_))) {
        model.close();
    }
    if model.modal().is_some_and(stale) {
        settle_prompt(model, &view.id);
    }
}

/// How a prompt ended, in a sentence.
#[must_use]
pub fn describe_end(end: &PromptEnd) -> String {
    let (who, step) = (format!("{}@{}", end.by.name, end.by.host), end.step + 1);
    match &end.how {
        PromptEnding::Answered(Answer::Confirm { .. }) => format!("{who} confirmed step {step}"),
        PromptEnding::Answered(Answer::Sign { .. }) => format!("{who} signed step {step}"),
        PromptEnding::Answered(Answer::Decide { choice, .. }) => {
            format!("{who} decided step {step}: {}", choice.word())
        }
        PromptEnding::Answered(Answer::Approve { .. }) => format!("{who} approved step {step}"),
        PromptEnding::Answered(Answer::BreakGlass { .. }) => format!("{who} used break-glass for step {step}"),
        PromptEnding::Answered(Answer::Cancel) => format!("{who} declined step {step}"),
        PromptEnding::Closed(Closed::Drifted, _) => format!("the prompt of step {step} closed: its set drifted"),
        PromptEnding::Closed(Closed::NoPreview, _) => {
            format!("the prompt of step {step} closed: its set could not be read again and kept")
        }
        PromptEnding::Closed(Closed::Expired, _) => format!("the prompt of step {step} lapsed after ten minutes"),
        PromptEnding::Closed(Closed::Aborted, _) => format!("the prompt of step {step} closed: the run was stopped"),
        PromptEnding::Closed(Closed::RunnerGone, _) => {
            format!("the prompt of step {step} closed: its runner is gone")
        }
    }
}

/// Moves to the Run pane; where a prompt waits, to its step, so that the key that opens is about it.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.focus = Pane::Run;
    let waits = model.run.view.as_ref().is_some_and(|view| view.prompt.is_some());
    if waits && model.run.cursor.take().is_some() {
        return log::attend(model);
    }
    Vec::new()
}

/// Opens the prompt of a followed run because an operator asked for it; `false` where there is none. None opens by itself: a key that was
/// pressed for what was on the screen must not count in a dialog that took its place.
pub fn open_prompt(model: &mut Model, id: &RunId) -> bool {
    let may_answer = !model.is_read_only();
    let Some(pane) = model.followed(id) else { return false };
    let Some(view) = pane.view.as_ref() else { return false };
    let Some(open) = view.prompt.clone() else { return false };
    let mut dialog = PromptDialog::new(view.id.clone(), open, may_answer, !pane.lives);
    dialog.follows = model.answered.as_ref() == Some(id);
    model.kept.restore_answer(&mut dialog);
    model.open(Modal::Prompt(Box::new(dialog)));
    true
}

/// Takes the news of who looks at a run.
pub fn seen_by(model: &mut Model, run: &RunId, people: Vec<Attendee>) {
    if let Some(pane) = model.followed_mut(run) {
        pane.people = people;
    }
}

/// Takes the news whether the act of a run without a runner still runs.
pub fn act_seen(model: &mut Model, run: &RunId, pid: Option<u32>) {
    if let Some(pane) = model.followed_mut(run) {
        pane.act = pid;
    }
}

/// Takes the news that the journal cannot be read on.
pub fn lost(model: &mut Model, run: &RunId, error: Error) {
    if let Some(pane) = model.followed_mut(run) {
        pane.lost = Some(error);
    }
}

/// Opens the step under the cursor: its prompt, where it asks for something; else what is known of it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.run.step() else { return Vec::new() };
    let asking = model.run.view.as_ref().filter(|view| view.prompt.as_ref().is_some_and(|open| open.step == step));
    let asking = asking.map(|view| view.id.clone());
    if !asking.is_some_and(|id| open_prompt(model, &id)) {
        model.open(Modal::Step { step, scroll: 0 });
    }
    Vec::new()
}

/// Asks whether to stop the followed run.
pub fn open_abort(model: &mut Model) {
    let pane = model.at_hand();
    match (pane.status(), &pane.view) {
        (Some(status), Some(view)) if !status.is_over() => {
            let run = view.id.clone();
            model.open(Modal::Abort { run, undo: None, scroll: 0 });
        }
        (Some(RunStatus::Ok), _) => model.notify(ENDED_OK),
        (Some(_), _) => model.notify("this run is over: it is neither stopped nor undone any more"),
        _ => model.notify("no run is followed"),
    }
}

/// Why a run that ended well is not undone.
const ENDED_OK: &str = "this run ended ok and cannot be undone: run a procedure that reverses it";

/// Asks whether to continue the followed run.
pub fn open_resume(model: &mut Model) {
    let pane = model.at_hand();
    match (pane.status(), &pane.view) {
        (Some(status), Some(view)) if status.needs_a_runner() => {
            let run = view.id.clone();
            model.open(Modal::Resume { run, scroll: 0 });
        }
        (Some(_), _) => model.notify("only an interrupted or held run can be resumed"),
        _ => model.notify("no run is followed"),
    }
}
