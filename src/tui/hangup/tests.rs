use super::*;
use crate::tui::pty::{Exit, Pty, SOON};
use crate::tui::tty::Tty;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;

/// Does nothing as a test: it is a program for the one below, which ignores SIGHUP and never looks at its terminal again.
#[test]
fn stuck() {
    if std::env::var_os("MIDWATCH_SCENE").is_none() {
        return;
    }
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false))).unwrap();
    let tty = Tty::open().unwrap();
    let _watch = Hangup::watch(tty.clone(), || {}).unwrap();
    tty.write_within(b"watching", SOON).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_stuck_program_ends_within_a_second_of_the_hang_up() {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "tui::hangup::tests::stuck", "--nocapture"];
    let mut pty = Pty::spawn(program.to_str().unwrap(), &arguments, &[("MIDWATCH_SCENE", "stuck")], (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("watching"));
    pty.hang_up();
    assert_eq!(pty.exit(SOON), Exit::Code(129));
    assert!(GRACE < Duration::from_secs(1));
}

#[test]
fn the_hangup_is_reported_once_and_not_before() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (send, receiver) = channel();
    let _watch = Hangup::spawn(ours, move || send.send(()).unwrap()).unwrap();
    io::Write::write_all(&mut &theirs, b"input is not the end").unwrap();
    assert!(receiver.try_recv().is_err());
    drop(theirs);
    receiver.recv_timeout(SOON).unwrap();
}

#[test]
fn a_dropped_watch_reports_nothing() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (send, receiver) = channel::<()>();
    drop(Hangup::spawn(ours, move || send.send(()).unwrap()).unwrap());
    // The thread ends, and its sender with it, before the other side goes.
    assert_eq!(receiver.recv(), Err(std::sync::mpsc::RecvError));
    drop(theirs);
}
