//! `[[service]]`, `[[unit]]` and `[[mount]]`.

use crate::config::estate::read::parts::{limits, path, span_of, unique};
use crate::config::estate::{Mount, Service, Unit};
use crate::config::reader::{Place, Problems, Table, Value, nearest};
use std::time::Duration;

pub(super) fn services(root: &mut Table, problems: &mut Problems) -> Vec<Service> {
    let mut seen = Vec::new();
    let mut services = Vec::new();
    for mut table in root.tables("service", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a service of this name", problems);
        let url = table.place_of("url");
        let url = table.required_text("url", problems).and_then(|text| address(&text, url, problems));
        let second = Duration::from_secs(1);
        let spans = (Duration::from_millis(100), second * 60, second, second * 86_400);
        let timeout = span_of(&mut table, "timeout", (spans.0, spans.1), problems).unwrap_or(Service::TIMEOUT);
        let every = span_of(&mut table, "every", (spans.2, spans.3), problems).unwrap_or(Service::EVERY);
        let status = status(&mut table, problems);
        let critical = table.bool("critical", problems).unwrap_or(true);
        let ca_at = table.place_of("ca");
        let ca = path(&mut table, "ca", problems);
        table.finish(problems);
        if let (Some(name), Some(url)) = (name, url) {
            if ca.is_some() && !url.starts_with("https:") {
                problems.add_with_hint(ca_at, "`ca` is of use with TLS alone", "let `url` begin with https://");
            }
            services.push(Service { name, url, timeout, status, critical, every, ca });
        }
    }
    services
}

/// Takes one status code or a list of them out.
fn status(table: &mut Table, problems: &mut Problems) -> Vec<u16> {
    let Some(node) = table.take("status") else { return Vec::new() };
    let given = match node.value {
        Value::List(items) if items.is_empty() => {
            problems.add_with_hint(node.at, "`status` is an empty list", "without `status`, any 2xx is healthy");
            items
        }
        Value::List(items) => items,
        _ => vec![node],
    };
    let mut codes = Vec::new();
    for item in given {
        match item.value {
            Value::Int(code @ 100..=599) => codes.extend(u16::try_from(code)),
            other => {
                let found = if matches!(other, Value::Int(_)) { "outside 100 to 599" } else { other.kind() };
                problems.add(item.at, format!("`status` must be an HTTP status code such as 200, this one is {found}"));
            }
        }
    }
    codes
}

/// Checks a service's URL. A bad one is not repeated in the message where it could hold a password.
fn address(text: &str, at: Place, problems: &mut Problems) -> Option<String> {
    let url = match reqwest::Url::parse(text) {
        Ok(url) => url,
        Err(cause) => {
            let why = if text.contains("://") {
                cause.to_string()
            } else {
                "it does not begin with http:// or https://".to_owned()
            };
            problems.add_with_hint(at, format!("`url` is not a URL: {why}"), "such as \"https://example.org/health\"");
            return None;
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        problems.add(at, format!("`url` must begin with http:// or https://, not {}:", url.scheme()));
    } else if url.password().is_some() {
        problems.add(at, "`url` holds a password: passwords are never in an estate file");
    } else if !url.username().is_empty() {
        problems.add(at, "`url` holds a user name: this version asks services without one");
    } else {
        return Some(text.to_owned());
    }
    None
}

/// The kinds of units, by their suffixes (systemd.unit(5)).
const SUFFIXES: [&str; 11] =
    ["service", "socket", "target", "device", "mount", "automount", "timer", "swap", "path", "slice", "scope"];

/// The longest name of a unit, in bytes (systemd.unit(5)).
const LONGEST_UNIT: usize = 255;

pub(super) fn units(root: &mut Table, problems: &mut Problems) -> Vec<Unit> {
    let mut seen = Vec::new();
    let mut units = Vec::new();
    for mut table in root.tables("unit", problems) {
        let at = table.place_of("name");
        let name = table.required_text("name", problems).filter(|name| is_unit(name, at, problems));
        unique(&mut seen, name.clone(), at, "a unit of this name", problems);
        let critical = table.bool("critical", problems).unwrap_or(true);
        table.finish(problems);
        units.extend(name.map(|name| Unit { name, critical }));
    }
    units
}

/// Whether this is a whole name of one unit; says what is wrong with any other.
fn is_unit(name: &str, at: Place, problems: &mut Problems) -> bool {
    let shown = name.escape_debug();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    if name.is_empty() || name.starts_with('.') || name.len() > LONGEST_UNIT || !name.bytes().all(is_plain) {
        let message = "`name` must be a unit's: letters, digits and :-_.@\\, at most 255 of them";
        problems.add(at, message);
        return false;
    }
    match name.rsplit_once('.') {
        Some((stem, suffix)) if SUFFIXES.contains(&suffix) && !stem.is_empty() => {
            if stem.ends_with('@') {
                let message = format!("`{shown}` is a template, which never runs itself");
                problems.add_with_hint(at, message, format!("name an instance, such as `{stem}main.{suffix}`"));
            }
            !stem.ends_with('@')
        }
        Some((stem, suffix)) if nearest(suffix, SUFFIXES).is_some() => {
            let near = nearest(suffix, SUFFIXES).unwrap_or_default();
            problems.add_with_hint(
                at,
                format!("`{shown}` has no unit's suffix"),
                format!("did you mean `{stem}.{near}`?"),
            );
            false
        }
        _ => {
            problems.add_with_hint(at, format!("`{shown}` has no unit's suffix"), format!("write `{shown}.service`"));
            false
        }
    }
}

pub(super) fn mounts(root: &mut Table, problems: &mut Problems) -> Vec<Mount> {
    let mut seen = Vec::new();
    let mut mounts = Vec::new();
    for mut table in root.tables("mount", problems) {
        let at = table.place_of("path");
        if !table.has("path") {
            table.required_text("path", problems);
        }
        let path = path(&mut table, "path", problems);
        unique(&mut seen, path.as_ref().map(|path| path.display().to_string()), at, "a mount of this path", problems);
        let disk = limits(&mut table, "disk", problems);
        let mount_point = table.bool("mount_point", problems).unwrap_or(false);
        let critical = table.bool("critical", problems).unwrap_or(true);
        table.finish(problems);
        mounts.extend(path.map(|path| Mount { path, disk, mount_point, critical }));
    }
    mounts
}
