//! HTTP services: one GET, no redirect followed, a deadline over the whole answer.
//!
//! Each reading is a whole new connection, so that a name that no longer resolves, a closed port or a broken certificate
//! is seen at once, and latencies compare. No proxy is used: a proxy's answer says nothing about the service.

use crate::config::estate::Service;
use crate::domain::{Fact, Loss, Observation, Trend, Verdict, quantity};
use crate::probes::blocking::{run_blocking, run_blocking_within, within_own_runtime};
use crate::probes::clock;
use crate::probes::contact::Place;
use crate::probes::{cause, handshake, roots, verifier};
use reqwest::{Client, Url, redirect};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, Semaphore};

/// How many headers an answer may have; some send more than the hundred that hyper takes by itself.
pub(crate) const MOST_HEADERS: usize = 1000;
/// How many services are asked at the same time.
const AT_ONCE: usize = 64;
/// How long a body may be that is read to its end; a longer one is no answer.
const BODY_LIMIT: usize = 16 << 20;
/// How long a service's own thread may take beyond the service's limit to say that it is over.
const GRACE: Duration = Duration::from_millis(250);
/// How long reading the certificate store may take, once.
const START_LIMIT: Duration = Duration::from_secs(5);

/// The one client of all services.
pub struct Http {
    /// With the machine's own trust.
    client: OnceCell<Result<Client, String>>,
    turns: Semaphore,
}

