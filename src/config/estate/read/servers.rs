//! `[[postgres]]`, `[[redis]]` and `[[kubernetes]]`.

use crate::config::estate::read::conninfo;
use crate::config::estate::read::parts::{limits, path, size, span_of, unique};
use crate::config::estate::read::secrets::reference;
use crate::config::estate::{Kubernetes, Postgres, Redis, RedisMode, Workload};
use crate::config::reader::{Problems, Table};
use crate::config::redis_url;
use std::time::Duration;

/// What `transaction_age` may be.
const TRANSACTION_AGES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(365 * 86_400));

pub(super) fn postgres(root: &mut Table, known: &[String], problems: &mut Problems) -> Vec<Postgres> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("postgres", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a database of this name", problems);
        if !table.has("watch") {
            table.required_text("watch", problems);
        }
        let watch = connection(&mut table, "watch", known, problems);
        let act = connection(&mut table, "act", known, problems);
        let bloat_size = table.parsed("bloat_size", "a size such as \"100 MiB\"", problems, size);
        let transaction_age = span_of(&mut table, "transaction_age", TRANSACTION_AGES, problems);
        let kept_wal = table.parsed("kept_wal", "a size such as \"64 MiB\"", problems, size);
        let critical = table.bool("critical", problems).unwrap_or(true);
        table.finish(problems);
        if let (Some(name), Some(watch)) = (name, watch) {
            all.push(Postgres { name, watch, act, bloat_size, transaction_age, kept_wal, critical });
        }
    }
    all
}

/// Takes a connection string out; it is not repeated in messages, where it could hold a password.
fn connection(table: &mut Table, key: &'static str, known: &[String], problems: &mut Problems) -> Option<String> {
    let at = table.place_of(key);
    let written = table.text(key, problems)?;
    let wrong = conninfo::wrong_with(&written, known);
    let sound = wrong.is_empty();
    for (why, hint) in wrong {
        let message = format!("`{key}` {why}");
        match hint {
            Some(hint) => problems.add_with_hint(at, message, hint),
            None => problems.add(at, message),
        }
    }
    sound.then_some(written)
}

pub(super) fn redis(root: &mut Table, known: &[String], problems: &mut Problems) -> Vec<Redis> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("redis", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a Redis of this name", problems);
        if !table.has("url") {
            table.required_text("url", problems);
        }
        let url = url(&mut table, "url", problems);
        let password = password(&mut table, "password", known, problems);
        let act = self::url(&mut table, "act", problems);
        let act_password = self::password(&mut table, "act_password", known, problems);
        let mode = table.parsed("mode", "standalone, cluster or sentinel", problems, RedisMode::from_word);
        let memory = limits(&mut table, "memory", problems);
        let critical = table.bool("critical", problems).unwrap_or(true);
        let ca_at = table.place_of("ca");
        let ca = path(&mut table, "ca", problems);
        table.finish(problems);
        let Some(url) = url else { continue };
        let with_tls = |url: &str| url.starts_with("rediss:");
        if ca.is_some() && !with_tls(&url) && !act.as_deref().is_some_and(with_tls) {
            problems.add_with_hint(ca_at, "`ca` is of use with TLS alone", "let `url` begin with rediss://");
        }
        all.extend(name.map(|name| Redis { name, url, password, act, act_password, mode, memory, critical, ca }));
    }
    all
}

/// Takes the name of a secret out.
fn password(table: &mut Table, key: &'static str, known: &[String], problems: &mut Problems) -> Option<String> {
    let at = table.place_of(key);
    let written = table.text(key, problems)?;
    let result = reference(&written, known);
    result.map_err(|(why, hint)| problems.add_with_hint(at, format!("`{key}`: {why}"), hint.unwrap_or_default())).ok()
}

/// Takes a URL out; it is not repeated in messages, where it could hold a password.
fn url(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<String> {
    let at = table.place_of(key);
    let written = table.text(key, problems)?;
    match redis_url::part(&written) {
        Ok(parted) if parted.password.is_some() => {
            let word = if key == "act" { "act_password" } else { "password" };
            let hint = format!("leave it out, and write `{word} = \"secret:NAME\"`");
            problems.add_with_hint(
                at,
                format!("`{key}` holds a password: passwords are never in an estate file"),
                hint,
            );
        }
        Ok(_) => return Some(written),
        Err(why) => problems.add_with_hint(at, format!("`{key}` {why}"), "such as \"redis://127.0.0.1:6379/0\""),
    }
    None
}

pub(super) fn kubernetes(root: &mut Table, problems: &mut Problems) -> Vec<Kubernetes> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("kubernetes", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut seen, name.clone(), at, "a cluster of this name", problems);
        let kubeconfig = path(&mut table, "kubeconfig", problems);
        let context_at = table.place_of("context");
        let context = table.text("context", problems);
        if context.as_ref().is_some_and(|context| context.trim().is_empty()) {
            problems.add_with_hint(
                context_at,
                "`context` is empty",
                "without `context`, the kubeconfig's current one is meant",
            );
        }
        let namespaces = namespaces(&mut table, problems);
        let critical = table.bool("critical", problems).unwrap_or(true);
        let workloads = workloads(&mut table, &namespaces, problems);
        table.finish(problems);
        all.extend(name.map(|name| Kubernetes { name, kubeconfig, context, namespaces, critical, workloads }));
    }
    all
}

/// Takes the namespaces out: labels of RFC 1123, each once.
fn namespaces(table: &mut Table, problems: &mut Problems) -> Vec<String> {
    let at = table.place_of("namespaces");
    let Some(given) = table.texts("namespaces", problems) else { return Vec::new() };
    if given.is_empty() {
        problems.add_with_hint(at, "`namespaces` is an empty list", "without `namespaces`, the context's own is meant");
    }
    let mut names: Vec<String> = Vec::new();
    for (at, name) in given {
        if !is_label(&name) {
            let message = "a namespace is lower-case letters, digits and `-`, at most 63 of them";
            problems.add(at, message);
        } else if names.contains(&name) {
            problems.add(at, "this namespace is in the list already");
        } else {
            names.push(name);
        }
    }
    names
}

/// Takes the workloads out: each once, and each in a namespace that is watched.
fn workloads(table: &mut Table, namespaces: &[String], problems: &mut Problems) -> Vec<Workload> {
    let mut all: Vec<Workload> = Vec::new();
    for (at, text) in table.texts("workloads", problems).unwrap_or_default() {
        let Some(wanted) = Workload::parse(&text) else {
            let kinds = Workload::KINDS.join(", ");
            let hint = format!("the kind is one of {kinds}");
            problems.add_with_hint(at, "a workload is `kind/name` or `kind/namespace/name`", hint);
            continue;
        };
        if all.contains(&wanted) {
            problems.add(at, "this workload is in the list already");
            continue;
        }
        match &wanted.namespace {
            None if namespaces.len() > 1 => {
                let hint = format!("for example `{}/{}/{}`", wanted.kind, namespaces.join("|"), wanted.name);
                problems.add_with_hint(at, "several namespaces are watched, and this workload names none", hint);
            }
            Some(own) if !namespaces.contains(own) => {
                problems.add_with_hint(at, format!("the namespace {own} is not watched"), "name it in `namespaces`");
            }
            _ => {}
        }
        all.push(wanted);
    }
    all
}

/// Whether this is a label of RFC 1123, as Kubernetes names namespaces.
fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') && !name.ends_with('-')
}
