//! Whether a certificate is encoded as it must be: DER (X.690) of the form of RFC 5280, down to its key and its extensions.
//!
//! `x509_parser` takes more than OpenSSL, BoringSSL and rustls do: lengths that are not the shortest, texts that are none, a key that is
//! no point of its curve. What one of them cannot read is never shown as valid.

use crate::probes::certs::element::{self, Element};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// How deep the values of extensions may nest; those of RFC 5280 need ten.
const DEPTH: usize = 32;

/// Checks a certificate; all of the bytes must be it.
///
/// # Errors
/// Which part of it cannot be read.
pub fn check(der: &[u8]) -> Result<(), &'static str> {
    let mut outer = Reader(only(der, SEQUENCE).ok_or("outermost part")?);
    let tbs = outer.take(SEQUENCE).ok_or("part that is signed")?;
    let (oid, parameters) = outer.take(SEQUENCE).and_then(algorithm).ok_or("signature algorithm")?;
    outer.take(BIT_STRING).and_then(bits).ok_or("signature")?;
    outer.end().ok_or("end")?;
    let mut tbs = Reader(tbs);
    let version = match tbs.take_if(0xa0).ok_or("version")? {
        Some(inner) => match only(inner, INTEGER) {
            Some([version @ 0..=2]) => *version,
            _ => return Err("version"),
        },
        None => 0,
    };
    tbs.take(INTEGER).and_then(integer).ok_or("serial number")?;
    let inner = tbs.take(SEQUENCE).and_then(algorithm).ok_or("signature algorithm")?;
    if (inner.0, inner.1.map(|it| it.whole)) != (oid, parameters.map(|it| it.whole)) {
        return Err("signature algorithm, which stands in it twice and differs,");
    }
    tbs.take(SEQUENCE).and_then(name).ok_or("issuer")?;
    tbs.take(SEQUENCE).and_then(validity).ok_or("validity")?;
    tbs.take(SEQUENCE).and_then(name).ok_or("subject")?;
    tbs.take(SEQUENCE).and_then(key).ok_or("public key")?;
    for unique in [0x81, 0x82] {
        if let Some(id) = tbs.take_if(unique).ok_or("unique identifier")? {
            bits(id).ok_or("unique identifier")?;
        }
    }
    if let Some(list) = tbs.take_if(0xa3).ok_or("list of extensions")? {
        extensions(list).filter(|()| version == 2).ok_or("list of extensions")?;
    }
    tbs.end().ok_or("end of the part that is signed")
}

/// Takes elements one after the other; none whose length is not the shortest, and none with a tag of more than one byte.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn any(&mut self) -> Option<Element<'a>> {
        let (element, rest) = element::next(self.0)?;
        let shortest = match element.content.len() {
            0..0x80 => 2,
            0x80..0x100 => 3,
            0x100..0x1_0000 => 4,
            0x1_0000..0x100_0000 => 5,
            _ => 6,
        };
        self.0 = rest;
        let is_shortest = element.whole.len() - element.content.len() == shortest;
        (is_shortest && element.tag & 0x1f != 0x1f).then_some(element)
    }

    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|element| element.tag == tag).map(|element| element.content)
    }

    /// The next element where it has this tag; the outer `None` is one that cannot be read.
    #[allow(clippy::option_option)] // Broken, absent, there.
    fn take_if(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.0.first() == Some(&tag) { self.take(tag).map(Some) } else { Some(None) }
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// What is in the one element that these bytes are.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut reader = Reader(bytes);
    let content = reader.take(tag)?;
    reader.end().map(|()| content)
}

/// A number, in as few bytes as it takes.
fn integer(content: &[u8]) -> Option<&[u8]> {
    let is_padded = match content {
        [] => true,
        [0, next, ..] => next & 0x80 == 0,
        [0xff, next, ..] => next & 0x80 != 0,
        _ => false,
    };
    (!is_padded).then_some(content)
}

/// The whole bytes of a string of bits: no bits are left over.
fn bits(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, bytes @ ..] => Some(bytes),
        _ => None,
    }
}

