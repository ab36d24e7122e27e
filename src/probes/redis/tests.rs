//! Against real servers of our own, on a socket in a directory of their own or on loopback.

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

mod together;

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

#[tokio::test]
async fn each_loss_of_rights_has_its_words_and_no_password_in_them() {
    let server = Server::start(&[]);
    for rules in [
        &["watch", "on", ">hunter2", "~*", "+@read", "+ping", "-@dangerous", "+info"][..],
        &["blind", "on", ">hunter2", "~*", "+ping"],
        &["dumb", "on", ">hunter2", "~*", "+info"],
        &["open", "on", "nopass", "~*", "+ping", "+info"],
    ] {
        server.send(&[&["ACL", "SETUSER"], rules].concat()).unwrap();
    }
    let at = |user: &str| format!("unix://{}?user={user}", server.socket().display());
    let mut reader = RedisReader::new(with_password(&at("watch"), "hunter2"));
    let found = rows(&mut reader).await;
    assert_eq!(row(&found, None).verdict, Verdict::Ok);
    // Without CONFIG nothing is known of the schedule; and it is asked for once only.
    assert!(!row(&found, Some("persistence")).facts.contains_key("save_schedule"));
    rows(&mut reader).await;
    let redis::Value::Array(log) = server.send(&["ACL", "LOG"]).unwrap() else { panic!("no log") };
    let log = format!("{log:?}");
    assert_eq!(log.matches("'\"config|get\"'").count(), 1, "{log}");
    assert_eq!(log.matches("'\"count\"'), int(1)").count(), log.matches("'\"count\"'").count(), "{log}");

    let mute = row(&rows(&mut RedisReader::new(with_password(&at("dumb"), "hunter2"))).await, None);
    assert_eq!((mute.verdict, &mute.facts["ping_error"]), (Verdict::Ok, &Fact::Text("NOPERM".to_owned())));
    assert!(!mute.facts.contains_key("latency_ms"));
    assert_eq!(row(&rows(&mut RedisReader::new(target(&at("open")))).await, None).verdict, Verdict::Ok);

    let denied = why(with_password(&at("blind"), "hunter2")).await;
    assert_eq!(denied, "INFO is denied to user blind (NOPERM)");
    let wrong = why(with_password(&at("watch"), "wr0ng")).await;
    assert_eq!(wrong, "password rejected for user watch");
    assert_eq!(why(with_password(&at("nobody"), "wr0ng")).await, "password rejected for user nobody");
    for user in ["watch", "nobody"] {
        assert_eq!(why(target(&at(user))).await, format!("a password is required for user {user}: none is given"));
    }
    let needless = why(with_password(&server.url(), "hunter2")).await;
    assert_eq!(needless, "it has no password, but the estate names one");
    let mut missing = with_password(&server.url(), "hunter2");
    missing.around = Surroundings::default();
    assert_eq!(why(missing).await, "secret redis: variable PASSWORD: it is not set");
    assert_eq!(why(with_password(&server.url(), "")).await, "secret redis: variable PASSWORD: it is set, but empty");

    let locked = Server::start(&["--requirepass", "hunter2"]);
    assert_eq!(why(target(&locked.url())).await, "a password is required (NOAUTH)");
    assert_eq!(why(with_password(&locked.url(), "wr0ng")).await, "password rejected");
    assert_eq!(rows(&mut RedisReader::new(with_password(&locked.url(), "hunter2"))).await.len(), 4);
}

#[tokio::test]
async fn a_command_that_is_taken_away_is_named_without_what_followed_it() {
    let server = Server::start(&["--rename-command", "INFO", ""]);
    assert_eq!(why(target(&server.url())).await, "it has no INFO: renamed or taken away");
    let server = Server::start(&["--rename-command", "AUTH", "", "--rename-command", "PING", ""]);
    assert_eq!(why(with_password(&server.url(), "hunter2")).await, "it has no AUTH: renamed or taken away");
    let mute = row(&rows(&mut server.reader()).await, None);
    assert_eq!((mute.verdict, &mute.facts["ping_error"]), (Verdict::Ok, &Fact::Text("ERR".to_owned())));
    let server = Server::start(&["--rename-command", "CONFIG", "", "--rename-command", "CLIENT", ""]);
    let found = rows(&mut server.reader()).await;
    assert_eq!(row(&found, Some("persistence")).verdict, Verdict::Ok);
    assert_eq!(why(target(&format!("{}?db=99", server.url()))).await, "it has no database of that number");
}

