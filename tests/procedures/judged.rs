//! Findings between files, each with its exact place.

use jiff::civil::Date;
use midwatch::calendar;
use midwatch::config::estate::Environment;
use midwatch::config::reader::Problem;
use midwatch::procedure::catalog::{Library, text_of};
use midwatch::procedure::header::Procedure;
use midwatch::procedure::lint::retention::Places;
use midwatch::procedure::lint::windows::Hours;
use midwatch::procedure::lint::{judge, judge_windows};
use midwatch::procedure::read::read;
use midwatch::runner::adapters::BuiltIn;
use std::path::{Path, PathBuf};

/// The cases: a directory each, with procedures and what is told of them.
fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lint");
    let mut found: Vec<PathBuf> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn messages(case: &Path) -> String {
    let mut files: Vec<PathBuf> = case.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let windows: Vec<PathBuf> = files.extract_if(.., |file| file.ends_with(calendar::WINDOWS_FILE)).collect();
    let mut library = Library::new();
    for file in files {
        let name = PathBuf::from(file.file_name().unwrap());
        let text = text_of(&file).unwrap();
        let procedure = read(&text, &name, &BuiltIn::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
        library.insert(procedure.id.clone(), procedure);
    }
    let judged: Vec<&Procedure> = library.values().collect();
    let today = Date::constant(2026, 11, 22);
    let file = Path::new(calendar::WINDOWS_FILE);
    let windows = windows.first().map(|windows| calendar::parse(&text_of(windows).unwrap(), file).unwrap());
    let environment = Environment::Production;
    let hours = windows.as_ref().map(|calendar| Hours { file, calendar, environment });
    let found = judge(&judged, &library, hours, &Places::default(), today);
    let found = hours.map_or(found.clone(), |hours| found.and(judge_windows(&library, hours)));
    let lines =
        |problems: &[Problem], kind: &str| problems.iter().map(|it| format!("{kind} {it}\n")).collect::<String>();
    lines(&found.errors, "error") + &lines(&found.warnings, "warning")
}

#[test]
fn every_case_is_told_of_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 4);
    for case in cases {
        let expected = case.join("expected");
        let text = messages(&case);
        if std::env::var_os("MIDWATCH_EXPECT").is_some() {
            std::fs::write(expected, text).unwrap();
        } else {
            assert_eq!(text, std::fs::read_to_string(expected).unwrap_or_default(), "{}", case.display());
        }
    }
}
