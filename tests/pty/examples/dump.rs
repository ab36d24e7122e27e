//! A database that is written to while it is dumped, the dump restored and compared; and a scratch database that goes in every ending.

use super::{Over, console, decide, plan, report};
use crate::pty::{Home, choose, line_with, next_prompt, open_prompt, start, until};
use crate::support::disk::Disk;
use crate::support::estate::finish;
use crate::support::pty::{Pty, SOON};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Secrets that must be nowhere.
const PASSWORD: &str = "kugelfisch-7731";

/// Tables of some shapes, a role that looks and one that owns them; and a view that is not filled before there is a role `go`,
/// unless it is the source's.
const ROLES: &str = "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE admin LOGIN CREATEDB PASSWORD 'kugelfisch-7731'; \
    CREATE DATABASE app OWNER admin;";
const TABLES: &str = r#"SET ROLE admin;
    CREATE SCHEMA other;
    CREATE TABLE other.empty (id int);
    CREATE TABLE other."Odd ""name" (at timestamptz DEFAULT now(), bytes bytea, list int[], about jsonb, part float8);
    INSERT INTO other."Odd ""name" VALUES (now(), '\x00ff', '{1,NULL}', '{"a": [1, null]}', 0.1), (NULL, NULL, NULL, NULL, 'NaN');
    CREATE TABLE other.tasks (id serial PRIMARY KEY, note text);
    INSERT INTO other.tasks (note) SELECT repeat(md5(n::text), 4) FROM generate_series(1, 3000) n;"#;
const SLOW: &str = "SET ROLE admin;
    CREATE FUNCTION other.waits() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
        WHILE current_database() <> 'app' AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'go') LOOP
            PERFORM pg_catalog.pg_sleep(0.02);
        END LOOP;
        RETURN 1; END $$;
    CREATE MATERIALIZED VIEW other.slow AS SELECT other.waits();";

/// A server with the database `app`, and an estate that names it as `main` and the server's own database as `spare`.
struct Base {
    server: PrivatePostgres,
    home: Home,
    _place: tempfile::TempDir,
}

impl Base {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let access = "local all admin scram-sha-256\n".to_owned();
        let setup = Setup { access, settings: "autovacuum = off\n".to_owned(), ..Setup::default() };
        let server = PrivatePostgres::start(&place.path().join("pg"), &setup).unwrap();
        server.sql("postgres", ROLES).unwrap();
        server.sql("app", TABLES).unwrap();
        let entry = |name: &str, database: &str| {
            let (watch, act) = (server.conninfo_as("watch", database), server.conninfo_as("admin", database));
            format!(
                "[[postgres]]\nname = \"{name}\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"\"\"{act} password=secret:pg\"\"\"\n"
            )
        };
        let estate = format!("[secrets]\npg = \"env:DUMP_PW\"\n{}{}", entry("main", "app"), entry("spare", "postgres"));
        Self { home: Home::with(&estate, &[]), server, _place: place }
    }

    /// The databases that a run made.
    fn scratch(&self) -> String {
        let asked =
            "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1', 'app')";
        self.server.sql("postgres", asked).unwrap()
    }

    /// From the row of the database to the prompt for the dump.
    fn asked(&self) -> Pty {
        let pty = console(&self.home, &[("DUMP_PW", PASSWORD)], "main");
        let shown = plan(&pty, ("1", "main"), "Dump main and prove it by a restore", "spare", 2);
        assert!(shown.contains("Dump main, and count each table"), "{shown}");
        start(&pty, "□ CHANGE");
        pty.wait_for(SOON, |screen| screen.contains("to confirm this change") && screen.contains("step 3 of 11"));
        // A script that does not fit into its prompt is read to its end first.
        pty.press_until("v", |screen| screen.contains("   2  "));
        pty.page_through();
        pty.press_until("\x1b", |screen| screen.contains("to confirm this change"));
        pty
    }

    /// The dump is there, and the prompt for the scratch database is open.
    fn dumped(&self) -> Pty {
        let pty = self.asked();
        next_prompt(&pty, "to confirm this change", "□ CHANGE");
        let shown = pty.wait_for(SOON, |screen| screen.contains("CREATE DATABASE") && screen.contains("□ CHANGE"));
        assert!(shown.contains("DROP DATABASE IF EXISTS"), "{shown}");
        assert_eq!(self.scratch(), "", "nothing is made before it is confirmed");
        pty
    }

    /// Makes the scratch database, and begins what fills and reads it.
    fn restores(pty: &Pty) {
        next_prompt(pty, "to confirm this change", "□ CHANGE");
        assert!(pty.screen().contains("step 5 of 11"), "{}", pty.screen());
        pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
    }

    /// Confirms the counting in the scratch database, which asks once the restore is over.
    fn counts(pty: &Pty) {
        open_prompt(pty, "step 6 of 11");
        pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
    }

    /// The restore is at work in the scratch database.
    fn restoring(&self) -> Pty {
        self.server.sql("app", SLOW).unwrap();
        let pty = self.dumped();
        Self::restores(&pty);
        let asked =
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'REFRESH MATERIALIZED%'";
        until("the restore is at work", || self.server.sql("postgres", asked).unwrap() != "0");
        assert_eq!(self.scratch(), self.home.newest_run());
        pty
    }

    fn of_run(&self, file: &str) -> std::path::PathBuf {
        self.home.path(&format!("state/runs/{}/{file}", self.home.newest_run()))
    }

    /// No file of the state holds the password.
    fn keeps_it_secret(&self) {
        let mut waiting = vec![self.home.path("state")];
        let mut looked = 0;
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.is_file() {
                let found = fs::read(&path).unwrap().windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
                assert!(!found, "{} holds it", path.display());
                looked += 1;
            }
        }
        assert!(looked > 20, "the state was looked through: {looked}");
    }
}

