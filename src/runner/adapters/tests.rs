//! Procedures read with the real adapters: valid files, and files with known errors.

use super::*;
use crate::config::packs::Pack;
use crate::config::reader::LARGEST_FILE;
use crate::domain::{Fact, Observation, Row, TargetKind, Verdict};
use crate::procedure::Catalog;
use crate::procedure::acts_on::Refusal;
use crate::procedure::catalog::Library;
use crate::procedure::plan::{Plan, UndoPlan};
use crate::procedure::read::{lint, read};
use std::collections::BTreeMap;
use std::path::Path;

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/procedures").join(kind);
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

fn report(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap();
    lint(&text, Path::new(name), &BuiltIn::default()).iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn valid_procedures_have_no_problem() {
    let files = fixtures("valid");
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(report(&file), "");
    }
}

#[test]
fn invalid_procedures_have_exactly_the_known_problems() {
    let files = fixtures("invalid");
    assert!(files.len() > 20);
    for file in files {
        let expected = std::fs::read_to_string(file.with_extension("expected")).unwrap_or_default();
        let text = report(&file);
        assert_ne!(text, "", "{}", file.display());
        if std::env::var_os("MIDWATCH_EXPECT").is_some() {
            std::fs::write(file.with_extension("expected"), &text).unwrap();
        } else {
            assert_eq!(text, expected, "{}", file.display());
        }
    }
}

fn all() -> crate::procedure::Procedure {
    let file = fixtures("valid").into_iter().find(|file| file.ends_with("all.toml")).unwrap();
    read(&std::fs::read_to_string(&file).unwrap(), &file, &BuiltIn::default()).unwrap()
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_plan_is_filled_in_and_leaves_only_the_run_open() {
    let params = given(&[("root", "/srv/cell0/"), ("env", "production"), ("jobs", "4")]);
    let plan = Plan::make(&all(), &params, "e", "other", &BuiltIn::default(), &Library::default()).unwrap();
    assert_eq!((plan.title.as_str(), plan.root.as_deref()), ("All of production", Some("/srv/cell0")));
    assert_eq!(plan.locks, ["host", "production"]);
    assert_eq!(plan.params["days"], "7");
    let lines: Vec<_> = plan.steps.iter().filter_map(|step| step.act.as_ref()).map(|act| act.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "df -h -- /srv/cell0",
            "GET http://127.0.0.1:1/production answers 204 within 500 ms, 3 times",
            "/opt/job 4 --dir={{run.dir}} hello",
            "delete data/**/*.tmp except pre-* older than 7 d, keeping the newest 3",
            "move *.gz older than 12 h to old/production",
            "list data/*",
        ]
    );
    assert_eq!(plan.steps[2].timeout_s, 4800);
    assert!(matches!(&plan.steps[4].undo, UndoPlan::Undo(undo) if undo.least == EffectClass::Change));
    let json = plan.to_json().unwrap();
    assert_eq!(Plan::from_json(&json).unwrap(), plan);
    assert!(!String::from_utf8(json).unwrap().replace("{{run.id}}", "").replace("{{run.dir}}", "").contains("{{"));
}

#[test]
fn parameters_that_do_not_fit_are_all_named() {
    let params = given(&[("root", "srv"), ("days", "31"), ("wrod", "x")]);
    let problems = Plan::make(&all(), &params, "e", "other", &BuiltIn::default(), &Library::default()).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        lines,
        [
            "`wrod` is not a parameter of tests/all",
            "`root` must be an absolute path, not \"srv\"",
            "`days` must be 1 to 30 days, not \"31\"",
            "`env` needs a value: one of staging, production",
        ]
    );
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `word`?"));
}

fn mount(path: &str, ratio: f64) -> Row {
    let mut row = Row::unread(TargetKind::Mount, "data".to_owned(), String::new(), Duration::from_secs(5));
    row.saw(Observation {
        verdict: Verdict::Ok,
        detail: String::new(),
        facts: BTreeMap::from([
            ("path", Fact::Text(path.to_owned())),
            ("used_ratio", Fact::Real(ratio)),
            ("configured", Fact::Bool(true)),
        ]),
        observed_at: Wall::from_unix(0, 0),
        trend: None,
    });
    row
}

