//! Where PostgreSQL's programs lie, and who may run them.

use crate::domain::error::{Error, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest major version that serves.
pub const OLDEST: u32 = 15;
/// Where packages put one directory for each major version: Debian's and the PostgreSQL project's for Red Hat.
const VERSIONED: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];
/// What a private server needs.
const NEEDED: [&str; 4] = ["postgres", "initdb", "psql", "pg_basebackup"];
/// How a distribution's package is installed, by the program that does it.
const INSTALLERS: [(&str, &str); 4] = [
    ("apt-get", "apt-get install postgresql"),
    ("dnf", "dnf install postgresql-server postgresql"),
    ("pacman", "pacman -S postgresql"),
    ("apk", "apk add postgresql postgresql-client"),
];

/// The programs of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The directory that holds them.
    pub directory: PathBuf,
    /// The major version.
    pub version: u32,
}

impl Programs {
    /// The newest installation; versioned directories go before the path, which may hold wrappers.
    #[must_use]
    pub fn find() -> Option<Self> {
        let versioned = VERSIONED.into_iter().flat_map(|(above, prefix)| {
            let entries = fs::read_dir(above).into_iter().flatten().flatten();
            entries.filter_map(move |entry| {
                let version: u32 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some(Self { directory: entry.path().join("bin"), version })
            })
        });
        let newest = versioned.filter(Self::serves).max_by_key(|found| found.version);
        newest.or_else(|| on_path().filter_map(Self::asked).find(Self::serves))
    }

    fn serves(&self) -> bool {
        self.version >= OLDEST && NEEDED.iter().all(|name| is_program(&self.directory.join(name)))
    }

    /// An installation whose directory does not name its version: `postgres (PostgreSQL) 15.20`.
    fn asked(directory: PathBuf) -> Option<Self> {
        let output = Command::new(directory.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let digits: String = text.split(") ").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { directory, version: digits.parse().ok()? })
    }

    /// One of the programs, to be run as an account, with no variable that would lead it elsewhere.
    pub(super) fn command(&self, name: &str, account: Option<Account>) -> Command {
        let mut command = Command::new(self.directory.join(name));
        prepare(&mut command, account);
        command
    }
}

/// Clears what would lead a program to another server, and makes it run as an account.
pub(in crate::demo) fn prepare(command: &mut Command, account: Option<Account>) {
    let theirs = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("PG"));
    for name in theirs {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
}

/// What is missing for a private server, with the command that installs it; `None` when nothing is.
#[must_use]
pub fn unavailable() -> Option<String> {
    if Programs::find().is_none() {
        let installer = INSTALLERS.iter().find(|(program, _)| on_path().any(|at| is_program(&at.join(program))));
        let install = installer.map_or("install PostgreSQL", |(_, install)| install);
        return Some(format!("PostgreSQL {OLDEST} or newer is not installed: {install}"));
    }
    account().err().map(|error| error.message)
}

/// The directories of the path.
pub(in crate::demo) fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// Whether a file is there that may be run.
pub(in crate::demo) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) struct Account {
    pub user: u32,
    pub group: u32,
}

/// Who runs the server: PostgreSQL refuses root, so root lends it an account; `None` means ourselves.
pub(in crate::demo) fn account() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = ["nobody", "postgres"].into_iter().find_map(|name| of_name(&users, name));
    found.map(Some).ok_or_else(|| {
        Error::machine("run PostgreSQL as root, which it refuses", "there is neither a user nobody nor a user postgres")
    })
}

fn of_name(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2).map(str::parse);
    Some(Account { user: ids.next()?.ok()?, group: ids.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\nnobody2:x:7:7::/:/\nnobody:x:65534:65533:n:/none:/sbin/nologin\nbroken:x\n";
        assert_eq!(of_name(users, "nobody"), Some(Account { user: 65534, group: 65533 }));
        assert_eq!(of_name(users, "postgres"), None);
        assert_eq!(of_name(users, "broken"), None);
    }

    #[test]
    fn what_is_missing_is_named_with_a_command_or_nothing_is() {
        match (Programs::find(), unavailable()) {
            (Some(found), None) => assert!(found.version >= OLDEST && found.directory.join("postgres").is_file()),
            (_, Some(why)) => assert!(why.contains("PostgreSQL"), "{why}"),
            found => panic!("{found:?}"),
        }
    }
}
