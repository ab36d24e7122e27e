//! Whether a file that is used without a question can be changed by others: an estate, its procedures and windows, themes, keymaps,
//! the certificates and keys of its connections, and programs that are run without a confirmation.
//!
//! ```text
//! the file itself           of root or of this user; no one else may write it
//! each directory above it   the same; with the sticky bit others may write it, for they cannot replace what is not theirs
//! each symbolic link        both ends, and all directories of both
//! ```
//! Anything but a file is refused without a command: everyone may write to a device that a link leads to.
//!
//! A group may write where that gives no other user the right: the group that has the owner alone, as distributions with `umask 002`
//! give one to each user. That counts only where `/etc/passwd` and `/etc/group` prove it, and the name service knows no other member.

use crate::config::file::kind_word;
use crate::config::{names, patience};
use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links a path may lead through (`path_resolution(7)`).
const LINKS: u32 = 40;

/// The uid that replaces one which this user namespace does not have (`user_namespaces(7)`).
const UNMAPPED: u32 = 65534;

/// Why a file may have been changed by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// The file, or a directory above it.
    pub place: PathBuf,
    /// Its owner, where that is neither root nor this user; else its mode lets others write.
    pub owner: Option<u32>,
    /// Its mode, 12 bits.
    pub mode: u32,
    /// What it is, where it is neither a file nor a directory above one.
    pub odd: Option<FileType>,
    /// The command that closes it; none for what is no file.
    pub command: Option<String>,
}

impl Loose {
    fn odd(place: PathBuf, found: &Stat) -> Self {
        let odd = Some(FileType::from_raw_mode(found.st_mode));
        Self { place, owner: None, mode: found.st_mode & 0o7777, odd, command: None }
    }

    /// The command that closes it as the end of a sentence; nothing where there is none.
    #[must_use]
    pub fn close(&self) -> String {
        self.command.as_ref().map_or_else(String::new, |command| format!("; close it: {command}"))
    }
}

impl fmt::Display for Loose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, mode) = (self.place.display(), self.mode);
        if let Some(kind) = self.odd {
            return write!(f, "{place} is {}, not a file", kind_word(kind));
        }
        match self.owner {
            Some(owner) => {
                write!(f, "{place} belongs to {}, not to root or to you (mode {mode:04o})", names::user(owner))
            }
            None => write!(f, "others may write to {place} (mode {mode:04o})"),
        }
    }
}

/// Looks whether only root and this user can change the file that a path leads to. A path that leads nowhere is not judged: the one who
/// opens it says why.
///
/// # Errors
/// The kind of what is no file; else the first place, from the root on, that others can change.
pub fn check(path: &Path) -> Result<(), Loose> {
    match patience::at(path, || rustix::fs::stat(path)) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile => {
            Err(Loose::odd(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), &found))
        }
        _ => check_directory(path),
    }
}

/// The same of a directory.
///
/// # Errors
/// The first place, from the root on, that others can change.
pub fn check_directory(path: &Path) -> Result<(), Loose> {
    match std::path::absolute(path) {
        Ok(path) => patience::at(&path, || walk(&path, &Judge::new(), LINKS)),
        Err(_) => Ok(()),
    }
}

/// The same for a file of a connection: a root to believe, a certificate or a key to show.
///
/// # Errors
/// A sentence with the place, and the command that closes it where there is one.
pub fn check_file(path: &Path) -> Result<(), String> {
    check(path).map_err(|loose| format!("{loose}{}", loose.close()))
}

/// Judges a path and all above it, through its links.
fn walk(path: &Path, judge: &Judge, links: u32) -> Result<(), Loose> {
    let mut above = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(above.pop()),
            other => above.push(other),
        }
        let found = match rustix::fs::lstat(&above) {
            Ok(found) => found,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            // What cannot be looked at cannot be opened either.
            Err(_) => return Ok(()),
        };
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            judge.place(&above, &found)?;
            continue;
        }
        judge.owner(&above, &found)?;
        let Ok(target) = fs::read_link(&above) else { return Ok(()) };
        let from = above.parent().unwrap_or(Path::new("/"));
        if links == 0 {
            return Ok(());
        }
        // Below a link in the middle, the rest is judged below its target.
        walk(&from.join(&target), judge, links - 1)?;
        if let Ok(real) = fs::canonicalize(&above) {
            above = real;
        }
    }
    Ok(())
}

/// Who looks.
struct Judge {
    us: u32,
    /// Whether uids that are not mapped here may be root of the host.
    unmapped: bool,
}

