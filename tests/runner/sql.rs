//! Statements on a real server: vacuumed to the end, refused, waiting for locks, killed, cancelled.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::domain::{Preview, RunStatus};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice, Ending, Outcome};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// A table with dead rows, the role that watches, the one that acts, and one that may do nothing.
const SCHEMA: &str = "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE admin LOGIN; CREATE ROLE small LOGIN; \
    CREATE TABLE public.tasks (id int PRIMARY KEY, note text); ALTER TABLE public.tasks OWNER TO admin; \
    GRANT USAGE ON SCHEMA public TO small; GRANT DELETE, SELECT ON public.tasks TO watch; \
    INSERT INTO public.tasks SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n; \
    DELETE FROM public.tasks WHERE id % 2 = 0; ANALYZE public.tasks;";

const SETTINGS: &str = "autovacuum = off\nmax_prepared_transactions = 5\n";

/// A server with an estate that names it.
pub struct Base {
    pub postgres: PrivatePostgres,
    pub estate: Estate,
    pub runtime: Runtime,
    _place: tempfile::TempDir,
}

impl Base {
    pub fn new() -> Self {
        Self::acting_as("admin")
    }

    fn acting_as(role: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let setup = Setup { settings: SETTINGS.to_owned(), ..Setup::default() };
        let postgres = PrivatePostgres::start(&place.path().join("pg"), &setup).unwrap();
        postgres.sql("postgres", SCHEMA).unwrap();
        let estate = Estate::default().with("MIDWATCH_SPAN_LOCK_BACKOFF", "20");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let base = Self { postgres, estate, runtime, _place: place };
        let (watch, act) = (base.conninfo("watch"), base.conninfo(role));
        base.names(&watch, &act);
        base
    }

    /// The way to it for a role.
    pub fn conninfo(&self, role: &str) -> String {
        self.postgres.conninfo_as(role, "postgres")
    }

    /// Writes the estate again with these ways to the database.
    pub fn names(&self, watch: &str, act: &str) {
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[postgres]]\nname = \"main\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"\"\"{act}\"\"\"\n"
        );
        fs::write(self.estate.beside("midwatch.toml"), text).unwrap();
    }

    /// Writes a procedure of one step.
    pub fn step(&self, effect: &str, sql: &str, more: &str) {
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ sql = '''{sql}''', lock_timeout = \"100ms\" }}\n\
             undo = {{ none = \"a test\" }}\n{more}\n"
        );
        self.estate.procedure("sql", "", &steps);
    }

    /// Starts it, and waits for its prompt.
    pub fn asked(&self) -> (Run<'_>, OpenPrompt) {
        let run = self.estate.start_waiting("sql");
        let prompt = run.prompt();
        (run, prompt)
    }

    pub fn sql(&self, script: &str) -> String {
        self.postgres.sql("postgres", script).unwrap()
    }

    /// A session that stays open, after a script.
    pub fn session(&self, name: &str, script: &str) -> Client {
        let conninfo = format!("{} application_name={name}", self.postgres.conninfo("postgres"));
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&conninfo, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(script).await.unwrap();
            client
        })
    }

    /// Waits until a backend of ours is at work on something like this.
    pub fn at_work(&self, like: &str) {
        let asked = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'midwatch' AND state = 'active' AND query LIKE '{like}%'"
        );
        wait_for(like, || (self.sql(&asked) != "0").then_some(()));
    }
}

pub fn preview(prompt: &OpenPrompt) -> &Preview {
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    preview
}

pub fn fact<'a>(preview: &'a Preview, name: &str) -> &'a str {
    let found = preview.facts.iter().find(|(known, _)| known == name);
    &found.unwrap_or_else(|| panic!("no {name} among {:?}", preview.facts)).1
}

pub fn outcome(run: &Run<'_>) -> Outcome {
    let so = |view: &midwatch::journal::fold::RunView| view.steps[0].outcome.is_some();
    run.wait("an outcome", so).steps[0].outcome.clone().unwrap()
}

