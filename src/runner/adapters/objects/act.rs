//! Puts and deletes, one frozen object at a time.

use crate::domain::error::said;
use crate::domain::quantity::count;
use crate::journal::record::Ending;
use crate::probes::store;
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::objects::frozen::{Head, Object, There};
use crate::runner::adapters::objects::look::place_of;
use crate::runner::adapters::objects::send::{Came, send};
use crate::runner::adapters::objects::{Op, Spec, checks};
use crate::runner::adapters::{self as common, ActEnd, block};
use crate::runner::failpoint;
use futures_util::{StreamExt, stream};
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// After how many failures in a row it is given up: the store is gone.
const GIVEN_UP: u64 = 3;

/// How many objects are looked at at the same time.
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

/// What was counted over a set.
struct Tally<'a> {
    word: &'static str,
    all: u64,
    done: u64,
    bytes: u64,
    already: u64,
    left_alone: u64,
    failed: u64,
    in_a_row: u64,
    stopped: Option<(Ending, String)>,
    out: &'a mut dyn Write,
}

impl<'a> Tally<'a> {
    fn of(word: &'static str, objects: &[Object], out: &'a mut dyn Write) -> Self {
        let all = objects.len() as u64;
        Self { word, all, done: 0, bytes: 0, already: 0, left_alone: 0, failed: 0, in_a_row: 0, stopped: None, out }
    }

    /// Counts one, and says it; `false` when the rest is not to be touched.
    fn count(&mut self, object: &Object, came: Came) -> bool {
        let shown = object.key.escape_default();
        self.in_a_row = if matches!(came, Came::Failed(_)) { self.in_a_row + 1 } else { 0 };
        let told = match came {
            Came::Done => {
                self.done += 1;
                self.bytes = self.bytes.saturating_add(object.size);
                writeln!(self.out, "{} {shown}", self.word)
            }
            Came::Already => {
                self.already += 1;
                writeln!(self.out, "nothing to do for {shown}")
            }
            Came::LeftAlone(why) => {
                self.left_alone += 1;
                writeln!(self.out, "left alone {shown}: {why}")
            }
            Came::Failed(why) => {
                let why = said(why);
                self.failed += 1;
                if self.in_a_row == GIVEN_UP {
                    self.stopped = Some((Ending::Failed, format!("given up: {why}")));
                }
                writeln!(self.out, "failed {shown}: {why}")
            }
            Came::Stopped => {
                self.stopped = Some((Ending::Cancelled, "stopped".to_owned()));
                Ok(())
            }
        };
        if let Err(cause) = told {
            // What cannot be reported is not done unseen.
            self.stopped = Some((Ending::Failed, format!("stopped: cannot report: {cause}")));
        }
        self.stopped.is_none()
    }

    fn end(self) -> ActEnd {
        let mut detail = format!("{} {} of {}", self.word, count(self.done), count(self.all));
        for (number, words) in [(self.already, "already so"), (self.left_alone, "left alone"), (self.failed, "failed")]
        {
            if number > 0 {
                detail.push_str(&format!(", {} {words}", count(number)));
            }
        }
        // A put that leaves something out is no backup; a delete that did nothing it meant to did not succeed.
        let short = self.left_alone > 0 && (self.word == "put" || self.done + self.already == 0);
        let mut ending = if self.failed > 0 || short { Ending::Failed } else { Ending::Ok };
        if let Some((how, why)) = self.stopped {
            ending = how;
            detail = format!("{why}: {detail}");
        }
        let counts = [
            (self.word, self.done),
            ("bytes", self.bytes),
            ("already", self.already),
            ("left_alone", self.left_alone),
            ("failed", self.failed),
        ];
        let counts = counts.into_iter().filter(|(name, number)| *number > 0 || *name == self.word);
        let counts: BTreeMap<String, u64> = counts.map(|(name, number)| (name.to_owned(), number)).collect();
        ActEnd { counts, ..ActEnd::new(ending, detail) }
    }
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
    let mut tally = Tally::of("put", objects, out);
    for object in objects {
        if object.there != There::Same {
            failpoint::pass("act.item");
        }
        let came = match cancel.load(Ordering::Relaxed) {
            true => Came::Stopped,
            false => send(&root, store, spec.way.has_metadata(), object, cancel).await,
        };
        if !tally.count(object, came) {
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
    let mut tally = Tally::of("deleted", objects, out);
    let batch = usize::try_from(spec.batch).unwrap_or(1).clamp(1, 1000);
    for batch in objects.chunks(batch) {
        if cancel.load(Ordering::Relaxed) {
            if let Some(first) = batch.first() {
                tally.count(first, Came::Stopped);
            }
            break;
        }
        if !delete_batch(store, batch, &mut tally).await {
            break;
        }
    }
    tally.end()
}

/// Deletes those of a batch that are still what was frozen; `false` when the rest is not to be touched.
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
                if !tally.count(object, came) {
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
                    go_on &= tally.count(object, Came::Done);
                }
            }
            Err(Error::NotFound { .. }) => {}
            Err(cause) => trouble = Some(store::words(&cause)),
        }
    }
    // What the store did not confirm is looked at once more.
    for object in going.into_values() {
        let why = trouble.clone().unwrap_or_else(|| "the store did not confirm it".to_owned());
        let came = match still(store, object).await {
            Err(Came::Already) => Came::Done,
            _ => Came::Failed(why),
        };
        go_on &= tally.count(object, came);
    }
    go_on
}

/// Whether an object is still the one that was frozen.
async fn still(store: &dyn ObjectStore, object: &Object) -> Result<Key, Came> {
    let key = store::key(&object.key).map_err(Came::Failed)?;
    match store.head(&key).await {
        Err(Error::NotFound { .. }) => Err(Came::Already),
        Err(cause) => Err(Came::Failed(store::words(&cause))),
        Ok(meta) if is_it(object, &meta) => Ok(key),
        Ok(_) => Err(Came::LeftAlone("it changed since it was frozen".to_owned())),
    }
}

/// By ETag, size and time; a listing names no version, and where the head does, these are enough.
fn is_it(object: &Object, meta: &object_store::ObjectMeta) -> bool {
    let version = object.version.is_none() || object.version == meta.version;
    let time = object.modified.is_none_or(|modified| modified == meta.last_modified.timestamp());
    object.size == meta.size && object.etag == meta.e_tag && version && time
}
