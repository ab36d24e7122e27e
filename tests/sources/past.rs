//! Figures of the past: what one process has read, the next one shows.

use super::*;
use crate::support::disk::Disk;
use crate::support::pty::{Exit, SOON};
use crate::support::stalled::Mirror;
use std::os::unix::fs::DirBuilderExt;

const SIZE: (u16, u16) = (160, 40);

/// An estate of one service, and a clock that the test sets.
struct Night {
    estate: Estate,
    web: Endpoint,
}

impl Night {
    fn new() -> Self {
        Self::keeping_state_in(None)
    }

    fn keeping_state_in(state: Option<&Path>) -> Self {
        let estate = state.map_or_else(Estate::default, |state| Estate::default().keeping_state_in(state));
        let clock = estate.beside("clock").display().to_string();
        let night = Self { estate: estate.with("MIDWATCH_WALL_SHIFT", &clock), web: Endpoint::http() };
        night.estate.configure(&service(&night.web));
        night
    }

    /// Sets the clock so many minutes back.
    fn ago(&self, minutes: i64) {
        let new = self.estate.beside("clock.new");
        fs::write(&new, (minutes * -60).to_string()).unwrap();
        fs::rename(new, self.estate.beside("clock")).unwrap();
    }

    /// A console at the Health pane, once the service has a graph; with the graph.
    fn console(&self, arguments: &[&str]) -> (Pty, String) {
        let pty = self.estate.terminal(arguments, SIZE);
        pty.send("1");
        pty.wait_for(SOON, |screen| graph(screen).is_some());
        let graph = graph(&pty.screen()).unwrap();
        (pty, graph)
    }

    /// A console that is opened and left so many minutes ago; its graph.
    fn looked(&self, minutes: i64) -> String {
        self.ago(minutes);
        let (pty, graph) = self.console(&[]);
        leave(&pty);
        graph
    }

    fn database(&self) -> PathBuf {
        self.estate.state().join("history.db")
    }
}

fn service(web: &Endpoint) -> String {
    format!("[[service]]\nname = \"web\"\nurl = \"http://{}/health\"\nevery = \"1s\"\n", web.address)
}

