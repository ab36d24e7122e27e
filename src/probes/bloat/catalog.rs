//! What the server says of its relations: a handful of statements for the whole database, each its own transaction.
//!
//! Relations are asked for by OID, never by a name put into SQL. Sizes are taken with a lock that readers take, so relations that
//! somebody locks exclusively, or waits to, are left out and reported as locked.

use crate::probes::bloat::widths::{Align, Column, Missing, Stats};
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::pin::pin;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, RowStream};

/// How often the sizes are asked for again when a lock came in between; each time it is seen first.
const TRIES: usize = 3;

/// The server and the database. Multixact ages count like those of transactions.
const SERVER: &str = "
SELECT d.oid, d.datname::text, current_setting('server_version_num')::int4,
       current_setting('block_size')::int8, pg_is_in_recovery(),
       extract(epoch FROM clock_timestamp())::int8,
       current_setting('autovacuum_freeze_max_age')::int8,
       current_setting('autovacuum_multixact_freeze_max_age')::int8,
       coalesce(current_setting('vacuum_failsafe_age', true), '1600000000')::int8,
       coalesce(current_setting('vacuum_multixact_failsafe_age', true), '1600000000')::int8,
       age(d.datfrozenxid)::int8, mxid_age(d.datminmxid)::int8,
       ARRAY(SELECT quote_ident(o.datname) FROM pg_database o
             WHERE o.oid <> d.oid AND o.datallowconn AND NOT o.datistemplate ORDER BY o.datname)
FROM pg_database d WHERE d.datname = current_database()";

/// Every relation with storage of its own: its size, that of its TOAST table, its ages.
const SIZES: &str = "
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.database = $1
)
SELECT c.oid, c.relkind = 'i', l.relation IS NOT NULL OR tl.relation IS NOT NULL,
       CASE WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(c.oid)
            ELSE c.relpages::int8 * $2 END,
       CASE WHEN t.oid IS NULL THEN 0
            WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(t.oid)
            ELSE t.relpages::int8 * $2 END,
       CASE WHEN c.relkind <> 'i' THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid))::int8 END,
       CASE WHEN c.relkind <> 'i' THEN greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid))::int8 END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN locked l ON l.relation = c.oid
LEFT JOIN locked tl ON tl.relation = c.reltoastrelid
WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// What the estimate of the asked relations needs beside their columns. Of an index, `t` is its table.
/// Equal values of a B-tree are the same bytes where every operator class has its support function 4 and every collation is
/// deterministic (manual, "B-Tree Implementation").
const DETAILS: &str = "
SELECT c.oid, n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
       c.relkind, am.amname::text, c.relispartition, c.relnatts,
       coalesce(c.reloptions, '{}'), c.reltuples::float8, t.reltuples::float8,
       pg_stat_get_live_tuples(t.oid), pg_stat_get_dead_tuples(t.oid), pg_stat_get_mod_since_analyze(t.oid),
       extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(t.oid),
                                   pg_stat_get_last_autovacuum_time(t.oid)))::int8,
       coalesce(pg_stat_get_last_vacuum_time(t.oid), pg_stat_get_last_autovacuum_time(t.oid),
                pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) IS NOT NULL,
       toast.reltuples::float8, pg_stat_get_live_tuples(t.reltoastrelid),
       coalesce(pg_stat_get_last_vacuum_time(t.reltoastrelid),
                pg_stat_get_last_autovacuum_time(t.reltoastrelid)) IS NOT NULL,
       format('%I.%I', tn.nspname, t.relname), i.indisunique, i.indisvalid, i.indpred IS NOT NULL,
       i.indnatts > i.indnkeyatts,
       NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS k (class)
                   JOIN pg_opclass o ON o.oid = k.class
                   LEFT JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4
                       AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
                   WHERE p.oid IS NULL)
       AND NOT EXISTS (SELECT FROM unnest(i.indcollation::oid[]) AS k (collation_)
                       JOIN pg_collation o ON o.oid = k.collation_ WHERE NOT o.collisdeterministic),
       EXISTS (SELECT FROM pg_stat_progress_create_index b
               WHERE b.datid = $2 AND (b.index_relid = c.oid OR b.index_relid IS NULL))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_index i ON i.indexrelid = c.oid
JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_class toast ON toast.oid = t.reltoastrelid
WHERE c.oid = ANY ($1)";

/// Every column of the asked relations in order, with its raw statistics. A column of an index has those of its table's column, and
/// an expression has its own.
const COLUMNS: &str = "
WITH asked AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attlen, a.attalign, a.attisdropped,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indrelid ELSE a.attrelid END AS rel,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indkey[a.attnum - 1] ELSE a.attnum END AS num
    FROM pg_attribute a LEFT JOIN pg_index i ON i.indexrelid = a.attrelid
    WHERE a.attnum > 0 AND a.attrelid = ANY ($1)
)
SELECT k.attrelid, k.attlen, k.attalign, k.attisdropped,
       s.avg_width, s.null_frac, s.n_distinct, s.correlation,
       has_column_privilege(k.rel, k.num, 'SELECT'), row_security_active(k.rel)
