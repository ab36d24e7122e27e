//! How near a relation is to the end of its transaction ids.

use crate::domain::{Fact, Verdict, quantity};
use crate::probes::bloat::catalog::Server;
use std::collections::BTreeMap;

/// A relation older than this many times the age at which autovacuum is forced warns: autovacuum does not get it done.
const OVERDUE: f64 = 1.1;

/// A share of a whole, which counts as one where it is nothing.
#[allow(clippy::cast_precision_loss)] // Ages and counts of rows.
pub(super) fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The ages of a relation or a database against the server's limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Age {
    /// In transactions.
    pub(super) xids: i64,
    /// The larger share of the ages at which autovacuum is forced: of transactions, or of multixacts.
    pub(super) ratio: f64,
    /// Critical where autovacuum drops all restraint, a warning where it should have been done.
    pub(super) verdict: Verdict,
}

impl Age {
    /// Judges the ages of transactions and of multixacts.
    pub(super) fn of(ages: (i64, i64), server: &Server) -> Self {
        let (xids, multis) = ages;
        let ratio = share(xids, server.freeze_at.0).max(share(multis, server.freeze_at.1));
        // The server never takes the failsafe to be nearer than this (manual, `vacuum_failsafe_age`).
        let failsafe = |of: i64, freeze: i64| of.max(freeze + freeze / 20);
        let verdict = if xids >= failsafe(server.failsafe_at.0, server.freeze_at.0)
            || multis >= failsafe(server.failsafe_at.1, server.freeze_at.1)
        {
            Verdict::Critical
        } else if ratio >= OVERDUE {
            Verdict::Warn
        } else {
            Verdict::Ok
        };
        Self { xids, ratio, verdict }
    }

    /// Adds its facts.
    pub(super) fn add_facts(self, facts: &mut BTreeMap<&'static str, Fact>) {
        facts.insert("wraparound_age", Fact::Int(self.xids));
        facts.insert("wraparound_ratio", Fact::Real(self.ratio));
    }

    /// `wraparound age 120 % of its limit`, the age at which autovacuum is forced, where it is worth a word.
    pub(super) fn note(self) -> Option<String> {
        (self.verdict != Verdict::Ok).then(|| format!("wraparound age {} of its limit", quantity::percent(self.ratio)))
    }
}
