//! Whether every undo of a plan is possible now, before step 1.
//!
//! What an undo needs from an earlier `read` is read here as the run would read it; nothing is changed.

use crate::domain::{EffectClass, Saved};
use crate::journal::record::Ending;
use crate::procedure::plan::{Action, Plan, Step, WayBack};
use crate::procedure::template::OfRun;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::adapters::{self, rehearse};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;

/// How a step stands to its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its undo was asked for.
    Asked(Rehearsed),
    /// There is none, for this reason.
    None(String),
}

/// One step that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Its place in the plan, from 0.
    pub step: usize,
    /// Its title.
    pub title: String,
    /// Its undo in one line; empty where there is none.
    pub undo: String,
    /// How its way back stands.
    pub way: Way,
}

/// Asks for the undo of every step that changes something; it blocks.
#[must_use]
pub fn rehearse(plan: &Plan) -> Vec<Rehearsal> {
    let mut facts = Facts { plan, read: BTreeMap::new() };
    let steps = plan.steps.iter().enumerate().filter(|(_, step)| step.effect > EffectClass::Read);
    steps.filter_map(|(number, step)| one(number, step, &mut facts)).collect()
}

fn one(number: usize, step: &Step, facts: &mut Facts<'_>) -> Option<Rehearsal> {
    let (undo, way) = match (&step.way_back, &step.act) {
        (WayBack::Undo(undo), Some(act)) => (undo.line.clone(), Way::Asked(facts.ask(number, undo, act))),
        (WayBack::None(reason), _) => (String::new(), Way::None(reason.clone())),
        _ => return None,
    };
    Some(Rehearsal { step: number, title: step.title.clone(), undo, way })
}

/// What reads saved, as far as it was needed.
struct Facts<'a> {
    plan: &'a Plan,
    read: BTreeMap<String, Result<Saved, String>>,
}

impl Facts<'_> {
    fn ask(&mut self, number: usize, undo: &Action, act: &Action) -> Rehearsed {
        let mut saved = BTreeMap::new();
        for name in needed(undo).into_iter().chain(needed(act)) {
            let Some(reader) = self.reader(number, &name) else {
                return Rehearsed::NotPossible(format!("no step before it reads `{}`", shown(&name)));
            };
            match self.read(reader, &name) {
                Ok(found) => drop(saved.insert(name, found)),
                Err(why) => return Rehearsed::Unknown(format!("`{}` could not be read: {why}", shown(&name))),
            }
        }
        let run = OfRun { id: "{{run.id}}", dir: "{{run.dir}}", saved: &saved };
        match (undo.of_run(run), act.of_run(run)) {
            (Ok(undo), Ok(act)) => rehearse::rehearse(&undo, &act),
            (Err(why), _) | (_, Err(why)) => Rehearsed::NotPossible(why),
        }
    }

    /// The step before this one that saves under a name.
    fn reader(&self, number: usize, name: &str) -> Option<usize> {
        self.plan.steps.iter().take(number).rposition(|step| step.save.as_deref() == Some(name))
    }

    /// Reads as the step would; once for each name.
    fn read(&mut self, reader: usize, name: &str) -> Result<Saved, String> {
        if let Some(known) = self.read.get(name) {
            return known.clone();
        }
        let action = self.plan.steps.get(reader).and_then(|step| step.act.as_ref());
        let found =
            action.ok_or_else(|| "its step asks nothing".to_owned()).and_then(|action| carried_out(reader, action));
        self.read.insert(name.to_owned(), found.clone());
        found
    }
}

fn carried_out(reader: usize, action: &Action) -> Result<Saved, String> {
    if adapters::is_look(action) {
        return Err("only a run reads it".to_owned());
    }
    if action.floor > EffectClass::Read || action.spec.to_string().contains("{{") {
        return Err("it needs what only a run knows".to_owned());
    }
    let end = adapters::act(action, &mut io::empty(), &mut io::sink(), &AtomicBool::new(false));
    if end.ending != Ending::Ok {
        return Err(end.detail);
    }
    let facts = end.evidence.map(|evidence| evidence.facts).unwrap_or_default();
    Ok(Saved { step: u32::try_from(reader).unwrap_or(u32::MAX), says: end.detail, facts })
}

/// The names of what an action takes from earlier reads.
fn needed(action: &Action) -> Vec<String> {
    let text = action.spec.to_string();
    let marks = text.split("{{saved:").skip(1).filter_map(|rest| rest.split_once("}}"));
    let mut names: Vec<String> =
        marks.filter_map(|(inside, _)| inside.split(['.', '|', '[']).next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// A saved name without the number of the included procedure that it belongs to.
fn shown(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
