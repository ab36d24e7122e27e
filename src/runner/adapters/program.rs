//! The program that an act is: which one, whether it may run unasked, and the files that a set names for it.

use crate::config::trust;
use crate::domain::EffectClass;
use crate::domain::quantity::{bytes, count};
use crate::procedure::plan::Action;
use crate::runner::adapters::{ActEnd, Program, act, exec, frozen, script};
use crate::runner::pinned::Pinned;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Whether the program of an action that nobody confirms (a check, a read, a proof) is one that only root and this user can change.
///
/// # Errors
/// A sentence with the place that others can change, and the command that closes it.
pub fn is_fit_unasked(action: &Action) -> Result<(), String> {
    let program = program(action).filter(|_| action.floor == EffectClass::Read);
    program.map_or(Ok(()), |program| fit_unasked(&program.path))
}

/// The same of a program's file.
///
/// # Errors
/// As [`is_fit_unasked`].
pub fn fit_unasked(program: &Path) -> Result<(), String> {
    trust::check(program).map_err(|loose| {
        format!("{} is run without a confirmation, and {loose}; close it: {}", program.display(), loose.command)
    })
}

/// Runs a program that reads, and gives what it prints on standard output alone.
pub fn read_program(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    match action.adapter.as_str() {
        exec::KEY => exec::read(action, out, cancel),
        _ => act(action, &mut std::io::empty(), out, cancel),
    }
}

/// What a program printed, without its last line end.
///
/// # Errors
/// Nothing printed is nothing learned; and what is no text cannot stand in one.
pub fn printed(output: Vec<u8>) -> Result<String, String> {
    let output = String::from_utf8(output).map_err(|cause| {
        let (place, all) = (cause.utf8_error().valid_up_to() as u64, cause.as_bytes().len() as u64);
        format!("it printed {}, which are no UTF-8 text from byte {} on", bytes(all), count(place + 1))
    })?;
    match output.replace("\r\n", "\n").trim() {
        "" => Err("it printed nothing".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// The program that is the act itself, for `exec` and `script`.
#[must_use]
pub fn program(action: &Action) -> Option<Program> {
    match action.adapter.as_str() {
        exec::KEY => exec::program(action).ok(),
        script::KEY => script::program(action).ok(),
        _ => None,
    }
}

/// The files that a frozen set names for this very action, for `exec` and `script`; none where the set is of another one.
#[must_use]
pub fn pinned(action: &Action, set: &mut dyn BufRead) -> Option<Pinned> {
    let head = frozen::head(set).ok()?;
    match action.adapter.as_str() {
        exec::KEY => exec::pinned(action, &head),
        script::KEY => script::pinned(action, &head),
        _ => None,
    }
}