/// A certificate authority with a server certificate for 127.0.0.1, in files of a directory.
fn certificates(dir: &Path, name: &str) -> PathBuf {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Site Root");
    let authority = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let at = |end: &str| dir.join(format!("{name}.{end}"));
    std::fs::write(at("ca"), authority.pem()).unwrap();
    std::fs::write(at("pem"), leaf.pem()).unwrap();
    std::fs::write(at("key"), own.serialize_pem()).unwrap();
    at("ca")
}

#[tokio::test]
async fn tls_is_verified_against_the_named_authority() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, other) = (certificates(dir.path(), "one"), certificates(dir.path(), "two"));
    let at = |end: &str| dir.path().join(end).to_str().unwrap().to_owned();
    let (port, plain) = (free_port().to_string(), free_port().to_string());
    let server = Server::start(&[
        "--tls-port",
        &port,
        "--port",
        &plain,
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &at("one.pem"),
        "--tls-key-file",
        &at("one.key"),
        "--tls-ca-cert-file",
        &at("one.ca"),
    ]);
    let url = format!("rediss://127.0.0.1:{port}");
    let trusting = |url: &str, ca: Option<&Path>| {
        let mut target = target(url);
        target.entry.ca = ca.map(Path::to_owned);
        target
    };
    let mut reader = RedisReader::new(trusting(&url, Some(&ca)));
    assert_eq!(row(&rows(&mut reader).await, None).verdict, Verdict::Ok);
    assert!(server.info("total_connections_received").parse::<u32>().unwrap() >= 1);
    assert_eq!(rows(&mut RedisReader::new(target(&format!("redis://127.0.0.1:{plain}")))).await.len(), 4);

    let foreign = why(trusting(&url, Some(&other))).await;
    assert!(foreign.starts_with("TLS: certificate not trusted"), "{foreign}");
    let unknown = why(target(&url)).await;
    assert!(unknown.starts_with("TLS: certificate not trusted; let `ca` name its root"), "{unknown}");
    let misnamed = why(trusting(&url.replace("127.0.0.1", "localhost"), Some(&ca))).await;
    assert_eq!(misnamed, "TLS: certificate is not for localhost (it names 127.0.0.1)");
    let insecure = why(trusting(&format!("{url}/#insecure"), Some(&ca))).await;
    assert_eq!(insecure, "an unverified TLS connection is not made: name a `ca` instead");
    let absent = why(trusting(&url, Some(Path::new("/nonexistent/ca.pem")))).await;
    assert_eq!(absent, "TLS: /nonexistent/ca.pem: no such file or directory");
    std::fs::write(at("none.ca"), "nothing\n").unwrap();
    let empty = why(trusting(&url, Some(Path::new(&at("none.ca"))))).await;
    assert!(empty.ends_with("no certificate in it"), "{empty}");
    // Whoever can change the file decides whom it believes.
    let mode = |mode| std::fs::set_permissions(&ca, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o666);
    let loose = why(trusting(&url, Some(&ca))).await;
    let command = format!("close it: chmod go-w {}", ca.display());
    assert!(loose.contains("others may write to") && loose.ends_with(&command), "{loose}");
    mode(0o644);
    assert_eq!(rows(&mut RedisReader::new(trusting(&url, Some(&ca)))).await.len(), 4);
    // Each spoken as the other: the server is up, and it is our URL that is wrong.
    let lost = async |target| RedisReader::new(target).read().await.unwrap_err();
    let hidden = lost(target(&format!("redis://127.0.0.1:{port}"))).await;
    assert_eq!(hidden, Loss::unread("the port speaks TLS: its URL must begin with rediss://"));
    let bare = lost(trusting(&format!("rediss://127.0.0.1:{plain}"), Some(&ca))).await;
    assert_eq!(bare, Loss::unread("the port speaks Redis without TLS: its URL must begin with redis://"));
    server.send(&["CONFIG", "SET", "requirepass", "hunter2"]).unwrap();
    assert_eq!(lost(trusting(&format!("rediss://127.0.0.1:{plain}"), Some(&ca))).await, bare);
    let web =
        why(trusting(&saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", true).await.replace("redis:", "rediss:"), Some(&ca)));
    assert_eq!(web.await, "the server does not speak TLS");
}

#[tokio::test]
async fn a_server_that_loads_its_data_is_critical_and_says_how_long() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    server.send(&["DEBUG", "POPULATE", "20000"]).unwrap();
    server.send(&["SAVE"]).unwrap();
    let mut reader = server.reader();
    assert_eq!(row(&rows(&mut reader).await, None).verdict, Verdict::Ok);
    server.stop();
    server
        .arguments
        .extend(["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"].map(str::to_owned));
    server.again();
    let found = rows(&mut reader).await;
    let main = row(&found, None);
    assert_eq!(main.verdict, Verdict::Critical, "{}", main.detail);
    assert!(main.detail.starts_with("loading · ") && main.detail.contains(" left"), "{}", main.detail);
    assert_eq!(main.facts["loading"], Fact::Bool(true));
    assert_eq!(main.facts["ping_error"], Fact::Text("LOADING".to_owned()));
}

