//! A primary, its standby, and what is told of the way between them.

use super::*;
use midwatch::domain::Verdict;

fn replication(read: &Result<Vec<Finding>, String>) -> Option<&Observation> {
    read.as_ref().ok().map(|findings| seen(findings, "replication"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_streams_pauses_and_loses_its_primary() {
    let mut primary = start(&Setup::default());
    primary
        .sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE small LOGIN; CREATE TABLE t (a int)")
        .unwrap();
    let standby = PrivatePostgres::standby(&place(), &primary, &Setup::default()).unwrap();
    let mut up = reader(&primary.conninfo_as("watch", "postgres"), &[]);
    let mut down = reader(&standby.conninfo_as("watch", "postgres"), &[]);

    // Idle and caught up: no lag, however long ago the last transaction was.
    let caught_up =
        |read: &Result<_, _>| replication(read).is_some_and(|seen| seen.facts.get("lag_bytes") == Some(&Fact::Int(0)));
    let findings = until(&mut up, caught_up).await;
    let seen_up = seen(&findings, "replication");
    assert_eq!((seen_up.verdict, int(seen_up, "standbys"), text(seen_up, "state")), (Verdict::Ok, 1, "streaming"));
    assert!(seen_up.detail.starts_with("walreceiver lag 0 B"), "{}", seen_up.detail);
    assert_eq!((text(seen_up, "sync_state"), seen_up.trend), ("async", Some(0.0)));
    let findings = until(&mut down, caught_up).await;
    let seen_down = seen(&findings, "replication");
    assert_eq!((seen_down.verdict, seen_down.detail.as_str()), (Verdict::Ok, "lag 0 B"));
    assert_eq!((seen_down.facts["lag_s"].clone(), text(seen_down, "receiver")), (Fact::Real(0.0), "streaming"));
    assert_eq!(seen(&findings, "").facts["is_standby"], Fact::Bool(true));
    let same = |findings: &[Finding]| text(seen(findings, ""), "system_identifier").to_owned();
    assert_eq!(same(&findings), same(&up.read().await.unwrap()), "a standby is the same cluster");

    // A small role knows of the standby and not of its lag; on the standby not even whether it streams.
    for (server, expected) in [
        (&primary, "1 standby, lag hidden, needs pg_monitor"),
        (&standby, "lag unknown: the link's state needs pg_monitor"),
    ] {
        let read = read(&server.conninfo_as("small", "postgres"), &[]).await;
        let hidden = replication(&read).unwrap();
        assert_eq!((hidden.verdict, hidden.detail.as_str()), (Verdict::Unknown, expected));
        assert!(!hidden.facts.contains_key("lag_bytes") && hidden.trend.is_none());
    }

    // Paused, it falls behind in bytes.
    standby.sql("postgres", "SELECT pg_wal_replay_pause()").unwrap();
    primary.sql("postgres", "INSERT INTO t SELECT generate_series(1, 50000)").unwrap();
    let written: i64 = 1 << 20;
    let behind = |read: &Result<_, _>| {
        replication(read)
            .is_some_and(|seen| matches!(seen.facts.get("lag_bytes"), Some(Fact::Int(bytes)) if *bytes > written))
    };
    let findings = until(&mut down, behind).await;
    let paused = seen(&findings, "replication");
    assert_eq!((paused.verdict, paused.facts["replay_paused"].clone()), (Verdict::Warn, Fact::Bool(true)));
    assert!(paused.detail.starts_with("replay is paused · lag "), "{}", paused.detail);
    assert!(int(seen(&until(&mut up, behind).await, "replication"), "lag_bytes") > written);
    standby.sql("postgres", "SELECT pg_wal_replay_resume()").unwrap();
    until(&mut down, caught_up).await;

    // Without its primary nothing is known of the lag, although everything that came is replayed.
    primary.kill();
    let findings =
        until(&mut down, |read| replication(read).is_some_and(|seen| seen.verdict == Verdict::Unknown)).await;
    let lonely = seen(&findings, "replication");
    assert_eq!((lonely.detail.as_str(), text(lonely, "receiver")), ("no link to the primary, lag unknown", "none"));
    assert!(!lonely.facts.contains_key("lag_s") && lonely.trend.is_none());
    assert_eq!(seen(&findings, "").verdict, Verdict::Ok, "the standby itself answers");

    // The primary comes back; then its standby goes, and is missed.
    primary.run().unwrap();
    until(&mut up, caught_up).await;
    drop(standby);
    let findings = until(&mut up, |read| replication(read).is_some_and(|seen| seen.verdict == Verdict::Warn)).await;
    assert_eq!(seen(&findings, "replication").detail, "walreceiver gone");
    let fresh = read(&primary.conninfo_as("watch", "postgres"), &[]).await;
    assert_eq!(replication(&fresh).unwrap().detail, "no standby", "who never saw one misses none");
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_and_synchronous_standbys_that_are_missing_are_told() {
    let server = start(&Setup {
        settings: "max_slot_wal_keep_size = 3MB\nmax_wal_size = 4MB\nsynchronous_commit = on\n".into(),
        ..Setup::default()
    });
    server
        .sql("postgres", "CREATE TABLE t (a text); SELECT pg_create_physical_replication_slot('dead', true)")
        .unwrap();
    let mut kept = reader(&server.conninfo("postgres"), &[]);
    let findings = kept.read().await.unwrap();
    let seen_first = seen(&findings, "replication");
    assert_eq!((int(seen_first, "slots"), int(seen_first, "slots_inactive"), text(seen_first, "slot")), (1, 1, "dead"));
    assert!(seen_first.detail.contains("slot dead is unused and keeps "), "{}", seen_first.detail);
    for _ in 0..6 {
        server.sql("postgres", "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 2000); SELECT pg_switch_wal(); CHECKPOINT").unwrap();
    }
    let findings = kept.read().await.unwrap();
    let lost = seen(&findings, "replication");
    assert_eq!((lost.verdict, int(lost, "slots_lost")), (Verdict::Critical, 1));
    assert!(lost.detail.starts_with("slot dead lost"), "{}", lost.detail);
    server.sql("postgres", "SELECT pg_drop_replication_slot('dead')").unwrap();
    server.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'far'; SELECT pg_reload_conf()").unwrap();
    let findings =
        until(&mut kept, |read| replication(read).is_some_and(|seen| seen.verdict == Verdict::Critical)).await;
    assert!(seen(&findings, "replication").detail.starts_with("no synchronous standby: commits wait"));
}
