//! Takes the certificates out of a file's bytes: PEM with anything between them, or DER.
//!
//! PEM is read as OpenSSL reads it, because servers that use it will (`PEM_read_bio`, OpenSSL 3): a line begins a section only where
//! nothing stands before or behind it; what a section ends with is its own label and nothing else; behind its first line a section has
//! no empty one. What OpenSSL refuses, or skips in silence, is said. A section that is not a certificate is skipped, never
//! decoded. A certificate whose lines are comments (`# -----BEGIN`) is none: OpenSSL ignores it, as the author of the marks intended.

use crate::probes::certs::element;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The largest certificate that is read, in bytes of DER.
pub const LARGEST: usize = 64 * 1024;
/// How many certificates of one chain are read.
pub const LONGEST: usize = 100;
/// How many certificates of one file are read.
pub const MEMBERS: usize = 1000;
/// OpenSSL does not look at bits behind the last byte.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
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

/// A line with its number.
type Line<'a> = (usize, &'a [u8]);

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
        let (one, rest) = match element::next(bytes) {
            Some((element, rest)) => (element.whole, rest),
            // What is cut off is told by whoever parses it.
            None => (bytes, &[][..]),
        };
        held.take(most, || if one.len() > LARGEST { Err(too_large()) } else { Ok(one.to_vec()) });
        bytes = rest;
    }
    if bytes.iter().any(|byte| !matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n')) {
        held.cut = held.cut.take().or(Some("what stands behind the last certificate is none".to_owned()));
    }
}

/// Sections between BEGIN and END lines (RFC 7468).
fn in_pem(bytes: &[u8], most: usize, held: &mut Held) {
    // OpenSSL skips a byte order mark at the beginning of a file.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = (1..).zip(bytes.split(|byte| *byte == b'\n').map(trimmed)).peekable();
    let mut between = Between::default();
    while let Some((number, line)) = lines.next() {
        let Some(label) = label(line, b"-----BEGIN ") else {
            between.see((number, line), most, held);
            continue;
        };
        held.pkcs7 |= matches!(label, b"PKCS7" | b"CMS");
        between.end(most, held);
        if LABELS.contains(&label) {
            section((number, label), &mut lines, most, held);
            continue;
        }
        // What another section holds is not looked at, but for the line of a certificate that is glued to it.
        while let Some((number, line)) = lines.next_if(|(_, line)| self::label(line, b"-----BEGIN ").is_none()) {
            let is_end = line.starts_with(b"-----END ") && !is_end_of_certificate(line);
            if !is_end || begins_somewhere(line) {
                between.see_in_other((number, line), most, held);
            }
            if is_end {
                break;
            }
        }
    }
    between.end(most, held);
}

/// One section of a certificate; its BEGIN line, of this number and with this label, has been read.
fn section<'a>(
    (begun, label): Line<'_>,
    lines: &mut std::iter::Peekable<impl Iterator<Item = Line<'a>>>,
    most: usize,
    held: &mut Held,
) {
    let mut body = Vec::new();
    let (mut size, mut wrong) = (0, Some(at(begun, "the certificate that begins here has no END line")));
    let (mut gap, mut is_second) = (None, false);
    // A line that begins a section ends one that has no end, and is read again.
    while let Some((number, line)) = lines.next_if(|(_, line)| self::label(line, b"-----BEGIN ").is_none()) {
        if line.starts_with(b"-----END ") {
            wrong = match self::label(line, b"-----END ") == Some(label) {
                true => gap.map(|gap| at(gap, "an empty line in a certificate, which OpenSSL refuses: remove it")),
                false => {
                    Some(at(number, "OpenSSL refuses this END line; only -----END CERTIFICATE----- may stand on it"))
                }
            };
            break;
        }
        // One empty line before the first of base64 ends a header that is not there.
        gap = gap.or((line.is_empty() && (!body.is_empty() || is_second)).then_some(number));
        is_second |= line.is_empty();
        size += line.len();
        if size <= LARGEST / 3 * 4 + 4 && held.certificates.len() < most {
            body.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }
    held.take(most, || match wrong {
        _ if size > LARGEST / 3 * 4 + 4 => Err(too_large()),
        Some(why) => Err(why),
        None => BASE64.decode(&body).map_err(|_| at(begun, "what follows this BEGIN line is not base64")),
    });
}

/// What OpenSSL ignores in silence, with what must stand there.
const PASSED: &str = "OpenSSL ignores this BEGIN line; only -----BEGIN CERTIFICATE----- may stand on it";
const MISSING: &str = "OpenSSL ignores what ends here: there is no line -----BEGIN CERTIFICATE----- before it";
const BARE: &str = "OpenSSL ignores the certificate here: it has no line -----BEGIN CERTIFICATE-----";

/// What is wrong, with its place.
fn at(number: usize, wrong: &str) -> String {
    format!("line {number}: {wrong}")
}

/// What was seen between sections of what OpenSSL skips in silence: it must not be missed, since it may be a certificate.
#[derive(Default)]
struct Between {
    /// A BEGIN line that is none was told; its END line is told with it.
    begun: bool,
    /// Where the first line of a certificate's base64 stood.
    bare: Option<usize>,
}

impl Between {
    /// Looks at a line outside of every section.
    fn see(&mut self, (number, line): Line<'_>, most: usize, held: &mut Held) {
        if is_comment(line) {
            // Put aside on purpose: neither that line nor what belongs to it is missed.
            if begins_somewhere(line) {
                self.end(most, held);
                self.begun = true;
            } else if is_end_of_certificate(line) {
                *self = Self::default();
            }
        } else if begins_somewhere(line) {
            self.end(most, held);
            held.take(most, || Err(at(number, PASSED)));
            let last = |mark: &[u8]| line.windows(mark.len()).rposition(|window| window.eq_ignore_ascii_case(mark));
            self.begun = last(b"-begin ") > last(b"-end ");
        } else if is_end_of_certificate(line) {
            if !self.begun {
                held.take(most, || Err(at(number, MISSING)));
            }
            *self = Self::default();
        } else if is_first_of_base64(line) {
            self.bare = self.bare.or((!self.begun).then_some(number));
        }
    }

    /// Looks at a line of a section that is of no certificate.
    fn see_in_other(&mut self, line: Line<'_>, most: usize, held: &mut Held) {
        if begins_somewhere(line.1) || is_end_of_certificate(line.1) {
            self.see(line, most, held);
        }
    }

    /// A section begins, or the file ends.
    fn end(&mut self, most: usize, held: &mut Held) {
        if let Some(number) = std::mem::take(self).bare {
            held.take(most, || Err(at(number, BARE)));
        }
    }
}

/// Whether a line is a comment by its first mark. OpenSSL knows none: it ignores each line that begins no section.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    [&b"#"[..], b";", b"//"].iter().any(|mark| line.starts_with(mark))
}

