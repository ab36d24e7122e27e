//! TLS as libpq has it: whom each `sslmode` believes.
//!
//! A certificate of X.509 version 1 says nothing of what it is for, and no chain through one is verified. Where nothing is to be
//! verified it serves, as with libpq: its key proves that the server has it.
//!
//! Source: PostgreSQL 18 manual, 32.19.1 "Client Verification of Server Certificates".

use crate::config::libpq::{Tls, TlsMode, TlsRoot};
use crate::config::trust;
use crate::domain::error::system_text;
use crate::probes::verifier::{Handshake, Judge, Shown, Signed};
use crate::probes::{roots, verifier};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, Error};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// What a client shows and believes; reads the files that are named.
///
/// # Errors
/// Which file cannot be used, and why.
pub(super) fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Handshake::new(verifier(tls, &provider)?, Arc::clone(&provider));
    let versions: &[_] = if tls.only_1_3 { &[&rustls::version::TLS13] } else { rustls::ALL_VERSIONS };
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let builder = builder.map_err(|cause| format!("TLS: {}", system_text(cause)))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match &tls.own {
        Some((certificate, key)) => builder.with_client_cert_resolver(Arc::new(own(certificate, key)?)),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = tls.sni;
    if tls.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// What the client shows, of any version; the key must be that of the certificate.
fn own(certificate: &Path, key: &Path) -> Result<SingleCertAndKey, String> {
    let describe = |why: &dyn std::fmt::Display| format!("TLS: {}: {why}", certificate.display());
    let (shown, key) = (certificates(certificate)?, private_key(key)?);
    let key = ring::default_provider().key_provider.load_private_key(key);
    let key = key.map_err(|_| describe(&"its key is of a kind that is not supported"))?;
    let first = shown.first().ok_or_else(|| describe(&"no certificate is in it"))?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(first).map_err(|_| describe(&"it is no X.509 certificate"))?;
    match key.public_key() {
        Some(public) if public.as_ref() != parsed.tbs_certificate.subject_pki.raw => {
            Err(describe(&"the key is not that of the certificate"))
        }
        _ => Ok(CertifiedKey::new(shown, key).into()),
    }
}

fn verifier(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Verifier, String> {
    let (roots, found) = match &tls.root {
        TlsRoot::None => (Vec::new(), None),
        TlsRoot::File(path) => (certificates(path)?, Some(path.display().to_string())),
        TlsRoot::System => (rustls_native_certs::load_native_certs().certs, Some("the machine's own trust".to_owned())),
    };
    let chain = match found {
        None => None,
        Some(text) => {
            let built = verifier::Verifier::new(&roots, provider);
            Some(built.ok_or_else(|| format!("TLS: no certificate is in {text}"))?)
        }
    };
    // A root that is the server's own certificate stands for that server alone; the machine's trust names no servers.
    let known = if matches!(tls.root, TlsRoot::File(_)) { roots } else { Vec::new() };
    Ok(Verifier { chain, known, names: tls.mode == TlsMode::VerifyFull, provider: Arc::clone(provider) })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    is_kept(path)?;
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(read) if read.is_empty() => Err(format!("TLS: no certificate is in {}", path.display())),
        Ok(read) => Ok(read),
        Err(cause) => Err(format!("TLS: {}: {}", path.display(), unreadable(&cause))),
    }
}

/// A private key that nobody else reads: of mode 0600, or 0640 where root owns it.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let describe = |why: &str| format!("TLS: {}: {why}", path.display());
    let found = std::fs::metadata(path).map_err(|cause| describe(&system_text(cause)))?;
    let theirs = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.mode() & theirs != 0 {
        return Err(describe("the key is open to others"));
    }
    is_kept(path)?;
    let found = PrivateKeyDer::from_pem_file(path);
    found.map_err(|cause| match std::fs::read(path).is_ok_and(|bytes| roots::is_encrypted(&bytes)) {
        true => describe("the key is encrypted, and a probe has no passphrase: openssl pkey writes it without one"),
        false => describe(&unreadable(&cause)),
    })
}

/// Refuses a file that others can change or replace.
fn is_kept(path: &Path) -> Result<(), String> {
    trust::check_file(path).map_err(|why| format!("TLS: {}: {why}", path.display()))
}

fn unreadable(cause: &rustls::pki_types::pem::Error) -> String {
    match cause {
        rustls::pki_types::pem::Error::Io(cause) => system_text(cause),
        _ => "it is not PEM, or damaged".to_owned(),
    }
}

/// Verifies as far as the mode asks.
#[derive(Debug)]
struct Verifier {
    /// Follows a chain to a root; `None` where any certificate is taken.
    chain: Option<verifier::Verifier>,
    /// The roots themselves.
    known: Vec<CertificateDer<'static>>,
    /// Whether the name counts.
    names: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Whether a message is signed by the key of a certificate, of which nothing but that key is read.
    fn signed_by_key(&self, of: &Signed<'_>) -> Result<HandshakeSignatureValid, Error> {
        let Signed { message, own, signed } = of;
        let bad = |_| Error::from(CertificateError::BadEncoding);
        let (_, parsed) = x509_parser::parse_x509_certificate(own).map_err(|_| bad(()))?;
        let key = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
        let entity = webpki::RawPublicKeyEntity::try_from(&key).map_err(verifier::refused)?;
        let known = self.provider.signature_verification_algorithms.mapping;
        let fitting =
            known.iter().filter(|(scheme, _)| *scheme == signed.scheme).flat_map(|(_, algorithms)| *algorithms);
        let is_valid = fitting.into_iter().any(|it| entity.verify_signature(*it, message, signed.signature()).is_ok());
        if is_valid { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }
}

/// Whether a certificate is refused for its version alone.
pub(super) fn is_of_version(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::UnsupportedCertVersion))
}

impl Judge for Verifier {
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error> {
        let Some(chain) = &self.chain else { return Ok(()) };
        if self.known.iter().any(|known| known == shown.own) {
            return verifier::known(shown.own, self.names.then_some(shown.name), shown.now);
        }
        match chain.judge(shown) {
            // The name is looked at last: nothing else is wrong.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.names => Ok(()),
            judged => judged,
        }
    }

    /// The signature counts by the key alone, where only the version of the certificate is in the way.
    fn proved(
        &self,
        proof: Result<HandshakeSignatureValid, Error>,
        of: &Signed<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match proof {
            Err(Error::InvalidCertificate(bad)) if is_of_version(&bad) => self.signed_by_key(of),
            proof => proof,
        }
    }
}
