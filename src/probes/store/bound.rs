//! How much of an answer of a store is read: a server may send without end.

use crate::domain::quantity;
use http_body_util::BodyExt;
use object_store::client::{HttpError, HttpErrorKind, HttpResponse, HttpResponseBody};
use std::error::Error;
use std::fmt;

/// The longest page of a list, in bytes: a thousand keys of 1,024 bytes, with what stands beside them, and each byte of a key escaped.
/// Source: Amazon S3 API reference, "ListObjectsV2".
const LIST: usize = 16 << 20;
/// How much of a refusal is read, in bytes: its code stands at its beginning.
const REFUSAL: usize = 64 << 10;

/// That an answer is longer than any good one.
#[derive(Debug)]
pub(super) struct TooLong(usize);

impl TooLong {
    /// The one that a failure of the library goes back to.
    pub(super) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(this) = cause {
            match this.downcast_ref::<Self>() {
                None => cause = this.source(),
                found => return found,
            }
        }
        None
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer of more than {}", quantity::bytes(self.0 as u64))
    }
}

impl Error for TooLong {}

/// The page of a list.
pub(super) async fn list(body: HttpResponseBody) -> Result<Vec<u8>, HttpError> {
    match read(body, LIST + 1).await {
        Ok(bytes) if bytes.len() > LIST => Err(HttpError::new(HttpErrorKind::Decode, TooLong(LIST))),
        read => read,
    }
}

/// An answer, of which no more is read than the beginning where it is a refusal.
pub(super) async fn refusal(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = read(body, REFUSAL).await?;
    parts.headers.remove("content-length");
    Ok(HttpResponse::from_parts(parts, bytes.into()))
}

/// At most so many bytes of a body.
async fn read(mut body: HttpResponseBody, most: usize) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(more) = frame?.into_data() else { continue };
        let room = most.saturating_sub(bytes.len());
        bytes.extend_from_slice(more.get(..room.min(more.len())).unwrap_or_default());
        if bytes.len() >= most {
            break;
        }
    }
    Ok(bytes)
}
