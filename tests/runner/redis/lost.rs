//! Servers that are lost, looks, persistence, and acts that are killed.

use super::*;

#[test]
fn a_lost_server_is_unknown_and_never_zero() {
    let mut cache = Cache::new();
    let check = "[[a]]\ntitle = \"C\"\ncheck = { redis = \"length\", key = \"jobs\", expect = \"== 0\" }\n";
    cache.estate.procedure("redis", "", check);
    cache.estate.start("redis", &[]).exits(0);
    cache.ask(&["SET", "jobs", "a text"]);
    cache.estate.start("redis", &[]);
    let end = outcome(&cache.estate.run());
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Failed, "unknown: jobs is a text, and no queue"));
    cache.server.kill();
    cache.estate.start("redis", &[]);
    let end = outcome(&cache.estate.run());
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("unknown: ") && end.counts["unknown"] == 1, "{end:?}");
}

/// A wait for an empty queue that counts only under this run's flag, and on the server that was asked at the beginning.
fn under_a_flag() -> Cache {
    let cache = Cache::new();
    let cache = Cache { estate: cache.estate.with("MIDWATCH_SPAN_WAIT_EVERY", "50"), ..cache };
    let held = "while = { key = \"drain\", value = \"{{run.id}}\", run_id = \"{{server.run_id}}\" }";
    cache.estate.procedure(
        "redis",
        "",
        &format!(
            "[[work]]\ntitle = \"Server\"\nread = {{ redis = \"info\", fields = [\"run_id\"] }}\nsave = \"server\"\n\
             [[work]]\ntitle = \"Stop intake\"\neffect = \"change\"\ndo = {{ redis = {SET} }}\nundo = {{ none = \"a test\" }}\n\
             [[work]]\ntitle = \"Empty\"\nwait = {{ redis = \"length\", key = \"jobs\", in_flight = [\"taken\"], {held} }}\n\
             until = \"value == 0\"\ntimeout = \"10m\"\n"
        ),
    );
    cache.ask(&["LPUSH", "jobs", "job"]);
    cache
}

/// Confirms the flag, and waits until the job was counted under it.
fn counted(cache: &Cache) {
    let (run, prompt) = cache.asked();
    run.accept(&prompt, consent(&prompt));
    let log = run.dir.log("3.1.log");
    wait_for("a job", || fs::read_to_string(&log).unwrap_or_default().contains("value 1").then_some(()));
}

/// Why the wait failed.
fn failed(cache: &Cache) -> String {
    let run = cache.estate.run();
    let view = run.wait("an outcome", |view| view.steps[2].outcome.is_some());
    let end = view.steps[2].outcome.clone().unwrap();
    assert_eq!(end.ending, Ending::Failed, "{end:?}");
    end.detail
}

#[test]
fn a_server_that_died_with_its_jobs_and_comes_back_empty_was_not_drained() {
    let mut cache = under_a_flag();
    counted(&cache);
    cache.server.kill();
    cache.server.run().unwrap();
    assert_eq!(cache.ask(&["GET", "drain"]), "nil");
    let why = failed(&cache);
    assert!(why.starts_with("it cannot become so any more: unknown: drain is not there: "), "{why}");
    assert!(why.contains("0 in jobs, 0 taken"), "{why}");
}

#[test]
fn a_queue_is_not_drained_on_another_run_of_its_server_though_the_flag_came_back() {
    let mut cache = under_a_flag();
    counted(&cache);
    cache.ask(&["SAVE"]);
    cache.server.kill();
    cache.server.run().unwrap();
    assert_ne!(cache.ask(&["GET", "drain"]), "nil");
    let why = failed(&cache);
    assert!(why.contains("the server was restarted since, or is another one"), "{why}");
}

#[test]
fn a_queue_is_not_drained_under_another_owners_flag() {
    let cache = under_a_flag();
    counted(&cache);
    cache.ask(&["SET", "drain", "theirs"]);
    let why = failed(&cache);
    assert!(why.contains("unknown: drain holds another value than "), "{why}");
}

#[test]
fn a_queue_is_drained_only_within_one_run_of_the_server() {
    let cache = under_a_flag();
    counted(&cache);
    cache.ask(&["DEL", "jobs"]);
    assert_eq!(cache.estate.run().sealed().sealed, Some(RunStatus::Ok));
}

