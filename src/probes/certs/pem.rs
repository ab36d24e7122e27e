//! Takes the certificates out of a file's bytes: PEM with anything between them, or DER.
//!
//! A section that is not a certificate is skipped, never decoded: keys stay what they were on the disk.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The largest certificate that is read, in bytes of DER.
pub const LARGEST: usize = 64 * 1024;
/// How many certificates of one chain are read.
pub const LONGEST: usize = 20;
/// The labels of a certificate's section; the last one is of `openssl x509 -trustout`.
const LABELS: [&[u8]; 3] = [b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"];

/// What a file or an endpoint holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The first certificates, at most as many as were asked for, each as DER or with what is wrong with it.
    pub certificates: Vec<Result<Vec<u8>, String>>,
    /// How many there are, those that were not taken included.
    pub total: usize,
    /// What was left out, if anything was.
    pub cut: Option<String>,
    /// Whether there are sections of PKCS#7, which is not read.
    pub pkcs7: bool,
}

impl Held {
    /// Takes one more certificate, unless there are as many as are wanted.
    pub fn take(&mut self, most: usize, certificate: impl FnOnce() -> Result<Vec<u8>, String>) {
        self.total += 1;
        if self.certificates.len() < most {
            self.certificates.push(certificate());
        } else {
            self.cut = Some(format!("only the first {most} certificates are read"));
        }
    }
}

/// The certificates in these bytes, at most `most` of them.
#[must_use]
pub fn certificates(bytes: &[u8], most: usize) -> Held {
    let mut held = Held::default();
    // A text that begins with `0` goes on with a character.
    if bytes.first() == Some(&0x30) && bytes.get(1).is_some_and(|byte| !(0x20..0x80).contains(byte)) {
        in_der(bytes, most, &mut held);
    } else {
        in_pem(bytes, most, &mut held);
    }
    held
}

/// One or more certificates as DER, one behind the other.
fn in_der(mut bytes: &[u8], most: usize, held: &mut Held) {
    while bytes.first() == Some(&0x30) {
        let size = whole(bytes);
        let (one, rest) = match size.and_then(|size| bytes.split_at_checked(size)) {
            Some(split) => split,
            // What is cut off is told by whoever parses it.
            None => (bytes, &[][..]),
        };
        held.take(most, || if one.len() > LARGEST { Err(too_large()) } else { Ok(one.to_vec()) });
        bytes = rest;
    }
}

/// The size of the element that these bytes begin with, its head included (X.690, 8.1.3).
fn whole(bytes: &[u8]) -> Option<usize> {
    let length = *bytes.get(1)?;
    if length < 0x80 {
        return Some(2 + usize::from(length));
    }
    let digits = usize::from(length & 0x7f);
    if digits == 0 || digits > 4 {
        return None;
    }
    let size = bytes.get(2..2 + digits)?.iter().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
    size.checked_add(2 + digits)
}

/// Sections between BEGIN and END lines (RFC 7468).
fn in_pem(bytes: &[u8], most: usize, held: &mut Held) {
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    while let Some(line) = lines.next() {
        let Some(label) = label(line, b"-----BEGIN ") else { continue };
        held.pkcs7 |= matches!(label, b"PKCS7" | b"CMS");
        if !LABELS.contains(&label) {
            continue;
        }
        let mut body = Vec::new();
        let (mut size, mut ended) = (0, false);
        for line in lines.by_ref() {
            if line.starts_with(b"-----END ") {
                ended = true;
                break;
            }
            size += line.len();
            if size <= LARGEST / 3 * 4 + 4 && held.certificates.len() < most {
                body.extend_from_slice(line);
                body.push(b'\n');
            }
        }
        held.take(most, || match ended {
            _ if size > LARGEST / 3 * 4 + 4 => Err(too_large()),
            true => decoded(&body),
            false => Err("a certificate that does not end".to_owned()),
        });
    }
}

/// The label of a line that begins or ends a section.
fn label<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    // A file may begin with a byte order mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.strip_prefix(mark)?.trim_ascii_end().strip_suffix(b"-----")
}

fn decoded(body: &[u8]) -> Result<Vec<u8>, String> {
    let section = [b"-----BEGIN CERTIFICATE-----\n", body, b"-----END CERTIFICATE-----\n"].concat();
    let der = CertificateDer::from_pem_slice(&section).map_err(|_| "not base64 between BEGIN and END".to_owned())?;
    Ok(der.as_ref().to_vec())
}

fn too_large() -> String {
    format!("a certificate of more than {} KiB", LARGEST / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words_between_certificates_are_passed_over() {
        let text = b"\xef\xbb\xbf-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\r\nBag Attributes\n\
            -----BEGIN PRIVATE KEY-----\nnot base64 at all!\n-----END PRIVATE KEY-----\n\
            -----BEGIN TRUSTED CERTIFICATE-----\nBAUG\n-----END TRUSTED CERTIFICATE-----";
        let held = certificates(text, LONGEST);
        assert_eq!(held.certificates, [Ok(vec![1, 2, 3]), Ok(vec![4, 5, 6])]);
        assert_eq!((held.total, held.cut), (2, None));
        assert_eq!(certificates(b"-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n", 9), Held::default());
        assert!(certificates(b"-----BEGIN PKCS7-----\nAQID\n-----END PKCS7-----\n", 9).pkcs7);
    }

    #[test]
    fn what_is_wrong_with_one_is_told_and_the_others_are_read() {
        let text = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n\
            -----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAQID\n";
        let held = certificates(text, LONGEST);
        let wrong = |at: usize| held.certificates[at].clone().unwrap_err();
        assert_eq!(wrong(0), "not base64 between BEGIN and END");
        assert_eq!(held.certificates[1], Ok(vec![1, 2, 3]));
        assert_eq!(wrong(2), "a certificate that does not end");
    }

    #[test]
    fn size_and_number_have_limits_that_are_told() {
        let one = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        let held = certificates(one.repeat(10_000).as_bytes(), LONGEST);
        assert_eq!((held.certificates.len(), held.total), (LONGEST, 10_000));
        assert_eq!(held.cut.unwrap(), "only the first 20 certificates are read");
        let large = format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", "AQID\n".repeat(200_000));
        assert_eq!(
            certificates((large + one).as_bytes(), LONGEST).certificates,
            [Err("a certificate of more than 64 KiB".to_owned()), Ok(vec![1, 2, 3])]
        );
        let mut der = vec![0x30, 0x83, 0x98, 0x96, 0x80];
        der.resize(10_000_005, 0);
        assert!(certificates(&der, LONGEST).certificates[0].as_ref().unwrap_err().contains("64 KiB"));
    }

    #[test]
    fn der_may_follow_der() {
        let both = [0x30, 1, 7, 0x30, 0x81, 2, 8, 9, 0];
        let held = certificates(&both, LONGEST);
        assert_eq!(held.certificates, [Ok(vec![0x30, 1, 7]), Ok(vec![0x30, 0x81, 2, 8, 9])]);
        assert_eq!(certificates(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], 9).certificates.len(), 1);
        assert_eq!(certificates(b"0 and words", 9), Held::default());
    }
}
