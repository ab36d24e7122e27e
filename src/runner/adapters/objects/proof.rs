//! Whether the effect on a frozen set is present.

use crate::domain::Error;
use crate::domain::error::system_text;
use crate::domain::quantity::count;
use crate::probes::store;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::Root;
use crate::runner::adapters::frozen;
use crate::runner::adapters::objects::frozen::{Head, Object};
use crate::runner::adapters::objects::look::{file_digest, place_of};
use crate::runner::adapters::objects::send::{opened, remote_digest};
use crate::runner::adapters::objects::{Op, Spec};
use crate::runner::adapters::{self as common, Proof, block};
use object_store::{ObjectStore, ObjectStoreExt};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Looks at every object of the set; `same-sha256` reads each to its end.
pub(in super::super) fn prove(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> Proof {
    let work = async {
        let spec: Spec = common::spec(action)?;
        let (head, objects) = frozen::whole::<Head>(set)?;
        let of = if spec.op == Op::SameSha256 { Op::Put } else { Op::Delete };
        if head.op != of || head.place != spec.place || !matches!(spec.op, Op::SameSha256 | Op::Gone) {
            return Err(common::not_a_set("it belongs to another action"));
        }
        judge(&spec, &objects, out, cancel).await
    };
    match block::finish("look at a store", work).and_then(|judged| judged) {
        Ok(proof) => proof,
        Err(error) => Proof::Unclear(error.message),
    }
}

async fn judge(spec: &Spec, objects: &[Object], out: &mut dyn Write, cancel: &AtomicBool) -> Result<Proof, Error> {
    let (soon, patient) = (spec.way.look()?, spec.way.act()?);
    // If a store does not answer, do not try one object after another.
    if let Some(first) = objects.first()
        && let Err(why) = gone(soon.as_ref(), first).await
    {
        return Ok(Proof::Unclear(why));
    }
    let root = match &spec.from {
        Some(from) if spec.op == Op::SameSha256 => place_of(from).ok().map(|(root, _)| root),
        _ => None,
    };
    let (mut done, mut undone) = (0_u64, 0_u64);
    for object in objects {
        if cancel.load(Ordering::Relaxed) {
            return Ok(Proof::Unclear("stopped".to_owned()));
        }
        let stored = match spec.op {
            Op::SameSha256 => same(patient.as_ref(), root.as_ref(), object, cancel).await,
            _ => gone(soon.as_ref(), object).await,
        };
        match stored {
            Ok(Some(true)) => done += 1,
            Ok(Some(false)) => undone += 1,
            Ok(None) => drop(writeln!(out, "{}: another object is there", object.key.escape_default())),
            Err(why) => {
                let _ = writeln!(out, "{}: {why}", object.key.escape_default());
            }
        }
    }
    let all = objects.len() as u64;
    let text = match spec.op {
        Op::SameSha256 => {
            format!("{} of {} have the SHA-256 of their file, {} not there", count(done), count(all), count(undone))
        }
        _ => format!("{} of {} gone, {} still there", count(done), count(all), count(undone)),
    };
    Ok(match (done == all, undone == all) {
        (true, _) => Proof::Done(text),
        (_, true) => Proof::NotDone(text),
        _ => Proof::Unclear(text),
    })
}

/// Whether an object has the content of its file; `None` if it has other content.
async fn same(
    store: &dyn ObjectStore,
    root: Option<&Root>,
    object: &Object,
    cancel: &AtomicBool,
) -> Result<Option<bool>, String> {
    let file = object.file.as_ref().ok_or("the set names no file")?;
    let should = match (&file.sha256, root) {
        (Some(sha256), _) => sha256.clone(),
        (None, Some(root)) => {
            let mut open = opened(root, object.size, file)?;
            file_digest(&mut open).map_err(system_text)?
        }
        (None, None) => return Err("its file cannot be read any more".to_owned()),
    };
    match store.get(&store::key(&object.key)?).await {
        Err(object_store::Error::NotFound { .. }) => Ok(Some(false)),
        Err(cause) => Err(store::words(&cause)),
        Ok(got) => {
            let (length, is) = remote_digest(got, cancel).await?;
            Ok((length == object.size && is == should).then_some(true))
        }
    }
}

/// Whether an object is gone; `None` if another one is there.
async fn gone(store: &dyn ObjectStore, object: &Object) -> Result<Option<bool>, String> {
    match store.head(&store::key(&object.key)?).await {
        Err(object_store::Error::NotFound { .. }) => Ok(Some(true)),
        Err(cause) => Err(store::words(&cause)),
        Ok(meta) if meta.e_tag == object.etag && meta.size == object.size => Ok(Some(false)),
        Ok(_) => Ok(None),
    }
}
