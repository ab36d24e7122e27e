//! Real files in real directories.

mod kept;
mod logrotate;
mod logs;
mod sets;

use super::frozen::Name;
use super::*;
use crate::config::reader::parse as parse_toml;
use crate::domain::{Digest, Error, Item, Kind, Preview, Wall};
use crate::journal::record::Ending;
use crate::procedure::plan::Limit;
use crate::runner::adapters::{ActEnd, Look, Proof, act, drift, items, preview, prove};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// 2026-11-21, the day that ages are counted from.
const NOW: i64 = 1_795_219_200;

const DAY: u64 = 86_400;

struct Tree {
    home: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    fn at(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.root().join(Path::new(name.as_ref()))
    }

    /// Makes a file of some age in days; its content is its length.
    fn file(&self, name: impl AsRef<OsStr>, size: usize, days: u64) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = File::create(&path).unwrap();
        file.write_all(&vec![b'x'; size]).unwrap();
        let seconds = u64::try_from(NOW).unwrap() - days * DAY;
        file.set_modified(UNIX_EPOCH + Duration::new(seconds, 7)).unwrap();
        path
    }

    /// Every file and link below the home directory.
    fn all(&self) -> Vec<String> {
        fn walk(directory: &Path, home: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), home, found);
                } else {
                    found.push(entry.path().strip_prefix(home).unwrap().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.home.path(), self.home.path(), &mut found);
        found.sort();
        found
    }

    fn action(&self, purpose: Purpose, toml: &str, of: Option<&Action>) -> Action {
        let mut problems = Problems::of(Path::new("f"));
        let table = parse_toml(toml, &mut problems);
        let scope = Scope { root: Some(self.root().display().to_string()), of: of.cloned(), ..Scope::default() };
        let action = parse(purpose, table, &scope, &mut problems);
        assert_eq!(problems.into_sorted(), []);
        action.unwrap()
    }

    fn act_of(&self, toml: &str) -> Action {
        self.action(Purpose::Do, toml, None)
    }
}

fn look() -> Look {
    Look {
        limit: None,
        takes_s: Some(9),
        undo: "none (past retention)".to_owned(),
        host: "cell0-prod-1".to_owned(),
        effect: EffectClass::Destroy,
        now: Wall::from_unix(NOW, 0),
        deadline: Instant::now() + Duration::from_secs(60),
        restless: Vec::new(),
    }
}

fn froze(action: &Action, look: &Look) -> Result<(Preview, Vec<u8>), Error> {
    let mut set = Vec::new();
    preview(action, look, &mut set).map(|preview| (preview, set))
}

fn frozen(action: &Action) -> (Preview, Vec<u8>) {
    // A process that another test of this program is about to start has all its files open for a moment: it shares
    // its thread's name.
    let is_ours =
        |error: &Error| error.message.contains("runner::adapter") && error.message.contains("keeps a log open");
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match froze(action, &look()) {
            Err(error) if is_ours(&error) && Instant::now() < until => std::thread::yield_now(),
            frozen => return frozen.unwrap(),
        }
    }
}

fn acted(action: &Action, set: &[u8]) -> (ActEnd, String) {
    let mut out = Vec::new();
    let end = act(action, &mut &*set, &mut out, &AtomicBool::new(false));
    (end, String::from_utf8(out).unwrap())
}

fn proven(action: &Action, set: &[u8]) -> Proof {
    prove(action, &mut &*set, &mut Vec::new(), &AtomicBool::new(false))
}

fn names(set: &[u8]) -> Vec<String> {
    items(&mut &*set, 0, 1000).unwrap().1.into_iter().map(|item: Item| item.name).collect()
}

const DELETE: &str = "files = 'delete'\nunder = 'data/sessions'\nmatch = '*.json'\nolder = 90\n";
const MOVE: &str = "files = 'move'\nunder = 'logs'\nmatch = '*.gz'\nolder = '1d'\nto = 'logs/archive'\n";

