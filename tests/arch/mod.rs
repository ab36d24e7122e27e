//! Holds the source to the rules of ARCHITECTURE.md: which layer may use which, and which module may use what.
//!
//! Every rule is a function from one file to what it breaks, so that each is tried on bad snippets below before the whole tree
//! is checked.

mod layout;
pub mod named;
mod rules;
mod source;
mod words;

use source::Source;
use std::path::{Path, PathBuf};

/// One break of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the package's root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Files of more than [`layout::LONGEST_FILE`] lines, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions of more than [`layout::LONGEST_FUNCTION`] lines, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

pub fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// The path of every Rust file below a directory of the package, sorted.
fn paths(below: &str) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in directory.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(below), &mut found);
    found.sort();
    found
}

/// Every Rust file below a directory of the package, in the order of their paths.
fn files(below: &str) -> Vec<Source> {
    let (root, found) = (root(), paths(below));
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    let mut sources: Vec<_> =
        found.iter().map(|path| Source::new(&name(path), &std::fs::read_to_string(path).unwrap())).collect();
    // A module of tests may have modules of its own.
    let mut known = Vec::new();
    loop {
        let of_tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        if of_tests.len() == known.len() {
            return sources;
        }
        let is_test = |source: &&mut Source| of_tests.iter().any(|module| source.is_module(module));
        sources.iter_mut().filter(is_test).for_each(Source::become_test);
        known = of_tests;
    }
}

#[test]
fn a_module_of_a_module_of_tests_is_one_of_tests() {
    let sources = files("src");
    let of = |path: &str| sources.iter().find(|source| source.path == path).unwrap();
    for path in
        ["src/probes/redis/tests.rs", "src/probes/redis/tests/lost.rs", "src/probes/certs/tests/endpoints/odd.rs"]
    {
        assert!(of(path).tokens.iter().all(|token| token.in_test), "{path}");
    }
    assert!(of("src/probes/redis/link.rs").tokens.iter().any(|token| !token.in_test));
}

