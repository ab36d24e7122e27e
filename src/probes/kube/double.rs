//! A double of the API server: it speaks lists, pages, watches and bookmarks over HTTPS, and fails as it is told.

use crate::config::estate;
use crate::config::paths::Surroundings;
use crate::probes::target::Cluster;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

type Answer = Response<BoxBody<Bytes, io::Error>>;

/// How a request is answered instead.
#[derive(Clone, Debug)]
pub enum Fail {
    /// Never; a watch that is open says nothing any more.
    Hang,
    /// By a refusal with these headers.
    Refuse(u16, Vec<(&'static str, String)>),
    /// By this, with status 200 and this content type.
    Say(&'static str, String),
    /// By nothing more: the connection ends in the middle of the answer.
    Cut,
    /// By a list that never ends.
    Endless,
}

/// An authority, and what it signs.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, and its key.
    pub fn sign(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap(), key)
    }
}

struct World {
    version: u64,
    /// Watches from before it get 410.
    oldest: u64,
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    events: Vec<(u64, String, String)>,
    /// By a part of what is asked: `list /apis/apps/v1/namespaces/shop/deployments`, `watch …`, `/version`.
    fails: Vec<(String, Fail)>,
    token: Option<String>,
    asked: Vec<String>,
    watch_lasts: Duration,
    /// The uid of the cluster.
    uid: String,
    /// Namespaces that are not there; every other one is.
    absent: Vec<String>,
}

/// Tells the cluster's uid.
pub const SYSTEM: &str = "/api/v1/namespaces/kube-system";

/// The server; dropping it ends it.
pub struct Double {
    pub authority: Authority,
    pub port: u16,
    world: Arc<Mutex<World>>,
    /// Counts whatever happens to it and in it.
    beat: watch::Sender<u64>,
    task: AbortHandle,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Double {
    pub async fn new() -> Self {
        Self::with(&["127.0.0.1", "localhost"], None).await
    }

    /// One whose certificate is for these names, and that wants clients to have one of this authority.
    pub async fn with(names: &[&str], clients: Option<&Authority>) -> Self {
        Self::named("kubernetes", names, clients).await
    }

    /// The same with an authority of another name.
    pub async fn named(authority: &str, names: &[&str], clients: Option<&Authority>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = Authority::new(authority);
        let (certificate, key) = authority.sign(names);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = match clients {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = Arc::new(Mutex::new(World {
            version: 100,
            oldest: 0,
            objects: BTreeMap::new(),
            events: Vec::new(),
            fails: Vec::new(),
            token: None,
            asked: Vec::new(),
            watch_lasts: Duration::from_millis(40),
            uid: format!("{port:08x}-0000-4000-8000-000000000000"),
            absent: Vec::new(),
        }));
        let (beat, _) = watch::channel(0);
        let task = tokio::spawn(serve(listener, acceptor, Arc::clone(&world), beat.clone())).abort_handle();
        Self { authority, port, world, beat, task }
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world.lock().unwrap());
        self.beat.send_modify(|beat| *beat += 1);
        changed
    }

    /// Adds or replaces an object.
    pub fn put(&self, path: &str, mut object: Value) {
        self.change(|world| {
            world.version += 1;
            object["metadata"]["resourceVersion"] = json!(world.version.to_string());
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            let all = world.objects.entry(path.to_owned()).or_default();
            let kind = if all.insert(name, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
            world.events.push((world.version, path.to_owned(), json!({"type": kind, "object": object}).to_string()));
        });
    }

    pub fn delete(&self, path: &str, name: &str) {
        self.change(|world| {
            world.version += 1;
            let mut object = world.objects.get_mut(path).unwrap().remove(name).unwrap();
            object["metadata"]["resourceVersion"] = json!(world.version.to_string());
            world.events.push((
                world.version,
                path.to_owned(),
                json!({"type": "DELETED", "object": object}).to_string(),
            ));
        });
    }

    /// Sends a line to every watch of a path.
    pub fn line(&self, path: &str, line: &str) {
        self.change(|world| {
            world.version += 1;
            let line = line.replace("VERSION", &world.version.to_string());
            world.events.push((world.version, path.to_owned(), line));
        });
    }

    /// Has no such namespace; its lists are empty all the same.
    pub fn without_namespace(&self, name: &str) {
        self.change(|world| world.absent.push(name.to_owned()));
    }

    /// Is cut off from its store: what it knows it says, what it would have to look up hangs.
    pub fn cut_off(&self) {
        for part in ["list ", "get "] {
            self.fail(part, Fail::Hang);
        }
    }

    /// Forgets all versions before now: watches from there get 410. Open ones are told in their stream.
    pub fn compact(&self) {
        self.change(|world| {
            world.version += 10;
            world.oldest = world.version;
            world.events.clear();
        });
    }

    /// From now on, what holds this part of a question fails.
    pub fn fail(&self, part: &str, fail: Fail) {
        self.change(|world| world.fails.push((part.to_owned(), fail)));
    }

    pub fn heal(&self) {
        self.change(|world| world.fails.clear());
    }

    pub fn want_token(&self, token: &str) {
        self.change(|world| world.token = Some(token.to_owned()));
    }

    pub fn watches_last(&self, time: Duration) {
        self.change(|world| world.watch_lasts = time);
    }

    /// How many questions held this part so far.
    pub fn count(&self, part: &str) -> usize {
        self.world.lock().unwrap().asked.iter().filter(|asked| asked.contains(part)).count()
    }

    pub fn asked(&self) -> Vec<String> {
        self.world.lock().unwrap().asked.clone()
    }

    /// Waits until so many more questions held this part.
    pub async fn more(&self, part: &str, more: usize) {
        self.reached(part, self.count(part) + more).await;
    }

    /// Waits until a question held this part.
    pub async fn asked_once(&self, part: &str) {
        self.reached(part, 1).await;
    }

    async fn reached(&self, part: &str, goal: usize) {
        let mut beat = self.beat.subscribe();
        let reached = async {
            while self.count(part) < goal {
                beat.changed().await.unwrap();
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
        assert!(reached.is_ok(), "{part}: {:?}", self.asked());
    }

    /// Writes a kubeconfig with this user, which may be empty, and its authority beside it.
    pub fn kubeconfig(&self, directory: &Path, user: &str) -> PathBuf {
        std::fs::write(directory.join("ca.pem"), self.authority.pem()).unwrap();
        let path = directory.join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: one\n  cluster:\n    server: \
             https://127.0.0.1:{}\n    certificate-authority: ca.pem\ncontexts:\n- name: test\n  context:\n    cluster: \
             one\n    user: me\n    namespace: shop\nusers:\n- name: me\n  user: {{{user}}}\n",
            self.port
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The target for a kubeconfig.
    pub fn target(kubeconfig: PathBuf, namespaces: &[&str]) -> Cluster {
        let namespaces = namespaces.iter().map(ToString::to_string).collect();
        let entry = estate::Kubernetes {
            name: "main".into(),
            kubeconfig: Some(kubeconfig),
            context: None,
            namespaces,
            critical: true,
            workloads: Vec::new(),
        };
        Cluster { entry, around: Surroundings::default() }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, world: Arc<Mutex<World>>, beat: watch::Sender<u64>) {
    // Everything that it started ends with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, world, beat) = (acceptor.clone(), Arc::clone(&world), beat.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(|request| answer(request, Arc::clone(&world), beat.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn whole(status: u16, kind: &str, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

fn refused(status: u16) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status});
    whole(status, "application/json", body.to_string())
}

async fn answer(request: Request<Incoming>, world: Arc<Mutex<World>>, beat: watch::Sender<u64>) -> io::Result<Answer> {
    let path = request.uri().path().to_owned();
    let query: BTreeMap<String, String> =
        request.uri().query().unwrap_or_default().split('&').filter_map(pair).collect();
    let namespace = path.strip_prefix("/api/v1/namespaces/").filter(|rest| !rest.contains('/')).map(str::to_owned);
    let verb = if ["/version", SYSTEM].contains(&path.as_str()) {
        ""
    } else if namespace.is_some() {
        "get "
    } else if query.contains_key("watch") {
        "watch "
    } else {
        "list "
    };
    let said = format!("{verb}{path}?{}", request.uri().query().unwrap_or_default());
    let (fail, token) = {
        let mut world = world.lock().unwrap();
        world.asked.push(said.clone());
        (failing(&world, &said), world.token.clone())
    };
    beat.send_modify(|beat| *beat += 1);
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if token.is_some_and(|token| shown != Some(&format!("Bearer {token}"))) {
        return Ok(refused(401));
    }
    match fail {
        Some(Fail::Hang) => std::future::pending().await,
        Some(Fail::Refuse(status, headers)) => {
            let mut answer = refused(status);
            for (name, value) in headers {
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            return Ok(answer);
        }
        Some(Fail::Say(kind, body)) => return Ok(whole(200, kind, body)),
        Some(Fail::Cut) if matches!(verb, "" | "get ") => return Err(io::Error::other("cut")),
        _ => {}
    }
    Ok(match verb {
        "" if path == SYSTEM => {
            let uid = world.lock().unwrap().uid.clone();
            whole(200, "application/json", json!({"metadata": {"name": "kube-system", "uid": uid}}).to_string())
        }
        "" => {
            let version = json!({"major": "1", "minor": "33", "gitVersion": "v1.33.2", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
            whole(200, "application/json", version.to_string())
        }
        "get " => {
            let name = namespace.unwrap_or_default();
            if world.lock().unwrap().absent.contains(&name) {
                refused(404)
            } else {
                let own = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": name}});
                whole(200, "application/json", own.to_string())
            }
        }
        "list " => list(&path, &query, fail.as_ref(), &world.lock().unwrap()),
        _ => watched(said, path, &query, world, &beat),
    })
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn failing(world: &World, said: &str) -> Option<Fail> {
    world.fails.iter().find(|(part, _)| said.contains(part.as_str())).map(|(_, fail)| fail.clone())
}

fn list(path: &str, query: &BTreeMap<String, String>, fail: Option<&Fail>, world: &World) -> Answer {
    let objects: Vec<&Value> = world.objects.get(path).into_iter().flat_map(BTreeMap::values).collect();
    let start: usize = query.get("continue").map_or(0, |token| token.parse().unwrap());
    let most: usize = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let end = objects.len().min(start.saturating_add(most));
    let mut meta = json!({"resourceVersion": world.version.to_string()});
    if end < objects.len() || matches!(fail, Some(Fail::Endless)) {
        meta["continue"] = json!(if matches!(fail, Some(Fail::Endless)) { 0 } else { end }.to_string());
    }
    let body = json!({"kind": "AnyList", "apiVersion": "v1", "metadata": meta, "items": &objects[start..end]});
    whole(200, "application/json", body.to_string())
}

/// The stream of a watch: events after its version, until its time is over.
fn watched(
    text: String,
    path: String,
    query: &BTreeMap<String, String>,
    world: Arc<Mutex<World>>,
    beat: &watch::Sender<u64>,
) -> Answer {
    let from: u64 = query["resourceVersion"].parse().unwrap();
    assert!(query.contains_key("timeoutSeconds"), "a watch without an end");
    let until = Instant::now() + world.lock().unwrap().watch_lasts;
    if from < world.lock().unwrap().oldest {
        return refused(410);
    }
    let state = (from, world, beat.subscribe(), path, text);
    let lines = stream::unfold(Some(state), move |state| async move {
        let (mut from, world, mut beat, path, said) = state?;
        loop {
            let (lines, fail, expired) = {
                let world = world.lock().unwrap();
                let new = world.events.iter().filter(|(version, of, _)| *version > from && *of == path);
                let lines: String = new.map(|(.., line)| format!("{line}\n")).collect();
                let expired = from < world.oldest;
                from = if expired { from } else { world.version };
                (lines, failing(&world, &said), expired)
            };
            match fail {
                Some(Fail::Hang) => std::future::pending().await,
                Some(Fail::Cut) => return Some((Err(io::Error::other("cut")), None)),
                _ => {}
            }
            if expired {
                let status =
                    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": 410, "reason": "Expired"});
                let line = format!("{}\n", json!({"type": "ERROR", "object": status}));
                return Some((Ok(Frame::data(Bytes::from(line))), None));
            }
            if !lines.is_empty() {
                let frame = Ok(Frame::data(Bytes::from(lines)));
                return Some((frame, Some((from, world, beat, path, said))));
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return None,
                _ = beat.changed() => {}
            }
        }
    });
    let body = StreamBody::new(lines);
    let answer = Response::builder().header("content-type", "application/json");
    answer.body(BodyExt::boxed(body)).unwrap()
}
