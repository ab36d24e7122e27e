//! Parameters: what a procedure asks for before it can be planned.
//!
//! ```toml
//! [params]
//! sessions = { days = [30, 3650], default = 90, help = "How old a session must be" }
//! jobs     = { int = [1, 8] }
//! env      = { one_of = ["production", "staging"] }
//! reason   = { text = true }
//! root     = { path = true }
//! database = { target = "postgres" }
//! hosts    = { list = true, match = '^[a-z0-9-]+$' }
//! image    = { map = ["api", "worker"], match = '@sha256:[0-9a-f]{64}$' }
//! ```
//!
//! A list is typed as `a,b`, and a map as `api=x,worker=y`; `{{image[api]}}` is one value of it.

use crate::config::reader::{Place, Value, nearest};
use crate::domain::TargetKind;
use crate::procedure::adapters::Adapters;
use crate::procedure::pattern::Pattern;
use crate::procedure::template::is_item;
use std::collections::{BTreeMap, BTreeSet};

mod read;

pub use read::read;

/// The most bytes a typed value may have.
const LONGEST_VALUE: usize = 4096;

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub at: Place,
    /// What it accepts.
    pub kind: ParamKind,
    /// Its value where none is given.
    pub default: Option<String>,
    /// What its text, each item of its list or each value of its map must match.
    pub pattern: Option<Pattern>,
    /// What it is for; empty where its author says nothing.
    pub help: String,
}

/// What a parameter accepts.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamKind {
    /// A number of days between two bounds, both included.
    Days(i64, i64),
    /// A whole number between two bounds, both included.
    Int(i64, i64),
    /// One of these words.
    OneOf(Vec<String>),
    /// Text of one line.
    Text,
    /// An absolute path without `.` and `..`.
    Path,
    /// The name of one of the estate's targets of a kind.
    Target(TargetKind),
    /// Some words, each once; of these where any are named.
    List(Vec<String>),
    /// A value for each of these names.
    Map(Vec<String>),
}

/// A placeholder for any target while a file is checked by itself; no one can type it.
pub const ANY_TARGET: &str = "{{target}}";

/// A parameter's value: as it replaces a whole template, and as it is shown, recorded and written inside text.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The typed value.
    pub value: Value,
    /// Its words.
    pub text: String,
    /// Of a map its entries; of a list its items, each under its own name.
    pub entries: Vec<(String, String)>,
    /// The place of each entry.
    places: BTreeMap<String, usize>,
}

impl Bound {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { value: Value::Text(text.clone()), text, entries: Vec::new(), places: BTreeMap::new() }
    }

    /// A whole number.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self { value: Value::Int(number), ..Self::text(number.to_string()) }
    }

    /// Several, in words as they are typed.
    pub(crate) fn several(entries: Vec<(String, String)>, is_map: bool) -> Self {
        let word = |(name, value): &(String, String)| if is_map { format!("{name}={value}") } else { name.clone() };
        let words: Vec<String> = entries.iter().map(word).collect();
        let places = entries.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
        Self { entries, places, ..Self::text(words.join(",")) }
    }

    /// One of its entries.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&str> {
        self.places.get(name).and_then(|place| self.entries.get(*place)).map(|(_, value)| value.as_str())
    }

    /// Whether it is a placeholder for what a `read` will save.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.text.starts_with("{{saved:")
    }
}

