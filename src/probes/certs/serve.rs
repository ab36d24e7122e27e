//! What an endpoint serves: one TLS handshake that takes any certificate, because what is read is judged afterwards.

use crate::domain::Loss;
use crate::probes::certs::pem::{Held, LARGEST, LONGEST};
use crate::probes::certs::plain;
use crate::probes::verifier::{Handshake, Judge, Shown, Signed};
use crate::probes::{cause, dial, handshake};
use rustls::client::Resumption;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, InvalidMessage};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

/// How long the farewell may take; nothing depends on it.
const FAREWELL: Duration = Duration::from_millis(200);

/// What was served.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// The certificates, the endpoint's own first.
    pub held: Held,
    /// Whether the signature is not by the certificate's key, or by one that is not checked here (`key`).
    pub forged: bool,
}

/// `host:port`, with an IPv6 address in brackets, as its two parts.
///
/// # Errors
/// It is not of that form.
pub fn parts(connect: &str) -> Result<(&str, u16), String> {
    let wrong = || format!("{connect} is not HOST:PORT");
    let (host, port) = connect.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    if host.is_empty() || (bare.is_none() && host.contains(':')) {
        return Err(wrong());
    }
    Ok((host, port.parse().map_err(|_| wrong())?))
}

/// Asks an endpoint for its certificate, by a name.
///
/// # Errors
/// Why none came, in a few words.
pub async fn ask(connect: &str, name: &str, deadline: Duration) -> Result<Served, Loss> {
    let (host, port) = parts(connect)?;
    let server = ServerName::try_from(name.to_owned()).map_err(|_| format!("{name} is not a host name"))?;
    let until = tokio::time::Instant::now() + deadline;
    let late = |what: &str| format!("{what} within {}", crate::domain::quantity::span(deadline));
    let connected = tokio::time::timeout_at(until, dial::tcp(host, port)).await;
    let stream = connected.map_err(|_| late("no connection"))?.map_err(|cause| cause::io(&cause, false))?;
    let heard = plain::Heard::default();
    let stream = plain::Listened::new(stream, heard.clone());
    let seen = Arc::new(Recorder::default());
    let connector = TlsConnector::from(Arc::new(config(Arc::clone(&seen))?));
    let ended = tokio::time::timeout_at(until, connector.connect(server, stream)).await;
    // Who asks for a certificate of ours breaks the handshake off after it has shown its own.
    if let Some(served) = seen.taken() {
        if let Ok(Ok(mut stream)) = ended {
            let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
        }
        return Ok(served);
    }
    if let Some(protocol) = heard.protocol() {
        return Err(plain::loss(protocol));
    }
    let lost = match ended {
        Err(_) => Loss::unread(late("connected, but no TLS answer")),
        Ok(Err(cause)) => why(&cause),
        Ok(Ok(_)) => return Err("it served no certificate".into()),
    };
    if heard.is_nothing()
        && let Some(protocol) = plain::ask(host, port, deadline).await
    {
        return Err(plain::loss(protocol));
    }
    Err(lost)
}

fn config(seen: Arc<Recorder>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Handshake::new(seen, Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|cause| handshake::why(&cause, None))?;
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn why(cause: &io::Error) -> Loss {
    let tls = cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let words = match tls {
        Some(Error::InvalidMessage(
            InvalidMessage::CertificatePayloadTooLarge | InvalidMessage::HandshakePayloadTooLarge,
        )) => format!("served more than {} KiB of certificates", LARGEST / 1024),
        Some(Error::AlertReceived(AlertDescription::UnrecognisedName)) => {
            "it has no certificate for the name".to_owned()
        }
        Some(other) => handshake::why(other, None),
        None => return cause::io(cause, false),
    };
    Loss::unread(words)
}

/// Takes down what is served, and objects to nothing.
#[derive(Debug, Default)]
struct Recorder {
    served: Mutex<Option<Served>>,
}

impl Recorder {
    fn taken(&self) -> Option<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Judge for Recorder {
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error> {
        let mut served = Served::default();
        for der in std::iter::once(shown.own).chain(shown.others) {
            served.held.take(LONGEST, || Ok(der.as_ref().to_vec()));
        }
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(served);
        Ok(())
    }

    /// One that cannot be checked is not held against it.
    fn proved(
        &self,
        proof: Result<HandshakeSignatureValid, Error>,
        _: &Signed<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Err(Error::InvalidCertificate(CertificateError::BadSignature)) = proof
            && let Some(served) = self.served.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            served.forged = true;
        }
        Ok(HandshakeSignatureValid::assertion())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        assert_eq!(parts("api.novacron.io:443"), Ok(("api.novacron.io", 443)));
        assert_eq!(parts("[::1]:8443"), Ok(("::1", 8443)));
        for wrong in ["api.novacron.io", ":443", "api:", "api:70000", "::1:443", "[::1]"] {
            assert!(parts(wrong).unwrap_err().contains("HOST:PORT"), "{wrong}");
        }
    }
}
