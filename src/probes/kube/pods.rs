//! Pods: whose they are, whether they serve, what they run, and why some of them wait.
//!
//! Source: kubernetes.io, "Pod Lifecycle"; kubernetes, `pkg/controller/controller_utils.go`, `IsPodActive`. A pod that has ended or
//! is being deleted carries nothing, whatever it calls itself. Its last word is that of its kubelet, so one on a node that is not
//! ready, or is gone, is not counted as ready either.

use crate::domain::{Wall, quantity};
use k8s_openapi::api::core::v1::{self, ContainerStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// How long a pod may take beyond its grace period to be gone.
const LATE: Duration = Duration::from_secs(60);
/// How often a container has restarted, and how lately, to be one that does not stay up.
const RESTARTS: i32 = 3;
const LATELY: Duration = Duration::from_mins(10);

/// Whether the kubelet of each node says that it is ready; `None` where it says nothing.
pub(crate) type Nodes = HashMap<String, Option<bool>>;

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// Whose it is, by kind and name; `None` of a pod that nothing controls.
    pub owner: Option<(String, String)>,
    /// Its labels, where it belongs to a replica set that is not called after a deployment.
    pub labels: BTreeMap<String, String>,
    /// How it stands by its own words.
    pub standing: Standing,
    /// Whether it is not started again once it has ended.
    pub once: bool,
    node: Option<String>,
    restarts: i64,
    /// Why a container that has restarted often ended last, and when.
    restarted: Option<(Wall, String)>,
    /// Why it is not scheduled, or why one of its containers does not run.
    waiting: Option<String>,
    /// What its containers run, by their names; empty where it is not ready.
    running: BTreeMap<String, Running>,
}

/// How a pod stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Running, and ready.
    Ready,
    /// Not ready, or its phase where that is another than running.
    Not(String),
    /// What it does is not known, and why.
    Lost(String),
    /// Being deleted; when its grace period is over.
    Terminating(Wall),
    /// Ended in failure, and why.
    Failed(String),
    /// Ended well.
    Done,
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
    /// How many of them serve.
    pub ready: i32,
    /// How many of the others may serve all the same: no kubelet says what they do.
    pub silent: i32,
    /// Why others do not, and how many.
    pub down: BTreeMap<String, u64>,
    /// How many have ended in failure, by their reasons; one that was replaced leaves them behind.
    pub failed: BTreeMap<String, u64>,
    /// What is wrong with them whatever their number.
    pub troubles: BTreeSet<String>,
    running: Vec<BTreeMap<String, Running>>,
}

impl From<&v1::Pod> for Pod {
    fn from(it: &v1::Pod) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let standing = standing(it, &status);
        let containers = status.container_statuses.unwrap_or_default();
        let first = status.init_container_statuses.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let unscheduled = conditions.iter().find(|it| it.type_ == "PodScheduled" && it.status == "False");
        let unscheduled = unscheduled.and_then(|condition| condition.reason.clone());
        let all = || first.iter().chain(&containers);
        // What has ended waits for nothing.
        let has_ended = matches!(standing, Standing::Failed(_) | Standing::Done);
        let waiting = all().find_map(obstacle).or(unscheduled).filter(|_| !has_ended);
        let restarts = all().map(|container| i64::from(container.restart_count)).sum();
        let running = if standing == Standing::Ready { running(it, &containers) } else { BTreeMap::new() };
        let owner = owner(it);
        let is_stray = owner.as_ref().is_some_and(|(kind, _)| kind == "replicaset");
        let labels = it.metadata.labels.clone().filter(|_| is_stray).unwrap_or_default();
        let spec = it.spec.as_ref();
        Self {
            owner,
            labels,
            once: spec.and_then(|spec| spec.restart_policy.as_deref()).is_some_and(|policy| policy != "Always"),
            node: spec.and_then(|spec| spec.node_name.clone()).filter(|name| !name.is_empty()),
            restarts,
            restarted: all().filter_map(restarted).max(),
            waiting,
            running,
            standing,
        }
    }
}

fn standing(pod: &v1::Pod, status: &v1::PodStatus) -> Standing {
    let phase = status.phase.as_deref().unwrap_or("Unknown");
    let reason = status.reason.clone().filter(|reason| !reason.is_empty());
    let mut conditions = status.conditions.iter().flatten();
    let is_ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
    match (phase, &pod.metadata.deletion_timestamp) {
        ("Failed", _) => Standing::Failed(reason.unwrap_or_else(|| phase.to_owned())),
        ("Succeeded", _) => Standing::Done,
        // It still calls itself ready.
        (_, Some(end)) => Standing::Terminating(wall(end)),
        ("Unknown", None) => Standing::Lost(reason.unwrap_or_else(|| phase.to_owned())),
        ("Running", None) if is_ready => Standing::Ready,
        ("Running", None) => Standing::Not(reason.unwrap_or_else(|| "not ready".to_owned())),
        (other, None) => Standing::Not(reason.unwrap_or_else(|| other.to_owned())),
    }
}

