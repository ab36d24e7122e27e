//! The row of a cluster, as one of its nodes sees it.

use crate::domain::{Fact, Observation, Verdict, Wall, quantity};
use crate::probes::redis::info::{Gaps, Info, joined, known, whole};
use crate::probes::redis::nodes::{Health, Node, SLOTS, count, named, unassigned};

/// What a node says of its cluster.
pub(super) struct View {
    /// The answer to CLUSTER INFO.
    pub(super) info: Info,
    /// The answer to CLUSTER NODES, or why there is none.
    pub(super) nodes: Result<Vec<Node>, String>,
    /// In words, on which slots it and other nodes of the estate disagree.
    pub(super) disagreements: Vec<String>,
}

/// The counts of CLUSTER INFO.
struct Slots {
    assigned: Option<u64>,
    ok: Option<u64>,
    may_fail: Option<u64>,
    failed: Option<u64>,
}

impl Slots {
    fn of(gaps: &mut Gaps) -> Self {
        let all = u64::from(SLOTS);
        let mut number = |key: &str| gaps.number(key);
        let slots = Self {
            assigned: number("cluster_slots_assigned"),
            ok: number("cluster_slots_ok"),
            may_fail: number("cluster_slots_pfail"),
            failed: number("cluster_slots_fail"),
        };
        let sum = || slots.ok?.checked_add(slots.may_fail?)?.checked_add(slots.failed?);
        if slots.assigned.is_some_and(|assigned| assigned > all || sum().is_some_and(|sum| sum != assigned)) {
            gaps.add("the slots of CLUSTER INFO do not add up".to_owned());
        }
        slots
    }
}

/// What was found, each with how bad it is.
type Found = Vec<(Verdict, String)>;

/// The row of the cluster.
pub(super) fn cluster(view: &View, now: Wall) -> Observation {
    let info = &view.info;
    let mut gaps = Gaps::of(info);
    let slots = Slots::of(&mut gaps);
    let state = gaps.keep(info.need_word("cluster_state", &["ok", "fail"]));
    let nodes = trusted(view, &slots, &mut gaps);
    let mut found = Found::new();
    if state == Some("fail") {
        found.push((Verdict::Critical, "cluster_state:fail, queries are refused (CLUSTERDOWN)".to_owned()));
    }
    match nodes {
        Some(nodes) => of_nodes(nodes, &mut found),
        None => of_counts(&slots, &mut found),
    }
    found.extend(view.disagreements.iter().map(|words| (Verdict::Warn, words.clone())));
    // The worst first.
    found.sort_by_key(|(verdict, _)| std::cmp::Reverse(verdict.rank()));
    let verdict = found.iter().fold(Verdict::Ok, |worst, (verdict, _)| worst.worse(*verdict));
    let words = found.into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    let words = if words.is_empty() && gaps.words().is_empty() { vec!["cluster ok".to_owned()] } else { words };
    let served = slots.ok.filter(|ok| *ok < u64::from(SLOTS)).map(|ok| of_all(ok, "served"));
    let (known_nodes, shards) = (gaps.number_if_there("cluster_known_nodes"), gaps.number_if_there("cluster_size"));
    let detail = joined(&[
        shortened(&words),
        gaps.words(),
        served.unwrap_or_default(),
        known_nodes.map(|nodes| quantity::counted(nodes, "node", "nodes")).unwrap_or_default(),
        shards.map(|size| quantity::counted(size, "shard", "shards")).unwrap_or_default(),
    ]);
    let mut facts = known([
        ("cluster_state", state.map(|state| Fact::Text(state.to_owned()))),
        ("slots_assigned", slots.assigned.map(whole)),
        ("slots_ok", slots.ok.map(whole)),
        ("slots_may_fail", slots.may_fail.map(whole)),
        ("slots_failed", slots.failed.map(whole)),
        ("nodes", known_nodes.map(whole)),
        ("shards", shards.map(whole)),
        ("not_known", gaps.fact()),
    ]);
    facts.extend(nodes.into_iter().flat_map(facts_of));
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend: None }
}

/// The row of a server that the estate calls a node of a cluster, and that is none.
///
/// # Errors
/// That INFO does not say whether it is one.
pub(super) fn absent(info: &Info, now: Wall) -> Result<Observation, String> {
    if info.mode().is_none() && info.flag("cluster_enabled").is_none() {
        return Err(info.lack("cluster_enabled").to_string());
    }
    let detail = "cluster support is disabled, the estate says cluster".to_owned();
    Ok(Observation { verdict: Verdict::Critical, detail, facts: known([]), observed_at: now, trend: None })
}

/// At most three findings, and how many more.
fn shortened(words: &[String]) -> String {
    match words.split_at_checked(3) {
        Some((shown, more)) if !more.is_empty() => format!("{} · and {} more", joined(shown), more.len()),
        _ => joined(words),
    }
}

