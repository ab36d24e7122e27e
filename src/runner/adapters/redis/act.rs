//! Runs one command over `act`, on exactly the server that was shown.
//!
//! ```text
//! connect ─▶ is it the server, a primary? ─▶ WATCH, compare, MULTI … EXEC ─▶ answered: done, left alone, refused
//!                                                                            └─ no answer: the outcome is unknown
//! ```
//! A command that was sent and not answered is never sent again automatically.

use crate::domain::Digest;
use crate::journal::record::Ending;
use crate::probes::redis::session::{Failure, Reply, Session};
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::redis::frozen::{Frozen, Head};
use crate::runner::adapters::redis::server::server;
use crate::runner::adapters::redis::{ACTS, If, Spec, What, connection, delete, look, save};
use crate::runner::adapters::{self as common, ActEnd};
use crate::runner::failpoint;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a key that other clients change is tried.
const TRIES: u32 = 5;
/// The result of a transaction that other clients interrupted.
const CHANGED: &str = "CHANGED";
/// The errors of a busy server. Source: `server.c` of Redis 7.
const PASSING: [&str; 5] = ["LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN"];
/// How long SAVE may block all clients.
const SAVING: Duration = Duration::from_secs(3600);

/// Acts, or looks if the action only reads.
pub(in super::super) fn act(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let nothing = |why: &str| ActEnd::new(Ending::Failed, format!("nothing was done: {why}"));
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return nothing(&error.message),
    };
    if spec.act.is_none() {
        return look::ask(action, &spec, out, cancel);
    }
    let (head, keys) = match frozen::whole::<Head>(set) {
        Ok(frozen) => frozen,
        Err(error) => return nothing(&error.message),
    };
    if !spec.undo && head.line != spec.what.line() {
        return nothing("the set belongs to another command");
    }
    if cancel.load(Ordering::Relaxed) {
        return ActEnd::new(Ending::Cancelled, "stopped before it began");
    }
    let work = Work { spec: &spec, head, keys, cancel };
    let mut end = connection::finish(work.whole(out)).unwrap_or_else(|error| nothing(&error.message));
    if let What::Release { key, value } = &spec.what {
        end.next = Some(format!(
            "{key} stays at {} until it expires; when the server answers, look with `GET {key}`, and `DEL {key}` while it holds {value}",
            spec.target
        ));
    }
    let _ = writeln!(out, "{}", end.detail);
    end
}

/// Why a server is not acted on.
enum NotNow {
    /// It may change soon.
    Later(String),
    /// It is another server, or accepts no such change.
    Never(String),
}

/// Whether a failure is temporary: no answer at all, or the answer of a busy server.
fn may_pass(failure: &Failure) -> bool {
    failure.code.as_deref().is_none_or(|code| PASSING.contains(&code))
}

/// One act.
pub(super) struct Work<'a> {
    pub(super) spec: &'a Spec,
    pub(super) head: Head,
    pub(super) keys: Vec<Frozen>,
    pub(super) cancel: &'a AtomicBool,
}

/// The end for a failure: the reason, or that the outcome is unknown.
pub(super) fn ended(failure: &Failure) -> ActEnd {
    if failure.is_lost() {
        let why = format!("it was sent and not answered: unknown whether it was done: {}", failure.reason);
        return ActEnd::new(Ending::Unknown, why);
    }
    ActEnd::new(Ending::Failed, format!("nothing was done: {}", failure.reason))
}

/// An end with one count.
pub(super) fn counted(ending: Ending, detail: String, name: &str, number: u64) -> ActEnd {
    let mut end = ActEnd::new(ending, detail);
    end.counts.insert(name.to_owned(), number);
    end
}

