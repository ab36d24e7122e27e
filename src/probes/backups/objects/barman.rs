//! What Barman says of a backup in a bucket: the `backup.info` beside its data holds its state.

use crate::domain::Loss;
use crate::probes::backups::inside;
use crate::probes::backups::kind::Kind;
use crate::probes::backups::series::Stored;
use crate::probes::backups::when::{self, Clock};
use crate::probes::store;
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::{Error, ObjectStoreExt};
use std::os::unix::ffi::OsStrExt;

/// How many of the last ones are read, at one request each.
const READ: usize = 4;

/// Backups that were taken out of a list.
#[derive(Debug, Default)]
pub(super) struct TakenOut {
    /// How many are not finished.
    pub(super) unfinished: usize,
    /// When those that failed were made, in seconds since the epoch.
    pub(super) failed: Vec<i64>,
}

/// Takes out of a list whatever belongs to a backup that is not finished or has failed. `folder` stands before the names in their keys.
///
/// # Errors
/// Why a state cannot be read: then it is not known which is the newest backup.
pub(super) async fn take_out(
    bucket: &AmazonS3,
    folder: &str,
    objects: &mut Vec<Stored>,
    clock: &Clock,
) -> Result<TakenOut, Loss> {
    let info = |object: &Stored| {
        let directory = object.name.to_str()?.strip_suffix("backup.info")?;
        let is_one = directory.ends_with('/') && object.size <= inside::INFO;
        is_one.then(|| (object.changed, directory.to_owned()))
    };
    let mut infos: Vec<(i64, String)> = objects.iter().filter_map(info).collect();
    infos.sort_unstable_by(|one, other| other.cmp(one));
    let mut taken = TakenOut::default();
    for (changed, directory) in infos.into_iter().take(READ) {
        let Ok(key) = store::key(&format!("{folder}{directory}backup.info")) else { continue };
        let unread = |cause: &Error| Loss::unread(format!("{key}: {}", store::words(cause)));
        let got = match bucket.get(&key).await {
            // It was removed since it was listed.
            Err(Error::NotFound { .. }) => continue,
            got => got.map_err(|cause| unread(&cause))?,
        };
        let mut stream = got.into_stream();
        let mut text = Vec::new();
        // It may have grown since it was listed, and what is asked for is in its first lines.
        while let Some(more) = stream.next().await.filter(|_| (text.len() as u64) < inside::INFO) {
            text.extend_from_slice(&more.map_err(|cause| unread(&cause))?);
        }
        let Some(state) = inside::kind_by_barman(&String::from_utf8_lossy(&text)) else { continue };
        objects.retain(|object| !object.name.as_bytes().starts_with(directory.as_bytes()));
        match state {
            Kind::Failed => {
                let label = directory.trim_end_matches('/');
                taken.failed.push(when::time_of_key(label.as_bytes(), changed, clock).0);
            }
            _ => taken.unfinished += 1,
        }
    }
    Ok(taken)
}
