//! Every undo is asked for before step 1, and nothing is changed by asking.

use crate::runner::http::Service;
use crate::sources::bus::{self, Bus};
use crate::support::estate::{Estate, Printed};
use crate::team::people::{ANNA, Person, Team, is_root};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::demo::redis::PrivateRedis;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A step that changes something by exec and is undone by a program.
fn exec(undo: &str) -> String {
    format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"touch\", \"{{tree}}/made\"] }}\nundo = {{ {undo} }}\n"
    )
}

const MOVE: &str = "[[work]]\ntitle = \"Move\"\neffect = \"change\"\n\
    do = { files = \"move\", under = \"logs\", match = \"*.gz\", to = \"old/logs\" }\nundo = { files = \"restore\" }\n";

fn rehearsed(estate: &Estate, steps: &str) -> Printed {
    estate.procedure("p", "", steps);
    let printed = estate.midwatch(&["rehearse", "test/p"]);
    assert!(estate.runs().is_empty(), "a rehearsal is no run");
    printed
}

#[test]
fn a_program_must_be_there_and_executable() {
    let estate = Estate::default();
    rehearsed(&estate, &exec("exec = [\"rm\", \"{tree}/made\"]")).exits(0).prints("rm can be executed");
    rehearsed(&estate, &exec("exec = [\"no-such-program\"]")).exits(1).prints("not possible").prints("no-such-program");
    estate.file("undo", "#!/nowhere/sh\n");
    let undo = exec("exec = [\"{tree}/undo\"]");
    rehearsed(&estate, &undo).exits(1).prints("cannot be executed");
    fs::set_permissions(estate.tree("undo"), fs::Permissions::from_mode(0o755)).unwrap();
    rehearsed(&estate, &undo).exits(1).prints("needs /nowhere/sh");
    rehearsed(&estate, &exec("exec = [\"rm\", \"x\"], cwd = \"/nowhere\"")).exits(1).prints("/nowhere is no directory");
    let none = rehearsed(&estate, &exec("none = \"not needed\"")).exits(0).prints("no undo").prints("not needed");
    assert!(none.out.ends_with("0 undos; 1 step has no undo\n"), "{}", none.out);
    assert_eq!(estate.names(""), ["undo"], "nothing was made");
}

#[test]
fn files_go_back_only_where_both_ends_can_be_written() {
    let estate = Estate::default();
    rehearsed(&estate, MOVE).exits(1).prints("logs is not there");
    estate.file("logs/a.gz", "a");
    rehearsed(&estate, MOVE).exits(0).prints("logs and old/logs, which will be made, can be written");
    assert_eq!(estate.names(""), ["logs"], "nothing was made");
    symlink("logs", estate.tree("old")).unwrap();
    rehearsed(&estate, MOVE).exits(1).prints("old/logs cannot be entered: a symbolic link is in the way");
}

#[test]
fn what_an_undo_needs_is_read_first() {
    let estate = Estate::default();
    estate.file("logs/a.gz", "a");
    let read = "[[look]]\ntitle = \"Newest\"\nread = { files = \"newest\", under = \"logs\", match = \"*.gz\" }\nsave = \"before\"\n";
    let with = |fact: &str| format!("{read}{}", exec(&format!("exec = [\"echo\", \"{{{{before.{fact}}}}}\"]")));
    rehearsed(&estate, &with("name")).exits(0).prints("echo can be executed");
    rehearsed(&estate, &with("missing")).exits(1).prints("has no `missing`");
    fs::remove_dir_all(estate.tree("logs")).unwrap();
    rehearsed(&estate, &with("name")).exits(8).prints("`before` could not be read");
}

#[test]
fn what_a_program_prints_and_what_is_read_for_each_is_known_to_an_undo() {
    let estate = Estate::default();
    estate.file("one", "first line\nsecond\n");
    estate.file("two", "other\n");
    let read = "[[look]]\ntitle = \"Read\"\nread = { exec = [\"cat\", \"{tree}/one\"] }\nsave = \"before\"\n";
    let plain = format!("{read}{}", exec("exec = [\"echo\", \"{{before.output}}\"]"));
    let printed = rehearsed(&estate, &plain).exits(0).prints("echo can be executed");
    assert!(printed.out.contains("first line") && !printed.out.contains("saved:"), "{}", printed.out);
    let each = "[[look]]\ntitle = \"Read {{it}}\"\neach = [\"one\", \"two\"]\nread = { exec = [\"cat\", \"{tree}/{{it}}\"] }\nsave = \"before\"\n\
        [[work]]\ntitle = \"Write {{it}}\"\neach = [\"one\", \"two\"]\neffect = \"change\"\n\
        do = { exec = [\"touch\", \"{tree}/{{it}}\"] }\nundo = { exec = [\"echo\", \"{{before[it].output}}\"] }\n";
    let answer = rehearsed(&estate, each).exits(0).prints("echo can be executed");
    assert!(answer.out.contains("other") && !answer.out.contains("no step before it"), "{}", answer.out);
    fs::remove_file(estate.tree("two")).unwrap();
    let output = rehearsed(&estate, each).exits(8).prints("`before[two]` could not be read");
    assert!(!output.out.contains("saved:"), "{}", output.out);
}