#[test]
fn a_delete_shows_and_touches_exactly_its_set() {
    let tree = Tree::new();
    tree.file("data/sessions/a.json", 10, 200);
    tree.file("data/sessions/b.json", 20, 100);
    tree.file("data/sessions/young.json", 1, 10);
    tree.file("data/sessions/border.json", 1, 90);
    tree.file("data/sessions/.hidden.json", 1, 200);
    tree.file("data/sessions/deep/c.json", 1, 200);
    tree.file("data/sessions/a.txt", 1, 200);
    let action = tree.act_of(DELETE);
    let (preview, set) = frozen(&action);
    assert_eq!(preview.headline, "Delete 2 files under data/sessions");
    assert_eq!(preview.place, format!("cell0-prod-1:{}/data/sessions", tree.root().display()));
    assert_eq!((preview.count, preview.of, preview.bytes), (2, Some(4), Some(30)));
    assert_eq!(preview.oldest.unwrap().name, "data/sessions/a.json");
    assert_eq!(preview.newest.unwrap().modified.unwrap().date(), "2026-08-13");
    assert_eq!(preview.phrase, "delete 2 files");
    assert_eq!(preview.facts, [("open handles".to_owned(), "0 files".to_owned())]);
    let gone = tree.action(Purpose::Prove, "files = 'gone'", Some(&action));
    assert_eq!(proven(&gone, &set), Proof::NotDone("0 of 2 gone, 2 still at their place".to_owned()));
    let (end, out) = acted(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "deleted 2 of 2"));
    assert_eq!((end.counts["deleted"], end.counts["bytes"]), (2, 30));
    assert_eq!(out, "deleted data/sessions/a.json\ndeleted data/sessions/b.json\n");
    assert_eq!(tree.all().len(), 5);
    assert_eq!(proven(&gone, &set), Proof::Done("2 of 2 gone, 0 still at their place".to_owned()));
    let (again, _) = acted(&action, &set);
    assert_eq!((again.ending, again.detail.as_str()), (Ending::Ok, "deleted 0 of 2, 2 already so"));
}

#[test]
fn the_same_files_give_the_same_digest_at_any_hour() {
    let tree = Tree::new();
    for number in 0..50 {
        tree.file(format!("data/sessions/{}.json", (number * 37) % 50), number, 100 + number as u64);
    }
    let action = tree.act_of(DELETE);
    let first = frozen(&action).1;
    let later = Look { now: Wall::from_unix(NOW + 300, 0), ..look() };
    assert_eq!(Digest::of(&froze(&action, &later).unwrap().1), Digest::of(&first));
    let listed = names(&first);
    assert!(listed.is_sorted());
    assert_eq!(items(&mut &*first, 48, 10).unwrap(), (50, items(&mut &*first, 0, 50).unwrap().1.split_off(48)));
    assert_eq!(items(&mut &*first, 50, 10).unwrap(), (50, vec![]));
    tree.file("data/sessions/7.json", 1, 300);
    assert_ne!(Digest::of(&frozen(&action).1), Digest::of(&first));
}

#[test]
fn what_changed_after_the_freeze_is_left_alone_and_named() {
    let tree = Tree::new();
    for name in ["a", "b", "c", "d"] {
        tree.file(format!("data/sessions/{name}.json"), 10, 100);
    }
    let action = tree.act_of(DELETE);
    let set = frozen(&action).1;
    File::options().append(true).open(tree.at("data/sessions/a.json")).unwrap().write_all(b"more").unwrap();
    let twin = tree.file("twin", 10, 100); // Only its inode differs.
    fs::rename(twin, tree.at("data/sessions/b.json")).unwrap();
    fs::remove_file(tree.at("data/sessions/c.json")).unwrap();
    symlink("d.json", tree.at("data/sessions/c.json")).unwrap();
    let now = frozen(&action).1;
    let lines = drift(&mut &*set, &mut &*now);
    assert!(lines.contains(&"no longer among them: data/sessions/a.json".to_owned()), "{lines:?}");
    assert!(lines.contains(&"no longer among them: data/sessions/c.json".to_owned()), "{lines:?}");
    let (end, out) = acted(&action, &set);
    assert_eq!((end.counts["deleted"], end.counts["left_alone"]), (1, 3), "{out}");
    assert_eq!(end.detail, "deleted 1 of 4, 3 left alone");
    assert_eq!(tree.all(), ["root/data/sessions/a.json", "root/data/sessions/b.json", "root/data/sessions/c.json"]);
}

