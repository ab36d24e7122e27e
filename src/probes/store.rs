//! Reaching an object store: a bucket of an S3-compatible one, or a local directory.
//!
//! What is not said is taken from the `AWS_*` variables, as Amazon's own programs have it; with no key at all, the machine's own is asked
//! for. Requests are signed with ring, and a payload's digest is part of its signature.

use crate::config::estate::Store;
use crate::config::paths::Surroundings;
use crate::config::secrets::{Secret, Secrets};
use crate::config::trust;
use crate::domain::Loss;
use crate::domain::error::system_text;
use crate::probes::cause;
use crate::probes::contact::Place;
use crate::probes::http::without_credentials;
use crate::probes::store::late::Late;
use crate::probes::store::refusal::Refusal;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

mod bound;
mod late;
mod list;
mod refusal;

pub(crate) use list::{Stored, list};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// The longest explanation of a failure that is passed on, in characters.
const LONGEST: usize = 240;

/// How a bucket is reached, secrets read.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The bucket.
    pub bucket: String,
    /// Where it answers.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Certificates beside the machine's own trust.
    pub ca: Option<PathBuf>,
    /// The id of the access key.
    pub id: Option<Secret>,
    /// The access key itself.
    pub key: Option<Secret>,
    /// The session's token.
    pub token: Option<Secret>,
}

impl Reach {
    /// How the bucket of an estate is reached.
    ///
    /// # Errors
    /// Why a secret cannot be read, without its value.
    pub fn of(bucket: &str, store: Option<&Store>, secrets: &Secrets, around: &Surroundings) -> Result<Self, String> {
        let mut reach = Self { bucket: bucket.to_owned(), ..Self::default() };
        let Some(store) = store else { return Ok(reach) };
        (reach.endpoint, reach.region, reach.ca) = (store.endpoint.clone(), store.region.clone(), store.ca.clone());
        let read = |name: &Option<String>| name.as_ref().map(|name| secrets.read(name, around)).transpose();
        (reach.id, reach.key, reach.token) = (read(&store.access_key)?, read(&store.secret_key)?, read(&store.token)?);
        Ok(reach)
    }
}

/// How long a request may take as a whole, and how long it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// One request.
    pub request: Duration,
    /// All tries of one request.
    pub tries: Duration,
}

impl Patience {
    /// For a look: a source that does not answer is soon given up. One that gave no answer is not asked again: the look as a whole would take twice as long, and learn the same.
    pub const LOOK: Self = Self { request: Duration::from_secs(10), tries: Duration::from_secs(9) };
    /// For an act, whose requests carry megabytes.
    pub const ACT: Self = Self { request: Duration::from_secs(120), tries: Duration::from_secs(170) };
}

/// Opens a bucket. Nothing is asked of the server yet.
///
/// # Errors
/// What is missing, without any secret.
pub(crate) fn bucket(reach: &Reach, patience: Patience) -> Result<Arc<AmazonS3>, String> {
    let mut options = ClientOptions::new()
        .with_timeout(patience.request)
        .with_connect_timeout(CONNECTING.min(patience.request))
        .with_user_agent(object_store::HeaderValue::from_static("midwatch"));
    if let Some(ca) = &reach.ca {
        let failed = |why: String| format!("{}: {why}", ca.display());
        trust::check_file(ca).map_err(failed)?;
        let pem = std::fs::read(ca).map_err(|cause| failed(system_text(cause)))?;
        for certificate in Certificate::from_pem_bundle(&pem).map_err(|cause| failed(words(&cause)))? {
            options = options.with_root_certificate(certificate);
        }
    }
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: patience.tries,
    };
    let mut place = format!("s3://{}", reach.bucket);
    // A key of the estate is not mixed with a token of the environment.
    let own = reach.id.is_some() && reach.key.is_some();
    let builder = if own { AmazonS3Builder::new() } else { of_environment() };
    let mut builder = builder.with_bucket_name(&reach.bucket).with_retry(retry);
    let variable =
        |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    // The builder reads them from the environment by itself.
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        .iter()
        .filter_map(|name| variable(&[name]))
        .map(Secret::new)
        .for_each(drop);
    if let Some(endpoint) = reach.endpoint.clone().or_else(|| variable(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])) {
        let plain = endpoint.starts_with("http://");
        // Where there is no TLS, nobody's certificate is read; loading the machine's trust takes a while.
        options = options.with_allow_http(plain).with_no_system_certificates(plain);
        place = format!("{}/{}", without_credentials(&endpoint), reach.bucket);
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    if let Some(region) = reach.region.clone().or_else(|| variable(&["AWS_REGION", "AWS_DEFAULT_REGION"])) {
        builder = builder.with_region(region);
    }
    if let Some(id) = &reach.id {
        builder = builder.with_access_key_id(id.expose());
    }
    if let Some(key) = &reach.key {
        builder = builder.with_secret_access_key(key.expose());
    }
    if let Some(token) = &reach.token {
        builder = builder.with_token(token.expose());
    }
    let logged = Logged { place: Arc::new(Place::new("s3", place)), patience };
    let built =
        builder.with_client_options(options).with_http_connector(logged).build().map_err(|cause| words(&cause))?;
    Ok(Arc::new(built))
}

