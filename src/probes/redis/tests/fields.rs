//! What becomes of a reading whose INFO lacks a field, or has it with a value that cannot be.

use super::*;
use crate::domain::Finding;
use crate::probes::redis::nodes::{count, nodes};
use crate::probes::redis::sentinel::Quorum;
use std::collections::BTreeMap;

/// A healthy text of the corpus, with the fields that its rows are judged by.
struct Healthy {
    case: &'static str,
    needed: &'static [(&'static str, Option<&'static str>)],
}

const ITSELF: Option<&str> = None;
const MEMORY_ROW: Option<&str> = Some(OF_MEMORY);
const KEPT: Option<&str> = Some(PERSISTENCE);
const COPIED: Option<&str> = Some(REPLICATION);

const HEALTHY: [Healthy; 5] = [
    Healthy {
        case: "healthy-redis-7-aof",
        needed: &[
            ("role", ITSELF),
            ("role", COPIED),
            ("loading", ITSELF),
            ("connected_clients", ITSELF),
            ("maxclients", ITSELF),
            ("rejected_connections", ITSELF),
            ("used_memory", MEMORY_ROW),
            ("maxmemory", MEMORY_ROW),
            ("maxmemory_policy", MEMORY_ROW),
            ("rdb_last_save_time", KEPT),
            ("rdb_last_bgsave_status", KEPT),
            ("uptime_in_seconds", KEPT),
            ("aof_enabled", KEPT),
            ("aof_last_write_status", KEPT),
            ("aof_last_bgrewrite_status", KEPT),
            ("connected_slaves", COPIED),
            ("slave0", COPIED),
            ("slave1", COPIED),
        ],
    },
    Healthy {
        case: "healthy-redis-7-replica",
        needed: &[
            ("role", ITSELF),
            ("role", COPIED),
            ("master_link_status", COPIED),
            ("master_host", COPIED),
            ("master_port", COPIED),
            ("master_last_io_seconds_ago", COPIED),
            ("master_sync_in_progress", COPIED),
        ],
    },
    Healthy {
        case: "dragonfly-primary",
        needed: &[
            ("role", ITSELF),
            ("loading", ITSELF),
            ("used_memory", MEMORY_ROW),
            ("maxmemory", MEMORY_ROW),
            ("maxmemory_policy", MEMORY_ROW),
            ("last_success_save", KEPT),
            ("last_failed_save", KEPT),
            ("connected_slaves", COPIED),
            ("slave0", COPIED),
        ],
    },
    Healthy {
        case: "keydb-active-replica",
        needed: &[("role", ITSELF), ("master_sync_in_progress", COPIED), ("rdb_last_bgsave_status", KEPT)],
    },
    Healthy {
        case: "valkey-8-sentinel",
        needed: &[("sentinel_masters", ITSELF), ("sentinel_tilt", ITSELF), ("connected_clients", ITSELF)],
    },
];

fn text_of(case: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/redis").join(case);
    std::fs::read_to_string(place.with_extension("info")).unwrap()
}

/// The rows of a text, with a quorum where it is of a sentinel.
fn judged(text: &str) -> Vec<Finding> {
    let info = Info::of(text);
    let entry = "name=mymaster ip=10.0.0.1 port=6379 flags=master role-reported=master quorum=2";
    let entry = entry.split(' ').filter_map(|pair| pair.split_once('='));
    let watch = Watch {
        masters: Ok(vec![entry.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()]),
        quorum: BTreeMap::from([("mymaster".to_owned(), Quorum::Reached)]),
        disagreements: BTreeMap::new(),
    };
    let replies = Replies {
        greeting: greeted(),
        cluster: None,
        watch: (info.mode() == Some("sentinel")).then_some(watch),
        schedule: Some("3600 1".to_owned()),
        strict: Some(true),
        info,
    };
    replies.judge(&target("redis://127.0.0.1:6379"), None, &BTreeSet::new(), Wall::from_unix(1_764_500_000, 0))
}

fn verdict(finding: &Finding) -> Verdict {
    finding.seen.as_ref().map_or(Verdict::Unknown, |seen| seen.verdict)
}

