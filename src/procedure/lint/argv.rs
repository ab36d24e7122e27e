//! Secrets where every user of the machine, or every reader of the file, could see them.
//!
//! The arguments of a program are shown by `ps` to every user. What is found is never repeated.

use crate::config::reader::{Node, Problems, Table, Value};
use crate::procedure::steps::RawStep;

/// The subject of a message about the estate.
const HINT: &str = "name it in the estate's [secrets], and hand it over in `env` as \"secret:NAME\"";

/// Options and assignments whose value is a secret.
const NAMES: [&str; 15] = [
    "password",
    "passwd",
    "pass",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "api-key",
    "apikey",
    "api_key",
    "access-key",
    "access_key",
    "secret-key",
    "secret_key",
    "auth-token",
];

/// How well-known tokens begin, and how many characters follow at least.
const TOKENS: [(&str, usize); 12] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("sk_live_", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("dckr_pat_", 16),
    ("hvs.", 16),
];

/// Reports every secret in the arguments and in the open text of actions.
pub fn check(steps: &[RawStep], problems: &mut Problems) {
    for entry in steps.iter().flat_map(|step| &step.rest.entries) {
        if let Value::Table(action) = &entry.node.value {
            of_action(action, problems);
        }
    }
}

fn of_action(action: &Table, problems: &mut Problems) {
    for entry in &action.entries {
        match (entry.key.as_str(), &entry.node.value) {
            ("exec", Value::List(items)) => arguments(items, problems),
            ("env", Value::Table(variables)) => {
                variables.entries.iter().for_each(|one| variable(&one.key, &one.node, problems));
            }
            _ => {}
        }
    }
}

fn arguments(items: &[Node], problems: &mut Problems) {
    let text = |node: &Node| match &node.value {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    let program = items.first().map(text).unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let mut before = String::new();
    for item in items {
        let word = text(item);
        if let Some(what) = found(program, &before, &word) {
            problems.add_with_hint(item.at, format!("{what} is seen by every user of the machine"), HINT);
        }
        before = word;
    }
}

/// What kind of secret an argument is, behind the one before it.
fn found(program: &str, before: &str, word: &str) -> Option<&'static str> {
    if word.starts_with("secret:") {
        return None; // The adapter reports it.
    }
    if word.contains("secret:") {
        return Some("a secret among the arguments");
    }
    if has_password(word) {
        return Some("a password in a URL among the arguments");
    }
    if is_token(word) {
        return Some("a token among the arguments");
    }
    let lower = word.to_ascii_lowercase();
    if ["authorization: bearer ", "authorization: basic ", "x-api-key: "].iter().any(|start| lower.contains(start)) {
        return Some("a token in a header among the arguments");
    }
    // `--password=x`, `PGPASSWORD=x`, and `password=x` within a connection string.
    let assigned = lower
        .split(char::is_whitespace)
        .any(|part| part.split_once('=').is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name)));
    if assigned {
        return Some("a password among the arguments");
    }
    let names = before.strip_prefix("--").is_some_and(|name| !name.contains('=') && is_secret_name(name));
    if names && !word.starts_with('-') && !word.is_empty() {
        return Some("a password among the arguments");
    }
    let short = word.strip_prefix("-p").is_some_and(|rest| !rest.is_empty());
    (short && ["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass"].contains(&program))
        .then_some("a password among the arguments")
}

/// Whether a name's value is a secret; `password-file` only says where one lies.
fn is_secret_name(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    NAMES.iter().any(|known| name == *known || name.strip_suffix(known).is_some_and(ends_word))
}

/// `PG` of `PGPASSWORD`, `db-` and `DB_` are prefixes of such a name.
fn ends_word(before: &str) -> bool {
    before.ends_with(['-', '_', '.']) || matches!(before, "pg" | "mysql" | "redis" | "aws")
}

/// `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', '\'', '"']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    })
}

fn is_token(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let known = TOKENS.iter().any(|(start, least)| {
        text.split(|c: char| !part(c) && c != '.').any(|word| {
            word.strip_prefix(start)
                .is_some_and(|rest| rest.len() >= *least && rest.chars().all(|c| part(c) || c == '.'))
        })
    });
    let is_jwt = text.split(|c: char| !part(c) && c != '.').any(|word| {
        word.starts_with("eyJ") && word.split('.').count() == 3 && word.split('.').all(|piece| piece.len() >= 10)
    });
    known || is_jwt || text.contains("-----BEGIN ")
}

/// A variable whose name says that it is a secret, with the secret itself as its value.
fn variable(name: &str, node: &Node, problems: &mut Problems) {
    let Value::Text(value) = &node.value else { return };
    let refers =
        value.starts_with("secret:") || value.starts_with("{{run.dir}}") || value.starts_with('/') || value.is_empty();
    if !refers && (is_secret_name(name) || has_password(value) || is_token(value)) {
        problems.add_with_hint(node.at, "a secret is written in the file", HINT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_shape_and_by_their_name() {
        for (program, before, word) in [
            ("curl", "", "https://anna:hunter2@example.com/x"),
            ("psql", "", "postgres://u:p@h/db"),
            ("psql", "", "host=h password=hunter2"),
            ("env", "", "PGPASSWORD=hunter2"),
            ("x", "", "--db-password=hunter2"),
            ("x", "--token", "abc"),
            ("x", "", "--api-key={{key}}"),
            ("curl", "-H", "Authorization: Bearer abc"),
            ("x", "", "ghp_0123456789abcdefghij0123456789abcdef"),
            ("x", "", "AKIA0123456789ABCDEF"),
            ("x", "", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4"),
            ("mysqldump", "", "-phunter2"),
            ("x", "", "--url=secret:pg"),
        ] {
            assert!(found(program, before, word).is_some(), "{word}");
        }
        for (program, before, word) in [
            ("x", "", "--password-file=/etc/pw"),
            ("x", "--password-file", "/etc/pw"),
            ("x", "", "--password"),
            ("x", "--token", "--verbose"),
            ("mkdir", "", "-p"),
            ("ssh", "", "-p22"),
            ("x", "", "https://example.com/a:b@c"),
            ("x", "", "compass=north"),
            ("x", "", "bypass=yes"),
            ("x", "", "AKIAshort"),
            ("x", "", "https://anna@example.com"),
        ] {
            assert_eq!(found(program, before, word), None, "{word}");
        }
    }
}
