//! E-mail: one letter to all addresses of a receiver, handed in over SMTP (RFC 5321).
//!
//! Until the letter itself is sent, every error means that nothing was delivered. After that, only a refusal by the
//! server does. Of the server's answer only the code is shown.

use crate::config::secrets::Secret;
use crate::runner::identity;
use crate::runner::notify::{Bounds, Came, Message, runtime};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// The ports of SMTP, of submission, and of submission over TLS. Source: RFC 5321, RFC 6409, RFC 8314.
const PORTS: (u16, u16, u16) = (25, 587, 465);

/// A letter.
pub(super) struct Letter<'a> {
    pub(super) to: &'a [String],
    pub(super) smtp: &'a str,
    pub(super) from: Option<&'a str>,
    pub(super) password: Option<Secret>,
    pub(super) message: &'a Message,
}

/// Where and how it is handed in.
struct Place {
    host: String,
    port: u16,
    tls: Tls,
    user: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Never,
    AfterHello,
    FromTheStart,
}

/// Sends a letter; the error is why nothing was sent.
pub(super) fn send(letter: &Letter<'_>, bounds: &Bounds<'_>) -> Result<Came, String> {
    let from = letter.from.map_or_else(|| format!("midwatch@{}", identity::host_name()), str::to_owned);
    let place = place(letter.smtp, &from)?;
    let (envelope, text) = written(letter, &from)?;
    let under_way = AtomicBool::new(false);
    let runtime = runtime()?;
    let sent = runtime.block_on(async {
        tokio::select! {
            sent = hand_in(letter, &place, &envelope, &text, bounds, &under_way) => sent,
            over = bounds.over() => Err(over.to_owned()),
        }
    });
    runtime.shutdown_background();
    Ok(match (sent, under_way.into_inner()) {
        (Ok(came), _) => came,
        (Err(why), false) => Came::Not(why),
        (Err(why), true) => Came::Unclear(why),
    })
}

fn place(smtp: &str, from: &str) -> Result<Place, String> {
    let url = reqwest::Url::parse(smtp).map_err(|_| "its `smtp` is no URL".to_owned())?;
    let tls = match (url.scheme(), url.query()) {
        ("smtps", _) => Tls::FromTheStart,
        (_, Some("tls=required")) => Tls::AfterHello,
        _ => Tls::Never,
    };
    let usual = match tls {
        Tls::Never => PORTS.0,
        Tls::AfterHello => PORTS.1,
        Tls::FromTheStart => PORTS.2,
    };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let user = if url.username().is_empty() { from } else { url.username() };
    Ok(Place { host, port: url.port().unwrap_or(usual), tls, user: user.replace("%40", "@") })
}

/// The envelope and the letter as it goes over the wire.
fn written(letter: &Letter<'_>, from: &str) -> Result<(lettre::address::Envelope, Vec<u8>), String> {
    let failed = |cause: &dyn std::fmt::Display| format!("the letter cannot be written: {cause}");
    let mut builder = lettre::Message::builder()
        .from(from.parse().map_err(|cause: lettre::address::AddressError| failed(&cause))?)
        .subject(letter.message.subject());
    for to in letter.to {
        builder = builder.to(to.parse().map_err(|cause: lettre::address::AddressError| failed(&cause))?);
    }
    let whole = builder.body(letter.message.body()).map_err(|cause| failed(&cause))?;
    Ok((whole.envelope().clone(), whole.formatted()))
}

async fn hand_in(
    letter: &Letter<'_>,
    place: &Place,
    envelope: &lettre::address::Envelope,
    text: &[u8],
    bounds: &Bounds<'_>,
    under_way: &AtomicBool,
) -> Result<Came, String> {
    let hello = ClientId::Domain(identity::host_name());
    let parameters = || TlsParameters::new_rustls(place.host.clone()).map_err(|cause| why(&cause));
    let first = if place.tls == Tls::FromTheStart { Some(parameters()?) } else { None };
    let server = (place.host.as_str(), place.port);
    let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(bounds.left()), &hello, first, None)
        .await
        .map_err(|cause| why(&cause))?;
    if place.tls == Tls::AfterHello {
        connection.starttls(parameters()?, &hello).await.map_err(|cause| why(&cause))?;
    }
    if let Some(password) = &letter.password {
        let credentials = Credentials::new(place.user.clone(), password.expose().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|cause| format!("log-in: {}", why(&cause)))?;
    }
    under_way.store(true, Ordering::SeqCst);
    match connection.send(envelope, text).await {
        Ok(_) => {
            // The server has the letter now, with any answer to the farewell.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(1), connection.quit()).await;
            Ok(Came::Delivered(format!("mail handed in for {} addresses", letter.to.len())))
        }
        Err(cause) if cause.is_permanent() || cause.is_transient() || cause.is_client() => Ok(Came::Not(why(&cause))),
        Err(cause) => Err(why(&cause)),
    }
}

/// The cause, without the server's text.
fn why(error: &Error) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server refused: {code}");
    }
    let source = error.source().map(ToString::to_string);
    match (error.is_response(), source) {
        (true, _) => "the mail server's answer is none of SMTP".to_owned(),
        (false, Some(source)) => format!("no mail could be handed in: {source}"),
        (false, None) => "no mail could be handed in".to_owned(),
    }
}
