//! Reads TOML so that every value knows its place and no key passes unread.
//!
//! The recoverable parse of the `toml` crate is turned into an owned tree in which each value carries its line and
//! column. A reader takes the keys it knows out of a [`Table`]; [`Table::finish`] reports whatever is left with
//! the nearest known name. All problems of a file are collected, none stops the reading.

use jiff::civil::Date;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

mod parse;

pub use parse::parse;

/// The largest file that is read: an estate or a procedure of this size is a mistake.
pub const LARGEST_FILE: u64 = 4 << 20;

/// Where something stands in a file; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One thing wrong with a file.
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
        write!(f, "{}:{}:{}: {}", self.file.display(), self.place.line, self.place.column, self.message)?;
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
}

impl Problems {
    /// Starts a collection for one file.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    /// Notes a problem.
    pub fn add(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(Problem { file: self.file.clone(), place, message: message.into(), hint: None });
    }

    /// Notes a problem with the way on.
    pub fn add_with_hint(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        let hint = Some(hint.into());
        self.found.push(Problem { file: self.file.clone(), place, message: message.into(), hint });
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

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
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
    /// Where the key stands.
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

    /// Where a key's value stands, or the table when it has no such key.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.at, |entry| entry.node.at)
    }

    /// Takes a key's value out, of whatever kind.
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
            problems.add(self.at, format!("`{key}` is missing"));
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

    /// Reports every key that nobody asked for, with the nearest name that somebody did.
    pub fn finish(self, problems: &mut Problems) {
        #[cfg(test)]
        tests::note(&self);
        for entry in self.entries {
            let message = format!("unknown key `{}`", entry.key.escape_debug());
            match nearest(&entry.key, self.asked.iter().copied()) {
                Some(name) => problems.add_with_hint(entry.at, message, format!("did you mean `{name}`?")),
                None => problems.add(entry.at, message),
            }
        }
    }
}

/// Notes that a key holds the wrong kind of value.
///
/// No value stands first in a file: one that says so is the parser's filler for a value it has told of already.
fn wrong<T>(problems: &mut Problems, at: Place, key: &str, expected: &str, found: &Value) -> Option<T> {
    if at == (Place { line: 1, column: 1 }) {
        return None;
    }
    problems.add(at, format!("`{key}` must be {expected}, not {}", found.kind()));
    None
}

/// The known name nearest to a misspelt one: at most a third of its letters away.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = given.chars().count().div_ceil(3).max(1);
    let scored = known.into_iter().map(|name| (distance(given, name), name));
    scored.filter(|(far, _)| *far <= limit).min().map(|(_, name)| name)
}

/// The edit distance of Levenshtein, in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut previous = i;
        let mut last = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(&right) {
            let above = *slot;
            let here = (previous + usize::from(a != *b)).min(above + 1).min(last + 1);
            previous = above;
            last = here;
            *slot = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;

    /// What stood unread in a finished table, and what was asked of it.
    pub(crate) type Finished = (Vec<String>, BTreeSet<&'static str>);

    thread_local! {
        static FINISHED: RefCell<Vec<Finished>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(table: &Table) {
        let unread = table.entries.iter().map(|entry| entry.key.clone()).collect();
        FINISHED.with_borrow_mut(|all| all.push((unread, table.asked.clone())));
    }

    /// The tables that this thread has finished since it was last asked.
    pub(crate) fn finished() -> Vec<Finished> {
        FINISHED.take()
    }

    fn read(text: &str) -> (Table, Vec<String>) {
        let mut problems = Problems::of(Path::new("f"));
        let table = parse(text, &mut problems);
        (table, problems.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_know_their_place() {
        let (mut table, problems) = read("a = 1\n[[s]]\n  \"näme\" = \"x\"\n  n = 2\n");
        assert_eq!(problems, Vec::<String>::new());
        let mut problems = Problems::of(Path::new("f"));
        let section = table.tables("s", &mut problems).remove(0);
        let places: Vec<_> = section.entries.iter().map(|e| (e.key.as_str(), e.at.line, e.at.column)).collect();
        assert_eq!(places, [("näme", 3, 3), ("n", 4, 3)]);
        assert_eq!(section.entries[0].node.at, Place { line: 3, column: 12 });
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        let (mut table, _) = read("tilte = \"x\"\nzzz = 1\n");
        let mut problems = Problems::of(Path::new("f"));
        assert_eq!(table.text("title", &mut problems), None);
        table.finish(&mut problems);
        let said: Vec<_> = problems.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["f:1:1: unknown key `tilte` (did you mean `title`?)", "f:2:1: unknown key `zzz`"]);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let (_, said) = read("a = 99999999999999999999\nb = nan\nc = 1999-01-01T00:00:00Z\nd = = 1\na = 2\n");
        assert_eq!(said.len(), 6, "{said:#?}");
    }

    #[test]
    fn a_wrong_kind_is_said_and_not_read_as_nothing() {
        let (mut table, _) = read("flag = 1\nname = true\n");
        let mut problems = Problems::of(Path::new("f"));
        assert_eq!(table.bool("flag", &mut problems), None);
        assert_eq!(table.text("name", &mut problems), None);
        let said: Vec<_> = problems.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "f:1:8: `flag` must be true or false, not a whole number",
                "f:2:8: `name` must be text, not true or false"
            ]
        );
    }
}
