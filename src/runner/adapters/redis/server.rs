//! A server's own report: its identity, whether it accepts changes, how it persists its data.

use crate::domain::EffectClass;
use crate::domain::quantity::{ago, bytes, count};
use crate::probes::clock;
use crate::probes::redis::session::{Failure, Session};
use crate::probes::redis::{Info, Saved};
use crate::runner::adapters::redis::frozen::Head;

/// A server as in INFO.
pub(super) struct Server {
    pub(super) info: Info,
    /// Its run id; it changes with every restart.
    pub(super) run_id: String,
    /// Its replication id; a replica has its primary's.
    pub(super) replid: String,
}

/// Asks a server for its identity.
pub(super) async fn server(session: &mut Session) -> Result<Server, Failure> {
    let info = session.info().await?;
    let missing = |key: &str| Failure { code: None, reason: format!("INFO has no {key}") };
    let run_id = info.text("run_id").ok_or_else(|| missing("run_id"))?.to_owned();
    let replid = info.text("master_replid").unwrap_or_default().to_owned();
    if info.text("role").is_none() {
        return Err(missing("role"));
    }
    Ok(Server { info, run_id, replid })
}

impl Server {
    /// Why nothing can be changed on this server now.
    pub(super) fn refusal(&self, least: EffectClass, by_pattern: bool) -> Option<String> {
        let mode = self.info.mode();
        if mode == Some("sentinel") {
            return Some("is a sentinel, which keeps no data".to_owned());
        }
        if by_pattern && mode.is_none() && self.info.flag("cluster_enabled").is_none() {
            return Some("does not say whether it is a node of a cluster".to_owned());
        }
        if by_pattern && self.info.is_clustered() {
            return Some("is one node of a cluster, and a pattern would reach its own keys alone".to_owned());
        }
        if self.is_loading() {
            return Some("is loading its data".to_owned());
        }
        match self.info.text("role") {
            _ if least <= EffectClass::Read => None,
            Some("master" | "active-replica") => None,
            Some("slave" | "replica") => Some("is a replica, which takes no changes".to_owned()),
            _ => Some("does not say whether it is a primary".to_owned()),
        }
    }

    /// Whether it is still loading its data.
    pub(super) fn is_loading(&self) -> bool {
        self.info.flag("loading") == Some(true) || self.info.flag("async_loading") == Some(true)
    }

    /// Whether this is the server of a set: the same run of it, and the same database.
    ///
    /// An undo may run after a restart: then its data must have the same replication id, or `guarded` makes the
    /// change depend on the current value.
    pub(super) fn is_shown(&self, head: &Head, database: i64, undo: bool, guarded: bool) -> Result<(), String> {
        if head.db != database {
            return Err(format!("`act` connects to database {database}, but database {} was shown", head.db));
        }
        let same = head.run_id == self.run_id;
        let kept = undo && (guarded || (!self.replid.is_empty() && head.replid == self.replid));
        if same || kept {
            return Ok(());
        }
        Err("it is another server than the one shown, or was restarted since".to_owned())
    }

    /// Its product, role and run, in one line.
    pub(super) fn describe(&self) -> String {
        let (product, version) = self.info.product();
        let named = match product {
            "valkey" => "Valkey",
            "dragonfly" => "Dragonfly",
            "keydb" => "KeyDB",
            _ => "Redis",
        };
        let product = format!("{named} {}", version.unwrap_or("of an unknown version"));
        let role = match (self.info.text("role"), self.info.number("connected_slaves")) {
            (Some("master"), Some(1)) => "primary of 1 replica".to_owned(),
            (Some("master"), Some(replicas)) if replicas > 0 => format!("primary of {replicas} replicas"),
            (Some("master"), _) => "primary".to_owned(),
            (Some("slave" | "replica"), _) => "replica".to_owned(),
            (other, _) => other.unwrap_or("of an unknown role").to_owned(),
        };
        let run: String = self.run_id.chars().take(8).collect();
        format!("{product} · {role} · run {run}")
    }

