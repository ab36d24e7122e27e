//! Reads an action.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::config::secrets::Secrets;
use crate::domain::EffectClass;
use crate::domain::quantity::{parse_span, span};
use crate::procedure::adapters::Purpose;
use crate::procedure::condition::{Condition, value_in_words};
use crate::procedure::plan::Action;
use crate::runner::adapters::http::client::IDEMPOTENCY;
use crate::runner::adapters::http::json::Path;
use crate::runner::adapters::http::{Body, KEY, Method, Spec, short_span};
use crate::runner::adapters::{self as common, secret};
use std::time::Duration;

/// The default time limit of an attempt.
const WITHIN: Duration = Duration::from_secs(10);

/// The longest span of `within` and `over`.
const LONGEST: Duration = Duration::from_secs(600);
const LONGEST_OVER: u64 = 6 * 3600;

/// The most attempts.
const MOST_TIMES: i64 = 100;

/// The default pause of `over`, in seconds.
const EVERY: u64 = 10;

/// The percentiles that can be judged.
const PERCENTILES: [(&str, u8); 4] = [("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)];

/// Headers that the author may not set, and headers whose value is always a secret.
const OURS: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", IDEMPOTENCY];
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// Reads the action. `known` are the estate's secrets; `None` without an estate.
pub(in super::super) fn parse(
    purpose: Purpose,
    mut table: Table,
    known: Option<&Secrets>,
    problems: &mut Problems,
) -> Option<Action> {
    let url = url(&mut table, problems);
    let acts = matches!(purpose, Purpose::Do | Purpose::Undo);
    let method = method(&mut table, acts, problems);
    let headers = headers(&mut table, known, problems);
    let body = body(&mut table, method, problems);
    let status = status(&mut table, problems);
    let within = table.parsed("within", "a span up to ten minutes such as \"2s\"", problems, |text| {
        parse_span(text).filter(|span| !span.is_zero() && *span <= LONGEST)
    });
    let looks = if acts { Some(Looks { times: 1, ..Looks::default() }) } else { looks(&mut table, problems) };
    let (json, expect) = judged(purpose, &mut table, problems);
    table.finish(problems);
    let (url, method, headers, body, looks) = (url?, method?, headers?, body?, looks?);
    let within = within.unwrap_or(WITHIN);
    let words = headers.iter().flat_map(|(_, value)| value.split(' '));
    let names = words.filter_map(|word| word.strip_prefix("secret:"));
    let secrets = known.map(|known| secret::places(known, names)).unwrap_or_default();
    let spec = Spec {
        method,
        url,
        headers,
        secrets,
        body,
        status,
        within_ms: u64::try_from(within.as_millis()).ok()?,
        times: looks.times,
        json,
        expect,
        percentile: looks.percentile,
        over: looks.over,
        key: None,
    };
    let action = common::action(KEY, method.least_effect(), line(&spec), &spec)?;
    Some(Action { listing: spec.listing(), ..action })
}

fn line(spec: &Spec) -> String {
    let request = format!("{} {}", spec.method.word(), spec.url);
    if spec.method.least_effect() > EffectClass::Read {
        return request;
    }
    let mut line = format!("{request} answers {} within {}", spec.wanted(), short_span(spec.within()));
    if let (Some(json), expect) = (&spec.json, &spec.expect) {
        let expect = expect.as_ref().map(|expect| format!(" {}", value_in_words(expect))).unwrap_or_default();
        line.push_str(&format!(", {json}{expect}"));
    }
    if let Some((share, most)) = spec.percentile {
        line.push_str(&format!(", p{share} within {}", short_span(Duration::from_millis(most))));
    }
    if let Some((over, _)) = spec.over {
        line.push_str(&format!(", over {}", span(Duration::from_secs(over))));
    }
    if spec.times > 1 {
        line.push_str(&format!(", {} times", spec.times));
    }
    line
}

fn url(table: &mut Table, problems: &mut Problems) -> Option<String> {
    let at = table.place_of(KEY);
    let text = table.text(KEY, problems)?;
    let parsed = reqwest::Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if parsed.is_none() {
        // The text is not repeated: it may hold a password.
        problems.add(at, "`http` must be an http or https URL without a user or password in it");
    }
    parsed.map(|_| text)
}

fn method(table: &mut Table, acts: bool, problems: &mut Problems) -> Option<Method> {
    let at = table.place_of("method");
    if !table.has("method") {
        if acts {
            problems.add_with_hint(table.at, "`method` is missing: GET changes nothing", "POST, PUT, PATCH or DELETE");
        }
        return if acts { None } else { Some(Method::Get) };
    }
    let method = table.parsed("method", "GET, HEAD, POST, PUT, PATCH or DELETE", problems, |word| {
        Method::ALL.into_iter().find(|method| method.word() == word)
    })?;
    // A reading request under `do` is refused by its effect class.
    if !acts && method.least_effect() > EffectClass::Read {
        problems.add(at, format!("{} changes something: it belongs under `do` or `undo`", method.word()));
        return None;
    }
    if acts && method.least_effect() == EffectClass::Read {
        problems.add(at, format!("{} changes nothing: it belongs under `check`, `read` or `prove`", method.word()));
        return None;
    }
    Some(method)
}

fn headers(table: &mut Table, known: Option<&Secrets>, problems: &mut Problems) -> Option<Vec<(String, String)>> {
    if !table.has("headers") {
        table.take("headers");
        return Some(Vec::new());
    }
    let mut sound = true;
    let mut headers: Vec<(String, String)> = Vec::new();
    for entry in table.table("headers", problems)?.entries {
        let name = entry.key.to_lowercase();
        let why = match &entry.node.value {
            Value::Text(value) => wrong_header(&name, value, &headers, known),
            other => Some((format!("a header must be text, not {}", other.kind()), None)),
        };
        match (why, entry.node.value) {
            (None, Value::Text(value)) => headers.push((entry.key, value)),
            (Some((why, hint)), _) => {
                problems.add_with_hint(entry.at, why, hint.unwrap_or_default());
                sound = false;
            }
            _ => sound = false,
        }
    }
    sound.then_some(headers)
}

/// What is wrong with a header, and perhaps a correction. Its value is not repeated: it may be a secret.
fn wrong_header(
    name: &str,
    value: &str,
    before: &[(String, String)],
    known: Option<&Secrets>,
) -> Option<(String, Option<String>)> {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some((format!("`{}` is not the name of a header", name.escape_debug()), None));
    }
    if OURS.contains(&name) {
        return Some((format!("the header {name} is set by the request itself"), None));
    }
    if before.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
        return Some((format!("the header {name} is there already"), None));
    }
    if value.contains(['\r', '\n', '\0']) {
        return Some((format!("the header {name} must be one line"), None));
    }
    let named: Vec<&str> = value.split(' ').filter_map(|word| word.strip_prefix("secret:")).collect();
    if SECRET.contains(&name) && named.is_empty() {
        let hint = "write `secret:NAME`, or `Bearer secret:NAME`, and declare NAME in the estate's [secrets]";
        return Some((format!("the header {name} is a secret, and never in a procedure"), Some(hint.to_owned())));
    }
    let unknown = named.iter().find(|named| known.is_some_and(|known| !known.places.contains_key(**named)))?;
    let near = known.and_then(|known| nearest(unknown, known.places.keys().map(String::as_str)));
    let hint = near.map(|near| format!("did you mean `secret:{near}`?"));
    Some((format!("there is no secret `{}`", unknown.escape_debug()), hint))
}

