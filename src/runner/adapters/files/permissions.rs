//! `permissions`: gives files a mode and an owner; the frozen set holds the old ones for the undo.

use crate::config::names;
use crate::config::reader::{Problems, Table};
use crate::domain::quantity::counted;
use crate::domain::{Error, Kind, Preview};
use crate::runner::adapters::files::attributes;
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Had};
use crate::runner::adapters::files::worker::{Worker, reach, unreached};
use crate::runner::adapters::tally::Came;
use crate::runner::failpoint;
use rustix::fs::{Stat, fstat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The new mode and owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    mode: Option<u32>,
    owner: Option<String>,
    group: Option<String>,
    /// The ids of the owner and the group when the plan was made; the preview fills them in.
    #[serde(default)]
    uid: Option<u32>,
    #[serde(default)]
    gid: Option<u32>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = self.mode.map(|mode| format!("{mode:04o}"));
        let owner = self.owner.as_ref().map(|owner| format!("owner {owner}"));
        let group = self.group.as_ref().map(|group| format!("group {group}"));
        f.write_str(&mode.into_iter().chain(owner).chain(group).collect::<Vec<_>>().join(", "))
    }
}

/// Reads `mode`, `owner` and `group`.
pub(super) fn parse(table: &mut Table, problems: &mut Problems) -> Option<Grant> {
    let at = table.at;
    if !table.has("mode") && !table.has("owner") && !table.has("group") {
        problems.add(at, "`permissions` needs `mode`, `owner` or `group`");
        return None;
    }
    let had = (table.has("mode"), table.has("owner"), table.has("group"));
    let wanted = "octal digits such as \"0640\", without a set-id bit and not writable by all";
    let mode = table.parsed("mode", wanted, problems, |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && (3..=4).contains(&text.len());
        u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777 && mode & 0o002 == 0)
    });
    let name = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
    };
    let owner = table.parsed("owner", "the name of a user", problems, name);
    let group = table.parsed("group", "the name of a group", problems, name);
    let read = (mode.is_some(), owner.is_some(), group.is_some());
    (had == read).then_some(Grant { mode, owner, group, uid: None, gid: None })
}

impl Grant {
    /// Looks up the ids of its names.
    ///
    /// # Errors
    /// When a name is not known on this machine.
    pub(super) fn numbered(&self) -> Result<Self, Error> {
        let find = |name: &Option<String>, kind: &str, number: fn(&str) -> Option<u32>| match name {
            None => Ok(None),
            Some(name) => number(name).map(Some).ok_or_else(|| {
                let why = format!("this machine has no {kind} of that name");
                Error::machine(format_args!("find \"{}\"", name.escape_debug()), why)
            }),
        };
        let uid = find(&self.owner, "user", names::user_id)?;
        let gid = find(&self.group, "group", names::group_id)?;
        Ok(Self { uid, gid, ..self.clone() })
    }

    fn of(&self, had: Had) -> Had {
        Had { mode: self.mode.unwrap_or(had.mode), uid: self.uid.unwrap_or(had.uid), gid: self.gid.unwrap_or(had.gid) }
    }
}

/// Takes out files that already have them.
pub(super) fn narrow(
    files: &mut Vec<Frozen>,
    grant: &Grant,
    preview: &mut Vec<(String, String)>,
) -> Result<u64, Error> {
    let grant = grant.numbered()?;
    let before = files.len();
    files.retain(|file| file.had.is_some_and(|had| grant.of(had) != had));
    preview.push(("permissions".to_owned(), grant.to_string()));
    Ok((before - files.len()) as u64)
}

/// Why this user could not restore the permissions of one of the files. Source: chmod(2), chown(2).
pub(super) fn not_restorable(files: &[Frozen], grant: &Grant) -> Option<String> {
    if rustix::process::geteuid().is_root() {
        return None;
    }
    let own = rustix::process::geteuid().as_raw();
    let mut groups = vec![rustix::process::getegid().as_raw()];
    groups.extend(rustix::process::getgroups().unwrap_or_default().iter().map(|group| group.as_raw()));
    let grant = match grant.numbered() {
        Ok(grant) => grant,
        Err(error) => return Some(error.message),
    };
    files.iter().find_map(|file| {
        let had = file.had?;
        let (new, name) = (grant.of(had), file.name.shown());
        if had.uid != own {
            Some(format!("{name} belongs to uid {}, and this user is uid {own}", had.uid))
        } else if new.uid != had.uid {
            Some(format!("{name} would be another user's, and only root gives it back"))
        } else {
            let strange = new.gid != had.gid && !groups.contains(&had.gid);
            strange.then(|| format!("{name} has the group {}, to which this user does not belong", had.gid))
        }
    })
}

