//! Rotation, archiving, permissions and scans.

use super::*;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROTATE: &str = "files = 'rotate'\nunder = 'logs'\nmatch = '*.log'\nlarger = '10B'\nreopen = 'each-line'\n";
const ARCHIVE: &str =
    "files = 'archive'\nunder = 'logs'\nmatch = '*.log*'\nolder = '7d'\nto = 'logs/archive'\nrecursive = true\n";

fn refused(toml: &str) -> String {
    let tree = Tree::new();
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let scope = Scope { root: Some(tree.root().display().to_string()), ..Scope::default() };
    let action = parse(Purpose::Do, table, &scope, &mut problems);
    let lines: Vec<String> = problems.into_sorted().into_iter().map(|problem| problem.message).collect();
    assert!(action.is_none() || !lines.is_empty(), "{toml}");
    lines.join("; ")
}

fn unpacked(path: &Path) -> Vec<u8> {
    Command::new("gzip").args(["-d", "-c"]).stdin(File::open(path).unwrap()).output().unwrap().stdout
}

#[test]
fn a_rotation_must_name_how_the_writer_reopens_and_never_copies() {
    let base = "files = 'rotate'\nunder = 'logs'\nmatch = '*.log'\n";
    let cases = [
        ("", "`reopen` must name how the writer is made to reopen its log"),
        ("reopen = 'copytruncate'", "copying and truncating loses what is written in between"),
        ("copytruncate = true", "copying and truncating loses what is written in between"),
        ("reopen = { unit = 'a.service' }", "`reopen` needs either `signal` or `reload = true`"),
        ("reopen = { unit = 'a.service', signal = 'KILL' }", "`signal` must be HUP, USR1 or USR2, not \"KILL\""),
        ("reopen = { unit = 'nginx', reload = true }", "\"nginx\" is not the name of a unit"),
        ("reopen = 'each-line'\nolder = 3", "unknown key `older`"),
    ];
    for (more, why) in cases {
        assert!(refused(&format!("{base}{more}")).contains(why), "{more}: {}", refused(&format!("{base}{more}")));
    }
}

#[test]
fn a_rotation_keeps_owner_and_mode_and_loses_no_line() {
    let tree = Tree::new();
    let log = tree.file("logs/api.log", 20, 3);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o640)).unwrap();
    tree.file("logs/api.log.1", 3, 4);
    tree.file("logs/api.log.rotated-7.gz", 3, 4);
    tree.file("logs/small.log", 3, 1);
    let action = tree.act_of(ROTATE);
    assert_eq!(action.line, "rotate logs/*.log from 10 B on, then notify no writer (it opens the log for each line)");
    let (preview, set) = frozen(&action);
    assert_eq!((preview.headline.as_str(), preview.count), ("Rotate 1 log under logs", 1));
    let (_, shown) = items(&mut &*set, 0, 9).unwrap();
    assert_eq!((shown[0].to.as_deref(), shown[0].bytes), (Some("logs/api.log.rotated-8"), None));
    // It grows during the prompt, and the set stays the same.
    fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"more").unwrap();
    assert_eq!(frozen(&action).1, set);
    let proof = tree.action(Purpose::Prove, "files = 'rotated'", Some(&action));
    assert!(matches!(proven(&proof, &set), Proof::NotDone(_)));
    let (end, _) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["rotated"]), (Ending::Ok, 1), "{end:?}");
    let fresh = fs::metadata(&log).unwrap();
    assert_eq!((fresh.len(), fresh.mode() & 0o7777, fresh.uid()), (0, 0o640, rustix::process::geteuid().as_raw()));
    assert_eq!(fs::metadata(tree.at("logs/api.log.rotated-8")).unwrap().len(), 24);
    assert_eq!(proven(&proof, &set), Proof::Done("1 of 1 rotated, 0 still at their place".to_owned()));
    assert!(acted(&action, &set).0.detail.starts_with("rotated 0 of 1, 1 already so"));
    // Lines written since are kept beside the log that gets its name back.
    fs::write(&log, "since").unwrap();
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    assert_eq!(acted(&undo, &set).0.counts["restored"], 1);
    assert_eq!(fs::metadata(&log).unwrap().len(), 24);
    assert_eq!(fs::read_to_string(tree.at("logs/api.log.rotated-8")).unwrap(), "since");
    assert_eq!(acted(&undo, &set).0.counts["already"], 1);
}

