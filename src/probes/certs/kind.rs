//! What a file in DER holds that is no certificate, by its first elements; and what to try.

use crate::probes::certs::element::{self, Element};

/// What these bytes are, if they are one of the things that lie where certificates do.
#[must_use]
pub fn of_der(bytes: &[u8]) -> Option<&'static str> {
    let (outer, _) = element::next(bytes)?;
    let parts = parts(outer.content);
    let tags: Vec<u8> = parts.iter().map(|part| part.tag).collect();
    let inner: Vec<u8> = parts.first().map(|first| self::parts(first.content).iter().map(|it| it.tag).collect())?;
    let content = |at: usize| parts.get(at).map(|part| part.content);
    Some(match (outer.tag, tags.as_slice(), inner.as_slice()) {
        (0x30, [0x02, 0x30, ..], _) if content(0) == Some(&[3]) => {
            "PKCS#12, which is not read: openssl pkcs12 -nokeys makes PEM of it"
        }
        // 1.2.840.113549.1.7: PKCS #7.
        (0x30, [0x06, ..], _) if content(0).is_some_and(|oid| oid.starts_with(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07")) => {
            "PKCS#7, which is not read: openssl pkcs7 -inform DER -print_certs makes PEM of it"
        }
        // PKCS #8, of RSA, of SEC 1.
        (0x30, [0x02, 0x30, 0x04, ..] | [0x02, 0x02, 0x02, ..] | [0x02, 0x04, ..], _) => {
            "a private key, and no certificate"
        }
        (0x30, [0x30, 0x04], [0x06, ..]) => "an encrypted private key, and no certificate",
        (0x30, [0x30, 0x03], [0x06, ..]) => "a public key, and no certificate",
        (0x30, [0x30, 0x30, 0x03], [0x02, 0x30, 0x30, 0xa0]) => "a certificate signing request, and no certificate",
        (0x30, [0x30, 0x30, 0x03], [0x30, 0x30, 0x17 | 0x18, ..] | [0x02, 0x30, 0x30, 0x17 | 0x18, ..]) => {
            "a list of revoked certificates (CRL), and no certificate"
        }
        _ => return None,
    })
}

/// The elements that are one behind the other in these bytes: the first few.
fn parts(mut bytes: &[u8]) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    while let Some((element, rest)) = element::next(bytes).filter(|_| found.len() < 8) {
        found.push(element);
        bytes = rest;
    }
    found
}

/// What a text says of itself: the labels of its sections, or the encoding that it is in.
#[must_use]
pub fn of_text(bytes: &[u8]) -> Option<String> {
    let is_utf_16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let wide = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    if is_utf_16 || wide(b"-\0-\0B\0E\0G\0I\0N\0") || wide(b"\0-\0-\0B\0E\0G\0I\0N") {
        return Some(
            "the file is UTF-16, which OpenSSL cannot read: iconv -f UTF-16 -t UTF-8 makes text of it".to_owned(),
        );
    }
    let mut labels: Vec<String> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let label = line.trim_ascii_end().strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----"));
        let Some(label) = label.filter(|label| label.len() < 40 && label.is_ascii()) else { continue };
        let label = String::from_utf8_lossy(label).into_owned();
        if !labels.contains(&label) && labels.len() < 3 {
            labels.push(label);
        }
    }
    (!labels.is_empty()).then(|| format!("no certificate in it, only {}", labels.join(", ")))
}
