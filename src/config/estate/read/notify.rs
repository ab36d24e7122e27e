//! `[[notify]]`.

use crate::config::estate::read::parts::{plain_path, unique};
use crate::config::estate::read::secrets::reference;
use crate::config::estate::{Address, Receiver, Way};
use crate::config::reader::{Place, Problems, Table};

/// The ways to reach a receiver.
const WAYS: [&str; 4] = ["mail", "webhook", "slack", "program"];

/// Where mail is handed in unless the file says otherwise.
const SMTP: &str = "smtp://127.0.0.1:25";

pub(super) fn receivers(root: &mut Table, known: &[String], problems: &mut Problems) -> Vec<Receiver> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("notify", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a receiver of this name", problems);
        let given: Vec<&str> = WAYS.into_iter().filter(|way| table.has(way)).collect();
        match given.as_slice() {
            [] => problems.add(table.at, "a receiver needs `mail`, `webhook`, `slack` or `program`"),
            [only] => misplaced(&table, only, problems),
            many => {
                problems.add(table.place_of(many.last().unwrap_or(&"name")), "a receiver is reached in one way only");
            }
        }
        let password = password(&mut table, known, problems);
        let mail = mail(&mut table, password.as_ref(), problems);
        let webhook = address(&mut table, "webhook", known, password.is_some(), problems);
        let slack = address(&mut table, "slack", known, true, problems);
        let program = program(&mut table, problems);
        table.finish(problems);
        let password = password.map(|(_, name)| name);
        let way = match (mail, webhook, slack, program) {
            (Some(mail), None, None, None) => Some(mail),
            (None, Some(url), None, None) => Some(Way::Webhook { url, token: password }),
            (None, None, Some(url), None) => Some(Way::Slack { url }),
            (None, None, None, Some(argv)) => Some(Way::Program { argv }),
            _ => None,
        };
        all.extend(name.zip(way).map(|(name, way)| Receiver { name, way }));
    }
    all
}

/// Says which keys have no meaning beside a way.
fn misplaced(table: &Table, way: &str, problems: &mut Problems) {
    for (key, ways) in [("smtp", &["mail"][..]), ("from", &["mail"]), ("password", &["mail", "webhook"])] {
        if table.has(key) && !ways.contains(&way) {
            let words: Vec<String> = ways.iter().map(|way| format!("`{way}`")).collect();
            problems.add(table.place_of(key), format!("`{key}` belongs to {}, not to `{way}`", words.join(" and ")));
        }
    }
}

fn password(table: &mut Table, known: &[String], problems: &mut Problems) -> Option<(Place, String)> {
    let at = table.place_of("password");
    let written = table.text("password", problems)?;
    secret(&written, "password", at, known, problems).map(|name| (at, name))
}

fn secret(written: &str, key: &str, at: Place, known: &[String], problems: &mut Problems) -> Option<String> {
    let result = reference(written, known);
    result.map_err(|(why, hint)| problems.add_with_hint(at, format!("`{key}`: {why}"), hint.unwrap_or_default())).ok()
}

fn mail(table: &mut Table, password: Option<&(Place, String)>, problems: &mut Problems) -> Option<Way> {
    let to_at = table.place_of("mail");
    let to = table.texts("mail", problems);
    if to.as_ref().is_some_and(Vec::is_empty) {
        problems.add(to_at, "`mail` must name at least one address");
    }
    let smtp_at = table.place_of("smtp");
    let smtp = table.text("smtp", problems);
    let from_at = table.place_of("from");
    let from = table.text("from", problems).filter(|from| is_mail(from, from_at, problems));
    let to: Vec<String> = to?.into_iter().filter(|(at, text)| is_mail(text, *at, problems)).map(|(_, to)| to).collect();
    let smtp = smtp.unwrap_or_else(|| SMTP.to_owned());
    smtp_fits(&smtp, smtp_at, password, problems);
    Some(Way::Mail { to, smtp, from, password: password.map(|(_, name)| name.clone()) })
}

