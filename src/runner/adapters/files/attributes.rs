//! The metadata of a file beside its mode: ACLs, labels, capabilities, user attributes.
//!
//! They are extended attributes (xattr(7)): `system.posix_acl_access`, `security.selinux`, `security.capability`,
//! `trusted.*`, `user.*`. A file that replaces or copies another gets exactly the other's attributes, and loses an
//! ACL inherited from its directory. With an ACL the group bits of the mode are the ACL's mask, not the right of the
//! group (acl(5)): so the ACL is set before the mode, and at no moment may a user do more than with the old file.

use crate::domain::error::system_text;
use crate::runner::adapters::files::beneath::{Root, hold, split};
use crate::runner::adapters::files::frozen::{Frozen, Had};
use rustix::fs::{
    Gid, Mode, Stat, Uid, XattrFlags, fchmod, fchown, fstat, fsync, getxattr, getxattr_query, listxattr,
    listxattr_query, removexattr, setxattr,
};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

/// The ACL that decides who may access a file.
const ACL: &[u8] = b"system.posix_acl_access";
/// Lets a program do what otherwise only root may. A change of the owner removes it (chown(2)).
const CAPABILITY: &[u8] = b"security.capability";
/// The label of SELinux; its policy, not a capability, decides who may set it.
const SELINUX: &[u8] = b"security.selinux";
/// Values that the kernel computes for one file; never valid for another. Source: the kernel's documentation of IMA
/// and EVM.
const COMPUTED: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// Bits of `CapEff`. Source: capabilities(7), linux/capability.h.
const CHOWN: u32 = 0;
const FOWNER: u32 = 3;
const SYS_ADMIN: u32 = 21;
const SETFCAP: u32 = 31;

/// How often a list that grew between two calls is read again.
const TRIES: usize = 8;

/// The attributes of a file by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes(BTreeMap<Vec<u8>, Vec<u8>>);

/// The path of an open file, which also works for one that is only held (`O_PATH`): fgetxattr(2) refuses those.
fn path(file: impl AsFd) -> String {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())
}

/// Reads a value of unknown length: first its length, then its bytes.
fn whole(
    length: impl Fn() -> Result<usize, Errno>,
    read: impl Fn(&mut [u8]) -> Result<usize, Errno>,
) -> Result<Vec<u8>, Errno> {
    for _ in 0..TRIES {
        let mut buffer = vec![0; length()?];
        if buffer.is_empty() {
            return Ok(buffer);
        }
        match read(&mut buffer) {
            Err(Errno::RANGE) => {}
            Err(cause) => return Err(cause),
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
        }
    }
    Err(Errno::RANGE)
}

impl Attributes {
    /// Reads the attributes; none on a file system without them.
    pub(super) fn of(file: impl AsFd) -> Result<Self, Errno> {
        let path = path(&file);
        let names = match whole(|| listxattr_query(&path), |buffer| listxattr(&path, buffer)) {
            Err(Errno::OPNOTSUPP) => return Ok(Self::default()),
            other => other?,
        };
        let mut found = BTreeMap::new();
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !COMPUTED.contains(name)) {
            match whole(|| getxattr_query(&path, name), |buffer| getxattr(&path, name, buffer)) {
                Ok(value) => drop(found.insert(name.to_vec(), value)),
                Err(Errno::NODATA) => {} // It was removed since it was listed.
                Err(cause) => return Err(cause),
            }
        }
        Ok(Self(found))
    }

    /// Gives a file these attributes and no other ACL; the error names the one that failed.
    fn give(&self, file: impl AsFd) -> Result<(), (String, Errno)> {
        let has = Self::of(&file).map_err(|cause| ("its extended attributes".to_owned(), cause))?;
        let path = path(&file);
        let named = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        for (name, value) in self.0.iter().filter(|(name, value)| has.0.get(*name) != Some(value)) {
            setxattr(&path, name.as_slice(), value, XattrFlags::empty()).map_err(|cause| (named(name), cause))?;
        }
        if has.0.contains_key(ACL) && !self.0.contains_key(ACL) {
            removexattr(&path, ACL).map_err(|cause| (named(ACL), cause))?;
        }
        Ok(())
    }

    /// Whether an ACL decides who may use the file.
    pub(super) fn has_acl(&self) -> bool {
        self.0.contains_key(ACL)
    }

    /// Whether it has file capabilities.
    pub(super) fn has_capability(&self) -> bool {
        self.0.contains_key(CAPABILITY)
    }
}

