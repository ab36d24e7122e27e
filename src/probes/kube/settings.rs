//! Where a cluster is and who asks it: the kubeconfig, read as kubectl reads it, or the files of a pod.
//!
//! Source: kubernetes.io, "Organizing Cluster Access Using kubeconfig Files". Two things differ. A user that logs in with a
//! program (`exec`) or an `auth-provider` is refused, because a probe starts no program. The proxy variables are ignored, as
//! for every other probe, and a cluster with a `proxy-url` is refused.

use crate::config::estate::Workload;
use crate::config::paths::Surroundings;
use crate::config::secrets::Secret;
use crate::probes::http;
use crate::probes::kube::objects::Plural;
use crate::probes::target::Cluster;
use kube::Config;
use kube::config::{self, AuthInfo, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};
use sha2::{Digest, Sha256};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod check;
mod file;
mod text;

/// Where a pod finds who it is.
const POD: &str = "var/run/secrets/kubernetes.io/serviceaccount";
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// A proxy that no one has: with it kube does not look into our own environment for one.
const NO_PROXY: &str = "http://proxy.invalid";

/// A cluster, and who asks it.
pub(crate) struct Settings {
    config: Config,
    /// The context's name; `in-cluster` in a pod.
    pub context: String,
    /// The namespaces to watch.
    pub namespaces: Vec<String>,
    /// The workloads that must be there.
    pub expected: Vec<Expected>,
    /// The server, without credentials.
    pub server: String,
    /// What is weak about the connection.
    pub weak: Option<&'static str>,
    /// A digest of all of it, secrets included.
    pub digest: [u8; 32],
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        settings.config.clone()
    }
}

#[cfg(test)]
impl Settings {
    /// Leads to another server.
    pub(crate) fn lead_to(&mut self, server: &str) {
        self.config.cluster_url = server.parse().unwrap();
        self.digest = [0; 32];
    }
}

/// A workload that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Its kind.
    pub plural: Plural,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What a context stands for.
#[derive(Default)]
pub(crate) struct Chosen {
    context: String,
    namespace: Option<String>,
    cluster: config::Cluster,
    user: AuthInfo,
}

/// The files that a kubeconfig is read from: the one of the estate, those of `$KUBECONFIG`, or `~/.kube/config`.
pub(crate) fn files(target: &Cluster) -> Vec<PathBuf> {
    if let Some(own) = &target.entry.kubeconfig {
        return vec![own.clone()];
    }
    // kubectl goes home only where the variable is empty: a list of nothing is a list.
    if let Some(list) = target.around.get("KUBECONFIG") {
        return std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect();
    }
    target.around.get("HOME").map(|home| Path::new(home).join(".kube/config")).into_iter().collect()
}

/// Reads the settings of a cluster again.
///
/// `pinned` is the context that was used before: another current one is not followed. It reads files and blocks.
///
/// # Errors
/// Why there is no way to ask it; never with a secret.
pub(crate) fn resolve(target: &Cluster, pinned: Option<&str>) -> Result<Settings, String> {
    let wanted = target.entry.context.as_deref().or(pinned);
    let own = target.entry.kubeconfig.is_some();
    let files = files(target);
    let chosen = match file::read(&files, own)? {
        Some(found) => file::choose(found, wanted)?,
        None => match in_pod(&target.around)? {
            Some(pod) if target.entry.context.is_none() => pod,
            Some(_) => return Err("there is no kubeconfig to take the context from".to_owned()),
            None => return Err(nothing(target, &files)),
        },
    };
    settle(target, chosen)
}

fn nothing(target: &Cluster, files: &[PathBuf]) -> String {
    let looked: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
    let is_named = target.around.get("KUBECONFIG").is_some();
    match looked.as_slice() {
        [] if is_named => "no kubeconfig: KUBECONFIG names no file, and this is no pod".to_owned(),
        [] => "no kubeconfig: neither KUBECONFIG nor HOME is set, and this is no pod".to_owned(),
        some => format!("no kubeconfig: {} is not there, and this is no pod", some.join(", ")),
    }
}

/// The account of the pod that we run in.
///
/// Source: kubernetes.io, "Accessing the Kubernetes API from a Pod".
fn in_pod(around: &Surroundings) -> Result<Option<Chosen>, String> {
    let text = |name: &str| around.get(name).and_then(|value| value.to_str());
    let (Some(host), Some(port)) = (text("KUBERNETES_SERVICE_HOST"), text("KUBERNETES_SERVICE_PORT")) else {
        return Ok(None);
    };
    let server = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("https://[{address}]:{port}"),
        Err(_) => format!("https://{host}:{port}"),
    };
    let place = |name: &str| around.system(POD).join(name).to_string_lossy().into_owned();
    let namespace = file::contents(Path::new(&place("namespace")))?;
    let mut chosen = Chosen { context: "in-cluster".to_owned(), ..Chosen::default() };
    chosen.namespace = Some(String::from_utf8_lossy(&namespace).trim().to_owned());
    chosen.cluster.server = Some(server);
    chosen.cluster.certificate_authority = Some(place("ca.crt"));
    chosen.user.token_file = Some(place("token"));
    Ok(Some(chosen))
}

