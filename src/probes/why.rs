//! Why a connection gave nothing, in a few words; for every probe that speaks over a network.

use std::error::Error;
use std::io::ErrorKind;

/// Why a connection broke, in a few words; `lookup` where it was about a name.
pub(crate) fn io(error: &std::io::Error, lookup: bool) -> String {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return format!("TLS: {tls}");
        }
        // Connectors wrap one in another.
        if let Some(inner) = inner.downcast_ref::<std::io::Error>() {
            return io(inner, lookup);
        }
    }
    let text = error.to_string();
    // The resolver gives only its text (`gai_strerror(3)`).
    if lookup && text.contains("Temporary failure") {
        return "no name server answers".to_owned();
    }
    if lookup || text.contains("failed to lookup address") {
        return "name not found".to_owned();
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connection reset".to_owned(),
        ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        ErrorKind::UnexpectedEof => "closed before the answer was whole".to_owned(),
        ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => text,
    }
}

/// Why a request over HTTP gave no answer, in a few words; `lookup` where it was about a name.
pub(crate) fn request(error: &(dyn Error + 'static), lookup: bool) -> String {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(tls) = this.downcast_ref::<rustls::Error>() {
            return format!("TLS: {tls}");
        }
        if let Some(hyper) = this.downcast_ref::<hyper::Error>() {
            if hyper.is_parse() {
                return "the answer is not HTTP".to_owned();
            }
            if hyper.is_incomplete_message() {
                return "closed before the answer was whole".to_owned();
            }
        }
        if let Some(cause) = this.downcast_ref::<std::io::Error>() {
            return io(cause, lookup);
        }
        cause = this.source();
    }
    deepest(error)
}

/// The innermost cause's own words.
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
