//! Lists the objects of a store.

use crate::domain::{Error, Kind, glob};
use crate::probes::store;
use crate::runner::adapters::objects::Spec;
use crate::runner::adapters::objects::frozen::MOST;
use futures_util::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};

/// All objects below a prefix that match a pattern. A folder marker, and a key with an empty part, cannot be
/// addressed as an object; they are left out.
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

/// A stored object as the library represents it; `None` if its key is not a path.
fn meta(object: store::Stored) -> Option<ObjectMeta> {
    let location = store::key(&object.key).ok().filter(|key| key.as_ref() == object.key)?;
    Some(ObjectMeta { location, ..object.meta })
}
