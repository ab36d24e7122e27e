//! Checks, read-only, whether the effect is present.

use crate::domain::quantity::count;
use crate::probes::redis::session::{Failure, Reply, Session};
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::redis::frozen::{Frozen, Head, Name};
use crate::runner::adapters::redis::server::server;
use crate::runner::adapters::redis::{Spec, What, connection, look, save, scan};
use crate::runner::adapters::{self as common, Proof};
use std::io::{BufRead, Write};
use std::sync::atomic::AtomicBool;

/// How many keys are read at once.
const TOGETHER: usize = 1000;

/// Proves.
pub(in super::super) fn prove(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> Proof {
    let proof = match common::spec::<Spec>(action) {
        Err(error) => Proof::Unclear(error.message),
        Ok(spec)
            if matches!(spec.what, What::Get { .. } | What::Length { .. } | What::Info { .. } | What::Keys { .. }) =>
        {
            look::prove(&spec, cancel)
        }
        Ok(spec) => match frozen::whole::<Head>(set) {
            Err(error) => Proof::Unclear(error.message),
            Ok((head, keys)) => connection::finish(async {
                tokio::select! {
                    proof = over(&spec, &head, &keys) => proof.unwrap_or_else(Proof::Unclear),
                    () = look::cancelled(cancel) => Proof::Unclear("stopped".to_owned()),
                }
            })
            .unwrap_or_else(|error| Proof::Unclear(error.message)),
        },
    };
    let (Proof::Done(text) | Proof::NotDone(text) | Proof::Unclear(text)) = &proof;
    let _ = writeln!(out, "{text}");
    proof
}

async fn over(spec: &Spec, head: &Head, keys: &[Frozen]) -> Result<Proof, String> {
    let mut session = spec.to_look().await?;
    let describe = |failure: Failure| failure.reason;
    match &spec.what {
        What::Holds { key, value, expires } => {
            let stored = session.ask(&["GET", key]).await.map_err(describe)?;
            if stored.text().as_ref() != Some(value) {
                let what = if stored == Reply::Nil { "is not there" } else { "holds another value" };
                return Ok(Proof::NotDone(format!("{key} {what}")));
            }
            let left = session.ask(&["TTL", key]).await.map_err(describe)?;
            match left {
                Reply::Int(left) if *expires && left < 0 => {
                    Ok(Proof::Unclear(format!("{key} holds the value, and never expires")))
                }
                Reply::Int(left) if left >= 0 => Ok(Proof::Done(format!("{key} holds the value for {left} s more"))),
                _ => Ok(Proof::Done(format!("{key} holds the value"))),
            }
        }
        What::Free { key, value } => {
            let current = session.ask(&["GET", key]).await.map_err(describe)?;
            if current.text().as_ref() == Some(value) {
                return Ok(Proof::NotDone(format!("{key} still holds the value")));
            }
            Ok(Proof::Done(format!("{key} does not hold the value")))
        }
        What::Expires { key, expire_s } => {
            let left = session.ask(&["TTL", key]).await.map_err(describe)?;
            let most = i64::try_from(*expire_s).unwrap_or(i64::MAX);
            Ok(match left {
                Reply::Int(left) if (0..=most).contains(&left) => Proof::Done(format!("{key} expires in {left} s")),
                Reply::Int(-2) => Proof::Unclear(format!("{key} is not there: it may have expired")),
                _ => Proof::NotDone(format!("{key} does not expire within {expire_s} s")),
            })
        }
        What::Gone => gone(&mut session, head, keys).await.map_err(describe),
        What::Saved | What::Rewritten => counters(&mut session, &spec.what, head).await.map_err(describe),
        _ => Err("this is no proof".to_owned()),
    }
}

/// Whether every key that was frozen is gone.
async fn gone(session: &mut Session, head: &Head, keys: &[Frozen]) -> Result<Proof, Failure> {
    if let Some(pattern) = &head.pattern {
        let mut scan = scan::Scan::of(pattern);
        while let Some(found) = scan.next(session).await? {
            if !found.is_empty() {
                return Ok(Proof::Unclear(format!("there are keys {pattern}, new ones or old ones")));
            }
        }
        return Ok(Proof::Done(format!("there is no key {pattern}")));
    }
    let mut left = 0_u64;
    for keys in keys.chunks(TOGETHER) {
        let command = |name: &Name| vec![b"EXISTS".to_vec(), name.0.clone()];
        let commands: Vec<_> = keys.iter().map(|key| command(&key.key)).collect();
        for answer in session.ask_all(&commands).await? {
            match answer {
                Reply::Failed(failure) => return Err(failure),
                Reply::Int(0) => {}
                _ => left += 1,
            }
        }
    }
    let all = keys.len() as u64;
    Ok(match left {
        0 => Proof::Done(format!("all {} are gone", count(all))),
        _ if left == all => Proof::NotDone(format!("all {} are there", count(all))),
        _ => Proof::Unclear(format!("{} of {} are there", count(left), count(all))),
    })
}

/// Whether the server saved or rewrote since the set was frozen.
async fn counters(session: &mut Session, what: &What, head: &Head) -> Result<Proof, Failure> {
    let now = server(session).await?;
    if now.run_id != head.run_id {
        return Ok(Proof::Unclear("it is another server, or was restarted: what it counts began again".to_owned()));
    }
    let busy = |flag: &str| now.info.flag(flag) == Some(true);
    if *what == What::Saved {
        let has_changed = head.saved.is_some_and(|before| save::has_changed(before, save::saved(&now.info)));
        return Ok(match (has_changed, now.info.went_well("rdb_last_bgsave_status")) {
            _ if busy("rdb_bgsave_in_progress") => Proof::Unclear("a save is at work".to_owned()),
            (true, Some(true)) => Proof::Done("the data was saved since it was shown".to_owned()),
            (true, _) => Proof::Unclear("the data was saved, but the last save failed".to_owned()),
            (false, _) => Proof::NotDone("the data was not saved since it was shown".to_owned()),
        });
    }
    let counted = head.rewrites.zip(now.info.number("aof_rewrites"));
    Ok(match (counted, now.info.went_well("aof_last_bgrewrite_status")) {
        _ if busy("aof_rewrite_in_progress") || busy("aof_rewrite_scheduled") => {
            Proof::Unclear("a rewrite is at work".to_owned())
        }
        (None, _) => Proof::Unclear("the server does not count its rewrites".to_owned()),
        (Some((before, now)), Some(true)) if now > before => {
            Proof::Done("the append-only file was rewritten since it was shown".to_owned())
        }
        (Some((before, now)), _) if now > before => Proof::Unclear("a rewrite ended with an error".to_owned()),
        (Some(_), _) => Proof::NotDone("the append-only file was not rewritten since it was shown".to_owned()),
    })
}