/// Whether a line ends a certificate's section, with however few dashes.
fn is_end_of_certificate(line: &[u8]) -> bool {
    names_certificate(line, b"-end ")
}

/// Whether it is the first line of a certificate's base64: the head of a SEQUENCE with two bytes of length, and nothing but base64.
fn is_first_of_base64(line: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.len() >= 60 && line.starts_with(b"MII") && line.iter().all(is_base64)
}

/// A line without the blanks and control characters at its end, as OpenSSL takes it.
fn trimmed(line: &[u8]) -> &[u8] {
    let long = line.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    line.get(..long).unwrap_or_default()
}

/// The label of a line that begins or ends a section.
fn label<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let label = line.strip_prefix(mark)?.strip_suffix(b"-----")?;
    (!label.windows(2).any(|two| two == b"--")).then_some(label)
}

/// Whether a line that begins no section looks as if it should begin one of a certificate: indented, glued to another one, or with too
/// few dashes.
fn begins_somewhere(line: &[u8]) -> bool {
    names_certificate(line, b"-begin ")
}

/// Whether a mark, in small letters, and the label of a certificate behind it stand anywhere in a line.
fn names_certificate(line: &[u8], mark: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    let at = lower.windows(mark.len()).position(|window| window == mark);
    at.and_then(|at| lower.get(at + mark.len()..)).is_some_and(|rest| {
        LABELS.iter().any(|label| {
            let rest = rest.strip_prefix(label.to_ascii_lowercase().as_slice());
            rest.is_some_and(|rest| rest.starts_with(b"-"))
        })
    })
}

