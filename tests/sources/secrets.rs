//! Passwords: they reach the servers, and nothing else.

use super::*;
use crate::support::pty::SOON;
use rustix::process::Signal;
use std::ffi::OsString;

/// Parts of the passwords that nothing else has, right ones and wrong ones alike.
const MARKS: [&str; 3] = ["elephant", "camel", "walrus"];
/// A password that no server knows.
const WRONG: &str = "frobozz-Walrus-3107";

/// Asserts that bytes hold no password, whatever its letters were made into.
#[track_caller]
fn is_clean(what: &str, bytes: &[u8]) {
    let lower = bytes.to_ascii_lowercase();
    for mark in MARKS {
        let at = lower.windows(mark.len()).position(|window| window == mark.as_bytes());
        if let Some(at) = at {
            let near = &bytes[at.saturating_sub(200)..bytes.len().min(at + 100)];
            panic!("{what} holds a password: {}", String::from_utf8_lossy(near));
        }
    }
}

/// The files below a directory, but for those that hold a secret by design.
fn files(dir: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), all);
        } else if kind.is_file() && !["pg.secret", "pgpass"].iter().any(|own| entry.file_name() == *own) {
            all.push(entry.path());
        }
    }
}

/// Asserts that no file of the estate, of its state above all, and no command line of its processes holds a password.
fn nothing_is_kept(world: &World) {
    let mut all = Vec::new();
    files(&world.estate.beside(""), &mut all);
    assert!(all.iter().any(|path| path.extension().is_some_and(|end| end == "log")), "no log to look at: {all:?}");
    for path in all {
        is_clean(&path.display().to_string(), &fs::read(&path).unwrap_or_default());
    }
    for process in world.estate.processes() {
        is_clean("a command line", process.line.as_bytes());
    }
}

/// One way to give both passwords.
struct Way {
    name: &'static str,
    entries: String,
    variables: Vec<(&'static str, String)>,
}

/// Every way in which an estate with a file gives these passwords.
fn ways(world: &World, pg: &str, redis: &str) -> Vec<Way> {
    let (port, url) = (world.postgres.port(), world.redis.url());
    let target = format!("host=127.0.0.1 port={port} user=watch dbname=shop connect_timeout=2");
    let secret = world.estate.beside("pg.secret");
    fs::write(&secret, pg).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let pgpass = world.estate.beside("pgpass");
    fs::write(&pgpass, format!("127.0.0.1:{port}:*:watch:{pg}\n")).unwrap();
    fs::set_permissions(&pgpass, fs::Permissions::from_mode(0o600)).unwrap();
    let estate = |secrets: &str, password: &str| {
        format!(
            "[secrets]\n{secrets}cache = \"env:CACHE\"\n[[postgres]]\nname = \"main\"\nwatch = \"{target}{password}\"\nact = \"{target}{password}\"\n\
             [[redis]]\nname = \"cache\"\nurl = \"{url}?user=watch\"\npassword = \"secret:cache\"\n"
        )
    };
    let cache = || ("CACHE", redis.to_owned());
    let file = format!("pg = \"file:{}\"\n", secret.display());
    let pgpass = pgpass.to_str().unwrap().to_owned();
    let redis_url = format!("{url}?user=watch&pass={redis}");
    let port = port.to_string();
    let found = [
        ("PGHOST", "127.0.0.1"),
        ("PGUSER", "watch"),
        ("PGDATABASE", "shop"),
        ("PGPORT", &port),
        ("PGCONNECT_TIMEOUT", "2"),
        ("PGPASSWORD", pg),
        ("REDIS_URL", &redis_url),
    ];
    vec![
        Way { name: "file", entries: estate(&file, " password=secret:pg"), variables: vec![cache()] },
        Way {
            name: "env",
            entries: estate("pg = \"env:PG\"\n", " password=secret:pg"),
            variables: vec![cache(), ("PG", pg.to_owned())],
        },
        Way { name: "PGPASSWORD", entries: estate("", ""), variables: vec![cache(), ("PGPASSWORD", pg.to_owned())] },
        Way { name: "PGPASSFILE", entries: estate("", ""), variables: vec![cache(), ("PGPASSFILE", pgpass)] },
        // Without an estate file at all.
        Way {
            name: "discovery",
            entries: String::new(),
            variables: found.map(|(name, value)| (name, value.to_owned())).into(),
        },
    ]
}

impl Way {
    /// The program, this way.
    fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = world.estate.command(arguments);
        if self.entries.is_empty() {
            command.env_remove("MIDWATCH_CONFIG");
        } else {
            world.write_estate(&self.entries);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("MIDWATCH_LOG", "trace");
        command
    }

