//! Looks at a store, and freezes what an act would touch. Changes nothing.

use crate::domain::ids::Hasher;
use crate::domain::quantity::{bytes, counted};
use crate::domain::{Digest, EffectClass, Error, Kind, Preview, glob};
use crate::probes::store;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::{Name, Root};
use crate::runner::adapters::frozen::{self, Listed};
use crate::runner::adapters::objects::act::AT_ONCE;
use crate::runner::adapters::objects::frozen::{Head, MOST, Object, Source, There};
use crate::runner::adapters::objects::list::listed;
use crate::runner::adapters::objects::send::{opened, remote_digest};
use crate::runner::adapters::objects::{KEY, Op, Select, Spec};
use crate::runner::adapters::{self as common, Look, block, limit};
use crate::runner::rundir;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{Attribute, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use rustix::fs::{AtFlags, Dir, FileType, statat};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// The noun for the items of a set in a phrase.
pub(in crate::runner::adapters) const NOUN: &str = "objects";

/// Up to how many bytes in total the files of a put are hashed before the act; it must fit into a preview's time.
const HASHED: u64 = 2 << 30;

/// How many existing objects are named.
const NAMED: usize = 3;

/// The metadata key of an object's digest.
pub(super) const SHA256: &str = "sha256";

/// Looks, checks the limit, and writes the set.
pub(in super::super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    let work = async {
        let store = spec.way.look()?;
        match spec.op {
            Op::Put => to_put(&spec, store.as_ref(), look).await,
            Op::Delete => to_delete(&spec, store.as_ref(), look).await,
            _ => Err(Error::new(Kind::Usage, format!("cannot preview \"{}\": it only looks", action.line))),
        }
    };
    let seen = block::finish("look at a store", within(look, work))??;
    let total = seen.objects.iter().map(|object| object.size).fold(0, u64::saturating_add);
    let found = seen.objects.len() as u64;
    let noun = if spec.op == Op::Put { "files" } else { "objects" };
    let limit = limit::judge(look.limit, found, seen.of, Some(total), noun)?;
    let head =
        Head { set: KEY.to_owned(), op: spec.op, place: spec.place.clone(), store: spec.way.shown(), count: found };
    frozen::write(set, &head, &seen.objects)?;
    let mut preview = shown(&spec, look, &seen, total);
    preview.limit = limit;
    Ok(preview)
}

/// Fails at the preview's deadline.
async fn within<T>(look: &Look, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let left = look.deadline.saturating_duration_since(std::time::Instant::now());
    let late = || Error::machine("look at a store", "it took longer than a preview may");
    tokio::time::timeout(left, work).await.map_err(|_| late())?
}

/// The result of the look.
#[derive(Default)]
struct Seen {
    objects: Vec<Object>,
    /// How many match the pattern.
    of: u64,
    warnings: Vec<String>,
}

async fn to_delete(spec: &Spec, store: &dyn ObjectStore, look: &Look) -> Result<Seen, Error> {
    let mut found = listed(spec, store).await?;
    let of = found.len() as u64;
    if let Some(select) = &spec.select {
        narrow(&mut found, select, look);
    }
    // The listings of some stores have no ETag, but their heads have.
    let known = found.into_iter().map(|meta| async move {
        if meta.e_tag.is_some() {
            return Ok(meta);
        }
        store.head(&meta.location).await.map(|head| ObjectMeta { e_tag: head.e_tag, ..meta })
    });
    let found: Vec<ObjectMeta> = stream::iter(known)
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .map_err(|cause| Error::machine(format_args!("look at what is in {}", spec.place), store::words(&cause)))?;
    let object = |meta: ObjectMeta| Object {
        key: meta.location.to_string(),
        size: meta.size,
        etag: meta.e_tag,
        version: meta.version,
        modified: Some(meta.last_modified.timestamp()),
        file: None,
        there: There::Nothing,
    };
    Ok(Seen { objects: found.into_iter().map(object).collect(), of, warnings: Vec::new() })
}

/// Takes out the newest, which are kept, and those that are not old enough.
fn narrow(found: &mut Vec<ObjectMeta>, select: &Select, look: &Look) {
    if select.keep_newest > 0 {
        found.sort_by(|a, b| b.last_modified.cmp(&a.last_modified).then_with(|| a.location.cmp(&b.location)));
        let kept = usize::try_from(select.keep_newest).unwrap_or(usize::MAX).min(found.len());
        found.drain(..kept);
        found.sort_by(|a, b| a.location.cmp(&b.location));
    }
    let Some(seconds) = select.older_s else { return };
    let now = look.now.0.as_second();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    found.retain(|object| now.saturating_sub(object.last_modified.timestamp()) > seconds);
}

async fn to_put(spec: &Spec, store: &dyn ObjectStore, look: &Look) -> Result<Seen, Error> {
    let (mut objects, skipped) = files(spec, look)?;
    let of = objects.len() as u64;
    let total: u64 = objects.iter().map(|object| object.size).fold(0, u64::saturating_add);
    let mut warnings = skipped;
    if total <= HASHED {
        digests(spec, &mut objects, look)?;
    } else {
        let most = bytes(HASHED);
        warnings.push(format!("more than {most}: what is in the files is not read before they are put"));
    }
    let wide = Spec { select: None, ..spec.clone() };
    let there: BTreeMap<String, ObjectMeta> = match listed(&wide, store).await {
        Ok(found) => found.into_iter().map(|meta| (meta.location.to_string(), meta)).collect(),
        Err(error) => return Err(error),
    };
    for object in &mut objects {
        let Some(meta) = there.get(&object.key) else { continue };
        // As the head reports it: the act compares with that.
        let head = store.head(&meta.location).await;
        let head =
            head.map_err(|cause| Error::machine(format_args!("look at {}", object.key), store::words(&cause)))?;
        (object.etag, object.version) = (head.e_tag, head.version);
        let same = meta.size == object.size && is_same(spec, store, object).await?;
        object.there = if same { There::Same } else { There::Other };
    }
    let keys =
        |there: There| objects.iter().filter(move |object| object.there == there).map(|object| object.key.as_str());
    let others = keys(There::Other).count() as u64;
    if others > 0 && !spec.overwrite {
        let named: Vec<&str> = keys(There::Other).take(NAMED).collect();
        let more = others.saturating_sub(named.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!(
            "cannot put to {}: {} there already with other content: {}{more}",
            spec.place,
            if others == 1 { "one key is".to_owned() } else { format!("{others} keys are") },
            named.join(", ")
        );
        return Err(Error::new(Kind::Refused, message)
            .hint("choose another prefix, or set `overwrite = true`, which is a destroy"));
    }
    if others > 0 {
        warnings.push(format!("{} of other content will be replaced", counted(others, "object", "objects")));
    }
    let same = keys(There::Same).count() as u64;
    if same > 0 {
        warnings.push(format!("{} there already, the same", counted(same, "object is", "objects are")));
    }
    Ok(Seen { objects, of, warnings })
}

/// Whether the existing object has the content of the file: by its digest in the metadata, else by reading it.
async fn is_same(spec: &Spec, store: &dyn ObjectStore, object: &Object) -> Result<bool, Error> {
    let Some(sha256) = object.file.as_ref().and_then(|file| file.sha256.as_ref()) else { return Ok(false) };
    let doing = || format!("look at {}", object.key);
    let key = store::key(&object.key).map_err(|why| Error::machine(doing(), why))?;
    if spec.way.has_metadata() {
        let asked = store.get_opts(&key, GetOptions { head: true, ..GetOptions::default() }).await;
        let head = asked.map_err(|cause| Error::machine(doing(), store::words(&cause)))?;
        if let Some(attribute_value) = head.attributes.get(&Attribute::Metadata(SHA256.into())) {
            return Ok(attribute_value.as_ref() == sha256.to_string());
        }
    }
    let got = store.get(&key).await.map_err(|cause| Error::machine(doing(), store::words(&cause)))?;
    let (_, is) = remote_digest(got, &std::sync::atomic::AtomicBool::new(false))
        .await
        .map_err(|why| Error::machine(doing(), why))?;
    Ok(is == *sha256)
}

/// The directory that a put reads, and the single file of it if only one is named.
pub(super) fn place_of(from: &str) -> Result<(Root, Option<String>), Error> {
    let path = Path::new(from);
    let seen =
        std::fs::symlink_metadata(path).map_err(|cause| Error::machine(format_args!("look at {from}"), cause))?;
    if seen.is_dir() {
        return Ok((Root::open(from)?, None));
    }
    let name = path.file_name().and_then(|name| name.to_str()).filter(|_| seen.is_file());
    let (Some(name), Some(parent)) = (name, path.parent().and_then(Path::to_str)) else {
        return Err(Error::machine(format_args!("put {from}"), "it is neither a directory nor a file of a plain name"));
    };
    Ok((Root::open(parent)?, Some(name.to_owned())))
}

/// The files to put, sorted by their keys, and what was skipped.
fn files(spec: &Spec, look: &Look) -> Result<(Vec<Object>, Vec<String>), Error> {
    let from = spec.from.as_deref().unwrap_or_default();
    let (root, only) = place_of(from)?;
    let is_run = |name: &str| Path::new(from).join(name).is_file();
    let of_run = only.is_none() && is_run("journal.jsonl") && is_run("plan.json");
    let (mut objects, mut links, mut others) = (Vec::new(), 0_u64, 0_u64);
    let mut waiting: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let failed = |cause: rustix::io::Errno| {
            Error::machine(
                format_args!("read {from}/{}", Name(path.clone()).shown()),
                crate::runner::adapters::files::why(cause),
            )
        };
        let directory = root.directory(&path).map_err(failed)?;
        for entry in Dir::read_from(&directory).map_err(failed)? {
            look.in_time(&format!("look through {from}"))?;
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            let own = of_run && path.is_empty() && rundir::OWN.iter().any(|own| own.as_bytes() == name);
            let wanted = only.as_ref().is_none_or(|only| only.as_bytes() == name);
            if matches!(name, b"." | b"..") || own || !wanted {
                continue;
            }
            let stat = statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
            let inner = if path.is_empty() { name.to_vec() } else { [path.as_slice(), b"/", name].concat() };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => waiting.push(inner),
                FileType::RegularFile if fits(spec, name) => objects.push(object(spec, &inner, &stat)?),
                FileType::RegularFile => {}
                FileType::Symlink => links += 1,
                _ => others += 1,
            }
        }
        if objects.len() > MOST {
            return Err(Error::new(Kind::Refused, format!("cannot put {from}: there are more than a million files")));
        }
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let mut lines = Vec::new();
    for (number, one, many) in
        [(links, "symbolic link", "symbolic links"), (others, "socket, pipe or device", "sockets, pipes or devices")]
    {
        if number > 0 {
            lines.push(format!("{} left out", counted(number, one, many)));
        }
    }
    Ok((objects, lines))
}

fn fits(spec: &Spec, name: &[u8]) -> bool {
    spec.select.as_ref().is_none_or(|select| {
        glob::selects(select.pattern.as_bytes(), name)
            && !select.except.iter().any(|pattern| glob::fits(pattern.as_bytes(), name))
    })
}

/// A file under its key.
fn object(spec: &Spec, name: &[u8], stat: &rustix::fs::Stat) -> Result<Object, Error> {
    let shown = Name(name.to_vec()).shown();
    let failed = |why: &str| Error::machine(format_args!("put {shown}"), why);
    let text = std::str::from_utf8(name).map_err(|_| failed("its name is not UTF-8"))?;
    let slash = if spec.prefix.is_empty() { "" } else { "/" };
    let key = store::key(&format!("{}{slash}{text}", spec.prefix)).map_err(|why| failed(&why))?;
    let file = Source {
        name: Name(name.to_vec()),
        dev: stat.st_dev,
        ino: stat.st_ino,
        mtime: (stat.st_mtime, stat.st_mtime_nsec),
        sha256: None,
    };
    Ok(Object {
        key: key.to_string(),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        etag: None,
        version: None,
        modified: None,
        file: Some(file),
        there: There::Nothing,
    })
}

/// Reads every file for its digest.
fn digests(spec: &Spec, objects: &mut [Object], look: &Look) -> Result<(), Error> {
    let (root, _) = place_of(spec.from.as_deref().unwrap_or_default())?;
    let mut piece = vec![0; 1 << 20];
    for object in objects {
        let Some(file) = object.file.as_mut() else { continue };
        let doing = format!("read {}", file.name.shown());
        let mut open = opened(&root, object.size, file).map_err(|why| Error::machine(&doing, why))?;
        let mut hasher = Hasher::default();
        loop {
            look.in_time(&doing)?;
            match open.read(&mut piece).map_err(|cause| Error::machine(&doing, cause))? {
                0 => break,
                count => hasher.update(piece.get(..count).unwrap_or_default()),
            }
        }
        file.sha256 = Some(hasher.finish());
    }
    Ok(())
}

/// The digest of a file's content, from its beginning.
pub(super) fn file_digest(open: &mut std::fs::File) -> std::io::Result<Digest> {
    let (mut hasher, mut piece) = (Hasher::default(), vec![0; 1 << 20]);
    loop {
        match open.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(piece.get(..count).unwrap_or_default()),
        }
    }
}

fn shown(spec: &Spec, look: &Look, seen: &Seen, total: u64) -> Preview {
    let found = seen.objects.len() as u64;
    let from = spec.from.as_deref().unwrap_or_default();
    let headline = match spec.op {
        Op::Put => format!("Put {} from {from} to {}", counted(found, "file", "files"), spec.place),
        _ => format!("Delete {} from {}", counted(found, "object", "objects"), spec.place),
    };
    let when = |object: &&Object| object.item().modified;
    let mut warnings = seen.warnings.clone();
    if found == 0 {
        warnings.push(common::NOTHING_FITS.to_owned());
    }
    let destroys = look.effect == EffectClass::Destroy;
    let phrase = format!("{} {found} {}", spec.op.word(), NOUN);
    Preview {
        headline,
        place: spec.place.clone(),
        count: found,
        of: (spec.op == Op::Delete).then_some(seen.of),
        bytes: Some(total),
        oldest: seen.objects.iter().min_by_key(when).map(Object::item),
        newest: seen.objects.iter().max_by_key(when).map(Object::item),
        facts: vec![("store".to_owned(), spec.way.shown())],
        warnings,
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    }
}
