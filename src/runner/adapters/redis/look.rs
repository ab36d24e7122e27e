//! Reads and checks: one value with facts, over the estate's `url`. A lost server is unknown, and never zero.

use crate::domain::Evidence;
use crate::domain::quantity::{bytes, count};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::probes::redis::session::{Failure, Reply, Session};
use crate::procedure::condition::Condition;
use crate::procedure::plan::Action;
use crate::runner::adapters::redis::frozen::Name;
use crate::runner::adapters::redis::scan::{Scan, length_of};
use crate::runner::adapters::redis::{Held, LONGEST_VALUE, Spec, What, connection};
use crate::runner::adapters::{ActEnd, Proof};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The most keys that are counted.
const MOST_COUNTED: usize = 50_000_000;
/// How many of the largest keys are listed.
const MAX_LISTED: usize = 10;
/// The longest value in a sentence, in characters; a longer one is only a fact.
const MAX_VALUE_SHOWN: usize = 200;
/// How often a wait checks for cancellation.
const GLANCE: Duration = Duration::from_millis(50);

/// The result: the value, in words, with facts. No value if the key does not exist.
pub(super) struct Learned {
    value: Option<String>,
    text: String,
    facts: BTreeMap<String, String>,
    /// Why the value does not count, and no later one can.
    lost: Option<String>,
}

/// The result, its place, and the server's run id.
struct Answer {
    learned: Learned,
    place: String,
    run: Option<String>,
}

impl Learned {
    fn of(value: u64, message: String, facts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut facts: BTreeMap<String, String> = facts.into_iter().collect();
        facts.insert("value".to_owned(), value.to_string());
        Self { value: Some(value.to_string()), text: message, facts, lost: None }
    }
}

/// Carries out a check or a read.
pub(super) fn ask(action: &Action, spec: &Spec, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let end = match learn(spec, cancel) {
        None => return ActEnd::new(Ending::Cancelled, "stopped"),
        Some(Err(why)) => ActEnd::unknown(why),
        Some(Ok(Answer { learned, place, run })) => {
            let source = format!("{} ({place})", action.line);
            let seen = Evidence { source, seen: clock::now().wall, facts: learned.facts.clone() };
            let end = match (learned.lost.clone(), judge(spec, &learned)) {
                (Some(why), _) => ActEnd::unknown(format!("{why}; {}", learned.text)).for_good(),
                (None, Ok(true)) => ActEnd::new(Ending::Ok, learned.text),
                (None, Ok(false)) => ActEnd::new(Ending::Failed, learned.text),
                (None, Err(why)) => ActEnd::unknown(format!("{}: {why}", learned.text)),
            };
            end.seen(seen).of_run(run)
        }
    };
    let _ = writeln!(out, "{}", end.detail);
    end
}

/// The same as a proof: a value that is known to be wrong is not done.
pub(super) fn prove(spec: &Spec, cancel: &AtomicBool) -> Proof {
    match learn(spec, cancel) {
        None => Proof::Unclear("stopped".to_owned()),
        Some(Err(why)) => Proof::Unclear(why),
        Some(Ok(Answer { learned: Learned { lost: Some(why), .. }, .. })) => Proof::Unclear(why),
        Some(Ok(Answer { learned, .. })) => match judge(spec, &learned) {
            Ok(true) => Proof::Done(learned.text),
            Ok(false) => Proof::NotDone(learned.text),
            Err(why) => Proof::Unclear(format!("{}: {why}", learned.text)),
        },
    }
}

/// Whether the value fits the condition.
fn judge(spec: &Spec, learned: &Learned) -> Result<bool, String> {
    let expect = match (spec.expect.as_deref(), &learned.value) {
        (None, Some(_)) => return Ok(true),
        (None, None) => return Err("there is nothing to read".to_owned()),
        (Some("absent"), value) => return Ok(value.is_none()),
        (Some("present"), value) => return Ok(value.is_some()),
        (Some(text), _) => Condition::on_a_value(text)?,
    };
    match &learned.value {
        // A missing key has no value: it equals nothing, and `!=` is unknown.
        None if expect.holds_for_value("") == Some(true) => {
            Err("what is not there is neither this nor that".to_owned())
        }
        None => Ok(false),
        Some(value) => expect.holds_for_value(value).ok_or_else(|| "it is not a number".to_owned()),
    }
}

