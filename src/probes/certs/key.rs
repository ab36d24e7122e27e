//! The kind of a public key, and whether it is one that can be relied on and checked here.

use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// RSA keys of fewer bits are weak. Source: CA/Browser Forum baseline requirements, 6.1.5; OpenSSL's security level 2.
const WEAK: usize = 2048;
/// Keys of a curve over a smaller field are weak, in bits. Source: OpenSSL's security level 2.
const WEAK_CURVE: usize = 224;
/// RSA keys of more bits are not checked by ring.
const LARGEST: usize = 8192;

/// A key for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `EC P-256`, `RSA 2048`.
    pub word: String,
    /// Whether it is so short that signatures by it prove little.
    pub is_weak: bool,
    /// Whether signatures by it can be checked here.
    pub is_checked: bool,
    /// Whether its kind has a name here.
    pub is_known: bool,
}

impl Key {
    /// Why signatures by it are not checked.
    #[must_use]
    pub fn unchecked(&self) -> String {
        let Self { word, is_weak, .. } = self;
        if *is_weak { format!("{word} is too weak to be checked") } else { format!("{word} cannot be checked here") }
    }
}

/// The kind of a key by its DER, with its bits or its curve.
pub(super) fn key(der: &[u8]) -> Key {
    match SubjectPublicKeyInfo::from_der(der) {
        Ok((_, info)) => kind(&info),
        Err(_) => Key { word: "unknown".to_owned(), is_weak: false, is_checked: false, is_known: false },
    }
}

fn kind(info: &SubjectPublicKeyInfo<'_>) -> Key {
    let plain = |word: &str| Key { word: word.to_owned(), is_weak: false, is_checked: true, is_known: true };
    let oid = info.algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => rsa("RSA", info),
        "1.2.840.113549.1.1.10" => rsa("RSA-PSS", info),
        "1.2.840.10045.2.1" => {
            let curve = curve(info);
            let is_known = !curve.trim_start().starts_with(|letter: char| letter.is_ascii_digit());
            let is_weak = field(&info.subject_public_key.data).is_some_and(|bits| bits < WEAK_CURVE);
            Key { is_known, is_weak, ..plain(&format!("EC{curve}")) }
        }
        "1.2.840.10040.4.1" => plain("DSA"),
        // RFC 8410.
        "1.3.101.110" => plain("X25519"),
        "1.3.101.111" => plain("X448"),
        "1.3.101.112" => plain("Ed25519"),
        "1.3.101.113" => plain("Ed448"),
        "1.2.840.113549.1.3.1" | "1.2.840.10046.2.1" => plain("DH"),
        "1.2.643.2.2.19" | "1.2.643.7.1.1.1.1" | "1.2.643.7.1.1.1.2" => plain("GOST R 34.10"),
        // FIPS 204.
        "2.16.840.1.101.3.4.3.17" => plain("ML-DSA-44"),
        "2.16.840.1.101.3.4.3.18" => plain("ML-DSA-65"),
        "2.16.840.1.101.3.4.3.19" => plain("ML-DSA-87"),
        other => Key { is_known: false, ..plain(other) },
    }
}

fn rsa(word: &str, info: &SubjectPublicKeyInfo<'_>) -> Key {
    match RSAPublicKey::from_der(&info.subject_public_key.data) {
        Ok((_, rsa)) => {
            let bits = bits(rsa.modulus);
            // ring takes exponents of 2 to 33 bits.
            let is_checked = (WEAK..=LARGEST).contains(&bits) && (2..=33).contains(&self::bits(rsa.exponent));
            Key { word: format!("{word} {bits}"), is_weak: bits < WEAK, is_checked, is_known: true }
        }
        Err(_) => Key { word: word.to_owned(), is_weak: false, is_checked: false, is_known: false },
    }
}

/// The name of a curve, with a blank before it.
fn curve(info: &SubjectPublicKeyInfo<'_>) -> String {
    let Some(parameters) = info.algorithm.parameters() else { return String::new() };
    if parameters.tag() == Tag::Sequence {
        return " with explicit parameters".to_owned();
    }
    let Ok(oid) = parameters.as_oid() else { return String::new() };
    let oid = oid.to_id_string();
    let name = match oid.as_str() {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.2.156.10197.1.301" => "SM2",
        // RFC 5639.
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        other => other,
    };
    format!(" {name}")
}

/// How many bits the coordinates of a point have, in whole bytes. Source: SEC 1, 2.3.3.
fn field(point: &[u8]) -> Option<usize> {
    match point.split_first()? {
        (4, both) => Some(both.len() / 2 * 8),
        (2 | 3, one) => Some(one.len() * 8),
        _ => None,
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

    /// A key of a curve, by the DER of the curve's name, with a point of so many bytes.
    fn on_curve(curve: &[u8], form: u8, point: u8) -> Key {
        let algorithm =
            [&[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, u8::try_from(curve.len()).unwrap()], curve];
        let algorithm = algorithm.concat();
        let body = [
            &[0x30, u8::try_from(algorithm.len()).unwrap()][..],
            &algorithm,
            &[0x03, point + 2, 0, form],
            &vec![1; usize::from(point)],
        ]
        .concat();
        key(&[&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat())
    }

    #[test]
    fn a_key_of_a_small_curve_is_weak_in_whatever_form_its_point_is() {
        let (p192, p224, p256) = (
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1][..],
            &[0x2b, 0x81, 4, 0, 0x21][..],
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7][..],
        );
        for (curve, form, point, word, is_weak) in [
            (p192, 4, 48, "EC P-192", true),
            (p192, 3, 24, "EC P-192", true),
            (p224, 4, 56, "EC P-224", false),
            (p256, 4, 64, "EC P-256", false),
            (p256, 2, 32, "EC P-256", false),
        ] {
            let found = on_curve(curve, form, point);
            assert_eq!((found.word.as_str(), found.is_weak), (word, is_weak), "{word} {form}");
        }
    }

    #[test]
    fn bits_leave_out_leading_zeros() {
        assert_eq!((bits(&[]), bits(&[0, 0]), bits(&[0, 0x80, 0]), bits(&[1, 0])), (0, 0, 16, 9));
    }
}
