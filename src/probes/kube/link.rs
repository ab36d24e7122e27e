//! What is known of one cluster, and the tasks that keep it so; dropping it ends them.

use crate::domain::{Fact, Finding, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::kube::objects::{Kept, Plural};
use crate::probes::kube::pace::Pace;
use crate::probes::kube::pods::Pods;
use crate::probes::kube::pulse::{Pulse, pulse};
use crate::probes::kube::settings::{Expected, Settings};
use crate::probes::kube::watch::{Known, keep};
use crate::probes::kube::wire::{Presence, Wire};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// One cluster, watched.
pub(crate) struct Link {
    settings: Settings,
    wire: Arc<Wire>,
    pace: Pace,
    pulse: watch::Receiver<Pulse>,
    parts: Vec<Part>,
    tasks: Vec<AbortHandle>,
}

/// The objects of one kind and namespace.
struct Part {
    plural: Plural,
    namespace: Option<String>,
    known: watch::Receiver<Known>,
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The restarts of the workloads of a namespace by kind and name, and when they were seen.
type Restarts<'a> = (HashMap<(&'static str, &'a str), Pods>, Wall);

impl Link {
    /// Starts to watch a cluster on the current runtime, with what the link before it has known.
    pub(crate) fn new(settings: Settings, wire: Wire, pace: Pace, before: Option<&Self>) -> Self {
        let wire = Arc::new(wire);
        let (send, received) = watch::channel(Pulse::default());
        let mut tasks =
            vec![tokio::spawn(pulse(Arc::clone(&wire), settings.namespaces.clone(), pace, send)).abort_handle()];
        let of_namespace = |name: &String| Plural::NAMESPACED.map(|plural| (plural, Some(name.clone())));
        let wanted = settings.namespaces.iter().flat_map(of_namespace);
        let mut parts = Vec::new();
        for (plural, namespace) in [(Plural::Nodes, None)].into_iter().chain(wanted) {
            let passed_on = before.and_then(|link| link.part(plural, namespace.as_deref()));
            let passed_on = passed_on.map(|part| part.known.borrow().passed_on()).unwrap_or_default();
            let (send, known) = watch::channel(passed_on);
            let task = keep(Arc::clone(&wire), plural, namespace.clone(), pace, send);
            tasks.push(tokio::spawn(task).abort_handle());
            parts.push(Part { plural, namespace, known });
        }
        Self { settings, wire, pace, pulse: received, parts, tasks }
    }

    /// The digest of the settings it was started with.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.settings.digest
    }

    /// Whether it has ended in a panic; its tasks go on for as long as it lives otherwise.
    pub(crate) fn is_broken(&self) -> bool {
        self.wire.is_broken() || self.tasks.iter().any(AbortHandle::is_finished)
    }

    /// The context that it is about.
    pub(crate) fn context(&self) -> &str {
        &self.settings.context
    }

    /// Waits until everything was tried once, or [`Pace::first`] is over.
    pub(crate) async fn tried(&mut self) {
        let all = async {
            let _ = self.pulse.wait_for(|known| known.tried).await;
            for part in &mut self.parts {
                let _ = part.known.wait_for(|known| known.tried).await;
            }
        };
        let _ = timeout(self.pace.first, all).await;
    }

    /// Everything that is known, as it stands.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let reached = self.pulse.borrow().lost.is_none();
        let mut all = vec![self.target()];
        for part in &self.parts {
            part.findings(self, reached, &mut all);
        }
        all.extend(self.settings.expected.iter().filter_map(|wanted| self.missing(wanted)));
        if reached {
            all.extend(self.settings.namespaces.iter().filter_map(|name| self.namespace(name)));
        }
        let source = format!("{} context {}", self.settings.server, self.settings.context);
        for finding in &mut all {
            finding.source = Some(source.clone());
            if let Ok(seen) = &mut finding.seen {
                seen.facts.insert("context", Fact::Text(self.settings.context.clone()));
            }
        }
        all
    }

    /// The row of the cluster itself.
    fn target(&self) -> Finding {
        let pulse = self.pulse.borrow();
        let seen = match (&pulse.lost, &pulse.hello) {
            (Some(why), _) => Err(why.clone()),
            (None, None) => Err(self.silent().into()),
            (None, Some((hello, at))) => {
                let version = hello.version.clone();
                let mut lines = vec![version.clone().unwrap_or_else(|| "version not shown to us".to_owned())];
                lines.push(format!("context {}", self.settings.context));
                lines.push(quantity::latency(hello.latency));
                lines.extend(self.settings.weak.map(str::to_owned));
                if !self.settings.named {
                    let is_missing = |name: &str| pulse.namespaces.get(name) == Some(&Presence::Missing);
                    let bare =
                        self.settings.namespaces.iter().filter(|name| self.is_bare(name) && !is_missing(name.as_str()));
                    lines.extend(bare.map(|name| format!("nothing in namespace {name}")));
                }
                let latency_ms = u32::try_from(hello.latency.as_millis()).unwrap_or(u32::MAX);
                let mut facts = BTreeMap::from([
                    ("server", Fact::Text(self.settings.server.clone())),
                    ("namespaces", Fact::Text(self.settings.namespaces.join(", "))),
                    ("latency_ms", Fact::Int(latency_ms.into())),
                    ("verified", Fact::Bool(self.settings.weak.is_none())),
                ]);
                facts.extend(version.map(|version| ("version", Fact::Text(version))));
                facts.extend(self.counts());
                let verdict = if self.settings.weak.is_some() { Verdict::Warn } else { Verdict::Ok };
                let (observed_at, trend) = (*at, Some(Trend::of("latency_ms")));
                Ok(Observation { verdict, detail: lines.join(" · "), facts, observed_at, trend })
            }
        };
        Finding { object: None, source: None, seen }
    }

    /// How many objects there are of each kind of which all are known.
    fn counts(&self) -> impl Iterator<Item = (&'static str, Fact)> {
        let kinds = [Plural::Nodes, Plural::Deployments, Plural::StatefulSets, Plural::DaemonSets, Plural::Pods];
        kinds.into_iter().filter_map(|plural| {
            let mut sum = 0_usize;
            for part in self.parts.iter().filter(|part| part.plural == plural) {
                let known = part.known.borrow();
                sum += known.objects.as_ref().filter(|_| known.lost.is_none() && known.tried)?.len();
            }
            Some((plural.word(), Fact::Int(i64::try_from(sum).unwrap_or(i64::MAX))))
        })
    }

    fn part(&self, plural: Plural, namespace: Option<&str>) -> Option<&Part> {
        self.parts.iter().find(|part| part.plural == plural && part.namespace.as_deref() == namespace)
    }

    fn presence(&self, namespace: &str) -> Option<Presence> {
        self.pulse.borrow().namespaces.get(namespace).copied()
    }

    /// The row of a namespace; `None` where nothing is to be said of it.
    fn namespace(&self, name: &str) -> Option<Finding> {
        let gone = self.gone(name);
        let (verdict, detail) = match self.presence(name) {
            Some(Presence::Missing) => (Verdict::Unknown, format!("namespace {name} does not exist")),
            presence if self.settings.named && self.is_bare(name) => {
                let may_be = if presence == Some(Presence::There) { "" } else { ", if it exists" };
                (Verdict::Unknown, format!("no deployment, stateful set or daemon set in it{may_be}"))
            }
            _ if gone.is_empty() => return None,
            _ => (Verdict::Warn, "deleted while it was watched".to_owned()),
        };
        let mut facts = BTreeMap::from([("namespace", Fact::Text(name.to_owned()))]);
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
    fn missing(&self, wanted: &Expected) -> Option<Finding> {
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
                let facts = [("namespace", wanted.namespace.clone()), ("name", name)];
                let facts = facts.into_iter().map(|(key, text)| (key, Fact::Text(text))).collect();
                Ok(Observation { verdict: Verdict::Critical, detail, facts, observed_at, trend: None })
            }
            _ => Err(self.silent()),
        };
        Some(Finding::of(object, seen))
    }

    fn silent(&self) -> String {
        format!("no answer within {}", quantity::span(self.pace.first))
    }

    /// Up to when what is known of a part is sure: the server may go on from memory when its store is gone.
    fn sure_of(&self, known: &Known) -> Option<Wall> {
        Some(known.alive?.min(self.pulse.borrow().sure.max(known.listed)?))
    }

    fn workloads<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Part> {
        let here = move |part: &&Part| {
            part.namespace.as_deref() == Some(namespace) && Plural::WORKLOADS.contains(&part.plural)
        };
        self.parts.iter().filter(here)
    }

    /// Whether it is known that nothing runs in a namespace.
    fn is_bare(&self, namespace: &str) -> bool {
        let bare = |known: &Known| {
            known.lost.is_none() && known.tried && known.objects.as_ref().is_some_and(BTreeMap::is_empty)
        };
        self.workloads(namespace).all(|part| bare(&part.known.borrow()))
    }

    /// Up to when everything in a namespace is known.
    fn alive(&self, namespace: &str) -> Wall {
        let times = self.workloads(namespace).filter_map(|part| self.sure_of(&part.known.borrow()));
        times.min().unwrap_or(Wall::from_unix(0, 0))
    }
}

