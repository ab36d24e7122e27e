//! The server's own report: about itself, about the objects of a statement, and about blocking sessions.

use crate::domain::quantity::{bytes, count, span};
use crate::probes::bloat::horizon;
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::procedure::quote::Quote;
use crate::runner::adapters::sql::frozen::Object;
use crate::runner::adapters::sql::shape::{Lock, Named};
use std::time::Duration;

/// From which age in seconds on a snapshot is reported.
pub(super) const OLD_S: u64 = horizon::OLD.unsigned_abs();

/// How many blocking sessions are named.
pub(super) const MOST_NAMED: usize = 5;

/// Source: PostgreSQL 18 manual, 9.27.11 (`pg_control_system`) and 27.2 (`stats_reset`: a crash resets it).
const SERVER: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text AS system, \
    current_database() AS database, current_setting('server_version') AS version, pg_is_in_recovery() AS standby, \
    (SELECT stats_reset::text FROM pg_stat_bgwriter) AS counted_since";

/// The server and the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) system: String,
    pub(super) database: String,
    pub(super) version: String,
    pub(super) standby: bool,
    pub(super) counted_since: Option<String>,
}

/// Asks the server for its identity.
pub(super) async fn server(session: &Session) -> Result<Server, Failure> {
    let line = session.row(SERVER).await?;
    let text = |column: &str| {
        let missing = || Failure::ours(format!("the server does not report its {column}"));
        line.text(column).map(str::to_owned).ok_or_else(missing)
    };
    let standby = line
        .flag("standby")
        .ok_or_else(|| Failure::ours("the server does not report whether it is a standby".to_owned()))?;
    Ok(Server {
        system: text("system")?,
        database: text("database")?,
        version: text("version")?,
        standby,
        counted_since: line.text("counted_since").map(str::to_owned),
    })
}

/// An object as it is now, with its changing values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) object: Object,
    /// The table of an index.
    pub(super) table_oid: Option<i64>,
    /// Rows as the planner estimates; `None` if they were never counted.
    pub(super) rows: Option<i64>,
    pub(super) dead: i64,
    /// Its bytes with indexes and TOAST, or why they are unknown.
    pub(super) size: Result<u64, String>,
    /// Whether others depend on it: views and foreign keys.
    pub(super) dependants: Vec<String>,
}

const OBJECTS: &str = "SELECT c.oid, n.nspname AS schema, c.relname AS name, i.indrelid AS of_table, \
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'i' THEN 'index' \
        WHEN 'I' THEN 'partitioned index' WHEN 'm' THEN 'materialised view' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' \
        WHEN 'f' THEN 'foreign table' WHEN 't' THEN 'TOAST table' ELSE 'relation' END AS kind, \
    coalesce(pg_relation_filenode(c.oid), 0)::int8 AS relfilenode, pg_stat_get_last_vacuum_time(c.oid)::text AS last_vacuum, \
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS rows, pg_stat_get_dead_tuples(c.oid) AS dead \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid";

fn object(line: &Line) -> Option<Seen> {
    let text = |column: &str| line.text(column).map(str::to_owned);
    let object = Object {
        oid: line.int("oid")?,
        schema: text("schema")?,
        name: text("name")?,
        kind: text("kind")?,
        relfilenode: line.int("relfilenode")?,
        last_vacuum: text("last_vacuum"),
    };
    Some(Seen {
        object,
        table_oid: line.int("of_table"),
        rows: line.int("rows"),
        dead: line.int("dead").unwrap_or_default(),
        size: Err("not asked".to_owned()),
        dependants: Vec::new(),
    })
}

/// The object of a name; `None` if there is none. Only the catalog is read, so it waits for no lock.
pub(super) async fn by_name(session: &Session, named: &Named) -> Result<Option<Seen>, Failure> {
    let schema = Quote::Literal.quote(named.schema.as_deref().unwrap_or("pg_catalog"));
    let name = Quote::Literal.quote(&named.name);
    let lines = session.rows(&format!("{OBJECTS} WHERE n.nspname = {schema} AND c.relname = {name}")).await?;
    Ok(lines.first().and_then(object))
}

/// The objects that still have these OIDs.
pub(super) async fn by_oid(session: &Session, oids: &[i64]) -> Result<Vec<Seen>, Failure> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let lines = session.rows(&format!("{OBJECTS} WHERE c.oid IN ({})", listed(oids))).await?;
    Ok(lines.iter().filter_map(object).collect())
}

/// The partitions of a table that hold rows, at every level; each has its own VACUUM.
pub(super) async fn partitions(session: &Session, oid: i64) -> Result<Vec<Seen>, Failure> {
    let lines = session
        .rows(&format!(
            "WITH RECURSIVE tree(oid) AS (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = {oid} \
                UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid) \
            {OBJECTS} WHERE c.oid IN (SELECT oid FROM tree) AND c.relkind = 'r' ORDER BY c.oid"
        ))
        .await?;
    Ok(lines.iter().filter_map(object).collect())
}

/// The bytes of relations with their indexes and TOAST tables.
pub(super) async fn sizes(session: &Session, oids: &[i64]) -> Result<u64, String> {
    let sum = format!(
        "SELECT coalesce(sum(pg_total_relation_size(o)), 0) AS size FROM unnest('{{{}}}'::oid[]) AS o",
        listed(oids)
    );
    let line = session.row(&sum).await.map_err(|failure| failure.reason)?;
    line.int("size").and_then(|size| u64::try_from(size).ok()).ok_or_else(|| "not reported".to_owned())
}

