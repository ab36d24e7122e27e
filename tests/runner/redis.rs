//! A real Redis: what is set, released, deleted and saved; what is refused; what is killed on the way.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide, demand};
use midwatch::demo::redis::PrivateRedis;
use midwatch::domain::{Preview, RunStatus};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice, Ending, Outcome};
use std::fs;

/// A server with an estate that names it.
pub struct Cache {
    pub server: PrivateRedis,
    pub estate: Estate,
    _place: tempfile::TempDir,
}

impl Cache {
    pub fn new() -> Self {
        Self::with(&[])
    }

    fn with(settings: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let server = PrivateRedis::start(&place.path().join("redis"), settings).unwrap();
        let estate = Estate::default().with("MIDWATCH_SPAN_REDIS_PATIENCE", "1000");
        let cache = Self { server, estate, _place: place };
        let url = cache.server.url();
        cache.names(&url, Some(&url));
        cache
    }

    /// Writes the estate anew with these ways to it.
    fn names(&self, url: &str, act: Option<&str>) {
        let act = act.map(|act| format!("act = \"{act}\"\n")).unwrap_or_default();
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[redis]]\nname = \"cache\"\nurl = \"{url}\"\n{act}"
        );
        fs::write(self.estate.beside("midwatch.toml"), text).unwrap();
    }

    /// Writes a procedure of one step.
    fn step(&self, effect: &str, act: &str, more: &str) {
        let undo = if more.contains("undo") { "" } else { "undo = { none = \"a test\" }\n" };
        let steps =
            format!("[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ redis = {act} }}\n{undo}{more}\n");
        self.estate.procedure("redis", "", &steps);
    }

    fn asked(&self) -> (Run<'_>, OpenPrompt) {
        let run = self.estate.start_waiting("redis");
        let prompt = run.prompt();
        (run, prompt)
    }

    pub fn ask(&self, words: &[&str]) -> String {
        let value: Option<String> = self.server.ask(words).unwrap();
        value.unwrap_or_else(|| "nil".to_owned())
    }

    /// How often a command was carried out.
    pub fn calls(&self, command: &str) -> u64 {
        let told: String = self.server.ask(&["INFO", "commandstats"]).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
        line.map_or(0, |line| line.split(['=', ',']).nth(1).unwrap().parse().unwrap())
    }
}

fn preview(prompt: &OpenPrompt) -> &Preview {
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    preview
}

fn fact<'a>(preview: &'a Preview, name: &str) -> &'a str {
    let found = preview.facts.iter().find(|(known, _)| known == name);
    &found.unwrap_or_else(|| panic!("no {name} among {:?}", preview.facts)).1
}

fn outcome(run: &Run<'_>) -> Outcome {
    let so = |view: &midwatch::journal::fold::RunView| view.steps[0].outcome.is_some();
    run.wait("an outcome", so).steps[0].outcome.clone().unwrap()
}

const SET: &str = "\"set\", key = \"drain\", value = \"{{run.id}}\", expire = \"2h\", if = \"absent\"";

#[test]
fn a_queue_is_drained_under_a_flag_that_is_given_back() {
    let cache = Cache::new();
    cache.estate.procedure(
        "redis",
        "",
        &format!(
            "[[work]]\ntitle = \"Stop intake\"\neffect = \"change\"\ndo = {{ redis = {SET} }}\nprove = {{ redis = \"holds\" }}\n\
             undo = {{ redis = \"release\", key = \"drain\", value = \"{{{{run.id}}}}\" }}\n\
             [[work]]\ntitle = \"Empty\"\n\
             check = {{ redis = \"length\", key = \"jobs\", in_flight = [\"taken\"], expect = \"== 0\" }}\n\
             [[work]]\ntitle = \"Give back\"\neffect = \"change\"\n\
             do = {{ redis = \"release\", key = \"drain\", value = \"{{{{run.id}}}}\" }}\nprove = {{ redis = \"free\" }}\n\
             undo = {{ none = \"it was given back\" }}\n"
        ),
    );
    cache.ask(&["LPUSH", "taken", "job"]);
    let (run, prompt) = cache.asked();
    let seen = preview(&prompt);
    assert!(seen.headline.starts_with("Set drain to ") && seen.headline.contains("if it is absent"), "{seen:?}");
    assert_eq!(fact(seen, "now drain"), "is not there");
    assert!(fact(seen, "server").contains("primary · run "), "{seen:?}");
    run.accept(&prompt, consent(&prompt));
    // The queue is not empty: what a worker has taken counts.
    let decision = run.prompt_after(&prompt.id);
    let Ask::Decide { text, .. } = &decision.ask else { panic!("{decision:?}") };
    assert_eq!(text, "failed: 0 in jobs, 1 taken");
    let set = outcome(&run);
    assert!(set.detail.starts_with("set drain; drain holds the value for "), "{set:?}");
    assert_eq!(cache.ask(&["GET", "drain"]), run.dir.id.to_string());
    let left: i64 = cache.server.ask(&["TTL", "drain"]).unwrap();
    assert!((7000..=7200).contains(&left), "{left}");
    cache.ask(&["LPOP", "taken"]);
    run.accept(&decision, decide(Choice::Retry));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(cache.ask(&["GET", "drain"]), "nil");
    let facts = run.view().steps[1].outcome.clone().unwrap().evidence.unwrap().facts;
    assert_eq!((facts["value"].as_str(), facts["waiting"].as_str(), facts["taken"].as_str()), ("0", "0", "0"));
    run.is_whole_and_known();
}