#[test]
fn the_role_of_act_is_asked_for_its_rights() {
    let place = tempfile::tempdir().unwrap();
    let mut postgres = PrivatePostgres::start(&place.path().join("pg"), &Setup::default()).unwrap();
    let schema = "CREATE ROLE admin LOGIN; CREATE ROLE small LOGIN; CREATE TABLE public.tasks (id int); \
        ALTER TABLE public.tasks OWNER TO admin; GRANT SELECT ON public.tasks TO small; GRANT USAGE ON SCHEMA public TO small;";
    postgres.sql("postgres", schema).unwrap();
    let estate = Estate::default();
    let names = |role: &str| {
        let (watch, act) = (postgres.conninfo("postgres"), postgres.conninfo_as(role, "postgres"));
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[postgres]]\nname = \"main\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"\"\"{act}\"\"\"\n"
        );
        fs::write(estate.beside("midwatch.toml"), text).unwrap();
    };
    let step = |act: &str, undo: &str| {
        format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ sql = '{act}' }}\nundo = {{ sql = '{undo}' }}\n"
        )
    };
    let insert = step("INSERT INTO public.tasks VALUES (1)", "UPDATE public.tasks SET id = 0 WHERE id = 1");
    let alter = step("ALTER TABLE public.tasks ADD y int", "ALTER TABLE public.tasks RENAME y TO z");
    names("admin");
    rehearsed(&estate, &insert).exits(0).prints("the server plans it");
    rehearsed(&estate, &alter).exits(0).prints("owns public.tasks");
    let gone = step("ANALYZE public.tasks", "ALTER TABLE public.gone RENAME y TO z");
    rehearsed(&estate, &gone).exits(1).prints("public.gone is not there");
    names("small");
    rehearsed(&estate, &insert).exits(1).prints("permission denied");
    rehearsed(&estate, &alter).exits(1).prints("does not own public.tasks");
    rehearsed(&estate, &step("ANALYZE public.tasks", "VACUUM public.tasks")).exits(8).prints("maintain");
    names("nobody");
    rehearsed(&estate, &insert).exits(1).prints("`act` gets no session");
    names("admin");
    postgres.stop();
    rehearsed(&estate, &insert).exits(8).prints("unknown");
}

