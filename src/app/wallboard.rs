//! The wallboard: a console that is read from a distance. It lists every problem, turns the pages of that list where it is longer than
//! the screen, follows what runs, and says in one sentence what is happening, what is next, and when it ends.

use crate::app::Snapshot;
use crate::app::effect::{Effect, Screen};
use crate::app::keymap::{Action, Context, Resolved};
use crate::app::model::Model;
use crate::app::panes::rows::RowList;
use crate::app::panes::run;
use crate::app::panes::run::RunPane;
use crate::app::problems::{self, Class};
use crate::app::runs;
use crate::domain::key::Key;
use crate::domain::{Boot, Row, RunId, RunStatus, TargetKind, quantity};
use crate::journal::fold::{ItemState, RunView};
use std::time::Duration;

/// How long a page of problems stays.
const TURN: Duration = Duration::from_secs(12);
/// The most characters of the sentence that are about rows: the list below it has them all.
const LONGEST: usize = 200;

/// What the wallboard remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wallboard {
    /// Since when the present page stands.
    since: Boot,
    /// How often it was turned; more often than there are pages, it begins again.
    page: usize,
}

impl Wallboard {
    /// A wallboard that has just been opened.
    #[must_use]
    pub fn new(now: Boot) -> Self {
        Self { since: now, page: 0 }
    }

    /// How often the page was turned.
    #[must_use]
    pub fn page(self) -> usize {
        self.page
    }

    fn turn(&mut self, now: Boot) {
        (self.page, self.since) = (self.page.wrapping_add(1), now);
    }
}

/// The sentence at the top of the wallboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What is happening.
    pub happening: String,
    /// How bad that is; `None` where all is ok.
    pub worst: Option<Class>,
    /// Whether nothing on it can be believed: louder than any verdict.
    pub blind: bool,
    /// Where the run stands that it begins with; `None` where it begins with the rows.
    pub run: Option<RunStatus>,
    /// What comes next.
    pub next: Option<String>,
    /// When the window ends.
    pub ends: Option<String>,
}

/// Turns on where it is time.
pub fn tick(model: &mut Model) {
    let (Some(mut wall), now) = (model.wallboard, model.now.boot) else { return };
    if now.since(wall.since) >= TURN {
        wall.turn(now);
    }
    model.wallboard = Some(wall);
}

