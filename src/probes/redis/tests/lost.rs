//! Servers that are gone, hang, have no room, or are no Redis.

use super::*;

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
        let rest = "redis_mode:standalone\nloading:0\nrejected_connections:0\n";
        let text = format!("role:master\nconnected_clients:70\nmaxclients:100\n{rest}{text}");
        let seen = server::observation(&Info::of(&text), &greeted(), None, None, Wall::from_unix(1_000_000, 0));
        (seen.verdict, seen.facts["clients_ratio"].clone())
    };
    assert_eq!(judged(""), (Verdict::Ok, Fact::Real(0.7)));
    assert_eq!(judged("connected_slaves:4\ncluster_connections:8\n"), (Verdict::Warn, Fact::Real(0.82)));
    assert_eq!(judged("connected_slaves:30\n"), (Verdict::Critical, Fact::Real(1.0)));
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
