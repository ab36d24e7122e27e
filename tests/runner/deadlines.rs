//! What never answers keeps no act, no check and no reading past its deadline.
//!
//! | what is wrong | how it is made |
//! |---|---|
//! | a name is looked up for ever | a resolver that takes every question and answers none, with 150 s of patience in `resolv.conf` |
//! | a connection is never made | a listener whose queue is full: the kernel drops every further SYN (listen(2)) |
//! | a connection is accepted and nothing sent | a listener that reads and never writes |
//! | a handshake of TLS stalls | the same, and what is asked is asked through TLS; PostgreSQL's `SSLRequest` is answered first |
//!
//! The resolver needs the address 127.0.0.1:53 and a `resolv.conf` of its own, so the test runs itself again in a network and a
//! mount namespace (unshare(1)), which root alone may make.

use crate::runner::sql::Base;
use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent, decide};
use crate::support::s3::{KEY, SECRET};
use midwatch::demo::redis::PrivateRedis;
use midwatch::journal::record::{Ask, Choice, Ending, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Set where the test runs itself again.
const INSIDE: &str = "MIDWATCH_TEST_INSIDE";

/// A resolver's patience that no deadline of ours comes near.
const RESOLV: &str = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";

/// What leads nowhere, and how it is asked.
struct Fault {
    what: &'static str,
    host: &'static str,
    port: u16,
    tls: bool,
    /// Whether a request leaves before anything is known to be wrong.
    sent: bool,
}

impl Fault {
    fn url(&self, scheme: &str) -> String {
        let s = if self.tls { "s" } else { "" };
        format!("{scheme}{s}://{}:{}", self.host, self.port)
    }

    fn conninfo(&self) -> String {
        let mode = if self.tls { "require" } else { "disable" };
        format!("host={} port={} user=watch dbname=postgres connect_timeout=2 sslmode={mode}", self.host, self.port)
    }

    /// The entries of an estate in which everything leads there.
    fn everything(&self) -> String {
        format!(
            "[[service]]\nname = \"web\"\nurl = \"{}/\"\ntimeout = \"2s\"\n[[postgres]]\nname = \"main\"\nwatch = \"{}\"\n\
             [[redis]]\nname = \"cache\"\nurl = \"{}/0\"\n[[certificate]]\nname = \"served\"\nconnect = \"{}:{}\"\n{}\
             [[backup]]\nname = \"copies\"\nobjects = \"s3://copies/x/\"\nmax_age = \"24h\"\n",
            self.url("http"),
            self.conninfo(),
            self.url("redis"),
            self.host,
            self.port,
            self.store()
        )
    }

    fn store(&self) -> String {
        format!(
            "[secrets]\ns3-id = \"env:S3_ID\"\ns3-key = \"env:S3_KEY\"\n[[store]]\nname = \"store\"\nbucket = \"copies\"\n\
             endpoint = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"secret:s3-id\"\nsecret_key = \"secret:s3-key\"\n",
            self.url("http")
        )
    }
}

fn estate(entries: &str) -> Estate {
    let estate = Estate::default().with("S3_ID", KEY).with("S3_KEY", SECRET);
    estate.configure(entries);
    estate
}

fn outcome(run: &Run<'_>) -> Outcome {
    run.wait("an outcome", |view| view.steps[0].outcome.is_some()).steps[0].outcome.clone().unwrap()
}

/// Every reading is unknown, or names the other protocol, within the minute that `finish` gives it.
fn readings(fault: &Fault) {
    let estate = estate(&fault.everything());
    let printed = estate.midwatch(&["check", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let panes = report["panes"].as_object().unwrap();
    let rows: Vec<_> = panes.values().flat_map(|rows| rows.as_array().into_iter().flatten()).collect();
    // The rows of the host that runs the test are its own: its disk may be full.
    printed.exits(if rows.iter().any(|row| row["verdict"] == "critical") { 2 } else { 3 });
    for name in ["web", "main", "cache", "served", "copies"] {
        let own: Vec<_> = rows.iter().filter(|row| row["target"] == name).collect();
        assert!(!own.is_empty(), "{}: {name} has no row: {rows:#?}", fault.what);
        // The silent listener takes TLS as PostgreSQL does: where a certificate is expected, that is another protocol.
        let speaks = name == "served" && matches!(fault.what, "an answer" | "a handshake");
        for row in own {
            if speaks {
                assert_eq!(row["detail"], "down: answers without TLS (PostgreSQL)", "{}: {row:#}", fault.what);
            } else {
                assert!(row["verdict"] == "unknown" && row["facts"].is_null(), "{}: {row:#}", fault.what);
            }
        }
    }
    estate.nothing_runs();
}

/// Every check is unknown, which never passes; the run ends when a person skips it.
fn checks(fault: &Fault) {
    let http = format!("http = \"{}/\", within = \"2s\"", fault.url("http"));
    let looks = [
        http.as_str(),
        "sql = \"SELECT true\"",
        "redis = \"length\", key = \"jobs\", expect = \"== 0\"",
        "objects = \"newest\", under = \"s3://copies/x/\", match = \"*\", younger = \"24h\"",
    ];
    std::thread::scope(|scope| {
        for look in looks {
            scope.spawn(move || {
                let estate = estate(&fault.everything());
                let check = format!("[[a]]\ntitle = \"C\"\ncheck = {{ {look} }}\n");
                estate.procedure("check", "", &check);
                estate.start("check", &[]);
                let end = outcome(&estate.run());
                assert_eq!(end.ending, Ending::Failed, "{}: {look}: {end:?}", fault.what);
                assert!(end.detail.starts_with("unknown: "), "{}: {look}: {end:?}", fault.what);
                over(&estate.run());
            });
        }
    });
}

/// Lets a run end, runner and all.
fn over(run: &Run<'_>) {
    let open = run.wait("a question or the end", |view| view.prompt.is_some() || view.sealed.is_some()).prompt;
    if let Some(open) = open {
        let Ask::Decide { choices, .. } = &open.ask else { panic!("{open:?}") };
        let choice = [Choice::Abort, Choice::Done].into_iter().find(|choice| choices.contains(choice)).unwrap();
        run.accept(&open, decide(choice));
    }
    run.sealed();
    run.estate.nothing_runs();
}

/// Every act ends, and reports whether anything was sent. What previews it may lead elsewhere: only the act hangs.
fn acts(fault: &Fault, base: &Base, redis: &PrivateRedis) {
    let (watch, cache) = (base.conninfo("watch"), redis.url());
    let sql = format!("[[postgres]]\nname = \"main\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"{}\"\n", fault.conninfo());
    let set = format!("[[redis]]\nname = \"cache\"\nurl = \"{cache}\"\nact = \"{}/0\"\n", fault.url("redis"));
    let put = format!("http = \"{}/banner\", method = \"PUT\", body = \"x\", within = \"2s\"", fault.url("http"));
    let all = [
        (String::new(), put.as_str(), if fault.sent { Ending::Unknown } else { Ending::Failed }),
        (sql, "sql = \"VACUUM public.tasks\"", Ending::Failed),
        (set, "redis = \"set\", key = \"a\", value = \"b\", expire = \"1h\"", Ending::Failed),
    ];
    std::thread::scope(|scope| {
        for (entries, act, ending) in &all {
            scope.spawn(move || {
                let estate = estate(entries);
                let step = "title = \"Work\"\neffect = \"change\"\nundo = { none = \"a test\" }";
                estate.procedure("act", "", &format!("[[a]]\n{step}\ndo = {{ {act} }}\n"));
                let run = estate.start_waiting("act");
                let prompt = run.prompt();
                run.accept(&prompt, consent(&prompt));
                let end = outcome(&run);
                assert_eq!(end.ending, *ending, "{}: {act}: {end:?}", fault.what);
                let text = if *ending == Ending::Failed { "nothing was " } else { "unknown whether" };
                assert!(end.detail.contains(text), "{}: {act}: {end:?}", fault.what);
                over(&run);
            });
        }
        scope.spawn(|| {
            let estate = estate(&fault.store());
            estate.file("backup/db.dump", "database");
            let step = "title = \"Copy\"\neffect = \"change\"\nundo = { none = \"a test\" }";
            let put = "objects = \"put\", from = \"{tree}/backup\", to = \"s3://copies/one/\"";
            estate.procedure("put", "", &format!("[[a]]\n{step}\ndo = {{ {put} }}\n"));
            // What is there already cannot be listed, so that nothing can be shown, and nothing is put.
            assert!(estate.start("put", &["--yes", "change"]).code != Some(0), "{}", fault.what);
            assert_eq!(estate.run().count("step.intent"), 0, "{}", fault.what);
        });
    });
}

/// A listener that accepts connections, reads and never writes, except for PostgreSQL's question about TLS.
fn mute() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || accept_silently(stream.unwrap()));
        }
    });
    address
}