#[test]
fn a_table_is_vacuumed_after_it_was_shown_and_the_proof_is_its_own() {
    let base = Base::new();
    base.step(
        "change",
        r#"VACUUM (ANALYZE) "public"."tasks""#,
        "prove = { sql = \"vacuumed\", schema = \"public\", table = \"tasks\" }",
    );
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    assert_eq!(seen.headline, r#"VACUUM (ANALYZE) "public"."tasks" on main"#);
    assert_eq!((seen.count, seen.phrase.as_str()), (1, ""));
    assert!(fact(seen, "table public.tasks").contains("2,500 dead · last VACUUM never by hand"), "{seen:?}");
    assert!(fact(seen, "server").starts_with("PostgreSQL ") && fact(seen, "server").contains("primary"), "{seen:?}");
    assert_eq!(fact(seen, "in the way"), "no session now");
    assert!(fact(seen, "lock").starts_with("ShareUpdateExclusive: blocks schema changes"), "{seen:?}");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    let end = outcome(&run);
    assert!(end.detail.starts_with("VACUUM done; the proof: public.tasks was vacuumed at "), "{end:?}");
    assert_eq!(base.sql("SELECT n_dead_tup FROM pg_stat_user_tables"), "0");
    run.is_whole_and_known();
}

#[test]
fn a_statement_that_the_server_skips_is_not_done() {
    let base = Base::acting_as("small");
    base.step("change", "VACUUM public.tasks", "");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("VACUUM was not done: ") && end.detail.contains("skipping"), "{end:?}");
    let text = fs::read_to_string(run.dir.log("1.1.log")).unwrap();
    assert!(text.contains("WARNING"), "{text}");
}

#[test]
fn a_lock_that_is_held_is_tried_for_again_and_given_up_with_its_holder() {
    let base = Base::new();
    base.step("change", "VACUUM public.tasks", "");
    let holder = base.session("holder", "BEGIN; LOCK TABLE public.tasks IN SHARE MODE");
    let (run, prompt) = base.asked();
    let text = fact(preview(&prompt), "in the way").to_owned();
    assert!(text.contains("(holder, ") && text.contains("holds ShareLock"), "{text}");
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("gave up after 6 tries, no lock within 100 ms: pid "), "{end:?}");
    assert!(end.detail.contains("(holder, "), "{end:?}");
    let log = fs::read_to_string(run.dir.log("1.1.log")).unwrap();
    assert_eq!(log.matches("; again in ").count(), 5, "{log}");
    assert!(log.contains("again in 20 ms") && log.contains("again in 320 ms"), "{log}");
    base.runtime.block_on(holder.batch_execute("COMMIT")).unwrap();
    // A person has it done again, and now it can be.
    run.accept(&run.prompt(), decide(Choice::Retry));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
}

#[test]
fn a_lock_that_is_let_go_of_is_had_at_another_try() {
    let base = Base::new();
    let base = Base { estate: base.estate.with("MIDWATCH_SPAN_LOCK_BACKOFF", "200"), ..base };
    base.step("change", "VACUUM public.tasks", "");
    let holder = base.session("holder", "BEGIN; LOCK TABLE public.tasks IN SHARE MODE");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let log = run.dir.log("1.1.log");
    wait_for("a try", || fs::read_to_string(&log).unwrap_or_default().contains("; again in ").then_some(()));
    base.runtime.block_on(holder.batch_execute("COMMIT")).unwrap();
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    run.is_whole_and_known();
}

/// A statement that stays at work until a lock is let go of that no timeout watches over.
pub const SLOW: &str = "UPDATE public.tasks SET note = 'y' WHERE id = 1 AND pg_sleep(600) IS NOT NULL";

#[test]
fn a_server_that_dies_in_mid_statement_leaves_it_unknown_and_the_proof_is_asked() {
    let mut base = Base::new();
    base.step("change", SLOW, "prove = { sql = \"SELECT note = 'y' FROM public.tasks WHERE id = 1\" }");
    {
        let (run, prompt) = base.asked();
        assert!(fact(preview(&prompt), "rows").starts_with("not known: permission denied"), "{prompt:?}");
        run.accept(&prompt, consent(&prompt));
    }
    base.at_work("UPDATE");
    base.postgres.kill();
    let run = base.estate.run();
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Unknown);
    assert!(end.detail.starts_with("the connection was lost in mid-statement: "), "{end:?}");
}

