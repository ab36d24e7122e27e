//! Where the secrets of a plan lie: their places, never their values.

use crate::config::secrets::{SecretPlace, Secrets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretAt {
    File(PathBuf),
    Env(String),
    EnvUrl(String),
}

/// The places of some secrets by their names.
pub(super) type Places = BTreeMap<String, SecretAt>;

/// The places of the secrets of these names; a name that the estate does not know is left out.
pub(super) fn places<'a>(secrets: &Secrets, names: impl IntoIterator<Item = &'a str>) -> Places {
    let place = |name: &'a str| Some((name.to_owned(), kept(secrets.places.get(name)?)));
    names.into_iter().filter_map(place).collect()
}

fn kept(place: &SecretPlace) -> SecretAt {
    match place {
        SecretPlace::File(path) => SecretAt::File(path.clone()),
        SecretPlace::Env(variable) => SecretAt::Env(variable.clone()),
        SecretPlace::EnvUrl(variable) => SecretAt::EnvUrl(variable.clone()),
    }
}

/// The secrets at these places, to be read when they are needed.
pub(super) fn secrets(places: &Places) -> Secrets {
    let place = |place: &SecretAt| match place {
        SecretAt::File(path) => SecretPlace::File(path.clone()),
        SecretAt::Env(variable) => SecretPlace::Env(variable.clone()),
        SecretAt::EnvUrl(variable) => SecretPlace::EnvUrl(variable.clone()),
    };
    Secrets { places: places.iter().map(|(name, at)| (name.clone(), place(at))).collect() }
}
