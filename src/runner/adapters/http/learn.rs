//! Reads, checks and proofs: sends requests, and judges every answer.

use crate::domain::Evidence;
use crate::domain::quantity::{bytes, latency, span};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::condition::{Condition, value_in_words};
use crate::procedure::plan::Action;
use crate::runner::adapters::http::client::{Answer, Asking, blocking, cancelled};
use crate::runner::adapters::http::json::Path;
use crate::runner::adapters::http::{Spec, short_span};
use crate::runner::adapters::{self as common, ActEnd, Proof};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The longest value that is accepted, in bytes; a longer one is refused with its size.
const LONGEST_VALUE: usize = 256 << 10;

/// What was learned.
enum Learned {
    Right(String),
    Wrong(String),
    /// No service listens there: no answer is right, but it proves nothing about an earlier change.
    Down(String),
    Nothing(String),
    Cancelled,
}

/// The measurements of all answers.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    status: Option<u16>,
    value: Option<String>,
}

/// Asks and judges.
pub(super) fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let (learned, seen) = learn(action, out, cancel);
    let end = match learned {
        Learned::Right(what) => ActEnd::new(Ending::Ok, what),
        Learned::Wrong(what) => ActEnd::new(Ending::Failed, what),
        Learned::Down(why) => ActEnd::new(Ending::Failed, format!("down: {why}")),
        Learned::Nothing(why) => ActEnd::unknown(why),
        Learned::Cancelled => return ActEnd::new(Ending::Cancelled, "stopped"),
    };
    let mut facts = BTreeMap::new();
    facts.extend(seen.status.map(|status| ("status".to_owned(), status.to_string())));
    facts.extend(seen.value.map(|value| ("value".to_owned(), value)));
    facts.extend(seen.times.iter().max().map(|slowest| ("slowest_ms".to_owned(), slowest.as_millis().to_string())));
    if facts.is_empty() {
        return end;
    }
    end.seen(Evidence { source: action.line.clone(), seen: clock::now().wall, facts })
}

pub(in super::super) fn prove(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> Proof {
    match learn(action, out, cancel).0 {
        Learned::Right(what) => Proof::Done(what),
        Learned::Wrong(what) => Proof::NotDone(what),
        Learned::Nothing(why) | Learned::Down(why) => Proof::Unclear(why),
        Learned::Cancelled => Proof::Unclear("stopped".to_owned()),
    }
}

fn learn(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> (Learned, Seen) {
    let mut seen = Seen::default();
    let learned = match common::spec::<Spec>(action) {
        Ok(spec) => {
            let work = async {
                match Asking::of(&spec) {
                    Ok(asking) => all(&spec, &asking, &mut seen, out, cancel).await,
                    Err(why) => Learned::Nothing(why),
                }
            };
            blocking(work).unwrap_or_else(|error| Learned::Nothing(error.message))
        }
        Err(error) => Learned::Nothing(error.message),
    };
    (learned, seen)
}

/// Sends `times` requests, or repeats them for the span of `over`; the first wrong answer decides.
async fn all(spec: &Spec, asking: &Asking<'_>, seen: &mut Seen, out: &mut dyn Write, cancel: &AtomicBool) -> Learned {
    let began = Instant::now();
    let mut attempt = 0_u32;
    loop {
        attempt += 1;
        let answer = tokio::select! {
            answer = asking.once() => answer,
            () = cancelled(cancel) => return Learned::Cancelled,
        };
        let of = if spec.over.is_some() { String::new() } else { format!("/{}", spec.times) };
        let text = match &answer {
            Ok(answer) => format!("{} in {}", answer.status, latency(answer.took)),
            Err(lost) => lost.why.clone(),
        };
        let _ = writeln!(out, "{attempt}{of} {} {}: {text}", spec.method.word(), spec.url);
        let answer = match answer {
            Ok(answer) => answer,
            Err(lost) if lost.down => return Learned::Down(text),
            Err(_) => return Learned::Nothing(text),
        };
        seen.times.push(answer.took);
        seen.status = Some(answer.status);
        if let Some(learned) = judge(spec, &answer, seen) {
            return learned;
        }
        match spec.over {
            None if attempt >= spec.times => break,
            None => {}
            Some((over, every)) => {
                let left = Duration::from_secs(over).saturating_sub(began.elapsed());
                if left.is_zero() {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(every).min(left)) => {}
                    () = cancelled(cancel) => return Learned::Cancelled,
                }
            }
        }
    }
    over_all(spec, seen, attempt)
}

/// Judges one answer; `None` if it is right.
fn judge(spec: &Spec, answer: &Answer, seen: &mut Seen) -> Option<Learned> {
    if !spec.is_right(answer.status) {
        return Some(Learned::Wrong(format!("answered {}, not {}", answer.status, spec.wanted())));
    }
    match value(spec, answer) {
        Ok(None) => None,
        Ok(Some(value)) => {
            let verdict = verdict(spec, &value);
            seen.value = Some(value);
            match verdict {
                Ok(None) => None,
                Ok(Some(why)) => Some(Learned::Wrong(why)),
                Err(why) => Some(Learned::Nothing(why)),
            }
        }
        Err(why) => Some(Learned::Nothing(why)),
    }
}

/// The requested value in an answer.
pub(super) fn value(spec: &Spec, answer: &Answer) -> Result<Option<String>, String> {
    let Some(path) = &spec.json else { return Ok(None) };
    if answer.cut {
        return Err("the answer is too long, or was cut off".to_owned());
    }
    let of = Path::parse(path).ok_or_else(|| format!("{path} is no path"))?;
    let json: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|_| "the answer is not JSON".to_owned())?;
    let value = of.of(&json).map_err(|why| format!("{path}: {why}"))?;
    if value.len() > LONGEST_VALUE {
        let (is, most) = (bytes(value.len() as u64), bytes(LONGEST_VALUE as u64));
        return Err(format!("{path} is {is} long, and the limit is {most}"));
    }
    Ok(Some(value))
}