impl Default for Http {
    fn default() -> Self {
        Self { client: OnceCell::new(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Http {
    /// The client for a service. That with the machine's own trust is made at its first use; one with a file of roots each time, because
    /// the file may have been renewed. Both off the runtime's own threads, because they read files.
    async fn client(&self, ca: Option<&Path>) -> Result<Client, String> {
        let Some(ca) = ca.map(Path::to_owned) else {
            let made = self.client.get_or_init(|| async {
                run_blocking("certificate store", "certificate store".to_owned(), || {
                    client(&rustls_native_certs::load_native_certs().certs)
                })
                .await
            });
            let made = tokio::time::timeout(START_LIMIT, made).await;
            return made.map_err(|_| "the certificate store cannot be read".to_owned())?.clone();
        };
        let place = format!("trust {}", ca.display());
        run_blocking_within(START_LIMIT, "service trust", place, move || client(&roots::of_file(&ca)?)).await
    }
}

/// A client that believes these roots; without any, plain HTTP still works, and HTTPS says what is wrong.
fn client(roots: &[CertificateDer<'static>]) -> Result<Client, String> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err("TLS: no cryptography is installed".to_owned());
    }
    let trusting = |roots: &[CertificateDer<'static>]| {
        let mut config = verifier::client_config(roots)?;
        // What reqwest itself offers.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Some(config)
    };
    let tls = trusting(roots);
    let builder = || {
        Client::builder()
            .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .http1_max_headers(MOST_HEADERS)
            .no_proxy()
    };
    let made = match tls {
        Some(tls) => builder().tls_backend_preconfigured(tls).build(),
        None => builder().tls_certs_only([]).build(),
    };
    made.map_err(|cause| format!("cannot start an HTTP client: {}", cause::deepest(&cause)))
}

/// Asks a service once.
///
/// # Errors
/// Why there is no answer. A wrong status is an answer.
pub async fn read(http: &Http, service: &Service) -> Result<Observation, Loss> {
    read_at(http, service, &Place::of_url(&service.url)).await
}

/// As [`read`], for whoever reads again and again.
pub(super) async fn read_at(http: &Http, service: &Service, place: &Place) -> Result<Observation, Loss> {
    let url = Url::parse(&service.url).map_err(|_| "not a URL: it must begin with http:// or https://".to_owned())?;
    let client = http.client(service.ca.as_deref()).await?;
    // Waiting for a turn is not the service's fault, so the deadline starts after it.
    let _turn = http.turns.acquire().await.map_err(|cause| cause.to_string())?;
    let late = || Loss::unread(format!("timed out after {}", quantity::span(service.timeout)));
    let asked = service.clone();
    let at = format!("service {} {url}", service.name);
    let apart = run_blocking("service", at, move || ask_apart(&client, url, &asked));
    let answer = tokio::time::timeout(service.timeout + GRACE, apart).await.unwrap_or_else(|_| Err(late()));
    let (status, bytes, latency) = answer.inspect_err(|loss| place.failed(loss.why()))?.ok_or_else(late)?;
    place.answered();
    Ok(judge(service, status, bytes, latency))
}

/// Asks in a runtime of its own: a server that sends faster than its answer can be taken apart keeps the thread that reads it from
/// everything else (an endless row of `100 Continue` is taken apart within one turn of the client). `None` where there is no answer in time.
fn ask_apart(client: &Client, url: Url, service: &Service) -> Result<Option<(u16, usize, Duration)>, Loss> {
    let started = Instant::now();
    let answer = within_own_runtime(service.timeout, ask(client, url, service))?;
    answer.transpose().map(|answer| answer.map(|(status, bytes)| (status, bytes, started.elapsed())))
}

/// The status and the number of bytes read.
async fn ask(client: &Client, url: Url, service: &Service) -> Result<(u16, usize), Loss> {
    let mut response = client.get(url).send().await.map_err(|cause| loss_of(&cause, service))?;
    let mut bytes = 0;
    // A service that disconnects after its status line has answered.
    while let Some(chunk) = response.chunk().await.map_err(|cause| Loss::unread(loss_of(&cause, service)))? {
        bytes += chunk.len();
        if bytes > BODY_LIMIT {
            return Err(Loss::unread(format!("the answer has more than {}", quantity::bytes(BODY_LIMIT as u64))));
        }
    }
    Ok((response.status().as_u16(), bytes))
}

fn judge(service: &Service, status: u16, bytes: usize, latency: Duration) -> Observation {
    let healthy = service.is_healthy(status);
    let verdict = match (healthy, service.critical) {
        (true, _) => Verdict::Ok,
        (false, true) => Verdict::Critical,
        (false, false) => Verdict::Warn,
    };
    let text = match service.status.as_slice() {
        [first, rest @ ..] if !healthy => {
            rest.iter().fold(format!("{status}, not {first}"), |message, other| format!("{message} or {other}"))
        }
        _ => status.to_string(),
    };
    let detail = format!("{text} · {}", quantity::latency(latency));
    let latency_ms = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
    let facts = BTreeMap::from([
        ("url", Fact::Text(without_credentials(&service.url))),
        ("status", Fact::Int(status.into())),
        ("expected_status", Fact::Text(expected(service))),
        ("latency_ms", Fact::Int(latency_ms.into())),
        ("bytes", Fact::Int(i64::try_from(bytes).unwrap_or(i64::MAX))),
    ]);
    Observation { verdict, detail, facts, observed_at: clock::now().wall, trend: Some(Trend::of("latency_ms")) }
}

/// The status codes that are healthy: `200 to 299`, `200 or 204`.
fn expected(service: &Service) -> String {
    if service.status.is_empty() {
        return "200 to 299".to_owned();
    }
    service.status.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

/// A URL as it may be shown: without user and password.
#[must_use]
pub fn without_credentials(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    // Only a URL without a host refuses, and such a one has no user either.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.to_string()
}

/// Why no answer came.
fn loss_of(error: &reqwest::Error, service: &Service) -> Loss {
    if let Some(tls) = cause::tls(error) {
        let remedy = match &service.ca {
            Some(ca) => format!("{} has no root for it", ca.display()),
            None => "let `ca` name its root, if this machine does not trust it".to_owned(),
        };
        let host = Url::parse(&service.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        return handshake::loss(tls, host.as_deref(), &remedy);
    }
    if error.is_builder() {
        return Loss::unread(format!("not a URL that can be asked: {}", cause::deepest(error)));
    }
    cause::request(error, error.is_dns())
}

#[cfg(test)]
mod tests;
