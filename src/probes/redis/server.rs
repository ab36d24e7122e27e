//! The rows of a server itself and of its memory.

use crate::config::estate::{Limits, RedisMode as Mode};
use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::redis::MEMORY;
use crate::probes::redis::info::{Gaps, Info, Lack, joined, known, whole};
use std::collections::BTreeMap;
use std::time::Duration;

/// How the server answered PING.
pub(super) struct Greeting {
    pub(super) latency: Option<Duration>,
    /// The code of the error that it answered instead.
    pub(super) reply: Option<String>,
}

/// What is compared with the reading before, as long as it is of the same run of the server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Before {
    run: String,
    rejected: u64,
    evicted: u64,
    at: Wall,
}

impl Before {
    pub(super) fn of(info: &Info, at: Wall) -> Option<Self> {
        let run = info.text("run_id")?.to_owned();
        Some(Self { run, rejected: info.number("rejected_connections")?, evicted: info.number("evicted_keys")?, at })
    }

    /// This reading's figures, where it is of the same run.
    fn same<'a>(before: Option<&'a Self>, info: &Info) -> Option<&'a Self> {
        before.filter(|before| info.text("run_id") == Some(&before.run))
    }
}

/// `primary`, `replica`, `active-replica` (KeyDB: it follows another server and takes changes) or `sentinel`; none where INFO does
/// not tell.
pub(super) fn role(info: &Info) -> Option<&'static str> {
    if info.mode() == Some("sentinel") {
        return Some("sentinel");
    }
    match info.text("role")? {
        "master" => Some("primary"),
        "slave" | "replica" => Some("replica"),
        "active-replica" => Some("active-replica"),
        _ => None,
    }
}

/// The same; what INFO lacks for it is kept.
pub(super) fn role_of(info: &Info, gaps: &mut Gaps) -> Option<&'static str> {
    let known = role(info);
    if known.is_none() {
        gaps.keep(Err::<(), Lack>(info.lack("role")));
    }
    known
}

/// What the judgement of the server itself needs; what is missing is kept.
fn look_for_gaps(info: &Info, gaps: &mut Gaps) {
    for key in ["connected_clients", "rejected_connections"] {
        gaps.number(key);
    }
    if !info.has("max_clients") {
        gaps.number("maxclients");
    }
    if role_of(info, gaps) == Some("sentinel") {
        gaps.flag("sentinel_tilt");
        let lines = info.numbered("master").len();
        if let Some(count) = gaps.number("sentinel_masters").filter(|count| usize::try_from(*count) != Ok(lines)) {
            gaps.add(format!(
                "INFO counts {} and has lines of {lines}",
                quantity::counted(count, "primary", "primaries")
            ));
        }
        return;
    }
    gaps.flag("loading");
    gaps.flag_if_there("async_loading");
    // One of the two says whether it is a node of a cluster.
    if gaps.flag_if_there("cluster_enabled").is_none() && info.mode().is_none() {
        let valkey = info.has("server_mode") && !info.has("redis_mode");
        gaps.keep(Err::<(), Lack>(info.lack(if valkey { "server_mode" } else { "redis_mode" })));
    }
}

/// The row of the server: whether it serves, and whom; `expected` is its mode by the estate.
pub(super) fn observation(
    info: &Info,
    greeting: &Greeting,
    expected: Option<Mode>,
    before: Option<&Before>,
    now: Wall,
) -> Observation {
    let mut gaps = Gaps::of(info);
    look_for_gaps(info, &mut gaps);
    let rejected = info.number("rejected_connections");
    let turned_away =
        Before::same(before, info).and_then(|before| rejected?.checked_sub(before.rejected)).filter(|count| *count > 0);
    let (verdict, first) = match expected.and_then(|mode| mode_differs(info, mode)) {
        Some(words) => (Verdict::Critical, words),
        None => judge(info, greeting, turned_away),
    };
    let clients = info.number("connected_clients");
    let read_only = role(info) == Some("replica") && info.flag("slave_read_only") == Some(true);
    let detail = joined(&[
        first,
        gaps.words(),
        match role(info) {
            Some(_) if read_only => "read-only replica".to_owned(),
            Some(role) => role.to_owned(),
            None => String::new(),
        },
        greeting.latency.map(quantity::latency).unwrap_or_default(),
        clients.map(|clients| quantity::counted(clients, "client", "clients")).unwrap_or_default(),
        info.number("instantaneous_ops_per_sec").map(|ops| format!("{}/s", quantity::count(ops))).unwrap_or_default(),
    ]);
    let mut facts = facts(info, greeting);
    facts.extend(gaps.fact().map(|reasons| ("not_known", reasons)));
    let trend = Some(Trend::of("ops_per_s"));
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend }
}

