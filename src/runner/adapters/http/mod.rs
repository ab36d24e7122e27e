//! `http`: requests a URL and judges the answer; sends requests that change something.
//!
//! ```toml
//! check = { http = "https://novacron.io/health/api", status = 200, within = "2s", times = 5 }
//! check = { http = "https://novacron.io/api/status", p95 = "1s", times = 30 }
//! check = { http = "https://metrics.novacron.io/error-rate", json = ".rate", expect = "< 1", over = "5m", every = "10s" }
//! read  = { http = "https://novacron.io/version", json = ".image" }
//! do    = { http = "https://novacron.io/banner", method = "PUT", body = { text = "back at four" }, headers = { Authorization = "Bearer secret:api" } }
//! prove = { http = "https://novacron.io/banner", json = ".text", expect = "== 'back at four'" }
//! undo  = { http = "https://novacron.io/banner", method = "DELETE" }
//! ```
//!
//! It uses no proxy and follows no redirect. Each attempt must be answered `within` the span, including the name
//! lookup. GET and HEAD read; POST, PUT and PATCH are changes, DELETE is a destroy. A wrong answer fails a check; an
//! incomplete answer makes it unknown.
//!
//! A changing request is sent once, with the same `Idempotency-Key` in every attempt at the step in this run. If it
//! was sent and not answered, or answered with a failure of the server or a gateway, the outcome is unknown: the
//! step's `prove` decides. A secret can only be the value of a header, by reference.

mod client;
mod json;
mod learn;
mod parse;
mod rehearse;
mod send;
#[cfg(test)]
mod tests;

use crate::domain::quantity::{self, latency, span};
use crate::domain::{Digest, EffectClass, Error, Item, Kind, Listing, Preview, RunId};
use crate::procedure::plan::Action;
use crate::runner::adapters::secret::Places;
use crate::runner::adapters::{self as common, Look, plain_word};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::time::Duration;

pub(super) use learn::prove;
pub(super) use parse::parse;
pub(super) use rehearse::rehearse;

/// The adapter's key.
pub(super) const KEY: &str = "http";

/// How long the request before a change may take.
const GLIMPSE: Duration = Duration::from_secs(5);

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    #[serde(default, skip_serializing_if = "Method::is_get")]
    method: Method,
    url: String,
    /// The headers; secrets by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    secrets: Places,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    /// The expected status; any of the 200s if none.
    status: Option<u16>,
    within_ms: u64,
    times: u32,
    /// The value in the answer that is judged or read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expect: Option<String>,
    /// The percentile, and its limit in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percentile: Option<(u8, u64)>,
    /// For how long the answer must stay right, and the pause between requests, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over: Option<(u64, u64)>,
    /// The idempotency key, the same for every attempt at this step of this run; known when it is launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// The request body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Text(String),
    Json(serde_json::Value),
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Json(value) => value.to_string().into_bytes(),
        }
    }
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde requires a reference.
    fn is_get(&self) -> bool {
        *self == Self::Get
    }

    fn least_effect(self) -> EffectClass {
        match self {
            Self::Get | Self::Head => EffectClass::Read,
            Self::Post | Self::Put | Self::Patch => EffectClass::Change,
            Self::Delete => EffectClass::Destroy,
        }
    }
}

impl Spec {
    fn within(&self) -> Duration {
        Duration::from_millis(self.within_ms)
    }

    /// The expected status, in words.
    fn wanted(&self) -> String {
        self.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string())
    }

    /// The body, as text.
    fn text(&self) -> String {
        self.body.as_ref().map(|body| String::from_utf8_lossy(&body.bytes()).into_owned()).unwrap_or_default()
    }

    /// The body, if it does not fit into one line.
    fn listing(&self) -> Option<Listing> {
        Listing::of_long("request body", &self.text())
    }

    fn is_right(&self, status: u16) -> bool {
        self.status.map_or((200..300).contains(&status), |wanted| wanted == status)
    }
}

fn short_span(time: Duration) -> String {
    if time.subsec_millis() == 0 { span(time) } else { latency(time) }
}

