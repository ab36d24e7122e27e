//! Whether a chain leads to what is trusted here, and whether a certificate is for a name.

use crate::config::trust;
use crate::domain::Digest;
use crate::probes::certs::files;
use crate::probes::certs::parse::Parsed;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// How long the machine's store is believed once it has been read.
const FRESH: Duration = Duration::from_secs(600);
/// How many certificates a file of roots may hold.
const ROOTS: usize = 1000;

/// The machine's store, read once for all certificates.
static MACHINE: Mutex<Option<(Instant, Arc<Trust>)>> = Mutex::new(None);

/// The roots that a chain may lead to.
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// Certificates that are trusted as they are, roots or not: those of a file that the estate names.
    pinned: Vec<Digest>,
    /// Why there are none.
    none: String,
}

/// What became of the way from a certificate to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// It leads to a root that is trusted here, when the dates of the certificate itself are left aside.
    Trusted,
    /// It does not.
    Untrusted(String),
    /// It cannot be said.
    Unknown(String),
}

impl Trust {
    /// What this machine trusts, by `SSL_CERT_FILE`, `SSL_CERT_DIR` or the places that OpenSSL uses.
    #[must_use]
    pub fn machine() -> Arc<Self> {
        let mut known = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, trust)) = known.as_ref()
            && read.elapsed() < FRESH
        {
            return Arc::clone(trust);
        }
        let loaded = rustls_native_certs::load_native_certs();
        let none = match loaded.errors.first() {
            Some(error) => format!("this machine's trust cannot be read: {error}"),
            None => "this machine trusts no root".to_owned(),
        };
        let trust =
            Arc::new(Self { anchors: loaded.certs.iter().filter_map(anchor).collect(), pinned: Vec::new(), none });
        *known = Some((Instant::now(), Arc::clone(&trust)));
        trust
    }

    /// What a file of certificates says.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let none = |why: &str| format!("{}: {why}", path.display());
        match trust::check_file(path).and_then(|()| files::read(path, ROOTS)) {
            Ok(held) => {
                let ders: Vec<_> = held.certificates.into_iter().flatten().map(CertificateDer::from).collect();
                let pinned = ders.iter().map(|der| Digest::of(der)).collect();
                Self { anchors: ders.iter().filter_map(anchor).collect(), pinned, none: none("no root in it") }
            }
            Err(why) => Self { anchors: Vec::new(), pinned: Vec::new(), none: none(&why) },
        }
    }
}

fn anchor(der: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    anchor_from_trusted_cert(der).ok().map(|anchor| anchor.to_owned())
}

/// Follows a certificate to a root, through the others. The moment is `now`, or the nearest one at which the certificate itself is
/// valid, because its own dates are judged apart.
#[must_use]
pub fn follow(leaf: &Parsed, others: &[Parsed], trust: &Trust, now: i64) -> Chain {
    if trust.pinned.contains(&leaf.fingerprint) {
        return Chain::Trusted;
    }
    if trust.anchors.is_empty() {
        return Chain::Unknown(trust.none.clone());
    }
    let der = CertificateDer::from(leaf.der.as_slice());
    let between: Vec<_> = others.iter().map(|other| CertificateDer::from(other.der.as_slice())).collect();
    let moment = u64::try_from(now.max(leaf.not_before.unix).min(leaf.not_after.unix)).unwrap_or(0);
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment));
    let entity = match EndEntityCert::try_from(&der) {
        Ok(entity) => entity,
        Err(error) => return Chain::Unknown(format!("the chain cannot be checked: {error}")),
    };
    let usage = KeyUsage::server_auth();
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    match entity.verify_for_usage(algorithms, &trust.anchors, &between, moment, usage, None, None) {
        Ok(_) => Chain::Trusted,
        Err(error) => why(&error, leaf, others),
    }
}

fn why(error: &Error, leaf: &Parsed, others: &[Parsed]) -> Chain {
    Chain::Untrusted(match error {
        _ if leaf.self_issued => "self-signed".to_owned(),
        Error::UnknownIssuer => missing(leaf, others),
        Error::CertExpired { .. } => "an issuer has expired".to_owned(),
        Error::CertNotValidYet { .. } => "an issuer is not valid yet".to_owned(),
        Error::CaUsedAsEndEntity => "it is a CA's own certificate".to_owned(),
        Error::EndEntityUsedAsCa => "an issuer is no CA".to_owned(),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => "it is not meant for servers".to_owned(),
        Error::InvalidSignatureForPublicKey => "a signature in the chain is wrong".to_owned(),
        Error::NameConstraintViolation => "an issuer may not sign for its names".to_owned(),
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => "the chain is too long".to_owned(),
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            return Chain::Unknown("signed in a way that is not known here".to_owned());
        }
        other => return Chain::Unknown(format!("the chain cannot be checked: {other}")),
    })
}

/// Where the chain ends.
fn missing(leaf: &Parsed, others: &[Parsed]) -> String {
    let mut last = leaf;
    for _ in 0..others.len() {
        match others.iter().find(|other| last.may_be_issued_by(other) && other.der != last.der) {
            Some(next) if !last.self_issued => last = next,
            _ => break,
        }
    }
    if last.self_issued {
        format!("root {} is not trusted here", last.subject_word)
    } else {
        format!("issuer {} is neither served nor trusted", last.issuer_word)
    }
}

/// The others that lie between a certificate and its root, in their order upwards, the root itself included where it is there.
#[must_use]
pub fn issuers<'a>(leaf: &'a Parsed, others: &'a [Parsed]) -> Vec<&'a Parsed> {
    let mut found: Vec<&Parsed> = Vec::new();
    let mut last = leaf;
    while found.len() < others.len() && !last.self_issued {
        let next = others.iter().find(|other| last.may_be_issued_by(other) && !found.contains(other));
        let Some(next) = next else { break };
        found.push(next);
        last = next;
    }
    found
}

/// Whether a certificate is for a name: a host, an address, or a wildcard as it stands in it (RFC 9525; the common name does not
/// count).
///
/// # Errors
/// Why it cannot be said.
pub fn is_for(leaf: &Parsed, name: &str) -> Result<bool, String> {
    if name.starts_with("*.") {
        return Ok(leaf.names.iter().any(|own| own.eq_ignore_ascii_case(name)));
    }
    let server = ServerName::try_from(name).map_err(|_| format!("{name} is not a host name"))?;
    let der = CertificateDer::from(leaf.der.as_slice());
    let entity = EndEntityCert::try_from(&der).map_err(|error| format!("names cannot be checked: {error}"))?;
    Ok(entity.verify_is_valid_for_subject_name(&server).is_ok())
}