fn accept_silently(mut stream: TcpStream) {
    // Protocol, 55.2.10: a length of 8 and the code of SSLRequest.
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if buffer[..count] == SSL_REQUEST {
            let _ = stream.write_all(b"S");
        }
    }
}

/// A listener whose queue is full, and the connections that fill it.
fn full() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
    let fill: Vec<_> = std::iter::from_fn(|| connect().ok()).take(100).collect();
    assert!(fill.len() < 100, "the queue never fills up");
    (listener, fill, address)
}

/// A resolver that takes every question and answers none.
fn resolver() -> Arc<AtomicUsize> {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut question = [0; 1500];
        while let Ok(length) = socket.recv(&mut question) {
            let is_ours = question[..length].windows(4).any(|part| part == b"hung");
            counted.fetch_add(usize::from(is_ours), Ordering::SeqCst);
        }
    });
    asked
}

#[test]
fn a_silent_service_delays_nothing_past_its_deadline() {
    let place = tempfile::tempdir().unwrap();
    let resolv = place.path().join("resolv.conf");
    fs::write(&resolv, RESOLV).unwrap();
    let apart = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", &format!("ip link set lo up && {script}"), "sh"]);
        command
    };
    let mut may = apart("true");
    if !may.output().is_ok_and(|answer| answer.status.success()) {
        eprintln!(
            "no network of its own may be made here (root and unshare(1) can): what never answers was not tested"
        );
        return;
    }
    let mut command = apart("mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"");
    command.arg(&resolv).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "runner::deadlines::__inside", "--nocapture"]).env(INSIDE, "1");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("all of it came back"), "{text}");
}

