//! Read-only operations: `list`, `get`, `newest`, `verify`.
//!
//! An empty listing is reported as such and is never a fresh backup; an interrupted listing, and a store that does
//! not answer, are unknown.

use crate::domain::quantity::{age, bytes, counted, span};
use crate::domain::{Evidence, Wall};
use crate::journal::record::Ending;
use crate::probes::backups::series::{self, Member, Stored};
use crate::probes::backups::when::Clock;
use crate::probes::backups::{checksum, sums};
use crate::probes::{clock, store};
use crate::procedure::plan::Action;
use crate::runner::adapters::ActEnd;
use crate::runner::adapters::objects::list::listed;
use crate::runner::adapters::objects::send::remote_digest;
use crate::runner::adapters::objects::{Op, Spec};
use object_store::path::Path as Key;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The largest object whose text becomes a fact, and the largest checksum file, in bytes.
const TEXT: u64 = 4 << 10;
const SUMS: u64 = 1 << 20;

/// How many objects a list writes into its log.
const MAX_LISTED: usize = 1000;

/// Looks, and judges what was found.
pub(super) async fn look(action: &Action, spec: &Spec, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    // Whether a store answers is known soon; reading a whole object may take long.
    let (soon, patient) = match spec.way.look().and_then(|soon| Ok((soon, spec.way.act()?))) {
        Ok(both) => both,
        Err(error) => return ActEnd::unknown(error.message),
    };
    let seen = match spec.op {
        Op::Get => get(spec, soon.as_ref(), patient.as_ref(), cancel).await,
        Op::List => list(spec, soon.as_ref(), out).await,
        Op::Newest => newest(spec, soon.as_ref()).await,
        _ => verify(spec, soon.as_ref(), patient.as_ref(), cancel).await,
    };
    let end = match seen {
        Err(why) => ActEnd::unknown(why),
        Ok((ending, detail, facts)) => {
            let evidence = Evidence { source: action.line.clone(), seen: clock::now().wall, facts };
            ActEnd::new(ending, detail).seen(evidence)
        }
    };
    let _ = writeln!(out, "{}", end.detail.escape_default());
    end
}

type Facts = BTreeMap<String, String>;
type Seen = Result<(Ending, String, Facts), String>;