#[tokio::test]
async fn a_script_that_keeps_the_server_from_all_clients_is_critical() {
    let server = Server::start(&["--busy-reply-threshold", "1"]);
    let mut kept = server.reader();
    assert_eq!(row(&rows(&mut kept).await, None).verdict, Verdict::Ok);
    let url = server.url();
    let script = std::thread::spawn(move || {
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        redis::cmd("EVAL").arg("while true do end").arg(0).query::<redis::Value>(&mut connection)
    });
    wait(|| server.send(&["PING"]).is_err_and(|refused| refused.code() == Some("BUSY")));
    let busy = Loss::down("busy running a script, answers no client (BUSY)");
    assert_eq!(kept.read().await.unwrap_err(), busy);
    assert_eq!(server.reader().read().await.unwrap_err(), busy, "one that connects now");
    server.send(&["SCRIPT", "KILL"]).unwrap();
    assert!(script.join().unwrap().is_err());
    assert_eq!(row(&rows(&mut kept).await, None).verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_socket_whose_queue_is_full_says_so() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    // Nobody takes them from the queue, which has a place for one.
    let waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let lost = RedisReader::new(target(&format!("unix://{}", path.display()))).read().await.unwrap_err();
    assert_eq!(lost, Loss::unread("too many wait at its socket: it takes no connection"));
    drop((waiting, listener));
}

#[tokio::test]
async fn a_failed_save_refuses_writes_and_is_told_apart() {
    let server = Server::start(&["--save", "3600 1000000", "--enable-protected-configs", "yes"]);
    let mut reader = server.reader();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Ok, "never saved since its start"));
    assert_eq!(kept.facts["saved_since_start"], Fact::Bool(false));
    assert!(!kept.facts.contains_key("rdb_last_save_at"));
    server.send(&["SAVE"]).unwrap();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!((kept.detail.as_str(), &kept.facts["saved_since_start"]), ("saved just now", &Fact::Bool(true)));
    assert_eq!(kept.facts["save_schedule"], Fact::Text("3600 1000000".to_owned()));
    server.send(&["SET", "a", "1"]).unwrap();
    // Its directory goes away under it; rights do not stop the superuser.
    let gone = server.dir.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    server.send(&["CONFIG", "SET", "dir", gone.to_str().unwrap()]).unwrap();
    std::fs::remove_dir(&gone).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "err");
    assert_eq!(server.send(&["SET", "a", "2"]).unwrap_err().code(), Some("MISCONF"));
    let found = rows(&mut reader).await;
    let kept = row(&found, Some("persistence"));
    assert_eq!(kept.verdict, Verdict::Critical);
    assert!(kept.detail.starts_with("the last save failed, writes are refused (MISCONF) · "), "{}", kept.detail);
    assert!(kept.detail.ends_with(" · 1 change since"), "{}", kept.detail);
    assert_eq!(
        (&kept.facts["writes_refused"], &kept.facts["rdb_last_status"]),
        (&Fact::Bool(true), &Fact::Text("err".to_owned()))
    );
    assert_eq!(row(&found, Some("replication")).verdict, Verdict::Ok);

    server.send(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]).unwrap();
    server.send(&["SET", "a", "2"]).unwrap();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!(kept.verdict, Verdict::Critical);
    assert!(kept.detail.starts_with("the last save failed · "), "{}", kept.detail);
    // Whoever may not see the settings cannot know.
    server.send(&["ACL", "SETUSER", "watch", "on", ">x", "~*", "+ping", "+info"]).unwrap();
    let watcher = with_password(&format!("{}?user=watch", server.url()), "x");
    let kept = row(&rows(&mut RedisReader::new(watcher)).await, Some("persistence"));
    assert!(kept.detail.starts_with("the last save failed, writes may be refused (MISCONF)"), "{}", kept.detail);
    assert!(!kept.facts.contains_key("writes_refused"));
    server.send(&["CONFIG", "SET", "dir", server.dir.path().to_str().unwrap()]).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "ok");
    assert_eq!(row(&rows(&mut reader).await, Some("persistence")).verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_first_save_that_fails_is_none() {
    let server = Server::start(&["--save", "3600 1000000", "--enable-protected-configs", "yes"]);
    let gone = server.dir.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    server.send(&["CONFIG", "SET", "dir", gone.to_str().unwrap()]).unwrap();
    std::fs::remove_dir(&gone).unwrap();
    server.send(&["SET", "a", "1"]).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "err");
    assert_eq!(server.info("rdb_saves"), "1", "it counts attempts");
    let kept = row(&rows(&mut server.reader()).await, Some("persistence"));
    let said = "the last save failed, writes are refused (MISCONF) · never saved since its start · 1 change since";
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Critical, said));
    assert_eq!(kept.facts["saved_since_start"], Fact::Bool(false));
    assert!(!kept.facts.contains_key("rdb_last_save_at") && !kept.facts.contains_key("rdb_last_save_age_s"));
    // Where no save is scheduled, nothing depends on it.
    server.send(&["CONFIG", "SET", "save", ""]).unwrap();
    let kept = row(&rows(&mut server.reader()).await, Some("persistence"));
    let said = "the last save failed · kept nowhere: no save, no AOF · never saved since its start · 1 change since";
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Warn, said));
}

