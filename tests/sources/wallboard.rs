//! `midwatch watch` and `midwatch windows`; edits of the estate while a console is open.

use super::*;
use crate::support::pty::{Exit, SOON};
use midwatch::app::msg::Msg;
use midwatch::app::wallboard::{self, Wallboard};
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::{Row, Rows, TargetKind};
use rustix::process::Signal;

const SIZE: (u16, u16) = (120, 36);

/// A wall whose rows are these.
fn wallboard_of(rows: &[Row]) -> Model {
    let mut model = sample::console(SIZE, None);
    model.wallboard = Some(Wallboard::new(model.now.boot));
    for row in rows {
        let rows = Rows { kind: row.kind, target: row.target.clone(), rows: vec![row.clone()] };
        update(&mut model, Msg::RowsRead(rows));
    }
    model
}

#[test]
fn it_is_blind_when_nothing_can_be_read_and_not_when_one_thing_cannot() {
    let rows = sample::rows();
    let named = |name: &str| rows.iter().find(|row| row.target == name).unwrap().clone();
    let lost = |name: &str| {
        let mut row = named(name);
        row.lost = Some(("gone".to_owned(), sample::at(449)));
        row
    };
    let describe = |rows: &[Row]| {
        let model = wallboard_of(rows);
        let sentence = wallboard::sentence(&model.snapshot());
        (sentence.blind, sentence.happening)
    };
    assert_eq!(named("api").kind, TargetKind::Service);
    assert!(!describe(&[named("cpu"), named("api"), lost("scheduler")]).0, "one of two services is lost");
    let (blind, happening) = describe(&[named("cpu"), lost("api"), lost("scheduler")]);
    assert!(blind && happening.starts_with("NO READINGS"), "this host's own figures are no estate: {happening}");
    assert!(!describe(&[named("cpu"), named("/")]).0, "nothing else is looked after");
    assert!(describe(&[lost("cpu"), lost("/")]).0);
    assert_eq!(describe(&[named("worker")]).1, "NO READINGS yet");
    assert_eq!(describe(&[]).1, "NO READINGS yet");
    assert_eq!(describe(&[lost("api")]).1, "NO READINGS", "the last reading is of now");
    let mut old = lost("api");
    old.observation.as_mut().unwrap().observed_at = sample::at(451 - 190);
    assert_eq!(describe(&[old]).1, "NO READINGS for 3 m");
}

