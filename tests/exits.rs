//! Every exit code that the help and `docs/reference/commands.md` promise, from the command that promises it, with a person at the terminal where
//! one has to answer.

use crate::support::estate::{Estate, SOON, kill_wholly, wait_for};
use crate::support::pty::Exit;
use rcgen::{CertificateParams, KeyPair};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A command that promises a code, and how it comes to it.
struct Promise {
    command: &'static str,
    code: u8,
    by: fn(&Estate) -> Option<i32>,
}

const fn promise(command: &'static str, code: u8, by: fn(&Estate) -> Option<i32>) -> Promise {
    Promise { command, code, by }
}

const PROMISES: &[Promise] = &[
    promise("run", 0, |estate| person(estate, "exit 0", &["change\r"])),
    promise("run", 1, |estate| exec(estate, "exit 5").start("p", &["--yes", "change"]).code),
    promise("run", 2, |estate| estate.start("none", &[]).code),
    promise("run", 4, |estate| {
        exec(estate, "exit 0").start("p", &["--yes", "change"]).exits(0);
        cut(estate);
        estate.run().midwatch("attach", &["--plain"]).code
    }),
    promise("run", 6, |estate| {
        estate.procedure("p", "lock = [\"host\"]", &step("exit 0"));
        estate.start_waiting("p");
        estate.start("p", &["--yes", "change"]).code
    }),
    promise("run", 7, |estate| exec(estate, "exit 0").midwatch(&["--read-only", "run", "test/p"]).code),
    promise("run", 8, |estate| {
        exec(estate, "touch {tree}/began; sleep 600");
        std::thread::scope(|scope| {
            let scoped_join_handle = scope.spawn(|| estate.start("p", &["--yes", "change"]));
            wait_for("the act", || estate.tree("began").exists().then_some(()));
            kill_wholly(estate.run().pid_of("1.1", "shim.json"));
            scoped_join_handle.join().unwrap().code
        })
    }),
    promise("run", 9, |estate| person(estate, "exit 0", &["cancel\r"])),
    promise("run", 74, |estate| {
        // Its state directory is no directory.
        fs::write(estate.state(), "").unwrap();
        exec(estate, "exit 0").start("p", &["--yes", "change"]).code
    }),
    // The end of input at the question.
    promise("run", 75, |estate| person(estate, "exit 0", &["\x04"])),
    promise("check", 0, |estate| backups(estate, "now.dump")),
    promise("check", 1, certificate),
    promise("check", 2, |estate| backups(estate, "other")),
    promise("check", 3, |estate| estate.midwatch(&["check", "nonsense"]).code),
    promise("rehearse", 0, |estate| rehearse(estate, "exec = [\"true\"]")),
    promise("rehearse", 1, |estate| rehearse(estate, "exec = [\"no-such-program\"]")),
    promise("rehearse", 8, |estate| rehearse(estate, "exec = [\"echo\", \"{{seen.name}}\"]")),
    promise("verify", 0, |estate| {
        exec(estate, "exit 0").start("p", &["--yes", "change"]).exits(0);
        estate.run().midwatch("verify", &[]).code
    }),
    promise("verify", 3, |estate| {
        exec(estate, "exit 0");
        let run = estate.start_waiting("p");
        run.kill_runner();
        let whole = fs::read(run.dir.journal()).unwrap();
        fs::write(run.dir.journal(), [&whole[..], b"{\"v\":1"].concat()).unwrap();
        run.midwatch("verify", &[]).code
    }),
    promise("verify", 4, |estate| {
        exec(estate, "exit 0").start("p", &["--yes", "change"]).exits(0);
        cut(estate);
        estate.run().midwatch("verify", &[]).code
    }),
    promise("lint", 1, |estate| {
        exec(estate, "rm -rf $OLD")
            .midwatch(&["lint", "--strict", &estate.procedure_file("p").display().to_string()])
            .code
    }),
    promise("lint", 2, |estate| {
        fs::write(estate.beside("midwatch.toml"), "schema = 1\nnam = \"x\"\n").unwrap();
        estate.midwatch(&["lint"]).code
    }),
];

fn step(script: &str) -> String {
    format!(
        "[[work]]\ntitle = \"Step\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", '{script}'] }}\nundo = {{ none = \"a test\" }}\n"
    )
}