#[tokio::test]
async fn a_replica_that_lost_its_primary_is_critical_and_read_only() {
    let port = free_port().to_string();
    let mut primary = Server::start(&["--port", &port, "--repl-diskless-sync-delay", "0"]);
    let replica = Server::start(&["--replicaof", &format!("127.0.0.1 {port}"), "--repl-timeout", "60"]);
    wait(|| replica.info("master_link_status") == "up" && primary.info("slave0").contains("online"));
    let mut reader = replica.reader();
    let found = rows(&mut reader).await;
    let link = row(&found, Some("replication"));
    assert_eq!((link.verdict, link.detail.clone()), (Verdict::Ok, format!("link up · of 127.0.0.1:{port}")));
    assert_eq!(link.facts["link"], Fact::Text("up".to_owned()));
    let main = row(&found, None);
    assert!(main.detail.starts_with("read-only replica · "), "{}", main.detail);
    assert_eq!(main.facts["read_only"], Fact::Bool(true));
    let above = row(&rows(&mut primary.reader()).await, Some("replication"));
    assert_eq!(above.verdict, Verdict::Ok);
    assert!(above.detail.starts_with("1 replica · ") && above.detail.ends_with(" behind"), "{}", above.detail);
    assert_eq!((&above.facts["replicas"], &above.facts["replicas_online"]), (&Fact::Int(1), &Fact::Int(1)));

    primary.stop();
    wait(|| replica.info("master_link_status") == "down");
    let found = rows(&mut reader).await;
    let link = row(&found, Some("replication"));
    assert_eq!(link.verdict, Verdict::Critical);
    assert!(link.detail.starts_with("link down · "), "{}", link.detail);
    assert!(matches!(link.facts["link_down_s"], Fact::Int(0..30)));
    assert_eq!(row(&found, None).verdict, Verdict::Ok, "it still serves its old data");
    replica.send(&["CONFIG", "SET", "replica-serve-stale-data", "no"]).unwrap();
    let main = row(&rows(&mut reader).await, None);
    assert_eq!(main.verdict, Verdict::Critical);
    assert!(main.detail.starts_with("serves nothing while its primary is down (MASTERDOWN)"), "{}", main.detail);
    assert!(RedisReader::new(target(&replica.url())).read().await.is_ok(), "a new connection is made then, too");
}

