//! What may not be read: a row says so, and is never ok by it.

use super::*;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::os::unix::fs::PermissionsExt;

/// Directories of one tree that may not be read while this lives.
struct Locked(Vec<std::path::PathBuf>);

impl Locked {
    fn new(dir: &Path, names: &[(&str, u32)]) -> Self {
        let lock = |(name, mode): &(&str, u32)| {
            let path = dir.join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            path
        };
        Self(names.iter().map(lock).collect())
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        for path in &self.0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
    }
}

/// Looks as somebody whom modes bind: root reads everything, so this thread gives that up.
fn looked_bound(target: &Backup) -> Result<Observation, Loss> {
    let bound = || {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).unwrap();
        looked(target, &mut Memory::default())
    };
    std::thread::scope(|scope| scope.spawn(bound).join().unwrap())
}

/// Two base backups, each with a file right in it and one in a directory.
fn bases(dir: &Path) {
    for name in ["base-20261122T0310", "base-20261121T0310"] {
        let inner = dir.join(name).join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("a"), [b'x'; 700]).unwrap();
        fs::write(dir.join(name).join("b"), [b'x'; 24]).unwrap();
        touch(dir, name, unix("2026-11-22T03:20:00Z"));
    }
}

fn remedy(path: &Path) -> String {
    format!("setfacl -R -m u:{}:rX {}", rustix::process::geteuid().as_raw(), path.display())
}

#[test]
fn a_set_that_may_not_be_read_is_no_reading_and_says_what_grants_it() {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("set");
    fs::create_dir(&set).unwrap();
    put(&set, "2026-11-22T0310.dump", 10, "2026-11-22T03:11:00Z");
    let above = dir.path().display();
    let opened = format!("setfacl -m u:{}:x {above}", rustix::process::geteuid().as_raw());
    for (locked, mode, why, remedy) in [
        ("set", 0o000, "(needs rx)".to_owned(), remedy(&set)),
        ("set", 0o100, "(needs r)".to_owned(), remedy(&set)),
        ("", 0o000, format!("(needs x on {above})"), opened.clone()),
        ("", 0o400, format!("(needs x on {above})"), opened),
    ] {
        let _locked = Locked::new(dir.path(), &[(locked, mode)]);
        for pattern in ["*.dump", "2026-11-22T0310.dump"] {
            // What is named whole needs no list of the directory.
            if pattern.starts_with('2') && mode == 0o100 {
                assert_eq!(looked_bound(&entry(&set, pattern)).unwrap().verdict, Verdict::Ok);
                continue;
            }
            let lost = looked_bound(&entry(&set, pattern)).unwrap_err();
            let searched = format!("(needs x on {})", set.display());
            let own = format!("setfacl -m u:{}:x {}", rustix::process::geteuid().as_raw(), set.display());
            let (why, remedy) = match locked {
                "set" if pattern.starts_with('2') => (&searched, &own),
                _ => (&why, &remedy),
            };
            assert_eq!(lost, Loss::unread(format!("permission denied {why}; {remedy}")), "{locked} {mode:o} {pattern}");
        }
    }
    assert_eq!(looked_bound(&entry(&set, "*.dump")).unwrap().verdict, Verdict::Ok);
}

#[test]
fn a_set_that_may_be_listed_and_not_searched_is_unknown_with_the_permission() {
    for names in [&["2026-11-22T0310.dump", "2026-11-21T0310.dump"][..], &["latest.dump"]] {
        let dir = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| put(dir.path(), name, 10, "2026-11-22T03:11:00Z"));
        let _locked = Locked::new(dir.path(), &[("", 0o400)]);
        let found = looked_bound(&entry(dir.path(), "*.dump")).unwrap();
        let place = dir.path().display();
        assert_eq!(found.verdict, Verdict::Unknown, "{}", found.detail);
        assert!(found.detail.ends_with(&format!(".dump: permission denied (needs x on {place})")), "{}", found.detail);
        let user = rustix::process::geteuid().as_raw();
        assert_eq!(text(&found, "remedy_command"), format!("setfacl -m u:{user}:x {place}"));
    }
}

