//! The rows of what outlives a server: its persistence, and its replication.

use crate::domain::{Fact, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::redis::info::{Info, Replica, Saved, joined, known, whole};
use crate::probes::redis::server::{role, span};

/// How long a primary may be silent: it pings every 10 s (`repl-ping-replica-period`).
const SILENT: u64 = 30;

/// The row of the persistence. `schedule` is the setting `save`, `strict` whether writes are refused after a failed save; none
/// where CONFIG is not to be had.
///
/// # Errors
/// What INFO does not tell.
pub(super) fn persistence(
    info: &Info,
    schedule: Option<&str>,
    strict: Option<bool>,
    now: Wall,
) -> Result<Observation, String> {
    let saved = info.save_went_well().ok_or("INFO does not tell the last save")?;
    let aof = info.flag("aof_enabled").or_else(|| is_dragonfly(info).then_some(false));
    let aof = aof.ok_or("INFO does not tell whether there is an AOF")?;
    let last = info.saved(now);
    let at = match last {
        Saved::At(at) => Some(at),
        Saved::Never | Saved::Untold => None,
    };
    // Both moments are of the server's clock, where it tells it.
    let age = at.map(|at| info.clock().unwrap_or(now).since(at));
    let refuses = refuses_writes(info, saved, aof, schedule, strict);
    let (verdict, first) = judge(info, saved, aof, schedule, refuses);
    let changes = info.unsaved();
    let running = progress(info);
    let unsaved = match changes {
        Some(changes) if changes > 0 => quantity::counted(changes, "change since", "changes since"),
        _ => String::new(),
    };
    let plain = match (schedule, aof) {
        (Some(""), false) => "kept nowhere: no save, no AOF".to_owned(),
        (_, true) => "AOF".to_owned(),
        _ => String::new(),
    };
    let message = match (last, age) {
        _ if schedule == Some("") && saved => String::new(),
        (Saved::Never, _) => "never saved since its start".to_owned(),
        (_, Some(age)) => format!("saved {}", ago(&quantity::age(age))),
        _ => String::new(),
    };
    let detail = joined(&[first, running, plain, message, unsaved]);
    let text = |key: &str| info.text(key).map(|text| Fact::Text(text.to_owned()));
    let flag = |key: &str| info.flag(key).map(Fact::Bool);
    let facts = known([
        ("rdb_last_status", Some(Fact::Text(if saved { "ok" } else { "err" }.to_owned()))),
        ("saved_since_start", (last != Saved::Untold).then_some(Fact::Bool(last != Saved::Never))),
        ("rdb_last_save_at", at.map(|at| Fact::Text(at.0.to_string()))),
        ("rdb_last_save_age_s", age.map(|age| whole(age.as_secs()))),
        ("rdb_in_progress", flag("rdb_bgsave_in_progress").or_else(|| flag("saving"))),
        ("changes_since_save", changes.map(whole)),
        ("save_schedule", schedule.map(|text| Fact::Text(text.to_owned()))),
        ("aof_enabled", Some(Fact::Bool(aof))),
        ("aof_last_write_status", text("aof_last_write_status")),
        ("aof_last_rewrite_status", text("aof_last_bgrewrite_status")),
        ("aof_rewrite_in_progress", flag("aof_rewrite_in_progress")),
        ("aof_size_bytes", info.number("aof_current_size").map(whole)),
        ("writes_refused", refuses.map(Fact::Bool)),
    ]);
    Ok(Observation { verdict, detail, facts, observed_at: now, trend: None })
}

fn is_dragonfly(info: &Info) -> bool {
    info.product().0 == "dragonfly"
}

/// Whether writes are answered with -MISCONF; none where the settings that decide it are not known.
///
/// After the rules of `writeCommandsDeniedByDiskError` in config.c and server.c: a failed AOF write, or a failed save while
/// saves are scheduled and `stop-writes-on-bgsave-error` is set; on a primary.
fn refuses_writes(info: &Info, saved: bool, aof: bool, schedule: Option<&str>, strict: Option<bool>) -> Option<bool> {
    // Dragonfly has no such rule.
    if !matches!(role(info), Some("primary" | "active-replica")) || is_dragonfly(info) {
        return Some(false);
    }
    if aof && info.went_well("aof_last_write_status") == Some(false) {
        return Some(true);
    }
    if saved {
        return Some(false);
    }
    match (schedule, strict) {
        (Some(""), _) | (_, Some(false)) => Some(false),
        (Some(_), Some(true)) => Some(true),
        _ => None,
    }
}

fn judge(info: &Info, saved: bool, aof: bool, schedule: Option<&str>, refuses: Option<bool>) -> (Verdict, String) {
    let consequence = match refuses {
        Some(true) => ", writes are refused (MISCONF)",
        Some(false) => "",
        None => ", writes may be refused (MISCONF)",
    };
    if aof && info.went_well("aof_last_write_status") == Some(false) {
        return (Verdict::Critical, format!("the AOF cannot be written{consequence}"));
    }
    if !saved {
        // A save that only somebody asked for, where none is scheduled, is not what the data depends on.
        let verdict = if schedule == Some("") { Verdict::Warn } else { Verdict::Critical };
        return (verdict, format!("the last save failed{consequence}"));
    }
    if aof && info.went_well("aof_last_bgrewrite_status") == Some(false) {
        return (Verdict::Warn, "the last rewrite of the AOF failed".to_owned());
    }
    (Verdict::Ok, String::new())
}

/// What is being written at the moment.
fn progress(info: &Info) -> String {
    if info.flag("rdb_bgsave_in_progress").or_else(|| info.flag("saving")) == Some(true) {
        let (done, all) = (info.real("current_save_keys_processed"), info.real("current_save_keys_total"));
        let share = match (done, all) {
            (Some(done), Some(all)) if all > 0.0 => quantity::percent((done / all).min(1.0)),
            _ => String::new(),
        };
        return joined(&["saving".to_owned(), share]);
    }
    if info.flag("aof_rewrite_in_progress") == Some(true) { "rewriting the AOF".to_owned() } else { String::new() }
}

fn ago(age: &str) -> String {
    if age == "now" { "just now".to_owned() } else { format!("{age} ago") }
}

/// The row of the replication: a primary's replicas, or a replica's primary.
///
/// # Errors
/// What INFO does not tell.
pub(super) fn replication(info: &Info, now: Wall) -> Result<Observation, String> {
    match role(info) {
        Some("primary") => primary(info, now),
        Some(role @ ("replica" | "active-replica")) => replica(info, role, now),
        _ => Err("INFO does not tell its role".to_owned()),
    }
}

fn primary(info: &Info, now: Wall) -> Result<Observation, String> {
    let count = info.number("connected_slaves").ok_or("INFO does not tell its replicas")?;
    let replicas: Vec<Replica> = info.replicas().collect();
    let own = info.number("master_repl_offset");
    let gap = |replica: &Replica| own?.checked_sub(replica.offset?);
    let widest = replicas.iter().filter(|replica| replica.is_online()).filter_map(gap).max();
    let behind: Vec<&Replica> = replicas.iter().filter(|replica| !replica.is_online()).collect();
    // Told only where `min-replicas-to-write` is set, and then one is needed at least.
    let too_few = info.number("min_slaves_good_slaves") == Some(0);
    let failing_over = info.text("master_failover_state").is_some_and(|state| state != "no-failover");
    let (verdict, first) = match behind.first() {
        _ if too_few => (Verdict::Critical, "no good replica, writes are refused (NOREPLICAS)".to_owned()),
        Some(replica) => (Verdict::Warn, format!("{} is not online: {}", replica.place, replica.state)),
        None if failing_over => (Verdict::Warn, "failing over".to_owned()),
        None => (Verdict::Ok, String::new()),
    };
    let detail = joined(&[
        first,
        if count == 0 { "no replicas".to_owned() } else { quantity::counted(count, "replica", "replicas") },
        widest.filter(|_| count > 0).map(|gap| format!("{} behind", quantity::bytes(gap))).unwrap_or_default(),
    ]);
    let places = replicas.iter().map(|replica| replica.place.as_str()).collect::<Vec<_>>().join(", ");
    let facts = known([
        ("role", Some(Fact::Text("primary".to_owned()))),
        ("replicas", Some(whole(count))),
        ("replicas_online", whole_of(replicas.iter().filter(|replica| replica.is_online()).count())),
        ("replica_places", (!places.is_empty()).then_some(Fact::Text(places))),
        ("gap_bytes", widest.map(whole)),
        ("good_replicas", info.number("min_slaves_good_slaves").map(whole)),
        ("writes_refused", Some(Fact::Bool(too_few))),
    ]);
    let trend = widest.map(|_| Trend::of("gap_bytes"));
    Ok(Observation { verdict, detail, facts, observed_at: now, trend })
}

fn whole_of(count: usize) -> Option<Fact> {
    u64::try_from(count).ok().map(whole)
}

fn replica(info: &Info, role: &str, now: Wall) -> Result<Observation, String> {
    // Of several primaries, KeyDB says in one word whether all of them are there.
    let link = info.text("master_global_link_status").or_else(|| info.text("master_link_status"));
    let link = link.ok_or("INFO does not tell its link to the primary")?;
    let host = info.text("master_host").unwrap_or("?");
    let place = format!("of {host}:{}", info.text("master_port").unwrap_or("?"));
    let received = info.number("master_last_io_seconds_ago");
    let syncing = info.flag("master_sync_in_progress") == Some(true);
    let read = info.number("slave_read_repl_offset");
    let applied = info.number("slave_repl_offset");
    let gap = read.and_then(|read| read.checked_sub(applied?));
    let silent = received.filter(|message| *message > SILENT);
    let (verdict, first) = match link {
        _ if syncing => (Verdict::Warn, synchronising(info)),
        "up" => match silent {
            Some(notice) => (Verdict::Warn, format!("its primary is silent for {}", span(notice))),
            None => (Verdict::Ok, "link up".to_owned()),
        },
        "down" => {
            let since = info.number("master_link_down_since_seconds").map(span);
            (Verdict::Critical, joined(&["link down".to_owned(), since.unwrap_or_default()]))
        }
        other => (Verdict::Unknown, format!("a link that is not known here: {other}")),
    };
    let behind = gap.filter(|gap| *gap > 0 && link == "up").map(|gap| format!("{} behind", quantity::bytes(gap)));
    let detail = joined(&[first, place, behind.unwrap_or_default()]);
    let facts = known([
        ("role", Some(Fact::Text(role.to_owned()))),
        ("primary", info.text("master_host").map(|host| Fact::Text(host.to_owned()))),
        ("primary_port", info.number("master_port").map(whole)),
        ("link", Some(Fact::Text(link.to_owned()))),
        ("link_down_s", info.number("master_link_down_since_seconds").map(whole)),
        ("last_io_s", received.map(whole)),
        ("syncing", Some(Fact::Bool(syncing))),
        ("gap_bytes", gap.map(whole)),
        ("replicas", info.number("connected_slaves").map(whole)),
    ]);
    let trend = gap.map(|_| Trend::of("gap_bytes"));
    Ok(Observation { verdict, detail, facts, observed_at: now, trend })
}

fn synchronising(info: &Info) -> String {
    let done = info.real("master_sync_perc").filter(|percent| *percent >= 0.0);
    joined(&["synchronising".to_owned(), done.map(|done| quantity::percent(done / 100.0)).unwrap_or_default()])
}
