//! `files`: lists, moves, rotates, archives, deletes and checks files below the procedure's root.
//!
//! ```toml
//! do    = { files = "delete", under = "data/sessions", match = "*.json", older = "{{sessions}}" }
//! do    = { files = "move", under = "logs", match = "*.gz", older = 1, to = "logs/archive" }
//! do    = { files = "rotate", under = "logs", match = "*.log", larger = "100MiB", reopen = { unit = "api.service", signal = "USR1" } }
//! do    = { files = "archive", under = "logs", match = "*.log.*", older = "7d", to = "logs/archive", recursive = true }
//! do    = { files = "permissions", under = "data", match = "*", mode = "0640", owner = "cell0", group = "adm" }
//! prove = { files = "arrived" }         # after a move; `gone` a delete, `rotated`, `archived`, `granted` the others
//! undo  = { files = "restore" }         # of a move, a rotation, an archiving, and of permissions
//! check = { files = "newest", under = "backups", match = "*.tar.gz", younger = "24h", larger = "1MiB" }
//! check = { files = "verify", under = "backups", match = "*.tar.gz" }     # the newest, against the SHA-256 beside it
//! check = { files = "scan", for = "secrets", under = "logs", match = "*.log*", recursive = true }   # or "world-writable"
//! ```
//!
//! `match` and `except` are patterns of a file's name, in which `*` matches any bytes and `?` one byte; a name that
//! begins with a dot matches only a pattern that does. `older` counts from the last change of content, in days or as
//! a span. `keep_newest` keeps that many of the matching files, of any age. Only regular files are touched.
//! `recursive = true` enters subdirectories, except the directory that files are moved to. All work uses directory
//! descriptors that no symbolic link and no mount can lead out of the root.

mod archive;
mod attributes;
mod beneath;
mod compressed;
mod frozen;
mod gz;
mod handles;
mod look;
mod names;
mod newest;
mod permissions;
mod proof;
mod read;
mod rehearse;
mod rotate;
mod scan;
#[cfg(test)]
mod tests;
mod verify;
mod worker;

use crate::config::reader::{Problems, Table};
use crate::domain::EffectClass;
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use serde::{Deserialize, Serialize};

pub(super) use beneath::{Root, split, why};
pub(super) use frozen::{Head, Name};

/// The adapter's key.
pub(super) const KEY: &str = "files";
pub(super) use look::{NOUN, preview};
pub(super) use proof::prove;
use read::{parse_do, pattern, relative};
pub(super) use rehearse::rehearse;
pub(super) use worker::act;

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    List,
    Move,
    Delete,
    Restore,
    Gone,
    Arrived,
    Newest,
    Verify,
    Rotate,
    Archive,
    Permissions,
    Rotated,
    Archived,
    Granted,
    Scan,
}

/// The words of all operations, for people.
const WORDS: &str = "one of list, move, rotate, archive, delete, permissions, restore, gone, arrived, rotated, archived, granted, \
                     newest, verify, scan";

impl Op {
    const ALL: [Self; 15] = [
        Self::List,
        Self::Move,
        Self::Delete,
        Self::Restore,
        Self::Gone,
        Self::Arrived,
        Self::Newest,
        Self::Verify,
        Self::Rotate,
        Self::Archive,
        Self::Permissions,
        Self::Rotated,
        Self::Archived,
        Self::Granted,
        Self::Scan,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Gone => "gone",
            Self::Arrived => "arrived",
            Self::Newest => "newest",
            Self::Verify => "verify",
            Self::Rotate => "rotate",
            Self::Archive => "archive",
            Self::Permissions => "permissions",
            Self::Rotated => "rotated",
            Self::Archived => "archived",
            Self::Granted => "granted",
            Self::Scan => "scan",
        }
    }

    /// The operations that have an undo.
    const UNDOABLE: [Self; 4] = [Self::Move, Self::Rotate, Self::Archive, Self::Permissions];

    /// The purposes that an operation may serve, and the `do` that its step must have.
    fn purpose(self) -> (Purpose, &'static [Self]) {
        match self {
            Self::List | Self::Move | Self::Delete | Self::Rotate | Self::Archive | Self::Permissions => {
                (Purpose::Do, &[])
            }
            Self::Restore => (Purpose::Undo, &Self::UNDOABLE),
            Self::Rotated => (Purpose::Prove, &[Self::Rotate]),
            Self::Archived => (Purpose::Prove, &[Self::Archive]),
            Self::Granted => (Purpose::Prove, &[Self::Permissions]),
            Self::Gone => (Purpose::Prove, &[Self::Delete, Self::Move]),
            Self::Arrived => (Purpose::Prove, &[Self::Move]),
            Self::Newest | Self::Verify | Self::Scan => (Purpose::Check, &[]),
        }
    }

    fn least_effect(self) -> EffectClass {
        match self {
            Self::List
            | Self::Gone
            | Self::Arrived
            | Self::Rotated
            | Self::Archived
            | Self::Granted
            | Self::Newest
            | Self::Verify
            | Self::Scan => EffectClass::Read,
            Self::Move | Self::Rotate | Self::Archive | Self::Permissions | Self::Restore => EffectClass::Change,
            Self::Delete => EffectClass::Destroy,
        }
    }
}

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    op: Op,
    root: String,
    /// What it selects; an undo and a proof use their step's frozen set instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    select: Option<Select>,
    /// The directory that files are moved to, relative to the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The conditions for the newest file; a read has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<newest::Wanted>,
    /// How the writer of a rotated log is made to reopen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reopen: Option<rotate::Reopen>,
    /// The new mode and owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<permissions::Grant>,
    /// What to search for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<scan::Wanted>,
}