#[test]
fn the_answers_are_printed_as_json() {
    let estate = Estate::default();
    let both = format!("{}{MOVE}", exec("exec = [\"rm\", \"{tree}/made\"]"));
    estate.procedure("p", "", &both);
    let printed = estate.midwatch(&["rehearse", "test/p", "--json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let answers: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| step["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, ["possible", "not possible"]);
    assert_eq!(report["exit"], 1);
}

/// A step that changes something by an adapter, with its undo.
fn step(act: &str, undo: &str) -> String {
    format!("[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ {act} }}\nundo = {{ {undo} }}\n")
}

#[test]
fn a_script_is_read_by_bash_and_what_it_calls_is_looked_for() {
    let estate = Estate::default();
    let undo = |script: &str, more: &str| step("script = 'true'", &format!("script = '{script}'{more}"));
    let fine = undo("rm -f {tree}/made; sync", "");
    rehearsed(&estate, &fine).exits(0).prints("possible").prints("bash reads its 1 line, and finds what they call");
    rehearsed(&estate, &undo("pkill -f worker", "")).exits(0).prints("line 1: `pkill` hits every process that fits");
    let gone = rehearsed(&estate, &undo("no-such-program --off", "")).exits(8);
    gone.prints("unknown").prints("whether it gets past `no-such-program`, which is not found, is not known");
    // What may be missing is not asked for, and who looks elsewhere says nothing of where.
    rehearsed(&estate, &undo("if no-such-program; then sync; fi", "")).exits(0);
    rehearsed(&estate, &undo("PATH=/opt/app:$PATH; no-such-program", "")).exits(0);
    rehearsed(&estate, &undo("sync", ", cwd = \"/nowhere\"")).exits(1).prints("/nowhere is no directory");
    let secret = estate.beside("pw");
    estate.configure(&format!("[secrets]\npw = \"file:{}\"\n", secret.display()));
    rehearsed(&estate, &undo("sync", ", env = { PW = \"secret:pw\" }")).exits(1).prints("not possible").prints("pw");
    assert!(estate.names("").is_empty(), "nothing was made");
}

/// The undo of what `files` does with a set of its own.
fn restored(act: &str) -> String {
    step(act, "files = \"restore\"")
}

#[test]
fn rotations_archives_and_permissions_are_asked_for_what_they_would_touch_now() {
    let estate = Estate::default();
    estate.file("logs/api/a.log", "some lines");
    estate.file("logs/b.log", "some lines");
    let logs = "under = \"logs\", match = \"*.log\", recursive = true";
    let rotate = restored(&format!("files = \"rotate\", {logs}, reopen = \"each-line\""));
    rehearsed(&estate, &rotate).exits(0).prints("2 files in 2 directories that can be written; then: ");
    let archive = restored(&format!("files = \"archive\", {logs}, to = \"old\""));
    rehearsed(&estate, &archive).exits(0).prints("2 files in 4 directories that can be written");
    let mode = restored(&format!("files = \"permissions\", {logs}, mode = \"0600\""));
    rehearsed(&estate, &mode).exits(0).prints("2 files; this user may give them back what they have");
    let none = mode.replace("*.log", "*.none");
    rehearsed(&estate, &none).exits(0).prints("no file matches now");
    // What the act would be refused for keeps its undo from being seen.
    let writer = fs::OpenOptions::new().append(true).open(estate.tree("logs/b.log")).unwrap();
    rehearsed(&estate, &rotate).exits(8).prints("what it would undo cannot be seen").prints("keeps a log open");
    drop(writer);
    symlink("logs", estate.tree("old")).unwrap();
    rehearsed(&estate, &archive).exits(8).prints("what it would undo cannot be seen");
    assert_eq!(
        (estate.names(""), estate.names("logs")),
        (vec!["logs".into(), "old".into()], vec!["api".into(), "b.log".into()])
    );
}

#[test]
fn the_rights_to_every_file_and_directory_are_those_of_the_caller() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.file("logs/b.log", "some lines");
    let rehearsed = |steps: &str| {
        team.estate.procedure("p", "", steps);
        team.midwatch(ANNA, &["rehearse", "test/p"])
    };
    let logs = "under = \"logs\", match = \"*.log\"";
    let mode = restored(&format!("files = \"permissions\", {logs}, mode = \"0600\""));
    rehearsed(&mode).exits(1).prints("logs/b.log belongs to uid 0, and this user is uid 61001");
    let rotate = restored(&format!("files = \"rotate\", {logs}, reopen = \"each-line\""));
    // The new log cannot have the owner of the old one, so that the act itself is refused.
    rehearsed(&rotate).exits(8).prints("logs/b.log: its owner is uid 0, and this user is uid 61001");
    std::os::unix::fs::chown(team.estate.tree("logs/b.log"), Some(ANNA.uid), Some(ANNA.uid)).unwrap();
    rehearsed(&rotate).exits(1).prints("this user may not write in logs");
    std::os::unix::fs::chown(team.estate.tree("logs"), Some(ANNA.uid), None).unwrap();
    rehearsed(&mode).exits(0).prints("may give them back");
    rehearsed(&rotate).exits(0).prints("can be written");
    // Whether systemd lets another user do it is known only when it is asked to.
    let bus = Bus::start(&team.estate.beside("home"));
    let restart = step("systemd = \"restart\", unit = \"UNIT\"", "systemd = \"restart\", unit = \"UNIT\"");
    team.estate.procedure("p", "", &restart.replace("UNIT", bus::UNIT));
    // A bus lets in only whom the machine knows.
    let daemon = Person { uid: 1, login: Some(1), member: true };
    let mut command =
        team.command(daemon, std::path::Path::new(crate::support::estate::BINARY), &["rehearse", "test/p"]);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
    let printed = crate::support::estate::finish(command).exits(8);
    printed.prints("is loaded; whether this user may restart it is not known");
}

#[test]
fn a_unit_must_be_loaded_and_the_bus_must_answer() {
    let place = tempfile::tempdir().unwrap();
    let mut bus = Bus::start(place.path());
    let estate = Estate::default().with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address());
    let restart = step("systemd = \"restart\", unit = \"UNIT\"", "systemd = \"restart\", unit = \"UNIT\"");
    let restart = restart.replace("UNIT", bus::UNIT);
    let root = rustix::process::geteuid().is_root();
    rehearsed(&estate, &restart).exits(if root { 0 } else { 8 }).prints("faults.service is loaded");
    bus.stop();
    rehearsed(&estate, &restart).exits(8).prints("unknown");
}

