//! Speaks with the API server: every answer has a time limit and a size limit, and every failure its few words.

use crate::domain::{self, quantity};
use crate::probes::contact::Place;
use crate::probes::kube::client::Expected;
use crate::probes::kube::pace::Pace;
use crate::probes::kube::settings::Settings;
use crate::probes::{cause, panics};
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::api::{ListParams, WatchParams};
use kube::client::{Body, Client};
use kube::core::{Request as Collection, Resource, Status};
use std::error::Error as Cause;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tower::buffer::error::{Closed, ServiceError};

/// How many objects one page of a list may have; what client-go asks for is 500.
const PAGE: u32 = 250;
/// The largest page that is read. 250 pods are about 2 MiB.
const PAGE_BYTES: usize = 32 << 20;
/// The longest line of a watch. An object in the server's store has at most 1.5 MiB.
const LINE_BYTES: usize = 8 << 20;
/// The largest answer about the version, and of a refusal.
const SMALL_BYTES: usize = 64 << 10;
/// The largest object that is read whole: its annotations alone may have 256 KiB.
const OBJECT_BYTES: usize = 2 << 20;
/// The namespace that every cluster is made with.
const SYSTEM: &str = "/api/v1/namespaces/kube-system";

/// A way to one API server.
pub(crate) struct Wire {
    client: Client,
    expected: Expected,
    pace: Pace,
    place: Arc<Place>,
    /// Whether the client has ended in a panic, after which no request gets an answer.
    broken: AtomicBool,
}

/// What went wrong, by what is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The version that was asked for is no longer kept (410): list again.
    Expired,
    /// An answer was interrupted: continue from the last known version.
    Cut,
    /// A watch neither spoke nor ended when it should: list again.
    Silent,
    /// An answer that makes no sense: list again.
    Odd,
    /// No answer, or a refusal: ask again later.
    Refused,
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// What it is.
    pub fault: Fault,
    /// It in a few words.
    pub why: String,
    /// How long the server asks to be left alone.
    pub wait: Option<Duration>,
    /// Whether it proves that the server does not serve.
    pub down: bool,
}

impl Loss {
    /// A loss for which the server asks no pause.
    pub(crate) fn new(fault: Fault, why: impl Into<String>) -> Self {
        Self { fault, why: why.into(), wait: None, down: false }
    }
}

/// What the server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Its version; `None` where the account may not see it.
    pub version: Option<String>,
    /// How long the answer took.
    pub latency: Duration,
}

/// Whether a namespace is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is.
    There,
    /// It is being deleted, with all that is in it.
    Ending,
    /// It is not.
    Missing,
    /// The account may not know.
    Hidden,
}

