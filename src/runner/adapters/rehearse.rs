//! Checks read-only, through its adapter, whether an undo is possible now.
//!
//! | adapter | "possible" means |
//! |---|---|
//! | `exec` | the program is found and may be executed, and its directory may be entered |
//! | `script` | bash reads it, its directory may be entered, its secrets are there, and so is every program that it calls |
//! | `files`, a move | both directories lie below the root on one file system that takes writes, and this user may write in them |
//! | `files`, a rotation, an archiving | what the act would touch now can be seen, and the same holds of every directory of it; unpacked it fits |
//! | `files`, permissions | what the act would touch now can be seen, and this user may give every file back what it has |
//! | `sql` | the server answers `act`, takes changes, and that role may do this to these objects |
//! | `systemd` | the unit is loaded, and this user needs no further authorization |
//! | `http` | the service answers |
//! | `redis` | the server answers `act`, and takes changes |
//!
//! If a check cannot be completed, the answer is unknown, which is not ok.

use crate::domain::error::system_text;
use crate::procedure::plan::Action;
use crate::runner::adapters::{exec, files, http, redis, script, sql, systemd};

/// The answer, with its reason in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// It could be carried out now.
    Possible(String),
    /// It could not.
    NotPossible(String),
    /// It is unknown.
    Unknown(String),
}

impl Rehearsed {
    /// The one word for it: `possible`, `not possible`, `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Possible(_) => "possible",
            Self::NotPossible(_) => "not possible",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The reason.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Possible(why) | Self::NotPossible(why) | Self::Unknown(why) => why,
        }
    }
}

/// Checks whether the undo of an act is possible now. Changes nothing; it blocks.
#[must_use]
pub fn rehearse(undo: &Action, of: &Action) -> Rehearsed {
    let answer = match undo.adapter.as_str() {
        exec::KEY => exec::rehearse(undo),
        files::KEY => files::rehearse(undo, of),
        http::KEY => http::rehearse(undo),
        redis::KEY => redis::rehearse(undo),
        script::KEY => script::rehearse(undo),
        sql::KEY => sql::rehearse(undo, of),
        systemd::KEY => systemd::rehearse(undo),
        other => Rehearsed::Unknown(format!("`{other}` cannot be checked in advance")),
    };
    match answer {
        Rehearsed::Possible(why) => Rehearsed::Possible(system_text(why)),
        Rehearsed::NotPossible(why) => Rehearsed::NotPossible(system_text(why)),
        Rehearsed::Unknown(why) => Rehearsed::Unknown(system_text(why)),
    }
}