impl Spec {
    /// An action without a selection of its own.
    fn of(op: Op, root: String) -> Self {
        Self { op, root, select: None, to: None, newest: None, reopen: None, grant: None, scan: None }
    }
}

/// Which files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Select {
    /// The directory, relative to the root; empty for the root itself.
    under: String,
    pattern: String,
    except: Vec<String>,
    older_s: Option<u64>,
    keep_newest: u64,
    recursive: bool,
    /// Files smaller than this are skipped.
    #[serde(default, skip_serializing_if = "is_zero")]
    larger: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde requires a reference.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, scope: &Scope, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    let op = table.parsed(KEY, WORDS, problems, |word| Op::ALL.into_iter().find(|op| op.word() == word))?;
    let root = scope.root.clone();
    if root.is_none() {
        problems.add(at, "`files` needs the procedure's `root`");
    }
    let (fits, of) = op.purpose();
    if op == Op::Newest && matches!(purpose, Purpose::Check | Purpose::Read) {
        return newest::parse(purpose, table, root?, problems);
    }
    if op == Op::Verify && matches!(purpose, Purpose::Check | Purpose::Read) {
        return verify::parse(table, root?, problems);
    }
    if op == Op::Scan && matches!(purpose, Purpose::Check | Purpose::Read) {
        return scan::parse(table, root?, problems);
    }
    if fits != purpose {
        problems
            .add(at, format!("`files = \"{}\"` belongs under `{}`, not `{}`", op.word(), fits.word(), purpose.word()));
        return None;
    }
    if fits == Purpose::Do {
        return parse_do(op, table, root?, problems);
    }
    table.finish(problems);
    let done = scope.of.as_ref().filter(|act| act.adapter == KEY).and_then(|act| common::spec::<Spec>(act).ok());
    let Some(done) = done.filter(|done| of.contains(&done.op)) else {
        let words: Vec<_> = of.iter().map(|op| format!("`{}`", op.word())).collect();
        problems.add(at, format!("`{}` follows {} of files only", op.word(), words.join(" or ")));
        return None;
    };
    of_done(op, done, root?)
}

/// The action that undoes or proves an operation.
fn of_done(op: Op, done: Spec, root: String) -> Option<Action> {
    let line = match (op, done.op) {
        (Op::Restore, Op::Rotate) => "give every log its name back",
        (Op::Restore, Op::Archive) => "unpack every file to where it was",
        (Op::Restore, Op::Permissions) => "give every file back its mode and its owner",
        (Op::Restore, _) => "move every file back to where it was",
        (Op::Arrived, _) => "every file is at its new place",
        (Op::Rotated, _) => "every log has its new name, and its writer has closed it",
        (Op::Archived, _) => "every file is in its archive, whole, and gone from its place",
        (Op::Granted, _) => "every file has its new mode and owner",
        _ => "every file is gone from its place",
    };
    let (reopen, grant) = (done.reopen, done.grant);
    common::action(KEY, op.least_effect(), line.to_owned(), &Spec { reopen, grant, ..Spec::of(op, root) })
}

/// The proof that counts what an action did to its set.
pub(super) fn counting(act: &Action) -> Option<Action> {
    let done: Spec = common::spec(act).ok()?;
    let op = match done.op {
        Op::Delete => Op::Gone,
        Op::Move => Op::Arrived,
        Op::Rotate => Op::Rotated,
        Op::Archive => Op::Archived,
        Op::Permissions => Op::Granted,
        _ => return None,
    };
    let root = done.root.clone();
    of_done(op, done, root)
}
