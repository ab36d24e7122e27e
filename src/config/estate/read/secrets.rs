//! `[secrets]`, and the references to them.

use crate::config::estate::read::parts::plain_path;
use crate::config::reader::{Problems, Table, Value, nearest};
use crate::config::secrets::{SecretPlace, Secrets};

/// The names of an estate's secrets, those whose place is wrong included: one mistake is reported once.
pub(super) type Known = Vec<String>;

/// Reads `[secrets]`. The message never repeats a wrong value: it may be the secret itself.
pub(super) fn secrets(root: &mut Table, problems: &mut Problems) -> (Secrets, Known) {
    let mut secrets = Secrets::default();
    let mut known = Known::new();
    for entry in root.table("secrets", problems).map(|table| table.entries).unwrap_or_default() {
        known.push(entry.key.clone());
        if !is_name(&entry.key) {
            problems.add(entry.at, "a secret's name is letters, digits, `-` and `_`");
        }
        let written = match &entry.node.value {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        match place(written) {
            Ok(place) => {
                secrets.places.insert(entry.key, place);
            }
            Err((message, hint)) => {
                let message = format!("the secret `{}` {message}", entry.key.escape_debug());
                problems.add_with_hint(entry.node.at, message, hint);
            }
        }
    }
    (secrets, known)
}

/// Whether this can be a secret's name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Reads `file:/path` or `env:NAME`; otherwise what is wrong, and the way on.
fn place(written: &str) -> Result<SecretPlace, (String, &'static str)> {
    const EITHER: &str = "write \"file:/path/of/it\" or \"env:NAME\"; a secret itself is never in an estate file";
    if let Some(path) = written.strip_prefix("file:") {
        return plain_path(path)
            .map(SecretPlace::File)
            .map_err(|why| (format!("lies in a file whose path {why}"), "such as \"file:/etc/midwatch/pg.secret\""));
    }
    let Some(variable) = written.strip_prefix("env:") else {
        return Err(("must say where it lies".to_owned(), EITHER));
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = variable.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if begins && variable.bytes().all(plain) {
        Ok(SecretPlace::Env(variable.to_owned()))
    } else {
        Err(("names no variable: letters, digits and `_`".to_owned(), "such as \"env:PG_PASSWORD\""))
    }
}

/// Reads `secret:NAME`; otherwise what is wrong, and what to do. The message never repeats the value.
pub(super) fn reference(written: &str, known: &[String]) -> Result<String, (String, Option<String>)> {
    let write = || Some("write `secret:NAME`, and where it lies in [secrets]".to_owned());
    match written.strip_prefix("secret:") {
        Some(name) if known.iter().any(|other| other == name) => Ok(name.to_owned()),
        Some(name) if is_name(name) => {
            let hint = match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `secret:{near}`?"),
                None => format!("write `{name} = \"file:/path/of/it\"` in [secrets]"),
            };
            Err((format!("there is no secret `{name}`"), Some(hint)))
        }
        _ => Err(("a password is never in an estate file".to_owned(), write())),
    }
}
