use crate::config::estate::keys::{SECTIONS, TITLE};
use crate::config::estate::{Certificate, Environment, Estate, RedisMode, Service, Thresholds};
use crate::config::keys::{Form, Key, Kind, Needs, Section, page, reference, schema};
use crate::config::reader::tests::finished;
use crate::domain::quantity;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What the sections themselves are keys of.
fn at_the_top() -> BTreeSet<&'static str> {
    let own = SECTIONS[0].keys.iter().map(|key| key.name);
    own.chain(SECTIONS[1..].iter().map(|section| section.name)).collect()
}

/// Reads a file; its problems as text.
fn messages(text: &str) -> Vec<String> {
    let problems = Estate::parse(text, Path::new("f")).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// A file with one such section, whose keys are those that it needs and one more.
fn file_with(section: &Section, more: Option<&Key>) -> String {
    let group = match section.needs {
        Needs::Nothing => &[][..],
        Needs::Any(keys) | Needs::One(keys) => keys,
    };
    let is_in_group = more.is_some_and(|key| group.contains(&key.name));
    let mut keys: Vec<&Key> = section.keys.iter().filter(|key| key.default.is_none()).collect();
    let first = group.first().filter(|_| !is_in_group);
    keys.extend(section.keys.iter().filter(|key| first == Some(&key.name)));
    keys.extend(more);
    keys.sort_by_key(|key| key.name);
    keys.dedup_by_key(|key| key.name);
    let written =
        |keys: &[&Key]| keys.iter().map(|key| format!("{} = {}\n", key.name, key.example)).collect::<String>();
    if section.form == Form::Top {
        return written(&keys);
    }
    let top = "schema = 1\nname = \"n\"\nenvironment = \"other\"\n";
    let secrets = if section.form == Form::Names { "" } else { "secrets.cache = \"env:CACHE\"\n" };
    format!("{top}{secrets}{}\n{}", section.written(), written(&keys))
}

#[test]
fn every_key_of_the_table_is_read() {
    for section in SECTIONS {
        for key in section.keys {
            let text = file_with(section, Some(key));
            assert_eq!(messages(&text), Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn the_reader_asks_for_the_keys_of_the_table_and_for_no_other() {
    for section in SECTIONS.iter().filter(|section| section.form != Form::Names) {
        let mark = format!("zzz-{}", section.name);
        let heading = section.written();
        let text = format!("schema = 1\nname = \"n\"\nenvironment = \"other\"\n{heading}\n{mark} = 1\n");
        finished();
        assert!(messages(&text).iter().any(|message| message.contains(&format!("unknown key `{mark}`"))), "{text}");
        let asked = finished().into_iter().find(|(unread, _)| unread.contains(&mark)).unwrap().1;
        let known = match section.form {
            Form::Top => at_the_top(),
            _ => section.keys.iter().map(|key| key.name).collect(),
        };
        assert_eq!(asked, known, "{heading}");
    }
}

#[test]
fn what_the_table_requires_is_missed_when_it_is_not_there() {
    for section in SECTIONS.iter().filter(|section| section.form == Form::Many) {
        let text = format!("schema = 1\nname = \"n\"\nenvironment = \"other\"\n{}\n", section.written());
        let lines = messages(&text);
        for key in section.keys {
            let missed = lines.iter().any(|message| message.contains(&format!("`{}` is missing", key.name)));
            assert_eq!(missed, key.default.is_none(), "{}: {lines:?}", key.name);
        }
        let needs = lines.iter().any(|sentence| sentence.contains(" needs `"));
        assert_eq!(needs, section.needs != Needs::Nothing, "{lines:?}");
    }
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_reader() {
    let default = |section: &str, key: &str| {
        let section = SECTIONS.iter().find(|one| one.name == section).unwrap();
        section.keys.iter().find(|one| one.name == key).unwrap().default.unwrap()
    };
    assert_eq!(quantity::parse_span(default("service", "timeout")), Some(Service::TIMEOUT));
    assert_eq!(quantity::parse_span(default("service", "every")), Some(Service::EVERY));
    assert_eq!(default("certificate", "warn"), format!("{}d", Certificate::WARN_DAYS));
    assert_eq!(default("certificate", "critical"), format!("{}d", Certificate::CRITICAL_DAYS));
    let disk = Thresholds::default().disk;
    assert_eq!(default("thresholds", "disk"), format!("{}% and {}%", disk.warn * 100.0, disk.critical * 100.0));
    let words = SECTIONS[0].keys.iter().find(|key| key.name == "environment").unwrap().kind;
    let Kind::Word(words) = words else { panic!("{words:?}") };
    assert_eq!(words, Environment::ALL.map(Environment::word));
    let redis = SECTIONS.iter().find(|one| one.name == "redis").unwrap();
    let Kind::Word(words) = redis.keys.iter().find(|key| key.name == "mode").unwrap().kind else { panic!("no words") };
    assert_eq!(words, RedisMode::ALL.map(RedisMode::word));
}

#[test]
fn the_schema_holds_every_key_and_closes_every_object() {
    let schema = schema(TITLE, SECTIONS);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let top: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(top, at_the_top());
    assert_eq!(schema["required"], serde_json::json!(["schema", "name", "environment"]));
    for section in SECTIONS.iter().filter(|section| section.form == Form::Many) {
        let items = &schema["properties"][section.name]["items"];
        let keys: BTreeSet<&str> = items["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, section.keys.iter().map(|key| key.name).collect());
        assert_eq!(items["additionalProperties"], Value::Bool(false), "{}", section.name);
    }
    assert_eq!(schema["properties"]["backup"]["items"]["oneOf"].as_array().unwrap().len(), 2);
}

#[test]
fn the_page_of_the_estate_file_is_that_of_the_table() {
    page::assert_current("estate.md", &reference(SECTIONS));
}
