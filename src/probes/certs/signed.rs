//! How a certificate is signed, and whether that is by the key of another one.

use crate::probes::certs::element;
use crate::probes::certs::parse::Parsed;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use webpki::{Error, RawPublicKeyEntity};
use x509_parser::asn1_rs::Oid;

/// The algorithm of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// One that clients take.
    Usual,
    /// By a digest that can be forged: clients refuse it, but for that of a root, which they do not look at.
    Weak(&'static str),
    /// One that has no name here.
    Unknown(String),
}

impl Signature {
    /// The one that an `AlgorithmIdentifier` names, given without its head.
    #[must_use]
    pub fn of(algorithm: &[u8]) -> Self {
        let oid = element::next(algorithm).map(|(oid, _)| Oid::new(oid.content.into()).to_id_string());
        let oid = oid.unwrap_or_default();
        match oid.as_str() {
            "1.2.840.113549.1.1.2" => Self::Weak("MD2"),
            "1.2.840.113549.1.1.3" => Self::Weak("MD4"),
            "1.2.840.113549.1.1.4" => Self::Weak("MD5"),
            "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => Self::Weak("SHA-1"),
            // RSA with SHA-2 and RSA-PSS, ECDSA with SHA-2, Ed25519, Ed448, SM2.
            "1.2.840.113549.1.1.10"
            | "1.2.840.113549.1.1.11"
            | "1.2.840.113549.1.1.12"
            | "1.2.840.113549.1.1.13"
            | "1.2.840.113549.1.1.14"
            | "1.2.840.10045.4.3.1"
            | "1.2.840.10045.4.3.2"
            | "1.2.840.10045.4.3.3"
            | "1.2.840.10045.4.3.4"
            | "1.3.101.112"
            | "1.3.101.113"
            | "1.2.156.10197.1.501" => Self::Usual,
            // Of NIST: DSA with SHA-2, all with SHA-3, ML-DSA, SLH-DSA. Of GOST.
            nist if nist.starts_with("2.16.840.1.101.3.4.3.") || nist.starts_with("1.2.643.") => Self::Usual,
            _ => Self::Unknown(oid),
        }
    }
}

/// Whether one certificate is signed with the key of another; `None` where that cannot be checked here.
#[must_use]
pub fn is_signed_by(signed: &Parsed, issuer: &Parsed) -> Option<bool> {
    let (message, algorithm, signature) = &signed.proof;
    if !issuer.key.is_checked {
        return None;
    }
    let key = SubjectPublicKeyInfoDer::from(issuer.spki.as_slice());
    let entity = RawPublicKeyEntity::try_from(&key).ok()?;
    let mut known = None;
    for own in webpki::ALL_VERIFICATION_ALGS {
        if own.signature_alg_id().as_ref() != algorithm.as_slice() {
            continue;
        }
        match entity.verify_signature(*own, message, signature) {
            Ok(()) => return Some(true),
            Err(Error::InvalidSignatureForPublicKey) => known = Some(false),
            Err(_) => {}
        }
    }
    known
}

/// The issuer that stands among the others by its name, and did not sign: of a certificate, or of the next one upwards.
#[must_use]
pub fn impostor<'a>(leaf: &'a Parsed, others: &'a [Parsed]) -> Option<&'a Parsed> {
    let mut last = leaf;
    for _ in 0..others.len() {
        if last.self_issued {
            return None;
        }
        let named = || others.iter().filter(|other| last.may_be_issued_by(other) && other.der != last.der);
        match named().find(|other| is_signed_by(last, other) != Some(false)) {
            Some(next) => last = next,
            None => return named().next(),
        }
    }
    None
}
