//! A double of the API server: it speaks lists, pages, watches and bookmarks over HTTPS, and fails as it is told.

mod answer;

use self::answer::serve;
use crate::config::estate;
use crate::config::paths::Surroundings;
use crate::probes::target::Cluster;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

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
        Self::of(name, |_| ())
    }

    /// One that says something else of itself.
    pub fn of(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of these particulars.
    pub fn issue(&self, params: &CertificateParams, key: &KeyPair) -> rcgen::Certificate {
        params.signed_by(key, &self.0).unwrap()
    }

    /// Its own certificate, and its key.
    pub fn itself(&self) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::from_pem(&self.0.key().serialize_pem()).unwrap();
        (self.0.der().clone(), key)
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
        let authority = Authority::new(authority);
        let (certificate, key) = authority.sign(names);
        Self::showing(authority, vec![certificate.der().clone()], &key, clients).await
    }

    /// One that shows these certificates, the first of which is of this key.
    pub async fn showing(
        authority: Authority,
        certificates: Vec<CertificateDer<'static>>,
        key: &KeyPair,
        clients: Option<&Authority>,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
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
        let config = config.with_single_cert(certificates, key).unwrap();
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
