use super::*;
use crate::demo::orphans::{an_owner_that_is_killed, asked_to_own, lives, own_and_die};
use std::os::unix::fs::MetadataExt;

#[test]
fn a_server_is_filled_comes_back_after_a_crash_and_leaves_nothing() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("it's a % \\ directory?");
    let mut server = PrivateRedis::start(&at, &[]).unwrap();
    server.fill().unwrap();
    let length = |key: &str| server.ask::<usize>(&["LLEN", key]).unwrap();
    assert_eq!((length(QUEUE), length(TAKEN)), (JOBS, TAKEN_JOBS));
    assert_eq!(server.ask::<usize>(&["SCARD", SESSIONS]).unwrap(), OPEN_SESSIONS);
    assert!(server.ask::<i64>(&["TTL", "session:s-0000"]).unwrap() > 0);
    assert!(server.ask::<String>(&["LLEN", SESSIONS]).unwrap_err().message.contains("WRONGTYPE"));
    assert!(server.ask::<String>(&["INFO"]).unwrap().contains("tcp_port:0"), "TCP was not requested");
    let pid = server.pid().unwrap();
    let owner = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_ne!(owner, 0, "it needs no privilege");
    assert_eq!(fs::metadata(server.socket()).unwrap().mode() & 0o777, 0o700);
    // The URL leads there with any path.
    let mut by_url = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    assert_eq!(redis::cmd("PING").query::<String>(&mut by_url).unwrap(), "PONG");

    server.ask::<String>(&["SAVE"]).unwrap();
    server.kill();
    assert!(!lives(pid) && server.ask::<String>(&["PING"]).is_err());
    server.run().unwrap();
    assert_eq!(server.ask::<usize>(&["LLEN", QUEUE]).unwrap(), JOBS);
    let (pid, home) = (server.pid().unwrap(), server.home.path.clone());
    drop(server);
    assert!(!lives(pid) && !home.exists() && !at.exists());
}

#[test]
fn a_server_that_does_not_start_reports_the_reason() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("it");
    let error = PrivateRedis::start(&at, &["--no-such-setting", "yes"]).unwrap_err();
    assert!(error.message.starts_with("cannot start Redis: ") && error.message.len() > 40, "{error}");
    assert!(!at.exists());
    assert_eq!(unavailable().is_none(), program().is_some());
}

/// Run by the test below in a process of its own, which dies with a server.
#[test]
fn __redis_owner() {
    if let Some(dir) = asked_to_own("__redis_owner") {
        let server = PrivateRedis::start(&dir, &[]).unwrap();
        own_and_die(server.pid(), &server.home.path);
    }
}

#[test]
fn a_server_ends_with_an_owner_that_is_killed() {
    an_owner_that_is_killed("__redis_owner", "USR2");
    an_owner_that_is_killed("__redis_owner", "INT QUIT");
}

#[test]
fn the_queue_keeps_its_length_until_it_is_drained_and_empties_then() {
    let dir = tempfile::tempdir().unwrap();
    if unavailable().is_some() {
        return;
    }
    let server = PrivateRedis::start(&dir.path().join("redis"), &[]).unwrap();
    server.fill().unwrap();
    let length = |list: &str| server.ask::<usize>(&["LLEN", list]).unwrap();
    let newest = || server.ask::<String>(&["LINDEX", QUEUE, "0"]).unwrap();
    let worker = Worker::start(server.socket(), Duration::from_millis(1));
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(LOOK);
        }
    };
    // Jobs come and go, and there are as many as before.
    wait("a new job", &|| newest().contains("job-1"));
    assert!((JOBS - 1..=JOBS).contains(&length(QUEUE)) && (TAKEN_JOBS - 1..=TAKEN_JOBS).contains(&length(TAKEN)));
    server.ask::<()>(&["SET", worker::FLAG, "a run"]).unwrap();
    wait("the end of the last job", &|| length(QUEUE) == 0 && length(TAKEN) == 0);
    server.ask::<()>(&["DEL", worker::FLAG]).unwrap();
    wait("jobs that come in again", &|| length(QUEUE) > 10);
    drop(worker);
}
