//! The entries of the fuzz targets, on every file of their corpora: whole, cut short everywhere, and with bytes changed.

#[path = "../fuzz/entries.rs"]
mod entries;

use crate::runner::chance::Chance;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// What takes the bytes of a target.
type Entry = fn(&[u8]);

/// Every target with its entry.
const TARGETS: [(&str, Entry); 9] = [
    ("procedure", entries::procedure),
    ("estate", entries::estate),
    ("journal", entries::journal),
    ("control", entries::control),
    ("sanitiser", entries::sanitiser),
    ("sql", entries::sql),
    ("script", entries::script),
    ("backup_name", entries::backup_name),
    ("pem", entries::pem),
];

/// How many spoilt copies of a file are tried.
const SPOILT: u64 = 24;

fn below(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = below("corpus").join(target);
    let entries = fs::read_dir(&dir).unwrap_or_else(|cause| panic!("{}: {cause}", dir.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs an entry; says with what when it breaks.
fn run(entry: fn(&[u8]), file: &Path, data: &[u8]) {
    let broke = catch_unwind(|| entry(data)).is_err();
    assert!(!broke, "{}: {}", file.display(), data.escape_ascii());
}

fn every(target: &str) {
    let (_, entry) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let files = corpus(target);
    assert!(files.len() >= 3, "{target}: {} files", files.len());
    for (file, data) in &files {
        run(entry, file, data);
        let mut chance = Chance(0x6d69_6477_6174_6368 ^ data.len() as u64);
        for _ in 0..SPOILT {
            let mut spoilt = data.clone();
            let at = usize::try_from(chance.below(data.len().max(1) as u64)).unwrap();
            match chance.below(3) {
                0 => spoilt.truncate(at),
                1 => spoilt.extend_from_within(at..),
                _ => spoilt.iter_mut().skip(at).take(2).for_each(|byte| *byte = chance.below(256) as u8),
            }
            run(entry, file, &spoilt);
        }
    }
}

#[test]
fn procedures() {
    every("procedure");
}

#[test]
fn estates() {
    every("estate");
}

#[test]
fn journals() {
    every("journal");
}

#[test]
fn requests() {
    every("control");
}

#[test]
fn outside_text() {
    every("sanitiser");
}

#[test]
fn statements() {
    every("sql");
}

#[test]
fn statements_that_nest_in_every_way() {
    let ways = u8::try_from(entries::sql_nestings().count()).unwrap();
    assert!(ways > 40);
    for way in 0..ways {
        for times in [0_u16, 1, 400, 60_000] {
            let [low, high] = times.to_le_bytes();
            for middle in ["", "(", "DROP TABLE t"] {
                entries::sql(&[&[way, low, high], middle.as_bytes()].concat());
            }
        }
    }
}

#[test]
fn scripts() {
    every("script");
}

#[test]
fn names_of_backups() {
    every("backup_name");
}

#[test]
fn bundles_of_certificates() {
    every("pem");
}

#[test]
fn every_target_has_its_binary_and_its_corpus() {
    let manifest = fs::read_to_string(below("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let text = fs::read_to_string(below("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(text.contains(&format!("entries::{name}(data)")), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    assert_eq!(fs::read_dir(below("fuzz_targets")).unwrap().count(), TARGETS.len());
    assert_eq!(fs::read_dir(below("corpus")).unwrap().count(), TARGETS.len());
}
