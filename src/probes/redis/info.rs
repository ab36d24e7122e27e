//! What INFO says, by its keys: <https://redis.io/docs/latest/commands/info/>.

use crate::domain::{Fact, Wall};
use std::collections::BTreeMap;

/// The lines of an answer to INFO.
pub struct Info(BTreeMap<String, String>);

impl Info {
    /// Takes `key:value` lines; headings and everything else are left out.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(':'));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.trim_end().to_owned())).collect())
    }

    /// What stands behind a key; nothing is as if it were missing.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A number without a sign: bytes, counts, seconds. `-1`, which stands for "never", counts as missing.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    /// Every pair, in the order of the keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn real(&self, key: &str) -> Option<f64> {
        self.text(key)?.parse().ok().filter(|figure: &f64| figure.is_finite())
    }

    /// `1` or `0`.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key)? {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        }
    }

    /// `ok` or `err`.
    #[must_use]
    pub fn went_well(&self, key: &str) -> Option<bool> {
        match self.text(key)? {
            "ok" => Some(true),
            "err" => Some(false),
            _ => None,
        }
    }

    /// `standalone`, `cluster` or `sentinel`; Valkey calls it another way.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        self.text("redis_mode").or_else(|| self.text("server_mode"))
    }

    /// Whether it is a node of a cluster.
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        self.mode() == Some("cluster") || self.flag("cluster_enabled") == Some(true)
    }

    /// What the server is: its product's name and its version.
    #[must_use]
    pub fn product(&self) -> (&'static str, Option<&str>) {
        let redis = self.text("redis_version");
        match (self.text("dragonfly_version"), self.text("valkey_version")) {
            (Some(version), _) => ("dragonfly", Some(version.trim_start_matches("df-").trim_start_matches('v'))),
            (None, Some(version)) => ("valkey", Some(version)),
            (None, None) if self.text("mvcc_depth").is_some() => ("keydb", redis),
            (None, None) => ("redis", redis),
        }
    }

    /// When its data were last saved as a snapshot; `now` stands for its clock where it does not tell that.
    #[must_use]
    pub fn saved(&self, now: Wall) -> Saved {
        let moment =
            |seconds: u64| i64::try_from(seconds).map_or(Saved::Untold, |at| Saved::At(Wall::from_unix(at, 0)));
        if let Some(at) = self.number("last_success_save").or_else(|| self.number("last_save")) {
            // Dragonfly names no file before the first one; before 1.14 it had other names for both.
            let file = self.text("last_saved_file").or_else(|| self.text("last_save_file"));
            return if at > 0 && file.is_some() { moment(at) } else { Saved::Never };
        }
        let Some(at) = self.number("rdb_last_save_time") else { return Saved::Untold };
        // A server begins with the time of its start in the place of a save, and with the status of one that went well (`initServer`
        // in server.c). The count of saves alone is no proof: CONFIG RESETSTAT undoes it, and it counts attempts, so one
        // that failed or is under way is among them (`rdbSaveBackground` in rdb.c).
        let clock = u64::try_from(self.clock().unwrap_or(now).0.as_second()).unwrap_or_default();
        let began = self.number("uptime_in_seconds").and_then(|uptime| clock.checked_sub(uptime));
        let at_start = began.is_some_and(|began| began.abs_diff(at) <= START);
        let under_way = u64::from(self.flag("rdb_bgsave_in_progress") == Some(true));
        let ended = self.number("rdb_saves").unwrap_or_default().saturating_sub(under_way);
        let never = at == 0 || (at_start && (ended == 0 || self.save_went_well() == Some(false)));
        if never { Saved::Never } else { moment(at) }
    }

    /// Whether the last save went well, where there was one.
    #[must_use]
    pub fn save_went_well(&self) -> Option<bool> {
        match (self.number("last_success_save"), self.number("last_failed_save")) {
            (Some(well), Some(failed)) => Some(failed <= well),
            (Some(_), None) => Some(true),
            // Dragonfly before 1.14 tells of the last that went well, and of none that failed.
            (None, None) if self.number("last_save").is_some() => Some(true),
            _ => self.went_well("rdb_last_bgsave_status"),
        }
    }

    /// Changes since the last save.
    #[must_use]
    pub fn unsaved(&self) -> Option<u64> {
        self.number("rdb_changes_since_last_save").or_else(|| self.number("rdb_changes_since_last_success_save"))
    }

    /// The server's own clock, where it tells it (7.0 and later).
    pub(super) fn clock(&self) -> Option<Wall> {
        let micros = self.number("server_time_usec")?;
        let nanos = u32::try_from(micros % 1_000_000 * 1000).ok()?;
        Some(Wall::from_unix(i64::try_from(micros / 1_000_000).ok()?, nanos))
    }

    /// The values of `slave0`, `slave1` and so on: one text for each replica of a primary.
    pub(super) fn replicas(&self) -> impl Iterator<Item = Replica> {
        (0_u32..).map_while(|number| self.text(&format!("slave{number}"))).map(Replica::of)
    }
}

/// How far the time of the first "save" may be from that of the start, in seconds: both are taken while the server starts.
const START: u64 = 2;

/// When data were last saved as a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// At this moment.
    At(Wall),
    /// Never since the server started.
    Never,
    /// The server does not tell.
    Untold,
}

/// One replica as its primary sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replica {
    /// `ip:port`.
    pub(super) place: String,
    /// `online`, or a step of its synchronisation.
    pub(super) state: String,
    /// How far it has confirmed, in bytes.
    pub(super) offset: Option<u64>,
}

impl Replica {
    /// Whether it is in step; Dragonfly has a word of its own for that.
    pub(super) fn is_online(&self) -> bool {
        matches!(self.state.as_str(), "online" | "stable_sync")
    }

    /// Reads `ip=10.0.0.2,port=6379,state=online,offset=14,lag=0`.
    fn of(text: &str) -> Self {
        let parts: BTreeMap<&str, &str> = text.split(',').filter_map(|part| part.split_once('=')).collect();
        let part = |name: &str| parts.get(name).copied().unwrap_or("?");
        Self {
            place: format!("{}:{}", part("ip"), part("port")),
            state: part("state").to_owned(),
            offset: parts.get("offset").and_then(|offset| offset.parse().ok()),
        }
    }
}

/// A count as a fact.
pub(super) fn whole(number: u64) -> Fact {
    Fact::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The facts that are known of those that there may be.
pub(super) fn known<const N: usize>(all: [(&'static str, Option<Fact>); N]) -> BTreeMap<&'static str, Fact> {
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

/// What is to be said, without what is empty.
pub(super) fn joined(parts: &[String]) -> String {
    let lines: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    lines.join(" · ")
}
