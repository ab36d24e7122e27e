//! What the server says of its relations: a handful of statements for the whole database, each its own transaction.
//!
//! Relations are asked for by OID, never by a name put into SQL. Sizes are taken with a lock that readers take, so relations that
//! somebody locks exclusively, or waits to, are left out and reported as locked.

use crate::probes::bloat::widths::{Align, Column, Missing, Stats};
use crate::probes::postgres::connect::{Failure, Line, Session};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `lock_not_available`
const LOCKED: &str = "55P03";
/// How often the sizes are asked for again when a lock came in between; each time it is seen first.
const TRIES: usize = 3;

/// The server and the database. Multixact ages count like those of transactions.
const SERVER: &str = "
SELECT d.oid AS oid, d.datname AS database, current_setting('server_version_num') AS version,
       current_setting('block_size') AS block, pg_is_in_recovery() AS standby,
       extract(epoch FROM clock_timestamp())::int8 AS now,
       current_setting('autovacuum_freeze_max_age') AS freeze_at,
       coalesce(current_setting('autovacuum_multixact_freeze_max_age', true), '400000000') AS multi_freeze_at,
       coalesce(current_setting('vacuum_failsafe_age', true), '1600000000') AS failsafe_at,
       coalesce(current_setting('vacuum_multixact_failsafe_age', true), '1600000000') AS multi_failsafe_at,
       age(d.datfrozenxid) AS xids, mxid_age(d.datminmxid) AS multis,
       (SELECT string_agg(quote_ident(o.datname), ', ' ORDER BY o.datname) FROM pg_database o
        WHERE o.oid <> d.oid AND o.datallowconn AND NOT o.datistemplate) AS others,
       (SELECT count(*) FROM pg_database o
        WHERE o.oid <> d.oid AND o.datallowconn AND NOT o.datistemplate) AS other_count
FROM pg_database d WHERE d.datname = current_database()";

/// Every relation with storage of its own: its size, that of its TOAST table, its ages.
const SIZES: &str = "
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.database = :database
)
SELECT c.oid AS oid, c.relkind = 'i' AS index, l.relation IS NOT NULL OR tl.relation IS NOT NULL AS locked,
       CASE WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(c.oid)
            ELSE c.relpages::int8 * :block END AS main,
       CASE WHEN t.oid IS NULL THEN 0
            WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(t.oid)
            ELSE t.relpages::int8 * :block END AS toast,
       CASE WHEN c.relkind <> 'i' THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid)) END AS xids,
       CASE WHEN c.relkind <> 'i' THEN greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) END AS multis
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
SELECT c.oid AS oid, n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
       c.relkind AS kind, am.amname AS method, c.relispartition AS partition, c.relnatts AS columns,
       (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor') AS fillfactor,
       (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o
        WHERE o.option_name = 'deduplicate_items') AS deduplicates,
       c.reltuples AS tuples, t.reltuples AS table_tuples,
       pg_stat_get_live_tuples(t.oid) AS live, pg_stat_get_dead_tuples(t.oid) AS dead,
       pg_stat_get_mod_since_analyze(t.oid) AS modified,
       extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(t.oid),
                                   pg_stat_get_last_autovacuum_time(t.oid)))::int8 AS vacuumed,
       coalesce(pg_stat_get_last_vacuum_time(t.oid), pg_stat_get_last_autovacuum_time(t.oid),
                pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) IS NOT NULL AS counted,
       toast.reltuples AS toast_tuples, pg_stat_get_live_tuples(t.reltoastrelid) AS toast_live,
       coalesce(pg_stat_get_last_vacuum_time(t.reltoastrelid),
                pg_stat_get_last_autovacuum_time(t.reltoastrelid)) IS NOT NULL AS toast_counted,
       format('%I.%I', tn.nspname, t.relname) AS of_table, i.indisunique AS uniq, i.indisvalid AS valid,
       i.indpred IS NOT NULL AS partial, i.indnatts > i.indnkeyatts AS includes,
       NOT i.indclass::oid[] && ARRAY(SELECT o.oid FROM pg_opclass o
           LEFT JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4
               AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
           WHERE p.oid IS NULL)
       AND NOT i.indcollation::oid[] && ARRAY(SELECT o.oid FROM pg_collation o WHERE NOT o.collisdeterministic) AS equal_is_same,
       EXISTS (SELECT FROM pg_stat_progress_create_index b
               WHERE b.datid = :database AND (b.index_relid = c.oid OR b.index_relid IS NULL)) AS building
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_index i ON i.indexrelid = c.oid
JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_class toast ON toast.oid = t.reltoastrelid
WHERE c.oid = ANY (:oids)";

