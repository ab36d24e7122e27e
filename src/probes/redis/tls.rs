//! Encrypted connections: rustls with ring, and either the machine's own trust or that of one file.

use crate::domain::Loss;
use crate::probes::blocking::run_blocking_within;
use crate::probes::{handshake, roots, verifier};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long reading the trusted certificates may take.
const READ: Duration = Duration::from_secs(2);

/// Why TLS did not begin.
pub(super) enum Failed {
    /// The server's certificate, or the trust in it.
    Refused(Loss),
    /// What came back is no TLS, or nothing did: the port may speak something else.
    Foreign(Loss),
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Refused(why.into())
    }
}

/// Speaks TLS over a connection as the client of a host.
///
/// # Errors
/// What is wrong with the trust, the server's certificate, or what it speaks.
pub(super) async fn over<S>(stream: S, host: &str, ca: Option<PathBuf>) -> Result<TlsStream<S>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("TLS: {host} is no host name"))?;
    // The store is in files.
    let place = format!("trust {}", ca.as_deref().unwrap_or(Path::new("of the machine")).display());
    let named = ca.clone();
    let roots = run_blocking_within(READ, "redis trust", place, move || roots(named.as_deref())).await?;
    let config =
        verifier::client_config(&roots).ok_or_else(|| "TLS: no certificate of the trust can be read".to_owned())?;
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|cause| why(&cause, host, ca.as_deref()))
}

fn trusting_nothing() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|cause| handshake::why(&cause, None))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Whether TLS is what a connection answers to the begin of a handshake; nothing is sent or believed beyond that.
pub(super) async fn is_offered<S>(mut stream: S, host: &str) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hello = || {
        let config = Arc::new(trusting_nothing().ok()?);
        let mut client = ClientConnection::new(config, ServerName::try_from(host.to_owned()).ok()?).ok()?;
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).ok()?;
        Some(bytes)
    };
    let Some(hello) = hello() else { return false };
    let mut head = [0; 2];
    let received = stream.write_all(&hello).await.is_ok() && stream.read_exact(&mut head).await.is_ok();
    received && is_record(&head)
}

/// Whether bytes begin a record of TLS: an alert or a handshake, version 3 (RFC 8446, 5.1).
pub(super) fn is_record(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

fn roots(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    if let Some(path) = ca {
        return roots::of_file(path);
    }
    // What cannot be read of the store is missing in it, and then the server's certificate says so.
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() { Err("TLS: this host trusts no certificate".to_owned()) } else { Ok(found) }
}

fn why(error: &std::io::Error, host: &str, ca: Option<&Path>) -> Failed {
    let remedy = match ca {
        Some(ca) => format!("{} has no root for it", ca.display()),
        None => "let `ca` name its root, if this machine does not trust it".to_owned(),
    };
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidMessage(_)) => Failed::Foreign(Loss::unread("the server does not speak TLS")),
        Some(tls) => Failed::Refused(handshake::loss(tls, Some(host), &remedy)),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Failed::Foreign(Loss::unread("closed before TLS began: it may not speak TLS"))
        }
        None => Failed::Foreign(super::words::io(error)),
    }
}