fn learn(spec: &Spec, cancel: &AtomicBool) -> Option<Result<Answer, String>> {
    let work = async {
        let looked = async {
            let mut session = spec.to_look().await?;
            let mut learned = look(&mut session, spec).await.map_err(|failure| failure.reason)?;
            // The connection is the same, and so is the process behind it.
            let info = session.info().await;
            let run = info.as_ref().ok().and_then(|info| info.text("run_id")).map(str::to_owned);
            if let What::Length { held: Some(Held { run_id: Some(before), .. }), .. } = &spec.what {
                match (&run, info) {
                    (Some(now), _) if now == before => {}
                    (Some(_), _) => drop(learned.lost.get_or_insert_with(restarted)),
                    (None, Err(failure)) => return Err(failure.reason),
                    (None, Ok(_)) => return Err("INFO has no run_id".to_owned()),
                }
            }
            Ok(Answer { learned, place: session.place, run })
        };
        tokio::select! {
            learned = looked => Some(learned),
            () = cancelled(cancel) => None,
        }
    };
    connection::finish(work).unwrap_or_else(|error| Some(Err(error.message)))
}

pub(super) async fn cancelled(cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(GLANCE).await;
    }
}

/// Why a number of another run of the server does not count.
fn restarted() -> String {
    "the server was restarted since, or is another one: what was in it may be lost".to_owned()
}

async fn look(session: &mut Session, spec: &Spec) -> Result<Learned, Failure> {
    match &spec.what {
        What::Get { key } => {
            let only_there = matches!(spec.expect.as_deref(), Some("present" | "absent"));
            get(session, key, only_there).await
        }
        What::Length { key, in_flight, held } => length(session, key, in_flight, held.as_ref()).await,
        What::Info { fields } => info(session, fields).await,
        What::Keys { pattern } => keys(session, pattern).await,
        What::BigKeys { pattern, sample } => big_keys(session, pattern, *sample).await,
        What::MemoryDoctor => {
            let text = session.ask(&["MEMORY", "DOCTOR"]).await?.text().unwrap_or_default();
            let facts = BTreeMap::from([("text".to_owned(), text.clone())]);
            Ok(Learned { value: Some(text.clone()), text, facts, lost: None })
        }
        _ => Err(wrong("this is no question".to_owned())),
    }
}

/// An answer that cannot be used.
fn wrong(reason: String) -> Failure {
    Failure { code: None, reason }
}

/// Reads the value of a key. If only its presence matters, the value is not read.
async fn get(session: &mut Session, key: &str, only_there: bool) -> Result<Learned, Failure> {
    let kind = session.ask(&["TYPE", key]).await?.text().unwrap_or_default();
    let mut facts = BTreeMap::from([("present".to_owned(), (kind != "none").to_string())]);
    if kind == "none" {
        return Ok(Learned { value: None, text: format!("{key} is not there"), facts, lost: None });
    }
    facts.insert("type".to_owned(), kind.clone());
    if kind != "string" {
        return Ok(Learned { value: Some(String::new()), text: format!("{key} is a {kind}"), facts, lost: None });
    }
    let value = match text(session, key).await? {
        Ok(Some(value)) => value,
        Ok(None) => return Ok(Learned { value: None, text: format!("{key} is not there"), facts, lost: None }),
        Err(why) if only_there => return Ok(Learned { value: Some(String::new()), text: why, facts, lost: None }),
        Err(why) => return Err(wrong(why)),
    };
    if let Reply::Int(left) = session.ask(&["TTL", key]).await?
        && left >= 0
    {
        facts.insert("ttl_s".to_owned(), left.to_string());
    }
    facts.insert("value".to_owned(), value.clone());
    let message = match value.chars().nth(MAX_VALUE_SHOWN) {
        None => format!("{key} holds {value}"),
        Some(_) => format!("{key} holds a text of {}", bytes(value.len() as u64)),
    };
    Ok(Learned { text: message, value: Some(value), facts, lost: None })
}

