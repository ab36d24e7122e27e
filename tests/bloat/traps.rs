//! The estimate over tables that mislead estimates.

use crate::bloat::{Seen, Server, int, real, text};
use midwatch::domain::{Fact, Verdict};
use std::collections::BTreeMap;

const TRAPS: &str = include_str!("../fixtures/bloat/traps.sql");

/// The bytes of every table with its TOAST table, and of every index, by OID.
const SIZES: &str = "SELECT c.oid, pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
    FROM pg_class c WHERE c.relkind IN ('r', 'm', 'i')";

fn sizes(server: &Server) -> BTreeMap<i64, i64> {
    let answer = server.sql(SIZES);
    let pair = |line: &str| line.split_once('|').map(|(oid, size)| (oid.parse().unwrap(), size.parse().unwrap()));
    answer.lines().filter_map(pair).collect()
}

#[allow(clippy::cast_precision_loss)]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// Each estimate against the truth: by how much it is off may be no more than it says, and hardly ever as much.
fn within_the_error_bars(seen: &Seen, before: &BTreeMap<i64, i64>, after: &BTreeMap<i64, i64>) {
    let mut wrong = Vec::new();
    let mut offs = Vec::new();
    for (object, row) in &seen.0 {
        let Some(object) = object.as_ref().filter(|object| object.contains('.')) else { continue };
        let row = row.as_ref().unwrap();
        if !row.facts.contains_key("bloat_bytes") {
            continue;
        }
        let (oid, size) = (int(row, "oid"), int(row, "size_bytes"));
        assert_eq!(size, before[&oid], "{object}");
        let truth = share(size - after[&oid], size);
        let (count, error) = (real(row, "bloat_ratio"), real(row, "error_ratio"));
        println!("{object:45} truth {truth:6.3} said {count:6.3} ±{error:5.3}  {}", row.detail);
        if (count - truth).abs() > error {
            wrong.push(format!("{object}: {count:.3} ±{error:.3}, and it was {truth:.3}"));
        }
        offs.push((count - truth).abs());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(offs.len() >= 30, "{}", offs.len());
    offs.sort_by(f64::total_cmp);
    assert!(offs[offs.len() / 2] < 0.01, "half of them are within one in a hundred: {offs:?}");
}

/// Dead and free bytes by pgstattuple, where no reserve, dropped column or TOAST hides them from it.
fn as_pgstattuple(server: &Server, seen: &Seen) {
    for table in ["fresh", "half", "dead", "stale", "keys", "varied", "tail", "nulls", "events_1"] {
        let answer = server.sql(&format!(
            "SELECT (dead_tuple_len + free_space)::float8 / table_len FROM pgstattuple('public.{table}')"
        ));
        let (exact, row) = (answer.parse::<f64>().unwrap(), seen.row(&format!("public.{table}")));
        let (count, error) = (real(row, "bloat_ratio"), real(row, "error_ratio"));
        assert!((count - exact).abs() <= error + 0.02, "{table}: {count} ±{error}, pgstattuple {exact}");
    }
}

#[test]
fn the_estimate_is_what_a_rewrite_gives_back() {
    let server = Server::start("");
    server.sql("CREATE DATABASE \"Old Shop\"; CREATE DATABASE other;");
    server.sql(TRAPS);
    let seen = server.seen();
    let before = sizes(&server);
    as_pgstattuple(&server, &seen);
    server.sql("REINDEX DATABASE postgres;");
    let reindexed = sizes(&server);
    server.sql("VACUUM FULL;");
    let mut after = sizes(&server);
    // A rewrite builds indexes, too, but of rows in another order; theirs is the truth of REINDEX.
    for (object, row) in &seen.0 {
        if let Some(row) = row.as_ref().ok().filter(|row| object.is_some() && row.facts.contains_key("table")) {
            after.insert(int(row, "oid"), reindexed[&int(row, "oid")]);
        }
    }
    within_the_error_bars(&seen, &before, &after);
    what_is_said_beside_the_estimate(&seen);
}

fn what_is_said_beside_the_estimate(seen: &Seen) {
    let item = seen.row("\"Billing Dept\".\"Invoice \"\"Items\"\"\"");
    assert_eq!((text(item, "schema"), text(item, "name")), ("Billing Dept", "Invoice \"Items\""));
    assert_eq!((text(item, "kind"), text(item, "remedy"), text(item, "database")), ("table", "repack", "postgres"));
    seen.row("\"Billing Dept\".\"Invoice \"\"Items\"\"_pkey\"");
    assert_eq!(text(seen.row("public.report"), "kind"), "matview");
    assert_eq!(text(seen.row("public.report_id"), "table"), "public.report");
    assert_eq!(seen.row("public.events_1").facts["partition"], Fact::Bool(true));
    for absent in ["public.events", "public.small", "public.gone"] {
        assert!(!seen.names().contains(&absent), "{absent}");
    }
    // Free is repacked; dead is vacuumed; a B-tree is built again; random keys come back as they were.
    let remedy = |object: &str| match seen.row(object).facts.get("remedy") {
        Some(Fact::Text(remedy)) => remedy.clone(),
        _ => "none".to_owned(),
    };
    assert_eq!(remedy("public.stale"), "vacuum");
    assert_eq!(remedy("public.half_pkey"), "reindex");
    // What may be less than 40 % is fine, and needs no cure.
    assert_eq!((remedy("public.half"), remedy("public.dead")), ("none".into(), "none".into()));
    assert_eq!((remedy("public.fresh"), remedy("public.padding")), ("none".into(), "none".into()));
    let keys = seen.row("public.keys_pkey");
    assert_eq!((remedy("public.keys_pkey").as_str(), &keys.facts["grows_back"]), ("none", &Fact::Bool(true)));
    assert!(keys.detail.ends_with("grows back"), "{}", keys.detail);
    assert_eq!(int(seen.row("public.dead"), "dead_rows"), 30_000);
    assert_eq!(int(seen.row("public.dead"), "dead_rows_removable"), 30_000);
    assert!(!seen.row("public.dead").facts.contains_key("last_vacuum"));
    assert!(text(seen.row("public.half"), "last_vacuum").starts_with("20"));
    assert_eq!(seen.row("public.half").verdict, Verdict::Ok);

    // Low cardinality is no random order.
    assert!(!seen.row("public.status_s").facts.contains_key("grows_back"));
    for (object, reason) in [
        ("public.scraps", "TOAST of short pieces: size alone, not estimable"),
        ("public.unseen", "no statistics, ANALYZE needed"),
        ("public.tags_words", "gin: size alone, not estimable"),
    ] {
        let row = seen.row(object);
        // What is never estimated must not keep a verdict from anybody.
        let verdict = if reason.contains("size alone") { Verdict::Ok } else { Verdict::Unknown };
        assert_eq!((row.verdict, text(row, "reason")), (verdict, reason));
        assert!(row.detail.ends_with(&format!(" · {reason}")), "{}", row.detail);
        assert!(int(row, "size_bytes") > 1 << 20 && !row.facts.contains_key("bloat_bytes"));
        assert!(!row.facts.contains_key("bloat_ratio") && row.trend.is_none());
    }
    assert!(seen.row("public.half").detail.ends_with(" · 49 % · ±10"), "{}", seen.row("public.half").detail);
    let database = seen.database();
    // Whoever sums the rows counts nothing twice.
    let sum: i64 = seen.0.values().flatten().filter_map(|row| row.facts.get("bloat_bytes")).map(whole).sum();
    assert_eq!(int(database, "total_bloat_bytes"), sum);
    assert_eq!(int(database, "unknown_relations"), 1);
    assert_eq!(text(database, "other_databases"), "\"Old Shop\", other");
    assert!(database.detail.contains("not read: 2 other databases"), "{}", database.detail);
}

fn whole(fact: &Fact) -> i64 {
    match fact {
        Fact::Int(value) => *value,
        other => panic!("{other:?}"),
    }
}
