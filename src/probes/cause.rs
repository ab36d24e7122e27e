//! Why a connection gave nothing, and whether that proves that nothing serves; for every probe that speaks over a network.

use crate::domain::Loss;
use crate::probes::handshake;
use std::error::Error;
use std::io::ErrorKind;

/// A server that ends the connection before its answer is whole. Whether the kernel sends a reset or an end for it depends on what the
/// server had read by then, so the two are one cause.
pub(crate) const CLOSED: &str = "connection closed by the server";

/// Why a connection broke; `lookup` where it was about a name. A refusal, a reset and an end prove that nothing serves there.
pub(crate) fn io(error: &std::io::Error, lookup: bool) -> Loss {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return handshake::lost(tls);
        }
        // Connectors wrap one in another.
        if let Some(inner) = inner.downcast_ref::<std::io::Error>() {
            return io(inner, lookup);
        }
    }
    let text = error.to_string();
    // The resolver gives only its text (`gai_strerror(3)`).
    if lookup && text.contains("Temporary failure") {
        return Loss::unread("no name server answers");
    }
    if lookup || text.contains("failed to lookup address") {
        return Loss::unread("name not found");
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Loss::down("connection refused"),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => Loss::down(CLOSED),
        ErrorKind::HostUnreachable => Loss::unread("no route to the host"),
        ErrorKind::NetworkUnreachable => Loss::unread("network unreachable"),
        ErrorKind::TimedOut => Loss::unread("connection timed out"),
        _ => Loss::unread(text),
    }
}

/// The error of TLS that a failure comes from, through the wrappings of connectors.
pub(crate) fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(tls) = this.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        cause = match this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => this.source(),
        };
    }
    None
}

/// Why a request over HTTP gave no answer; `lookup` where it was about a name.
pub(crate) fn request(error: &(dyn Error + 'static), lookup: bool) -> Loss {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(tls) = this.downcast_ref::<rustls::Error>() {
            return handshake::lost(tls);
        }
        if let Some(hyper) = this.downcast_ref::<hyper::Error>() {
            if hyper.is_parse() {
                return Loss::unread("the answer is not HTTP");
            }
            if hyper.is_incomplete_message() {
                return Loss::down(CLOSED);
            }
        }
        if let Some(cause) = this.downcast_ref::<std::io::Error>() {
            return io(cause, lookup);
        }
        cause = this.source();
    }
    Loss::unread(deepest(error))
}

/// The innermost cause's own words.
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