#[test]
fn a_drain_is_waited_for_and_a_lost_server_does_not_end_it() {
    let cache = Cache::new();
    let mut cache = Cache { estate: cache.estate.with("MIDWATCH_SPAN_WAIT_EVERY", "50"), ..cache };
    cache.estate.procedure(
        "redis",
        "",
        "[[work]]\ntitle = \"Begin\"\nmanual = \"Begin.\"\n[[work]]\ntitle = \"Empty\"\n\
         wait = { redis = \"length\", key = \"jobs\", in_flight = [\"taken\"] }\nuntil = \"value == 0\"\ntimeout = \"10m\"\n",
    );
    cache.ask(&["LPUSH", "jobs", "job"]);
    cache.ask(&["SAVE"]);
    let log = {
        let (run, prompt) = cache.asked();
        run.accept(&prompt, consent(&prompt));
        run.dir.log("2.1.log")
    };
    let looked =
        |said: &str| wait_for(said, || fs::read_to_string(&log).unwrap_or_default().contains(said).then_some(()));
    looked("value 1");
    cache.server.kill();
    looked("unknown: ");
    cache.server.run().unwrap();
    cache.ask(&["LMOVE", "jobs", "taken", "LEFT", "RIGHT"]);
    assert!(cache.estate.run().view().steps[1].outcome.is_none(), "neither the loss nor what is taken is done");
    cache.ask(&["DEL", "taken"]);
    assert_eq!(cache.estate.run().sealed().sealed, Some(RunStatus::Ok));
}

#[test]
fn a_flag_of_somebody_else_is_neither_taken_nor_given_back() {
    let cache = Cache::new();
    cache.ask(&["SET", "drain", "theirs", "EX", "600"]);
    cache.step("change", SET, "");
    cache.estate.start("redis", &[]).exits(7).says("drain is there already");
    cache.step("change", "\"release\", key = \"drain\", value = \"{{run.id}}\"", "");
    let (run, prompt) = cache.asked();
    assert!(preview(&prompt).warnings.iter().any(|it| it.contains("another value")), "{prompt:?}");
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!((end.ending, end.counts["left_alone"]), (Ending::Failed, 1), "{end:?}");
    assert_eq!(cache.ask(&["GET", "drain"]), "theirs");
}

#[test]
fn what_changes_between_the_prompt_and_the_answer_is_asked_anew() {
    let mut cache = Cache::new();
    cache.ask(&["SET", "mode", "a"]);
    cache.step("change", "\"set\", key = \"mode\", value = \"b\", no_expiry = \"a setting\"", "");
    {
        let (run, prompt) = cache.asked();
        cache.ask(&["SET", "mode", "c"]);
        run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "has changed since");
        let next = run.prompt_after(&prompt.id);
        run.accept(&next, consent(&next));
        assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
        assert_eq!((cache.ask(&["GET", "mode"]), cache.calls("set")), ("b".to_owned(), 3));
    }
    // A server that was restarted has another number.
    cache.asked();
    cache.ask(&["SAVE"]);
    cache.server.kill();
    cache.server.run().unwrap();
    let run = cache.estate.run();
    let prompt = run.prompt();
    run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "has changed since");
}

