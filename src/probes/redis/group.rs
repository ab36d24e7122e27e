//! The rows of what a server is part of: its cluster, or the primaries that a sentinel watches.

use crate::domain::{Fact, Finding, Observation, Verdict, Wall, quantity};
use crate::probes::redis::info::{Info, joined, known, whole};

/// How many slots a cluster has: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>.
const SLOTS: u64 = 16_384;

/// The row of the cluster, as this node sees it in the answer to CLUSTER INFO.
///
/// # Errors
/// What the answer does not tell.
pub(super) fn cluster(info: &Info, now: Wall) -> Result<Observation, String> {
    let state = info.text("cluster_state").ok_or("CLUSTER INFO does not tell its state")?;
    let number = |key: &str| info.number(key);
    let (ok, failing, failed) =
        (number("cluster_slots_ok"), number("cluster_slots_pfail"), number("cluster_slots_fail"));
    let assigned = number("cluster_slots_assigned");
    let some = |count: Option<u64>| count.filter(|count| *count > 0);
    let of_all =
        |count: u64, what: &str| format!("{} of {} slots {what}", quantity::count(count), quantity::count(SLOTS));
    let (verdict, first) = match state {
        "ok" if some(failed).is_some() => (Verdict::Critical, of_all(failed.unwrap_or_default(), "have no node")),
        "ok" if some(failing).is_some() => {
            (Verdict::Warn, of_all(failing.unwrap_or_default(), "have a node that may have failed"))
        }
        "ok" => match assigned.and_then(|assigned| SLOTS.checked_sub(assigned)).filter(|missing| *missing > 0) {
            Some(missing) => (Verdict::Warn, of_all(missing, "are not assigned")),
            None => (Verdict::Ok, "cluster ok".to_owned()),
        },
        "fail" => (Verdict::Critical, "cluster failed, queries are refused (CLUSTERDOWN)".to_owned()),
        other => (Verdict::Unknown, format!("a state that is not known here: {other}")),
    };
    let served = ok.filter(|ok| state == "fail" || *ok < SLOTS).map(|ok| of_all(ok, "served"));
    let nodes = number("cluster_known_nodes").map(|nodes| quantity::counted(nodes, "node", "nodes"));
    let size = number("cluster_size").map(|size| quantity::counted(size, "shard", "shards"));
    let detail = joined(&[first, served.unwrap_or_default(), nodes.unwrap_or_default(), size.unwrap_or_default()]);
    let facts = known([
        ("cluster_state", Some(Fact::Text(state.to_owned()))),
        ("slots_assigned", assigned.map(whole)),
        ("slots_ok", ok.map(whole)),
        ("slots_may_fail", failing.map(whole)),
        ("slots_failed", failed.map(whole)),
        ("nodes", number("cluster_known_nodes").map(whole)),
        ("shards", number("cluster_size").map(whole)),
    ]);
    Ok(Observation { verdict, detail, facts, observed_at: now, trend: None })
}

/// A row for each primary that a sentinel watches.
pub(super) fn watched(info: &Info, now: Wall) -> Vec<Finding> {
    let lines = (0_u32..).map_while(|number| info.text(&format!("master{number}")));
    lines.map(|line| primary(line, now)).collect()
}

/// The row of one primary: `name=mymaster,status=odown,address=10.0.0.1:6379,slaves=1,sentinels=3`.
fn primary(line: &str, now: Wall) -> Finding {
    let part = |name: &str| line.split(',').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name);
    let text = |name: &str| part(name).map(|(_, text)| text).filter(|text| !text.is_empty());
    let number = |name: &str| text(name).and_then(|number| number.parse::<u64>().ok());
    let (replicas, sentinels) = (number("slaves"), number("sentinels"));
    let (verdict, first) = match text("status") {
        Some("ok") => (Verdict::Ok, "primary up".to_owned()),
        Some("sdown") => (Verdict::Warn, "primary does not answer this sentinel (sdown)".to_owned()),
        Some("odown") => (Verdict::Critical, "primary is down, the sentinels agree (odown)".to_owned()),
        Some(other) => (Verdict::Unknown, format!("a status that is not known here: {other}")),
        None => (Verdict::Unknown, "INFO does not tell its status".to_owned()),
    };
    let detail = joined(&[
        first,
        text("address").map(str::to_owned).unwrap_or_default(),
        replicas.map(|count| quantity::counted(count, "replica", "replicas")).unwrap_or_default(),
        sentinels.map(|count| quantity::counted(count, "sentinel", "sentinels")).unwrap_or_default(),
    ]);
    let facts = known([
        ("status", text("status").map(|status| Fact::Text(status.to_owned()))),
        ("address", text("address").map(|address| Fact::Text(address.to_owned()))),
        ("replicas", replicas.map(whole)),
        ("sentinels", sentinels.map(whole)),
    ]);
    let seen = Observation { verdict, detail, facts, observed_at: now, trend: None };
    Finding::of(format!("primary {}", text("name").unwrap_or("?")), Ok(seen))
}
