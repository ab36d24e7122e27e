//! What a PostgreSQL connection string may hold: no password, and no word that libpq does not know.
//!
//! Messages never repeat a part of the string, because any part may turn out to be a password.
//!
//! Source: PostgreSQL 18, "Connection Strings" and "Parameter Key Words" (libpq-connect).

use crate::config::estate::read::secrets::reference;
use crate::config::libpq::parameters;
use crate::config::percent;
use crate::config::reader::nearest;

/// What is wrong, and the way on where one is known.
type Wrong = (String, Option<String>);

/// One parameter.
#[derive(Debug, PartialEq)]
struct Pair {
    key: String,
    value: String,
}

/// The parameters that are secrets; a reference may replace the first alone.
const SECRET: [&str; 5] = ["password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"];

/// Everything wrong with a string; `known` are the names of the estate's secrets.
pub(super) fn wrong_with(written: &str, known: &[String]) -> Vec<Wrong> {
    let uri = ["postgresql://", "postgres://"].iter().find_map(|scheme| written.strip_prefix(scheme));
    let read = match uri {
        Some(rest) => of_uri(rest),
        None if written.trim().is_empty() => {
            let hint = "such as \"service=main\", \"host=/run/postgresql dbname=app\" or \"postgresql://host/app\"";
            return vec![("is empty".to_owned(), Some(hint.to_owned()))];
        }
        None => of_words(written),
    };
    match read {
        Ok(pairs) => pairs.iter().enumerate().filter_map(|(place, pair)| judge(place + 1, pair, known)).collect(),
        Err(wrong) => vec![wrong],
    }
}

/// What is wrong with one parameter, the `place`th of the string.
fn judge(place: usize, pair: &Pair, known: &[String]) -> Option<Wrong> {
    match pair.key.as_str() {
        "password" => {
            reference(&pair.value, known).err().map(|(why, hint)| (format!("has a wrong `password`: {why}"), hint))
        }
        key if SECRET.contains(&key) => Some((format!("holds `{key}`, and a secret is never in an estate file"), None)),
        "dbname" if pair.value.contains("://") || pair.value.contains('=') => {
            Some(("holds another connection string as its `dbname`".to_owned(), None))
        }
        key if parameters().any(|known| known == key) => None,
        key => {
            let hint = nearest(key, parameters()).map(|near| format!("did you mean `{near}`?"));
            Some((format!("has a parameter that libpq does not know, number {place}"), hint))
        }
    }
}

/// Reads `key=value key='value'`.
fn of_words(written: &str) -> Result<Vec<Pair>, Wrong> {
    let mut pairs = Vec::new();
    let mut rest = written.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.next_if_eq(&'=').is_none() {
            let message = format!("has no `=` behind its parameter number {}", pairs.len() + 1);
            return Err((message, Some("such as \"host=db1 dbname=app\"".to_owned())));
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match rest.next_if(|c| quoted || !c.is_whitespace()) {
                Some('\'') if quoted => break,
                Some('\\') => value.extend(rest.next()),
                Some(c) => value.push(c),
                None if quoted => return Err(("has a quote that is not closed".to_owned(), None)),
                None => break,
            }
        }
        pairs.push(Pair { key, value });
    }
}

/// Reads what follows `postgresql://`: `user@host:port,host:port/dbname?key=value`.
fn of_uri(rest: &str) -> Result<Vec<Pair>, Wrong> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // All before an `@` is a user and a password, also where one of them holds a slash.
    if path.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        let hint = "leave it out, and add `?password=secret:NAME`";
        return Err(("holds a password: a password is never in an estate file".to_owned(), Some(hint.to_owned())));
    }
    let decode = |text: &str| {
        percent::decode(text)
            .ok_or_else(|| ("has a percent sign that two hexadecimal digits do not follow".to_owned(), None))
    };
    let mut pairs = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            return Err((format!("has no `=` in its parameter number {}", pairs.len() + 1), None));
        };
        // As the manual has it, for URLs of JDBC.
        if (key, value) != ("ssl", "true") {
            pairs.push(Pair { key: decode(key)?, value: decode(value)? });
        }
    }
    decode(path)?;
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(written: &str) -> Vec<String> {
        wrong_with(written, &["pg".to_owned()]).into_iter().map(|(why, hint)| format!("{why}|{hint:?}")).collect()
    }

    #[test]
    fn what_libpq_takes_is_taken() {
        let sound = [
            "service=main",
            "host = /run/postgresql  port=5433 dbname='my app' user=o\\'hara",
            "host=h password=secret:pg",
            "host=h options='-c search_path=a'",
            "postgresql://",
            "postgres://watch@db1:5432,db2/app?sslmode=verify-full&target_session_attrs=any",
            "postgresql:///app?host=/run/postgresql&password=secret%3Apg",
            "postgresql://[::1]:5432/app?ssl=true",
        ];
        for written in sound {
            assert_eq!(messages(written), Vec::<String>::new(), "{written}");
        }
    }

    #[test]
    fn no_password_passes_and_none_is_repeated() {
        let wrong = [
            "password=hunter2",
            "host=h password = 'hunter2'",
            "password=secret:hunter2=",
            "host=h pasword=hunter2",
            "host=h password hunter2",
            "host=h hunter2",
            "password='hunter2",
            "sslpassword=secret:pg",
            "scram_client_key=hunter2",
            "dbname=postgresql://u:hunter2@h/d",
            "dbname='host=h password=hunter2'",
            "postgresql://u:hunter2@h/d",
            "postgresql://u:hun/ter2@h/d",
            "postgres://u:@h/d",
            "postgres://h/d?password=hunter2",
            "postgres://h/d?p%61ssword=hunter2",
            "postgres://h/d?hunter2",
            "postgres://h/d%h?hunter2=x",
            "http://u:hunter2@h/d",
            " ",
        ];
        for written in wrong {
            let text = messages(written).concat();
            let repeats = text.contains("hunter2") && !text.contains("no secret `hunter2`");
            assert!(!text.is_empty() && !repeats, "{written}: {text}");
        }
    }
}
