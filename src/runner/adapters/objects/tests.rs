//! Parsing of the table, and a local directory as a store. Buckets are tested through the real runner.

use super::*;
use crate::config::reader::parse as parse_toml;
use crate::domain::{Error, Preview, Wall};
use crate::journal::record::Ending;
use crate::procedure::plan::Limit;
use crate::runner::adapters::{self, ActEnd, Look, Proof};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

fn read(purpose: Purpose, toml: &str, of: Option<&Action>) -> Result<Action, String> {
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let scope = Scope { of: of.cloned(), ..Scope::default() };
    let action = parse(purpose, table, &scope, None, &mut problems);
    let lines: Vec<String> = problems.into_sorted().into_iter().map(|problem| problem.message).collect();
    action.filter(|_| lines.is_empty()).ok_or_else(|| lines.join("; "))
}

fn look() -> Look {
    Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: "h".to_owned(),
        effect: EffectClass::Destroy,
        now: Wall::from_unix(i64::try_from(seconds()).unwrap(), 0),
        deadline: Instant::now() + Duration::from_secs(60),
        restless: Vec::new(),
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn froze(action: &Action, look: &Look) -> Result<(Preview, Vec<u8>), Error> {
    let mut set = Vec::new();
    preview(action, look, &mut set).map(|preview| (preview, set))
}

fn acted(action: &Action, set: &[u8]) -> (ActEnd, String) {
    let mut out = Vec::new();
    let end = act(action, &mut &*set, &mut out, &AtomicBool::new(false));
    (end, String::from_utf8(out).unwrap())
}

fn proven(action: &Action, set: &[u8]) -> Proof {
    prove(action, &mut &*set, &mut Vec::new(), &AtomicBool::new(false))
}

#[test]
fn what_does_not_fit_is_refused() {
    let cases = [
        (Purpose::Do, "objects = 'puts'", "`objects` must be one of list, get, newest, verify, put"),
        (
            Purpose::Do,
            "objects = 'list'\nunder = 's3://bucket/'",
            "`objects = \"list\"` belongs under `read`, not `do`",
        ),
        (Purpose::Do, "objects = 'put'\nfrom = '/x'\nto = 'ftp://b/'", "`to` must be a place in an object store"),
        (Purpose::Do, "objects = 'put'\nfrom = '/x'\nto = 's3://UPPER/x'", "`to` must be a place in an object store"),
        (Purpose::Do, "objects = 'put'\nfrom = '/x'\nto = 's3://bucket/'", "`to` must name a prefix of the bucket"),
        (Purpose::Do, "objects = 'put'\nfrom = 'x'\nto = 's3://bucket/x'", "`from` must be an absolute path"),
        (Purpose::Do, "objects = 'delete'\nunder = 's3://bucket/x/'", "`match` is missing"),
        (Purpose::Do, "objects = 'delete'\nunder = 's3://bucket/x/'\nmatch = 'a/b'", "is not a pattern"),
        (
            Purpose::Do,
            "objects = 'delete'\nunder = 's3://bucket/x/'\nmatch = '*'\nbatch = 0",
            "`batch` must be from 1 to 1000",
        ),
        (
            Purpose::Do,
            "objects = 'delete'\nunder = 'file://relative'\nmatch = '*'",
            "`under` must name an absolute directory",
        ),
        (Purpose::Check, "objects = 'newest'\nunder = 's3://bucket/x/'\nmatch = '*'", "`younger` is missing"),
        (Purpose::Prove, "objects = 'same-sha256'", "`same-sha256` follows `put` of objects only"),
        (Purpose::Do, "objects = 'put'\nfrom = '/x'\nto = 's3://bucket/x'\nkeep = 1", "unknown key `keep`"),
    ];
    for (purpose, toml, why) in cases {
        let text = read(purpose, toml, None).unwrap_err();
        assert!(text.contains(why), "{toml}: {text}");
    }
}

#[test]
fn the_least_effect_is_that_of_the_action() {
    let least = |purpose, toml: &str| read(purpose, toml, None).unwrap().least;
    let put = "objects = 'put'\nfrom = '{{run.dir}}/x'\nto = 's3://bucket/{{run.id}}/'";
    assert_eq!(least(Purpose::Do, put), EffectClass::Change);
    assert_eq!(least(Purpose::Do, &format!("{put}\noverwrite = true")), EffectClass::Destroy);
    assert_eq!(least(Purpose::Do, "objects = 'delete'\nunder = 's3://bucket/x/'\nmatch = '*'"), EffectClass::Destroy);
    assert_eq!(least(Purpose::Read, "objects = 'list'\nunder = 's3://bucket/x/'"), EffectClass::Read);
    assert_eq!(least(Purpose::Read, "objects = 'get'\nfrom = 's3://bucket/x'"), EffectClass::Read);
}

#[test]
fn the_keys_of_a_store_are_kept_by_their_places() {
    let text = "schema = 1\nname = 'n'\nenvironment = 'other'\n[secrets]\nid = 'env:ID'\nkey = 'env:KEY'\n[[store]]\nname = 's'\n\
                bucket = 'nova-backups'\nendpoint = 'http://127.0.0.1:1/'\naccess_key = 'secret:id'\nsecret_key = 'secret:key'\n";
    let estate = Estate::parse(text, Path::new("f")).unwrap();
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml("objects = 'list'\nunder = 's3://nova-backups/x/'", &mut problems);
    let known = Known::of(&estate);
    let action = parse(Purpose::Read, table, &Scope::default(), Some(&known), &mut problems).unwrap();
    let plan = serde_json::to_string(&action).unwrap();
    assert!(plan.contains("http://127.0.0.1:1") && plan.contains("\"env\":\"KEY\""), "{plan}");
}

#[test]
fn a_directory_is_a_store() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    fs::create_dir_all(from.join("deep")).unwrap();
    fs::create_dir(&to).unwrap();
    fs::write(from.join("db.dump"), "database").unwrap();
    fs::write(from.join("deep/x.json"), "{}").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
    let toml = format!("objects = 'put'\nfrom = '{}'\nto = 'file://{}/'", from.display(), to.display());
    let action = read(Purpose::Do, &toml, None).unwrap();
    let (preview, set) = froze(&action, &look()).unwrap();
    assert_eq!(
        (preview.count, preview.bytes, preview.warnings.clone()),
        (2, Some(10), vec!["1 symbolic link left out".to_owned()])
    );
    let proof = read(Purpose::Prove, "objects = 'same-sha256'", Some(&action)).unwrap();
    assert_eq!(proven(&proof, &set), Proof::NotDone("0 of 2 have the SHA-256 of their file, 2 not there".to_owned()));
    let (end, text) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["put"]), (Ending::Ok, 2), "{text}");
    assert_eq!(fs::read_to_string(to.join("deep/x.json")).unwrap(), "{}");
    assert!(matches!(proven(&proof, &set), Proof::Done(_)));
    assert_eq!(acted(&action, &set).0.counts["already"], 2);
    assert!(froze(&action, &look()).unwrap().0.warnings.contains(&"2 objects are there already, the same".to_owned()));
    // Different content of the same length is different.
    fs::write(to.join("db.dump"), "databose").unwrap();
    let (end, message) = acted(&action, &set);
    assert!(end.ending == Ending::Failed && message.contains("an object of other content is there"), "{message}");
    assert!(matches!(proven(&proof, &set), Proof::Unclear(_)));
    assert!(froze(&action, &look()).unwrap_err().message.contains("with other content: db.dump"));
    fs::write(from.join("db.dump"), "grown since").unwrap();
    let (_, sentence) = acted(&action, &set);
    assert!(sentence.contains("left alone db.dump: it changed since it was frozen"), "{sentence}");
}