fn too_large() -> String {
    format!("a certificate of more than {} KiB", LARGEST / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_text_between_certificates_are_skipped() {
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
        assert_eq!(wrong(0), "line 1: what follows this BEGIN line is not base64");
        assert_eq!(held.certificates[1], Ok(vec![1, 2, 3]));
        assert_eq!(wrong(2), "line 7: the certificate that begins here has no END line");
    }

    #[test]
    fn what_openssl_refuses_or_skips_is_named() {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let good = format!("{begin}\nBAUG\n{end}\n");
        let refused = "OpenSSL refuses this END line; only -----END CERTIFICATE----- may stand on it";
        let endless = "the certificate that begins here has no END line";
        let gap = "an empty line in a certificate, which OpenSSL refuses: remove it";
        let base = "what follows this BEGIN line is not base64";
        let (passed, missing, bare) = (PASSED, MISSING, BARE);
        let base64 = format!("MII{}", "A".repeat(61));
        let key = "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----";
        let cases = [
            (format!("{begin}\nAQID\n{end}{good}"), refused),
            (format!("{begin}\nAQID\n{end} trailing\n{good}"), refused),
            (format!("{begin}\nAQID\n-----END X509 CERTIFICATE-----\n{good}"), refused),
            (format!("{begin}\nAQID{end}\n{good}"), endless),
            (format!("{begin}\nAQID\n{good}"), endless),
            (format!("{begin}\nAQID\n----END CERTIFICATE----\n{good}"), endless),
            (format!("{begin}\nAQ\n\nID\n{end}\n{good}"), gap),
            (format!("{begin}\n\n\nAQID\n{end}\n{good}"), gap),
            (format!("{begin}\nSubject: x\nAQID\n{end}\n{good}"), base),
            (format!("{begin}\nAQI\n{end}\n{good}"), base),
            (format!(" {begin}\nAQID\n{end}\n{good}"), passed),
            (format!("\"{good}"), passed),
            (format!("----BEGIN CERTIFICATE----\nAQID\n{end}\n{good}"), passed),
            (format!("{begin} x\nAQID\n{end}\n{good}"), passed),
            (good.to_lowercase(), passed),
            (good.replace('\n', "\r"), passed),
            (good.replace('\n', " "), passed),
            (good.replace('\n', "\\n"), passed),
            (format!("{key}{good}"), passed),
            (format!("{good}AQID\n{end}\n"), missing),
            (format!("AQID\n{end}\n{good}"), missing),
            (format!("{good}-----BEGN CERTIFICATE-----\nAQID\n{end}\n"), missing),
            (format!("{good}-----BEGIN CERTIFICAT-----\nAQID\n{end}\n"), missing),
            (format!("{good}-----BEGINCERTIFICATE-----\nAQID\n{end}\n"), missing),
            (format!("{good}{key}\nAQID\n{end}\n"), missing),
            (format!("{good}-----BEGIN PRIVATE KEY-----\nAQID\n{end}\n"), missing),
            (format!("{good}{base64}\nAQID\n{end}\n"), missing),
            (format!("{good}{base64}\nAQID\n"), bare),
            (format!("{base64}\nAQID\n{good}"), bare),
            // A comment that is over hides nothing of what follows it.
            (format!("# {begin}\n# AQID\n# {end}\n{base64}\nAQID\n{good}"), bare),
            (format!("{begin}\nAQID\n# {end}\n{good}"), endless),
            (format!("{begin}\n# AQID\n{end}\n{good}"), base),
        ];
        for (text, why) in cases {
            let held = certificates(text.as_bytes(), LONGEST);
            let describe =
                |one: &Result<_, String>| one.as_ref().is_err_and(|message| message.ends_with(&format!(": {why}")));
            assert!(held.certificates.iter().any(describe), "{text}: {:?}", held.certificates);
            // Of two that are glued together, OpenSSL takes neither.
            let lost = if text.contains(&format!("{end}{begin}")) { 2 } else { 1 };
            assert_eq!(held.certificates.iter().filter(|one| one.is_err()).count(), lost, "{text}");
        }
        let kept = [
            good.replace('\n', "\r\n"),
            good.replace("-----\n", "-----  \t\x0c\n"),
            format!("\u{feff}{good}"),
            format!("{begin}\n\n B A U G \n{end}"),
            format!("a page of words -----BEGIN nothing-----\n{good}"),
            format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n{good}"),
            format!("{good}{}\n", "0123456789abcdef".repeat(4)),
            format!("{good}{}", good.replace("-----", "#-----")),
            format!("{}{good}", good.lines().map(|line| format!("  # {line}\n")).collect::<String>()),
            format!("# {begin}\n# {base64}\n# {end}\n{good}"),
            format!("{good}//{begin}\n//{base64}\n//{end}\n"),
            format!("{good}; {begin}\n; AQID\n"),
            format!("{good}#{begin}\n{base64}\n{end}\n"),
            format!("#{begin}\n{base64}\n#{end}\n{good}"),
            format!("{key}\n#{begin}\n#AQID\n#{end}\n{good}"),
            format!("-----BEGIN CERTIFICATE REQUEST-----\n{base64}\n-----END CERTIFICATE REQUEST-----\n{good}"),
        ];
        for text in kept {
            assert_eq!(certificates(text.as_bytes(), LONGEST).certificates, [Ok(vec![4, 5, 6])], "{text:?}");
        }
    }

    #[test]
    fn size_and_number_have_limits_that_are_told() {
        let one = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        let held = certificates(one.repeat(10_000).as_bytes(), LONGEST);
        assert_eq!((held.certificates.len(), held.total), (LONGEST, 10_000));
        assert_eq!(held.cut.unwrap(), "only the first 100 certificates are read");
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
        let cut = |more: &[u8]| certificates(&[&both[..], more].concat(), LONGEST).cut;
        assert_eq!((cut(b"\r\n"), cut(b"\0\0")), (None, None));
        assert_eq!(cut(b"-----BEGIN").unwrap(), "what stands behind the last certificate is none");
    }
}
