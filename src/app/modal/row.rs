//! The detail of a row, as it is looked at.

use crate::app::effect::{Effect, Query};
use crate::app::model::TargetId;
use crate::app::msg::{Offer, RunSummary};
use crate::domain::Row;
use std::collections::BTreeMap;

/// A procedure, with the parameters that it takes from a row.
pub type Taken = (String, BTreeMap<String, String>);

/// The detail of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDialog {
    /// The row.
    pub target: TargetId,
    /// The first line on the screen.
    pub scroll: u16,
    /// Whether facts stand under their own names.
    pub raw: bool,
    /// The procedures that can act on it now; `None` until they are known.
    pub offers: Option<Vec<Offer>>,
    /// What cannot act on it now, each with the reason.
    pub withheld: Vec<String>,
    /// The procedures that act on such rows, whether or not they can now: what a run on this row has for its parameters.
    pub acts: Vec<Taken>,
}

impl RowDialog {
    /// The detail of a row before anything was asked.
    #[must_use]
    pub fn new(target: TargetId) -> Self {
        Self { target, scroll: 0, raw: false, offers: None, withheld: Vec::new(), acts: Vec::new() }
    }

    /// What to ask for when it opens.
    #[must_use]
    pub fn asks(row: &Row) -> Vec<Effect> {
        vec![Effect::Query(Query::Offer(Box::new(row.clone()))), Effect::Query(Query::Acts(Box::new(row.clone())))]
    }

    /// The runs on this row, newest first: runs of a procedure that acts on it, with the parameters that it takes from it.
    pub fn runs<'a>(&'a self, runs: &'a [RunSummary]) -> impl Iterator<Item = &'a RunSummary> {
        let is_of = |run: &RunSummary, (procedure, taken): &Taken| {
            run.procedure == *procedure && taken.iter().all(|(name, value)| run.params.get(name) == Some(value))
        };
        runs.iter().filter(move |run| self.acts.iter().any(|taken| is_of(run, taken)))
    }
}
