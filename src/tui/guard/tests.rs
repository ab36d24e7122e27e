use super::*;
use crate::tui::pty::{Exit, Pty, SOON};
use rustix::termios::LocalModes;
use std::io::Read as _;

/// Runs one of the scenes below as a program in a terminal.
fn play(scene: &str) -> Pty {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "tui::guard::tests::scene", "--nocapture", "--test-threads=1"];
    Pty::spawn(program.to_str().unwrap(), &arguments, &[("MIDWATCH_SCENE", scene)], (80, 24))
}

fn is_ours(screen: &vt100::Screen) -> bool {
    screen.alternate_screen()
        && screen.hide_cursor()
        && screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::PressRelease
        && screen.contents().contains("inside")
}

fn is_as_found(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}

fn is_cooked(pty: &Pty) -> bool {
    pty.termios().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
}

fn key() {
    io::stdin().read_exact(&mut [0]).unwrap();
}

/// Does nothing as a test: it is the program that the tests below run in a terminal.
#[test]
fn scene() {
    let Ok(scene) = std::env::var("MIDWATCH_SCENE") else { return };
    let tty = Tty::open().unwrap();
    let describe = |words: &str| tty.write_within(words.as_bytes(), SOON).unwrap();
    let guard = TerminalGuard::enter(tty.clone(), true).unwrap();
    let (send, died) = std::sync::mpsc::channel();
    catch_panics(guard.restore(), move |death| send.send(death).unwrap());
    describe("inside");
    key();
    match scene.as_str() {
        "leave" => {
            guard.leave().unwrap();
            guard.leave().unwrap();
            drop(guard);
            describe("outside");
            key();
        }
        "drop" => drop(guard),
        "panic" => panic!("it broke \x1b]0;title\x07"),
        "task" => {
            std::thread::Builder::new()
                .name("probe".into())
                .spawn(|| panic!("task broke \x1b[2J"))
                .unwrap()
                .join()
                .unwrap_err();
            let death = died.recv().unwrap();
            describe(&format!(" {} reported: {}", death.thread.plain(), death.message.plain()));
            key();
        }
        "suspend" => {
            describe(if guard.suspend().unwrap() { "inside again" } else { "not possible" });
            key();
        }
        other => unreachable!("{other}"),
    }
}

#[test]
fn the_terminal_is_taken_and_given_back_once() {
    let pty = play("leave");
    pty.wait_until(SOON, is_ours);
    assert!(!is_cooked(&pty));
    pty.send("x");
    pty.wait_for(SOON, |screen| screen.contains("outside"));
    assert!(pty.look(is_as_found) && is_cooked(&pty));
    let raw = pty.raw();
    assert_eq!(raw.windows(LEAVE.len()).filter(|bytes| *bytes == LEAVE).count(), 1);
    pty.send("x\r");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

#[test]
fn dropping_the_guard_gives_the_terminal_back() {
    let pty = play("drop");
    pty.wait_until(SOON, is_ours);
    pty.send("x");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert!(pty.look(is_as_found));
}

#[test]
fn a_panic_of_the_drawing_thread_is_shown_on_the_old_screen() {
    let pty = play("panic");
    pty.wait_until(SOON, is_ours);
    pty.send("x");
    assert_eq!(pty.exit(SOON), Exit::Code(101));
    assert!(pty.look(is_as_found));
    assert!(pty.screen().contains("it broke ^[]0;title^G"), "{}", pty.screen());
}

#[test]
fn a_panic_elsewhere_never_touches_the_screen() {
    let pty = play("task");
    pty.wait_until(SOON, is_ours);
    pty.send("x");
    let screen = pty.wait_for(SOON, |screen| screen.contains("reported"));
    assert_eq!(screen, "inside probe reported: task broke ^[[2J");
    assert!(pty.look(is_ours));
    pty.send("x");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert!(pty.look(is_as_found));
}

#[test]
fn a_job_is_stopped_and_continued_by_its_shell() {
    let program = std::env::current_exe().unwrap();
    let shell = Pty::spawn(
        "bash",
        &["--norc", "--noprofile", "-i"],
        &[("MIDWATCH_SCENE", "suspend"), ("PS1", "shell> ")],
        (100, 24),
    );
    shell.wait_for(SOON, |screen| screen.trim_end().ends_with("shell>"));
    shell.send(format!("{} --exact tui::guard::tests::scene --nocapture --test-threads=1\r", program.display()));
    shell.wait_until(SOON, is_ours);
    shell.send("x");
    shell.wait_for(SOON, |screen| screen.contains("Stopped"));
    assert!(!shell.look(vt100::Screen::alternate_screen) && !shell.look(vt100::Screen::hide_cursor));
    shell.send("fg\r");
    shell.wait_for(SOON, |screen| screen.contains("inside again"));
    shell.wait_until(SOON, is_ours);
    shell.send("x");
    shell.wait_until(SOON, |screen| !screen.alternate_screen());
    shell.wait_for(SOON, |screen| screen.trim_end().ends_with("shell>"));
    shell.send("exit\r");
    assert_eq!(shell.exit(SOON), Exit::Code(0));
}

#[test]
fn nothing_is_stopped_where_no_shell_could_continue_it() {
    let pty = play("suspend");
    pty.wait_until(SOON, is_ours);
    pty.send("x");
    pty.wait_for(SOON, |screen| screen.contains("not possible"));
    pty.send("x");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}
