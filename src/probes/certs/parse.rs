//! One certificate as facts. No date is ever computed by the parser's own arithmetic, which panics near the year 9999.

use crate::domain::{Digest, Verdict};
use crate::probes::certs::key::{Key, key};
use crate::probes::certs::name::{name, word};
use crate::probes::certs::rights::Rights;
use crate::probes::certs::signed::{self, Signature};
use crate::probes::certs::{element, kind, strict};
use crate::probes::panics;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

/// How many names are told; a certificate of 64 KiB may have thousands.
const NAMES: usize = 100;

/// A moment as a certificate says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since the epoch, negative before it.
    pub unix: i64,
    /// `2026-12-01`.
    pub date: String,
    /// `2026-12-01T00:00:00Z`.
    pub text: String,
}

/// What a certificate says of itself; its texts are outside bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// All of it.
    pub der: Vec<u8>,
    /// The first moment at which it is valid.
    pub not_before: Moment,
    /// The last one.
    pub not_after: Moment,
    /// Hexadecimal digits as `openssl x509 -serial` prints them, with a minus where it is negative.
    pub serial: String,
    /// `CN=R11,O=Let's Encrypt,C=US`, as RFC 4514 writes it.
    pub subject: String,
    /// As the subject.
    pub issuer: String,
    /// The issuer in a word: its common name, else its organisation.
    pub issuer_word: String,
    /// The subject in a word.
    pub subject_word: String,
    /// The alternative names: hosts and addresses as they are, others with their kind.
    pub names: Vec<String>,
    /// How many more names there are.
    pub more_names: usize,
    /// Its key.
    pub key: Key,
    /// Whether it says that it may sign others, or is a root of before such could be said.
    pub is_ca: bool,
    /// Whether it names itself as its issuer.
    pub self_issued: bool,
    /// The subject and the issuer as they are encoded; whoever issued it has the one as its other.
    pub links: (Vec<u8>, Vec<u8>),
    /// The key as it is encoded.
    pub spki: Vec<u8>,
    /// What is signed, the signature's algorithm, and the signature.
    pub proof: (Vec<u8>, Vec<u8>, Vec<u8>),
    /// SHA-256 of all of it.
    pub fingerprint: Digest,
    /// What it may be used for.
    pub rights: Rights,
    /// How it is signed.
    pub signature: Signature,
    /// Why no client takes it, whatever its dates; or why that cannot be said.
    pub flaw: Option<(Verdict, String)>,
}

impl Parsed {
    /// Whether another one's subject is this one's issuer.
    #[must_use]
    pub fn may_be_issued_by(&self, other: &Self) -> bool {
        self.links.1 == other.links.0
    }
}

/// Reads one certificate.
///
/// # Errors
/// What is wrong with it, in a few words. A panic of the parser is an error, too.
pub fn parse(der: &[u8]) -> Result<Parsed, String> {
    panics::caught_at_once(|| parsed(der)).unwrap_or_else(|_| Err("the parser crashed".to_owned()))
}

fn parsed(der: &[u8]) -> Result<Parsed, String> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|cause| match kind::of_der(der) {
        Some(kind) => kind.to_owned(),
        None => why(&cause),
    })?;
    let whole = der.len().saturating_sub(rest.len());
    let der = der.get(..whole).unwrap_or(der);
    strict::check(der).map_err(damaged)?;
    let (names, more_names) = names(&certificate);
    let (subject, issuer) = (certificate.subject(), certificate.issuer());
    let self_issued = subject.as_raw() == issuer.as_raw();
    let parts = element::certificate(der).ok_or("not a certificate: its parts are not where they belong")?;
    let validity = certificate.validity();
    let rights = Rights::of(der, self_issued);
    if let Some(name) = &rights.damaged {
        return Err(damaged(&format!("extension {name}")));
    }
    let mut parsed = Parsed {
        der: der.to_vec(),
        not_before: moment(&validity.not_before, parts.times.0),
        not_after: moment(&validity.not_after, parts.times.1),
        serial: serial(certificate.raw_serial()),
        subject: name(subject.as_raw()),
        issuer: name(issuer.as_raw()),
        issuer_word: word(issuer.as_raw()),
        subject_word: word(subject.as_raw()),
        names,
        more_names,
        key: key(certificate.public_key().raw),
        is_ca: certificate.is_ca() || (certificate.version() == X509Version::V1 && self_issued),
        rights,
        signature: Signature::of(parts.algorithm),
        flaw: None,
        self_issued,
        links: (subject.as_raw().to_vec(), issuer.as_raw().to_vec()),
        spki: certificate.public_key().raw.to_vec(),
        proof: (parts.signed.to_vec(), parts.algorithm.to_vec(), parts.signature.to_vec()),
        fingerprint: Digest::of(der),
    };
    parsed.flaw = flaw(&parsed, [parts.times.0, parts.times.1]);
    Ok(parsed)
}