#[test]
fn hostile_names_are_names_and_nothing_else() {
    let tree = Tree::new();
    let hostile: [&[u8]; 6] =
        [b"new\nline.json", b"\x1b[2J.json", b"-rf.json", b"\xff\xfe.json", b"a\\b.json", b"$(id) ;.json"];
    for name in hostile {
        tree.file(OsStr::from_bytes(&[b"data/sessions/", name].concat()), 1, 100);
    }
    let action = tree.act_of(DELETE);
    let (preview, set) = frozen(&action);
    assert_eq!(preview.count, 6);
    assert_eq!(set.iter().filter(|byte| **byte == b'\n').count(), 7);
    let shown = names(&set);
    assert!(shown.iter().all(|name| !name.chars().any(char::is_control)), "{shown:?}");
    assert!(shown.contains(&"data/sessions/new\\nline.json".to_owned()));
    assert!(shown.contains(&"data/sessions/\\xff\\xfe.json".to_owned()));
    assert!(shown.contains(&"data/sessions/a\\\\b.json".to_owned()));
    let (end, out) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["deleted"], out.lines().count()), (Ending::Ok, 6, 6));
    assert_eq!(tree.all(), Vec::<String>::new());
}

#[test]
fn a_move_keeps_the_tree_and_its_undo_restores_it() {
    let tree = Tree::new();
    tree.file("logs/app.log", 1, 3);
    tree.file("logs/app.1.gz", 5, 3);
    tree.file("logs/web/app.1.gz", 6, 3);
    tree.file("logs/archive/app.0.gz", 7, 30);
    tree.file("logs/new.gz", 1, 0);
    let action = tree.act_of(&format!("{MOVE}recursive = true"));
    let before = tree.all();
    let (preview, set) = froze(&action, &Look { effect: EffectClass::Change, ..look() }).unwrap();
    assert_eq!(preview.headline, "Move 2 files from logs to logs/archive");
    assert_eq!((preview.count, preview.of, preview.phrase.as_str()), (2, Some(3), ""));
    let arrived = tree.action(Purpose::Prove, "files = 'arrived'", Some(&action));
    assert!(matches!(proven(&arrived, &set), Proof::NotDone(_)));
    let (end, out) = acted(&action, &set);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "moved 2 of 2"), "{out}");
    assert!(tree.at("logs/archive/web/app.1.gz").exists() && tree.at("logs/archive/app.1.gz").exists());
    assert!(matches!(proven(&arrived, &set), Proof::Done(_)));
    assert_eq!(frozen(&action).0.count, 0, "the archive is not looked into");
    assert_eq!(acted(&action, &set).0.detail, "moved 0 of 2, 2 already so");
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    let (back, _) = acted(&undo, &set);
    assert_eq!((back.ending, back.detail.as_str()), (Ending::Ok, "restored 2 of 2"));
    assert_eq!(tree.all(), before);
    assert_eq!(acted(&undo, &set).0.detail, "restored 0 of 2, 2 already so");
}

#[test]
fn nothing_is_ever_written_over() {
    let tree = Tree::new();
    tree.file("logs/a.gz", 1, 3);
    tree.file("logs/b.gz", 2, 3);
    tree.file("logs/archive/a.gz", 9, 9);
    let action = tree.act_of(MOVE);
    let (preview, set) = frozen(&action);
    assert_eq!(names(&set), ["logs/a.gz", "logs/b.gz"]);
    assert_eq!(preview.warnings, ["1 file with a time in the new name: the name is taken in logs/archive"]);
    let stamped = "logs/archive/a.20261118T000000Z.gz";
    assert_eq!(items(&mut &*set, 0, 1).unwrap().1[0].to.as_deref(), Some(stamped));
    tree.file("logs/archive/b.gz", 8, 9);
    tree.file(stamped, 7, 9);
    let (end, out) = acted(&action, &set);
    assert_eq!(end.detail, "moved 0 of 2, 2 left alone");
    let text = format!(
        "left alone logs/a.gz: {stamped} exists already\nleft alone logs/b.gz: logs/archive/b.gz exists already\n"
    );
    assert_eq!((end.ending, out), (Ending::Failed, text));
    fs::remove_file(tree.at("logs/archive/b.gz")).unwrap();
    fs::remove_file(tree.at(stamped)).unwrap();
    assert_eq!(acted(&action, &set).0.detail, "moved 2 of 2");
    tree.file("logs/b.gz", 3, 0);
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    let (back, _) = acted(&undo, &set);
    assert_eq!((back.ending, back.detail.as_str()), (Ending::Failed, "restored 1 of 2, 1 left alone"));
    assert_eq!(
        (fs::read(tree.at("logs/b.gz")).unwrap().len(), fs::read(tree.at("logs/archive/b.gz")).unwrap().len()),
        (3, 2)
    );
}