/// A screen as one line, with single blanks.
fn flat(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A run that asks for a destroy.
const PURGE: &str = r#"
[[purge]]
title = "Delete the old ones"
effect = "destroy"
do = { files = "delete", under = "old", match = "*.log" }
undo = { none = "they are gone" }
"#;
const HEADER: &str = "purpose = \"Delete\"\nowner = \"tests\"\nreviewed = 2026-11-21\nreview_every = \"90d\"\n";

#[test]
fn it_turns_by_itself_follows_what_runs_and_touches_nothing() {
    let world = World::start();
    world.estate.procedure("purge", HEADER, PURGE);
    for number in 0..3 {
        world.estate.file(&format!("old/{number}.log"), "old");
    }
    let pty = world.open(&["watch"], SIZE);
    let screen = pty.wait_for(SOON, |screen| screen.contains("critical:") && screen.contains("file-expired"));
    assert!(screen.lines().next().unwrap().contains("READ-ONLY"), "{screen}");
    // Each problem with its pane and its reason.
    pty.wait_for(LONG, |screen| {
        let screen = flat(screen);
        let rows = ["critical Certificates file-expired expired", "critical Backups stale 2 d old"];
        rows.iter().all(|row| screen.contains(row))
    });

    let run = world.estate.start_waiting("purge");
    let phrase = match run.prompt().ask {
        midwatch::journal::record::Ask::Confirm { preview, .. } => preview.phrase,
        other => panic!("{other:?}"),
    };
    assert!(phrase.len() > 5, "{phrase}");
    let waits = "Test purge waits for an operator at step 1 of 1: Delete the old ones";
    pty.wait_for(SOON, |screen| flat(screen).contains(waits));
    let before = fs::read(run.dir.journal()).unwrap();
    // What acts in a console, and what a tired hand might try.
    for keys in ["\r", "c", "gn", "gx", "gr", "x", "N", ":", "R", "/", "v", "s", "m", " ", "\x1b", &phrase, "\r"] {
        pty.send(keys);
    }
    pty.send("\t");
    let screen = pty.wait_for(SOON, |screen| flat(screen).contains(waits));
    assert!(!screen.contains("Commands") && !screen.contains("┏ Runs"), "{screen}");
    assert_eq!(fs::read(run.dir.journal()).unwrap(), before, "nobody has spoken to the runner");
    assert_eq!(world.estate.names("old").len(), 3);
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    let raw = pty.raw();
    assert!(!raw.windows(phrase.len()).any(|some| some == phrase.as_bytes()), "the phrase was shown");
    assert!(world.estate.run().dir.runner_lives(), "the run goes on");
}

#[test]
fn it_calls_no_runner_and_starts_no_program() {
    let estate = Estate::default();
    estate.procedure("purge", HEADER, PURGE);
    estate.file("old/0.log", "old");
    let run = estate.start_waiting("purge");
    let trace = estate.beside("trace");
    let command = estate.command(&[]);
    let own: Vec<(String, String)> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let calls = "trace=connect,socket,execve,fork,vfork,unlink,unlinkat,rename,kill";
    let traced = ["-f", "-qq", "-e", calls, "-o", trace.to_str().unwrap(), crate::support::estate::BINARY, "watch"];
    let pty = Pty::spawn("strace", &traced, &own, SIZE);
    pty.wait_for(LONG, |screen| screen.contains("waits for an operator"));
    pty.send("q");
    assert_eq!(pty.exit(LONG), Exit::Code(0));
    let seen = fs::read_to_string(&trace).unwrap();
    // Before it shuts itself in, it asks libc who else is in the group that may write the estate file.
    let seen: String =
        seen.lines().filter(|line| !line.contains("/var/run/nscd/socket")).map(|line| format!("{line}\n")).collect();
    assert_eq!(seen.matches("execve(").count(), 1, "{seen}");
    for odd in ["control.sock", "connect(", "fork(", "unlink", "kill("] {
        assert!(!seen.contains(odd), "{odd}: {seen}");
    }
    assert!(run.dir.runner_lives());
}

#[test]
fn it_says_so_when_it_sees_nothing_and_when_it_sees_again() {
    let mut world = World::start();
    // The sources that are read every few seconds.
    let all = world.servers();
    let quick: String =
        all.split_inclusive("[[").filter(|part| !part.starts_with("postgres") && !part.starts_with("cert")).collect();
    world.write_estate(quick.trim_end_matches("[["));
    let pty = world.open(&["watch"], SIZE);
    pty.wait_for(SOON, |screen| !screen.contains("NO READINGS") && screen.contains("oldest reading"));
    assert!(!pty.screen().contains("NO READINGS"), "{}", pty.screen());
    // That they refuse is a reading.
    world.lose();
    // The machine's own disks and load may be critical, too.
    let down = |screen: &str| screen.lines().any(|line| line.contains(" critical: ") && line.contains("web"));
    let screen = pty.wait_for(LONG, |screen| down(screen) && screen.contains("down: connection refused"));
    assert!(!screen.contains("NO READINGS"), "{screen}");
    world.come_back();
    pty.wait_for(LONG * 2, |screen| !down(screen) && !screen.contains("down: ") && !screen.contains("unknown: "));
    // That they say nothing is none.
    world.freeze(true);
    let screen = pty.wait_for(LONG, |screen| screen.contains("NO READINGS"));
    assert!(screen.contains("oldest"), "{screen}");
    world.freeze(false);
    pty.wait_for(LONG * 2, |screen| !screen.contains("NO READINGS"));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

fn is_restored(pty: &Pty) -> bool {
    pty.look(|screen| !screen.alternate_screen() && !screen.hide_cursor())
}

#[test]
fn it_leaves_a_terminal_as_it_was_and_needs_one() {
    let estate = Estate::default();
    let mut command = estate.command(&["watch"]);
    command.env("TERM", "xterm");
    finish(command).exits(2).prints("the console needs a terminal");
    let open = |size| {
        let command = estate.command(&[]);
        let own: Vec<(String, String)> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
            .collect();
        let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let pty = Pty::spawn(crate::support::estate::BINARY, &["watch"], &own, size);
        pty.wait_for(SOON, |screen| screen.contains("q leaves"));
        pty
    };
    let pty = open(SIZE);
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert!(is_restored(&pty));
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let pty = open(SIZE);
        pty.kill(signal);
        assert_eq!(pty.exit(SOON), Exit::Code(code), "{signal:?}");
        assert!(is_restored(&pty), "{signal:?}");
    }
    let mut pty = open(SIZE);
    pty.hang_up();
    assert_eq!(pty.exit(SOON), Exit::Code(129));
    // From the smallest to the largest, and back.
    let mut pty = open((40, 10));
    for size in [(300, 100), (1, 1), (80, 24), (40, 10), (20, 5), (120, 36)] {
        pty.resize(size.0, size.1);
    }
    pty.wait_for(SOON, |screen| screen.contains("q leaves") && screen.contains("READ-ONLY"));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    estate.nothing_runs();
}

#[test]
fn the_calendar_is_told_and_the_header_shows_the_open_window() {
    let estate = Estate::default();
    let windows = |text: &str| fs::write(estate.beside("windows.toml"), format!("schema = 1\n{text}")).unwrap();
    estate.midwatch(&["windows"]).exits(0).prints("no windows");
    let always = "[[window]]\nname = \"always\"\nenvironment = \"other\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\nzone = \"UTC\"\n\
        operations = [\"test/purge\"]\n";
    windows(&format!("{always}{}", always.replace("always", "elsewhere").replace("\"other\"", "\"production\"")));
    let printed = estate.midwatch(&["windows"]).exits(0);
    assert!(printed.out.starts_with("open: always") && !printed.out.contains("elsewhere"), "{}", printed.out);
    let answer = estate.midwatch(&["windows", "--json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let first = &report["openings"][0];
    assert_eq!((&first["window"], &first["open"]), (&"always".into(), &true.into()), "{report:#}");
    assert_eq!(first["operations"][0], "test/purge");
    assert!(first["until"].as_str().unwrap().ends_with('Z'), "{report:#}");
    let command = estate.command(&[]);
    let own: Vec<(String, String)> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for arguments in [&["watch"][..], &[]] {
        let pty = Pty::spawn(crate::support::estate::BINARY, arguments, &own, SIZE);
        let wanted =
            |screen: &str| screen.lines().next().is_some_and(|line| line.contains("always") && line.contains("left"));
        pty.wait_for(SOON, wanted);
        pty.press_until("q", |screen| !wanted(screen));
        assert_eq!(pty.exit(SOON), Exit::Code(0));
    }

    // Everything that is wrong at once, each with its place.
    windows(
        "[[window]]\nname = \"a\"\nenvironment = \"moon\"\nstarts = \"61 2 * * *\"\nlasts = \"soon\"\nzone = \"Mars/Base\"\nopperations = []\n",
    );
    let output = estate.midwatch(&["lint"]).exits(2);
    let all = format!("{}{}", output.out, output.err);
    for place in [":4:", ":5:", ":6:", ":7:", ":8:"] {
        assert!(all.contains(&format!("windows.toml{place}")), "{place}: {all}");
    }
    assert!(all.contains("operations"), "the nearest name: {all}");
    for arguments in [&["windows"][..], &["windows", "--json"]] {
        let found = estate.midwatch(arguments).exits(2).prints("windows.toml:");
        assert!(found.out.is_empty(), "{}", found.out);
    }
}

const QUICK: (&str, &str) = ("MIDWATCH_SPAN_EDITS", "50");
const ALWAYS: &str = "schema = 1\n[[window]]\nname = \"NAME\"\nenvironment = \"other\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\nzone = \"UTC\"\n";

/// Writes an estate that looks after these directories.
fn edit(estate: &Estate, name: &str, mounts: &[&str]) {
    let mounts: String = mounts.iter().map(|path| format!("[[mount]]\npath = \"{path}\"\n")).collect();
    let text = format!("schema = 1\nname = \"{name}\"\nenvironment = \"other\"\n{mounts}");
    fs::write(estate.beside("midwatch.toml"), text).unwrap();
}

fn open(estate: &Estate, arguments: &[&str]) -> Pty {
    let command = estate.command(&[]);
    let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
    let own: Vec<(String, String)> =
        command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Pty::spawn(crate::support::estate::BINARY, arguments, &own.chain([QUICK]).collect::<Vec<_>>(), SIZE)
}

fn header(screen: &str) -> &str {
    screen.lines().next().unwrap_or_default()
}

#[test]
fn a_wallboard_follows_edits_and_keeps_what_it_has_where_one_is_wrong() {
    let estate = Estate::default();
    edit(&estate, "first", &["/gone-one"]);
    let pty = open(&estate, &["watch"]);
    pty.wait_for(SOON, |screen| header(screen).contains("first") && flat(screen).contains("Health /gone-one"));
    edit(&estate, "second", &["/gone-two"]);
    let screen =
        pty.wait_for(SOON, |screen| header(screen).contains("second") && flat(screen).contains("Health /gone-two"));
    assert!(!screen.contains("/gone-one"), "what is no longer looked after is gone: {screen}");

    fs::write(estate.beside("windows.toml"), ALWAYS.replace("NAME", "02:00")).unwrap();
    pty.wait_for(SOON, |screen| flat(screen).contains("window \"02:00\" ends at"));

    fs::write(estate.beside("midwatch.toml"), "schema = 1\nname = \"third\"\nenvironment = \"moon\"\n").unwrap();
    let wrong = "the edited estate is wrong:";
    let screen = pty.wait_for(SOON, |screen| flat(screen).contains(wrong));
    assert!(flat(&screen).contains("midwatch.toml:3:"), "{screen}");
    assert!(header(&screen).contains("second") && screen.contains("/gone-two"), "{screen}");
    edit(&estate, "fourth", &["/gone-two"]);
    pty.wait_for(SOON, |screen| header(screen).contains("fourth") && !flat(screen).contains(wrong));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

#[test]
fn a_console_says_that_its_estate_changed_and_uses_it_when_asked() {
    let estate = Estate::default();
    edit(&estate, "first", &["/gone-one"]);
    let pty = open(&estate, &[]);
    pty.wait_for(SOON, |screen| header(screen).contains("first") && screen.contains("/gone-one"));
    edit(&estate, "second", &["/gone-two"]);
    let screen = pty.wait_for(SOON, |screen| screen.contains("the estate file or its windows changed: r uses them"));
    assert!(header(&screen).contains("first") && screen.contains("/gone-one"), "nothing moved by itself: {screen}");
    // Undone, there is nothing to use.
    edit(&estate, "first", &["/gone-one"]);
    pty.wait_for(SOON, |screen| !screen.contains("r uses them"));
    edit(&estate, "third", &["/gone-two"]);
    pty.wait_for(SOON, |screen| screen.contains("r uses them"));
    pty.send("r");
    let screen = pty.wait_for(SOON, |screen| header(screen).contains("third") && screen.contains("/gone-two"));
    assert!(!screen.contains("/gone-one") && !screen.contains("r uses them"), "{screen}");
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

#[test]
fn a_console_starts_nothing_under_an_estate_that_was_edited_since() {
    let estate = Estate::default();
    let step = "[[work]]\ntitle = \"Append\"\neffect = \"change\"\ndo = { exec = [\"sh\", \"-c\", \"echo done >>{tree}/done\"] }\nundo = { none = \"a test\" }\n";
    estate.procedure("append", "", step);
    edit(&estate, "first", &["/gone-one"]);
    let pty = open(&estate, &[]);
    pty.wait_for(SOON, |screen| screen.contains("/gone-one"));
    pty.send(":");
    pty.press_until("append", |screen| screen.contains("run test/append"));
    pty.press_until("\x1b[B", |screen| screen.contains("▌ run test/append"));
    pty.press_until("\r", |screen| screen.contains("PLAN"));
    let production = fs::read_to_string(estate.beside("midwatch.toml")).unwrap().replace("\"other\"", "\"production\"");
    fs::write(estate.beside("midwatch.toml"), production).unwrap();
    pty.press_until("c", |screen| flat(screen).contains("has changed since it was read"));
    assert_eq!((estate.lines("done"), estate.runs().len()), (0, 0));
    pty.press_until("\x1b", |screen| screen.contains("q quit"));
    pty.send("r");
    pty.wait_for(SOON, |screen| header(screen).contains("PRODUCTION"));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}