#[test]
fn a_log_that_is_kept_open_is_not_rotated_behind_its_writers_back() {
    let tree = Tree::new();
    let log = tree.file("logs/api.log", 20, 3);
    let action = tree.act_of(ROTATE);
    let _writer = fs::OpenOptions::new().append(true).open(&log).unwrap();
    let error = froze(&action, &look()).unwrap_err();
    assert!(error.kind == Kind::Refused && error.message.contains("keeps a log open"), "{error:?}");
}

#[test]
fn another_file_in_the_place_of_a_log_is_left_alone() {
    let tree = Tree::new();
    let log = tree.file("logs/api.log", 20, 3);
    let action = tree.act_of(ROTATE);
    let (_, set) = frozen(&action);
    fs::rename(&log, tree.at("logs/kept")).unwrap();
    tree.file("logs/api.log", 30, 1);
    let (end, text) = acted(&action, &set);
    assert!(end.ending == Ending::Failed && text.contains("it is another file than the one shown"), "{text}");
    assert_eq!(tree.all(), ["root/logs/api.log", "root/logs/kept"]);
}

#[test]
fn archives_keep_the_tree_and_never_meet() {
    let tree = Tree::new();
    for name in ["logs/a/app.log.1", "logs/b/app.log.1", "logs/app.log", "logs/c/app.log.2.gz"] {
        fs::set_permissions(tree.file(name, 5000, 30), fs::Permissions::from_mode(0o640)).unwrap();
    }
    tree.file("logs/young.log", 9, 2);
    tree.file("logs/archive/b/app.log.1.gz", 4, 90);
    let action = tree.act_of(ARCHIVE);
    let (preview, set) = frozen(&action);
    assert_eq!(names(&set), ["logs/a/app.log.1", "logs/app.log", "logs/b/app.log.1"]);
    assert!(preview.warnings.contains(&"1 file left out: compressed already".to_owned()), "{preview:?}");
    assert!(
        preview.warnings.contains(&"1 file with a time in the new name: the name is taken in logs/archive".to_owned())
    );
    let proof = tree.action(Purpose::Prove, "files = 'archived'", Some(&action));
    assert!(matches!(proven(&proof, &set), Proof::NotDone(_)));
    let (end, _) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["archived"]), (Ending::Ok, 3), "{end:?}");
    let packed = tree.at("logs/archive/a/app.log.1.gz");
    assert_eq!(unpacked(&packed), vec![b'x'; 5000]);
    assert_eq!(fs::metadata(&packed).unwrap().mode() & 0o7777, 0o640);
    let age = fs::metadata(&packed).unwrap().modified().unwrap().elapsed().unwrap();
    assert!(age < Duration::from_secs(3600), "how long it is kept counts from now: {age:?}");
    assert_eq!(proven(&proof, &set), Proof::Done("3 of 3 archived, 0 still at their place".to_owned()));
    assert_eq!(acted(&action, &set).0.counts["already"], 3);
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    let before = tree.all();
    assert_eq!(acted(&undo, &set).0.counts["restored"], 3);
    let back = fs::metadata(tree.at("logs/a/app.log.1")).unwrap();
    assert_eq!((back.len(), back.mode() & 0o7777), (5000, 0o640));
    assert_eq!(back.mtime(), NOW - 30 * i64::try_from(DAY).unwrap());
    assert_eq!(acted(&undo, &set).0.counts["already"], 3);
    assert_eq!(before.len(), tree.all().len());
}

