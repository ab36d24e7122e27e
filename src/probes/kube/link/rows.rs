//! The rows of what is known of one kind and namespace.

use super::{Disputes, Link, Part};
use crate::domain::{Fact, Finding, Wall};
use crate::probes::kube::loose;
use crate::probes::kube::node::Node;
use crate::probes::kube::objects::{Kept, Object, Plural};
use crate::probes::kube::pods::{Nodes, Pod, Pods};
use crate::probes::kube::watch::Known;
use crate::probes::kube::workload::{Judging, Workload};
use std::collections::HashMap;

/// The pods of a namespace by the kind and name of whose they are.
struct Owned<'a> {
    pods: HashMap<(&'a str, &'a str), Vec<&'a Pod>>,
    /// Up to when all of it is known.
    at: Wall,
}

impl Part {
    /// Adds its rows. One row stands for all where there are none to say why it cannot be read; and none where the
    /// server itself is not reached, which the row of the cluster says.
    pub(super) fn findings(&self, link: &Link, reached: bool, all: &mut Vec<Finding>, disputes: &mut Disputes) {
        let known = self.known.borrow();
        let why = match (&known.lost, known.tried) {
            (Some(why), _) => Some(why.clone()),
            (None, false) => Some(link.silent()),
            (None, true) => None,
        };
        if self.plural == Plural::Pods {
            self.loose(&known, link, why.as_deref(), all);
        }
        let objects = known.objects.as_ref().filter(|objects| !objects.is_empty() && self.plural != Plural::Pods);
        match (why, objects) {
            (Some(why), None) if reached => all.push(Finding::of(self.name(), Err(why))),
            (Some(_), None) => {}
            (Some(why), Some(objects)) => {
                all.extend(objects.keys().map(|name| Finding::of(self.object(name), Err(why.clone()))));
            }
            (None, None) if self.plural == Plural::Nodes => {
                all.push(Finding::of(self.name(), Err("the cluster lists none".to_owned())));
            }
            (None, None) => {}
            (None, Some(_)) => self.seen(&known, link, all, disputes),
        }
    }
    /// Adds a row for each object.
    fn seen(&self, known: &Known, link: &Link, all: &mut Vec<Finding>, disputes: &mut Disputes) {
        let (Some(objects), Some(alive)) = (&known.objects, link.sure_of(known)) else { return };
        let pods = link.part(Plural::Pods, self.namespace.as_deref()).map(|pods| pods.known.borrow());
        let nodes = link.part(Plural::Nodes, None).map(|part| part.known.borrow());
        let (nodes, nodes_at) = nodes.as_deref().and_then(nodes_of).unzip();
        let pods = pods.as_deref().filter(|pods| pods.lost.is_none() && pods.tried);
        let owned = pods.and_then(|pods| owned(pods, nodes_at));
        for (name, object) in objects {
            let row = self.object(name);
            let mut seen = match &object.kept {
                Kept::Node(node) => node.seen(alive),
                Kept::Pod(_) => continue,
                Kept::Workload(workload) => {
                    let at = owned.as_ref().map_or(alive, |owned| alive.min(owned.at));
                    let own = owned.as_ref().map(|owned| {
                        let pods = owned.of_workload(self.plural.one(), name, workload);
                        Pods::of(pods.into_iter(), nodes.as_ref(), at)
                    });
                    let mut judging = Judging { expected: link.is_expected(self, name), settled: false };
                    if own.as_ref().is_some_and(|own| workload.is_disputed(own)) {
                        let since = link.disputes.get(&row).copied().unwrap_or(at);
                        judging.settled = at.since(since) >= link.pace.settle;
                        disputes.insert(row.clone(), since);
                    }
                    workload.seen(own.as_ref(), judging, at)
                }
            };
            let namespace = self.namespace.clone();
            seen.facts.extend(namespace.map(|namespace| ("namespace", Fact::Text(namespace))));
            seen.facts.insert("name", Fact::Text(name.clone()));
            seen.facts.insert("uid", Fact::Text(object.uid.clone()));
            all.push(Finding::of(row, Ok(seen)));
        }
    }

    /// Adds the rows of the pods that no workload of ours has.
    fn loose(&self, known: &Known, link: &Link, lost: Option<&str>, all: &mut Vec<Finding>) {
        let nodes = link.part(Plural::Nodes, None).map(|part| part.known.borrow());
        let (nodes, nodes_at) = nodes.as_deref().and_then(nodes_of).unzip();
        let (Some(owned), Some(alive)) = (owned(known, nodes_at), link.sure_of(known)) else { return };
        let Some(namespace) = self.namespace.as_deref() else { return };
        let deployments = link.part(Plural::Deployments, Some(namespace)).map(|part| part.known.borrow());
        let deployments = deployments.as_ref().and_then(|known| known.objects.as_ref());
        let adopts = |pod: &Pod| {
            let mut all = deployments.into_iter().flat_map(|all| all.values());
            all.any(|object| matches!(&object.kept, Kept::Workload(workload) if workload.selects(pod)))
        };
        let at = alive.min(owned.at);
        let mut groups: Vec<_> = owned.pods.iter().filter(|((kind, _), _)| loose::is_loose(kind)).collect();
        groups.sort_by_key(|(whose, _)| **whose);
        for ((kind, name), pods) in groups {
            let pods: Vec<&Pod> = pods.iter().copied().filter(|pod| !adopts(pod)).collect();
            let Some(mut seen) = loose::seen(kind, &pods, nodes.as_ref(), at) else { continue };
            seen.facts.insert("namespace", Fact::Text(namespace.to_owned()));
            seen.facts.insert("name", Fact::Text((*name).to_owned()));
            let seen = lost.map_or(Ok(seen), |why| Err(why.into()));
            all.push(Finding::of(format!("{kind} {namespace}/{name}"), seen));
        }
    }
}

impl<'a> Owned<'a> {
    /// The pods of a workload: those that name it, and those of a replica set by hand that it has adopted.
    fn of_workload(&self, kind: &str, name: &str, workload: &Workload) -> Vec<&'a Pod> {
        let own = self.pods.get(&(kind, name)).into_iter().flatten().copied();
        let adopted = self.pods.iter().filter(|((kind, _), _)| *kind == "replicaset").flat_map(|(_, pods)| pods);
        own.chain(adopted.copied().filter(|pod| workload.selects(pod))).collect()
    }
}

/// The pods of a namespace by whose they are; `None` where none were ever known.
fn owned(pods: &Known, nodes_at: Option<Wall>) -> Option<Owned<'_>> {
    let (objects, at) = pods.objects.as_ref().zip(pods.alive)?;
    let mut all: HashMap<(&str, &str), Vec<&Pod>> = HashMap::new();
    for (name, object) in objects {
        if let Kept::Pod(pod) = &object.kept {
            let (kind, owner) = pod.owner.as_ref().map_or(("pod", name.as_str()), |(kind, name)| (kind, name));
            all.entry((kind, owner)).or_default().push(pod);
        }
    }
    Some(Owned { pods: all, at: nodes_at.map_or(at, |nodes| at.min(nodes)) })
}

/// The nodes by name, and up to when they are known; `None` where they are not.
fn nodes_of(nodes: &Known) -> Option<(Nodes, Wall)> {
    let (Some(objects), Some(at), None, true) = (&nodes.objects, nodes.alive, &nodes.lost, nodes.tried) else {
        return None;
    };
    let node = |(name, object): (&String, &Object)| match &object.kept {
        Kept::Node(node) => Some((name.clone(), Node::is_ready(node))),
        _ => None,
    };
    Some((objects.iter().filter_map(node).collect(), at))
}
