//! The preview of a change: which server, which keys, what else the database holds.

use crate::domain::quantity::{bytes, count, counted, span};
use crate::domain::{Digest, EffectClass, Error, Kind, Preview, Wall};
use crate::probes::clock;
use crate::probes::redis::session::{Failure, Reply, Session};
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::redis::frozen::{Frozen, Head, MOST, Name};
use crate::runner::adapters::redis::scan::{Scan, Seen, describe};
use crate::runner::adapters::redis::server::{Server, server};
use crate::runner::adapters::redis::{If, KEY, LONGEST_VALUE, Spec, What, Which, connection};
use crate::runner::adapters::{self as common, Look, limit};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;

/// The noun for the items of a set in a phrase.
const NOUN: &str = "keys";

/// How many keys are read at once.
const TOGETHER: usize = 500;
/// How many keys a bounded set may have.
const MOST_BOUNDED: usize = 50_000_000;
/// How many other keys are sampled, and how many kinds of them are named.
const OTHERS: usize = 2000;
const MOST_NAMED: usize = 8;

/// The result of the look.
struct Sight {
    place: String,
    server: Server,
    head: Head,
    keys: Vec<Frozen>,
    /// How many keys the database has.
    of: u64,
    /// The bytes of the keys in memory, if the server reports them.
    bytes: Option<u64>,
    facts: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Looks over the estate's `url`, and freezes the server, the command and its keys.
pub(in super::super) fn preview(action: &Action, asked: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    if spec.what.least_effect() == EffectClass::Read {
        return Err(Error::new(Kind::Usage, format!("cannot preview \"{}\": it only looks", action.line)));
    }
    let sight = connection::finish(see(&spec, asked))??;
    let size = sight.bytes;
    let words = match spec.what {
        What::Delete(_) => limit::judge(asked.limit, sight.head.count, sight.of.max(sight.head.count), size, "keys")?,
        _ => None,
    };
    frozen::write(set, &sight.head, &sight.keys)?;
    Ok(shown(&spec, asked, sight, words))
}

async fn see(spec: &Spec, asked: &Look) -> Result<Sight, Error> {
    let doing = format!("look at {}", spec.target);
    let failed = |why: &dyn std::fmt::Display| Error::machine(&doing, why);
    let describe = |failure: Failure| Error::machine(&doing, failure.reason);
    let mut session = spec.to_look().await.map_err(|why| failed(&why))?;
    let server = server(&mut session).await.map_err(describe)?;
    let by_pattern = matches!(&spec.what, What::Delete(which) if which.pattern.is_some());
    if let Some(why) = server.refusal(spec.what.least_effect(), by_pattern) {
        let message = format!("cannot go on: {} {why}", spec.target);
        return Err(Error::new(Kind::Refused, message).hint("point `url` and `act` to the primary"));
    }
    let of = session.ask(&["DBSIZE"]).await.map_err(describe)?.count().unwrap_or_default();
    let head = Head {
        set: KEY.to_owned(),
        line: spec.what.line(),
        run_id: server.run_id.clone(),
        replid: server.replid.clone(),
        db: session.database,
        ..Head::default()
    };
    let place = format!("{} ({})", spec.target, session.place);
    let warnings = server.warnings();
    let mut sight = Sight { place, server, head, keys: Vec::new(), of, bytes: None, facts: Vec::new(), warnings };
    match &spec.what {
        What::Set { key, .. } | What::Release { key, .. } | What::Expire { key, .. } => {
            one(&mut session, key, &mut sight).await.map_err(describe)?;
            before(&mut session, spec, &mut sight).await?;
        }
        What::Delete(Which { key: Some(key), .. }) => one(&mut session, key, &mut sight).await.map_err(describe)?,
        What::Delete(which) => {
            let pattern = which.pattern.as_deref().unwrap_or_default();
            many(&mut session, pattern, which.bounded, asked, &mut sight).await?;
            others(&mut session, pattern, &mut sight).await.map_err(describe)?;
        }
        What::Save { background } => saves(&mut session, *background, &mut sight).await?,
        What::RewriteAof => rewrites(spec, &mut sight)?,
        _ => {}
    }
    Ok(sight)
}

/// Freezes one key; a missing one is frozen as such if it is to be set.
async fn one(session: &mut Session, key: &str, sight: &mut Sight) -> Result<(), Failure> {
    let seen = describe(session, &[Name(key.as_bytes().to_vec())]).await?;
    for Seen { frozen, bytes } in seen {
        sight.facts.push((format!("now {key}"), now(&frozen)));
        sight.bytes = bytes;
        sight.keys.push(frozen);
    }
    sight.head.count = sight.keys.len() as u64;
    Ok(())
}

/// A key as it is now.
fn now(key: &Frozen) -> String {
    if key.kind == "none" {
        return "is not there".to_owned();
    }
    let length = key.length.map(|length| format!(" of {}", count(length))).unwrap_or_default();
    let left = key.expires_at.map(|at| Wall::from_unix(at / 1000, 0));
    let left = left.map(|at| format!(", ends in {}", span(at.since(clock::now().wall))));
    format!("{}{length}{}", key.kind, left.unwrap_or_default())
}

/// The old value, if it is to be set or released.
async fn before(session: &mut Session, spec: &Spec, sight: &mut Sight) -> Result<(), Error> {
    let refused = |why: String| Err(Error::new(Kind::Refused, format!("cannot go on: {why}")));
    let Some(key) = sight.keys.first().cloned() else { return Ok(()) };
    let name = key.key.shown();
    let (only, wanted, ours) = match &spec.what {
        What::Set { only, value, ours, .. } => (*only, Some(value), *ours),
        What::Release { value, .. } => (None, Some(value), false),
        _ if key.kind == "none" => return refused(format!("{name} is not there")),
        _ => return Ok(()),
    };
    if key.kind == "none" {
        return if only == Some(If::Present) { refused(format!("{name} is not there")) } else { Ok(()) };
    }
    let short = key.kind == "string" && key.length.is_some_and(|length| length <= LONGEST_VALUE);
    let value = if short { session.ask(&[b"GET".as_slice(), &key.key.0]).await.ok() } else { None };
    if let Some(Reply::Bytes(value)) = &value {
        sight.head.value = Some(Digest::of(value).to_string());
        let text = String::from_utf8_lossy(value);
        let same = wanted.is_some_and(|wanted| *wanted == text);
        if same {
            sight.facts.push(("value".to_owned(), "it holds this value already".to_owned()));
        }
        if only == Some(If::Absent) && !(same && ours) {
            return refused(format!("{name} is there already: {}, and not of this run", now(&key)));
        }
        if matches!(spec.what, What::Release { .. }) && !same {
            sight.warnings.push("it holds another value, and will be left alone".to_owned());
        }
    } else if only == Some(If::Absent) {
        return refused(format!("{name} is there already: {}", now(&key)));
    } else if key.kind != "string" {
        sight.warnings.push(format!("{name} is a {} now, and its content is lost", key.kind));
    } else {
        let size = key.length.map_or_else(|| "a text".to_owned(), bytes);
        sight.warnings.push(format!("{name} holds {size}: its content is too long to be compared before the act"));
    }
    Ok(())
}

/// Freezes the keys of a pattern.
async fn many(
    session: &mut Session,
    pattern: &str,
    bounded: bool,
    asked: &Look,
    sight: &mut Sight,
) -> Result<(), Error> {
    let doing = format!("look for {pattern}");
    let describe = |failure: Failure| Error::machine(&doing, failure.reason);
    let mut names = BTreeSet::new();
    let mut marks = HashSet::new();
    let mut scan = Scan::of(pattern);
    let mut listed = !bounded;
    while let Some(found) = scan.next(session).await.map_err(describe)? {
        asked.in_time(&doing)?;
        for name in found {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            marks.insert(hasher.finish());
            if listed {
                names.insert(name);
            }
        }
        if names.len() > MOST {
            (names, listed) = (BTreeSet::new(), false);
        }
        if marks.len() > MOST_BOUNDED {
            return Err(Error::machine(&doing, format!("there are more than {} keys", count(MOST_BOUNDED as u64))));
        }
    }
    if !listed {
        let found = marks.len() as u64;
        sight.head.count = limit::bound(found);
        sight.head.pattern = Some(pattern.to_owned());
        let most = count(sight.head.count);
        sight
            .facts
            .push(("set".to_owned(), format!("bounded, not listed: {} keys now, at most {most} go", count(found))));
        return Ok(());
    }
    let names: Vec<Name> = names.into_iter().collect();
    described(session, &names, asked, sight).await
}

/// Describes the keys of a listed set.
async fn described(session: &mut Session, names: &[Name], asked: &Look, sight: &mut Sight) -> Result<(), Error> {
    let doing = "look at the keys";
    let mut total = Some(0_u64);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for names in names.chunks(TOGETHER) {
        asked.in_time(doing)?;
        let seen = describe(session, names).await.map_err(|failure| Error::machine(doing, failure.reason))?;
        // A key without a type has expired since it was listed.
        for Seen { frozen, bytes } in seen.into_iter().filter(|seen| seen.frozen.kind != "none") {
            *kinds.entry(frozen.kind.clone()).or_default() += 1;
            total = total.zip(bytes).map(|(total, bytes)| total.saturating_add(bytes));
            sight.keys.push(frozen);
        }
    }
    sight.head.count = sight.keys.len() as u64;
    sight.bytes = total;
    let kinds: Vec<String> = kinds.iter().map(|(kind, number)| format!("{} {kind}", count(*number))).collect();
    let lasting = sight.keys.iter().filter(|key| key.expires_at.is_none()).count() as u64;
    sight.facts.push(("types".to_owned(), if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }));
    sight.facts.push(("without an end of their own".to_owned(), count(lasting)));
    Ok(())
}

