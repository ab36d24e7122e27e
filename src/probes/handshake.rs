//! Why a TLS handshake failed, in plain words; for every probe that speaks over a network.
//!
//! The libraries name their errors by the words of their source (`InvalidContentType`). What a reader would search for stands in
//! brackets instead: the name of an alert as RFC 8446 writes it, `handshake_failure`.

use crate::domain::{Loss, quantity};
use crate::probes::verifier::Forbidden;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use std::time::Duration;

/// Why the handshake failed; begins with `TLS: `. `host` is what the certificate should be for, where it is known.
pub(crate) fn why(error: &Error, host: Option<&str>) -> String {
    format!("TLS: {}", cause(error, host))
}

/// Why the handshake failed, with what to do where the trust of this host lacks a root. A certificate that has expired or that is not
/// for the host proves that the server is down for every client that verifies.
pub(crate) fn loss(error: &Error, host: Option<&str>, remedy: &str) -> Loss {
    use CertificateError as Bad;
    let words = why(error, host);
    match error {
        Error::InvalidCertificate(Bad::UnknownIssuer) => Loss::unread(format!("{words}; {remedy}")),
        Error::InvalidCertificate(
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => Loss::down(words),
        _ => unless_plain(error, words),
    }
}

/// Why the handshake failed, where nothing is known of the certificate that is wanted.
pub(crate) fn lost(error: &Error) -> Loss {
    unless_plain(error, why(error, None))
}

/// A server that answers without TLS provably serves no client that wants it.
fn unless_plain(error: &Error, words: String) -> Loss {
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Loss::down(words),
        _ => Loss::unread(words),
    }
}

fn cause(error: &Error, host: Option<&str>) -> String {
    match error {
        Error::InvalidCertificate(bad) => of_certificate(bad, host),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "the server answers without TLS".to_owned(),
        Error::InvalidMessage(_) => "the answer is not TLS".to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(what) => {
            format!("no version, cipher or extension in common: {}", in_words(&format!("{what:?}")))
        }
        Error::PeerMisbehaved(what) => format!("the server breaks the protocol: {}", in_words(&format!("{what:?}"))),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the protocol: a message out of order".to_owned()
        }
        Error::NoCertificatesPresented => "the server sends no certificate".to_owned(),
        Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
        Error::UnsupportedNameType
        | Error::DecryptError
        | Error::EncryptError
        | Error::FailedToGetCurrentTime
        | Error::FailedToGetRandomBytes
        | Error::HandshakeNotComplete
        | Error::PeerSentOversizedRecord
        | Error::NoApplicationProtocol
        | Error::BadMaxFragmentSize => error.to_string(),
        other => format!("the handshake failed: {}", in_words(&format!("{other:?}"))),
    }
}

/// What is wrong with the server's certificate.
fn of_certificate(bad: &CertificateError, host: Option<&str>) -> String {
    use CertificateError as Bad;
    match bad {
        Bad::Expired => "certificate expired".to_owned(),
        Bad::ExpiredContext { time, not_after } => {
            let over = time.as_secs().saturating_sub(not_after.as_secs()).max(60);
            format!("certificate expired {} ago", quantity::age(Duration::from_secs(over)))
        }
        Bad::NotValidYet => "certificate not valid yet".to_owned(),
        Bad::NotValidYetContext { time, not_before } => {
            let wait = not_before.as_secs().saturating_sub(time.as_secs()).max(60);
            format!("certificate not valid before {} from now", quantity::age(Duration::from_secs(wait)))
        }
        Bad::UnknownIssuer => "certificate not trusted".to_owned(),
        Bad::NotValidForName => format!("certificate is not for {}", host.unwrap_or("this host")),
        Bad::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let names = names(presented);
            let names = if names.is_empty() { "it names no host".to_owned() } else { format!("it names {names}") };
            format!("certificate is not for {} ({names})", host.unwrap_or(&expected))
        }
        Bad::Revoked => "certificate revoked".to_owned(),
        Bad::BadSignature => "certificate not trusted: a signature is wrong".to_owned(),
        Bad::BadEncoding => "certificate cannot be read: its encoding is damaged".to_owned(),
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => "certificate is not meant for servers".to_owned(),
        Bad::UnhandledCriticalExtension => {
            "certificate not trusted: it has a critical extension that is not known here".to_owned()
        }
        Bad::UnsupportedSignatureAlgorithmContext { .. }
        | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "certificate not trusted: it is signed in a way that is not checked here, such as with SHA-1".to_owned()
        }
        Bad::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(cause) => format!("certificate not trusted: {}", of_path(cause)),
            None => match other.0.downcast_ref::<Forbidden>() {
                Some(why) => format!("certificate not trusted: {why}"),
                None => "certificate not trusted".to_owned(),
            },
        },
        other => format!("certificate refused: {}", in_words(&format!("{other:?}"))),
    }
}

/// The most names of a certificate that are told.
const NAMES: usize = 3;

/// The names of a certificate without their kinds: the library writes `DnsName("db.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let mut names: Vec<String> = presented.iter().take(NAMES).map(bare).collect();
    if presented.len() > NAMES {
        names.push(format!("and {} more", presented.len() - NAMES));
    }
    names.join(", ")
}

