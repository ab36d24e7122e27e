//! Verifies the certificates of servers as OpenSSL does, for every probe that connects over TLS.
//!
//! rustls alone believes an issuer that may not sign (`keyUsage` without `keyCertSign`), and does not look at what a root says of
//! itself: its dates, how many issuers may stand below it, what it is for. Psql, curl and kubectl do.

mod signed;

pub(crate) use signed::{Handshake, Judge, Shown, Signed};

use crate::probes::certs::{Trust, forbidden};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, Error, OtherError, RootCertStore};
use std::fmt;
use std::sync::Arc;

/// A client of these roots that shows no certificate of its own; `None` where none of them can be read.
pub(crate) fn client_config(roots: &[CertificateDer<'static>]) -> Option<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Handshake::new(Verifier::new(roots, &provider)?, Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Follows a chain to a root, as rustls does, and looks at what rustls does not.
#[derive(Debug)]
pub(crate) struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
    trust: Arc<Trust>,
}

/// Why a chain that rustls takes is refused all the same.
#[derive(Debug)]
pub(crate) struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

impl Verifier {
    /// Believes chains that lead to one of these roots; `None` where none of them can be read.
    pub(crate) fn new(roots: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Option<Self> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider)).build().ok()?;
        Some(Self { chain, trust: Arc::new(Trust::of(roots)) })
    }

    fn is_allowed(&self, own: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match forbidden(own, others, &self.trust, now) {
            Some(why) => Err(CertificateError::Other(OtherError(Arc::new(Forbidden(why)))).into()),
            None => Ok(()),
        }
    }
}

impl Judge for Verifier {
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error> {
        let Shown { own, others, name, ocsp, now } = *shown;
        let judged = self.chain.verify_server_cert(own, others, name, ocsp, now);
        // The name is looked at last: nothing else is wrong.
        if let Ok(_)
        | Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) = &judged
        {
            self.is_allowed(own, others, now)?;
        }
        judged.map(|_| ())
    }
}

/// Judges a certificate that is believed as it stands, with any signature: by its dates, and by its name where that counts.
pub(crate) fn known(own: &CertificateDer<'_>, name: Option<&ServerName<'_>>, now: UnixTime) -> Result<(), Error> {
    let bad = |_| Error::from(CertificateError::BadEncoding);
    let (_, parsed) = x509_parser::parse_x509_certificate(own).map_err(|_| bad(()))?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = parsed.validity();
    if now < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    let Some(name) = name else { return Ok(()) };
    let entity = webpki::EndEntityCert::try_from(own).map_err(refused)?;
    entity.verify_is_valid_for_subject_name(name).map_err(|_| Error::from(CertificateError::NotValidForName))
}

/// What is wrong with a certificate, as rustls has it.
pub(crate) fn refused(cause: webpki::Error) -> Error {
    CertificateError::Other(OtherError(Arc::new(cause))).into()
}