/// Makes clients whose connections stand in Midwatch's own log.
#[derive(Debug)]
struct Logged {
    place: Arc<Place>,
    patience: Patience,
}

impl HttpConnector for Logged {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(LoggedClient { client, place: Arc::clone(&self.place), patience: self.patience }))
    }
}

/// See [`Logged`].
#[derive(Debug)]
struct LoggedClient {
    client: HttpClient,
    place: Arc<Place>,
    patience: Patience,
}

impl HttpService for LoggedClient {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let is_list = list::is_one(&request);
            let late = Late::of(&request, self.patience);
            let answer = self.client.execute(request).await.map_err(|cause| late.instead_of(cause));
            match &answer {
                Ok(_) => self.place.answered(),
                Err(cause) => self.place.failed(cause::request(cause, false).why()),
            }
            let answer = if is_list { list::with_any_key(answer?).await } else { bound::refusal(answer?).await };
            answer.map_err(|cause| late.instead_of(cause))
        })
    }
}

/// Opens a local directory as a store.
///
/// # Errors
/// Why it cannot be opened.
pub(crate) fn directory(path: &Path) -> Result<Arc<dyn ObjectStore>, String> {
    if !path.is_dir() {
        return Err(format!("{} is no directory", path.display()));
    }
    let store = LocalFileSystem::new_with_prefix(path).map_err(|cause| words(&cause))?;
    Ok(Arc::new(store.with_automatic_cleanup(false)))
}

/// The key that a text names, character by character.
///
/// # Errors
/// What the environment says of a store, as [`AmazonS3Builder::from_env`] reads it; a variable that is set to nothing counts as unset.
fn of_environment() -> AmazonS3Builder {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let set = texts.filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty());
    set.fold(AmazonS3Builder::new(), |builder, (name, value)| match name.to_ascii_lowercase().parse() {
        Ok(key) => builder.with_config(key, value),
        Err(_) => builder,
    })
}

/// A sentence: no store has such a key.
pub(crate) fn key(text: &str) -> Result<Key, String> {
    Key::parse(text).map_err(system_text)
}

/// The variables that send requests to a proxy; what a proxy refuses proves nothing of the store.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Why a store could not be read, and whether that proves that it does not serve or that the bucket does not exist.
pub(crate) fn loss(cause: &object_store::Error) -> Loss {
    if let Some(refusal) = Refusal::behind(cause) {
        return refusal.loss();
    }
    if let Some(late) = late::words(cause) {
        return Loss::unread(late);
    }
    let direct = PROXIES.iter().all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty()));
    match cause::request(cause, false) {
        loss if loss.is_proof() && direct => loss,
        _ => Loss::unread(words(cause)),
    }
}

/// Why a request got no whole answer, without the retries that the library tells of first; `None` of a refusal.
fn of_connection(cause: &object_store::Error) -> Option<String> {
    if let Some(long) = bound::TooLong::behind(cause) {
        return Some(long.to_string());
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(cause);
    while let Some(this) = next {
        if let Some(failed) = this.downcast_ref::<HttpError>() {
            let is_decoded = failed.kind() == HttpErrorKind::Decode;
            return (!is_decoded).then(|| cause::request(failed, false).why().to_owned());
        }
        next = this.source();
    }
    None
}

/// Why a store did not do what it was asked for, in few words and without control characters.
pub(crate) fn words(cause: &object_store::Error) -> String {
    use object_store::Error;
    if let Some(refusal) = Refusal::behind(cause) {
        return refusal.to_string();
    }
    if let Some(why) = late::words(cause).or_else(|| of_connection(cause)) {
        return why;
    }
    let text = match cause {
        Error::NotFound { .. } => return "there is no such object or bucket".to_owned(),
        Error::Unauthenticated { .. } => return "the store does not accept the access key".to_owned(),
        Error::PermissionDenied { source, .. } => format!("permission denied: {source}"),
        Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    // The body of a refusal is XML: its code says enough. Source: Amazon S3 API reference, "Error responses".
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let message = match code {
        Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken") => {
            format!("the store does not accept the access key: {}", code.unwrap_or_default())
        }
        Some(code) => format!("refused: {code}"),
        None => text,
    };
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_root_that_others_can_change_is_not_believed() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        let root = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        std::fs::write(&ca, root.pem()).unwrap();
        let reach = Reach { ca: Some(ca.clone()), ..Reach::default() };
        assert!(bucket(&reach, Patience::LOOK).is_ok());
        std::fs::set_permissions(&ca, std::fs::Permissions::from_mode(0o666)).unwrap();
        let why = bucket(&reach, Patience::LOOK).err().unwrap();
        assert!(why.contains("others may write to") && why.contains("chmod go-w"), "{why}");
    }
}
