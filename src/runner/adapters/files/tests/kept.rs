//! A file keeps its metadata: ACLs, attributes, holes; other names and mounts are not touched.

use super::*;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

const ROTATE: &str = "files = 'rotate'\nunder = 'logs'\nmatch = '*.log'\nlarger = '10B'\nreopen = 'each-line'\n";
const ARCHIVE: &str =
    "files = 'archive'\nunder = 'logs'\nmatch = '*.log*'\nolder = '7d'\nto = 'logs/archive'\nrecursive = true\n";

/// Runs a program that must succeed, and returns its output.
fn ran(program: &str, arguments: &[&str], path: &Path) -> String {
    let done = Command::new(program).args(arguments).arg(path).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The ACL and the user attributes, as the system's programs show them.
fn beside(path: &Path) -> (String, String) {
    let attributes = ran("getfattr", &["--absolute-names", "-d", "-m", "user|trusted|security.capability"], path);
    let lines = attributes.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    (ran("getfacl", &["-c", "-p", "-n"], path), lines)
}

/// A log with an ACL and an attribute, in a directory with another default ACL.
fn with_acl(tree: &Tree) -> PathBuf {
    let log = tree.file("logs/app.log", 100, 30);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o640)).unwrap();
    ran("setfacl", &["-m", "u:65534:rw"], &log);
    ran("setfattr", &["-n", "user.note", "-v", "kept"], &log);
    if rustix::process::geteuid().is_root() {
        // A container may lack CAP_SYS_ADMIN, and then there is no attribute to keep.
        let _ = Command::new("setfattr").args(["-n", "trusted.note", "-v", "root's"]).arg(&log).output().unwrap();
    }
    ran("setfacl", &["-d", "-m", "u:2:rwx"], &tree.at("logs"));
    fs::create_dir_all(tree.at("logs/archive")).unwrap();
    // Its time is set again, because giving an ACL does not change it.
    log
}

#[test]
fn a_new_log_has_the_acl_and_the_attributes_of_the_old_one() {
    let tree = Tree::new();
    let log = with_acl(&tree);
    let had = beside(&log);
    assert!(had.0.contains("user:65534:rw-") && had.0.contains("group::r--") && had.1.contains("user.note"), "{had:?}");
    let action = tree.act_of(ROTATE);
    let (_, set) = frozen(&action);
    let (end, text) = acted(&action, &set);
    assert_eq!(end.ending, Ending::Ok, "{text}");
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    assert_eq!((beside(&log), beside(&tree.at("logs/app.log.rotated-1"))), (had.clone(), had));
}

#[test]
fn a_new_log_without_an_acl_takes_none_from_its_directory() {
    let tree = Tree::new();
    with_acl(&tree);
    let plain = tree.file("logs/plain.log", 100, 30);
    ran("setfacl", &["-b"], &plain);
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o640)).unwrap();
    let had = beside(&plain);
    let action = tree.act_of(ROTATE);
    let (_, set) = frozen(&action);
    assert_eq!(acted(&action, &set).0.counts["rotated"], 2);
    assert_eq!((fs::metadata(&plain).unwrap().len(), beside(&plain)), (0, had));
}

#[test]
fn an_archive_and_what_is_unpacked_from_it_keep_the_acl_and_the_attributes() {
    let tree = Tree::new();
    let log = with_acl(&tree);
    let had = beside(&log);
    let action = tree.act_of(ARCHIVE);
    let (_, set) = frozen(&action);
    let (end, text) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["archived"]), (Ending::Ok, 1), "{text}");
    assert_eq!(beside(&tree.at("logs/archive/app.log.gz")), had);
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    assert_eq!(acted(&undo, &set).0.counts["restored"], 1);
    assert_eq!(beside(&log), had);
}

#[test]
fn permissions_and_their_undo_keep_the_acl_and_say_that_the_mode_is_its_mask() {
    let tree = Tree::new();
    let log = with_acl(&tree);
    let had = beside(&log);
    let action = tree.act_of("files = 'permissions'\nunder = 'logs'\nmatch = 'app.log'\nmode = '0600'\n");
    let (preview, set) = frozen(&action);
    let warning = "1 file has an ACL: the group bits of the mode become its mask, and widen or narrow it";
    assert!(preview.warnings.contains(&warning.to_owned()), "{preview:?}");
    assert_eq!(acted(&action, &set).0.counts["set"], 1);
    assert!(beside(&log).0.contains("mask::---"), "{:?}", beside(&log));
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    assert_eq!(acted(&undo, &set).0.counts["restored"], 1);
    assert_eq!(beside(&log), had);
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_is_done() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make another user's file.
    }
    let tree = Tree::new();
    let log = tree.file("logs/app.log", 100, 30);
    std::os::unix::fs::chown(&log, Some(12_345), Some(12_345)).unwrap();
    let actions = [tree.act_of(ROTATE), tree.act_of(ARCHIVE)];
    let refused = std::thread::spawn(move || {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::CHOWN);
        set_capabilities(None, sets).unwrap();
        actions.map(|action| froze(&action, &look()).unwrap_err())
    });
    for error in refused.join().unwrap() {
        assert_eq!(error.kind, Kind::Refused);
        assert!(error.message.contains("logs/app.log: its owner is uid 12345, and this user is uid 0"), "{error:?}");
    }
    assert_eq!(tree.all(), ["root/logs/app.log"]);
}

