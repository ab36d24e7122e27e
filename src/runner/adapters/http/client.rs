//! Sends one request and returns its answer, or why there is none.

use crate::config::paths::Surroundings;
use crate::domain::{EffectClass, Error};
use crate::journal::log::Mask;
use crate::probes::cause;
use crate::probes::contact::Place;
use crate::probes::http::MOST_HEADERS;
use crate::runner::adapters::http::{Body, Method, Spec, short_span};
use crate::runner::adapters::secret;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many bytes of a body are read.
const LARGEST_BODY: usize = 64 << 10;

/// How often a wait checks for cancellation.
const GLANCE: Duration = Duration::from_millis(50);

/// How much later than the connect deadline the total deadline is, so that a request that was never sent is known as
/// such.
const LATER: Duration = Duration::from_millis(250);

/// The header that identifies a changing request.
pub(super) const IDEMPOTENCY: &str = "idempotency-key";

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Whether the body was longer than the limit, or was cut off after the status.
    pub(super) cut: bool,
    pub(super) took: Duration,
}

/// Why there is no answer.
pub(super) struct Lost {
    pub(super) why: String,
    /// Whether the request may have reached the service.
    pub(super) sent: bool,
    /// Whether it proves that no service listens there.
    pub(super) down: bool,
}

/// A client with its headers and secrets.
pub(super) struct Asking<'a> {
    spec: &'a Spec,
    client: reqwest::Client,
    headers: HeaderMap,
    place: Place,
    /// Values that must not be shown.
    secrets: Vec<String>,
}

/// Runs the future to its end in its own runtime.
pub(super) fn blocking<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start an HTTP client", cause))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background(); // Do not wait for a name lookup that is still under way.
    Ok(done)
}

impl<'a> Asking<'a> {
    /// Reads the secrets and creates the client.
    ///
    /// # Errors
    /// Why not, without any secret.
    pub(super) fn of(spec: &'a Spec) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .http1_max_headers(MOST_HEADERS)
            .connect_timeout(spec.within())
            .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| whole_cause(&cause))?;
        let (secrets, around) = (secret::secrets(&spec.secrets), Surroundings::of(std::env::vars_os()));
        let (mut headers, mut values) = (HeaderMap::new(), Vec::new());
        for (name, written) in &spec.headers {
            let mut words = Vec::new();
            for word in written.split(' ') {
                match word.strip_prefix("secret:") {
                    Some(named) => {
                        let value = secrets.read(named, &around)?;
                        values.push(value.expose().to_owned());
                        words.push(value.expose().to_owned());
                    }
                    None => words.push(word.to_owned()),
                }
            }
            let describe = |_| format!("the header {name} cannot be sent as it is");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name} is not a header"))?;
            let mut value = HeaderValue::from_str(&words.join(" ")).map_err(describe)?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        if let (Some(key), true) = (&spec.key, spec.method.least_effect() > EffectClass::Read) {
            let value = HeaderValue::from_str(key).map_err(|_| "the key of the attempt is no header".to_owned())?;
            headers.insert(HeaderName::from_static(IDEMPOTENCY), value);
        }
        if let Some(Body::Json(_)) = &spec.body
            && !headers.contains_key("content-type")
        {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        Ok(Self { spec, client, headers, place: Place::of_url(&spec.url), secrets: values })
    }

    /// Text without the values of the secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        let values: Vec<Vec<u8>> = self.secrets.iter().map(|secret| secret.clone().into_bytes()).collect();
        Mask::new(&values).whole(text)
    }

    /// Sends one request.
    pub(super) async fn once(&self) -> Result<Answer, Lost> {
        let began = Instant::now();
        let changes = self.spec.method.least_effect() > EffectClass::Read;
        let limit = self.spec.within() + if changes { LATER } else { Duration::ZERO };
        let late =
            |_| Lost { why: format!("no answer within {}", short_span(self.spec.within())), sent: true, down: false };
        let answer = tokio::time::timeout(limit, self.answer(began)).await.map_err(late).flatten();
        match &answer {
            Ok(_) => self.place.answered(),
            Err(lost) => self.place.failed(&lost.why),
        }
        answer
    }

    async fn answer(&self, began: Instant) -> Result<Answer, Lost> {
        let method = match self.spec.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let changes = self.spec.method.least_effect() > EffectClass::Read;
        let mut request = self.client.request(method, &self.spec.url).headers(self.headers.clone());
        if let Some(body) = &self.spec.body {
            request = request.body(body.bytes());
        }
        let lost = |cause: &reqwest::Error| {
            let early = cause.is_connect() || cause.is_builder();
            let after = cause.is_body() || cause.is_decode();
            let late = cause.is_connect() && cause.is_timeout();
            let why = if late {
                format!("no connection within {}", short_span(self.spec.within()))
            } else {
                whole_cause(cause)
            };
            Lost { why: self.masked(&why), sent: !early, down: !after && cause::request(cause, false).is_proof() }
        };
        let mut answer = request.send().await.map_err(|cause| lost(&cause))?;
        let status = answer.status().as_u16();
        let (mut body, mut cut) = (Vec::new(), false);
        loop {
            // For a change the status is enough.
            let left = self.spec.within().saturating_sub(began.elapsed());
            let chunk = if changes {
                match tokio::time::timeout(left, answer.chunk()).await {
                    Ok(Ok(chunk)) => chunk,
                    Ok(Err(_)) | Err(_) => {
                        cut = true;
                        break;
                    }
                }
            } else {
                answer.chunk().await.map_err(|cause| lost(&cause))?
            };
            let Some(chunk) = chunk else { break };
            body.extend_from_slice(&chunk);
            if body.len() >= LARGEST_BODY {
                cut = true;
                break;
            }
        }
        Ok(Answer { status, body, cut, took: began.elapsed() })
    }
}

pub(super) async fn cancelled(cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(GLANCE).await;
    }
}

/// An error with all its causes, because the outermost one is vague.
fn whole_cause(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
