//! A real S3-compatible server on a loopback socket, which checks signatures, and can stall or hang up on command.

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// The access key.
pub const KEY: &str = "MIDWATCHTESTKEY";
/// The secret of it.
pub const SECRET: &str = "xyzzy-Giraffe-7718";

/// What the server does with new connections.
const SERVES: u32 = 0;
const STALLS: u32 = 1;
const HANGS_UP: u32 = 2;

/// The server; it ends with this value.
pub struct S3 {
    dir: tempfile::TempDir,
    address: SocketAddr,
    manner: Arc<AtomicU32>,
    /// How many connections were taken.
    pub connections: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<String>>>,
    runtime: Option<Runtime>,
}

impl S3 {
    /// A server with one empty bucket.
    pub fn start(bucket: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("midwatch-s3-").tempdir().unwrap();
        fs::create_dir(dir.path().join(bucket)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (manner, connections) = (Arc::new(AtomicU32::new(SERVES)), Arc::new(AtomicUsize::new(0)));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (how, counted, kept) = (Arc::clone(&manner), Arc::clone(&connections), Arc::clone(&taken));
        runtime.spawn(async move {
            let mut held = Vec::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                counted.fetch_add(1, Ordering::SeqCst);
                match how.load(Ordering::SeqCst) {
                    STALLS => held.push(stream),
                    HANGS_UP => drop(stream),
                    _ => {
                        let (service, kept) = (service.clone(), Arc::clone(&kept));
                        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                            kept.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
                            Service::call(&service, request)
                        });
                        tokio::spawn(async move {
                            // One request a connection: a change of manners is seen by the next one.
                            let mut http = hyper::server::conn::http1::Builder::new();
                            http.keep_alive(false);
                            let served = http.serve_connection(hyper_util::rt::TokioIo::new(stream), service);
                            let _ = served.await;
                        });
                    }
                }
            }
        });
        Self { dir, address, manner, connections, taken, runtime: Some(runtime) }
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The estate's entry for a bucket, with the secrets' variables `S3_ID` and `S3_KEY`.
    pub fn entry(&self, bucket: &str) -> String {
        format!(
            "[secrets]\ns3-id = \"env:S3_ID\"\ns3-key = \"env:S3_KEY\"\n[[store]]\nname = \"store\"\nbucket = \"{bucket}\"\n\
             endpoint = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"secret:s3-id\"\nsecret_key = \"secret:s3-key\"\n",
            self.endpoint()
        )
    }

    /// Every request so far, by method and path.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    /// Takes connections and never answers.
    pub fn stall(&self) {
        self.manner.store(STALLS, Ordering::SeqCst);
    }

    /// Takes connections and closes them.
    pub fn hang_up(&self) {
        self.manner.store(HANGS_UP, Ordering::SeqCst);
    }

    /// Answers again.
    pub fn serve(&self) {
        self.manner.store(SERVES, Ordering::SeqCst);
    }

    /// Where an object lies.
    pub fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.dir.path().join(bucket).join(key)
    }

    /// Puts an object behind the server's back.
    pub fn object(&self, bucket: &str, key: &str, content: &[u8]) {
        let path = self.path(bucket, key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// All keys of a bucket, sorted.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let base = self.dir.path().join(bucket);
        let (mut found, mut waiting) = (Vec::new(), vec![base.clone()]);
        while let Some(path) = waiting.pop() {
            for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(&base).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
