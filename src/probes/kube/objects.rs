//! What is watched, and how the API's JSON becomes the little that is kept of it.

use crate::probes::kube::node::Node;
use crate::probes::kube::pods::Pod;
use crate::probes::kube::wire::{Fault, Loss};
use crate::probes::kube::workload::Workload;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta};
use kube::core::{Resource, WatchEvent};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A kind of object, all of which are watched in one namespace or, nodes, in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plural {
    /// Nodes.
    Nodes,
    /// Deployments.
    Deployments,
    /// Stateful sets.
    StatefulSets,
    /// Daemon sets.
    DaemonSets,
    /// Pods, for their restarts and for what they run.
    Pods,
}

impl Plural {
    /// Those that are in namespaces.
    pub(crate) const NAMESPACED: [Self; 4] = [Self::Deployments, Self::StatefulSets, Self::DaemonSets, Self::Pods];

    /// Those that keep pods.
    pub(crate) const WORKLOADS: [Self; 3] = [Self::Deployments, Self::StatefulSets, Self::DaemonSets];

    /// The API's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulsets",
            Self::DaemonSets => "daemonsets",
            Self::Pods => "pods",
        }
    }

    /// The API's word for one of it.
    pub(crate) fn one(self) -> &'static str {
        self.word().trim_end_matches('s')
    }

    /// Where the API serves it.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        match self {
            Self::Nodes => v1::Node::url_path(&(), None),
            Self::Deployments => Deployment::url_path(&(), namespace),
            Self::StatefulSets => StatefulSet::url_path(&(), namespace),
            Self::DaemonSets => DaemonSet::url_path(&(), namespace),
            Self::Pods => v1::Pod::url_path(&(), namespace),
        }
    }

    /// Reads a page of a list.
    pub(crate) fn page(self, bytes: &[u8]) -> Result<Page, Loss> {
        match self {
            Self::Nodes => page::<v1::Node>(bytes),
            Self::Deployments => page::<Deployment>(bytes),
            Self::StatefulSets => page::<StatefulSet>(bytes),
            Self::DaemonSets => page::<DaemonSet>(bytes),
            Self::Pods => page::<v1::Pod>(bytes),
        }
    }

    /// Reads a line of a watch.
    pub(crate) fn event(self, line: &[u8]) -> Result<Event, Loss> {
        match self {
            Self::Nodes => event::<v1::Node>(line),
            Self::Deployments => event::<Deployment>(line),
            Self::StatefulSets => event::<StatefulSet>(line),
            Self::DaemonSets => event::<DaemonSet>(line),
            Self::Pods => event::<v1::Pod>(line),
        }
    }
}

/// What is kept of an object.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// A node.
    Node(Node),
    /// A deployment, a stateful set or a daemon set.
    Workload(Workload),
    /// A pod.
    Pod(Pod),
}

/// An object by its name.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Its name, unique among its kind and namespace.
    pub name: String,
    /// Its own id: another one of the same name has another.
    pub uid: String,
    /// What is kept of it.
    pub kept: Kept,
}

/// A page of a list.
pub(crate) struct Page {
    /// The objects.
    pub objects: Vec<Object>,
    /// The version of the whole list.
    pub version: String,
    /// What to ask the next page with, if there is one.
    pub next: Option<String>,
}

/// A line of a watch.
pub(crate) enum Event {
    /// An object is new, or has changed.
    Put(Object, String),
    /// One is gone.
    Gone(Object, String),
    /// Nothing happened up to this version.
    Bookmark(String),
}

/// The list as the API gives it; `kind` and `metadata` tell it from any other JSON.
#[derive(Deserialize)]
struct List<K> {
    kind: String,
    metadata: ListMeta,
    items: Option<Vec<K>>,
}

/// What can be told of an object of the API.
trait Reduce: DeserializeOwned {
    fn reduce(self) -> (ObjectMeta, Kept);
}

impl Reduce for v1::Node {
    fn reduce(self) -> (ObjectMeta, Kept) {
        let kept = Kept::Node(Node::from(&self));
        (self.metadata, kept)
    }
}

impl Reduce for Deployment {
    fn reduce(self) -> (ObjectMeta, Kept) {
        let kept = Kept::Workload(Workload::from(&self));
        (self.metadata, kept)
    }
}

impl Reduce for StatefulSet {
    fn reduce(self) -> (ObjectMeta, Kept) {
        let kept = Kept::Workload(Workload::from(&self));
        (self.metadata, kept)
    }
}

impl Reduce for DaemonSet {
    fn reduce(self) -> (ObjectMeta, Kept) {
        let kept = Kept::Workload(Workload::from(&self));
        (self.metadata, kept)
    }
}

impl Reduce for v1::Pod {
    fn reduce(self) -> (ObjectMeta, Kept) {
        let kept = Kept::Pod(Pod::from(&self));
        (self.metadata, kept)
    }
}

fn page<K: Reduce>(bytes: &[u8]) -> Result<Page, Loss> {
    let list: List<K> = serde_json::from_slice(bytes).map_err(|cause| odd(&cause))?;
    if !list.kind.ends_with("List") {
        return Err(Loss::new(Fault::Odd, "the answer is not a list"));
    }
    let version = list.metadata.resource_version.filter(|version| !version.is_empty());
    let version = version.ok_or_else(|| Loss::new(Fault::Odd, "a list without a version"))?;
    let objects: Result<Vec<_>, _> =
        list.items.unwrap_or_default().into_iter().map(|item| object(item).map(|(object, _)| object)).collect();
    let next = list.metadata.continue_.filter(|token| !token.is_empty());
    Ok(Page { objects: objects?, version, next })
}

fn event<K: Reduce>(line: &[u8]) -> Result<Event, Loss> {
    let event: WatchEvent<K> = serde_json::from_slice(line).map_err(|cause| odd(&cause))?;
    let versioned = |item: K| -> Result<(Object, String), Loss> {
        let (object, version) = object(item)?;
        Ok((object, version.ok_or_else(|| Loss::new(Fault::Odd, "an object without a version"))?))
    };
    match event {
        WatchEvent::Added(item) | WatchEvent::Modified(item) => {
            versioned(item).map(|(object, version)| Event::Put(object, version))
        }
        WatchEvent::Deleted(item) => versioned(item).map(|(object, version)| Event::Gone(object, version)),
        WatchEvent::Bookmark(mark) if mark.metadata.resource_version.is_empty() => {
            Err(Loss::new(Fault::Odd, "a bookmark without a version"))
        }
        WatchEvent::Bookmark(mark) => Ok(Event::Bookmark(mark.metadata.resource_version)),
        WatchEvent::Error(status) if status.code == 410 => {
            Err(Loss::new(Fault::Expired, "the version is no longer kept (410)"))
        }
        WatchEvent::Error(status) => Err(Loss::new(Fault::Odd, format!("the watch ended with {}", status.code))),
    }
}

fn object<K: Reduce>(item: K) -> Result<(Object, Option<String>), Loss> {
    let (meta, kept) = item.reduce();
    let name = meta.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Loss::new(Fault::Odd, "an object without a name"))?;
    let version = meta.resource_version.filter(|version| !version.is_empty());
    Ok((Object { name, uid: meta.uid.unwrap_or_default(), kept }, version))
}

/// The parser's own words may quote what it read, so only their kind is said.
fn odd(cause: &serde_json::Error) -> Loss {
    let why = match cause.classify() {
        serde_json::error::Category::Data => "the answer has another shape than the API's",
        _ => "the answer is not JSON",
    };
    Loss::new(Fault::Odd, why)
}
