//! Rows of a real server that are frozen by their keys: shown, limited, left alone, and touched once.

use crate::runner::sql::{Base, fact, outcome, preview};
use crate::support::estate::{kill_wholly, wait_for};
use crate::support::run::{consent, decide, demand};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ask, Choice, Ending};
use midwatch::procedure::plan::Action;
use midwatch::runner::adapters::{ActEnd, BuiltIn, Look};
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;

/// Who may see rows, and what is written down of every row that goes.
const MORE: &str = "GRANT USAGE ON SCHEMA public TO watch, admin; GRANT SELECT ON public.tasks TO watch; \
    CREATE TABLE public.gone (id int); GRANT INSERT ON public.gone TO admin; \
    CREATE FUNCTION public.note_gone() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN INSERT INTO public.gone VALUES (OLD.id); RETURN OLD; END $$; \
    CREATE TRIGGER gone AFTER DELETE OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.note_gone();";

fn base() -> Base {
    let base = Base::new();
    base.sql(MORE);
    base
}

/// The action of a step with its frozen set, without a run: what lies between a preview and its act is the test's own.
fn frozen(base: &Base, sql: &str) -> (Action, Vec<u8>) {
    base.step("destroy", sql, "");
    let estate = midwatch::config::estate::Estate::load(&base.estate.beside("midwatch.toml")).unwrap();
    let file = base.estate.beside("procedures/sql.toml");
    let adapters = BuiltIn::of(&estate);
    let read = midwatch::procedure::read::read(&fs::read_to_string(&file).unwrap(), &file, &adapters).unwrap();
    let library = midwatch::procedure::catalog::Library::default();
    let made = midwatch::procedure::plan::Plan::make(&read, &BTreeMap::new(), "test", "other", &adapters, &library);
    let step = made.unwrap().steps.remove(0);
    let action = step.act.clone().unwrap();
    let mut set = Vec::new();
    midwatch::runner::adapters::preview(&action, &Look::of(&step, "here".to_owned()), &mut set).unwrap();
    (action, set)
}

fn carry_out(action: &Action, set: &[u8]) -> ActEnd {
    midwatch::runner::adapters::act(action, &mut &*set, &mut Vec::new(), &AtomicBool::new(false))
}

#[test]
fn rows_are_shown_by_their_keys_and_go_in_batches() {
    let base = base();
    base.sql(
        "CREATE TABLE public.parts (task int REFERENCES public.tasks ON DELETE CASCADE); GRANT SELECT ON public.parts TO watch; \
         INSERT INTO public.parts SELECT id FROM public.tasks WHERE id < 20",
    );
    base.step("destroy", "DELETE FROM public.tasks t WHERE t.id <= 4000", "limit = { share = \"90%\" }");
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    assert_eq!((seen.count, seen.of, seen.phrase.as_str()), (2000, Some(2500), "delete 2000 tasks"));
    assert!(fact(seen, "rows").starts_with("2,000 by the same WHERE, "), "{seen:?}");
    assert_eq!(fact(seen, "cascade to public.parts"), "10 rows go with them");
    assert_eq!(seen.limit.as_deref(), Some("80 %, limit 90 %"));
    let warned = |words: &str| seen.warnings.iter().any(|it| it == words);
    assert!(warned("10 rows of public.parts go with them"), "{:?}", seen.warnings);
    // A row that fits by now, and one that does not any more: it is another set.
    base.sql("DELETE FROM public.tasks WHERE id = 1; INSERT INTO public.tasks VALUES (2, 'new')");
    run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "has changed since");
    let next = run.prompt_after(&prompt.id);
    assert_eq!(preview(&next).count, 2000);
    run.accept(&next, consent(&next));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert_eq!(outcome(&run).detail, "DELETE of 2,000 of 2,000 rows");
    assert_eq!(base.sql("SELECT count(*), min(id) FROM public.tasks"), "500|4001");
    assert_eq!(base.sql("SELECT count(*) FROM public.parts"), "0");
    run.is_whole_and_known();

    base.step("destroy", "DELETE FROM public.tasks", "limit = { count = 100 }");
    base.estate.start("sql", &[]).exits(7).prints("the set is over its limit: 500 of");
    base.step("destroy", "TRUNCATE public.tasks", "limit = { count = 100 }");
    base.estate.start("sql", &[]).exits(2).prints("`limit` needs rows that can be counted");
}

#[test]
fn a_row_that_does_not_fit_any_more_is_left_alone() {
    let base = base();
    let (action, set) = frozen(&base, "DELETE FROM public.tasks WHERE id <= 100 AND note <> 'kept'");
    assert_eq!(set.iter().filter(|byte| **byte == b'\n').count(), 1 + 1 + 50);
    base.sql("UPDATE public.tasks SET note = 'kept' WHERE id = 7; INSERT INTO public.tasks VALUES (8, 'new')");
    let (_, later) = frozen(&base, "DELETE FROM public.tasks WHERE id <= 100 AND note <> 'kept'");
    let drift = midwatch::runner::adapters::drift(&mut set.as_slice(), &mut later.as_slice());
    assert_eq!(drift, ["a row no longer fits: 7", "a new row fits: 8"]);
    let end = carry_out(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "DELETE of 49 of 50 rows, 1 left alone"));
    assert_eq!((end.counts["rows"], end.counts["left_alone"]), (49, 1));
    assert_eq!(base.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.tasks WHERE id <= 100"), "7,8");
    let (all, page) = midwatch::runner::adapters::items(&mut set.as_slice(), 1, 2).unwrap();
    assert_eq!((all, page[0].name.as_str(), page[1].name.as_str()), (50, "3", "5"));
}

