use super::*;
use crate::config::keys::page;
use crate::config::reader::tests::finished;
use crate::procedure::adapters::Adapters;
use crate::procedure::keys::{SECTIONS, STEP, format_reference, schema};
use crate::procedure::read::lint;
use crate::runner::adapters::BuiltIn;
use std::collections::BTreeSet;
use std::path::Path;

const MARK: &str = "zzzzzzzzzz";

/// Reads a file; returns its errors, and the keys that were read from the table with the mark.
fn asked(text: &str) -> (Vec<String>, BTreeSet<&'static str>) {
    finished();
    let lines = lint(text, Path::new("f"), &BuiltIn::default());
    let found = finished().into_iter().find(|(unread, _)| unread.iter().any(|key| key == MARK));
    (lines.iter().map(ToString::to_string).collect(), found.unwrap_or_else(|| panic!("{text}\n{lines:?}")).1)
}

fn file(head: &str, step: &str) -> String {
    format!("format = 1\nid = \"t\"\ntitle = \"T\"\nphases = [\"a\"]\nroot = \"/r\"\n{head}\n[[a]]\n{step}\n")
}

/// An action with every key of a form, and perhaps the mark.
fn action(way: &Way, mark: bool) -> String {
    let mut keys: Vec<String> = way.section.keys.iter().map(|key| format!("{} = {}", key.name, key.example)).collect();
    if mark {
        keys.push(format!("{MARK} = 1"));
    }
    format!("{{ {} }}", keys.join(", "))
}

/// A step that uses an action for a purpose, with all that the purpose needs.
fn step(way: &Way, purpose: Purpose, mark: bool) -> String {
    let own = action(way, mark);
    let of = match way.section.name {
        "files" if way.section.keys[0].example == "\"archived\"" => {
            "{ files = \"archive\", under = \"a\", match = \"*\", to = \"b\" }"
        }
        "files" => "{ files = \"move\", under = \"a\", match = \"*\", to = \"b\" }",
        "sql" => "{ sql = \"VACUUM public.tasks\" }",
        "systemd" => "{ systemd = \"restart\", unit = \"nginx.service\" }",
        "redis" => match way.section.keys[0].example.trim_matches('"') {
            "holds" => "{ redis = \"set\", key = \"k\", value = \"v\", expire = \"2h\" }",
            "free" => "{ redis = \"release\", key = \"k\", value = \"v\" }",
            "expires" => "{ redis = \"expire\", key = \"k\", expire = \"2h\" }",
            "saved" => "{ redis = \"save\" }",
            "rewritten" => "{ redis = \"bgrewriteaof\" }",
            _ => "{ redis = \"delete\", key = \"k\" }",
        },
        "script" => "{ script = 'sync' }",
        "objects" if way.section.keys[0].example == "\"gone\"" => {
            "{ objects = \"delete\", under = \"file:///b/\", match = \"*\" }"
        }
        "objects" => "{ objects = \"put\", from = \"/a\", to = \"file:///b/\" }",
        "http" => "{ http = \"https://novacron.io/banner\", method = \"DELETE\" }",
        _ => "{ exec = [\"true\"] }",
    };
    let doing = |act: &str, prove: &str, undo: &str| {
        format!("title = \"T\"\neffect = \"destroy\"\ndo = {act}\n{prove}\nundo = {undo}\n")
    };
    let none = "{ none = \"a test\" }";
    match purpose {
        Purpose::Do => doing(&own, "", none),
        Purpose::Prove => doing(of, &format!("prove = {own}"), none),
        Purpose::Undo => doing(of, "", &own),
        Purpose::Read | Purpose::Check => format!("title = \"T\"\n{} = {own}\n", purpose.word()),
    }
}

#[test]
fn every_adapter_has_its_ways() {
    let named: BTreeSet<&str> = ways().iter().map(|way| way.section.name).collect();
    assert_eq!(named, BuiltIn::default().names().iter().copied().collect());
}

#[test]
fn the_adapters_ask_for_the_keys_of_their_ways_and_for_no_other() {
    for way in ways() {
        let mut known: BTreeSet<&str> = way.section.keys.iter().map(|key| key.name).collect();
        if way.section.name == "http" {
            known.insert("body"); // A reading request reports that it has none.
        }
        for purpose in way.purposes {
            let text = file("", &step(&way, *purpose, true));
            let (lines, asked) = asked(&text);
            assert_eq!(asked, known, "{text}");
            assert!(lines.iter().any(|message| message.contains(&format!("unknown key `{MARK}`"))), "{lines:?}");
        }
    }
}

#[test]
fn the_examples_are_sound() {
    for way in ways().iter().filter(|way| way.section.name != "exec") {
        for purpose in way.purposes {
            // Keys of these exclude each other, or are read and then reported as misplaced.
            let word = way.section.keys[0].example;
            if matches!((way.section.name, purpose), ("probe", Purpose::Read) | ("http", _)) || word == "\"set\"" {
                continue;
            }
            let text = file("", &step(way, *purpose, false));
            let lines = lint(&text, Path::new("f"), &BuiltIn::default());
            assert_eq!(lines, [], "{text}");
        }
    }
}

#[test]
fn the_reader_asks_for_the_keys_of_the_header_and_of_steps() {
    let step = "title = \"T\"\nmanual = \"x\"";
    let of_top: BTreeSet<&str> = SECTIONS[0].keys.iter().map(|key| key.name).chain(["params", "acts_on"]).collect();
    let top = asked(&file(&format!("{MARK} = 1"), step)).1;
    assert_eq!(top, of_top);
    let names = |keys: &[Key]| keys.iter().map(|key| key.name).collect::<BTreeSet<_>>();
    let acts_on = asked(&file(&format!("acts_on = [{{ row = \"host\", {MARK} = 1 }}]"), step)).1;
    assert_eq!(acts_on, names(SECTIONS[2].keys));
    let param = asked(&file("params.p = { text = true, zzzzzzzzzz = 1 }", step)).1;
    let refused: BTreeSet<&str> = ["secret"].into();
    assert_eq!(param.difference(&refused).copied().collect::<BTreeSet<_>>(), names(SECTIONS[1].keys));
    let of_step: BTreeSet<&str> = STEP.iter().map(|one| one.key.name).collect();
    assert_eq!(asked(&file("", &format!("{step}\n{MARK} = 1"))).1, of_step);
}

#[test]
fn the_schema_names_every_verb_key_and_adapter() {
    let schema = schema(&ways());
    let step = &schema["$defs"]["step"];
    let keys: BTreeSet<&str> = step["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, STEP.iter().map(|one| one.key.name).collect());
    assert_eq!(step["additionalProperties"], false);
    assert_eq!(schema["additionalProperties"]["items"]["$ref"], "#/$defs/step");
    for (purpose, adapter) in [("do", "files"), ("check", "probe"), ("undo", "systemd"), ("prove", "sql")] {
        let any = schema["$defs"][purpose]["anyOf"].as_array().unwrap();
        let of = any.iter().find(|of| of["properties"].get(adapter).is_some()).unwrap();
        assert!(of["required"].as_array().unwrap().iter().any(|key| key == adapter), "{of}");
        assert_eq!(of["additionalProperties"], false);
    }
    assert!(!schema["$defs"]["do"]["anyOf"].to_string().contains("oldest-snapshot"));
}

#[test]
fn the_page_of_a_procedure_is_that_of_the_tables() {
    page::assert_current("procedure.md", &format_reference(&ways()));
}
