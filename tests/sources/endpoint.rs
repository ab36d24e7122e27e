//! Servers of the test's own on loopback: they serve, hang or are gone, as the test says, and come back at the same address.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustix::process::{Pid, Signal, kill_process};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long one client may take.
const CLIENT_LIMIT: Duration = Duration::from_secs(5);

const SERVES: u8 = 0;
const HANGS: u8 = 1;
const ENDS: u8 = 2;

type Serve = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// A server; it ends with this value.
pub struct Endpoint {
    pub address: SocketAddr,
    serve: Serve,
    mode: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(AtomicU8::new(SERVES));
        let serve: Serve = Arc::new(serve);
        let thread = Some(listen(listener, Arc::clone(&serve), Arc::clone(&mode)));
        Self { address, serve, mode, thread }
    }

    /// One that is always well.
    pub fn http() -> Self {
        Self::start(|mut stream| {
            let mut request = Vec::new();
            let mut some = [0; 512];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut some) {
                    Ok(count @ 1..) => request.extend_from_slice(&some[..count]),
                    _ => return,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        })
    }

    /// Connections are taken and never answered, or served again.
    pub fn hang(&self, hangs: bool) {
        self.mode.store(if hangs { HANGS } else { SERVES }, Ordering::SeqCst);
    }

    /// Nobody listens any more.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.mode.store(ENDS, Ordering::SeqCst);
        // It waits for a client.
        let _ = TcpStream::connect(self.address);
        thread.join().unwrap();
    }

    /// Serves again, where it did before.
    pub fn come_back(&mut self) {
        self.mode.store(SERVES, Ordering::SeqCst);
        if self.thread.is_none() {
            let listener = TcpListener::bind(self.address).unwrap();
            self.thread = Some(listen(listener, Arc::clone(&self.serve), Arc::clone(&self.mode)));
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(listener: TcpListener, serve: Serve, mode: Arc<AtomicU8>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            match mode.load(Ordering::SeqCst) {
                ENDS => return,
                HANGS => held.push(stream),
                _ => {
                    held.clear();
                    for limit in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
                        limit(&stream, Some(CLIENT_LIMIT)).unwrap();
                    }
                    let serve = Arc::clone(&serve);
                    std::thread::spawn(move || serve(stream));
                }
            }
        }
    })
}

/// Certificates of an authority of the test's own, in files and on an endpoint.
pub struct Tls {
    pub endpoint: Endpoint,
    /// The file of the root.
    pub root: PathBuf,
    /// Files of the certificates: one that is fine, and one that has expired.
    pub fine: PathBuf,
    pub expired: PathBuf,
}

impl Tls {
    /// Serves `fine.test` and `expired.test`; the files go below a directory.
    pub fn start(dir: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Faults Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root: CertifiedIssuer<'static, KeyPair> =
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let at = |name: &str| dir.join(name);
        fs::write(at("root.pem"), root.pem()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        // Half a day more, so that the days left are the same for as long as a test takes.
        let days = |days: i64| {
            let seconds = i64::try_from(now).unwrap() + days * 86_400 + 43_200;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap())
        };
        let mut served = ResolvesServerCertUsingSni::new();
        for (name, file, (from, until)) in
            [("fine.test", "fine.pem", (-10, 80)), ("expired.test", "expired.pem", (-100, -10))]
        {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (days(from), days(until));
            let key = KeyPair::generate().unwrap();
            let own = params.signed_by(&key, &root).unwrap();
            fs::write(at(file), own.pem()).unwrap();
            let key = ring::sign::any_supported_type(&PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
            served.add(name, CertifiedKey::new(vec![own.der().clone()], key)).unwrap();
        }
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(config.with_cert_resolver(Arc::new(served)));
        let endpoint = Endpoint::start(move |mut stream| {
            let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
            while session.is_handshaking() && session.complete_io(&mut stream).is_ok() {}
            let _ = stream.read(&mut [0; 64]);
        });
        Self { endpoint, root: at("root.pem"), fine: at("fine.pem"), expired: at("expired.pem") }
    }
}

/// A process with everything below it: sessions of PostgreSQL are processes of their own.
pub fn family(first: u32) -> Vec<Pid> {
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut family = vec![first];
    let mut at = 0;
    while let Some(&pid) = family.get(at) {
        family.extend(all.iter().filter(|child| parent(**child) == Some(pid)));
        at += 1;
    }
    family.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).unwrap())).collect()
}

/// Stops a process and everything below it where they are, or lets them go on.
pub fn freeze(first: u32, frozen: bool) {
    for pid in family(first) {
        let _ = kill_process(pid, if frozen { Signal::STOP } else { Signal::CONT });
    }
}