/// The whole text of a key; the inner error is why it is not accepted.
async fn text(session: &mut Session, key: &str) -> Result<Result<Option<String>, String>, Failure> {
    let length = session.ask(&["STRLEN", key]).await?.count().unwrap_or_default();
    if length > LONGEST_VALUE {
        return Ok(Err(format!("{key} holds {}, and the limit is {}", bytes(length), bytes(LONGEST_VALUE))));
    }
    let Reply::Bytes(value) = session.ask(&["GET", key]).await? else { return Ok(Ok(None)) };
    let is_no_text = |cause: std::string::FromUtf8Error| {
        format!("{key} holds {} that are no UTF-8 text", bytes(cause.as_bytes().len() as u64))
    };
    Ok(String::from_utf8(value).map(Some).map_err(is_no_text))
}

/// The waiting and the in-flight jobs, read at one moment: jobs move between them.
async fn length(
    session: &mut Session,
    key: &str,
    in_flight: &[String],
    held: Option<&Held>,
) -> Result<Learned, Failure> {
    let keys: Vec<Name> = std::iter::once(key)
        .chain(in_flight.iter().map(String::as_str))
        .map(|key| Name(key.as_bytes().to_vec()))
        .collect();
    let mut asked = Vec::new();
    for key in &keys {
        let kind = session.ask(&[b"TYPE".as_slice(), &key.0]).await?.text().unwrap_or_default();
        asked.push(match kind.as_str() {
            // An empty list does not exist in Redis; a wrong name looks the same, and no server can distinguish them.
            "none" => vec![b"LLEN".to_vec(), key.0.clone()],
            "string" => return Err(wrong(format!("{} is a text, and no queue", key.shown()))),
            "stream" => vec![b"XINFO".to_vec(), b"GROUPS".to_vec(), key.0.clone()],
            kind => length_of(kind, key).ok_or_else(|| wrong(format!("{} is a {kind}, and no queue", key.shown())))?,
        });
    }
    let lengths: Vec<_> = keys.iter().map(|key| vec![b"XLEN".to_vec(), key.0.clone()]).collect();
    let streams = asked.iter().zip(lengths).filter(|(asked, _)| asked.first().is_some_and(|word| word == b"XINFO"));
    let flag = held.map(|held| vec![b"GET".to_vec(), held.key.as_bytes().to_vec()]);
    let all: Vec<_> = asked.iter().cloned().chain(streams.map(|(_, length)| length)).chain(flag).collect();
    let answers = if all.len() == 1 { session.ask_all(&all).await? } else { session.ask_whole(&all).await? };
    let mut whole = answers.iter().skip(asked.len());
    let mut numbers = Vec::new();
    for (key, answer) in keys.iter().zip(&answers) {
        let number = match answer {
            Reply::Failed(failure) => return Err(failure.clone()),
            Reply::Many(groups) => of_groups(groups, whole.next().and_then(Reply::count)),
            number => number.count(),
        };
        numbers.push((key, number.ok_or_else(|| wrong(format!("the length of {} is unknown", key.shown())))?));
    }
    let waiting = numbers.first().map_or(0, |(_, number)| *number);
    let taken: u64 = numbers.iter().skip(1).map(|(_, number)| *number).sum();
    let mut facts = vec![("waiting".to_owned(), waiting.to_string())];
    let text = if in_flight.is_empty() {
        format!("{} in {key}", count(waiting))
    } else {
        facts.push(("taken".to_owned(), taken.to_string()));
        let fact = |(key, number): &(&Name, u64)| (String::from_utf8_lossy(&key.0).into_owned(), number.to_string());
        facts.extend(numbers.iter().map(fact));
        format!("{} in {key}, {} taken", count(waiting), count(taken))
    };
    let mut learned = Learned::of(waiting.saturating_add(taken), text, facts);
    if let Some(held) = held {
        learned.lost = match answers.last() {
            Some(Reply::Failed(failure)) => return Err(failure.clone()),
            Some(Reply::Bytes(stored)) if stored == held.value.as_bytes() => None,
            Some(Reply::Nil) => Some(format!("{} is not there: the server lost it, or it has expired", held.key)),
            _ => Some(format!("{} holds another value than {}", held.key, held.value)),
        };
    }
    Ok(learned)
}