#[test]
fn a_directory_swapped_for_a_link_leads_nowhere() {
    let tree = Tree::new();
    let outside = tree.home.path().join("outside");
    // One of them is the swapped directory itself, the other is inside it.
    for way in ["", "deep/"] {
        fs::create_dir_all(outside.join(way)).unwrap();
        for number in 0..200 {
            let path = tree.file(format!("data/sessions/sub/{way}{number}.json"), 4, 100);
            // The same file outside, down to inode and times: only the path to it differs.
            fs::hard_link(path, outside.join(format!("{way}{number}.json"))).unwrap();
        }
    }
    let outside_count = || tree.all().iter().filter(|name| name.starts_with("outside/")).count();
    let action = tree.act_of(&format!("{DELETE}recursive = true"));
    let set = frozen(&action).1;
    assert_eq!(names(&set).len(), 400);
    let (sub, quarantined) = (tree.at("data/sessions/sub"), tree.home.path().join("quarantine"));
    let stop = AtomicBool::new(false);
    let swaps = std::thread::scope(|scope| {
        let racer = scope.spawn(|| {
            let mut swaps = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                fs::rename(&sub, &quarantined).unwrap();
                symlink(&outside, &sub).unwrap();
                fs::remove_file(&sub).unwrap();
                fs::rename(&quarantined, &sub).unwrap();
                swaps += 1;
            }
            swaps
        });
        for _ in 0..30 {
            acted(&action, &set);
        }
        stop.store(true, Ordering::Relaxed);
        racer.join().unwrap()
    });
    assert!(swaps > 0);
    assert_eq!(outside_count(), 400, "the files outside the root are untouched");
    symlink(&outside, &quarantined).unwrap();
    fs::rename(&sub, tree.at("data/sessions/was")).unwrap();
    fs::rename(&quarantined, &sub).unwrap();
    let (end, _) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["left_alone"]), (Ending::Failed, 400));
    assert_eq!(outside_count(), 400);
}

#[test]
fn links_are_left_out_and_a_link_in_the_way_is_an_error() {
    let tree = Tree::new();
    tree.file("data/sessions/a.json", 1, 100);
    symlink("/etc/hostname", tree.at("data/sessions/link.json")).unwrap();
    symlink("/etc", tree.at("data/sessions/etc")).unwrap();
    let (preview, set) = frozen(&tree.act_of(&format!("{DELETE}recursive = true")));
    assert_eq!(names(&set), ["data/sessions/a.json"]);
    assert_eq!(preview.warnings, ["1 symbolic link left out"]);
    symlink("data", tree.at("other")).unwrap();
    let error = froze(&tree.act_of("files = 'delete'\nunder = 'other/sessions'\nmatch = '*'"), &look()).unwrap_err();
    assert!(error.message.ends_with("other/sessions: a symbolic link is in the way"), "{}", error.message);
    let error = froze(&tree.act_of("files = 'delete'\nunder = 'nowhere'\nmatch = '*'"), &look()).unwrap_err();
    assert!(error.message.contains("no such file"), "{}", error.message);
}

#[test]
fn a_mount_in_the_tree_is_an_error() {
    let scope = Scope { root: Some("/".to_owned()), ..Scope::default() };
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml("files = 'list'\nunder = 'proc'\nmatch = '*'", &mut problems);
    let action = parse(Purpose::Do, table, &scope, &mut problems).unwrap();
    let error = froze(&action, &look()).unwrap_err();
    assert!(error.message.ends_with("it is another mount than `root`"), "{}", error.message);
}

#[test]
fn a_directory_that_cannot_be_read_is_not_an_empty_one() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let tree = Tree::new();
    tree.file("data/sessions/deep/a.json", 1, 100);
    fs::set_permissions(tree.at("data/sessions/deep"), fs::Permissions::from_mode(0o000)).unwrap();
    let action = tree.act_of(&format!("{DELETE}recursive = true"));
    let error = std::thread::scope(|scope| {
        let unprivileged = scope.spawn(|| {
            // Root reads everything; this thread drops that capability.
            let mut sets = capabilities(None).unwrap();
            sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
            set_capabilities(None, sets).unwrap();
            froze(&action, &look()).unwrap_err()
        });
        unprivileged.join().unwrap()
    });
    fs::set_permissions(tree.at("data/sessions/deep"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(error.message.contains("data/sessions/deep: permission denied"), "{}", error.message);
}

proptest::proptest! {
    #[test]
    fn any_name_survives_the_set(name in proptest::collection::vec(1_u8..=255, 1..40)) {
        let name = Name(name.into_iter().filter(|byte| *byte != b'/').collect());
        if !matches!(name.0.as_slice(), b"" | b"." | b"..") {
            let json = serde_json::to_string(&name).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Name>(&json).unwrap(), name);
        }
    }
}
