//! Runs one statement over `act`, on exactly the server and the objects that were shown.
//!
//! ```text
//! connect ─▶ is it the server, are these the objects? ─▶ the statement ─▶ answered: done, or why not
//!                                                        ├─ lock timeout: who is in the way, wait, again (5 times)
//!                                                        ├─ cancel: the server is asked to stop, and answers
//!                                                        └─ connection lost: the outcome is unknown
//! ```

use crate::domain::quantity::counted;
use crate::journal::record::Ending;
use crate::probes::postgres::connect::act::{Acting, Done, Notice, connect_to_act};
use crate::probes::postgres::connect::{Failure, Session, connect};
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::sql::frozen::{Head, Object};
use crate::runner::adapters::sql::shape::{Shape, shape};
use crate::runner::adapters::sql::{Ask, Spec, blockers, check, connection, look, short};
use crate::runner::adapters::{self as common, ActEnd};
use crate::runner::failpoint;
use std::cell::RefCell;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the statement is tried again after a lock timeout, and the first pause; each pause is twice the previous
/// one.
const TRIES: u32 = 5;
const BACKOFF: Duration = Duration::from_secs(1);
/// After how long the blockers of a statement are first looked up, and how often again.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const NEXT_LOOK: Duration = Duration::from_secs(5);
/// How often a wait checks for cancellation.
const GLANCE: Duration = Duration::from_millis(50);
/// How often the cancel request is repeated, and after how long it is reported as unanswered.
const ASK_AGAIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(8);
/// `lock_not_available` and `query_canceled`. Source: PostgreSQL 18 manual, appendix A.
const NO_LOCK: &str = "55P03";
const CANCELLED: &str = "57014";

/// Acts, or looks if the action only reads.
pub(in super::super) fn act(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return ActEnd::new(Ending::Failed, format!("nothing was done: {}", error.message)),
    };
    let Ask::Statement { sql, lock_timeout_ms, undo } = &spec.ask else {
        return check::ask(action, &spec, out, cancel);
    };
    let frozen = frozen::whole::<Head>(set).and_then(|(head, objects)| {
        let fits = *undo || head.statement == *sql;
        if fits { Ok((head, objects)) } else { Err(common::not_a_set("it belongs to another statement")) }
    });
    let (head, objects) = match frozen {
        Ok(frozen) => frozen,
        Err(error) => return ActEnd::new(Ending::Failed, format!("nothing was done: {}", error.message)),
    };
    let work = Work {
        spec: &spec,
        sql,
        lock_timeout: Duration::from_millis(*lock_timeout_ms),
        shape: shape(sql),
        head,
        objects: if *undo { Vec::new() } else { objects },
        cancel,
    };
    connection::finish(work.whole(set, out)).unwrap_or_else(|error| ActEnd::new(Ending::Failed, error.message))
}

/// One act.
pub(super) struct Work<'a> {
    spec: &'a Spec,
    pub(super) sql: &'a str,
    lock_timeout: Duration,
    pub(super) shape: Shape,
    head: Head,
    objects: Vec<Object>,
    pub(super) cancel: &'a AtomicBool,
}

/// The result of one try.
enum Try {
    Done(Done),
    /// A lock timeout, with the last known blockers.
    NoLock(Failure, Option<String>),
    Over(ActEnd),
}

