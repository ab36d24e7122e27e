use super::*;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;

fn wait_for(mut seen: impl FnMut() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(LOOK);
    }
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, state)| !state.trim_start().starts_with('Z'))
}

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
    assert!(server.ask::<String>(&["INFO"]).unwrap().contains("tcp_port:0"), "nobody asked for TCP");
    let pid = server.pid().unwrap();
    let owner = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_ne!(owner, 0, "it needs no privilege");
    assert_eq!(fs::metadata(server.socket()).unwrap().mode() & 0o777, 0o700);
    // The URL leads there, whatever the path.
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
fn a_server_that_does_not_start_tells_why() {
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
    if let Some(dir) = std::env::args().skip_while(|argument| argument != "__redis_owner").nth(1)
        && Path::new(&dir).is_absolute()
    {
        let server = PrivateRedis::start(Path::new(&dir), &[]).unwrap();
        println!("\nowned {} {}", server.pid().unwrap(), server.home.path.display());
        std::process::abort();
    }
}

#[test]
fn a_server_ends_with_an_owner_that_is_killed() {
    let above = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .arg("__redis_owner")
        .arg(above.path().join("it"))
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let told = lines.map_while(io::Result::ok).find_map(|line| Some(line.strip_prefix("owned ")?.to_owned())).unwrap();
    let (pid, home) = told.split_once(' ').unwrap();
    assert!(!owner.wait().unwrap().success());
    let pid = pid.parse().unwrap();
    wait_for(|| !lives(pid));
    wait_for(|| fs::read_dir(home).map_or(0, Iterator::count) == 0);
}