#[test]
fn a_proof_settles_after_the_runner_and_the_act_were_killed() {
    let base = Base::new();
    base.step("change", SLOW, "prove = { sql = \"SELECT note = 'y' FROM public.tasks WHERE id = 1\" }");
    base.sql("GRANT SELECT ON public.tasks TO watch");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    base.at_work("UPDATE");
    run.kill_runner();
    crate::support::estate::kill_wholly(run.pid_of("1.1", "shim.json"));
    crate::support::estate::kill_wholly(run.pid_of("1.1", "act.json"));
    // The server notices that its client is gone.
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'UPDATE%' AND state = 'active'";
    wait_for("the end of the statement", || (base.sql(gone) == "0").then_some(()));
    run.midwatch("resume", &[]);
    // It was rolled back, the proof shows it, and a person is asked again.
    let next = run.prompt_after(&prompt.id);
    assert!(matches!(next.ask, Ask::Confirm { .. }), "{next:?}");
    assert_eq!(run.count("step.intent"), 1);
    let proof = fs::read_to_string(run.dir.log("1.1.proof1.log")).unwrap();
    assert!(proof.contains("false"), "{proof}");
}

#[test]
fn an_act_that_is_killed_alone_is_unknown_and_its_statement_ends() {
    let base = Base::new();
    base.step("change", SLOW, "");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    base.at_work("UPDATE");
    crate::support::estate::kill_wholly(run.pid_of("1.1", "act.json"));
    let end = outcome(&run);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Unknown, "killed by signal 9, and it kept no result"));
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'UPDATE%' AND state = 'active'";
    wait_for("the end of the statement", || (base.sql(gone) == "0").then_some(()));
}

#[test]
fn a_stop_reaches_the_server_and_leaves_no_backend() {
    let base = Base::new();
    base.step("change", SLOW, "");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    base.at_work("UPDATE");
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Cancelled);
    assert!(end.detail.contains("the server stopped it: "), "{end:?}");
    assert_eq!(base.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'midwatch'"), "0");
    base.estate.nothing_runs();
}

#[test]
fn another_server_or_another_table_than_the_one_shown_is_not_touched() {
    let base = Base::new();
    let other = Base::new();
    base.step("change", "VACUUM public.tasks", "");
    base.names(&base.conninfo("watch"), &other.conninfo("admin"));
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("nothing was done: `act` connects to another server"), "{end:?}");
    assert_eq!(other.sql("SELECT last_vacuum IS NULL FROM pg_stat_user_tables"), "t");

    // Another table of the same name, between the prompt and the answer.
    base.names(&base.conninfo("watch"), &base.conninfo("admin"));
    let (run, prompt) = base.asked();
    base.sql("ALTER TABLE public.tasks RENAME TO old; CREATE TABLE public.tasks (id int); ALTER TABLE public.tasks OWNER TO admin");
    run.refused(&run.to_it(crate::support::run::demand(&prompt, consent(&prompt))), "has changed since");
    let next = run.prompt_after(&prompt.id);
    assert_ne!(crate::support::run::set_of(&next), crate::support::run::set_of(&prompt));
}

#[test]
fn a_destroy_needs_its_phrase_and_names_dependants() {
    let base = Base::new();
    base.sql("CREATE VIEW public.names AS SELECT id FROM public.tasks; CREATE TABLE public.parts (task int REFERENCES public.tasks)");
    let views: Vec<String> =
        (1..=5).map(|n| format!("CREATE VIEW public.v{n} AS SELECT id FROM public.tasks;")).collect();
    base.sql(&views.concat());
    base.step("destroy", "TRUNCATE public.tasks CASCADE", "");
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    assert_eq!(seen.phrase, "truncate 1 tasks");
    // Every one of them: what they lose is part of what is confirmed.
    let text = "7 depend on public.tasks: foreign key of public.parts, view public.names, view public.v1, view public.v2, \
        view public.v3, view public.v4, view public.v5";
    assert!(seen.warnings.iter().any(|warning| warning == text), "{:?}", seen.warnings);
    let change = midwatch::journal::record::Answer::Confirm { typed: "change".to_owned() };
    run.refused(&run.to_it(crate::support::run::demand(&prompt, change)), "");
    base.sql("GRANT TRUNCATE ON public.parts TO admin");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert_eq!(base.sql("SELECT count(*) FROM public.tasks"), "0");
}