#[test]
fn a_database_is_dumped_under_load_restored_compared_and_the_scratch_database_goes() {
    let base = Base::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(SeqCst) {
                base.server.sql("app", "INSERT INTO other.tasks (note) VALUES ('later')").unwrap();
            }
        });
        let pty = base.dumped();
        Base::restores(&pty);
        Base::counts(&pty);
        let shown = pty.wait_for(SOON, |screen| screen.contains("ended well") || screen.contains("DECIDE"));
        assert!(shown.contains("11/11"), "{shown}");
    });
    assert_eq!(base.scratch(), "");
    let counted = fs::read_to_string(base.of_run("counted")).unwrap();
    assert_eq!(counted, fs::read_to_string(base.of_run("restored")).unwrap());
    let rows = |table: &str| -> u64 {
        let line = counted.lines().find(|line| line.starts_with(table)).unwrap();
        line.trim_start_matches(table).split_whitespace().next().unwrap().parse().unwrap()
    };
    assert_eq!((rows("other.empty"), rows("other.\"Odd \"\"name\"")), (0, 2));
    let now: u64 = base.server.sql("app", "SELECT count(*) FROM other.tasks").unwrap().parse().unwrap();
    assert!((3000..now).contains(&rows("other.tasks")), "{counted} and now {now}");
    let report = report(&base.home);
    let digest = midwatch::domain::Digest::of(&fs::read(base.of_run("db.dump")).unwrap());
    assert!(report.contains(digest.as_str()) && report.contains("found the same"), "{report}");
    base.keeps_it_secret();
}

#[test]
fn a_dump_that_lacks_a_row_fails_the_comparison_and_only_rollback_is_left() {
    let base = Base::new();
    let pty = base.dumped();
    // Another dump takes its place, of the same tables with one row less.
    base.server.sql("app", "DELETE FROM other.tasks WHERE id = 7").unwrap();
    let mut dump = std::process::Command::new("pg_dump");
    dump.args(["-Fc", "-d", &base.server.conninfo("app"), "-f"]).arg(base.of_run("db.dump"));
    assert!(dump.status().unwrap().success());
    Base::restores(&pty);
    Base::counts(&pty);
    open_prompt(&pty, "DECIDE");
    // The log comes behind the prompt.
    let shown = pty
        .wait_for(SOON, |screen| screen.contains("Compare the row counts of every table") && screen.contains("differ"));
    for choice in ["retry", "skip", "override"] {
        assert!(!shown.contains(&format!("  {choice}")), "{choice} is offered: {shown}");
    }
    assert_eq!(base.scratch(), base.home.newest_run(), "it is there until a person decides");
    decide(&pty, "rollback");
    pty.wait_for(SOON, |screen| screen.contains("rolled back, proved"));
    assert_eq!(base.scratch(), "");
    let report = report(&base.home);
    assert!(!report.contains("found the same"), "{report}");
    let log = base.of_run("logs");
    let logs: String =
        fs::read_dir(log).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default()).collect();
    assert!(logs.contains("< other.tasks  3000  ") && logs.contains("> other.tasks  2999  "), "{logs}");
}