/// The other data of the database, by the prefixes of its keys.
async fn others(session: &mut Session, pattern: &str, sight: &mut Sight) -> Result<(), Failure> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let (mut scan, mut seen) = (Scan::of("*"), 0);
    while let Some(found) = scan.next(session).await? {
        for name in found {
            seen += 1;
            if crate::domain::glob::fits(pattern.as_bytes(), &name.0) {
                continue;
            }
            let shown = name.shown();
            let kind = shown.split_once(':').map_or_else(|| shown.clone(), |(first, _)| format!("{first}:*"));
            *kinds.entry(kind).or_default() += 1;
        }
        if seen >= OTHERS {
            break;
        }
    }
    let mut kinds: Vec<(String, u64)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let more = kinds.len().saturating_sub(MOST_NAMED);
    let mut lines: Vec<String> =
        kinds.iter().take(MOST_NAMED).map(|(kind, n)| format!("{kind} ({})", count(*n))).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let about = if seen >= OTHERS { ", of the first some thousand keys" } else { "" };
    let text = if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") };
    sight.facts.push(("stays there".to_owned(), format!("{text}{about}")));
    let databases = sight.server.others(sight.head.db);
    if !databases.is_empty() {
        sight.facts.push(("other databases".to_owned(), databases.join(", ")));
    }
    Ok(())
}

