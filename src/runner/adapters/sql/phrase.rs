//! The phrase that a destroying statement requires, as far as the statement determines it.

use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::sql::shape::shape;
use crate::runner::adapters::sql::{Ask, Spec};

/// The phrase with `count` for the number of objects, which the server knows.
pub(in super::super) fn phrase(action: &Action, count: &str) -> Option<String> {
    let spec: Spec = common::spec(action).ok()?;
    let Ask::Statement { sql, .. } = &spec.ask else { return None };
    let shape = shape(sql);
    let word = common::plain_word(&shape.word, "run");
    Some(match shape.named.as_slice() {
        [] => format!("{word} 1 statement"),
        [only] => format!("{word} 1 {}", common::plain_word(&only.name, "table")),
        _ => format!("{word} {count} objects"),
    })
}
