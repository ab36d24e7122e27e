//! What a frame is drawn from: a borrowed part of the model, and nothing else.

use crate::app::keymap::{Action, Keymap};
use crate::app::modal::Modal;
use crate::app::model::{Model, Pane};
use crate::app::msg::RunSummary;
use crate::app::panes::checklist::ChecklistPane;
use crate::app::panes::log::Log;
use crate::app::panes::rows::Lists;
use crate::app::panes::run::RunPane;
use crate::app::reading::Reading;
use crate::app::runs::Other;
use crate::app::wallboard::Wallboard;
use crate::app::window::WindowShown;
use crate::domain::time::Now;
use crate::domain::{Actor, EffectClass, RunId, RunStatus, Section};
use crate::journal::fold::{OpenPrompt, RunView};
use crate::journal::record::Ask;
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
    /// The same person, as the kernel knows them.
    pub me: &'a Actor,
    /// Whether the console holds nothing to act with.
    pub read_only: bool,
    /// The time.
    pub now: Now,
    /// Whether its clock has seconds.
    pub seconds: bool,
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
    /// The runs that are not sealed and are on neither pane: one that waits for a person first.
    pub others: Vec<Other>,
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// The dialogs, the topmost last.
    pub modals: &'a [Modal],
    /// What was read of the dialogs.
    pub reading: &'a Reading,
    /// The keys.
    pub keymap: &'a Keymap,
    /// The beginning of a sequence of keys, as it is shown.
    pub pending: String,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether this is a wallboard, and how often its page was turned.
    pub wallboard: Option<usize>,
    /// How this estate's runs are reached from a shell.
    pub command: &'a str,
    /// The open or the next window, and the time left.
    pub window: Option<WindowShown>,
    /// That there is no window, where the estate's changes need one.
    pub no_window: Option<&'static str>,
    /// What holds all the time and is said quietly.
    pub remark: Option<&'a str>,
    /// Why an edit of the estate cannot be used.
    pub trouble: Option<String>,
    /// What the operator should know, where no prompt waits.
    pub banner: Option<String>,
    /// All that the banner says of the estate and of the start, a line each, nothing cut off.
    pub banners: Vec<String>,
    /// The prompt that waits and is not on the screen.
    pub waiting: Option<Waiting>,
    /// What just came of something.
    pub notice: Option<&'a str>,
    /// Bytes a second written to the terminal.
    pub bytes_per_second: Option<u64>,
}

/// A prompt that waits behind the banner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The step that asks, from 1.
    pub step: u32,
    /// What it asks for.
    pub asks: Asks,
    /// The keys that open it, as they are pressed here: `Enter`, `6 Enter`.
    pub keys: String,
    /// Whether a dialog has to be left first.
    pub behind: bool,
    /// Whether this console can only look at it.
    pub read_only: bool,
}

/// What a prompt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Consent to an act of this class.
    Act(EffectClass),
    /// A sign-off.
    Sign,
    /// A decision.
    Decide,
    /// The approval of a second person.
    Approve,
}

impl Snapshot<'_> {
    /// How many targets of a section were never tried; `None` where all were.
    #[must_use]
    pub fn unread(&self, section: Section) -> Option<usize> {
        let all = self.targets.get(&section).copied().unwrap_or(0);
        Some(all.saturating_sub(self.lists.of(section).targets_read())).filter(|count| *count > 0)
    }

    /// The same of all sections.
    #[must_use]
    pub fn unread_targets(&self) -> Option<usize> {
        Some(Section::ALL.into_iter().filter_map(|section| self.unread(section)).sum()).filter(|count| *count > 0)
    }
}

impl Asks {
    fn of(open: &OpenPrompt) -> Self {
        match &open.ask {
            _ if open.waits_for_second() => Self::Approve,
            Ask::Confirm { effect, .. } => Self::Act(*effect),
            Ask::Sign { .. } => Self::Sign,
            Ask::Decide { .. } => Self::Decide,
            Ask::Approve { .. } => Self::Approve,
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Act(effect) => effect.word(),
            Self::Sign => "sign off",
            Self::Decide => "decide",
            Self::Approve => "approve",
        }
    }
}