async fn saves(session: &mut Session, background: bool, sight: &mut Sight) -> Result<(), Error> {
    let info = &sight.server.info;
    sight.head.saved = Some((info.number("rdb_last_save_time").unwrap_or_default(), info.number("rdb_saves")));
    if info.flag("rdb_bgsave_in_progress") == Some(true) {
        sight.warnings.push("a save runs already: this one starts after it".to_owned());
    }
    if let (true, Some(used)) = (background, info.number("used_memory")) {
        let most = format!("up to {} more while it works, and as much on disk", bytes(used));
        sight.facts.push(("needs memory".to_owned(), most));
    }
    if !background {
        sight.warnings.push("all clients wait until it is done: `bgsave` runs in the background".to_owned());
    }
    let dir = session.config("dir").await.ok().flatten();
    let file = session.config("dbfilename").await.ok().flatten();
    if let (Some(dir), Some(file)) = (dir, file) {
        sight.facts.push(("file".to_owned(), format!("{dir}/{file}")));
    }
    Ok(())
}

fn rewrites(spec: &Spec, sight: &mut Sight) -> Result<(), Error> {
    let info = &sight.server.info;
    if info.flag("aof_enabled") != Some(true) {
        let message = format!("cannot go on: {} keeps no append-only file", spec.target);
        return Err(Error::new(Kind::Refused, message).hint("`bgsave` saves its data"));
    }
    sight.head.rewrites = info.number("aof_rewrites");
    let sizes = info.number("aof_current_size").zip(info.number("aof_base_size"));
    if let Some((now, base)) = sizes {
        sight
            .facts
            .push(("append-only file".to_owned(), format!("{}, {} when last rewritten", bytes(now), bytes(base))));
    }
    Ok(())
}

fn shown(spec: &Spec, asked: &Look, sight: Sight, limit: Option<String>) -> Preview {
    let Sight { place, server, head, keys, of, bytes, mut facts, warnings } = sight;
    let deletes = matches!(spec.what, What::Delete(_));
    let there = keys.iter().filter(|key| key.kind != "none").count() as u64;
    let number = match (deletes, head.pattern.is_some()) {
        (true, true) => head.count,
        (true, false) => there,
        (false, _) => 1,
    };
    let mut pairs = vec![("server".to_owned(), server.describe())];
    pairs.append(&mut facts);
    pairs.push(("database".to_owned(), format!("{} with {}", head.db, counted(of, "key", "keys"))));
    pairs.push(("memory".to_owned(), server.memory()));
    pairs.push(("persistence".to_owned(), server.persistence()));
    let mut headline = spec.what.line();
    if let What::Delete(Which { pattern: Some(pattern), .. }) = &spec.what {
        let most = if head.pattern.is_some() { "up to " } else { "" };
        headline = format!("delete {most}{} {pattern}", counted(number, "key", "keys"));
    }
    let first: String = headline.chars().take(1).flat_map(char::to_uppercase).collect();
    let headline: String = first.chars().chain(headline.chars().skip(1)).collect();
    let destroys = asked.effect == EffectClass::Destroy;
    let word = spec.what.line().split(' ').next().unwrap_or("change").to_owned();
    let noun = match &spec.what {
        What::Delete(_) => NOUN.to_owned(),
        What::Set { key, .. } | What::Release { key, .. } | What::Expire { key, .. } => common::plain_word(key, "key"),
        _ => common::plain_word(&spec.target, "redis"),
    };
    Preview {
        headline: format!("{headline} on {}", spec.target),
        place,
        count: number,
        of: deletes.then_some(of),
        bytes: bytes.filter(|_| deletes),
        facts: pairs,
        warnings,
        limit,
        undo: asked.undo.clone(),
        takes_s: asked.takes_s,
        phrase: if destroys { format!("{word} {number} {noun}") } else { String::new() },
        ..Preview::default()
    }
}
