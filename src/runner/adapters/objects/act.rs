//! Puts and deletes, one frozen object at a time.

use crate::journal::record::Ending;
use crate::probes::store;
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::objects::frozen::{Head, Object, There};
use crate::runner::adapters::objects::look::place_of;
use crate::runner::adapters::objects::send::send;
use crate::runner::adapters::objects::{Op, Spec, checks};
use crate::runner::adapters::tally::{Came, Tally};
use crate::runner::adapters::{self as common, ActEnd, block};
use crate::runner::failpoint;
use futures_util::{StreamExt, stream};
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// After how many failures in a row it stops: the store is gone.
const GIVEN_UP: u64 = 3;

/// How many objects are checked at the same time.
pub(super) const AT_ONCE: usize = 8;

/// Carries the action out on its set.
pub(in super::super) fn act(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let nothing = |why: &str| ActEnd::new(Ending::Failed, format!("nothing was touched: {why}"));
    let spec = match common::spec::<Spec>(action) {
        Ok(spec) => spec,
        Err(error) => return nothing(&error.message),
    };
    if matches!(spec.op, Op::List | Op::Get | Op::Newest | Op::Verify) {
        return block::finish("look at a store", checks::look(action, &spec, out, cancel))
            .unwrap_or_else(|error| ActEnd::unknown(error.message));
    }
    let objects = match frozen::whole::<Head>(set) {
        Ok((head, objects)) if head.op == spec.op && head.place == spec.place => objects,
        Ok(_) => return nothing("the set belongs to another action"),
        Err(error) => return nothing(&error.message),
    };
    let work = async {
        let store = match spec.way.act() {
            Ok(store) => store,
            Err(error) => return nothing(&error.message),
        };
        match spec.op {
            Op::Put => put(&spec, store.as_ref(), &objects, out, cancel).await,
            Op::Delete => delete(&spec, store.as_ref(), &objects, out, cancel).await,
            _ => nothing("a proof does not act"),
        }
    };
    block::finish("work on a store", work).unwrap_or_else(|error| nothing(&error.message))
}

/// Counts one object; `false` if the rest must not be touched.
fn count(tally: &mut Tally<'_>, object: &Object, came: Came) -> bool {
    tally.count(&object.key.escape_default(), object.size, came)
}

async fn put(
    spec: &Spec,
    store: &dyn ObjectStore,
    objects: &[Object],
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let root = match place_of(spec.from.as_deref().unwrap_or_default()) {
        Ok((root, _)) => root,
        Err(error) => return ActEnd::new(Ending::Failed, format!("nothing was touched: {}", error.message)),
    };
    // A put that leaves out an object is not a backup.
    let mut tally = Tally::of("put", objects.len() as u64, out).needs_all(true).gives_up_after(GIVEN_UP);
    for object in objects {
        if object.there != There::Same {
            failpoint::pass("act.item");
        }
        let came = match cancel.load(Ordering::Relaxed) {
            true => Came::Stopped,
            false => send(&root, store, spec.way.has_metadata(), object, cancel).await,
        };
        if !count(&mut tally, object, came) {
            break;
        }
    }
    tally.end()
}

async fn delete(
    spec: &Spec,
    store: &dyn ObjectStore,
    objects: &[Object],
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> ActEnd {
    let mut tally = Tally::of("deleted", objects.len() as u64, out).gives_up_after(GIVEN_UP);
    let batch = usize::try_from(spec.batch).unwrap_or(1).clamp(1, 1000);
    for batch in objects.chunks(batch) {
        if cancel.load(Ordering::Relaxed) {
            if let Some(first) = batch.first() {
                count(&mut tally, first, Came::Stopped);
            }
            break;
        }
        if !delete_batch(store, batch, &mut tally).await {
            break;
        }
    }
    tally.end()
}

/// Deletes the unchanged objects of a batch; `false` if the rest must not be touched.
async fn delete_batch(store: &dyn ObjectStore, batch: &[Object], tally: &mut Tally<'_>) -> bool {
    let looked = batch.iter().map(|object| {
        failpoint::pass("act.item");
        async move { (object, still(store, object).await) }
    });
    let looked: Vec<(&Object, Result<Key, Came>)> = stream::iter(looked).buffered(AT_ONCE).collect().await;
    let mut going: BTreeMap<Key, &Object> = BTreeMap::new();
    for (object, found) in looked {
        match found {
            Ok(key) => {
                going.insert(key, object);
            }
            Err(came) => {
                if !count(tally, object, came) {
                    return false;
                }
            }
        }
    }
    failpoint::pass("act.half");
    let keys: Vec<Result<Key, Error>> = going.keys().cloned().map(Ok).collect();
    let mut gone = store.delete_stream(stream::iter(keys).boxed());
    let (mut trouble, mut go_on) = (None, true);
    while let Some(one) = gone.next().await {
        match one {
            Ok(key) => {
                if let Some(object) = going.remove(&key) {
                    go_on &= count(tally, object, Came::Done);
                }
            }
            Err(Error::NotFound { .. }) => {}
            Err(cause) => trouble = Some(store::words(&cause)),
        }
    }
    // Objects that the store did not confirm are checked once more.
    for object in going.into_values() {
        let why = trouble.clone().unwrap_or_else(|| "the store did not confirm it".to_owned());
        let came = match still(store, object).await {
            Err(Came::Already) => Came::Done,
            _ => Came::Failed(why),
        };
        go_on &= count(tally, object, came);
    }
    go_on
}

/// Whether an object is unchanged since it was frozen.
async fn still(store: &dyn ObjectStore, object: &Object) -> Result<Key, Came> {
    let key = store::key(&object.key).map_err(Came::Failed)?;
    match store.head(&key).await {
        Err(Error::NotFound { .. }) => Err(Came::Already),
        Err(cause) => Err(Came::Failed(store::words(&cause))),
        Ok(meta) if is_it(object, &meta) => Ok(key),
        Ok(_) => Err(Came::LeftAlone("it changed since it was frozen".to_owned())),
    }
}

/// By ETag, size and time; a listing has no version, and if the head has one, these three are enough.
fn is_it(object: &Object, meta: &object_store::ObjectMeta) -> bool {
    let version = object.version.is_none() || object.version == meta.version;
    let time = object.modified.is_none_or(|modified| modified == meta.last_modified.timestamp());
    object.size == meta.size && object.etag == meta.e_tag && version && time
}
