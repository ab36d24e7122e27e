//! A mount whose server does not answer: what lies on it is unknown, and nothing else is held up.

use super::check::{all, report, row};
use super::*;
use crate::support::pty::{Exit, SOON};
use crate::support::stalled::Mirror;
use std::collections::BTreeSet;

/// What lies on the mount, as the estate names it: kind and name of each row.
const ON_IT: [(&str, &str); 8] = [
    ("mount", "MOUNT"),
    ("redis", "socket"),
    ("redis", "secret"),
    ("postgres", "socket"),
    ("postgres", "secret"),
    ("postgres", "passfile"),
    ("postgres", "service"),
    ("certificate", "file"),
];

/// An estate that has one of each on the mount, and two services that have nothing to do with it.
fn estate(mirror: &Mirror) -> Estate {
    fs::write(mirror.behind("pg"), "hunter2\n").unwrap();
    fs::set_permissions(mirror.behind("pg"), fs::Permissions::from_mode(0o600)).unwrap();
    let estate = Estate::default();
    let at = |below: &str| mirror.at(below);
    estate.configure(&format!(
        "[secrets]\npg = \"file:{pg}\"\n[[mount]]\npath = \"{m}\"\n\
         [[redis]]\nname = \"socket\"\nurl = \"unix://{m}/r.sock\"\n\
         [[redis]]\nname = \"secret\"\nurl = \"redis://127.0.0.1:1\"\npassword = \"secret:pg\"\n\
         [[redis]]\nname = \"refused\"\nurl = \"redis://127.0.0.1:1\"\n\
         [[postgres]]\nname = \"socket\"\nwatch = \"host={m} user=x dbname=x\"\n\
         [[postgres]]\nname = \"secret\"\nwatch = \"host=127.0.0.1 port=1 user=x dbname=x password=secret:pg\"\n\
         [[postgres]]\nname = \"passfile\"\nwatch = \"host=127.0.0.1 port=1 user=x dbname=x passfile={m}/pgpass\"\n\
         [[postgres]]\nname = \"service\"\nwatch = \"service=x servicefile={m}/service.conf\"\n\
         [[certificate]]\nname = \"file\"\nfile = \"{m}/cert.pem\"\n",
        pg = at("pg"),
        m = at(""),
    ));
    estate
}

fn rows_on_it(mirror: &Mirror) -> impl Iterator<Item = (&'static str, String)> {
    ON_IT.into_iter().map(|(kind, name)| (kind, if name == "MOUNT" { mirror.at("") } else { name.to_owned() }))
}

#[test]
fn check_ends_and_only_what_lies_on_a_stalled_mount_is_unknown() {
    let mirror = Mirror::mount();
    let estate = estate(&mirror).with("HOME", &mirror.at("home"));
    mirror.stop();
    let printed = mirror.midwatch(&estate, &[], &["check", "--json"]).exits(2);
    let read = report(&printed);
    for (kind, name) in rows_on_it(&mirror) {
        let row = row(&read, kind, &name, None);
        let detail = row["detail"].as_str().unwrap();
        assert!(row["verdict"] == "unknown" && detail.contains(" within "), "{row:#}");
    }
    // What does not lie there is read as ever.
    assert_eq!(row(&read, "redis", "refused", None)["verdict"], "critical");
    assert_eq!(row(&read, "host", "load", None)["source"], "/proc/loadavg");
    assert!(!row(&read, "host", "load", None)["observed_at"].is_null());
    // A home on it alone is enough for the password file and the certificates of libpq.
    let alone = Estate::default().with("HOME", &mirror.at("home"));
    alone.configure("[[postgres]]\nname = \"main\"\nwatch = \"host=127.0.0.1 port=1 user=x dbname=x\"\n");
    let answer = mirror.midwatch(&alone, &[], &["check", "health", "--json"]);
    let read = report(&answer);
    let main = row(&read, "postgres", "main", None);
    assert!(main["verdict"] == "unknown" && main["detail"].as_str().unwrap().contains(" within "), "{main:#}");
    assert_eq!(main["source"], "127.0.0.1:1/x");
}