fn leave(pty: &Pty) {
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

/// The graph in the row of the service: its bars, and blanks for gaps.
fn graph(screen: &str) -> Option<String> {
    let is_bar = |letter: char| ('▁'..='█').contains(&letter);
    let line = screen.lines().find(|line| line.contains(" web ") && line.contains("200"))?;
    let bars = line.trim_start_matches(|letter| !is_bar(letter)).trim_end_matches(|letter| !is_bar(letter));
    Some(bars.to_owned()).filter(|bars| !bars.is_empty())
}

/// How many bars stand between the gaps of a graph. A minute may begin while a test looks, so a stretch may have one more.
fn stretches(graph: &str) -> Vec<usize> {
    graph.split(' ').map(|bars| bars.chars().count()).collect()
}

#[test]
fn a_console_begins_with_what_an_earlier_one_read_and_shows_the_gap() {
    let night = Night::new();
    let first = night.looked(20);
    assert!(matches!(*stretches(&first), [1..=2]), "nothing was read before: {first:?}");
    night.looked(3);
    // A wallboard contributes as well: what it writes is in this user's own directory.
    night.ago(2);
    let wall = night.estate.terminal(&["watch"], SIZE);
    wall.wait_for(SOON, |screen| !screen.contains("NO READINGS") && screen.contains("oldest reading"));
    leave(&wall);
    night.looked(1);
    night.ago(0);
    let (pty, _) = night.console(&[]);
    let past = |screen: &str| matches!(*stretches(&graph(screen).unwrap_or_default()), [1..=2, 4..=6]);
    pty.wait_for(SOON, past);
    // The details say over what time they are.
    pty.send("/");
    pty.send("web\r");
    pty.press_until("\r", |screen| screen.contains("minutes in 2"));
    assert!(pty.screen().contains(", 1 gap"), "{}", pty.screen());
    pty.kill(rustix::process::Signal::TERM);
    pty.exit(SOON);
    // Another estate, of the same name and with the same service, has a past of its own.
    let other = night.estate.beside("other.toml");
    fs::copy(night.estate.beside("midwatch.toml"), &other).unwrap();
    let (pty, graph) = night.console(&["--config", other.to_str().unwrap()]);
    assert!(matches!(*stretches(&graph), [1..=2]), "{graph:?}");
    leave(&pty);
    let mode = fs::metadata(night.database()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    night.estate.nothing_runs();
}

#[test]
fn checks_of_a_monitor_make_a_past_where_there_is_a_state_directory() {
    let night = Night::new();
    night.ago(4);
    night.estate.midwatch(&["check", "health", "--json"]);
    assert!(!night.estate.state().exists(), "a command that only looks leaves nothing behind");
    fs::DirBuilder::new().mode(0o700).create(night.estate.state()).unwrap();
    for minutes in [3, 2, 1] {
        night.ago(minutes);
        night.estate.midwatch(&["check", "health"]);
    }
    night.ago(0);
    let (pty, _) = night.console(&[]);
    pty.wait_for(SOON, |screen| matches!(*stretches(&graph(screen).unwrap_or_default()), [4..=6]));
    leave(&pty);
}

#[test]
fn the_figures_of_a_target_are_printed_with_their_gaps() {
    let night = Night::new();
    let none = night.estate.midwatch(&["history", "web"]).exits(2);
    none.prints("there are no figures of web of the last 24 hours in")
        .prints("a console, a wallboard, or midwatch check");
    fs::DirBuilder::new().mode(0o700).create(night.estate.state()).unwrap();
    for minutes in [90, 31, 30] {
        night.ago(minutes);
        night.estate.midwatch(&["check", "health"]);
    }
    night.ago(0);
    let printed = night.estate.midwatch(&["history", "web"]).exits(0);
    let lines: Vec<&str> = printed.out.lines().collect();
    let [title, first, gap, second, third] = *lines else { panic!("{}", printed.out) };
    assert_eq!(title, "service web: latency");
    assert!(
        [first, second, third].iter().all(|line| line.ends_with(" ms") && line.contains(" UTC  ")),
        "{}",
        printed.out
    );
    assert!(matches!(gap, "  nothing was read for 58 m" | "  nothing was read for 59 m"), "{gap}");
    let answer = night.estate.midwatch(&["history", "web", "--hours", "1", "--json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let series = &report["series"][0];
    assert_eq!((&report["schema"], &report["series"].as_array().unwrap().len()), (&1.into(), &1));
    assert_eq!(
        (&series["kind"], &series["target"], &series["fact"]),
        (&"service".into(), &"web".into(), &"latency_ms".into())
    );
    assert!(series["object"].is_null());
    let figures = series["figures"].as_array().unwrap();
    assert!(figures.len() == 2 && figures.iter().all(|figure| figure["value"].is_f64()), "{series}");
    let all = night.estate.midwatch(&["history"]).exits(0);
    assert!(
        all.out.lines().any(|line| line.starts_with("service web ") && line.contains("3 minutes since")),
        "{}",
        all.out
    );
    assert!(all.out.lines().any(|line| line.starts_with("host cpu ")), "{}", all.out);
    night.estate.midwatch(&["history", "wbe"]).exits(2).prints("there are some of").prints("web");
}

#[test]
fn a_damaged_file_costs_the_past_and_nothing_else() {
    let night = Night::new();
    night.looked(1);
    let damaged = b"what a disk gave back instead\n".repeat(400);
    fs::write(night.database(), &damaged).unwrap();
    night.ago(0);
    let (pty, _) = night.console(&[]);
    pty.wait_for(SOON, |screen| screen.contains("was damaged, and a new one is begun"));
    pty.press_until("\x1b", |screen| !screen.contains("was damaged"));
    leave(&pty);
    let names = fs::read_dir(night.estate.state()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = names
        .filter(|path| {
            path.extension().is_some_and(|end| {
                let end = end.to_str().unwrap();
                end.starts_with("damaged-") && !end.ends_with("-journal")
            })
        })
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(&kept[0]).unwrap(), damaged);
    let (pty, _) = night.console(&[]);
    pty.send("?");
    assert!(!pty.wait_for(SOON, |screen| screen.contains("keys and symbols")).contains("damaged"));
    pty.press_until("\x1b", |screen| !screen.contains("keys and symbols"));
    leave(&pty);
}

#[test]
fn a_full_disk_costs_the_past_and_nothing_else() {
    let disk = Disk::mount(2048);
    let mut night = Night::keeping_state_in(Some(&disk.path().join("state")));
    night.estate.set("MIDWATCH_SPAN_HISTORY", "200");
    night.ago(1);
    fs::DirBuilder::new().mode(0o700).create(night.estate.state()).unwrap();
    disk.fill();
    let (pty, _) = night.console(&[]);
    pty.wait_for(SOON, |screen| {
        screen.contains("cannot keep history in") && screen.contains("its file system is full")
    });
    pty.send("?");
    pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
    pty.press_until("\x1b", |screen| !screen.contains("keys and symbols"));
    // With room again, what was read meanwhile is kept.
    disk.empty();
    wait_for("figures on disk", || fs::metadata(night.database()).ok().filter(|found| found.len() > 4096));
    leave(&pty);
    night.ago(0);
    let (pty, _) = night.console(&[]);
    pty.wait_for(SOON, |screen| matches!(*stretches(&graph(screen).unwrap_or_default()), [2..=4]));
    leave(&pty);
}

#[test]
fn a_disk_that_does_not_answer_costs_the_past_and_no_key() {
    let mirror = Mirror::mount();
    let mut night = Night::keeping_state_in(Some(Path::new(&mirror.at("state"))));
    night.estate.set("MIDWATCH_SPAN_HISTORY", "200");
    night.estate.set("MIDWATCH_SPAN_HISTORY_SLOW", "500");
    night.ago(0);
    let pty = mirror.terminal(&night.estate, &[], &[], SIZE);
    pty.send("1");
    pty.wait_for(SOON, |screen| graph(screen).is_some());
    mirror.stop();
    pty.wait_for(SOON, |screen| {
        screen.contains("cannot keep history in") && screen.contains("no answer within 500 ms")
    });
    pty.send("?");
    pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
    pty.press_until("\x1b", |screen| !screen.contains("keys and symbols"));
    // A process whose request the file server has taken ends only once that is answered. The terminal is
    // given back at once.
    pty.send("q");
    pty.wait_for(SOON, |screen| !screen.contains("MIDWATCH"));
    mirror.go_on();
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}