fn oid(content: &[u8]) -> Option<&[u8]> {
    let ends = content.last().is_some_and(|last| last & 0x80 == 0);
    let mut begins = true;
    for byte in content {
        if begins && *byte == 0x80 {
            return None;
        }
        begins = byte & 0x80 == 0;
    }
    ends.then_some(content)
}

/// An algorithm's name, and its parameters where it has some.
fn algorithm(content: &[u8]) -> Option<(&[u8], Option<Element<'_>>)> {
    let mut reader = Reader(content);
    let name = reader.take(OID).and_then(oid)?;
    let parameters = if reader.0.is_empty() { None } else { Some(reader.any()?) };
    if let Some(parameters) = parameters {
        value(parameters, 0)?;
    }
    reader.end().map(|()| (name, parameters))
}

fn name(content: &[u8]) -> Option<()> {
    let mut parts = Reader(content);
    while !parts.0.is_empty() {
        let mut part = Reader(parts.take(SET).filter(|part| !part.is_empty())?);
        while !part.0.is_empty() {
            let mut pair = Reader(part.take(SEQUENCE)?);
            pair.take(OID).and_then(oid)?;
            text(pair.any()?)?;
            pair.end()?;
        }
    }
    Some(())
}

/// A text of one of the kinds that OpenSSL takes in a name, in characters that there are.
fn text(element: Element<'_>) -> Option<()> {
    let bytes = element.content;
    let wide = |size: usize| {
        let chars = bytes.chunks(size).map(|one| one.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)));
        bytes.len().is_multiple_of(size) && chars.into_iter().all(|one| char::from_u32(one).is_some())
    };
    let is_text = match element.tag {
        // UTF8String.
        0x0c => std::str::from_utf8(bytes).is_ok(),
        // NumericString, PrintableString, T61String, IA5String: Latin-1 stands in them, too.
        0x12 | 0x13 | 0x14 | 0x16 => true,
        // UniversalString, BMPString.
        0x1c => wide(4),
        0x1e => wide(2),
        _ => false,
    };
    is_text.then_some(())
}

fn validity(content: &[u8]) -> Option<()> {
    let mut reader = Reader(content);
    for _ in 0..2 {
        // UTCTime, GeneralizedTime.
        reader.any().filter(|time| matches!(time.tag, 0x17 | 0x18))?;
    }
    reader.end()
}

fn key(content: &[u8]) -> Option<()> {
    let mut reader = Reader(content);
    let (name, parameters) = reader.take(SEQUENCE).and_then(algorithm)?;
    let key = reader.take(BIT_STRING).and_then(bits)?;
    reader.end()?;
    let plain = |long: usize| (parameters.is_none() && key.len() == long).then_some(());
    match name {
        // Of PKCS #1: RSA, RSA-PSS.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => {
            parameters.filter(|it| it.tag == NULL)?;
            rsa(key)
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => rsa(key),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => point(parameters?, key),
        // Of RFC 8410: X25519, X448, Ed25519, Ed448.
        [0x2b, 0x65, 0x6e | 0x70] => plain(32),
        [0x2b, 0x65, 0x6f] => plain(56),
        [0x2b, 0x65, 0x71] => plain(57),
        _ => Some(()),
    }
}

/// A modulus and an exponent, both odd and above one.
fn rsa(key: &[u8]) -> Option<()> {
    let mut reader = Reader(only(key, SEQUENCE)?);
    for _ in 0..2 {
        let number = reader.take(INTEGER).and_then(integer)?;
        let is_negative = number.first().is_some_and(|first| first & 0x80 != 0);
        let is_odd = number.last().is_some_and(|last| last & 1 == 1);
        (!is_negative && is_odd && number != [1]).then_some(())?;
    }
    reader.end()
}