#[tokio::test]
async fn memory_is_judged_against_its_limit_and_by_what_happens_there() {
    let server = Server::start(&["--maxmemory", "4mb", "--enable-debug-command", "yes"]);
    let mut reader = server.reader();
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Ok, "{}", memory.detail);
    assert!(memory.detail.ends_with(" of 4.0 MiB · noeviction"), "{}", memory.detail);
    assert_eq!(memory.facts["maxmemory_bytes"], Fact::Int(4 << 20));
    // An own limit below what is in use.
    let mut strict = target(&server.url());
    strict.entry.memory = Some(Limits { warn: 0.01, critical: 0.9 });
    assert_eq!(row(&rows(&mut RedisReader::new(strict)).await, Some("memory")).verdict, Verdict::Warn);

    let value = "x".repeat(10_000);
    let full = (0..1000).find_map(|key| server.send(&["SET", &format!("k{key}"), &value]).err()).unwrap();
    assert_eq!(full.code(), Some("OOM"));
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Critical, "{}", memory.detail);
    server.send(&["CONFIG", "SET", "maxmemory", "3mb"]).unwrap();
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Critical);
    assert!(memory.detail.starts_with("full, writes are refused (OOM) · "), "{}", memory.detail);
    assert_eq!(memory.facts["writes_refused"], Fact::Bool(true));

    server.send(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).unwrap();
    for key in 0..50 {
        server.send(&["SET", &format!("more{key}"), &value]).unwrap();
    }
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Warn, "a cache may be full: {}", memory.detail);
    assert!(memory.detail.contains("allkeys-lru · evicts "), "{}", memory.detail);
    assert!(matches!(memory.facts["evicted_keys"], Fact::Int(1..)), "{:?}", memory.facts);
    assert!(matches!(memory.facts["memory_ratio"], Fact::Real(ratio) if ratio > 0.8));
}

#[tokio::test]
async fn a_stopped_server_is_a_loss_and_a_restarted_one_is_read_at_once() {
    let mut server = Server::start(&[]);
    let mut reader = server.reader();
    rows(&mut reader).await;
    server.stop();
    server.again();
    assert_eq!(row(&rows(&mut reader).await, None).verdict, Verdict::Ok, "the dead connection is no loss");
    server.stop();
    assert_eq!(reader.read().await.unwrap_err(), Loss::down("connection refused"));
    std::fs::remove_file(server.socket()).unwrap();
    assert_eq!(reader.read().await.unwrap_err(), Loss::down("its socket does not exist"));
    server.again();
    rows(&mut reader).await;
    let lost = async |url: String| RedisReader::new(target(&url)).read().await.unwrap_err();
    assert_eq!(lost(format!("redis://127.0.0.1:{}", free_port())).await, Loss::down("connection refused"));
    assert_eq!(lost(resetting().await).await, Loss::down("connection closed by the server"));
    // A directory that may not be looked into says nothing of what is in it; root may look everywhere.
    if !rustix::process::geteuid().is_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
        let hidden = lost(format!("unix://{}/redis.sock", dir.path().display())).await;
        assert_eq!(hidden, Loss::unread("permission denied"));
    }
    assert_eq!(why(target("redis://nonexistent.invalid:6379")).await.split(' ').next(), Some("name").or(Some("no")));
}

