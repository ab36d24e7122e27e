//! The keys of every action: the table behind `midwatch schema procedure` and the page `docs/reference/procedure.md`.

mod files;
mod objects;
mod others;
mod redis;
#[cfg(test)]
mod tests;

use crate::config::keys::{Form, Key, Needs, Section};
use crate::procedure::adapters::Purpose;
use crate::procedure::keys::Way;

const DO: &[Purpose] = &[Purpose::Do];
const PROVE: &[Purpose] = &[Purpose::Prove];
const UNDO: &[Purpose] = &[Purpose::Undo];
const ACTS: &[Purpose] = &[Purpose::Do, Purpose::Undo];
const LOOKS: &[Purpose] = &[Purpose::Read, Purpose::Check];
const ASKS: &[Purpose] = &[Purpose::Read, Purpose::Check, Purpose::Prove];
const ALL: &[Purpose] = &[Purpose::Read, Purpose::Check, Purpose::Do, Purpose::Prove, Purpose::Undo];

const fn way(name: &'static str, doc: &'static str, purposes: &'static [Purpose], keys: &'static [Key]) -> Way {
    Way { section: Section { name, form: Form::Inline, doc, keys, needs: Needs::Nothing }, purposes }
}

/// Every form of every action.
#[must_use]
pub fn ways() -> Vec<Way> {
    [others::EXEC, others::SCRIPT, files::FORMS, objects::FORMS, redis::FORMS, others::FORMS].concat()
}
