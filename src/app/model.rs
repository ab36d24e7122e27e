//! What the console knows.

mod quiet;
mod read;
pub use read::{Missing, missing_after};

use crate::app::burst::Burst;
use crate::app::confirm::Authority;
use crate::app::drafts::Kept;
use crate::app::estate::Edited;
use crate::app::keymap::Keymap;
use crate::app::modal::Modal;
use crate::app::modal::note::Writes;
use crate::app::msg::RunSummary;
pub use crate::app::pane::Pane;
use crate::app::panes::checklist::ChecklistPane;
use crate::app::panes::log::Log;
use crate::app::panes::rows::Lists;
use crate::app::panes::run::RunPane;
use crate::app::reading::{ItemsShown, Reading, TextShown};
use crate::app::runs::Commands;
use crate::app::wallboard::Wallboard;
use crate::app::window::WindowWatch;
use crate::calendar::Calendar;
use crate::config::estate::Environment;
use crate::domain::key::Key;
use crate::domain::time::Now;
use crate::domain::{Actor, Boot, Row, RunId, Section, TargetKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a dialog that can commit must stand on the screen untouched before its keys count.
pub const TYPED_AHEAD: Duration = Duration::from_millis(400);

/// Whose a text being written is: its run, its step, and what is done with it.
pub type Draft = (RunId, Option<u32>, Writes);

/// How long a notice stays where no key is pressed; it stands in the place of the keys.
pub const NOTICE: Duration = Duration::from_secs(4);
/// How long it stays even so.
const NOTICE_READ: Duration = Duration::from_secs(1);

/// A target's identity: cursors are kept by it, never by a place on the screen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name, unique within the kind.
    pub name: String,
    /// Which of several things in it.
    pub object: Option<String>,
}

impl TargetId {
    /// The identity of a row.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        Self { kind: row.kind, name: row.target.clone(), object: row.object.clone() }
    }

    /// Whether a row has it.
    #[must_use]
    pub fn is_of(&self, row: &Row) -> bool {
        row.kind == self.kind && row.target == self.name && row.object == self.object
    }
}

/// What the console is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The estate's name.
    pub estate: String,
    /// Its environment: `production`, `staging` or `other`.
    pub environment: String,
    /// Why its file or its windows cannot be used, where that is so.
    pub wrong: Option<String>,
    /// Who looks, from where: `operator@bastion-1`.
    pub operator: String,
    /// The same person, as the kernel knows them; whether they may act is the runner's to say.
    pub me: Actor,
    /// The right to act; `None` makes the console read-only.
    pub authority: Option<Authority>,
    /// The keys.
    pub keymap: Keymap,
    /// The estate file, or where one would be looked for first.
    pub estate_file: String,
    /// What was found without an estate file, a phrase each; empty where there is one.
    pub found: Vec<String>,
    /// What was looked for without one and is not there, a phrase each.
    pub not_found: Vec<String>,
    /// How many targets each section has to read.
    pub targets: BTreeMap<Section, usize>,
    /// The windows.
    pub calendar: Calendar,
    /// Whether this is a wall: it turns by itself, and takes hardly a key.
    pub wallboard: bool,
    /// Whether leaving asks what becomes of the demo.
    pub demo: bool,
    /// How this estate's runs are reached from a shell: `midwatch`, `midwatch --demo`.
    pub command: Commands,
    /// What the operator should know first: a theme that fell back.
    pub banners: Vec<String>,
    /// What holds all the time and is said quietly: locks that only this user sees.
    pub remark: Option<String>,
    /// The time.
    pub now: Now,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// Whether the terminal is at the other end of an SSH connection.
    pub ssh: bool,
}

