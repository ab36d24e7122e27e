//! Whether a chain leads to what is trusted here, and whether a certificate is for a name.

use crate::config::trust;
use crate::domain::Digest;
use crate::probes::certs::files;
use crate::probes::certs::parse::{Parsed, parse};
use crate::probes::certs::rights;
use crate::probes::certs::signed::{Signature, is_signed_by};
use crate::probes::handshake;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

/// How long the machine's store is believed once it has been read.
const FRESH: Duration = Duration::from_secs(600);
/// How many certificates a file of roots may hold.
const ROOTS: usize = 1000;

/// The machine's store, read once for all certificates.
static MACHINE: Mutex<Option<(Instant, Arc<Trust>)>> = Mutex::new(None);

/// The roots that a chain may lead to.
#[derive(Debug)]
pub struct Trust {
    roots: Vec<Root>,
    /// Certificates that are trusted as they are, roots or not: those of a file that the estate names.
    pinned: Vec<Digest>,
    /// Why there are none.
    none: String,
}

/// A root that is trusted here.
#[derive(Debug)]
struct Root {
    anchor: TrustAnchor<'static>,
    parsed: Parsed,
}

impl Root {
    fn is_in_time(&self, moment: i64) -> bool {
        (self.parsed.not_before.unix..=self.parsed.not_after.unix).contains(&moment)
    }
}

/// What became of the way from a certificate to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// It leads to a root that is trusted here, when the dates of the certificate itself are left aside.
    Trusted,
    /// It does, and some clients refuse it all the same.
    Tolerated(String),
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
        let trust = Arc::new(Self { roots: loaded.certs.iter().filter_map(root).collect(), pinned: Vec::new(), none });
        *known = Some((Instant::now(), Arc::clone(&trust)));
        trust
    }

    /// These roots, and nothing else.
    #[must_use]
    pub fn of(roots: &[CertificateDer<'_>]) -> Self {
        Self { roots: roots.iter().filter_map(root).collect(), pinned: Vec::new(), none: "no root".to_owned() }
    }

    /// What a file of certificates says.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let none = |why: &str| format!("{}: {why}", path.display());
        match trust::check_file(path).and_then(|()| files::read(path, ROOTS)) {
            Ok(held) => {
                let ders: Vec<_> = held.certificates.into_iter().flatten().map(CertificateDer::from).collect();
                let pinned = ders.iter().map(|der| Digest::of(der)).collect();
                Self { roots: ders.iter().filter_map(root).collect(), pinned, none: none("no root in it") }
            }
            Err(why) => Self { roots: Vec::new(), pinned: Vec::new(), none: none(&why) },
        }
    }
}

/// A root that can be read, as every client must.
fn root(der: &CertificateDer<'_>) -> Option<Root> {
    Some(Root { anchor: anchor_from_trusted_cert(der).ok()?.to_owned(), parsed: parse(der).ok()? })
}

/// Where a certificate leads, and through which others.
pub struct Followed<'a> {
    /// What became of it.
    pub chain: Chain,
    /// The others between the certificate and its root, upwards: those of the path that was found, as clients find it too; else of the
    /// one that holds the longest.
    pub path: Vec<&'a Parsed>,
}

/// Follows a certificate to a root, through the others, in whatever order they are. The moment is `now`, or the nearest one at which
/// the certificate itself is valid, because its own dates are judged apart.
#[must_use]
pub fn follow<'a>(leaf: &'a Parsed, others: &'a [Parsed], trust: &Trust, now: i64) -> Followed<'a> {
    let longest = |chain: Chain| Followed { chain, path: issuers(leaf, others) };
    if trust.pinned.contains(&leaf.fingerprint) {
        return longest(Chain::Trusted);
    }
    if trust.roots.is_empty() {
        return longest(Chain::Unknown(trust.none.clone()));
    }
    let moment = now.max(leaf.not_before.unix).min(leaf.not_after.unix);
    let roots =
        |all: bool| -> Vec<&Root> { trust.roots.iter().filter(|root| all || root.is_in_time(moment)).collect() };
    match verified(leaf, others, &roots(false), moment) {
        Ok((path, _)) => Followed { chain: Chain::Trusted, path },
        Err(Refused::By(Error::CaUsedAsEndEntity)) => match by_hand(leaf, others, &roots(false), moment) {
            Some(path) => {
                let chain = Chain::Tolerated("it is a CA's own certificate, which some clients refuse".to_owned());
                Followed { chain, path }
            }
            None => longest(why(&Error::CaUsedAsEndEntity, leaf, others)),
        },
        Err(refused) => match verified(leaf, others, &roots(true), moment) {
            // webpki believes a root for ever; OpenSSL and others do not.
            Ok((path, root)) => {
                let word = &root.parsed.subject_word;
                let when = if root.parsed.not_after.unix < moment { "has expired" } else { "is not valid yet" };
                Followed { chain: Chain::Untrusted(format!("root {word} {when}")), path }
            }
            Err(_) => longest(match refused {
                Refused::By(error) => why(&error, leaf, others),
                Refused::Forbidden(why) => Chain::Untrusted(why),
            }),
        },
    }
}

/// Whether an issuer of a file limits names to others than those of the certificate.
#[must_use]
pub fn constrained(leaf: &Parsed, path: &[&Parsed], now: i64) -> Option<String> {
    let (top, below) = path.split_last()?;
    if !path.iter().any(|issuer| issuer.rights.constrains) {
        return None;
    }
    let der = CertificateDer::from(top.der.as_slice());
    let root = root(&der)?;
    let below: Vec<Parsed> = below.iter().map(|one| (*one).clone()).collect();
    let moment = now.max(leaf.not_before.unix).min(leaf.not_after.unix);
    match verified(leaf, &below, &[&root], moment) {
        Err(Refused::By(Error::NameConstraintViolation)) => Some("an issuer may not sign for its names".to_owned()),
        _ => None,
    }
}

