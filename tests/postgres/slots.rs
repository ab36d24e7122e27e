//! Slots that keep WAL for what does not read it.

use super::*;
use crate::postgres::replication::replication;
use midwatch::domain::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn each_slot_that_keeps_too_much_is_named_whatever_its_kind() {
    let server = start(&Setup { settings: "wal_level = logical\n".into(), ..Setup::default() });
    server
        .sql(
            "postgres",
            "CREATE ROLE small LOGIN; SELECT pg_create_logical_replication_slot('etl', 'test_decoding');
             CREATE TABLE t (a text); INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 3000)",
        )
        .unwrap();
    let row = async |kept_wal| {
        let watched = server.conninfo_as("small", "postgres");
        let mut reader = PostgresReader::new(Database { kept_wal, ..database(&watched, &[]) });
        replication(&reader.read().await).unwrap().clone()
    };
    // A client that polls is away most of the time.
    let fine = row(Postgres::KEPT_WAL).await;
    assert_eq!(fine.verdict, Verdict::Ok);
    assert!(fine.detail.contains("slot etl is unused "), "{}", fine.detail);
    let much = row(2 << 20).await;
    assert_eq!((much.verdict, text(&much, "slot")), (Verdict::Warn, "etl"));
    assert!(much.detail.starts_with("slot etl is unused ") && much.detail.contains(" and keeps 3."), "{}", much.detail);
    assert!(int(&much, "slot_retained_bytes") > 3_000_000);
    server.sql("postgres", "SELECT pg_create_physical_replication_slot('stby1', true)").unwrap();
    let both = row(2 << 20).await;
    for slot in ["etl", "stby1"] {
        assert!(both.detail.contains(&format!("slot {slot} is unused ")), "{}", both.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_has_most_of_what_it_may_keep_warns_before_it_is_lost() {
    let settings = "wal_level = logical\nmax_slot_wal_keep_size = 20MB\nmax_wal_size = 4MB\n".into();
    let server = start(&Setup { settings, ..Setup::default() });
    server
        .sql("postgres", "CREATE TABLE t (a text); SELECT pg_create_logical_replication_slot('etl', 'test_decoding')")
        .unwrap();
    let mut reader = reader(&server.conninfo("postgres"), &[]);
    let mut said = Vec::new();
    for _ in 0..40 {
        server
            .sql(
                "postgres",
                "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 1000); SELECT pg_switch_wal()",
            )
            .unwrap();
        let read = reader.read().await;
        let row = replication(&read).unwrap();
        said.push((row.verdict, row.detail.clone()));
        server.sql("postgres", "CHECKPOINT").unwrap();
        if row.verdict == Verdict::Critical {
            break;
        }
    }
    let place = |words: &str| said.iter().position(|(_, detail)| detail.starts_with(words));
    let (soon, lost) = (place("slot etl is lost after ").expect("warned"), place("slot etl lost").expect("lost"));
    assert!(soon > 0 && soon < lost, "{said:#?}");
    assert_eq!((said[0].0, said[soon].0, said[lost].0), (Verdict::Ok, Verdict::Warn, Verdict::Critical), "{said:#?}");
}
