//! What is not there: namespaces that are missing or empty, and workloads that are gone.

use super::{Link, Part};
use crate::domain::{Fact, Finding, Observation, Verdict, Wall};
use crate::probes::kube::objects::{Kept, Plural};
use crate::probes::kube::settings::Expected;
use crate::probes::kube::watch::Known;
use crate::probes::kube::wire::Presence;
use std::collections::BTreeMap;

impl Link {
    /// The row of a namespace; `None` where nothing is to be said of it.
    ///
    /// What should be in a namespace is known to the estate alone. One in which nothing runs may be right, and may have lost
    /// everything before anyone looked, so it is unknown.
    pub(super) fn namespace(&self, name: &str) -> Option<Finding> {
        let gone = self.gone(name);
        let (verdict, detail) = match self.presence(name) {
            Some(Presence::Missing) => (Verdict::Unknown, format!("namespace {name} does not exist")),
            Some(Presence::Ending) => (Verdict::Warn, format!("namespace {name} is being deleted")),
            presence if self.is_bare(name) => {
                let may_be = if presence == Some(Presence::There) { "" } else { ", if it exists" };
                (Verdict::Unknown, format!("no workloads in namespace {name}{may_be}"))
            }
            _ if gone.is_empty() => return None,
            _ => (Verdict::Warn, "deleted while it was watched".to_owned()),
        };
        let mut facts = BTreeMap::from([("namespace", Fact::Text(name.to_owned()))]);
        facts.insert("reason", Fact::Text(detail.clone()));
        let detail = if gone.is_empty() {
            detail
        } else {
            facts.insert("gone", Fact::Text(gone.join(", ")));
            format!("{detail} · gone: {}", gone.join(", "))
        };
        let observed_at = self.alive(name);
        let seen = Observation { verdict, detail, facts, observed_at, trend: None };
        Some(Finding::of(format!("namespace {name}"), Ok(seen)))
    }

    /// The workloads of a namespace that were there and are deleted, but for those that have a row for it.
    fn gone(&self, namespace: &str) -> Vec<String> {
        let of = |part: &Part| {
            let own = |name: &&String| {
                !self.settings.expected.iter().any(|wanted| part.is_of(wanted) && wanted.name == **name)
            };
            let known = part.known.borrow();
            let gone = known.gone.iter().filter(|(name, _)| own(name));
            gone.map(|(name, since)| format!("{} {name} since {} UTC", part.plural.one(), since.minute()))
                .collect::<Vec<_>>()
        };
        self.workloads(namespace).flat_map(of).collect()
    }

    /// The row of a workload that must be there and is not.
    pub(super) fn missing(&self, wanted: &Expected) -> Option<Finding> {
        let part = self.parts.iter().find(|part| part.is_of(wanted))?;
        let known = part.known.borrow();
        let objects = known.objects.as_ref().filter(|_| known.tried);
        if objects.is_some_and(|objects| objects.contains_key(&wanted.name)) {
            return None;
        }
        let (object, name) = (part.object(&wanted.name), wanted.name.clone());
        let seen = match (&known.lost, objects, self.sure_of(&known)) {
            (Some(why), ..) => Err(why.clone()),
            (None, Some(_), Some(observed_at)) => {
                let gone = known.gone.get(&wanted.name);
                let detail = gone.map_or("does not exist".to_owned(), |at| format!("gone since {} UTC", at.minute()));
                let facts = [("namespace", wanted.namespace.clone()), ("name", name), ("reason", detail.clone())];
                let facts = facts.into_iter().map(|(key, text)| (key, Fact::Text(text))).collect();
                Ok(Observation { verdict: Verdict::Critical, detail, facts, observed_at, trend: None })
            }
            _ => Err(self.silent()),
        };
        Some(Finding::of(object, seen))
    }

    /// Whether it is known that nothing runs in a namespace: no workload, and no pod but those of jobs.
    fn is_bare(&self, namespace: &str) -> bool {
        let bare = |known: &Known| {
            known.lost.is_none() && known.tried && known.objects.as_ref().is_some_and(BTreeMap::is_empty)
        };
        let pods = self.part(Plural::Pods, Some(namespace)).map(|part| part.known.borrow());
        let pods = pods.as_ref().and_then(|known| known.objects.as_ref()).into_iter().flat_map(BTreeMap::values);
        let no_pod = |kept: &Kept| !matches!(kept, Kept::Pod(pod) if !pod.is_of_a_job());
        let mut pods = pods.map(|object| &object.kept);
        self.workloads(namespace).all(|part| bare(&part.known.borrow())) && pods.all(no_pod)
    }

    /// Up to when everything in a namespace is known.
    fn alive(&self, namespace: &str) -> Wall {
        let times = self.workloads(namespace).filter_map(|part| self.sure_of(&part.known.borrow()));
        times.min().unwrap_or(Wall::from_unix(0, 0))
    }
}
