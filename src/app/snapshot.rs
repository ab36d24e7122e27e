//! What a frame is drawn from: a borrowed part of the model, and nothing else.

use crate::app::keymap::{Action, Keymap};
use crate::app::modal::Modal;
use crate::app::model::{Model, Pane};
use crate::app::msg::RunSummary;
use crate::app::panes::log::Log;
use crate::app::panes::rows::Lists;
use crate::app::panes::run::RunPane;
use crate::app::window::WindowShown;
use crate::domain::Section;
use crate::domain::time::Now;
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
    /// How many targets each section has to read.
    pub targets: &'a BTreeMap<Section, usize>,
    /// The panes of rows.
    pub lists: &'a Lists,
    /// The Run pane.
    pub run: &'a RunPane,
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
            targets: &self.targets,
            lists: &self.lists,
            run: &self.run,
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
        let open = self.run.view.as_ref().and_then(|view| view.prompt.as_ref());
        match open {
            Some(open) if !shown && self.run.lives => {
                let step = open.step + 1;
                let who = if self.is_read_only() { "for an operator" } else { "for an answer" };
                let key = self.keymap.shown(if self.is_read_only() { Action::Open } else { Action::Act });
                let way =
                    if self.focus == Pane::Run { key } else { format!("{} {key}", self.keymap.shown(Action::Pane6)) };
                Some(format!("step {step} waits {who} · {way} opens its prompt"))
            }
            _ => self.banners.first().cloned(),
        }
    }
}
