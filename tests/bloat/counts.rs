//! Counts that are old, lost, or contradict each other; and what has none for a reason.

use crate::bloat::{SETTINGS, Seen, Server, int, real, text};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::domain::{Fact, Verdict};

/// Grown twentyfold, by a fifth, and emptied, since they were counted.
const GROWN: &str =
    "CREATE TABLE grown (id int, body text); INSERT INTO grown SELECT i, md5(i::text) FROM generate_series(1, 10000) i;
    CREATE TABLE larger (id int, body text); INSERT INTO larger SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) grown, larger;
    INSERT INTO grown SELECT i, md5(i::text) FROM generate_series(1, 190000) i;
    INSERT INTO larger SELECT i, md5(i::text) FROM generate_series(1, 12000) i;
    CHECKPOINT;";

fn grown(seen: &Seen, place: &str) {
    let row = seen.row("public.grown");
    let expected = format!("it changed much since it was counted, ANALYZE needed{place}");
    assert_eq!((row.verdict, text(row, "reason")), (Verdict::Unknown, expected.as_str()));
    let row = seen.row("public.larger");
    let (ratio, error) = (real(row, "bloat_ratio"), real(row, "error_ratio"));
    assert!(ratio < 0.02 && (0.15..0.35).contains(&error), "{}", row.detail);
    assert!(!row.facts.contains_key("remedy"), "{}", row.detail);
}

#[test]
fn a_table_that_grew_since_it_was_counted_is_not_bloated_after_a_crash_nor_on_a_standby() {
    let mut server = Server::start("");
    server.sql(GROWN);
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { settings: SETTINGS.into(), ..Setup::default() };
    let standby = PrivatePostgres::standby(&place.path().join("standby"), &server.postgres, &setup).unwrap();
    let watch = midwatch::config::libpq::Access { written: standby.conninfo("postgres"), ..Default::default() };
    let target = midwatch::probes::target::Database {
        name: "standby".into(),
        watch,
        can_act: true,
        critical: true,
        bloat_size: 1,
        transaction_age: midwatch::config::estate::Postgres::TRANSACTION_AGE,
        kept_wal: midwatch::config::estate::Postgres::KEPT_WAL,
    };
    let mut reader = midwatch::probes::bloat::BloatReader::new(target);
    grown(&server.read(&mut reader), " on the primary");
    drop(standby);
    assert!(real(server.seen().row("public.grown"), "bloat_ratio") < 0.02, "the primary still counts");
    server.postgres.kill();
    server.postgres.run().unwrap();
    grown(&server.seen(), "");
    server.sql("ANALYZE grown");
    let seen = server.seen();
    assert!(real(seen.row("public.grown"), "bloat_ratio") < 0.02, "{}", seen.row("public.grown").detail);
}

/// Tables whose changes are reported after they were counted: the session that changed them counts them itself.
const TWICE: &str = "CREATE TABLE halved (id int PRIMARY KEY, body text);
    INSERT INTO halved SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE fifth (id int, body text); INSERT INTO fifth SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE refilled (id int, body text); INSERT INTO refilled SELECT i, md5(i::text) FROM generate_series(1, 90000) i;
    CREATE TABLE since (id int, body text); INSERT INTO since SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE cut (id int PRIMARY KEY, body text); INSERT INTO cut SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE shorter (id int, body text); INSERT INTO shorter SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE rolled (id int, body text); INSERT INTO rolled SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    BEGIN; INSERT INTO rolled SELECT i, md5(i::text) FROM generate_series(1, 20000) i; ROLLBACK;
    SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) halved, fifth, refilled, since, cut, shorter, rolled;";
const AT_ONCE: &str = "DELETE FROM halved WHERE id % 2 = 0; VACUUM (ANALYZE) halved;
    DELETE FROM fifth WHERE id % 5 = 0; VACUUM (ANALYZE) fifth;
    DELETE FROM refilled WHERE id < 90000; VACUUM (TRUNCATE off) refilled;
    INSERT INTO refilled SELECT i, md5(i::text) FROM generate_series(1, 45000) i; ANALYZE refilled;
    DELETE FROM cut WHERE id > 30000; VACUUM (ANALYZE) cut; DELETE FROM shorter WHERE id > 30000; VACUUM shorter;
    DELETE FROM rolled WHERE id > 40000; VACUUM (ANALYZE) rolled;";