/// What the test above runs in a network of its own.
#[test]
fn __inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let asked = resolver();
    let (_listener, _fill, full) = full();
    let mute = mute();
    let fault = |what, host, port, tls, sent| Fault { what, host, port, tls, sent };
    let faults = [
        fault("a name", "hung.test", mute.port(), false, false),
        fault("a connection", "127.0.0.1", full.port(), false, false),
        fault("an answer", "127.0.0.1", mute.port(), false, true),
        fault("a handshake", "127.0.0.1", mute.port(), true, false),
    ];
    let base = Base::new();
    let place = tempfile::tempdir().unwrap();
    let redis = PrivateRedis::start(&place.path().join("redis"), &[]).unwrap();
    std::thread::scope(|scope| {
        for fault in &faults {
            scope.spawn(|| readings(fault));
            scope.spawn(|| checks(fault));
            scope.spawn(|| acts(fault, &base, &redis));
        }
    });
    assert!(asked.load(Ordering::SeqCst) > 0, "the name was not looked up here");
    println!("all of it came back");
}

/// A server that stops answering in mid-statement, as behind a half-open connection: the time of the step ends the act.
#[test]
fn a_server_that_is_stopped_in_mid_statement_does_not_keep_the_act() {
    let base = Base::new();
    base.step(
        "change",
        "UPDATE public.tasks SET note = 'y' WHERE id = 1 AND pg_sleep(600) IS NOT NULL",
        "timeout = \"2s\"",
    );
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    base.at_work("UPDATE");
    let pid: i32 =
        base.sql("SELECT pid FROM pg_stat_activity WHERE query LIKE 'UPDATE%' AND state = 'active'").parse().unwrap();
    let backend = Pid::from_raw(pid).unwrap();
    kill_process(backend, Signal::STOP).unwrap();
    let end = outcome(&run);
    kill_process(backend, Signal::CONT).unwrap();
    assert!(matches!(end.ending, Ending::TimedOut | Ending::Unknown), "{end:?}");
    wait_for("the end of the statement", || {
        let left = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'UPDATE%' AND state = 'active'";
        (base.sql(left) == "0").then_some(())
    });
    over(&run);
}
