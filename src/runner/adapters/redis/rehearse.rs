//! Whether a Redis could be changed now.

use crate::domain::EffectClass;
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::redis::{ACTS, Spec, connection, server};
use crate::runner::adapters::rehearse::Rehearsed;

/// Asks the server over `act` for its identity; writes nothing.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    let spec: Spec = match common::spec(undo) {
        Ok(spec) => spec,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    if spec.act.is_none() {
        return Rehearsed::NotPossible(format!("{} has no `act`", spec.target));
    }
    connection::finish(asked(&spec)).unwrap_or_else(|error| Rehearsed::Unknown(error.message))
}

async fn asked(spec: &Spec) -> Rehearsed {
    let mut session = match spec.to_act(ACTS).await {
        Ok(session) => session,
        Err(why) => return Rehearsed::Unknown(format!("`act` gets no session: {why}")),
    };
    match server::server(&mut session).await {
        Ok(server) => match server.refusal(EffectClass::Change, false) {
            Some(why) => Rehearsed::NotPossible(format!("{} {why}", spec.target)),
            None => Rehearsed::Possible(format!("{} answers `act`, and takes changes", spec.target)),
        },
        Err(failure) => Rehearsed::Unknown(failure.reason),
    }
}
