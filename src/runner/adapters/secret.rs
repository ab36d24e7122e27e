//! The places of a plan's secrets, never their values.

use crate::config::paths::Surroundings;
use crate::config::reader::nearest;
use crate::config::secrets::{Secret, SecretPlace, Secrets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The prefix of a reference to a secret.
const REFERENCE: &str = "secret:";

/// The place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretAt {
    /// A file that only its owner may read.
    File(PathBuf),
    /// A variable of Midwatch's own environment.
    Env(String),
    /// The password in a URL in such a variable.
    EnvUrl(String),
}

/// A secret of the estate, by name and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name in the estate.
    pub name: String,
    /// Its place; `None` if the plan was made without an estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SecretAt>,
}

impl Named {
    /// The secret that a value refers to, `secret:NAME`; `None` if it is no reference. `known` are the estate's;
    /// `None` without an estate.
    ///
    /// # Errors
    /// A sentence: the estate names no such secret.
    pub fn of(value: &str, known: Option<&Secrets>) -> Option<Result<Self, String>> {
        let name = value.strip_prefix(REFERENCE)?;
        let Some(known) = known else { return Some(Ok(Self { name: name.to_owned(), place: None })) };
        Some(match known.places.get(name) {
            Some(place) => Ok(Self { name: name.to_owned(), place: Some(kept(place)) }),
            None => {
                let near = nearest(name, known.places.keys().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!(": did you mean `secret:{near}`?"));
                Err(format!("the estate names no secret `{}`{hint}", name.escape_debug()))
            }
        })
    }

    /// Reads the value, with the variables of this process.
    ///
    /// # Errors
    /// A sentence with the secret's name and its place, never with the value.
    pub fn read(&self) -> Result<Secret, String> {
        let Some(place) = &self.place else {
            return Err(format!("secret {}: the plan does not hold its place", self.name.escape_debug()));
        };
        let places = Places::from([(self.name.clone(), place.clone())]);
        secrets(&places).read(&self.name, &Surroundings::of(std::env::vars_os()))
    }
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

/// The secrets at these places, read when they are needed.
pub(super) fn secrets(places: &Places) -> Secrets {
    let place = |place: &SecretAt| match place {
        SecretAt::File(path) => SecretPlace::File(path.clone()),
        SecretAt::Env(variable) => SecretPlace::Env(variable.clone()),
        SecretAt::EnvUrl(variable) => SecretPlace::EnvUrl(variable.clone()),
    };
    Secrets { places: places.iter().map(|(name, at)| (name.clone(), place(at))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_stored_by_its_place_and_an_unknown_one_is_reported() {
        let places = BTreeMap::from([("pg".to_owned(), SecretPlace::Env("PG".to_owned()))]);
        let known = Secrets { places };
        let of = |text: &str| Named::of(text, Some(&known));
        assert_eq!(of("plain"), None);
        assert_eq!(of("secret:pg").unwrap().unwrap().place, Some(SecretAt::Env("PG".to_owned())));
        let why = of("secret:pgg").unwrap().unwrap_err();
        assert_eq!(why, "the estate names no secret `pgg`: did you mean `secret:pg`?");
        let open = Named::of("secret:pg", None).unwrap().unwrap();
        assert_eq!(open.read().unwrap_err(), "secret pg: the plan does not hold its place");
    }
}