    fn run(&self, world: &World, arguments: &[&str]) -> Printed {
        let printed = finish(self.command(world, arguments));
        for (stream, text) in [("output", &printed.out), ("errors", &printed.err)] {
            is_clean(&format!("{}: the {stream} of {arguments:?}", self.name), text.as_bytes());
        }
        printed
    }

    /// Every command that prints what it knows.
    fn every_command(&self, world: &World) -> Printed {
        for arguments in [
            &["check"][..],
            &["check", "bloat"],
            &["lint"],
            &["windows"],
            &["windows", "--json"],
            &["plan", "test/look"],
            &["runs", "--json"],
            &["nonsense"],
        ] {
            self.run(world, arguments);
        }
        self.run(world, &["check", "--json"])
    }

    fn open(&self, world: &World, arguments: &[&str]) -> Pty {
        let command = self.command(world, &[]);
        let text = |text: OsString| text.into_string().unwrap();
        let own: Vec<(String, String)> = command
            .get_envs()
            .filter_map(|(name, value)| Some((text(name.to_owned()), text(value?.to_owned()))))
            .collect();
        let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pty::spawn(crate::support::estate::BINARY, arguments, &own, (160, 48))
    }
}

/// A procedure that only looks.
const LOOK: &str = "[[look]]\ntitle = \"Look\"\ncheck = { exec = [\"uname\"] }\n";
const HEADER: &str = "purpose = \"Look\"\nowner = \"tests\"\nreviewed = 2026-11-21\nreview_every = \"90d\"\n";

fn verdict(printed: &Printed, kind: &str) -> (String, String) {
    let report: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let rows = report["panes"]["health"].as_array().unwrap();
    let row = rows.iter().find(|row| row["kind"] == kind && row["object"].is_null());
    let row = row.unwrap_or_else(|| panic!("no row of {kind}: {report:#}"));
    (row["verdict"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap().to_owned())
}

#[test]
fn no_password_is_ever_told_whether_it_is_right_or_wrong_or_the_server_is_gone() {
    let mut world = World::start();
    world.estate.procedure("look", HEADER, LOOK);
    for way in ways(&world, PG_PASSWORD, REDIS_PASSWORD) {
        let printed = way.every_command(&world);
        for kind in ["postgres", "redis"] {
            assert_eq!(verdict(&printed, kind).0, "ok", "{} {kind}:\n{}", way.name, printed.out);
        }
    }
    for way in ways(&world, WRONG, WRONG) {
        let answer = way.every_command(&world);
        let (pg, redis) = (verdict(&answer, "postgres"), verdict(&answer, "redis"));
        assert_eq!((pg.0.as_str(), redis.0.as_str()), ("unknown", "unknown"), "{}", way.name);
        assert!(pg.1.contains("password") && pg.1.contains("watch"), "{}: {}", way.name, pg.1);
        assert!(redis.1.contains("password"), "{}: {}", way.name, redis.1);
    }
    world.postgres.stop();
    world.redis.kill();
    for way in ways(&world, PG_PASSWORD, REDIS_PASSWORD) {
        let output = way.every_command(&world);
        for kind in ["postgres", "redis"] {
            assert_eq!(verdict(&output, kind).0, "critical", "{} {kind}", way.name);
        }
    }
}

#[test]
fn no_password_is_on_a_screen_in_a_log_in_a_journal_or_on_a_command_line() {
    let world = World::start();
    world.estate.procedure("look", HEADER, LOOK);
    for (right, pg, redis) in [(true, PG_PASSWORD, REDIS_PASSWORD), (false, WRONG, WRONG)] {
        let ways = ways(&world, pg, redis);
        for way in ways.iter().filter(|way| ["file", "PGPASSWORD", "discovery"].contains(&way.name)) {
            let pty = way.open(&world, &[]);
            let wanted = if right { "primary 15" } else { "password" };
            pty.wait_for(SOON, |screen| screen.contains(wanted));
            // Every fact of the rows of both.
            for kind in ["postgres", "redis"] {
                pty.send(format!("/{kind}\r"));
                pty.wait_for(SOON, |screen| screen.contains(&format!("Health /{kind}")));
                pty.press_until("\r", |screen| screen.contains("source"));
                pty.press_until("\x1b", |screen| !screen.contains("Health /"));
            }
            nothing_is_kept(&world);
            pty.kill(Signal::TERM);
            pty.exit(SOON);
            is_clean(&format!("{}: the screen", way.name), &pty.raw());
        }
        if right {
            ways[0].run(&world, &["run", "test/look"]);
            for command in ["report", "verify"] {
                let run = world.estate.run().dir.id.to_string();
                ways[0].run(&world, &[command, &run]);
            }
        }
        nothing_is_kept(&world);
    }
    world.estate.nothing_runs();
}

#[test]
fn a_password_that_stands_in_the_estate_file_is_refused_and_not_repeated() {
    let world = World::start();
    let port = world.postgres.port();
    for entry in [
        format!(
            "[[postgres]]\nname = \"a\"\nwatch = \"host=127.0.0.1 port={port} user=watch password={PG_PASSWORD}\"\n"
        ),
        format!("[[postgres]]\nname = \"a\"\nwatch = \"host=127.0.0.1 password='{PG_PASSWORD}\"\n"),
        format!("[[postgres]]\nname = \"a\"\nwatch = \"postgres://watch:{PG_PASSWORD}@127.0.0.1:{port}/shop\"\n"),
        format!("[[postgres]]\nname = \"a\"\nwatch = \"postgres://watch:{PG_PASSWORD}@127.0.0.1:no/shop\"\n"),
        format!("[[postgres]]\nname = \"a\"\nwatch = \"postgres://127.0.0.1/shop?password={PG_PASSWORD}\"\n"),
        format!("[[redis]]\nname = \"a\"\nurl = \"redis://:{REDIS_PASSWORD}@127.0.0.1:6379/0\"\n"),
        format!("[[redis]]\nname = \"a\"\nurl = \"redis://:{REDIS_PASSWORD}@127.0.0.1:port/0\"\n"),
        format!("[[redis]]\nname = \"a\"\nurl = \"unix:///nowhere?pass={REDIS_PASSWORD}\"\n"),
        format!("[[redis]]\nname = \"a\"\nurl = \"redis://127.0.0.1/0\"\npassword = \"{REDIS_PASSWORD}\"\n"),
        format!("[[service]]\nname = \"a\"\nurl = \"http://me:{REDIS_PASSWORD}@127.0.0.1/\"\n"),
        format!("[[service]]\nname = \"a\"\nurl = \"http://me:{REDIS_PASSWORD}@127.0.0.1:port/\"\n"),
        format!("[secrets]\npg = \"{PG_PASSWORD}\"\n"),
    ] {
        world.write_estate(&entry);
        for arguments in [&["lint"][..], &["check"], &["check", "--json"], &["plan", "test/look"], &["windows"]] {
            let printed = world.estate.midwatch(arguments);
            assert_ne!(printed.code, Some(0), "{entry} {arguments:?}");
            is_clean(&entry.replace(PG_PASSWORD, "…").replace(REDIS_PASSWORD, "…"), printed.out.as_bytes());
            is_clean("the errors", printed.err.as_bytes());
        }
    }
}

#[test]
fn a_redis_url_that_cannot_be_read_is_not_repeated() {
    let world = World::start();
    for url in [
        format!("redis://:{REDIS_PASSWORD}@127.0.0.1:port/0"),
        format!("redis//:{REDIS_PASSWORD}@127.0.0.1"),
        REDIS_PASSWORD.to_owned(),
        format!("redis://:{REDIS_PASSWORD}@127.0.0.1:1/0#insecure"),
        format!("redis://:%FF{REDIS_PASSWORD}@127.0.0.1:1/0"),
        format!("redis://:{REDIS_PASSWORD}@127.0.0.1:1/0"),
    ] {
        for (name, value) in [("REDIS_URL", url.clone()), ("PGPASSWORD", format!("{PG_PASSWORD}\u{7}"))] {
            for arguments in [&["check", "health", "--json"][..], &["check", "health"]] {
                let mut command = world.estate.command(arguments);
                command.env_remove("MIDWATCH_CONFIG").env(name, &value).env("PGHOST", "127.0.0.1").env("PGPORT", "1");
                let printed = finish(command);
                is_clean(&format!("{name}: {arguments:?}"), printed.out.as_bytes());
                is_clean(&format!("{name}: {arguments:?}"), printed.err.as_bytes());
            }
        }
    }
}

#[test]
#[should_panic(expected = "holds a password")]
fn a_password_would_be_found() {
    is_clean("a text", format!("before {}", PG_PASSWORD.to_uppercase()).as_bytes());
}