#[test]
fn a_service_is_asked_with_head_and_nothing_else() {
    let (service, url) = Service::start();
    let estate = Estate::default();
    let put = |url: &str| {
        step(
            &format!("http = \"{url}/banner\", method = \"PUT\", body = \"1\""),
            &format!("http = \"{url}/banner\", method = \"DELETE\", status = 204"),
        )
    };
    rehearsed(&estate, &put(&url)).exits(0).prints("the service answers (404 to HEAD)");
    let lines: Vec<String> = service.taken.lock().unwrap().iter().map(|taken| taken.line.clone()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("HEAD ")), "{lines:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    rehearsed(&estate, &put(&closed)).exits(1).prints("the service cannot be reached");
}

#[test]
fn a_redis_is_asked_who_it_is_and_nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    let server = PrivateRedis::start(&place.path().join("redis"), &[]).unwrap();
    let estate = Estate::default().with("MIDWATCH_SPAN_REDIS_PATIENCE", "1000");
    let names = |act: &str| {
        let url = server.url();
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[redis]]\nname = \"cache\"\nurl = \"{url}\"\n{act}"
        );
        fs::write(estate.beside("midwatch.toml"), text).unwrap();
    };
    let drain = step(
        "redis = \"set\", key = \"drain\", value = \"1\", expire = \"2h\", if = \"absent\"",
        "redis = \"release\", key = \"drain\", value = \"1\"",
    );
    names(&format!("act = \"{}\"\n", server.url()));
    rehearsed(&estate, &drain).exits(0).prints("cache answers `act`, and takes changes");
    let keys: u64 = server.ask(&["DBSIZE"]).unwrap();
    assert_eq!(keys, 0, "nothing was written");
    let _: String = server.ask(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    rehearsed(&estate, &drain).exits(1).prints("is a replica, which takes no changes");
    let _: String = server.ask(&["REPLICAOF", "NO", "ONE"]).unwrap();
    names("");
    rehearsed(&estate, &drain).exits(2).prints("has no `act`");
    names("act = \"redis://127.0.0.1:1/0\"\n");
    rehearsed(&estate, &drain).exits(8).prints("`act` gets no session");
}

/// The reasons that only a mistake of the rehearsal itself can have, for any estate.
const FALSE: [&str; 5] = ["no step before it reads", "has no `", "was not read yet", "saved:", "its step asks nothing"];

/// Rehearses, and asserts that no answer is an error of the rehearsal.
#[track_caller]
fn rehearses(estate: &Estate, id: &str, params: &[String]) -> Printed {
    let words: Vec<&str> = ["rehearse", id].into_iter().chain(params.iter().map(String::as_str)).collect();
    let printed = estate.midwatch(&words);
    assert!(matches!(printed.code, Some(0 | 1 | 8)), "{id}: {}\n{}", printed.out, printed.err);
    for words in FALSE {
        assert!(!printed.out.contains(words), "{id} says {words:?}:\n{}", printed.out);
    }
    printed
}

#[test]
fn every_shipped_procedure_is_rehearsed_without_a_false_error() {
    let place = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(&place.path().join("pg"), &Setup::default()).unwrap();
    let redis = PrivateRedis::start(&place.path().join("redis"), &[]).unwrap();
    let to = postgres.conninfo("postgres");
    let estate = Estate::default();
    estate.file("backups/set.dump", "a backup");
    let entry =
        |name: &str| format!("[[postgres]]\nname = \"{name}\"\nwatch = \"\"\"{to}\"\"\"\nact = \"\"\"{to}\"\"\"\n");
    let text = format!(
        "packs = [\"cell0\", \"novacron\"]\n{}{}[[service]]\nname = \"cell0-gateway\"\nurl = \"http://127.0.0.1:1/health\"\n[[redis]]\nname = \"cache\"\nurl = \"{url}\"\nact = \"{url}\"\n[[backup]]\nname = \"set\"\nfiles = \"{}/*.dump\"\nmax_age = \"24h\"\n",
        entry("main"),
        entry("spare"),
        estate.tree("backups").display(),
        url = redis.url(),
    );
    estate.configure(&text);
    let loaded = midwatch::config::estate::Estate::load(&estate.beside("midwatch.toml")).unwrap();
    let adapters = midwatch::runner::adapters::BuiltIn::of(&loaded);
    let catalog = midwatch::procedure::Catalog::read(None, &loaded.packs, &adapters);
    let mut rehearsed = 0;
    for procedure in catalog.procedures() {
        let value = |param: &midwatch::procedure::params::Param| match (param.name.as_str(), param.default.is_some()) {
            (_, true) => None,
            ("root", _) => Some(format!("root={}", estate.tree("").display())),
            ("database", _) => Some("database=main".to_owned()),
            ("scratch", _) => Some("scratch=spare".to_owned()),
            ("redis", _) => Some("redis=cache".to_owned()),
            ("set", _) => Some("set=set".to_owned()),
            ("unit", _) => Some("unit=nginx.service".to_owned()),
            (name, _) => Some(format!("{name}={}", param.sample().text)),
        };
        let params: Vec<String> = procedure.params.iter().filter_map(value).collect();
        rehearses(&estate, &procedure.id, &params);
        rehearsed += 1;
    }
    assert!(rehearsed >= 15, "{rehearsed} procedures were rehearsed");
}

