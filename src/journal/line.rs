//! One line and its record: the codec of the journal.

use crate::domain::ids::Hasher;
use crate::domain::{Actor, Boot, Digest, RunId, Wall};
use crate::journal::record::{Event, LARGEST_RECORD, Record, VERSION};
use crate::journal::strict::Strict;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt;
use std::io::BufRead as _;

/// What follows the digits of `h`, and what goes before them.
const BEFORE_H: &[u8] = b",\"h\":\"";
const AFTER_H: &[u8] = b"\"}";

/// The content of a line, before it has its place in a chain.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Its place, from 1.
    pub seq: u64,
    /// The run it belongs to.
    pub run: &'a RunId,
    /// When, for people.
    pub wall: Wall,
    /// When, for measuring.
    pub boot: Boot,
    /// Who caused it.
    pub actor: &'a Actor,
    /// What happened.
    pub event: &'a Event,
    /// The digest of the record before it.
    pub prev: &'a Digest,
}

/// Why bytes are not a record, or a record does not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the fault of a sentence.
pub(super) fn fault<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(why.into()))
}

/// The digest of a line: of the digits of `prev`, then of the line's bytes before `,"h":`.
fn link(prev: &Digest, head: &[u8]) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(prev.as_str().as_bytes());
    hasher.update(head);
    hasher.finish()
}

/// Writes a record as its line, newline included, and returns its digest.
///
/// # Errors
/// When the line would be larger than [`LARGEST_RECORD`], or holds a number that is not whole.
pub fn encode(draft: &Draft<'_>) -> Result<(Vec<u8>, Digest), Fault> {
    let unwritable = |cause: serde_json::Error| Fault(format!("not writable as JSON: {cause}"));
    let mut body = match draft.event {
        Event::Other { body, .. } => body.clone(),
        known => {
            let mut whole = serde_json::to_value(known).map_err(unwritable)?;
            whole.get_mut("body").map_or(Value::Null, Value::take)
        }
    };
    if !whole_numbers(&body) {
        return fault("it holds a number that is not whole");
    }
    body.sort_all_objects();
    let mut actor = serde_json::to_value(draft.actor).map_err(unwritable)?;
    actor.sort_all_objects();
    let kind = Value::from(draft.event.kind());
    let mut line = format!(
        r#"{{"v":{VERSION},"seq":{},"run":"{}","kind":{kind},"wall":"{:.9}","boot":{},"actor":{actor},"body":{body},"prev":"{}""#,
        draft.seq, draft.run, draft.wall.0, draft.boot.0, draft.prev,
    )
    .into_bytes();
    let h = link(draft.prev, &line);
    line.extend_from_slice(BEFORE_H);
    line.extend_from_slice(h.as_str().as_bytes());
    line.extend_from_slice(AFTER_H);
    line.push(b'\n');
    if line.len() > LARGEST_RECORD {
        return fault(format!("it takes {} bytes, more than {LARGEST_RECORD}", line.len()));
    }
    Ok((line, h))
}

/// A record's line as it was written, newline included.
///
/// # Errors
/// When it cannot be written as this version does.
pub fn as_written(record: &Record) -> Result<Vec<u8>, Fault> {
    let Record { seq, run, wall, boot, actor, event, prev, .. } = record;
    encode(&Draft { seq: *seq, run, wall: *wall, boot: *boot, actor, event, prev }).map(|(line, _)| line)
}

/// Whether no number in a value has a fraction or an exponent.
fn whole_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_u64() || number.is_i64(),
        Value::Array(items) => items.iter().all(whole_numbers),
        Value::Object(map) => map.values().all(whole_numbers),
        _ => true,
    }
}

/// A record with the version of the format that its line was written in.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The version; above [`VERSION`] it can be read and must not be added to.
    pub v: u32,
    /// The record.
    pub record: Record,
}

/// The keys of a line.
#[derive(Deserialize)]
struct Wire {
    v: u32,
    seq: u64,
    run: RunId,
    kind: String,
    wall: Wall,
    boot: Boot,
    actor: Actor,
    body: Strict,
    prev: Digest,
    h: Digest,
}

/// The same keys, and no others: what this version writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Read once for its refusals only.
struct OnlyKnownKeys {
    v: u32,
    seq: IgnoredAny,
    run: IgnoredAny,
    kind: IgnoredAny,
    wall: IgnoredAny,
    boot: IgnoredAny,
    actor: IgnoredAny,
    body: IgnoredAny,
    prev: IgnoredAny,
    h: IgnoredAny,
}

/// Reads one line, without its newline, and holds it against its own digest.
///
/// A kind that this program does not know becomes [`Event::Other`]; so does a known kind of a newer version whose body
/// this program cannot read.
///
/// # Errors
/// When the bytes are not a record.
pub fn decode(line: &[u8]) -> Result<Line, Fault> {
    if line.len() >= LARGEST_RECORD {
        return fault(format!("it is larger than {LARGEST_RECORD} bytes"));
    }
    let (prev, h) = links(line)?;
    let wire: Wire = serde_json::from_slice(line).map_err(|cause| Fault(format!("it is not a record: {cause}")))?;
    if wire.prev != prev || wire.h != h {
        return fault("its links are not where they belong");
    }
    if wire.v == 0 {
        return fault("there is no version 0");
    }
    if wire.v <= VERSION {
        serde_json::from_slice::<OnlyKnownKeys>(line).map_err(|cause| Fault(format!("it is not a record: {cause}")))?;
    }
    let event = event(wire.v, wire.kind, wire.body.0)?;
    let Wire { v, seq, run, wall, boot, actor, prev, h, .. } = wire;
    Ok(Line { v, record: Record { seq, run, wall, boot, actor, event, prev, h } })
}

/// The two digests at a line's end, when its bytes match the second; looked at before anything else of it is read.
fn links(line: &[u8]) -> Result<(Digest, Digest), Fault> {
    let cut = |text: &[u8], at_end: &[u8]| {
        let (rest, digits) = text.strip_suffix(at_end)?.split_last_chunk::<64>()?;
        Some((rest.len(), Digest::parse(std::str::from_utf8(digits).ok()?)?))
    };
    let found = cut(line, AFTER_H).and_then(|(end, h)| {
        let head = line.get(..end)?.strip_suffix(BEFORE_H)?;
        let (_, prev) = cut(head, b"\"")?;
        Some((head, prev, h))
    });
    let Some((head, prev, h)) = found else { return fault("it does not end in its digest") };
    if link(&prev, head) != h {
        return fault("its bytes do not match its digest");
    }
    Ok((prev, h))
}

/// The event of a kind and a body.
fn event(v: u32, kind: String, body: Value) -> Result<Event, Fault> {
    if !Event::KINDS.contains(&kind.as_str()) {
        return Ok(Event::Other { kind, body });
    }
    let kept = (v > VERSION).then(|| body.clone());
    let tagged = Value::from_iter([("kind", Value::from(kind.as_str())), ("body", body)]);
    match (Event::deserialize(tagged), kept) {
        (Ok(event), _) => Ok(event),
        (Err(_), Some(body)) => Ok(Event::Other { kind, body }),
        (Err(cause), None) => fault(format!("its {kind} is not one: {cause}")),
    }
}

/// The first line without its newline, and what follows it; `None` where there is no newline.
pub(super) fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = bytes.split_at_checked(newline(bytes)?)?;
    Some((line, rest.split_first()?.1))
}

/// Where the first newline is; found by the C library, not byte by byte.
pub(super) fn newline(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let last = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (bytes.get(last) == Some(&b'\n')).then_some(last)
}

#[cfg(test)]
mod tests;
