//! Who is let in, and what a role is shown.

use super::*;
use midwatch::domain::{Trend, Verdict};
use midwatch::probes::postgres::connect::connect;

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_socket_gives_the_three_rows() {
    let server = shared();
    let findings = read(&server.conninfo_as("watch", "postgres"), &[]).await.unwrap();
    let objects: Vec<_> = findings.iter().map(|finding| finding.object.as_deref()).collect();
    assert_eq!(objects, [None, Some("connections"), Some("replication")]);
    let itself = seen(&findings, "");
    assert_eq!(itself.verdict, Verdict::Ok);
    assert!(itself.detail.starts_with("primary 1") && !itself.detail.contains("pg_monitor"), "{}", itself.detail);
    for (fact, expected) in [("role", "watch"), ("database", "postgres"), ("tls", "none")] {
        assert_eq!(text(itself, fact), expected);
    }
    let identifier = server.sql("postgres", "SELECT system_identifier FROM pg_control_system()").unwrap();
    assert_eq!(text(itself, "system_identifier"), identifier);
    assert_eq!(itself.facts["is_standby"], Fact::Bool(false));
    assert_eq!(itself.facts["can_act"], Fact::Bool(false));
    assert_eq!(text(itself, "server"), format!("{}:{}/postgres", server.socket_directory().display(), server.port()));
    assert!(int(itself, "version_num") >= 150_000 && int(itself, "uptime_s") >= 0);
    assert_eq!(itself.trend, Some(Trend::of("latency_ms")));
    let connections = seen(&findings, "connections");
    assert_eq!((int(connections, "connections_limit"), connections.verdict), (97, Verdict::Ok));
    assert!(int(connections, "connections") >= 1);
    let replication = seen(&findings, "replication");
    assert_eq!((replication.detail.as_str(), replication.verdict), ("no standby", Verdict::Ok));
    assert!(!replication.facts.contains_key("lag_s") && replication.trend.is_none(), "a lag was invented");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_only_looks_and_the_server_knows_its_name() {
    let server = shared();
    let question = "SELECT application_name, state FROM pg_stat_activity WHERE usename = 'other'";
    let mut kept =
        reader(&server.conninfo_as("other", "postgres"), &[("PGOPTIONS", "-c default_transaction_read_only=off")]);
    kept.read().await.unwrap();
    assert_eq!(server.sql("postgres", question).unwrap(), "midwatch|idle");
    kept.read().await.unwrap();
    assert_eq!(server.sql("postgres", question).unwrap(), "midwatch|idle", "one session serves every reading");
    let wide = [("PGOPTIONS", "-c default_transaction_read_only=off -c search_path=public")];
    let session = connect(&access(&server.conninfo("postgres"), &wide)).await.unwrap();
    for (setting, expected) in [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "500ms"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("search_path", "pg_catalog"),
    ] {
        let line = session.row(&format!("SELECT current_setting('{setting}') AS it")).await.unwrap();
        assert_eq!(line.text("it"), Some(expected), "{setting}");
    }
    let failure = session.rows("CREATE TABLE public.t (a int)").await.err().unwrap();
    assert_eq!((failure.code.as_deref(), failure.is_denied()), (Some("25006"), false));
    assert!(session.rows("SELECT 1").await.is_ok(), "a refusal ends no session");
    drop((kept, session));
    let gone = || server.sql("postgres", question).unwrap().is_empty();
    let began = Instant::now();
    while !gone() {
        assert!(began.elapsed() < Duration::from_secs(60), "a session was left behind");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_role_is_told_what_it_cannot_see() {
    let server = shared();
    let _holder = reader(&server.conninfo_as("watch", "postgres"), &[]).read().await.unwrap();
    let mut other = reader(&server.conninfo_as("watch", "postgres"), &[]);
    other.read().await.unwrap();
    let findings = read(&server.conninfo_as("small", "postgres"), &[]).await.unwrap();
    let itself = seen(&findings, "");
    assert_eq!(itself.facts["has_pg_monitor"], Fact::Bool(false));
    assert!(itself.detail.ends_with("role without pg_monitor"), "{}", itself.detail);
    assert!(itself.facts.contains_key("system_identifier"));
    let connections = seen(&findings, "connections");
    assert!(connections.detail.ends_with("hidden, needs pg_monitor"), "{}", connections.detail);
    assert!(int(connections, "connections_hidden") >= 1 && int(connections, "connections") >= 2);
    assert!(!connections.facts.contains_key("idle_in_transaction"), "what is hidden is not zero");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_proven_and_never_told() {
    let server = shared();
    let written = server.conninfo_as("scram", "postgres");
    assert!(read(&written, &[("PGPASSWORD", "it's right")]).await.is_ok());
    let wrong = refused(&written, &[("PGPASSWORD", "hunter2")]).await;
    assert_eq!(wrong, "password rejected for role scram");
    assert_eq!(refused(&written, &[]).await, "a password is needed for role scram, and none is given");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pgpass");
    std::fs::write(&file, "*:*:*:scram:it's right\n").unwrap();
    let open = refused(&written, &[("PGPASSFILE", file.to_str().unwrap())]).await;
    assert!(open.contains("none is given: the password file") && open.contains("open to others"), "{open}");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(read(&written, &[("PGPASSFILE", file.to_str().unwrap())]).await.is_ok());
    let tcp = format!("host=127.0.0.1 port={} user=scram dbname=postgres", server.port());
    assert!(read(&tcp, &[("PGPASSWORD", "it's right")]).await.is_ok());
    assert_eq!(
        refused(&format!("{tcp} sslmode=require"), &[("PGPASSWORD", "x")]).await,
        "TLS: the server does not offer it"
    );
    let bound = refused(&format!("{tcp} channel_binding=require"), &[("PGPASSWORD", "it's right")]).await;
    assert_eq!(bound, "the server does not bind the password to TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_reason() {
    let server = shared();
    let as_role = |role: &str| server.conninfo_as(role, "postgres");
    assert_eq!(refused(&server.conninfo_as("watch", "nowhere"), &[]).await, "database nowhere does not exist");
    assert_eq!(refused(&as_role("stranger"), &[]).await, "role \"stranger\" does not exist");
    assert_eq!(refused(&as_role("outside"), &[]).await, "no pg_hba.conf entry for role outside, without TLS");
    let peer = refused(&as_role("nobody_at_all"), &[]).await;
    assert_eq!(peer, "Peer authentication failed for user \"nobody_at_all\"");
    let none = refused(&format!("host=127.0.0.1 port={} user=watch", server.port()), &[]).await;
    assert_eq!(none, "no pg_hba.conf entry for role watch, without TLS");
    let dir = tempfile::tempdir().unwrap();
    let written = format!("host={} user=watch", dir.path().display());
    assert_eq!(refused(&written, &[]).await, format!("no socket {}/.s.PGSQL.5432", dir.path().display()));
    drop(std::os::unix::net::UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap());
    assert_eq!(refused(&written, &[]).await, format!("nobody listens on {}/.s.PGSQL.5432", dir.path().display()));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(refused(&format!("host=127.0.0.1 port={free} user=watch"), &[]).await, "connection refused");
    let both = refused(&format!("host=127.0.0.1,{} port={free} user=watch", dir.path().display()), &[]).await;
    let socket = dir.path().join(format!(".s.PGSQL.{free}"));
    assert_eq!(
        both,
        format!(
            "127.0.0.1:{free}: connection refused; {}:{free}: no socket {}",
            dir.path().display(),
            socket.display()
        )
    );
    assert_eq!(refused("service=nowhere", &[]).await, "there is no service nowhere");
    let second = format!(
        "host=127.0.0.1,{} port={free},{} user=watch dbname=postgres",
        server.socket_directory().display(),
        server.port()
    );
    assert!(read(&second, &[]).await.is_ok(), "the second server answers");
    let standby = format!("{} target_session_attrs=standby", as_role("watch"));
    assert_eq!(refused(&standby, &[]).await, "the server is a primary");
    assert!(read(&format!("{} target_session_attrs=prefer-standby", as_role("watch")), &[]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_count_up_to_the_last_one() {
    let server = start(&Setup {
        settings: "max_connections = 8\nsuperuser_reserved_connections = 3\n".into(),
        ..Setup::default()
    });
    server.sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor").unwrap();
    let written = server.conninfo_as("watch", "postgres");
    let mut first = reader(&written, &[]);
    let held = connect(&access(&written, &[])).await.unwrap();
    held.rows("BEGIN").await.unwrap();
    let findings = first.read().await.unwrap();
    let seen_first = seen(&findings, "connections");
    assert_eq!((int(seen_first, "connections"), int(seen_first, "connections_limit")), (2, 5));
    assert_eq!((int(seen_first, "idle_in_transaction"), seen_first.verdict), (1, Verdict::Ok));
    assert!(seen_first.detail.starts_with("2 of 5 · 1 idle in transaction, up to "), "{}", seen_first.detail);
    let mut more = Vec::new();
    for _ in 0..3 {
        more.push(connect(&access(&written, &[])).await.unwrap());
    }
    let findings = first.read().await.unwrap();
    let full = seen(&findings, "connections");
    assert_eq!((full.verdict, full.facts["connections_ratio"].clone()), (Verdict::Critical, Fact::Real(1.0)));
    // One who comes too late.
    let findings = read(&written, &[]).await.unwrap();
    let late = seen(&findings, "connections");
    assert_eq!((late.verdict, late.detail.as_str()), (Verdict::Critical, "none left: the server refuses more"));
    let others: Vec<_> = findings.iter().filter_map(|finding| Some(finding.seen.as_ref().err()?.why())).collect();
    assert_eq!(others, ["too many connections", "too many connections"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_one_role_or_one_database_says_nothing_of_the_server() {
    let server = start(&Setup::default());
    let script = "CREATE ROLE watch LOGIN IN ROLE pg_monitor CONNECTION LIMIT 1; CREATE ROLE other LOGIN; \
        CREATE DATABASE small CONNECTION LIMIT 1;";
    for statement in script.split_inclusive(';') {
        server.sql("postgres", statement).unwrap();
    }
    for (role, database, whose) in [("watch", "postgres", "role watch"), ("other", "small", "database small")] {
        let written = server.conninfo_as(role, database);
        let _held = connect(&access(&written, &[])).await.unwrap();
        assert_eq!(
            refused(&written, &[]).await,
            format!("too many connections for {whose}: its CONNECTION LIMIT is reached"),
            "a reading that learned nothing, and no verdict on the server"
        );
    }
}
