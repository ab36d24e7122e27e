//! Reads kubeconfig files, and chooses a context.

use crate::domain::error::system_text;
use crate::probes::kube::settings::{Chosen, text};
use kube::config::{AuthInfo, Kubeconfig};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The largest file that is taken for a kubeconfig, a certificate, a key or a token.
const LARGEST: u64 = 8 << 20;

/// All kubeconfigs that have been read, as one.
pub(crate) struct Merged(Kubeconfig);

/// Reads files into one; what an earlier one says stands. `None` where none of them is there.
///
/// One that is missing is skipped, unless it is an `own` one.
///
/// # Errors
/// Which file cannot be read, and why; no part of its contents.
pub(crate) fn read(files: &[PathBuf], own: bool) -> Result<Option<Merged>, String> {
    let mut all: Option<Kubeconfig> = None;
    for path in files {
        let absent = |cause: std::io::Error| matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        if !own && fs::metadata(path).is_err_and(absent) {
            continue;
        }
        let bytes = contents(path)?;
        let next: Kubeconfig =
            text::decoded(&bytes).map_err(|why| format!("{} is no kubeconfig: {why}", path.display()))?.into();
        is_kubeconfig(path, &next)?;
        unique(path, &next)?;
        let next = with_whole_paths(next, path.parent().unwrap_or(Path::new("")));
        let merged = match all {
            Some(before) => {
                before.merge(next).map_err(|_| format!("{} does not fit the kubeconfigs before it", path.display()))?
            }
            None => next,
        };
        all = Some(merged);
    }
    Ok(all.map(Merged))
}

/// Refuses a file that calls itself something else.
fn is_kubeconfig(path: &Path, config: &Kubeconfig) -> Result<(), String> {
    let other = |stated: &Option<String>, own: &str| stated.clone().filter(|word| !word.is_empty() && word != own);
    let shown = path.display();
    match (other(&config.kind, "Config"), other(&config.api_version, "v1")) {
        (Some(kind), _) => Err(format!("{shown} is a {} and no Config", kind.escape_debug())),
        (None, Some(version)) => Err(format!("{shown} is of apiVersion {} and not of v1", version.escape_debug())),
        (None, None) => Ok(()),
    }
}

/// Refuses a name that comes twice in one file, as kubectl does: it would stand open which of them is meant.
fn unique(path: &Path, config: &Kubeconfig) -> Result<(), String> {
    let contexts = config.contexts.iter().map(|it| ("contexts", &it.name));
    let clusters = config.clusters.iter().map(|it| ("clusters", &it.name));
    let users = config.auth_infos.iter().map(|it| ("users", &it.name));
    let mut seen = BTreeSet::new();
    match contexts.chain(clusters).chain(users).find(|it| !seen.insert(*it)) {
        Some((what, name)) => Err(format!("{}: two {what} are called {name}", path.display())),
        None => Ok(()),
    }
}

/// Paths in a kubeconfig count from its own directory.
fn with_whole_paths(mut config: Kubeconfig, directory: &Path) -> Kubeconfig {
    let whole = |place: &mut Option<String>| {
        if let Some(path) = place.as_mut().filter(|path| !path.is_empty()) {
            *path = directory.join(&*path).to_string_lossy().into_owned();
        }
    };
    for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        whole(&mut cluster.certificate_authority);
    }
    for user in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        whole(&mut user.client_certificate);
        whole(&mut user.client_key);
        whole(&mut user.token_file);
    }
    config
}

/// Finds a context, the current one where none is wanted, with its cluster and its user.
///
/// # Errors
/// What of it is missing.
pub(crate) fn choose(merged: Merged, wanted: Option<&str>) -> Result<Chosen, String> {
    let Merged(config) = merged;
    let current = config.current_context.filter(|name| !name.is_empty());
    let Some(name) = wanted.map(str::to_owned).or(current) else {
        return Err("the kubeconfig has no current context".to_owned());
    };
    let found = config.contexts.into_iter().find(|context| context.name == name).and_then(|named| named.context);
    let context = found.ok_or_else(|| format!("the kubeconfig has no context {name}"))?;
    let found = config.clusters.into_iter().find(|named| named.name == context.cluster).and_then(|it| it.cluster);
    let missing = |what: &str, which: &str| format!("the kubeconfig has no {what} {which}, which context {name} names");
    let cluster = found.ok_or_else(|| missing("cluster", &context.cluster))?;
    let user = match context.user.filter(|user| !user.is_empty()) {
        None => AuthInfo::default(),
        Some(wanted) => {
            let found = config.auth_infos.into_iter().find(|user| user.name == wanted);
            found.ok_or_else(|| missing("user", &wanted))?.auth_info.unwrap_or_default()
        }
    };
    Ok(Chosen { context: name, namespace: context.namespace, cluster, user })
}

/// A regular file of at most [`LARGEST`] bytes.
///
/// # Errors
/// Which file it is, and why it cannot be read.
pub(crate) fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let meta = fs::metadata(path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => format!("{shown} is not there"),
        ErrorKind::PermissionDenied => format!("{shown} may not be read"),
        _ => format!("{shown}: {}", system_text(cause)),
    })?;
    if !meta.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|cause| match cause.kind() {
        ErrorKind::PermissionDenied => format!("{shown} may not be read"),
        _ => format!("{shown}: {}", system_text(cause)),
    })?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|cause| format!("{shown}: {}", system_text(cause)))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown} is larger than 8 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_nests_too_deep_is_refused_at_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let lists = |times: usize| "[".repeat(times) + &"]".repeat(times);
        let maps = "{a: ".repeat(100_000) + "1" + &"}".repeat(100_000);
        let blocks: String = (0..3_000).map(|depth| format!("{}- \n", " ".repeat(depth))).collect();
        for deep in [
            format!("extensions: [{{name: x, extension: {}}}]", lists(100_000)),
            format!("extensions: [{{name: x, extension: {maps}}}]"),
            format!("unknown: {}", lists(100_000)),
            format!("unknown: {}", "[".repeat(100_000)),
            format!("unknown:\n{blocks}"),
            format!("unknown: {}", "&a [*a, ".repeat(20_000)),
        ] {
            fs::write(&path, format!("apiVersion: v1\nkind: Config\n{deep}\n")).unwrap();
            let why = read(std::slice::from_ref(&path), true).map(|_| ()).unwrap_err();
            assert!(why.contains("is no kubeconfig"), "{why}");
        }
        fs::write(&path, format!("extensions: [{{name: x, extension: {}}}]\n", lists(50))).unwrap();
        assert!(read(&[path], true).unwrap().is_some());
    }
}
