//! The pseudo-terminal harness itself, on programs that every system has.

use crate::support::pty::{Exit, Pty, SOON};
use rustix::process::Signal;

#[test]
fn what_is_typed_arrives_and_what_is_written_is_seen() {
    let script =
        r#"printf '\033[31mname?\033[m '; read name; echo "got $name"; tput cols 2>/dev/null || stty size; exit 3"#;
    let pty = Pty::spawn("sh", &["-c", script], &[("NAME", "x")], (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("name?"));
    assert_eq!(pty.look(|screen| screen.cell(0, 0).unwrap().fgcolor()), vt100::Color::Idx(1));
    pty.send("anna\r");
    pty.wait_for(SOON, |screen| screen.contains("got anna") && screen.contains("80"));
    assert_eq!(pty.exit(SOON), Exit::Code(3));
    assert!(pty.raw().windows(5).any(|bytes| bytes == b"\x1b[31m"));
}

#[test]
fn a_program_learns_that_its_terminal_changed() {
    let script = r"trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut pty = Pty::spawn("sh", &["-c", script], &[], (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("ready"));
    pty.resize(40, 10);
    pty.wait_for(SOON, |screen| screen.contains("10 40"));
    pty.kill(Signal::TERM);
    assert_eq!(pty.exit(SOON), Exit::Signal("Terminated".to_owned()));
}

#[test]
fn a_cut_line_hangs_the_program_up() {
    let mut pty = Pty::spawn("cat", &[], &[], (80, 24));
    pty.send("echo\r");
    pty.wait_for(SOON, |screen| screen.matches("echo").count() == 2);
    pty.hang_up();
    assert_eq!(pty.exit(SOON), Exit::Signal("Hangup".to_owned()));
    assert!(pty.screen().contains("echo"));
}

#[test]
#[should_panic(expected = "the program ended (Some(Code(0))); the screen was:\nonly this")]
fn waiting_for_what_never_comes_says_what_was_there() {
    let pty = Pty::spawn("echo", &["only this"], &[], (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("something else"));
}