#[test]
fn a_backup_that_may_not_be_read_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    bases(dir.path());
    let newest = dir.path().join("base-20261122T0310");
    let target = entry(dir.path(), "base-*");
    assert_eq!(outcome(&looked_bound(&target).unwrap()), (Verdict::Ok, "03:10 today · 724 B"));
    // Names without more, nothing at all, and what it holds alone.
    for (locked, mode, path, needs) in
        [("base-20261122T0310", 0o400, newest.clone(), "x"), ("base-20261122T0310", 0o000, newest.clone(), "rx")]
    {
        let _locked = Locked::new(dir.path(), &[(locked, mode)]);
        let found = looked_bound(&target).unwrap();
        let detail = format!("03:10 today · cannot read {}: permission denied (needs {needs})", path.display());
        assert_eq!(outcome(&found), (Verdict::Unknown, detail.as_str()), "{locked} {mode:o}");
        assert_eq!(text(&found, "remedy_command"), remedy(&path));
    }
    // That it is too old is so, whatever is in it.
    let old = Backup { max_age: Duration::from_secs(3600), ..target.clone() };
    {
        let _locked = Locked::new(dir.path(), &[("base-20261122T0310", 0o000)]);
        assert_eq!(looked_bound(&old).unwrap().verdict, Verdict::Critical);
    }
    // An older one says nothing of the newest.
    let _locked = Locked::new(dir.path(), &[("base-20261121T0310", 0o000)]);
    assert_eq!(outcome(&looked_bound(&target).unwrap()), (Verdict::Ok, "03:10 today · 724 B"));
}

#[test]
fn a_directory_within_a_backup_that_may_not_be_read_leaves_its_size_unknown() {
    let dir = tempfile::tempdir().unwrap();
    bases(dir.path());
    let inner = "base-20261122T0310/inner";
    let _locked = Locked::new(dir.path(), &[(inner, 0o000)]);
    let mut target = entry(dir.path(), "base-*");
    let found = looked_bound(&target).unwrap();
    let words = format!("cannot read {}: permission denied (needs rx)", dir.path().join(inner).display());
    assert_eq!(outcome(&found), (Verdict::Ok, format!("03:10 today · size not counted: {words}").as_str()));
    assert_eq!(text(&found, "remedy_command"), remedy(&dir.path().join(inner)));
    target.min_size = Some(10);
    assert_eq!(looked_bound(&target).unwrap().verdict, Verdict::Unknown, "with a limit");
    // With nothing else in it, it may be empty.
    target.min_size = None;
    fs::remove_file(dir.path().join("base-20261122T0310/b")).unwrap();
    touch(dir.path(), "base-20261122T0310", unix("2026-11-22T03:20:00Z"));
    assert_eq!(outcome(&looked_bound(&target).unwrap()), (Verdict::Unknown, format!("03:10 today · {words}").as_str()));
}

#[test]
fn what_may_be_the_newest_and_cannot_be_looked_at_leaves_the_row_unknown() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(other.path(), "x", 77, "2026-11-22T05:00:00Z");
    symlink(other.path().join("x"), dir.path().join("2026-11-22T0500.dump")).unwrap();
    let target = entry(dir.path(), "*.dump");
    let _locked = Locked::new(other.path(), &[("", 0o000)]);
    let needs = format!("(needs x on {})", other.path().display());
    let words = format!("cannot read {}/2026-11-22T0500.dump: permission denied {needs}", dir.path().display());
    assert_eq!(
        outcome(&looked_bound(&target).unwrap()),
        (Verdict::Unknown, words.as_str()),
        "it is no lack of a backup"
    );
    put(dir.path(), "2026-11-10T0310.dump", 10, "2026-11-10T03:11:00Z");
    let detail = format!("12 d old · limit 24 h · {words} · 10 B");
    assert_eq!(outcome(&looked_bound(&target).unwrap()), (Verdict::Unknown, detail.as_str()), "it may be newer");
    // The same by the last change alone.
    fs::rename(dir.path().join("2026-11-22T0500.dump"), dir.path().join("linked.dump")).unwrap();
    let detail = detail.replace("2026-11-22T0500.dump", "linked.dump");
    assert_eq!(outcome(&looked_bound(&target).unwrap()), (Verdict::Unknown, detail.as_str()));
}

#[test]
fn snapshots_of_restic_that_may_not_be_read_are_not_as_new_as_their_directory() {
    let dir = restic();
    let _locked = Locked::new(dir.path(), &[("snapshots", 0o000)]);
    let found = looked_bound(&entry(dir.path(), "*")).unwrap();
    let words = format!("cannot read {}/snapshots: permission denied (needs rx)", dir.path().display());
    assert_eq!(outcome(&found), (Verdict::Unknown, format!("03:00 today · {words}").as_str()));
}
