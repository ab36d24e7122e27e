//! The directory a private server lives in.

use crate::demo::postgres::programs::Account;
use crate::demo::removal;
use crate::domain::error::{Error, Result};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};

/// What the path of a unix socket may have, in bytes, with its closing NUL (`unix(7)`).
const SOCKET_LIMIT: usize = 108;
/// The longest name of a socket in a home.
const SOCKET: &str = "/.s.PGSQL.65535.lock";

/// A directory of the server's own account, of mode 0700, on a path that is short enough for a socket.
///
/// Where the wanted path is too long, or leads through directories that the account may not enter, the home lies in the
/// directory for temporary files and the wanted path is a link to it.
#[derive(Debug)]
pub(in crate::demo) struct Home {
    /// Where it really lies.
    pub path: PathBuf,
    /// The link that leads there, if there is one.
    link: Option<PathBuf>,
    /// The directory's device and number: another one in its place is not ours.
    own: (u64, u64),
}

impl Home {
    /// Makes a home; what an earlier one of the same path left is removed.
    pub fn make(wanted: &Path, account: Option<Account>) -> Result<Self> {
        let failed = |cause: io::Error| Error::machine(format_args!("make {}", wanted.display()), cause);
        clear(wanted).map_err(failed)?;
        let fits = wanted.as_os_str().len() + SOCKET.len() < SOCKET_LIMIT;
        let mut home = if fits && wanted.is_absolute() && (account.is_none() || is_open(wanted)) {
            Self { path: wanted.to_owned(), link: None, own: (0, 0) }
        } else {
            let quarantined = std::env::temp_dir().join(format!("midwatch-{:016x}", random().map_err(failed)?));
            Self { path: quarantined, link: Some(wanted.to_owned()), own: (0, 0) }
        };
        fs::DirBuilder::new().mode(0o700).create(&home.path).map_err(failed)?;
        home.own = identity(&home.path).map_err(failed)?;
        if let Some(account) = account {
            chown(&home.path, Some(account.user), Some(account.group)).map_err(failed)?;
        }
        if let Some(link) = &home.link {
            symlink(&home.path, link).map_err(failed)?;
        }
        Ok(home)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is removed when a home is made there again.
        if identity(&self.path).is_ok_and(|found| found == self.own) {
            let _ = fs::remove_dir_all(&self.path);
        }
        if let Some(link) = self.link.as_ref().filter(|link| fs::read_link(link).is_ok_and(|to| to == self.path)) {
            let _ = fs::remove_file(link);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Removes what an earlier server left at a path: a home, or the link to one.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn clear(wanted: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(wanted) else { return Ok(()) };
    if found.is_dir() {
        return removal::remove(wanted);
    }
    // Only what a home is called is followed.
    if let Ok(quarantined) = fs::read_link(wanted)
        && quarantined.parent() == Some(&std::env::temp_dir())
        && quarantined.file_name().is_some_and(|name| name.as_bytes().starts_with(b"midwatch-"))
        && fs::symlink_metadata(&quarantined).is_ok_and(|found| found.is_dir())
    {
        removal::remove(&quarantined)?;
    }
    fs::remove_file(wanted)
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Whether every user may pass through every directory above a path.
fn is_open(path: &Path) -> bool {
    path.ancestors().skip(1).all(|above| fs::metadata(above).is_ok_and(|found| found.mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_home_and_both_go_together() {
        let above = tempfile::tempdir().unwrap();
        let wanted = above.path().join("d".repeat(120));
        let home = Home::make(&wanted, None).unwrap();
        assert!(home.path.as_os_str().len() + SOCKET.len() < SOCKET_LIMIT);
        assert_eq!(
            (fs::read_link(&wanted).unwrap(), fs::metadata(&home.path).unwrap().mode() & 0o777),
            (home.path.clone(), 0o700)
        );
        let left = home.path.clone();
        std::mem::forget(home);
        let home = Home::make(&wanted, None).unwrap();
        assert!(!left.exists() && home.path.exists(), "what a killed owner left is removed");
        let path = home.path.clone();
        drop(home);
        assert!(!path.exists() && fs::symlink_metadata(&wanted).is_err());
    }

    #[test]
    fn what_has_taken_the_place_of_a_home_is_left_alone() {
        let above = tempfile::tempdir().unwrap();
        for name in ["short", &"d".repeat(120)] {
            let wanted = above.path().join(name);
            let home = Home::make(&wanted, None).unwrap();
            let path = home.path.clone();
            fs::rename(&wanted, above.path().join(format!("{}.other", &name[..5]))).unwrap();
            fs::create_dir(&wanted).unwrap();
            fs::write(wanted.join("precious"), "x").unwrap();
            drop(home);
            assert!(wanted.join("precious").exists() && (path == wanted || !path.exists()));
        }
    }

    #[test]
    fn a_link_to_anything_else_is_not_followed() {
        let above = tempfile::tempdir().unwrap();
        let precious = above.path().join("midwatch-precious");
        fs::create_dir(&precious).unwrap();
        symlink(&precious, above.path().join("link")).unwrap();
        clear(&above.path().join("link")).unwrap();
        assert!(precious.exists() && fs::symlink_metadata(above.path().join("link")).is_err());
    }
}
