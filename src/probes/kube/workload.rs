//! Deployments, stateful sets and daemon sets, and how they are judged.
//!
//! Source: kubernetes.io, "Deployments", "Deployment status". A count that a status leaves out is zero, because the API omits
//! zeros; a status that the cluster has not written yet is unknown.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{self, PodTemplateSpec};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workload {
    /// How many pods it should have; `None` where the cluster has not said.
    desired: Option<i32>,
    ready: i32,
    updated: i32,
    available: i32,
    /// Whether the cluster has looked at it at all.
    observed: bool,
    /// Whether it has looked at its newest form.
    current: bool,
    paused: bool,
    /// A rollout has made no progress within its deadline.
    stuck: bool,
    /// Why pods cannot be made.
    failure: Option<String>,
    /// A condition that the cluster does not know.
    doubt: Option<String>,
    image: String,
}

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// The workload it belongs to, by kind and name.
    pub owner: Option<(&'static str, String)>,
    restarts: i64,
    /// Why one of its containers does not run.
    waiting: Option<String>,
}

/// What the pods of one workload say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pods {
    restarts: i64,
    waiting: BTreeSet<String>,
}

impl From<&Deployment> for Workload {
    fn from(it: &Deployment) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let spec = it.spec.as_ref();
        let mut seen = Self {
            // Without a number the API means one.
            desired: spec.map(|spec| spec.replicas.unwrap_or(1)),
            ready: status.ready_replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            available: status.available_replicas.unwrap_or_default(),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            paused: spec.is_some_and(|spec| spec.paused == Some(true)),
            image: images(spec.map(|spec| &spec.template)),
            ..Self::default()
        };
        for condition in status.conditions.unwrap_or_default() {
            let reason = condition.reason.unwrap_or_default();
            match (condition.type_.as_str(), condition.status.as_str()) {
                ("Progressing", "False") => seen.stuck |= reason == "ProgressDeadlineExceeded",
                ("ReplicaFailure", "True") => seen.failure = Some(reason),
                ("Progressing", "Unknown") if seen.paused => {}
                ("Progressing" | "Available" | "ReplicaFailure", "Unknown") => seen.doubt = Some(condition.type_),
                _ => {}
            }
        }
        seen
    }
}

impl From<&StatefulSet> for Workload {
    fn from(it: &StatefulSet) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let spec = it.spec.as_ref();
        Self {
            desired: spec.map(|spec| spec.replicas.unwrap_or(1)),
            ready: status.ready_replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            available: status.available_replicas.unwrap_or_default(),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            image: images(spec.map(|spec| &spec.template)),
            ..Self::default()
        }
    }
}

impl From<&DaemonSet> for Workload {
    fn from(it: &DaemonSet) -> Self {
        let status = it.status.clone().unwrap_or_default();
        Self {
            desired: it.status.as_ref().map(|status| status.desired_number_scheduled),
            ready: status.number_ready,
            updated: status.updated_number_scheduled.unwrap_or_default(),
            available: status.number_available.unwrap_or_default(),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            image: images(it.spec.as_ref().map(|spec| &spec.template)),
            ..Self::default()
        }
    }
}

impl From<&v1::Pod> for Pod {
    fn from(it: &v1::Pod) -> Self {
        let containers = it.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
        let waiting = containers.iter().find_map(|container| {
            let reason = container.state.as_ref()?.waiting.as_ref()?.reason.clone()?;
            // These are steps on the way, not obstacles.
            (!matches!(reason.as_str(), "ContainerCreating" | "PodInitializing")).then_some(reason)
        });
        let restarts = containers.iter().map(|container| i64::from(container.restart_count)).sum();
        Self { owner: owner(it), restarts, waiting }
    }
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
    }
}

/// The images of a template, in its order.
fn images(template: Option<&PodTemplateSpec>) -> String {
    let containers = template.and_then(|template| template.spec.as_ref()).map(|spec| spec.containers.as_slice());
    let images = containers.unwrap_or_default().iter().filter_map(|container| container.image.as_deref());
    images.collect::<Vec<_>>().join(", ")
}

impl Workload {
    fn verdict(&self) -> Verdict {
        let Some(desired) = self.desired.filter(|_| self.observed && self.doubt.is_none()) else {
            return if self.stuck { Verdict::Critical } else { Verdict::Unknown };
        };
        if self.stuck || (desired > 0 && self.ready <= 0) {
            Verdict::Critical
        } else if self.ready < desired || self.available < desired || self.failure.is_some() {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }

    /// What is seen of it at a moment; `pods` where they are known.
    pub(crate) fn seen(&self, pods: Option<&Pods>, observed_at: Wall) -> Observation {
        let mut facts = BTreeMap::from([
            ("image", Fact::Text(self.image.clone())),
            ("stuck", Fact::Bool(self.stuck)),
            ("paused", Fact::Bool(self.paused)),
        ]);
        if self.observed {
            let counts = [("ready", self.ready), ("updated", self.updated), ("available", self.available)];
            facts.extend(counts.map(|(key, count)| (key, Fact::Int(count.into()))));
        }
        facts.extend(self.desired.map(|desired| ("desired", Fact::Int(desired.into()))));
        if let Some(pods) = pods {
            facts.insert("restarts", Fact::Int(pods.restarts));
            if !pods.waiting.is_empty() {
                facts.insert("waiting", Fact::Text(listed(&pods.waiting)));
            }
        }
        let trend = pods.map(|_| Trend::number("restarts"));
        Observation { verdict: self.verdict(), detail: self.detail(pods), facts, observed_at, trend }
    }

    fn detail(&self, pods: Option<&Pods>) -> String {
        let mut said = Vec::new();
        if self.stuck {
            said.push("rollout stuck".to_owned());
        }
        match self.desired {
            _ if !self.observed => said.push("not looked at by the cluster yet".to_owned()),
            Some(0) => said.push("scaled to 0".to_owned()),
            Some(desired) => {
                said.push(format!("{} of {desired} ready", self.ready));
                if self.updated < desired || !self.current {
                    said.push(format!("{} updated", if self.current { self.updated } else { 0 }));
                }
                if self.available < self.ready.min(desired) {
                    said.push(format!("{} available", self.available));
                }
            }
            None => said.push("says not how many it should have".to_owned()),
        }
        said.extend(self.paused.then(|| "rollout paused".to_owned()));
        said.extend(self.failure.clone());
        said.extend(self.doubt.as_ref().map(|doubt| format!("{doubt} is unknown")));
        match pods {
            Some(pods) => {
                said.extend((!pods.waiting.is_empty()).then(|| listed(&pods.waiting)));
                let restarts = u64::try_from(pods.restarts).unwrap_or_default();
                said.extend((restarts > 0).then(|| quantity::counted(restarts, "restart", "restarts")));
            }
            None => said.push("restarts unknown".to_owned()),
        }
        said.extend((!self.image.is_empty()).then(|| short(&self.image)));
        said.join(" · ")
    }
}

fn listed(words: &BTreeSet<String>) -> String {
    words.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// Images without their registries, and with the first 12 digits of a digest.
fn short(images: &str) -> String {
    let one = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split_once("@sha256:") {
            Some((name, digest)) => format!("{name}@{}", digest.chars().take(12).collect::<String>()),
            None => name.to_owned(),
        }
    };
    images.split(", ").map(one).collect::<Vec<_>>().join(", ")
}
