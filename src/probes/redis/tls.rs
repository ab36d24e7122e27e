//! Encrypted connections: rustls with ring, and either the machine's own trust or that of one file.

use crate::config::trust;
use crate::domain::Loss;
use crate::domain::error::said;
use crate::probes::aside::Aside;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long reading the trusted certificates may take.
const READ: Duration = Duration::from_secs(2);

/// Speaks TLS over a connection as the client of a host.
///
/// # Errors
/// What is wrong with the trust, the server's certificate, or what it speaks.
pub(super) async fn over<S>(stream: S, host: &str, ca: Option<PathBuf>) -> Result<TlsStream<S>, Loss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("TLS: {host} is no host name"))?;
    // The store is in files.
    let read = move || roots(ca.as_deref());
    let roots = Aside::new("redis trust").within(READ, read).await?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.map_err(|cause| format!("TLS: {}", said(cause)))?.with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|cause| why(&cause))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let unusable = |cause: &dyn std::fmt::Display| format!("TLS: {}: {}", path.display(), said(cause));
            trust::check_file(path).map_err(|why| unusable(&why))?;
            let pem = std::fs::read(path).map_err(|cause| unusable(&cause))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| unusable(&"not a PEM file"))?;
                roots.add(certificate).map_err(|cause| unusable(&cause))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"no certificate in it"));
            }
        }
        None => {
            // What cannot be read of the store is missing in it, and then the server's certificate says so.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("TLS: this host trusts no certificate".to_owned());
            }
        }
    }
    Ok(roots)
}

fn why(error: &std::io::Error) -> Loss {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidMessage(_)) => Loss::unread("the server does not speak TLS"),
        Some(tls) => Loss::unread(format!("TLS: {tls}")),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Loss::unread("closed before TLS began: it may not speak TLS")
        }
        None => super::words::io(error),
    }
}