#[test]
fn keys_go_by_pattern_and_nothing_else() {
    let cache = Cache::new();
    cache.server.fill().unwrap();
    cache.ask(&["SET", "cached", "not of the pattern"]);
    cache.step(
        "destroy",
        "\"delete\", match = \"cache:*\", batch = 64",
        "prove = { redis = \"gone\" }\nlimit = { share = \"90%\" }",
    );
    let (run, prompt) = cache.asked();
    let seen = preview(&prompt);
    assert_eq!(
        (seen.headline.as_str(), seen.phrase.as_str()),
        ("Delete 400 keys cache:* on cache", "delete 400 cache")
    );
    assert_eq!((fact(seen, "types"), fact(seen, "without an end of their own")), ("400 string", "0"));
    let stays = fact(seen, "stays there");
    for kept in ["session:* (150)", "job_queue (1)", "processing (1)", "sessions (1)"] {
        assert!(stays.contains(kept), "{stays}");
    }
    assert!(seen.bytes.unwrap() > 400 * 200 && seen.limit.as_ref().unwrap().contains("limit 90"), "{seen:?}");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert_eq!(outcome(&run).detail, "deleted 400 of 400; all 400 are gone");
    let left: u64 = cache.server.ask(&["DBSIZE"]).unwrap();
    assert_eq!((left, cache.ask(&["GET", "cached"]).as_str()), (154, "not of the pattern"));
    assert_eq!(cache.calls("keys") + cache.calls("flushdb"), 0);
    run.is_whole_and_known();

    cache.step("destroy", "\"delete\", match = \"session:*\"", "limit = { count = 100 }");
    cache.estate.start("redis", &[]).exits(7).says("the set is over its limit: 150 of 154 keys");
}

/// The lines of a set, and what acts on it, without a run: what lies between a preview and its act is the test's own.
fn frozen(cache: &Cache, act: &str) -> (midwatch::procedure::plan::Action, Vec<u8>) {
    use midwatch::runner::adapters::{BuiltIn, Look, preview};
    cache.step("destroy", act, "");
    let estate = midwatch::config::estate::Estate::load(&cache.estate.beside("midwatch.toml")).unwrap();
    let file = cache.estate.beside("procedures/redis.toml");
    let text = fs::read_to_string(&file).unwrap();
    let adapters = BuiltIn::of(&estate);
    let read = midwatch::procedure::read::read(&text, &file, &adapters).unwrap();
    let (none, library) = (std::collections::BTreeMap::new(), midwatch::procedure::catalog::Library::default());
    let plan = midwatch::procedure::plan::Plan::make(&read, &none, "test", "other", &adapters, &library).unwrap();
    let step = &plan.steps[0];
    let action = step.act.clone().unwrap();
    let mut set = Vec::new();
    preview(&action, &Look::of(step, "here".to_owned()), &mut set).unwrap();
    (action, set)
}

fn carry_out(action: &midwatch::procedure::plan::Action, set: &[u8]) -> (midwatch::runner::adapters::ActEnd, String) {
    let mut out = Vec::new();
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let end = midwatch::runner::adapters::act(action, &mut &*set, &mut out, &cancel);
    (end, String::from_utf8(out).unwrap())
}

#[test]
fn a_key_that_is_another_thing_by_now_is_left_alone() {
    let cache = Cache::new();
    for key in ["t:a", "t:b", "t:c"] {
        cache.ask(&["SET", key, "1"]);
    }
    let (action, set) = frozen(&cache, "\"delete\", match = \"t:*\"");
    assert_eq!(set.iter().filter(|byte| **byte == b'\n').count(), 4);
    cache.ask(&["DEL", "t:a"]);
    cache.ask(&["DEL", "t:b"]);
    cache.ask(&["LPUSH", "t:b", "a list now"]);
    cache.ask(&["SET", "t:new", "not of the set"]);
    let (end, told) = carry_out(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "deleted 1 of 3, 1 gone already, 1 left alone"));
    assert!(told.contains("left alone t:b: it has another type"), "{told}");
    let keys: Vec<String> = cache.server.ask(&["SORT", "none", "BY", "x"]).unwrap();
    assert!(keys.is_empty());
    assert_eq!((cache.ask(&["LLEN", "t:b"]).as_str(), cache.ask(&["GET", "t:new"]).as_str()), ("1", "not of the set"));
    // A page of the set, for the screen.
    let (all, page) = midwatch::runner::adapters::items(&mut &*set, 1, 5).unwrap();
    assert_eq!((all, page[0].name.as_str(), page.len()), (3, "t:b  string of 1", 2));
}

