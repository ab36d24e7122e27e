//! Locks on the identity of a target: two names of one server collide, and the refusal names the holder.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::consent;
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::demo::redis::PrivateRedis;
use midwatch::domain::error::Result;
use midwatch::domain::{Kind, RunStatus};
use midwatch::runner::lock_targets::{LockTarget, behind, by_name};
use std::fs;
use std::path::{Path, PathBuf};

fn estate(dir: &Path, entries: &str) -> PathBuf {
    let file = dir.join("midwatch.toml");
    fs::write(&file, format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\n{entries}")).unwrap();
    file
}

fn ask(names: &[&str], file: &Path, earlier: &[LockTarget]) -> Result<Vec<LockTarget>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    runtime.block_on(behind(&names, "e", Some(file), earlier))
}

/// The identities of the servers alone.
fn servers(targets: &[LockTarget]) -> Vec<&str> {
    let is_server = |identity: &&str| identity.starts_with("postgres:") || identity.starts_with("redis:");
    targets.iter().map(|(identity, _)| identity.as_str()).filter(is_server).collect()
}

fn postgres(name: &str, conninfo: &str) -> String {
    format!("[[postgres]]\nname = \"{name}\"\nwatch = \"{conninfo}\"\n")
}

#[test]
fn a_plain_name_is_its_own_identity_and_host_is_the_machine() {
    assert_eq!(by_name("cache", "e"), "estate:e:cache");
    assert!(by_name("host", "e").starts_with("machine-id:") || by_name("host", "e").starts_with("host-name:"));
    let dir = tempfile::tempdir().unwrap();
    let targets = ask(&["b", "a", "host"], &dir.path().join("nothing"), &[]).unwrap();
    assert_eq!(targets.len(), 3, "no server is asked, and no estate read: {targets:?}");
    assert!(targets.is_sorted());
    let file = estate(dir.path(), "");
    let error = ask(&["postgres:main"], &file, &[]).unwrap_err();
    assert!(error.message.contains("the estate has no postgres `main`"), "{}", error.message);
}

#[test]
fn two_names_of_one_database_share_an_identity_and_another_database_differs() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivatePostgres::start(&dir.path().join("pg"), &Setup::default()).unwrap();
    let (first, second) = (server.conninfo("postgres"), server.conninfo("template1"));
    let file =
        estate(dir.path(), &(postgres("main", &first) + &postgres("alias", &first) + &postgres("other", &second)));
    let one = ask(&["postgres:main"], &file, &[]).unwrap();
    assert_eq!(one.len(), 2, "by its name, and by what it is: {one:?}");
    assert_eq!(servers(&one), servers(&ask(&["postgres:alias"], &file, &[]).unwrap()));
    assert_ne!(servers(&one), servers(&ask(&["postgres:other"], &file, &[]).unwrap()));
    assert_eq!(servers(&ask(&["postgres:main", "postgres:alias"], &file, &[]).unwrap()).len(), 1);
    // Behind the name is another server than the one that the run began with.
    let before = [("postgres:1/postgres".to_owned(), "postgres:main".to_owned())];
    let error = ask(&["postgres:main"], &file, &before).unwrap_err();
    assert_eq!(error.kind, Kind::Refused);
    assert!(error.message.contains("another server now"), "{}", error.message);
    drop(server);
    // A run that is taken over keeps what it held; a new one cannot know what it would lock.
    assert_eq!(ask(&["postgres:main"], &file, &one).unwrap(), one);
    let error = ask(&["postgres:main"], &file, &[]).unwrap_err();
    assert!(error.message.starts_with("cannot lock postgres:main: "), "{}", error.message);
}

#[test]
fn two_names_of_one_redis_share_an_identity_and_a_restarted_one_is_claimed_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = PrivateRedis::start(&dir.path().join("redis"), &[]).unwrap();
    let entry = |name: &str, more: &str| format!("[[redis]]\nname = \"{name}\"\nurl = \"{}{more}\"\n", server.url());
    let file = estate(dir.path(), &(entry("cache", "") + &entry("alias", "") + &entry("queue", "?db=1")));
    let one = ask(&["redis:cache"], &file, &[]).unwrap();
    assert_eq!(servers(&one), servers(&ask(&["redis:alias"], &file, &[]).unwrap()));
    assert_ne!(servers(&one), servers(&ask(&["redis:queue"], &file, &[]).unwrap()));
    server.kill();
    server.run().unwrap();
    let again = ask(&["redis:cache"], &file, &one).unwrap();
    assert!(one.iter().all(|target| again.contains(target)), "{one:?} {again:?}");
}

