//! From text to the owned tree in which every value knows its place.

use crate::config::reader::{Entry, Node, Place, Problems, Table, Value};
use jiff::civil::Date;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind as T;

/// How deep tables and lists may be nested. The parser bounds keys and brackets apart, so that they multiply.
const DEEPEST: usize = 64;

/// Parses a file's text; what the parser itself finds wrong joins `problems`, and the rest is still returned: of a file that nests too
/// deep, the text before the statement that is.
pub fn parse(text: &str, problems: &mut Problems) -> Table {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    let deep = too_deep(text);
    if let Some(Deep { at, .. }) = deep {
        let message = format!("tables and lists are nested more than {DEEPEST} levels deep");
        problems.add(lines.place(text, at), message);
    }
    let text = deep.and_then(|deep| text.get(..deep.statement)).unwrap_or(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(Place { line: 1, column: 1 }, |span| lines.place(text, span.start));
        problems.add(at, error.message().to_owned());
    }
    table(root.get_ref(), Place { line: 1, column: 1 }, text, &lines, problems)
}

/// Where a text nests too deep, and where the statement begins that does.
#[derive(Clone, Copy)]
struct Deep {
    at: usize,
    statement: usize,
}

/// Finds where a text nests too deep: the names of the header above, those of each key that is open, and the brackets.
fn too_deep(text: &str) -> Option<Deep> {
    // The statement itself and each open bracket: what closes it, and the dots since its last comma.
    let mut open = vec![(T::Newline, 0_usize)];
    let (mut header, mut statement, mut is_begin, mut in_header) = (0_usize, 0, true, false);
    for token in Source::new(text).lex() {
        let kind = token.kind();
        match kind {
            T::Whitespace | T::Comment => continue,
            T::Newline if open.len() == 1 => {
                (is_begin, in_header, statement) = (true, false, token.span().end());
                open = vec![(T::Newline, 0)];
                continue;
            }
            T::LeftSquareBracket if is_begin => (in_header, header) = (true, 1),
            T::RightSquareBracket if in_header => in_header = false,
            T::Dot | T::LeftSquareBracket | T::LeftCurlyBracket if in_header => header += 1,
            T::LeftSquareBracket => open.push((T::RightSquareBracket, 0)),
            T::LeftCurlyBracket => open.push((T::RightCurlyBracket, 0)),
            T::RightSquareBracket | T::RightCurlyBracket => _ = open.pop_if(|(closes, _)| *closes == kind),
            T::Dot => open.last_mut().into_iter().for_each(|(_, dots)| *dots += 1),
            T::Comma => open.last_mut().into_iter().for_each(|(_, dots)| *dots = 0),
            _ => {}
        }
        is_begin = false;
        if header + open.iter().map(|(_, dots)| 1 + dots).sum::<usize>() > DEEPEST {
            return Some(Deep { at: token.span().start(), statement });
        }
    }
    None
}

/// How many bytes apart characters are counted beforehand, so that a place on a line of any length is found as soon.
const MARKS: usize = 1024;

/// What finds the place of a byte.
struct Lines {
    /// The byte offset at which each line begins.
    starts: Vec<usize>,
    /// How many characters begin before each multiple of [`MARKS`] bytes.
    marks: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut marks = vec![0];
        let mut before = 0;
        for piece in text.as_bytes().chunks(MARKS) {
            before += characters(piece);
            marks.push(before);
        }
        Self { starts, marks }
    }

    /// How many characters begin before a byte.
    fn before(&self, text: &str, offset: usize) -> usize {
        let mark = offset / MARKS;
        let rest = text.as_bytes().get(mark * MARKS..offset).map_or(0, characters);
        self.marks.get(mark).copied().unwrap_or(0) + rest
    }

    fn place(&self, text: &str, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        let column = self.before(text, offset).saturating_sub(self.before(text, start)) + 1;
        Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// How many characters begin in a piece of UTF-8.
fn characters(piece: &[u8]) -> usize {
    piece.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
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
                problems.add(at, format!("the number {} is too large", number.as_str()));
                return None;
            }
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => {
                problems.add(at, format!("{} is not a finite number", number.as_str()));
                return None;
            }
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => match moment.to_string().parse::<Date>() {
            Ok(date) if moment.time.is_none() => Value::Date(date),
            _ => {
                problems.add(at, "a date without a time is expected, such as 2026-11-21");
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn messages(text: &str) -> (Vec<String>, usize) {
        let mut problems = Problems::of(Path::new("f"));
        let table = parse(text, &mut problems);
        (problems.into_sorted().iter().map(ToString::to_string).collect(), table.entries.len())
    }

    #[test]
    fn what_nests_too_deep_is_refused_at_its_place_however_it_is_written() {
        let keys = ["a"; 70].join(".");
        // Keys within brackets within a header: each within the parser's own bound.
        let both = format!("{keys} = {{ ").repeat(70) + &keys + " = 1" + &" }".repeat(70);
        for deep in [
            format!("x = {}1{}", "[".repeat(100_000), "]".repeat(100_000)),
            format!("x = {}", "{ a = ".repeat(100_000)),
            format!("{keys} = 1"),
            format!("[{keys}]\nx = 1"),
            format!("[[{keys}]]\nx = 1"),
            format!("[{}]\n{} = {{ {} = 1 }}", ["a"; 30].join("."), ["b"; 30].join("."), ["c"; 30].join(".")),
            both.clone(),
            format!("[{}]\n{both}", ["b"; 60].join(".")),
            "x = ".to_owned() + &"[ { a = ".repeat(20_000) + &"} ] ".repeat(20_000),
            // A bracket of the other kind closes nothing.
            "x = ".to_owned() + &"[ } ".repeat(20_000),
            "x = ".to_owned() + &"{ a = [ } ] ".repeat(20_000),
        ] {
            let (lines, kept) = messages(&format!("first = 1\n{deep}\n"));
            let shown: String = deep.chars().take(40).collect();
            assert!(lines[0].starts_with("f:2:") || lines[0].starts_with("f:3:"), "{shown}: {lines:?}");
            assert!(lines[0].ends_with("tables and lists are nested more than 64 levels deep"), "{lines:?}");
            assert!(kept >= 1, "the text before it is read: {shown}");
        }
    }

    #[test]
    fn a_place_counts_characters_however_long_the_line_is() {
        let text = format!("{}\n{}\n\nend", "aé€𝄞".repeat(700), "ü".repeat(3 * MARKS));
        let lines = Lines::of(&text);
        let (mut line, mut column) = (1, 1);
        for (offset, c) in text.char_indices() {
            assert_eq!(lines.place(&text, offset), Place { line, column }, "byte {offset}");
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        assert_eq!(lines.place(&text, text.len()), Place { line, column });
    }

    #[test]
    fn what_is_long_and_not_deep_is_read() {
        let one = "[a.bN]\nx = [1.5, 2.5]\ny.z = { q.r = 1.25, s = \"a.b.c[[[{{{\" } # [[[[.....\n";
        let many: String = (0..500).map(|n| one.replace('N', &n.to_string())).collect();
        let lists = format!("l = [\n{}]\n", "  [1.5, { a.b = 2.5 }],\n".repeat(2_000));
        let texts = format!("t = '''\n{}'''\n", "[.{.".repeat(2_000));
        assert_eq!(messages(&(lists + &texts + &many)), (Vec::new(), 3));
        let most = format!("x = {}{}", "[".repeat(63), "]".repeat(63));
        assert_eq!(messages(&most), (Vec::new(), 1));
    }
}