fn is_mail(text: &str, at: Place, problems: &mut Problems) -> bool {
    let fits = text.parse::<lettre::Address>().is_ok();
    if !fits {
        problems.add(at, format!("\"{}\" is not an e-mail address", text.escape_debug()));
    }
    fits
}

/// Checks where mail is handed in: a password goes only over TLS, or stays on this host.
fn smtp_fits(text: &str, at: Place, password: Option<&(Place, String)>, problems: &mut Problems) {
    const EXAMPLE: &str = "such as \"smtps://mail.example.org\" or \"smtp://mail.example.org?tls=required\"";
    let Ok(url) = reqwest::Url::parse(text) else { return problems.add_with_hint(at, "`smtp` is not a URL", EXAMPLE) };
    if !matches!(url.scheme(), "smtp" | "smtps") || url.host_str().is_none_or(str::is_empty) {
        problems.add_with_hint(at, "`smtp` must begin with smtps:// or smtp://, and name a host", EXAMPLE);
    } else if url.password().is_some() {
        problems.add(at, "`smtp` holds a password: write `password = \"secret:NAME\"`");
    } else if password.is_none() && !url.username().is_empty() {
        problems.add(at, "`smtp` names a user who logs in: `password = \"secret:NAME\"` is missing");
    } else if !matches!(url.query(), None | Some("tls=required")) || !matches!(url.path(), "" | "/") {
        problems.add_with_hint(at, "`smtp` has nothing behind its host but `?tls=required`", EXAMPLE);
    } else if let Some((at, _)) = password
        && url.scheme() == "smtp"
        && url.query().is_none()
        && !is_here(&url)
    {
        problems.add_with_hint(*at, "a password does not go over the network without TLS", EXAMPLE);
    }
}

/// Takes a URL out, or the secret that it is. A bad one is not repeated: it may be a secret itself.
fn address(
    table: &mut Table,
    key: &'static str,
    known: &[String],
    secretive: bool,
    problems: &mut Problems,
) -> Option<Address> {
    let at = table.place_of(key);
    let written = table.text(key, problems)?;
    if written.starts_with("secret:") {
        return secret(&written, key, at, known, problems).map(Address::Secret);
    }
    let Ok(url) = reqwest::Url::parse(&written) else {
        problems.add_with_hint(at, format!("`{key}` is not a URL"), "an http or https URL, or `secret:NAME`");
        return None;
    };
    if !matches!(url.scheme(), "http" | "https") {
        problems.add(at, format!("`{key}` must begin with http:// or https://"));
    } else if url.password().is_some() || !url.username().is_empty() {
        problems.add(at, format!("`{key}` holds a user or a password: passwords are never in an estate file"));
    } else if secretive && url.scheme() == "http" && !is_here(&url) {
        problems.add(at, format!("`{key}` must begin with https://: a token does not go over the network without TLS"));
    } else {
        return Some(Address::Plain(written));
    }
    None
}

/// Whether a URL leads to this host.
fn is_here(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn program(table: &mut Table, problems: &mut Problems) -> Option<Vec<String>> {
    let at = table.place_of("program");
    let argv: Vec<(Place, String)> = table.texts("program", problems)?;
    for (at, _) in argv.iter().filter(|(_, text)| text.starts_with("secret:")) {
        problems.add(*at, "a secret is never an argument");
    }
    let argv: Vec<String> = argv.into_iter().map(|(_, text)| text).collect();
    match argv.first().map(|first| plain_path(first)) {
        Some(Ok(_)) if argv.iter().all(|text| !text.contains('\0')) => return Some(argv),
        Some(Ok(_)) => problems.add(at, "an argument must not hold NUL"),
        Some(Err(why)) => problems.add(at, format!("the path of `program` {why}")),
        None => problems.add(at, "`program` must name a program"),
    }
    None
}
