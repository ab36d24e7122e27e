//! Who holds the oldest snapshot, and what that keeps alive.

use crate::bloat::{Server, int, real, text};
use midwatch::domain::{Fact, Verdict};

const PINNED: &str = "CREATE TABLE pinned (id int PRIMARY KEY, body text);
    INSERT INTO pinned SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) pinned;";

const DELETE: &str = "DELETE FROM pinned WHERE id % 2 = 0";

#[test]
fn rows_that_an_old_snapshot_keeps_alive_are_not_given_back() {
    let server = Server::start("");
    server.sql(PINNED);
    let holder = server.session("month-end");
    server.run(&holder, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    server.sql(DELETE);
    // It counts when it is ten seconds old.
    assert_eq!(text(server.seen().row("public.pinned"), "remedy"), "vacuum");
    server.sql(
        "SELECT pg_sleep(greatest(0, 10.5 - extract(epoch FROM now() - xact_start)))
         FROM pg_stat_activity WHERE application_name = 'month-end'",
    );
    let before = server.seen();
    let row = before.row("public.pinned");
    assert!(row.detail.contains("perhaps pinned by pid"), "{}", row.detail);
    assert!(!row.facts.contains_key("dead_rows_pinned") && real(row, "error_ratio") > 0.2);
    server.sql("VACUUM pinned");
    let seen = server.seen();
    let row = seen.row("public.pinned");
    let pid = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'month-end'");
    assert_eq!((int(row, "dead_rows_pinned"), int(row, "dead_rows_removable")), (30_000, 0));
    assert_eq!((text(row, "holder"), text(row, "holder_kind")), (pid.as_str(), "session"));
    assert_eq!((text(row, "holder_application"), text(row, "remedy")), ("month-end", "release"));
    assert!(int(row, "holder_age_s") >= 10 && int(row, "holder_age_xids") >= 1);
    assert!(row.detail.ends_with(&format!("pinned by pid {pid}")), "{}", row.detail);
    assert_eq!(text(seen.database(), "holder"), pid);
    assert!(seen.database().detail.contains("(month-end) for 10 s"), "{}", seen.database().detail);
    let text_of_all = format!("{:?}", seen.0);
    assert!(!text_of_all.contains("SELECT 1"), "the text of a query is nobody's");
    // And so it is.
    let size = int(row, "size_bytes");
    server.sql("VACUUM FULL pinned");
    let after: i64 = server.sql("SELECT pg_relation_size('pinned')").parse().unwrap();
    let truth = (size - after) as f64 / size as f64;
    assert!((real(row, "bloat_ratio") - truth).abs() <= real(row, "error_ratio"), "{truth} {row:?}");
    assert!(real(row, "bloat_ratio") < 0.05);
    drop(holder);
}

#[test]
fn prepared_transactions_slots_and_hidden_sessions_are_named() {
    let server = Server::start("");
    server.sql(PINNED);
    server.sql("CREATE ROLE watch LOGIN; GRANT pg_read_all_data TO watch;");
    let holder = server.session("hidden");
    server.run(&holder, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    server.sql(DELETE);
    // A role without pg_monitor sees whose it is, but not since when.
    let mut reader = server.reader("watch", "postgres");
    let seen = server.read(&mut reader);
    let pid = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'hidden'");
    assert_eq!(text(seen.database(), "holder"), pid);
    assert_eq!(int(seen.database(), "holder_age_s"), 0);
    server.run(&holder, "ROLLBACK");

    server.sql("BEGIN; DELETE FROM pinned WHERE id = 1; PREPARE TRANSACTION 'settle 42';");
    let seen = server.seen();
    let database = seen.database();
    assert_eq!((text(database, "holder_kind"), text(database, "holder")), ("prepared", "settle 42"));
    assert!(int(database, "holder_age_s") >= 0);
    server.sql("ROLLBACK PREPARED 'settle 42'");
    assert!(!server.seen().database().facts.contains_key("holder"));
    // Other databases hold nothing back here.
    server.sql("CREATE DATABASE other");
    server.postgres.sql("other", "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'elsewhere';").unwrap();
    assert!(!server.seen().database().facts.contains_key("holder"));
}

#[test]
fn an_age_that_autovacuum_should_have_ended_warns_and_one_at_the_failsafe_is_critical() {
    let server = Server::start("autovacuum_freeze_max_age = 100000\nvacuum_failsafe_age = 0\n");
    server
        .sql("CREATE TABLE old AS SELECT i FROM generate_series(1, 60000) i; SELECT pg_stat_force_next_flush(); ANALYZE old; CREATE TABLE tiny (i int); CREATE TABLE bystander (i int);");
    let row = |object: &str| {
        let seen = server.seen();
        let row = seen.row(object);
        (row.verdict, int(row, "wraparound_age"), row.detail.clone())
    };
    assert_eq!(row("public.old").0, Verdict::Ok);
    // Every block with a handler takes an id of its own. The failsafe is never nearer than 105 % of the age that forces a vacuum.
    server.sql(
        "DO $$ BEGIN FOR i IN 1..112000 LOOP BEGIN INSERT INTO tiny VALUES (1);
         EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$",
    );
    for object in ["public.old", "smaller relations"] {
        let (verdict, age, detail) = row(object);
        assert!(verdict == Verdict::Critical && age > 110_000, "{object}: {verdict:?} {age}");
        assert!(detail.contains("wraparound age 11"), "{detail}");
    }
    assert_eq!(server.seen().database().verdict, Verdict::Critical);
    server.sql("ALTER SYSTEM SET vacuum_failsafe_age = 1600000000; SELECT pg_reload_conf();");
    let relaxed = server.session("new");
    drop(relaxed);
    assert_eq!(row("public.old").0, Verdict::Warn);
    server.sql("VACUUM (FREEZE) old; VACUUM (FREEZE) tiny; VACUUM (FREEZE) bystander;");
    assert_eq!(row("public.old").0, Verdict::Ok);
    let seen = server.seen();
    assert_eq!(seen.row("smaller relations").facts["kind"], Fact::Text("smaller".into()));
}
