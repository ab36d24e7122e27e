//! Secrets that an action names: where they lie, and the forms in which they are kept out of a log. Never their values.

use crate::config::paths::Surroundings;
use crate::config::reader::nearest;
use crate::config::secrets::{Secret, SecretPlace, Secrets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a reference to a secret begins with.
const REFERENCE: &str = "secret:";

/// The shortest value, and the shortest line of one, that is hidden in a log; a shorter one would hide half of it.
const SHORTEST: usize = 4;

/// A secret of the estate, by name and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretAt {
    /// Its name in the estate.
    pub name: String,
    /// Where it lies; `None` where the plan was made without an estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A file that none but its owner may open.
    File(PathBuf),
    /// A variable of Midwatch's own environment.
    Env(String),
}

impl SecretAt {
    /// The secret that a value refers to, `secret:NAME`; `None` where it refers to none. `known` are the estate's; `None` where
    /// no estate is known.
    ///
    /// # Errors
    /// A sentence: the estate names no such secret.
    pub fn of(value: &str, known: Option<&Secrets>) -> Option<Result<Self, String>> {
        let name = value.strip_prefix(REFERENCE)?;
        let Some(known) = known else { return Some(Ok(Self { name: name.to_owned(), place: None })) };
        Some(match known.places.get(name) {
            Some(place) => Ok(Self { name: name.to_owned(), place: kept(place) }),
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
        let place = match &self.place {
            Some(Place::File(path)) => SecretPlace::File(path.clone()),
            Some(Place::Env(variable)) => SecretPlace::Env(variable.clone()),
            None => return Err(format!("secret {}: the plan does not say where it lies", self.name.escape_debug())),
        };
        let places = BTreeMap::from([(self.name.clone(), place)]);
        Secrets { places }.read(&self.name, &Surroundings::of(std::env::vars_os()))
    }
}

fn kept(place: &SecretPlace) -> Option<Place> {
    match place {
        SecretPlace::File(path) => Some(Place::File(path.clone())),
        SecretPlace::Env(variable) => Some(Place::Env(variable.clone())),
        SecretPlace::EnvUrl(_) => None,
    }
}

/// The forms in which a value is hidden: itself, each of its lines, and both in base64 (RFC 4648, without its padding, and as
/// for URLs), in hexadecimal digits, with percent signs (RFC 3986), and as JSON writes it.
#[must_use]
pub fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for part in std::iter::once(value).chain(value.lines()).filter(|part| part.len() >= SHORTEST) {
        all.push(part.as_bytes().to_vec());
        let coded = base64(part.as_bytes());
        all.push(coded.replace('+', "-").replace('/', "_").into_bytes());
        all.push(coded.into_bytes());
        all.push(part.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        all.push(percent(part).into_bytes());
        let json = serde_json::to_string(part).unwrap_or_default();
        all.push(json.trim_matches('"').as_bytes().to_vec());
    }
    all.sort();
    all.dedup();
    all
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Base64 without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).ok().and_then(|at| DIGITS.get(at));
            out.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_kept_by_its_place_and_an_unknown_one_is_told() {
        let places = BTreeMap::from([("pg".to_owned(), SecretPlace::Env("PG".to_owned()))]);
        let known = Secrets { places };
        let of = |text: &str| SecretAt::of(text, Some(&known));
        assert_eq!(of("plain"), None);
        assert_eq!(of("secret:pg").unwrap().unwrap().place, Some(Place::Env("PG".to_owned())));
        let why = of("secret:pgg").unwrap().unwrap_err();
        assert_eq!(why, "the estate names no secret `pgg`: did you mean `secret:pg`?");
        let open = SecretAt::of("secret:pg", None).unwrap().unwrap();
        assert_eq!(open.read().unwrap_err(), "secret pg: the plan does not say where it lies");
    }

    #[test]
    fn a_value_has_its_common_encodings() {
        let all = forms("hunter2?/ä");
        // Source: `printf 'hunter2?/ä' | base64`, and the URL alphabet of RFC 4648, section 5.
        for form in ["hunter2?/ä", "aHVudGVyMj8vw6Q", "68756e746572323f2fc3a4", "hunter2%3F%2F%C3%A4"] {
            assert!(all.contains(&form.as_bytes().to_vec()), "{form}");
        }
        assert!(forms("a\"bcd").contains(&b"a\\\"bcd".to_vec()));
        assert!(forms("first line\nsecond").contains(&b"second".to_vec()));
        assert_eq!(forms("abc"), Vec::<Vec<u8>>::new());
        assert_eq!((base64(b"f"), base64(b"fo"), base64(b"foo")), ("Zg".into(), "Zm8".into(), "Zm9v".into()));
    }
}