/// The few keys that a wallboard takes: leaving, turning the page, drawing again.
pub fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    let Resolved::Action(action) = model.keymap.resolve(Context::Global, &[key]) else { return Vec::new() };
    match action {
        Action::Quit | Action::Interrupt => vec![Effect::Screen(Screen::Quit)],
        Action::Redraw => vec![Effect::Screen(Screen::Redraw)],
        Action::Suspend => vec![Effect::Screen(Screen::Suspend)],
        Action::NextPane => {
            let mut wall = model.wallboard.unwrap_or(Wallboard::new(model.now.boot));
            wall.turn(model.now.boot);
            model.wallboard = Some(wall);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Follows the run that comes first: one that waits for a person, else the newest.
pub(crate) fn follow(model: &mut Model, id: RunId) -> Vec<Effect> {
    if model.run.following.as_ref() == Some(&id) { Vec::new() } else { run::follow(model, id) }
}

/// What the wallboard says first.
#[must_use]
pub fn sentence(snapshot: &Snapshot<'_>) -> Sentence {
    let ends = snapshot.window.as_ref().filter(|window| window.gone.is_some());
    // A name may read like a time: it stands in quotation marks.
    let ends = ends.map(|window| format!("window \"{}\" ends at {} UTC, {}", window.name, window.ends, window.left));
    let later = snapshot.window.as_ref().filter(|window| window.gone.is_none());
    let later = later.map(|window| format!("window \"{}\" {} ({} UTC)", window.name, window.left, window.span));
    let blind = is_blind(snapshot);
    let (worst, rows) = standing(snapshot);
    let (now, next) = live(snapshot.run).map_or((None, None), |view| {
        let (now, next) = running(view, snapshot);
        (Some(now), next)
    });
    let (list, item) = live(&snapshot.checklist.run).map_or((None, None), |list| {
        let (list, item) = walked(list);
        (Some(list), item)
    });
    let rows = if blind { blindness(snapshot) } else { rows };
    let next = if now.is_some() { next } else { item }.or(later);
    // What is lost stands first: louder than a run, which its journal still tells of.
    let (first, last) = if blind { (Some(rows), None) } else { (None, Some(rows)) };
    let parts = [first, now, runs::more(&snapshot.others, true), list, last];
    let happening = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let run = live(snapshot.run).and_then(|_| snapshot.run.status()).filter(|_| !blind);
    Sentence { happening, worst, blind, run, next, ends }
}

impl Sentence {
    /// All of it: what is happening, what is next, when it ends.
    #[must_use]
    pub fn whole(&self) -> String {
        let next = self.next.as_ref().map(|next| format!("next: {next}"));
        let parts = [Some(self.happening.clone()), next, self.ends.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// How the rows stand: the worst by name and reason, the others by number.
fn standing(snapshot: &Snapshot<'_>) -> (Option<Class>, String) {
    let fits = |text: &str| text.chars().count() <= LONGEST;
    let all = problems::summary(snapshot.lists, snapshot.now.wall, fits);
    match (all, snapshot.unread_targets()) {
        (None, _) => (Some(Class::Unknown), "no reading yet".to_owned()),
        (Some(standing), None) => standing,
        // What was not read is not ok, and whether it is is not known.
        (Some((worst, text)), Some(count)) => {
            let count = quantity::counted(count as u64, "target", "targets");
            (worst.or(Some(Class::Unknown)), format!("{text} · {count} not read yet"))
        }
    }
}

/// The run of a pane that is not over.
fn live(pane: &RunPane) -> Option<&RunView> {
    pane.view.as_deref().filter(|_| pane.status().is_some_and(|status| !status.is_over()))
}

/// How far a checklist is, and which item waits next.
fn walked(view: &RunView) -> (String, Option<String>) {
    let count = view.phase_counts().into_iter().find(|count| count.current);
    let far = count.map_or_else(String::new, |count| format!(" · {} {}/{}", count.phase, count.closed, count.of));
    let open = view.items().into_iter().find(|item| item.state == ItemState::Open);
    (format!("{}{far}", view.title), open.map(|item| format!("item {}: {}", item.step + 1, item.title)))
}

/// The rows of what is looked after: this host's own figures, which come whatever else is gone, only where there is nothing else.
fn looked_after<'a>(snapshot: &'a Snapshot<'_>) -> impl Iterator<Item = &'a Row> {
    let is_own = |row: &Row| matches!(row.kind, TargetKind::Host | TargetKind::Mount);
    let alone = snapshot.lists.all().flat_map(RowList::rows).all(is_own);
    snapshot.lists.all().flat_map(RowList::rows).filter(move |row| alone || !is_own(row))
}

/// Whether there is no reading at all that still holds.
fn is_blind(snapshot: &Snapshot<'_>) -> bool {
    let now = snapshot.now.wall;
    looked_after(snapshot).all(|row| row.observation.is_none() || row.lost.is_some() || row.is_stale(now))
}

fn blindness(snapshot: &Snapshot<'_>) -> String {
    let newest = looked_after(snapshot).filter_map(|row| Some(row.observation.as_ref()?.observed_at)).max();
    match newest.map(|at| quantity::age(snapshot.now.wall.since(at))) {
        Some(age) if age == "now" => "NO READINGS".to_owned(),
        Some(age) => format!("NO READINGS for {age}"),
        None => "NO READINGS yet".to_owned(),
    }
}

/// What the run is at, and what comes after it.
fn running(view: &RunView, snapshot: &Snapshot<'_>) -> (String, Option<String>) {
    let title =
        |step: u32| usize::try_from(step).ok().and_then(|step| view.steps.get(step)).map(|step| &step.head.title);
    let of = view.steps.len();
    let Some(step) = snapshot.run.step() else { return (view.title.clone(), None) };
    let at = format!("step {} of {of}", step + 1);
    let name = title(step).map_or("", String::as_str);
    let now = match snapshot.run.status() {
        Some(RunStatus::Waiting) => format!("{} waits for an operator at {at}: {name}", view.title),
        Some(RunStatus::Held) => format!("{} is held at {at}: {name}", view.title),
        Some(RunStatus::Interrupted) => format!("{} is interrupted at {at}: {name}", view.title),
        _ => format!("{} · {at}: {name}", view.title),
    };
    (now, title(step + 1).map(|title| format!("step {}: {title}", step + 2)))
}
