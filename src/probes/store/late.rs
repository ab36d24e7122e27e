//! That a store gave no answer in time, with who did not give it and how long it had.
//!
//! The library's own text names the address of the request and the error of its client, and not how long was waited.

use crate::domain::quantity;
use crate::probes::store::{CONNECTING, Patience};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// A request that may get no answer in time.
#[derive(Clone, Debug)]
pub(super) struct Late {
    host: String,
    began: Instant,
    patience: Patience,
    /// How long was waited; nothing yet where it is under way.
    waited: Duration,
}

impl Late {
    /// That of a request that begins now.
    pub(super) fn of(request: &HttpRequest, patience: Patience) -> Self {
        let host = request.uri().host().unwrap_or_default().to_owned();
        Self { host, began: Instant::now(), patience, waited: Duration::ZERO }
    }

    /// The error that says so, instead of the library's own where that is of a time that is over.
    pub(super) fn instead_of(&self, cause: HttpError) -> HttpError {
        if cause.kind() != HttpErrorKind::Timeout {
            return cause;
        }
        let connecting = CONNECTING.min(self.patience.request);
        let waited = if self.began.elapsed() < self.patience.request { connecting } else { self.patience.request };
        HttpError::new(HttpErrorKind::Timeout, Self { waited, ..self.clone() })
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} from {}", quantity::span(self.waited), self.host)
    }
}

impl Error for Late {}

/// What a failure of the library says of a time that is over; `None` where it says none.
pub(super) fn words(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(late) = this.downcast_ref::<Late>() {
            return Some(late.to_string());
        }
        if this.downcast_ref::<HttpError>().is_some_and(|cause| cause.kind() == HttpErrorKind::Timeout)
            && this.source().is_none_or(|source| source.downcast_ref::<Late>().is_none())
        {
            return Some("the answer of the store was interrupted: no more of it came in time".to_owned());
        }
        cause = this.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secrets::Secret;
    use crate::domain::Loss;
    use crate::probes::store::{self, Reach};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Why a listing gave nothing, at a server that answers each request with this text and then holds the connection.
    async fn listing(answer: &'static str) -> Loss {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                held.push(stream);
            }
        });
        let secret = || Some(Secret::new("KEY"));
        let reach = Reach {
            bucket: "backups".into(),
            endpoint: Some(endpoint),
            region: Some("us-east-1".into()),
            id: secret(),
            key: secret(),
            ..Reach::default()
        };
        let patience = Patience { request: Duration::from_millis(300), tries: Duration::from_millis(200) };
        let lost = store::list(&store::bucket(&reach, patience).unwrap(), "db/", |_| Ok(())).await.unwrap_err();
        server.abort();
        lost
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_unknown_and_named() {
        let lost = Loss::unread("no answer within 300 ms from 127.0.0.1");
        assert_eq!(listing("").await, lost);
        assert_eq!(
            listing("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n<List").await,
            lost,
            "in the middle of its list"
        );
        assert_eq!(listing("HTTP/1.1 200 OK\r\n").await, lost);
    }
}