impl Waiting {
    /// The sentence of the banner.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (step, keys) = (self.step, &self.keys);
        let who = match (self.asks, self.read_only) {
            (Asks::Approve, _) => " for a second person",
            (_, true) => " for an operator",
            (_, false) => "",
        };
        let first = if self.behind { "leave this, then " } else { "" };
        format!("step {step} waits{who}: {first}{keys} opens it")
    }
}

impl Snapshot<'_> {
    /// A followed run, as its journal tells it.
    #[must_use]
    pub fn view(&self, run: &RunId) -> Option<&RunView> {
        let views = [&self.run.view, &self.checklist.run.view];
        views.into_iter().flatten().map(|view| &**view).find(|view| view.id == *run)
    }

    /// Where a listed run stands: one that is followed as its journal says now, not as it was listed.
    #[must_use]
    pub fn status(&self, run: &RunSummary) -> RunStatus {
        let panes = [self.run, &self.checklist.run];
        let followed = panes.into_iter().find(|pane| pane.following.as_ref() == Some(&run.id));
        followed.and_then(RunPane::status).unwrap_or(run.status)
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
            me: &self.me,
            read_only: self.is_read_only(),
            now: self.now,
            seconds: self.counts_seconds(),
            estate_file: &self.estate_file,
            not_found: &self.not_found,
            targets: &self.targets,
            lists: &self.lists,
            run: &self.run,
            checklist: &self.checklist,
            at_hand: self.at_hand(),
            log: &self.log,
            runs: self.runs.as_deref(),
            others: self.other_runs(),
            focus: self.focus,
            zoomed: self.zoomed,
            modals: self.modals(),
            reading: self.reading(),
            keymap: &self.keymap,
            pending: self.pending.iter().map(|key| format!("{key} ")).collect(),
            mouse: self.mouse,
            command: &self.command.runs,
            wallboard: self.wallboard.map(Wallboard::page),
            window: self.window.shown(self.now.wall),
            no_window: self.window.missing(),
            remark: self.remark.as_deref(),
            trouble: self.estate_trouble(),
            banner: self.estate_banner().or_else(|| self.banner()),
            banners: self.banners_in_full(),
            waiting: self.waiting(),
            notice: self.notice.as_ref().map(|(text, _)| text.as_str()),
            bytes_per_second: self.bytes_per_second,
        }
    }

    /// The first of what was to be said at the start, and how the next is reached.
    fn banner(&self) -> Option<String> {
        let first = self.banners.first()?;
        Some(match self.banners.len() {
            1 => first.clone(),
            count => format!("1 of {count} ({} shows the next): {first}", self.keymap.shown(Action::Back)),
        })
    }

    /// The prompt that waits and is not on the screen: of the run, else of the checklist.
    fn waiting(&self) -> Option<Waiting> {
        if self.modals().iter().any(|modal| matches!(modal, Modal::Prompt(dialog) if dialog.ended.is_none())) {
            return None;
        }
        let asking = |pane: &RunPane| pane.view.as_ref().filter(|_| pane.lives).and_then(|view| view.prompt.clone());
        let (list, open) = match asking(&self.run) {
            Some(open) => (false, open),
            None => (true, asking(&self.checklist.run)?),
        };
        let here = match self.modal() {
            Some(Modal::Item(dialog)) => list && dialog.step == open.step,
            _ if list => self.focus == Pane::Checklist && self.checklist.step() == Some(open.step),
            _ => self.focus == Pane::Run && self.run.step() == Some(open.step),
        };
        let enter = self.keymap.shown(Action::Open);
        let pane = self.keymap.shown(if list { Action::Pane5 } else { Action::Pane6 });
        let behind = match self.modal() {
            None => false,
            Some(Modal::Item(_)) => !here,
            Some(_) => true,
        };
        Some(Waiting {
            step: open.step + 1,
            asks: Asks::of(&open),
            keys: if here { enter } else { format!("{pane} {enter}") },
            behind,
            read_only: self.is_read_only(),
        })
    }
}
