//! How far standbys are behind: by bytes, which is the alarm, and by time where the server knows one.
//!
//! ```text
//!  primary: written ─> sent ─> replayed, of each standby     slots: what is kept for whom
//!  standby: the primary's end ─> received ─> replayed        the receiver: streaming, silent, gone
//! ```
//! Source: PostgreSQL 18 manual, 27.2.4, 27.2.6 and 53.20; 9.27.4 for the functions of a standby.

use crate::domain::{Fact, Observation, Verdict, quantity};
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::kept::Kept;
use crate::probes::postgres::slots::{self, SLOTS};
use crate::probes::postgres::story::Story;
use crate::probes::postgres::{About, plain, synchronous, text};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Bytes behind from which on to warn and to be critical: four WAL segments, and 64 of them.
const BEHIND_WARN: i64 = 64 << 20;
const BEHIND_CRITICAL: i64 = 1 << 30;
/// A primary speaks at least every half of `wal_sender_timeout`; silent for all of it (60 s), its link is dead.
const SILENT: f64 = 60.0;

/// The standbys of a server. A base backup is no standby. The details are `pg_monitor`'s to see.
const STANDBYS: &str = "SELECT coalesce(nullif(application_name, ''), host(client_addr), pid::text) AS name, \
    application_name AS application, state, sync_state, extract(epoch FROM replay_lag) AS lag_s, \
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END - replay_lsn)::bigint AS lag_bytes \
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY lag_bytes DESC NULLS LAST, pid";
/// A standby's own view. `latest_end_lsn` is how far the primary said that it is.
const RECEIVER: &str = "SELECT r.pid IS NOT NULL AS present, r.status, r.slot_name, r.sender_host, \
    extract(epoch FROM clock_timestamp() - r.last_msg_receipt_time) AS silent_s, \
    (greatest(pg_last_wal_receive_lsn(), r.latest_end_lsn) - pg_last_wal_replay_lsn())::bigint AS lag_bytes, \
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS replayed_s, \
    pg_is_wal_replay_paused() AS paused, current_setting('recovery_min_apply_delay') AS delay \
    FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS r ON true";

/// How long a standby that has gone is told of.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// The standbys that were seen streaming, and when last: one that goes away leaves no row on the server.
#[derive(Default)]
pub(super) struct Standbys {
    known: BTreeMap<String, Instant>,
}

impl Standbys {
    /// Reads a primary's standbys and slots, or a standby's receiver with its own standbys and slots.
    pub async fn read(&mut self, session: &Session, about: &About, kept: Kept) -> Result<Observation, Failure> {
        let mut story = Story::new(about.standby);
        if about.standby {
            receiver(&session.row(RECEIVER).await?, about, &mut story);
        }
        let all = session.rows(STANDBYS).await?;
        let (receivers, standbys): (Vec<&Line>, Vec<&Line>) = all.iter().partition(|line| only_receives(line));
        self.judge(&standbys, about, &mut story);
        if !receivers.is_empty() {
            story.facts.insert("receivers", Fact::Int(i64::try_from(receivers.len()).unwrap_or(i64::MAX)));
            let names: Vec<&str> = receivers.iter().filter_map(|line| line.text("name")).collect();
            story.add(Verdict::Ok, format!("WAL without replay: {}", names.join(", ")));
        }
        slots::judge(&session.rows(SLOTS).await?, about, kept, &mut story);
        if !about.standby {
            synchronous::read(session, &all, about, &mut story).await?;
        }
        Ok(story.end())
    }

    fn judge(&mut self, standbys: &[&Line], about: &About, story: &mut Story) {
        story.facts.insert("standbys", Fact::Int(i64::try_from(standbys.len()).unwrap_or(i64::MAX)));
        let hidden = standbys.iter().any(|line| line.text("state").is_none());
        if hidden && !about.monitor {
            let many = quantity::counted(standbys.len() as u64, "standby", "standbys");
            story.facts.extend(about.remedy());
            story.add(Verdict::Unknown, format!("{many}, lag hidden, needs pg_monitor"));
            return;
        }
        self.known.retain(|_, seen| seen.elapsed() < REMEMBERED);
        let is_here = |name: &str| standbys.iter().any(|line| line.text("name") == Some(name));
        let gone: Vec<&str> = self.known.keys().map(String::as_str).filter(|name| !is_here(name)).collect();
        if !gone.is_empty() {
            story.facts.insert("standbys_gone", Fact::Text(gone.join(", ")));
            story.add(Verdict::Warn, format!("{} gone", gone.join(", ")));
        }
        match standbys.first() {
            Some(worst) => standby(worst, standbys, about, story),
            None if self.known.is_empty() && !about.standby => story.add(Verdict::Ok, "no standby"),
            None => {}
        }
        let streaming = standbys.iter().filter(|line| line.text("state") == Some("streaming"));
        self.known.extend(streaming.filter_map(|line| Some((line.text("name")?.to_owned(), Instant::now()))));
    }
}