#[test]
fn a_file_with_other_names_keeps_its_permissions_and_a_name_made_since_too() {
    let tree = Tree::new();
    for name in ["data/own", "data/linked", "data/later"] {
        fs::set_permissions(tree.file(name, 1, 1), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let outside = tree.home.path().join("outside");
    fs::hard_link(tree.at("data/linked"), &outside).unwrap();
    let action = tree.act_of("files = 'permissions'\nunder = 'data'\nmatch = '*'\nmode = '0640'\n");
    let (preview, set) = frozen(&action);
    assert_eq!((names(&set), preview.count), (vec!["data/later".to_owned(), "data/own".to_owned()], 2));
    let warning = "1 file left out: has other names (hard links), which may lie outside the root";
    assert!(preview.warnings.contains(&warning.to_owned()), "{preview:?}");
    fs::hard_link(tree.at("data/later"), tree.home.path().join("new")).unwrap();
    let (end, text) = acted(&action, &set);
    assert!(text.contains("left alone data/later: it has other names (hard links) now"), "{text}");
    assert_eq!(end.counts["set"], 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!((mode(&outside), mode(&tree.at("data/later")), mode(&tree.at("data/own"))), (0o600, 0o600, 0o640));
}

#[test]
fn what_is_compressed_already_is_not_compressed_again() {
    let tree = Tree::new();
    for name in ["logs/a.log.xz", "logs/b.log.bz2", "logs/c.log.zst", "logs/d.log.1.gz"] {
        tree.file(name, 100, 30);
    }
    let packed = Command::new("xz").arg("-c").arg(tree.file("logs/e.log", 100, 30)).output().unwrap().stdout;
    let hidden = tree.file("logs/f.log.old", 1, 30);
    fs::write(&hidden, packed).unwrap();
    let seconds = u64::try_from(NOW).unwrap() - 30 * DAY;
    File::options().write(true).open(&hidden).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    let (preview, set) = frozen(&tree.act_of(ARCHIVE));
    assert_eq!(names(&set), ["logs/e.log"]);
    assert!(preview.warnings.contains(&"5 files left out: compressed already".to_owned()), "{preview:?}");
}

#[test]
fn holes_come_back_as_holes_and_linked_files_are_announced() {
    use std::os::unix::fs::FileExt;
    const LENGTH: u64 = 64 << 20;
    let tree = Tree::new();
    let log = tree.file("logs/sparse.log", 10, 30);
    let open = File::options().write(true).open(&log).unwrap();
    open.set_len(LENGTH).unwrap();
    open.write_all_at(b"in the middle", LENGTH / 2 + 7).unwrap();
    let seconds = u64::try_from(NOW).unwrap() - 30 * DAY;
    open.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    drop(open);
    fs::hard_link(&log, tree.home.path().join("other")).unwrap();
    let content = fs::read(&log).unwrap();
    let action = tree.act_of(ARCHIVE);
    let (preview, set) = frozen(&action);
    let warning = "1 file with other names (hard links): unpacked, it is a file of its own";
    assert!(preview.warnings.contains(&warning.to_owned()), "{preview:?}");
    assert_eq!(acted(&action, &set).0.counts["archived"], 1);
    let undo = tree.action(Purpose::Undo, "files = 'restore'", Some(&action));
    assert_eq!(acted(&undo, &set).0.counts["restored"], 1);
    let back = fs::metadata(&log).unwrap();
    assert!(fs::read(&log).unwrap() == content, "other content came back");
    assert!(back.blocks() * 512 < 1 << 20, "{} blocks of 512 bytes", back.blocks());
}

#[test]
fn a_secret_in_a_log_that_cannot_be_read_is_unknown() {
    let tree = Tree::new();
    let log = tree.file("logs/app.log.1", 1, 1);
    fs::write(&log, "DB_PASSWORD=Elephant4471\n").unwrap();
    ran("xz", &[], &log);
    let scan = "files = 'scan'\nfor = 'secrets'\nunder = 'logs'\nmatch = '*.log*'";
    let (end, text) = acted(&tree.action(Purpose::Check, scan, None), b"");
    assert!(end.is_unknown() && text.contains("logs/app.log.1.xz: it is compressed by xz"), "{text}");
}