/// A point of a curve. Those of P-256 and P-384 are tried, the others must be of the right size.
fn point(curve: Element<'_>, key: &[u8]) -> Option<()> {
    let (group, size): (Option<&dyn SupportedKxGroup>, _) = match (curve.tag, curve.content) {
        (OID, [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) => (Some(SECP256R1), 32),
        (OID, [0x2b, 0x81, 4, 0, 34]) => (Some(SECP384R1), 48),
        (OID, [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1]) => (None, 24),
        (OID, [0x2b, 0x81, 4, 0, 33]) => (None, 28),
        (OID, [0x2b, 0x81, 4, 0, 35]) => (None, 66),
        (OID, [0x2b, 0x81, 4, 0, 10]) => (None, 32),
        (OID | SEQUENCE, _) => (None, 0),
        _ => return None,
    };
    let (form, rest) = key.split_first()?;
    let long = match form {
        4 => 2 * size,
        2 | 3 => size,
        _ => return None,
    };
    if rest.is_empty() || (size > 0 && rest.len() != long) {
        return None;
    }
    match group.filter(|_| *form == 4) {
        Some(group) => group.start().ok()?.complete(key).ok().map(|_| ()),
        None => Some(()),
    }
}

fn extensions(list: &[u8]) -> Option<()> {
    let mut list = Reader(only(list, SEQUENCE).filter(|list| !list.is_empty())?);
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.0.is_empty() {
        let mut one = Reader(list.take(SEQUENCE)?);
        let name = one.take(OID).and_then(oid)?;
        if let Some(critical) = one.take_if(BOOLEAN)? {
            matches!(critical, [0 | 0xff]).then_some(())?;
        }
        let content = one.take(OCTET_STRING)?;
        one.end()?;
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        // Those of RFC 5280: of others nothing is known.
        if matches!(name, [0x55, 0x1d, _] | [0x2b, 6, 1, 5, 5, 7, 1, _]) {
            let mut reader = Reader(content);
            value(reader.any()?, 0)?;
            reader.end()?;
        }
    }
    Some(())
}

/// Any value, with all that is in it.
fn value(element: Element<'_>, depth: usize) -> Option<()> {
    let content = element.content;
    match element.tag {
        BOOLEAN => matches!(content, [0 | 0xff]).then_some(()),
        INTEGER => integer(content).map(|_| ()),
        BIT_STRING => match content {
            [0] => Some(()),
            [unused @ 0..=7, .., last] => (last & ((1 << unused) - 1) == 0).then_some(()),
            _ => None,
        },
        NULL => content.is_empty().then_some(()),
        OID => oid(content).map(|_| ()),
        0x0c => std::str::from_utf8(content).ok().map(|_| ()),
        // What is made of elements.
        tag if tag & 0x20 != 0 => {
            let mut reader = Reader(content);
            while !reader.0.is_empty() {
                value(reader.any()?, (depth < DEPTH).then_some(depth + 1)?)?;
            }
            Some(())
        }
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_encoding_is_taken() {
        for (bytes, is_taken) in [
            (&[0x30, 0][..], true),
            (&[0x30, 0x81, 0], false),
            (&[0x30, 0x80, 0, 0], false),
            (&[0x30, 0x82, 0, 1, 5], false),
            (&[0x3f, 0x21, 0], false),
            (&[0x30, 0, 0], false),
        ] {
            assert_eq!(only(bytes, SEQUENCE).is_some(), is_taken, "{bytes:x?}");
        }
        for (number, is_taken) in [
            (&[][..], false),
            (&[0], true),
            (&[0, 1], false),
            (&[0, 0x80], true),
            (&[0xff, 0x80], false),
            (&[0xff], true),
        ] {
            assert_eq!(integer(number).is_some(), is_taken, "{number:x?}");
        }
        for (name, is_taken) in
            [(&[][..], false), (&[0x55, 4], true), (&[0x55, 0x84], false), (&[0x55, 0x80, 1], false)]
        {
            assert_eq!(oid(name).is_some(), is_taken, "{name:x?}");
        }
    }

    #[test]
    fn a_text_is_in_characters_that_there_are() {
        for (tag, content, is_text) in [
            (0x0c, &b"\xc3\xa4"[..], true),
            (0x0c, b"\xc3", false),
            (0x13, b"M\xfcller", true),
            (0x1e, &[0x26, 0x03], true),
            (0x1e, &[0x26], false),
            (0x1e, &[0xd8, 0], false),
            (0x1c, &[0, 1, 0xf6, 0], true),
            (0x1c, &[0, 0x11, 0, 0], false),
            (0x04, b"octets", false),
        ] {
            let element = Element { tag, content, whole: content };
            assert_eq!(text(element).is_some(), is_text, "{tag:x} {content:x?}");
        }
    }
}
