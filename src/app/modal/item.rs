//! One item of a checklist, as it is looked at.

use crate::domain::RunId;
use crate::journal::fold::{ItemState, ItemView};

/// One item on the screen, large.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemDialog {
    /// The run.
    pub run: RunId,
    /// The item's step, from 0.
    pub step: u32,
    /// Where it stood, and the record that opened it, when it came onto the screen.
    pub shown: (ItemState, u64),
    /// What the operator should know after a key.
    pub hint: Option<String>,
    /// Whether something was sent and nothing came back yet.
    pub sent: bool,
    /// The first line on the screen.
    pub scroll: u16,
}

impl ItemDialog {
    /// The dialog of an item as it stands.
    #[must_use]
    pub fn new(run: RunId, item: &ItemView) -> Self {
        let shown = (item.state, item.seq);
        Self { run, step: item.step, shown, hint: None, sent: false, scroll: 0 }
    }
}
