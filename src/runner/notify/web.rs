//! A webhook: one POST, no proxy, no redirect. Its URL and the body of the answer are never shown, for both may be
//! secret.

use crate::config::secrets::Secret;
use crate::runner::notify::{Bounds, Came, runtime};
use std::error::Error as _;
use std::time::Duration;

/// How long a connection may take: until then nothing was sent.
const CONNECT: Duration = Duration::from_secs(10);

/// Posts a body; the error is why nothing was sent.
pub(super) fn post(
    url: &Secret,
    token: Option<&Secret>,
    body: Vec<u8>,
    key: &str,
    bounds: &Bounds<'_>,
) -> Result<Came, String> {
    let url = reqwest::Url::parse(url.expose()).map_err(|_| "its secret is no URL".to_owned())?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT.min(bounds.left()))
        .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|cause| why(&cause.without_url()))?;
    let mut request = client.post(url).header("content-type", "application/json").header("idempotency-key", key);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose());
    }
    let request = request.body(body).build().map_err(|cause| why(&cause.without_url()))?;
    let runtime = runtime()?;
    let came = runtime.block_on(async {
        tokio::select! {
            answer = client.execute(request) => match answer {
                Ok(answer) if answer.status().is_success() => Came::Delivered(format!("HTTP {}", answer.status().as_u16())),
                Ok(answer) => Came::Not(format!("it answered {}", answer.status().as_u16())),
                Err(cause) if cause.is_connect() || cause.is_builder() => Came::Not(why(&cause.without_url())),
                Err(cause) => Came::Unclear(why(&cause.without_url())),
            },
            over = bounds.over() => Came::Unclear(over.to_owned()),
        }
    });
    runtime.shutdown_background(); // Do not wait for a name lookup that is still under way.
    Ok(came)
}

/// An error with all its causes, because the outermost one is vague.
fn why(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