impl Wire {
    /// Prepares a client; it reads certificates and blocks, and connects at the first request.
    ///
    /// # Errors
    /// Which part of the settings cannot be used.
    pub(crate) fn new(settings: &Settings, pace: Pace) -> Result<Self, String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err("TLS: no cryptography is installed".to_owned());
        }
        let client = Client::try_from(settings)?;
        let place = Arc::new(Place::new("kubernetes", settings.server.clone()));
        Ok(Self { client, expected: Expected::from(settings), pace, place, broken: AtomicBool::new(false) })
    }

    /// Whether it is of no use any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Why a request got no answer.
    fn why(&self, cause: &(dyn Cause + 'static)) -> domain::Loss {
        let mut next = Some(cause);
        while let Some(this) = next {
            // The task that a client lives in is gone, which only a panic does.
            if this.is::<Closed>() || this.is::<ServiceError>() {
                self.broken.store(true, Ordering::Relaxed);
                return domain::Loss::unread(panics::crashed(None));
            }
            next = this.source();
        }
        self.expected.why(cause)
    }

    /// Asks for the version, which needs no rights in a usual cluster.
    pub(crate) async fn hello(&self) -> Result<Hello, Loss> {
        let started = Instant::now();
        let request = Request::get("/version").body(Vec::new()).map_err(|cause| odd(&cause))?;
        let body = match self.open(request).await {
            Ok(answer) => whole(answer, SMALL_BYTES, self.pace.answer).await?,
            Err((Some(StatusCode::FORBIDDEN), _)) => {
                return Ok(Hello { version: None, latency: started.elapsed() });
            }
            Err((_, loss)) => return Err(loss),
        };
        let latency = started.elapsed();
        let info: Info = serde_json::from_slice(&body).map_err(|_| no_api())?;
        if info.git_version.is_empty() {
            return Err(no_api());
        }
        Ok(Hello { version: Some(info.git_version), latency })
    }

    /// What tells this cluster from every other: the uid of its namespace `kube-system`, which is as old as the cluster itself.
    pub(crate) async fn uid(&self) -> Result<String, Loss> {
        let request = Request::get(SYSTEM).body(Vec::new()).map_err(|cause| odd(&cause))?;
        let answer = self.open(request).await.map_err(|(_, loss)| loss)?;
        let body = whole(answer, SMALL_BYTES, self.pace.answer).await?;
        let found: Namespace = serde_json::from_slice(&body).map_err(|_| no_api())?;
        found.metadata.uid.filter(|uid| !uid.is_empty()).ok_or_else(no_api)
    }

    /// Reads a namespace. Without a version the server must ask its store, and cannot answer from memory.
    pub(crate) async fn presence(&self, namespace: &str) -> Result<Presence, Loss> {
        let request = Request::get(Namespace::url_path(&(), None) + "/" + namespace);
        match self.open(request.body(Vec::new()).map_err(|cause| odd(&cause))?).await {
            Ok(answer) => {
                let body = whole(answer, OBJECT_BYTES, self.pace.answer).await?;
                let found: Namespace = serde_json::from_slice(&body).map_err(|_| no_api())?;
                if found.metadata.name.as_deref() != Some(namespace) {
                    return Err(no_api());
                }
                let is_ending = found.metadata.deletion_timestamp.is_some();
                Ok(if is_ending { Presence::Ending } else { Presence::There })
            }
            Err((Some(StatusCode::NOT_FOUND), _)) => Ok(Presence::Missing),
            Err((Some(StatusCode::FORBIDDEN), _)) => Ok(Presence::Hidden),
            Err((_, loss)) => Err(loss),
        }
    }

    /// Reads one object of a list from the store; whether the account may list it.
    pub(crate) async fn first(&self, path: &str) -> Result<bool, Loss> {
        let params = ListParams { limit: Some(1), ..ListParams::default() };
        let request = Collection::new(path).list(&params).map_err(|cause| odd(&cause))?;
        match self.open(request).await {
            Ok(answer) => whole(answer, LINE_BYTES, self.pace.answer).await.map(|_| true),
            Err((Some(StatusCode::FORBIDDEN), _)) => Ok(false),
            Err((_, loss)) => Err(loss),
        }
    }

    /// One page of a list; the first one without a token, and with the newest objects there are.
    pub(crate) async fn page(&self, path: &str, token: Option<&str>) -> Result<Vec<u8>, Loss> {
        let params =
            ListParams { limit: Some(PAGE), continue_token: token.map(str::to_owned), ..ListParams::default() };
        let request = Collection::new(path).list(&params).map_err(|cause| odd(&cause))?;
        let answer = self.open(request).await.map_err(|(_, loss)| loss)?;
        whole(answer, PAGE_BYTES, self.pace.page).await
    }

    /// Opens a watch from a version on, that the server ends after [`Pace::watch`].
    pub(crate) async fn watch(&self, path: &str, version: &str) -> Result<Lines, Loss> {
        let seconds = u32::try_from(self.pace.watch.as_secs()).unwrap_or(u32::MAX).max(1);
        let params = WatchParams { timeout: Some(seconds), ..WatchParams::default() };
        let request = Collection::new(path).watch(&params, version).map_err(|cause| odd(&cause))?;
        let answer = self.open(request).await.map_err(|(_, loss)| loss)?;
        Ok(Lines {
            body: answer.into_body(),
            buffer: Vec::new(),
            looked: 0,
            silence: self.pace.silence,
            place: Arc::clone(&self.place),
        })
    }

    /// Sends a request, and gives its answer where that is a good one of an API server.
    async fn open(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, (Option<StatusCode>, Loss)> {
        let limit = self.pace.answer;
        let sent = timeout(limit, self.client.send(request.map(Body::from))).await;
        let sent = sent.map_err(|_| late(limit).into()).and_then(|sent| sent.map_err(|cause| self.why(&cause)));
        let answer = match sent {
            Ok(answer) => answer,
            Err(lost) => {
                self.place.failed(lost.why());
                let down = lost.is_proof();
                return Err((None, Loss { down, ..Loss::new(Fault::Refused, lost) }));
            }
        };
        self.place.answered();
        let is_json = header(&answer, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
        match answer.status() {
            StatusCode::OK if is_json => Ok(answer),
            StatusCode::OK => Err((None, no_api())),
            status => {
                let wait = header(&answer, "retry-after").and_then(|wait| wait.parse().ok()).map(Duration::from_secs);
                let lines = whole(answer, SMALL_BYTES, limit).await.unwrap_or_default();
                // A proxy in between refuses too, but does not speak for the API.
                let own = is_json && serde_json::from_slice(&lines).is_ok_and(|output: Status| output.code != 0);
                let status_of_api = own.then_some(status);
                Err((status_of_api, refusal(status, own, wait)))
            }
        }
    }
}

/// The lines of a watch.
pub(crate) struct Lines {
    body: Body,
    buffer: Vec<u8>,
    /// How much of the buffer holds no line end.
    looked: usize,
    silence: Duration,
    place: Arc<Place>,
}

impl Lines {
    /// The next line without its end; `None` where the server ended the watch in good order.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Loss> {
        let next = self.line().await;
        next.inspect_err(|loss| {
            if matches!(loss.fault, Fault::Cut | Fault::Silent) {
                self.place.failed(&loss.why);
            }
        })
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, Loss> {
        loop {
            let rest = self.buffer.get(self.looked..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let after = self.buffer.split_off(self.looked + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, after);
                self.looked = 0;
                line.pop();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(line));
            }
            self.looked = self.buffer.len();
            if self.looked > LINE_BYTES {
                return Err(Loss::new(Fault::Odd, format!("a line of more than {}", size(LINE_BYTES))));
            }
            let silent = || Loss::new(Fault::Silent, format!("silent for {}", quantity::span(self.silence)));
            match timeout(self.silence, self.body.frame()).await.map_err(|_| silent())? {
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Loss::new(Fault::Cut, cause::CLOSED)),
                Some(Err(cause)) => return Err(Loss::new(Fault::Cut, cause::request(&cause, false))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
            }
        }
    }
}

/// A whole body of at most so many bytes within the limit.
async fn whole(answer: Response<Body>, most: usize, limit: Duration) -> Result<Vec<u8>, Loss> {
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    let read = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|cause| Loss::new(Fault::Cut, cause::request(&cause, false)))?;
            if let Ok(more) = frame.into_data() {
                bytes.extend_from_slice(&more);
            }
            if bytes.len() > most {
                return Err(Loss::new(Fault::Odd, format!("an answer of more than {}", size(most))));
            }
        }
        Ok(())
    };
    timeout(limit, read).await.map_err(|_| Loss::new(Fault::Refused, late(limit)))??;
    Ok(bytes)
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

fn refusal(status: StatusCode, own: bool, wait: Option<Duration>) -> Loss {
    let code = status.as_u16();
    // Flow control refuses in plain text.
    let why = match code {
        _ if !own && code != 429 && (300..500).contains(&code) => {
            format!("answered {code}, but not by a Kubernetes API")
        }
        401 => "the credentials are refused (401)".to_owned(),
        403 => "forbidden (403)".to_owned(),
        404 => "unknown to this cluster (404)".to_owned(),
        410 => "the version is no longer kept (410)".to_owned(),
        429 => "too many requests (429)".to_owned(),
        _ => format!("the API answers {code}"),
    };
    let fault = if own && code == 410 { Fault::Expired } else { Fault::Refused };
    Loss { wait, ..Loss::new(fault, why) }
}

fn no_api() -> Loss {
    Loss::new(Fault::Odd, "the answer is not one of a Kubernetes API")
}

fn odd(cause: &(dyn Cause + 'static)) -> Loss {
    Loss::new(Fault::Odd, format!("cannot ask: {}", cause::deepest(cause)))
}

fn late(limit: Duration) -> String {
    format!("no answer within {}", quantity::span(limit))
}

fn size(bytes: usize) -> String {
    quantity::bytes(bytes as u64)
}