/// A server that resets each connection as soon as it was asked something.
async fn resetting() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 64]).await;
            let _ = stream.set_zero_linger();
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_hangs_is_lost_within_its_limits() {
    let server = Server::start(&[]);
    let mut reader = server.reader();
    rows(&mut reader).await;
    server.signal(Signal::STOP);
    for expected in ["a kept connection", "a new one"] {
        let began = Instant::now();
        assert_eq!(reader.read().await.unwrap_err(), Loss::unread("no answer within 1 s"), "{expected}");
        assert!(began.elapsed() < Duration::from_secs(60), "{expected}: {:?}", began.elapsed());
    }
    server.signal(Signal::CONT);
    rows(&mut reader).await;
}

#[tokio::test]
async fn a_server_without_room_for_another_client_says_so() {
    let server = Server::start(&["--maxclients", "4"]);
    let hold = || std::os::unix::net::UnixStream::connect(server.socket()).unwrap();
    let mut reader = server.reader();
    let mut held = vec![hold(), hold()];
    let main = row(&rows(&mut reader).await, None);
    assert_eq!(main.verdict, Verdict::Ok, "{}", main.detail);
    held.push(hold());
    let main = row(&rows(&mut reader).await, None);
    assert_eq!(main.verdict, Verdict::Critical, "{}", main.detail);
    assert!(main.detail.starts_with("no connection left · primary · "), "{}", main.detail);
    let full = RedisReader::new(target(&server.url())).read().await.unwrap_err();
    assert_eq!(full, Loss::down("no connection left (max number of clients reached)"));
    held.clear();
    wait(|| server.send(&["PING"]).is_ok());
    let main = row(&rows(&mut reader).await, None);
    assert_eq!(main.verdict, Verdict::Warn);
    assert!(main.detail.starts_with("turned "), "{}", main.detail);
}

#[tokio::test]
async fn a_server_whose_places_for_clients_run_out_warns_before_the_last_one() {
    let server = Server::start(&["--maxclients", "20"]);
    let hold = |count: usize| -> Vec<_> {
        (0..count).map(|_| std::os::unix::net::UnixStream::connect(server.socket()).unwrap()).collect()
    };
    let mut reader = server.reader();
    let mut held = hold(14);
    let itself = row(&rows(&mut reader).await, None);
    assert_eq!((itself.verdict, &itself.facts["clients_ratio"]), (Verdict::Ok, &Fact::Real(0.75)));
    assert_eq!((&itself.facts["warn_ratio"], &itself.facts["critical_ratio"]), (&Fact::Real(0.8), &Fact::Real(0.95)));
    held.extend(hold(1));
    let itself = row(&rows(&mut reader).await, None);
    assert_eq!(itself.verdict, Verdict::Warn);
    assert!(itself.detail.starts_with("80 % of its clients · primary · "), "{}", itself.detail);
    held.extend(hold(3));
    let itself = row(&rows(&mut reader).await, None);
    assert_eq!(itself.verdict, Verdict::Critical);
    assert!(itself.detail.starts_with("95 % of its clients · primary · "), "{}", itself.detail);
}

#[test]
fn replicas_and_the_links_of_a_cluster_take_places_for_clients() {
    let judged = |text: &str| {
        let text = format!("role:master\nconnected_clients:70\nmaxclients:100\n{text}");
        let seen = server::observation(&Info::of(&text), &greeted(), None, Wall::from_unix(1_000_000, 0));
        (seen.verdict, seen.facts["clients_ratio"].clone())
    };
    assert_eq!(judged(""), (Verdict::Ok, Fact::Real(0.7)));
    assert_eq!(judged("connected_slaves:4\ncluster_connections:8\n"), (Verdict::Warn, Fact::Real(0.82)));
    assert_eq!(judged("connected_slaves:30\n"), (Verdict::Critical, Fact::Real(1.0)));
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

/// A listener that answers one question after another with these bytes.
async fn answering(answers: &'static [&'static [u8]]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = [0; 1024];
            for answer in answers {
                if stream.read(&mut question).await.is_ok() {
                    let _ = stream.write_all(answer).await;
                }
            }
            // It stays open until the client goes.
            let _ = stream.read(&mut question).await;
        }
    });
    url
}

