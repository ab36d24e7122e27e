//! The dialogs: one enum on one stack, so that two of them cannot both have the keys.

mod answer;
pub mod ask;
pub mod emergency;
pub mod form;
pub mod item;
pub mod leave;
pub mod note;
pub mod pages;
pub mod palette;
pub mod prompt;
pub mod row;
pub mod scroll;

pub use emergency::Emergency;
pub use form::Form;
pub use item::ItemDialog;
pub use leave::Leaving;
pub use note::Note;
pub use palette::Palette;
pub use prompt::PromptDialog;
pub use row::RowDialog;

use crate::app::field::Field;
use crate::app::keymap::Context;
use crate::app::model::{Pane, TargetId};
use crate::app::msg::{Offer, PlanShown};
use crate::domain::{Digest, Error, Item, Listing, RunId};
use crate::journal::record::Ask;

/// A dialog over the panes.
#[derive(Clone, Debug)]
pub enum Modal {
    /// The keys that work, and what they do.
    Help {
        /// Where the help was asked for.
        context: Context,
        /// The first line on the screen.
        scroll: u16,
    },
    /// Commands by name.
    Palette(Palette),
    /// One line at the foot of the screen: a filter or a search.
    Line {
        /// What it is for.
        purpose: Purpose,
        /// What was typed.
        field: Field,
    },
    /// What is known of a row.
    Row(Box<RowDialog>),
    /// Every row that is not ok.
    Problems {
        /// The one under the cursor.
        cursor: Option<TargetId>,
    },
    /// What is known of a step.
    Step {
        /// The step, from 0.
        step: u32,
        /// The first line on the screen.
        scroll: u16,
    },
    /// One item of a checklist.
    Item(Box<ItemDialog>),
    /// The procedures that can act on a row.
    Offers {
        /// The row's target.
        target: TargetId,
        /// The procedures; `None` until they are known.
        offers: Option<Vec<Offer>>,
        /// What cannot act on it now, each with the reason.
        withheld: Vec<String>,
        /// The one under the cursor; `None` until a key selects one, except where the first is a read.
        cursor: Option<usize>,
        /// The first line on the screen, where there is no procedure to select.
        scroll: u16,
    },
    /// Every procedure.
    Procedures {
        /// The procedures; `None` until they were listed.
        list: Option<Vec<Offer>>,
        /// The one under the cursor; `None` while none is selected.
        cursor: Option<usize>,
    },
    /// A procedure's parameters.
    Params(Box<Form>),
    /// A plan, before its start is confirmed.
    Plan {
        /// The plan with its previews.
        shown: Box<PlanShown>,
        /// The first line on the screen.
        scroll: u16,
        /// Whether the start was sent and its answer is awaited.
        sent: bool,
    },
    /// The reason for a start outside the window, and its confirmation.
    Emergency(Box<Emergency>),
    /// A prompt of the runner.
    Prompt(Box<PromptDialog>),
    /// Everything that a frozen set holds.
    SetList(SetList),
    /// The complete text of what a prompt would run.
    Script {
        /// The text.
        listing: Listing,
        /// The first row on the screen.
        scroll: u16,
    },
    /// Whether to stop the run, and how.
    Abort {
        /// The run.
        run: RunId,
        /// Whether to undo what it did; `None` while nothing is chosen.
        undo: Option<bool>,
        /// The first row on the screen.
        scroll: u16,
    },
    /// Whether to continue an interrupted run.
    Resume {
        /// The run.
        run: RunId,
        /// The first row on the screen.
        scroll: u16,
    },
    /// A note beside a step, or the words of a action on an item.
    Note(Box<Note>),
    /// The runs.
    Runs {
        /// The one under the cursor.
        cursor: Option<RunId>,
    },
    /// Something that went wrong, whole.
    Notice {
        /// What.
        error: Error,
        /// The first line on the screen.
        scroll: u16,
    },
    /// Why something that takes text cannot be done. Letters do nothing in it: the text that was meant for it acts nowhere.
    Refused(String),
    /// Whether to leave the console.
    Leave,
    /// Whether to leave the demo, and what becomes of it.
    LeaveDemo(Box<Leaving>),
}