#[test]
fn rows_offer_what_acts_on_them() {
    let all = all();
    assert_eq!(all.offer(&mount("/srv", 0.84)), Ok(given(&[("root", "/srv"), ("word", "on data")])));
    for row in [mount("/srv", 0.5), mount("/", 0.9), mount("relative", 0.9), mount("/srv", f64::NAN)] {
        assert_eq!(all.offer(&row).unwrap_err().len(), 1, "{row:?}");
    }
    let unread = Row::unread(TargetKind::Mount, "x".to_owned(), String::new(), Duration::from_secs(5));
    assert_eq!(all.offer(&unread), Err(vec![Refusal::Unread]));
    let other = Row::unread(TargetKind::Certificate, "x".to_owned(), String::new(), Duration::from_secs(5));
    assert_eq!(all.offer(&other), Err(Vec::new()), "it acts on no certificate, and has no reason");
}

#[test]
fn what_is_built_in_is_sound_and_offered_from_a_mount() {
    let catalog = Catalog::read(None, &Pack::ALL, &BuiltIn::default());
    assert_eq!(catalog.problems(), []);
    let mut found = mount("/", 0.1);
    if let Some(seen) = &mut found.observation {
        seen.facts.insert("configured", Fact::Bool(false));
    }
    assert_eq!(catalog.offers(&found), [], "a mount that the estate does not name has no offers");
    let offers = catalog.offers(&mount("/srv/cell0", 0.1));
    let ids: Vec<_> = offers.iter().map(|(procedure, _)| procedure.id.as_str()).collect();
    assert_eq!(ids, ["cell0/archive-logs", "cell0/data-retention", "cell0/health-check"]);
    for (procedure, params) in offers {
        Plan::make(procedure, &params, "e", "other", &BuiltIn::default(), catalog.library()).unwrap();
    }
    assert_eq!(catalog.find("cell0/data-retention").unwrap().effect(), EffectClass::Destroy);
    let missing = catalog.find("cell0/data-retentoin").unwrap_err();
    assert_eq!((missing.kind, missing.hints[0].as_str()), (Kind::Usage, "did you mean cell0/data-retention?"));
}