pub(super) fn listed(oids: &[i64]) -> String {
    oids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Adds what may affect a lock: the size, and the dependants.
pub(super) async fn measure(session: &Session, seen: &mut Seen) {
    let oid = seen.object.oid;
    let size = session.row(&format!("SELECT pg_total_relation_size({oid}) AS size")).await;
    seen.size = match size {
        Ok(line) => line.int("size").and_then(|size| u64::try_from(size).ok()).ok_or_else(|| "it is gone".to_owned()),
        Err(failure) => Err(failure.reason),
    };
    let dependants = format!(
        "SELECT 'foreign key of ' || n.nspname || '.' || c.relname AS who FROM pg_constraint k \
            JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE k.confrelid = {oid} AND k.contype = 'f' AND k.conrelid <> {oid} \
        UNION SELECT 'view ' || n.nspname || '.' || v.relname FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
            JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace \
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = {oid} AND v.oid <> {oid} ORDER BY 1"
    );
    if let Ok(lines) = session.rows(&dependants).await {
        seen.dependants = lines.iter().filter_map(|line| line.text("who").map(str::to_owned)).collect();
    }
}

/// The sessions that hold or await a conflicting lock; never their queries.
pub(super) async fn in_the_way(session: &Session, oids: &[i64], lock: Lock, own: i64) -> Result<Vec<String>, Failure> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let modes: Vec<String> = lock.conflicts.iter().map(|mode| Quote::Literal.quote(mode)).collect();
    let lines = session
        .rows(&format!(
            "SELECT l.pid, coalesce(nullif(a.application_name, ''), a.usename::text, 'prepared transaction') AS who, \
                max(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start)))::int8 AS age, \
                string_agg(DISTINCT l.mode, ', ') AS modes, bool_or(l.granted) AS granted, \
                coalesce(cardinality(pg_blocking_pids(l.pid)), 0) > 0 AS waits \
            FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
            WHERE l.locktype = 'relation' AND l.relation IN ({}) AND l.mode IN ({}) \
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.pid IS DISTINCT FROM {own} \
            GROUP BY l.pid, who ORDER BY age DESC NULLS LAST, l.pid",
            listed(oids),
            modes.join(", ")
        ))
        .await?;
    let mut messages: Vec<String> = lines.iter().take(MOST_NAMED).map(blocker).collect();
    if lines.len() > MOST_NAMED {
        messages.push(format!("and {} more in pg_locks", lines.len() - MOST_NAMED));
    }
    Ok(messages)
}

fn blocker(line: &Line) -> String {
    let pid = line.int("pid").map_or_else(|| "no session".to_owned(), |pid| format!("pid {pid}"));
    let who = line.text("who").unwrap_or("unknown");
    let age = line.int("age").and_then(|age| u64::try_from(age).ok());
    let age = age.map_or_else(|| "of unknown age".to_owned(), |age| span(Duration::from_secs(age)));
    let verb = if line.flag("granted") == Some(true) { "holds" } else { "waits for" };
    let waits = if line.flag("waits") == Some(true) { ", itself waiting" } else { "" };
    format!("{pid} ({who}, {age}) {verb} {}{waits}", line.text("modes").unwrap_or("a lock"))
}

/// The oldest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Its holder: `pid 42 (psql)`, `slot old`.
    pub(super) who: String,
    /// Its age in seconds, if the role may see it.
    pub(super) age_s: Option<u64>,
}

impl Snapshot {
    /// Its age in words.
    pub(super) fn aged(&self) -> String {
        self.age_s.map_or_else(|| "of unknown age".to_owned(), |age| span(Duration::from_secs(age)))
    }

    /// Whether it may block other sessions, or the removal of dead rows; one of unknown age may.
    pub(super) fn is_old(&self) -> bool {
        self.age_s.is_none_or(|age| age >= OLD_S)
    }
}

/// The oldest snapshot of this database: the one held longest. If none is older than `under_s`, one of unknown age
/// comes first: it may be older.
pub(super) async fn oldest_snapshot(session: &Session, under_s: u64) -> Result<Option<Snapshot>, Failure> {
    let now = session.row("SELECT extract(epoch FROM clock_timestamp())::int8 AS now").await?.int("now");
    let holders = horizon::all(session).await?;
    let snapshots = holders.iter().filter(|holder| !holder.is_harmless()).map(|holder| {
        let application = holder.application.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let age = now.zip(holder.begun).and_then(|(now, begun)| u64::try_from(now.saturating_sub(begun).max(0)).ok());
        Snapshot { who: format!("{}{application}", holder.called()), age_s: age }
    });
    Ok(snapshots.max_by_key(|snapshot| match snapshot.age_s {
        Some(age) if age >= under_s => (2, age),
        None => (1, 0),
        Some(age) => (0, age),
    }))
}

/// The description of an object for people.
pub(super) fn describe(seen: &Seen) -> String {
    let size = match &seen.size {
        Ok(size) => bytes(*size),
        Err(why) => format!("size unknown ({why})"),
    };
    let mut parts = vec![size];
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    if seen.object.kind.contains("table") || seen.object.kind.contains("materialised") {
        parts.push(match seen.rows {
            Some(rows) => format!("about {} rows", count(positive(rows))),
            None => "rows never counted".to_owned(),
        });
        parts.push(format!("{} dead", count(positive(seen.dead))));
        let vacuumed = seen.object.last_vacuum.as_deref().map_or("never by hand", minute);
        parts.push(format!("last VACUUM {vacuumed}"));
    }
    parts.join(" · ")
}

/// A moment without its seconds.
fn minute(moment: &str) -> &str {
    moment.get(..16).unwrap_or(moment)
}
