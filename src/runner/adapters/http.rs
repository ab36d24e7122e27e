//! `http`: asks a service and judges its answer.
//!
//! ```toml
//! check = { http = "https://novacron.io/health/api", status = 200, within = "2s", times = 5 }
//! ```
//!
//! GET only, without proxy and without following a redirect; each of `times` attempts must be answered `within` the
//! span, finding the address included. A wrong answer fails the check; no whole answer makes it unknown.

mod rehearse;

use crate::config::reader::{Problems, Table};
use crate::domain::quantity::{latency, parse_span, span};
use crate::domain::{EffectClass, Error, Item, Kind, Preview};
use crate::journal::record::Ending;
use crate::procedure::adapters::Purpose;
use crate::procedure::plan::Action;
use crate::runner::adapters::{self as adapters, ActEnd, Look, Proof};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) use rehearse::rehearse;

/// How long an attempt may take that says nothing else.
const WITHIN: Duration = Duration::from_secs(10);

/// The longest span that `within` can name.
const LONGEST: Duration = Duration::from_secs(600);

/// The most attempts.
const MOST_TIMES: i64 = 100;

/// How much of a body is read, in bytes.
const LARGEST_BODY: usize = 64 << 10;

/// How often a wait looks whether it was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    url: String,
    /// The status asked for; any of the 200s where none is.
    status: Option<u16>,
    within_ms: u64,
    times: u32,
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    if matches!(purpose, Purpose::Do | Purpose::Undo) {
        let word = purpose.word();
        problems.say(at, format!("`http` can check and prove; as `{word}` it is not supported by this version"));
        return None;
    }
    let place = |table: &Table, key: &str| table.entries.iter().find(|e| e.key == key).map_or(at, |e| e.node.at);
    let url_at = place(&table, "http");
    let url = table.text("http", problems).and_then(|text| {
        if url(&text).is_none() {
            // The text is not repeated: it may hold a password.
            problems.say(url_at, "`http` must be an http or https URL without a user or password in it");
        }
        url(&text)
    });
    let status_at = place(&table, "status");
    let status = table.int("status", problems).map(|status| {
        let fits = u16::try_from(status).ok().filter(|status| (100..600).contains(status));
        if fits.is_none() {
            problems.say(status_at, format!("`status` must be a number from 100 to 599, not {status}"));
        }
        fits
    });
    let within = table.parsed("within", "a span up to ten minutes such as \"2s\"", problems, |text| {
        parse_span(text).filter(|span| !span.is_zero() && *span <= LONGEST)
    });
    let times_at = place(&table, "times");
    let times = table.int("times", problems).unwrap_or(1);
    let times = u32::try_from(times).ok().filter(|times| (1..=MOST_TIMES).contains(&i64::from(*times)));
    if times.is_none() {
        problems.say(times_at, format!("`times` must be a number from 1 to {MOST_TIMES}"));
    }
    table.finish(problems);
    let (url, times) = (url?, times?);
    let within = within.unwrap_or(WITHIN);
    let wanted = status.flatten().map_or_else(|| "2xx".to_owned(), |status| status.to_string());
    let often = if times == 1 { String::new() } else { format!(", {times} times") };
    let line = format!("GET {url} answers {wanted} within {}{often}", short_span(within));
    let spec = Spec { url, status: status.flatten(), within_ms: u64::try_from(within.as_millis()).ok()?, times };
    adapters::action("http", EffectClass::Read, line, &spec)
}

fn short_span(time: Duration) -> String {
    if time.subsec_millis() == 0 { span(time) } else { latency(time) }
}

fn url(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let sound = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none();
    sound.then(|| text.to_owned())
}

/// Says what would be asked.
pub(super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = adapters::spec(action)?;
    let head = serde_json::json!({"set": "http", "url": spec.url, "status": spec.status});
    adapters::write_line(set, &head)?;
    Ok(Preview {
        headline: action.line.clone(),
        place: look.host.clone(),
        count: 1,
        facts: vec![("request".to_owned(), format!("GET {}", spec.url))],
        way_back: look.way_back.clone(),
        takes_s: look.takes_s,
        ..Preview::default()
    })
}

