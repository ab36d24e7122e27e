//! What is said of a row for a fact that is yes or no: `is named in the estate file`, `is not`.

/// How a fact that is yes or no is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phrase {
    /// Behind `is` or `is not`.
    Is(&'static str),
    /// Behind `can` or `cannot`.
    Can(&'static str),
}

use Phrase::{Can, Is};

/// The phrases of the facts that are yes or no.
const PHRASES: &[(&str, Phrase)] = &[
    ("aof_enabled", Is("writing an append-only file")),
    ("aof_rewrite_in_progress", Is("rewriting its append-only file")),
    ("can_act", Can("be changed from here")),
    ("complete", Is("rolled out completely")),
    ("configured", Is("named in the estate file")),
    ("connections_refused", Is("refusing connections")),
    ("disk_pressure", Is("under disk pressure")),
    ("down", Is("down")),
    ("grows_back", Is("one that grows back at once")),
    ("has_pg_monitor", Is("read by a role with pg_monitor")),
    ("is_ca", Is("a CA certificate")),
    ("is_pooled", Is("reached through a pooler")),
    ("is_standby", Is("a standby")),
    ("loading", Is("loading its data")),
    ("memory_pressure", Is("under memory pressure")),
    ("name_matches", Is("for the name asked for")),
    ("need_daemon_reload", Is("in need of daemon-reload")),
    ("observed", Is("observed in its newest state")),
    ("partition", Is("a partition")),
    ("paused", Is("paused")),
    ("pid_pressure", Is("under PID pressure")),
    ("rdb_in_progress", Is("saving a snapshot")),
    ("read_only", Is("read-only")),
    ("replay_paused", Is("paused in its replay")),
    ("saved_since_start", Is("saved since its start")),
    ("self_signed", Is("self-signed")),
    ("served_matches_file", Is("served as it is in the file")),
    ("stuck", Is("stuck in its rollout")),
    ("syncing", Is("in a full sync")),
    ("unschedulable", Is("unschedulable")),
    ("valid", Is("valid")),
    ("verified", Is("verified")),
    ("writes_refused", Is("refusing writes")),
];

fn find(name: &str) -> Option<Phrase> {
    PHRASES.iter().find(|(fact, _)| *fact == name).map(|(_, phrase)| *phrase)
}

/// What holds of a row whose fact is yes, or no: `is named in the estate file`; `None` for a fact without such words.
#[must_use]
pub fn predicate(name: &str, yes: bool) -> Option<String> {
    let short = short(name, yes)?;
    let (Is(words) | Can(words)) = find(name)?;
    Some(format!("{short} {words}"))
}

/// The same without what is said already: `is`, `cannot`.
#[must_use]
pub fn short(name: &str, yes: bool) -> Option<&'static str> {
    Some(match (find(name)?, yes) {
        (Is(_), true) => "is",
        (Is(_), false) => "is not",
        (Can(_), true) => "can",
        (Can(_), false) => "cannot",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_of_a_fact_and_says_yes_and_no() {
        for (name, _) in PHRASES {
            assert!(super::super::find(name).is_some(), "{name}");
            assert!(predicate(name, true) != predicate(name, false), "{name}");
        }
        assert_eq!(predicate("configured", false).as_deref(), Some("is not named in the estate file"));
        assert_eq!(predicate("can_act", true).as_deref(), Some("can be changed from here"));
        assert_eq!((predicate("used_ratio", true), short("verified", false)), (None, Some("is not")));
    }
}
