//! Whether a service could be reached now.

use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::http::client::{Asking, blocking};
use crate::runner::adapters::http::{Method, Spec};
use crate::runner::adapters::rehearse::Rehearsed;

/// Sends HEAD, which changes nothing; any answer shows that the service can be reached.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    let spec = match common::spec::<Spec>(undo) {
        Ok(spec) => Spec { method: Method::Head, body: None, key: None, ..spec },
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    if spec.url.contains("{{") {
        return Rehearsed::Unknown("which URL it is, only the run knows".to_owned());
    }
    let asking = match Asking::of(&spec) {
        Ok(asking) => asking,
        Err(why) => return Rehearsed::NotPossible(format!("the request cannot be made: {why}")),
    };
    match blocking(asking.once()) {
        Ok(Ok(answer)) => Rehearsed::Possible(format!("the service answers ({} to HEAD)", answer.status)),
        Ok(Err(lost)) if !lost.sent => Rehearsed::NotPossible(format!("the service cannot be reached: {}", lost.why)),
        Ok(Err(lost)) => Rehearsed::Unknown(lost.why),
        Err(error) => Rehearsed::Unknown(error.message),
    }
}
