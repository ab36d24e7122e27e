//! Prepared transactions that nothing ends.

use super::*;
use midwatch::domain::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_transaction_that_was_left_is_named_on_the_row_of_its_server() {
    let server = start(&Setup { settings: "max_prepared_transactions = 4\n".into(), ..Setup::default() });
    server.sql("postgres", "CREATE ROLE small LOGIN; CREATE DATABASE app;").unwrap();
    server.sql("app", "CREATE TABLE t (a int);").unwrap();
    // To a small role from another database, too: its server shares the transaction ids of all.
    let row = async |limit| {
        let watched = server.conninfo_as("small", "postgres");
        let mut reader = PostgresReader::new(Database { transaction_age: limit, ..database(&watched, &[]) });
        seen(&reader.read().await.unwrap(), "").clone()
    };
    let fine = row(Duration::ZERO).await;
    assert_eq!(fine.verdict, Verdict::Ok);
    assert!(!fine.facts.contains_key("prepared_transactions"));
    server
        .sql(
            "app",
            "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION E'bill\\x1b[31m';
             SELECT pg_sleep(0.01); BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'second';",
        )
        .unwrap();
    let young = row(Postgres::TRANSACTION_AGE).await;
    assert_eq!((young.verdict, int(&young, "prepared_transactions")), (Verdict::Ok, 2));
    assert!(young.detail.starts_with("primary "), "{}", young.detail);
    let old = row(Duration::ZERO).await;
    assert_eq!(old.verdict, Verdict::Critical);
    let reason = text(&old, "reason");
    assert!(reason.starts_with("prepared transaction bill\u{1b}[31m is "), "{reason:?}");
    assert!(reason.ends_with(" old (database app, owner postgres, oldest of 2)"), "{reason:?}");
    assert!(old.detail.starts_with(reason) && old.detail.contains(" · primary "), "{:?}", old.detail);
    assert_eq!((text(&old, "prepared_database"), text(&old, "prepared_owner")), ("app", "postgres"));
    // Its role may be dropped while it lives: then the view has no owner of it.
    server
        .sql("app", "CREATE ROLE gone; SET ROLE gone; BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'left'; RESET ROLE; DROP ROLE gone;")
        .unwrap();
    server.sql("app", "COMMIT PREPARED E'bill\\x1b[31m'; ROLLBACK PREPARED 'second';").unwrap();
    let left = row(Duration::ZERO).await;
    assert_eq!((left.verdict, text(&left, "prepared_owner")), (Verdict::Critical, "dropped"));
    server.sql("app", "ROLLBACK PREPARED 'left';").unwrap();
    assert_eq!(row(Duration::ZERO).await.verdict, Verdict::Ok);
}