#[test]
fn a_run_on_another_name_of_the_same_server_is_refused_with_the_holder() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivatePostgres::start(&dir.path().join("pg"), &Setup::default()).unwrap();
    let redis = PrivateRedis::start(&dir.path().join("redis"), &[]).unwrap();
    let base = Estate::default();
    let text = fs::read_to_string(base.beside("midwatch.toml")).unwrap();
    let conninfo = server.conninfo("postgres");
    let cache = |name: &str| format!("[[redis]]\nname = \"{name}\"\nurl = \"{}\"\n", redis.url());
    let entries = postgres("main", &conninfo) + &postgres("reporting", &conninfo) + &cache("cache") + &cache("queue");
    fs::write(base.beside("midwatch.toml"), text + &entries).unwrap();
    let step = "[[work]]\ntitle = \"S\"\neffect = \"change\"\ndo = { exec = [\"true\"] }\nundo = { none = \"x\" }\n";
    base.procedure("first", "lock = [\"postgres:main\", \"redis:cache\", \"host\"]", step);
    base.procedure("second", "lock = [\"postgres:reporting\"]", step);
    base.procedure("third", "lock = [\"redis:queue\"]", step);
    let run = base.start_waiting("first");
    let held: Vec<String> = run.view().locks.into_iter().map(|(_, identity)| identity).collect();
    assert_eq!(held.len(), 5, "{held:?}");
    let id = run.dir.id.to_string();
    let printed =
        base.start("second", &["--yes", "change"]).exits(6).prints(&id).prints("postgres:reporting is held by run");
    let since = run.view().started.minute();
    let since = since.get(..10).unwrap();
    printed.prints(&format!(" since {since}")).prints(", which calls it postgres:main");
    base.start("third", &["--yes", "change"]).exits(6).prints(&id).prints("which calls it redis:cache");
    // Its claim outlives its runner, and the servers.
    run.kill_runner();
    base.start("second", &["--yes", "change"]).exits(6).prints("is still claimed by the unfinished run");
    drop(redis);
    run.drive();
    base.start("second", &["--yes", "change"]).exits(0);
    base.start("third", &["--yes", "change"]).exits(1).prints("cannot lock redis:queue");
}

/// The one lock file of an estate.
fn lock_file(estate: &Estate) -> PathBuf {
    let files: Vec<_> =
        fs::read_dir(estate.state().join("locks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

const STEP: &str =
    "[[work]]\ntitle = \"S\"\neffect = \"change\"\ndo = { exec = [\"true\"] }\nundo = { none = \"x\" }\n";

#[test]
fn a_claim_outlives_the_content_of_its_lock_file_and_the_file_itself() {
    let estate = Estate::default();
    estate.procedure("one", "lock = [\"target\"]", STEP);
    let run = estate.start_waiting("one");
    let lock = lock_file(&estate);
    run.kill_runner();
    let whole = fs::read(&lock).unwrap();
    let spoil: [&dyn Fn(); 4] = [
        &|| {},
        // As a kill between emptying and writing left it, or a full disk.
        &|| fs::write(&lock, "").unwrap(),
        &|| fs::write(&lock, &whole[..whole.len() / 2]).unwrap(),
        &|| fs::remove_file(&lock).unwrap(),
    ];
    for spoil in spoil {
        spoil();
        let printed = estate.start("one", &["--yes", "change"]).exits(6);
        printed.prints("still claimed by the unfinished run").prints(run.dir.id.as_str());
    }
    run.midwatch("resume", &[]).exits(0);
    run.drive();
    estate.start("one", &["--yes", "change"]).exits(0);
}

#[test]
fn a_run_whose_journal_is_gone_keeps_its_claim_while_it_may_be_at_work() {
    let estate = Estate::default();
    let waits = STEP.replace("[\"true\"]", "[\"sleep\", \"600\"]");
    estate.procedure("long", "lock = [\"target\"]", &waits);
    estate.procedure("one", "lock = [\"target\"]", STEP);
    let run = estate.start_waiting("long");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.pid_of("1.1", "act.json");
    run.kill_runner();
    let journal = run.dir.journal();
    let whole = fs::read(&journal).unwrap();
    let spoil: [&dyn Fn(); 2] = [&|| fs::write(&journal, "").unwrap(), &|| fs::remove_file(&journal).unwrap()];
    for spoil in spoil {
        spoil();
        let printed = estate.start("one", &["--yes", "change"]).exits(6);
        printed.prints("still claimed by the unfinished run").prints(run.dir.id.as_str());
    }
    fs::write(&journal, whole).unwrap();
    run.midwatch("abort", &[]);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
}

#[test]
fn a_runner_that_takes_its_run_over_leaves_its_own_claim_as_it_is() {
    use std::os::unix::fs::MetadataExt;
    let estate = Estate::default();
    estate.procedure("one", "lock = [\"target\"]", STEP);
    let run = estate.start_waiting("one");
    let lock = lock_file(&estate);
    let state = || {
        let found = fs::metadata(&lock).unwrap();
        (found.ino(), found.mtime(), found.mtime_nsec(), found.ctime_nsec(), fs::read(&lock).unwrap())
    };
    let before = state();
    run.kill_runner();
    run.midwatch("resume", &[]).exits(0);
    assert!(run.dir.runner_lives());
    assert!(before == state(), "it was written again");
}

#[test]
fn the_holder_of_a_shared_lock_on_a_run_is_named() {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let estate = Estate::default();
    estate.procedure("one", "", STEP);
    let run = estate.start_waiting("one");
    run.kill_runner();
    let path = run.dir.path.join("runner.lock");
    // The kernel frees the lock of a killed process a moment after its end, and a child of its holds it on until it executes.
    wait_for("the runner's lock to be free", || is_free(&path).then_some(()));
    let file = fs::File::open(&path).unwrap();
    let lock = libc::flock { l_type: libc::F_RDLCK as libc::c_short, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    let us = format!("the process {} (", std::process::id());
    run.midwatch("resume", &[]).exits(6).prints(&us).prints("is no runner").prints("fuser -v");
    run.midwatch("abort", &[]).exits(6).prints(&us);
    drop(file);
    // A child that another test has just forked holds the descriptor until it executes its program.
    wait_for("the lock to be free", || is_free(&path).then_some(()));
    run.midwatch("abort", &[]).exits(0);
}

/// Whether an exclusive lock on a file could be taken now; takes none.
fn is_free(path: &Path) -> bool {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let file = fs::File::open(path).unwrap();
    let kind = libc::F_WRLCK as libc::c_short;
    let mut lock = libc::flock { l_type: kind, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock)).unwrap();
    lock.l_type == libc::F_UNLCK as libc::c_short
}