/// Makes settings of what was chosen, and holds them to what a probe may do.
fn settle(target: &Cluster, mut chosen: Chosen) -> Result<Settings, String> {
    refuse_programs(&chosen.user)?;
    if chosen.cluster.proxy_url.as_deref().is_some_and(|url| !url.is_empty()) {
        return Err("the kubeconfig reaches the cluster through a proxy-url, which is not supported".to_owned());
    }
    let mut seal = Sha256::new();
    take_token(&mut chosen.user)?;
    let roots = check::checked(&mut chosen)?;
    for path in [&chosen.user.client_certificate, &chosen.user.client_key].into_iter().flatten() {
        if !path.is_empty() {
            seal.update(file::contents(Path::new(path))?);
            seal.update([0]);
        }
    }
    for root in roots.iter().flatten() {
        seal.update(root);
        seal.update([0]);
    }
    for described in [serde_json::to_value(&chosen.cluster), serde_json::to_value(&chosen.user)] {
        let described = described.map_err(|_| "the kubeconfig cannot be taken in".to_owned())?;
        let secret = ["token", "password"].into_iter().filter_map(|key| described.get(key)?.as_str());
        // What was read as a secret is masked wherever something is recorded.
        secret.map(Secret::new).for_each(drop);
        seal.update(described.to_string());
        seal.update([0]);
    }
    let namespaces = namespaces(target, chosen.namespace.as_deref())?;
    for namespace in &namespaces {
        seal.update(namespace);
        seal.update([0]);
    }
    let weak = weak(&chosen);
    let context = chosen.context.clone();
    let server = http::without_credentials(chosen.cluster.server.as_deref().unwrap_or_default());
    let config = made(chosen, roots)?;
    let expected = expected(target, &namespaces);
    Ok(Settings { config, context, namespaces, expected, server, weak, digest: seal.finalize().into() })
}

fn refuse_programs(user: &AuthInfo) -> Result<(), String> {
    let hint = "use one with a token, a token file or a client certificate";
    if let Some(exec) = &user.exec {
        let program = exec.command.as_deref().unwrap_or("(unnamed)");
        return Err(format!("the kubeconfig runs a program ({program}) to log in, which a probe never does; {hint}"));
    }
    match &user.auth_provider {
        Some(provider) => Err(format!("the kubeconfig logs in through the auth-provider {}; {hint}", provider.name)),
        None => Ok(()),
    }
}

/// Puts the token of a token file in place of the file; without the line end that it may close with. The file's token is newer
/// than one that stands beside it, which counts where the file cannot be read.
fn take_token(user: &mut AuthInfo) -> Result<(), String> {
    let Some(place) = user.token_file.take().filter(|path| !path.is_empty()) else { return Ok(()) };
    let read = || {
        let bytes = file::contents(Path::new(&place))?;
        let token = std::str::from_utf8(&bytes).map_err(|_| format!("{place} does not hold a token"))?.trim();
        if token.is_empty() { Err(format!("{place} is empty")) } else { Ok(token.to_owned()) }
    };
    match read() {
        Ok(token) => user.token = Some(token.into()),
        Err(why) if user.token.is_none() => return Err(why),
        Err(_) => {}
    }
    Ok(())
}

/// The namespaces of the estate, or the context's own.
fn namespaces(target: &Cluster, of_context: Option<&str>) -> Result<Vec<String>, String> {
    let mut all = target.entry.namespaces.clone();
    if all.is_empty() {
        all.push(of_context.filter(|name| !name.is_empty()).unwrap_or("default").to_owned());
    }
    // RFC 1123 labels, as the API takes them; anything else would lead to another path.
    let label = |name: &String| {
        let byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty() && name.len() <= 63 && name.bytes().all(byte)
    };
    match all.iter().find(|name| !label(name)) {
        Some(bad) => Err(format!("{} is no name of a namespace", bad.escape_debug())),
        None => {
            all.sort();
            all.dedup();
            Ok(all)
        }
    }
}

/// The workloads of the estate, each with its namespace: its own, or the only one that is watched.
fn expected(target: &Cluster, namespaces: &[String]) -> Vec<Expected> {
    let one = |wanted: &Workload| {
        let plural = Plural::WORKLOADS.into_iter().find(|plural| plural.one() == wanted.kind)?;
        let namespace = wanted.namespace.as_ref().or(namespaces.first())?.clone();
        Some(Expected { plural, namespace, name: wanted.name.clone() })
    };
    target.entry.workloads.iter().filter_map(one).collect()
}

fn weak(chosen: &Chosen) -> Option<&'static str> {
    let server = chosen.cluster.server.as_deref().unwrap_or_default();
    let own = ["http://127.", "http://localhost", "http://[::1]"].iter().any(|start| server.starts_with(start));
    if server.starts_with("http://") && !own {
        Some("not encrypted")
    } else if chosen.cluster.insecure_skip_tls_verify == Some(true) {
        Some("the server is not verified")
    } else {
        None
    }
}

fn made(chosen: Chosen, roots: Option<Vec<Vec<u8>>>) -> Result<Config, String> {
    let name = "chosen".to_owned();
    let mut cluster = chosen.cluster;
    cluster.proxy_url = Some(NO_PROXY.to_owned());
    let context = config::Context {
        cluster: name.clone(),
        user: Some(name.clone()),
        namespace: chosen.namespace,
        ..config::Context::default()
    };
    let whole = Kubeconfig {
        clusters: vec![NamedCluster { name: name.clone(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo {
            name: name.clone(),
            auth_info: Some(chosen.user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext { name: name.clone(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(name),
        ..Kubeconfig::default()
    };
    let mut config = Config::try_from(whole).map_err(|cause| format!("kubeconfig: {cause}"))?;
    config.proxy_url = None;
    config.root_cert = roots;
    config.connect_timeout = Some(CONNECT);
    // Back-off is ours: kube would wait as long as `Retry-After` says, and say nothing meanwhile.
    config.default_retry = false;
    Ok(config)
}

#[cfg(test)]
mod tests;
