//! How many connections are taken, and what they hold up.

use crate::config::estate::Limits;
use crate::domain::{Fact, Observation, Trend, Verdict, quantity};
use crate::probes::clock;
use crate::probes::postgres::connect::{Failure, Session};
use crate::probes::postgres::{About, plain};
use std::collections::BTreeMap;
use std::time::Duration;

/// The sessions of clients against the places that ordinary roles share.
///
/// Of other roles' sessions, a role without `pg_monitor` sees that they are there, and neither their kind nor their state: all that
/// belong to a role then count as clients, except for those that replicate, which have places of their own.
///
/// Source: PostgreSQL 18 manual, 19.3.1 (`max_connections`, `superuser_reserved_connections`, `reserved_connections`), 27.2.3.
const QUESTION: &str = "SELECT \
    count(*) AS taken, \
    count(*) FILTER (WHERE a.state IS NULL) AS hidden, \
    count(*) FILTER (WHERE a.state = 'active') AS active, \
    count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_in_transaction, \
    max(extract(epoch FROM clock_timestamp() - a.xact_start)) \
        FILTER (WHERE a.state LIKE 'idle in transaction%')::bigint AS idle_in_transaction_s, \
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
        - coalesce(current_setting('reserved_connections', true)::bigint, 0) AS places \
    FROM pg_stat_activity AS a \
    WHERE a.backend_type = 'client backend' OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL \
        AND NOT EXISTS (SELECT FROM pg_stat_replication AS r WHERE r.pid = a.pid))";

/// Counts once. `limit`: from which age on a transaction that waits for its client warns; it keeps its locks, and often dead rows.
pub(super) async fn read(session: &Session, about: &About, limit: Duration) -> Result<Observation, Failure> {
    let line = session.row(QUESTION).await?;
    let missing = || Failure::ours("the server does not count its connections".to_owned());
    let (taken, places) = line.int("taken").zip(line.int("places")).ok_or_else(missing)?;
    #[allow(clippy::cast_precision_loss)] // Far fewer than 2^52.
    let ratio = if places > 0 { taken as f64 / places as f64 } else { f64::NAN };
    let mut facts = BTreeMap::from([
        ("connections", Fact::Int(taken)),
        ("connections_limit", Fact::Int(places)),
        ("connections_refused", Fact::Bool(false)),
    ]);
    if ratio.is_finite() {
        facts.insert("connections_ratio", Fact::Real(ratio));
        facts.extend(Limits::CONNECTIONS.facts());
    }
    let mut detail = format!("{} of {}", quantity::count(plain(taken)), quantity::count(plain(places)));
    let mut verdict = Verdict::Ok;
    let hidden = line.int("hidden").unwrap_or(0);
    if hidden > 0 && !about.monitor {
        facts.insert("connections_hidden", Fact::Int(hidden));
        detail.push_str(&format!(" · state of {} hidden, needs pg_monitor", quantity::count(plain(hidden))));
        facts.extend(about.remedy());
    } else {
        facts.extend(line.int("active").map(|active| ("connections_active", Fact::Int(active))));
        let idle = line.int("idle_in_transaction").unwrap_or(0);
        facts.insert("idle_in_transaction", Fact::Int(idle));
        if let Some(idle_for) = line.int("idle_in_transaction_s") {
            facts.insert("idle_in_transaction_s", Fact::Int(idle_for));
            let age = quantity::span(Duration::from_secs(plain(idle_for)));
            detail.push_str(&format!(" · {} idle in transaction, up to {age}", quantity::count(plain(idle))));
            verdict = idling(idle_for, limit);
        }
    }
    let verdict = if ratio.is_finite() { verdict.worse(Limits::CONNECTIONS.judge(ratio)) } else { Verdict::Unknown };
    let trend = ratio.is_finite().then_some(Trend::of("connections_ratio"));
    Ok(Observation { verdict, detail, facts, observed_at: clock::now().wall, trend })
}

/// The verdict on the longest of the transactions that wait for their clients, by its age in seconds.
fn idling(seconds: i64, limit: Duration) -> Verdict {
    if Duration::from_secs(plain(seconds)) >= limit { Verdict::Warn } else { Verdict::Ok }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_is_forgotten_warns() {
        let verdict = |seconds| idling(seconds, Duration::from_secs(600));
        assert_eq!((verdict(599), verdict(600), verdict(86_400)), (Verdict::Ok, Verdict::Warn, Verdict::Warn));
    }
}
