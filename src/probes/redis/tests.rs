//! Against real servers of our own, on a socket in a directory of their own or on loopback.

mod access;
mod fields;
mod group;
mod lost;
mod renewal;
mod saving;
mod together;

use super::*;
use crate::config::estate;
use crate::config::paths::Surroundings;
use crate::config::secrets::{SecretPlace, Secrets};
use crate::domain::{Fact, Loss, Observation, Verdict, Wall};
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A server in a directory of its own; killed when dropped.
struct Server {
    dir: tempfile::TempDir,
    arguments: Vec<String>,
    child: Child,
}

impl Server {
    /// Starts one that listens on its socket, and on nothing else unless the arguments say so.
    fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("rs").tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = Self::spawn(dir.path(), &arguments);
        let mut server = Self { dir, arguments, child };
        server.listens();
        server
    }

    fn spawn(dir: &Path, arguments: &[String]) -> Child {
        // What comes later on the command line wins.
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--logfile", "log", "--unixsocket", "s"])
            .args(arguments)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is needed: apt-get install redis-server")
    }

    fn listens(&mut self) {
        wait(|| {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            std::os::unix::net::UnixStream::connect(self.socket()).is_ok()
        });
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.child = Self::spawn(self.dir.path(), &self.arguments);
        self.listens();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// What the server answers to one command of an unrestricted client.
    fn send(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection()?;
        let (name, rest) = command.split_first().unwrap();
        redis::cmd(name).arg(rest).query(&mut connection)
    }

    fn info(&self, key: &str) -> String {
        let redis::Value::BulkString(text) = self.send(&["INFO"]).unwrap() else { panic!("no text") };
        Info::of(&String::from_utf8(text).unwrap()).text(key).unwrap_or_default().to_owned()
    }

    fn reader(&self) -> RedisReader {
        RedisReader::new(target(&self.url()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the row of an object is as it is wanted.
async fn until_row(reader: &mut RedisReader, object: &str, is_it: impl Fn(&Observation) -> bool) -> Observation {
    let began = Instant::now();
    loop {
        let found = reader.read().await.unwrap();
        let seen = found.iter().find(|finding| finding.object.as_deref() == Some(object)).map(|finding| &finding.seen);
        match seen {
            Some(Ok(seen)) if is_it(seen) => return seen.clone(),
            _ => assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {object}: {seen:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn wait(mut seen: impl FnMut() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn target(url: &str) -> RedisServer {
    let entry = estate::Redis {
        name: "cache".to_owned(),
        url: url.to_owned(),
        password: None,
        act: None,
        act_password: None,
        mode: None,
        memory: None,
        critical: true,
        ca: None,
    };
    RedisServer { entry, secrets: Secrets::default(), around: Surroundings::default() }
}

fn with_password(url: &str, password: &str) -> RedisServer {
    let mut target = target(url);
    target.entry.password = Some("redis".to_owned());
    target.secrets.places.insert("redis".to_owned(), SecretPlace::Env("PASSWORD".to_owned()));
    target.around = Surroundings::of([("PASSWORD".into(), password.into())]);
    target
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The row of an object of a reading; the target's own for none.
fn row(findings: &[Finding], object: Option<&str>) -> Observation {
    let found = findings.iter().find(|finding| finding.object.as_deref() == object).expect("no such row");
    found.seen.clone().unwrap()
}

/// The whole reading, with its verdict and detail for each object.
async fn rows(reader: &mut RedisReader) -> Vec<Finding> {
    let findings = reader.read().await.unwrap();
    let objects: Vec<_> = findings.iter().map(|finding| finding.object.as_deref()).collect();
    assert_eq!(objects, [None, Some("memory"), Some("persistence"), Some("replication")]);
    findings
}

async fn why(target: RedisServer) -> String {
    RedisReader::new(target).read().await.unwrap_err().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_healthy_server_has_four_rows_and_one_kept_connection_with_a_name() {
    let server = Server::start(&[]);
    let mut reader = server.reader();
    let found = rows(&mut reader).await;
    for object in [None, Some("memory"), Some("persistence"), Some("replication")] {
        let seen = row(&found, object);
        assert_eq!(seen.verdict, Verdict::Ok, "{object:?}: {}", seen.detail);
    }
    let main = row(&found, None);
    assert!(main.detail.starts_with("primary · ") && main.detail.contains(" ms · 1 client · "), "{}", main.detail);
    assert_eq!(main.facts["role"], Fact::Text("primary".to_owned()));
    assert_eq!(main.facts["can_act"], Fact::Bool(false), "the estate says no way to act");
    assert_eq!(main.facts["product"], Fact::Text("redis".to_owned()));
    assert!(matches!(&main.facts["version"], Fact::Text(version) if version.contains('.')));
    assert_eq!((&main.facts["max_clients"], &main.facts["loading"]), (&Fact::Int(10_000), &Fact::Bool(false)));
    assert!(matches!(main.facts["latency_ms"], Fact::Int(0..1000)) && main.trend.is_some());
    let memory = row(&found, Some("memory"));
    assert!(memory.detail.ends_with(", no limit"), "{}", memory.detail);
    assert!(!memory.facts.contains_key("memory_ratio") && !memory.facts.contains_key("maxmemory_bytes"));
    assert!(matches!(memory.facts["used_memory_bytes"], Fact::Int(100_000..)));
    let kept = row(&found, Some("persistence"));
    assert_eq!(kept.detail, "kept nowhere: no save, no AOF");
    assert_eq!(row(&found, Some("replication")).detail, "no replicas");

    rows(&mut reader).await;
    let redis::Value::BulkString(list) = server.send(&["CLIENT", "LIST"]).unwrap() else { panic!("no list") };
    let list = String::from_utf8(list).unwrap();
    assert_eq!(list.matches("name=midwatch").count(), 1, "{list}");
    assert_eq!(server.info("total_connections_received").parse::<u32>().unwrap(), 1 + 1 + 1 + 1);
    // Its end closes it.
    drop(reader);
    wait(|| server.info("connected_clients") == "1");
}

fn greeted() -> Greeting {
    Greeting { latency: Some(Duration::from_millis(2)), reply: None }
}

#[test]
fn a_valkey_and_a_sentinel_are_told_apart() {
    let now = Wall::from_unix(1_000_000, 0);
    let valkey = Info::of("redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.1.0\nrole:master\n");
    let main = server::observation(&valkey, &greeted(), None, None, now);
    assert_eq!(
        (&main.facts["product"], &main.facts["version"]),
        (&Fact::Text("valkey".to_owned()), &Fact::Text("8.1.0".to_owned()))
    );
    let sentinel = Info::of(
        "redis_version:7.2.4\nredis_mode:sentinel\nconnected_clients:3\nmaxclients:100\nrejected_connections:0\n\
        sentinel_masters:1\nsentinel_tilt:0\nmaster0:name=jobs\n",
    );
    let main = server::observation(&sentinel, &greeted(), None, None, now);
    assert_eq!((main.verdict, main.detail.as_str()), (Verdict::Ok, "sentinel · 2 ms · 3 clients"));
}

#[test]
fn replicas_are_judged_by_their_state_and_their_gap() {
    let now = Wall::from_unix(1_000_000, 0);
    let judged = |text: &str| {
        let seen = replication::replication(&Info::of(text), now);
        (seen.verdict, seen.detail)
    };
    let two = "role:master\nconnected_slaves:2\nmaster_repl_offset:9000000\n\
        slave0:ip=10.0.0.2,port=6379,state=online,offset=8999000,lag=0\n";
    let online = format!("{two}slave1:ip=10.0.0.3,port=6379,state=online,offset=611392,lag=1\n");
    assert_eq!(judged(&online), (Verdict::Ok, "2 replicas · 8.0 MiB behind".to_owned()));
    let syncing = format!("{two}slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\n");
    let message = "10.0.0.3:6379 is not online: wait_bgsave · 2 replicas · 1000 B behind";
    assert_eq!(judged(&syncing), (Verdict::Warn, message.to_owned()));
    let lonely = "role:master\nconnected_slaves:0\nmin_slaves_good_slaves:0\n";
    assert_eq!(
        judged(lonely),
        (Verdict::Critical, "no good replica, writes are refused (NOREPLICAS) · no replicas".to_owned())
    );
    let first = "role:slave\nmaster_host:10.0.0.1\nmaster_port:6379\nmaster_link_status:down\n\
        master_sync_in_progress:1\nmaster_sync_perc:43.00\n";
    assert_eq!(judged(first), (Verdict::Warn, "synchronising · 43 % · of 10.0.0.1:6379".to_owned()));
    let silent = "role:slave\nmaster_host:10.0.0.1\nmaster_port:6379\nmaster_link_status:up\n\
        master_last_io_seconds_ago:90\nmaster_sync_in_progress:0\nslave_read_repl_offset:5000\nslave_repl_offset:904\n";
    assert_eq!(
        judged(silent),
        (Verdict::Warn, "its primary is silent for 1 m · of 10.0.0.1:6379 · 4.0 KiB behind".to_owned())
    );
}

#[test]
fn an_aof_that_cannot_be_written_refuses_writes_on_a_primary() {
    let now = Wall::from_unix(1_000_000, 0);
    let judged = |text: &str, schedule| {
        let settings = Settings { schedule, strict: Some(true) };
        let seen = persistence::persistence(&Info::of(text), settings, now);
        (seen.verdict, seen.detail)
    };
    let aof =
        "role:master\nuptime_in_seconds:5000\nrdb_last_bgsave_status:ok\nrdb_last_save_time:999000\naof_enabled:1\n";
    let failing = format!("{aof}aof_last_write_status:err\naof_last_bgrewrite_status:ok\n");
    let message = "the AOF cannot be written, writes are refused (MISCONF) · AOF · saved 16 m ago";
    assert_eq!(judged(&failing, Some("3600 1")), (Verdict::Critical, message.to_owned()));
    let rewrite = format!("{aof}aof_last_write_status:ok\naof_last_bgrewrite_status:err\n");
    assert_eq!(judged(&rewrite, Some("")), (Verdict::Warn, "the last rewrite of the AOF failed · AOF".to_owned()));
    let saving = format!(
        "{aof}aof_last_write_status:ok\naof_last_bgrewrite_status:ok\nrdb_bgsave_in_progress:1\ncurrent_save_keys_processed:43\ncurrent_save_keys_total:100\n"
    );
    assert_eq!(judged(&saving, None), (Verdict::Ok, "saving · 43 % · AOF · saved 16 m ago".to_owned()));
    // A save that nobody scheduled refuses nothing.
    let asked = "role:master\nrdb_last_bgsave_status:err\naof_enabled:0\n";
    assert_eq!(
        judged(asked, Some("")),
        (Verdict::Warn, "the last save failed · kept nowhere: no save, no AOF".to_owned())
    );
}

/// A listener that says these bytes to each client, and then closes or waits.
async fn saying(bytes: &'static [u8], closes: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(bytes).await;
            if !closes {
                held.push(stream);
            }
        }
    });
    url
}
