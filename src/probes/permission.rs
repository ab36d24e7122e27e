//! Which permission is lacking where the system refuses to open a path: of the path itself, or of a directory above it.
//!
//! A file can be opened where each directory above it may be searched (`x`) and it may itself be read (`r`); see path_resolution(7).

use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::path::{Path, PathBuf};

/// How many links are followed, one behind the other.
const LINKS: u8 = 8;

/// A permission that this user lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// What it is lacking on.
    pub place: PathBuf,
    /// `r`, `x` or `rx`.
    pub modes: &'static str,
    /// Whether that is not the path itself: a directory above it, or what a link leads to.
    pub is_elsewhere: bool,
}

impl Needs {
    /// What is lacking to read a path; `None` where no mode is in the way: another rule of the system is, or it has changed since.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::behind(path, LINKS)
    }

    fn behind(path: &Path, links: u8) -> Option<Self> {
        let lacks =
            |place: &Path, access| accessat(CWD, place, access, AtFlags::EACCESS) == Err(rustix::io::Errno::ACCESS);
        let mut above: Vec<&Path> = path.ancestors().skip(1).filter(|place| !place.as_os_str().is_empty()).collect();
        above.reverse();
        // The first one hides all below it.
        if let Some(place) = above.into_iter().find(|place| lacks(place, Access::EXEC_OK)) {
            return Some(Self { place: place.to_owned(), modes: "x", is_elsewhere: true });
        }
        if let (Ok(target), Some(links)) = (std::fs::read_link(path), links.checked_sub(1)) {
            let target = path.parent().unwrap_or(path).join(target);
            return Self::behind(&target, links).map(|needs| Self { is_elsewhere: true, ..needs });
        }
        let is_searched = !path.is_dir() || !lacks(path, Access::EXEC_OK);
        let modes = match (lacks(path, Access::READ_OK), is_searched) {
            (true, true) => "r",
            (true, false) => "rx",
            (false, false) => "x",
            (false, true) => return None,
        };
        Some(Self { place: path.to_owned(), modes, is_elsewhere: false })
    }

    /// `permission denied (needs x on /backups)`, about this path.
    pub(crate) fn denied(path: &Path) -> String {
        match Self::of(path) {
            Some(Self { place, modes, is_elsewhere: true }) => {
                format!("permission denied (needs {modes} on {})", place.display())
            }
            Some(Self { modes, .. }) => format!("permission denied (needs {modes})"),
            None => "permission denied".to_owned(),
        }
    }
}
