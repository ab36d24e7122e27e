//! Files under `tests/fixtures`: every file in `valid` is accepted, and `invalid/x.toml` yields exactly `invalid/x.expected`.

use crate::config::reader::Problem;
use std::fs;
use std::path::{Path, PathBuf};

/// Holds a reader of files to the fixtures of its kind; it gets the text and the bare file name.
pub(crate) fn hold(kind: &str, read: impl Fn(&str, &Path) -> Vec<Problem>) {
    for path in files(kind, "valid") {
        let problems = report(&path, &read);
        assert!(problems.is_empty(), "{}: {problems}", path.display());
    }
    let mut wrong = Vec::new();
    for path in files(kind, "invalid") {
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
        let text = report(&path, &read);
        if text != expected || text.is_empty() {
            wrong.push(format!("{}\n--- expected\n{expected}--- got\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn report(path: &Path, read: impl Fn(&str, &Path) -> Vec<Problem>) -> String {
    let problems = read(&fs::read_to_string(path).unwrap(), Path::new(path.file_name().unwrap()));
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn files(kind: &str, which: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(kind).join(which);
    let entries = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no case", dir.display());
    files
}

#[test]
fn estates() {
    use crate::config::estate::Estate;
    hold("estates", |text, file| Estate::parse(text, file).err().unwrap_or_default());
}