#[test]
fn a_runner_that_is_killed_amid_the_restore_is_resumed_and_the_scratch_database_goes() {
    let base = Base::new();
    let pty = base.restoring();
    base.home.kill_runner();
    pty.wait_for(SOON, |screen| screen.contains("interrupted"));
    // The restore is its shim's, and goes on.
    base.server.sql("postgres", "CREATE ROLE go").unwrap();
    pty.send("gr");
    pty.wait_for(SOON, |screen| screen.contains("RESUME") || screen.contains("Resume"));
    pty.press_until("c", |screen| !screen.contains("RESUME") && !screen.contains("Resume"));
    Base::counts(&pty);
    pty.wait_for(SOON, |screen| screen.contains("ended well"));
    assert!(pty.screen().contains("11/11"), "{}", pty.screen());
    assert_eq!(base.scratch(), "");
    let journal = base.home.journal(&base.home.newest_run());
    let begun = journal.lines().filter(|line| line.contains("step.intent") && line.contains("\"step\":4")).count();
    assert_eq!(begun, 1, "the restore was begun once: {journal}");
    assert!(report(&base.home).contains("found the same"));
}

#[test]
fn an_abort_amid_the_restore_drops_the_scratch_database_too() {
    let base = Base::new();
    let pty = base.restoring();
    pty.send("gx");
    pty.wait_for(SOON, |screen| screen.contains("ABORT") || screen.contains("Abort"));
    choose(&pty, "leave it");
    pty.press_until("c", |screen| screen.contains("was stopped"));
    until("the scratch database is gone", || base.scratch().is_empty());
    let shown = pty.screen();
    assert!(!line_with(&shown, "Drop the scratch database").contains("skipped"), "{shown}");
    assert!(base.of_run("db.dump").exists(), "the dump stays");
}

#[test]
fn a_dump_that_fails_is_no_dump_and_nothing_is_restored() {
    let base = Base::new();
    // Every role may count; only the owner may dump this.
    base.server.sql("app", "CREATE SEQUENCE public.others").unwrap();
    let pty = base.asked();
    let shown = next_prompt(&pty, "to confirm this change", "DECIDE");
    assert!(shown.contains("Dump main, and count each table") && shown.contains("exit code"), "{shown}");
    assert!(base.of_run("counted").exists() && !base.of_run("db.dump").exists());
    decide(&pty, "abort");
    pty.wait_for(SOON, |screen| screen.contains("failed at"));
    assert_eq!(base.scratch(), "");
    let logs = fs::read_dir(base.of_run("logs")).unwrap();
    let logs: String = logs.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default()).collect();
    assert!(logs.contains("permission denied for sequence others"), "{logs}");
}

#[test]
fn a_full_disk_stops_it_before_the_dump() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let base = Base::new();
    let disk = Disk::mount(6 << 10);
    let mut command = std::process::Command::new(crate::pty::MIDWATCH);
    command.env_clear().envs(base.home.environment()).env("DUMP_PW", PASSWORD);
    command.env("PATH", std::env::var_os("PATH").unwrap()).arg("--state").arg(disk.path());
    command.args(["run", "common/dump-database", "database=main", "scratch=spare", "--yes", "change"]);
    finish(command).exits(1).prints("Check free space for a second copy): timed-out");
    let run = fs::read_dir(disk.path().join("runs")).unwrap().next().unwrap().unwrap().path();
    assert!(!run.join("counted").exists() && !run.join("db.dump").exists());
    // What it leaves waiting would hold the disk.
    let own = run.file_name().unwrap().to_str().unwrap().to_owned();
    let mut abort = std::process::Command::new(crate::pty::MIDWATCH);
    abort.env_clear().envs(base.home.environment()).arg("--state").arg(disk.path()).args(["abort", &own]);
    finish(abort).exits(0);
    until("the runner is gone", || base.home.processes("__runner").is_empty());
}

#[test]
fn a_locked_table_ends_the_dump_in_time_and_its_holder_is_named() {
    let base = Base::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let to = format!("{} application_name=locksmith", base.server.conninfo("app"));
    let holder = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&to, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE other.tasks IN ACCESS EXCLUSIVE MODE").await.unwrap();
        client
    });
    let pid: i32 = runtime.block_on(holder.query_one("SELECT pg_backend_pid()", &[])).unwrap().get(0);
    let mut command = std::process::Command::new(crate::pty::MIDWATCH);
    command.env_clear().envs(base.home.environment()).env("DUMP_PW", PASSWORD);
    command.env("PATH", std::env::var_os("PATH").unwrap()).arg("--state").arg(base.home.path("state"));
    command.args(["run", "common/dump-database", "database=main", "scratch=spare", "locks=300ms", "--yes", "change"]);
    let printed = finish(command).exits(1);
    printed
        .prints("last output: ")
        .prints("canceling statement due to lock timeout")
        .prints(&format!("locked by pid {pid} "));
    assert!(!base.of_run("db.dump").exists());
    let mut abort = std::process::Command::new(crate::pty::MIDWATCH);
    abort.env_clear().envs(base.home.environment()).arg("--state").arg(base.home.path("state"));
    abort.args(["abort", &base.home.newest_run()]);
    finish(abort).exits(0);
    until("the runner is gone", || base.home.processes("__runner").is_empty());
}