#[test]
fn what_a_run_keeps_of_itself_is_not_put() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("run"), home.path().join("to"));
    fs::create_dir_all(from.join("sets")).unwrap();
    fs::create_dir(&to).unwrap();
    for name in ["plan.json", "journal.jsonl", "sets/abc", "db.dump"] {
        fs::write(from.join(name), "x").unwrap();
    }
    let toml = format!("objects = 'put'\nfrom = '{}'\nto = 'file://{}'", from.display(), to.display());
    let (_, set) = froze(&read(Purpose::Do, &toml, None).unwrap(), &look()).unwrap();
    let (all, shown) = adapters::items(&mut &*set, 0, 9).unwrap();
    assert_eq!((all, shown[0].name.as_str(), shown[0].to.as_deref()), (1, "db.dump", Some("db.dump")));
}

#[test]
fn a_delete_takes_the_old_keeps_the_newest_and_leaves_what_changed() {
    let home = tempfile::tempdir().unwrap();
    for (name, days) in [("a.dump", 400), ("b.dump", 300), ("c.dump", 250), ("d.dump", 1), ("pre-1.dump", 500)] {
        let path = home.path().join(name);
        fs::write(&path, name).unwrap();
        let then = SystemTime::now() - Duration::from_secs(days * 86_400);
        fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }
    let more = "match = '*.dump'\nexcept = ['pre-*']\nolder = '180d'\nkeep_newest = 2\n";
    let toml = format!("objects = 'delete'\nunder = 'file://{}'\n{more}", home.path().display());
    let action = read(Purpose::Do, &toml, None).unwrap();
    let (preview, set) = froze(&action, &look()).unwrap();
    assert_eq!((preview.count, preview.of, preview.phrase.as_str()), (2, Some(4), "delete 2 objects"));
    assert_eq!(froze(&action, &look()).unwrap().1, set, "nothing in it ages");
    let over = Look { limit: Some(Limit::Count(1)), ..look() };
    assert!(froze(&action, &over).unwrap_err().message.contains("over its limit: 2 of 4 objects"));
    fs::write(home.path().join("a.dump"), "new content").unwrap();
    let proof = read(Purpose::Prove, "objects = 'gone'", Some(&action)).unwrap();
    let (end, text) = acted(&action, &set);
    assert_eq!((end.counts["deleted"], end.counts["left_alone"]), (1, 1), "{text}");
    assert!(text.contains("left alone a.dump: it changed since it was frozen"), "{text}");
    assert!(matches!(proven(&proof, &set), Proof::Unclear(_)));
    assert!(home.path().join("pre-1.dump").exists() && !home.path().join("b.dump").exists());
    assert_eq!(acted(&action, &set).0.counts["already"], 1);
}