/// Everything the console knows; changed by `update` alone.
#[derive(Debug)]
pub struct Model {
    /// The estate's name.
    pub estate: String,
    /// Its environment.
    pub environment: String,
    /// Who looks, from where.
    pub operator: String,
    /// The same person, as the kernel knows them.
    pub me: Actor,
    /// The right to act; `None` makes the console read-only.
    pub authority: Option<Authority>,
    /// The keys.
    pub keymap: Keymap,
    /// The estate file, or where one would be looked for first.
    pub estate_file: String,
    /// What was looked for without an estate file and is not there, a phrase each.
    pub not_found: Vec<String>,
    /// How many targets each section has to read.
    pub targets: BTreeMap<Section, usize>,
    /// The panes of rows.
    pub lists: Lists,
    /// The Run pane.
    pub run: RunPane,
    /// The Checklist pane.
    pub checklist: ChecklistPane,
    /// The Log pane.
    pub log: Log,
    /// The known runs, newest first; `None` until they were listed once.
    pub runs: Option<Vec<RunSummary>>,
    /// When they were listed.
    pub listed: Boot,
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether the focused pane has the whole screen.
    pub zoomed: bool,
    /// Whether the mouse is ours; the terminal's own selection works while it is not.
    pub mouse: bool,
    /// The open or the next window.
    pub window: WindowWatch,
    /// Whether this is a wall, and where it stands.
    pub wallboard: Option<Wallboard>,
    /// Whether leaving asks what becomes of the demo.
    pub demo: bool,
    /// How this estate's runs are reached from a shell.
    pub command: Commands,
    /// What holds all the time and is said quietly.
    pub remark: Option<String>,
    /// What became of an edit of the estate or its windows, until it is in use.
    pub edited: Option<Edited>,
    /// What the operator should know, until dismissed with Esc.
    pub banners: Vec<String>,
    /// What just came of something, and until when it is shown.
    pub notice: Option<(String, Boot)>,
    /// The time, as last told.
    pub now: Now,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// Whether the terminal is at the other end of an SSH connection.
    pub ssh: bool,
    /// Bytes a second written to the terminal; set by its owner, shown in a frame that is drawn for another reason.
    pub bytes_per_second: Option<u64>,
    /// The beginning of a sequence of keys.
    pub pending: Vec<Key>,
    /// Texts begun and not saved, so that leaving loses nothing.
    pub drafts: BTreeMap<Draft, Vec<String>>,
    /// The text that was sent and not acknowledged.
    pub saving: Option<Draft>,
    /// What was typed in other dialogs and not used, so that leaving them loses nothing.
    pub kept: Kept,
    /// The run whose prompt was answered here last.
    pub answered: Option<RunId>,
    /// Whether a key was pressed since the console opened.
    pub touched: bool,
    modals: Vec<Modal>,
    /// What was read of them.
    reading: Reading,
    seen: Seen,
    /// What a frame shows of which a part still waits to be sent.
    unsent: Option<Seen>,
    shown_since: Option<Boot>,
    /// Whether a key moved something in the topmost dialog since it was first looked at.
    moving: bool,
    last_message: Option<Boot>,
    /// A key that commits and has not stood alone yet, and when it was pressed.
    pub(super) held: Option<(Key, Boot)>,
    /// When the last input of any kind came.
    pub(super) last_input: Option<Boot>,
    /// The keys of a phrase that came last, to tell a burst of them.
    pub(super) burst: Burst,
}

/// What the last frame really showed; the terminal's owner hands it back after drawing.
///
/// Consent needs it: only a dialog whose every line was drawn, and whose keys are drawn at the terminal's size of now, can be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Seen {
    /// The size that was drawn for.
    pub size: (u16, u16),
    /// Whether the topmost dialog was drawn whole, but for the lines that it scrolls.
    pub whole: bool,
    /// The size at which it would be whole, where it is not.
    pub needed: (u16, u16),
    /// The lines of the topmost dialog that must be read before anything is confirmed in it, and which of them are on the screen.
    pub text: TextShown,
    /// How many rows of log were visible.
    pub log_rows: u16,
    /// How many rows the focused list or the topmost dialog can show: a page.
    pub page_rows: u16,
    /// How far the topmost dialog can scroll.
    pub scroll_end: u16,
    /// The items of a frozen set as they stand on the screen.
    pub items: ItemsShown,
    /// What is where, for the mouse; later entries lie on top.
    pub hits: Vec<(Area, Hit)>,
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Area {
    /// The leftmost column.
    pub x: u16,
    /// The topmost row.
    pub y: u16,
    /// How many columns.
    pub width: u16,
    /// How many rows.
    pub height: u16,
}

