//! The adapter's own part of an action.

use crate::domain::{EffectClass, Error, Kind};
use crate::procedure::plan::Action;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads an action's own type back; it fails only for a plan of another version, or a damaged one.
pub(super) fn spec<T: DeserializeOwned>(action: &Action) -> Result<T, Error> {
    T::deserialize(&action.spec)
        .map_err(|cause| Error::new(Kind::Usage, format!("cannot read the action \"{}\": {cause}", action.line)))
}

/// Makes an action of an adapter's own type.
pub(super) fn action(adapter: &str, least_effect: EffectClass, line: String, spec: &impl Serialize) -> Option<Action> {
    let spec = serde_json::to_value(spec).ok()?;
    Some(Action { adapter: adapter.to_owned(), least: least_effect, line, spec, listing: None })
}
