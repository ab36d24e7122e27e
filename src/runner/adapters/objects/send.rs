//! Uploads one file to its key, completely or not at all, and never over an object that was not shown.

use crate::domain::Digest;
use crate::domain::ids::Hasher;
use crate::probes::store;
use crate::runner::adapters::files::{Root, split, why};
use crate::runner::adapters::objects::frozen::{Object, Source, There};
use crate::runner::adapters::objects::look::SHA256;
use crate::runner::adapters::tally::Came;
use crate::runner::failpoint;
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, Error, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, UpdateVersion,
};
use rustix::fs::{Mode, OFlags, fstat, openat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Up to which size an object is uploaded in one request; a larger one is uploaded in parts.
const SINGLE: u64 = 8 << 20;

/// The size of a part, and how many parts there may be. Source: Amazon S3 user guide, "Amazon S3 multipart upload
/// limits".
const PART: u64 = 8 << 20;
const MOST_PARTS: u64 = 10_000;

/// Opens a file, if it is the frozen one.
pub(super) fn opened(root: &Root, size: u64, file: &Source) -> Result<File, String> {
    let (parent, name) = split(file.name.bytes());
    let directory = root.directory(parent).map_err(why)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = openat(&directory, OsStr::from_bytes(name), flags, Mode::empty()).map_err(why)?;
    match fstat(&open) {
        Ok(stat) if file.is(size, &stat) => Ok(File::from(open)),
        _ => Err("it changed since it was frozen".to_owned()),
    }
}

/// Whether the file is unchanged since it was opened.
fn is_unchanged(open: &File, object: &Object, file: &Source) -> bool {
    fstat(open).is_ok_and(|stat| file.is(object.size, &stat))
}

/// The length and the digest of an object, read to its end.
pub(super) async fn remote_digest(got: GetResult, cancel: &AtomicBool) -> Result<(u64, Digest), String> {
    let (mut hasher, mut length) = (Hasher::default(), 0);
    let mut stream = got.into_stream();
    while let Some(piece) = stream.try_next().await.map_err(|cause| store::words(&cause))? {
        if cancel.load(Ordering::Relaxed) {
            return Err("stopped".to_owned());
        }
        hasher.update(&piece);
        length += piece.len() as u64;
    }
    Ok((length, hasher.finish()))
}

/// Uploads one file.
pub(super) async fn send(
    root: &Root,
    store: &dyn ObjectStore,
    metadata: bool,
    object: &Object,
    cancel: &AtomicBool,
) -> Came {
    let Some(file) = &object.file else { return Came::Failed("the set names no file".to_owned()) };
    let key = match store::key(&object.key) {
        Ok(key) => key,
        Err(why) => return Came::Failed(why),
    };
    if object.there == There::Same {
        return match store.head(&key).await {
            Ok(meta) if meta.e_tag == object.etag && meta.size == object.size => Came::Already,
            Ok(_) => Came::LeftAlone("another object is there since it was frozen".to_owned()),
            Err(cause) => Came::Failed(store::words(&cause)),
        };
    }
    let open = match opened(root, object.size, file) {
        Ok(open) => open,
        Err(why) => return Came::LeftAlone(why),
    };
    let mut attributes = Attributes::new();
    if let (true, Some(sha256)) = (metadata, &file.sha256) {
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.to_string().into());
    }
    if object.size <= SINGLE {
        single(open, store, &key, object, file, attributes, cancel).await
    } else {
        parts(open, store, &key, object, file, attributes, cancel).await
    }
}

