//! Who holds the oldest snapshot: rows that died after it cannot be removed by anything yet.
//!
//! Sessions of other databases do not count, nor do `VACUUM`s. A slot's `catalog_xmin` holds back the system catalogs only.
//! Without `pg_read_all_stats` the server hides since when a session of another role has its snapshot; then the age runs
//! from when it was first seen here.

use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::names::named;

/// A holder counts from this age in seconds on; every busy server has younger ones.
pub(crate) const OLD: i64 = 10;

/// Everything that holds a snapshot, that of the oldest transaction first, and of two equal ones that which holds longer. A session
/// that is at work has a snapshot since its statement began, or since the transaction did where that keeps one; one that waits in a
/// transaction, since that began. A slot or a standby moves on with its reader: since when it holds what it holds, the server
/// does not tell. What looks on behalf of Midwatch ends within a minute, and holds nobody up.
const HOLDERS: &str = "
SELECT h.kind, h.id, h.application, extract(epoch FROM h.since)::int8 AS since, extract(epoch FROM h.begun)::int8 AS begun,
       h.xmin, h.xids FROM (
    SELECT CASE WHEN a.datid IS NULL THEN 'standby' ELSE 'session' END AS kind, a.pid::text AS id,
           nullif(a.application_name, '') AS application,
           CASE WHEN a.datid IS NULL THEN NULL WHEN a.state = 'active' THEN a.query_start ELSE a.xact_start END AS since,
           CASE WHEN a.datid IS NOT NULL THEN a.xact_start END AS begun,
           coalesce(a.backend_xmin, a.backend_xid)::text AS xmin,
           greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids
    FROM pg_stat_activity a
    WHERE a.pid <> pg_backend_pid() AND a.leader_pid IS NULL
      AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
      AND (a.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           OR a.datid IS NULL AND coalesce(a.backend_type, 'walsender') = 'walsender')
      AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
      AND (a.application_name IN ('midwatch', current_setting('application_name'))
           AND a.xact_start > clock_timestamp() - interval '90 s') IS NOT TRUE
    UNION ALL
    SELECT 'prepared', {{p.gid}}, NULL, p.prepared, p.prepared, p.transaction::text, age(p.transaction)
    FROM pg_prepared_xacts p WHERE p.database = current_database()
    UNION ALL
    SELECT 'slot', s.slot_name::text, NULL, NULL, NULL, s.xmin::text, age(s.xmin)
    FROM pg_replication_slots s WHERE s.xmin IS NOT NULL
) h ORDER BY h.xids DESC, h.since NULLS LAST, h.kind, h.id";

/// Who holds the oldest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// `session`, `prepared`, `slot` or `standby`.
    pub(crate) kind: String,
    /// Its pid, or the name of the slot or the prepared transaction.
    pub(crate) id: String,
    /// What a session calls itself, where the role may know.
    pub(crate) application: Option<String>,
    /// Since when, in seconds since the epoch by the server's clock, where that is known.
    pub(crate) since: Option<i64>,
    /// Since when its transaction runs, where that is known: it may hold as long as that.
    pub(crate) begun: Option<i64>,
    /// The oldest transaction that it may still need to see.
    pub(super) xmin: String,
    /// How many transactions ago that was.
    pub(crate) xids: i64,
}

impl Holder {
    /// `pid 4242`, `slot "old"`: short enough for a row.
    pub(crate) fn called(&self) -> String {
        match self.kind.as_str() {
            "session" => format!("pid {}", self.id),
            kind => format!("{kind} {}", self.id),
        }
    }

    /// How long it has held, in seconds, as far as is known.
    pub(crate) fn age(&self, now: i64) -> Option<i64> {
        self.since.map(|since| now.saturating_sub(since).max(0))
    }

    /// Whether it is known to hold nothing back: of a slot or a standby whose transaction is the newest, nobody asks since when.
    pub(crate) fn is_harmless(&self) -> bool {
        self.xids <= 0 && matches!(self.kind.as_str(), "slot" | "standby")
    }

    /// Whether rows may have died since that cannot be removed: not before it is old, unless nobody knows how old it is.
    pub(super) fn holds(&self, now: i64) -> bool {
        self.xids > 0 && self.age(now).is_none_or(|age| age >= OLD)
    }
}

