//! Lists a series of backups in an object store.

use crate::config::estate::ObjectPlace;
use crate::config::paths::Surroundings;
use crate::domain::Loss;
use crate::probes::backups::series::{self, Series, Stored};
use crate::probes::store::{self, Patience, Reach};
use futures_util::TryStreamExt;

/// The most objects that a series has; a prefix with more is not one series.
const MOST: usize = 1_000_000;

/// Lists every object below the prefix, as of `now` in seconds since the epoch.
///
/// # Errors
/// Why the store does not tell; a listing that breaks off is none.
pub(super) async fn list(place: &ObjectPlace, now: i64) -> Result<Series, Loss> {
    let rest = place.prefix.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let around = Surroundings::of(std::env::vars_os());
    let reach = Reach::of(bucket, place.store.as_ref(), &place.secrets, &around)?;
    let store = store::bucket(&reach, Patience::LOOK)?;
    let key = store::key(prefix.trim_end_matches('/'))?;
    let mut listing = store.list(Some(&key));
    let mut objects = Vec::new();
    while let Some(object) = listing.try_next().await.map_err(|cause| store::loss(&cause))? {
        let whole: &str = object.location.as_ref();
        let name = whole.strip_prefix(key.as_ref()).unwrap_or(whole).trim_start_matches('/').to_owned();
        objects.push(Stored { name: name.into(), size: object.size, changed: object.last_modified.timestamp() });
        if objects.len() > MOST {
            return Err(Loss::unread(format!("there are more than {MOST} objects")));
        }
    }
    Ok(series::of_objects(objects, now))
}
