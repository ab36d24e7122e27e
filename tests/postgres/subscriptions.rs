//! Subscriptions of logical replication that apply, and that do not.

use super::*;
use midwatch::domain::Verdict;

fn row(read: &Result<Vec<Finding>, Loss>) -> Option<&Observation> {
    let finding = read.as_ref().ok()?.iter().find(|finding| finding.object.as_deref() == Some("subscriptions"))?;
    finding.seen.as_ref().ok()
}

/// Reads until the row says this first, and gives its verdict.
async fn says(reader: &mut PostgresReader, words: &str) -> (Verdict, Observation) {
    let wanted = |read: &Result<_, _>| row(read).is_some_and(|seen| seen.detail.starts_with(words));
    let findings = until(reader, wanted).await;
    let row = seen(&findings, "subscriptions").clone();
    (row.verdict, row)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_does_not_apply_or_copy_is_never_ok() {
    let server = start(&Setup { settings: "wal_level = logical\n".into(), ..Setup::default() });
    let sql = |database: &str, script: &str| server.sql(database, script).unwrap();
    sql("postgres", "CREATE ROLE small LOGIN; CREATE DATABASE down; CREATE TABLE t (a int PRIMARY KEY)");
    sql("down", "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1)");
    sql("postgres", "CREATE PUBLICATION p FOR ALL TABLES; INSERT INTO t VALUES (1)");
    sql("postgres", "SELECT pg_create_logical_replication_slot('sub1', 'pgoutput')");
    let from = server.conninfo("postgres").replace('\'', "''");
    sql("down", &format!("CREATE SUBSCRIPTION sub1 CONNECTION '{from}' PUBLICATION p WITH (create_slot = false)"));
    // Every role sees all of it.
    let mut down = reader(&server.conninfo_as("small", "down"), &[]);
    let mut other = reader(&server.conninfo_as("small", "postgres"), &[]);
    let copied = |read: &Result<_, _>| {
        row(read).is_some_and(|seen| seen.verdict == Verdict::Ok && int(seen, "subscription_tables_uncopied") == 0)
    };
    let findings = until(&mut down, copied).await;
    assert_eq!(seen(&findings, "subscriptions").detail, "1 subscription applied");

    // A row that is there already: it fails, again and again.
    sql("down", "INSERT INTO t VALUES (2)");
    sql("postgres", "INSERT INTO t VALUES (2)");
    let (verdict, seen_down) = says(&mut down, "subscription sub1: apply fails, ").await;
    assert!(verdict != Verdict::Ok && int(&seen_down, "subscription_apply_errors") > 0, "{seen_down:?}");
    assert_eq!(text(&seen_down, "subscription"), "sub1");
    let (verdict, _) = says(&mut other, "subscription sub1 of database down: apply fails, ").await;
    assert_ne!(verdict, Verdict::Ok);
    let critical = |read: &Result<_, _>| row(read).is_some_and(|seen| seen.verdict == Verdict::Critical);
    until(&mut down, critical).await;

    sql("down", "ALTER SUBSCRIPTION sub1 SET (disable_on_error = true)");
    let (verdict, _) = says(&mut down, "subscription sub1 is disabled after an error").await;
    assert_eq!(verdict, Verdict::Critical);
    sql("down", "ALTER SUBSCRIPTION sub1 SET (disable_on_error = false)");
    let (verdict, off) = says(&mut down, "subscription sub1 is disabled").await;
    assert_eq!((verdict, int(&off, "subscriptions_disabled")), (Verdict::Warn, 1));
    sql("down", "DELETE FROM t WHERE a = 2; ALTER SUBSCRIPTION sub1 ENABLE");
    until(&mut down, copied).await;

    // A table whose rows are there already cannot be copied.
    sql("postgres", "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1)");
    sql("down", "ALTER SUBSCRIPTION sub1 REFRESH PUBLICATION");
    let (verdict, copying) = says(&mut down, "subscription sub1: the copy of tables fails, ").await;
    assert!(verdict != Verdict::Ok && int(&copying, "subscription_tables_uncopied") == 1, "{copying:?}");
    sql("down", "TRUNCATE u");
    until(&mut down, copied).await;
    sql(
        "down",
        "ALTER SUBSCRIPTION sub1 DISABLE; ALTER SUBSCRIPTION sub1 SET (slot_name = NONE); DROP SUBSCRIPTION sub1",
    );
    let read = down.read().await;
    assert!(read.is_ok() && row(&read).is_none());
}