fn of_all(count: u64, what: &str) -> String {
    format!("{} of {} slots {what}", quantity::count(count), quantity::count(u64::from(SLOTS)))
}

/// The nodes, where the list is whole: as many as the node knows, with as many slots.
fn trusted<'a>(view: &'a View, slots: &Slots, gaps: &mut Gaps) -> Option<&'a [Node]> {
    let nodes = gaps.keep(view.nodes.as_ref().map_err(Clone::clone))?;
    let (lines, known) = (nodes.len() as u64, gaps.number_if_there("cluster_known_nodes"));
    if let Some(known) = known.filter(|known| *known > lines) {
        gaps.add(format!("CLUSTER NODES has {} of {} nodes", quantity::count(lines), quantity::count(known)));
        return None;
    }
    let listed = nodes.iter().map(|node| count(&node.slots)).sum::<u64>();
    if let Some(assigned) = slots.assigned.filter(|assigned| *assigned != listed) {
        let (listed, assigned) = (quantity::count(listed), quantity::count(assigned));
        gaps.add(format!("CLUSTER NODES has {listed} of {assigned} assigned slots"));
        return None;
    }
    Some(nodes)
}

/// What the counts alone say, without a name.
fn of_counts(slots: &Slots, found: &mut Found) {
    let some = |count: Option<u64>| count.filter(|count| *count > 0);
    if let Some(failed) = some(slots.failed) {
        found.push((Verdict::Critical, of_all(failed, "are of a node that failed (fail)")));
    }
    if let Some(missing) = some(slots.assigned.and_then(|assigned| u64::from(SLOTS).checked_sub(assigned))) {
        found.push((Verdict::Critical, of_all(missing, "are assigned to no node")));
    }
    if let Some(failing) = some(slots.may_fail) {
        found.push((Verdict::Warn, of_all(failing, "are of a node that may have failed (pfail)")));
    }
}

fn of_nodes(nodes: &[Node], found: &mut Found) {
    let free = unassigned(nodes);
    if !free.is_empty() {
        let is = if count(&free) == 1 { "is" } else { "are" };
        found.push((Verdict::Critical, format!("{} {is} assigned to no node", named(&free))));
    }
    for node in nodes {
        let (worst, how) = match node.health {
            Health::Failed => (Verdict::Critical, "failed (fail)"),
            Health::MayHaveFailed => (Verdict::Warn, "may have failed (pfail)"),
            Health::Up if node.is_lost => (Verdict::Warn, "has no address (noaddr)"),
            Health::Up => continue,
        };
        let place = &node.place;
        found.push(match node.slots.is_empty() {
            false => (worst, format!("node {place} with {} {how}", named(&node.slots))),
            // The slots are served without it.
            true if node.is_replica => (Verdict::Warn, format!("replica {place}{} {how}", of_primary(node, nodes))),
            true => (Verdict::Warn, format!("node {place} without slots {how}")),
        });
    }
    let alone = without_replica(nodes);
    if let Some(first) = alone.first() {
        let more = if alone.len() > 1 { format!(" and {} more", alone.len() - 1) } else { String::new() };
        let has = if alone.len() > 1 { "have" } else { "has" };
        found.push((Verdict::Warn, format!("primary {}{more} {has} no replica", first.place)));
    }
}

fn of_primary(node: &Node, nodes: &[Node]) -> String {
    let primary = node.primary.as_ref().and_then(|id| nodes.iter().find(|node| node.id == *id));
    primary.map(|primary| format!(" of {}", primary.place)).unwrap_or_default()
}

/// The primaries with slots that no replica follows which is up. A cluster without any replica is built so.
fn without_replica(nodes: &[Node]) -> Vec<&Node> {
    let replicas: Vec<&Node> = nodes.iter().filter(|node| node.is_replica).collect();
    let follows = |node: &Node| {
        let up = replicas.iter().filter(|replica| replica.health != Health::Failed && !replica.is_lost);
        up.filter(|replica| replica.primary.as_deref() == Some(&node.id)).count() > 0
    };
    let primaries = nodes.iter().filter(|node| !node.is_replica && !node.slots.is_empty());
    if replicas.is_empty() { Vec::new() } else { primaries.filter(|node| !follows(node)).collect() }
}

fn facts_of(nodes: &[Node]) -> [(&'static str, Fact); 3] {
    let with = |health: Health| nodes.iter().filter(|node| node.health == health).count() as u64;
    [
        ("nodes_failed", whole(with(Health::Failed))),
        ("nodes_may_fail", whole(with(Health::MayHaveFailed))),
        ("primaries_without_replica", whole(without_replica(nodes).len() as u64)),
    ]
}