/// Writes a procedure of one step.
fn exec<'a>(estate: &'a Estate, script: &str) -> &'a Estate {
    estate.procedure("p", "", &step(script));
    estate
}

/// A run with a person at the terminal, who answers the question with these keys.
fn person(estate: &Estate, script: &str, keys: &[&str]) -> Option<i32> {
    exec(estate, script);
    let pty = estate.terminal(&["run", "test/p"], (110, 40));
    for key in keys {
        pty.wait_for(SOON, |screen| screen.trim_end().ends_with("or cancel [nothing]:"));
        pty.send(key);
    }
    match pty.exit(SOON) {
        Exit::Code(code) => i32::try_from(code).ok(),
        Exit::Signal(_) => None,
    }
}

/// Takes the last record off a journal.
fn cut(estate: &Estate) {
    let journal = estate.run().dir.journal();
    let text = fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&journal, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
}

fn backups(estate: &Estate, name: &str) -> Option<i32> {
    estate.file(name, "data");
    // A newer one may be unfinished.
    let file = fs::File::options().write(true).open(estate.tree(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1800)).unwrap();
    let files = estate.tree("*.dump");
    estate.configure(&format!("[[backup]]\nname = \"db\"\nfiles = \"{}\"\nmax_age = \"24h\"\n", files.display()));
    estate.midwatch(&["check", "backups"]).code
}

/// A certificate that ends within the month.
fn certificate(estate: &Estate) -> Option<i32> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + now + Duration::from_secs(20 * 86_400);
    let own = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    estate.file("own.pem", &own.pem());
    let file = estate.tree("own.pem");
    estate.configure(&format!("[[certificate]]\nname = \"own\"\nfile = \"{}\"\n", file.display()));
    estate.midwatch(&["check", "certificates"]).code
}

fn rehearse(estate: &Estate, undo: &str) -> Option<i32> {
    let read = "[[look]]\ntitle = \"Newest\"\nread = { files = \"newest\", under = \"none\", match = \"*\" }\nsave = \"seen\"\n";
    let read = if undo.contains("seen") { read } else { "" };
    let steps = format!(
        "{read}[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"true\"] }}\nundo = {{ {undo} }}\n"
    );
    estate.procedure("p", "", &steps);
    estate.midwatch(&["rehearse", "test/p"]).code
}

/// The numbers of a sentence about exit codes, up to its end.
fn codes(sentence: &str) -> BTreeSet<u8> {
    let end = sentence.find([';', '|', '.']).unwrap_or(sentence.len());
    sentence[..end].split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// What `docs/reference/commands.md` and the help promise, command by command.
fn promised() -> Vec<(String, BTreeSet<u8>)> {
    let commands =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/commands.md")).unwrap();
    let of_run = commands.split("Its exit codes: ").nth(1).unwrap();
    let mut all = vec![("run".to_owned(), codes(&of_run.replace('\n', " ")))];
    let help = Estate::default().midwatch(&["help"]).out;
    // A long help line goes on indented.
    let help = help.replace("\n                 ", " ").replace("\n               ", " ");
    for line in commands.lines().map(|line| line.trim_start_matches("| `midwatch ")).chain(help.lines().map(str::trim))
    {
        let command = line.split([' ', '`']).next().unwrap_or_default();
        let Some((_, sentence)) = line.split_once("exit ") else { continue };
        if sentence.starts_with(|c: char| c.is_ascii_digit()) && PROMISES.iter().any(|one| one.command == command) {
            all.push((command.to_owned(), codes(sentence)));
        }
    }
    all
}

#[test]
fn every_exit_code_that_is_promised_is_given() {
    let promised = promised();
    for command in ["run", "check", "rehearse", "verify", "lint"] {
        let own: BTreeSet<u8> = PROMISES.iter().filter(|one| one.command == command).map(|one| one.code).collect();
        let facts: Vec<_> = promised.iter().filter(|(name, _)| name == command).collect();
        assert!(!facts.is_empty(), "nothing is said of {command}: {promised:?}");
        for (_, codes) in facts {
            assert_eq!(*codes, own, "{command}: what is said, and what is tried here");
        }
    }
    for Promise { command, code, by } in PROMISES {
        let estate = Estate::default();
        assert_eq!(by(&estate), Some(i32::from(*code)), "{command}");
        for dir in estate.runs() {
            let _ = estate.midwatch(&["abort", dir.id.as_str()]);
        }
        estate.nothing_runs();
    }
}
