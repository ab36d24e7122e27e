//! Whether a script could be started now: bash can parse it, and the programs that it calls exist. Its effect cannot
//! be checked.

use crate::domain::Kind;
use crate::domain::quantity::counted;
use crate::procedure::plan::Action;
use crate::procedure::shell;
use crate::runner::adapters as common;
use crate::runner::adapters::exec;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::adapters::script::{Spec, reads};

/// Parses it with bash without running any of it, and checks its directory, its secrets and the programs that it
/// calls.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    let spec: Spec = match common::spec(undo) {
        Ok(spec) => spec,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    let bash = match exec::resolve("bash") {
        Ok(path) => path,
        Err(error) => return Rehearsed::NotPossible(error.message),
    };
    match reads(&bash, &spec.text) {
        Ok(()) => {}
        Err(error) if error.kind == Kind::Usage => return Rehearsed::NotPossible(error.message),
        Err(error) => return Rehearsed::Unknown(error.message),
    }
    if let Some(why) = exec::no_directory(&spec.cwd) {
        return Rehearsed::NotPossible(why);
    }
    for secret in spec.secrets.values() {
        if let Err(why) = secret.read() {
            return Rehearsed::NotPossible(why);
        }
    }
    // If a script changes its `PATH`, the place of its programs is unknown.
    let elsewhere = spec.env.contains_key("PATH") || spec.text.contains("PATH=");
    let gone = |name: &String| (name.starts_with('/') || !name.contains('/')) && exec::resolve(name).is_err();
    let gone: Vec<String> = shell::programs(&spec.text).into_iter().filter(|name| !elsewhere && gone(name)).collect();
    if !gone.is_empty() {
        let names = gone.join("`, `");
        return Rehearsed::Unknown(format!(
            "bash reads it; whether it gets past `{names}`, which is not found, is not known"
        ));
    }
    let lines = counted(spec.text.lines().count() as u64, "line", "lines");
    let found: String = shell::findings(&spec.text, true)
        .into_iter()
        .map(|one| format!("; line {}: {}", one.line, one.message))
        .collect();
    Rehearsed::Possible(format!("bash reads its {lines}, and finds what they call{found}"))
}
