//! Iterates over the keys of a database by SCAN, never by KEYS.

use crate::probes::redis::session::{Failure, Reply, Session};
use crate::runner::adapters::redis::frozen::{Frozen, Name};

/// How many keys the server checks per answer.
const COUNT: &str = "1000";

/// An iteration over the keys of a pattern. A key that exists all the time is returned at least once, perhaps twice.
pub(super) struct Scan {
    pattern: String,
    cursor: Vec<u8>,
    over: bool,
}

impl Scan {
    pub(super) fn of(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), cursor: b"0".to_vec(), over: false }
    }

    /// The next keys, perhaps none; `None` at the end.
    pub(super) async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<Name>>, Failure> {
        if self.over {
            return Ok(None);
        }
        let asked: [&[u8]; 6] = [b"SCAN", &self.cursor, b"MATCH", self.pattern.as_bytes(), b"COUNT", COUNT.as_bytes()];
        let wrong = || Failure { code: None, reason: "the answer to SCAN is not Redis's".to_owned() };
        let Reply::Many(parts) = session.ask(&asked).await? else { return Err(wrong()) };
        let [Reply::Bytes(cursor), Reply::Many(keys)] = parts.as_slice() else { return Err(wrong()) };
        self.cursor.clone_from(cursor);
        self.over = cursor == b"0";
        let name = |reply: &Reply| match reply {
            Reply::Bytes(bytes) => Ok(Name(bytes.clone())),
            _ => Err(wrong()),
        };
        keys.iter().map(name).collect::<Result<Vec<_>, _>>().map(Some)
    }
}

fn words(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

/// The description of a key, with its bytes in memory if the server reports them.
pub(super) struct Seen {
    pub(super) frozen: Frozen,
    pub(super) bytes: Option<u64>,
}

/// Describes some keys; a deleted one has the type `none`.
pub(super) async fn describe(session: &mut Session, names: &[Name]) -> Result<Vec<Seen>, Failure> {
    let first = |name: &Name| {
        let key = name.0.as_slice();
        [words(&[b"TYPE", key]), words(&[b"PEXPIRETIME", key]), words(&[b"MEMORY", b"USAGE", key])]
    };
    let commands: Vec<_> = names.iter().flat_map(first).collect();
    let answers = session.ask_all(&commands).await?;
    let mut seen = Vec::with_capacity(names.len());
    for (name, answer) in names.iter().zip(answers.chunks(3)) {
        let [kind, until, bytes] = answer else { continue };
        let kind = match kind {
            Reply::Failed(failure) => return Err(failure.clone()),
            kind => kind.text().unwrap_or_else(|| "none".to_owned()),
        };
        // Servers before 7.0 do not report when a key expires; a key without expiry has -1.
        let expires_at = match until {
            Reply::Int(until) if *until > 0 => Some(*until),
            _ => None,
        };
        let frozen = Frozen { key: name.clone(), kind, length: None, expires_at };
        seen.push(Seen { frozen, bytes: bytes.count() });
    }
    let lengths: Vec<_> = seen.iter().map(|seen| length_of(&seen.frozen.kind, &seen.frozen.key)).collect();
    let commands: Vec<_> = lengths.iter().flatten().cloned().collect();
    let mut answers = session.ask_all(&commands).await?.into_iter();
    for (seen, asked) in seen.iter_mut().zip(&lengths) {
        if asked.is_some() {
            seen.frozen.length = answers.next().and_then(|answer| answer.count());
        }
    }
    Ok(seen)
}

/// The command for the length of a key's value.
pub(super) fn length_of(kind: &str, key: &Name) -> Option<Vec<Vec<u8>>> {
    let command: &[u8] = match kind {
        "string" => b"STRLEN",
        "list" => b"LLEN",
        "set" => b"SCARD",
        "zset" => b"ZCARD",
        "hash" => b"HLEN",
        "stream" => b"XLEN",
        _ => return None,
    };
    Some(words(&[command, &key.0]))
}