FROM asked k
JOIN pg_class c ON c.oid = k.rel
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.rel AND a.attnum = k.num
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                    AND NOT s.inherited
ORDER BY k.attrelid, k.attnum";

/// The server and the database that is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Server {
    /// The database's own OID.
    pub(super) oid: u32,
    /// Its name.
    pub(super) database: String,
    /// 150018 for 15.18.
    pub(super) version: i32,
    /// Bytes of a page.
    pub(super) block: i64,
    /// Whether it is a standby.
    pub(super) standby: bool,
    /// Its clock, in seconds since the epoch.
    pub(super) now: i64,
    /// Ages from which autovacuum is forced, of transactions and multixacts.
    pub(super) freeze_at: (i64, i64),
    /// Ages from which it drops all restraint.
    pub(super) failsafe_at: (i64, i64),
    /// The ages of the database.
    pub(super) ages: (i64, i64),
    /// The other databases of the server.
    pub(super) others: Vec<String>,
}

/// The size of a relation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sized {
    /// Its OID.
    pub(super) oid: u32,
    /// Whether it is an index.
    pub(super) index: bool,
    /// Whether somebody locks it exclusively or waits to; the sizes are those of the last `VACUUM` or `ANALYZE` then.
    pub(super) locked: bool,
    /// Bytes of its main file.
    pub(super) main: u64,
    /// Bytes of its TOAST table.
    pub(super) toast: u64,
    /// Its age in transactions and in multixacts, TOAST included; `None` for an index.
    pub(super) ages: Option<(i64, i64)>,
}

impl Sized {
    /// Bytes of both files.
    pub(super) fn size(&self) -> u64 {
        self.main.saturating_add(self.toast)
    }
}

/// What an index has beside what every relation has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OfIndex {
    /// Its table, as PostgreSQL prints it.
    pub(super) table: String,
    /// Whether keys are unique.
    pub(super) unique: bool,
    /// Whether queries may use it.
    pub(super) valid: bool,
    /// Whether it, or some index that we may not know, is being built now.
    pub(super) building: bool,
    /// Whether it covers some of the rows only.
    pub(super) partial: bool,
    /// Whether it has columns beside its key.
    pub(super) includes: bool,
    /// Whether equal keys are the same bytes.
    pub(super) equal_is_same: bool,
}

/// A relation beside its size and columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Relation {
    /// Its schema.
    pub(super) schema: String,
    /// Its name.
    pub(super) name: String,
    /// Both, quoted where PostgreSQL needs it.
    pub(super) quoted: String,
    /// `r`, `m` or `i`.
    pub(super) kind: u8,
    /// `heap`, `btree`, `gin` …
    pub(super) method: String,
    /// Whether it is a partition.
    pub(super) partition: bool,
    /// How many columns it ever had.
    pub(super) columns: i16,
    /// `fillfactor=70`
    pub(super) options: Vec<String>,
    /// Its rows at the last `VACUUM`, `ANALYZE` or rewrite; negative: never counted.
    pub(super) tuples: f64,
    /// Those of its table.
    pub(super) table_tuples: f64,
    /// Live rows of its table by the cumulative statistics.
    pub(super) live: i64,
    /// Dead ones.
    pub(super) dead: i64,
    /// Rows changed since the table was analyzed.
    pub(super) modified: i64,
    /// When its table was vacuumed, in seconds since the epoch.
    pub(super) vacuumed: Option<i64>,
    /// Whether the cumulative statistics have a count to start from: a `VACUUM` or an `ANALYZE` that they remember.
    pub(super) counted: bool,
    /// Pieces of its TOAST table: as counted by catalog, by statistics, and whether a `VACUUM` stands behind the latter.
    pub(super) toast: Option<(f64, i64, bool)>,
    /// What only an index has.
    pub(super) index: Option<OfIndex>,
}

/// Asks about the server.
pub(super) async fn server(client: &Client) -> Result<Server, Error> {
    let row = client.query_typed_one(SERVER, &[]).await?;
    let pair = |at: usize| Ok::<_, Error>((row.try_get(at)?, row.try_get(at + 1)?));
    Ok(Server {
        oid: row.try_get(0)?,
        database: row.try_get(1)?,
        version: row.try_get(2)?,
        block: row.try_get(3)?,
        standby: row.try_get(4)?,
        now: row.try_get(5)?,
        freeze_at: pair(6)?,
        failsafe_at: pair(8)?,
        ages: pair(10)?,
        others: row.try_get(12)?,
    })
}

