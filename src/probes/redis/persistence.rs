//! The row of what outlives a server: its snapshots, and its append-only file.

use crate::domain::{Fact, Observation, Verdict, Wall, quantity};
use crate::probes::redis::info::{Gaps, Info, joined, known, whole};
use crate::probes::redis::saved::Saved;
use crate::probes::redis::server::role;

/// What the settings say; none where CONFIG is not to be had.
#[derive(Clone, Copy, Default)]
pub(super) struct Settings<'a> {
    /// `save`.
    pub(super) schedule: Option<&'a str>,
    /// `stop-writes-on-bgsave-error`.
    pub(super) strict: Option<bool>,
}

/// What INFO says of how the data are kept.
struct Kept {
    /// Whether the last save went well.
    saved: Option<bool>,
    last: Option<Saved>,
    aof: Option<bool>,
    aof_written: Option<bool>,
    aof_rewritten: Option<bool>,
}

impl Kept {
    fn of(info: &Info, settings: Settings, gaps: &mut Gaps, now: Wall) -> Self {
        let saved = gaps.keep(info.save_status());
        // Where nothing is saved by itself, no one waits for a save.
        let last = match settings.schedule {
            Some("") => info.last_save(now).ok(),
            _ => gaps.keep(info.last_save(now)),
        };
        gaps.flag_if_there("rdb_bgsave_in_progress");
        let aof = gaps.flag("aof_enabled").or_else(|| is_dragonfly(info).then_some(false));
        let in_use = aof == Some(true);
        Self {
            saved,
            last,
            aof,
            aof_written: in_use.then(|| gaps.status("aof_last_write_status")).flatten(),
            aof_rewritten: in_use.then(|| gaps.status("aof_last_bgrewrite_status")).flatten(),
        }
    }

    /// Whether writes are answered with -MISCONF; none where what decides it is not known.
    ///
    /// After the rules of `writeCommandsDeniedByDiskError` in config.c and server.c: a failed AOF write, or a failed save while
    /// saves are scheduled and `stop-writes-on-bgsave-error` is set; on a primary.
    fn refuses_writes(&self, info: &Info, settings: Settings) -> Option<bool> {
        let takes_writes = matches!(role(info)?, "primary" | "active-replica");
        // Dragonfly has no such rule.
        if !takes_writes || is_dragonfly(info) {
            return Some(false);
        }
        match (self.aof?, self.aof_written) {
            (true, Some(false)) => return Some(true),
            (true, None) => return None,
            _ => {}
        }
        match (self.saved?, settings.schedule, settings.strict) {
            (true, ..) | (_, Some(""), _) | (.., Some(false)) => Some(false),
            (false, Some(_), Some(true)) => Some(true),
            _ => None,
        }
    }

    fn judge(&self, settings: Settings, refuses: Option<bool>) -> (Verdict, String) {
        let consequence = match refuses {
            Some(true) => ", writes are refused (MISCONF)",
            Some(false) => "",
            None => ", writes may be refused (MISCONF)",
        };
        if self.aof_written == Some(false) {
            return (Verdict::Critical, format!("the AOF cannot be written{consequence}"));
        }
        if self.saved == Some(false) {
            // A save that only somebody asked for, where none is scheduled, is not what the data depends on.
            let verdict = if settings.schedule == Some("") { Verdict::Warn } else { Verdict::Critical };
            return (verdict, format!("the last save failed{consequence}"));
        }
        if self.aof_rewritten == Some(false) {
            return (Verdict::Warn, "the last rewrite of the AOF failed".to_owned());
        }
        (Verdict::Ok, String::new())
    }
}

/// The row of the persistence.
pub(super) fn persistence(info: &Info, settings: Settings, now: Wall) -> Observation {
    let mut gaps = Gaps::of(info);
    let kept = Kept::of(info, settings, &mut gaps, now);
    let at = match kept.last {
        Some(Saved::At(at)) => Some(at),
        _ => None,
    };
    // Both moments are of the server's clock, where it tells it.
    let age = at.map(|at| info.clock().unwrap_or(now).since(at));
    let refuses = kept.refuses_writes(info, settings);
    let (verdict, first) = kept.judge(settings, refuses);
    let changes = info.unsaved();
    let unsaved = match changes {
        Some(changes) if changes > 0 => quantity::counted(changes, "change since", "changes since"),
        _ => String::new(),
    };
    let plain = match (settings.schedule, kept.aof) {
        (Some(""), Some(false)) => "kept nowhere: no save, no AOF".to_owned(),
        (_, Some(true)) => "AOF".to_owned(),
        _ => String::new(),
    };
    let when = match (kept.last, age) {
        _ if settings.schedule == Some("") && kept.saved != Some(false) => String::new(),
        (Some(Saved::Never), _) => "never saved since its start".to_owned(),
        (_, Some(age)) => format!("saved {}", ago(&quantity::age(age))),
        _ => String::new(),
    };
    let detail = joined(&[first, gaps.words(), progress(info), plain, when, unsaved]);
    let text = |key: &str| info.text(key).map(|text| Fact::Text(text.to_owned()));
    let flag = |key: &str| info.flag(key).map(Fact::Bool);
    let facts = known([
        ("rdb_last_status", kept.saved.map(|well| Fact::Text(if well { "ok" } else { "err" }.to_owned()))),
        ("saved_since_start", kept.last.map(|last| Fact::Bool(last != Saved::Never))),
        ("rdb_last_save_at", at.map(|at| Fact::Text(at.0.to_string()))),
        ("rdb_last_save_age_s", age.map(|age| whole(age.as_secs()))),
        ("rdb_in_progress", flag("rdb_bgsave_in_progress").or_else(|| flag("saving"))),
        ("changes_since_save", changes.map(whole)),
        ("save_schedule", settings.schedule.map(|text| Fact::Text(text.to_owned()))),
        ("aof_enabled", kept.aof.map(Fact::Bool)),
        ("aof_last_write_status", text("aof_last_write_status")),
        ("aof_last_rewrite_status", text("aof_last_bgrewrite_status")),
        ("aof_rewrite_in_progress", flag("aof_rewrite_in_progress")),
        ("aof_size_bytes", info.number("aof_current_size").map(whole)),
        ("writes_refused", refuses.map(Fact::Bool)),
        ("not_known", gaps.fact()),
    ]);
    Observation { verdict: gaps.judge(verdict), detail, facts, observed_at: now, trend: None }
}

fn is_dragonfly(info: &Info) -> bool {
    info.product().0 == "dragonfly"
}

/// What is being written at the moment.
fn progress(info: &Info) -> String {
    if info.flag("rdb_bgsave_in_progress").or_else(|| info.flag("saving")) == Some(true) {
        let (done, all) = (info.real("current_save_keys_processed"), info.real("current_save_keys_total"));
        let share = match (done, all) {
            (Some(done), Some(all)) if done >= 0.0 && all > 0.0 => quantity::percent((done / all).min(1.0)),
            _ => String::new(),
        };
        return joined(&["saving".to_owned(), share]);
    }
    if info.flag("aof_rewrite_in_progress") == Some(true) { "rewriting the AOF".to_owned() } else { String::new() }
}

fn ago(age: &str) -> String {
    if age == "now" { "just now".to_owned() } else { format!("{age} ago") }
}
