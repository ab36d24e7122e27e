//! The runs that are not sealed: which of them is shown, and which others there are.
//!
//! Each console lists them again and again, so that a run which somebody else starts is known everywhere. The one that waits for a
//! person stands first, then those at work, then those that are held; of one kind the newest is first.

use crate::app::effect::{Effect, Query};
use crate::app::model::{Model, Pane};
use crate::app::msg::RunSummary;
use crate::app::panes::run::RunPane;
use crate::app::panes::{checklist, run};
use crate::app::wallboard;
pub use crate::config::shell::Commands;
use crate::domain::{Order, RunId, RunStatus};
use std::time::Duration;

/// How often the runs are listed.
const LIST: Duration = Duration::from_secs(5);

/// A run that is not sealed and is on neither pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The run.
    pub id: RunId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: RunStatus,
}

impl Other {
    /// What it does, as a sentence goes on: `waits for an operator`, `is running`.
    #[must_use]
    pub fn does(&self) -> &'static str {
        match self.status {
            RunStatus::Waiting => "waits for an operator",
            RunStatus::Interrupted => "is interrupted",
            RunStatus::Held => "is held",
            _ => "is running",
        }
    }
}

/// How many others there are beside what is shown: `+1 more run waits: Vacuum public.tasks (Z1A2B3)`, without the name of the first where
/// there is no room for it.
/// Those that wait are counted alone, where any does. `None` where there is no other.
#[must_use]
pub fn more(others: &[Other], named: bool) -> Option<String> {
    let first = others.first()?;
    let waits = others.iter().filter(|other| other.status == RunStatus::Waiting).count();
    let text = match (waits, others.len()) {
        (1, _) => "+1 more run waits".to_owned(),
        (0, 1) => format!("+1 more run {}", first.does()),
        (0, count) => format!("+{count} more runs"),
        (waits, _) => format!("+{waits} more runs wait"),
    };
    Some(if named { format!("{text}: {} ({})", first.title, first.id.short()) } else { text })
}

/// Lists the runs where it is time.
pub(crate) fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.now.boot;
    if now.since(model.listed) < LIST {
        return Vec::new();
    }
    model.listed = now;
    vec![Effect::Query(Query::WatchRuns)]
}

/// Where a kind of run stands in the order: what waits for a person first, what is held last.
fn rank(status: RunStatus) -> u8 {
    match status {
        RunStatus::Waiting => 0,
        RunStatus::Held => 2,
        _ => 1,
    }
}

impl Model {
    /// Every run that is not sealed, in their order. A run on a pane stands as its journal says now, not as it was listed.
    fn unsealed(&self) -> Vec<(RunStatus, &RunSummary)> {
        let status = |run: &RunSummary| self.followed(&run.id).and_then(RunPane::status).unwrap_or(run.status);
        let listed = self.runs.iter().flatten().filter(|run| run.damage.is_none());
        let mut live: Vec<_> = listed.map(|run| (status(run), run)).filter(|(status, _)| !status.is_over()).collect();
        // They are listed newest first, and stay so among equals.
        live.sort_by_key(|(status, _)| rank(*status));
        live
    }

    /// The runs that are not sealed and are on neither pane.
    #[must_use]
    pub fn other_runs(&self) -> Vec<Other> {
        let other = |(status, run): (RunStatus, &RunSummary)| {
            let (id, title) = (run.id.clone(), run.title.clone());
            self.followed(&id).is_none().then_some(Other { id, title, status })
        };
        self.unsealed().into_iter().filter_map(other).collect()
    }

    /// The run that a list of runs opens on: another one that waits, else the one that is followed, else the first of the others.
    #[must_use]
    pub fn run_to_choose(&self) -> Option<RunId> {
        let others = self.other_runs();
        let waits = others.iter().find(|other| other.status == RunStatus::Waiting).map(|other| other.id.clone());
        let followed = self.at_hand().following.clone();
        waits.or(followed).or_else(|| others.first().map(|other| other.id.clone()))
    }
}

/// The most runs that a console names when it is left.
const NAMED: usize = 5;

impl Model {
    /// What a console says on the terminal that it leaves: a line for each run that goes on without it, and how to come back to it.
    #[must_use]
    pub fn left_behind(&self) -> Vec<String> {
        if self.wallboard.is_some() {
            return Vec::new();
        }
        let mut runs: Vec<(RunStatus, RunId, String, Order)> = Vec::new();
        for pane in [&self.run, &self.checklist.run] {
            if let (Some(view), Some(status)) = (&pane.view, pane.status().filter(|status| !status.is_over())) {
                runs.push((status, view.id.clone(), view.title.clone(), view.order));
            }
        }
        for (status, run) in self.unsealed() {
            if !runs.iter().any(|(_, id, ..)| *id == run.id) {
                runs.push((status, run.id.clone(), run.title.clone(), run.order));
            }
        }
        runs.sort_by_key(|(status, ..)| rank(*status));
        let line = |(status, id, title, order): &(RunStatus, RunId, String, Order)| {
            let does = match (status, order) {
                (RunStatus::Waiting, Order::Any) => "is open",
                (RunStatus::Waiting, Order::Listed) => "waits for an answer",
                (RunStatus::Interrupted, _) => "is interrupted",
                (RunStatus::Held, _) => "is held",
                _ => "goes on",
            };
            let text = format!("run {0} ({title}) {does}: {1} attach {0}", id.short(), self.command.estate);
            crate::domain::Clean::text(&text).plain()
        };
        let mut lines: Vec<String> = runs.iter().take(NAMED).map(line).collect();
        if let Some(more) = runs.len().checked_sub(NAMED).filter(|more| *more > 0) {
            lines.push(format!("and {more} more: {} runs", self.command.runs));
        }
        lines
    }
}

/// Takes the list of runs. The first list brings whoever reattaches to the run that waits for an answer, else to the newest that is not
/// sealed; nobody is moved who has begun to type. A later one fills the pane of a console that follows nothing, and moves nothing.
pub(crate) fn listed(model: &mut Model, runs: Vec<RunSummary>) -> Vec<Effect> {
    let first_time = model.runs.is_none();
    let follows_none = model.run.following.is_none() && model.checklist.run.following.is_none();
    model.runs = Some(runs);
    let live = model.unsealed();
    let of = |order: Order| live.iter().find(|(_, run)| run.order == order).map(|(_, run)| run.id.clone());
    let (attach, list) = (of(Order::Listed), of(Order::Any));
    if first_time && !live.is_empty() && !model.touched && model.wallboard.is_none() && follows_none {
        // The items of a checklist stay open for the whole window: beside a run, the run has the screen.
        model.focus = if attach.is_some() { Pane::Run } else { Pane::Checklist };
    }
    let mut effects = checklist::runs_listed(model, list);
    effects.extend(match attach {
        Some(id) if model.run.following.is_none() && (first_time || follows_none) => run::follow(model, id),
        Some(id) if model.wallboard.is_some() => wallboard::follow(model, id),
        _ => Vec::new(),
    });
    effects
}