#[test]
fn discovery_says_what_it_could_not_look_for() {
    let mirror = Mirror::mount();
    let estate = Estate::default().with("HOME", &mirror.at("home"));
    mirror.stop();
    let unknown = |report: &serde_json::Value| -> BTreeSet<String> {
        let lost = all(report).filter(|row| row["detail"].as_str().unwrap().contains("no answer within"));
        lost.filter(|row| row["verdict"] == "unknown").map(|row| row["target"].as_str().unwrap().to_owned()).collect()
    };
    let printed = mirror.midwatch(&estate, &["MIDWATCH_CONFIG"], &["check", "--json"]);
    let found = unknown(&report(&printed));
    let wanted = ["estate file", "kubernetes", "postgres"].map(str::to_owned).into();
    assert!(found.is_superset(&wanted), "{found:?}\n{}\n{}", printed.out, printed.err);
    assert!(!found.contains("redis") && printed.code != Some(0), "{found:?}");

    let estate = Estate::default().with("KUBECONFIG", &mirror.at("config"));
    let answer = mirror.midwatch(&estate, &["MIDWATCH_CONFIG"], &["check", "--json"]);
    let found = unknown(&report(&answer));
    assert!(found.contains("kubernetes") && !found.contains("postgres") && !found.contains("estate file"), "{found:?}");

    // What a command cannot do without is an error.
    let estate = Estate::default();
    let file = mirror.at("midwatch.toml");
    let output = mirror.midwatch(&estate, &[], &["check", "--config", &file]).exits(3);
    output.prints("cannot read the estate file").prints("no answer within").prints("findmnt");
    let estate = Estate::default().keeping_state_in(Path::new(&mirror.at("state")));
    let said = mirror.midwatch(&estate, &[], &["check", "checklist"]).exits(3);
    said.prints("cannot read the state directory ").prints("no answer within").prints(&mirror.at("state"));
}

/// The commands that only look, each with a run or a procedure where it takes one.
const LOOKING: [&[&str]; 9] = [
    &["lint"],
    &["check", "checklist"],
    &["procedures"],
    &["plan", "test/look"],
    &["print", "test/look"],
    &["windows"],
    &["runs"],
    &["report", "00000000"],
    &["verify", "00000000"],
];

/// An estate whose commands wait for three seconds.
fn hasty() -> Estate {
    Estate::default().with("MIDWATCH_SPAN_FILES", "3000")
}

/// Asserts that a command ends with an error that names the path.
fn gives_up(printed: Printed, command: &[&str], path: &str) {
    let code = if command[0] == "check" { 3 } else { 2 };
    printed.exits(code).prints("cannot read").prints(path).prints("no answer within").prints("findmnt");
}

#[test]
fn whatever_only_looks_gives_up_a_configuration_that_does_not_answer_and_names_it() {
    let mirror = Mirror::mount();
    fs::copy(Estate::default().beside("midwatch.toml"), mirror.behind("midwatch.toml")).unwrap();
    // One whose procedures alone lie on the mount.
    let estate = hasty();
    fs::create_dir(mirror.behind("procedures")).unwrap();
    fs::remove_dir(estate.beside("procedures")).unwrap();
    std::os::unix::fs::symlink(mirror.at("procedures"), estate.beside("procedures")).unwrap();
    mirror.stop();
    let file = mirror.at("midwatch.toml");
    for command in LOOKING {
        let args = [&["--config", &file], command].concat();
        let printed = mirror.midwatch(&hasty(), &[], &args);
        // What needs the state directory alone says so, and goes on.
        if ["runs", "report", "verify"].contains(&command[0]) {
            printed
                .prints("cannot read the estate file")
                .prints(&file)
                .prints("no answer within")
                .prints("do not need it");
        } else {
            gives_up(printed, command, &file);
        }
    }
    for command in LOOKING.iter().filter(|command| ["lint", "procedures", "plan", "print"].contains(&command[0])) {
        let path = estate.beside("procedures").display().to_string();
        gives_up(mirror.midwatch(&estate, &[], command), command, &path);
    }
    // Without an estate file, a home on the mount may hold one.
    let home = hasty().with("HOME", &mirror.at("home"));
    gives_up(mirror.midwatch(&home, &["MIDWATCH_CONFIG"], &["lint"]), &["lint"], &mirror.at("home"));
    // A file that is named is one of them.
    gives_up(mirror.midwatch(&hasty(), &[], &["lint", &file]), &["lint"], &file);
}

