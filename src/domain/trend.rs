//! Which fact a history is of.

use crate::domain::facts::{self, Unit};

/// The fact whose figures a row's history graph shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend {
    /// The name of a fact that is a number.
    pub fact: &'static str,
}

impl Trend {
    /// The trend of a fact.
    #[must_use]
    pub const fn of(fact: &'static str) -> Self {
        Self { fact }
    }

    /// The unit of its figures: that of the fact.
    #[must_use]
    pub fn unit(self) -> Unit {
        facts::unit(self.fact)
    }
}
