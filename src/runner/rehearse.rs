//! Whether every undo of a plan is possible now, before step 1.
//!
//! If an undo needs values from an earlier `read`, they are read here as the run would read them; nothing is changed.

use crate::domain::quantity::bytes;
use crate::domain::{EffectClass, Saved};
use crate::journal::record::Ending;
use crate::procedure::plan::{Action, Plan, Step, UndoPlan};
use crate::procedure::template::OfRun;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::adapters::{self, hide, rehearse};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;

/// The most bytes of a value that a run saves.
const MOST_SAVED: usize = 16 << 20;

/// The result for one step's undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its undo was checked.
    Asked(Rehearsed),
    /// It has no undo, for this reason.
    None(String),
}

/// One step that changes a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Its place in the plan, from 0.
    pub step: usize,
    /// Its title.
    pub title: String,
    /// Its undo in one line; empty where there is none.
    pub undo: String,
    /// The result for its undo.
    pub way: Way,
}

/// Checks the undo of every step that changes a target; it blocks.
#[must_use]
pub fn rehearse(plan: &Plan) -> Vec<Rehearsal> {
    let mut facts = Facts { plan, read: BTreeMap::new() };
    let steps = plan.steps.iter().enumerate().filter(|(_, step)| step.effect > EffectClass::Read);
    steps.filter_map(|(number, step)| one(number, step, &mut facts)).collect()
}

fn one(number: usize, step: &Step, facts: &mut Facts<'_>) -> Option<Rehearsal> {
    let (undo, way) = match (&step.undo, &step.act) {
        (UndoPlan::Undo(undo), Some(act)) => {
            let (line, answer) = facts.ask(number, undo, act);
            (line, Way::Asked(answer))
        }
        (UndoPlan::None(reason), _) => (String::new(), Way::None(reason.clone())),
        _ => return None,
    };
    Some(Rehearsal { step: number, title: step.title.clone(), undo, way })
}

/// The values that reads saved, as far as they were needed.
struct Facts<'a> {
    plan: &'a Plan,
    read: BTreeMap<String, Result<Saved, String>>,
}

impl Facts<'_> {
    fn ask(&mut self, number: usize, undo: &Action, act: &Action) -> (String, Rehearsed) {
        let mut saved = BTreeMap::new();
        let found = [undo, act].into_iter().try_for_each(|action| self.take(number, action, &mut saved));
        if let Err(answer) = found {
            return (sentence(&undo.line), answer);
        }
        let run = OfRun { id: "{{run.id}}", dir: "{{run.dir}}", saved: &saved };
        match (undo.of_run(run), act.of_run(run)) {
            (Ok(undo), Ok(act)) => (undo.line.clone(), rehearse::rehearse(&undo, &act)),
            (Err(why), _) | (_, Err(why)) => (sentence(&undo.line), Rehearsed::NotPossible(why)),
        }
    }

    /// Reads all that an action needs from earlier steps.
    fn take(&mut self, number: usize, action: &Action, saved: &mut BTreeMap<String, Saved>) -> Result<(), Rehearsed> {
        for name in needed(action) {
            let Some((reader, key)) = self.reader(number, &name) else {
                return Err(Rehearsed::NotPossible(format!("no step before it reads `{}`", shown(&name))));
            };
            match self.read(reader, &key) {
                Ok(found) => drop(saved.insert(key, found)),
                Err(why) => {
                    return Err(Rehearsed::Unknown(format!("`{}` could not be read: {why}", shown(&key))));
                }
            }
        }
        Ok(())
    }

    /// The earlier step that saves under a name, and that name: for an entry of `each`, the read of that entry or of
    /// all entries at once.
    fn reader(&self, number: usize, name: &str) -> Option<(usize, String)> {
        let bare = name.split('[').next().unwrap_or(name);
        [name, bare].into_iter().find_map(|name| {
            let mut before = self.plan.steps.iter().take(number);
            let place = before.rposition(|step| step.save.as_deref() == Some(name))?;
            Some((place, name.to_owned()))
        })
    }

    /// Reads as the step would, once for each name. Values that this read itself needs are read first.
    fn read(&mut self, reader: usize, name: &str) -> Result<Saved, String> {
        if let Some(known) = self.read.get(name) {
            return known.clone();
        }
        let action = self.plan.steps.get(reader).and_then(|step| step.act.clone());
        let found = action.ok_or_else(|| "its step asks nothing".to_owned()).and_then(|action| {
            let mut saved = BTreeMap::new();
            self.take(reader, &action, &mut saved).map_err(|answer| answer.why().to_owned())?;
            let run = OfRun { id: "{{run.id}}", dir: "{{run.dir}}", saved: &saved };
            carried_out(reader, &action.of_run(run)?)
        });
        self.read.insert(name.to_owned(), found.clone());
        found
    }
}

/// A buffer for a program's output, as large as a run saves.
#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    all: usize,
}

impl io::Write for Printed {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.all = self.all.saturating_add(piece.len());
        if self.all <= MOST_SAVED {
            self.bytes.extend_from_slice(piece);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn carried_out(reader: usize, action: &Action) -> Result<Saved, String> {
    if adapters::is_look(action) {
        return Err("only a run reads it".to_owned());
    }
    if action.least > EffectClass::Read || action.spec.to_string().contains("{{") {
        return Err("it needs what only a run knows".to_owned());
    }
    let step = u32::try_from(reader).unwrap_or(u32::MAX);
    let whole = BTreeMap::new();
    if adapters::program(action).is_some() {
        let mut printed = Printed::default();
        let end = hide::end(adapters::read_program(action, &mut printed, &AtomicBool::new(false)));
        if end.ending != Ending::Ok {
            return Err(end.detail);
        }
        if printed.all > MOST_SAVED {
            return Err(format!("it printed {}, more than is kept", bytes(printed.all as u64)));
        }
        let output = hide::text(&adapters::printed(printed.bytes)?);
        let message = output.lines().next().unwrap_or_default().to_owned();
        return Ok(Saved { step, text: message, facts: BTreeMap::from([("output".to_owned(), output)]), whole });
    }
    let end = hide::end(adapters::act(action, &mut io::empty(), &mut io::sink(), &AtomicBool::new(false)));
    if end.ending != Ending::Ok {
        return Err(end.detail);
    }
    let facts = end.evidence.map(|evidence| evidence.facts).unwrap_or_default();
    Ok(Saved { step, text: end.detail, facts, whole })
}

/// The names that an action needs from earlier reads, with the entry of `each` where one is named.
fn needed(action: &Action) -> Vec<String> {
    let text = action.spec.to_string();
    let marks = text.split("{{saved:").skip(1).filter_map(|rest| rest.split_once("}}"));
    let name = |inside: &str| match inside.split_once(']') {
        Some((name, _)) if name.contains('[') => format!("{name}]"),
        _ => inside.split(['.', '|']).next().unwrap_or(inside).to_owned(),
    };
    let mut names: Vec<String> = marks.map(|(inside, _)| name(inside)).collect();
    names.sort();
    names.dedup();
    names
}

/// A saved name without the number of its included procedure.
fn shown(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A line of a plan as its author would write it: `{{saved:2/before.n}}` is `{{before.n}}`.
fn sentence(line: &str) -> String {
    let mut parts = line.split("{{saved:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut out, part| {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        out.push_str("{{");
        out.push_str(shown(name));
        out.push_str("}}");
        out.push_str(rest);
        out
    })
}
