//! What of a series may not be read, and how it can be.

use crate::domain::error::system_text;
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
            why: why(cause),
            is_denied: cause.kind() == io::ErrorKind::PermissionDenied,
        })
    }

    /// `cannot read /backups/base: permission denied`.
    pub(super) fn words(&self) -> String {
        format!("cannot read {}: {}", self.path.display(), self.why)
    }

    /// The command that lets this user read it, where it is the right to that is lacking. A path that a shell would take apart has none.
    pub(super) fn remedy(&self) -> Option<String> {
        let path = self.path.to_str().filter(|_| self.is_denied)?;
        let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(&byte));
        let user = rustix::process::geteuid().as_raw();
        is_plain.then(|| format!("setfacl -R -m u:{user}:rX {path}"))
    }
}

/// What the system system_text, in a few words.
pub fn why(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => system_text(cause),
    }
}