#[test]
fn a_comment_before_where_does_not_swallow_the_keys() {
    let base = base();
    let (action, set) = frozen(&base, "DELETE FROM public.tasks -- all that are there\nWHERE id > 0");
    let shown: u64 = base.sql("SELECT count(*) FROM public.tasks").parse().unwrap();
    base.sql("INSERT INTO public.tasks SELECT 900000 + n, NULL FROM generate_series(1, 7) n");
    let end = carry_out(&action, &set);
    assert_eq!((end.ending, end.counts["rows"]), (Ending::Ok, shown), "{end:?}");
    assert_eq!(base.sql("SELECT count(*) FROM public.tasks"), "7", "what came since was not shown");
}

#[test]
fn a_set_that_is_bounded_goes_by_its_predicate_and_no_further() {
    let base = base();
    let bounded = |set: &[u8], most: u64| {
        let text = String::from_utf8(set.to_vec()).unwrap();
        let mut lines = text.lines();
        let mut head: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        head["rows"]["count"] = most.into();
        head["rows"]["bounded"] = true.into();
        format!("{head}\n{}\n", lines.next().unwrap()).into_bytes()
    };
    let (action, set) = frozen(&base, "UPDATE public.tasks SET note = note || 'z' WHERE id > 0");
    let end = carry_out(&action, &bounded(&set, 2600));
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "UPDATE of 2,500 of at most 2,600 rows"));
    let changed = |how: &str| base.sql(&format!("SELECT count(*) FROM public.tasks WHERE note ~ '{how}$'"));
    assert_eq!(changed("xz"), "2500", "each once, although it still fits");
    let end = carry_out(&action, &bounded(&set, 1500));
    assert_eq!(end.ending, Ending::Failed);
    let output = "stopped: there are more rows than were shown: UPDATE of 1,500 of at most 1,500";
    assert!(end.detail.starts_with(output), "{end:?}");
    assert_eq!(changed("xzz"), "1500");
}

#[test]
fn rows_that_cannot_be_frozen_show_the_reason() {
    let base = base();
    base.sql("ALTER TABLE public.tasks DROP CONSTRAINT tasks_pkey");
    base.step("destroy", "DELETE FROM public.tasks WHERE id = 1", "");
    let (_, prompt) = base.asked();
    let words = "its rows are not frozen, and the statement is done whole: its table has no primary key";
    assert!(preview(&prompt).warnings.iter().any(|it| it == words), "{prompt:?}");
    base.step("destroy", "DELETE FROM public.tasks WHERE id = 1", "limit = { count = 10 }");
    base.estate.start("sql", &[]).exits(7).prints("cannot be held against their limit: its table has no primary key");
    base.sql("ALTER TABLE public.tasks ADD PRIMARY KEY (id); REVOKE ALL ON public.tasks FROM watch");
    base.estate.start("sql", &[]).exits(7).prints("grant SELECT on it to the role of `watch`");
}

/// A statement whose third batch waits for a lock that another session holds, killed there with everything that was at work.
fn killed_midway(base: &Base, effect: &str, sql: &str) {
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ sql = '''{sql}''', lock_timeout = \"1h\" }}\n\
         undo = {{ none = \"a test\" }}\n"
    );
    base.estate.procedure("sql", "", &steps);
    // The 2,100th of 2,500 rows: two batches are done before it.
    let holder = base.session("holder", "BEGIN; SELECT 1 FROM public.tasks WHERE id = 4199 FOR UPDATE");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    base.at_work(sql.split(' ').next().unwrap());
    wait_for("two batches", || (base.sql("SELECT count(*) FROM public.gone") == "2000").then_some(()));
    run.kill_runner();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(run.pid_of("1.1", "act.json"));
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'midwatch' AND state = 'active'";
    wait_for("the end of the statement", || (base.sql(gone) == "0").then_some(()));
    base.runtime.block_on(holder.batch_execute("COMMIT")).unwrap();
    run.midwatch("resume", &[]);
    let decision = run.prompt_after(&prompt.id);
    assert!(matches!(&decision.ask, Ask::Decide { text, .. } if text.starts_with("outcome unknown")), "{decision:?}");
    run.accept(&decision, decide(Choice::NotDone));
    // What is left is shown, and nothing else.
    let rest = run.prompt_after(&decision.id);
    assert_eq!(preview(&rest).count, 500);
    run.accept(&rest, consent(&rest));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(base.sql("SELECT count(*), count(DISTINCT id) FROM public.gone"), "2500|2500", "each row once");
}

#[test]
fn killed_midway_each_row_goes_once() {
    let base = base();
    killed_midway(&base, "destroy", "DELETE FROM public.tasks WHERE id > 0");
    assert_eq!(base.sql("SELECT count(*) FROM public.tasks"), "0");
}

#[test]
fn killed_midway_each_row_is_changed_once() {
    let base = base();
    killed_midway(&base, "change", "UPDATE public.tasks SET note = 'done' WHERE note <> 'done'");
    assert_eq!(base.sql("SELECT count(*) FROM public.tasks WHERE note = 'done'"), "2500");
}

#[test]
fn a_bare_name_is_refused_with_a_correction() {
    let base = Base::new();
    let check = |table: &str| {
        let steps = format!("[[work]]\ntitle = \"Look\"\ncheck = {{ sql = \"SELECT count(*) > 0 FROM {table}\" }}\n");
        base.estate.procedure("look", "", &steps);
        base.estate.start("look", &[])
    };
    let hint = "a name without its schema is looked for in pg_catalog alone: write SCHEMA.NAME";
    check("tasks").prints("relation \"tasks\" does not exist").prints(hint);
    check("public.tasks").exits(0);
    // The same if the preview of an act is refused.
    base.step("destroy", "DELETE FROM tasks WHERE id = 1", "");
    base.estate.midwatch(&["plan", "test/sql"]).prints(hint);
}
