//! The sessions that a program opens at its database: names them before it starts, watches them while they wait, ends
//! them after it was stopped.

use crate::probes::postgres::connect::act::{client_check, version_to_act};
use crate::probes::postgres::connect::{Session, connect};
use crate::runner::adapters::Variables;
use crate::runner::adapters::reach::Reach;
use crate::runner::adapters::sql::blockers;
use crate::runner::adapters::sql::connection::finish;
use crate::runner::failpoint;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The variables of libpq for the name of a session and for its settings.
const NAME: &str = "PGAPPNAME";
const OPTIONS: &str = "PGOPTIONS";
/// The longest name of a session, in bytes. Source: PostgreSQL 18 manual, 19.8 (`NAMEDATALEN` less one).
const LONGEST: usize = 63;
/// How long a session has to react to a cancellation before it is terminated, and how long all of them have to end.
const CANCELLED: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(10);
/// After how long the blockers of a session are first looked up, and how often again.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const NEXT_LOOK: Duration = Duration::from_secs(5);
/// The pause between two looks at the remaining sessions.
const LOOK: Duration = Duration::from_millis(200);

/// The result for the sessions of a stopped program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How many were left, and ended.
    pub ended: u32,
    /// The server's processes that did not end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<i64>,
    /// Why the server could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Ended {
    /// In words, if there is something to report.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        if let Some(why) = &self.why {
            return Some(format!("its sessions at the server may still be there: {why}"));
        }
        if !self.left.is_empty() {
            let pids: Vec<String> = self.left.iter().map(i64::to_string).collect();
            let pids = pids.join(", ");
            return Some(format!("its sessions did not end at the server: pg_terminate_backend of {pids} ends them"));
        }
        (self.ended > 0).then(|| format!("ended {} of its sessions at the server", self.ended))
    }
}

/// The name of an attempt's sessions.
fn name(run: &str, attempt: &str) -> String {
    format!("midwatch {run} {attempt}")
}

impl Reach {
    /// Names the sessions that a program will open, and makes the server check their client. Settings of the estate
    /// or the procedure are kept: their name comes before ours, and their options before ours.
    ///
    /// # Errors
    /// A pooler stands before the server: programs set what they need for a whole session.
    pub fn name_sessions(&self, env: &mut Variables, run: &str, attempt: &str) -> Result<(), String> {
        let ours = name(run, attempt);
        let theirs = env.get(NAME).map(|theirs| truncated(theirs, LONGEST.saturating_sub(ours.len() + 1)).to_owned());
        env.insert(NAME.to_owned(), theirs.map_or_else(|| ours.clone(), |theirs| format!("{theirs} {ours}")));
        let Some(way) = &self.way else { return Ok(()) };
        let version = finish(version_to_act(&way.access())).map_err(|error| error.message)?;
        let check = match version {
            Ok(version) => client_check(version),
            Err(failure) if failure.is_of_pooler() => return Err(format!("{}: {failure}", self.name)),
            // The program gets the same error, and reports it.
            Err(_) => None,
        };
        if let Some(check) = check {
            let options = env.get(OPTIONS).map_or_else(|| check.clone(), |theirs| format!("{theirs} {check}"));
            env.insert(OPTIONS.to_owned(), options);
        }
        Ok(())
    }

    /// A pipe with a line about whom the sessions of an attempt wait for, whenever that changes. The thread ends when
    /// the pipe is closed or this process ends. None if it cannot be created.
    #[must_use]
    pub fn waits(&self, run: String, attempt: String) -> Option<OwnedFd> {
        let (read, mut write) = io::pipe().ok()?;
        let own = self.clone();
        std::thread::spawn(move || own.print_waits(&name(&run, &attempt), &mut write));
        Some(read.into())
    }

    fn print_waits(&self, name: &str, out: &mut impl Write) {
        let Some(way) = &self.way else { return };
        let _ = finish(async {
            let (mut known, mut session) = (String::new(), None);
            let mut pause = failpoint::span("WAITS_FIRST", FIRST_LOOK);
            loop {
                tokio::time::sleep(pause).await;
                pause = failpoint::span("WAITS_LOOK", NEXT_LOOK);
                if session.as_ref().is_none_or(Session::is_over) {
                    session = connect(&way.access()).await.ok();
                }
                let Some(session) = &session else { continue };
                let Ok((pids, who)) = blockers::blocking_named(session, name).await else { continue };
                if pids != known && !who.is_empty() && writeln!(out, "it waits for {}", who.join("; ")).is_err() {
                    return;
                }
                known = pids;
            }
        });
    }

    /// Ends the remaining sessions of an attempt: cancels each, then terminates it, as the role that opened it.
    #[must_use]
    pub fn end_sessions(&self, run: &str, attempt: &str) -> Ended {
        let Some(way) = &self.way else { return Ended::default() };
        let ended = finish(async {
            match connect(&way.access()).await {
                Ok(session) => end(&session, &name(run, attempt)).await,
                Err(why) => Err(why),
            }
        });
        let ended = ended.unwrap_or_else(|error| Err(error.message));
        ended.unwrap_or_else(|why| Ended { why: Some(why), ..Ended::default() })
    }
}

async fn end(session: &Session, name: &str) -> Result<Ended, String> {
    let began = Instant::now();
    let limit = failpoint::span("SESSIONS", LIMIT);
    let mut first = None;
    loop {
        let act = if began.elapsed() < CANCELLED { "pg_cancel_backend" } else { "pg_terminate_backend" };
        let asked = format!(
            "SELECT pid, {act}(pid) FROM pg_stat_activity WHERE right(application_name, {}) = '{name}' AND pid <> pg_backend_pid()",
            name.len()
        );
        let lines = session.rows(&asked).await?;
        let left: Vec<i64> = lines.iter().filter_map(|line| line.int("pid")).collect();
        let found = *first.get_or_insert(left.len());
        if left.is_empty() || began.elapsed() >= limit {
            let ended = u32::try_from(found.saturating_sub(left.len())).unwrap_or(u32::MAX);
            return Ok(Ended { ended, left, why: None });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The beginning of a text, cut at a character boundary.
fn truncated(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