/// Every column of the asked relations with its raw statistics: one row for each relation, its columns in order, nine words each,
/// `?` where there is none. A column of an index has the statistics of its table's column, and an expression has its own.
const COLUMNS: &str = "
WITH asked AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attlen, a.attalign, a.attisdropped,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indrelid ELSE a.attrelid END AS rel,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indkey[a.attnum - 1] ELSE a.attnum END AS num
    FROM pg_attribute a LEFT JOIN pg_index i ON i.indexrelid = a.attrelid
    WHERE a.attnum > 0 AND a.attrelid = ANY (:oids)
)
SELECT k.attrelid AS oid, string_agg(concat_ws(',', k.attlen, k.attalign, k.attisdropped,
           coalesce(s.avg_width::text, '?'), coalesce(s.null_frac::text, '?'), coalesce(s.n_distinct::text, '?'),
           coalesce(s.correlation::text, '?'), coalesce(has_column_privilege(k.rel, k.num, 'SELECT')::text, '?'),
           row_security_active(k.rel)), ' ' ORDER BY k.attnum) AS columns
FROM asked k
JOIN pg_class c ON c.oid = k.rel
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.rel AND a.attnum = k.num
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                    AND NOT s.inherited
GROUP BY k.attrelid";

/// The server and the database that is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Server {
    /// The database's own OID.
    pub(super) oid: u32,
    /// Its name.
    pub(super) database: String,
    /// 150018 for 15.18.
    pub(super) version: i64,
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
    /// The other databases of the server, `, ` between them.
    pub(super) others: String,
    /// How many these are.
    pub(super) other_count: i64,
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
    /// Whether equal keys may share an entry, as far as its parameters say.
    pub(super) deduplicates: bool,
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
    pub(super) columns: i64,
    /// In percent, where it is set.
    pub(super) fillfactor: Option<f64>,
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

/// Puts the numbers of a statement into it. Numbers are all that ever go in.
fn filled(sql: &str, server: &Server, oids: &[u32]) -> String {
    let mut list = String::from("'{");
    for (place, oid) in oids.iter().enumerate() {
        let _ = write!(list, "{}{oid}", if place > 0 { "," } else { "" });
    }
    list.push_str("}'::oid[]");
    let sql = sql.replace(":database", &server.oid.to_string()).replace(":block", &server.block.to_string());
    sql.replace(":oids", &list)
}

/// What an answer must hold.
fn lacks(column: &str) -> Failure {
    Failure { code: None, reason: format!("the server's answer lacks {column}") }
}

fn text(line: &Line, column: &str) -> Result<String, Failure> {
    line.text(column).map(str::to_owned).ok_or_else(|| lacks(column))
}

fn int(line: &Line, column: &str) -> Result<i64, Failure> {
    line.int(column).ok_or_else(|| lacks(column))
}

fn real(line: &Line, column: &str) -> Result<f64, Failure> {
    line.real(column).ok_or_else(|| lacks(column))
}

fn flag(line: &Line, column: &str) -> Result<bool, Failure> {
    line.flag(column).ok_or_else(|| lacks(column))
}

fn oid(line: &Line) -> Result<u32, Failure> {
    line.int("oid").and_then(|oid| u32::try_from(oid).ok()).ok_or_else(|| lacks("oid"))
}

/// Asks about the server.
pub(super) async fn server(session: &Session) -> Result<Server, Failure> {
    let line = session.row(SERVER).await?;
    Ok(Server {
        oid: oid(&line)?,
        database: text(&line, "database")?,
        version: int(&line, "version")?,
        block: int(&line, "block")?,
        standby: flag(&line, "standby")?,
        now: int(&line, "now")?,
        freeze_at: (int(&line, "freeze_at")?, int(&line, "multi_freeze_at")?),
        failsafe_at: (int(&line, "failsafe_at")?, int(&line, "multi_failsafe_at")?),
        ages: (int(&line, "xids")?, int(&line, "multis")?),
        others: line.text("others").unwrap_or_default().to_owned(),
        other_count: int(&line, "other_count")?,
    })
}

/// Asks for the size of every relation, and anew when a lock came in between.
pub(super) async fn sizes(session: &Session, server: &Server) -> Result<Vec<Sized>, Failure> {
    let sql = filled(SIZES, server, &[]);
    let mut tries = 1;
    let lines = loop {
        match session.rows(&sql).await {
            Err(failure) if tries < TRIES && failure.code.as_deref() == Some(LOCKED) => tries += 1,
            done => break done?,
        }
    };
    // A relation that was dropped meanwhile has no size.
    lines.iter().filter(|line| line.text("main").is_some() && line.text("toast").is_some()).map(sized).collect()
}

fn sized(line: &Line) -> Result<Sized, Failure> {
    let bytes = |column: &str| int(line, column).map(|bytes| u64::try_from(bytes).unwrap_or(0));
    Ok(Sized {
        oid: oid(line)?,
        index: flag(line, "index")?,
        locked: flag(line, "locked")?,
        main: bytes("main")?,
        toast: bytes("toast")?,
        ages: line.int("xids").zip(line.int("multis")),
    })
}

/// Asks about relations; one that is gone is missing in the answer.
pub(super) async fn details(
    session: &Session,
    server: &Server,
    oids: &[u32],
) -> Result<BTreeMap<u32, Relation>, Failure> {
    let lines = session.rows(&filled(DETAILS, server, oids)).await?;
    lines.iter().map(|line| Ok((oid(line)?, relation(line)?))).collect()
}