impl Work<'_> {
    async fn whole(&self, out: &mut dyn Write) -> ActEnd {
        let nothing = |why: &str| ActEnd::new(Ending::Failed, format!("nothing was done: {why}"));
        let patience = if matches!(self.spec.what, What::Save { background: false }) {
            SAVING
        } else {
            failpoint::span("REDIS_PATIENCE", ACTS)
        };
        let mut session = match self.spec.to_act(patience).await {
            Ok(session) => session,
            Err(why) => return nothing(&why).to_try_again(),
        };
        match self.matches_set(&mut session).await {
            Ok(()) => {}
            Err(NotNow::Later(why)) => return nothing(&why).to_try_again(),
            Err(NotNow::Never(why)) => return nothing(&why),
        }
        match &self.spec.what {
            What::Set { key, value, expire_s, only, ours } => {
                self.set(&mut session, key, value, *expire_s, *only, *ours).await
            }
            What::Release { key, value } => release(&mut session, key, value).await,
            What::Expire { key, expire_s } => self.expire(&mut session, key, *expire_s).await,
            What::Save { background } => save::save(self, &mut session, *background, out).await,
            What::RewriteAof => save::rewrite(self, &mut session, out).await,
            What::Delete(which) => delete::delete(self, &mut session, which, out).await,
            _ => nothing("a look does not act"),
        }
    }

    async fn matches_set(&self, session: &mut Session) -> Result<(), NotNow> {
        let now = server(session).await.map_err(|failure| {
            if may_pass(&failure) { NotNow::Later(failure.reason) } else { NotNow::Never(failure.reason) }
        })?;
        let by_pattern = matches!(&self.spec.what, What::Delete(which) if which.pattern.is_some());
        if let Some(why) = now.refusal(self.spec.what.least_effect(), by_pattern) {
            let why = format!("{} {why}", self.spec.target);
            return Err(if now.is_loading() { NotNow::Later(why) } else { NotNow::Never(why) });
        }
        let guarded = matches!(self.spec.what, What::Release { .. });
        now.is_shown(&self.head, session.database, self.spec.undo, guarded).map_err(NotNow::Never)
    }

    /// The frozen state of a key; none in an undo, whose set is of another action.
    fn frozen(&self, key: &str) -> Option<&Frozen> {
        self.keys.iter().find(|frozen| !self.spec.undo && frozen.key.0 == key.as_bytes())
    }

    async fn set(
        &self,
        session: &mut Session,
        key: &str,
        value: &str,
        expire_s: Option<u64>,
        only: Option<If>,
        ours: bool,
    ) -> ActEnd {
        let mut command = vec![b"SET".to_vec(), key.as_bytes().to_vec(), value.as_bytes().to_vec()];
        if let Some(seconds) = expire_s {
            command.extend([b"EX".to_vec(), seconds.to_string().into_bytes()]);
        }
        if let Some(only) = only {
            command.push(if only == If::Absent { b"NX".to_vec() } else { b"XX".to_vec() });
        }
        let describe = |done: Result<Reply, Failure>| match done {
            Ok(Reply::Bytes(_)) => Ok(true),
            Ok(_) => Ok(false),
            Err(failure) => Err(failure),
        };
        // `SET … NX` needs no comparison: the server makes it.
        let done = if only == Some(If::Absent) {
            describe(session.ask(&command).await)
        } else {
            match self.guarded(session, key, &command).await {
                Ok(reply) => describe(reply),
                Err(end) => return end,
            }
        };
        match done {
            Ok(true) => counted(Ending::Ok, format!("set {key}"), "set", 1),
            Err(failure) => ended(&failure),
            Ok(false) => {
                let stored = session.ask(&["GET", key]).await;
                match (stored, only) {
                    (Ok(Reply::Bytes(current)), _) if ours && current == value.as_bytes() => {
                        counted(Ending::Ok, format!("{key} holds this run's value already"), "already", 1)
                    }
                    (_, Some(If::Present)) => counted(Ending::Failed, format!("{key} is not there"), "left_alone", 1),
                    _ => counted(Ending::Failed, format!("{key} holds another value"), "left_alone", 1),
                }
            }
        }
    }

    /// Runs a command while a key is as it was frozen. The inner error is the server's; the outer one an end.
    async fn guarded(
        &self,
        session: &mut Session,
        key: &str,
        command: &[Vec<u8>],
    ) -> Result<Result<Reply, Failure>, ActEnd> {
        let before = |failure: Failure| ActEnd::new(Ending::Failed, format!("nothing was done: {}", failure.reason));
        for _ in 0..TRIES {
            session.ask(&["WATCH", key]).await.map_err(before)?;
            if let Some(frozen) = self.frozen(key) {
                let kind = session.ask(&["TYPE", key]).await.map_err(before)?.text().unwrap_or_default();
                let stored = match (&self.head.value, kind.as_str()) {
                    (Some(_), "string") => session.ask(&["GET", key]).await.map_err(before)?,
                    _ => Reply::Nil,
                };
                let value = match &stored {
                    Reply::Bytes(value) => Some(Digest::of(value).to_string()),
                    _ => None,
                };
                if kind != frozen.kind || value != self.head.value {
                    let why = format!("{key} is not what was shown any more, and was left alone");
                    return Err(counted(Ending::Failed, why, "left_alone", 1));
                }
            }
            match session.ask_whole(&[command.to_vec()]).await {
                Ok(mut replies) => {
                    return Ok(match replies.pop() {
                        Some(Reply::Failed(failure)) => Err(failure),
                        reply => Ok(reply.unwrap_or(Reply::Nil)),
                    });
                }
                Err(failure) if failure.code.as_deref() == Some(CHANGED) => {}
                Err(failure) => return Ok(Err(failure)),
            }
        }
        let why = format!("{key} was changed by others each of {TRIES} times, and was left alone");
        Err(counted(Ending::Failed, why, "left_alone", 1))
    }

    async fn expire(&self, session: &mut Session, key: &str, seconds: u64) -> ActEnd {
        let command = [b"EXPIRE".to_vec(), key.as_bytes().to_vec(), seconds.to_string().into_bytes()];
        match self.guarded(session, key, &command).await {
            Err(end) => end,
            Ok(Ok(Reply::Int(1))) => counted(Ending::Ok, format!("{key} expires in {seconds} s"), "set", 1),
            Ok(Ok(_)) => counted(Ending::Failed, format!("{key} is not there"), "left_alone", 1),
            Ok(Err(failure)) => ended(&failure),
        }
    }
}

