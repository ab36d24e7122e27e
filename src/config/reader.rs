//! Reads TOML so that every value knows its place and no key passes unread.
//!
//! The recoverable parse of the `toml` crate is turned into an owned tree in which each value carries its line and
//! column. A reader takes the keys it knows out of a [`Table`]; [`Table::finish`] reports every key that is left, with
//! the nearest known name. All problems of a file are collected, none stops the reading.

use jiff::civil::Date;
use std::collections::BTreeSet;

mod nearest;
mod parse;
mod problem;

pub use nearest::nearest;
pub use parse::parse;
pub use problem::{Place, Problem, Problems};

/// The largest file that is read: an estate or a procedure of this size is a mistake.
pub const LARGEST_FILE: u64 = 4 << 20;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its place.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// A TOML value, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A local date.
    Date(Date),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// What it is, in a word for error messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a real number",
            Self::Bool(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The place of the key.
    pub at: Place,
    /// Its value.
    pub node: Node,
}

/// A table whose keys are taken out one by one; what is left when it is finished was not known.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    /// Where it begins.
    pub at: Place,
    /// Its entries in the order of the file.
    pub entries: Vec<Entry>,
    asked: BTreeSet<&'static str>,
}

impl Table {
    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The place of a key's value, or of the table when it has no such key.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.at, |entry| entry.node.at)
    }

    /// Takes a key's value out, of any kind.
    pub fn take(&mut self, key: &'static str) -> Option<Node> {
        self.asked.insert(key);
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at).node)
    }

    /// Takes text out.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let node = self.take(key)?;
        match node.value {
            Value::Text(text) => Some(text),
            other => wrong(problems, node.at, key, "text", &other),
        }
    }

    /// Takes text out that must be there.
    pub fn required_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        if !self.has(key) {
            self.asked.insert(key);
            problems.add_of_key(self.at, format!("`{key}` is missing"), None);
            return None;
        }
        self.text(key, problems)
    }

    /// Takes a whole number out.
    pub fn int(&mut self, key: &'static str, problems: &mut Problems) -> Option<i64> {
        let node = self.take(key)?;
        match node.value {
            Value::Int(number) => Some(number),
            other => wrong(problems, node.at, key, "a whole number", &other),
        }
    }

    /// Takes true or false out.
    pub fn bool(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let node = self.take(key)?;
        match node.value {
            Value::Bool(flag) => Some(flag),
            other => wrong(problems, node.at, key, "true or false", &other),
        }
    }

    /// Takes a table out.
    pub fn table(&mut self, key: &'static str, problems: &mut Problems) -> Option<Self> {
        let node = self.take(key)?;
        match node.value {
            Value::Table(table) => Some(table),
            other => wrong(problems, node.at, key, "a table", &other),
        }
    }

    /// Takes `schema` out, and says whether the rest can be read by it: a newer file would only yield noise.
    pub fn schema(&mut self, known: i64, problems: &mut Problems) -> bool {
        let at = self.place_of("schema");
        if !self.has("schema") {
            self.asked.insert("schema");
            problems.add_with_hint(at, "`schema` is missing", format!("write `schema = {known}`"));
            return true;
        }
        match self.int("schema", problems) {
            Some(given) if given != known => {
                problems.add(at, format!("schema {given} is not known to this version, which reads schema {known}"));
                false
            }
            _ => true,
        }
    }

    /// Takes a list of tables out: the `[[key]]` sections.
    pub fn tables(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Self> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Value::List(items) = node.value else {
            let _: Option<()> = wrong(problems, node.at, key, "a list of tables", &node.value);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.value {
                Value::Table(table) => tables.push(table),
                other => {
                    let _: Option<()> = wrong(problems, item.at, key, "a table", &other);
                }
            }
        }
        tables
    }

    /// Takes a list of texts out, each with its place.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Option<Vec<(Place, String)>> {
        let node = self.take(key)?;
        let Value::List(items) = node.value else {
            return wrong(problems, node.at, key, "a list of texts", &node.value);
        };
        let mut texts = Vec::new();
        for item in items {
            match item.value {
                Value::Text(text) => texts.push((item.at, text)),
                other => {
                    let _: Option<()> = wrong(problems, item.at, key, "text", &other);
                }
            }
        }
        Some(texts)
    }

    /// Takes text out and reads it with `parse`; `what` says what it should have been, with an example.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        what: &str,
        problems: &mut Problems,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let at = self.place_of(key);
        let text = self.text(key, problems)?;
        let value = parse(&text);
        if value.is_none() {
            problems.add(at, format!("`{key}` must be {what}, not \"{}\"", text.escape_debug()));
        }
        value
    }

    /// Reports every key that was not read, with the nearest name that was.
    pub fn finish(self, problems: &mut Problems) {
        #[cfg(test)]
        tests::note(&self);
        for entry in self.entries {
            let message = format!("unknown key `{}`", entry.key.escape_debug());
            let near = nearest(&entry.key, self.asked.iter().copied());
            problems.add_of_key(entry.at, message, near.map(|name| format!("did you mean `{name}`?")));
        }
    }
}

/// Notes that a key holds the wrong kind of value.
///
/// No value is first in a file: one with that place is the parser's filler for a value that it has reported already.
fn wrong<T>(problems: &mut Problems, at: Place, key: &str, expected: &str, found: &Value) -> Option<T> {
    if at == (Place { line: 1, column: 1 }) {
        return None;
    }
    problems.add(at, format!("`{key}` must be {expected}, not {}", found.kind()));
    None
}

#[cfg(test)]
pub(crate) mod tests;