#[test]
fn a_standby_takes_no_changes() {
    let base = Base::new();
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { settings: SETTINGS.to_owned(), ..Setup::default() };
    let standby = PrivatePostgres::standby(&place.path().join("pg"), &base.postgres, &setup).unwrap();
    let to = standby.conninfo_as("watch", "postgres");
    base.names(&to, &standby.conninfo_as("admin", "postgres"));
    base.step("change", "VACUUM public.tasks", "");
    base.estate.start("sql", &[]).exits(7).prints("main is a standby, which takes no changes");
}

#[test]
fn checks_judge_by_one_truth_and_everything_else_is_unknown() {
    let base = Base::new();
    let cases = [
        ("SELECT true", Ending::Ok, "true"),
        ("SELECT count(*) = 2500, count(*) AS tasks FROM public.tasks", Ending::Ok, "tasks 2500"),
        ("SELECT false", Ending::Failed, "false"),
        ("SELECT NULL::bool", Ending::Failed, "unknown: the first column is null"),
        ("SELECT 1", Ending::Failed, "unknown: the first column is neither true nor false"),
        ("SELECT true WHERE false", Ending::Failed, "unknown: the answer has 0 rows, not one"),
        ("VALUES (true), (true)", Ending::Failed, "unknown: the answer has 2 rows, not one"),
        ("SELECT true FROM public.nowhere", Ending::Failed, "unknown: "),
    ];
    for (sql, ending, words) in cases {
        base.estate.procedure("sql", "", &format!("[[a]]\ntitle = \"C\"\ncheck = {{ sql = '''{sql}''' }}\n"));
        base.estate.start("sql", &[]);
        let end = outcome(&base.estate.run());
        assert_eq!(end.ending, ending, "{sql}: {end:?}");
        assert!(end.detail.contains(words), "{sql}: {end:?}");
    }
}

#[test]
fn an_old_snapshot_fails_the_check_and_names_its_holder() {
    let base = Base::new();
    let check = "[[a]]\ntitle = \"C\"\ncheck = { sql = \"oldest-snapshot\", under = \"1s\" }\n";
    base.estate.procedure("sql", "", check);
    base.estate.start("sql", &[]).exits(0);
    // On a quiet server all hold the same transaction: the young ones do not hide the old one, and what looks for us does not count.
    let _own = base.session("midwatch", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM public.tasks LIMIT 1");
    let holder = base.session("reader", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM public.tasks LIMIT 1");
    wait_for("an old snapshot", || {
        let age = "SELECT max(clock_timestamp() - xact_start) > '2 s' FROM pg_stat_activity WHERE application_name = 'reader'";
        (base.sql(age) == "t").then_some(())
    });
    base.sql("BEGIN; UPDATE public.tasks SET note = note WHERE id = 1; PREPARE TRANSACTION 'young'");
    base.estate.start("sql", &[]);
    let end = outcome(&base.estate.run());
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.contains("(reader), ") && end.detail.ends_with("; limit 1 s"), "{end:?}");
    drop(holder);
    wait_for("its end", || {
        (base.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reader'") == "0").then_some(())
    });
    base.sql("ROLLBACK PREPARED 'young'");
    base.estate.start("sql", &[]).exits(0);
    base.sql("BEGIN; UPDATE public.tasks SET note = note WHERE id = 3; PREPARE TRANSACTION 'old'");
    wait_for("an old prepared transaction", || {
        (base.sql("SELECT clock_timestamp() - prepared > '2 s' FROM pg_prepared_xacts") == "t").then_some(())
    });
    base.estate.start("sql", &[]);
    let end = outcome(&base.estate.run());
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("the oldest snapshot is of prepared old, "), "{end:?}");
}

#[test]
fn a_setting_shows_when_it_takes_effect() {
    let base = Base::acting_as("postgres");
    base.step("change", "ALTER SYSTEM SET max_connections = 120", "");
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    assert_eq!((fact(seen, "now"), fact(seen, "takes effect")), ("100", "after a restart of the server"));
    assert!(seen.warnings.iter().any(|warning| warning.contains("restarted")), "{:?}", seen.warnings);
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
}
