//! Whether the judge would see a confirmation: each kind is made on purpose, and counted.

use super::estate::Estate;
use super::typist::starts_own;
use crate::pty::open_prompt;
use crate::support::pty::{Pty, SOON};
use std::time::{Duration, Instant};

/// Does something that confirms, and waits until the judge has so many more confirmations and effects.
fn counted(estate: &Estate, what: &str, more: (usize, usize), confirm: impl FnOnce() -> Pty) {
    let before = (estate.confirmations().len(), estate.effects().len());
    // Its console stays until the answer is in the journal.
    let _pty = confirm();
    let wanted = (before.0 + more.0, before.1 + more.1);
    let began = Instant::now();
    loop {
        let (found, effects) = (estate.confirmations(), estate.effects());
        if (found.len(), effects.len()) == wanted {
            return;
        }
        assert!(began.elapsed() < SOON, "{what} is not counted once: {found:#?} {effects:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn attach(estate: &Estate, name: &str) -> Pty {
    let (_, run) = estate.waiting.iter().find(|(other, _)| *other == name).unwrap();
    estate.home.open(&["attach", run], &[], (120, 36))
}

#[test]
fn each_kind_of_confirmation_is_seen_by_the_judge() {
    let mut estate = Estate::new();
    let gone = |title: &'static str| move |screen: &str| !screen.contains(title);
    counted(&estate, "a change", (1, 1), || {
        let pty = attach(&estate, "slow");
        open_prompt(&pty, "□ CHANGE");
        pty.press_until("c", gone("to confirm this change"));
        pty
    });
    counted(&estate, "two changes", (1, 2), || {
        let pty = attach(&estate, "phase");
        open_prompt(&pty, "CHANGE 2 STEPS");
        pty.press_until("j", |screen| screen.contains("page 2 of 2"));
        pty.press_until("c", gone("CHANGE 2 STEPS"));
        pty
    });
    counted(&estate, "a destroy", (1, 1), || {
        let pty = attach(&estate, "clean");
        open_prompt(&pty, "■ DESTROY");
        pty.press_until("d", |screen| screen.contains("to confirm:  d"));
        pty.type_in("elete 1 files\r");
        pty.wait_for(SOON, gone("■ DESTROY"));
        pty
    });
    counted(&estate, "a sign-off", (1, 0), || {
        let pty = attach(&estate, "sign");
        open_prompt(&pty, "SIGN OFF");
        pty.press_until("c", gone("to sign off"));
        pty
    });
    counted(&estate, "a decision", (1, 0), || {
        let pty = attach(&estate, "decide");
        open_prompt(&pty, "DECIDE");
        pty.press_until("c", gone("DECIDE"));
        pty
    });
    counted(&estate, "a plain sign-off", (1, 0), || {
        let (_, run) = estate.waiting.iter().find(|(name, _)| *name == "note").unwrap();
        let pty = estate.home.open(&["attach", "--plain", run], &[], (120, 50));
        pty.wait_for(SOON, |screen| screen.trim_end().ends_with("or cancel [nothing]:"));
        pty.send("done: yes\r");
        pty.wait_for(SOON, |screen| screen.contains("the run is over"));
        pty
    });
    counted(&estate, "a claim", (1, 0), || {
        let pty = attach(&estate, "list");
        pty.wait_for(SOON, |screen| screen.contains("Other"));
        pty.press_until("j", |screen| screen.lines().any(|line| line.contains('▌') && line.contains("Other")));
        pty.press_until("m", |screen| screen.contains("Sign off by hand"));
        pty.press_until("x", |screen| screen.contains("┃x"));
        sign_off(&pty);
        pty
    });
    // A run that must not be started.
    let before = estate.confirmations().len();
    let pty = estate.home.open(&[], &[], (120, 36));
    let run = starts_own(&mut estate, &pty);
    estate.forget(&run);
    assert_eq!(estate.confirmations().len(), before + 1);
}

/// Goes from a text to the keys, and signs it.
fn sign_off(pty: &Pty) {
    pty.send("\t");
    pty.wait_for(SOON, |screen| screen.contains("Tab goes to the text"));
    pty.press_until("c", |screen| !screen.contains("Sign off by hand"));
}
