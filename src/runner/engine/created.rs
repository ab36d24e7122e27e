//! The first record of a run.

use crate::domain::error::Result;
use crate::domain::{Listing, Order, Verb, reference};
use crate::journal::append::Appender;
use crate::journal::history::{History, Named};
use crate::journal::record::{Event, RollbackHead, StepHead};
use crate::journal::terms::{Terms, Timing};
use crate::probes::clock;
use crate::procedure::condition::readable;
use crate::procedure::plan::{Gate, Plan, Step, UndoPlan, Until, WindowUse};
use crate::procedure::rollback::is_named;
use crate::runner::engine::window::Hours;
use crate::runner::rundir::{RunDir, Start};
use crate::runner::{identity, policy};

/// The journal of a new run, with its first record; fails if its window does not allow it now.
pub(super) fn begun(dir: &RunDir, plan: &Plan, start: &Start, hours: &Hours) -> Result<Appender> {
    let (history, now) = (History::read(dir.runs()), clock::now());
    hours.allow(dir, plan, start, &history, now)?;
    let first = created(plan, start, &history)?;
    Ok(Appender::create(&dir.path, &dir.id, first, identity::own(&start.how), now, None)?.0)
}

/// The record that describes what the run will do.
///
/// # Errors
/// When the plan cannot be written as JSON.
pub fn created(plan: &Plan, start: &Start, history: &History) -> Result<Event> {
    let terms = Terms {
        window: plan.window.as_ref().map(WindowUse::words).unwrap_or_default(),
        windows: start.windows.clone(),
        budget: plan.budget,
        emergency: start.emergency.clone(),
        warned: start.warned.clone(),
    };
    Ok(Event::RunCreated {
        procedure: plan.id.clone(),
        title: plan.title.clone(),
        plan: plan.hash()?,
        source: plan.source.clone(),
        estate: plan.estate.clone(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        phases: plan.phases.clone(),
        steps: heads(plan, history),
        order: plan.order,
        rollback: rollback(plan),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        confirmed: start.how.clone(),
        terms: Box::new(terms),
    })
}

/// The plan's `[rollback]`, if it has one.
fn rollback(plan: &Plan) -> Option<RollbackHead> {
    let budget_s = plan.budget.undo_s;
    match &plan.rollback {
        Some(rollback) => {
            let prove = numbered(plan, &rollback.prove);
            Some(RollbackHead { to: rollback.to.clone(), prove, budget_s })
        }
        None => budget_s.map(|_| RollbackHead { budget_s, ..RollbackHead::default() }),
    }
}

/// The numbers of the steps with these ids, in the plan's order.
fn numbered(plan: &Plan, ids: &[String]) -> Vec<u32> {
    let steps = (0_u32..).zip(&plan.steps);
    steps.filter(|(_, step)| ids.iter().any(|id| is_named(step, id))).map(|(number, _)| number).collect()
}

/// How many bytes of the steps' texts the first record keeps; the rest is in `plan.json` and in the prompts.
const LISTINGS: usize = 512 << 10;

fn heads(plan: &Plan, history: &History) -> Vec<StepHead> {
    let mut bytes = 0;
    let listed = |step: &Step| {
        let listing = step.listing()?;
        bytes += listing.text.len();
        // An open reference is shown by its name.
        (bytes <= LISTINGS).then(|| Listing { text: reference::show(&listing.text), ..listing })
    };
    let listings: Vec<Option<Listing>> = plan.steps.iter().map(listed).collect();
    let heads = plan.steps.iter().zip(listings);
    heads.map(|(step, listing)| StepHead { listing, ..head(plan, step, history) }).collect()
}

fn head(plan: &Plan, step: &Step, history: &History) -> StepHead {
    let is_item = plan.order == Order::Any;
    let what = match &step.act {
        Some(action) => action.line.clone(),
        None if step.receivers.is_empty() => step.text.clone(),
        None => format!("notify {}: {}", step.receivers.join(", "), step.text).trim_end_matches([':', ' ']).to_owned(),
    };
    StepHead {
        phase: step.phase.clone(),
        title: step.title.clone(),
        verb: step.verb,
        effect: step.effect,
        takes_s: step.takes_s,
        undo: step.undo.words(),
        can_undo: matches!(step.undo, UndoPlan::Undo(_)),
        what,
        why: step.why.clone(),
        hard: step.gate == Gate::Hard && (step.verb == Verb::Notify || (is_item && step.verb == Verb::Check)),
        note_required: is_item && step.note_required,
        four_eyes: policy::needs_four_eyes(plan, step),
        save: step.save.clone(),
        part: step.part.clone(),
        timing: timing(plan, step, history),
        undo_of: numbered(plan, &step.undo_of),
        always: step.always,
        when: step.when.as_deref().map(readable),
        until: step.until.as_ref().map(Until::words),
        timeout_s: step.until.as_ref().map(|_| step.timeout_s),
        listing: None,
    }
}

/// How long a step takes, as far as history or the author's estimate shows.
fn timing(plan: &Plan, step: &Step, history: &History) -> Timing {
    let (pace, undo) = history.of(named(plan, step));
    Timing { id: step.id.clone(), pace, undo, timeout_s: Some(step.timeout_s) }
}

/// The key of a plan's step in past runs.
#[must_use]
pub fn named<'a>(plan: &'a Plan, step: &'a Step) -> Named<'a> {
    Named { procedure: &plan.id, part: step.part.as_deref(), id: step.id.as_deref(), title: &step.title }
}
