//! What a store says when it refuses to list a bucket.
//!
//! The library drops the status of a listing that fails, so the code in its body is kept here as a type of its own. Source: Amazon S3 API
//! reference, "Error responses".

use crate::domain::Loss;
use std::error::Error;
use std::fmt;

/// The permission that a listing needs. Source: Amazon S3 user guide, "Actions for Amazon S3".
const LISTING: &str = "s3:ListBucket";
/// How much of a body is looked at, in bytes.
const MOST: usize = 16 << 10;

/// A refusal by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no bucket of this name.
    NoBucket,
    /// The key may not list it.
    Denied,
}

impl Refusal {
    /// That of an answer; `None` where it is none, or one of another kind.
    pub(super) fn of(status: u16, body: &[u8]) -> Option<Self> {
        let body = body.get(..body.len().min(MOST)).unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        match (status, code?.trim()) {
            (404, "NoSuchBucket") => Some(Self::NoBucket),
            (403, "AccessDenied" | "AllAccessDisabled" | "AccountProblem") => Some(Self::Denied),
            _ => None,
        }
    }

    /// The one that a failure of the library goes back to.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(this) = cause {
            if let Some(refusal) = this.downcast_ref::<Self>() {
                return Some(*refusal);
            }
            cause = this.source();
        }
        None
    }

    /// What it proves of the bucket: a bucket that may not be listed may be as it should be.
    pub(super) fn loss(self) -> Loss {
        match self {
            Self::NoBucket => Loss::missing(self),
            Self::Denied => Loss::unread(self),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBucket => f.write_str("there is no such bucket"),
            Self::Denied => write!(f, "permission denied: the access key needs {LISTING}"),
        }
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_status_and_its_code() {
        let body =
            |code: &str| format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
        for (status, code, refusal) in [
            (404, "NoSuchBucket", Some(Refusal::NoBucket)),
            (403, "AccessDenied", Some(Refusal::Denied)),
            (404, "NoSuchKey", None),
            (403, "SignatureDoesNotMatch", None),
            (200, "NoSuchBucket", None),
            (503, "SlowDown", None),
        ] {
            assert_eq!(Refusal::of(status, body(code).as_bytes()), refusal, "{status} {code}");
        }
        // A page of a proxy says nothing of a bucket.
        assert_eq!(Refusal::of(404, b"<html>Not Found</html>"), None);
        assert_eq!(Refusal::of(404, &[0xff; 100_000]), None);
    }
}
