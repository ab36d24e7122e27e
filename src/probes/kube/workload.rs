//! Deployments, stateful sets and daemon sets, and how they are judged.
//!
//! Source: kubernetes.io, "Deployments", "Deployment status"; `kubectl rollout status` (kubectl,
//! `pkg/polymorphichelpers/rollout_status.go`). A count that a status leaves out is zero, because the API omits zeros; a status
//! that the cluster has not written yet is unknown. Until the status is of the newest generation, its counts are those of the
//! generation before, and nothing of it proves a rollout. A status is the word of a controller, which may be down or behind: it is
//! held against the pods that are listed, and never believed beyond them.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall};
use crate::probes::kube::pods::{Pod, Pods};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, BTreeSet};

mod words;

/// What is kept of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workload {
    /// How many pods it should have; `None` where the cluster has not said.
    desired: Option<i32>,
    /// How many pods it has, old and new.
    replicas: i32,
    ready: i32,
    updated: i32,
    /// `None` where the server does not count them.
    available: Option<i32>,
    unavailable: Option<i32>,
    /// How many pods keep the old template by the partition of a stateful set.
    partition: i32,
    /// Whether a pod gets the new template only once it is deleted by hand (`OnDelete`).
    by_hand: bool,
    /// Whether the controller still holds an old revision beside the new one.
    between: bool,
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
    /// Whether the cluster itself calls it not available.
    unserved: bool,
    /// Whether it is being deleted.
    deleting: bool,
    /// Whether each node that matches has one pod, so that no node matches where it should have none.
    by_node: bool,
    /// The labels by which it adopts pods; empty where it selects by more than labels.
    selector: BTreeMap<String, String>,
    /// The containers of its template with their images.
    containers: Vec<(String, String)>,
}

/// What a workload is judged with, beside itself and its pods.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judging {
    /// Whether the estate names it.
    pub expected: bool,
    /// Whether its status has contradicted its pods for so long that they count alone.
    pub settled: bool,
}

impl From<&Deployment> for Workload {
    fn from(it: &Deployment) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let spec = it.spec.as_ref();
        let mut seen = Self {
            // Without a number the API means one.
            desired: spec.map(|spec| spec.replicas.unwrap_or(1)),
            replicas: status.replicas.unwrap_or_default(),
            ready: status.ready_replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            available: Some(status.available_replicas.unwrap_or_default()),
            unavailable: Some(status.unavailable_replicas.unwrap_or_default()),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            paused: spec.is_some_and(|spec| spec.paused == Some(true)),
            deleting: it.metadata.deletion_timestamp.is_some(),
            selector: spec.map(|spec| labels(&spec.selector)).unwrap_or_default(),
            containers: containers(spec.map(|spec| &spec.template)),
            ..Self::default()
        };
        for condition in status.conditions.unwrap_or_default() {
            let reason = condition.reason.unwrap_or_default();
            match (condition.type_.as_str(), condition.status.as_str()) {
                // It stays from the rollout before until the next one is looked at.
                ("Progressing", "False") => seen.stuck |= seen.current && reason == "ProgressDeadlineExceeded",
                ("ReplicaFailure", "True") => seen.failure = Some(reason),
                ("Available", "False") => seen.unserved = true,
                ("Progressing", "Unknown") if seen.paused || reason == "DeploymentResumed" => {}
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
        let strategy = spec.and_then(|spec| spec.update_strategy.as_ref());
        let partition = strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.partition);
        let revisions = (&status.current_revision, &status.update_revision);
        // Servers before 1.22 do not count them. Where they do and leave out a zero, a pod takes some time from ready to available.
        let waits = spec.is_some_and(|spec| spec.min_ready_seconds.is_some_and(|seconds| seconds > 0));
        let available = status.available_replicas.or(waits.then_some(0));
        Self {
            desired: spec.map(|spec| spec.replicas.unwrap_or(1)),
            replicas: status.replicas,
            ready: status.ready_replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            available,
            unavailable: available.map(|available| status.replicas.saturating_sub(available).max(0)),
            partition: partition.unwrap_or_default().max(0),
            by_hand: strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete")),
            between: matches!(revisions, (Some(current), Some(update)) if current != update),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            deleting: it.metadata.deletion_timestamp.is_some(),
            containers: containers(spec.map(|spec| &spec.template)),
            ..Self::default()
        }
    }
}

impl From<&DaemonSet> for Workload {
    fn from(it: &DaemonSet) -> Self {
        let status = it.status.clone().unwrap_or_default();
        let strategy = it.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        Self {
            desired: it.status.as_ref().map(|status| status.desired_number_scheduled),
            replicas: status.current_number_scheduled,
            ready: status.number_ready,
            updated: status.updated_number_scheduled.unwrap_or_default(),
            available: Some(status.number_available.unwrap_or_default()),
            unavailable: Some(status.number_unavailable.unwrap_or_default()),
            by_hand: strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete")),
            observed: status.observed_generation.is_some(),
            current: status.observed_generation >= it.metadata.generation,
            deleting: it.metadata.deletion_timestamp.is_some(),
            by_node: true,
            containers: containers(it.spec.as_ref().map(|spec| &spec.template)),
            ..Self::default()
        }
    }
}

/// The labels of a selector that has nothing else.
fn labels(selector: &LabelSelector) -> BTreeMap<String, String> {
    let is_plain = selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    selector.match_labels.clone().filter(|_| is_plain).unwrap_or_default()
}