fn relation(line: &Line) -> Result<Relation, Failure> {
    let of_index = |unique: bool| {
        Ok::<_, Failure>(OfIndex {
            table: text(line, "of_table")?,
            unique,
            valid: flag(line, "valid")?,
            building: flag(line, "building")?,
            partial: flag(line, "partial")?,
            includes: flag(line, "includes")?,
            equal_is_same: flag(line, "equal_is_same")?,
            deduplicates: line.text("deduplicates").is_none_or(|written| !is_no(written)),
        })
    };
    let toast = |tuples: f64| Ok::<_, Failure>((tuples, int(line, "toast_live")?, flag(line, "toast_counted")?));
    Ok(Relation {
        schema: text(line, "schema")?,
        name: text(line, "name")?,
        quoted: text(line, "quoted")?,
        kind: text(line, "kind")?.bytes().next().unwrap_or(0),
        method: line.text("method").unwrap_or_default().to_owned(),
        partition: flag(line, "partition")?,
        columns: int(line, "columns")?,
        fillfactor: line.real("fillfactor"),
        tuples: real(line, "tuples")?,
        table_tuples: real(line, "table_tuples")?,
        live: int(line, "live")?,
        dead: int(line, "dead")?,
        modified: int(line, "modified")?,
        vacuumed: line.int("vacuumed"),
        counted: flag(line, "counted")?,
        toast: line.real("toast_tuples").map(toast).transpose()?,
        index: line.flag("uniq").map(of_index).transpose()?,
    })
}

/// Whether a storage parameter was written as some form of no: every beginning of `false` and `no`, `of`, `off`, `0`.
fn is_no(written: &str) -> bool {
    let written = written.to_ascii_lowercase();
    matches!(written.as_str(), "0" | "of" | "off")
        || (!written.is_empty() && ("false".starts_with(&written) || "no".starts_with(&written)))
}

/// Asks for the columns of relations in one statement; the order is that of the row.
pub(super) async fn columns(
    session: &Session,
    server: &Server,
    oids: &[u32],
) -> Result<BTreeMap<u32, Vec<Column>>, Failure> {
    let lines = session.rows(&filled(COLUMNS, server, oids)).await?;
    let columns = |line: &Line| {
        let written = line.text("columns").ok_or_else(|| lacks("columns"))?;
        let read: Option<Vec<Column>> = written.split(' ').map(column).collect();
        Ok((oid(line)?, read.ok_or_else(|| lacks("columns"))?))
    };
    lines.iter().map(columns).collect()
}

/// Reads one column of [`COLUMNS`].
fn column(written: &str) -> Option<Column> {
    let mut words = written.split(',');
    let mut word = || words.next();
    let (len, align, dropped) = (word()?.parse().ok()?, word()?.bytes().next()?, word()? == "t");
    let mut figure = || word().and_then(|word| word.parse::<f64>().ok());
    let (width, nulls, distinct, correlation) = (figure(), figure(), figure(), figure());
    let (readable, hidden) = (word()?, word()?);
    let stats = match (width, nulls, distinct) {
        (Some(width), Some(nulls), Some(distinct)) => Ok(Stats { width, nulls, distinct, correlation }),
        _ if readable == "false" => Err(Missing::Denied),
        _ if hidden == "t" => Err(Missing::RowSecurity),
        _ => Err(Missing::NeverAnalyzed),
    };
    Some(Column { len, align: Align::from_letter(align), dropped, stats })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_with_their_statistics_or_the_reason_for_none() {
        let seen = column("-1,i,f,33,0.25,-0.5,0.125,true,f").unwrap();
        let stats = Stats { width: 33.0, nulls: 0.25, distinct: -0.5, correlation: Some(0.125) };
        assert_eq!(seen, Column { len: -1, align: Align::Int, dropped: false, stats: Ok(stats) });
        assert_eq!(column("8,d,f,8,0,-1,?,true,f").unwrap().stats.unwrap().correlation, None);
        assert!(column("8,d,t,?,?,?,?,?,f").unwrap().dropped);
        assert_eq!(column("8,d,f,?,?,?,?,true,f").unwrap().stats, Err(Missing::NeverAnalyzed));
        assert_eq!(column("8,d,f,?,?,?,?,false,t").unwrap().stats, Err(Missing::Denied));
        assert_eq!(column("8,d,f,?,?,?,?,true,t").unwrap().stats, Err(Missing::RowSecurity));
        assert_eq!(column("8,d,f,8"), None);
    }

    #[test]
    fn a_parameter_is_off_in_every_way_the_server_takes() {
        for no in ["off", "OFF", "of", "false", "F", "no", "n", "0"] {
            assert!(is_no(no), "{no}");
        }
        for yes in ["on", "true", "t", "yes", "1", ""] {
            assert!(!is_no(yes), "{yes}");
        }
    }
}
