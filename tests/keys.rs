//! Keys, and how soon they are answered.

use crate::support::pty::{Pty, SOON};
use std::time::{Duration, Instant};

#[test]
fn every_key_is_answered_at_once_and_not_with_the_next_reading() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let pty = Pty::spawn(env!("CARGO_BIN_EXE_midwatch"), &[], &[("HOME", home)], (120, 36));
    pty.wait_for(SOON, |screen| screen.contains("┏ 1 Health"));
    let began = Instant::now();
    for _ in 0..30 {
        pty.send("6");
        pty.wait_for(SOON, |screen| screen.contains("┏ 6 Run"));
        pty.send("1");
        pty.wait_for(SOON, |screen| screen.contains("┏ 1 Health"));
    }
    // Answered with whatever comes next, the clock at the latest, these take more than thirty seconds.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
