//! Freezes what the undo and the proof of a step would run, with the set of the step: the consent to the act covers
//! them.
//!
//! The head of the set holds it, beside the head of the act's adapter. Of the files in the arguments, only those that
//! would be executed are compared. The act may change files that an undo or a proof reads or changes, so their
//! content is not part of the consent.

use crate::domain::error::Result;
use crate::domain::{Digest, Error, Item};
use crate::procedure::plan::{Action, Step, UndoPlan};
use crate::runner::adapters::{Draft, Program, exec, frozen, program};
use crate::runner::pinned::{FileIdentity, MOST_ARGUMENTS, Pinned, named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Its key in a head.
pub(super) const KEY: &str = "bound";

/// The kind of a set that holds only what an undo would run.
pub(super) const ALONE: &str = "bound";

/// What the undo and the proof of a step would run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The undo, if it is a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Code>,
    /// The proof, if it is a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prove: Option<Code>,
}

/// The program of an action, and what it would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The file to execute.
    pub program: PathBuf,
    /// The program, its interpreters, and the files of its arguments that it would run; none if there is no such
    /// program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Pinned>,
    /// The script in its arguments, if it is an interpreter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<PathBuf>,
}

/// A set that holds only what an undo would run.
#[derive(Serialize, Deserialize)]
struct Alone {
    set: String,
    bound: Bound,
}

impl Bound {
    /// Looks at what the undo and the proof of a step would run.
    ///
    /// # Errors
    /// When it cannot be looked at; of kind refused where it is a script that others could replace.
    pub fn of(step: &Step, restless: &[PathBuf]) -> Result<Self> {
        let act = step.act.as_ref();
        let of = |what: &str, cause: Error| Error { message: format!("its {what}: {}", cause.message), ..cause };
        let undo = match &step.undo {
            UndoPlan::Undo(undo) => Code::of_undo(undo, act, restless).map_err(|cause| of("undo", cause))?,
            _ => None,
        };
        let prove = step.prove.as_ref().map(|prove| Code::of_proof(prove, restless)).transpose();
        let prove = prove.map_err(|cause| of("proof", cause))?.flatten();
        Ok(Self { undo, prove })
    }

    /// The entry in the head of a set; `None` in a set of an older version.
    #[must_use]
    pub fn in_set(set: &mut dyn BufRead) -> Option<Self> {
        Self::in_head(&frozen::head(set).ok()?)
    }

    pub(super) fn in_head(head: &serde_json::Value) -> Option<Self> {
        Self::deserialize(head.get(KEY)?).ok()
    }

    /// Whether neither is a program.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.undo.is_none() && self.prove.is_none()
    }

    /// What differs in a later look, one line each.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let pairs = [("undo", &self.undo, &now.undo), ("proof", &self.prove, &now.prove)];
        let of = |(of, was, is): (&str, &Option<Code>, &Option<Code>)| match (was, is) {
            (Some(was), Some(is)) => was.changes(is).into_iter().map(|line| format!("its {of}: {line}")).collect(),
            (None, None) => Vec::new(),
            _ => vec![format!("its {of} is another than the one shown")],
        };
        pairs.into_iter().flat_map(of).collect()
    }

    /// The files that differ in a later look, except programs.
    pub(super) fn changed_arguments(&self, now: &Self) -> Vec<PathBuf> {
        let pairs = [(&self.undo, &now.undo), (&self.prove, &now.prove)];
        let pinned = |code: &Option<Code>| code.as_ref().and_then(|code| code.pinned.clone());
        let changed = pairs.into_iter().filter_map(|(was, is)| Some((pinned(was)?, pinned(is)?)));
        let paths = |(was, is): (Pinned, Pinned)| was.changed_arguments(&is).map(Path::to_owned).collect::<Vec<_>>();
        changed.flat_map(paths).collect()
    }

    /// Writes a set that holds only this, durably, and returns its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, part: &Path) -> Result<Digest> {
        let failed = |cause| Error::machine("keep what an undo would run", cause);
        let mut set = Draft::create(part).map_err(failed)?;
        frozen::write_line(&mut set, &Alone { set: ALONE.to_owned(), bound: self.clone() })?;
        set.finish().map_err(failed)
    }
}

impl Code {
    /// What an undo would run; none if it is not a program. Files that the act also gets are the act's to change.
    ///
    /// # Errors
    /// As [`Bound::of`].
    pub fn of_undo(undo: &Action, act: Option<&Action>, restless: &[PathBuf]) -> Result<Option<Self>> {
        let given: BTreeSet<PathBuf> = act.and_then(program).iter().flat_map(files).collect();
        Self::of(undo, restless, |path| !given.contains(path))
    }