/// The work left for the groups of a stream: unread and unacknowledged entries. A stream without groups counts
/// completely. Source: <https://redis.io/docs/latest/commands/xinfo-groups/>.
fn of_groups(groups: &[Reply], length: Option<u64>) -> Option<u64> {
    if groups.is_empty() {
        return length;
    }
    let of = |group: &Reply, wanted: &str| {
        let Reply::Many(pairs) = group else { return None };
        let pair = pairs.chunks(2).find(|pair| pair.first().and_then(Reply::text).as_deref() == Some(wanted))?;
        pair.get(1).cloned()
    };
    let mut sum = 0_u64;
    for group in groups {
        let pending = of(group, "pending")?.count()?;
        // Before 7.0 the server does not count unread entries: then all entries may be unread. If the server has lost
        // count, the number is unknown.
        let unread = match of(group, "lag") {
            Some(lag) => lag.count()?,
            None => length?,
        };
        sum = sum.saturating_add(pending).saturating_add(unread);
    }
    Some(sum)
}

async fn info(session: &mut Session, fields: &[String]) -> Result<Learned, Failure> {
    let info = session.info().await?;
    let mut facts = BTreeMap::new();
    for field in fields {
        match info.text(field) {
            Some(text) => drop(facts.insert(field.clone(), text.to_owned())),
            None => return Err(wrong(format!("INFO has no {field}"))),
        }
    }
    let value = fields.first().and_then(|field| facts.get(field)).cloned();
    let filter_map = fields.iter().filter_map(|field| Some(format!("{field} {}", facts.get(field)?)));
    let message = filter_map.collect::<Vec<_>>().join(" · ");
    facts.extend(value.clone().map(|value| ("value".to_owned(), value)));
    Ok(Learned { value, text: message, facts, lost: None })
}

async fn keys(session: &mut Session, pattern: &str) -> Result<Learned, Failure> {
    refuse_cluster(session).await?;
    let mut scan = Scan::of(pattern);
    let mut seen = HashSet::new();
    while let Some(found) = scan.next(session).await? {
        for name in found {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            seen.insert(hasher.finish());
        }
        if seen.len() > MOST_COUNTED {
            return Err(wrong(format!("there are more than {} keys", count(MOST_COUNTED as u64))));
        }
    }
    let number = seen.len() as u64;
    Ok(Learned::of(number, format!("{} keys {pattern}", count(number)), []))
}

/// A node of a cluster has a part of the keys.
async fn refuse_cluster(session: &mut Session) -> Result<(), Failure> {
    match session.info().await?.mode() {
        Some("cluster") => Err(wrong("it is one node of a cluster, and has a part of the keys".to_owned())),
        _ => Ok(()),
    }
}

/// The largest of some keys, by their bytes in memory.
async fn big_keys(session: &mut Session, pattern: &str, sample: u64) -> Result<Learned, Failure> {
    let all = session.ask(&["DBSIZE"]).await?.count().unwrap_or_default();
    let mut scan = Scan::of(pattern);
    let mut largest: Vec<(u64, String)> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(found) = scan.next(session).await? {
        let found: Vec<Name> = found.into_iter().filter(|name| seen.insert(name.clone())).collect();
        for key in super::scan::describe(session, &found).await? {
            let size = key.bytes.unwrap_or_default();
            largest.push((size, format!("{} ({}, {})", key.frozen.key.shown(), key.frozen.kind, bytes(size))));
        }
        largest.sort_by_key(|found| std::cmp::Reverse(found.0));
        largest.truncate(MAX_LISTED);
        if seen.len() as u64 >= sample {
            break;
        }
    }
    let looked = seen.len() as u64;
    let mut facts = vec![("looked_at".to_owned(), looked.to_string()), ("keys".to_owned(), all.to_string())];
    facts.extend(
        largest.iter().enumerate().map(|(place, (_, text))| (format!("largest_{:02}", place + 1), text.clone())),
    );
    let named: Vec<&str> = largest.iter().map(|(_, message)| message.as_str()).collect();
    let sentence = format!("{} of {} keys looked at: {}", count(looked), count(all), named.join(", "));
    Ok(Learned::of(largest.first().map_or(0, |(size, _)| *size), sentence, facts))
}