/// Gives a new file of ours all attributes of another file, and makes it durable.
///
/// The order matters: a new owner removes capabilities and set-id bits, and a mode set before the ACL would be the
/// group's right.
pub(super) fn settle(file: &File, had: Had, attributes: &Attributes) -> Result<(), String> {
    let failed = |what: String, cause: Errno| format!("{what} cannot be kept: {}", system_text(cause));
    let own = fstat(file).map(|stat| Had::of(&stat)).map_err(system_text)?;
    if (own.uid, own.gid) != (had.uid, had.gid) {
        fchown(file, Some(Uid::from_raw(had.uid)), Some(Gid::from_raw(had.gid)))
            .map_err(|cause| failed(format!("the owner {}:{}", had.uid, had.gid), cause))?;
    }
    attributes.give(file).map_err(|(name, cause)| failed(name, cause))?;
    fchmod(file, Mode::from_raw_mode(had.mode)).map_err(|cause| failed(format!("the mode {:04o}", had.mode), cause))?;
    fsync(file).map_err(system_text)
}

/// The current attributes of a frozen file.
pub(super) fn of_frozen(root: &Root, file: &Frozen) -> Result<(Stat, Attributes), Errno> {
    let (parent, name) = split(&file.name.0);
    let held = hold(root.directory(parent)?, name)?;
    Ok((fstat(&held)?, Attributes::of(&held)?))
}

/// The rights of this process that matter for copying attributes. Source: proc_pid_status(5), `CapEff`.
struct Rights {
    uid: u32,
    groups: Vec<u32>,
    capabilities: u64,
}

impl Rights {
    fn own() -> Self {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let mut groups = vec![rustix::process::getegid().as_raw()];
        groups.extend(rustix::process::getgroups().unwrap_or_default().iter().map(|group| group.as_raw()));
        Self {
            uid: rustix::process::geteuid().as_raw(),
            groups,
            capabilities: mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0),
        }
    }

    fn may(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 == 1
    }

    /// The first attribute of a file that this process could not copy, with the reason.
    fn lacks(&self, stat: &Stat, attributes: &Attributes) -> Option<String> {
        if stat.st_uid != self.uid && !(self.may(CHOWN) && self.may(FOWNER)) {
            return Some(format!("its owner is uid {}, and this user is uid {}", stat.st_uid, self.uid));
        }
        if !self.groups.contains(&stat.st_gid) && !self.may(CHOWN) {
            return Some(format!("its group is gid {}, to which this user does not belong", stat.st_gid));
        }
        attributes.0.keys().map(Vec::as_slice).find_map(|name| {
            let needs = match name {
                CAPABILITY => (SETFCAP, "CAP_SETFCAP"),
                SELINUX => return None,
                name if name.starts_with(b"security.") || name.starts_with(b"trusted.") => (SYS_ADMIN, "CAP_SYS_ADMIN"),
                _ => return None,
            };
            (!self.may(needs.0)).then(|| format!("{} needs {}", String::from_utf8_lossy(name), needs.1))
        })
    }
}

/// Why a copy of one of these files could not get its owner and its attributes.
pub(super) fn not_kept(root: &Root, files: &[Frozen]) -> Option<String> {
    let rights = Rights::own();
    files.iter().find_map(|file| {
        let why = match of_frozen(root, file) {
            Ok((stat, attributes)) => rights.lacks(&stat, &attributes)?,
            Err(Errno::NOENT) => return None,
            Err(cause) => format!("its attributes cannot be read: {}", system_text(cause)),
        };
        Some(format!("{}: {why}", file.name.shown()))
    })
}