impl Judge {
    fn new() -> Self {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        Self { us: rustix::process::geteuid().as_raw(), unmapped: !maps(&map, UNMAPPED) }
    }

    fn owner(&self, place: &Path, found: &Stat) -> Result<(), Loose> {
        let known = [0, self.us].contains(&found.st_uid) || (self.unmapped && found.st_uid == UNMAPPED);
        if known {
            return Ok(());
        }
        Err(Loose {
            place: place.to_owned(),
            owner: Some(found.st_uid),
            mode: found.st_mode & 0o7777,
            odd: None,
            command: Some(format!("chown {} {}", names::user(self.us), quoted(place))),
        })
    }

    fn place(&self, place: &Path, found: &Stat) -> Result<(), Loose> {
        let kind = FileType::from_raw_mode(found.st_mode);
        let is_dir = kind == FileType::Directory;
        if !is_dir && kind != FileType::RegularFile {
            return Err(Loose::odd(place.to_owned(), found));
        }
        self.owner(place, found)?;
        let mode = Mode::from_raw_mode(found.st_mode);
        let keeps = is_dir && mode.contains(Mode::SVTX);
        let group = mode.contains(Mode::WGRP) && !is_private(found.st_gid, found.st_uid);
        let others = mode.contains(Mode::WOTH);
        if keeps || !(group || others) {
            return Ok(());
        }
        let whose = match (mode.contains(Mode::WGRP), others) {
            (true, true) => "go-w",
            (true, false) => "g-w",
            _ => "o-w",
        };
        let command = Some(format!("chmod {whose} {}", quoted(place)));
        Err(Loose { place: place.to_owned(), owner: None, mode: found.st_mode & 0o7777, odd: None, command })
    }
}

/// Whether `uid_map` of `/proc` has a uid (`user_namespaces(7)`): first uid inside, first outside, how many.
fn maps(map: &str, uid: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
        first.zip(count).is_some_and(|(first, count)| (first..first.saturating_add(count)).contains(&u64::from(uid)))
    })
}

/// Whether a group holds its owner alone, as the files of this machine say and its name service does not deny.
fn is_private(group: u32, owner: u32) -> bool {
    let (users, groups) = (fs::read_to_string("/etc/passwd"), fs::read_to_string("/etc/group"));
    let alone = users.is_ok_and(|users| groups.is_ok_and(|groups| holds_alone(&users, &groups, group, owner)));
    alone && names::has_no_other_member(group, &names::user(owner))
}

/// The same of the texts of `passwd(5)` and `group(5)`. The members of a group that they lack are unknown.
fn holds_alone(users: &str, groups: &str, group: u32, owner: u32) -> bool {
    let field = |line: &str, at: usize| line.split(':').nth(at).map(str::to_owned);
    let number = |line: &str, at: usize| field(line, at).and_then(|text| text.parse::<u32>().ok());
    let name = users.lines().find(|line| number(line, 2) == Some(owner)).and_then(|line| field(line, 0));
    let Some(name) = name else { return false };
    let own = users.lines().filter(|line| number(line, 3) == Some(group)).all(|line| number(line, 2) == Some(owner));
    let mut known = groups.lines().filter(|line| number(line, 2) == Some(group)).peekable();
    let has = known.peek().is_some();
    let alone = known.all(|line| {
        let members = field(line, 3).unwrap_or_default();
        members.split(',').map(str::trim).filter(|member| !member.is_empty()).all(|member| member == name)
    });
    own && has && alone
}