#[test]
fn where_two_counts_of_one_moment_contradict_each_other_the_error_bar_has_the_truth() {
    let server = Server::start("");
    server.sql(TWICE);
    server.sql(AT_ONCE);
    server.sql("DELETE FROM since WHERE id % 2 = 0");
    let seen = server.seen();
    let since = seen.row("public.since");
    assert!((real(since, "bloat_ratio") - 0.5).abs() < 0.02 && text(since, "remedy") == "vacuum", "{}", since.detail);
    // Their end was cut off: nothing would come back of the files, and half of the index.
    for cut in ["public.cut", "public.shorter"] {
        let row = seen.row(cut);
        assert!(real(row, "bloat_ratio") < 0.02 && row.verdict == Verdict::Ok, "{cut}: {}", row.detail);
    }
    assert!((real(seen.row("public.cut_pkey"), "bloat_ratio") - 0.5).abs() < 0.05, "{:?}", seen.row("public.cut_pkey"));
    let objects = [
        "public.halved",
        "public.halved_pkey",
        "public.fifth",
        "public.refilled",
        "public.since",
        "public.cut",
        "public.cut_pkey",
        "public.shorter",
        "public.rolled",
    ];
    let size = |object: &str| server.sql(&format!("SELECT pg_relation_size('{object}')")).parse::<f64>().unwrap();
    let before: Vec<f64> = objects.iter().map(|object| size(object)).collect();
    assert!(
        server.sql("SELECT n_live_tup < 10000 FROM pg_stat_user_tables WHERE relname = 'halved'") == "t",
        "counted twice"
    );
    server.sql("VACUUM FULL");
    for (object, before) in objects.iter().zip(before) {
        let row = seen.row(object);
        let truth = (before - size(object)) / before;
        let (count, error) = (real(row, "bloat_ratio"), real(row, "error_ratio"));
        assert!((count - truth).abs() <= error, "{object}: {count} ±{error}, and it was {truth}");
        assert!(error < 0.6, "{object}: {error}");
    }
}

#[test]
fn what_analyze_cannot_mend_says_so_and_asks_for_none() {
    let server = Server::start("");
    server.sql(
        "CREATE TABLE off (id int, body text); INSERT INTO off SELECT i, md5(i::text) FROM generate_series(1, 30000) i;
         ALTER TABLE off ALTER body SET STATISTICS 0;
         CREATE TABLE emptied (id int PRIMARY KEY, body text);
         INSERT INTO emptied SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
         CREATE TABLE added (id int, body text); INSERT INTO added SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
         CREATE TABLE wide (id int, key text);
         INSERT INTO wide SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 40000) i;
         CREATE INDEX wide_key ON wide (key);
         DELETE FROM emptied; DELETE FROM added WHERE id % 2 = 0; SELECT pg_stat_force_next_flush(); VACUUM (TRUNCATE off) emptied, added; ANALYZE;
         ALTER TABLE added ADD note text;",
    );
    let seen = server.seen();
    let off = seen.row("public.off");
    assert_eq!((off.verdict, text(off, "remedy")), (Verdict::Unknown, "set statistics"));
    assert_eq!(text(off, "reason"), "no statistics of column body: SET STATISTICS 0 keeps ANALYZE from them");
    // No row needs no statistics.
    for emptied in ["public.emptied", "public.emptied_pkey"] {
        assert!(real(seen.row(emptied), "bloat_ratio") > 0.99, "{:?}", seen.row(emptied));
    }
    assert_eq!(text(seen.row("public.emptied"), "remedy"), "repack");
    // What the column takes may be all that the others leave.
    let added = seen.row("public.added");
    assert_eq!(
        (text(added, "reason"), text(added, "remedy")),
        ("no statistics of column note, ANALYZE needed", "analyze")
    );
    // What is never estimated keeps a verdict from nobody.
    let wide = seen.row("public.wide_key");
    assert_eq!((wide.verdict, wide.facts.get("remedy")), (Verdict::Ok, None), "{wide:?}");
    assert_eq!(text(wide, "reason"), "wide keys are compressed: size alone, not estimable");
    assert_eq!(int(seen.database(), "unknown_relations"), 2);
    // From version 18 on, a generated column need not be stored.
    if server.sql("SELECT current_setting('server_version_num')::int >= 180000") == "t" {
        server.sql(
            "CREATE TABLE made (id int, body text, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL);
             INSERT INTO made SELECT i, md5(i::text) FROM generate_series(1, 60000) i; VACUUM (ANALYZE) made;",
        );
        let seen = server.seen();
        let row = seen.row("public.made");
        assert!(real(row, "bloat_ratio") < 0.02 && real(row, "error_ratio") < 0.2, "{}", row.detail);
    }
    server.sql("ALTER TABLE off ALTER body SET STATISTICS -1; ANALYZE off, added");
    let seen = server.seen();
    assert!(real(seen.row("public.off"), "bloat_ratio") < 0.02, "{:?}", seen.row("public.off"));
    assert!((real(seen.row("public.added"), "bloat_ratio") - 0.5).abs() < 0.02, "{:?}", seen.row("public.added"));
}