    /// What a proof would run; none if it is not a program. Its program only reads the files in its arguments.
    ///
    /// # Errors
    /// As [`Bound::of`].
    pub fn of_proof(prove: &Action, restless: &[PathBuf]) -> Result<Option<Self>> {
        Self::of(prove, restless, |_| false)
    }

    /// What the program of an action would run: the script handed to an interpreter, executable files, and any file
    /// for which `counts` is true. The arguments of a program that runs nothing never count.
    fn of(action: &Action, restless: &[PathBuf], counts: impl Fn(&Path) -> bool) -> Result<Option<Self>> {
        let Some(program) = program(action) else { return Ok(None) };
        let script = exec::handed(&program);
        let is_interpreter = exec::is_interpreter(&program.path);
        let is_run =
            |path: &Path| script.as_deref() == Some(path) || can_be_executed(path) || (!is_interpreter && counts(path));
        let runs_nothing = exec::runs_nothing(&program.path);
        let wanted =
            |word: &&String| !runs_nothing && named(word, &program.cwd).any(|path| path.is_file() && is_run(&path));
        let mut words: Vec<String> = program.argv.iter().take(1).cloned().collect();
        words.extend(program.argv.iter().skip(1).take(MOST_ARGUMENTS).filter(wanted).cloned());
        let pinned = match program.look(&words, restless) {
            Ok(pinned) => Some(pinned),
            Err(_) if !program.path.is_file() => None,
            Err(cause) => return Err(cause),
        };
        Ok(Some(Self { program: program.path, pinned, script }))
    }

    /// What differs in a later look, one line each, with both identities.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.program != now.program {
            lines.push(format!("the program is {} now, and was {}", now.program.display(), self.program.display()));
        }
        let (was, is) = (self.files(), now.files());
        for file in &was {
            match is.iter().find(|other| other.path == file.path) {
                Some(other) if file.changes(other).is_some() => lines.push(describe(file, Some(other))),
                Some(_) => {}
                None => lines.push(describe(file, None)),
            }
        }
        // A new file counts only if it would be run: the act may create any other file.
        let new = |path: &&PathBuf| !was.iter().any(|file| file.path == **path);
        let run = [Some(&now.program), now.script.as_ref()];
        for path in run.into_iter().flatten().filter(new) {
            let found = is.iter().find(|file| file.path == *path);
            lines.extend(found.map(|file| format!("{} was not there, and is {}", path.display(), file.shown())));
        }
        lines
    }

    /// Each file with its identity, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let files: Vec<String> =
            self.files().iter().map(|file| format!("{} ({})", file.path.display(), file.shown())).collect();
        if files.is_empty() { format!("{}, which is not there", self.program.display()) } else { files.join(", ") }
    }

    fn files(&self) -> Vec<&FileIdentity> {
        self.pinned.iter().flat_map(|pinned| std::iter::once(&pinned.program).chain(&pinned.files)).collect()
    }
}

/// Each program as one item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let bound = Bound::in_head(head).unwrap_or_default();
    [bound.undo, bound.prove].into_iter().flatten().map(|code| Item::named(code.shown())).collect()
}

/// The sentence for a file that changed or is gone.
fn describe(was: &FileIdentity, is: Option<&FileIdentity>) -> String {
    let path = was.path.display();
    match is {
        Some(is) => format!("{path} was {}; is {}", was.shown(), is.shown()),
        None => format!("{path} was {}; is gone", was.shown()),
    }
}

/// The files that the arguments of a program name.
fn files(program: &Program) -> Vec<PathBuf> {
    let words = program.argv.iter().skip(1).take(MOST_ARGUMENTS);
    words.flat_map(|word| named(word, &program.cwd)).collect()
}

fn can_be_executed(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|seen| seen.is_file() && seen.permissions().mode() & 0o111 != 0)
}

/// The head of a set with what the undo and the proof would run.
pub(super) fn into_head(line: &[u8], bound: &Bound) -> io::Result<Vec<u8>> {
    let Some(open) = line.strip_suffix(b"}\n") else { return Err(io::Error::other("its first line is no head")) };
    let mut head = open.to_vec();
    write!(head, ",\"{KEY}\":")?;
    serde_json::to_writer(&mut head, bound)?;
    head.extend_from_slice(b"}\n");
    Ok(head)
}

#[cfg(test)]
mod tests;