impl Work<'_> {
    async fn whole(&self, set: &mut dyn BufRead, out: &mut dyn Write) -> ActEnd {
        let nothing = |why: &str| ActEnd::new(Ending::Failed, format!("nothing was done: {why}"));
        // A read needs no right to act.
        let Some(way) = self.spec.act.as_ref().or(self.spec.watch.as_ref()) else {
            return nothing(&self.spec.no_way().message);
        };
        let mut acting = match connect_to_act(&way.access(), self.lock_timeout).await {
            Ok(acting) => acting,
            Err(failure) if may_pass(&failure) => return nothing(&failure.reason).to_try_again(),
            Err(failure) => return nothing(&failure.reason),
        };
        if let Err(why) = self.matches_set(acting.session()).await {
            return nothing(&why);
        }
        let bare = acting.session().is_bare().map(|why| format!(", not encrypted ({why})")).unwrap_or_default();
        let _ = writeln!(out, "process {} of {}{bare}", acting.pid, acting.session().server());
        let mut skipped = Vec::new();
        // An undo has its own rows.
        if let Some(rows) = self.head.rows.as_ref().filter(|_| !self.objects.is_empty()) {
            return self.on_rows(&mut acting, rows, set, out, &mut skipped).await;
        }
        if self.cancel.load(Ordering::Relaxed) {
            return ActEnd::new(Ending::Cancelled, "stopped before it began");
        }
        match self.with_retries(&mut acting, self.sql, out, &mut skipped).await {
            Ok(done) => self.done(&done, &skipped),
            Err(end) => self.with_leftovers(acting.session(), end).await,
        }
    }

    /// Runs a statement, again after each lock timeout.
    pub(super) async fn with_retries(
        &self,
        acting: &mut Acting,
        sql: &str,
        out: &mut dyn Write,
        skipped: &mut Vec<String>,
    ) -> Result<Done, ActEnd> {
        let mut tries = 0;
        loop {
            match self.once(acting, sql, out, skipped).await {
                Try::Done(done) => return Ok(done),
                Try::Over(end) => return Err(end),
                Try::NoLock(failure, last) => {
                    let blockers = self.blockers(acting.pid, last).await;
                    tries += 1;
                    if let Some(end) = self.again(tries, &failure, &blockers, out).await {
                        return Err(end);
                    }
                }
            }
        }
    }

    /// Whether server and objects are those of the set.
    async fn matches_set(&self, session: &Session) -> Result<(), String> {
        let server = look::server(session).await?;
        if (&server.system, &server.database) != (&self.head.system, &self.head.database) {
            return Err(format!(
                "`act` connects to another server or database than the one shown: {}",
                session.server()
            ));
        }
        if server.standby {
            return Err("the server is a standby, which takes no changes".to_owned());
        }
        let oids: Vec<i64> = self.objects.iter().map(|object| object.oid).collect();
        let now = look::by_oid(session, &oids).await?;
        for object in &self.objects {
            let found = now.iter().any(|seen| object.is(&seen.object));
            if !found {
                return Err(format!("{} is not the {} that was shown any more", object.called(), object.kind));
            }
        }
        Ok(())
    }

    /// Runs the statement once and waits for its end.
    async fn once(&self, acting: &mut Acting, sql: &str, out: &mut dyn Write, skipped: &mut Vec<String>) -> Try {
        let (canceller, pid) = (acting.canceller(), acting.pid);
        let out = RefCell::new(out);
        let hear = |notice: Notice| {
            let _ = writeln!(out.borrow_mut(), "{}: {}", notice.severity, notice.text);
            if notice.is_skipped {
                skipped.push(notice.text);
            }
        };
        let mut asked: Option<Instant> = None;
        let mut waited: Option<(String, String)> = None;
        let answer = {
            let work = acting.carry_out(sql, hear);
            let wait = self.next_wait(pid, None);
            tokio::pin!(work, wait);
            loop {
                tokio::select! {
                    answer = &mut work => break Some(answer),
                    (pids, who) = &mut wait, if asked.is_none() => {
                        let _ = writeln!(out.borrow_mut(), "it waits for {who}");
                        wait.set(self.next_wait(pid, Some(pids.clone())));
                        waited = Some((pids, who));
                    }
                    () = cancelled(self.cancel), if asked.is_none() => {
                        asked = Some(Instant::now());
                        let _ = canceller.cancel().await;
                    }
                    () = tokio::time::sleep(ASK_AGAIN), if asked.is_some() => {
                        if asked.is_some_and(|asked| asked.elapsed() >= PATIENCE) {
                            break None;
                        }
                        let _ = canceller.cancel().await;
                    }
                }
            }
        };
        let failure = match answer {
            Some(Ok(done)) => return Try::Done(done),
            Some(Err(failure)) => failure,
            None => {
                let why = format!("the server was asked to stop, and its process {pid} has not answered");
                return Try::Over(ActEnd::new(Ending::Unknown, why));
            }
        };
        let lost = acting.session().is_over();
        match failure.code.as_deref() {
            Some(NO_LOCK) if asked.is_none() && !lost => Try::NoLock(failure, waited.map(|(_, who)| who)),
            Some(CANCELLED) if asked.is_some() => {
                Try::Over(ActEnd::new(Ending::Cancelled, format!("the server stopped it: {}", failure.reason)))
            }
            Some(code) if !lost && !is_of_connection(code) => {
                Try::Over(ActEnd::new(Ending::Failed, format!("{} ({})", failure.reason, in_words(code))))
            }
            _ => {
                let why = format!("the connection was lost in mid-statement: {}", failure.reason);
                Try::Over(ActEnd::new(Ending::Unknown, why))
            }
        }
    }

    /// Waits until other sessions than `known` block this one, as `watch` sees it: their pids, and their
    /// descriptions.
    async fn next_wait(&self, pid: i64, known: Option<String>) -> (String, String) {
        let mut pause = failpoint::span("WAITS_FIRST", FIRST_LOOK.min(self.lock_timeout / 2));
        let mut session = None;
        loop {
            tokio::time::sleep(pause).await;
            pause = failpoint::span("WAITS_LOOK", NEXT_LOOK);
            if session.as_ref().is_none_or(Session::is_over) {
                let Ok(way) = self.spec.watch() else { continue };
                session = connect(&way.access()).await.ok();
            }
            let Some(session) = &session else { continue };
            if let Ok((pids, who)) = blockers::blocking(session, pid).await
                && !who.is_empty()
                && known.as_ref() != Some(&pids)
            {
                return (pids, who.join("; "));
            }
        }
    }

    /// The current blockers, as `watch` sees them, or the last known ones.
    async fn blockers(&self, own: i64, last: Option<String>) -> String {
        let asked = async {
            let session = connect(&self.spec.watch().map_err(|error| error.message)?.access()).await?;
            let mut oids: Vec<i64> = self.objects.iter().map(|object| object.oid).collect();
            let now = look::by_oid(&session, &oids).await?;
            oids.extend(now.iter().filter_map(|seen| seen.table_oid));
            let mut found = match self.shape.lock {
                Some(lock) => look::in_the_way(&session, &oids, lock, own).await?,
                None => Vec::new(),
            };
            if self.shape.concurrently {
                found.extend(blockers::waited_for(&session, &oids, own).await?);
            }
            Ok::<_, String>(found)
        };
        let found = asked.await;
        match (found, last) {
            (Ok(found), _) if !found.is_empty() => found.join("; "),
            (_, Some(last)) => format!("it waited for {last}"),
            (Ok(_), None) => "nothing is in the way any more that could be named".to_owned(),
            (Err(why), None) => format!("who is not known: {why}"),
        }
    }

    /// Waits before the next try; `Some` if there is none.
    async fn again(&self, tries: u32, failure: &Failure, blockers: &str, out: &mut dyn Write) -> Option<ActEnd> {
        let waited = short(self.lock_timeout);
        let text = format!("no lock within {waited}: {blockers}");
        if self.shape.concurrently {
            // Each try may leave an invalid index.
            let why = format!("{text}; it is not tried again by itself ({})", failure.reason);
            return Some(ActEnd::new(Ending::Failed, why));
        }
        if tries > TRIES {
            return Some(ActEnd::new(Ending::Failed, format!("gave up after {tries} tries, {text}")));
        }
        let wait = failpoint::span("LOCK_BACKOFF", BACKOFF).saturating_mul(1 << (tries - 1));
        let _ = writeln!(out, "{text}; again in {}", short(wait));
        tokio::select! {
            () = tokio::time::sleep(wait) => None,
            () = cancelled(self.cancel) => Some(ActEnd::new(Ending::Cancelled, format!("stopped while it waited for a lock; {text}"))),
        }
    }

    /// Success, unless the server skipped some of the work.
    fn done(&self, done: &Done, skipped: &[String]) -> ActEnd {
        let word = self.shape.word.to_uppercase();
        if let Some(first) = skipped.first() {
            let more = match skipped.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            return ActEnd::new(Ending::Failed, format!("{word} was not done: {first}{more}"));
        }
        if !self.shape.counts_rows {
            return ActEnd::new(Ending::Ok, format!("{word} done"));
        }
        let mut end = ActEnd::new(Ending::Ok, format!("{word} done, {}", counted(done.rows, "row", "rows")));
        end.counts.insert("rows".to_owned(), done.rows);
        end
    }

    /// Adds the invalid indexes that a CONCURRENTLY statement left.
    async fn with_leftovers(&self, session: &Session, mut end: ActEnd) -> ActEnd {
        if self.shape.concurrently && !session.is_over() {
            let oids: Vec<i64> = self.objects.iter().map(|object| object.oid).collect();
            let left = blockers::invalid_indexes(session, &oids).await.unwrap_or_default();
            let left = blockers::new_ones(left, &self.head.left);
            if !left.is_empty() {
                end.detail.push_str(&format!("; left invalid, to be dropped: {}", blockers::names(&left)));
            }
        }
        end
    }
}

