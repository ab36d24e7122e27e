//! Keys, and that each is answered.

use crate::support::pty::{Pty, SOON};

#[test]
fn every_key_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let pty = Pty::spawn(env!("CARGO_BIN_EXE_midwatch"), &[], &[("HOME", home)], (120, 36));
    pty.wait_for(SOON, |screen| screen.contains("┏ 1 Health"));
    for _ in 0..30 {
        pty.send("6");
        pty.wait_for(SOON, |screen| screen.contains("┏ 6 Run"));
        pty.send("1");
        pty.wait_for(SOON, |screen| screen.contains("┏ 1 Health"));
    }
}
