//! A primary, its standby, and what is told of the way between them.

use super::*;
use midwatch::domain::Verdict;

pub(super) fn replication(read: &Result<Vec<Finding>, Loss>) -> Option<&Observation> {
    read.as_ref().ok().map(|findings| seen(findings, "replication"))
}

fn caught_up(read: &Result<Vec<Finding>, Loss>) -> bool {
    replication(read).is_some_and(|seen| seen.facts.get("lag_bytes") == Some(&Fact::Int(0)))
}

/// At least a megabyte behind.
fn behind(read: &Result<Vec<Finding>, Loss>) -> bool {
    let far = |fact: &Fact| matches!(fact, Fact::Int(bytes) if *bytes > 1 << 20);
    replication(read).is_some_and(|seen| seen.facts.get("lag_bytes").is_some_and(far))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_streams_pauses_and_loses_its_primary() {
    let mut primary = start(&Setup::default());
    let roles = "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE small LOGIN; CREATE TABLE t (a int)";
    primary.sql("postgres", roles).unwrap();
    let standby = PrivatePostgres::standby(&place(), &primary, &Setup::default()).unwrap();
    let mut up = reader(&primary.conninfo_as("watch", "postgres"), &[]);
    let mut down = reader(&standby.conninfo_as("watch", "postgres"), &[]);
    idle(&mut up, &mut down).await;
    hidden(&primary, &standby).await;

    // Paused, it falls behind in bytes.
    standby.sql("postgres", "SELECT pg_wal_replay_pause()").unwrap();
    primary.sql("postgres", "INSERT INTO t SELECT generate_series(1, 50000)").unwrap();
    let findings = until(&mut down, behind).await;
    let paused = seen(&findings, "replication");
    assert_eq!((paused.verdict, paused.facts["replay_paused"].clone()), (Verdict::Warn, Fact::Bool(true)));
    assert!(paused.detail.starts_with("replay is paused · lag "), "{}", paused.detail);
    until(&mut up, behind).await;
    standby.sql("postgres", "SELECT pg_wal_replay_resume()").unwrap();
    until(&mut down, caught_up).await;

    // Without its primary nothing is known of the lag, although everything that came is replayed.
    primary.kill();
    let unknown = |read: &Result<_, _>| replication(read).is_some_and(|seen| seen.verdict == Verdict::Unknown);
    let findings = until(&mut down, unknown).await;
    let lonely = seen(&findings, "replication");
    assert_eq!((lonely.detail.as_str(), text(lonely, "receiver")), ("no link to the primary, lag unknown", "none"));
    assert!(!lonely.facts.contains_key("lag_s") && lonely.trend.is_none());
    assert_eq!(seen(&findings, "").verdict, Verdict::Ok, "the standby itself answers");

    // The primary comes back; then its standby goes, and is missed.
    primary.run().unwrap();
    until(&mut up, caught_up).await;
    drop(standby);
    let findings =
        until(&mut up, |read| replication(read).is_some_and(|seen| seen.facts.contains_key("standbys_gone"))).await;
    let missed = seen(&findings, "replication");
    assert_eq!((missed.verdict, missed.detail.as_str()), (Verdict::Warn, "walreceiver gone"));
    let fresh = read(&primary.conninfo_as("watch", "postgres"), &[]).await;
    assert_eq!(replication(&fresh).unwrap().detail, "no standby", "who never saw one misses none");
}

/// Idle and caught up: no lag, however long ago the last transaction was.
async fn idle(up: &mut PostgresReader, down: &mut PostgresReader) {
    let findings = until(up, caught_up).await;
    let above = seen(&findings, "replication");
    assert_eq!((above.verdict, int(above, "standbys"), text(above, "state")), (Verdict::Ok, 1, "streaming"));
    assert!(above.detail.starts_with("walreceiver lag 0 B"), "{}", above.detail);
    let lag = above.trend.and_then(|trend| above.figure(trend.fact));
    assert_eq!((text(above, "sync_state"), lag), ("async", Some(0.0)));
    let identifier = text(seen(&findings, ""), "system_identifier").to_owned();
    let findings = until(down, caught_up).await;
    let below = seen(&findings, "replication");
    assert_eq!((below.verdict, below.detail.as_str()), (Verdict::Ok, "lag 0 B"));
    assert_eq!((below.facts["lag_s"].clone(), text(below, "receiver")), (Fact::Real(0.0), "streaming"));
    assert_eq!(seen(&findings, "").facts["is_standby"], Fact::Bool(true));
    assert_eq!(text(seen(&findings, ""), "system_identifier"), identifier, "a standby is the same cluster");
}

/// A small role knows of the standby and not of its lag; on the standby not even whether it streams.
async fn hidden(primary: &PrivatePostgres, standby: &PrivatePostgres) {
    for (server, expected) in [
        (primary, "1 standby, lag hidden, needs pg_monitor"),
        (standby, "lag unknown: the link's state needs pg_monitor"),
    ] {
        let read = read(&server.conninfo_as("small", "postgres"), &[]).await;
        let hidden = replication(&read).unwrap();
        assert_eq!((hidden.verdict, hidden.detail.as_str()), (Verdict::Unknown, expected));
        assert!(!hidden.facts.contains_key("lag_bytes") && hidden.trend.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_slot_is_a_warning_unless_no_standby_has_ever_used_it() {
    let server = start(&Setup::default());
    server.sql("postgres", "SELECT pg_create_physical_replication_slot('planned')").unwrap();
    let row = async || {
        let read = read(&server.conninfo("postgres"), &[]).await;
        let seen = replication(&read).unwrap();
        (seen.verdict, seen.detail.clone(), int(seen, "slots_inactive"))
    };
    assert_eq!(row().await, (Verdict::Ok, "no standby".to_owned(), 1));
    server.sql("postgres", "SELECT pg_create_physical_replication_slot('stby1', true)").unwrap();
    // Whoever has never seen its standby warns, too, however little is kept.
    let (verdict, detail, inactive) = row().await;
    assert_eq!((verdict, inactive), (Verdict::Warn, 2));
    assert!(detail.starts_with("slot stby1 is unused and keeps ") && detail.ends_with(" · no standby"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_and_synchronous_standbys_that_are_missing_are_told() {
    let server =
        start(&Setup { settings: "max_slot_wal_keep_size = 3MB\nmax_wal_size = 4MB\n".into(), ..Setup::default() });
    server
        .sql("postgres", "CREATE TABLE t (a text); SELECT pg_create_physical_replication_slot('dead', true)")
        .unwrap();
    let mut kept = reader(&server.conninfo("postgres"), &[]);
    let findings = kept.read().await.unwrap();
    let seen_first = seen(&findings, "replication");
    assert_eq!((int(seen_first, "slots"), int(seen_first, "slots_inactive"), text(seen_first, "slot")), (1, 1, "dead"));
    assert!(seen_first.detail.contains("slot dead is unused and keeps "), "{}", seen_first.detail);
    assert_eq!(seen_first.verdict, Verdict::Warn, "a slot that keeps WAL has had a standby, or waits for one");
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

/// Reads until commits hang, and gives the row.
async fn hanging(reader: &mut PostgresReader) -> Observation {
    let hangs = |read: &Result<_, _>| {
        replication(read)
            .is_some_and(|seen| seen.verdict == Verdict::Critical && seen.facts.contains_key("commits_waiting"))
    };
    seen(&until(reader, hangs).await, "replication").clone()
}

/// A commit of its own session, which may wait.
fn commit(server: &PrivatePostgres) -> tokio::task::JoinHandle<()> {
    let conninfo = server.conninfo("postgres");
    tokio::spawn(async move {
        let (client, connection) = tokio_postgres::connect(&conninfo, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_hang_for_a_synchronous_standby_are_critical() {
    let primary = start(&Setup::default());
    primary.sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE TABLE t (a int)").unwrap();
    let standby = PrivatePostgres::standby(&place(), &primary, &Setup::default()).unwrap();
    let mut up = reader(&primary.conninfo_as("watch", "postgres"), &[]);
    until(&mut up, caught_up).await;

    // One of the two that must confirm is missing.
    let set = |names: &str| {
        primary
            .sql(
                "postgres",
                &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'; SELECT pg_reload_conf()"),
            )
            .unwrap();
    };
    set("FIRST 2 (walreceiver, other)");
    let lacks = |read: &Result<_, _>| {
        replication(read).is_some_and(|seen| seen.detail.starts_with("1 of 2 synchronous standbys: commits wait"))
    };
    until(&mut up, lacks).await;
    let waits = commit(&primary);
    let row = hanging(&mut up).await;
    assert_eq!((int(&row, "commits_waiting"), row.verdict), (1, Verdict::Critical));
    assert!(row.detail.contains("1 commit waits for a synchronous standby, longest "), "{}", row.detail);
    set("");
    waits.await.unwrap();

    // All are there, and what they must confirm does not come: replay is paused.
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_commit = remote_apply").unwrap();
    set("*");
    let calm = |read: &Result<_, _>| replication(read).is_some_and(|seen| seen.verdict == Verdict::Ok);
    until(&mut up, calm).await;
    standby.sql("postgres", "SELECT pg_wal_replay_pause()").unwrap();
    let waits = commit(&primary);
    let row = hanging(&mut up).await;
    assert!(row.detail.starts_with("1 commit waits for a synchronous standby, longest "), "{}", row.detail);
    assert!(int(&row, "commits_waiting_s") >= 2);
    standby.sql("postgres", "SELECT pg_wal_replay_resume()").unwrap();
    waits.await.unwrap();
    let findings = until(&mut up, calm).await;
    assert!(!seen(&findings, "replication").facts.contains_key("commits_waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_wal_and_replays_none_is_no_standby() {
    let primary = start(&Setup::default());
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = Receiver::start(&primary, dir.path());
    let mut up = reader(&primary.conninfo("postgres"), &[]);
    let streams = |read: &Result<_, _>| replication(read).is_some_and(|seen| seen.facts.contains_key("receivers"));
    let findings = until(&mut up, streams).await;
    let row = seen(&findings, "replication");
    assert_eq!((int(row, "standbys"), int(row, "receivers"), row.verdict), (0, 1, Verdict::Ok));
    assert_eq!(row.detail, "no standby · WAL without replay: pg_receivewal");
    assert!(row.trend.is_none() && !row.facts.contains_key("lag_bytes"), "a lag of nobody");
    supervisor.stop();
}

/// `pg_receivewal`, which ends with this value.
struct Receiver(std::process::Child);

impl Receiver {
    fn start(primary: &PrivatePostgres, into: &Path) -> Self {
        let programs = midwatch::demo::postgres::programs::Programs::find().unwrap();
        let mut run = std::process::Command::new(programs.directory.join("pg_receivewal"));
        run.arg("--no-sync").arg("-D").arg(into).arg("-d").arg(primary.conninfo("postgres"));
        run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Self(run.spawn().unwrap())
    }

    fn stop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}