/// Whether this SQLSTATE means that the connection, or the server behind it, is gone: classes 08 and 57P.
fn is_of_connection(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P")
}

/// Whether a server that refused a session may accept one soon: no answer, starting, stopping, or no free connection.
fn may_pass(failure: &Failure) -> bool {
    failure.code.as_deref().is_none_or(|code| code.starts_with("57P") || code == "53300")
}

/// A SQLSTATE in words. Source: PostgreSQL 18 manual, appendix A.
fn in_words(code: &str) -> String {
    let words = match code {
        NO_LOCK => "a lock was in the way",
        CANCELLED => "a client or a timeout cancelled it",
        "42501" => "permission denied",
        "40P01" => "deadlock",
        "40001" => "it collided with another transaction",
        "25001" => "it cannot run inside a transaction",
        "25006" => "the transaction is read-only",
        "53100" => "the disk is full",
        "53200" => "out of memory",
        "42P01" | "42703" | "42704" | "42883" | "3F000" => "there is no such object",
        "42601" => "it is not SQL as this server knows it",
        _ if code.starts_with("23") => "a constraint forbids it",
        _ if code.starts_with("22") => "a value does not fit",
        _ if code.starts_with("53") => "the server has no resources left",
        _ => return format!("SQLSTATE {code}"),
    };
    format!("{words}, SQLSTATE {code}")
}

/// Waits until it is cancelled.
pub(super) async fn cancelled(cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(GLANCE).await;
    }
}
