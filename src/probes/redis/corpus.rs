//! What many servers say of themselves, and the rows that come of it: `tests/fixtures/redis/CASE.info` and `CASE.rows`.
//!
//! The texts follow the lists of fields that Redis, Valkey, KeyDB, Dragonfly and the clouds publish. Beside an INFO may lie the answers to
//! CLUSTER INFO (`CASE.cluster`) and to CLUSTER NODES (`CASE.nodes`), or those of a sentinel (`CASE.sentinel`): a line
//! `MASTERS KEY=VALUE …` for each entry of SENTINEL MASTERS, and a line `CKQUORUM NAME ANSWER` for each primary. A file of rows begins
//! with the settings of the case, then a line for each row:
//!
//! ```text
//! now = 1764500000                 our own clock, where the server does not tell its own
//! save = 3600 1                    CONFIG GET save; without it, CONFIG is not to be had
//! strict = yes                     stop-writes-on-bgsave-error
//! mode = cluster                   what the estate says
//! ping = LOADING                   the code that PING was answered with
//! primaries before = jobs          what a sentinel had at the reading before
//! cluster refused = WHY            also: nodes refused, sentinel refused
//! ok (itself): primary · 3 clients
//! ```

use crate::config::estate::{self, RedisMode};
use crate::config::paths::Surroundings;
use crate::config::secrets::Secrets;
use crate::domain::{Finding, Wall};
use crate::probes::redis::cluster::View;
use crate::probes::redis::nodes::nodes;
use crate::probes::redis::sentinel::{Quorum, Watch};
use crate::probes::redis::server::Greeting;
use crate::probes::redis::{Info, Replies};
use crate::probes::target::RedisServer;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of a case as they are, and as they should be.
fn judged(path: &Path) -> (Vec<String>, Vec<String>) {
    let read = |ending: &str| fs::read_to_string(path.with_extension(ending));
    let rows = read("rows").unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let is_setting = |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| KEYS.contains(&key));
    let lines: Vec<&str> = rows.lines().filter(|line| !line.is_empty()).collect();
    // A setting may be empty, and then ends with its sign.
    let settings: BTreeMap<&str, &str> = lines
        .iter()
        .filter_map(|line| line.split_once(" =").filter(|(key, _)| KEYS.contains(key)))
        .map(|(key, value)| (key, value.trim()))
        .collect();
    let expected = lines.iter().filter(|line| !is_setting(line) && !line.ends_with(" =")).map(ToString::to_string);
    let setting = |key: &str| settings.get(key).map(ToString::to_string);
    let info = Info::of(&read("info").unwrap());
    let nodes = setting("nodes refused").map_or_else(|| nodes(&read("nodes").unwrap_or_default()), Err);
    let view =
        |text: String| Ok(View { info: Info::answer_to("CLUSTER INFO", &text), nodes, disagreements: Vec::new() });
    let cluster = match setting("cluster refused") {
        Some(why) => Some(Err(why)),
        None => read("cluster").ok().map(view),
    };
    let asked = read("sentinel").ok().map(|text| watch(&text)).unwrap_or_else(|| watch(""));
    let asked = match setting("sentinel refused") {
        Some(why) => Watch { masters: Err(why), ..asked },
        None => asked,
    };
    let replies = Replies {
        greeting: Greeting { latency: None, reply: setting("ping") },
        cluster,
        watch: (info.mode() == Some("sentinel")).then_some(asked),
        info,
        schedule: setting("save"),
        strict: setting("strict").map(|value| value == "yes"),
    };
    assert_eq!(replies.info.is_clustered(), replies.cluster.is_some(), "{}: a cluster has its answer", path.display());
    let now = settings.get("now").map_or(0, |now| now.parse().unwrap());
    let now = replies.info.clock().unwrap_or(Wall::from_unix(now, 0));
    let before = setting("primaries before").map(|names| names.split(' ').map(str::to_owned).collect());
    let mut target = target();
    target.entry.mode = setting("mode").map(|mode| RedisMode::from_word(&mode).unwrap());
    let found = replies.judge(&target, None, &before.unwrap_or_default(), now);
    (found.iter().map(words).collect(), expected.collect())
}

/// What a sentinel answers beside INFO.
fn watch(text: &str) -> Watch {
    let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
    let masters = text.lines().filter_map(|line| line.strip_prefix("MASTERS "));
    let masters = masters.map(|line| line.split(' ').map(pair).collect()).collect();
    let answers = text.lines().filter_map(|line| line.strip_prefix("CKQUORUM "));
    let quorum = answers.map(|line| {
        let (name, answer) = line.split_once(' ').unwrap();
        let quorum = match answer.split_once(' ').unwrap() {
            ("OK", _) => Quorum::Reached,
            ("NOQUORUM", words) => Quorum::Missing(words.to_owned()),
            (_, why) => Quorum::Unread(why.to_owned()),
        };
        (name.to_owned(), quorum)
    });
    Watch { masters: Ok(masters), quorum: quorum.collect(), disagreements: BTreeMap::new() }
}

/// The settings of a case.
const KEYS: [&str; 9] = [
    "now",
    "save",
    "strict",
    "mode",
    "ping",
    "primaries before",
    "cluster refused",
    "nodes refused",
    "sentinel refused",
];

fn target() -> RedisServer {
    let entry = estate::Redis {
        name: "cache".to_owned(),
        url: "redis://127.0.0.1:6379".to_owned(),
        password: None,
        act: None,
        act_password: None,
        mode: None,
        memory: None,
        critical: true,
        ca: None,
    };
    RedisServer { entry, secrets: Secrets::default(), around: Surroundings::default() }
}

fn words(found: &Finding) -> String {
    let object = found.object.as_deref().unwrap_or("(itself)");
    match &found.seen {
        Ok(seen) => format!("{} {object}: {}", seen.verdict.word(), seen.detail),
        Err(loss) => format!("unknown {object}: {loss}"),
    }
}

#[test]
fn every_case_of_the_corpus_has_its_rows() {
    let place = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/redis"));
    let mut cases: Vec<PathBuf> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|ending| ending == "info"));
    cases.sort();
    let mut wrong = Vec::new();
    for case in &cases {
        let (found, expected) = judged(case);
        if found != expected {
            let name = case.file_stem().unwrap().to_string_lossy();
            wrong.push(format!(
                "{name}:\n  is     {}\n  should {}",
                found.join("\n         "),
                expected.join("\n         ")
            ));
        }
    }
    assert!(cases.len() >= 80, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
