//! The state directory on real file systems.

use super::*;
use crate::config::paths::tests::around;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Child, Command, Stdio};

fn user(dir: &Path) -> State {
    State { dir: dir.into(), scope: Scope::User, locks: dir.join("locks"), locks_scope: Scope::User }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn refusal(dir: &Path) -> String {
    let error = prepare_state(&user(dir)).unwrap_err();
    assert_eq!(error.hints.len(), 1, "{error}");
    error.message.replace(&dir.display().to_string(), "DIR")
}

#[test]
fn the_place_is_named_the_teams_or_the_users() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let home = root.join("home");
    let plain = around(root, &[("HOME", &home)]);
    assert_eq!(state(&plain).unwrap(), user(&home.join(".local/state/midwatch")));
    let xdg = around(root, &[("HOME", &home), ("XDG_STATE_HOME", Path::new("/x"))]);
    assert_eq!(state(&xdg).unwrap().dir, Path::new("/x/midwatch"));
    let named = around(root, &[("MIDWATCH_STATE", Path::new("/n"))]);
    assert_eq!(state(&named).unwrap(), user(Path::new("/n")));

    let team = root.join("var/lib/midwatch");
    fs::create_dir_all(&team).unwrap();
    assert_eq!(state(&plain).unwrap().scope, Scope::User, "no setgid bit");
    fs::set_permissions(&team, fs::Permissions::from_mode(0o2770)).unwrap();
    let expected = State { dir: team.clone(), scope: Scope::Team, locks: team.join("locks"), locks_scope: Scope::Team };
    assert_eq!(state(&plain).unwrap(), expected);
    // A directory of one's own leaves the team's locks where every member sees them.
    let named = state(&named).unwrap();
    assert_eq!((named.scope, named.locks_scope), (Scope::User, Scope::Team));
    assert_eq!(named.locks, team.join("locks"));
}

#[test]
fn a_place_that_cannot_be_right_is_refused_before_it_is_made() {
    let describe = |variables: &[(&str, &Path)]| {
        let error = state(&around(Path::new("/nowhere"), variables)).unwrap_err();
        assert_eq!((error.kind, error.hints.len()), (Kind::Usage, 1));
        error.message
    };
    assert_eq!(describe(&[]), "cannot keep state: HOME is not set to an absolute path");
    assert_eq!(describe(&[("HOME", Path::new("ada"))]), "cannot keep state: HOME is not set to an absolute path");
    assert!(describe(&[("MIDWATCH_STATE", Path::new("here"))]).ends_with("MIDWATCH_STATE is not an absolute path"));
    let config = Path::new("/h/.config/midwatch/state");
    assert!(
        describe(&[("HOME", Path::new("/h")), ("MIDWATCH_STATE", config)]).ends_with("a place of the configuration")
    );
}

#[test]
fn what_is_missing_is_made_for_us_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("local/state/midwatch");
    prepare_state(&user(&dir)).unwrap();
    for made in [&root.path().join("local"), &dir, &dir.join("runs"), &dir.join("locks")] {
        assert_eq!(mode(made), 0o700, "{}", made.display());
    }
    let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the probe is gone: {left:?}");
    fs::write(
        dir.join(format!(".probe-{}-{}", rustix::process::geteuid().as_raw(), std::process::id())),
        "left behind",
    )
    .unwrap();
    prepare_state(&user(&dir)).unwrap();
}

#[test]
fn the_log_is_for_us_alone_and_one_that_was_open_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state/midwatch");
    let around = around(root.path(), &[("HOME", root.path())]);
    fs::create_dir_all(dir.join("log")).unwrap();
    for open in [&dir, &dir.join("log")] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(prepare_log(&user(&dir), &around).unwrap(), dir.join("log"));
    assert_eq!((mode(&dir), mode(&dir.join("log"))), (0o700, 0o700));
    // A team's lies with the user.
    let team = State { scope: Scope::Team, ..user(Path::new("/srv/team")) };
    let own = root.path().join(".local/state/midwatch/log");
    assert_eq!(prepare_log(&team, &around).unwrap(), own);
    assert_eq!(mode(own.parent().unwrap()), 0o700);
}

