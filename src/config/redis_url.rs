//! Redis URLs: what one may hold, and its password kept apart from it.
//!
//! Messages never repeat the text: a URL that cannot be read may still hold a password.

use crate::config::percent;
use crate::config::secrets::Secret;
use reqwest::Url;

/// A URL without its password, and the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The URL, with no password in it.
    pub url: String,
    /// The password that was in it, decoded.
    pub password: Option<Secret>,
}

/// The schemes: plain, TLS, and a unix socket by two names.
const SCHEMES: [&str; 4] = ["redis", "rediss", "unix", "redis+unix"];

/// Takes the password out of a URL.
///
/// `redis://user:password@host:port/0`, or `unix:///path?db=0&user=…&pass=…`, as the Redis clients read them.
///
/// # Errors
/// What is wrong, in a few words that follow `the URL`.
pub fn part(text: &str) -> Result<Parted, String> {
    // A text without a scheme is no URL at all, and the parser's message for that does not help.
    if !SCHEMES.iter().any(|scheme| begins(text, scheme)) {
        return Err("must begin with redis://, rediss://, unix:// or redis+unix://".to_owned());
    }
    let mut url = Url::parse(text).map_err(|cause| format!("cannot be read: {cause}"))?;
    if url.fragment().is_some() {
        return Err("must hold no `#`: a server's certificate is always verified".to_owned());
    }
    let password = if url.scheme().ends_with("unix") { of_socket(&mut url)? } else { of_host(&mut url)? };
    Ok(Parted { url: url.into(), password: password.map(Secret::new) })
}

/// Whether a text begins with this scheme, in either case, as the parser takes it: without the blanks before it.
fn begins(text: &str, scheme: &str) -> bool {
    let (head, rest) = text.trim_start_matches(|c: char| c <= ' ').split_at_checked(scheme.len()).unwrap_or_default();
    head.eq_ignore_ascii_case(scheme) && rest.starts_with("://")
}

fn of_host(url: &mut Url) -> Result<Option<String>, String> {
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    let database = url.path().trim_matches('/');
    if !database.is_empty() && database.parse::<u32>().is_err() {
        return Err("must have nothing but the number of a database behind its host".to_owned());
    }
    if url.query_pairs().any(|(key, _)| key != "protocol") {
        return Err("may hold no parameter but `protocol`".to_owned());
    }
    let not_utf8 = || "has a password that is not UTF-8".to_owned();
    let password = url.password().map(|given| percent::decode(given).ok_or_else(not_utf8)).transpose()?;
    // Of a URL with a host this cannot fail.
    let _ = url.set_password(None);
    Ok(password)
}

fn of_socket(url: &mut Url) -> Result<Option<String>, String> {
    if url.host_str().is_some_and(|host| !host.is_empty()) || url.password().is_some() || !url.username().is_empty() {
        return Err("must begin with three slashes when it is a socket's: unix:///run/redis.sock".to_owned());
    }
    if url.path().len() < 2 || !url.path().starts_with('/') {
        return Err("names no socket".to_owned());
    }
    let pairs: Vec<(String, String)> = url.query_pairs().map(|(key, value)| (key.into(), value.into())).collect();
    if pairs.iter().any(|(key, _)| !["db", "user", "pass", "protocol"].contains(&key.as_str())) {
        return Err("may hold no parameter but `db`, `user` and `protocol`".to_owned());
    }
    let (secret, open): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key == "pass");
    if !secret.is_empty() {
        url.set_query(None);
    }
    if !secret.is_empty() && !open.is_empty() {
        url.query_pairs_mut().extend_pairs(&open);
    }
    Ok(secret.into_iter().last().map(|(_, password)| password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(text: &str) -> (String, Option<String>) {
        let parted = part(text).unwrap();
        (parted.url, parted.password.map(|secret| secret.expose().to_owned()))
    }

    #[test]
    fn the_password_is_taken_out_and_all_else_stays() {
        let cases = [
            ("redis://h:6379/0", "redis://h:6379/0", None),
            ("redis://ada@h/", "redis://ada@h/", None),
            ("rediss://ada:hunter2@h:1/3", "rediss://ada@h:1/3", Some("hunter2")),
            ("redis://:p%40ss@[::1]:1", "redis://[::1]:1", Some("p@ss")),
            ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=2", None),
            ("unix:///run/r.sock?pass=a%26b", "unix:///run/r.sock", Some("a&b")),
            ("redis+unix:///r?user=ada&pass=x&db=1", "redis+unix:///r?user=ada&db=1", Some("x")),
        ];
        for (given, url, password) in cases {
            assert_eq!(parted(given), (url.to_owned(), password.map(str::to_owned)), "{given}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        let cases = [
            "http://:hunter2@h/",
            "redis://:hunter2@/",
            "redis://:hunter2@h/hunter2",
            "redis://:hunter2@h/?db=hunter2",
            "redis://:hunter2%ff@h/",
            "rediss://:hunter2@h/#insecure",
            "unix://hunter2",
            "unix://a:hunter2@/run/r.sock",
            "unix:///r?hunter2=1",
            "hunter2",
        ];
        for given in cases {
            let why = part(given).unwrap_err();
            assert!(!why.contains("hunter2"), "{given}: {why}");
        }
    }

    #[test]
    fn a_text_that_is_no_url_gets_a_hint_how_one_begins() {
        for given in [
            "hunter2",
            "cache:6379",
            "cache",
            "",
            "redis",
            "redis:",
            "redis:/cache",
            "//cache",
            "tcp://cache:1",
            "\u{e9}",
        ] {
            let why = part(given).unwrap_err();
            assert_eq!(why, "must begin with redis://, rediss://, unix:// or redis+unix://", "{given}");
        }
        assert_eq!(parted(" REDIS://h:1/2").0, "redis://h:1/2");
    }
}