impl Param {
    /// What it accepts, in words: `30 to 3650 days`, `one of production, staging`, `an absolute path`.
    #[must_use]
    pub fn accepts(&self) -> String {
        let like = self.pattern.as_ref().map(|pattern| format!(" that matches {}", pattern.text())).unwrap_or_default();
        match &self.kind {
            ParamKind::Days(least, most) => format!("{least} to {most} days"),
            ParamKind::Int(least, most) => format!("a whole number from {least} to {most}"),
            ParamKind::OneOf(words) => format!("one of {}", words.join(", ")),
            ParamKind::Text => format!("text{like}"),
            ParamKind::Path => "an absolute path".to_owned(),
            ParamKind::Target(kind) => format!("the name of a {}", kind.word()),
            ParamKind::List(words) if words.is_empty() => format!("words with commas between, each{like}"),
            ParamKind::List(words) => format!("some of {}, with commas between", words.join(", ")),
            ParamKind::Map(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("{name}=…")).collect();
                format!("{}, each{like}", names.join(","))
            }
        }
    }

    /// Everything that it can be, where that is known: its words, or the estate's targets of its kind.
    #[must_use]
    pub fn choices(&self, adapters: &dyn Adapters) -> Vec<String> {
        match &self.kind {
            ParamKind::OneOf(words) => words.clone(),
            ParamKind::Target(kind) => adapters.targets(*kind).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Whether a bound value names a target that the estate has; where no estate is known, any name does.
    ///
    /// # Errors
    /// The sentence, and the hint that goes with it.
    pub fn is_there(&self, bound: &Bound, adapters: &dyn Adapters) -> Result<(), (String, Option<String>)> {
        let ParamKind::Target(kind) = self.kind else { return Ok(()) };
        let Some(known) = adapters.targets(kind) else { return Ok(()) };
        if bound.text == ANY_TARGET || known.contains(&bound.text) {
            return Ok(());
        }
        Err(no_such_target(kind, &bound.text, &known))
    }

    /// Reads a typed value.
    ///
    /// # Errors
    /// The sentence that names the parameter, what it accepts, and what was given.
    pub fn bind(&self, typed: &str) -> Result<Bound, String> {
        let wrong = || format!("`{}` must be {}, not \"{}\"", self.name, self.accepts(), shortened(typed));
        if typed.contains("{{") {
            return Err(format!("`{}` must not hold `{{{{`", self.name));
        }
        if typed.len() > LONGEST_VALUE || typed.chars().any(char::is_control) {
            return Err(wrong());
        }
        Ok(match &self.kind {
            ParamKind::Days(least, most) => {
                let digits = typed.strip_suffix('d').unwrap_or(typed);
                Bound::int(number_between(digits, *least, *most).ok_or_else(wrong)?)
            }
            ParamKind::Int(least, most) => Bound::int(number_between(typed, *least, *most).ok_or_else(wrong)?),
            ParamKind::OneOf(words) if words.iter().any(|word| word == typed) => Bound::text(typed),
            ParamKind::OneOf(_) => return Err(wrong()),
            ParamKind::Text if typed.is_empty() => return Err(format!("`{}` must not be empty", self.name)),
            ParamKind::Text => Bound::text(self.like(typed)?),
            ParamKind::Path => Bound::text(absolute(typed).ok_or_else(wrong)?),
            ParamKind::Target(_) if typed.trim().is_empty() => return Err(wrong()),
            ParamKind::Target(_) => Bound::text(typed),
            ParamKind::List(words) => self.list(typed, words)?,
            ParamKind::Map(names) => self.map(typed, names)?,
        })
    }

    /// A value that matches the pattern, where there is one.
    fn like<'a>(&self, value: &'a str) -> Result<&'a str, String> {
        match &self.pattern {
            Some(pattern) if !pattern.fits(value) => {
                Err(format!("`{}`: \"{}\" does not match {}", self.name, shortened(value), pattern.text()))
            }
            _ => Ok(value),
        }
    }

    fn list(&self, typed: &str, words: &[String]) -> Result<Bound, String> {
        let mut items: Vec<(String, String)> = Vec::new();
        let (mut before, words) = (BTreeSet::new(), words.iter().map(String::as_str).collect::<BTreeSet<_>>());
        for item in typed.split(',').map(str::trim) {
            let (name, shown) = (&self.name, shortened(item));
            if !is_item(item) || !before.insert(item) {
                return Err(format!(
                    "`{name}` must be {}: \"{shown}\" is no such word, or is there twice",
                    self.accepts()
                ));
            }
            if !words.is_empty() && !words.contains(item) {
                return Err(format!("`{name}` must be {}, not \"{shown}\"", self.accepts()));
            }
            items.push((item.to_owned(), self.like(item)?.to_owned()));
        }
        Ok(Bound::several(items, false))
    }

    fn map(&self, typed: &str, names: &[String]) -> Result<Bound, String> {
        let mut given: BTreeMap<&str, &str> = BTreeMap::new();
        let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for pair in typed.split(',').map(str::trim) {
            let wrong = || format!("`{}` must be {}, not \"{}\"", self.name, self.accepts(), shortened(pair));
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            let (name, value) = (name.trim(), value.trim());
            if !known.contains(name) || value.is_empty() || given.contains_key(name) {
                return Err(wrong());
            }
            given.insert(name, self.like(value)?);
        }
        let entry = |name: &String| {
            let found = given.get(name.as_str());
            let missing = || format!("`{}` needs a value for `{name}`: {}", self.name, self.accepts());
            found.map(|value| (name.clone(), (*value).to_owned())).ok_or_else(missing)
        };
        Ok(Bound::several(names.iter().map(entry).collect::<Result<_, _>>()?, true))
    }

    /// A value of the right type: the default, or a placeholder for any; used to check a file by itself.
    #[must_use]
    pub fn sample(&self) -> Bound {
        if let (None, ParamKind::List(names) | ParamKind::Map(names)) = (&self.default, &self.kind) {
            let any = [self.name.clone()];
            let names = if names.is_empty() { any.as_slice() } else { names };
            let is_map = matches!(self.kind, ParamKind::Map(_));
            return Bound::several(names.iter().map(|name| (name.clone(), name.clone())).collect(), is_map);
        }
        let typed = match (&self.default, &self.kind) {
            (Some(default), _) => default.clone(),
            (None, ParamKind::Days(least, _) | ParamKind::Int(least, _)) => least.to_string(),
            (None, ParamKind::OneOf(words)) => words.first().cloned().unwrap_or_default(),
            (None, ParamKind::Text | ParamKind::List(_) | ParamKind::Map(_)) => self.name.clone(),
            (None, ParamKind::Path) => format!("/{}", self.name),
            (None, ParamKind::Target(_)) => ANY_TARGET.to_owned(),
        };
        self.bind(&typed).unwrap_or_else(|_| Bound::text(typed))
    }
}

/// That the estate has no target of this kind and name, with the nearest that it has.
#[must_use]
pub fn no_such_target(kind: TargetKind, name: &str, known: &[String]) -> (String, Option<String>) {
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("one of {}", known.join(", "))),
    };
    (format!("the estate has no {} `{}`", kind.word(), shortened(name)), hint)
}

fn number_between(digits: &str, least: i64, most: i64) -> Option<i64> {
    let number: i64 = digits.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// Enough of a typed value to recognise it.
fn shortened(text: &str) -> String {
    let mut out: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}

/// An absolute path with `.` and `..` refused and doubled or trailing slashes removed.
#[must_use]
pub fn absolute(text: &str) -> Option<String> {
    let rest = text.strip_prefix('/')?;
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let plain = !text.chars().any(char::is_control) && !parts.iter().any(|part| matches!(*part, "." | ".."));
    plain.then(|| format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests;