fn row(kind: TargetKind, target: &str, facts: &[(&'static str, Fact)]) -> Row {
    let mut row = Row::unread(kind, target.to_owned(), String::new(), Duration::from_secs(5));
    row.saw(Observation {
        verdict: Verdict::Ok,
        detail: String::new(),
        facts: facts.iter().cloned().collect(),
        observed_at: Wall::from_unix(0, 0),
        trend: None,
    });
    row
}

#[test]
fn rows_of_every_kind_offer_what_is_built_in_for_them() {
    let text = |text: &str| Fact::Text(text.to_owned());
    let estate = "schema = 1\nname = \"e\"\nenvironment = \"other\"\n[[postgres]]\nname = \"main\"\nwatch = \"service=w\"\nact = \"service=a\"\n";
    let adapters = BuiltIn::of(&Estate::parse(estate, Path::new("midwatch.toml")).unwrap());
    let catalog = Catalog::read(None, &Pack::ALL, &adapters);
    let bloat = |kind: &str, can_act: bool| {
        let facts =
            [("kind", text(kind)), ("schema", text("a b")), ("name", text("it's")), ("can_act", Fact::Bool(can_act))];
        row(TargetKind::Bloat, "main", &facts)
    };
    let cases = [
        (bloat("table", true), Some(("common/vacuum-table", "main: VACUUM (ANALYZE) \"a b\".\"it's\""))),
        (bloat("index", true), Some(("common/reindex-index", "main: REINDEX INDEX CONCURRENTLY \"a b\".\"it's\""))),
        (bloat("table", false), None),
        (bloat("matview", true), None),
        (
            row(TargetKind::Unit, "failed units", &[("unit", text("a.service")), ("load_state", text("loaded"))]),
            Some(("common/restart-unit", "restart a.service")),
        ),
        (row(TargetKind::Unit, "a.service", &[("unit", text("a.service")), ("load_state", text("not-found"))]), None),
        (
            row(TargetKind::Backup, "db", &[("directory", text("/backups")), ("newest", text("a.dump"))]),
            Some(("common/verify-backup", "the newest a.dump matches its SHA-256")),
        ),
        (row(TargetKind::Backup, "db", &[("directory", text("/backups"))]), None),
    ];
    for (row, expected) in cases {
        let offers = catalog.offers(&row);
        let ids: Vec<_> = offers.iter().map(|(procedure, _)| procedure.id.as_str()).collect();
        assert_eq!(ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{row:?}");
        for (procedure, params) in offers {
            let plan = Plan::make(procedure, &params, "e", "other", &adapters, catalog.library()).unwrap();
            let lines: Vec<_> = plan.steps.iter().filter_map(|step| Some(step.act.as_ref()?.line.as_str())).collect();
            assert!(lines.contains(&expected.unwrap().1), "{lines:?}");
        }
    }
}

#[test]
fn the_catalog_survives_what_lies_beside_the_estate() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join("procedures").join(name);
    std::fs::create_dir_all(at("deep/er")).unwrap();
    let own = "format = 1\nid = \"cell0/archive-logs\"\ntitle = \"Ours\"\nphases = [\"a\"]\n[[a]]\ntitle = \"M\"\nmanual = \"x\"\n";
    std::fs::write(at("deep/er/own.toml"), own).unwrap();
    std::fs::write(at("deep/er/twice.toml"), own).unwrap();
    std::fs::write(at("bytes.toml"), b"title = \"\xff\"\n").unwrap();
    std::fs::File::create(at("large.toml")).unwrap().set_len(LARGEST_FILE + 1).unwrap();
    std::fs::write(at("notes.txt"), "not one").unwrap();
    std::os::unix::fs::symlink(home.path(), at("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("device.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", at("dangling.toml")).unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(at("pipe.toml")).status().unwrap();
    assert!(fifo.success());
    let catalog = Catalog::read(Some(&home.path().join("midwatch.toml")), &Pack::ALL, &BuiltIn::default());
    assert_eq!(catalog.find("cell0/archive-logs").unwrap().title(), "Ours");
    let lines: Vec<_> = catalog
        .problems()
        .iter()
        .map(|p| format!("{}: {}", p.file.file_name().unwrap().display(), p.message.split(" /").next().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            "bytes.toml: line 1 is not UTF-8 text",
            "dangling.toml: cannot open it: no such file or directory",
            "twice.toml: the id `cell0/archive-logs` is taken by",
            "device.toml: it is a character device, not a file",
            "large.toml: it is larger than 4.0 MiB",
            "pipe.toml: it is a FIFO, not a file",
            "archive-logs.toml: the id `cell0/archive-logs` is taken by",
        ]
    );
}

#[test]
fn trusted_reads_may_check() {
    let text = "format = 1\nid = \"t\"\ntitle = \"T\"\nphases = [\"a\"]\n[[a]]\ntitle = \"C\"\ncheck = { exec = [\"/opt/doctor.py\", \"--json\"] }\n";
    assert_eq!(lint(text, Path::new("f"), &BuiltIn::default()).len(), 1);
    assert_eq!(lint(text, Path::new("f"), &BuiltIn::new(vec!["/opt/doctor.py".to_owned()])), []);
}

#[test]
fn twenty_thousand_steps_are_read_and_one_more_is_refused() {
    let head = "format = 1\nid = \"t\"\ntitle = \"T\"\nphases = [\"a\"]\n";
    let step = "[[a]]\ntitle = \"M\"\nmanual = \"x\"\n";
    let many = format!("{head}{}", step.repeat(20_000));
    assert_eq!(lint(&many, Path::new("f"), &BuiltIn::default()), []);
    assert_eq!(lint(&format!("{many}{step}"), Path::new("f"), &BuiltIn::default())[0].message, "more than 20000 steps");
}

/// Files by name and text, and the expected messages about the first.
type Linted<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

/// Lints the first of some files with the others beside it.
fn linted(files: &[(&str, &str)]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| home.path().join(format!("{name}.toml"))).collect();
    for (path, (name, text)) in paths.iter().zip(files) {
        let head = format!("format = 1\nid = \"t/{name}\"\ntitle = \"T\"\nphases = [\"a\"]\n");
        std::fs::write(path, head + text).unwrap();
    }
    let text = std::fs::read_to_string(&paths[0]).unwrap();
    let problems = Catalog::read(None, &Pack::ALL, &BuiltIn::default()).beside(&paths, &BuiltIn::default()).lint(
        &text,
        &paths[0],
        &BuiltIn::default(),
    );
    let home = home.path().display().to_string() + "/";
    problems.iter().map(|problem| problem.to_string().replace(&home, "")).collect()
}

const LOOKS: &str = "[[a]]\ntitle = \"L\"\ncheck = { exec = [\"true\"] }\n";

#[test]
fn what_is_included_must_be_there_take_its_parameters_and_not_come_back() {
    let uses = |id: &str| format!("[[a]]\nuse = \"{id}\"\n");
    let wants = "[params]\nroot = { path = true }\ndays = { int = [1, 3], default = 2 }\n[[a]]\ntitle = \"{{days}}\"\ncheck = { exec = [\"ls\", \"{{root}}\"] }\n";
    let acts = "[[a]]\ntitle = \"L\"\neffect = \"change\"\ndo = { exec = [\"true\"] }\nundo = { none = \"x\" }\n";
    let sound = "[[a]]\nuse = \"t/wants\"\nparams = { root = \"/srv\", days = 3 }\n";
    let wrong = "[[a]]\nuse = \"t/wants\"\nparams = { rot = \"/srv\", days = 4 }\n";
    let of_text = "[params]\nwhere = { text = true }\n[[a]]\nuse = \"t/wants\"\nparams = { root = \"{{where}}\" }\n";
    let (to_b, to_c, to_a, to_lost) = (uses("t/b"), uses("t/c"), uses("t/x"), uses("t/lokks"));
    let run = "[[a]]\ntitle = \"R\"\ncheck = { run = \"t/lokks\", since = \"1h\" }\n";
    let listed = "order = \"any\"\n[[a]]\nuse = \"t/acts\"\n";
    let cases: [Linted<'_>; 9] = [
        (&[("x", sound), ("wants", wants)], &[]),
        (&[("x", of_text), ("wants", wants)], &[]),
        (
            &[("x", wrong), ("wants", wants)],
            &[
                "x.toml:6:7: `t/wants` needs its parameter `root`: an absolute path",
                "x.toml:7:12: `rot` is not a parameter of t/wants (did you mean `root`?)",
                "x.toml:7:33: `days` must be a whole number from 1 to 3, not \"4\"",
            ],
        ),
        (
            &[("x", &to_lost), ("looks", LOOKS)],
            &["x.toml:6:7: there is no procedure `t/lokks` (did you mean `t/looks`?)"],
        ),
        (&[("x", run), ("looks", LOOKS)], &["x.toml:7:9: there is no procedure `t/lokks` (did you mean `t/looks`?)"]),
        (&[("x", &to_a)], &["x.toml:6:7: a procedure cannot include itself: t/x → t/x"]),
        (
            &[("x", &to_b), ("b", &to_c), ("c", &to_a)],
            &["x.toml:6:7: a procedure cannot include itself: t/x → t/b → t/c → t/x"],
        ),
        (
            &[("x", listed), ("acts", acts)],
            &[
                "x.toml:7:7: `t/acts` makes changes in the order it lists, which a checklist does not keep (run it by itself, and look for its run: check = { run = \"t/acts\", since = \"24h\" })",
            ],
        ),
        (&[("x", &acts.replace("[[a]]", "order = \"any\"\n[[a]]"))], &[]),
    ];
    for (files, expected) in cases {
        assert_eq!(linted(files), expected, "{files:?}");
    }
}

#[test]
fn a_plan_has_the_steps_of_what_it_includes() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("procedures")).unwrap();
    let write = |name: &str, text: &str| {
        let head = format!("format = 1\nid = \"t/{name}\"\ntitle = \"T\"\n");
        std::fs::write(home.path().join("procedures").join(format!("{name}.toml")), head + text).unwrap();
    };
    let read = "[[one]]\ntitle = \"Read\"\nid = \"r\"\nread = { exec = [\"cat\", \"{{root}}/x\"] }\nsave = \"was\"\n[[two]]\nnotify = \"was {{was}} {{was.output}}\"\n";
    write(
        "inner",
        &format!("lock = [\"host\"]\nphases = [\"one\", \"two\"]\n[params]\nroot = {{ path = true }}\n{read}"),
    );
    let twice = "[[a]]\nuse = \"t/inner\"\nparams = { root = \"{{root}}\" }\n".repeat(2);
    let own = "[[b]]\ntitle = \"Own\"\nread = { exec = [\"true\"] }\nsave = \"was\"\n[[b]]\nnotify = \"{{was}}\"\n";
    write(
        "outer",
        &format!("lock = [\"disk\"]\nphases = [\"a\", \"b\"]\n[params]\nroot = {{ path = true }}\n{twice}{own}"),
    );
    let catalog = Catalog::read(Some(&home.path().join("midwatch.toml")), &Pack::ALL, &BuiltIn::default());
    assert_eq!(catalog.problems(), []);
    let outer = catalog.find("t/outer").unwrap();
    let plan =
        Plan::make(outer, &given(&[("root", "/srv")]), "e", "other", &BuiltIn::default(), catalog.library()).unwrap();
    let facts: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let what = step.act.as_ref().map_or(step.text.as_str(), |act| act.line.as_str());
            (step.phase.as_str(), step.part.as_deref().unwrap_or("-"), step.save.as_deref().unwrap_or("-"), what)
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("a", "t/inner", "1/was", "cat /srv/x"),
            ("a", "t/inner", "-", "was {{saved:1/was}} {{saved:1/was.output}}"),
            ("a", "t/inner", "2/was", "cat /srv/x"),
            ("a", "t/inner", "-", "was {{saved:2/was}} {{saved:2/was.output}}"),
            ("b", "-", "was", "true"),
            ("b", "-", "-", "{{saved:was}}"),
        ]
    );
    assert_eq!(plan.steps[2].id.as_deref(), Some("2/r"));
    assert_eq!(plan.locks, ["disk", "host"]);
    assert_eq!(plan.uses["t/inner"], catalog.find("t/inner").unwrap().source);
    let lost = Plan::make(outer, &given(&[("root", "/srv")]), "e", "other", &BuiltIn::default(), &Library::default());
    assert_eq!(lost.unwrap_err().len(), 2);
}

#[test]
fn what_includes_something_wrong_is_not_in_the_catalog() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("procedures")).unwrap();
    for (name, uses) in [("x", "t/y"), ("y", "t/x"), ("z", "t/y"), ("w", "cell0/health-chekc")] {
        let text = format!("format = 1\nid = \"t/{name}\"\ntitle = \"T\"\nphases = [\"a\"]\n[[a]]\nuse = \"{uses}\"\n");
        std::fs::write(home.path().join("procedures").join(format!("{name}.toml")), text).unwrap();
    }
    let catalog = Catalog::read(Some(&home.path().join("midwatch.toml")), &Pack::ALL, &BuiltIn::default());
    assert!(catalog.procedures().all(|procedure| !procedure.id.starts_with("t/")));
    let lines: Vec<_> = catalog.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert!(lines.contains(&"a procedure cannot include itself: t/x → t/y → t/x"), "{lines:?}");
    assert!(lines.contains(&"there is no procedure `cell0/health-chekc`"), "{lines:?}");
}
