//! Pods: whose they are, what they run, and why some of them wait.

use k8s_openapi::api::core::v1::{self, ContainerStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// The workload it belongs to, by kind and name.
    pub owner: Option<(&'static str, String)>,
    restarts: i64,
    /// Why it is not scheduled, or why one of its containers does not run.
    waiting: Option<String>,
    /// What its containers run, by their names; empty where it is not ready.
    running: BTreeMap<String, Running>,
}

/// What a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    /// The image as the pod names it.
    image: String,
    /// The digest of what was pulled for it, as far as the runtime tells.
    digest: Option<String>,
}

/// What the pods of one workload say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pods {
    pub restarts: i64,
    pub waiting: BTreeSet<String>,
    running: Vec<BTreeMap<String, Running>>,
}

impl From<&v1::Pod> for Pod {
    fn from(it: &v1::Pod) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        let first = status.init_container_statuses.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let is = |kind: &str, state: &str| conditions.iter().find(|it| it.type_ == kind && it.status == state);
        let unscheduled = is("PodScheduled", "False").and_then(|condition| condition.reason.clone());
        let waiting = first.iter().chain(&containers).find_map(obstacle).or(unscheduled);
        let restarts = first.iter().chain(&containers).map(|container| i64::from(container.restart_count)).sum();
        // A pod that is being deleted still calls itself ready.
        let is_ready = is("Ready", "True").is_some() && it.metadata.deletion_timestamp.is_none();
        let running = if is_ready { running(it, &containers) } else { BTreeMap::new() };
        Self { owner: owner(it), restarts, waiting, running }
    }
}

/// Why a container does not run; steps on the way are no obstacles.
fn obstacle(container: &ContainerStatus) -> Option<String> {
    let reason = container.state.as_ref()?.waiting.as_ref()?.reason.clone()?;
    (!matches!(reason.as_str(), "ContainerCreating" | "PodInitializing")).then_some(reason)
}

/// What the containers of a pod run. The image is that of the pod's own specification, because a runtime gives it other names.
fn running(pod: &v1::Pod, statuses: &[ContainerStatus]) -> BTreeMap<String, Running> {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let one = |container: &v1::Container| {
        let status = statuses.iter().find(|status| status.name == container.name);
        // `docker-pullable://registry/web@sha256:…`; a runtime without a registry gives the image's own id.
        let digest = status.and_then(|status| status.image_id.split_once("@sha256:"));
        let digest = digest.map(|(_, digest)| format!("sha256:{digest}"));
        Some((container.name.clone(), Running { image: container.image.clone()?, digest }))
    };
    containers.iter().filter_map(one).collect()
}

/// The workload that a pod belongs to.
///
/// A deployment owns its pods through a replica set that is called after it and the hash of its template; a replica set that
/// was made by hand and adopted is not, and its pods count for nothing here.
fn owner(pod: &v1::Pod) -> Option<(&'static str, String)> {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    match owner.kind.as_str() {
        "StatefulSet" => Some(("statefulset", owner.name.clone())),
        "DaemonSet" => Some(("daemonset", owner.name.clone())),
        "ReplicaSet" => {
            let hash = pod.metadata.labels.as_ref()?.get("pod-template-hash")?;
            let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
            Some(("deployment", name.to_owned()))
        }
        _ => None,
    }
}

impl Pods {
    /// Adds one.
    pub(crate) fn add(&mut self, pod: &Pod) {
        self.restarts = self.restarts.saturating_add(pod.restarts);
        self.waiting.extend(pod.waiting.clone());
        if !pod.running.is_empty() && !self.running.contains(&pod.running) {
            self.running.push(pod.running.clone());
        }
    }

    /// What the ready pods run in these containers, each once: the images, and their digests where all are known. What was put
    /// into a pod beside the containers of its template is left out.
    pub(crate) fn running(&self, containers: &[(String, String)]) -> (BTreeSet<String>, BTreeSet<String>) {
        let of = |pod: &BTreeMap<String, Running>, what: &dyn Fn(&Running) -> Option<String>| {
            let all: Option<Vec<String>> = containers.iter().filter_map(|(name, _)| pod.get(name)).map(what).collect();
            all.filter(|all| !all.is_empty()).map(|all| all.join(", "))
        };
        let each = |what: &dyn Fn(&Running) -> Option<String>| {
            self.running.iter().filter_map(|pod| of(pod, what)).collect::<BTreeSet<_>>()
        };
        (each(&|running| Some(running.image.clone())), each(&|running| running.digest.clone()))
    }
}
