//! Keeps dialect out of the tree: `docs/glossary.md` names the word to use.

use super::root;
use std::path::{Path, PathBuf};

/// What is not written, with what is; a name in `snake_case` counts as its words.
const BANNED: &[(&str, &str)] = &[
    ("anew", "again"),
    ("breaks off", "is interrupted, disconnects, stops"),
    ("broke off", "was interrupted, crashed, stopped"),
    ("deed", "action"),
    ("deeds", "actions"),
    ("foreseen", "expected"),
    ("heeded", "handled"),
    ("is well", "is ok"),
    ("lead past", "override"),
    ("leads past", "overrides"),
    ("owed", "pending"),
    ("owes", "has pending"),
    ("passed over", "skipped"),
    ("passes over", "skips"),
    ("taken back", "undone"),
    ("takes back", "undoes"),
    ("way back", "undo of a step, rollback of a run"),
    ("ways back", "undos"),
];

/// What is searched.
const TREES: [&str; 8] = ["src", "tests", "benches", "fuzz", "docs", "procedures", "themes", "keymaps"];
/// Files at the top that are searched, too.
const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
/// What is not searched: this list, the pages that explain the words, and files that the program wrote.
const EXEMPT: [&str; 5] =
    ["tests/arch/words.rs", "docs/glossary.md", "docs/style.md", "tests/fixtures/", "fuzz/corpus/"];
/// Names in files of today's format, which stay as they are: lines that hold one of these are not searched.
const SERIALIZED: [&str; 3] = ["serde(rename = \"way_back\"", "serde(tag = \"deed\"", "serde(rename = \"deed\""];

/// Adds every text file below a path.
fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| collect(entry, found));
    } else if path.extension().is_some_and(|kind| ["rs", "md", "toml", "sql", "sh"].iter().any(|&text| kind == text)) {
        found.push(path.to_owned());
    }
}

/// A line as its words, each between single spaces, in lower case.
fn spaced(line: &str) -> String {
    let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" ").to_lowercase())
}

/// What of [`BANNED`] a text holds: the line from 1, the word, and what to write. Breaks between lines count as spaces.
fn banned(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if SERIALIZED.iter().any(|name| line.contains(name)) {
            continue;
        }
        let alone = spaced(line);
        let next = lines.get(index + 1).map_or_else(String::new, |next| spaced(next));
        let first = next.split_whitespace().next().unwrap_or_default();
        let with_next = format!("{alone}{first} ");
        // What the next line holds by itself is found there.
        let hits = BANNED.iter().filter(|(word, _)| {
            let word = format!(" {word} ");
            with_next.matches(&word).count() > usize::from(!alone.contains(&word) && next.starts_with(&word))
        });
        found.extend(hits.map(|(word, instead)| (index + 1, *word, *instead)));
    }
    found
}

#[test]
fn dialect_words_are_found_as_words_in_names_and_across_lines() {
    let words = |text: &str| banned(text).into_iter().map(|(line, word, _)| (line, word)).collect::<Vec<_>>();
    assert_eq!(words("fn the_way_back() {}\n// Deeds."), [(1, "way back"), (2, "deeds")]);
    assert_eq!(words("// what is passed\n// over"), [(1, "passed over")]);
    assert_eq!(words("// see\n// anew"), [(2, "anew")]);
    assert_eq!(words("// indeed, always backwards, renewed"), []);
    assert_eq!(words("#[serde(rename = \"way_back\", default)]"), []);
}

#[test]
fn the_tree_uses_the_words_of_the_glossary() {
    let mut files = Vec::new();
    TREES.iter().chain(&PAGES).for_each(|name| collect(&root().join(name), &mut files));
    assert!(files.len() > 500, "the tree was not found");
    let mut found = Vec::new();
    for path in files {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        if EXEMPT.iter().any(|exempt| name.starts_with(exempt)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        found.extend(
            banned(&text)
                .into_iter()
                .map(|(line, word, instead)| format!("{name}:{line}: \"{word}\": write {instead}")),
        );
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
