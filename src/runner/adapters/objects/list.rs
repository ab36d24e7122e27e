//! Lists what is in a store.

use crate::domain::{Error, Kind, glob};
use crate::probes::store;
use crate::runner::adapters::objects::Spec;
use crate::runner::adapters::objects::frozen::MOST;
use futures_util::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};

/// Everything below a prefix that a pattern fits. What a console makes a folder of, and a key that has an empty part, is no object that
/// an act could reach by its name; it is left out.
pub(super) async fn listed(spec: &Spec, store: &dyn ObjectStore) -> Result<Vec<ObjectMeta>, Error> {
    let fail = |why: String| Error::machine(format!("list {}", spec.place), why);
    let fits = |object: &ObjectMeta| {
        let name = object.location.filename().unwrap_or_default().as_bytes().to_vec();
        spec.select.as_ref().is_none_or(|select| {
            glob::selects(select.pattern.as_bytes(), &name)
                && !select.except.iter().any(|pattern| glob::fits(pattern.as_bytes(), &name))
        })
    };
    let mut found = Vec::new();
    let mut take = |object: ObjectMeta| {
        if fits(&object) {
            found.push(object);
        }
        found.len() <= MOST
    };
    let is_all = if let Some(bucket) = spec.way.bucket()? {
        let prefix = if spec.prefix.is_empty() { String::new() } else { format!("{}/", spec.prefix) };
        let mut is_all = true;
        let ended = store::list(&bucket, &prefix, |object| {
            is_all = meta(object).is_none_or(&mut take);
            if is_all { Ok(()) } else { Err(String::new()) }
        });
        let ended = ended.await;
        if is_all {
            ended.map_err(|loss| fail(loss.why().to_owned()))?;
        }
        is_all
    } else {
        let prefix = store::key(&spec.prefix).map_err(fail)?;
        let mut listing = store.list(Some(&prefix).filter(|prefix| !prefix.as_ref().is_empty()));
        let mut is_all = true;
        while let Some(object) = listing.try_next().await.map_err(|cause| fail(store::words(&cause)))? {
            is_all = is_all && take(object);
        }
        is_all
    };
    if !is_all {
        return Err(Error::new(Kind::Refused, format!("cannot list {}: there are more than a million", spec.place)));
    }
    found.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(found)
}

/// An object of a bucket as the library has it; `None` where its key is no path.
fn meta(object: store::Stored) -> Option<ObjectMeta> {
    let location = store::key(&object.key).ok().filter(|key| key.as_ref() == object.key)?;
    Some(ObjectMeta { location, ..object.meta })
}