/// What a line at the foot of the screen is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To show only some rows of a pane.
    Filter(Pane),
    /// To find a text in the log.
    Search,
}

/// A window on a frozen set.
#[derive(Clone, Debug, PartialEq)]
pub struct SetList {
    /// The run.
    pub run: RunId,
    /// The set.
    pub set: Digest,
    /// The number of the first item here, from 0.
    pub from: u64,
    /// How many items there are in all; `None` until the first answer.
    pub total: Option<u64>,
    /// The items of the window.
    pub items: Vec<Item>,
    /// The number of the first item on the screen.
    pub top: u64,
    /// How many rows of that item are above the screen.
    pub skip: usize,
}

impl Modal {
    /// Where its keys are looked up.
    #[must_use]
    pub fn context(&self) -> Context {
        match self {
            Self::Plan { .. }
            | Self::Emergency(_)
            | Self::Prompt(_)
            | Self::Note(_)
            | Self::Abort { .. }
            | Self::Resume { .. }
            | Self::LeaveDemo(_) => Context::Prompt,
            Self::Item(_) => Context::Checklist,
            _ => Context::List,
        }
    }

    /// Whether it can commit to something, so that keys typed ahead must not reach it.
    #[must_use]
    pub fn commits(&self) -> bool {
        match self {
            Self::Prompt(dialog) => dialog.ended.is_none(),
            Self::Note(note) => !note.writing,
            Self::Plan { .. } | Self::Emergency(_) | Self::Abort { .. } | Self::Resume { .. } | Self::LeaveDemo(_) => {
                true
            }
            _ => false,
        }
    }

    /// Whether some key in it counts only after it was looked at; in an item, moving on needs no such look.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.commits() || matches!(self, Self::Item(_))
    }

    /// Whether a cursor in it says what the key that confirms does.
    #[must_use]
    pub fn has_choices(&self) -> bool {
        match self {
            Self::Abort { .. } | Self::LeaveDemo(_) => true,
            Self::Prompt(dialog) => matches!(dialog.prompt.ask, Ask::Decide { .. }),
            _ => false,
        }
    }

    /// Whether letters are text in it now.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Palette(_) | Self::Line { .. } => true,
            Self::Note(note) => note.writing,
            // While its plan is made nothing is typed into it, and nothing typed acts as a key.
            Self::Params(_) | Self::Refused(_) => true,
            Self::Prompt(dialog) => dialog.in_field,
            Self::Emergency(emergency) => !emergency.confirming,
            Self::LeaveDemo(leaving) => leaving.choice == leave::Choice::Remove,
            _ => false,
        }
    }

    /// What it says of the last key, where it has a line for that.
    pub fn hint_mut(&mut self) -> Option<&mut Option<String>> {
        match self {
            Self::Prompt(dialog) => Some(&mut dialog.hint),
            Self::Item(dialog) => Some(&mut dialog.hint),
            Self::Note(note) => Some(&mut note.hint),
            Self::Emergency(emergency) => Some(&mut emergency.hint),
            Self::LeaveDemo(leaving) => Some(&mut leaving.hint),
            _ => None,
        }
    }

    /// How far it is scrolled, where it scrolls.
    pub fn scroll_mut(&mut self) -> Option<&mut u16> {
        match self {
            Self::Help { scroll, .. }
            | Self::Step { scroll, .. }
            | Self::Offers { scroll, .. }
            | Self::Plan { scroll, .. }
            | Self::Script { scroll, .. }
            | Self::Abort { scroll, .. }
            | Self::Resume { scroll, .. }
            | Self::Notice { scroll, .. } => Some(scroll),
            Self::Row(dialog) => Some(&mut dialog.scroll),
            Self::Prompt(dialog) => Some(&mut dialog.scroll),
            Self::Item(dialog) => Some(&mut dialog.scroll),
            Self::Emergency(emergency) => Some(&mut emergency.scroll),
            Self::LeaveDemo(leaving) => Some(&mut leaving.scroll),
            Self::Note(note) if !note.writing => Some(&mut note.scroll),
            _ => None,
        }
    }
}