impl Part {
    /// Whether a workload would be among its objects.
    fn is_of(&self, wanted: &Expected) -> bool {
        self.plural == wanted.plural && self.namespace.as_deref() == Some(wanted.namespace.as_str())
    }

    /// What it is called: `nodes`, `deployments shop`.
    fn name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}", self.plural.word()),
            None => self.plural.word().to_owned(),
        }
    }

    /// Adds its rows. One row stands for all where there are none to say why it cannot be read; and none where the
    /// server itself is not reached, which the row of the cluster says.
    fn findings(&self, link: &Link, reached: bool, all: &mut Vec<Finding>) {
        let known = self.known.borrow();
        let why = match (&known.lost, known.tried) {
            (Some(why), _) => Some(why.clone()),
            (None, false) => Some(link.silent()),
            (None, true) => None,
        };
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
            (None, Some(_)) => self.seen(&known, link, all),
        }
    }

    fn object(&self, name: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.plural.one()),
            None => format!("{} {name}", self.plural.one()),
        }
    }

    /// Adds a row for each object.
    fn seen(&self, known: &Known, link: &Link, all: &mut Vec<Finding>) {
        let (Some(objects), Some(alive)) = (&known.objects, link.sure_of(known)) else { return };
        let pods = link.part(Plural::Pods, self.namespace.as_deref()).map(|pods| pods.known.borrow());
        let restarts = pods.as_deref().and_then(restarts);
        for (name, object) in objects {
            let mut seen = match &object.kept {
                Kept::Node(node) => node.seen(alive),
                Kept::Pod(_) => continue,
                Kept::Workload(workload) => match &restarts {
                    Some((of, at)) => {
                        let none = Pods::default();
                        let own = of.get(&(self.plural.one(), name.as_str())).unwrap_or(&none);
                        workload.seen(Some(own), alive.min(*at))
                    }
                    None => workload.seen(None, alive),
                },
            };
            let namespace = self.namespace.clone();
            seen.facts.extend(namespace.map(|namespace| ("namespace", Fact::Text(namespace))));
            seen.facts.insert("name", Fact::Text(name.clone()));
            seen.facts.insert("uid", Fact::Text(object.uid.clone()));
            all.push(Finding::of(self.object(name), Ok(seen)));
        }
    }
}

