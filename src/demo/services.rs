//! The demo's HTTP services: real servers on loopback, each with a character of its own.

use crate::demo::clients;
use crate::domain::error::{Error, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long the gateway is deaf at its start.
const GATEWAY_STARTS: Duration = Duration::from_millis(1500);
/// How long a client may take to send its request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How many clients one service has at the same time.
const CLIENTS: usize = 256;

/// What a service is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Character {
    /// Always well.
    Steady,
    /// Well, but now and then slower.
    Jittery,
    /// Answers 503.
    Failing,
    /// Well, but takes its first connection only after 1.5 s.
    SlowToStart,
}

/// Name, path and character of each.
const SERVICES: [(&str, &str, Character); 4] = [
    ("novacron-api", "/health/api", Character::Steady),
    ("novacron-scheduler", "/health/scheduler", Character::Jittery),
    ("novacron-worker", "/health/worker", Character::Failing),
    ("cell0-gateway", "/health", Character::SlowToStart),
];

/// A service as the estate file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its name.
    pub name: String,
    /// Its health endpoint.
    pub url: String,
}

/// Services that run until this is dropped.
pub struct Services {
    /// What runs, in the order of the estate file.
    pub served: Vec<Served>,
    tasks: Vec<JoinHandle<()>>,
}

impl Services {
    /// Starts every service on a free loopback port, on the current runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let mut services = Self { served: Vec::new(), tasks: Vec::new() };
        for (name, path, character) in SERVICES {
            let failed = |cause| Error::machine(format_args!("serve {name} on 127.0.0.1"), cause);
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            services.served.push(Served { name: name.to_owned(), url: format!("http://{address}{path}") });
            let service = Arc::new(Service { name, path, character, since: Instant::now(), asked: AtomicU64::new(0) });
            services.tasks.push(tokio::spawn(serve(listener, service)));
        }
        Ok(services)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Service {
    name: &'static str,
    path: &'static str,
    character: Character,
    since: Instant,
    asked: AtomicU64,
}

/// Serves until aborted.
async fn serve(listener: TcpListener, service: Arc<Service>) {
    if service.character == Character::SlowToStart {
        tokio::time::sleep(GATEWAY_STARTS).await;
    }
    let meet = |stream| {
        let service = Arc::clone(&service);
        async move {
            let answer = service_fn(move |request| answer(Arc::clone(&service), request));
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(REQUEST_LIMIT);
            // A client that goes away or talks nonsense is its own loss.
            let _ = http.serve_connection(TokioIo::new(stream), answer).await;
        }
    };
    clients::meet(listener, CLIENTS, meet).await;
}

async fn answer(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let asked = service.asked.fetch_add(1, Ordering::Relaxed);
    let (status, body) = if request.uri().path() == service.path {
        tokio::time::sleep(latency(service.character, asked)).await;
        health(service.name, service.character, service.since.elapsed())
    } else {
        (StatusCode::NOT_FOUND, serde_json::json!({ "error": "no such page" }))
    };
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// How long an answer takes; the jitter is the same sequence in every demo.
fn latency(character: Character, asked: u64) -> Duration {
    const JITTER_MS: [u64; 12] = [6, 9, 7, 24, 11, 8, 95, 14, 7, 38, 9, 160];
    match character {
        Character::Jittery => {
            let place = usize::try_from(asked).unwrap_or(0) % JITTER_MS.len();
            Duration::from_millis(JITTER_MS.get(place).copied().unwrap_or(6))
        }
        _ => Duration::from_millis(2),
    }
}

/// The health of a service at an age.
fn health(name: &str, character: Character, age: Duration) -> (StatusCode, serde_json::Value) {
    let (status, word, queue) = if character == Character::Failing {
        (StatusCode::SERVICE_UNAVAILABLE, "failing", "connection refused")
    } else {
        (StatusCode::OK, "ok", "ok")
    };
    let body = serde_json::json!({
        "service": name,
        "status": word,
        "uptime_s": age.as_secs(),
        "checks": { "database": "ok", "queue": queue },
    });
    (status, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::estate;
    use crate::domain::{Fact, Verdict};
    use crate::probes::{Target, read_all};

    #[test]
    fn the_worker_fails_while_its_row_is_read() {
        let at = |seconds: u64| health("w", Character::Failing, Duration::from_secs(seconds)).0.as_u16();
        assert_eq!([0, 44, 45, 224, 86_400].map(at), [503; 5]);
        assert_eq!(health("a", Character::Steady, Duration::ZERO).0.as_u16(), 200);
    }

    #[tokio::test]
    async fn every_service_answers_over_a_real_socket_as_it_is() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let began = Instant::now();
        let services = Services::start().await.unwrap();
        let served = services.served.iter();
        let targets = served.map(|s| Target::Service(estate::Service::new(&s.name, &s.url))).collect();
        let rows = read_all(targets, Duration::from_secs(20)).await;
        let now = crate::probes::clock::now().wall;
        let rows: Vec<_> = rows.into_iter().flat_map(|all| all.rows).collect();
        let verdicts: Vec<_> = rows.iter().map(|row| (row.target.as_str(), row.verdict(now))).collect();
        let expected = [
            ("novacron-api", Verdict::Ok),
            ("novacron-scheduler", Verdict::Ok),
            ("novacron-worker", Verdict::Critical),
            ("cell0-gateway", Verdict::Ok),
        ];
        assert_eq!(verdicts, expected, "{rows:?}");
        assert!(began.elapsed() >= GATEWAY_STARTS, "the gateway answered too early");

        let url = services.served[0].url.replace("/health/api", "/elsewhere");
        let missing = vec![Target::Service(estate::Service::new("x", url.clone()))];
        let missed = read_all(missing.clone(), Duration::from_secs(5)).await;
        assert_eq!(missed[0].rows[0].observation.as_ref().unwrap().facts["status"], Fact::Int(404));
        drop(services);
        let mut down = false;
        while !down {
            down = read_all(missing.clone(), Duration::from_secs(5)).await[0].rows[0].is_down();
        }
    }
}
