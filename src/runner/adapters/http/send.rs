//! Sends one changing request, once.
//!
//! | what came | outcome |
//! |---|---|
//! | no connection | nothing was done |
//! | the status that is wanted | done |
//! | 4xx, 301, 307, 308, 501, 505 | the service refused it: nothing was done |
//! | any other status, no whole answer | unknown: a gateway may answer for a service that is still at work |
//!
//! Source: RFC 9110, 15.

use crate::domain::Evidence;
use crate::domain::quantity::{latency, shortened};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::http::Spec;
use crate::runner::adapters::http::client::{Answer, Asking, blocking, cancelled};
use crate::runner::adapters::http::learn::{value, verdict};
use crate::runner::adapters::{self as common, ActEnd};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of an unexpected answer is written to the log, in characters.
const MAX_BODY_SHOWN: usize = 500;

/// Sends it.
pub(super) fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let nothing = |why: String| ActEnd::new(Ending::Failed, format!("nothing was sent: {why}"));
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return nothing(error.message),
    };
    if spec.key.is_none() {
        return nothing("the request has no key that makes all attempts at it one".to_owned());
    }
    if cancel.load(Ordering::Relaxed) {
        return ActEnd::new(Ending::Cancelled, "stopped before it was sent");
    }
    let work = async {
        let asking = match Asking::of(&spec) {
            Ok(asking) => asking,
            Err(why) => return nothing(why),
        };
        let answer = tokio::select! {
            answer = asking.once() => answer,
            () = cancelled(cancel) => {
                return ActEnd::new(Ending::Unknown, "stopped before it was answered: unknown whether it was done");
            }
        };
        let request = format!("{} {}", spec.method.word(), spec.url);
        match answer {
            Ok(answer) => {
                let _ = writeln!(out, "{request}: {} in {}", answer.status, latency(answer.took));
                if !spec.is_right(answer.status) {
                    let text = shortened(&asking.masked(&String::from_utf8_lossy(&answer.body)), MAX_BODY_SHOWN);
                    let _ = writeln!(out, "{text}{}", if answer.cut { " and more, which was not read" } else { "" });
                }
                judge(action, &spec, &answer)
            }
            Err(lost) => {
                let _ = writeln!(out, "{request}: {}", lost.why);
                if lost.sent {
                    let why = format!("it was sent, unknown whether it was done: {}", lost.why);
                    return ActEnd::new(Ending::Unknown, why);
                }
                nothing(lost.why).to_try_again()
            }
        }
    };
    blocking(work).unwrap_or_else(|error| nothing(error.message))
}

fn judge(action: &Action, spec: &Spec, answer: &Answer) -> ActEnd {
    let text = format!("answered {} in {}", answer.status, latency(answer.took));
    let mut facts = BTreeMap::from([("status".to_owned(), answer.status.to_string())]);
    let end = if spec.is_right(answer.status) {
        match value(spec, answer).and_then(|found| match found {
            Some(found) => {
                let wrong = verdict(spec, &found)?;
                facts.insert("value".to_owned(), found);
                Ok(wrong)
            }
            None => Ok(None),
        }) {
            Ok(None) => ActEnd::new(Ending::Ok, text),
            Ok(Some(why)) | Err(why) => ActEnd::new(Ending::Unknown, format!("{text}, but {why}")),
        }
    } else if is_refusal(answer.status) {
        ActEnd::new(Ending::Failed, format!("{text}, not {}: it was refused", spec.wanted()))
    } else {
        let why = format!("{text}, not {}: unknown whether it was done", spec.wanted());
        ActEnd::new(Ending::Unknown, why)
    };
    end.seen(Evidence { source: action.line.clone(), seen: clock::now().wall, facts })
}

/// Whether a status means that the request was not carried out.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=499 | 301 | 307 | 308 | 501 | 505)
}
