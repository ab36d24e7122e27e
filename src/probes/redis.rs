//! Redis and Valkey servers: whether one answers, its memory, its persistence, its replication.
//!
//! ```text
//!  PING (latency, -LOADING, -MASTERDOWN) ─┐
//!  INFO ──────────────────────────────────┼─> server · memory · persistence · replication · cluster, or
//!  CONFIG GET, where it is allowed ───────┤   server · each primary that a sentinel watches
//!  CLUSTER INFO, CLUSTER NODES ───────────┤   of a node of a cluster
//!  SENTINEL MASTERS, SENTINEL CKQUORUM ───┘   of a sentinel
//! ```
//! An answer to PING is not health: everything is judged by INFO. Where INFO is denied, nothing is known and the reason is shown. Where
//! INFO lacks a field that a judgement needs, or has it with a value that cannot be, the row is unknown and names the field, unless the
//! product is known to have none (`products`).
//!
//! | row | facts |
//! |---|---|
//! | itself | `role` (`primary`, `replica`, `active-replica`, `sentinel`), `product`, `version`, `mode`, `uptime_s`, `latency_ms`, `ops_per_s`, `clients`, `max_clients`, `clients_ratio`, `blocked_clients`, `rejected_connections`, `hit_ratio`, `loading`, `read_only`, `ping_error`, `can_act` |
//! | `memory` | `used_memory_bytes`, `maxmemory_bytes`, `memory_ratio`, `maxmemory_policy`, `rss_bytes`, `peak_bytes`, `system_memory_bytes`, `fragmentation_ratio`, `evicted_keys`, `evicted_per_s`, `writes_refused` |
//! | `persistence` | `rdb_last_status`, `saved_since_start`, `rdb_last_save_at`, `rdb_last_save_age_s`, `rdb_in_progress`, `changes_since_save`, `save_schedule`, `aof_enabled`, `aof_last_write_status`, `aof_last_rewrite_status`, `aof_rewrite_in_progress`, `aof_size_bytes`, `writes_refused` |
//! | `replication` | of a primary `role`, `replicas`, `replicas_online`, `replica_places`, `gap_bytes`, `good_replicas`, `writes_refused`; of a replica `role`, `primary`, `primary_port`, `link`, `link_down_s`, `last_io_s`, `syncing`, `gap_bytes`, `replicas` |
//! | `cluster` | `cluster_state`, `slots_assigned`, `slots_ok`, `slots_may_fail`, `slots_failed`, `nodes`, `shards`, `nodes_failed`, `nodes_may_fail`, `primaries_without_replica` |
//! | `primary NAME` of a sentinel | `status`, `address`, `replicas`, `sentinels`, `flags`, `role_reported`, `quorum`, `quorum_reached` |
//! | each | `not_known` |
//!
//! A fact that the server does not tell is missing: `maxmemory_bytes` and `memory_ratio` without a limit, `save_schedule` without
//! the right to CONFIG, `writes_refused` of the persistence where a save failed and its settings cannot be seen.

mod begin;
mod cluster;
#[cfg(test)]
mod corpus;
mod group;
mod identity;
mod info;
mod link;
mod nodes;
mod persistence;
mod products;
mod replication;
mod saved;
mod sentinel;
mod server;
pub mod session;
mod tls;
mod views;
mod words;

pub use identity::identity;

use crate::config::estate::{Limits, RedisMode};
use crate::domain::{Fact, Finding, Loss, Verdict, Wall};
use crate::probes::clock;
use crate::probes::redis::cluster::View;
use crate::probes::redis::link::{Address, Link, Trouble};
use crate::probes::redis::persistence::Settings;
use crate::probes::redis::sentinel::Watch;
use crate::probes::redis::server::{Before, Greeting};
use crate::probes::renewal::{NO_NEW, Renewal};
use crate::probes::target::RedisServer;
use std::collections::BTreeSet;
use std::time::Instant;

pub use info::Info;
pub use saved::Saved;

/// The parts of a reading that have a row of their own.
const OF_MEMORY: &str = "memory";
const PERSISTENCE: &str = "persistence";
const REPLICATION: &str = "replication";
const CLUSTER: &str = "cluster";

/// What a reading tells of beside the server itself.
pub const PARTS: [&str; 4] = [OF_MEMORY, PERSISTENCE, REPLICATION, CLUSTER];

/// The share of `maxmemory` at which to warn and to be critical, where the estate has no own.
const MEMORY: Limits = Limits { warn: 0.8, critical: 0.9 };

/// The errors to PING behind which INFO may answer: the data is being loaded, the primary is away, writes are refused after a
/// failed save, the right to PING is missing, or the command is.
const OTHER_THAN_PONG: [&str; 5] = ["LOADING", "MASTERDOWN", "MISCONF", "NOPERM", "ERR"];

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &RedisServer) -> String {
    Address::of(&target.entry.url).map_or_else(|_| "redis".to_owned(), |address| address.shown())
}

/// Reads one server again and again over one connection.
pub struct RedisReader {
    target: RedisServer,
    link: Option<Link>,
    renewal: Renewal,
    before: Option<Before>,
    /// The primaries of a sentinel, by the reading before.
    primaries: BTreeSet<String>,
}

