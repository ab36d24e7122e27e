//! How often the clock moves the console on: each second while something on the screen counts seconds, else seldom.

use crate::app::Model;
use crate::app::panes::rows::RowList;
use crate::app::panes::run::RunPane;
use crate::domain::RunStatus;
use crate::domain::time::Wall;
use std::time::Duration;

/// How long the screen stands at most without a look at the clock, where nothing counts seconds: ages are in larger steps.
const REST: Duration = Duration::from_secs(10);
/// While something counts seconds.
const SECOND: Duration = Duration::from_secs(1);

impl Model {
    /// Whether the header's clock has seconds: while a run is active, and on a wallboard, whose clock is its heartbeat.
    #[must_use]
    pub fn counts_seconds(&self) -> bool {
        let is_active = |pane: &RunPane| pane.lives && pane.status().is_some_and(|status| !RunStatus::is_over(status));
        self.wallboard.is_some() || [&self.run, &self.checklist.run].into_iter().any(is_active)
    }

    /// How long until the console should know the time again: by then a shown minute ends, or a reading becomes stale.
    #[must_use]
    pub fn until_tick(&self, now: Wall) -> Duration {
        let past = Duration::from_nanos(u64::try_from(now.0.subsec_nanosecond()).unwrap_or(0));
        let whole = |seconds: u64| Duration::from_secs(seconds).saturating_sub(past);
        let stale = self.lists.all().any(RowList::is_late);
        if self.counts_seconds() || stale || self.notice.is_some() || !self.modals().is_empty() {
            return whole(SECOND.as_secs());
        }
        let minute = whole(60 - u64::try_from(now.0.as_second().rem_euclid(60)).unwrap_or(0));
        // A row is stale once its last good second is over.
        let turns = self.lists.turns().map(|at| at.since(now) + SECOND);
        [Some(minute), turns].into_iter().flatten().fold(REST, Duration::min).max(Duration::from_millis(1))
    }
}