    /// How its data is persisted.
    pub(super) fn persistence(&self) -> String {
        let info = &self.info;
        let now = clock::now().wall;
        let saved = match info.saved(now) {
            Saved::At(at) => format!("last saved {}", ago(now.since(at))),
            Saved::Never => "never saved since its start".to_owned(),
            Saved::Untold => "last save unknown".to_owned(),
        };
        let status = match info.save_went_well() {
            Some(true) => "",
            Some(false) => " (and the last save failed)",
            None => " (and whether the last save failed is unknown)",
        };
        let pending = info.unsaved().map(|n| format!(", {} changes since", count(n)));
        let aof = match info.flag("aof_enabled") {
            Some(true) => "append-only file on",
            Some(false) => "append-only file off",
            None => "append-only file unknown",
        };
        format!("{saved}{status}{} · {aof}", pending.unwrap_or_default())
    }

    /// Its memory and its limit.
    pub(super) fn memory(&self) -> String {
        let used = self.info.number("used_memory").map_or_else(|| "unknown".to_owned(), bytes);
        match (self.info.number("maxmemory"), self.info.text("maxmemory_policy")) {
            (Some(0), _) => format!("{used}, no limit"),
            (None, _) => format!("{used}, limit unknown"),
            (Some(most), policy) => format!("{used} of {} ({})", bytes(most), policy.unwrap_or("policy unknown")),
        }
    }

    /// Why a change may be refused, as far as it can be seen.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.info.save_went_well() == Some(false) {
            warnings.push("its last save failed: it may refuse changes (MISCONF)".to_owned());
        }
        if self.info.went_well("aof_last_write_status") == Some(false) {
            warnings.push("its append-only file cannot be written: it may refuse changes (MISCONF)".to_owned());
        }
        let (used, most) = (self.info.number("used_memory"), self.info.number("maxmemory"));
        if let (Some(used), Some(most), Some("noeviction")) = (used, most, self.info.text("maxmemory_policy"))
            && most > 0
            && used >= most
        {
            warnings.push("its memory is full: it takes nothing new (OOM)".to_owned());
        }
        warnings
    }

    /// The other databases with their keys, from INFO: `db1 240 keys`.
    pub(super) fn others(&self, database: i64) -> Vec<String> {
        let own = format!("db{database}");
        let all = self.info.pairs().filter(|(name, _)| name.strip_prefix("db").is_some_and(is_number) && *name != own);
        let keys = |text: &str| text.split(',').find_map(|part| part.strip_prefix("keys=")?.parse::<u64>().ok());
        all.filter_map(|(name, text)| Some(format!("{name} {} keys", count(keys(text)?)))).collect()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Server {
        Server { info: Info::of(text), run_id: "1".to_owned(), replid: "2".to_owned() }
    }

    #[test]
    fn a_server_whose_role_or_mode_is_not_known_is_not_changed() {
        let refused = |text: &str, by_pattern| of(text).refusal(EffectClass::Change, by_pattern);
        let standalone = "redis_mode:standalone\n";
        for role in ["master", "active-replica"] {
            assert_eq!(refused(&format!("{standalone}role:{role}\n"), true), None, "{role}");
        }
        for role in ["role:boss\n", "", "role:\n", "role:master\nrole:slave\n"] {
            let words = refused(&format!("{standalone}{role}"), false);
            assert_eq!(words.as_deref(), Some("does not say whether it is a primary"), "{role}");
        }
        let replica = refused("redis_mode:standalone\nrole:slave\n", false);
        assert_eq!(replica.as_deref(), Some("is a replica, which takes no changes"));
        assert_eq!(refused("role:master\n", false), None, "a key by its name");
        let unknown = refused("role:master\n", true);
        assert_eq!(unknown.as_deref(), Some("does not say whether it is a node of a cluster"));
        assert!(
            refused("role:master\ncluster_enabled:1\n", true)
                .is_some_and(|words| words.contains("one node of a cluster"))
        );
        assert_eq!(of("role:boss\n").refusal(EffectClass::Read, false), None, "a look changes nothing");
    }

    #[test]
    fn what_info_lacks_is_named_as_unknown_beside_a_question() {
        let server = of("used_memory:1024\nrdb_last_save_time:7\nuptime_in_seconds:9\n");
        assert_eq!(server.memory(), "1.0 KiB, limit unknown");
        let kept = server.persistence();
        assert!(kept.contains("(and whether the last save failed is unknown) · append-only file unknown"), "{kept}");
    }
}