/// The restarts of each workload of a namespace; `None` where its pods are not known.
fn restarts(pods: &Known) -> Option<Restarts<'_>> {
    let (Some(objects), Some(at), None, true) = (&pods.objects, pods.alive, &pods.lost, pods.tried) else {
        return None;
    };
    let mut all: HashMap<(&'static str, &str), Pods> = HashMap::new();
    for object in objects.values() {
        if let Kept::Pod(pod) = &object.kept
            && let Some((kind, name)) = &pod.owner
        {
            all.entry((*kind, name.as_str())).or_default().add(pod);
        }
    }
    Some((all, at))
}

#[cfg(test)]
impl Link {
    /// Ends, each of them, when something that is known changes.
    pub(crate) fn changes(&self) -> Vec<futures_util::future::BoxFuture<'static, ()>> {
        let mut all: Vec<futures_util::future::BoxFuture<'static, ()>> = Vec::new();
        let mut pulse = self.pulse.clone();
        pulse.mark_unchanged();
        all.push(Box::pin(async move { drop(pulse.changed().await) }));
        for part in &self.parts {
            let mut known = part.known.clone();
            known.mark_unchanged();
            all.push(Box::pin(async move { drop(known.changed().await) }));
        }
        all
    }

    /// The newest sign of life of any watch.
    pub(crate) fn last_sign(&self) -> Wall {
        self.parts.iter().filter_map(|part| part.known.borrow().alive).max().unwrap()
    }

    /// Its tasks.
    pub(crate) fn tasks(&self) -> Vec<AbortHandle> {
        self.tasks.clone()
    }
}