fn facts(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Facts {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn get(spec: &Spec, soon: &dyn ObjectStore, patient: &dyn ObjectStore, cancel: &AtomicBool) -> Seen {
    let key = store::key(&spec.prefix)?;
    match soon.head(&key).await {
        Err(Error::NotFound { .. }) => {
            return Ok((Ending::Failed, format!("there is no {}", spec.place), Facts::new()));
        }
        Err(cause) => return Err(store::words(&cause)),
        Ok(_) => {}
    }
    let got = patient.get(&key).await.map_err(|cause| store::words(&cause))?;
    let (size, etag, modified) = (got.meta.size, got.meta.e_tag.clone(), got.meta.last_modified.timestamp());
    let mut found = facts([
        ("key", key.to_string()),
        ("size_bytes", size.to_string()),
        ("modified_at", Wall::from_unix(modified, 0).0.to_string()),
        ("etag", etag.clone().unwrap_or_default()),
    ]);
    let (_, digest) = remote_digest(got, cancel).await?;
    found.insert("sha256".to_owned(), digest.to_string());
    if size <= TEXT
        && let Some(text) = text(soon, &key, TEXT).await?
    {
        found.insert("value".to_owned(), text.trim_end().to_owned());
    }
    Ok((Ending::Ok, format!("{} · {}", spec.place, bytes(size)), found))
}

/// A small object as text; `None` if there is none, or it is not text.
async fn text(store: &dyn ObjectStore, key: &Key, most: u64) -> Result<Option<String>, String> {
    Ok(body(store, key, most).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// The content of a small object; `None` if there is none.
async fn body(store: &dyn ObjectStore, key: &Key, most: u64) -> Result<Option<Vec<u8>>, String> {
    let options = GetOptions { range: Some(GetRange::Bounded(0..most)), ..GetOptions::default() };
    match store.get_opts(key, options).await {
        Err(Error::NotFound { .. }) => Ok(None),
        Err(cause) => Err(store::words(&cause)),
        Ok(got) if got.meta.size > most => Err(format!("{key} has more than {}", bytes(most))),
        Ok(got) => {
            let all = got.bytes().await.map_err(|cause| store::words(&cause))?;
            Ok(Some(all.to_vec()))
        }
    }
}

async fn list(spec: &Spec, store: &dyn ObjectStore, out: &mut dyn Write) -> Seen {
    let found = listed(spec, store).await.map_err(|error| error.message)?;
    let total = found.iter().map(|object| object.size).fold(0, u64::saturating_add);
    for object in found.iter().take(MAX_LISTED) {
        let when = Wall::from_unix(object.last_modified.timestamp(), 0).minute();
        let _ = writeln!(out, "{:>9}  {when}  {}", bytes(object.size), object.location.as_ref().escape_default());
    }
    let more = found.len().saturating_sub(MAX_LISTED) as u64;
    if more > 0 {
        let _ = writeln!(out, "and {} not listed here", counted(more, "more object", "more objects"));
    }
    let mut facts = facts([("count", found.len().to_string()), ("size_bytes", total.to_string())]);
    for (name, object) in [
        ("newest", found.iter().max_by_key(|object| object.last_modified)),
        ("oldest", found.iter().min_by_key(|object| object.last_modified)),
    ] {
        if let Some(object) = object {
            facts.insert(name.to_owned(), object.location.to_string());
            let at = Wall::from_unix(object.last_modified.timestamp(), 0);
            facts.insert(format!("{name}_at"), at.0.to_string());
        }
    }
    let objects = counted(found.len() as u64, "object", "objects");
    Ok((Ending::Ok, format!("{objects} · {}", bytes(total)), facts))
}

/// The newest member of a series by the time in the data, as in the Backups pane.
async fn newest_of(spec: &Spec, store: &dyn ObjectStore) -> Result<Option<(Member, usize)>, String> {
    let found = listed(spec, store).await.map_err(|error| error.message)?;
    let objects = found.into_iter().map(|object| Stored {
        name: object.location.to_string().into(),
        size: object.size,
        changed: object.last_modified.timestamp(),
    });
    let pattern = spec.select.as_ref().map_or("", |select| select.pattern.as_str());
    let series = series::of_objects(objects, pattern, &Clock::here(clock::now().wall.0.as_second()));
    if let (None, (_, Some(name))) = (series.members.first(), &series.future) {
        return Err(format!("all are dated in the future, {} among them", name.to_string_lossy()));
    }
    let count = series.count;
    Ok(series.members.into_iter().next().map(|member| (member, count)))
}

fn none(spec: &Spec) -> (Ending, String, Facts) {
    let pattern = spec.select.as_ref().map_or("*", |select| select.pattern.as_str());
    (Ending::Failed, format!("no object fits {pattern} below {}", spec.place), facts([("count", "0".to_owned())]))
}

async fn newest(spec: &Spec, store: &dyn ObjectStore) -> Seen {
    let Some((member, count)) = newest_of(spec, store).await? else { return Ok(none(spec)) };
    let made = Wall::from_unix(member.unix, 0);
    let now = clock::now().wall;
    let old = now.since(made);
    let size = member.size.unwrap_or(0);
    let name = member.name.to_string_lossy().into_owned();
    let facts = facts([
        ("name", name.clone()),
        ("made_at", made.0.to_string()),
        ("time_from", member.from.word().to_owned()),
        ("age_s", old.as_secs().to_string()),
        ("size_bytes", size.to_string()),
        ("count", count.to_string()),
    ]);
    let mut detail = format!("{name} · {} old · {}", age(old), bytes(size));
    let mut ending = Ending::Ok;
    if let Some(limit) = spec.younger_s.map(Duration::from_secs).filter(|limit| old > *limit) {
        detail.push_str(&format!(" · limit {}", span(limit)));
        ending = Ending::Failed;
    }
    if size < spec.larger {
        detail.push_str(&format!(" · smaller than {}", bytes(spec.larger)));
        ending = Ending::Failed;
    }
    Ok((ending, detail, facts))
}

async fn verify(spec: &Spec, soon: &dyn ObjectStore, patient: &dyn ObjectStore, cancel: &AtomicBool) -> Seen {
    let Some((member, _)) = newest_of(spec, soon).await? else { return Ok(none(spec)) };
    let name = member.name.to_string_lossy().into_owned();
    let (directory, last) = name.rsplit_once('/').unwrap_or(("", &name));
    let slash = if directory.is_empty() { "" } else { "/" };
    let mut found = None;
    let own = checksum::OWN.iter().map(|ending| (format!("{name}{ending}"), true));
    let all = checksum::SUMS.iter().map(|sums| (format!("{directory}{slash}{sums}"), false));
    for (beside, is_own) in own.chain(all) {
        let Some(bytes) = body(soon, &store::key(&beside)?, SUMS).await? else { continue };
        match checksum::digest_in(&sums::decode(&bytes), last, Path::new(directory), is_own) {
            Some(Ok(digest)) => {
                found = Some((beside, digest));
                break;
            }
            Some(Err(why)) => return Err(format!("{beside}: {why}")),
            None => {}
        }
    }
    let Some((beside, should)) = found else { return Err(format!("{name}: it has no SHA-256 file")) };
    let got = patient.get(&store::key(&name)?).await.map_err(|cause| store::words(&cause))?;
    let (size, is) = remote_digest(got, cancel).await?;
    let facts = facts([
        ("name", name.clone()),
        ("size_bytes", size.to_string()),
        ("sha256", is.to_string()),
        ("expected_sha256", should.to_string()),
        ("checksum_file", beside.clone()),
    ]);
    let (ending, text) = if should == is { (Ending::Ok, "as") } else { (Ending::Failed, "another SHA-256 than") };
    Ok((ending, format!("{name} · {} · {text} in {beside}", bytes(size)), facts))
}