/// The text with another line for a field, or without one.
fn with(text: &str, field: &str, line: Option<&str>) -> String {
    let is_of = |line: &str| line.split_once(':').is_some_and(|(key, _)| key == field);
    let lines = text.lines().filter_map(|old| if is_of(old) { line } else { Some(old) });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_field_that_is_missing_or_unreadable_makes_its_row_unknown_and_is_named() {
    let mut wrong = Vec::new();
    for Healthy { case, needed } in &HEALTHY {
        let text = text_of(case);
        let found = judged(&text);
        assert!(found.iter().all(|row| verdict(row) == Verdict::Ok), "{case} is healthy: {found:?}");
        for (field, object) in *needed {
            let value = Info::of(&text).text(field).map(str::to_owned).unwrap_or_else(|| panic!("{case}: {field}"));
            let line = |value: &str| format!("{field}:{value}");
            let huge = line("99999999999999999999999999");
            let twice = format!("{}\n{field}:another", line(&value));
            let cases = [
                ("missing", None),
                ("empty", Some(line(""))),
                ("garbage", Some(line("\u{1b}[31m???"))),
                ("negative", Some(line("-7"))),
                ("huge", Some(huge)),
                ("twice", Some(twice)),
            ];
            for (what, line) in cases {
                // Any text names a host or a policy.
                if matches!(*field, "master_host" | "maxmemory_policy")
                    && !matches!(what, "missing" | "empty" | "twice")
                {
                    continue;
                }
                let found = judged(&with(&text, field, line.as_deref()));
                let row = found.iter().find(|row| row.object.as_deref() == *object);
                let words =
                    row.map(|row| row.seen.as_ref().map_or_else(|loss| loss.why(), |seen| seen.detail.as_str()));
                let is_named = words.is_some_and(|words| words.contains(field) || field.starts_with("slave"));
                if row.map(verdict) != Some(Verdict::Unknown) || !is_named {
                    wrong.push(format!("{case}: {field} {what}: {:?} {words:?}", row.map(verdict)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_text_that_is_cut_off_is_never_all_ok() {
    for Healthy { case, needed } in &HEALTHY {
        let text = text_of(case);
        let end = needed.iter().filter_map(|(field, _)| text.find(&format!("\n{field}:"))).max().unwrap() + 1;
        let cut = (0..text.len()).filter(|cut| text.is_char_boundary(*cut));
        for cut in cut.take_while(|cut| *cut <= end) {
            let found = judged(&text[..cut]);
            assert!(found.iter().any(|row| verdict(row) == Verdict::Unknown), "{case} up to {cut}: {found:?}");
        }
        // In the middle of the last line that counts, its number is another one.
        let line = text[end..].find('\n').unwrap();
        let found = judged(&text[..end + line]);
        assert!(found.iter().any(|row| verdict(row) == Verdict::Unknown), "{case}: {found:?}");
    }
}

#[test]
fn a_section_that_is_missing_is_named() {
    let text = text_of("healthy-redis-7-aof");
    for (section, object) in [
        ("Clients", ITSELF),
        ("Stats", ITSELF),
        ("Replication", ITSELF),
        ("Memory", MEMORY_ROW),
        ("Persistence", KEPT),
        ("Replication", COPIED),
    ] {
        let heading = format!("# {section}\n");
        let (before, rest) = text.split_once(&heading).unwrap();
        let after = rest.find("\n# ").map_or("", |at| &rest[at + 1..]);
        let found = judged(&format!("{before}{after}"));
        let row = row(&found, object);
        let begins = format!("INFO has no section {section}");
        assert_eq!(row.verdict, Verdict::Unknown, "{section}: {row:?}");
        assert!(row.detail.starts_with(&begins), "{section}: {}", row.detail);
    }
}

#[test]
fn a_known_fault_is_worse_than_what_is_not_known() {
    let text = with(&text_of("healthy-redis-7-aof"), "aof_last_write_status", Some("aof_last_write_status:err"));
    let kept = row(&judged(&with(&text, "rdb_last_save_time", None)), KEPT);
    assert_eq!(kept.verdict, Verdict::Critical);
    assert!(kept.detail.starts_with("the AOF cannot be written"), "{}", kept.detail);
    assert_eq!(kept.facts["not_known"], Fact::Text("INFO has no rdb_last_save_time".to_owned()));
}

#[test]
fn a_save_ahead_of_the_clock_and_a_share_below_nothing_are_not_believed() {
    let text = text_of("healthy-redis-7-aof");
    let kept = row(&judged(&with(&text, "rdb_last_save_time", Some("rdb_last_save_time:1764507200"))), KEPT);
    assert_eq!(kept.verdict, Verdict::Unknown);
    assert!(kept.detail.starts_with("rdb_last_save_time is 2 h ahead of the clock"), "{}", kept.detail);
    let line = "mem_not_counted_for_evict:99999999999";
    let memory = row(&judged(&with(&text, "mem_not_counted_for_evict", Some(line))), MEMORY_ROW);
    assert_eq!(memory.verdict, Verdict::Unknown);
    assert!(memory.detail.starts_with("mem_not_counted_for_evict is more than used_memory"), "{}", memory.detail);
    // Without the policy a full memory may be fine or refuse writes.
    let full = with(&text, "used_memory", Some("used_memory:99999999"));
    assert_eq!(row(&judged(&with(&full, "maxmemory_policy", None)), MEMORY_ROW).verdict, Verdict::Unknown);
}

#[test]
fn a_list_of_nodes_is_read_whole_or_not_at_all() {
    let line =
        "07c3 10.0.0.1:6379@16379,one.example myself,master - 0 1764500000000 1 connected 0-5460 5462 [9->-e7d1]\n";
    let one = nodes(line).unwrap();
    assert_eq!((one[0].place.as_str(), count(&one[0].slots)), ("10.0.0.1:6379", 5462));
    for (text, why) in [
        ("", "CLUSTER NODES has no node"),
        ("07c3 10.0.0.1:6379@16379 master", "CLUSTER NODES has no node"),
        ("07c3 10.0.0.1:6379@16379 master\n", "CLUSTER NODES has no readable line 1"),
        ("07c3 10.0.0.1:6379@16379 master - 0 0 1 connected 0-16384\n", "CLUSTER NODES has no readable line 1"),
        ("07c3 10.0.0.1:6379@16379 master - 0 0 1 connected 9-3\n", "CLUSTER NODES has no readable line 1"),
        ("07c3 10.0.0.1:6379@16379 master - 0 0 1 connected x\n", "CLUSTER NODES has no readable line 1"),
    ] {
        assert_eq!(nodes(text).map(|nodes| nodes.len()).unwrap_err(), why, "{text}");
    }
}
