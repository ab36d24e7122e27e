//! Whether a unit could be changed now.

use crate::probes::units::bus::Bus;
use crate::probes::units::jobs;
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::adapters::systemd::{Op, Spec, finish};

/// Asks systemd for the unit; changes nothing.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    finish(rehearse_on(Bus::system(), undo)).unwrap_or_else(|error| Rehearsed::Unknown(error.message))
}

pub(super) async fn rehearse_on(mut bus: Bus, undo: &Action) -> Rehearsed {
    let spec: Spec = match common::spec(undo) {
        Ok(spec) => spec,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    if spec.unit.contains("{{") {
        return Rehearsed::Unknown(format!("which unit it is, only the run knows: {}", spec.unit));
    }
    let state = match jobs::state(&mut bus, &spec.unit).await {
        Ok(state) => state,
        Err(why) => return Rehearsed::Unknown(why),
    };
    match state.load.as_str() {
        "loaded" => {}
        "" => return Rehearsed::Unknown("systemd does not report whether the unit is loaded".to_owned()),
        other => return Rehearsed::NotPossible(format!("{} is not loaded ({other})", spec.unit)),
    }
    if spec.op == Op::Reload && state.can_reload == Some(false) {
        return Rehearsed::NotPossible(format!("{} cannot be reloaded", spec.unit));
    }
    if rustix::process::geteuid().is_root() {
        return Rehearsed::Possible(format!("{} is loaded", spec.unit));
    }
    // Whether policy allows it to other users is known only at the request.
    Rehearsed::Unknown(format!("{} is loaded; whether this user may {} it is not known", spec.unit, spec.op.word()))
}
