//! Nodes, and how they are judged.
//!
//! Source: kubernetes.io, "Nodes", "Conditions". A kubelet that no longer reports leaves `Ready` at `Unknown`.

use crate::domain::{Fact, Observation, Verdict, Wall};
use crate::probes::sentence::Sentence;
use k8s_openapi::api::core::v1;
use std::collections::BTreeMap;

/// The conditions that mean pressure, with their fact and their words.
const PRESSURES: [(&str, &str, &str); 3] = [
    ("MemoryPressure", "memory_pressure", "memory pressure"),
    ("DiskPressure", "disk_pressure", "disk pressure"),
    ("PIDPressure", "pid_pressure", "PID pressure"),
];

/// What is kept of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Each condition that it has: true, false, or not known.
    conditions: BTreeMap<String, Option<bool>>,
    unschedulable: bool,
    version: Option<String>,
}

impl From<&v1::Node> for Node {
    fn from(it: &v1::Node) -> Self {
        let status = it.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let wanted = |kind: &str| {
            matches!(kind, "Ready" | "NetworkUnavailable") || PRESSURES.iter().any(|(name, ..)| *name == kind)
        };
        let read = |status: &str| match status {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        let kept = conditions.iter().filter(|condition| wanted(&condition.type_));
        let info = status.and_then(|status| status.node_info.as_ref());
        Self {
            conditions: kept.map(|condition| (condition.type_.clone(), read(&condition.status))).collect(),
            unschedulable: it.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true)),
            version: info.map(|info| info.kubelet_version.clone()).filter(|version| !version.is_empty()),
        }
    }
}

impl Node {
    /// Whether its kubelet says that it is ready; `None` where it says nothing.
    pub(crate) fn is_ready(&self) -> Option<bool> {
        self.conditions.get("Ready").copied().flatten()
    }

    /// What is seen of it at a moment.
    pub(crate) fn seen(&self, observed_at: Wall) -> Observation {
        let known = |name: &str| self.conditions.get(name).copied().flatten();
        let mut facts = BTreeMap::from([("unschedulable", Fact::Bool(self.unschedulable))]);
        facts.extend(self.version.clone().map(|version| ("version", Fact::Text(version))));
        facts.extend(known("Ready").map(|ready| ("ready", Fact::Bool(ready))));
        let (verdict, first) = match (known("Ready"), self.conditions.contains_key("Ready")) {
            (Some(true), _) => (Verdict::Ok, "ready"),
            (Some(false), _) => (Verdict::Critical, "not ready"),
            (None, true) => (Verdict::Unknown, "its kubelet no longer reports"),
            (None, false) => (Verdict::Unknown, "its kubelet has not reported"),
        };
        let mut sentence = Sentence::of(verdict, first.to_owned());
        for (name, fact, words) in PRESSURES {
            match known(name) {
                Some(pressed) => {
                    facts.insert(fact, Fact::Bool(pressed));
                    if pressed {
                        sentence.add(Verdict::Warn, words.to_owned());
                    }
                }
                None => {
                    // A kubelet that is silent is silent about all of it.
                    if known("Ready").is_some() {
                        sentence.add(Verdict::Unknown, format!("{words} unknown"));
                    }
                }
            }
        }
        // Only some networks set it.
        if known("NetworkUnavailable") == Some(true) {
            sentence.add(Verdict::Warn, "network unavailable".to_owned());
        }
        if self.unschedulable {
            sentence.add(Verdict::Warn, "unschedulable".to_owned());
        }
        sentence.words.extend(self.version.clone());
        sentence.note_reason(&mut facts);
        Observation { verdict: sentence.verdict, detail: sentence.words.join(" · "), facts, observed_at, trend: None }
    }
}
