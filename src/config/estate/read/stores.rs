//! `[[certificate]]` and `[[backup]]`.

use crate::config::estate::read::buckets::{bucket_of, is_bucket, secrets_of};
use crate::config::estate::read::parts::{path, plain_path, size, span_of, unique};
use crate::config::estate::{Backup, BackupPlace, Certificate, ObjectPlace, Store};
use crate::config::reader::{Place, Problems, Table};
use crate::config::secrets::Secrets;
use crate::domain::quantity;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The longest age and distance that a backup may have.
const TEN_YEARS: Duration = Duration::from_secs(3650 * DAY);

pub(super) fn certificates(root: &mut Table, problems: &mut Problems) -> Vec<Certificate> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("certificate", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a certificate of this name", problems);
        if !table.has("connect") && !table.has("file") {
            problems.add(table.at, "a certificate needs `connect`, `file` or both");
        }
        let named_at = table.place_of("server_name");
        let has_endpoint = table.has("connect");
        let connect =
            table.parsed("connect", "host:port, such as \"example.org:443\" or \"[::1]:443\"", problems, |text| {
                is_endpoint(text).then(|| text.to_owned())
            });
        let server_name = table.parsed("server_name", "a host's name or an address", problems, |text| {
            (is_host(text) || text.parse::<Ipv6Addr>().is_ok()).then(|| text.to_owned())
        });
        if server_name.is_some() && !has_endpoint {
            problems.add(named_at, "`server_name` is of use with `connect` alone");
        }
        let file = path(&mut table, "file", problems);
        let ca_at = table.place_of("ca");
        let ca = path(&mut table, "ca", problems);
        if ca.is_some() && !has_endpoint {
            problems.add(ca_at, "`ca` is of use with `connect` alone");
        }
        let warn_at = table.place_of(if table.has("warn") { "warn" } else { "critical" });
        let warn_days = days(&mut table, "warn", Certificate::WARN_DAYS, problems);
        let critical_days = days(&mut table, "critical", Certificate::CRITICAL_DAYS, problems);
        if let (Some(warn), Some(critical)) = (warn_days, critical_days)
            && warn <= critical
        {
            problems.add(warn_at, format!("`warn` ({warn}d) must be more than `critical` ({critical}d)"));
        }
        table.finish(problems);
        if let (Some(name), Some(warn_days), Some(critical_days)) = (name, warn_days, critical_days) {
            all.push(Certificate { name, connect, server_name, file, ca, warn_days, critical_days });
        }
    }
    all
}

/// Takes a span of whole days out; `None` only beside a problem.
fn days(table: &mut Table, key: &'static str, default: u32, problems: &mut Problems) -> Option<u32> {
    if !table.has(key) {
        table.take(key);
        return Some(default);
    }
    table.parsed(key, "whole days from 1d to 3650d, such as \"30d\"", problems, |text| {
        let seconds = quantity::parse_span(text)?.as_secs();
        let days = u32::try_from(seconds / DAY).ok()?;
        (seconds.is_multiple_of(DAY) && (1..=3650).contains(&days)).then_some(days)
    })
}

/// Whether this is `host:port` or `[address]:port`.
fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = in_brackets.map_or_else(|| is_host(host), |address| address.parse::<Ipv6Addr>().is_ok());
    host && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether this is an IPv4 address or a name of labels (RFC 1123, section 2.1; underscores as they occur).
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<Ipv4Addr>() {
        Ok(_) => true,
        Err(_) => text.len() <= 253 && !numeric && text.strip_suffix('.').unwrap_or(text).split('.').all(label),
    }
}