#[test]
fn what_is_written_to_is_never_archived_and_what_changed_is_left_alone() {
    let tree = Tree::new();
    let open = tree.file("logs/open.log", 100, 30);
    tree.file("logs/calm.log", 100, 30);
    tree.file("logs/grown.log", 100, 30);
    let action = tree.act_of(ARCHIVE);
    let writer = fs::OpenOptions::new().append(true).open(&open).unwrap();
    let (preview, set) = frozen(&action);
    assert_eq!(names(&set), ["logs/calm.log", "logs/grown.log"]);
    assert!(preview.warnings.contains(&"1 file left out: written to now".to_owned()), "{preview:?}");
    drop(writer);
    // A program that another test starts has the descriptor, too, until it has become that program.
    let soon = Instant::now() + Duration::from_secs(60);
    let whole = loop {
        let (_, set) = frozen(&action);
        if names(&set).len() == 3 || Instant::now() > soon {
            break set;
        }
        std::thread::yield_now();
    };
    assert_eq!(names(&whole), ["logs/calm.log", "logs/grown.log", "logs/open.log"]);
    let _writer = fs::OpenOptions::new().append(true).open(&open).unwrap();
    tree.file("logs/grown.log", 200, 30);
    let (end, text) = acted(&action, &whole);
    assert_eq!((end.counts["archived"], end.counts["left_alone"]), (1, 2), "{text}");
    assert!(text.contains("left alone logs/open.log: ") && text.contains(" writes to it"), "{text}");
    assert_eq!(fs::metadata(&open).unwrap().len(), 100);
    assert_eq!(fs::metadata(tree.at("logs/grown.log")).unwrap().len(), 200);
}

#[test]
fn an_archive_that_is_not_its_own_keeps_the_file() {
    let tree = Tree::new();
    tree.file("logs/app.log", 100, 30);
    let action = tree.act_of(ARCHIVE);
    let (_, set) = frozen(&action);
    tree.file("logs/archive/app.log.gz", 50, 1);
    let (end, text) = acted(&action, &set);
    assert!(end.ending == Ending::Failed && text.contains("logs/archive/app.log.gz exists already"), "{text}");
    assert_eq!(fs::metadata(tree.at("logs/app.log")).unwrap().len(), 100);
    // An interrupted attempt had made it: only the file is removed.
    let packed =
        Command::new("gzip").arg("-c").arg(tree.at("logs/app.log")).stdin(Stdio::null()).output().unwrap().stdout;
    fs::write(tree.at("logs/archive/app.log.gz"), packed).unwrap();
    assert_eq!(names(&frozen(&action).1), ["logs/app.log"]);
    assert_eq!(acted(&action, &set).0.counts["archived"], 1);
    assert_eq!(tree.all(), ["root/logs/archive/app.log.gz"]);
}

