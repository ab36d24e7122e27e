//! What of a series may not be read, and how it can be.

use crate::domain::error::system_text;
use crate::probes::permission::Needs;
use std::io;
use std::path::{Path, PathBuf};

/// A file or a directory that lies there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    path: PathBuf,
    why: String,
    is_denied: bool,
}

impl Unread {
    /// Of an error of the system; `None` where nothing lies there any more.
    pub(super) fn of(path: &Path, cause: &io::Error) -> Option<Self> {
        let is_gone = cause.kind() == io::ErrorKind::NotFound;
        (!is_gone).then(|| Self {
            path: path.to_owned(),
            why: match cause.kind() {
                io::ErrorKind::PermissionDenied => Needs::denied(path),
                _ => why(cause),
            },
            is_denied: cause.kind() == io::ErrorKind::PermissionDenied,
        })
    }

    /// Why it cannot be read: `permission denied (needs x on /backups)`.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// `cannot read /backups/base: permission denied (needs rx)`.
    pub(super) fn words(&self) -> String {
        format!("cannot read {}: {}", self.path.display(), self.why)
    }

    /// The command that lets this user read it, where it is the right to that is lacking. A path that a shell would take apart has none.
    pub(super) fn remedy(&self) -> Option<String> {
        let needs = self.is_denied.then(|| Needs::of(&self.path)).flatten();
        let (place, option, modes) = match &needs {
            // That alone is opened: what else lies there stays as it is.
            Some(needs) if needs.is_elsewhere => (needs.place.as_path(), "", needs.modes),
            _ => (self.path.as_path(), "-R ", "rX"),
        };
        let path = place.to_str().filter(|_| self.is_denied)?;
        let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(&byte));
        let user = rustix::process::geteuid().as_raw();
        is_plain.then(|| format!("setfacl {option}-m u:{user}:{modes} {path}"))
    }
}

/// What the system said, in a few words.
pub fn why(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => system_text(cause),
    }
}
