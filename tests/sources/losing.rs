//! Every target lost at once, and found again.

use super::*;
use crate::support::pty::{Exit, SOON};

/// Large enough for every row of a pane, with the whole of what it says.
const LARGE: (u16, u16) = (220, 40);

/// What is lost, by the pane that shows it: each name, and a word of its last reading.
const LOST: [(&str, &[(&str, &str)]); 3] = [
    (
        "1",
        &[
            ("cache", "primary"),
            ("cache memory", "noeviction"),
            ("cache persistence", "saved"),
            ("cache replication", "no replicas"),
            (bus::UNIT, "active (running)"),
            ("main", "primary 15"),
            ("main connections", "of 97"),
            ("main replication", "no standby"),
            ("web", "200"),
        ],
    ),
    ("3", &[("served", "80 d"), ("served-expired", "expired 9 d ago")]),
    ("4", &[("public.orders", "66 %"), ("smaller relations", "1 relation"), ("main", "reclaim")]),
];

/// The line of a row: its symbol, its verdict, its name.
fn line<'a>(screen: &'a str, name: &str) -> Option<&'a str> {
    let is_of = |line: &&str| {
        let words = line.trim_start_matches(|c: char| !c.is_alphanumeric()).split_once(' ');
        words.is_some_and(|(_, rest)| rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with("  ")))
    };
    screen.lines().find(is_of)
}

/// The rows of the servers themselves; every other one is of a part of them, or is read over the bus.
const SERVERS: [&str; 5] = ["cache", "main", "web", "served", "served-expired"];

/// How the sources are.
#[derive(Clone, Copy, PartialEq)]
enum They {
    Answer,
    /// They refuse: each is critical, and what it is made of is lost.
    Refuse,
    /// They say nothing: nothing is known of them.
    Hang,
}

fn is_lost(line: &str) -> bool {
    (line.contains(" unknown ") || line.contains(" stale ")) && line.contains(" · was ")
}

fn is_down(line: &str) -> bool {
    line.contains(" critical ") && line.contains("down: ")
}

fn is_as(they: They, name: &str, line: &str) -> bool {
    match they {
        They::Answer => !is_lost(line) && !is_down(line) && !line.contains("not read yet"),
        They::Refuse if SERVERS.contains(&name) => is_down(line),
        They::Refuse | They::Hang => is_lost(line),
    }
}

/// Goes through the panes, and waits until every row is as wanted.
#[track_caller]
fn every_row(pty: &Pty, they: They) {
    for (pane, rows) in LOST {
        pty.send(pane);
        let screen = pty.wait_for(LONG, |screen| {
            rows.iter().all(|(name, _)| line(screen, name).is_some_and(|line| is_as(they, name, line)))
        });
        let describe = |name: &str| they != They::Refuse || !SERVERS.contains(&name);
        for (name, word) in rows.iter().filter(|(name, word)| *word != "reclaim" && describe(name)) {
            let line = line(&screen, name).unwrap();
            assert!(line.contains(word), "{name} no longer says {word:?}: {line}");
        }
    }
}

/// Every key has its effect, whatever the sources do.
fn keys_work(pty: &Pty) {
    pty.send("1");
    pty.send("/");
    pty.wait_for(SOON, |screen| screen.contains("filter ▌"));
    pty.send("main");
    pty.wait_for(SOON, |screen| screen.contains("Health /main"));
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| !screen.contains("Health /main"));
    for (key, wanted) in [("?", "keys and symbols"), (":", "┏ Commands"), ("R", "┏ Runs")] {
        pty.send(key);
        pty.wait_for(SOON, |screen| screen.contains(wanted));
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains(wanted));
    }
    for (key, wanted) in [("2", "no backup"), ("3", "served-expired"), ("4", "public.orders")] {
        pty.send(key);
        pty.wait_for(SOON, |screen| screen.contains(wanted));
    }
}

/// How many descriptors a process has open.
fn descriptors(pty: &Pty) -> usize {
    fs::read_dir(format!("/proc/{}/fd", pty.pid().as_raw_nonzero())).unwrap().count()
}

/// The bytes that are written in so many seconds: here time itself is looked at.
fn bytes_during(pty: &Pty, seconds: u64) -> usize {
    let before = pty.raw().len();
    std::thread::sleep(Duration::from_secs(seconds));
    pty.raw().len() - before
}

/// Loses everything, looks, and gets it back; for as long as it is lost, keys work and the screen is calm.
fn cycle(world: &mut World, pty: &Pty, hang: bool) {
    if hang {
        world.freeze(true);
    } else {
        world.lose();
    }
    pty.send("r");
    // Every key, while what is read hangs.
    keys_work(pty);
    every_row(pty, if hang { They::Hang } else { They::Refuse });
    keys_work(pty);
    let bytes = bytes_during(pty, 6);
    assert!(bytes < 6 * 500, "{bytes} bytes in 6 s are no calm screen");
    if hang {
        world.freeze(false);
    } else {
        world.come_back();
    }
    // What hung may be in its pause between two attempts.
    pty.send("1");
    pty.press_until("r", |screen| {
        LOST[0].1.iter().all(|(name, _)| line(screen, name).is_some_and(|line| is_as(They::Answer, name, line)))
    });
    every_row(pty, They::Answer);
}

#[test]
fn everything_is_lost_and_found_again_and_no_key_waits_for_it() {
    let mut world = World::start();
    let pty = world.open(&[], LARGE);
    pty.wait_for(SOON, |screen| screen.contains("1 Health"));
    pty.send("z");
    every_row(&pty, They::Answer);
    let before = descriptors(&pty);
    for hang in [false, true] {
        cycle(&mut world, &pty, hang);
        // A connection each, and no more than before.
        wait_for("descriptors are given back", || (descriptors(&pty) <= before + 2).then_some(()));
    }
    // Leaving waits for nobody.
    world.freeze(true);
    pty.send("r");
    pty.press_until("q", |screen| !screen.contains("Certificates"));
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    world.freeze(false);
    world.estate.nothing_runs();
    let left: Vec<_> = fs::read_dir(world.estate.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let known = ["log", "locks", "runs", "history.db", "history.db-journal", "history.lock"];
    assert!(left.iter().all(|name| known.iter().any(|known| name == known)), "{left:?}");
}

#[test]
fn check_ends_when_everything_hangs() {
    let world = World::start();
    world.freeze(true);
    let printed = world.estate.midwatch(&["check", "health", "--json"]);
    world.freeze(false);
    assert_eq!(printed.code, Some(3), "{}", printed.out);
    let report: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let rows = report["panes"]["health"].as_array().unwrap();
    for kind in ["service", "unit", "postgres", "redis"] {
        let row = rows.iter().find(|row| row["kind"] == kind).unwrap();
        assert!(row["verdict"] == "unknown" && row["facts"].is_null() && row["observed_at"].is_null(), "{row:#}");
        assert!(row["detail"].as_str().unwrap().contains(" s"), "{row:#}");
    }
    assert!(rows.iter().any(|row| row["target"] == "cpu" && row["verdict"] != "unknown"), "this host goes on");
}