#[test]
fn a_column_that_was_added_is_doubt_until_the_table_is_analyzed() {
    let server = Server::start("");
    let tables = ["note", "number", "stamp", "filled", "retyped"];
    for table in tables {
        server.sql(&format!(
            "CREATE TABLE {table} (id int, body text); INSERT INTO {table} SELECT i, md5(i::text) FROM generate_series(1, 60000) i"
        ));
    }
    server.sql(
        "SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE); ALTER TABLE note ADD more text;
         ALTER TABLE number ADD n int NOT NULL DEFAULT 7; ALTER TABLE stamp ADD at timestamptz DEFAULT clock_timestamp();
         ALTER TABLE filled ADD more text; UPDATE filled SET more = repeat(body, 3);
         ALTER TABLE retyped ALTER body TYPE varchar(40); SELECT pg_stat_force_next_flush();",
    );
    let seen = server.seen();
    for (table, column) in [("filled", "more"), ("retyped", "body")] {
        let row = seen.row(&format!("public.{table}"));
        let expected = format!("no statistics of column {column}, ANALYZE needed");
        assert_eq!((row.verdict, text(row, "reason")), (Verdict::Unknown, expected.as_str()));
    }
    let size = |table: &str| server.sql(&format!("SELECT pg_relation_size('{table}')")).parse::<f64>().unwrap();
    let before = tables.map(size);
    server.sql("VACUUM FULL");
    for (table, before) in tables.into_iter().zip(before).take(3) {
        let row = seen.row(&format!("public.{table}"));
        let truth = (before - size(table)).max(0.0) / before;
        let (said, error) = (real(row, "bloat_ratio"), real(row, "error_ratio"));
        assert!((said - truth).abs() <= error && error < 0.2, "{table}: {said} ±{error}, and it was {truth}");
        assert_eq!(row.verdict, Verdict::Ok, "{}", row.detail);
    }
    server.sql("ANALYZE");
    let seen = server.seen();
    for table in tables {
        assert!(real(seen.row(&format!("public.{table}")), "bloat_ratio") < 0.03, "{table}");
    }
}

#[test]
fn names_that_are_no_text_cost_no_reading() {
    let server = Server::start("");
    server.sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    server
        .postgres
        .sql(
            "ascii",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE \"caf' || chr(233) || '\" AS SELECT i, md5(i::text) AS body FROM generate_series(1, 40000) i';
             EXECUTE 'CREATE TABLE \"caf' || chr(195) || chr(169) || '\" AS SELECT i, md5(i::text) AS body FROM generate_series(1, 40000) i'; END $$;
             CREATE TABLE plain AS SELECT i, md5(i::text) AS body FROM generate_series(1, 40000) i;
             SELECT pg_stat_force_next_flush(); ANALYZE;",
        )
        .unwrap();
    let seen = server.read(&mut server.reader("postgres", "ascii"));
    for object in ["public.plain", "public.\"café\""] {
        let row = seen.row(object);
        assert!(real(row, "bloat_ratio") < 0.02 && row.facts["can_act"] == Fact::Bool(true), "{object}");
    }
    let row = seen.row(r#"public."caf\351""#);
    assert!(real(row, "bloat_ratio") < 0.02 && row.facts["can_act"] == Fact::Bool(false), "{row:?}");
    assert!(row.detail.ends_with("its name is not UTF-8: act on it by hand"), "{}", row.detail);
}
