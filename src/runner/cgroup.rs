//! The control group of an attempt: a process can leave its session and clear its environment, but not its control
//! group.
//!
//! ```text
//! shim: mkdir OWN/midwatch-RUN.ATTEMPT ─▶ the hold moves in, and all that it starts is born there ─▶ rmdir once it is empty
//! ```
//! It is a group of version 2 below the one of its shim (cgroups(7)), and enables no controller. Where none can be made, because
//! there is no such file system or it may not be written, an attempt has none and is known by all else.

use crate::runner::survivors::mark;
use rustix::fs::{FsWord, statfs};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The prefix of such a group's name; the mark of the attempt follows.
const PREFIX: &str = "midwatch-";

/// The magic number of the file system (statfs(2)).
const CGROUP2: FsWord = 0x6367_7270;

/// How deep nested groups are followed.
const DEEPEST: usize = 16;

/// The control group of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group(PathBuf);

impl Group {
    /// Makes the group of an attempt below the one of this process.
    ///
    /// # Errors
    /// When there is no such file system, or it may not be written.
    pub fn make(attempt: &Path) -> io::Result<Self> {
        let own = own()?.ok_or_else(|| io::Error::other("no control groups of version 2 are mounted"))?;
        let group = Self(own.join(name(attempt)));
        fs::create_dir(&group.0)?;
        Ok(group)
    }

    /// The group of an attempt that another process made, by its recorded directory; none if it no longer exists.
    #[must_use]
    pub fn of(attempt: &Path, written: Option<&Path>) -> Option<Self> {
        let beside = || own().ok().flatten().map(|own| own.join(name(attempt)));
        let path = written.map(Path::to_owned).or_else(beside)?;
        let is_its = path.file_name().is_some_and(|found| found.to_str() == Some(name(attempt).as_str()));
        (is_its && statfs(&path).is_ok_and(|found| found.f_type == CGROUP2)).then_some(Self(path))
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves a process in; the children that it starts from then on are born there.
    ///
    /// # Errors
    /// As `write(2)` to `cgroup.procs`.
    pub fn take(&self, pid: u32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }

    /// The processes in it and in the groups below it, except this one.
    ///
    /// # Errors
    /// When it cannot be read although it is there.
    pub fn members(&self) -> io::Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for group in self.all()? {
            let listed = or_gone(fs::read_to_string(group.join("cgroup.procs")))?.unwrap_or_default();
            found.extend(listed.lines().filter_map(|line| line.parse::<u32>().ok()));
        }
        found.remove(&std::process::id());
        Ok(found)
    }

    /// Kills all processes in it at once, including those forked during the kill; a kernel before 5.14 cannot.
    pub fn kill(&self) {
        // Never this process: it may be in the group itself, as part of the act of an outer run.
        if own().ok().flatten().is_none_or(|own| !own.starts_with(&self.0)) {
            let _ = fs::write(self.0.join("cgroup.kill"), "1");
        }
    }

    /// Removes it with the groups below it, if they are empty.
    pub fn remove(&self) {
        for group in self.all().unwrap_or_default().iter().rev() {
            let _ = fs::remove_dir(group);
        }
    }

    /// It and the groups below it, each before those below it.
    fn all(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = vec![self.0.clone()];
        let mut layer = found.clone();
        for _ in 0..DEEPEST {
            let mut below = Vec::new();
            for group in layer {
                let Some(entries) = or_gone(fs::read_dir(&group))? else { continue };
                for entry in entries {
                    let Some(entry) = or_gone(entry)? else { continue };
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        below.push(entry.path());
                    }
                }
            }
            found.extend(below.iter().cloned());
            layer = below;
        }
        Ok(found)
    }
}

/// The name of an attempt's group.
fn name(attempt: &Path) -> String {
    format!("{PREFIX}{}", mark(attempt))
}

/// What was read; none if the group was removed during the read (`ENODEV` once it is open).
fn or_gone<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) if cause.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// The directory of this process's version 2 group; none if no such file system is mounted.
fn own() -> io::Result<Option<PathBuf>> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::")) else { return Ok(None) };
    let mounts = fs::read("/proc/self/mountinfo")?;
    Ok(mounts.split(|byte| *byte == b'\n').find_map(|line| below(line, Path::new(group))))
}

/// Where a mount shows a group: fields 4, 5 and the first behind the hyphen of proc_pid_mountinfo(5).
fn below(mount: &[u8], group: &Path) -> Option<PathBuf> {
    let mut fields = mount.split(|byte| *byte == b' ');
    let (root, point) = (fields.nth(3)?, fields.next()?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    let rest = group.strip_prefix(unescaped(root)).ok().filter(|_| kind == b"cgroup2")?;
    Some(unescaped(point).join(rest))
}

/// Decodes a path of that file, where `\040` is a space.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = others.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests;