#[test]
fn looks_report_the_values() {
    let cache = Cache::new();
    cache.server.fill().unwrap();
    for id in 1..=3 {
        cache.ask(&["XADD", "stream", &format!("{id}-1"), "job", "x"]);
    }
    cache.ask(&["XGROUP", "CREATE", "stream", "workers", "0"]);
    type Entries = Vec<(String, Vec<String>)>;
    let read: Vec<(String, Entries)> =
        cache.server.ask(&["XREADGROUP", "GROUP", "workers", "me", "COUNT", "2", "STREAMS", "stream", ">"]).unwrap();
    assert_eq!(read.len(), 1);
    let _: u64 = cache.server.ask(&["XACK", "stream", "workers", "1-1"]).unwrap();
    let cases = [
        ("check", "\"length\", key = \"stream\", expect = \"== 2\"", "2 in stream"),
        (
            "check",
            "\"length\", key = \"job_queue\", in_flight = [\"processing\"], expect = \"== 243\"",
            "240 in job_queue, 3 taken",
        ),
        ("check", "\"length\", key = \"sessions\", expect = \"> 100\"", "150 in sessions"),
        ("check", "\"get\", key = \"nothing\", expect = \"absent\"", "nothing is not there"),
        ("check", "\"info\", fact = \"role\", expect = \"== 'master'\"", "role master"),
        ("check", "\"keys\", match = \"session:*\", expect = \"<= 150\"", "150 keys session:*"),
        ("read", "\"info\"", "role master · used_memory "),
        ("read", "\"big-keys\", match = \"cache:*\"", "400 of 554 keys looked at: cache:page:"),
        ("read", "\"memory-doctor\"", ""),
    ];
    for (verb, look, words) in cases {
        cache.estate.procedure("redis", "", &format!("[[a]]\ntitle = \"C\"\n{verb} = {{ redis = {look} }}\n"));
        cache.estate.start("redis", &[]);
        let end = outcome(&cache.estate.run());
        assert_eq!(end.ending, Ending::Ok, "{look}: {end:?}");
        assert!(end.detail.starts_with(words), "{look}: {end:?}");
    }
    let wrong = [
        ("\"get\", key = \"nothing\", expect = \"!= 'x'\"", "unknown: nothing is not there"),
        ("\"get\", key = \"nothing\", expect = \"== 'x'\"", "nothing is not there"),
        (
            "\"get\", key = \"session:s-0000\", expect = \"< 5\"",
            "unknown: session:s-0000 holds user-0: it is not a number",
        ),
        ("\"info\", fact = \"no_such\", expect = \"== 0\"", "unknown: INFO has no no_such"),
    ];
    for (look, words) in wrong {
        cache.estate.procedure("redis", "", &format!("[[a]]\ntitle = \"C\"\ncheck = {{ redis = {look} }}\n"));
        cache.estate.start("redis", &[]);
        let end = outcome(&cache.estate.run());
        assert!(end.ending == Ending::Failed && end.detail.starts_with(words), "{look}: {end:?}");
    }
}

#[test]
fn the_data_is_saved_and_the_append_only_file_rewritten() {
    let cache = Cache::new();
    cache.ask(&["SET", "a", "b"]);
    cache.step("change", "\"bgsave\"", "prove = { redis = \"saved\" }");
    let (run, prompt) = cache.asked();
    assert!(fact(preview(&prompt), "file").ends_with("/dump.rdb"), "{prompt:?}");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert!(outcome(&run).detail.ends_with("the data was saved since it was shown"), "{:?}", outcome(&run));
    assert_eq!(cache.calls("bgsave"), 1);
    cache.step("change", "\"bgrewriteaof\"", "");
    cache.estate.start("redis", &[]).exits(7).prints("cache keeps no append-only file");

    let cache = Cache::with(&["--appendonly", "yes"]);
    cache.step("change", "\"bgrewriteaof\"", "prove = { redis = \"rewritten\" }");
    let (run, prompt) = cache.asked();
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert!(outcome(&run).detail.contains("was rewritten since it was shown"), "{:?}", outcome(&run));
}

