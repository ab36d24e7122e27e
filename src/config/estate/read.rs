//! From a table to an [`Estate`], key by key.

use crate::config::estate::{Environment, Estate, Limits, Mount, Service, Thresholds};
use crate::config::reader::{Place, Problems, Table, Value};
use crate::config::secrets::Secrets;
use crate::domain::quantity;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Sections of the format that this version does not read, as they are written.
const LATER: [(&str, &str); 7] = [
    ("secrets", "[secrets]"),
    ("unit", "[[unit]]"),
    ("postgres", "[[postgres]]"),
    ("redis", "[[redis]]"),
    ("kubernetes", "[[kubernetes]]"),
    ("certificate", "[[certificate]]"),
    ("backup", "[[backup]]"),
];

/// The longest name, in characters: it must fit in a row.
const LONGEST_NAME: usize = 64;

/// Reads the whole of a file; `None` only beside a problem.
pub(super) fn read(root: &mut Table, file: &Path, problems: &mut Problems) -> Option<Estate> {
    if !root.schema(1, problems) {
        return None;
    }
    let name = root.named("name", problems);
    let environment = environment(root, problems);
    let trusted_reads = trusted_reads(root, problems);
    let thresholds = root.table("thresholds", problems).map_or_else(Thresholds::default, |mut table| {
        let defaults = Thresholds::default();
        let disk = limits(&mut table, "disk", problems).unwrap_or(defaults.disk);
        let cpu = limits(&mut table, "cpu", problems);
        table.finish(problems);
        Thresholds { disk, cpu }
    });
    let services = services(root, problems);
    let mounts = mounts(root, problems);
    for (key, written) in LATER {
        let at = root.entries.iter().find(|entry| entry.key == key).map(|entry| entry.at);
        if let (Some(at), Some(_)) = (at, root.take(key)) {
            problems.say(at, format!("`{written}` is not supported by this version"));
        }
    }
    std::mem::take(root).finish(problems);
    Some(Estate {
        name: name?,
        environment: environment?,
        trusted_reads,
        thresholds,
        services,
        mounts,
        secrets: Secrets::default(),
        units: Vec::new(),
        failed_units: false,
        postgres: Vec::new(),
        redis: Vec::new(),
        kubernetes: Vec::new(),
        certificates: Vec::new(),
        backups: Vec::new(),
        source: Some(file.to_owned()),
        discovered: Vec::new(),
        not_found: Vec::new(),
    })
}

fn environment(root: &mut Table, problems: &mut Problems) -> Option<Environment> {
    if root.has("environment") {
        root.parsed("environment", "production, staging or other", problems, Environment::from_word)
    } else {
        root.required_text("environment", problems);
        None
    }
}

fn trusted_reads(root: &mut Table, problems: &mut Problems) -> Vec<PathBuf> {
    let mut programs = Vec::new();
    for (at, text) in root.texts("trusted_reads", problems).unwrap_or_default() {
        match plain_path(&text) {
            Ok(path) if programs.contains(&path) => problems.say(at, "this program is in the list already"),
            Ok(path) => programs.push(path),
            Err(why) => problems.say(at, format!("a trusted program's path {why}")),
        }
    }
    programs
}

/// Takes `{ warn = "80%", critical = "90%" }` out.
fn limits(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<Limits> {
    let at = table.place_of(key);
    let mut given = table.table(key, problems)?;
    let mut share = |key| {
        if given.has(key) {
            given.parsed(key, "a share such as \"80%\"", problems, quantity::parse_share)
        } else {
            given.required_text(key, problems);
            None
        }
    };
    let (warn, critical) = (share("warn"), share("critical"));
    given.finish(problems);
    let limits = Limits { warn: warn?, critical: critical? };
    if limits.warn >= limits.critical {
        problems.say(at, format!("`{key}`: warn must be less than critical"));
    }
    Some(limits)
}

fn services(root: &mut Table, problems: &mut Problems) -> Vec<Service> {
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
        let timeout = span(&mut table, "timeout", (spans.0, spans.1), Service::TIMEOUT, problems);
        let every = span(&mut table, "every", (spans.2, spans.3), Service::EVERY, problems);
        let status = status(&mut table, problems);
        let critical = table.bool("critical", problems).unwrap_or(true);
        table.finish(problems);
        if let (Some(name), Some(url)) = (name, url) {
            services.push(Service { name, url, timeout, status, critical, every });
        }
    }
    services
}