/// What is said where the server runs in another mode than the estate says; nothing where INFO does not say which.
fn mode_differs(info: &Info, expected: Mode) -> Option<String> {
    let is = match info.mode() {
        _ if info.is_clustered() => "cluster",
        Some(mode) => mode,
        None if info.flag("cluster_enabled") == Some(false) => "standalone",
        None => return None,
    };
    (is != expected.word()).then(|| format!("mode is {is}, the estate says {}", expected.word()))
}

fn facts(info: &Info, greeting: &Greeting) -> BTreeMap<&'static str, Fact> {
    let text = |text: Option<&str>| text.map(|text| Fact::Text(text.to_owned()));
    let number = |key: &str| info.number(key).map(whole);
    let (product, version) = info.product();
    let latency = greeting.latency.map(|latency| whole(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)));
    let (taken, most) = (places_taken(info), most_clients(info));
    let mut facts = known([
        ("role", role(info).map(|role| Fact::Text(role.to_owned()))),
        ("product", Some(Fact::Text(product.to_owned()))),
        ("version", text(version)),
        ("mode", text(info.mode())),
        ("uptime_s", number("uptime_in_seconds")),
        ("latency_ms", latency),
        ("ops_per_s", number("instantaneous_ops_per_sec")),
        ("clients", number("connected_clients")),
        ("max_clients", most.map(whole)),
        ("clients_ratio", share(taken, most).map(Fact::Real)),
        ("blocked_clients", number("blocked_clients")),
        ("rejected_connections", number("rejected_connections")),
        ("hit_ratio", hits(info).map(Fact::Real)),
        ("loading", info.flag("loading").map(Fact::Bool)),
        ("read_only", info.flag("slave_read_only").filter(|_| role(info) == Some("replica")).map(Fact::Bool)),
        ("ping_error", greeting.reply.clone().map(Fact::Text)),
    ]);
    facts.extend(Limits::CONNECTIONS.facts().filter(|_| share(taken, most).is_some()));
    facts
}

/// How many clients there may be; Dragonfly writes it another way.
fn most_clients(info: &Info) -> Option<u64> {
    info.number("maxclients").or_else(|| info.number("max_clients"))
}

/// How many of the places for clients are taken: replicas and the links of a cluster's nodes take some too, and `connected_clients`
/// counts neither (`acceptCommonHandler` in networking.c, `genRedisInfoString` in server.c).
fn places_taken(info: &Info) -> Option<u64> {
    let more = ["connected_slaves", "cluster_connections"].into_iter().filter_map(|key| info.number(key));
    Some(more.fold(info.number("connected_clients")?, u64::saturating_add))
}

fn judge(info: &Info, greeting: &Greeting, turned_away: Option<u64>) -> (Verdict, String) {
    if info.flag("loading") == Some(true) || greeting.reply.as_deref() == Some("LOADING") {
        return (Verdict::Critical, loading(info));
    }
    if greeting.reply.as_deref() == Some("MASTERDOWN") {
        return (Verdict::Critical, "serves nothing while its primary is down (MASTERDOWN)".to_owned());
    }
    let used = share(places_taken(info), most_clients(info));
    let full = used.map_or(Verdict::Ok, |used| Limits::CONNECTIONS.judge(used));
    let taken = |used: f64| format!("{} of its clients", quantity::percent(used));
    match (used, turned_away) {
        (Some(used), _) if used >= 1.0 => (Verdict::Critical, "no connection left".to_owned()),
        (Some(used), _) if full == Verdict::Critical => (full, taken(used)),
        (_, Some(count)) => {
            (Verdict::Warn, format!("turned {} away", quantity::counted(count, "connection", "connections")))
        }
        (Some(used), _) if full == Verdict::Warn => (full, taken(used)),
        _ if info.flag("async_loading") == Some(true) => (Verdict::Warn, "loading beside its old data".to_owned()),
        _ if info.flag("sentinel_tilt") == Some(true) => {
            (Verdict::Warn, "does not trust its clock and fails nothing over (tilt)".to_owned())
        }
        _ if info.number("sentinel_masters") == Some(0) => (Verdict::Warn, "watches no primary".to_owned()),
        _ => (Verdict::Ok, String::new()),
    }
}

fn loading(info: &Info) -> String {
    let done = info.real("loading_loaded_perc").map(|percent| quantity::percent(percent / 100.0));
    let left = info.number("loading_eta_seconds").map(|left| format!("~{} left", span(left)));
    joined(&["loading".to_owned(), done.unwrap_or_default(), left.unwrap_or_default()])
}

pub(super) fn span(seconds: u64) -> String {
    quantity::span(Duration::from_secs(seconds))
}

#[allow(clippy::cast_precision_loss)] // A share.
fn share(part: Option<u64>, whole: Option<u64>) -> Option<f64> {
    let whole = whole.filter(|whole| *whole > 0)?;
    Some(part? as f64 / whole as f64)
}

fn hits(info: &Info) -> Option<f64> {
    let (hits, misses) = (info.number("keyspace_hits")?, info.number("keyspace_misses")?);
    share(Some(hits), hits.checked_add(misses))
}

