//! Lists a bucket as it is: any prefix, also one that ends within a name, and any key.
//!
//! A key of S3 is any text (Amazon S3 user guide, "Naming Amazon S3 objects"): `a//b`, `/a`, and `a/`, as consoles make folders. The
//! library's paths hold none of these, and one such key makes its listing fail. So the keys of an answer are percent-encoded before
//! the library reads it, and decoded behind it.

use crate::domain::Loss;
use crate::probes::store::refusal::Refusal;
use crate::probes::store::{bound, loss};
use object_store::ObjectMeta;
use object_store::aws::AmazonS3;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use percent_encoding::percent_decode_str;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Marks a request whose answer is read so.
#[derive(Clone, Copy)]
struct AnyKey;

/// One object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its whole key.
    pub key: String,
    /// What the library knows of it; its path is not its key.
    pub meta: ObjectMeta,
}

/// Lists every object whose key begins with a prefix; `take` may end the listing with a reason.
///
/// # Errors
/// Why the store gave no list; an interrupted listing counts as none.
pub(crate) async fn list(
    bucket: &AmazonS3,
    prefix: &str,
    mut take: impl FnMut(Stored) -> Result<(), String>,
) -> Result<(), Loss> {
    let mut token: Option<String> = None;
    let mut before = HashSet::new();
    loop {
        let mut options = PaginatedListOptions { page_token: token.take(), ..PaginatedListOptions::default() };
        options.extensions.insert(AnyKey);
        let page = bucket.list_paginated(Some(prefix).filter(|prefix| !prefix.is_empty()), options).await;
        let page = page.map_err(|cause| loss(&cause))?;
        for object in page.result.objects {
            let key = percent_decode_str(object.location.as_ref()).decode_utf8_lossy().into_owned();
            take(Stored { key, meta: object })?;
        }
        token = page.page_token;
        match &token {
            None => return Ok(()),
            Some(token) if !before.insert(token.clone()) => {
                return Err(Loss::unread("the store's list leads back to a page of it that was read before"));
            }
            Some(_) => {}
        }
    }
}

/// Whether a request is one of ours for a listing.
pub(super) fn is_one(request: &HttpRequest) -> bool {
    request.extensions().get::<AnyKey>().is_some()
}

/// The answer to a listing with its keys encoded; a refusal of the store is an error with its code.
pub(super) async fn with_any_key(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (mut parts, body) = answer.into_parts();
    let bytes = bound::list(body).await?;
    if let Some(refusal) = Refusal::of(parts.status.as_u16(), &bytes) {
        return Err(HttpError::new(HttpErrorKind::Decode, refusal));
    }
    let text = std::str::from_utf8(&bytes).map_err(|cause| HttpError::new(HttpErrorKind::Decode, cause))?;
    let encoded = encoded(text);
    parts.headers.remove("content-length");
    Ok(HttpResponse::from_parts(parts, encoded.into()))
}

/// A list of objects with the text of each key percent-encoded.
fn encoded(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len() + xml.len() / 8);
    let mut rest = xml;
    while let Some((before, behind)) = rest.split_once("<Key>") {
        let Some((key, after)) = behind.split_once("</Key>") else { break };
        out.push_str(before);
        out.push_str("<Key>");
        key_into(&mut out, key);
        out.push_str("</Key>");
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Writes a key that stands in XML so that it is one part of a path, whatever is in it.
fn key_into(out: &mut String, mut key: &str) {
    while let Some(first) = key.chars().next() {
        // A reference by number may stand for anything, a line break among it; the five names do not.
        let number = key.strip_prefix("&#").and_then(|rest| rest.split_once(';'));
        let letter = number.and_then(|(number, after)| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            Some((char::from_u32(code.ok()?)?, after))
        });
        let (letter, after) = letter.unwrap_or_else(|| (first, key.get(first.len_utf8()..).unwrap_or_default()));
        let is_named = first == '&' && letter == '&' && number.is_none();
        if matches!(letter, '/' | '.' | '%' | '<' | '>' | '"' | '\'')
            || letter.is_ascii_control()
            || (letter == '&' && !is_named)
        {
            let _ = write!(out, "%{:02X}", u32::from(letter));
        } else {
            out.push(letter);
        }
        key = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_kind_become_one_part_of_a_path() {
        for (xml, key) in [
            ("a//b", "a//b"),
            ("a/", "a/"),
            ("/", "/"),
            ("..", ".."),
            ("a%2Fb", "a%2Fb"),
            ("a&amp;b&lt;", "a&b<"),
            ("a&#x1;b&#10;c&#39;&#x26;amp;", "a\u{1}b\nc'&amp;"),
            ("\u{e9}&#xE9;", "\u{e9}\u{e9}"),
        ] {
            let list = encoded(&format!("<L><Key>{xml}</Key><Size>1</Size></L>"));
            let inner = list.strip_prefix("<L><Key>").unwrap().strip_suffix("</Key><Size>1</Size></L>").unwrap();
            let plain = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            object_store::path::Path::parse(&plain).unwrap();
            assert_eq!(percent_decode_str(&plain).decode_utf8_lossy(), key, "{xml}");
        }
    }
}