/// The set as one item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let url = head.get("url").and_then(serde_json::Value::as_str).unwrap_or_default();
    vec![Item { name: url.to_owned(), bytes: None, modified: None, to: None }]
}

/// What was learned.
enum Learned {
    Right(String),
    Wrong(String),
    Nothing(String),
    Cancelled,
}

/// Asks and judges.
pub(super) fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    match learn(action, out, cancel) {
        Learned::Right(what) => ActEnd::new(Ending::Ok, what),
        Learned::Wrong(what) => ActEnd::new(Ending::Failed, what),
        Learned::Nothing(why) => ActEnd::unknown(why),
        Learned::Cancelled => ActEnd::new(Ending::Cancelled, "stopped"),
    }
}

pub(super) fn prove(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> Proof {
    match learn(action, out, cancel) {
        Learned::Right(what) => Proof::Done(what),
        Learned::Wrong(what) => Proof::NotDone(what),
        Learned::Nothing(why) => Proof::Unclear(why),
        Learned::Cancelled => Proof::Unclear("stopped".to_owned()),
    }
}

fn learn(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> Learned {
    let ready = adapters::spec::<Spec>(action).and_then(|spec| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok((spec, runtime.map_err(|cause| Error::machine("start an HTTP client", cause))?, client()?))
    });
    let (spec, runtime, client) = match ready {
        Ok(ready) => ready,
        Err(error) => return Learned::Nothing(error.message),
    };
    let learned = runtime.block_on(all(&spec, &client, out, cancel));
    runtime.shutdown_background(); // A name that is still being looked up is not waited for.
    learned
}

fn client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|cause| Error::new(Kind::Machine, format!("cannot start an HTTP client: {}", whole_cause(&cause))))
}

/// Asks `times` times; the first answer that is not right decides.
async fn all(spec: &Spec, client: &reqwest::Client, out: &mut dyn Write, cancel: &AtomicBool) -> Learned {
    let mut slowest = Duration::ZERO;
    for attempt in 1..=spec.times {
        let started = Instant::now();
        let within = Duration::from_millis(spec.within_ms);
        let answer = tokio::select! {
            answer = tokio::time::timeout(within, ask(&spec.url, client)) => answer,
            () = cancelled(cancel) => return Learned::Cancelled,
        };
        let took = started.elapsed();
        slowest = slowest.max(took);
        let told = match &answer {
            Ok(Ok(status)) => format!("{status} in {}", latency(took)),
            Ok(Err(why)) => why.clone(),
            Err(_) => format!("no answer within {}", short_span(within)),
        };
        let _ = writeln!(out, "{attempt}/{} GET {}: {told}", spec.times, spec.url);
        let right = |status: u16| spec.status.map_or((200..300).contains(&status), |wanted| wanted == status);
        match answer {
            Ok(Ok(status)) if right(status) => {}
            Ok(Ok(status)) => {
                let wanted = spec.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
                return Learned::Wrong(format!("answered {status}, not {wanted}"));
            }
            _ => return Learned::Nothing(told),
        }
    }
    Learned::Right(format!("answered right {} of {} times, slowest {}", spec.times, spec.times, latency(slowest)))
}

/// One attempt: the status of a whole answer, or why there was none.
async fn ask(url: &str, client: &reqwest::Client) -> Result<u16, String> {
    let mut answer = client.get(url).send().await.map_err(|cause| whole_cause(&cause))?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|cause| whole_cause(&cause))? {
        bytes += chunk.len();
        if bytes >= LARGEST_BODY {
            break;
        }
    }
    Ok(answer.status().as_u16())
}

async fn cancelled(cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(GLANCE).await;
    }
}

