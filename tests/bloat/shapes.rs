//! Estates of other shapes: thousands of tables, locks, relations that vanish, standbys.

use crate::bloat::{SETTINGS, Seen, Server, int, real, text};
use crate::support::estate::wait_for;
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::domain::{Fact, Verdict};

const TABLES: &str = "CREATE TABLE bloated (id int PRIMARY KEY, body text);
    INSERT INTO bloated SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE calm (id int, body text);
    INSERT INTO calm SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    DELETE FROM bloated WHERE id % 4 <> 0;
    SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) bloated, calm;";

#[test]
fn five_thousand_small_tables_are_one_row() {
    let server = Server::start("max_locks_per_transaction = 1000\n");
    server.sql(TABLES);
    for part in 0..5 {
        server.sql(&format!(
            "DO $$ BEGIN FOR i IN 1..1000 LOOP
                EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, body text)', {part} * 1000 + i);
             END LOOP; END $$"
        ));
    }
    let mut reader = server.reader("postgres", "postgres");
    server.read(&mut reader);
    let seen = server.read(&mut reader);
    let row = seen.row("smaller relations");
    assert_eq!((int(row, "relations"), row.verdict), (10_000, Verdict::Ok));
    assert!(row.detail.contains("10,000 relations below 1 MiB"), "{}", row.detail);
    assert!(!row.facts.contains_key("bloat_bytes"));
    assert_eq!(seen.names(), ["public.bloated", "public.bloated_pkey", "public.calm", "smaller relations"]);
    // Nothing is held between readings.
    let held = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'midwatch'
        AND (backend_xmin IS NOT NULL OR xact_start IS NOT NULL)";
    assert_eq!(server.sql(held), "0");
}

#[test]
fn an_exclusive_lock_costs_its_own_row_only() {
    let server = Server::start("");
    server.sql(TABLES);
    let locker = server.session("locker");
    server.run(&locker, "BEGIN; LOCK TABLE bloated IN ACCESS EXCLUSIVE MODE");
    let seen = server.seen();
    let locked = seen.0[&Some("public.bloated".to_owned())].as_ref().unwrap_err();
    assert!(locked.contains("ACCESS EXCLUSIVE"), "{locked}");
    assert_eq!(seen.row("public.calm").verdict, Verdict::Ok);
    server.run(&locker, "ROLLBACK");
    assert!(real(server.seen().row("public.bloated"), "bloat_ratio") > 0.7);

    // One that only waits would hold up every reader behind it.
    let reader = server.session("reader");
    server.run(&reader, "BEGIN; SELECT 1 FROM calm LIMIT 1");
    let waits = server
        .runtime
        .spawn(async move { locker.batch_execute("BEGIN; LOCK TABLE calm IN ACCESS EXCLUSIVE MODE").await });
    wait_for("the lock is waited for", || {
        (server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1").then_some(())
    });
    assert!(server.seen().0[&Some("public.calm".to_owned())].is_err());
    // It was not waited for: the lock is still not there.
    assert_eq!(server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted"), "1");
    waits.abort();
}

#[test]
fn relations_that_come_go_and_are_renamed_cost_no_reading() {
    let server = Server::start("");
    server.sql(TABLES);
    let conninfo = server.postgres.conninfo("postgres");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let churn = server.runtime.spawn(async move {
        let (client, connection) = tokio_postgres::connect(&conninfo, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut rounds = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let sql = "CREATE TABLE brief AS SELECT i, md5(i::text) FROM generate_series(1, 30000) i; ANALYZE brief;
                ALTER TABLE calm RENAME TO calmer; ALTER TABLE calmer RENAME TO calm; DROP TABLE brief;";
            client.batch_execute(sql).await.unwrap();
            rounds += 1;
        }
        rounds
    });
    let mut reader = server.reader("postgres", "postgres");
    for _ in 0..60 {
        let seen = server.read(&mut reader);
        assert!(real(seen.row("public.bloated"), "bloat_ratio") > 0.7);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(server.runtime.block_on(churn).unwrap() > 5);
}

#[test]
fn a_standby_counts_by_the_catalog_and_cannot_be_acted_on() {
    let server = Server::start("");
    server.sql(TABLES);
    server.sql(
        "CREATE TABLE torn (id int); CREATE UNIQUE INDEX torn_key ON torn (id);
         UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'torn_key'::regclass;",
    );
    let place = tempfile::tempdir().unwrap();
    let standby = PrivatePostgres::standby(
        &place.path().join("standby"),
        &server.postgres,
        &Setup { settings: SETTINGS.into(), ..Setup::default() },
    )
    .unwrap();
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
    let seen = Seen::of(server.runtime.block_on(reader.read()).unwrap());
    let row = seen.row("public.bloated");
    assert!((real(row, "bloat_ratio") - 0.75).abs() < 0.05, "{row:?}");
    assert_eq!((text(row, "method"), &row.facts["can_act"]), ("width statistics, reltuples", &Fact::Bool(false)));
    assert!(!row.facts.contains_key("dead_rows"));
    assert!(seen.database().detail.contains("standby: act on the primary"), "{}", seen.database().detail);
    // What builds an index works on the primary, and shows there alone.
    let row = seen.row("public.torn_key");
    assert_eq!((row.verdict, text(row, "reason")), (Verdict::Warn, "invalid, unless the primary is building it"));
    assert!(row.detail.ends_with(text(row, "reason")), "{}", row.detail);
}

#[test]
fn much_that_would_surely_come_back_is_a_warning() {
    let server = Server::start("");
    server.sql(
        "CREATE TABLE large (id int, body text); ALTER TABLE large ALTER body SET STORAGE PLAIN;
         INSERT INTO large SELECT i, repeat('x', 3900) FROM generate_series(1, 44000) i;
         DELETE FROM large WHERE id % 44 <> 0; SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) large;",
    );
    let seen = server.seen();
    let row = seen.row("public.large");
    assert_eq!((row.verdict, text(row, "remedy")), (Verdict::Warn, "repack"), "{row:?}");
    assert!(row.detail.ends_with("repack"), "{}", row.detail);
    assert!(row.figure(row.trend.unwrap().fact).unwrap() > 1e8);
}
