//! Invalid indexes: what a failed build, rebuild or drop leaves, and what still works on one.

use crate::bloat::{Server, int, text};
use crate::support::estate::wait_for;
use midwatch::domain::Verdict;

const TABLES: &str = "CREATE TABLE twice (id int); INSERT INTO twice VALUES (1), (1);
    CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1), (2);";

#[test]
fn a_unique_index_whose_build_failed_is_critical_however_small_it_is() {
    let server = Server::start("");
    server.sql(TABLES);
    assert!(!server.seen().database().facts.contains_key("invalid_indexes"));
    server.postgres.sql("postgres", "CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id)").unwrap_err();
    assert_eq!(server.sql("SELECT pg_relation_size('twice_id') < 1048576"), "t");
    let seen = server.seen();
    let row = seen.row("public.twice_id");
    assert_eq!((row.verdict, text(row, "remedy"), text(row, "table")), (Verdict::Critical, "reindex", "public.twice"));
    assert!(row.detail.contains("invalid: uniqueness is not enforced · reindex"), "{}", row.detail);
    assert_eq!(int(seen.database(), "invalid_indexes"), 1);
    assert!(seen.database().detail.contains("1 invalid index"), "{}", seen.database().detail);
    // Rebuilt, it is an index like others.
    server.sql("DELETE FROM twice; REINDEX INDEX twice_id");
    assert!(!server.seen().names().contains(&"public.twice_id"));
}

#[test]
fn what_a_rebuild_left_beside_a_valid_index_is_to_be_dropped() {
    let server = Server::start("");
    server.sql(TABLES);
    let writer = server.session("writer");
    server.run(&writer, "BEGIN; INSERT INTO kept VALUES (3)");
    let rebuild = "SET lock_timeout = '100ms'; REINDEX INDEX CONCURRENTLY kept_pkey;";
    server.postgres.sql("postgres", rebuild).unwrap_err();
    server.run(&writer, "ROLLBACK");
    let seen = server.seen();
    let row = seen.row("public.kept_pkey_ccnew");
    assert_eq!((row.verdict, text(row, "remedy")), (Verdict::Warn, "drop"), "the old index still enforces");
    assert!(row.detail.ends_with("invalid, not used · drop"), "{}", row.detail);
    // Without the valid one beside it, nothing enforces.
    server.sql("ALTER TABLE kept DROP CONSTRAINT kept_pkey");
    assert_eq!(server.seen().row("public.kept_pkey_ccnew").verdict, Verdict::Critical);
    server.sql("DROP INDEX kept_pkey_ccnew");
    assert!(!server.seen().names().iter().any(|name| name.contains("kept")));
}

#[test]
fn a_partitioned_index_without_a_part_of_each_partition_is_a_row() {
    let server = Server::start("");
    server.sql(
        "CREATE TABLE events (at int, n int) PARTITION BY RANGE (at);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
         CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
         CREATE UNIQUE INDEX events_at ON ONLY events (at); CREATE INDEX events_n ON ONLY events (n);
         CREATE UNIQUE INDEX events_1_at ON events_1 (at); ALTER INDEX events_at ATTACH PARTITION events_1_at;",
    );
    let seen = server.seen();
    let row = seen.row("public.events_at");
    assert_eq!(
        (row.verdict, text(row, "remedy"), text(row, "kind")),
        (Verdict::Critical, "attach", "partitioned index")
    );
    assert!(row.detail.starts_with("0 B · invalid: uniqueness is not enforced in every partition"), "{}", row.detail);
    assert_eq!(seen.row("public.events_n").verdict, Verdict::Warn);
    assert_eq!(int(seen.database(), "invalid_indexes"), 2);
    server.sql("CREATE UNIQUE INDEX events_2_at ON events_2 (at); ALTER INDEX events_at ATTACH PARTITION events_2_at;");
    assert!(!server.seen().names().contains(&"public.events_at"));
}

#[test]
fn an_index_that_is_worked_on_is_not_left_behind() {
    let server = Server::start("");
    server.sql(TABLES);
    server.sql("CREATE INDEX kept_id ON kept (id)");
    let works = [
        ("CREATE UNIQUE INDEX CONCURRENTLY kept_other ON kept (id)", "kept_other"),
        ("REINDEX INDEX CONCURRENTLY kept_pkey", "kept_pkey_ccnew"),
        ("DROP INDEX CONCURRENTLY kept_id", "kept_id"),
    ];
    for (work, left) in works {
        let writer = server.session("writer");
        server.run(&writer, "BEGIN; INSERT INTO kept VALUES (3)");
        let worker = server.session("worker");
        let at_work = server.runtime.spawn(async move { worker.batch_execute(work).await });
        let invalid = format!(
            "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             WHERE NOT i.indisvalid AND c.relname = '{left}'"
        );
        wait_for(work, || (server.sql(&invalid) == "1").then_some(()));
        let row = format!("public.{left}");
        assert!(!server.seen().names().contains(&row.as_str()), "{work} is at work");
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'");
        assert!(server.runtime.block_on(at_work).unwrap().is_err());
        wait_for("the row of what it left", || server.seen().names().contains(&row.as_str()).then_some(()));
        server.run(&writer, "ROLLBACK");
        server.sql(&format!("DROP INDEX {left}"));
    }
}

#[test]
fn an_invalid_index_is_never_well_for_a_role_that_may_not_see_what_is_built() {
    let server = Server::start("");
    server.sql(TABLES);
    server.sql("CREATE ROLE plain LOGIN; GRANT pg_read_all_data TO plain");
    server.postgres.sql("postgres", "CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id)").unwrap_err();
    let writer = server.session("writer");
    server.run(&writer, "BEGIN; INSERT INTO kept VALUES (3)");
    let worker = server.session("worker");
    let at_work = server
        .runtime
        .spawn(async move { worker.batch_execute("CREATE INDEX CONCURRENTLY kept_id ON kept (id)").await });
    wait_for("the build", || (server.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "2").then_some(()));
    let seen = server.read(&mut server.reader("plain", "postgres"));
    // Nothing works on its table: whatever is built, it is not that.
    assert_eq!(seen.row("public.twice_id").verdict, Verdict::Critical);
    let row = seen.row("public.kept_id");
    assert_eq!((row.verdict, text(row, "remedy_command")), (Verdict::Unknown, "GRANT pg_monitor TO plain;"));
    assert!(row.detail.ends_with(" · invalid, or being built: needs pg_monitor to know"), "{}", row.detail);
    assert_eq!(int(seen.database(), "invalid_indexes"), 2);
    // With that right it is seen to be built.
    assert!(!server.seen().names().contains(&"public.kept_id"));
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'");
    assert!(server.runtime.block_on(at_work).unwrap().is_err());
}