#[test]
fn a_write_without_an_answer_is_unknown_and_the_proof_decides() {
    let cache = Cache::new();
    cache.step("change", SET, "prove = { redis = \"holds\" }");
    let (run, prompt) = cache.asked();
    // Writers wait; readers do not.
    cache.ask(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Unknown, "{end:?}");
    assert!(end.detail.starts_with("it was sent and not answered: unknown"), "{end:?}");
    // The proof finds no effect, and the step asks again.
    let next = run.prompt_after(&prompt.id);
    assert!(matches!(next.ask, Ask::Confirm { .. }), "{next:?}");
    cache.ask(&["CLIENT", "UNPAUSE"]);
    run.accept(&next, consent(&next));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(cache.ask(&["GET", "drain"]), run.dir.id.to_string());
}

#[test]
fn an_act_that_is_killed_is_unknown_and_proved() {
    let cache = Cache::new();
    let cache = Cache { estate: cache.estate.with("MIDWATCH_SPAN_REDIS_PATIENCE", "600000"), ..cache };
    cache.step("change", SET, "prove = { redis = \"holds\" }");
    let (run, prompt) = cache.asked();
    cache.ask(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    run.accept(&prompt, consent(&prompt));
    let blocked =
        || cache.ask(&["CLIENT", "LIST"]).lines().any(|line| line.contains("cmd=set") && line.contains("flags=b"));
    wait_for("a write that waits", || blocked().then_some(()));
    run.kill_runner();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(run.pid_of("1.1", "act.json"));
    // Let go before the server knows that its client is gone, the write would still be carried out.
    wait_for("the end of the write", || (!blocked()).then_some(()));
    cache.ask(&["CLIENT", "UNPAUSE"]);
    run.midwatch("resume", &[]);
    let next = run.prompt_after(&prompt.id);
    assert!(matches!(next.ask, Ask::Confirm { .. }), "{next:?}");
    let proof = fs::read_to_string(run.dir.log("1.1.proof1.log")).unwrap();
    assert!(proof.contains("drain is not there"), "{proof}");
    run.accept(&next, consent(&next));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(cache.calls("set"), 1);
}

#[test]
fn wrong_keys_are_reported_with_their_reason() {
    let url = "redis://127.0.0.1:6379/0";
    let both = format!(
        "[[redis]]\nname = \"a\"\nurl = \"{url}\"\nact = \"{url}\"\n[[redis]]\nname = \"b\"\nurl = \"{url}\"\n"
    );
    let text = format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\n{both}");
    let estate = midwatch::config::estate::Estate::parse(&text, std::path::Path::new("midwatch.toml")).unwrap();
    let adapters = midwatch::runner::adapters::BuiltIn::of(&estate);
    let cases = [
        ("", "\"get\", key = \"k\"", "`on` is missing: the estate has several Redis: a, b"),
        ("on = \"c\"", "\"set\", key = \"k\", value = \"v\", expire = \"1h\"", "the estate has no redis `c`"),
        ("on = \"b\"", "\"set\", key = \"k\", value = \"v\", expire = \"1h\"", "b has no `act`"),
        ("on = \"a\"", "\"set\", key = \"k\", value = \"v\"", "`expire` is missing"),
        ("on = \"a\"", "\"set\", key = \"k\", value = \"v\", expire = \"1h\", no_expiry = \"x\"", "needs no reason"),
        ("on = \"a\"", "\"flushdb\"", "`flushdb` is not offered"),
        ("on = \"a\"", "\"delete\", match = \"*\"", "this `match` fits every key"),
        ("on = \"a\"", "\"delete\", match = \"a[b]\"", "is not a pattern of keys"),
        ("on = \"a\"", "\"delete\"", "either a `key` or a `match`"),
        ("on = \"a\"", "\"delete\", key = \"k\", batch = 5", "unknown key `batch`"),
        ("on = \"a\"", "\"delete\", match = \"a*\", batch = 0", "`batch` must be a number from 1 to 10000"),
        ("on = \"a\"", "\"length\", key = \"k\"", "`length` belongs under `read` or `check` or `prove`, not `do`"),
        ("on = \"a\"", "\"sett\", key = \"k\"", "`redis` has no command `sett`"),
        ("on = \"a\"", "\"delete\", key = \"k\"", "this is at least `destroy`"),
    ];
    for (on, act, words) in cases {
        let text = format!(
            "format = 1\nid = \"t\"\ntitle = \"T\"\nphases = [\"a\"]\n[[a]]\ntitle = \"S\"\n{on}\neffect = \"change\"\n\
             do = {{ redis = {act} }}\nundo = {{ none = \"a test\" }}\n"
        );
        let lines: Vec<String> = match midwatch::procedure::read::read(&text, std::path::Path::new("f"), &adapters) {
            Err(problems) => problems.iter().map(|it| it.message.clone()).collect(),
            Ok(read) => {
                let none = std::collections::BTreeMap::new();
                let library = midwatch::procedure::catalog::Library::default();
                let made = midwatch::procedure::plan::Plan::make(&read, &none, "e", "other", &adapters, &library);
                made.err().unwrap_or_default().iter().map(|it| it.message.clone()).collect()
            }
        };
        assert!(lines.iter().any(|it| it.contains(words)), "{act}: {lines:?}");
    }
}

/// A run that has set its flag and waits for a person.
fn flagged(cache: &Cache) -> Run<'_> {
    let undo = "undo = { redis = \"release\", key = \"drain\", value = \"{{run.id}}\" }";
    cache.estate.procedure(
        "redis",
        "",
        &format!(
            "[[work]]\ntitle = \"Stop intake\"\neffect = \"change\"\ndo = {{ redis = {SET} }}\n{undo}\n\
             [[work]]\ntitle = \"Work\"\nmanual = \"Work.\"\n"
        ),
    );
    let (run, prompt) = cache.asked();
    run.accept(&prompt, consent(&prompt));
    run.prompt_after(&prompt.id);
    run
}

