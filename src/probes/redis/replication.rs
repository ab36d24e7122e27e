//! The row of the replication: a primary's replicas, or a replica's primary.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::redis::info::{Gaps, Info, joined, known, whole};
use crate::probes::redis::server::{role, role_of, span};

/// How long a primary may be silent: it pings every 10 s (`repl-ping-replica-period`).
const SILENT: u64 = 30;

/// The row of the replication.
pub(super) fn replication(info: &Info, now: Wall) -> Observation {
    match role(info) {
        Some("primary") => primary(info, now),
        Some(role @ ("replica" | "active-replica")) => replica(info, role, now),
        _ => {
            let mut gaps = Gaps::of(info);
            role_of(info, &mut gaps);
            let facts = known([("not_known", gaps.fact())]);
            Observation { verdict: Verdict::Unknown, detail: gaps.words(), facts, observed_at: now, trend: None }
        }
    }
}

/// One replica as its primary sees it.
struct Replica {
    /// `ip:port`.
    place: String,
    /// `online`, or a step of its synchronisation.
    state: String,
    /// How far it has confirmed, in bytes.
    offset: Option<u64>,
}

impl Replica {
    /// Whether it is in step; Dragonfly has a word of its own for that.
    fn is_online(&self) -> bool {
        matches!(self.state.as_str(), "online" | "stable_sync")
    }

    /// Reads `ip=10.0.0.2,port=6379,state=online,offset=14,lag=0`.
    fn of(text: &str) -> Option<Self> {
        let part = |name: &str| {
            let mut pairs = text.split(',').filter_map(|part| part.split_once('='));
            pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
        };
        Some(Self {
            place: format!("{}:{}", part("ip")?, part("port")?),
            state: part("state")?.to_owned(),
            offset: part("offset").and_then(|offset| offset.parse().ok()),
        })
    }
}

/// The replicas of a primary: as many as it counts.
fn replicas(info: &Info, gaps: &mut Gaps) -> (Option<u64>, Vec<Replica>) {
    let count = gaps.number("connected_slaves");
    let mut found = Vec::new();
    for (key, line) in info.numbered("slave") {
        match line.and_then(Replica::of) {
            Some(replica) => found.push(replica),
            None => gaps.add(info.lack(key).to_string()),
        }
    }
    let lines = info.numbered("slave").len();
    if let Some(count) = count.filter(|count| usize::try_from(*count) != Ok(lines)) {
        gaps.add(format!("INFO counts {} and has lines of {lines}", quantity::counted(count, "replica", "replicas")));
    }
    (count, found)
}

fn primary(info: &Info, now: Wall) -> Observation {
    let mut gaps = Gaps::of(info);
    let (count, replicas) = replicas(info, &mut gaps);
    let own = info.number("master_repl_offset");
    let gap = |replica: &Replica| own?.checked_sub(replica.offset?);
    let widest = replicas.iter().filter(|replica| replica.is_online()).filter_map(gap).max();
    let behind: Vec<&Replica> = replicas.iter().filter(|replica| !replica.is_online()).collect();
    // Given only where `min-replicas-to-write` is set, and then one is needed at least.
    let good = gaps.number_if_there("min_slaves_good_slaves");
    let too_few = good == Some(0);
    let failing_over = info.text("master_failover_state").is_some_and(|state| state != "no-failover");
    let (verdict, first) = match behind.first() {
        _ if too_few => (Verdict::Critical, "no good replica, writes are refused (NOREPLICAS)".to_owned()),
        Some(replica) => (Verdict::Warn, format!("{} is not online: {}", replica.place, replica.state)),
        None if failing_over => (Verdict::Warn, "failing over".to_owned()),
        None => (Verdict::Ok, String::new()),
    };
    let followed = match count {
        Some(0) => "no replicas".to_owned(),
        Some(count) => quantity::counted(count, "replica", "replicas"),
        None => String::new(),
    };
    let far = widest.map(|gap| format!("{} behind", quantity::bytes(gap))).unwrap_or_default();
    let detail = joined(&[first, gaps.words(), followed, far]);
    let places = replicas.iter().map(|replica| replica.place.as_str()).collect::<Vec<_>>().join(", ");
    let online = u64::try_from(replicas.iter().filter(|replica| replica.is_online()).count());
    let facts = known([
        ("role", Some(Fact::Text("primary".to_owned()))),
        ("replicas", count.map(whole)),
        ("replicas_online", online.ok().filter(|_| count.is_some()).map(whole)),
        ("replica_places", (!places.is_empty()).then_some(Fact::Text(places))),
        ("gap_bytes", widest.map(whole)),
        ("good_replicas", good.map(whole)),
        ("writes_refused", (good.is_some() || !info.has("min_slaves_good_slaves")).then_some(Fact::Bool(too_few))),
        ("not_known", gaps.fact()),
    ]);
    let trend = widest.map(|_| Trend::of("gap_bytes"));
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend }
}