#[test]
fn whatever_only_looks_gives_up_a_state_that_does_not_answer_and_names_it() {
    let mirror = Mirror::mount();
    let estate = hasty().keeping_state_in(Path::new(&mirror.at("state")));
    // The directory answers here, and what lies in it does not.
    let inner = hasty();
    fs::create_dir_all(inner.state()).unwrap();
    std::os::unix::fs::symlink(mirror.at("runs"), inner.state().join("runs")).unwrap();
    mirror.stop();
    for command in LOOKING.iter().filter(|command| !["lint", "procedures", "print"].contains(&command[0])) {
        gives_up(mirror.midwatch(&estate, &[], command), command, &mirror.at("state"));
    }
    for command in [&["runs"][..], &["report", "00000000"], &["verify", "00000000"]] {
        gives_up(mirror.midwatch(&inner, &[], command), command, &inner.state().join("runs").display().to_string());
    }
}

#[test]
fn a_console_goes_on_beside_a_mount_that_stalls() {
    let mirror = Mirror::mount();
    let estate = estate(&mirror).with("HOME", &mirror.at("home"));
    fs::create_dir(mirror.behind("home")).unwrap();
    let pty = mirror.terminal(&estate, &[], &[], (200, 50));
    pty.send("1");
    pty.wait_for(SOON, |screen| screen.matches("down: ").count() >= 4 && !screen.contains("not read yet"));
    mirror.stop();
    let stalled = |screen: &str| {
        let is_lost = |line: &str, name: &str| line.contains(&format!(" {name} ")) && line.contains(" within ");
        let lost = |name: &str| screen.lines().any(|line| is_lost(line, name));
        lost("socket") && lost("passfile") && lost("service") && lost(&mirror.at("")) && lost("secret")
    };
    pty.wait_for(LONG, stalled);
    // Each key has its effect, and reading again starts no further threads.
    for _ in 0..3 {
        pty.send("r");
        pty.send("?");
        pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains("keys and symbols"));
    }
    let tasks = fs::read_dir(format!("/proc/{}/task", pty.pid().as_raw_nonzero())).unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let sockets = names.filter(|name| name.trim() == "socket").count();
    assert!((1..=2).contains(&sockets), "{sockets} threads for two sockets");
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
}

#[test]
fn a_console_opens_and_ends_beside_a_mount_that_has_stalled() {
    let mirror = Mirror::mount();
    let estate = estate(&mirror).with("HOME", &mirror.at("home"));
    mirror.stop();
    for without in [&[][..], &["MIDWATCH_CONFIG"]] {
        let pty = mirror.terminal(&estate, without, &[], (200, 50));
        pty.send("1");
        pty.wait_for(SOON, |screen| screen.contains("load") && screen.contains(" within "));
        pty.send("q");
        assert_eq!(pty.exit(SOON), Exit::Code(0));
    }
    mirror.go_on();
}

#[test]
fn a_console_whose_state_directory_stalls_says_so_and_leaves() {
    let mirror = Mirror::mount();
    let estate = Estate::default().keeping_state_in(Path::new(&mirror.at("state")));
    estate.procedure("sign", "", "[[look]]\ntitle = \"Sign\"\nmanual = \"Sign it.\"\n");
    mirror.midwatch(&estate, &[], &["run", "test/sign"]).exits(75);
    let run = fs::read_dir(mirror.behind("state/runs")).unwrap().next().unwrap().unwrap().file_name();
    let run = run.to_str().unwrap();
    let pty = mirror.terminal(&estate, &[], &["attach", run], (120, 36));
    pty.wait_for(SOON, |screen| screen.contains("Sign") && screen.contains("waiting"));
    for stopped in [true, false] {
        mirror.stop();
        pty.wait_for(SOON, |screen| screen.contains("no answer within"));
        // Every key has its effect; what needs the directory waits by itself.
        pty.send("R");
        pty.wait_for(SOON, |screen| screen.contains("newest first"));
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains("newest first"));
        pty.send("?");
        pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains("keys and symbols"));
        if stopped {
            mirror.go_on();
            pty.wait_for(SOON, |screen| !screen.contains("no answer within") && screen.contains("waiting"));
        }
    }
    // It ends while nothing answers.
    pty.press_until("q", |screen| screen.contains("1 Health") && !screen.contains("Sign it"));
    pty.send("q");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    mirror.go_on();
    mirror.midwatch(&estate, &[], &["abort", run]).exits(0);
    wait_for("the end of its runner", || {
        let journal = fs::read_to_string(mirror.behind("state/runs").join(run).join("journal.jsonl")).unwrap();
        journal.contains("run.sealed").then_some(())
    });
}