/// The request body: text unchanged, a table or a list as JSON.
fn body(table: &mut Table, method: Option<Method>, problems: &mut Problems) -> Option<Option<Body>> {
    let Some(node) = table.take("body") else { return Some(None) };
    if method.is_none_or(|method| method.least_effect() == EffectClass::Read) {
        problems.add(node.at, "`body` belongs to a request that changes something");
        return None;
    }
    let body = match &node.value {
        Value::Text(text) => Body::Text(text.clone()),
        Value::Table(_) | Value::List(_) => Body::Json(json(&node)),
        other => {
            problems.add(node.at, format!("`body` must be text, a table or a list, not {}", other.kind()));
            return None;
        }
    };
    if String::from_utf8_lossy(&body.bytes()).contains("secret:") {
        problems.add(node.at, "a secret belongs into a header, and never into a body");
        return None;
    }
    Some(Some(body))
}

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Text(text) => serde_json::Value::from(text.as_str()),
        Value::Int(number) => serde_json::Value::from(*number),
        Value::Float(number) => serde_json::Value::from(*number),
        Value::Bool(flag) => serde_json::Value::from(*flag),
        Value::Date(date) => serde_json::Value::from(date.to_string()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Table(table) => {
            let pairs = table.entries.iter().map(|entry| (entry.key.clone(), json(&entry.node)));
            serde_json::Value::Object(pairs.collect())
        }
    }
}