#[test]
fn permissions_are_set_and_restored() {
    let tree = Tree::new();
    let modes = [("a", 0o666), ("b", 0o600), ("c", 0o640)];
    for (name, mode) in modes {
        fs::set_permissions(tree.file(format!("data/{name}"), 1, 1), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mode = |name: &str| fs::metadata(tree.at(format!("data/{name}"))).unwrap().mode() & 0o7777;
    let action = tree.act_of("files = 'permissions'\nunder = 'data'\nmatch = '*'\nmode = '0640'\n");
    let (preview, set) = frozen(&action);
    assert_eq!((names(&set), preview.count), (vec!["data/a".to_owned(), "data/b".to_owned()], 2));
    assert!(preview.warnings.contains(&"1 file left out: already as requested".to_owned()), "{preview:?}");
    let proof = tree.action(Purpose::Prove, "files = 'granted'", Some(&action));
    assert!(matches!(proven(&proof, &set), Proof::NotDone(_)));
    assert_eq!(acted(&action, &set).0.counts["set"], 2);
    assert_eq!((mode("a"), mode("b"), mode("c")), (0o640, 0o640, 0o640));
    assert!(matches!(proven(&proof, &set), Proof::Done(_)));
    assert_eq!(acted(&action, &set).0.counts["already"], 2);
    fs::set_permissions(tree.at("data/b"), fs::Permissions::from_mode(0o400)).unwrap();
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    let (end, text) = acted(&undo, &set);
    assert!(end.ending == Ending::Failed && text.contains("changed since it was frozen"), "{text}");
    assert_eq!((mode("a"), mode("b")), (0o666, 0o400));
    for (more, why) in [
        ("", "`permissions` needs `mode`, `owner` or `group`"),
        ("mode = '0646'", "not writable by all"),
        ("mode = '4755'", "without a set-id bit"),
        ("owner = 'a b'", "`owner` must be the name of a user"),
    ] {
        let toml = format!("files = 'permissions'\nunder = 'data'\nmatch = '*'\n{more}");
        assert!(refused(&toml).contains(why), "{toml}: {}", refused(&toml));
    }
    let unknown_user = tree.act_of("files = 'permissions'\nunder = 'data'\nmatch = '*'\nowner = 'no-such-user'\n");
    assert!(froze(&unknown_user, &look()).unwrap_err().message.contains("this machine has no user of that name"));
}

fn scanned(tree: &Tree, more: &str) -> (ActEnd, String) {
    let action = tree.action(Purpose::Check, &format!("files = 'scan'\nrecursive = true\n{more}"), None);
    assert_eq!(action.least, EffectClass::Read);
    acted(&action, b"")
}

#[test]
fn what_all_may_write_to_is_found_directories_too() {
    let tree = Tree::new();
    let scan = "for = 'world-writable'\nunder = '.'\nmatch = '*'";
    for name in ["etc/fine", "etc/open", "spool/free"] {
        tree.file(name, 1, 1);
    }
    assert_eq!(scanned(&tree, scan).0.ending, Ending::Ok);
    for (name, mode) in [("etc/open", 0o666), ("spool", 0o777), ("spool/free", 0o646)] {
        fs::set_permissions(tree.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("fine", tree.at("etc/link")).unwrap();
    let (end, text) = scanned(&tree, scan);
    assert!(end.ending == Ending::Failed && !end.is_unknown(), "{end:?}");
    assert!(text.contains("etc/open: mode 0666\nspool/: mode 0777\nspool/free: mode 0646\n"), "{text}");
    let (end, _) = scanned(&tree, &format!("{scan}\nallow = ['spool*', 'etc/open']"));
    assert_eq!((end.ending, end.evidence.unwrap().facts["allowed"].as_str()), (Ending::Ok, "3"));
    fs::set_permissions(tree.at("spool"), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(!scanned(&tree, scan).1.contains("spool/: "), "a sticky directory is as /tmp");
}

#[test]
fn secrets_in_logs_are_reported_by_place_and_never_by_value() {
    let tree = Tree::new();
    let scan = "for = 'secrets'\nunder = 'logs'\nmatch = '*.log*'";
    assert!(scanned(&tree, scan).0.is_unknown(), "no directory: nothing was searched");
    tree.file("logs/other.txt", 1, 1);
    let (end, _) = scanned(&tree, scan);
    assert_eq!(end.detail, "unknown: nothing fits: nothing was looked at");
    tree.file("logs/fine.log", 100, 1);
    assert_eq!(scanned(&tree, scan).0.ending, Ending::Ok);
    fs::create_dir_all(tree.at("logs/deep")).unwrap();
    fs::write(tree.at("logs/deep/old.log.1"), "fine\nDB_PASSWORD=Elephant4471\n").unwrap();
    assert!(Command::new("gzip").arg(tree.at("logs/deep/old.log.1")).status().unwrap().success());
    let (end, text) = scanned(&tree, scan);
    assert!(end.ending == Ending::Failed && text.contains("logs/deep/old.log.1.gz:2: "), "{text}");
    assert!(!text.contains("Elephant") && !format!("{end:?}").contains("Elephant"), "{text}");
    assert_eq!(scanned(&tree, &format!("{scan}\nallow = ['logs/deep/*']")).0.ending, Ending::Ok);
    fs::write(tree.at("logs/deep/torn.log.gz"), b"\x1f\x8b\x08broken").unwrap();
    let (end, _) = scanned(&tree, &format!("{scan}\nallow = ['logs/deep/old*']"));
    assert!(end.is_unknown() && end.detail.contains("it is not whole"), "{end:?}");
}
