//! Pods that no deployment, stateful set or daemon set has: bare ones, and those of jobs, of replica sets by hand and of others.
//!
//! Only their pods are known, and not how many there should be. A job is said only while it is in trouble: it ends, and leaves its
//! pods behind.

use crate::domain::{Fact, Observation, Verdict, Wall};
use crate::probes::kube::pods::{Nodes, Pod, Pods, Standing};
use crate::probes::sentence::Sentence;
use std::collections::BTreeMap;

/// Whether pods of this kind of owner have no row otherwise.
pub(crate) fn is_loose(kind: &str) -> bool {
    !matches!(kind, "deployment" | "statefulset" | "daemonset")
}

/// What is seen of the pods of one owner; `None` where nothing is to be said of them.
pub(crate) fn seen(kind: &str, pods: &[&Pod], nodes: Option<&Nodes>, at: Wall) -> Option<Observation> {
    let all = Pods::of(pods.iter().copied(), nodes, at);
    let (verdict, words) = if kind == "job" { job(pods, &all)? } else { others(kind, pods, &all)? };
    let mut sentence = Sentence::of(verdict, words);
    let waiting = all.waiting.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut facts =
        BTreeMap::from([("pods_ready", Fact::Int(all.ready.into())), ("restarts", Fact::Int(all.restarts))]);
    if !waiting.is_empty() {
        facts.insert("waiting", Fact::Text(waiting.clone()));
        sentence.add(Verdict::Warn, waiting);
    }
    for trouble in all.troubles {
        sentence.add(Verdict::Warn, trouble);
    }
    sentence.note_reason(&mut facts);
    let detail = sentence.words.join(" · ");
    Some(Observation { verdict: sentence.verdict, detail, facts, observed_at: at, trend: None })
}

/// How many of them have ended well, have failed, and are being deleted.
fn ended(pods: &[&Pod]) -> [usize; 3] {
    let count = |is: fn(&Standing) -> bool| pods.iter().filter(|pod| is(&pod.standing)).count();
    [
        count(|it| *it == Standing::Done),
        count(|it| matches!(it, Standing::Failed(_))),
        count(|it| matches!(it, Standing::Terminating(_))),
    ]
}

/// A job whose pods do not start, or have failed to the last.
fn job(pods: &[&Pod], all: &Pods) -> Option<(Verdict, String)> {
    let [done, failed, leaving] = ended(pods);
    let is_active = pods.len() > done + failed + leaving;
    if !all.waiting.is_empty() {
        Some((Verdict::Warn, "a pod of it does not start".to_owned()))
    } else if failed > 0 && done == 0 && !is_active {
        Some((Verdict::Warn, all.lacking().unwrap_or_default()))
    } else {
        None
    }
}

fn others(kind: &str, pods: &[&Pod], all: &Pods) -> Option<(Verdict, String)> {
    if pods.is_empty() {
        return None;
    }
    let [done, failed, leaving] = ended(pods);
    // A controller replaces what has failed, and leaves it behind.
    let replaced = if kind == "pod" { 0 } else { failed };
    let wanted = pods.len().saturating_sub(done + leaving + replaced);
    let ready = usize::try_from(all.ready).unwrap_or_default();
    let verdict = match (wanted, ready) {
        (0, _) if done == pods.len() => Verdict::Ok,
        (0, _) if leaving > 0 => Verdict::Warn,
        // It is not started again, so it has ended rather than gone down.
        _ if failed > 0 && pods.iter().all(|pod| pod.once) => Verdict::Warn,
        (_, 0) if all.silent > 0 => Verdict::Unknown,
        (_, 0) => Verdict::Critical,
        (wanted, ready) if ready < wanted => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let words = match (wanted, all.lacking()) {
        (0, Some(why)) => why,
        (_, Some(why)) => format!("{ready} of {wanted} ready · {why}"),
        _ => format!("{ready} of {wanted} ready"),
    };
    Some((verdict, words))
}