#[test]
fn keys_that_come_and_go_have_a_bound() {
    let cache = Cache::new();
    for number in 0..100 {
        cache.ask(&["SET", &format!("page:{number}"), "x", "EX", "600"]);
    }
    let (action, set) = frozen(&cache, "\"delete\", match = \"page:*\", bounded = true, batch = 7");
    cache.ask(&["SET", "page:new", "x"]);
    let (_, again) = frozen(&cache, "\"delete\", match = \"page:*\", bounded = true, batch = 7");
    assert_eq!(set, again, "a key more is within the bound, and the set is the same");
    let (end, _) = carry_out(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "deleted 101 of 128"));

    let (action, set) = frozen(&cache, "\"delete\", match = \"page:*\", bounded = true, batch = 7");
    for number in 0..60 {
        cache.ask(&["SET", &format!("page:{number}"), "x"]);
    }
    let (end, _) = carry_out(&action, &set);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.starts_with("stopped: there are more than the 12 that were shown: deleted 7 of 12"), "{end:?}");
    let left: u64 = cache.server.ask(&["DBSIZE"]).unwrap();
    assert_eq!(left, 53);
}

#[test]
fn who_may_not_act_is_told_so() {
    let cache = Cache::new();
    let url = cache.server.url();
    // Without `act` the plan cannot be made.
    cache.names(&url, None);
    cache.step("change", SET, "");
    cache.estate.start("redis", &[]).exits(2).says("cache has no `act`");

    let cases = [
        ("+info +select +watch", "SET is denied to user small (NOPERM)"),
        ("+select", "INFO is denied to user small (NOPERM)"),
    ];
    for (rights, why) in cases {
        let words: Vec<&str> =
            ["ACL", "SETUSER", "small", "reset", "on", "nopass", "~*"].into_iter().chain(rights.split(' ')).collect();
        cache.ask(&words);
        cache.names(&url, Some(&format!("{url}?user=small")));
        let (run, prompt) = cache.asked();
        run.accept(&prompt, consent(&prompt));
        let end = outcome(&run);
        assert_eq!((end.ending, end.detail), (Ending::Failed, format!("nothing was done: {why}")));
    }
    // Full memory, and nothing that may go.
    cache.names(&url, Some(&url));
    cache.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let (run, prompt) = cache.asked();
    assert!(preview(&prompt).warnings.iter().any(|it| it.contains("(OOM)")), "{prompt:?}");
    run.accept(&prompt, consent(&prompt));
    assert!(outcome(&run).detail.contains("(OOM)"), "{:?}", outcome(&run));
    assert_eq!(cache.ask(&["EXISTS", "drain"]), "0");
}

#[test]
fn a_replica_and_another_server_are_not_touched() {
    let (cache, other) = (Cache::new(), Cache::new());
    cache.step("change", SET, "");
    cache.names(&cache.server.url(), Some(&other.server.url()));
    let (run, prompt) = cache.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert!(end.detail.starts_with("nothing was done: it is another server than the one shown"), "{end:?}");
    let url = cache.server.url();
    cache.names(&url, Some(&format!("{url}?db=1")));
    let (run, prompt) = cache.asked();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert!(end.detail.contains("leads to database 1, and database 0 was shown"), "{end:?}");
    assert_eq!((cache.calls("set"), other.calls("set")), (0, 0));

    other.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    other.step("change", SET, "");
    other.estate.start("redis", &[]).exits(7).says("cache is a replica, which takes no changes");
}

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

#[test]
fn looks_tell_what_is_there() {
    let cache = Cache::new();
    cache.server.fill().unwrap();
    for id in 1..=3 {
        cache.ask(&["XADD", "stream", &format!("{id}-1"), "job", "x"]);
    }
    cache.ask(&["XGROUP", "CREATE", "stream", "workers", "0"]);
    let read: Vec<(String, Vec<(String, Vec<String>)>)> =
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
        ("\"info\", fact = \"no_such\", expect = \"== 0\"", "unknown: INFO tells no no_such"),
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
    cache.estate.start("redis", &[]).exits(7).says("cache keeps no append-only file");

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
    // Whoever writes waits; whoever looks does not.
    cache.ask(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Unknown, "{end:?}");
    assert!(end.detail.starts_with("it was sent and not answered, so nobody knows"), "{end:?}");
    // The proof says that it is not there, and it is asked for anew.
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
fn what_is_written_wrong_is_said_with_its_reason() {
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
        let said: Vec<String> = match midwatch::procedure::read::read(&text, std::path::Path::new("f"), &adapters) {
            Err(problems) => problems.iter().map(|it| it.message.clone()).collect(),
            Ok(read) => {
                let none = std::collections::BTreeMap::new();
                let library = midwatch::procedure::catalog::Library::default();
                let made = midwatch::procedure::plan::Plan::make(&read, &none, "e", "other", &adapters, &library);
                made.err().unwrap_or_default().iter().map(|it| it.message.clone()).collect()
            }
        };
        assert!(said.iter().any(|it| it.contains(words)), "{act}: {said:?}");
    }
}