/// The containers of a template with their images, in its order.
fn containers(template: Option<&PodTemplateSpec>) -> Vec<(String, String)> {
    let containers = template.and_then(|template| template.spec.as_ref()).map(|spec| spec.containers.as_slice());
    let one =
        |container: &k8s_openapi::api::core::v1::Container| Some((container.name.clone(), container.image.clone()?));
    containers.unwrap_or_default().iter().filter_map(one).collect()
}

impl Workload {
    /// How many pods are to have the new template.
    fn goal(&self, desired: i32) -> i32 {
        if self.by_hand { desired } else { desired.saturating_sub(self.partition).max(0) }
    }

    /// Whether every pod that is to have the new template has it, and no other is left.
    fn is_rolled_out(&self, desired: i32) -> bool {
        let is_parted = self.partition > 0 || self.by_hand;
        self.current && self.updated >= self.goal(desired) && self.left() == 0 && (is_parted || !self.between)
    }

    /// How many old pods still stand where none should.
    fn left(&self) -> i32 {
        if self.partition > 0 { 0 } else { self.replicas.saturating_sub(self.updated).max(0) }
    }

    /// Whether its rollout is over: as `kubectl rollout status` has it, and all pods are available.
    fn is_complete(&self) -> bool {
        let Some(desired) = self.desired.filter(|_| self.observed && self.current) else { return false };
        let available = self.available.unwrap_or(self.ready);
        self.is_rolled_out(desired) && self.replicas == desired && available >= desired && !self.stuck
    }

    /// Whether a pod of a replica set by hand is its own by adoption.
    pub(crate) fn selects(&self, pod: &Pod) -> bool {
        let has = |(key, value): (&String, &String)| pod.labels.get(key) == Some(value);
        !self.selector.is_empty() && self.selector.iter().all(has)
    }

    /// How many ready pods of those that are wanted its status says.
    fn said(&self, desired: i32) -> i32 {
        self.ready.min(desired)
    }

    /// Whether its status says more ready pods than there are.
    pub(crate) fn is_disputed(&self, pods: &Pods) -> bool {
        self.observed && self.desired.is_some_and(|desired| pods.ready < self.said(desired))
    }

    fn verdict(&self, pods: Option<&Pods>, judging: Judging) -> Verdict {
        let disputed = pods.filter(|pods| self.is_disputed(pods));
        let Some(desired) = self.desired.filter(|_| self.observed && self.doubt.is_none()) else {
            return if self.stuck { Verdict::Critical } else { Verdict::Unknown };
        };
        let is_troubled = pods.is_some_and(|pods| !pods.waiting.is_empty() || !pods.troubles.is_empty());
        let is_down = desired > 0 && self.ready <= 0 || desired <= 0 && judging.expected;
        if self.stuck || is_down {
            Verdict::Critical
        } else if disputed.is_some_and(|pods| pods.ready <= 0) {
            // The two were read one after the other: what lasts a moment may be that. A silent kubelet proves nothing.
            if judging.settled && disputed.is_some_and(|pods| pods.silent == 0) {
                Verdict::Critical
            } else {
                Verdict::Unknown
            }
        } else if is_troubled || disputed.is_some() || self.is_short_of(desired) {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }

    /// Whether its rollout is not complete, it lacks replicas, or its conditions hold a failure or a remark.
    fn is_short_of(&self, desired: i32) -> bool {
        !self.is_complete() || self.ready < desired || self.failure.is_some() || self.remark(desired).is_some()
    }

    /// What is seen of it at a moment; `pods` where they are known.
    pub(crate) fn seen(&self, pods: Option<&Pods>, judging: Judging, observed_at: Wall) -> Observation {
        let disputed = pods.filter(|pods| self.is_disputed(pods));
        let mut facts = BTreeMap::from([
            ("image", Fact::Text(self.image())),
            ("stuck", Fact::Bool(self.stuck)),
            ("paused", Fact::Bool(self.paused)),
            ("observed", Fact::Bool(self.observed && self.current)),
            ("complete", Fact::Bool(self.is_complete() && disputed.is_none())),
        ]);
        let count = |key: &'static str, count: Option<i32>| count.map(|count| (key, Fact::Int(count.into())));
        if self.observed {
            // A gate must not pass on what its pods do not carry.
            facts.extend(count("ready", Some(disputed.map_or(self.ready, |pods| pods.ready))));
            facts.extend(count("replicas", Some(self.replicas)));
            facts.extend(count("available", self.available));
            facts.extend(count("unavailable", self.unavailable));
            // Until the status is of the newest template, these are pods of the one before.
            facts.extend(count("updated", Some(self.updated).filter(|_| self.current)));
        }
        facts.extend(count("desired", self.desired));
        facts.extend(count("partition", Some(self.partition).filter(|partition| *partition > 0)));
        if let Some(pods) = pods {
            facts.insert("restarts", Fact::Int(pods.restarts));
            facts.insert("pods_ready", Fact::Int(pods.ready.into()));
            if !pods.waiting.is_empty() {
                facts.insert("waiting", Fact::Text(listed(&pods.waiting, ", ")));
            }
            let (images, digests) = pods.running(&self.containers);
            for (key, running) in [("image_running", &images), ("digest_running", &digests)] {
                if !running.is_empty() {
                    facts.insert(key, Fact::Text(listed(running, "; ")));
                }
            }
        }
        let trend = pods.map(|_| Trend::of("restarts"));
        let verdict = self.verdict(pods, judging);
        if verdict != Verdict::Ok {
            facts.extend(self.reason(pods, judging).map(|reason| ("reason", Fact::Text(reason))));
        }
        Observation { verdict, detail: self.detail(pods, judging), facts, observed_at, trend }
    }
}

fn listed(words: &BTreeSet<String>, between: &str) -> String {
    words.iter().cloned().collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests;