/// Why no path was found.
enum Refused {
    /// What webpki says.
    By(Error),
    /// What it does not look at, and OpenSSL refuses.
    Forbidden(String),
}

/// The others on the path to a root, and that root.
fn verified<'a, 'r>(
    leaf: &Parsed,
    others: &'a [Parsed],
    roots: &[&'r Root],
    moment: i64,
) -> Result<(Vec<&'a Parsed>, &'r Root), Refused> {
    let der = CertificateDer::from(leaf.der.as_slice());
    let between: Vec<_> = others.iter().map(|other| CertificateDer::from(other.der.as_slice())).collect();
    let anchors: Vec<TrustAnchor<'_>> = roots.iter().map(|root| root.anchor.clone()).collect();
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or(0)));
    let own = |der: &[u8]| others.iter().find(|other| other.der == der);
    let found = |path: &VerifiedPath<'_>| {
        let between: Vec<_> = path.intermediate_certificates().filter_map(|one| own(&one.der())).collect();
        let anchor = path.anchor();
        let is_it = |root: &&&Root| {
            let own = &root.anchor;
            own.subject == anchor.subject && own.subject_public_key_info == anchor.subject_public_key_info
        };
        roots.iter().find(is_it).map(|root| (between, *root))
    };
    let forbidden = RefCell::new(None);
    let allowed = |path: &VerifiedPath<'_>| {
        let Some((between, root)) = found(path) else { return Err(Error::UnknownIssuer) };
        let Some(why) = rights::forbidden(leaf, &between, Some(&root.parsed)) else { return Ok(()) };
        forbidden.borrow_mut().get_or_insert(why);
        Err(Error::EndEntityUsedAsCa)
    };
    let verify = || {
        let entity = EndEntityCert::try_from(&der)?;
        let (algorithms, usage) = (webpki::ALL_VERIFICATION_ALGS, KeyUsage::server_auth());
        let path = entity.verify_for_usage(algorithms, &anchors, &between, moment, usage, None, Some(&allowed))?;
        found(&path).ok_or(Error::UnknownIssuer)
    };
    verify().map_err(|error| forbidden.take().map_or(Refused::By(error), Refused::Forbidden))
}

/// The way upwards from a certificate that says it is a CA's, which webpki does not go and OpenSSL does: each signed by the next, and
/// none that limits names.
fn by_hand<'a>(leaf: &'a Parsed, others: &'a [Parsed], roots: &[&Root], moment: i64) -> Option<Vec<&'a Parsed>> {
    let mut path: Vec<&Parsed> = Vec::new();
    let mut last = leaf;
    loop {
        let signs = |issuer: &Parsed| last.may_be_issued_by(issuer) && is_signed_by(last, issuer) == Some(true);
        if let Some(root) = roots.iter().find(|root| signs(&root.parsed)) {
            let all = || path.iter().copied().chain([&root.parsed]);
            let holds = all().all(|issuer| !issuer.rights.constrains && issuer.rights.serves) && leaf.rights.serves;
            return (holds && rights::forbidden(leaf, &path, Some(&root.parsed)).is_none()).then_some(path);
        }
        let is_next = |other: &&Parsed| {
            let in_time = (other.not_before.unix..=other.not_after.unix).contains(&moment);
            in_time && other.der != last.der && !path.contains(other) && signs(other)
        };
        let next = others.iter().find(is_next)?;
        path.push(next);
        last = next;
    }
}

fn why(error: &Error, leaf: &Parsed, others: &[Parsed]) -> Chain {
    let path = issuers(leaf, others);
    // A signature by such a key is called wrong, whatever it is.
    if let Some(issuer) = path.iter().find(|issuer| !issuer.key.is_checked) {
        return Chain::Unknown(format!("issuer {}: {}", issuer.subject_word, issuer.key.unchecked()));
    }
    let weak = |one: &&Parsed| matches!(one.signature, Signature::Weak(_)) && !one.self_issued;
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
            // What is weak is said by whoever judges it.
            if std::iter::once(leaf).chain(path.iter().copied()).any(|one| weak(&one)) {
                return Chain::Untrusted("a weak signature in the chain".to_owned());
            }
            return Chain::Unknown("signed in a way that is not checked here".to_owned());
        }
        other => return Chain::Unknown(format!("the chain cannot be checked: {}", handshake::of_path(other))),
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

/// The others that lie between a certificate and its root, in their order upwards, the root itself included where it is there. Where
/// several have the name of an issuer and none of them provably did not sign, it is the one that ends last.
#[must_use]
pub fn issuers<'a>(leaf: &'a Parsed, others: &'a [Parsed]) -> Vec<&'a Parsed> {
    let mut found: Vec<&Parsed> = Vec::new();
    let mut last = leaf;
    while found.len() < others.len() && !last.self_issued {
        let may_be = |other: &&Parsed| last.may_be_issued_by(other) && !found.contains(other);
        let mut next: Vec<&Parsed> = others.iter().filter(may_be).collect();
        if next.len() > 1 {
            next.retain(|other| is_signed_by(last, other) != Some(false));
        }
        let Some(next) = next.into_iter().max_by_key(|other| other.not_after.unix) else { break };
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
    let entity = EndEntityCert::try_from(&der)
        .map_err(|error| format!("names cannot be checked: {}", handshake::of_path(&error)))?;
    Ok(entity.verify_is_valid_for_subject_name(&server).is_ok())
}
