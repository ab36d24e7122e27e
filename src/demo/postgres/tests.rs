use super::*;
use std::io::{BufRead, BufReader};

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
fn a_server_answers_comes_back_after_a_crash_and_leaves_nothing() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("it's a \\ directory");
    let mut server = PrivatePostgres::start(&at, &Setup::default()).unwrap();
    assert_eq!(server.sql("postgres", "CREATE TABLE t AS SELECT 1 AS a; SELECT a, 'x' FROM t;").unwrap(), "1|x");
    let error = server.sql("postgres", "SELECT 1; SELEC 2; SELECT 3;").unwrap_err();
    assert!(error.message.contains("syntax error at or near \"SELEC\""), "{error}");
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).is_err(), "nobody asked for TCP");
    let first = server.pid().unwrap();
    server.kill();
    assert!(!lives(first) && server.sql("postgres", "SELECT 1").is_err());
    server.run().unwrap();
    assert_eq!(server.sql("postgres", "SELECT 2").unwrap(), "2");
    server.stop();
    assert!(fs::read_to_string(server.log()).unwrap().contains("database system is shut down"));

    let setup =
        Setup { copy_of: Some(server.data()), tcp: true, settings: "max_connections = 7\n".into(), ..Setup::default() };
    let copy = PrivatePostgres::start(&above.path().join("copy"), &setup).unwrap();
    assert_eq!(copy.sql("postgres", "SHOW max_connections").unwrap(), "7");
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, copy.port())).is_ok());
    let (pid, home) = (copy.pid().unwrap(), copy.home.path.clone());
    drop((server, copy));
    assert!(!lives(pid) && !home.exists());
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let above = tempfile::tempdir().unwrap();
    let setup = Setup { settings: "shared_buffers = lots\n".into(), ..Setup::default() };
    let error = PrivatePostgres::start(&above.path().join("it"), &setup).unwrap_err();
    assert!(error.message.contains("shared_buffers"), "{error}");
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
}

/// What the next test starts: the test program with `__owner DIR`, which it takes for the names of tests to run.
#[test]
fn __owner() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, dir, ..] = args.as_slice()
        && word == "__owner"
    {
        let server = PrivatePostgres::start(Path::new(dir), &Setup::default()).unwrap();
        println!("\nowned {} {}", server.pid().unwrap(), server.home.path.display());
        std::process::abort();
    }
}

#[test]
fn a_server_ends_with_an_owner_that_is_killed() {
    let above = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .arg("__owner")
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