/// Asks for the rollback, and waits until releasing the flag was tried in vain.
fn tried_in_vain(run: &Run<'_>) {
    run.send(midwatch::runner::protocol::Demand::Abort { undo: true });
    let log = run.dir.log("1.1.undo.log");
    wait_for("a second try", || {
        fs::read_to_string(&log).unwrap_or_default().contains("; tried again in ").then_some(())
    });
}

#[test]
fn a_flag_is_released_as_soon_as_its_server_answers_again() {
    // It hangs, and goes on.
    let cache = Cache::new();
    {
        let run = flagged(&cache);
        let server = rustix::process::Pid::from_raw(i32::try_from(cache.server.pid().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(server, rustix::process::Signal::STOP).unwrap();
        tried_in_vain(&run);
        rustix::process::kill_process(server, rustix::process::Signal::CONT).unwrap();
        assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
        assert_eq!(cache.ask(&["GET", "drain"]), "nil");
    }
    // It is gone, and comes back with its data.
    let mut cache = Cache::new();
    {
        let run = flagged(&cache);
        cache.ask(&["SAVE"]);
        drop(run);
    }
    cache.server.kill();
    tried_in_vain(&cache.estate.run());
    cache.server.run().unwrap();
    assert_eq!(cache.estate.run().sealed().sealed, Some(RunStatus::Aborted));
    assert_eq!(cache.ask(&["GET", "drain"]), "nil");
}

#[test]
fn a_flag_that_could_not_be_released_names_the_next_step() {
    let cache = Cache::new();
    let mut cache = Cache { estate: cache.estate.with("MIDWATCH_SPAN_UNDO_AGAIN", "2500"), ..cache };
    drop(flagged(&cache));
    cache.server.kill();
    let run = cache.estate.run();
    tried_in_vain(&run);
    let Ask::Decide { text, .. } = run.prompt().ask else { panic!("{:?}", run.prompt()) };
    assert!(text.starts_with("failed: the undo: nothing was done: "), "{text}");
    assert!(text.contains("; tried 2 times in "), "{text}");
    let next = format!(
        ". Next: drain stays at cache until it expires; when the server answers, look with `GET drain`, \
        and `DEL drain` while it holds {}",
        run.dir.id
    );
    assert!(text.ends_with(&next), "{text}");
    run.kill_runner();
}