#[test]
fn the_teams_directories_stay_the_groups() {
    let root = tempfile::tempdir().unwrap();
    let team = root.path().join("var/lib/midwatch");
    fs::create_dir_all(&team).unwrap();
    fs::set_permissions(&team, fs::Permissions::from_mode(0o2770)).unwrap();
    let shared = state(&around(root.path(), &[])).unwrap();
    let error = prepare_state(&shared).unwrap_err();
    assert!(error.message.ends_with("(it has no sticky bit)"), "{error}");
    assert_eq!(error.hints, [format!("chmod 3770 {}", team.display())]);
    fs::set_permissions(&team, fs::Permissions::from_mode(0o3770)).unwrap();
    // An earlier version made it so.
    fs::create_dir(shared.runs()).unwrap();
    fs::set_permissions(shared.runs(), fs::Permissions::from_mode(0o2770)).unwrap();
    prepare_state(&shared).unwrap();
    assert_eq!((mode(&shared.runs()), mode(&shared.locks)), (0o3770, 0o3770));
    fs::set_permissions(&team, fs::Permissions::from_mode(0o2777)).unwrap();
    assert!(prepare_state(&shared).unwrap_err().message.contains("everyone may write to it"));
}

#[test]
fn what_is_not_ours_alone_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("real")).unwrap();
    symlink(at("real"), at("link")).unwrap();
    assert_eq!(refusal(&at("link")), "cannot keep state in DIR: it is a symbolic link");
    fs::write(at("file"), "").unwrap();
    assert_eq!(refusal(&at("file")), "cannot keep state in DIR: it is a file, not a directory");
    assert_eq!(refusal(&at("file/below")), "cannot keep state in DIR: a part of its path is not a directory");
    for open in [0o770, 0o707] {
        fs::set_permissions(at("real"), fs::Permissions::from_mode(open)).unwrap();
        assert_eq!(refusal(&at("real")), "cannot keep state in DIR: others may write to it");
    }
}

#[test]
fn a_directory_of_someone_else_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let found = rustix::fs::lstat(root.path()).unwrap();
    let us = fs::metadata(root.path()).unwrap().uid();
    assert_eq!(unfit(&found, Scope::User, us), None);
    let (why, hint) = unfit(&found, Scope::User, us + 1).unwrap();
    assert_eq!(why, format!("it belongs to uid {us}, not to you"));
    assert!(hint.contains("MIDWATCH_STATE"));
    assert_eq!(foreign(&found, us), None);
    if us != 0 {
        assert!(foreign(&found, us + 1).unwrap().0.contains("belongs to root"));
    }
}

#[test]
fn each_failure_of_the_file_system_has_its_own_sentence() {
    let describe = |errno| unusable(Path::new("DIR"), errno).message;
    let all = [Errno::ROFS, Errno::NOSPC, Errno::DQUOT, Errno::ACCESS, Errno::NOTDIR, Errno::IO].map(describe);
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:#?}");
    // A directory of the kernel that takes no entries from anybody.
    let message = refusal(Path::new("/proc/self/midwatch"));
    assert!(message.starts_with("cannot keep state in DIR: "), "{message}");
}

#[test]
fn a_write_without_free_space_is_no_success() {
    let full = rustix::fs::open("/dev/full", OFlags::WRONLY, Mode::empty()).unwrap();
    assert_eq!(write_durably(&full), Err(Errno::NOSPC));
    // A pipe takes the page and cannot be synced.
    let (_reader, pipe) = std::io::pipe().unwrap();
    assert_eq!(write_durably(&pipe.into()), Err(Errno::INVAL));
}

/// A process in a mount namespace of its own, whose files we reach through `/proc`.
struct Mounted(Child);

impl Mounted {
    /// Runs a script that mounts something; `None` where the kernel gives this user no namespaces.
    fn new(script: &str) -> Option<Self> {
        let allowed = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
        if !allowed.is_ok_and(|status| status.success()) {
            eprintln!("no namespaces here: the sentences are still tested by value");
            return None;
        }
        let mut child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-ec", &format!("{script}\necho ready; read -r end")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Some(Self(child))
    }

    fn path(&self, inside: &str) -> PathBuf {
        format!("/proc/{}/root{inside}", self.0.id()).into()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn full_and_read_only_file_systems_are_distinguished() {
    const MADE: &str = "mount -t tmpfs -o size=32k,mode=700 none /mnt; mkdir -m 700 /mnt/s /mnt/s/runs /mnt/s/locks";
    if let Some(full) = Mounted::new(&format!("{MADE}; head -c 65536 /dev/zero 2>/dev/null >/mnt/fill || true")) {
        assert_eq!(refusal(&full.path("/mnt/s")), "cannot keep state in DIR: its file system is full");
    }
    if let Some(fixed) = Mounted::new(&format!("{MADE}; mount -o remount,ro /mnt")) {
        for inside in ["/mnt/s", "/mnt/new"] {
            assert_eq!(refusal(&fixed.path(inside)), "cannot keep state in DIR: its file system is read-only");
        }
    }
}