impl Area {
    /// Whether a cell lies inside.
    #[must_use]
    pub fn holds(self, column: u16, row: u16) -> bool {
        let within = |at: u16, start: u16, length: u16| at >= start && at - start < length;
        within(column, self.x, self.width) && within(row, self.y, self.height)
    }
}

/// What a cell of the screen belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A pane.
    Pane(Pane),
    /// A row of a section.
    Target(TargetId),
    /// A step of the run.
    Step(u32),
    /// An item of the checklist, by its step.
    Item(u32),
    /// A checklist that could be begun, by its place.
    Outline(usize),
    /// A dialog.
    Dialog,
}

impl Model {
    /// A console that has read nothing yet.
    #[must_use]
    pub fn new(opening: Opening) -> Self {
        let environment = Environment::from_word(&opening.environment);
        let found = (!opening.found.is_empty()).then(|| format!("no estate file · found {}", opening.found.join(", ")));
        let mut model = Self {
            estate: opening.estate,
            environment: opening.environment,
            operator: opening.operator,
            me: opening.me,
            authority: opening.authority,
            keymap: opening.keymap,
            estate_file: opening.estate_file,
            not_found: opening.not_found,
            targets: opening.targets,
            lists: Lists::default(),
            run: RunPane::default(),
            checklist: ChecklistPane::default(),
            log: Log::default(),
            runs: None,
            listed: opening.now.boot,
            focus: Pane::Health,
            zoomed: false,
            mouse: true,
            demo: opening.demo,
            command: opening.command,
            wallboard: opening.wallboard.then(|| Wallboard::new(opening.now.boot)),
            window: WindowWatch::new(opening.calendar, environment, opening.now.wall),
            remark: opening.remark,
            edited: opening.wrong.map(Edited::Unusable),
            banners: opening.banners,
            notice: None,
            now: opening.now,
            size: opening.size,
            ssh: opening.ssh,
            bytes_per_second: None,
            pending: Vec::new(),
            drafts: BTreeMap::new(),
            saving: None,
            kept: Kept::default(),
            answered: None,
            touched: false,
            modals: Vec::new(),
            reading: Reading::default(),
            seen: Seen::default(),
            unsent: None,
            shown_since: None,
            moving: false,
            last_message: None,
            held: None,
            last_input: None,
            burst: Burst::default(),
        };
        if let Some(found) = found {
            model.notify(found);
        }
        model
    }

    /// Whether the console holds nothing to act with.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.authority.is_none()
    }

    /// The dialogs, the topmost last.
    #[must_use]
    pub fn modals(&self) -> &[Modal] {
        &self.modals
    }

    /// The topmost dialog.
    #[must_use]
    pub fn modal(&self) -> Option<&Modal> {
        self.modals.last()
    }

    /// The topmost dialog, to change what is typed in it.
    pub fn modal_mut(&mut self) -> Option<&mut Modal> {
        self.modals.last_mut()
    }

    /// Opens a dialog; the keys typed before it was seen are forgotten.
    pub fn open(&mut self, modal: Modal) {
        self.modals.push(modal);
        self.unseen();
    }

    /// Closes the topmost dialog.
    pub fn close(&mut self) -> Option<Modal> {
        let closed = self.modals.pop();
        self.reading.forget_from(self.modals.len());
        self.unseen();
        closed
    }

    /// Closes the dialogs for which this is so, wherever they stand.
    pub fn close_where(&mut self, unwanted: impl Fn(&Modal) -> bool) {
        self.modals.retain(|modal| !unwanted(modal));
        self.reading.forget_from(0);
        self.unseen();
    }

    /// Closes every dialog.
    pub fn close_all(&mut self) {
        self.modals.clear();
        self.reading.forget_from(0);
        self.unseen();
    }

    /// Says something for a while.
    pub fn notify(&mut self, text: impl Into<String>) {
        self.notice = Some((text.into(), Boot(self.now.boot.0.saturating_add(NOTICE.as_nanos() as u64))));
    }

    /// A key was pressed: what was said long enough to be read gives its place back to the keys.
    pub fn dismiss_notice(&mut self) {
        let rest = (NOTICE - NOTICE_READ).as_nanos() as u64;
        let now = self.now.boot.0;
        self.notice.take_if(|(_, until)| until.0 <= now.saturating_add(rest));
    }
}