impl RedisReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: RedisServer) -> Self {
        Self::renewing(target, Renewal::default())
    }

    /// The same with a pace of its own for new connections.
    #[must_use]
    pub fn renewing(target: RedisServer, renewal: Renewal) -> Self {
        Self { target, link: None, renewal, before: None, primaries: BTreeSet::new() }
    }

    /// Reads once: the row of the server itself, then `memory`, `persistence` and `replication`.
    ///
    /// # Errors
    /// Why nothing was learnt: no connection, no right, no answer within a second, or one that is not Redis's.
    pub async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        if let Some(mut link) = self.link.take() {
            let lost = if self.renewal.is_due() { self.renew(&mut link).await } else { None };
            match self.read_over(&mut link).await {
                // Over the connection that it has it may say why: there is no place for another client.
                Ok(findings) if lost.is_some() && !is_critical(&findings) => {
                    self.link = Some(link);
                    return Err(lost.unwrap_or_else(|| NO_NEW.into()));
                }
                Ok(findings) => {
                    self.link = Some(link);
                    return Ok(findings);
                }
                // A connection that was kept may have ended with a server that is back by now.
                Err(Trouble::Gone(_)) => {}
                Err(trouble) => return Err(self.why(&trouble)),
            }
        }
        let mut link = Link::open(&self.target).await?;
        self.renewal.made();
        match self.read_over(&mut link).await {
            Ok(findings) => {
                self.link = Some(link);
                Ok(findings)
            }
            Err(trouble) => Err(self.why(&trouble)),
        }
    }

    /// Takes a new connection in the place of one that is kept; says why there is none.
    async fn renew(&mut self, link: &mut Link) -> Option<Loss> {
        match Link::open(&self.target).await {
            Ok(new) => {
                self.renewal.made();
                link.become_new(new);
                None
            }
            Err(why) => Some(why.of(NO_NEW)),
        }
    }

    async fn read_over(&mut self, link: &mut Link) -> Result<Vec<Finding>, Trouble> {
        let began = Instant::now();
        let greeting = match link.ask(&["PING"]).await {
            Ok(_) => Greeting { latency: Some(began.elapsed()), reply: None },
            // INFO tells more of these, and may be had all the same.
            Err(Trouble::ErrorReply { code, .. }) if OTHER_THAN_PONG.contains(&code.as_str()) => {
                Greeting { latency: None, reply: Some(code) }
            }
            Err(trouble) => return Err(trouble),
        };
        let info = Info::of(&link.ask(&["INFO"]).await?);
        let schedule = link.config("save").await?;
        let strict = link.config("stop-writes-on-bgsave-error").await?.map(|value| value == "yes");
        let user = self.user();
        let (name, user) = (&self.target.entry.name, user.as_deref());
        let cluster = if info.is_clustered() { Some(group::cluster(link, name, user).await?) } else { None };
        let is_sentinel = info.mode() == Some("sentinel");
        let watch = if is_sentinel { Some(group::watch(link, &info, name, user).await?) } else { None };
        let replies = Replies { info, greeting, cluster, watch, schedule, strict };
        let now = clock::now().wall;
        let findings = replies.judge(&self.target, self.before.as_ref(), &self.primaries, now);
        self.before = Before::of(&replies.info, now);
        // A line without a name gives its row that of its key.
        let named = findings.iter().filter_map(sentinel::name_of).filter(|name| !replies.info.has(name));
        self.primaries = named.map(str::to_owned).collect();
        Ok(findings)
    }

    fn user(&self) -> Option<String> {
        Address::of(&self.target.entry.url).ok().and_then(|address| address.user)
    }

    fn why(&self, trouble: &Trouble) -> Loss {
        words::loss(trouble, self.user().as_deref())
    }
}

/// Whether the server itself is critical.
fn is_critical(findings: &[Finding]) -> bool {
    let of_itself = findings.iter().filter(|finding| finding.object.is_none());
    of_itself.filter_map(|finding| finding.seen.as_ref().ok()).any(|seen| seen.verdict == Verdict::Critical)
}

/// What a server said in one reading.
struct Replies {
    info: Info,
    greeting: Greeting,
    /// Of a node of a cluster: what it says of that, or why it does not.
    cluster: Option<Result<View, String>>,
    /// Of a sentinel: what it says beside INFO.
    watch: Option<Watch>,
    /// The settings `save` and `stop-writes-on-bgsave-error`; none where CONFIG is not to be had.
    schedule: Option<String>,
    strict: Option<bool>,
}

impl Replies {
    /// The rows: the server itself, and the parts that it has.
    fn judge(
        &self,
        target: &RedisServer,
        before: Option<&Before>,
        primaries: &BTreeSet<String>,
        now: Wall,
    ) -> Vec<Finding> {
        let info = &self.info;
        let mut main = server::observation(info, &self.greeting, target.entry.mode, before, now);
        let can_act = target.entry.act.is_some() && server::role(info) == Some("primary");
        main.facts.insert("can_act", Fact::Bool(can_act));
        let mut findings = vec![Finding::of_target(main)];
        // A sentinel keeps no data.
        if let Some(watch) = &self.watch {
            findings.extend(sentinel::watched(info, watch, primaries, now));
            return findings;
        }
        if !info.is_served_from_elsewhere() {
            let settings = Settings { schedule: self.schedule.as_deref(), strict: self.strict };
            findings.push(Finding::of(OF_MEMORY, Ok(server::memory(info, target.entry.memory, before, now))));
            findings.push(Finding::of(PERSISTENCE, Ok(persistence::persistence(info, settings, now))));
        }
        findings.push(Finding::of(REPLICATION, Ok(replication::replication(info, now))));
        match &self.cluster {
            Some(result) => {
                let seen = result.as_ref().map(|view| cluster::cluster(view, now)).map_err(Clone::clone);
                findings.push(Finding::of(CLUSTER, seen));
            }
            None if target.entry.mode == Some(RedisMode::Cluster) => {
                findings.push(Finding::of(CLUSTER, cluster::absent(info, now)));
            }
            None => {}
        }
        findings
    }
}

#[cfg(test)]
mod tests;