/// Holds the tree to one rule.
fn hold(rule: impl Fn(&Source) -> Vec<Finding>) {
    let sources = files("src");
    assert!(sources.len() > 20, "the tree was not found");
    let found: Vec<String> = sources.iter().flat_map(rule).map(|finding| describe(&finding)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn describe(finding: &Finding) -> String {
    format!("{}:{}: {}", finding.file, finding.line, finding.what)
}

#[test]
fn arrows_point_downward() {
    hold(rules::layers);
}

#[test]
fn the_screen_is_touched_in_ui_and_tui_alone() {
    hold(rules::screen);
}

#[test]
fn colours_have_meaning_in_the_theme_alone() {
    hold(rules::colours);
}

#[test]
fn processes_are_started_where_they_may_be() {
    hold(rules::processes);
}

#[test]
fn the_right_to_act_is_granted_in_one_place() {
    hold(rules::authority);
}

/// The exemptions of the rules that no file uses: each names a file that does not exist, or that needs none.
fn unused(exempt: &[(&str, &str)], sources: &[Source]) -> Vec<String> {
    let breaks = |rule: &str, source: &Source| {
        // Under another name no exemption counts for it.
        let bare = Source { path: "src/lib.rs".to_owned(), ..source.clone() };
        match rule {
            "screen" => !rules::screen(&bare).is_empty(),
            "colours" => !rules::colours(&bare).is_empty(),
            "authority" => !rules::authority(&bare).is_empty(),
            other => panic!("no rule is called {other}"),
        }
    };
    let is_used = |(rule, place): &(&str, &str)| {
        let of_it =
            |source: &&Source| source.path == *place || (place.ends_with('/') && source.path.starts_with(place));
        sources.iter().filter(of_it).any(|source| breaks(rule, source))
    };
    exempt.iter().filter(|one| !is_used(one)).map(|(rule, place)| format!("{rule}: {place}")).collect()
}

#[test]
fn every_exemption_is_for_a_file_that_exists_and_needs_it() {
    let sources = files("src");
    assert_eq!(unused(&rules::EXEMPT, &sources), Vec::<String>::new());
    let stale = [("colours", "src/ui/gone.rs"), ("colours", "src/ui/layout.rs"), ("screen", "src/app/gone/")];
    assert_eq!(unused(&stale, &sources).len(), stale.len());
}

#[test]
fn probes_show_no_client_librarys_types() {
    hold(rules::probe_signatures);
}

#[test]
fn files_and_functions_stay_short() {
    let mut found = Vec::new();
    let mut used = Vec::new();
    let mut judge = |finding: &Finding, name: String, excused: &[(&'static str, &str)]| match excused
        .iter()
        .find(|(excused, _)| *excused == name)
    {
        Some((excused, _)) => used.push(*excused),
        None => found.push(describe(finding)),
    };
    for source in files("src").iter().chain(&files("tests")) {
        if let Some(finding) = layout::long_file(source) {
            judge(&finding, source.path.clone(), LONG_FILES);
        }
        for (function, finding) in layout::long_functions(source) {
            judge(&finding, format!("{}::{function}", source.path), LONG_FUNCTIONS);
        }
    }
    for (excused, _) in LONG_FILES.iter().chain(LONG_FUNCTIONS) {
        if !used.contains(excused) {
            found.push(format!("{excused} is not too long any more: take it off the table in tests/arch"));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// The libraries that the console stands on: none of them may be replaced by code of our own, or be named and not used.
const REQUIRED: [&str; 11] = [
    "ratatui",
    "crossterm",
    "tokio",
    "serde",
    "tokio-postgres",
    "redis",
    "sysinfo",
    "kube",
    "x509-parser",
    "ratatui-textarea",
    "tracing-appender",
];

/// Those of the required libraries that the manifest does not name, or that no code outside tests uses.
fn unused_libraries(manifest: &toml::Table, required: &[&str], sources: &[Source]) -> Vec<String> {
    let dependencies = manifest["dependencies"].as_table().unwrap();
    let is_package = |name: &str, entry: (&String, &toml::Value)| {
        entry.1.get("package").and_then(toml::Value::as_str).unwrap_or(entry.0) == name
    };
    let is_used = |name: &str| {
        let Some((key, _)) = dependencies.iter().find(|entry| is_package(name, *entry)) else { return false };
        let own = key.replace('-', "_");
        let uses = |source: &Source| source.paths().iter().any(|path| !path.in_test && path.begins(&[&own]));
        sources.iter().any(uses)
    };
    required.iter().filter(|name| !is_used(name)).map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_required_libraries_are_named_and_used() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse::<toml::Table>().unwrap();
    let sources = files("src");
    assert_eq!(unused_libraries(&manifest, &REQUIRED, &sources), Vec::<String>::new());
    // One that is not named, and one that is named and used nowhere.
    let bare =
        "[dependencies]\nredis = \"1\"\ntext = { package = \"ratatui-textarea\", version = \"1\" }".parse().unwrap();
    let source = |text: &str| vec![Source::new("src/x.rs", text)];
    let named = ["redis", "ratatui-textarea", "kube"];
    assert_eq!(
        unused_libraries(&bare, &named, &source("use text::TextArea; fn f() { redis::f(); kube::f(); }")),
        ["kube"]
    );
    let in_test = "use text::A; #[cfg(test)] mod tests { use redis::B; }";
    assert_eq!(unused_libraries(&bare, &named, &source(in_test)), ["redis", "kube"]);
}

/// The lines of code that name a command on a run as text: where `config::shell` names it, its options are not lost.
fn named_commands(text: &str) -> Vec<usize> {
    let commands = ["attach", "resume", "abort", "report", "verify", "runs"].map(|word| format!("midwatch {word}"));
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let is_literal =
        |line: &str| !line.trim_start().starts_with("//") && commands.iter().any(|word| line.contains(word));
    code.enumerate().filter(|(_, line)| is_literal(line)).map(|(at, _)| at + 1).collect()
}

#[test]
fn a_command_on_a_run_is_named_by_one_function() {
    let bad = "fn f() {\n    // midwatch attach\n    hint(\"see it: midwatch attach X\");\n}\n#[cfg(test)]\n\"midwatch runs\"";
    assert_eq!(named_commands(bad), [3]);
    let is_test = |path: &Path| path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
    let mut found = Vec::new();
    for path in paths("src").into_iter().filter(|path| !is_test(path)) {
        let text = std::fs::read_to_string(&path).unwrap();
        found.extend(named_commands(&text).into_iter().map(|line| format!("{}:{line}", path.display())));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn dependencies_are_those_that_deny_toml_allows() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap().parse::<toml::Table>().unwrap();
    let (deny, lock) = (read("deny.toml"), read("Cargo.lock"));
    let text = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let banned: Vec<_> = deny["bans"]["deny"].as_array().unwrap().iter().filter_map(|ban| text(ban, "crate")).collect();
    assert!(banned.contains(&"aws-lc-sys".to_owned()) && banned.contains(&"openssl-sys".to_owned()));
    let mut sources = std::collections::BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let name = text(package, "name").unwrap();
        assert!(!banned.contains(&name), "{name} is banned");
        sources.extend(text(package, "source"));
    }
    let from_registry = sources.iter().all(|source| source.starts_with("registry+"));
    assert!(from_registry && sources.len() == 1, "dependencies come from one registry alone: {sources:?}");
}