/// In one request, which the store accepts only if the key is empty or holds the version that was shown.
async fn single(
    mut open: File,
    store: &dyn ObjectStore,
    key: &Key,
    object: &Object,
    file: &Source,
    attributes: Attributes,
    cancel: &AtomicBool,
) -> Came {
    let mut content = Vec::new();
    if let Err(cause) = open.read_to_end(&mut content) {
        return Came::Failed(cause.to_string());
    }
    let digest = Digest::of(&content);
    if file.sha256.as_ref().is_some_and(|sha256| *sha256 != digest) || !is_unchanged(&open, object, file) {
        return Came::LeftAlone("it changed since it was frozen".to_owned());
    }
    let mode = match object.there {
        There::Other => PutMode::Update(UpdateVersion { e_tag: object.etag.clone(), version: object.version.clone() }),
        _ => PutMode::Create,
    };
    let options = PutOptions { mode, attributes, ..PutOptions::default() };
    let put = store.put_opts(key, content.into(), options).await;
    failpoint::pass("act.half");
    match put {
        Ok(_) => Came::Done,
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            in_the_way(store, key, object.size, &digest, cancel).await
        }
        // The answer may be lost although the object was written.
        Err(cause) => match in_the_way(store, key, object.size, &digest, cancel).await {
            Came::Already => Came::Done,
            _ => Came::Failed(store::words(&cause)),
        },
    }
}

/// The result if the key is taken: an earlier attempt put it, or it is another object.
async fn in_the_way(store: &dyn ObjectStore, key: &Key, size: u64, digest: &Digest, cancel: &AtomicBool) -> Came {
    let other = || Came::LeftAlone("an object of other content is there".to_owned());
    match store.get(key).await {
        Ok(got) if got.meta.size == size => match remote_digest(got, cancel).await {
            Ok((_, is)) if is == *digest => Came::Already,
            Ok(_) => other(),
            Err(why) => Came::Failed(why),
        },
        Ok(_) => other(),
        Err(cause) => Came::Failed(store::words(&cause)),
    }
}

/// In parts; the object exists only after the last request. The key is checked right before.
async fn parts(
    mut open: File,
    store: &dyn ObjectStore,
    key: &Key,
    object: &Object,
    file: &Source,
    attributes: Attributes,
    cancel: &AtomicBool,
) -> Came {
    let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
    let mut upload = match store.put_multipart_opts(key, options).await {
        Ok(upload) => upload,
        Err(cause) => return Came::Failed(store::words(&cause)),
    };
    let sent = pieces(&mut open, upload.as_mut(), object.size, cancel).await;
    let ready = match sent {
        Err(came) => Err(came),
        Ok(digest)
            if file.sha256.as_ref().is_some_and(|sha256| *sha256 != digest) || !is_unchanged(&open, object, file) =>
        {
            Err(Came::LeftAlone("it changed since it was frozen".to_owned()))
        }
        Ok(digest) => is_free(store, key, object, &digest, cancel).await,
    };
    if let Err(came) = ready {
        let _ = upload.abort().await; // Uploaded parts are no object.
        return came;
    }
    failpoint::pass("act.half");
    match upload.complete().await {
        Ok(_) => Came::Done,
        Err(cause) => {
            let why = store::words(&cause);
            let _ = upload.abort().await;
            Came::Failed(why)
        }
    }
}

/// Uploads all pieces, and returns the digest of what was sent.
async fn pieces(
    open: &mut File,
    upload: &mut dyn MultipartUpload,
    size: u64,
    cancel: &AtomicBool,
) -> Result<Digest, Came> {
    let part = PART.max(size.div_ceil(MOST_PARTS).next_multiple_of(1 << 20));
    let mut hasher = Hasher::default();
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Came::Stopped);
        }
        let mut piece = Vec::new();
        open.by_ref().take(part).read_to_end(&mut piece).map_err(|cause| Came::Failed(cause.to_string()))?;
        if piece.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(&piece);
        upload.put_part(piece.into()).await.map_err(|cause| Came::Failed(store::words(&cause)))?;
    }
}

/// Whether the key is as it was shown.
async fn is_free(
    store: &dyn ObjectStore,
    key: &Key,
    object: &Object,
    digest: &Digest,
    cancel: &AtomicBool,
) -> Result<(), Came> {
    match store.head(key).await {
        Err(Error::NotFound { .. }) if object.there == There::Nothing => Ok(()),
        Ok(meta) if object.there == There::Other && meta.e_tag == object.etag => Ok(()),
        Ok(meta) if meta.size == object.size => Err(in_the_way(store, key, object.size, digest, cancel).await),
        Ok(_) => Err(Came::LeftAlone("an object of other content is there".to_owned())),
        Err(cause) => Err(Came::Failed(store::words(&cause))),
    }
}
