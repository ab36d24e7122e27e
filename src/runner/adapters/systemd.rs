//! `systemd`: checks a unit of this host, or changes it, over D-Bus.
//!
//! ```toml
//! check = { systemd = "is-active", unit = "nginx.service" }
//! do    = { systemd = "restart", unit = "nginx.service" }        # or start, stop, reload
//! prove = { systemd = "restarted" , unit = "nginx.service" }     # runs, and not the run that was shown
//! undo  = { systemd = "start", unit = "nginx.service" }          # of a stop
//! ```
//!
//! A change is a systemd job: the step waits until the job ends and then checks the unit. Stopping the step cancels
//! the job. If the bus is lost in between, the outcome is unknown.

mod job;
mod rehearse;
#[cfg(test)]
mod tests;

use crate::config::reader::{Problems, Table};
use crate::domain::quantity::age;
use crate::domain::{EffectClass, Error, Evidence, Item, Kind, Preview};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::probes::units::bus::Bus;
use crate::probes::units::jobs::{self, State};
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::plan::Action;
use crate::runner::adapters::{self as common, ActEnd, Look, Proof};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

pub(super) use job::act;
pub(super) use rehearse::rehearse;

/// Its key.
pub const KEY: &str = "systemd";

/// The longest name of a unit, in bytes. Source: systemd.unit(5).
const LONGEST_NAME: usize = 255;

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Op {
    IsActive,
    Restarted,
    Restart,
    Reload,
    Stop,
    Start,
}

impl Op {
    const ALL: [Self; 6] = [Self::IsActive, Self::Restarted, Self::Restart, Self::Reload, Self::Stop, Self::Start];

    fn word(self) -> &'static str {
        match self {
            Self::IsActive => "is-active",
            Self::Restarted => "restarted",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }

    /// The method of systemd's manager, for changes.
    fn member(self) -> Option<&'static str> {
        match self {
            Self::IsActive | Self::Restarted => None,
            Self::Restart => Some("RestartUnit"),
            Self::Reload => Some("ReloadUnit"),
            Self::Stop => Some("StopUnit"),
            Self::Start => Some("StartUnit"),
        }
    }

    fn fits(self) -> &'static [Purpose] {
        match self {
            Self::IsActive => &[Purpose::Check, Purpose::Read, Purpose::Prove],
            Self::Restarted => &[Purpose::Prove],
            _ => &[Purpose::Do, Purpose::Undo],
        }
    }
}

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    op: Op,
    unit: String,
}

/// The frozen set's only line: the unit as it was shown. Its invocation id changes with every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    set: String,
    op: Op,
    unit: String,
    load: String,
    active: String,
    fragment: String,
    invocation: String,
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, scope: &Scope, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    if let Some(at) = scope.limit.filter(|_| purpose == Purpose::Do) {
        problems.add(at, "`limit` needs a set that can be counted, and this is one unit");
    }
    let op = table.parsed("systemd", "one of is-active, restarted, restart, reload, stop, start", problems, |word| {
        Op::ALL.into_iter().find(|op| op.word() == word)
    });
    let unit_at = table.place_of("unit");
    let unit = table.required_text("unit", problems).filter(|name| {
        let sound = is_unit(name);
        if !sound {
            let message = format!("\"{}\" is not the name of a unit", name.escape_debug());
            problems.add_with_hint(unit_at, message, "a name with its suffix, such as \"nginx.service\"");
        }
        sound
    });
    table.finish(problems);
    let (op, unit) = (op?, unit?);
    if !op.fits().contains(&purpose) {
        let words: Vec<String> = op.fits().iter().map(|fit| format!("`{}`", fit.word())).collect();
        let message = format!("`{}` belongs under {}, not `{}`", op.word(), words.join(" or "), purpose.word());
        problems.add(at, message);
        return None;
    }
    let of = scope.of.as_ref().filter(|of| of.adapter == KEY).and_then(|of| common::spec::<Spec>(of).ok());
    let needs_it = op == Op::Restarted || purpose == Purpose::Undo;
    if needs_it && of.as_ref().is_none_or(|of| of.unit != unit) {
        problems.add(unit_at, format!("`{}` here is about the unit of the step's `do`", op.word()));
        return None;
    }
    let least = if op.member().is_some() { EffectClass::Change } else { EffectClass::Read };
    let line = match op {
        Op::IsActive => format!("{unit} is active"),
        Op::Restarted => format!("{unit} was restarted"),
        _ => format!("{} {unit}", op.word()),
    };
    common::action(KEY, least, line, &Spec { op, unit })
}

/// Source: systemd.unit(5), "a valid unit name".
pub(super) fn is_unit(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let placeholder = name.contains("{{");
    let (stem, suffix) = name.rsplit_once('.').unwrap_or_default();
    placeholder || (name.len() <= LONGEST_NAME && !stem.is_empty() && !suffix.is_empty() && name.bytes().all(known))
}

/// Runs the future to its end in its own runtime.
fn finish<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start a client of the bus", cause))?;
    Ok(runtime.block_on(work))
}

/// Looks at the unit and freezes it.
pub(super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    finish(preview_on(Bus::system(), action, look, set))?
}

