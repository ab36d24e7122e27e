//! Deployments, stateful sets and daemon sets, and how they are judged.
//!
//! Source: kubernetes.io, "Deployments", "Deployment status"; `kubectl rollout status` (kubectl,
//! `pkg/polymorphichelpers/rollout_status.go`). A count that a status leaves out is zero, because the API omits zeros; a status
//! that the cluster has not written yet is unknown. Until the status is of the newest generation, its counts are those of the
//! generation before, and nothing of it proves a rollout.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::kube::pods::Pods;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use std::collections::{BTreeMap, BTreeSet};

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
    /// The containers of its template with their images.
    containers: Vec<(String, String)>,
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
            containers: containers(spec.map(|spec| &spec.template)),
            ..Self::default()
        };
        for condition in status.conditions.unwrap_or_default() {
            let reason = condition.reason.unwrap_or_default();
            match (condition.type_.as_str(), condition.status.as_str()) {
                // It stays from the rollout before until the next one is looked at.
                ("Progressing", "False") => seen.stuck |= seen.current && reason == "ProgressDeadlineExceeded",
                ("ReplicaFailure", "True") => seen.failure = Some(reason),
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
            containers: containers(it.spec.as_ref().map(|spec| &spec.template)),
            ..Self::default()
        }
    }
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

    fn verdict(&self, pods: Option<&Pods>) -> Verdict {
        let Some(desired) = self.desired.filter(|_| self.observed && self.doubt.is_none()) else {
            return if self.stuck { Verdict::Critical } else { Verdict::Unknown };
        };
        let waits = pods.is_some_and(|pods| !pods.waiting.is_empty());
        if self.stuck || (desired > 0 && self.ready <= 0) {
            Verdict::Critical
        } else if !self.is_complete() || self.ready < desired || self.failure.is_some() || waits {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }

    /// What is seen of it at a moment; `pods` where they are known.
    pub(crate) fn seen(&self, pods: Option<&Pods>, observed_at: Wall) -> Observation {
        let mut facts = BTreeMap::from([
            ("image", Fact::Text(self.image())),
            ("stuck", Fact::Bool(self.stuck)),
            ("paused", Fact::Bool(self.paused)),
            ("observed", Fact::Bool(self.observed && self.current)),
            ("complete", Fact::Bool(self.is_complete())),
        ]);
        let count = |key: &'static str, count: Option<i32>| count.map(|count| (key, Fact::Int(count.into())));
        if self.observed {
            facts.extend(count("ready", Some(self.ready)));
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
        let verdict = self.verdict(pods);
        if verdict != Verdict::Ok {
            facts.extend(self.reason(pods).map(|reason| ("reason", Fact::Text(reason))));
        }
        Observation { verdict, detail: self.detail(pods), facts, observed_at, trend }
    }

    fn detail(&self, pods: Option<&Pods>) -> String {
        let mut lines = Vec::new();
        match self.desired {
            _ if !self.observed => {
                lines.extend(self.stuck.then(|| "rollout stuck".to_owned()));
                lines.push("not looked at by the cluster yet".to_owned());
            }
            Some(desired) => {
                lines.extend(self.rollout(desired));
                lines.push(if desired == 0 {
                    "scaled to 0".to_owned()
                } else {
                    format!("{} of {desired} ready", self.ready)
                });
                let available = self.available.filter(|available| *available < self.ready.min(desired));
                lines.extend(available.map(|available| format!("{available} available")));
            }
            None => lines.push("says not how many it should have".to_owned()),
        }
        lines.extend((self.partition > 0).then(|| format!("partition {}", self.partition)));
        lines.extend(self.failure.clone());
        lines.extend(self.doubt.as_ref().map(|doubt| format!("{doubt} is unknown")));
        match pods {
            Some(pods) => {
                lines.extend((!pods.waiting.is_empty()).then(|| listed(&pods.waiting, ", ")));
                let restarts = u64::try_from(pods.restarts).unwrap_or_default();
                lines.extend((restarts > 0).then(|| quantity::counted(restarts, "restart", "restarts")));
            }
            None => lines.push("restarts unknown".to_owned()),
        }
        lines.extend(self.images(pods));
        lines.join(" · ")
    }

    /// What the verdict comes from, in the order of [`Self::verdict`].
    fn reason(&self, pods: Option<&Pods>) -> Option<String> {
        let waiting = pods.filter(|pods| !pods.waiting.is_empty()).map(|pods| listed(&pods.waiting, ", "));
        let Some(desired) = self.desired.filter(|_| self.observed && self.doubt.is_none()) else {
            // What the row says first, unless a condition is in doubt.
            let doubt = self.doubt.as_ref().filter(|_| self.observed && !self.stuck);
            return doubt.map(|doubt| format!("{doubt} is unknown"));
        };
        let ready = || format!("{} of {desired} ready", self.ready);
        if self.stuck {
            self.rollout(desired)
        } else if desired > 0 && self.ready <= 0 {
            Some(waiting.map_or_else(ready, |waiting| format!("{}: {waiting}", ready())))
        } else if waiting.is_some() || self.failure.is_some() {
            waiting.or_else(|| self.failure.clone())
        } else if self.ready < desired {
            Some(ready())
        } else {
            let available = self.available.map(|available| format!("{available} of {desired} available"));
            self.rollout(desired).or(available)
        }
    }

    /// How far its rollout is; `None` where there is none under way.
    fn rollout(&self, desired: i32) -> Option<String> {
        let stage = match (self.stuck, self.paused) {
            (true, _) => "rollout stuck",
            (false, true) => "rollout paused",
            (false, false) => "rolling out",
        };
        let (updated, goal) = (self.updated, self.goal(desired));
        if !self.current {
            Some(format!("{stage}: the change is not observed yet"))
        } else if self.by_hand && updated < goal {
            Some(format!("{updated} of {goal} updated, the rest once it is deleted (OnDelete)"))
        } else if updated < goal {
            Some(format!("{stage}: {updated} of {goal} updated"))
        } else if !self.is_rolled_out(desired) && self.left() > 0 {
            let left = u64::try_from(self.left()).unwrap_or_default();
            Some(format!("{stage}: {} left", quantity::counted(left, "old pod", "old pods")))
        } else if !self.is_rolled_out(desired) {
            Some(format!("{stage}: the new revision is not settled yet"))
        } else if self.replicas > desired {
            Some(format!("scaling down from {}", self.replicas))
        } else {
            (self.stuck || self.paused).then(|| stage.to_owned())
        }
    }

    /// The template's images, in its order.
    fn image(&self) -> String {
        self.containers.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What runs, and what the template wants where that is something else.
    fn images(&self, pods: Option<&Pods>) -> Vec<String> {
        let wanted = self.image();
        if wanted.is_empty() {
            return Vec::new();
        }
        let (running, digests) = pods.map(|pods| pods.running(&self.containers)).unwrap_or_default();
        if running.is_empty() || running.iter().eq([&wanted]) {
            let several = (digests.len() > 1).then(|| format!("{} digests of it run", digests.len()));
            return [short(&wanted)].into_iter().chain(several).collect();
        }
        let running: Vec<String> = running.iter().map(|images| short(images)).collect();
        vec![format!("runs {}", running.join(" and ")), format!("template {}", short(&wanted))]
    }
}

fn listed(words: &BTreeSet<String>, between: &str) -> String {
    words.iter().cloned().collect::<Vec<_>>().join(between)
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

#[cfg(test)]
mod tests;