/// The shortest duration of a check, in seconds, so that its timeout is not shorter.
pub(super) fn least_s(action: &Action) -> u64 {
    let spec = common::spec::<Spec>(action).ok();
    spec.and_then(|spec| spec.over.map(|(over, _)| over + spec.within_ms / 1000 + 10)).unwrap_or_default()
}

/// The action of one step of one run: all attempts have one idempotency key, and its undo has another.
pub(super) fn of_attempt(mut action: Action, run: &RunId, attempt: &str) -> Action {
    let step = attempt.split('.').next().unwrap_or_default();
    let undo = if attempt.ends_with(".undo") { "-undo" } else { "" };
    if action.least > EffectClass::Read
        && let Some(spec) = action.spec.as_object_mut()
    {
        spec.insert("key".to_owned(), serde_json::Value::String(format!("{run}-{step}{undo}")));
    }
    action
}

/// Shows the request, and for a change the service's current answer to GET.
pub(super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    let body = spec.body.as_ref().map(Body::bytes);
    let head = serde_json::json!({
        "set": KEY,
        "url": spec.url,
        "status": spec.status,
        "method": spec.method,
        "headers": spec.headers,
        "body": body.as_ref().map(|body| Digest::of(body)),
    });
    common::write_line(set, &head)?;
    let mut facts = vec![("request".to_owned(), format!("{} {}", spec.method.word(), spec.url))];
    facts.extend(spec.headers.iter().map(|(name, value)| (format!("header {name}"), value.clone())));
    if let Some(body) = &body {
        let size = quantity::counted(body.len() as u64, "byte", "bytes");
        match spec.listing() {
            Some(_) => facts.push(("body".to_owned(), size)),
            None => facts.push((format!("body of {size}"), spec.text())),
        }
    }
    let mut warnings = Vec::new();
    if spec.method.least_effect() > EffectClass::Read {
        match glimpse(&spec)? {
            Ok(text) => facts.push(("GET answers now".to_owned(), text)),
            Err(why) => warnings.push(format!("GET has no answer now: {why}")),
        }
        facts.push(("answer wanted".to_owned(), format!("{} within {}", spec.wanted(), short_span(spec.within()))));
    }
    let destroys = look.effect == EffectClass::Destroy;
    let host = reqwest::Url::parse(&spec.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let noun = plain_word(spec.url.rsplit('/').next().unwrap_or_default(), "resource");
    let phrase = format!("{} {noun}", spec.method.word().to_lowercase());
    Ok(Preview {
        headline: action.line.clone(),
        place: if spec.method.least_effect() > EffectClass::Read { host } else { None }
            .unwrap_or_else(|| look.host.clone()),
        count: 1,
        facts,
        warnings,
        listing: spec.listing(),
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    })
}

/// The answer to GET before a change. The outer error is a secret that cannot be read.
fn glimpse(spec: &Spec) -> Result<Result<String, String>, Error> {
    let look = Spec {
        method: Method::Get,
        body: None,
        within_ms: spec.within_ms.min(GLIMPSE.as_millis() as u64),
        ..spec.clone()
    };
    client::blocking(async {
        let asked = client::Asking::of(&look)?;
        Ok(asked
            .once()
            .await
            .map(|answer| format!("{} in {}, {} bytes", answer.status, latency(answer.took), answer.body.len())))
    })?
    .map_err(|why: String| Error::new(Kind::Machine, format!("cannot ask {}: {why}", spec.url)))
    .map(|result| result.map_err(|lost| lost.why))
}

/// The set as one item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let text = |key: &str| head.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let method = Some(text("method")).filter(|method| !matches!(*method, "" | "GET"));
    let method = method.map(|method| format!("{method} ")).unwrap_or_default();
    vec![Item::named(format!("{method}{}", text("url")))]
}

/// Sends a request and judges the answer, or sends a change.
pub(super) fn act(
    action: &Action,
    out: &mut dyn Write,
    cancel: &std::sync::atomic::AtomicBool,
) -> crate::runner::adapters::ActEnd {
    if action.least > EffectClass::Read { send::act(action, out, cancel) } else { learn::act(action, out, cancel) }
}
