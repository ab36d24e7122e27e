//! CONCURRENTLY statements: the sessions that they will wait for, those that they wait for now, and the invalid
//! indexes that they leave.
//!
//! A statement with CONCURRENTLY waits, between its steps, for every transaction of its database with an older
//! snapshot, and for those that hold any lock on its table. These waits are not lock conflicts, and `pg_locks` does
//! not show them.
//!
//! Source: PostgreSQL 18 manual, CREATE INDEX and REINDEX; `WaitForOlderSnapshots` and `WaitForLockers`.

use crate::domain::quantity::span;
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::runner::adapters::sql::look::{MOST_NAMED, listed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An invalid index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Left {
    pub(super) oid: i64,
    /// Its schema and its name.
    pub(super) name: String,
}

/// The names of these, and no others.
pub(super) fn names<'a>(left: impl IntoIterator<Item = &'a Left>) -> String {
    left.into_iter().map(|left| left.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The invalid indexes on the tables of these objects and on their TOAST tables: a failed CONCURRENTLY leaves them.
pub(super) async fn invalid_indexes(session: &Session, oids: &[i64]) -> Result<Vec<Left>, Failure> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let oids = listed(oids);
    let lines = session
        .rows(&format!(
            "WITH tables AS (SELECT c.oid, c.reltoastrelid FROM pg_class c WHERE c.oid IN ({oids}) \
                OR c.oid IN (SELECT x.indrelid FROM pg_index x WHERE x.indexrelid IN ({oids}))) \
            SELECT i.indexrelid AS oid, n.nspname || '.' || c.relname AS name FROM pg_index i \
            JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE NOT i.indisvalid AND c.relkind = 'i' \
                AND i.indrelid IN (SELECT oid FROM tables UNION SELECT reltoastrelid FROM tables) ORDER BY 2"
        ))
        .await?;
    let left = |line: &Line| Some(Left { oid: line.int("oid")?, name: line.text("name")?.to_owned() });
    Ok(lines.iter().filter_map(left).collect())
}

/// The indexes that were not there before.
pub(super) fn new_ones(now: Vec<Left>, before: &[Left]) -> Vec<Left> {
    now.into_iter().filter(|left| !before.iter().any(|known| known.oid == left.oid)).collect()
}

/// The description of a session: its pid, its application name, its age; never its query.
const WHO: &str = "a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, 'unknown') AS who, \
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start))::int8 AS age, \
    coalesce(a.state LIKE 'idle in transaction%', false) AS idles";

/// The sessions that a CONCURRENTLY statement on these objects would wait for now, except `own`: the oldest first.
/// Midwatch's own looks end by themselves within a minute.
pub(super) async fn waited_for(session: &Session, oids: &[i64], own: i64) -> Result<Vec<String>, Failure> {
    let on_them = if oids.is_empty() { "false".to_owned() } else { format!("l.relation IN ({})", listed(oids)) };
    let lines = session
        .rows(&format!(
            "SELECT {WHO} FROM pg_stat_activity a \
            WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND a.pid NOT IN (pg_backend_pid(), {own}) AND a.leader_pid IS NULL \
                AND (a.backend_xmin IS NOT NULL OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid \
                    AND l.locktype = 'relation' AND l.granted AND {on_them})) \
                AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid) \
                AND (a.application_name IN ('midwatch', current_setting('application_name')) \
                    AND a.xact_start > clock_timestamp() - interval '90 s') IS NOT TRUE \
            UNION ALL SELECT NULL, 'prepared transaction ' || p.gid, \
                extract(epoch FROM clock_timestamp() - p.prepared)::int8, false FROM pg_prepared_xacts p \
            WHERE p.database = current_database() AND EXISTS (SELECT FROM pg_locks l \
                WHERE l.virtualtransaction = '-1/' || p.transaction AND l.locktype = 'relation' AND {on_them}) \
            ORDER BY 3 DESC NULLS LAST, 1"
        ))
        .await?;
    Ok(describe(&lines))
}

/// The sessions that block a session now: their pids, and in words. Empty if it is not blocked.
pub(super) async fn blocking(session: &Session, pid: i64) -> Result<(String, Vec<String>), Failure> {
    let lines = session
        .rows(&format!(
            "SELECT {WHO} FROM unnest(pg_blocking_pids({pid})) AS b(pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid \
            ORDER BY 3 DESC NULLS LAST, 1"
        ))
        .await?;
    let pids: Vec<&str> = lines.iter().filter_map(|line| line.text("pid")).collect();
    Ok((pids.join(" "), describe(&lines)))
}

/// The sessions that block the sessions of this name now, as in [`blocking`]; the name needs no quoting.
pub(in super::super) async fn blocking_named(session: &Session, name: &str) -> Result<(String, Vec<String>), Failure> {
    let named = format!("right(application_name, {}) = '{name}'", name.len());
    let lines = session
        .rows(&format!(
            "WITH own AS (SELECT pid FROM pg_stat_activity WHERE {named} AND pid <> pg_backend_pid()) \
            SELECT DISTINCT {WHO} FROM own, unnest(pg_blocking_pids(own.pid)) AS b(pid) \
            LEFT JOIN pg_stat_activity a ON a.pid = b.pid WHERE b.pid NOT IN (SELECT pid FROM own) \
            ORDER BY 3 DESC NULLS LAST, 1"
        ))
        .await?;
    let pids: Vec<&str> = lines.iter().filter_map(|line| line.text("pid")).collect();
    Ok((pids.join(" "), describe(&lines)))
}

fn describe(lines: &[Line]) -> Vec<String> {
    let one = |line: &Line| {
        let who = line.text("who").unwrap_or("unknown");
        let age = line.int("age").and_then(|age| u64::try_from(age).ok());
        let age = age.map_or_else(|| "of unknown age".to_owned(), |age| span(Duration::from_secs(age)));
        let idles = if line.flag("idles") == Some(true) { ", idle in transaction" } else { "" };
        match line.int("pid") {
            Some(pid) => format!("pid {pid} ({who}, {age}{idles})"),
            None => format!("{who} ({age})"),
        }
    };
    let mut messages: Vec<String> = lines.iter().take(MOST_NAMED).map(one).collect();
    if lines.len() > MOST_NAMED {
        messages.push(format!("and {} more", lines.len() - MOST_NAMED));
    }
    messages
}
