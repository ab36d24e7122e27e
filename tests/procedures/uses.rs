//! Procedures that include others: around, deep, twice, and too many.

use midwatch::config::packs::Pack;
use midwatch::procedure::catalog::{Catalog, Library};
use midwatch::procedure::plan::Plan;
use midwatch::procedure::read::read;
use midwatch::runner::adapters::BuiltIn;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn file(id: &str, rest: &str) -> String {
    format!("format = 1\nid = \"t/{id}\"\ntitle = \"T\"\nphases = [\"a\"]\n{rest}")
}

fn uses(id: &str, times: usize) -> String {
    format!("[[a]]\nuse = \"t/{id}\"\n").repeat(times)
}

const LEAF: &str = "[[a]]\ntitle = \"Read\"\nread = { exec = [\"df\"] }\nsave = \"room\"\n\
    [[a]]\nid = \"told\"\ntitle = \"Tell\"\nnotify = \"{{room}}\"\n";

fn library(files: &[(&str, String)]) -> Library {
    let one = |(id, rest): &(&str, String)| {
        let procedure = read(&file(id, rest), Path::new(id), &BuiltIn::default()).unwrap();
        (procedure.id.clone(), procedure)
    };
    files.iter().map(one).collect()
}

fn planned(files: &[(&str, String)]) -> Result<Plan, Vec<String>> {
    let library = library(files);
    let first = &library[&format!("t/{}", files[0].0)];
    let plan = Plan::make(first, &BTreeMap::new(), "e", "other", &BuiltIn::default(), &library);
    plan.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Lints the first of some files, with the others beside it.
fn linted(files: &[(&str, String)]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files.iter().map(|(id, _)| home.path().join(format!("{id}.toml"))).collect();
    for (path, (id, rest)) in paths.iter().zip(files) {
        std::fs::write(path, file(id, rest)).unwrap();
    }
    let problems = Catalog::read(None, &Pack::ALL, &BuiltIn::default()).beside(&paths, &BuiltIn::default()).lint(
        &file(files[0].0, &files[0].1),
        &paths[0],
        &BuiltIn::default(),
    );
    let home = home.path().display().to_string() + "/";
    problems.iter().map(|problem| problem.to_string().replace(&home, "")).collect()
}

#[test]
fn what_two_ways_lead_to_is_there_twice_and_keeps_what_it_saves_apart() {
    let files = [
        ("x", uses("b", 1) + &uses("c", 1)),
        ("b", uses("leaf", 1)),
        ("c", uses("leaf", 1)),
        ("leaf", LEAF.to_owned()),
    ];
    assert_eq!(linted(&files), Vec::<String>::new());
    let plan = planned(&files).unwrap();
    let facts: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            (step.save.as_deref().unwrap_or_default(), step.text.as_str(), step.id.as_deref().unwrap_or_default())
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("2/room", "", ""),
            ("", "{{saved:2/room}}", "2/told"),
            ("4/room", "", ""),
            ("", "{{saved:4/room}}", "4/told")
        ]
    );
    assert!(plan.steps.iter().all(|step| step.part.as_deref() == Some("t/leaf")));
    let included: Vec<&str> = plan.uses.keys().map(String::as_str).collect();
    assert_eq!(included, ["t/b", "t/c", "t/leaf"]);
}

#[test]
fn eight_within_one_another_are_taken_and_nine_are_not() {
    let chain = |length: usize| {
        let names = ["x", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let link = |place: usize| match place {
            last if last == length => LEAF.to_owned(),
            place => uses(names[place + 1], 1),
        };
        (0..=length).map(|place| (names[place], link(place))).collect::<Vec<_>>()
    };
    assert_eq!(linted(&chain(8)), Vec::<String>::new());
    assert_eq!(planned(&chain(8)).unwrap().steps.len(), 2);
    let deep = "x.toml:6:7: procedures include one another more than 8 deep";
    assert_eq!(linted(&chain(9)), [deep]);
    assert_eq!(planned(&chain(9)).unwrap_err(), ["x:6:7: procedures include one another more than 8 deep"]);
}

#[test]
fn few_files_cannot_make_more_steps_than_can_be_counted() {
    let names = ["x", "b", "c", "d", "e", "f", "g", "h", "i"];
    let mut files: Vec<_> = names.windows(2).map(|pair| (pair[0], uses(pair[1], 10))).collect();
    files.push(("i", LEAF.to_owned()));
    let began = Instant::now();
    let lines = linted(&files);
    assert!(began.elapsed() < Duration::from_secs(120), "a hundred million steps were counted");
    assert_eq!(lines.len(), 10, "{lines:?}");
    assert!(lines.iter().all(|text| text.ends_with("more than 20000 steps with what is included")), "{lines:?}");
    // Each way ends too deep, and none brings a step.
    files.insert(0, ("y", uses("x", 10)));
    let messages = linted(&files);
    assert!(messages.iter().any(|output| output.ends_with("more than 8 deep")), "{messages:?}");
}
