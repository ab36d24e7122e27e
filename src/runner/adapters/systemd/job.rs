//! Requests the change from systemd, waits for its job, and checks the unit.

use crate::journal::record::Ending;
use crate::probes::units::bus::{Bus, Trouble};
use crate::probes::units::jobs::{self, State};
use crate::procedure::plan::Action;
use crate::runner::adapters::systemd::{Op, Spec, describe, finish, frozen, is_active, not_its};
use crate::runner::adapters::{self as common, ActEnd};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a wait checks for cancellation, and how long a cancelled job may take to end.
const GLANCE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(8);

/// Acts, or looks if the action only reads.
pub(in super::super) fn act(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    finish(act_on(Bus::system(), action, set, out, cancel))
        .unwrap_or_else(|error| ActEnd::new(Ending::Failed, error.message))
}

pub(super) async fn act_on(
    mut bus: Bus,
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let nothing = |why: &str| ActEnd::new(Ending::Failed, format!("nothing was done: {why}"));
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return nothing(&error.message),
    };
    let Some(member) = spec.op.member() else { return is_active(&mut bus, action, &spec).await };
    let before = match frozen(set).and_then(|head| if head.unit == spec.unit { Ok(head) } else { Err(not_its()) }) {
        Ok(head) => head,
        Err(error) => return nothing(&error.message),
    };
    match jobs::state(&mut bus, &spec.unit).await {
        Err(why) => return nothing(&why).to_try_again(),
        Ok(now) if (&now.load, &now.fragment) != (&before.load, &before.fragment) => {
            return nothing(&format!("{} is defined in another way than was shown", spec.unit));
        }
        Ok(_) => {}
    }
    let mut job = match jobs::begin(&mut bus, member, &spec.unit).await {
        Ok(job) => job,
        Err(trouble @ Trouble::Refused { .. }) => return nothing(&trouble.words()),
        Err(trouble) => {
            let why = format!("systemd was asked, and has not answered: {}", trouble.words());
            return ActEnd::new(Ending::Unknown, why);
        }
    };
    let id = job.id();
    let _ = writeln!(out, "job {} of systemd", id.map_or_else(|| "?".to_owned(), |id| id.to_string()));
    let over = tokio::select! {
        over = job.over() => over,
        () = cancelled(cancel) => {
            let asked = match id {
                Some(id) => bus.manager::<_, ()>("CancelJob", &id).await.map_err(|trouble| trouble.words()),
                None => Err("the job has no number".to_owned()),
            };
            match tokio::time::timeout(PATIENCE, job.over()).await {
                Ok(over) => over,
                Err(_) => {
                    let why = asked.err().map(|why| format!(": {why}")).unwrap_or_default();
                    return ActEnd::new(Ending::Unknown, format!("the job was to be cancelled, and is not over{why}"));
                }
            }
        }
    };
    let Some(result) = over else {
        return ActEnd::new(Ending::Unknown, "the bus was lost while the job was under way");
    };
    let _ = writeln!(out, "the job is over: {result}");
    ended(&mut bus, &spec, &result).await
}

/// The end, by the unit's state after its job.
async fn ended(bus: &mut Bus, spec: &Spec, result: &str) -> ActEnd {
    let state = jobs::state(bus, &spec.unit).await;
    let now = state.as_ref().map_or_else(Clone::clone, describe);
    let ending = match result {
        "done" => match &state {
            Err(why) => {
                return ActEnd::new(
                    Ending::Unknown,
                    format!("the job is done, and the unit's state is not known: {why}"),
                );
            }
            Ok(state) if is_reached(spec.op, state) => Ending::Ok,
            Ok(_) => Ending::Failed,
        },
        "canceled" => Ending::Cancelled,
        _ => Ending::Failed,
    };
    let text = match result {
        "done" => "job done".to_owned(),
        "canceled" => "job cancelled".to_owned(),
        "timeout" => "job timed out".to_owned(),
        "dependency" => "job failed: a unit that it needs did not start".to_owned(),
        other => format!("job {other}"),
    };
    let why = state.ok().and_then(|state| state.result).filter(|why| ending == Ending::Failed && why != "success");
    let why = why.map(|why| format!(", {why}")).unwrap_or_default();
    ActEnd::new(ending, format!("{text}: {} is {now}{why}", spec.unit))
}

/// Whether a unit is in the requested state.
fn is_reached(op: Op, state: &State) -> bool {
    match (op, state.active.as_str()) {
        (Op::Stop, active) => matches!(active, "inactive" | "failed"),
        (_, "active" | "reloading" | "refreshing") => true,
        (_, "activating") => !state.sub.starts_with("auto-restart"),
        (_, "inactive") => state.oneshot && state.result.as_deref() == Some("success"),
        _ => false,
    }
}

async fn cancelled(cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(GLANCE).await;
    }
}
