//! What can be wrong with the file, and what is said of it.

use crate::domain::error::system_text;
use crate::domain::{Error, Kind};
use rusqlite::ErrorCode;
use std::path::Path;

/// Why the file could not be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is no database, or a broken one; what SQLite says of it.
    Damaged(String),
    /// Anything else.
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Fault {
    /// What SQLite says of a file.
    pub fn of(path: &Path, cause: &rusqlite::Error) -> Self {
        let other = |why: &str, hint: &str| Self::Other(unusable(path, why, hint));
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(cause.to_string()),
            // The version is right, and a table is missing or another one: `no such table`.
            Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
                Self::Damaged(cause.to_string())
            }
            Some(ErrorCode::DiskFull) => {
                other("its file system is full", "free space there: `df -h` and `df -i` show both limits")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                other("another program holds the file", "`fuser -v` names the program; it is tried again each minute")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                other("it may not be written", "look at the rights of the file and of its directory, and at `findmnt`")
            }
            _ => other(&system_text(cause), "it is tried again each minute"),
        }
    }

    /// The same as an error, where nothing can be done about damage.
    pub fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Damaged(why) => {
                unusable(path, &format!("it is damaged ({why})"), "it is put aside at the next write")
            }
            Self::Other(error) => error,
        }
    }
}

/// That the file cannot be used, why, and what to try.
pub(super) fn unusable(path: &Path, why: &str, hint: &str) -> Error {
    Error::new(Kind::Machine, format!("cannot keep history in {}: {why}", path.display())).hint(hint)
}
