//! A run that would be killed when whoever starts it logs out is asked about before step 1: on the plain line and in the console.

use crate::support::estate::{Estate, wait_for};
use crate::support::pty::{Exit, SOON};
use std::fs;

const TOUCH: &str = "[[work]]\ntitle = \"Touch\"\nmanual = \"Touch it.\"\n";

/// Somebody below their own manager, without lingering; no login manager answers.
fn estate() -> Estate {
    let estate = Estate::default();
    let (cgroup, bus) = (estate.beside("cgroup"), estate.beside("no-bus"));
    fs::write(&cgroup, "0::/user.slice/user-61500.slice/user@61500.service/app.slice/shell.scope\n").unwrap();
    let estate = estate.with("MIDWATCH_CGROUP", cgroup.to_str().unwrap());
    let estate = estate.with("DBUS_SYSTEM_BUS_ADDRESS", &format!("unix:path={}", bus.display()));
    estate.procedure("one", "", TOUCH);
    estate
}

const KILLED: &str = "when you log out, the run is killed";

#[test]
fn nothing_starts_where_nobody_can_be_asked() {
    let estate = estate();
    let printed = estate.start("one", &["--yes", "change"]).exits(75);
    assert!(printed.err.contains(KILLED) && printed.err.contains("loginctl enable-linger"), "{}", printed.err);
    assert!(estate.runs().is_empty());
    // Where no logout reaches it, it is started.
    fs::write(estate.beside("cgroup"), "0::/system.slice/cron.service\n").unwrap();
    estate.start("one", &[]).exits(75);
    assert_eq!(estate.runs().len(), 1);
}

#[test]
fn the_plain_line_asks_before_step_1() {
    let estate = estate();
    for (typed, starts) in [("no", false), ("yes", true)] {
        let pty = estate.terminal(&["run", "test/one"], (120, 36));
        let asked = pty.wait_for(SOON, |screen| screen.contains("to start it all the same"));
        assert!(asked.contains(KILLED) && estate.runs().is_empty(), "{asked}");
        pty.send(format!("{typed}\r"));
        if starts {
            pty.wait_for(SOON, |screen| screen.contains("or cancel [nothing]:"));
            assert_eq!(estate.runs().len(), 1);
            pty.send("done\r");
            assert_eq!(pty.exit(SOON), Exit::Code(0));
            estate.run().midwatch("report", &[]).exits(0).prints(KILLED);
        } else {
            assert_eq!(pty.exit(SOON), Exit::Code(9));
            assert!(estate.runs().is_empty());
        }
    }
}

#[test]
fn the_console_says_it_with_the_plan_and_starts_only_then() {
    let estate = estate();
    for size in [(80, 24), (120, 36)] {
        let before = estate.runs().len();
        let pty = estate.terminal(&[], size);
        pty.wait_for(SOON, |screen| screen.contains("1 Health"));
        pty.send(":");
        pty.wait_for(SOON, |screen| screen.contains("Commands"));
        pty.send("run test/one");
        pty.wait_for(SOON, |screen| screen.contains("▌ run test/one"));
        pty.send("\r");
        let shown = pty.wait_for(SOON, |screen| screen.contains("to start."));
        let flat: String =
            shown.split_whitespace().filter(|word| !["┃", "│"].contains(word)).collect::<Vec<_>>().join(" ");
        assert!(flat.contains(KILLED), "{shown}");
        assert_eq!(estate.runs().len(), before, "nothing starts before the answer");
        pty.press_until("c", |screen| screen.contains("Touch it."));
        wait_for("the run", || (estate.runs().len() == before + 1).then_some(()));
        let run = estate.run();
        run.accept(&run.prompt(), crate::support::run::consent(&run.prompt()));
        let view = run.sealed();
        assert!(
            format!("{:?}", view.terms).contains(KILLED),
            "the record says that it was warned of: {:?}",
            view.terms
        );
    }
}
