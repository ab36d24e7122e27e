//! Parameters: what a procedure asks for before it can be planned.
//!
//! ```toml
//! [params]
//! sessions = { days = [30, 3650], default = 90 }
//! jobs     = { int = [1, 8] }
//! env      = { one_of = ["production", "staging"] }
//! reason   = { text = true }
//! root     = { path = true }
//! database = { target = "postgres" }
//! ```

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::domain::TargetKind;
use crate::procedure::adapters::Adapters;
use crate::procedure::template::is_name;

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
}

/// What stands for any target while a file is checked by itself; nobody can type it.
pub const ANY_TARGET: &str = "{{target}}";

/// A parameter's value: as it stands in for a whole template, and as it is shown, recorded and written inside text.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The typed value.
    pub value: Value,
    /// Its words.
    pub text: String,
}

impl Param {
    /// What it accepts, in words: `30 to 3650 days`, `one of production, staging`, `an absolute path`.
    #[must_use]
    pub fn accepts(&self) -> String {
        match &self.kind {
            ParamKind::Days(least, most) => format!("{least} to {most} days"),
            ParamKind::Int(least, most) => format!("a whole number from {least} to {most}"),
            ParamKind::OneOf(words) => format!("one of {}", words.join(", ")),
            ParamKind::Text => "text".to_owned(),
            ParamKind::Path => "an absolute path".to_owned(),
            ParamKind::Target(kind) => format!("the name of a {}", kind.word()),
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
        let value = match &self.kind {
            ParamKind::Days(least, most) => {
                let digits = typed.strip_suffix('d').unwrap_or(typed);
                Value::Int(number_between(digits, *least, *most).ok_or_else(wrong)?)
            }
            ParamKind::Int(least, most) => Value::Int(number_between(typed, *least, *most).ok_or_else(wrong)?),
            ParamKind::OneOf(words) if words.iter().any(|word| word == typed) => Value::Text(typed.to_owned()),
            ParamKind::OneOf(_) => return Err(wrong()),
            ParamKind::Text if typed.is_empty() => return Err(format!("`{}` must not be empty", self.name)),
            ParamKind::Text => Value::Text(typed.to_owned()),
            ParamKind::Path => Value::Text(absolute(typed).ok_or_else(wrong)?),
            ParamKind::Target(_) if typed.trim().is_empty() => return Err(wrong()),
            ParamKind::Target(_) => Value::Text(typed.to_owned()),
        };
        let text = match &value {
            Value::Int(number) => number.to_string(),
            _ => match &value {
                Value::Text(text) => text.clone(),
                _ => typed.to_owned(),
            },
        };
        Ok(Bound { value, text })
    }

    /// A value of the right type: the default, or one that stands for any; used to check a file by itself.
    #[must_use]
    pub fn sample(&self) -> Bound {
        let typed = match (&self.default, &self.kind) {
            (Some(default), _) => default.clone(),
            (None, ParamKind::Days(least, _) | ParamKind::Int(least, _)) => least.to_string(),
            (None, ParamKind::OneOf(words)) => words.first().cloned().unwrap_or_default(),
            (None, ParamKind::Text) => self.name.clone(),
            (None, ParamKind::Path) => format!("/{}", self.name),
            (None, ParamKind::Target(_)) => ANY_TARGET.to_owned(),
        };
        self.bind(&typed).unwrap_or_else(|_| Bound { value: Value::Text(typed.clone()), text: typed })
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

/// Reads the `[params]` table.
pub fn read(table: Table, problems: &mut Problems) -> Vec<Param> {
    let mut params = Vec::new();
    for entry in table.entries {
        if !is_name(&entry.key) || matches!(entry.key.as_str(), "run" | "row") {
            let name = entry.key.escape_debug();
            problems.say(entry.at, format!("`{name}` cannot name a parameter: use lower-case letters, digits and `_`"));
            continue;
        }
        match entry.node.value {
            Value::Table(definition) => params.extend(read_one(entry.key, entry.at, definition, problems)),
            other => problems.say(
                entry.node.at,
                format!("`{}` must be a table such as `{{ text = true }}`, not {}", entry.key, other.kind()),
            ),
        }
    }
    params
}

fn read_one(name: String, at: Place, mut table: Table, problems: &mut Problems) -> Option<Param> {
    for key in ["match", "map", "secret"] {
        if let Some(node) = table.take(key) {
            problems.say(node.at, format!("`{key}` is not supported by this version"));
            return None;
        }
    }
    let mut kinds = Vec::new();
    kinds.extend(table.take("days").map(|node| bounds(&node, "days", problems).map(|(a, b)| ParamKind::Days(a, b))));
    kinds.extend(table.take("int").map(|node| bounds(&node, "int", problems).map(|(a, b)| ParamKind::Int(a, b))));
    if table.has("one_of") {
        kinds.push(one_of(&mut table, problems));
    } else {
        table.take("one_of");
    }
    kinds.extend(table.take("text").map(|node| flag(&node, "text", problems).map(|()| ParamKind::Text)));
    kinds.extend(table.take("path").map(|node| flag(&node, "path", problems).map(|()| ParamKind::Path)));
    if table.has("target") {
        kinds.push(target(&mut table, problems));
    } else {
        table.take("target");
    }
    let default = table.take("default");
    let place = table.at;
    table.finish(problems);
    if kinds.len() != 1 {
        problems
            .say(place, format!("`{name}` must have exactly one of `days`, `int`, `one_of`, `text`, `path`, `target`"));
    }
    let [Some(kind)] = <[Option<ParamKind>; 1]>::try_from(kinds).ok()? else { return None };
    let mut param = Param { name, at, kind, default: None };
    if let Some(node) = default {
        param.default = read_default(&param, &node, problems);
    }
    Some(param)
}

fn read_default(param: &Param, node: &Node, problems: &mut Problems) -> Option<String> {
    let numeric = matches!(param.kind, ParamKind::Days(..) | ParamKind::Int(..));
    let typed = match &node.value {
        Value::Int(number) if numeric => number.to_string(),
        Value::Text(text) if !numeric => text.clone(),
        other => {
            problems.say(node.at, format!("`default` must be {}, not {}", param.accepts(), other.kind()));
            return None;
        }
    };
    match param.bind(&typed) {
        Ok(bound) => Some(bound.text),
        Err(why) => {
            problems.say(node.at, format!("the default does not fit: {why}"));
            None
        }
    }
}

fn bounds(node: &Node, key: &str, problems: &mut Problems) -> Option<(i64, i64)> {
    let Value::List(items) = &node.value else {
        problems
            .say(node.at, format!("`{key}` must be two whole numbers such as [30, 3650], not {}", node.value.kind()));
        return None;
    };
    match items.as_slice() {
        [Node { value: Value::Int(least), .. }, Node { value: Value::Int(most), .. }]
            if least <= most && (key == "int" || *least >= 0) =>
        {
            Some((*least, *most))
        }
        _ => {
            problems.say(node.at, format!("`{key}` must be two whole numbers, the smaller first, such as [30, 3650]"));
            None
        }
    }
}

fn one_of(table: &mut Table, problems: &mut Problems) -> Option<ParamKind> {
    let at = table.at;
    let words = table.texts("one_of", problems)?;
    if words.is_empty() {
        problems.say(at, "`one_of` must hold at least one word");
        return None;
    }
    Some(ParamKind::OneOf(words.into_iter().map(|(_, word)| word).collect()))
}

fn target(table: &mut Table, problems: &mut Problems) -> Option<ParamKind> {
    let at = table.place_of("target");
    let word = table.text("target", problems)?;
    if let Some(kind) = TargetKind::from_word(&word) {
        return Some(ParamKind::Target(kind));
    }
    let words = TargetKind::ALL.map(TargetKind::word);
    let hint = nearest(&word, words)
        .map_or_else(|| format!("one of {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
    problems.say_with(at, format!("there is no kind of target `{}`", shortened(&word)), hint);
    None
}

fn flag(node: &Node, key: &str, problems: &mut Problems) -> Option<()> {
    if node.value == Value::Bool(true) {
        return Some(());
    }
    problems.say(node.at, format!("`{key}` must be true"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(kind: ParamKind) -> Param {
        Param { name: "p".to_owned(), at: Place::default(), kind, default: None }
    }

    #[test]
    fn days_are_bound_within_their_range_and_errors_name_it() {
        let days = param(ParamKind::Days(30, 3650));
        assert_eq!(days.bind("90").unwrap(), Bound { value: Value::Int(90), text: "90".to_owned() });
        assert_eq!(days.bind("90d").unwrap().text, "90");
        for bad in ["29", "3651", "", "90.5", "9e1", " 90", "99999999999999999999", "٩٠"] {
            let said = days.bind(bad).unwrap_err();
            assert!(said.starts_with("`p` must be 30 to 3650 days, not"), "{said}");
        }
    }

    #[test]
    fn paths_are_absolute_and_stay_where_they_point() {
        let path = param(ParamKind::Path);
        assert_eq!(path.bind("/srv//cell0/").unwrap().text, "/srv/cell0");
        assert_eq!(path.bind("/").unwrap().text, "/");
        for bad in ["", "srv", "/srv/../etc", "/srv/./x", "/a\nb", "/{{run.dir}}"] {
            assert!(path.bind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_typed_value_cannot_bring_a_reference_of_its_own() {
        assert!(param(ParamKind::Text).bind("a {{run.dir}}").is_err());
        assert!(param(ParamKind::Text).bind("").is_err());
    }
}
