//! The control socket under abuse: the run goes on, memory stays bounded, and a good client has its reply soon.

use crate::support::estate::{Estate, SOON, wait_for};
use crate::support::run::{Run, consent};
use midwatch::domain::RunStatus;
use midwatch::runner::protocol::{Demand, LARGEST_REQUEST, Reply};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

/// How long a good client may have to wait while others misbehave.
const BOUND: Duration = Duration::from_secs(30);

fn estate() -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_PEER", "500");
    let steps = r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
undo   = { none = "a test" }
"#;
    estate.procedure("one", "", steps);
    estate
}

/// A good client still has its reply within bounds, and the run can be driven to its end.
fn goes_on(run: &Run<'_>) {
    let began = Instant::now();
    let reply = run.ask(Demand::Note { step: None, text: "still here".to_owned() });
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    assert!(began.elapsed() < BOUND, "it took {:?}", began.elapsed());
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(run.estate.lines("done"), 1);
    run.is_whole_and_known();
    run.estate.nothing_runs();
}

/// The most memory that a process ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn garbage_is_refused_in_a_sentence() {
    let estate = estate();
    let run = estate.start_waiting("one");
    let long = vec![b'x'; LARGEST_REQUEST + 1];
    let nested = [b"[".repeat(20_000), b"\n".to_vec()].concat();
    let lines: [&[u8]; 8] = [
        b"\n",
        b"hello\n",
        b"{}\n",
        b"\0\xff\xfe\x1b[2J\n",
        b"GET / HTTP/1.1\r\n\r\n",
        br#"{"v":9,"run":"01ARZ3NDEKTSV4RRFFQ69G5FAV","ask":{"do":"abort","undo":false},"through":"x"}
"#,
        &nested,
        &long,
    ];
    for line in lines {
        let mut stream = run.connect().unwrap();
        let _ = stream.write_all(line);
        let mut reply = String::new();
        // What was sent beyond the bound makes the kernel reset the connection after the reply.
        let _ = BufReader::new(stream).read_line(&mut reply);
        let refused = matches!(serde_json::from_str(&reply), Ok(Reply::Rejected { .. }));
        assert!(refused, "{reply:?} to {:?}", String::from_utf8_lossy(&line[..line.len().min(80)]));
    }
    // One that sends nothing, and one that leaves in the middle.
    drop(run.connect().unwrap());
    run.connect().unwrap().write_all(b"{\"v\":1,").unwrap();
    goes_on(&run);
}

#[test]
fn a_request_without_an_end_costs_no_memory() {
    let estate = estate();
    let run = estate.start_waiting("one");
    let before = peak_kib(run.runner());
    let mut stream = run.connect().unwrap();
    let chunk = vec![b'x'; 1 << 20];
    let mut sent: u64 = 0;
    while sent < 1 << 30 {
        match stream.write(&chunk) {
            Ok(count) => sent += count as u64,
            Err(_) => break,
        }
    }
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    assert!(peak_kib(run.runner()) < before + (8 << 10));
    goes_on(&run);
}

#[test]
fn slow_peers_do_not_keep_a_good_one_away() {
    let estate = estate();
    let run = estate.start_waiting("one");
    let mut slow: Vec<_> = (0..40).map(|_| run.connect().unwrap()).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"{");
    }
    goes_on(&run);
    for stream in &mut slow {
        let mut left = Vec::new();
        let _ = stream.read_to_end(&mut left);
        assert!(left.is_empty() || left.starts_with(br#"{"reply":"busy"}"#), "{}", String::from_utf8_lossy(&left));
    }
}

#[test]
fn a_thousand_connections_do_not_keep_a_good_one_away() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let estate = estate();
    let run = estate.start_waiting("one");
    let runner = run.runner();
    let descriptors = || std::fs::read_dir(format!("/proc/{runner}/fd")).unwrap().count();
    let before = descriptors();
    let crowd: Vec<_> = (0..1000).filter_map(|_| run.connect().ok()).collect();
    assert!(crowd.len() > 900, "{} were let in", crowd.len());
    wait_for("most to be turned away", || (descriptors() < before + 64).then_some(()));
    goes_on(&run);
    drop(crowd);
    assert!(SOON > BOUND);
}

#[test]
fn a_socket_that_was_removed_or_replaced_is_opened_again() {
    let estate = estate().with("MIDWATCH_SPAN_SOCKET", "50");
    let run = estate.start_waiting("one");
    let socket = run.dir.path.join("control.sock");
    let note = || run.midwatch("abort", &[]);
    std::fs::remove_file(&socket).unwrap();
    wait_for("a new socket", || run.connect().ok());
    std::fs::remove_file(&socket).unwrap();
    std::fs::write(&socket, "").unwrap();
    wait_for("a socket in the place of a file", || run.connect().ok());
    std::fs::remove_file(&socket).unwrap();
    // An early client waits for the runner, and is not sent to `resume`.
    note().exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    estate.nothing_runs();
}

#[test]
fn two_aborts_at_once_each_report_the_state_of_the_run() {
    let estate = estate();
    for _ in 0..10 {
        let run = estate.start_waiting("one");
        let lines = std::thread::scope(|scope| {
            let both = [(); 3].map(|()| scope.spawn(|| run.midwatch("abort", &[])));
            both.map(|one| one.join().unwrap())
        });
        assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
        assert!(lines.iter().any(|printed| printed.code == Some(0)));
        for answer in lines {
            match answer.code {
                Some(0) => {}
                _ => drop(answer.exits(2).prints(&format!("run {} is over: aborted", run.dir.id))),
            }
        }
    }
}