/// Refuses a change that would remove a file's capabilities for good, and warns of files with an ACL, whose mask
/// changes with the mode.
pub(super) fn warn(root: &Root, files: &[Frozen], grant: &Grant, preview: &mut Preview) -> Result<(), Error> {
    let mut acls = 0_u64;
    for file in files {
        let shown = file.name.shown();
        let (stat, attributes) = match attributes::of_frozen(root, file) {
            Ok(found) => found,
            Err(Errno::NOENT) => continue,
            Err(cause) => return Err(Error::machine(format_args!("read the attributes of {shown}"), cause)),
        };
        let gives_away = grant.owner.is_some() || grant.group.is_some();
        if gives_away && attributes.has_capability() && file.had == Some(Had::of(&stat)) {
            let message = format!("cannot change the owner of {shown}: that takes its file capabilities away");
            return Err(Error::new(Kind::Refused, message).hint("leave it out with `except` (see getcap(8))"));
        }
        acls += u64::from(attributes.has_acl());
    }
    if acls > 0 && grant.mode.is_some() {
        let files = counted(acls, "file has an ACL", "files have an ACL");
        preview.warnings.push(format!("{files}: the group bits of the mode become its mask, and widen or narrow it"));
    }
    Ok(())
}

/// Shows the current permissions of the files.
pub(super) fn describe(files: &[Frozen], preview: &mut Preview) {
    let mut kinds: Vec<String> = files
        .iter()
        .filter_map(|file| file.had)
        .map(|had| format!("{:04o} {}:{}", had.mode, had.uid, had.gid))
        .collect();
    kinds.sort();
    kinds.dedup();
    if !kinds.is_empty() {
        preview.facts.push(("they have".to_owned(), kinds.join(", ")));
    }
}

/// Whether a file has its new permissions, by the ids; `None` if it is another file.
pub(super) fn is_granted(file: &Frozen, grant: Option<&Grant>, stat: &Stat) -> Option<bool> {
    let grant = grant?;
    let had = file.had.filter(|_| file.is_same_file(stat))?;
    Some(Had::of(stat) == grant.of(had))
}

impl Worker {
    /// Gives a file its new mode and owner.
    pub(super) fn grant(&mut self, file: &Frozen, grant: Option<&Grant>) -> Came {
        match ends(file, grant) {
            Ok((had, new)) => self.change(file, had, new, true),
            Err(why) => Came::Failed(why),
        }
    }

    /// Restores a file's old permissions.
    pub(super) fn grant_back(&mut self, file: &Frozen, grant: Option<&Grant>) -> Came {
        match ends(file, grant) {
            Ok((had, new)) => self.change(file, new, had, false),
            Err(why) => Came::Failed(why),
        }
    }

    /// Changes from one to the other; a file that has neither was changed by another program.
    fn change(&mut self, file: &Frozen, from: Had, to: Had, to_grant: bool) -> Came {
        let (parent, name) = split(&file.name.0);
        let Self { root, source, .. } = self;
        let directory = match reach(source, parent, || root.directory(parent)) {
            Ok(directory) => directory,
            Err(cause) => return unreached(cause),
        };
        // Does not open it for reading: its mode may forbid that.
        let held = match beneath::hold(&directory.fd, name) {
            Ok(held) => held,
            Err(Errno::XDEV) => return Came::LeftAlone(beneath::why(Errno::XDEV)),
            Err(Errno::NOENT) => return Came::LeftAlone("it is no longer there".to_owned()),
            Err(cause) => return Came::Failed(cause.to_string()),
        };
        let is = match fstat(&held) {
            // A new hard link may be anywhere.
            Ok(stat) if file.is_same_file(&stat) && stat.st_nlink > 1 && to_grant => {
                return Came::LeftAlone("it has other names (hard links) now".to_owned());
            }
            Ok(stat) if file.is_same_file(&stat) => Had::of(&stat),
            Ok(_) => return Came::LeftAlone("it changed since it was frozen".to_owned()),
            Err(cause) => return Came::Failed(cause.to_string()),
        };
        if is == to {
            return Came::Already;
        }
        // An interrupted attempt has changed the owner, and not yet the mode.
        let own = (is.uid, is.gid);
        if is != from && !(own == (to.uid, to.gid) && is.mode & 0o777 == from.mode & 0o777) {
            return Came::LeftAlone("its mode or owner changed since it was frozen".to_owned());
        }
        let path = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        if own != (to.uid, to.gid)
            && let Err(cause) = std::os::unix::fs::chown(&path, Some(to.uid), Some(to.gid))
        {
            return Came::Failed(format!("cannot give it to {}:{}: {cause}", to.uid, to.gid));
        }
        failpoint::pass("act.half");
        if let Err(cause) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(to.mode)) {
            return Came::Failed(format!("cannot give it the mode {:04o}: {cause}", to.mode));
        }
        match look_at(&directory.fd, name).map(|stat| Had::of(&stat)) {
            Ok(now) if now == to => Came::Done,
            _ => Came::Failed("it does not have what it was given".to_owned()),
        }
    }
}

/// A file's old and new permissions.
fn ends(file: &Frozen, grant: Option<&Grant>) -> Result<(Had, Had), String> {
    let had = file.had.ok_or("the set does not hold its old mode and owner")?;
    let grant = grant.ok_or("the action does not hold its new mode and owner")?;
    Ok((had, grant.of(had)))
}