fn damaged(part: &str) -> String {
    format!("a damaged certificate: its {part} is not valid DER; install it again from where it was issued")
}

/// Why no client takes it although it can be read.
fn flaw(parsed: &Parsed, times: [&[u8]; 2]) -> Option<(Verdict, String)> {
    if let Some(oid) = &parsed.rights.unknown {
        return Some((Verdict::Critical, format!("clients do not know its critical extension {oid}")));
    }
    // One with the name of its issuer may be signed by another key: a renewed root, by the old one.
    let is_own = parsed.self_issued && !parsed.rights.of_other_key;
    if is_own && signed::is_signed_by(parsed, parsed) == Some(false) {
        return Some((Verdict::Critical, "self-signed, and the signature is wrong".to_owned()));
    }
    // RFC 5280, 4.1.2.5: seconds and Z. OpenSSL verifies no other.
    let is_plain = |time: &[u8]| {
        let digits = time.strip_suffix(b"Z").unwrap_or_default();
        matches!(digits.len(), 12 | 14) && digits.iter().all(u8::is_ascii_digit)
    };
    if !times.into_iter().all(is_plain) {
        return Some((Verdict::Critical, "clients refuse the form of its dates: they are not in UTC".to_owned()));
    }
    if !parsed.key.is_known {
        return Some((Verdict::Unknown, format!("a key of kind {} is not known here", parsed.key.word)));
    }
    match &parsed.signature {
        Signature::Unknown(oid) => Some((Verdict::Unknown, format!("signature algorithm {oid} is not known here"))),
        _ => None,
    }
}

/// What is wrong; the parser's words where it names a part of the certificate, ours where it names one of its own.
fn why(cause: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> String {
    use x509_parser::error::X509Error as Bad;
    use x509_parser::nom::Err as Cause;
    match cause {
        Cause::Incomplete(_) => "not a certificate: it is cut off".to_owned(),
        Cause::Error(Bad::Der(_) | Bad::NomError(_) | Bad::Generic)
        | Cause::Failure(Bad::Der(_) | Bad::NomError(_) | Bad::Generic) => {
            "not a certificate: its encoding (DER) is damaged or cut off".to_owned()
        }
        Cause::Error(cause) | Cause::Failure(cause) => format!("not a certificate: {cause}"),
    }
}

/// A moment; an offset from UTC in its text counts, as it does for OpenSSL.
fn moment(time: &ASN1Time, text: &[u8]) -> Moment {
    if let Some(unix) = element::with_offset(text)
        && let Ok(at) = jiff::Timestamp::from_second(unix)
    {
        return Moment { unix, date: at.strftime("%Y-%m-%d").to_string(), text: at.to_string() };
    }
    let at = time.to_datetime();
    let date = format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day());
    let text = format!("{date}T{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second());
    Moment { unix: time.timestamp(), date, text }
}

/// A two's complement number in hexadecimal digits.
fn serial(raw: &[u8]) -> String {
    let negative = raw.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut bytes = raw.to_vec();
    if negative {
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (sum, over);
        }
    }
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let mut text = if negative { "-".to_owned() } else { String::new() };
    for byte in bytes.iter().skip(start) {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn names(certificate: &X509Certificate<'_>) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    let mut more = 0;
    for extension in certificate.extensions() {
        let ParsedExtension::SubjectAlternativeName(alternative) = extension.parsed_extension() else { continue };
        for one in &alternative.general_names {
            if all.len() < NAMES {
                all.push(general(one));
            } else {
                more += 1;
            }
        }
    }
    (all, more)
}

fn general(one: &GeneralName<'_>) -> String {
    match one {
        GeneralName::DNSName(host) => (*host).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes),
        GeneralName::RFC822Name(mail) => format!("email:{mail}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::DirectoryName(directory) => format!("directory:{}", name(directory.as_raw())),
        GeneralName::RegisteredID(oid) => format!("id:{}", oid.to_id_string()),
        GeneralName::OtherName(oid, _) => format!("other:{}", oid.to_id_string()),
        GeneralName::X400Address(_) => "X400".to_owned(),
        GeneralName::EDIPartyName(_) => "EDI party".to_owned(),
        GeneralName::Invalid(tag, bytes) => format!("invalid {}: {}", tag.0, String::from_utf8_lossy(bytes)),
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(four).to_string()
    } else if let Ok(sixteen) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(sixteen).to_string()
    } else {
        "invalid address".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_written_as_openssl_writes_them() {
        let cases: [(&[u8], &str); 6] = [
            (&[0], "00"),
            (&[1], "01"),
            (&[0, 0x8f], "8F"),
            (&[0xff], "-01"),
            (&[0x80, 0], "-8000"),
            (&[0x0a, 0xbc, 0xde], "0ABCDE"),
        ];
        for (raw, expected) in cases {
            assert_eq!(serial(raw), expected);
        }
        assert_eq!(serial(&[]), "");
    }
}
