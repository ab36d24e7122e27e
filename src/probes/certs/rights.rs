//! What a certificate may be used for, by its extensions, as OpenSSL has it (`check_ca`, `check_purpose_ssl_server`, `check_chain`).

use crate::probes::certs::parse::Parsed;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

/// The critical extensions that OpenSSL knows (`X509_supported_extension`, OpenSSL 3). What has another one is refused.
const KNOWN: [&str; 17] = [
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.35",
    "2.5.29.36",
    "2.5.29.37",
    "2.5.29.54",
    "1.3.6.1.5.5.7.1.7",
    "1.3.6.1.5.5.7.1.8",
    "1.3.6.1.5.5.7.1.14",
    "1.3.6.1.5.5.7.48.1.5",
    "2.16.840.1.113730.1.1",
];

/// What a certificate may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Why it may not sign other certificates.
    pub signs_not: Option<&'static str>,
    /// How many issuers may stand between it and a certificate.
    pub depth: Option<u32>,
    /// Whether it, and what it signs, may be a server's.
    pub serves: bool,
    /// Whether its key may be used in a handshake.
    pub handshakes: bool,
    /// Whether it limits the names of what it signs.
    pub constrains: bool,
    /// Whether the key of its issuer is said to be another one than its own.
    pub of_other_key: bool,
    /// A critical extension that clients do not know.
    pub unknown: Option<String>,
    /// An extension that is there and cannot be read.
    pub damaged: Option<String>,
}

impl Rights {
    /// Those of a certificate in DER; none of one that cannot be read.
    #[must_use]
    pub fn of(der: &[u8], self_issued: bool) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return Self { signs_not: Some("cannot be read"), ..Self::default() };
        };
        let mut rights = Self { serves: true, handshakes: true, ..Self::default() };
        let (mut constraints, mut usage) = (None, None);
        let (mut own_id, mut issuer_id) = (None, None);
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(found) => constraints = Some(found),
                ParsedExtension::KeyUsage(found) => {
                    usage = Some(found.key_cert_sign());
                    rights.handshakes = found.digital_signature() || found.key_encipherment() || found.key_agreement();
                }
                // What is for any purpose is not for servers with OpenSSL, nor with rustls.
                ParsedExtension::ExtendedKeyUsage(found) => rights.serves = found.server_auth,
                ParsedExtension::SubjectKeyIdentifier(id) => own_id = Some(id.0),
                ParsedExtension::AuthorityKeyIdentifier(found) => {
                    issuer_id = found.key_identifier.as_ref().map(|id| id.0);
                }
                ParsedExtension::NameConstraints(_) => rights.constrains = true,
                ParsedExtension::ParseError { .. } => rights.damaged = rights.damaged.or_else(|| called(extension)),
                _ => {}
            }
            let oid = extension.oid.to_id_string();
            if extension.critical && !KNOWN.contains(&oid.as_str()) {
                rights.unknown = Some(oid);
            }
        }
        rights.of_other_key = own_id.zip(issuer_id).is_some_and(|(own, issuer)| own != issuer);
        rights.depth = constraints.and_then(|found| found.path_len_constraint);
        rights.signs_not = match (constraints.map(|found| found.ca), usage) {
            (Some(false), _) => Some("is no CA"),
            (_, Some(false)) => Some("may not sign certificates: its keyUsage lacks keyCertSign"),
            (Some(true), _) | (None, Some(true)) => None,
            (None, None) if certificate.version() == X509Version::V1 && self_issued => None,
            (None, None) => Some("is no CA: it has no basicConstraints"),
        };
        rights
    }
}

/// Why a chain is refused by clients that use OpenSSL although each of it is signed by the next; the issuers from the lowest upwards,
/// the root last. `None` where nothing is in the way.
#[must_use]
pub fn forbidden(leaf: &Parsed, issuers: &[&Parsed], root: Option<&Parsed>) -> Option<String> {
    if root.is_some() && !leaf.rights.handshakes {
        return Some("its keyUsage allows no handshake".to_owned());
    }
    if let Some(root) = root.filter(|root| !root.rights.serves) {
        return Some(format!("root {} is not for servers", root.subject_word));
    }
    let mut below = 0;
    for issuer in issuers.iter().copied().chain(root) {
        let (word, rights) = (&issuer.subject_word, &issuer.rights);
        if let Some(why) = rights.signs_not {
            return Some(format!("issuer {word} {why}"));
        }
        if let Some(depth) = rights.depth.filter(|depth| below > *depth) {
            return Some(format!("issuer {word} allows {depth} issuers between (pathlen), and there are {below}"));
        }
        if let Some(oid) = &rights.unknown {
            return Some(format!("issuer {word}: clients do not know its critical extension {oid}"));
        }
        below += u32::from(!issuer.self_issued);
    }
    None
}

/// The name of an extension of RFC 5280, as OpenSSL's configuration has it.
fn called(extension: &X509Extension<'_>) -> Option<String> {
    let oid = extension.oid.to_id_string();
    let name = match oid.as_str() {
        "2.5.29.14" => "subjectKeyIdentifier",
        "2.5.29.15" => "keyUsage",
        "2.5.29.17" => "subjectAltName",
        "2.5.29.19" => "basicConstraints",
        "2.5.29.30" => "nameConstraints",
        "2.5.29.31" => "crlDistributionPoints",
        "2.5.29.32" => "certificatePolicies",
        "2.5.29.35" => "authorityKeyIdentifier",
        "2.5.29.37" => "extendedKeyUsage",
        "1.3.6.1.5.5.7.1.1" => "authorityInfoAccess",
        other if other.starts_with("2.5.29.") || other.starts_with("1.3.6.1.5.5.7.1.") => other,
        _ => return None,
    };
    Some(name.to_owned())
}