/// Why no path leads from a certificate to a root, as the verifying library has it.
pub(crate) fn of_path(error: &webpki::Error) -> String {
    use webpki::Error as Bad;
    let words = match error {
        Bad::CaUsedAsEndEntity => "it is a CA's own certificate",
        Bad::EndEntityUsedAsCa => "an issuer is no CA",
        Bad::UnsupportedCertVersion => "a certificate of the chain is not X.509 version 3",
        Bad::UnsupportedCriticalExtension => "a critical extension is not known here",
        Bad::BadDer | Bad::BadDerTime | Bad::TrailingData(_) => "the encoding of a certificate is damaged",
        Bad::ExtensionValueInvalid | Bad::MalformedExtensions => "an extension is damaged",
        Bad::InvalidCertValidity => "a certificate ends before it begins",
        Bad::InvalidSerialNumber => "a serial number is not valid",
        Bad::SignatureAlgorithmMismatch => "a certificate names two algorithms for one signature",
        Bad::MalformedDnsIdentifier => "a host name in it is not valid",
        Bad::MalformedNameConstraint | Bad::InvalidNetworkMaskConstraint => "a name constraint is not valid",
        Bad::UnsupportedNameType => "a name of a kind that is not known here",
        Bad::MaximumSignatureChecksExceeded
        | Bad::MaximumPathBuildCallsExceeded
        | Bad::MaximumNameConstraintComparisonsExceeded => "the chain takes too many steps",
        other => return in_words(&format!("{other:?}")),
    };
    words.to_owned()
}

/// What the server said when it broke the handshake off.
fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let name = snake(&format!("{alert:?}"));
    match alert {
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            format!("the server refuses the handshake: no version, cipher or key in common (alert {name})")
        }
        Alert::ProtocolVersion => format!("the server speaks neither TLS 1.2 nor 1.3 (alert {name})"),
        Alert::UnrecognisedName => "the server has no certificate for the name (alert unrecognized_name)".to_owned(),
        Alert::CertificateRequired | Alert::NoCertificate => {
            format!("the server wants a client certificate (alert {name})")
        }
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown | Alert::UnknownCA => {
            format!("the server refuses the client certificate, or that there is none (alert {name})")
        }
        Alert::InternalError => format!("the server failed (alert {name})"),
        _ => format!("the server refuses the handshake (alert {name})"),
    }
}

/// The name of an error as words: `CaUsedAsEndEntity` is `ca used as end entity`. What it carries is left out.
pub(crate) fn in_words(named: &str) -> String {
    snake(named).replace('_', " ")
}

