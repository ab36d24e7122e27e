//! `redis`: typed commands that read or change one Redis.
//!
//! ```toml
//! on    = "cache"
//! check = { redis = "length", key = "job_queue", in_flight = ["processing"], expect = "== 0" }
//! wait  = { redis = "length", key = "job_queue", while = { key = "drain", value = "{{run.id}}", run_id = "{{server.run_id}}" } }
//! check = { redis = "get", key = "mode", expect = "== 'on'" }        # or "present", "absent"
//! check = { redis = "info", fact = "used_memory", expect = "< 1000000" }
//! check = { redis = "keys", match = "session:*", expect = "< 500" }
//! read  = { redis = "info", fields = ["used_memory", "role"] }       # also get, length, keys, big-keys, memory-doctor
//! do    = { redis = "set", key = "drain", value = "{{run.id}}", expire = "2h", if = "absent" }
//! prove = { redis = "holds" }                                         # of a set
//! undo  = { redis = "release", key = "drain", value = "{{run.id}}" }  # deletes it while it still holds this value
//! do    = { redis = "expire", key = "drain", expire = "10m" }         # proof: expires
//! do    = { redis = "bgsave" }                                        # or save; proof: saved
//! do    = { redis = "bgrewriteaof" }                                  # proof: rewritten
//! do    = { redis = "delete", match = "cache:*", batch = 500 }        # or key = "…"; proof: gone
//! ```
//!
//! Looks use the estate's `url`, changes its `act`. `length` counts lists, sets, sorted sets, hashes, and the work
//! left for the groups of a stream; with `in_flight` it counts all of them in one transaction, because jobs move
//! between them. A missing key is empty: so is every key of a server that restarted without its data. With `while`
//! the number counts only as long as a key holds a value and the server has the same run id; otherwise it is unknown,
//! and a wait for it fails at once.
//!
//! A deletion is frozen key by key. Keys that come and go during the prompt would change the set each time: `bounded
//! = true` freezes the pattern and an upper bound, labelled *bounded, not listed*, as for every set over a million.
//! FLUSHDB is never offered: it would delete all other data of the database too.

mod act;
pub(super) mod connection;
mod delete;
mod frozen;
mod look;
mod parse;
mod preview;
mod prove;
mod rehearse;
mod save;
mod scan;
mod server;

use crate::domain::quantity::span;
use crate::domain::{EffectClass, Error, Kind};
use crate::probes::redis::session::Session;
use connection::Way;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) use act::act;
pub(super) use frozen::Head;
pub(super) use parse::parse;
pub(super) use preview::preview;
pub(super) use prove::prove;
pub(super) use rehearse::rehearse;

/// The adapter's key.
pub(super) const KEY: &str = "redis";

/// How long one answer may take for a look, and for an act.
const LOOKS: Duration = Duration::from_secs(5);
const ACTS: Duration = Duration::from_secs(10);

/// The longest value that is read or compared, in bytes; a read refuses a longer one with its size.
const LONGEST_VALUE: u64 = 256 << 10;

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    /// The name of the Redis in the estate.
    target: String,
    /// How to look; `None` only if the plan was made without an estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<Way>,
    /// How to act, for changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Way>,
    what: What,
    /// The condition for the value of a look; a read has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expect: Option<String>,
    /// Whether it undoes another action; then its set is that action's set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    undo: bool,
}

/// The condition for setting a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum If {
    Absent,
    Present,
}

/// The question, the change or the proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Get {
        key: String,
    },
    Length {
        key: String,
        in_flight: Vec<String>,
        /// The condition that must hold at the same moment for the number to count.
        #[serde(default, rename = "while", skip_serializing_if = "Option::is_none")]
        held: Option<Held>,
    },
    Info {
        fields: Vec<String>,
    },
    Keys {
        pattern: String,
    },
    BigKeys {
        pattern: String,
        sample: u64,
    },
    MemoryDoctor,
    Set {
        key: String,
        value: String,
        expire_s: Option<u64>,
        only: Option<If>,
        /// Whether the value names the run, so that a person who finds it knows its owner.
        ours: bool,
    },
    Release {
        key: String,
        value: String,
    },
    Expire {
        key: String,
        expire_s: u64,
    },
    Save {
        background: bool,
    },
    RewriteAof,
    Delete(Which),
    Holds {
        key: String,
        value: String,
        expires: bool,
    },
    Free {
        key: String,
        value: String,
    },
    Expires {
        key: String,
        expire_s: u64,
    },
    Gone,
    Saved,
    Rewritten,
}