#[tokio::test]
async fn what_is_no_redis_is_told_as_such() {
    let cases: [(&[u8], bool, &str); 4] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", false, "what answers is not a Redis"),
        (b"-DENIED Redis is running in protected mode\r\n", true, "its protected mode refuses this host (DENIED)"),
        (b"", false, "no answer within 1 s"),
        (b"\x15\x03\x03\x00\x02\x02\x0a\r\n", false, "the port speaks TLS: its URL must begin with rediss://"),
    ];
    for (bytes, closes, expected) in cases {
        assert_eq!(why(target(&saying(bytes, closes).await)).await, expected);
    }
    let odd = answering(&[b"+PONG\r\n", b"?\xff\xfe\r\n"]).await;
    assert_eq!(why(target(&odd)).await, "the answer to CLIENT is not Redis's");
    let odd = answering(&[b"+PONG\r\n", b"+OK\r\n", b"+PONG\r\n", b":42\r\n"]).await;
    assert_eq!(why(target(&odd)).await, "the answer to INFO is not Redis's");
    for part in [&b"*1\r\n"[..], b"%1\r\n+a\r\n", b"~1\r\n", b"|1\r\n+a\r\n", b">1\r\n"] {
        let deep: &'static [u8] = part.repeat(200_000).leak();
        let answers: &'static [&'static [u8]] = vec![&b"+PONG\r\n"[..], b"+OK\r\n", b"+PONG\r\n", deep].leak();
        let why = why(target(&answering(answers).await)).await;
        assert_eq!(why, "the answer to INFO is not Redis's", "{}", part.escape_ascii());
    }
    let odd = answering(&[b"+PONG\r\n", b"+OK\r\n", b"+PONG\r\n", b"$900\r\nrole:ma"]).await;
    assert_eq!(why(target(&odd)).await, "no answer within 1 s");
    let long = why(target(&saying(&[b'x'; 4096], false).await)).await;
    assert_eq!(long, "what answers is not a Redis");
    let closed = why(target(&saying(b"", true).await)).await;
    assert_eq!(closed, "connection closed by the server");
}

#[test]
fn a_source_shows_who_and_where_and_no_secret() {
    let cases = [
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("redis://watch@cache.example:6380/3", "redis://watch@cache.example:6380/3"),
        ("rediss://watch:hunter2@[::1]:6380", "rediss://watch@[::1]:6380/0"),
        ("redis://:hunter2@127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+unix:///run/redis.sock?db=2&user=watch&pass=hunter2", "unix:///run/redis.sock?db=2&user=watch"),
        ("http://:hunter2@127.0.0.1", "redis"),
        ("redis://:hunter2@127.0.0.1/x", "redis"),
    ];
    for (url, shown) in cases {
        assert_eq!(source(&target(url)), shown);
    }
}

#[tokio::test]
async fn a_wrong_url_is_told_without_it() {
    for url in ["", "http://:hunter2@127.0.0.1", "redis://:hunter2@127.0.0.1/x", "redis://:hunter2@0.0.0.0"] {
        assert_eq!(why(target(url)).await, "not the URL of a Redis");
    }
}

fn greeted() -> Greeting {
    Greeting { latency: Some(Duration::from_millis(2)), reply: None }
}