/// The row of the memory: what counts against `maxmemory`, and what happens when it is reached.
///
/// A cache that evicts any key (`allkeys-*`) is full as a rule: it warns at most, unless the estate has own limits.
pub(super) fn memory(info: &Info, own: Option<Limits>, before: Option<&Before>, now: Wall) -> Observation {
    let mut gaps = Gaps::of(info);
    let (used, limit) = (gaps.number("used_memory"), gaps.number("maxmemory"));
    let policy = if limit == Some(0) { info.text("maxmemory_policy") } else { gaps.text("maxmemory_policy") };
    let counted = used.and_then(|used| counted(used, &mut gaps));
    let ratio = share(counted, limit);
    // Dragonfly has one policy that evicts, and it takes any key.
    let evicts_any = policy.map(|policy| policy.starts_with("allkeys") || policy == "eviction");
    let full = evicts_any.map(|evicts_any| !evicts_any && ratio.is_some_and(|ratio| ratio > 1.0));
    let lenient = evicts_any != Some(false) && own.is_none();
    let (mut verdict, mut first) = match ratio {
        None => (Verdict::Ok, String::new()),
        Some(ratio) => (own.unwrap_or(MEMORY).judge(ratio), quantity::used(ratio)),
    };
    if full == Some(true) {
        (verdict, first) = (Verdict::Critical, "full, writes are refused (OOM)".to_owned());
    } else if lenient && verdict == Verdict::Critical {
        verdict = Verdict::Warn;
    }
    let evicted = info.number("evicted_keys");
    let rate = evictions(evicted, Before::same(before, info), now);
    let fragmented = info.real("mem_fragmentation_ratio");
    let worth = fragmented.filter(|ratio| used.is_some_and(|used| used >= SMALL) && *ratio >= FRAGMENTED);
    let detail = joined(&[
        first,
        gaps.words(),
        amount(used, counted, limit),
        policy.filter(|_| limit != Some(0)).unwrap_or_default().to_owned(),
        rate.filter(|rate| *rate > 0.0).map(|rate| format!("evicts {rate:.0}/s")).unwrap_or_default(),
        worth.map(|ratio| format!("fragmented {ratio:.1}")).unwrap_or_default(),
    ]);
    let number = |key: &str| info.number(key).map(whole);
    let mut facts = known([
        ("used_memory_bytes", used.map(whole)),
        ("maxmemory_bytes", limit.filter(|limit| *limit > 0).map(whole)),
        ("memory_ratio", ratio.map(Fact::Real)),
        ("maxmemory_policy", policy.map(|policy| Fact::Text(policy.to_owned()))),
        ("rss_bytes", number("used_memory_rss")),
        ("peak_bytes", number("used_memory_peak")),
        ("system_memory_bytes", number("total_system_memory")),
        ("fragmentation_ratio", fragmented.map(Fact::Real)),
        ("evicted_keys", evicted.map(whole)),
        ("evicted_per_s", rate.map(Fact::Real)),
        ("writes_refused", full.filter(|_| ratio.is_some() || limit == Some(0)).map(Fact::Bool)),
        ("not_known", gaps.fact()),
    ]);
    let limits = own.unwrap_or(MEMORY).facts().filter(|(name, _)| !(lenient && *name == "critical_ratio"));
    facts.extend(limits.filter(|_| ratio.is_some()));
    let trend = Some(ratio.map_or(Trend::of("used_memory_bytes"), |_| Trend::of("memory_ratio")));
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend }
}

/// What counts against `maxmemory`: buffers of replicas and of the AOF do not (`freeMemoryGetNotCountedMemory` in evict.c).
fn counted(used: u64, gaps: &mut Gaps) -> Option<u64> {
    let apart = gaps.number_if_there("mem_not_counted_for_evict").unwrap_or(0);
    gaps.keep(used.checked_sub(apart).ok_or("mem_not_counted_for_evict is more than used_memory"))
}

fn amount(used: Option<u64>, counted: Option<u64>, limit: Option<u64>) -> String {
    match (used, counted, limit) {
        (Some(used), _, Some(0)) => format!("{}, no limit", quantity::bytes(used)),
        (_, Some(counted), Some(limit)) => format!("{} of {}", quantity::bytes(counted), quantity::bytes(limit)),
        (Some(used), ..) => quantity::bytes(used),
        (None, ..) => String::new(),
    }
}

/// Below this much memory in use the fragmentation says nothing.
const SMALL: u64 = 100 << 20;
/// From this ratio on it is mentioned.
const FRAGMENTED: f64 = 1.5;

/// Evicted keys in a second since the reading before.
fn evictions(evicted: Option<u64>, before: Option<&Before>, now: Wall) -> Option<f64> {
    let before = before?;
    let passed = now.since(before.at).as_secs_f64();
    let count = u32::try_from(evicted?.checked_sub(before.evicted)?).unwrap_or(u32::MAX);
    (passed > 0.0).then(|| f64::from(count) / passed)
}
