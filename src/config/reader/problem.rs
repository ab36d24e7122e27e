//! What is wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// The way on, where one is known.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name may hold a newline, and a line is one problem.
        let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let file: String = self.file.to_string_lossy().chars().map(escaped).collect();
        write!(f, "{file}:{}:{}: {}", self.place.line, self.place.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Everything wrong with a file, in the order found.
#[derive(Debug, Default)]
pub struct Problems {
    file: PathBuf,
    found: Vec<Problem>,
    keys_only: bool,
}

impl Problems {
    /// Starts a collection for one file.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// Notes a problem.
    pub fn add(&mut self, place: Place, message: impl Into<String>) {
        if !self.keys_only {
            self.add_of_key(place, message.into(), None);
        }
    }

    /// Notes a problem with the way on.
    pub fn add_with_hint(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        if !self.keys_only {
            self.add_of_key(place, message.into(), Some(hint.into()));
        }
    }

    /// Notes that a key is unknown or missing, which holds regardless of the rest.
    pub(super) fn add_of_key(&mut self, place: Place, message: String, hint: Option<String>) {
        self.found.push(Problem { file: self.file.clone(), place, message, hint });
    }

    /// Reads what refers to something that could not be read: of it, only unknown and missing keys are noted.
    pub fn keys_only<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.keys_only, true);
        let found = read(self);
        self.keys_only = before;
        found
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// All of them, in the order of their places.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.place);
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_for_any_file_name() {
        let place = Place { line: 3, column: 7 };
        let problem = Problem { file: "a\nb.toml".into(), place, message: "wrong".to_owned(), hint: None };
        assert_eq!(problem.to_string(), "a\\nb.toml:3:7: wrong");
    }
}
