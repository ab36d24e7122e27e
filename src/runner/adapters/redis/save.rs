//! Saves the data, and rewrites the append-only file: requested once, and watched to its end.
//!
//! Source: <https://redis.io/docs/latest/commands/info/>, "persistence". A save already under way ends first: it does
//! not hold what was written since it began.

use crate::journal::record::Ending;
use crate::probes::redis::Info;
use crate::probes::redis::session::{Failure, Session};
use crate::runner::adapters::ActEnd;
use crate::runner::adapters::redis::act::{Work, counted, ended};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The pause between two looks.
const GLANCE: Duration = Duration::from_millis(100);

/// When the data was last saved, in seconds, and how often if the server counts it.
pub(super) fn saved(info: &Info) -> (u64, Option<u64>) {
    (info.number("rdb_last_save_time").unwrap_or_default(), info.number("rdb_saves"))
}

/// Whether a save ended between two looks.
pub(super) fn has_changed(before: (u64, Option<u64>), now: (u64, Option<u64>)) -> bool {
    match (before.1, now.1) {
        (Some(before), Some(now)) => now > before,
        _ => now.0 > before.0,
    }
}

/// The result of a wait: INFO at that moment, or an end.
type Waited = Result<Info, ActEnd>;

/// Waits until neither a save nor a rewrite runs.
async fn idle(work: &Work<'_>, session: &mut Session, begun: Option<&str>, out: &mut dyn Write) -> Waited {
    let mut is_stated = false;
    loop {
        let info = session.info().await.map_err(|failure| match begun {
            Some(what) => {
                let why = format!("{what} was begun, and the server does not answer: {}", failure.reason);
                ActEnd::new(Ending::Unknown, why)
            }
            None => ActEnd::new(Ending::Failed, format!("nothing was done: {}", failure.reason)),
        })?;
        let flags = ["rdb_bgsave_in_progress", "saving", "aof_rewrite_in_progress", "aof_rewrite_scheduled"];
        if !flags.iter().any(|flag| info.flag(flag) == Some(true)) {
            return Ok(info);
        }
        if !is_stated {
            let _ = writeln!(out, "the server is at work on its files");
            is_stated = true;
        }
        if work.cancel.load(Ordering::Relaxed) {
            let why = match begun {
                Some(what) => format!("stopped; {what} continues at the server"),
                None => "stopped before it began".to_owned(),
            };
            return Err(ActEnd::new(Ending::Cancelled, why));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Saves the data.
pub(super) async fn save(work: &Work<'_>, session: &mut Session, background: bool, out: &mut dyn Write) -> ActEnd {
    let before = match idle(work, session, None, out).await {
        Ok(info) => saved(&info),
        Err(end) => return end,
    };
    let command = if background { "BGSAVE" } else { "SAVE" };
    if let Err(failure) = session.ask(&[command]).await {
        return refused(&failure);
    }
    let info = match idle(work, session, Some("the save"), out).await {
        Ok(info) => info,
        Err(end) => return end,
    };
    match info.save_went_well() {
        Some(false) if background => {
            return ActEnd::new(Ending::Failed, "the save failed; see the server's log");
        }
        None if background => {
            return ActEnd::new(Ending::Unknown, "the save was begun, and INFO does not say how it ended");
        }
        _ => {}
    }
    if !has_changed(before, saved(&info)) && background && info.number("rdb_saves").is_some() {
        return ActEnd::new(Ending::Failed, "the save ended, and the server counts none");
    }
    let took = info.number("rdb_last_bgsave_time_sec").filter(|_| background);
    let took = took.map(|seconds| format!(" in {seconds} s")).unwrap_or_default();
    counted(Ending::Ok, format!("saved{took}"), "saved", 1)
}

/// Rewrites the append-only file.
pub(super) async fn rewrite(work: &Work<'_>, session: &mut Session, out: &mut dyn Write) -> ActEnd {
    let before = match idle(work, session, None, out).await {
        Ok(info) => info.number("aof_rewrites"),
        Err(end) => return end,
    };
    if let Err(failure) = session.ask(&["BGREWRITEAOF"]).await {
        return refused(&failure);
    }
    let info = match idle(work, session, Some("the rewrite"), out).await {
        Ok(info) => info,
        Err(end) => return end,
    };
    match info.went_well("aof_last_bgrewrite_status") {
        Some(true) => {}
        Some(false) => return ActEnd::new(Ending::Failed, "the rewrite failed; see the server's log"),
        None => return ActEnd::new(Ending::Unknown, "the rewrite was begun, and INFO does not say how it ended"),
    }
    if before.zip(info.number("aof_rewrites")).is_some_and(|(before, now)| now <= before) {
        return ActEnd::new(Ending::Failed, "the rewrite ended, and the server counts none");
    }
    counted(Ending::Ok, "rewrote the append-only file".to_owned(), "rewritten", 1)
}

fn refused(failure: &Failure) -> ActEnd {
    ended(failure)
}