pub(super) fn backups(root: &mut Table, stores: &[Store], secrets: &Secrets, problems: &mut Problems) -> Vec<Backup> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("backup", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a backup of this name", problems);
        let place = place(&mut table, stores, secrets, problems);
        if !table.has("max_age") {
            table.required_text("max_age", problems);
        }
        let max_age = span_of(&mut table, "max_age", (Duration::from_secs(60), TEN_YEARS), problems);
        let every_at = table.place_of("every");
        let every = span_of(&mut table, "every", (Duration::from_secs(60), TEN_YEARS), problems);
        if let (Some(max_age), Some(every)) = (max_age, every)
            && every > max_age
        {
            problems.add(every_at, "`every` is more than `max_age`: each backup would be too old before the next one");
        }
        let min_size = table.parsed("min_size", "a size such as \"1 MiB\"", problems, size);
        let ended = ended(&mut table, problems);
        table.finish(problems);
        if let (Some(name), Some(place), Some(max_age)) = (name, place, max_age) {
            all.push(Backup { name, place, max_age, every, min_size, ended });
        }
    }
    all
}

/// Takes the patterns of series that have ended out.
fn ended(table: &mut Table, problems: &mut Problems) -> Vec<String> {
    let mut patterns = Vec::new();
    for (at, pattern) in table.texts("ended", problems).unwrap_or_default() {
        if pattern.trim_matches('*').is_empty() {
            problems.add(
                at,
                format!("`ended` {pattern:?} fits every backup: name those that have ended, such as \"old_*.dump\""),
            );
        } else if pattern.starts_with('/') {
            problems.add(at, format!("`ended` {pattern:?} is a path: write the names alone, such as \"old_*.dump\""));
        } else {
            patterns.push(pattern);
        }
    }
    patterns
}

/// Takes `files` or `objects` out: exactly one of them.
fn place(table: &mut Table, stores: &[Store], secrets: &Secrets, problems: &mut Problems) -> Option<BackupPlace> {
    match (table.has("files"), table.has("objects")) {
        (false, false) => problems.add(table.at, "a backup needs `files` or `objects`"),
        (true, true) => problems.add(table.place_of("objects"), "a backup has `files` or `objects`, not both"),
        _ => {}
    }
    let (files_at, objects_at) = (table.place_of("files"), table.place_of("objects"));
    let files = table.text("files", problems).and_then(|text| pattern(&text, files_at, problems));
    let objects = table.text("objects", problems).and_then(|text| prefix(text, objects_at, problems));
    let at = |prefix: String| {
        let store = stores.iter().find(|store| Some(store.bucket.as_str()) == bucket_of(&prefix)).cloned();
        let secrets = store.as_ref().map_or_else(Secrets::default, |store| secrets_of(store, secrets));
        BackupPlace::Objects(Box::new(ObjectPlace { prefix, store, secrets }))
    };
    files.map(BackupPlace::Files).or(objects.map(at))
}

/// Checks a pattern of files: absolute, with wildcards in its last part alone.
fn pattern(text: &str, at: Place, problems: &mut Problems) -> Option<String> {
    let path = match plain_path(text) {
        Ok(path) => path,
        Err(why) => {
            problems.add(at, format!("`files` {why}"));
            return None;
        }
    };
    let is_wild = |text: &str| text.contains(['*', '?']);
    if text.ends_with('/') {
        let hint = format!("write \"{}/*\" for all in it", path.display().to_string().trim_end_matches('/'));
        problems.add_with_hint(at, "`files` ends in a slash: it says which files of the directory are meant", hint);
        return None;
    }
    if path.parent().is_some_and(|parent| is_wild(&parent.to_string_lossy())) {
        problems.add(at, "`files` may have `*` and `?` in its last part alone");
        return None;
    }
    Some(path.to_str()?.to_owned())
}

/// Checks a prefix of an object store: `s3://bucket/prefix/`.
fn prefix(text: String, at: Place, problems: &mut Problems) -> Option<String> {
    if bucket_of(&text).is_some_and(is_bucket) && !text.chars().any(char::is_control) {
        return Some(text);
    }
    problems.add_with_hint(at, "`objects` must be a prefix of an object store", "such as \"s3://bucket/prefix/\"");
    None
}