/// Takes one status code or a list of them out.
fn status(table: &mut Table, problems: &mut Problems) -> Vec<u16> {
    let Some(node) = table.take("status") else { return Vec::new() };
    let given = match node.value {
        Value::List(items) if items.is_empty() => {
            problems.say_with(node.at, "`status` is an empty list", "without `status`, any 2xx is healthy");
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
                problems.say(item.at, format!("`status` must be an HTTP status code such as 200, this one is {found}"));
            }
        }
    }
    codes
}

/// Takes a span within bounds out.
fn span(
    table: &mut Table,
    key: &'static str,
    (least, most): (Duration, Duration),
    default: Duration,
    problems: &mut Problems,
) -> Duration {
    let what = format!("a span from {} to {} such as \"5s\"", quantity::span(least), quantity::span(most));
    let read = |text: &str| quantity::parse_span(text).filter(|span| (least..=most).contains(span));
    table.parsed(key, &what, problems, read).unwrap_or(default)
}

/// Checks a service's URL. A bad one is not repeated in the message where it could hold a password.
fn address(text: &str, at: Place, problems: &mut Problems) -> Option<String> {
    let url = match reqwest::Url::parse(text) {
        Ok(url) => url,
        Err(cause) => {
            problems.say_with(at, format!("`url` is not a URL: {cause}"), "such as \"https://example.org/health\"");
            return None;
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        problems.say(at, format!("`url` must begin with http:// or https://, not {}:", url.scheme()));
    } else if url.password().is_some() {
        problems.say(at, "`url` holds a password: passwords are never in an estate file");
    } else if !url.username().is_empty() {
        problems.say(at, "`url` holds a user name: this version asks services without one");
    } else {
        return Some(text.to_owned());
    }
    None
}

fn mounts(root: &mut Table, problems: &mut Problems) -> Vec<Mount> {
    let mut seen = Vec::new();
    let mut mounts = Vec::new();
    for mut table in root.tables("mount", problems) {
        let at = table.place_of("path");
        let path = table.required_text("path", problems).and_then(|text| match plain_path(&text) {
            Ok(path) => Some(path),
            Err(why) => {
                problems.say(at, format!("`path` {why}"));
                None
            }
        });
        unique(&mut seen, path.as_ref().map(|path| path.display().to_string()), at, "a mount of this path", problems);
        let disk = limits(&mut table, "disk", problems);
        table.finish(problems);
        mounts.extend(path.map(|path| Mount { path, disk }));
    }
    mounts
}

/// Reads a path that means the same from everywhere.
fn plain_path(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("must be absolute");
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("must not hold `..`");
    }
    // Also without doubled and trailing slashes, so that one thing is not named twice.
    Ok(path.components().collect())
}

/// Notes a name, or that another of its kind has it already.
fn unique(seen: &mut Vec<(String, Place)>, name: Option<String>, at: Place, what: &str, problems: &mut Problems) {
    let Some(name) = name else { return };
    match seen.iter().find(|(other, _)| *other == name) {
        Some((_, first)) => {
            problems.say(at, format!("{what} is on line {} already: `{}`", first.line, name.escape_debug()));
        }
        None => seen.push((name, at)),
    }
}

impl Table {
    /// Takes a name out that must be there: printable, not blank, of bounded length.
    fn named(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let at = self.place_of(key);
        let name = self.required_text(key, problems)?;
        let fits = !name.trim().is_empty() && name == name.trim() && name.chars().count() <= LONGEST_NAME;
        if fits && !name.chars().any(char::is_control) {
            return Some(name);
        }
        let message =
            format!("`{key}` must be 1 to {LONGEST_NAME} characters, without control characters or outer spaces");
        problems.say(at, message);
        None
    }
}
