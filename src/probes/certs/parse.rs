//! One certificate as facts. No date is ever computed by the parser's own arithmetic, which panics near the year 9999.

use crate::domain::Digest;
use crate::probes::panics;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

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
    /// `C=US, O=Let's Encrypt, CN=R11`, in the order of the certificate.
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
    /// `EC P-256`, `RSA 2048`.
    pub key: String,
    /// Whether it says that it may sign others.
    pub is_ca: bool,
    /// Whether it names itself as its issuer.
    pub self_issued: bool,
    /// The subject and the issuer as they are encoded; whoever issued it has the one as its other.
    pub links: (Vec<u8>, Vec<u8>),
    /// SHA-256 of all of it.
    pub fingerprint: Digest,
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
    panics::caught_at_once(|| parsed(der)).unwrap_or_else(|_| Err("the parser broke off".to_owned()))
}

fn parsed(der: &[u8]) -> Result<Parsed, String> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|cause| why(&cause))?;
    let whole = der.len().saturating_sub(rest.len());
    let der = der.get(..whole).unwrap_or(der);
    let (names, more_names) = names(&certificate);
    let (subject, issuer) = (certificate.subject(), certificate.issuer());
    Ok(Parsed {
        der: der.to_vec(),
        not_before: moment(&certificate.validity().not_before),
        not_after: moment(&certificate.validity().not_after),
        serial: serial(certificate.raw_serial()),
        subject: name(subject),
        issuer: name(issuer),
        issuer_word: word(issuer),
        subject_word: word(subject),
        names,
        more_names,
        key: key(certificate.public_key()),
        is_ca: certificate.is_ca(),
        self_issued: subject.as_raw() == issuer.as_raw(),
        links: (subject.as_raw().to_vec(), issuer.as_raw().to_vec()),
        fingerprint: Digest::of(der),
    })
}

/// The parser's own words, without the machinery around them.
fn why(cause: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> String {
    use x509_parser::nom::Err as Cause;
    match cause {
        Cause::Incomplete(_) => "not a certificate: it is cut off".to_owned(),
        Cause::Error(cause) | Cause::Failure(cause) => format!("not a certificate: {cause}"),
    }
}

fn moment(time: &ASN1Time) -> Moment {
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

/// A whole name: `C=US, O=A + OU=B, CN=c`.
fn name(name: &X509Name<'_>) -> String {
    let part = |rdn: &x509_parser::x509::RelativeDistinguishedName<'_>| {
        let pairs: Vec<String> =
            rdn.iter().map(|pair| format!("{}={}", abbreviation(pair.attr_type()), value(pair))).collect();
        pairs.join(" + ")
    };
    let parts: Vec<String> = name.iter_rdn().map(part).collect();
    parts.join(", ")
}

/// The name in a word: the common name, else the organisation, else all of it.
fn word(whole: &X509Name<'_>) -> String {
    let first = whole.iter_common_name().next().or_else(|| whole.iter_organization().next());
    first.map_or_else(|| name(whole), value)
}

fn abbreviation(oid: &Oid<'_>) -> String {
    oid2abbrev(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned)
}

/// A value by its string type; what is no string is shown in hexadecimal digits, as RFC 4514 does.
fn value(pair: &AttributeTypeAndValue<'_>) -> String {
    let bytes = pair.as_slice();
    match pair.attr_value().tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Tag::BmpString => {
            let units =
                bytes.chunks_exact(2).map(|two| two.iter().fold(0_u16, |unit, byte| unit << 8 | u16::from(*byte)));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Tag::UniversalString => {
            let units =
                bytes.chunks_exact(4).map(|four| four.iter().fold(0_u32, |unit, byte| unit << 8 | u32::from(*byte)));
            units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        // Latin-1 is what T61String holds in the wild.
        Tag::T61String => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => bytes.iter().fold("#".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
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
        GeneralName::DirectoryName(directory) => format!("directory:{}", name(directory)),
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

/// The key's kind, with its bits or its curve.
fn key(info: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = || {
        let oid = info.algorithm.parameters()?.as_oid().ok()?;
        Some(match oid.to_id_string().as_str() {
            "1.2.840.10045.3.1.7" => "P-256".to_owned(),
            "1.3.132.0.34" => "P-384".to_owned(),
            "1.3.132.0.35" => "P-521".to_owned(),
            other => other.to_owned(),
        })
    };
    match (info.parsed(), info.algorithm.algorithm.to_id_string().as_str()) {
        (Ok(PublicKey::RSA(rsa)), _) => format!("RSA {}", bits(rsa.modulus)),
        (Ok(PublicKey::EC(_)), _) => curve().map_or_else(|| "EC".to_owned(), |curve| format!("EC {curve}")),
        (Ok(PublicKey::DSA(_)), _) => "DSA".to_owned(),
        // RFC 8410.
        (_, "1.3.101.112") => "Ed25519".to_owned(),
        (_, "1.3.101.113") => "Ed448".to_owned(),
        (_, oid) => oid.to_owned(),
    }
}

/// How many bits a number has, without its leading zeros.
fn bits(number: &[u8]) -> usize {
    let mut rest = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = rest.next() else { return 0 };
    rest.count() * 8 + 8 - usize::try_from(first.leading_zeros()).unwrap_or(0)
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

    #[test]
    fn bits_leave_out_leading_zeros() {
        assert_eq!((bits(&[]), bits(&[0, 0]), bits(&[0, 0x80, 0]), bits(&[1, 0])), (0, 0, 16, 9));
    }
}
