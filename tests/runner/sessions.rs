//! The sessions that a program opens at its database: named, looked after by the server, ended with the program.

use crate::runner::sql::Base;
use crate::support::estate::wait_for;
use crate::support::pgbouncer::{IGNORING, PgBouncer};
use crate::support::run::{Run, consent};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ending, Outcome};
use midwatch::runner::protocol::{Demand, Reply};

/// Writes a procedure of one program, which goes its way at the database.
fn program(base: &Base, act: &str) {
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ postgres = \"main\", {act} }}\nundo = {{ none = \"a test\" }}\n"
    );
    base.estate.procedure("sql", "", &steps);
}

/// How many sessions of the run are at the server.
fn sessions(base: &Base, run: &Run<'_>) -> String {
    let name = format!("midwatch {} 1.1", run.dir.id);
    base.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE right(application_name, {}) = '{name}'", name.len()))
}

/// Starts it, and waits until its session waits for a lock.
fn stuck(base: &Base) -> Run<'_> {
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let asked = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%midwatch {} 1.1' AND wait_event_type = 'Lock'",
        run.dir.id
    );
    wait_for("a session that waits for the lock", || (base.sql(&asked) == "1").then_some(()));
    run
}

fn aborted(run: &Run<'_>) -> Outcome {
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Aborted));
    view.steps[0].outcome.clone().unwrap()
}

const HOLD: &str = "BEGIN; LOCK TABLE public.tasks IN ACCESS EXCLUSIVE MODE";
/// Each ends on TERM without a word to the server (`pg_dump` would cancel its query itself), and without the options that Midwatch gives
/// it: these let the server look each second whether its client still lives, and end the session by itself.
const PROGRAMS: [&str; 2] = [
    "exec = [\"env\", \"--unset=PGOPTIONS\", \"psql\", \"-Xc\", \"SELECT count(*) FROM public.tasks\"]",
    "script = \"env --unset=PGOPTIONS psql -Xc 'SELECT count(*) FROM public.tasks'\"",
];
/// The server looks after its clients too late for a test, so that the runner alone ends a session.
const NO_CHECK: &str = "ALTER ROLE admin SET client_connection_check_interval = '1h'";

#[test]
fn an_aborted_program_leaves_no_session_at_its_database() {
    let base = Base::new();
    base.sql(NO_CHECK);
    let holder = base.session("holder", HOLD);
    for act in PROGRAMS {
        program(&base, &format!("{act}, env = {{ PGAPPNAME = \"mine\" }}"));
        let run = stuck(&base);
        let end = aborted(&run);
        assert_eq!(end.ending, Ending::Cancelled, "{end:?}");
        assert_eq!(sessions(&base, &run), "0", "{act}: {end:?}");
    }
    drop(holder);
}

#[test]
fn a_dump_that_waits_for_a_lock_names_the_holder() {
    let base = Base::new();
    let holder = base.session("holder", HOLD);
    let pid = base.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'");
    program(&base, "exec = [\"pg_dump\", \"-Fc\", \"--table=public.tasks\", \"-f\", \"{{run.dir}}/db.dump\"]");
    let run = stuck(&base);
    let text = format!("it waits for pid {pid} (holder, ");
    wait_for("who holds the lock", || {
        std::fs::read_to_string(run.dir.log("1.1.log")).ok().filter(|log| log.contains(&text))
    });
    assert!(run.view().steps[0].outcome.is_none(), "it still waits");
    assert_eq!(aborted(&run).ending, Ending::Cancelled);
    drop(holder);
}

#[test]
fn a_run_whose_runner_was_killed_ends_its_sessions_when_it_is_aborted_later() {
    let base = Base::new();
    base.sql(NO_CHECK);
    let holder = base.session("holder", HOLD);
    for act in PROGRAMS {
        program(&base, act);
        let run = stuck(&base);
        run.kill_runner();
        assert_eq!(sessions(&base, &run), "1", "the program goes on without its runner");
        run.midwatch("resume", &[]).exits(0);
        run.runner();
        aborted(&run);
        assert_eq!(sessions(&base, &run), "0", "{act}");
    }
    drop(holder);
}

#[test]
fn the_options_and_the_name_of_a_procedure_are_kept_beside_ours() {
    let base = Base::new();
    let show = "psql -XAtc \\\"SELECT current_setting('work_mem'), current_setting('client_connection_check_interval'), \
        current_setting('application_name')\\\"";
    for (env, expected) in [
        ("", "4MB|1s|midwatch RUN 1.1"),
        (", env = { PGOPTIONS = \"-c work_mem=7MB\", PGAPPNAME = \"mine\" }", "7MB|1s|mine midwatch RUN 1.1"),
    ] {
        program(&base, &format!("script = \"{show}\"{env}"));
        let (run, prompt) = base.asked();
        run.accept(&prompt, consent(&prompt));
        assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
        let log = std::fs::read_to_string(run.dir.log("1.1.log")).unwrap();
        let expected = expected.replace("RUN", run.dir.id.as_str());
        assert!(log.contains(&expected), "{expected}\n{log}");
    }
}

#[test]
fn neither_a_statement_nor_a_program_goes_through_a_pooler() {
    let base = Base::new();
    let settings = "SELECT pg_backend_pid(), current_setting('lock_timeout'), current_setting('search_path'), \
        current_setting('client_connection_check_interval'), current_setting('default_transaction_read_only')";
    for mode in ["transaction", "session", "statement"] {
        for more in ["", IGNORING] {
            let pooler = PgBouncer::start(&base.postgres, mode, more);
            let through = pooler.conninfo();
            let seen = || base.runtime.block_on(pooler.seen(settings));
            let before = seen();
            base.names(&through, &through);
            base.step("change", "VACUUM public.tasks", "");
            for by in ["statement", "program"] {
                if by == "program" {
                    program(&base, "exec = [\"pg_dump\", \"--file=/dev/null\"]");
                }
                let (run, prompt) = base.asked();
                run.accept(&prompt, consent(&prompt));
                let view = run.wait("an outcome", |view| view.steps[0].outcome.is_some());
                let end = view.steps[0].outcome.clone().unwrap();
                assert_eq!(end.ending, Ending::Failed, "{mode} {more}: {end:?}");
                assert!(end.detail.contains("a connection pooler such as PgBouncer"), "{mode} {more}: {end:?}");
                assert!(end.detail.contains("the host and the port of the server itself"), "{end:?}");
                run.ask(Demand::Abort { undo: false });
                run.sealed();
            }
            assert_eq!(seen(), before, "{mode} {more}: an application finds another session");
        }
    }
}