/// `UnknownCA` is `unknown_ca`, `HandshakeFailure` is `handshake_failure`.
fn snake(named: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in named.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use rustls::{OtherError, PeerIncompatible, PeerMisbehaved};
    use std::sync::Arc;

    /// Whether a word is a name out of a library's source, such as `UnknownIssuer`.
    fn is_raw(word: &str) -> bool {
        let inner = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        inner.chars().skip(1).any(|letter| letter.is_ascii_uppercase()) && inner.chars().any(|c| c.is_ascii_lowercase())
    }

    /// Every error that rustls has, as far as it lets one be made.
    fn all() -> Vec<Error> {
        use CertificateError as Bad;
        let time = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(1_796_066_190));
        let other = Arc::new(webpki::Error::UnsupportedCriticalExtension);
        let presented = vec!["DnsName(\"web.test\")".to_owned(), "IpAddress(192.0.2.7)".to_owned()];
        let expected = ServerName::try_from("other.example").unwrap();
        let of_certificates = [
            Bad::BadEncoding,
            Bad::Expired,
            Bad::ExpiredContext { time, not_after: time },
            Bad::NotValidYet,
            Bad::NotValidYetContext { time, not_before: time },
            Bad::Revoked,
            Bad::UnhandledCriticalExtension,
            Bad::UnknownIssuer,
            Bad::UnknownRevocationStatus,
            Bad::ExpiredRevocationList,
            Bad::ExpiredRevocationListContext { time, next_update: time },
            Bad::BadSignature,
            Bad::NotValidForName,
            Bad::NotValidForNameContext { expected, presented },
            Bad::InvalidPurpose,
            Bad::InvalidOcspResponse,
            Bad::ApplicationVerificationFailure,
            Bad::Other(OtherError(other)),
            Bad::Other(OtherError(Arc::new(std::fmt::Error))),
        ];
        let of_messages = [
            InvalidMessage::InvalidContentType,
            InvalidMessage::MissingData("ServerHello"),
            InvalidMessage::TrailingData("ServerHello"),
            InvalidMessage::UnexpectedMessage("HelloRequest"),
            InvalidMessage::UnknownProtocolVersion,
        ];
        let of_peers = [
            PeerMisbehaved::SelectedUnofferedCipherSuite,
            PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported,
            PeerMisbehaved::UnsolicitedEchExtension,
        ];
        let incompatible = [
            PeerIncompatible::ServerDoesNotSupportTls12Or13,
            PeerIncompatible::NoKxGroupsInCommon,
            PeerIncompatible::ServerRejectedEncryptedClientHello(None),
        ];
        let mut all = vec![
            Error::NoCertificatesPresented,
            Error::UnsupportedNameType,
            Error::DecryptError,
            Error::EncryptError,
            Error::General("InternalName { of: Library }".to_owned()),
            Error::FailedToGetCurrentTime,
            Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete,
            Error::PeerSentOversizedRecord,
            Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize,
            Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch),
            Error::InvalidCertRevocationList(rustls::CertRevocationListError::BadSignature),
            Error::InappropriateHandshakeMessage {
                expect_types: vec![rustls::HandshakeType::ServerHello],
                got_type: rustls::HandshakeType::HelloRequest,
            },
            Error::InappropriateMessage {
                expect_types: vec![rustls::ContentType::Handshake],
                got_type: rustls::ContentType::ApplicationData,
            },
            Error::Other(OtherError(Arc::new(std::fmt::Error))),
        ];
        all.extend(of_certificates.map(Error::from));
        all.extend(of_messages.map(Error::from));
        all.extend(of_peers.map(Error::from));
        all.extend(incompatible.map(Error::from));
        all.extend((0..=255).map(|alert| Error::AlertReceived(AlertDescription::from(alert))));
        all
    }

    #[test]
    fn no_name_out_of_a_library_comes_through() {
        for error in all() {
            let lines = [why(&error, None), why(&error, Some("db.example")), loss(&error, None, "do").why().to_owned()];
            for text in lines {
                let is_plain = text.len() > "TLS: ".len() && !text.contains(['{', '}']) && !text.contains("Other(");
                assert!(is_plain && !text.split_whitespace().any(is_raw), "{error:?} is told as {text}");
            }
        }
    }

    #[test]
    fn a_certificate_that_every_client_refuses_proves_that_the_server_is_down() {
        let at = |seconds| rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext { time: at(200_000), not_after: at(10_000) };
        let seen = loss(&expired.into(), Some("web.test"), "do");
        assert!(seen.is_proof());
        assert_eq!(seen.why(), "TLS: certificate expired 2 d ago");
        assert!(loss(&CertificateError::NotValidForName.into(), None, "do").is_proof());
        assert!(loss(&InvalidMessage::InvalidContentType.into(), None, "do").is_proof());
        assert!(lost(&InvalidMessage::InvalidContentType.into()).is_proof());
        assert!(!lost(&InvalidMessage::UnknownProtocolVersion.into()).is_proof());
        let unknown = loss(&CertificateError::UnknownIssuer.into(), None, "let `ca` name its root");
        assert!(!unknown.is_proof());
        assert_eq!(unknown.why(), "TLS: certificate not trusted; let `ca` name its root");
    }

    #[test]
    fn an_error_of_a_library_is_told_in_words() {
        assert_eq!(in_words(&format!("{:?}", webpki::Error::CaUsedAsEndEntity)), "ca used as end entity");
        assert_eq!(in_words("UnsupportedNameType { depth: 1 }"), "unsupported name type");
        let version: Error =
            CertificateError::Other(OtherError(Arc::new(webpki::Error::UnsupportedCertVersion))).into();
        let other = ServerName::try_from("other.example").unwrap();
        let presented = |names: &[&str]| names.iter().map(|name| format!("DnsName(\"{name}\")")).collect();
        let named = |names: &[&str]| {
            CertificateError::NotValidForNameContext { expected: other.clone(), presented: presented(names) }.into()
        };
        let cases: [(Error, &str); 12] = [
            (named(&["a", "b"]), "TLS: certificate is not for db.example (it names a, b)"),
            (
                named(&["a", "b", "c", "d", "e"]),
                "TLS: certificate is not for db.example (it names a, b, c, and 2 more)",
            ),
            (named(&[]), "TLS: certificate is not for db.example (it names no host)"),
            (InvalidMessage::InvalidContentType.into(), "TLS: the server answers without TLS"),
            (CertificateError::UnknownIssuer.into(), "TLS: certificate not trusted"),
            (CertificateError::NotValidForName.into(), "TLS: certificate is not for db.example"),
            (CertificateError::BadSignature.into(), "TLS: certificate not trusted: a signature is wrong"),
            (version, "TLS: certificate not trusted: a certificate of the chain is not X.509 version 3"),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                "TLS: the server refuses the handshake: no version, cipher or key in common (alert handshake_failure)",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "TLS: the server refuses the client certificate, or that there is none (alert unknown_ca)",
            ),
            (
                PeerIncompatible::Tls12NotOffered.into(),
                "TLS: no version, cipher or extension in common: tls12 not offered",
            ),
            (
                PeerMisbehaved::IllegalTlsInnerPlaintext.into(),
                "TLS: the server breaks the protocol: illegal tls inner plaintext",
            ),
        ];
        for (error, words) in cases {
            let text = why(&error, Some("db.example"));
            assert_eq!(text, words);
            assert!(!text.split_whitespace().any(is_raw), "{text}");
        }
    }
}
