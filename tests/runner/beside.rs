//! Statements that work beside others: whom they wait for, what they leave, and how a whole of several parts is proved.

use crate::runner::sql::{Base, fact, outcome, preview};
use crate::support::estate::wait_for;
use crate::support::run::{consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Choice, Ending};
use std::fs;

#[test]
fn an_index_is_rebuilt_and_an_invalid_one_is_named() {
    let base = Base::new();
    base.step(
        "change",
        "REINDEX INDEX CONCURRENTLY public.tasks_pkey",
        "prove = { sql = \"reindexed\", schema = \"public\", index = \"tasks_pkey\" }",
    );
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert!(outcome(&run).detail.contains("public.tasks_pkey was rebuilt, and no invalid index is left"));

    let _holder = base.session("reader", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM public.tasks LIMIT 1");
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(
        end.detail.contains("not tried again by itself")
            && end.detail.contains("left invalid, to be dropped: public.tasks_pkey_cc"),
        "{end:?}"
    );
}

#[test]
fn a_rebuild_names_its_blockers_and_ignores_earlier_invalid_indexes() {
    let base = Base::new();
    let steps = "[[work]]\ntitle = \"Work\"\neffect = \"change\"\nundo = { none = \"a test\" }\n\
        do = { sql = \"REINDEX INDEX CONCURRENTLY public.tasks_pkey\", lock_timeout = \"4s\" }\n\
        prove = { sql = \"reindexed\", schema = \"public\", index = \"tasks_pkey\" }\n";
    base.estate.procedure("sql", "", steps);
    let holder = base.session("reader", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM public.tasks LIMIT 1");
    let pid = base.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'reader'");
    let who = format!("pid {pid} (reader, ");
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    // No lock is in the way, and the transaction is waited for all the same.
    assert_eq!(fact(seen, "in the way"), "no session now");
    assert!(fact(seen, "waits for").starts_with(&who), "{seen:?}");
    assert!(seen.warnings.iter().any(|text| text.starts_with(&format!("it will wait for {who}"))), "{seen:?}");
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.contains(&format!("no lock within 4 s: {who}")) && !end.detail.contains("gone"), "{end:?}");
    assert!(end.detail.contains("left invalid, to be dropped: public.tasks_pkey_ccnew"), "{end:?}");
    let log = fs::read_to_string(run.dir.log("1.1.log")).unwrap();
    assert!(log.contains(&format!("it waits for {who}")), "{log}");
    run.accept(&run.prompt(), decide(Choice::Abort));
    run.sealed();

    // The one that was left is named before, and makes nothing of the next rebuild unknown.
    drop(holder);
    wait_for("its end", || {
        (base.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reader'") == "0").then_some(())
    });
    let (run, prompt) = base.asked();
    let output = "an invalid index is there already, to be dropped: public.tasks_pkey_ccnew";
    assert!(preview(&prompt).warnings.iter().any(|warning| warning == output), "{prompt:?}");
    assert_eq!(fact(preview(&prompt), "waits for"), "no transaction now");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    let end = outcome(&run);
    let proof = "public.tasks_pkey was rebuilt; invalid since before, to be dropped: public.tasks_pkey_ccnew";
    assert!(end.detail.ends_with(proof), "{end:?}");
}

#[test]
fn a_partitioned_table_is_vacuumed_when_all_its_partitions_are() {
    let base = Base::new();
    base.sql(
        "CREATE TABLE public.days (at int, note text) PARTITION BY RANGE (at); ALTER TABLE public.days OWNER TO admin;
         CREATE TABLE public.days_1 PARTITION OF public.days FOR VALUES FROM (0) TO (10);
         CREATE TABLE public.days_2 PARTITION OF public.days FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
         CREATE TABLE public.days_2a PARTITION OF public.days_2 FOR VALUES FROM (10) TO (15);
         ALTER TABLE public.days_1 OWNER TO admin; ALTER TABLE public.days_2 OWNER TO admin;
         ALTER TABLE public.days_2a OWNER TO admin; INSERT INTO public.days VALUES (1), (11); DELETE FROM public.days;",
    );
    let proof = "prove = { sql = \"vacuumed\", schema = \"public\", table = \"days\" }";
    base.step("change", "VACUUM public.days", proof);
    let (run, prompt) = base.asked();
    let text = fact(preview(&prompt), "partitions of public.days");
    assert!(text.starts_with("2 partitions · ") && text.ends_with(" · 2 dead"), "{text}");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert!(outcome(&run).detail.ends_with("public.days: 2 partitions were vacuumed"), "{:?}", outcome(&run));

    // One that is skipped leaves the whole not done.
    base.sql("ALTER TABLE public.days_2a OWNER TO postgres");
    base.step("change", "VACUUM public.days", proof);
    let (run, prompt) = base.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed, "{end:?}");
}
