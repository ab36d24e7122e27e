//! The statements of a reading, and how numbers go into them.

use crate::probes::bloat::catalog::Server;
use crate::probes::postgres::names::named;
use std::fmt::Write as _;

/// The server and the database. Multixact ages count like those of transactions.
pub(super) const SERVER: &str = "
SELECT d.oid AS oid, {{d.datname}} AS database, {{quote_ident(current_user)}} AS role, current_setting('server_version_num') AS version,
       current_setting('server_encoding') = 'SQL_ASCII' AS escapes,
       current_setting('block_size') AS block, pg_is_in_recovery() AS standby,
       extract(epoch FROM clock_timestamp())::int8 AS now,
       current_setting('autovacuum_freeze_max_age') AS freeze_at,
       coalesce(current_setting('autovacuum_multixact_freeze_max_age', true), '400000000') AS multi_freeze_at,
       coalesce(current_setting('vacuum_failsafe_age', true), '1600000000') AS failsafe_at,
       coalesce(current_setting('vacuum_multixact_failsafe_age', true), '1600000000') AS multi_failsafe_at,
       age(d.datfrozenxid) AS xids, mxid_age(d.datminmxid) AS multis,
       (SELECT string_agg({{quote_ident(o.datname)}}, ', ' ORDER BY o.datname) FROM pg_database o
        WHERE o.oid <> d.oid AND o.datallowconn AND NOT o.datistemplate) AS others,
       (SELECT count(*) FROM pg_database o
        WHERE o.oid <> d.oid AND o.datallowconn AND NOT o.datistemplate) AS other_count
FROM pg_database d WHERE d.datname = current_database()";

/// Every relation with storage of its own: its size, that of its TOAST table, its ages. And every index that is not valid while
/// nothing works on it, of whatever size, those of partitioned tables and of TOAST tables too. What works on an index beside others
/// keeps it locked against schema changes, except for `CREATE INDEX CONCURRENTLY`, which tells its progress. To a role without
/// `pg_read_all_stats` it does not tell of which table: there an index of a table that is locked so may be what is built.
///
/// Source: PostgreSQL 18 manual, 13.3.1 and 27.4.2; `index_drop` and `ReindexRelationConcurrently`.
pub(super) const SIZES: &str = "
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.database = :database
), invalid AS MATERIALIZED (
    SELECT i.indexrelid,
           EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE b.datid = :database AND b.relid IS NULL)
           AND EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.database = :database
               AND l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock') AS unseen
    FROM pg_index i
    WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
      AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE b.datid = :database
          AND (b.index_relid = i.indexrelid
               OR b.relid IN (SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = i.indrelid)))
      AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.database = :database
          AND l.relation = i.indexrelid AND l.mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock'))
)
SELECT c.oid AS oid, c.relkind IN ('i', 'I') AS index, x.indexrelid IS NOT NULL AS left_behind, coalesce(x.unseen, false) AS unseen,
       l.relation IS NOT NULL OR tl.relation IS NOT NULL AS locked,
       CASE WHEN c.relkind = 'I' THEN 0
            WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(c.oid)
            ELSE c.relpages::int8 * :block END AS main,
       CASE WHEN t.oid IS NULL THEN 0
            WHEN l.relation IS NULL AND tl.relation IS NULL THEN pg_relation_size(t.oid)
            ELSE t.relpages::int8 * :block END AS toast,
       CASE WHEN c.relkind NOT IN ('i', 'I') THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid)) END AS xids,
       CASE WHEN c.relkind NOT IN ('i', 'I') THEN greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) END AS multis
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN locked l ON l.relation = c.oid
LEFT JOIN locked tl ON tl.relation = c.reltoastrelid
LEFT JOIN invalid x ON x.indexrelid = c.oid
WHERE c.relpersistence <> 't'
  AND (x.indexrelid IS NOT NULL AND n.nspname !~ '^pg_(toast_)?temp_'
       OR c.relkind IN ('r', 'm', 'i') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')";

/// What the estimate of the asked relations needs beside their columns. Of an index, `t` is its table.
/// Equal values of a B-tree are the same bytes where every operator class has its support function 4 and every collation is
/// deterministic (manual, "B-Tree Implementation").
pub(super) const DETAILS: &str = "
SELECT c.oid AS oid, {{n.nspname}} AS schema, {{c.relname}} AS name, {{format('%I.%I', n.nspname, c.relname)}} AS quoted,
       c.relkind AS kind, am.amname AS method, c.relispartition AS partition, c.relnatts AS columns,
       (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor') AS fillfactor,
       (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o
        WHERE o.option_name = 'deduplicate_items') AS deduplicates,
       c.reltuples AS tuples, t.oid AS table_oid, t.reltuples AS table_tuples, t.relpages AS table_pages,
       pg_stat_get_live_tuples(t.oid) AS live, pg_stat_get_dead_tuples(t.oid) AS dead,
       pg_stat_get_tuples_inserted(t.oid) - pg_stat_get_tuples_deleted(t.oid) AS net,
       pg_stat_get_mod_since_analyze(t.oid) AS modified,
       extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(t.oid),
                                   pg_stat_get_last_autovacuum_time(t.oid)))::int8 AS vacuumed,
       coalesce(pg_stat_get_last_vacuum_time(t.oid), pg_stat_get_last_autovacuum_time(t.oid),
                pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) IS NOT NULL AS counted,
       toast.reltuples AS toast_tuples, toast.relpages AS toast_pages, pg_stat_get_live_tuples(t.reltoastrelid) AS toast_live,
       pg_stat_get_tuples_inserted(t.reltoastrelid) - pg_stat_get_tuples_deleted(t.reltoastrelid) AS toast_net,
       coalesce(pg_stat_get_last_vacuum_time(t.reltoastrelid),
                pg_stat_get_last_autovacuum_time(t.reltoastrelid)) IS NOT NULL AS toast_counted,
       {{format('%I.%I', tn.nspname, t.relname)}} AS of_table, i.indisunique AS uniq,
       i.indisvalid AND i.indisready AND i.indislive AS valid, i.indisready AND i.indislive AS ready,
       NOT i.indisvalid AND EXISTS (SELECT FROM pg_index o
           WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.indisvalid AND o.indisready
             AND (o.indisunique OR NOT i.indisunique) AND o.indnkeyatts = i.indnkeyatts
             AND o.indkey::int2[] = i.indkey::int2[] AND o.indclass::oid[] = i.indclass::oid[]
             AND o.indcollation::oid[] = i.indcollation::oid[]
             AND pg_get_expr(o.indexprs, o.indrelid) IS NOT DISTINCT FROM pg_get_expr(i.indexprs, i.indrelid)
             AND pg_get_expr(o.indpred, o.indrelid) IS NOT DISTINCT FROM pg_get_expr(i.indpred, i.indrelid)) AS twin,
       i.indpred IS NOT NULL AS partial, i.indnatts > i.indnkeyatts AS includes,
       NOT i.indclass::oid[] && ARRAY(SELECT o.oid FROM pg_opclass o
           LEFT JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4
               AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
           WHERE p.oid IS NULL)
       AND NOT i.indcollation::oid[] && ARRAY(SELECT o.oid FROM pg_collation o WHERE NOT o.collisdeterministic) AS equal_is_same
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_index i ON i.indexrelid = c.oid
JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_class toast ON toast.oid = t.reltoastrelid
WHERE c.oid = ANY (:oids)";

