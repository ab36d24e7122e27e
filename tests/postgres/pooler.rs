//! A real PgBouncer before the server: in each pooling mode, as it is installed and where it drops startup parameters.

use super::*;
use crate::support::pgbouncer::{IGNORING, PgBouncer};
use midwatch::probes::postgres::connect::act::connect_to_act;
use midwatch::probes::postgres::connect::connect;

/// The settings that Midwatch asks for in one place or another, and what holds a server connection.
const SETTINGS: &str = "SELECT pg_backend_pid(), string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('statement_timeout', \
    'lock_timeout', 'default_transaction_read_only', 'idle_in_transaction_session_timeout', 'client_connection_check_interval', \
    'search_path', 'standard_conforming_strings', 'DateStyle', 'IntervalStyle', 'TimeZone', 'extra_float_digits', 'bytea_output')";

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_is_watched_within_transactions_and_never_acted_through() {
    let server = start(&Setup::default());
    for mode in ["transaction", "session", "statement"] {
        for more in ["", IGNORING] {
            let case = format!("{mode}, {more:?}");
            let pooler = PgBouncer::start(&server, mode, more);
            let before = pooler.seen(SETTINGS).await;
            let access = access(&pooler.conninfo(), &[]);

            // Every figure of a reading is there, and it says by which way.
            let mut reader = reader(&pooler.conninfo(), &[]);
            for _ in 0..2 {
                let findings = reader.read().await.expect(&case);
                let itself = seen(&findings, "");
                assert_eq!(itself.facts["is_pooled"], Fact::Bool(true), "{case}");
                assert!(itself.detail.ends_with(" · through a pooler"), "{case}: {}", itself.detail);
                assert!(int(seen(&findings, "connections"), "connections") > 0, "{case}");
                seen(&findings, "replication");
            }
            drop(reader);

            // What a session that looks is allowed holds in each of its questions.
            let session = connect(&access).await.expect(&case);
            let limits = "SELECT current_setting('statement_timeout') AS time, current_setting('lock_timeout') AS lock, \
                current_setting('transaction_read_only') AS reads, current_setting('search_path') AS path";
            for _ in 0..2 {
                let line = session.row(limits).await.expect(&case);
                let found = ["time", "lock", "reads", "path"].map(|column| line.text(column).unwrap().to_owned());
                assert_eq!(found, ["5s", "500ms", "on", "pg_catalog"], "{case}");
            }
            let long = "SELECT current_setting('statement_timeout') AS time";
            let lines = session.long_rows(long, Duration::from_secs(30)).await.expect(&case);
            assert_eq!(lines[0].text("time"), Some("30s"), "{case}");
            let refused = session.rows("CREATE TABLE public.written ()").await.err().expect(&case);
            assert_eq!(refused.code.as_deref(), Some("25006"), "{case}: {refused}");
            session.row(limits).await.expect("a question after one that failed");
            drop(session);

            // What acts is refused, before anything is set.
            let refused = connect_to_act(&access, Duration::from_secs(2)).await.err().expect(&case);
            assert!(refused.reason.starts_with("a connection pooler such as PgBouncer"), "{case}: {refused}");
            assert!(refused.reason.contains("the host and the port of the server itself"), "{case}: {refused}");

            assert_eq!(pooler.seen(SETTINGS).await, before, "{case}: an application finds another session");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_pooler_is_known_as_one_and_acted_on() {
    let server = shared();
    let findings = read(&server.conninfo("postgres"), &[]).await.unwrap();
    let itself = seen(&findings, "");
    assert_eq!(itself.facts["is_pooled"], Fact::Bool(false));
    assert!(!itself.detail.contains("pooler"), "{}", itself.detail);
    let acting = connect_to_act(&access(&server.conninfo("postgres"), &[]), Duration::from_millis(700)).await.unwrap();
    let line = acting.session().row(
        "SELECT current_setting('lock_timeout') AS lock, \
        current_setting('client_connection_check_interval') AS check, current_setting('statement_timeout') AS time",
    );
    let line = line.await.unwrap();
    let found = ["lock", "check", "time"].map(|column| line.text(column).unwrap().to_owned());
    assert_eq!(found, ["700ms", "1s", "0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_estate_that_a_pooler_drops_are_not_taken_for_set() {
    let server = start(&Setup::default());
    for more in ["", IGNORING] {
        let pooler = PgBouncer::start(&server, "transaction", more);
        let why = refused(&format!("{} options='-c role=pg_monitor'", pooler.conninfo()), &[]).await;
        assert!(why.contains("drops the `options` of the estate"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_behind_its_pooler_is_not_the_one_asked_before() {
    let mut server = start(&Setup::default());
    let pooler = PgBouncer::start(&server, "transaction", IGNORING);
    let mut reader = reader(&pooler.conninfo(), &[]);
    reader.read().await.unwrap();
    server.stop();
    server.run().unwrap();
    // The first question that is answered finds another server; the next session asks that one.
    until(&mut reader, |read| read.as_ref().is_err_and(|loss| loss.why().contains("another server than before"))).await;
    until(&mut reader, Result::is_ok).await;
}