fn replica(info: &Info, role: &str, now: Wall) -> Observation {
    let mut gaps = Gaps::of(info);
    // Of several primaries, KeyDB says in one word whether all of them are there.
    let of_all = "master_global_link_status";
    let field = if info.has(of_all) { of_all } else { "master_link_status" };
    let link = gaps.keep(info.need_word(field, &["up", "down"]));
    let (host, port) = (gaps.text("master_host"), gaps.number("master_port"));
    let place = format!("of {}:{}", host.unwrap_or("?"), port.map_or_else(|| "?".to_owned(), |port| port.to_string()));
    let syncing = gaps.flag("master_sync_in_progress");
    let received = match link {
        // Without a link there is nothing to hear, and it says -1.
        Some("up") if syncing != Some(true) => gaps.number("master_last_io_seconds_ago"),
        _ => info.number("master_last_io_seconds_ago"),
    };
    let read = info.number("slave_read_repl_offset");
    let applied = info.number("slave_repl_offset");
    let gap = read.and_then(|read| read.checked_sub(applied?));
    let silent = received.filter(|received| *received > SILENT);
    let (verdict, first) = match link {
        _ if syncing == Some(true) => (Verdict::Warn, synchronising(info)),
        Some("up") => match silent {
            Some(received) => (Verdict::Warn, format!("its primary is silent for {}", span(received))),
            None => (Verdict::Ok, "link up".to_owned()),
        },
        Some("down") => {
            let since = info.number("master_link_down_since_seconds").map(span);
            (Verdict::Critical, joined(&["link down".to_owned(), since.unwrap_or_default()]))
        }
        _ => (Verdict::Unknown, String::new()),
    };
    let behind = gap.filter(|gap| *gap > 0 && link == Some("up"));
    let behind = behind.map(|gap| format!("{} behind", quantity::bytes(gap))).unwrap_or_default();
    let detail = joined(&[first, gaps.words(), place, behind]);
    let facts = known([
        ("role", Some(Fact::Text(role.to_owned()))),
        ("primary", host.map(|host| Fact::Text(host.to_owned()))),
        ("primary_port", port.map(whole)),
        ("link", link.map(|link| Fact::Text(link.to_owned()))),
        ("link_down_s", info.number("master_link_down_since_seconds").map(whole)),
        ("last_io_s", received.map(whole)),
        ("syncing", syncing.map(Fact::Bool)),
        ("gap_bytes", gap.map(whole)),
        ("replicas", info.number("connected_slaves").map(whole)),
        ("not_known", gaps.fact()),
    ]);
    let trend = gap.map(|_| Trend::of("gap_bytes"));
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend }
}

fn synchronising(info: &Info) -> String {
    let done = info.real("master_sync_perc").filter(|percent| *percent >= 0.0);
    joined(&["synchronising".to_owned(), done.map(|done| quantity::percent(done / 100.0)).unwrap_or_default()])
}
