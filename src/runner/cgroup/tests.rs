use super::*;
use std::process::{Child, Command, Stdio};

/// A process that waits for the end of its standard input.
fn waits() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_group_is_found_where_a_mount_shows_it() {
    let plain = b"42 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    let at = |mount: &[u8], group: &str| below(mount, Path::new(group));
    assert_eq!(at(plain, "/user.slice/a.scope"), Some("/sys/fs/cgroup/user.slice/a.scope".into()));
    assert_eq!(at(plain, "/"), Some("/sys/fs/cgroup".into()));
    let part = b"42 25 0:26 /user.slice /mnt/a\\040b rw - cgroup2 none rw";
    assert_eq!(at(part, "/user.slice/a.scope"), Some("/mnt/a b/a.scope".into()));
    assert_eq!(at(part, "/system.slice"), None);
    assert_eq!(at(b"42 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids", "/"), None);
    assert_eq!(at(b"", "/"), None);
}

#[test]
fn processes_in_a_group_are_found_and_killed_and_the_group_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let attempt = home.path().join("steps").join("3.1");
    let group = match Group::make(&attempt) {
        Ok(group) => group,
        Err(why) => return eprintln!("SKIPPED: no control group can be made here: {why}"),
    };
    assert_eq!(Group::of(&attempt, Some(group.path())), Some(group.clone()));
    assert_eq!(Group::of(&attempt, None), Some(group.clone()), "one that was not written down yet");
    let (mut one, mut below) = (waits(), waits());
    group.take(one.id()).unwrap();
    let deeper = Group(group.path().join("deeper"));
    fs::create_dir(deeper.path()).unwrap();
    deeper.take(below.id()).unwrap();
    assert_eq!(group.members().unwrap(), BTreeSet::from([one.id(), below.id()]));
    group.remove();
    assert!(deeper.path().exists(), "what still runs keeps its group");
    group.kill();
    for child in [&mut one, &mut below] {
        assert!(!child.wait().unwrap().success());
    }
    assert_eq!(group.members().unwrap(), BTreeSet::new());
    group.remove();
    assert!(!group.path().exists() && Group::of(&attempt, Some(group.path())).is_none());
    assert_eq!(group.members().unwrap(), BTreeSet::new(), "of one that is gone");
}

#[test]
fn no_other_directory_passes_for_the_group_of_an_attempt() {
    let home = tempfile::tempdir().unwrap();
    let attempt = home.path().join("run").join("steps").join("1.1");
    let lookalike = home.path().join(name(&attempt));
    fs::create_dir(&lookalike).unwrap();
    assert_eq!(Group::of(&attempt, Some(&lookalike)), None, "it is of another file system");
    assert_eq!(Group::of(&attempt, own().unwrap().as_deref()), None, "it belongs to another user");
}