/// Every column of the asked relations with its raw statistics: one row for each relation, its columns in order, eleven words each,
/// `?` where there is none. A column of an index has the statistics of its table's column, and an expression has its own. A virtual
/// generated column (version 18) is not stored: it is null in every row, as a dropped one is.
pub(super) const COLUMNS: &str = "
WITH asked AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attlen, a.attalign, a.attisdropped OR a.attgenerated = 'v' AS unstored,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indrelid ELSE a.attrelid END AS rel,
           CASE WHEN i.indkey[a.attnum - 1] <> 0 THEN i.indkey[a.attnum - 1] ELSE a.attnum END AS num
    FROM pg_attribute a LEFT JOIN pg_index i ON i.indexrelid = a.attrelid
    WHERE a.attnum > 0 AND a.attrelid = ANY (:oids)
)
SELECT k.attrelid AS oid, string_agg(concat_ws(',', k.attlen, k.attalign, k.unstored,
           coalesce(s.avg_width::text, '?'), coalesce(s.null_frac::text, '?'), coalesce(s.n_distinct::text, '?'),
           coalesce(s.correlation::text, '?'), coalesce(has_column_privilege(k.rel, k.num, 'SELECT')::text, '?'),
           row_security_active(k.rel), coalesce(a.attstattarget = 0, false), a.attnotnull), ' ' ORDER BY k.attnum) AS columns,
       (array_agg({{a.attname}} ORDER BY k.attnum) FILTER (WHERE s.avg_width IS NULL AND NOT k.unstored))[1] AS lacking
FROM asked k
JOIN pg_class c ON c.oid = k.rel
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.rel AND a.attnum = k.num
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                    AND NOT s.inherited
GROUP BY k.attrelid";

/// Puts the numbers of a statement into it. Numbers are all that ever go in.
pub(super) fn filled(sql: &str, server: &Server, oids: &[u32]) -> String {
    let mut list = String::from("'{");
    for (place, oid) in oids.iter().enumerate() {
        let _ = write!(list, "{}{oid}", if place > 0 { "," } else { "" });
    }
    list.push_str("}'::oid[]");
    let sql = sql.replace(":database", &server.oid.to_string()).replace(":block", &server.block.to_string());
    named(&sql).replace(":oids", &list)
}