fn wall(time: &Time) -> Wall {
    Wall(time.0)
}

/// When a container ended last and why, where it has restarted often.
fn restarted(container: &ContainerStatus) -> Option<(Wall, String)> {
    let ended = container.last_state.as_ref()?.terminated.as_ref()?;
    let often = container.restart_count >= RESTARTS;
    often.then_some((wall(ended.finished_at.as_ref()?), ended.reason.clone().unwrap_or_else(|| "ended".to_owned())))
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

/// Whose a pod is.
///
/// A deployment owns its pods through a replica set that is called after it and the hash of its template. A replica set that
/// was made by hand is not, and keeps its own name.
fn owner(pod: &v1::Pod) -> Option<(String, String)> {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    let deployment = || {
        let hash = pod.metadata.labels.as_ref()?.get("pod-template-hash")?;
        owner.name.strip_suffix(hash.as_str())?.strip_suffix('-').filter(|name| !name.is_empty())
    };
    match (owner.kind.as_str(), deployment()) {
        // The kubelet runs it from a file: the node does not control it.
        ("Node", _) => None,
        ("ReplicaSet", Some(name)) => Some(("deployment".to_owned(), name.to_owned())),
        (kind, _) => Some((kind.to_lowercase(), owner.name.clone())),
    }
}

impl Pod {
    /// Whether a job runs it.
    pub(crate) fn is_of_a_job(&self) -> bool {
        self.owner.as_ref().is_some_and(|(kind, _)| kind == "job")
    }

    /// Whether no kubelet says what it does.
    fn is_silent(&self, nodes: Option<&Nodes>) -> bool {
        let node = self.node.as_ref().and_then(|node| nodes?.get(node));
        matches!(self.standing, Standing::Lost(_)) || node == Some(&None)
    }

    /// Why its node lets it count for nothing.
    fn stranded(&self, nodes: Option<&Nodes>) -> Option<String> {
        let node = self.node.as_ref()?;
        match nodes?.get(node) {
            Some(Some(true)) => None,
            Some(Some(false)) => Some(format!("on node {node}, which is not ready")),
            Some(None) => Some(format!("on node {node}, whose kubelet does not report")),
            None => Some(format!("on node {node}, which does not exist")),
        }
    }
}

impl Pods {
    /// What these say at a moment; where the nodes are not known, a pod is believed.
    pub(crate) fn of<'a>(pods: impl Iterator<Item = &'a Pod>, nodes: Option<&Nodes>, now: Wall) -> Self {
        let mut all = Self::default();
        pods.for_each(|pod| all.add(pod, nodes, now));
        all
    }

    fn add(&mut self, pod: &Pod, nodes: Option<&Nodes>, now: Wall) {
        self.restarts = self.restarts.saturating_add(pod.restarts);
        self.waiting.extend(pod.waiting.clone());
        if !pod.running.is_empty() && !self.running.contains(&pod.running) {
            self.running.push(pod.running.clone());
        }
        let is_up = matches!(pod.standing, Standing::Ready | Standing::Not(_));
        if let Some((at, why)) = pod.restarted.as_ref().filter(|(at, _)| is_up && now.since(*at) < LATELY) {
            self.troubles.insert(format!("restarted at {} UTC ({why})", at.minute()));
        }
        let has_ended = matches!(pod.standing, Standing::Failed(_) | Standing::Done);
        self.silent += i32::from(!has_ended && pod.is_silent(nodes));
        let why = match &pod.standing {
            Standing::Ready => match pod.stranded(nodes) {
                None => {
                    self.ready = self.ready.saturating_add(1);
                    return;
                }
                Some(why) => why,
            },
            Standing::Lost(why) => why.clone(),
            Standing::Not(why) => pod.stranded(nodes).unwrap_or_else(|| why.clone()),
            Standing::Terminating(end) => {
                if now.since(*end) > LATE {
                    self.troubles
                        .insert(format!("a pod is terminating past its grace period, over at {} UTC", end.minute()));
                }
                "terminating".to_owned()
            }
            Standing::Failed(why) => {
                *self.failed.entry(why.clone()).or_default() += 1;
                return;
            }
            Standing::Done => "completed".to_owned(),
        };
        *self.down.entry(why).or_default() += 1;
    }

    /// How many there are for each reason why they do not serve: `3 Evicted`.
    pub(crate) fn lacking(&self) -> Option<String> {
        let each =
            self.failed.iter().chain(&self.down).map(|(why, count)| format!("{} {why}", quantity::count(*count)));
        Some(each.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
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

#[cfg(test)]
impl Pods {
    /// So many ready ones, of which nothing else is known.
    pub(crate) fn ready(ready: i32) -> Self {
        Self { ready, ..Self::default() }
    }
}
