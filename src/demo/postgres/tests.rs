use super::*;
use crate::demo::orphans::{an_owner_that_is_killed, asked_to_own, lives, own_and_die};

#[test]
fn a_server_answers_comes_back_after_a_crash_and_leaves_nothing() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("it's a \\ directory");
    let mut server = PrivatePostgres::start(&at, &Setup::default()).unwrap();
    assert_eq!(server.sql("postgres", "CREATE TABLE t AS SELECT 1 AS a; SELECT a, 'x' FROM t;").unwrap(), "1|x");
    let error = server.sql("postgres", "SELECT 1; SELEC 2; SELECT 3;").unwrap_err();
    assert!(error.message.contains("syntax error at or near \"SELEC\""), "{error}");
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).is_err(), "TCP was not requested");
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

/// Run by the test below in a process of its own, which dies with a server.
#[test]
fn __postgres_owner() {
    if let Some(dir) = asked_to_own("__postgres_owner") {
        let server = PrivatePostgres::start(&dir, &Setup::default()).unwrap();
        own_and_die(server.pid(), &server.home.path);
    }
}

#[test]
fn a_server_ends_with_an_owner_that_is_killed() {
    an_owner_that_is_killed("__postgres_owner", "USR2");
    an_owner_that_is_killed("__postgres_owner", "INT QUIT");
}
