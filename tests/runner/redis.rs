//! A real Redis: what is set, released, deleted and saved; what is refused; what is killed on the way.

mod lost;

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

    /// Writes the estate again with these ways to it.
    fn names(&self, url: &str, act: Option<&str>) {
        let act = act.map(|act| format!("act = \"{act}\"\n")).unwrap_or_default();
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[redis]]\nname = \"cache\"\nurl = \"{url}\"\n{act}"
        );
        fs::write(self.estate.beside("midwatch.toml"), text).unwrap();
    }

    /// Writes a procedure of one step.
    pub fn step(&self, effect: &str, act: &str, more: &str) {
        let undo = if more.contains("undo") { "" } else { "undo = { none = \"a test\" }\n" };
        let steps =
            format!("[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ redis = {act} }}\n{undo}{more}\n");
        self.estate.procedure("redis", "", &steps);
    }

    pub fn asked(&self) -> (Run<'_>, OpenPrompt) {
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
        let text: String = self.server.ask(&["INFO", "commandstats"]).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
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
fn a_queue_is_drained_under_a_flag_that_is_released() {
    let cache = Cache::new();
    cache.estate.procedure(
        "redis",
        "",
        &format!(
            "[[work]]\ntitle = \"Stop intake\"\neffect = \"change\"\ndo = {{ redis = {SET} }}\nprove = {{ redis = \"holds\" }}\n\
             undo = {{ redis = \"release\", key = \"drain\", value = \"{{{{run.id}}}}\" }}\n\
             [[work]]\ntitle = \"Empty\"\n\
             check = {{ redis = \"length\", key = \"jobs\", in_flight = [\"taken\"], expect = \"== 0\" }}\n\
             [[work]]\ntitle = \"Release the flag\"\neffect = \"change\"\n\
             do = {{ redis = \"release\", key = \"drain\", value = \"{{{{run.id}}}}\" }}\nprove = {{ redis = \"free\" }}\n\
             undo = {{ none = \"it was released\" }}\n"
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
    assert!(set.detail.starts_with("set drain; the proof: drain holds the value for "), "{set:?}");
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
fn an_undo_deletes_the_key_that_it_names_and_no_other() {
    let cache = Cache::new();
    cache.ask(&["SET", "old:1", "x"]);
    cache.ask(&["SET", "kept", "x"]);
    cache.ask(&["LPUSH", "jobs", "job"]);
    let undone = |act: &str, effect: &str, key: &str| {
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ redis = {act} }}\nundo = {{ redis = \"delete\", key = \"{key}\" }}\n\
             [[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n"
        );
        cache.estate.procedure("redis", "", &steps);
        let (run, prompt) = cache.asked();
        run.accept(&prompt, consent(&prompt));
        run.prompt_after(&prompt.id);
        // A new key that matches the pattern must not be deleted.
        cache.ask(&["SET", "old:2", "x"]);
        run.ask(midwatch::runner::protocol::Demand::Abort { undo: true });
        let view = run.wait("the undo", |view| view.steps[0].undo.is_some());
        let detail = view.steps[0].undo.clone().unwrap().detail;
        if view.sealed.is_none() && detail.contains("left alone") {
            let open = run.wait("its question", |view| view.prompt.is_some() && view.steps[0].undo.is_some());
            run.accept(&open.prompt.unwrap(), decide(Choice::Skip));
        }
        run.sealed();
        detail
    };
    let set = "\"set\", key = \"mode\", value = \"x\", expire = \"2h\"";
    assert_eq!(undone(set, "change", "mode"), "deleted 1 of 1");
    assert_eq!(undone(set, "change", "kept"), "deleted 1 of 1");
    assert_eq!((cache.ask(&["GET", "mode"]), cache.ask(&["GET", "kept"])), ("x".to_owned(), "nil".to_owned()));
    assert_eq!(undone(set, "change", "jobs"), "deleted 0 of 1, 1 left alone");
    let all = "\"delete\", match = \"old:*\", bounded = true";
    assert_eq!(undone(all, "destroy", "mode"), "deleted 1 of 1");
    assert_eq!((cache.ask(&["GET", "mode"]), cache.ask(&["GET", "old:2"])), ("nil".to_owned(), "x".to_owned()));
    let jobs: i64 = cache.server.ask(&["LLEN", "jobs"]).unwrap();
    assert_eq!(jobs, 1);
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
        |text: &str| wait_for(text, || fs::read_to_string(&log).unwrap_or_default().contains(text).then_some(()));
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
fn another_owners_flag_is_neither_taken_nor_released() {
    let cache = Cache::new();
    cache.ask(&["SET", "drain", "theirs", "EX", "600"]);
    cache.step("change", SET, "");
    cache.estate.start("redis", &[]).exits(7).prints("drain is there already");
    cache.step("change", "\"release\", key = \"drain\", value = \"{{run.id}}\"", "");
    let (run, prompt) = cache.asked();
    assert!(preview(&prompt).warnings.iter().any(|it| it.contains("another value")), "{prompt:?}");
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!((end.ending, end.counts["left_alone"]), (Ending::Failed, 1), "{end:?}");
    assert_eq!(cache.ask(&["GET", "drain"]), "theirs");
}

#[test]
fn a_change_between_prompt_and_answer_asks_again() {
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
    assert_eq!((seen.headline.as_str(), seen.phrase.as_str()), ("Delete 400 keys cache:* on cache", "delete 400 keys"));
    assert_eq!((fact(seen, "types"), fact(seen, "without an end of their own")), ("400 string", "0"));
    let stays = fact(seen, "stays there");
    for kept in ["session:* (150)", "job_queue (1)", "processing (1)", "sessions (1)"] {
        assert!(stays.contains(kept), "{stays}");
    }
    assert!(seen.bytes.unwrap() > 400 * 200 && seen.limit.as_ref().unwrap().contains("limit 90"), "{seen:?}");
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    assert_eq!(outcome(&run).detail, "deleted 400 of 400; the proof: all 400 are gone");
    let left: u64 = cache.server.ask(&["DBSIZE"]).unwrap();
    assert_eq!((left, cache.ask(&["GET", "cached"]).as_str()), (154, "not of the pattern"));
    assert_eq!(cache.calls("keys") + cache.calls("flushdb"), 0);
    run.is_whole_and_known();

    cache.step("destroy", "\"delete\", match = \"session:*\"", "limit = { count = 100 }");
    cache.estate.start("redis", &[]).exits(7).prints("the set is over its limit: 150 of 154 keys");
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
fn a_key_with_another_type_now_is_left_alone() {
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
    let (end, text) = carry_out(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "deleted 1 of 3, 1 gone already, 1 left alone"));
    assert!(text.contains("left alone t:b: it has another type"), "{text}");
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
fn a_role_that_may_not_act_is_refused() {
    let cache = Cache::new();
    let url = cache.server.url();
    // Without `act` the plan cannot be made.
    cache.names(&url, None);
    cache.step("change", SET, "");
    cache.estate.start("redis", &[]).exits(2).prints("cache has no `act`");

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
    assert!(end.detail.contains("connects to database 1, but database 0 was shown"), "{end:?}");
    assert_eq!((cache.calls("set"), other.calls("set")), (0, 0));

    other.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    other.step("change", SET, "");
    other.estate.start("redis", &[]).exits(7).prints("cache is a replica, which takes no changes");
}