/// Why a value is wrong; an error if that is unknown.
pub(super) fn verdict(spec: &Spec, value: &str) -> Result<Option<String>, String> {
    let Some(expect) = &spec.expect else { return Ok(None) };
    let path = spec.json.as_deref().unwrap_or_default();
    match Condition::on_a_value(expect)?.holds_for_value(value) {
        Some(true) => Ok(None),
        Some(false) => Ok(Some(format!("{path} is {value}; wanted: {path} {}", value_in_words(expect)))),
        None => Err(format!("{path} is {value}, which is no number")),
    }
}

/// Judges all answers together.
fn over_all(spec: &Spec, seen: &mut Seen, asked: u32) -> Learned {
    seen.times.sort();
    let slowest = seen.times.last().copied().unwrap_or_default();
    let value = seen.value.as_ref().zip(spec.json.as_ref());
    let value = value.map(|(value, path)| format!("{path} is {value}, ")).unwrap_or_default();
    if let Some((share, most_ms)) = spec.percentile {
        let most = Duration::from_millis(most_ms);
        let at = percentile(&seen.times, share);
        let text = format!("{value}p{share} of {asked} answers is {}", latency(at));
        return if at <= most {
            Learned::Right(text)
        } else {
            Learned::Wrong(format!("{text}, over {}", short_span(most)))
        };
    }
    if let Some((over, _)) = spec.over {
        let over = span(Duration::from_secs(over));
        return Learned::Right(format!("{value}right in {asked} answers over {over}, slowest {}", latency(slowest)));
    }
    Learned::Right(format!("{value}answered right {asked} of {} times, slowest {}", spec.times, latency(slowest)))
}

/// The smallest of the sorted times that so many percent do not exceed (nearest rank).
fn percentile(sorted: &[Duration], share: u8) -> Duration {
    let rank = (sorted.len() * usize::from(share)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_taken() {
        let times: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        let at = |share| percentile(&times, share).as_millis();
        assert_eq!((at(50), at(90), at(95), at(99), at(100)), (10, 18, 19, 20, 20));
        assert_eq!(percentile(&times[..1], 50).as_millis(), 1);
    }
}