fn status(table: &mut Table, problems: &mut Problems) -> Option<u16> {
    let at = table.place_of("status");
    let status = table.int("status", problems)?;
    let fits = u16::try_from(status).ok().filter(|status| (100..600).contains(status));
    if fits.is_none() {
        problems.add(at, format!("`status` must be a number from 100 to 599, not {status}"));
    }
    fits
}

/// The number, the span, and the percentile.
#[derive(Default)]
struct Looks {
    times: u32,
    percentile: Option<(u8, u64)>,
    over: Option<(u64, u64)>,
}

fn looks(table: &mut Table, problems: &mut Problems) -> Option<Looks> {
    let times_at = table.place_of("times");
    let often = table.has("times");
    let times = table.int("times", problems).unwrap_or(1);
    let times = u32::try_from(times).ok().filter(|times| (1..=MOST_TIMES).contains(&i64::from(*times)));
    if times.is_none() {
        problems.add(times_at, format!("`times` must be a number from 1 to {MOST_TIMES}"));
    }
    let seconds = |text: &str| parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0);
    let over = table.parsed("over", "a span up to six hours such as \"5m\"", problems, |text| {
        seconds(text).filter(|seconds| *seconds <= LONGEST_OVER)
    });
    let every_at = table.place_of("every");
    let every = table.parsed("every", "a span of a second or more such as \"10s\"", problems, seconds);
    if every.is_some() && over.is_none() {
        problems.add(every_at, "`every` belongs to `over`");
    }
    if often && over.is_some() {
        problems.add(times_at, "use either `times` or `over`");
    }
    let percentile = percentile(table, problems);
    if let (Some((at, ..)), false) = (&percentile, often || over.is_some()) {
        problems.add(*at, "a percentile needs several answers: `times` or `over`");
    }
    let percentile = percentile.map(|(_, share, most)| (share, most));
    Some(Looks { times: times?, percentile, over: over.map(|over| (over, every.unwrap_or(EVERY))) })
}

fn percentile(table: &mut Table, problems: &mut Problems) -> Option<(Place, u8, u64)> {
    let mut found = None;
    for (key, share) in PERCENTILES {
        let at = table.place_of(key);
        let most = table.parsed(key, "a span such as \"1s\"", problems, |text| {
            parse_span(text).and_then(|span| u64::try_from(span.as_millis()).ok()).filter(|most| *most > 0)
        });
        match (most, &found) {
            (Some(most), None) => found = Some((at, share, most)),
            (Some(_), Some(_)) => problems.add(at, "one percentile is judged, not several"),
            (None, _) => {}
        }
    }
    found
}

/// The value in the answer, and its condition; a read has no condition.
fn judged(purpose: Purpose, table: &mut Table, problems: &mut Problems) -> (Option<String>, Option<String>) {
    let (json_at, expect_at) = (table.place_of("json"), table.place_of("expect"));
    let json = table.parsed("json", "a path such as \".rate\" or \".items[0].name\"", problems, |text| {
        Path::parse(text).map(|_| text.to_owned())
    });
    let expect = table.text("expect", problems);
    if let Some(Err(why)) = expect.as_deref().map(Condition::on_a_value) {
        problems.add(expect_at, format!("`expect` {why}"));
    }
    match (&json, &expect, purpose) {
        (None, Some(_), _) => problems.add(expect_at, "`expect` needs `json`: which value of the answer?"),
        (Some(_), None, Purpose::Check | Purpose::Prove) => {
            problems.add(json_at, "`json` needs `expect`: what must the value be?");
        }
        (Some(_), Some(_), Purpose::Read) => {
            problems.add(expect_at, "`expect` belongs to `check`: a `read` takes the value as it is");
        }
        _ => {}
    }
    (json, expect)
}
