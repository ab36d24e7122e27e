//! Names of subjects and issuers as RFC 4514 writes them: from the last part to the first, escaped, without blanks.

use std::fmt::Write as _;
use x509_parser::asn1_rs::{Oid, Tag, ToDer};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// A whole name by its DER: `CN=c,OU=B+O=A,C=US`.
pub(super) fn name(der: &[u8]) -> String {
    X509Name::from_der(der).map(|(_, name)| written(&name)).unwrap_or_default()
}

/// The name in a word by its DER: the common name, else the organisation, else all of it.
pub(super) fn word(der: &[u8]) -> String {
    let Ok((_, name)) = X509Name::from_der(der) else { return String::new() };
    let first = name.iter_common_name().next().or_else(|| name.iter_organization().next());
    first.map_or_else(|| written(&name), |pair| text(pair).unwrap_or_else(|| dumped(pair)))
}

fn written(name: &X509Name<'_>) -> String {
    let pair = |pair: &AttributeTypeAndValue<'_>| match abbreviation(pair.attr_type()) {
        Some(word) => format!("{word}={}", text(pair).map_or_else(|| dumped(pair), |text| escaped(&text))),
        None => format!("{}={}", pair.attr_type().to_id_string(), dumped(pair)),
    };
    let parts: Vec<String> = name
        .iter_rdn()
        .map(|part| {
            let mut pairs: Vec<String> = part.iter().map(pair).collect();
            pairs.reverse();
            pairs.join("+")
        })
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn abbreviation(oid: &Oid<'_>) -> Option<String> {
    match oid.to_id_string().as_str() {
        "1.2.840.113549.1.9.1" => Some("emailAddress".to_owned()),
        // RFC 4514, 3.
        "2.5.4.9" => Some("street".to_owned()),
        "0.9.2342.19200300.100.1.1" => Some("UID".to_owned()),
        "0.9.2342.19200300.100.1.25" => Some("DC".to_owned()),
        _ => oid2abbrev(oid, oid_registry()).ok().map(str::to_owned),
    }
}

/// A value by its string type; `None` of what is no string.
fn text(pair: &AttributeTypeAndValue<'_>) -> Option<String> {
    let bytes = pair.as_slice();
    Some(match pair.attr_value().tag() {
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
        _ => return None,
    })
}

/// A value in hexadecimal digits, with its head.
fn dumped(pair: &AttributeTypeAndValue<'_>) -> String {
    let bytes = pair.attr_value().to_der_vec().unwrap_or_else(|_| pair.as_slice().to_vec());
    bytes.iter().fold("#".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// A value with a backslash before what means something in a name, and control characters as their digits.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (at, letter) in value.chars().enumerate() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', letter]),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '#' if at == 0 => out.push_str("\\#"),
            letter if letter.is_ascii_control() => {
                let _ = write!(out, "\\{:02X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_name_is_escaped() {
        for (value, expected) in [
            ("L. Eagle, CN=bank.example", "L. Eagle\\, CN=bank.example"),
            (" a b ", "\\ a b\\ "),
            ("#1", "\\#1"),
            ("a#\"+;<>\\", "a#\\\"\\+\\;\\<\\>\\\\"),
            ("a\0\u{1b}", "a\\00\\1B"),
            ("", ""),
            (" ", "\\ "),
        ] {
            assert_eq!(escaped(value), expected);
        }
    }
}
