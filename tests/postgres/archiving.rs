//! A server that archives its WAL, or cannot.

use super::*;
use midwatch::domain::Verdict;

fn row(read: &Result<Vec<Finding>, Loss>) -> Option<&Observation> {
    let finding = read.as_ref().ok()?.iter().find(|finding| finding.object.as_deref() == Some("archiving"))?;
    finding.seen.as_ref().ok()
}

/// A new command, and a segment to archive by it.
fn set(server: &PrivatePostgres, command: &str) {
    let sql = format!("ALTER SYSTEM SET archive_command = '{command}'; SELECT pg_reload_conf()");
    server.sql("postgres", &sql).unwrap();
    server.sql("postgres", "INSERT INTO t VALUES (1); SELECT pg_switch_wal()").unwrap();
}

/// A command that hangs shows in what waits alone, which a small role does not see.
async fn hidden(small: &mut PostgresReader) {
    let hidden = small.read().await;
    let hidden = row(&hidden).unwrap();
    assert_eq!(hidden.verdict, Verdict::Unknown);
    assert!(
        hidden.detail.starts_with("WAL that waits: hidden, needs pg_monitor · last archived "),
        "{}",
        hidden.detail
    );
    assert_eq!(text(hidden, "remedy_command"), "GRANT pg_monitor TO small;");
    assert!(!hidden.facts.contains_key("archive_waiting"), "what is hidden is not zero");
}

/// It neither fails nor ends.
async fn hangs(server: &PrivatePostgres, watch: &str) {
    set(server, "sleep 60");
    let mut strict = PostgresReader::new(Database { kept_wal: 1, ..database(watch, &[]) });
    let late = |read: &Result<_, _>| {
        row(read)
            .is_some_and(|seen| seen.verdict == Verdict::Warn && seen.detail.starts_with("1.0 MiB of WAL waits, for "))
    };
    until(&mut strict, late).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_archived_is_never_ok() {
    let settings = "archive_mode = on\narchive_command = 'true'\n".to_owned();
    let server = start(&Setup { settings: settings.clone(), ..Setup::default() });
    let roles = "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE small LOGIN; CREATE TABLE t (a int)";
    server.sql("postgres", roles).unwrap();
    let watch = server.conninfo_as("watch", "postgres");
    let (mut watching, mut small) = (reader(&watch, &[]), reader(&server.conninfo_as("small", "postgres"), &[]));

    set(&server, "true");
    let archived = |read: &Result<_, _>| {
        row(read).is_some_and(|seen| {
            seen.verdict == Verdict::Ok
                && seen.detail.starts_with("last archived ")
                && int(seen, "archive_waiting") == 0
        })
    };
    until(&mut watching, archived).await;
    hidden(&mut small).await;

    set(&server, "false");
    let fails = |read: &Result<_, _>| row(read).is_some_and(|seen| seen.verdict == Verdict::Warn);
    let findings = until(&mut watching, fails).await;
    let failing = seen(&findings, "archiving");
    let segment = text(failing, "archive_failed_wal");
    assert!(
        failing.detail.starts_with(&format!("archive_command fails: {segment} is not archived, tried ")),
        "{failing:?}"
    );
    assert!(int(failing, "archive_waiting") >= 1 && int(failing, "archive_waiting_bytes") >= 1 << 20, "{failing:?}");
    assert_eq!(failing.facts["archive_fails"], Fact::Bool(true));
    // That it fails, every role sees.
    let findings = until(&mut small, fails).await;
    assert_eq!(text(seen(&findings, "archiving"), "remedy_command"), "GRANT pg_monitor TO small;");

    set(&server, "");
    let empty = |read: &Result<_, _>| {
        row(read).is_some_and(|seen| seen.detail.starts_with("archive_mode is on and archive_command is empty"))
    };
    let findings = until(&mut watching, empty).await;
    assert_eq!(seen(&findings, "archiving").verdict, Verdict::Warn);
    set(&server, "true");
    until(&mut watching, archived).await;
    hangs(&server, &watch).await;

    // Its standby archives nothing itself.
    let standby = PrivatePostgres::standby(&place(), &server, &Setup { settings, ..Setup::default() }).unwrap();
    let read = read(&standby.conninfo("postgres"), &[]).await;
    assert!(read.is_ok() && row(&read).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_neither_archives_nor_subscribes_has_no_row_for_it() {
    let read = read(&shared().conninfo_as("small", "postgres"), &[]).await.unwrap();
    let objects: Vec<_> = read.iter().map(|finding| finding.object.as_deref().unwrap_or_default()).collect();
    assert_eq!(objects, ["", "connections", "replication"]);
}
