//! What a product or a version is known not to have: its absence says nothing.
//!
//! | product | has no |
//! |---|---|
//! | Redis and KeyDB before 6.2 | `maxclients`: <https://github.com/redis/redis/blob/6.2.0/00-RELEASENOTES> |
//! | Dragonfly | `rdb_*` and `aof_*` (it has names of its own for its snapshots), `maxclients` (it has `max_clients`), a count of rejected connections |
//! | Upstash | the sections Memory, Persistence and Stats: rows of memory and of persistence are not made |

use crate::probes::redis::info::Info;

impl Info {
    /// Whether a server of this product and version has no such field.
    pub(super) fn is_without(&self, key: &str) -> bool {
        match self.product().0 {
            "dragonfly" => {
                key.starts_with("rdb_")
                    || key.starts_with("aof_")
                    || matches!(key, "maxclients" | "rejected_connections")
            }
            "upstash" => matches!(key, "loading" | "rejected_connections"),
            "redis" | "keydb" => key == "maxclients" && self.is_before(6, 2),
            _ => false,
        }
    }

    /// Whether the product keeps its data where INFO does not reach: it has neither memory nor persistence of its own to judge.
    pub(super) fn is_served_from_elsewhere(&self) -> bool {
        self.product().0 == "upstash"
    }

    /// Whether it is of a version of Redis before this one; what names no version is not.
    fn is_before(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.text("redis_version").into_iter().flat_map(|version| version.split('.'));
        let mut part = || parts.next().and_then(|part| part.parse::<u32>().ok());
        part().zip(part()).is_some_and(|version| version < (major, minor))
    }
}
