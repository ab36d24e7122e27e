//! Servers that are lost, and come back.

use super::*;
use midwatch::domain::Verdict;
use midwatch::probes::postgres::connect::connect;
use midwatch::probes::renewal::Renewal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// A server for one test that does not speak as PostgreSQL does; gives its port.
async fn double<S, F>(serve: S) -> u16
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

async fn refused_by(port: u16, rest: &str) -> String {
    let began = Instant::now();
    let why = refused(&format!("host=127.0.0.1 port={port} user=watch connect_timeout=2 {rest}"), &[]).await;
    assert!(began.elapsed() < Duration::from_secs(60), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_postgresql_is_told_apart_from_silence() {
    let silent = double(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert_eq!(refused_by(silent, "").await, "no answer within 2 s");
    let closes = double(|stream| async move { drop(stream) }).await;
    let why = refused_by(closes, "").await;
    assert_eq!(why, "connection closed by the server");
    let speaks = |bytes: &'static [u8]| {
        double(move |mut stream| async move {
            let mut some = [0; 8];
            let _ = stream.read(&mut some).await;
            let _ = stream.write_all(bytes).await;
            std::future::pending::<()>().await;
        })
    };
    for bytes in [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), b"\0\0\0\0\0\0\0\0\0\0", b"220 mail ESMTP\r\n"] {
        let port = speaks(bytes).await;
        for mode in ["disable", "require"] {
            let why = refused_by(port, &format!("sslmode={mode}")).await;
            let known = ["the answer is not PostgreSQL's", "no answer within 2 s", "TLS: the server does not offer it"];
            assert!(known.contains(&why.as_str()), "{mode}: {why}");
        }
    }
    let ssh = speaks(b"SSH-2.0-OpenSSH_9.2p1\r\n").await;
    assert_eq!(refused_by(ssh, "sslmode=require").await, "the answer is not TLS");
    // Without an end, but not without a limit.
    let flood = double(|mut stream| async move {
        let block = [b'R', 0x7f, 0xff, 0xff, 0xff].repeat(20_000);
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let why = refused_by(flood, "sslmode=disable").await;
    assert!(why.contains("too long"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_two_questions_is_lost_and_found_again() {
    let mut server = start(&Setup::default());
    server.sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor").unwrap();
    let written = server.conninfo_as("watch", "postgres");
    let mut kept = reader(&written, &[]);
    let session = connect(&access(&written, &[])).await.unwrap();
    kept.read().await.unwrap();
    server.kill();
    // Its processes end when they notice that the first one has gone.
    until(&mut kept, Result::is_err).await;
    let why = kept.read().await.unwrap_err();
    let socket = server.socket_directory().join(format!(".s.PGSQL.{}", server.port()));
    let gone = [
        format!("nobody listens on {}", socket.display()),
        "connection closed by the server".to_owned(),
        "the server died".to_owned(),
    ];
    assert!(gone.iter().any(|words| words == why.why()), "{why}");
    let failure = loop {
        if let Err(failure) = session.rows("SELECT 1").await {
            break failure;
        }
    };
    assert!(session.is_over() && gone.contains(&failure.reason), "{failure}");
    server.run().unwrap();
    kept.read().await.expect("the next reading opens a new session");

    // The session alone ends.
    server
        .sql("postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'watch'")
        .unwrap();
    let ended = kept.read().await;
    assert!(
        ended.is_ok()
            || ended.is_err_and(|loss| loss == Loss::unread("the connection was ended by the server's administrator"))
    );
    assert!(kept.read().await.is_ok());

    server.stop();
    let stopped = format!("no socket {}", socket.display());
    assert_eq!(kept.read().await.unwrap_err(), Loss::down(stopped));
    server.run().unwrap();
    assert!(kept.read().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_under_way_when_the_server_dies_ends_with_it() {
    let mut server = start(&Setup::default());
    let session = connect(&access(&server.conninfo("postgres"), &[])).await.unwrap();
    session.rows("SET statement_timeout = 0").await.unwrap();
    let asked =
        tokio::spawn(async move { session.rows_within("SELECT pg_sleep(60)", Duration::from_secs(60)).await.err() });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
    while server.sql("postgres", waiting).unwrap() != "1" {}
    server.kill();
    let failure = asked.await.unwrap().unwrap();
    // Not by the limit of the question, which is as long as the question itself.
    assert!(!failure.reason.contains("no answer within"), "{}", failure.reason);
    assert!(failure.code.is_none_or(|code| code.starts_with("57P")), "{}", failure.reason);
}

/// An `ErrorResponse` with these fields.
fn error(code: &str, text: &str, routine: &str) -> Vec<u8> {
    let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', text), ('R', routine)];
    let body: String = fields.iter().map(|(key, value)| format!("{key}{value}\0")).collect::<String>() + "\0";
    let length = u32::try_from(body.len() + 4).unwrap();
    [&b"E"[..], &length.to_be_bytes(), body.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_any_language_is_known_by_its_code_and_its_function() {
    let entry = "kein pg_hba.conf-Eintrag f\u{fc}r Host";
    let gone = "Verbindung wird abgebrochen";
    for (code, text, routine, why) in [
        ("28000", entry, "ClientAuthentication", "no pg_hba.conf entry for role watch, without TLS"),
        // The words of one in another's mouth decide nothing.
        ("28000", "no pg_hba.conf entry for it", "InitializeSessionUserId", "no pg_hba.conf entry for it"),
        ("57P01", gone, "secure_read", "the server died"),
        ("57P01", "postmaster exit", "ProcessInterrupts", "the connection was ended by the server's administrator"),
        ("55P03", "Sperre nicht verf\u{fc}gbar", "ProcessInterrupts", "a lock was in the way"),
    ] {
        let lines = error(code, text, routine);
        let port = double(move |mut stream| {
            let messages = lines.clone();
            async move {
                let mut some = [0; 512];
                let _ = stream.read(&mut some).await;
                let _ = stream.write_all(&messages).await;
            }
        })
        .await;
        assert_eq!(refused_by(port, "sslmode=disable").await, why, "{code} {routine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_cut_off_by_the_server_itself() {
    let session = connect(&access(&shared().conninfo("postgres"), &[])).await.unwrap();
    session.rows("SET statement_timeout = 50").await.unwrap();
    let failure = session.rows("SELECT pg_sleep(60)").await.err().unwrap();
    assert_eq!(
        (failure.code.as_deref(), failure.reason.as_str()),
        (Some("57014"), "the answer took longer than statement_timeout")
    );
    assert!(!session.is_over());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_in_the_middle_is_lost_after_a_while() {
    let server = shared();
    let socket = server.socket_directory().join(format!(".s.PGSQL.{}", server.port()));
    let (stall, stalled) = tokio::sync::watch::channel(false);
    // Passes on what both say, until it passes on nothing more.
    let port = double(move |near| {
        let (socket, stalled) = (socket.clone(), stalled.clone());
        async move {
            let far = UnixStream::connect(socket).await.unwrap();
            let (mut near_in, mut near_out) = near.into_split();
            let (mut far_in, mut far_out) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await });
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = far_in.read(&mut some).await {
                if *stalled.borrow() {
                    std::future::pending::<()>().await;
                }
                let _ = near_out.write_all(&some[..count]).await;
            }
        }
    })
    .await;
    let mut kept = reader(
        &format!("host=127.0.0.1 port={port} user=watch dbname=postgres sslmode=disable connect_timeout=2"),
        &[],
    );
    kept.read().await.unwrap();
    stall.send(true).unwrap();
    assert_eq!(kept.read().await.unwrap_err(), Loss::unread("no answer within 6 s"));
    assert_eq!(
        kept.read().await.unwrap_err(),
        Loss::unread("no answer within 2 s"),
        "it is not waited for on the same session again"
    );
    stall.send(false).unwrap();
    assert!(kept.read().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_or_recovers_serves_nobody() {
    let server = start(&Setup::default());
    let written = server.conninfo("postgres");
    let held = connect(&access(&written, &[])).await.unwrap();
    // A smart shutdown waits for the sessions that are there, and takes none.
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut other = reader(&written, &[]);
    until(&mut other, Result::is_err).await;
    assert_eq!(other.read().await.unwrap_err(), Loss::down("the server is shutting down"));
    drop((held, server));

    // A standby that answers no questions is in recovery for as long as it lives.
    let mut server = start(&Setup { settings: "hot_standby = off\n".into(), ..Setup::default() });
    server.stop();
    std::fs::write(server.data().join("standby.signal"), "").unwrap();
    let (written, cancel) = (server.conninfo("postgres"), server.cancel());
    let starting = std::thread::spawn(move || {
        let never = server.run();
        (server, never)
    });
    let mut other = reader(&written, &[]);
    let began = Instant::now();
    let loss = loop {
        match other.read().await {
            Err(loss) if loss.why().starts_with("the server is ") => break loss,
            seen => assert!(began.elapsed() < Duration::from_secs(60), "waited in vain: {seen:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    cancel.cancel();
    let (_server, never) = starting.join().unwrap();
    assert!(never.is_err(), "it was never ready");
    assert!(matches!(&loss, Loss::Down(why) if why.ends_with("starting up") || why.ends_with("accepting connections")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_missing() {
    let written = shared().conninfo_as("watch", "absent");
    assert_eq!(read(&written, &[]).await.unwrap_err(), Loss::missing("database absent does not exist"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_the_connection_is_down_unless_it_has_answered() {
    // What it answers before it ends the connection, and whether it resets it.
    for (answers, resets, down) in [
        (&b""[..], true, true),
        (b"", false, true),
        (b"R\0\0\0\x08\0\0\0\0S", true, false),
        (b"R\0\0\0\x08\0\0\0\0S", false, false),
    ] {
        let port = double(move |mut stream| async move {
            let mut some = [0; 4096];
            let _ = stream.read(&mut some).await;
            let _ = stream.write_all(answers).await;
            // The client has read it when it has had the time to.
            if resets {
                if !answers.is_empty() {
                    let _ = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut some)).await;
                }
                rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }
        })
        .await;
        let written = format!("host=127.0.0.1 port={port} user=watch connect_timeout=2 sslmode=disable");
        let loss = read(&written, &[]).await.unwrap_err();
        let why = "connection closed by the server";
        let expected = if down { Loss::down(why) } else { Loss::unread(why) };
        assert_eq!(loss, expected, "{answers:?} {resets}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_run_out_warn_before_the_last_one() {
    let settings = "max_connections = 23\nsuperuser_reserved_connections = 3\n";
    let server = start(&Setup { settings: settings.into(), ..Setup::default() });
    server.sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor").unwrap();
    let written = server.conninfo_as("watch", "postgres");
    let mut reader = reader(&written, &[]);
    let mut held = Vec::new();
    // Those that are reserved for superusers are no places for others.
    for (taken, verdict, text) in [
        (15, Verdict::Ok, "15 of 20"),
        (16, Verdict::Warn, "16 of 20"),
        (18, Verdict::Warn, "18 of 20"),
        (19, Verdict::Critical, "19 of 20"),
        (20, Verdict::Critical, "20 of 20"),
    ] {
        while held.len() + 1 < taken {
            held.push(connect(&access(&written, &[])).await.unwrap());
        }
        let findings = reader.read().await.unwrap();
        let seen = seen(&findings, "connections");
        assert_eq!(seen.verdict, verdict, "{}", seen.detail);
        assert!(seen.detail.starts_with(text), "{}", seen.detail);
        assert_eq!((&seen.facts["warn_ratio"], &seen.facts["critical_ratio"]), (&Fact::Real(0.8), &Fact::Real(0.95)));
    }
    let refused = read(&written, &[]).await.unwrap();
    let full = seen(&refused, "connections");
    assert_eq!((full.verdict, full.detail.as_str()), (Verdict::Critical, "none left: the server refuses more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_new_connection_is_not_ok_over_the_one_that_is_kept() {
    let server = start(&Setup::default());
    let postmaster = rustix::process::Pid::from_raw(i32::try_from(server.pid().unwrap()).unwrap()).unwrap();
    let target = Database {
        name: "main".into(),
        watch: access(&format!("{} connect_timeout=2", server.conninfo("postgres")), &[]),
        can_act: false,
        critical: true,
        bloat_size: 1,
        transaction_age: Postgres::TRANSACTION_AGE,
        kept_wal: Postgres::KEPT_WAL,
    };
    let mut eager = PostgresReader::renewing(target.clone(), Renewal::each(Duration::ZERO));
    let mut calm = PostgresReader::new(target);
    assert!(eager.read().await.is_ok() && calm.read().await.is_ok());
    rustix::process::kill_process(postmaster, rustix::process::Signal::STOP).unwrap();
    let lost = eager.read().await;
    let kept = calm.read().await;
    rustix::process::kill_process(postmaster, rustix::process::Signal::CONT).unwrap();
    assert_eq!(lost.unwrap_err(), Loss::unread("takes no new connection: no answer within 2 s"));
    assert!(kept.is_ok(), "its backend lives, and it is not yet time for a new one");
    let back = until(&mut eager, Result::is_ok).await;
    assert_eq!(seen(&back, "").verdict, Verdict::Ok);
    // The connection before each new one is let go.
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'midwatch'";
    for _ in 0..5 {
        eager.read().await.unwrap();
    }
    let began = Instant::now();
    while server.sql("postgres", count).unwrap().trim() != "2" {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", server.sql("postgres", count).unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