/// An error with all that caused it, for the outermost one says little.
fn whole_cause(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::parse as parse_toml;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::path::Path;
    use std::sync::Once;

    static PROVIDER: Once = Once::new();

    fn action(toml: &str) -> Action {
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut problems = Problems::of(Path::new("f"));
        let table = parse_toml(toml, &mut problems);
        let action = parse(Purpose::Check, table, &mut problems);
        assert_eq!(problems.into_sorted(), []);
        action.unwrap()
    }

    /// Serves each connection with the next script, on a real socket; gives the address.
    fn serve(scripts: Vec<fn(TcpStream)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for script in scripts {
                let (stream, _) = listener.accept().unwrap();
                std::thread::spawn(move || script(stream));
            }
        });
        format!("http://{address}/")
    }

    fn read_request(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            bytes.extend(byte);
        }
        String::from_utf8(bytes).unwrap()
    }

    fn well(mut stream: TcpStream) {
        assert!(read_request(&mut stream).starts_with("GET / HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
    }

    fn ill(mut stream: TcpStream) {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").unwrap();
    }

    fn elsewhere(mut stream: TcpStream) {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").unwrap();
    }

    fn breaks_off(mut stream: TcpStream) {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
    }

    fn endless(mut stream: TcpStream) {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    }

    fn silent(mut stream: TcpStream) {
        read_request(&mut stream);
        let _ = stream.read(&mut [0]); // Until the other side gives up.
    }

    fn asked(url: &str, more: &str) -> ActEnd {
        act(&action(&format!("http = '{url}'\n{more}")), &mut Vec::new(), &AtomicBool::new(false))
    }

    #[test]
    fn answers_are_judged() {
        let end = asked(&serve(vec![well, well, well]), "times = 3");
        assert!(end.ending == Ending::Ok && end.detail.starts_with("answered right 3 of 3 times"), "{}", end.detail);
        let end = asked(&serve(vec![well, ill]), "times = 3");
        assert_eq!(
            (end.ending, end.detail.as_str(), end.is_unknown()),
            (Ending::Failed, "answered 503, not 2xx", false)
        );
        assert_eq!(asked(&serve(vec![ill]), "status = 503").ending, Ending::Ok);
        assert_eq!(asked(&serve(vec![well]), "status = 200").detail, "answered 204, not 200");
        assert_eq!(asked(&serve(vec![elsewhere]), "").detail, "answered 302, not 2xx", "a redirect is not followed");
        assert_eq!(asked(&serve(vec![endless]), "").ending, Ending::Ok, "a large body is not read whole");
    }

    #[test]
    fn no_whole_answer_is_unknown() {
        let refused = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}/", listener.local_addr().unwrap())
        };
        for (url, more) in [
            (refused.as_str(), ""),
            (&serve(vec![breaks_off]), ""),
            (&serve(vec![silent]), "within = '200ms'"),
            ("http://no-such-host.invalid/", "within = '5s'"),
        ] {
            let end = asked(url, more);
            assert!(end.ending == Ending::Failed && end.is_unknown(), "{url}: {}", end.detail);
            assert!(end.detail.starts_with("unknown: "), "{}", end.detail);
        }
        let slow = asked(&serve(vec![silent]), "within = '200ms'");
        assert_eq!(slow.detail, "unknown: no answer within 200 ms");
    }

    #[test]
    fn a_proof_needs_an_answer() {
        let proof = |url: &str| {
            prove(&action(&format!("http = '{url}'\nwithin = '200ms'")), &mut Vec::new(), &AtomicBool::new(false))
        };
        assert!(matches!(proof(&serve(vec![well])), Proof::Done(_)));
        assert!(matches!(proof(&serve(vec![ill])), Proof::NotDone(_)));
        assert!(matches!(proof(&serve(vec![silent])), Proof::Unclear(_)));
    }

    #[test]
    fn a_wait_can_be_cancelled() {
        let cancel = AtomicBool::new(true);
        let patient = action(&format!("http = '{}'\nwithin = '10m'", serve(vec![silent])));
        assert_eq!(act(&patient, &mut Vec::new(), &cancel).ending, Ending::Cancelled);
    }
}