/// Whether it keeps WAL or changes and replays none: `pg_receivewal` and its like report no place of replay, however long they stream.
fn only_receives(line: &Line) -> bool {
    let known = matches!(line.text("application"), Some("pg_receivewal" | "pg_recvlogical"));
    known || (line.text("state") == Some("streaming") && line.text("lag_bytes").is_none())
}

/// Judges by the standby that is furthest behind, and by any that does not stream.
fn standby(worst: &Line, all: &[&Line], about: &About, story: &mut Story) {
    let name = worst.text("name").unwrap_or_default();
    let states = ["state", "sync_state"].into_iter();
    story.facts.extend(states.filter_map(|column| Some((column, text(worst, column)?))));
    story.facts.insert("standby", Fact::Text(name.to_owned()));
    let others = match all.len() {
        1 => String::new(),
        many => format!(" (worst of {many})"),
    };
    match worst.int("lag_bytes") {
        Some(bytes) => {
            let seconds = worst.real("lag_s");
            // A standby's own lag is its row's figure; those below it are told in words.
            if !about.standby {
                story.behind(bytes, seconds);
            }
            story.add(verdict(bytes, BEHIND_WARN, BEHIND_CRITICAL), format!("{name}{others} {}", lag(bytes, seconds)));
        }
        None => story.add(Verdict::Unknown, format!("{name}{others}: its position is not known yet")),
    }
    for line in all.iter().filter(|line| line.text("state") != Some("streaming")) {
        let (name, state) = (line.text("name").unwrap_or_default(), line.text("state").unwrap_or("hidden"));
        story.add(Verdict::Warn, format!("{name} is in {state}"));
    }
}

/// A standby's own lag.
fn receiver(line: &Line, about: &About, story: &mut Story) {
    let (bytes, paused) = (line.int("lag_bytes"), line.flag("paused").unwrap_or(false));
    story.facts.insert("replay_paused", Fact::Bool(paused));
    let status = line.text("status");
    let receiver = if line.flag("present") == Some(true) { status.unwrap_or("hidden") } else { "none" };
    story.facts.insert("receiver", Fact::Text(receiver.to_owned()));
    let texts = [("slot_name", "slot_name"), ("sender_host", "sender_host")];
    story.facts.extend(texts.into_iter().filter_map(|(fact, column)| Some((fact, text(line, column)?))));
    let silent = line.real("silent_s");
    story.facts.extend(silent.map(|seconds| ("receiver_silent_s", Fact::Real(seconds))));
    let span = |seconds: f64| quantity::span(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let unknown = match (receiver, silent) {
        ("none", _) => Some("no link to the primary, lag unknown".to_owned()),
        ("hidden", _) if !about.monitor => Some("lag unknown: the link's state needs pg_monitor".to_owned()),
        ("streaming", Some(silent)) if silent > SILENT => {
            Some(format!("lag unknown: nothing from the primary for {}", span(silent)))
        }
        ("streaming", _) => None,
        (other, _) => Some(format!("lag unknown: the receiver is {other}")),
    };
    let delay = line.text("delay").filter(|delay| *delay != "0");
    story.facts.extend(delay.map(|delay| ("apply_delay", Fact::Text(delay.to_owned()))));
    match (unknown, bytes) {
        // What was received and not replayed is known all the same.
        (Some(why), bytes) => {
            story.facts.extend(bytes.map(|bytes| ("unreplayed_bytes", Fact::Int(bytes))));
            story.add(Verdict::Unknown, why);
        }
        (None, Some(bytes)) => {
            // Caught up, the time since the last transaction says only that the primary is idle.
            let seconds = if bytes > 0 { line.real("replayed_s") } else { Some(0.0) };
            story.behind(bytes, seconds);
            let late = if delay.is_some() { Verdict::Ok } else { verdict(bytes, BEHIND_WARN, BEHIND_CRITICAL) };
            let meant = delay.map(|delay| format!(", delayed by {delay} on purpose")).unwrap_or_default();
            story.add(late, format!("{}{meant}", lag(bytes, seconds.filter(|_| bytes > 0))));
        }
        (None, None) => story.add(Verdict::Unknown, "lag unknown: nothing was replayed yet"),
    }
    if paused {
        story.add(Verdict::Warn, "replay is paused");
    }
}

fn verdict(figure: i64, warn: i64, critical: i64) -> Verdict {
    match figure {
        _ if figure >= critical => Verdict::Critical,
        _ if figure >= warn => Verdict::Warn,
        _ => Verdict::Ok,
    }
}

/// `lag 0 B`, `lag 8.1 MiB, 12 s`.
fn lag(bytes: i64, seconds: Option<f64>) -> String {
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.map(|time| format!(", {}", quantity::span(time))).unwrap_or_default();
    format!("lag {}{time}", quantity::bytes(plain(bytes)))
}