#[test]
fn what_info_does_not_tell_is_unknown() {
    let now = Wall::from_unix(1_000_000, 0);
    let empty = Info::of("# Server\r\nredis_version:7.2.4\r\n");
    let main = server::observation(&empty, &greeted(), None, now);
    assert_eq!((main.verdict, main.detail.as_str()), (Verdict::Unknown, "INFO does not tell its role · 2 ms"));
    assert_eq!(server::memory(&empty, None, None, now).unwrap_err(), "INFO does not tell the memory in use");
    assert!(server::memory(&Info::of("used_memory:7"), None, None, now).is_err());
    assert!(keeping::persistence(&empty, None, None, now).is_err());
    assert!(keeping::persistence(&Info::of("rdb_last_bgsave_status:perhaps\naof_enabled:0"), None, None, now).is_err());
    assert!(keeping::replication(&empty, now).is_err());
    assert!(keeping::replication(&Info::of("role:slave"), now).is_err());
    let odd = keeping::replication(&Info::of("role:slave\nmaster_link_status:sideways"), now).unwrap();
    assert_eq!(odd.verdict, Verdict::Unknown);
}

#[test]
fn a_valkey_and_a_sentinel_are_told_apart() {
    let now = Wall::from_unix(1_000_000, 0);
    let valkey = Info::of("redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.1.0\nrole:master");
    let main = server::observation(&valkey, &greeted(), None, now);
    assert_eq!(
        (&main.facts["product"], &main.facts["version"]),
        (&Fact::Text("valkey".to_owned()), &Fact::Text("8.1.0".to_owned()))
    );
    let sentinel = Info::of("redis_version:7.2.4\nredis_mode:sentinel\nconnected_clients:3");
    let main = server::observation(&sentinel, &greeted(), None, now);
    assert_eq!((main.verdict, main.detail.as_str()), (Verdict::Ok, "sentinel · 2 ms · 3 clients"));
}

#[test]
fn replicas_are_judged_by_their_state_and_their_gap() {
    let now = Wall::from_unix(1_000_000, 0);
    let judged = |text: &str| {
        let seen = keeping::replication(&Info::of(text), now).unwrap();
        (seen.verdict, seen.detail)
    };
    let two = "role:master\nconnected_slaves:2\nmaster_repl_offset:9000000\n\
        slave0:ip=10.0.0.2,port=6379,state=online,offset=8999000,lag=0\n";
    let online = format!("{two}slave1:ip=10.0.0.3,port=6379,state=online,offset=611392,lag=1\n");
    assert_eq!(judged(&online), (Verdict::Ok, "2 replicas · 8.0 MiB behind".to_owned()));
    let syncing = format!("{two}slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\n");
    let said = "10.0.0.3:6379 is not online: wait_bgsave · 2 replicas · 1000 B behind";
    assert_eq!(judged(&syncing), (Verdict::Warn, said.to_owned()));
    let lonely = "role:master\nconnected_slaves:0\nmin_slaves_good_slaves:0";
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
        let seen = keeping::persistence(&Info::of(text), schedule, Some(true), now).unwrap();
        (seen.verdict, seen.detail)
    };
    let aof = "role:master\nrdb_last_bgsave_status:ok\nrdb_last_save_time:999000\naof_enabled:1\n";
    let failing = format!("{aof}aof_last_write_status:err\n");
    let said = "the AOF cannot be written, writes are refused (MISCONF) · AOF · saved 16 m ago";
    assert_eq!(judged(&failing, Some("3600 1")), (Verdict::Critical, said.to_owned()));
    let rewrite = format!("{aof}aof_last_write_status:ok\naof_last_bgrewrite_status:err\n");
    assert_eq!(judged(&rewrite, Some("")), (Verdict::Warn, "the last rewrite of the AOF failed · AOF".to_owned()));
    let saving =
        format!("{aof}rdb_bgsave_in_progress:1\ncurrent_save_keys_processed:43\ncurrent_save_keys_total:100\n");
    assert_eq!(judged(&saving, None), (Verdict::Ok, "saving · 43 % · AOF · saved 16 m ago".to_owned()));
    // A save that nobody scheduled refuses nothing.
    let asked = "role:master\nrdb_last_bgsave_status:err\naof_enabled:0\n";
    assert_eq!(
        judged(asked, Some("")),
        (Verdict::Warn, "the last save failed · kept nowhere: no save, no AOF".to_owned())
    );
}
