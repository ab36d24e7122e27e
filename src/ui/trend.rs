//! How the history of a row is drawn: on which scale, and in which colour.

use crate::config::theme::Role;
use crate::domain::Row;
use crate::domain::facts::Unit;
use crate::ui::widgets::spark::Scale;

/// The scale of the history: shares up to their whole, everything else from 0.
#[must_use]
pub fn scale(row: &Row) -> Scale {
    if row.trend.is_some_and(|trend| matches!(trend.unit(), Unit::Share | Unit::Used)) {
        Scale::Share
    } else {
        Scale::FromZero
    }
}

/// The colour of the history of a row that stands so: an ok row needs none of its own.
#[must_use]
pub fn role(standing: Role) -> Role {
    if standing == Role::VerdictOk { Role::Graph1 } else { standing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TargetKind, Trend};
    use std::time::Duration;

    #[test]
    fn a_share_has_the_scale_of_its_whole_and_everything_else_begins_at_zero() {
        let of = |trend: Option<Trend>| {
            let row = Row::unread(TargetKind::Host, "cpu".to_owned(), "/proc".to_owned(), Duration::from_secs(5));
            scale(&Row { trend, ..row })
        };
        assert_eq!(of(Some(Trend::of("busy_ratio"))), Scale::Share);
        for trend in [Trend::of("latency_ms"), Trend::of("size_bytes"), Trend::of("load_1")] {
            assert_eq!(of(Some(trend)), Scale::FromZero);
        }
        assert_eq!(of(None), Scale::FromZero);
    }

    #[test]
    fn a_history_has_the_colour_of_its_verdict() {
        assert_eq!(role(Role::VerdictOk), Role::Graph1);
        assert_eq!(role(Role::VerdictCritical), Role::VerdictCritical);
    }
}
