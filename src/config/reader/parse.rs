//! From text to the owned tree in which every value knows its place.

use crate::config::reader::{Entry, Node, Place, Problems, Table, Value};
use jiff::civil::Date;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// Parses a file's text; what the parser itself finds wrong joins `problems`, and the rest is still returned.
pub fn parse(text: &str, problems: &mut Problems) -> Table {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(Place { line: 1, column: 1 }, |span| lines.place(text, span.start));
        problems.say(at, error.message().to_owned());
    }
    table(root.get_ref(), Place { line: 1, column: 1 }, text, &lines, problems)
}

/// The byte offset at which each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn place(&self, text: &str, offset: usize) -> Place {
        let line = self.0.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or(0);
        let column = text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// Turns the parser's table into ours.
fn table(given: &DeTable<'_>, at: Place, text: &str, lines: &Lines, problems: &mut Problems) -> Table {
    let mut entries = Vec::new();
    for (key, value) in given {
        let span = value.span();
        let place = lines.place(text, span.start);
        let key_at = lines.place(text, key.span().start);
        if let Some(value) = convert(value.get_ref(), place, text, lines, problems) {
            entries.push((
                key.span().start,
                Entry { key: key.get_ref().to_string(), at: key_at, node: Node { at: place, value } },
            ));
        }
    }
    entries.sort_by_key(|(offset, _)| *offset);
    Table { at, entries: entries.into_iter().map(|(_, entry)| entry).collect(), asked: BTreeSet::new() }
}

/// Turns the parser's value into ours; a number that does not fit is a problem, not a zero.
fn convert(given: &DeValue<'_>, at: Place, text: &str, lines: &Lines, problems: &mut Problems) -> Option<Value> {
    let value = match given {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => {
                problems.say(at, format!("the number {} is too large", number.as_str()));
                return None;
            }
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => {
                problems.say(at, format!("{} is not a finite number", number.as_str()));
                return None;
            }
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => match moment.to_string().parse::<Date>() {
            Ok(date) if moment.time.is_none() => Value::Date(date),
            _ => {
                problems.say(at, "a date without a time is expected, such as 2026-11-21");
                return None;
            }
        },
        DeValue::Array(items) => {
            let mut nodes = Vec::new();
            for item in items.iter() {
                let place = lines.place(text, item.span().start);
                if let Some(value) = convert(item.get_ref(), place, text, lines, problems) {
                    nodes.push(Node { at: place, value });
                }
            }
            Value::List(nodes)
        }
        DeValue::Table(inner) => Value::Table(table(inner, at, text, lines, problems)),
    };
    Some(value)
}