/// Deletes a key only while it holds this value.
async fn release(session: &mut Session, key: &str, value: &str) -> ActEnd {
    // Deleting it twice while it holds this value has the same effect as once.
    let passing = |end: ActEnd, failure: &Failure| if may_pass(failure) { end.to_try_again() } else { end };
    let before = |failure: &Failure| {
        passing(ActEnd::new(Ending::Failed, format!("nothing was done: {}", failure.reason)), failure)
    };
    for _ in 0..TRIES {
        let watched = match session.ask(&["WATCH", key]).await {
            Ok(_) => session.ask(&["GET", key]).await,
            Err(failure) => Err(failure),
        };
        match watched {
            Ok(Reply::Bytes(stored)) if stored == value.as_bytes() => {}
            Ok(Reply::Nil) => return counted(Ending::Ok, format!("{key} was not there any more"), "already", 1),
            Ok(_) => {
                let why = format!("{key} holds another value, and was left alone");
                return counted(Ending::Failed, why, "left_alone", 1);
            }
            Err(failure) => return before(&failure),
        }
        match session.ask_whole(&[vec![b"DEL".to_vec(), key.as_bytes().to_vec()]]).await {
            Ok(replies) => match replies.as_slice() {
                [Reply::Failed(failure)] => return before(failure),
                _ => return counted(Ending::Ok, format!("released {key}"), "released", 1),
            },
            Err(failure) if failure.code.as_deref() == Some(CHANGED) => {}
            Err(failure) => return passing(ended(&failure), &failure),
        }
    }
    counted(Ending::Failed, format!("{key} was changed by others each of {TRIES} times"), "left_alone", 1)
}