/// A key that must hold a value, on the same run of the server: then nothing was lost since it was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    key: String,
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

/// The keys to delete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Which {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    batch: usize,
    bounded: bool,
}

impl What {
    fn least_effect(&self) -> EffectClass {
        match self {
            Self::Delete(_) => EffectClass::Destroy,
            Self::Set { .. } | Self::Release { .. } | Self::Expire { .. } | Self::Save { .. } | Self::RewriteAof => {
                EffectClass::Change
            }
            _ => EffectClass::Read,
        }
    }

    /// In words, after the name of the Redis.
    fn line(&self) -> String {
        let time = |seconds: u64| span(Duration::from_secs(seconds));
        match self {
            Self::Get { key } => format!("value of {key}"),
            Self::Length { key, in_flight, held } => {
                let with = if in_flight.is_empty() { String::new() } else { format!(" with {}", in_flight.join(", ")) };
                let held = held.as_ref().map(|held| format!(", while {} holds {}", held.key, held.value));
                format!("length of {key}{with}{}", held.unwrap_or_default())
            }
            Self::Info { fields } => format!("{} of INFO", fields.join(", ")),
            Self::Keys { pattern } => format!("number of keys {pattern}"),
            Self::BigKeys { pattern, sample } => format!("largest of {sample} keys {pattern}"),
            Self::MemoryDoctor => "memory doctor".to_owned(),
            Self::Set { key, value, expire_s, only, .. } => {
                let lasting = expire_s.map_or_else(|| ", without an end".to_owned(), |s| format!(" for {}", time(s)));
                let only = match only {
                    Some(If::Absent) => ", if it is absent",
                    Some(If::Present) => ", if it is present",
                    None => "",
                };
                format!("set {key} to {value}{lasting}{only}")
            }
            Self::Release { key, value } => format!("delete {key} while it holds {value}"),
            Self::Expire { key, expire_s } => format!("let {key} expire in {}", time(*expire_s)),
            Self::Save { background: true } => "save the data to disk in the background".to_owned(),
            Self::Save { background: false } => "save the data to disk, blocking all clients".to_owned(),
            Self::RewriteAof => "rewrite the append-only file".to_owned(),
            Self::Delete(which) => match (&which.key, &which.pattern) {
                (Some(key), _) => format!("delete {key}"),
                (None, pattern) => format!("delete {}", pattern.as_deref().unwrap_or_default()),
            },
            Self::Holds { key, value, .. } => format!("{key} holds {value}"),
            Self::Free { key, value } => format!("{key} does not hold {value}"),
            Self::Expires { key, .. } => format!("{key} expires"),
            Self::Gone => "every key that was shown is gone".to_owned(),
            Self::Saved => "the data was saved".to_owned(),
            Self::Rewritten => "the append-only file was rewritten".to_owned(),
        }
    }
}

impl Spec {
    fn no_way(&self) -> Error {
        Error::new(Kind::Usage, format!("cannot reach {}: the plan does not hold how", self.target))
    }

    /// A session for looks.
    async fn to_look(&self) -> Result<Session, String> {
        let way = self.watch.as_ref().ok_or_else(|| self.no_way().message)?;
        Session::open(&way.server(&self.target), LOOKS).await
    }

    /// A session for acts, with the time limit for one answer.
    async fn to_act(&self, patience: Duration) -> Result<Session, String> {
        let way = self.act.as_ref().ok_or_else(|| self.no_way().message)?;
        Session::open(&way.server(&self.target), patience).await
    }
}