#[test]
fn the_patterns_of_the_documentation_are_rehearsed_without_a_false_error() {
    let estate = Estate::default();
    for (name, text) in [
        ("state", "#!/bin/sh\necho image-of-$1\n"),
        ("roll", "#!/bin/sh\n"),
        ("page", "#!/bin/sh\n"),
        ("scale", "#!/bin/sh\n"),
    ] {
        estate.file(name, text);
        fs::set_permissions(estate.tree(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    estate.file("replicas", "3\n");
    estate.configure(&format!("trusted_reads = [\"{}\"]\n", estate.tree("state").display()));
    let tree = estate.tree("").display().to_string();
    let ours = |text: &str| text.replace("/opt/novacron/", &tree).replace("/srv/app/", &tree);
    let block = |page: &str, with: &str| {
        let text = fs::read_to_string(crate::arch::root().join(page)).unwrap();
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
        let found = blocks.map(|(block, _)| block.to_owned()).find(|block| block.contains(with));
        ours(&found.unwrap_or_else(|| panic!("{page} has no block with {with}")))
    };
    // A whole procedure: the undo takes what a program printed.
    fs::write(estate.beside("procedures/rollback.toml"), block("docs/rollback.md", "rollback = {")).unwrap();
    let printed = rehearses(&estate, "example/page", &[]).exits(0);
    assert!(printed.out.contains("scale 3"), "{}", printed.out);
    // A part of one: the undo takes what was read for each item.
    let head = "format = 1\nid = \"docs/each\"\ntitle = \"Each\"\nphases = [\"prepare\", \"deploy\"]\n";
    let each = block("docs/steps.md", "before[it].output");
    fs::write(estate.beside("procedures/each.toml"), format!("{head}{each}\n")).unwrap();
    let digest = format!("x@sha256:{}", "0".repeat(64));
    let answer = rehearses(&estate, "docs/each", &[format!("image=api={digest},worker={digest}")]).exits(0);
    assert!(
        answer.out.contains("roll api 'image-of-api'") && answer.out.contains("roll worker 'image-of-worker'"),
        "{}",
        answer.out
    );
}

#[test]
fn what_sql_reads_for_each_item_is_known_to_an_undo() {
    let place = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(&place.path().join("pg"), &Setup::default()).unwrap();
    postgres.sql("postgres", "CREATE TABLE public.parts (id int, low int)").unwrap();
    let to = postgres.conninfo("postgres");
    let estate = Estate::default();
    estate.configure(&format!("[[postgres]]\nname = \"main\"\nwatch = \"\"\"{to}\"\"\"\nact = \"\"\"{to}\"\"\"\n"));
    let steps = "[[look]]\ntitle = \"Bounds of {{it}}\"\neach = [\"a\", \"b\"]\n\
        read = { sql = '''SELECT 7 AS low, {{it|literal}} AS name''' }\nsave = \"bound\"\n\
        [[work]]\ntitle = \"Raise {{it}}\"\neach = [\"a\", \"b\"]\neffect = \"change\"\n\
        do = { sql = '''UPDATE public.parts SET low = 9 WHERE low = {{bound[it].low|literal}}''' }\n\
        undo = { sql = '''UPDATE public.parts SET low = {{bound[it].low|literal}} WHERE low = 9''' }\n";
    estate.procedure("p", "", steps);
    let printed = rehearses(&estate, "test/p", &[]).exits(0).prints("the server plans it");
    assert!(printed.out.contains("SET low = '7' WHERE"), "{}", printed.out);
}