async fn preview_on(mut bus: Bus, action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    let doing = format!("look at {}", spec.unit);
    let state = jobs::state(&mut bus, &spec.unit).await.map_err(|why| Error::machine(&doing, why))?;
    let refused = |why: String| Err(Error::new(Kind::Refused, format!("cannot go on: {why}")));
    if state.load != "loaded" {
        return refused(format!("{} is not loaded ({})", spec.unit, state.load));
    }
    if spec.op == Op::Reload && state.can_reload == Some(false) {
        return refused(format!("{} cannot be reloaded", spec.unit));
    }
    common::write_line(set, &head(&spec, &state))?;
    let mut facts = vec![("state".to_owned(), describe(&state))];
    facts.extend(state.main_pid.map(|pid| ("main process".to_owned(), pid.to_string())));
    let (word, with) = match spec.op {
        Op::Reload => ("reloaded with it", &state.reload_with),
        Op::Stop => ("stopped with it", &state.follow),
        _ => ("restarted with it", &state.follow),
    };
    if spec.op != Op::Start {
        facts.push((word.to_owned(), named(with)));
    }
    let mut warnings = Vec::new();
    if state.need_daemon_reload == Some(true) {
        warnings.push("its file has changed, and systemd has not read it: daemon-reload is needed".to_owned());
    }
    if !with.is_empty() && spec.op != Op::Start {
        warnings.push(format!("{word}: {}", named(with)));
    }
    if state.active == "failed" {
        warnings.push(format!("it has failed: {}", state.result.as_deref().unwrap_or("no reason reported")));
    }
    let destroys = look.effect == EffectClass::Destroy;
    let phrase = format!("{} 1 {}", spec.op.word(), common::plain_word(&spec.unit, "unit"));
    let mut verb = spec.op.word().to_owned();
    verb.replace_range(..1, &spec.op.word().chars().take(1).collect::<String>().to_uppercase());
    Ok(Preview {
        headline: format!("{verb} {}", spec.unit),
        place: look.host.clone(),
        count: 1,
        facts,
        warnings,
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    })
}

fn head(spec: &Spec, state: &State) -> Head {
    Head {
        set: KEY.to_owned(),
        op: spec.op,
        unit: spec.unit.clone(),
        load: state.load.clone(),
        active: state.active.clone(),
        fragment: state.fragment.clone(),
        invocation: state.invocation.clone(),
    }
}

fn describe(state: &State) -> String {
    let since = state.since.map(|since| format!(" since {} ago", age(clock::now().wall.since(since))));
    format!("{} ({}){}", state.active, state.sub, since.unwrap_or_default())
}

/// All of them: the units that stop or start with a unit are part of the confirmation.
fn named(units: &[String]) -> String {
    if units.is_empty() { "nothing".to_owned() } else { units.join(", ") }
}

/// The set as one item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let unit = head.get("unit").and_then(serde_json::Value::as_str).unwrap_or_default();
    vec![Item::named(unit.to_owned())]
}

async fn is_active(bus: &mut Bus, action: &Action, spec: &Spec) -> ActEnd {
    let state = match jobs::state(bus, &spec.unit).await {
        Ok(state) => state,
        Err(why) => return ActEnd::unknown(why),
    };
    let mut facts = BTreeMap::from([
        ("load_state".to_owned(), state.load.clone()),
        ("active_state".to_owned(), state.active.clone()),
        ("sub_state".to_owned(), state.sub.clone()),
    ]);
    facts.extend(state.main_pid.map(|pid| ("main_pid".to_owned(), pid.to_string())));
    let seen = Evidence { source: action.line.clone(), seen: clock::now().wall, facts };
    let (ending, detail) = judged(&state);
    let run = Some(state.invocation.clone()).filter(|run| !run.is_empty());
    ActEnd::new(ending, detail).seen(seen).of_run(run)
}

fn judged(state: &State) -> (Ending, String) {
    let active = matches!(state.active.as_str(), "active" | "reloading" | "refreshing");
    let detail = match state.load.as_str() {
        "not-found" if !active => "no such unit".to_owned(),
        _ => describe(state),
    };
    (if active { Ending::Ok } else { Ending::Failed }, detail)
}

/// Checks whether the effect is present.
pub(super) fn prove(action: &Action, set: &mut dyn BufRead, out: &mut dyn Write) -> Proof {
    let proof = finish(prove_on(Bus::system(), action, set)).unwrap_or_else(|error| Proof::Unclear(error.message));
    let (Proof::Done(text) | Proof::NotDone(text) | Proof::Unclear(text)) = &proof;
    let _ = writeln!(out, "{text}");
    proof
}

async fn prove_on(mut bus: Bus, action: &Action, set: &mut dyn BufRead) -> Proof {
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return Proof::Unclear(error.message),
    };
    let state = match jobs::state(&mut bus, &spec.unit).await {
        Ok(state) => state,
        Err(why) => return Proof::Unclear(why),
    };
    let (ending, detail) = judged(&state);
    if spec.op != Op::Restarted {
        return if ending == Ending::Ok { Proof::Done(detail) } else { Proof::NotDone(detail) };
    }
    match frozen(set) {
        Err(error) => Proof::Unclear(error.message),
        Ok(before) if before.unit != spec.unit => Proof::Unclear(not_its().message),
        Ok(_) if state.invocation.is_empty() => {
            Proof::Unclear("systemd does not report which run of the unit this is".to_owned())
        }
        Ok(before) if before.invocation == state.invocation => {
            Proof::NotDone(format!("it is the same run as before: {detail}"))
        }
        Ok(_) if ending == Ending::Ok => Proof::Done(format!("it is another run than before: {detail}")),
        Ok(_) => Proof::Unclear(format!("it is another run than before, and has not settled: {detail}")),
    }
}

fn frozen(set: &mut dyn BufRead) -> Result<Head, Error> {
    common::frozen::typed(&common::frozen::head(set)?, "a unit")
}

fn not_its() -> Error {
    common::not_a_set("it belongs to another unit")
}
