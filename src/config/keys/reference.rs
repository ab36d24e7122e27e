//! A table of keys as a part of its page in `docs/reference`.

use crate::config::keys::{Form, Key, Kind, Needs, Section};
use std::fmt::Write;

/// The reference of a file, in Markdown: one table of keys for each section.
#[must_use]
pub fn reference(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let heading = match section.form {
            Form::Top => "**At the top.**".to_owned(),
            _ => format!("**`{}`**", section.written()),
        };
        let _ = writeln!(text, "{heading} {}{}\n", section.doc, needs(section.needs));
        text.push_str("| key | takes | default | |\n|---|---|---|---|\n");
        for key in section.keys {
            let default = key.default.unwrap_or("*required*");
            let name = if section.form == Form::Names { "*name*".to_owned() } else { format!("`{}`", key.name) };
            let cells = [name, takes(key), default.to_owned(), key.doc.to_owned()].map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

fn needs(needs: Needs) -> String {
    let list = |keys: &[&str]| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
    match needs {
        Needs::Nothing => String::new(),
        Needs::Any(keys) => format!(" At least one of {} is there.", list(keys)),
        Needs::One(keys) => format!(" Exactly one of {} is there.", list(keys)),
    }
}

/// What a key takes, with an example.
fn takes(key: &Key) -> String {
    let what = match key.kind {
        Kind::Version => return format!("`{}`", key.example),
        Kind::Word(words) => return words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Kind::Words(words) => {
            let words = words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
            return format!("a list of {words}");
        }
        Kind::Flag => return "`true` or `false`".to_owned(),
        Kind::Name => "a name, 1 to 64 characters",
        Kind::Text(what, _) | Kind::Texts(what, _) => what,
        Kind::Path => "an absolute path",
        Kind::Paths => "a list of absolute paths",
        Kind::Span => "a span",
        Kind::Days => "a span of whole days",
        Kind::Size => "a size",
        Kind::Status => "a status code or a list of them",
        Kind::Limits => "two shares, `warn` below `critical`",
        Kind::Secret => "a secret's name",
        Kind::Date => "a date",
        Kind::Int(i64::MIN, i64::MAX) => "a whole number",
        Kind::Int(least, i64::MAX) => return format!("a whole number from {least}: `{}`", key.example),
        Kind::Int(least, most) => return format!("a whole number from {least} to {most}: `{}`", key.example),
        Kind::Arguments => "a list of texts and whole numbers",
        Kind::Variables => "texts and whole numbers by name",
        Kind::Any(what) | Kind::Defined(_, what) => what,
        Kind::Table(keys) => return format!("a table of {}: `{}`", listed(keys), key.example),
        Kind::OneOf(keys) => return format!("a table of one of {}: `{}`", listed(keys), key.example),
        Kind::Either(kinds) => {
            let each = kinds.iter().map(|kind| takes(&Key { kind: *kind, ..*key }));
            let each = each.map(|text| text.split_once(": `").map_or(text.clone(), |(what, _)| what.to_owned()));
            return format!("{}: `{}`", each.collect::<Vec<_>>().join(", or "), key.example);
        }
    };
    format!("{what}: `{}`", key.example)
}

/// The names of a table's keys.
fn listed(keys: &[Key]) -> String {
    keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ")
}
