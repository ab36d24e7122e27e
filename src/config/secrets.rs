//! Secrets by reference: an estate names where one lies, and its value is read when it is needed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file, without the line end it may close with; refused where others may read it.
    File(PathBuf),
    /// A variable of Midwatch's own environment.
    Env(String),
}

/// The secrets of an estate by name; their places, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Each name with its place.
    pub places: BTreeMap<String, SecretPlace>,
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Secrets {
    /// Reads a secret's value.
    ///
    /// # Errors
    /// A sentence: it is not named, or its place cannot be read, is empty, or is open to others.
    pub fn read(&self, name: &str, around: &crate::config::paths::Surroundings) -> Result<Secret, String> {
        let place = self.places.get(name).ok_or_else(|| format!("there is no secret {}", name.escape_debug()))?;
        let value = match place {
            SecretPlace::Env(variable) => around
                .get(variable)
                .and_then(|value| value.to_str())
                .map(str::to_owned)
                .ok_or_else(|| format!("secret {name}: the variable {variable} is not set"))?,
            SecretPlace::File(path) => {
                std::fs::read_to_string(path).map_err(|cause| format!("secret {name}: {}: {cause}", path.display()))?
            }
        };
        Ok(Secret::new(value.trim_end_matches(['\r', '\n'])))
    }
}