/// Asks for the size of every relation, and anew when a lock came in between.
pub(super) async fn sizes(client: &Client, server: &Server) -> Result<Vec<Sized>, Error> {
    let mut tries = 1;
    loop {
        match sizes_once(client, server).await {
            Err(cause) if tries < TRIES && cause.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => tries += 1,
            done => return done,
        }
    }
}

async fn sizes_once(client: &Client, server: &Server) -> Result<Vec<Sized>, Error> {
    let rows = stream(client, SIZES, &[(&server.oid, Type::OID), (&server.block, Type::INT8)]).await?;
    let mut rows = pin!(rows);
    let mut all = Vec::new();
    while let Some(row) = rows.try_next().await? {
        all.extend(sized(&row)?);
    }
    Ok(all)
}

/// One row of [`SIZES`]; `None` for a relation that was dropped meanwhile.
fn sized(row: &Row) -> Result<Option<Sized>, Error> {
    let bytes =
        |at: usize| Ok::<_, Error>(row.try_get::<_, Option<i64>>(at)?.map(|bytes| u64::try_from(bytes).unwrap_or(0)));
    let (Some(main), Some(toast)) = (bytes(3)?, bytes(4)?) else { return Ok(None) };
    let ages: (Option<i64>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
    let (oid, index, locked) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(Some(Sized { oid, index, locked, main, toast, ages: ages.0.zip(ages.1) }))
}

/// Asks about relations; one that is gone is missing in the answer.
pub(super) async fn details(client: &Client, server: &Server, oids: &[u32]) -> Result<BTreeMap<u32, Relation>, Error> {
    let rows = stream(client, DETAILS, &[(&oids, Type::OID_ARRAY), (&server.oid, Type::OID)]).await?;
    let mut rows = pin!(rows);
    let mut all = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        all.insert(row.try_get(0)?, relation(&row)?);
    }
    Ok(all)
}

fn relation(row: &Row) -> Result<Relation, Error> {
    let index = match row.try_get(20)? {
        Some(unique) => Some(OfIndex {
            table: row.try_get(19)?,
            unique,
            valid: row.try_get(21)?,
            partial: row.try_get(22)?,
            includes: row.try_get(23)?,
            equal_is_same: row.try_get(24)?,
            building: row.try_get(25)?,
        }),
        None => None,
    };
    let toast = match row.try_get(16)? {
        Some(tuples) => Some((tuples, row.try_get(17)?, row.try_get(18)?)),
        None => None,
    };
    Ok(Relation {
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        quoted: row.try_get(3)?,
        kind: letter(row, 4)?,
        method: row.try_get::<_, Option<String>>(5)?.unwrap_or_default(),
        partition: row.try_get(6)?,
        columns: row.try_get(7)?,
        options: row.try_get(8)?,
        tuples: row.try_get(9)?,
        table_tuples: row.try_get(10)?,
        live: row.try_get(11)?,
        dead: row.try_get(12)?,
        modified: row.try_get(13)?,
        vacuumed: row.try_get(14)?,
        counted: row.try_get(15)?,
        toast,
        index,
    })
}

/// Asks for the columns of relations in one statement; the order is that of the row.
pub(super) async fn columns(client: &Client, oids: &[u32]) -> Result<BTreeMap<u32, Vec<Column>>, Error> {
    let rows = stream(client, COLUMNS, &[(&oids, Type::OID_ARRAY)]).await?;
    let mut rows = pin!(rows);
    let mut all: BTreeMap<u32, Vec<Column>> = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        all.entry(row.try_get(0)?).or_default().push(column(&row)?);
    }
    Ok(all)
}

fn column(row: &Row) -> Result<Column, Error> {
    let stats = match row.try_get::<_, Option<i32>>(4)? {
        Some(width) => Ok(Stats {
            width: f64::from(width),
            nulls: f64::from(row.try_get::<_, f32>(5)?),
            distinct: f64::from(row.try_get::<_, f32>(6)?),
            correlation: row.try_get::<_, Option<f32>>(7)?.map(f64::from),
        }),
        None if row.try_get::<_, Option<bool>>(8)? == Some(false) => Err(Missing::Denied),
        None if row.try_get::<_, Option<bool>>(9)? == Some(true) => Err(Missing::RowSecurity),
        None => Err(Missing::NeverAnalyzed),
    };
    let align = Align::from_letter(letter(row, 2)?);
    Ok(Column { len: row.try_get(1)?, align, dropped: row.try_get(3)?, stats })
}

/// A value of the type `"char"`.
fn letter(row: &Row, at: usize) -> Result<u8, Error> {
    Ok(row.try_get::<_, i8>(at)?.to_ne_bytes().first().copied().unwrap_or(0))
}

/// Runs one statement; its rows come one after the other.
pub(super) async fn stream(
    client: &Client,
    sql: &str,
    values: &[(&(dyn ToSql + Sync), Type)],
) -> Result<RowStream, Error> {
    client.query_typed_raw(sql, values.iter().map(|(value, kind)| (*value, kind.clone()))).await
}
