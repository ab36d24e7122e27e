//! How to reach a store, as a plan stores it: the written form and the places of its secrets, never their values.

use crate::config::reader::{Place, Problems};
use crate::config::secrets::Secrets;
use crate::domain::Error;
use crate::probes::store::{self, Patience, Reach};
use crate::procedure::params::absolute;
use crate::runner::adapters::objects::Known;
use crate::runner::adapters::secret::Named;
use crate::runner::failpoint;
use object_store::ObjectStore;
use object_store::aws::AmazonS3;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One connection to a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// A bucket.
    Bucket(Box<Bucket>),
    /// A local directory, absolute.
    Directory(String),
}

/// A bucket, with its settings in the estate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
    /// The id of the access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Named>,
    /// The access key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Named>,
    /// A session token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Named>,
}

/// Reads a place: `s3://bucket/prefix/` or `file:///directory/`; returns the connection and the path below it.
pub(super) fn read(
    text: &str,
    key: &str,
    at: Place,
    known: Option<&Known>,
    problems: &mut Problems,
) -> Option<(Way, String)> {
    if let Some(path) = text.strip_prefix("file://") {
        let bare = path.trim_end_matches('/');
        if absolute(bare).is_none() || text.contains(['?', '#', '%']) {
            problems.add_with_hint(
                at,
                format!("`{key}` must name an absolute directory"),
                "such as \"file:///srv/backups/\"",
            );
            return None;
        }
        let (directory, name) = bare.rsplit_once('/').filter(|_| key == "from").unwrap_or((bare, ""));
        return Some((Way::Directory(directory.to_owned()), name.to_owned()));
    }
    let rest = text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let Some((bucket, prefix)) =
        rest.filter(|(bucket, _)| (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain))
    else {
        let hint = "such as \"s3://bucket/prefix/\" or \"file:///srv/backups/\"";
        problems.add_with_hint(at, format!("`{key}` must be a place in an object store"), hint);
        return None;
    };
    let prefix = prefix.trim_matches('/').to_owned();
    if let Err(why) = store::key(&prefix) {
        problems.add(at, format!("`{key}`: {why}"));
        return None;
    }
    if key == "to" && prefix.is_empty() {
        problems.add(at, "`to` must name a prefix of the bucket");
        return None;
    }
    let mut way =
        Bucket { name: bucket.to_owned(), endpoint: None, region: None, ca: None, id: None, key: None, token: None };
    let entry = known.and_then(|known| Some((known, known.stores.iter().find(|store| store.bucket == bucket)?)));
    if let Some((known, store)) = entry {
        (way.endpoint, way.region, way.ca) = (store.endpoint.clone(), store.region.clone(), store.ca.clone());
        let secret = |name: &Option<String>| named(name.as_deref()?, &known.secrets);
        (way.id, way.key, way.token) = (secret(&store.access_key), secret(&store.secret_key), secret(&store.token));
    }
    Some((Way::Bucket(Box::new(way)), prefix))
}

fn named(name: &str, secrets: &Secrets) -> Option<Named> {
    Named::of(&format!("secret:{name}"), Some(secrets))?.ok()
}

impl Way {
    /// Opens the store for a look.
    pub(super) fn look(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        self.open(Patience::LOOK)
    }

    /// Opens the store for an act.
    pub(super) fn act(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        self.open(Patience::ACT)
    }

    /// The bucket for a listing; `None` of a directory.
    pub(super) fn bucket(&self) -> Result<Option<Arc<AmazonS3>>, Error> {
        match self {
            Self::Directory(_) => Ok(None),
            Self::Bucket(bucket) => self.opened(bucket.open(Patience::LOOK)).map(Some),
        }
    }

    fn open(&self, patience: Patience) -> Result<Arc<dyn ObjectStore>, Error> {
        match self {
            Self::Directory(path) => self.opened(store::directory(Path::new(path))),
            Self::Bucket(bucket) => Ok(self.opened(bucket.open(patience))?),
        }
    }

    fn opened<T>(&self, opened: Result<T, String>) -> Result<T, Error> {
        opened.map_err(|why| Error::machine(format_args!("open {}", self.shown()), why))
    }

    /// Whether its objects can carry metadata.
    pub(super) fn has_metadata(&self) -> bool {
        matches!(self, Self::Bucket(_))
    }

    /// The store for people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Directory(path) => path.clone(),
            Self::Bucket(bucket) => match &bucket.endpoint {
                Some(endpoint) => format!("the bucket {} at {endpoint}", bucket.name),
                None => format!("the bucket {}", bucket.name),
            },
        }
    }
}

impl Bucket {
    fn open(&self, patience: Patience) -> Result<Arc<AmazonS3>, String> {
        let request = failpoint::span("STORE", patience.request);
        let patience = Patience { request, tries: patience.tries.min(request.saturating_mul(4)) };
        store::bucket(&self.reach()?, patience)
    }

    fn reach(&self) -> Result<Reach, String> {
        let read = |secret: &Option<Named>| secret.as_ref().map(Named::read).transpose();
        Ok(Reach {
            bucket: self.name.clone(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            ca: self.ca.clone(),
            id: read(&self.id)?,
            key: read(&self.key)?,
            token: read(&self.token)?,
        })
    }
}
