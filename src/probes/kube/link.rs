//! What is known of one cluster, and the tasks that keep it so; dropping it ends them.

use crate::domain::{Fact, Finding, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::kube::objects::Plural;
use crate::probes::kube::pace::Pace;
use crate::probes::kube::pulse::{Pulse, pulse};
use crate::probes::kube::settings::{Expected, Settings};
use crate::probes::kube::watch::{Known, keep};
use crate::probes::kube::wire::{Presence, Wire};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

mod absent;
mod rows;

/// One cluster, watched.
pub(crate) struct Link {
    settings: Settings,
    wire: Arc<Wire>,
    pace: Pace,
    pulse: watch::Receiver<Pulse>,
    parts: Vec<Part>,
    tasks: Vec<AbortHandle>,
    disputes: Disputes,
}

/// The rows of workloads whose status says more ready pods than are listed, and since when.
type Disputes = BTreeMap<String, Wall>;

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
        let disputes = before.map(|link| link.disputes.clone()).unwrap_or_default();
        Self { settings, wire, pace, pulse: received, parts, tasks, disputes }
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
    pub(crate) fn findings(&mut self) -> Vec<Finding> {
        let mut disputes = Disputes::new();
        let found = self.found(&mut disputes);
        self.disputes = disputes;
        found
    }

    fn found(&self, disputes: &mut Disputes) -> Vec<Finding> {
        let reached = self.pulse.borrow().lost.is_none();
        let mut all = vec![self.target()];
        for part in &self.parts {
            part.findings(self, reached, &mut all, disputes);
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

    fn silent(&self) -> String {
        format!("no answer within {}", quantity::span(self.pace.first))
    }

    /// Up to when what is known of a part is sure: the server may go on from memory when its store is gone.
    fn sure_of(&self, known: &Known) -> Option<Wall> {
        Some(known.alive?.min(self.pulse.borrow().sure.max(known.listed)?))
    }

    /// Whether the estate names a workload.
    fn is_expected(&self, part: &Part, name: &str) -> bool {
        self.settings.expected.iter().any(|wanted| part.is_of(wanted) && wanted.name == name)
    }

    fn workloads<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Part> {
        let here = move |part: &&Part| {
            part.namespace.as_deref() == Some(namespace) && Plural::WORKLOADS.contains(&part.plural)
        };
        self.parts.iter().filter(here)
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

    fn object(&self, name: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.plural.one()),
            None => format!("{} {name}", self.plural.one()),
        }
    }
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

    /// Lets the pods count alone after another time.
    pub(crate) fn settle_within(&mut self, time: std::time::Duration) {
        self.pace.settle = time;
    }

    /// Its tasks.
    pub(crate) fn tasks(&self) -> Vec<AbortHandle> {
        self.tasks.clone()
    }
}
