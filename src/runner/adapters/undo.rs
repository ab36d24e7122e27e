//! The frozen set of an `undo_of`: which steps it undoes, how, and on which set each of them acted.
//!
//! It is not an adapter: the adapters of those steps run the undos.

use crate::domain::error::Result;
use crate::domain::{Digest, Item};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The kind of such a set.
pub const KEY: &str = "undo";

/// One step that is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The step, from 1.
    pub step: u32,
    /// Its title.
    pub title: String,
    /// Its undo, in one line.
    pub line: String,
    /// The set that it acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    set: String,
    steps: Vec<Row>,
}

/// Writes the set: all of it is in its head.
///
/// # Errors
/// When it cannot be written.
pub fn write(steps: &[Row], set: &mut dyn Write) -> Result<()> {
    super::write_line(set, &Head { set: KEY.to_owned(), steps: steps.to_vec() })
}

/// One item for each step.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let steps = Head::deserialize(head).map(|head| head.steps).unwrap_or_default();
    let named = |row: Row| Item { to: Some(row.line), ..Item::named(format!("step {}: {}", row.step, row.title)) };
    steps.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::adapters;

    #[test]
    fn the_set_lists_every_step_and_another_step_is_drift() {
        let row = |step| Row { step, title: "Page".into(), line: "page off".into(), set: Some(Digest::of(b"x")) };
        let set = |rows: &[Row]| {
            let mut bytes = Vec::new();
            write(rows, &mut bytes).unwrap();
            bytes
        };
        let two = set(&[row(5), row(3)]);
        let (count, items) = adapters::items(&mut two.as_slice(), 1, 10).unwrap();
        assert_eq!((count, items.len()), (2, 1));
        assert_eq!((items[0].name.as_str(), items[0].to.as_deref()), ("step 3: Page", Some("page off")));
        let drift = adapters::drift(&mut two.as_slice(), &mut set(&[row(3)]).as_slice());
        assert_eq!(drift, ["the steps is another than the one shown"]);
    }
}