/// A path as a shell takes it.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, mkfifoat};
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::os::unix::net::UnixListener;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_can_write_or_replace_is_named_with_the_command_that_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let (below, file) = (dir.path().join("a/b"), dir.path().join("a/b/file"));
        fs::create_dir_all(&below).unwrap();
        fs::write(&file, "x").unwrap();
        assert_eq!(check(&file), Ok(()));
        for (place, good, bad, command) in [
            (&file, 0o644, 0o646, "chmod o-w"),
            (&below, 0o755, 0o757, "chmod o-w"),
            (&dir.path().join("a"), 0o755, 0o777, "chmod "),
        ] {
            chmod(place, bad);
            let loose = check(&file).unwrap_err();
            assert_eq!((&loose.place, loose.mode, loose.owner), (place, bad, None));
            let text = loose.command.clone().unwrap();
            assert!(text.starts_with(command) && text.ends_with(place.to_str().unwrap()), "{loose:?}");
            assert!(loose.to_string().contains(&format!("mode {bad:04o}")), "{loose}");
            chmod(place, good);
            assert_eq!(check(&file), Ok(()));
        }
        // With the sticky bit no other user can replace the file.
        chmod(&below, 0o1777);
        assert_eq!(check(&file), Ok(()));
        // A path that leads nowhere is not judged.
        assert_eq!(check(&dir.path().join("not/there")), Ok(()));
    }

    #[test]
    fn a_link_is_judged_at_both_ends() {
        let dir = tempfile::tempdir().unwrap();
        let at = |below: &str| dir.path().join(below);
        for below in ["links", "real/deep"] {
            fs::create_dir_all(at(below)).unwrap();
        }
        fs::write(at("real/deep/file"), "x").unwrap();
        symlink("../real/deep/file", at("links/file")).unwrap();
        symlink(at("real"), at("links/dir")).unwrap();
        for path in ["links/file", "links/dir/deep/file"] {
            assert_eq!(check(&at(path)), Ok(()), "{path}");
            for loose in ["links", "real", "real/deep", "real/deep/file"] {
                chmod(&at(loose), 0o777);
                assert_eq!(check(&at(path)).unwrap_err().place, at(loose), "{path}");
                chmod(&at(loose), 0o755);
            }
        }
        symlink("circle", at("circle")).unwrap();
        assert_eq!(check(&at("circle")), Ok(()), "opening it gives the reason");
    }

    #[test]
    fn what_is_no_file_is_named_and_no_command_is_given_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        symlink(at("zero"), at("again")).unwrap();
        for (name, place, what) in [
            ("fifo", at("fifo"), "a FIFO"),
            ("socket", at("socket"), "a socket"),
            ("directory", at("directory"), "a directory"),
            ("zero", "/dev/zero".into(), "a character device"),
            ("again", "/dev/zero".into(), "a character device"),
        ] {
            if place.starts_with(dir.path()) {
                chmod(&place, 0o777);
            }
            let loose = check(&at(name)).unwrap_err();
            assert_eq!(loose.to_string(), format!("{} is {what}, not a file", place.display()));
            assert_eq!((loose.command.as_deref(), loose.close().as_str()), (None, ""));
            assert_eq!(check_file(&at(name)), Err(loose.to_string()), "nothing more is reported");
        }
        // One in the middle of a path is none to close either.
        assert_eq!(check(&at("zero/file")).unwrap_err().command, None);
        // A directory that was asked for is judged as one.
        let loose = check_directory(&at("directory")).unwrap_err();
        assert_eq!(loose.close(), format!("; close it: chmod go-w {}", at("directory").display()));
    }

    #[test]
    fn a_stranger_who_owns_the_file_or_a_directory_above_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (below, file) = (dir.path().join("a"), dir.path().join("a/file"));
        fs::create_dir(&below).unwrap();
        fs::write(&file, "x").unwrap();
        let us = fs::metadata(&file).unwrap().uid();
        let judge = Judge { us: us + 1, unmapped: false };
        let loose = judge.place(&file, &rustix::fs::lstat(&file).unwrap());
        assert_eq!(loose.is_err(), us != 0, "everyone trusts root's files");
        if us != 0 {
            return;
        }
        for place in [&file, &below] {
            chown(place, Some(61_009), None).unwrap();
            let loose = check(&file).unwrap_err();
            assert_eq!((&loose.place, loose.owner), (place, Some(61_009)));
            assert!(loose.to_string().contains("belongs to uid 61009, not to root or to you"), "{loose}");
            assert_eq!(loose.command, Some(format!("chown root {}", place.display())));
            chown(place, Some(0), None).unwrap();
        }
    }

    #[test]
    fn a_group_may_write_where_it_holds_the_owner_alone() {
        let users = "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\nben:x:1001:100::/:/bin/sh\n";
        let groups = "root:x:0:\nanna:x:1000:\nshared:x:1000000:anna,ben\nusers:x:100:\nown:x:50:anna\nstaff:x:60:\n";
        let alone = |group, owner| holds_alone(users, groups, group, owner);
        assert!(alone(1000, 1000) && alone(0, 0) && alone(50, 1000));
        assert!(alone(60, 0), "it has no member");
        assert!(!alone(1_000_000, 1000), "ben is in it");
        assert!(!alone(100, 1000), "it is ben's own");
        assert!(!alone(50, 0), "anna is in it");
        assert!(!alone(4711, 1000) && !alone(1000, 4711), "not known here");
    }

    #[test]
    fn a_uid_is_mapped_by_the_kernels_table() {
        assert!(maps("         0          0 4294967295\n", 65534));
        assert!(!maps("         0     100000      65534\n", 65534));
        assert!(!maps("", 0));
    }
}
