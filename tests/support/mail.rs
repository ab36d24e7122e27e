//! A mail server with TLS, from the first byte on or after STARTTLS, over a real socket; it keeps every line, and how it came.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// When it speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// From the first byte on.
    AtOnce,
    /// Once it is asked to.
    AfterStartTls,
    /// Never: it does not offer it.
    Never,
}

/// The server.
pub struct Mail {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<(bool, String)>>>,
}

/// An authority of the test's own, in `root.pem` below a directory, and the certificate of a server of this name.
pub fn certified(dir: &Path, name: &str) -> Arc<ServerConfig> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Mail Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root: CertifiedIssuer<'static, KeyPair> =
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(dir.join("root.pem"), root.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![own.der().clone()], key).unwrap())
}

impl Mail {
    /// Starts it; it ends with the test. `code` answers a log-in.
    pub fn start(speaks: Speaks, config: Arc<ServerConfig>, code: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let arc = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&arc);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, config) = (Arc::clone(&there), Arc::clone(&config));
                // A client that does not trust it hangs up.
                std::thread::spawn(move || drop(serve(stream, speaks, config, code, &answer)));
            }
        });
        Self { address, received: arc }
    }

    /// The lines that came, each with whether it came over TLS.
    pub fn received(&self) -> Vec<(bool, String)> {
        self.received.lock().unwrap().clone()
    }

    /// The lines that came over TLS, or those that did not.
    pub fn lines(&self, secure: bool) -> String {
        self.received().into_iter().filter(|(over, _)| *over == secure).map(|(_, line)| line).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    speaks: Speaks,
    config: Arc<ServerConfig>,
    code: &str,
    received: &Mutex<Vec<(bool, String)>>,
) -> Result<()> {
    if speaks != Speaks::AtOnce {
        stream.write_all(b"220 test\r\n")?;
        if !talk(&mut stream, speaks, false, code, received)? {
            return Ok(());
        }
    }
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut secure = StreamOwned::new(connection, stream);
    if speaks == Speaks::AtOnce {
        secure.write_all(b"220 test\r\n")?;
    }
    talk(&mut secure, speaks, true, code, received).map(drop)
}

/// Talks until the client leaves; returns whether it wants TLS now.
fn talk(
    stream: &mut (impl Read + Write),
    speaks: Speaks,
    secure: bool,
    code: &str,
    received: &Mutex<Vec<(bool, String)>>,
) -> Result<bool> {
    let mut in_letter = false;
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            if stream.read(&mut byte)? == 0 {
                return Ok(false);
            }
            line.push(byte[0]);
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        received.lock().unwrap().push((secure, line.clone()));
        let word = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            _ if in_letter && line != ".\r\n" => continue,
            "." => {
                in_letter = false;
                "250 taken".to_owned()
            }
            "EHLO" if secure => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "EHLO" if speaks == Speaks::AfterStartTls => "250-test\r\n250-8BITMIME\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-test\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n")?;
                return Ok(true);
            }
            "AUTH" => code.to_owned(),
            "DATA" => {
                in_letter = true;
                "354 go on".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 well".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
        stream.flush()?;
    }
}
