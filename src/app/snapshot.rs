//! What a frame is drawn from: a borrowed part of the model, and nothing else.

use crate::app::keymap::{Action, Keymap};
use crate::app::modal::Modal;
use crate::app::model::{Model, Pane};
use crate::app::msg::RunSummary;
use crate::app::panes::checklist::ChecklistPane;
use crate::app::panes::log::Log;
use crate::app::panes::rows::Lists;
use crate::app::panes::run::RunPane;
use crate::app::window::WindowShown;
use crate::domain::time::Now;
use crate::domain::{RunId, Section};
use crate::journal::fold::RunView;
use std::collections::BTreeMap;

/// A borrowed projection of the model.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// The estate's name.
    pub estate: &'a str,
    /// Its environment.
    pub environment: &'a str,
    /// Who looks, from where.
    pub operator: &'a str,
    /// Whether the console holds nothing to act with.
    pub read_only: bool,
    /// The time.
    pub now: Now,
    /// The estate file, or where one would be looked for first.
    pub estate_file: &'a str,
    /// What was looked for without one and is not there, a phrase each.
    pub not_found: &'a [String],
    /// How many targets each section has to read.
    pub targets: &'a BTreeMap<Section, usize>,
    /// The panes of rows.
    pub lists: &'a Lists,
    /// The Run pane.
    pub run: &'a RunPane,
    /// The Checklist pane.
    pub checklist: &'a ChecklistPane,
    /// The run that the focused pane is about.
    pub at_hand: &'a RunPane,
    /// The Log pane.
    pub log: &'a Log,
    /// The known runs, newest first.
    pub runs: Option<&'a [RunSummary]>,
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// The dialogs, the topmost last.
    pub modals: &'a [Modal],
    /// The keys.
    pub keymap: &'a Keymap,
    /// The beginning of a sequence of keys, as it is shown.
    pub pending: String,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether this is a wall.
    pub wall: bool,
    /// The open or the next window, and the time left.
    pub window: Option<WindowShown>,
    /// What holds all the time and is said quietly.
    pub remark: Option<&'a str>,
    /// What the operator should know.
    pub banner: Option<String>,
    /// What just came of something.
    pub notice: Option<&'a str>,
    /// Bytes a second written to the terminal.
    pub bytes_per_second: Option<u64>,
}

impl Snapshot<'_> {
    /// A followed run, as its journal tells it.
    #[must_use]
    pub fn view(&self, run: &RunId) -> Option<&RunView> {
        let views = [&self.run.view, &self.checklist.run.view];
        views.into_iter().flatten().map(|view| &**view).find(|view| view.id == *run)
    }
}

impl Model {
    /// The part of the model that a frame is drawn from.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            estate: &self.estate,
            environment: &self.environment,
            operator: &self.operator,
            read_only: self.is_read_only(),
            now: self.now,
            estate_file: &self.estate_file,
            not_found: &self.not_found,
            targets: &self.targets,
            lists: &self.lists,
            run: &self.run,
            checklist: &self.checklist,
            at_hand: self.at_hand(),
            log: &self.log,
            runs: self.runs.as_deref(),
            focus: self.focus,
            zoomed: self.zoomed,
            modals: self.modals(),
            keymap: &self.keymap,
            pending: self.pending.iter().map(|key| format!("{key} ")).collect(),
            mouse: self.mouse,
            wall: self.wall.is_some(),
            window: self.window.shown(self.now.wall),
            remark: self.remark.as_deref(),
            banner: self.banner(),
            notice: self.notice.as_ref().map(|(text, _)| text.as_str()),
            bytes_per_second: self.bytes_per_second,
        }
    }

    /// A prompt that is not on the screen comes first, then what was said at the start.
    fn banner(&self) -> Option<String> {
        let shown = self.modals().iter().any(|modal| matches!(modal, Modal::Prompt(dialog) if dialog.ended.is_none()));
        let asks = |pane: &&RunPane| pane.lives && pane.view.as_ref().is_some_and(|view| view.prompt.is_some());
        let places = [(Pane::Run, Action::Pane6, &self.run), (Pane::Checklist, Action::Pane5, &self.checklist.run)];
        let asking = places.into_iter().find(|(.., pane)| asks(pane));
        let open = asking.and_then(|(pane, number, run)| Some((pane, number, run.view.as_ref()?.prompt.as_ref()?)));
        match open {
            Some((pane, number, open)) if !shown => {
                let step = open.step + 1;
                let who = if self.is_read_only() { "for an operator" } else { "for an answer" };
                let key = self.keymap.shown(if self.is_read_only() { Action::Open } else { Action::Act });
                let way = if self.focus == pane { key } else { format!("{} {key}", self.keymap.shown(number)) };
                Some(format!("step {step} waits {who} · {way} opens its prompt"))
            }
            _ => self.banners.first().cloned(),
        }
    }
}