/// How many of a table's dead rows are pinned: at least and at most.
///
/// A `VACUUM` after the holder began left only pinned ones, and those that died since are pinned, too. Before that it may be any.
pub(super) fn pinned(dead: i64, vacuumed: Option<i64>, holder: Option<&Holder>, now: i64) -> (i64, i64) {
    let dead = dead.max(0);
    match holder.filter(|holder| holder.holds(now)) {
        None => (0, 0),
        Some(holder) => match (holder.since, vacuumed) {
            (Some(since), Some(vacuumed)) if vacuumed > since => (dead, dead),
            _ => (0, dead),
        },
    }
}

/// The holder of the last reading, so that one whose start is hidden has an age, too.
#[derive(Default)]
pub(super) struct Memory {
    seen: Option<(Holder, i64)>,
}

impl Memory {
    /// Takes what was read and gives it with the best known start.
    pub(super) fn settle(&mut self, read: Option<Holder>, now: i64) -> Option<Holder> {
        let Some(mut holder) = read else {
            self.seen = None;
            return None;
        };
        let same =
            |before: &Holder| (&before.kind, &before.id, &before.xmin) == (&holder.kind, &holder.id, &holder.xmin);
        let first = self.seen.as_ref().filter(|(before, _)| same(before)).map_or(now, |(_, first)| *first);
        self.seen = Some((holder.clone(), first));
        holder.since = holder.since.or((holder.kind == "session").then_some(first));
        Some(holder)
    }
}

/// Asks who holds the oldest snapshot; a standby holds none of its own.
pub(crate) async fn oldest(session: &Session) -> Result<Option<Holder>, Failure> {
    Ok(all(session).await?.into_iter().next())
}

/// Everything that holds a snapshot now, that of the oldest transaction first.
pub(crate) async fn all(session: &Session) -> Result<Vec<Holder>, Failure> {
    let lines = session.rows(&named(HOLDERS)).await?;
    let holder = |line: &Line| {
        let text = |column: &str| line.text(column).map(str::to_owned);
        Some(Holder {
            kind: text("kind")?,
            id: text("id")?,
            application: text("application"),
            since: line.int("since"),
            begun: line.int("begun"),
            xmin: text("xmin")?,
            xids: line.int("xids")?,
        })
    };
    Ok(lines.iter().filter_map(holder).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(since: Option<i64>, xids: i64) -> Holder {
        let (kind, id, xmin) = ("session".to_owned(), "42".to_owned(), "700".to_owned());
        Holder { kind, id, application: None, since, begun: since, xmin, xids }
    }

    #[test]
    fn dead_rows_are_pinned_for_sure_only_when_a_vacuum_left_them() {
        let holder = session(Some(1000), 5);
        let now = 2000;
        assert_eq!(pinned(80, Some(1500), Some(&holder), now), (80, 80));
        assert_eq!(pinned(80, Some(900), Some(&holder), now), (0, 80));
        assert_eq!(pinned(80, None, Some(&holder), now), (0, 80));
        assert_eq!(pinned(80, Some(900), None, now), (0, 0));
        // Too young to matter, and of no transaction at all.
        assert_eq!(pinned(80, Some(900), Some(&holder), 1000 + OLD - 1), (0, 0));
        assert_eq!(pinned(80, Some(1500), Some(&session(Some(1000), 0)), now), (0, 0));
        // An unknown age may be any.
        assert_eq!(pinned(80, Some(1500), Some(&session(None, 5)), now), (0, 80));
    }

    #[test]
    fn a_hidden_start_counts_from_when_the_same_snapshot_was_first_seen() {
        let mut memory = Memory::default();
        assert_eq!(memory.settle(Some(session(None, 5)), 100).unwrap().since, Some(100));
        assert_eq!(memory.settle(Some(session(None, 9)), 160).unwrap().since, Some(100));
        let other = Holder { xmin: "900".to_owned(), ..session(None, 1) };
        assert_eq!(memory.settle(Some(other), 220).unwrap().since, Some(220));
        assert_eq!(memory.settle(None, 280), None);
        assert_eq!(memory.settle(Some(session(None, 9)), 340).unwrap().since, Some(340));
        assert_eq!(memory.settle(Some(session(Some(7), 9)), 400).unwrap().since, Some(7));
    }
}
