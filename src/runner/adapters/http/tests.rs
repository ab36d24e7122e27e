//! Real sockets that answer correctly, wrongly, slowly and not at all.

use super::*;
use crate::config::reader::{Problems, parse as parse_toml};
use crate::journal::record::Ending;
use crate::procedure::adapters::Purpose;
use crate::runner::adapters::{ActEnd, Proof};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::AtomicBool;

static PROVIDER: Once = Once::new();

fn action(toml: &str) -> Action {
    action_for(Purpose::Check, toml)
}

fn action_for(purpose: Purpose, toml: &str) -> Action {
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let action = parse(purpose, table, None, &mut problems);
    assert_eq!(problems.into_sorted(), []);
    action.unwrap()
}

/// Serves each connection with the next script, on a real socket; returns the address.
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

fn disconnects(mut stream: TcpStream) {
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
    let _ = stream.read(&mut [0]); // Until the client gives up.
}

fn asked(url: &str, more: &str) -> ActEnd {
    act(&action(&format!("http = '{url}'\n{more}")), &mut Vec::new(), &AtomicBool::new(false))
}

#[test]
fn answers_are_judged() {
    let end = asked(&serve(vec![well, well, well]), "times = 3");
    assert!(end.ending == Ending::Ok && end.detail.starts_with("answered right 3 of 3 times"), "{}", end.detail);
    let end = asked(&serve(vec![well, ill]), "times = 3");
    assert_eq!((end.ending, end.detail.as_str(), end.is_unknown()), (Ending::Failed, "answered 503, not 2xx", false));
    assert_eq!(asked(&serve(vec![ill]), "status = 503").ending, Ending::Ok);
    assert_eq!(asked(&serve(vec![well]), "status = 200").detail, "answered 204, not 200");
    assert_eq!(asked(&serve(vec![elsewhere]), "").detail, "answered 302, not 2xx", "a redirect is not followed");
    assert_eq!(asked(&serve(vec![endless]), "").ending, Ending::Ok, "a large body is not read whole");
}

/// Resets the connection after the request.
fn resets(mut stream: TcpStream) {
    read_request(&mut stream);
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

#[test]
fn what_refuses_or_resets_fails_a_check_and_proves_nothing_of_what_was_done() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    for url in [refused, serve(vec![resets, resets])] {
        let end = asked(&url, "");
        assert_eq!((end.ending, end.is_unknown()), (Ending::Failed, false), "{url}: {}", end.detail);
        assert!(end.detail.starts_with("down: "), "{}", end.detail);
        let proof = prove(&action(&format!("http = '{url}'")), &mut Vec::new(), &AtomicBool::new(false));
        assert!(matches!(proof, Proof::Unclear(_)), "{proof:?}");
    }
}

#[test]
fn no_whole_answer_is_unknown() {
    for (url, more) in [
        (serve(vec![disconnects]).as_str(), ""),
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

fn answers(body: &'static str) -> impl Fn(TcpStream) + Send + Sync + Copy + 'static {
    move |mut stream| {
        read_request(&mut stream);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    }
}

fn rate(stream: TcpStream) {
    answers("{\"rate\": 0.4, \"none\": null}")(stream);
}

fn high(stream: TcpStream) {
    answers("{\"rate\": 4}")(stream);
}

/// Sends a byte now and then, forever.
fn trickles(mut stream: TcpStream) {
    read_request(&mut stream);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").unwrap();
    while stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Accepts the connection and sends nothing: TLS never begins.
fn stalls(mut stream: TcpStream) {
    while matches!(stream.read(&mut [0; 512]), Ok(count) if count > 0) {}
}

#[test]
fn values_in_answers_are_judged() {
    let json = "json = '.rate'\nexpect = '< 1'";
    let end = asked(&serve(vec![rate]), json);
    assert!(end.ending == Ending::Ok && end.detail.starts_with(".rate is 0.4, answered right"), "{end:?}");
    assert_eq!(end.evidence.unwrap().facts["value"], "0.4");
    let end = asked(&serve(vec![high]), json);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Failed, ".rate is 4; wanted: .rate is below 1"));
    for (script, more) in [
        (rate as fn(TcpStream), "json = '.none'\nexpect = '== 0'"),
        (rate, "json = '.nothing'\nexpect = '== 0'"),
        (well, json),
        (endless, json),
        (deep, "json = '.rate'\nexpect = '< 1'"),
    ] {
        let end = asked(&serve(vec![script]), more);
        assert!(end.is_unknown(), "{more}: {end:?}");
    }
    let end = asked(&serve(vec![rate, rate, high]), "json = '.rate'\nexpect = '< 1'\nover = '1h'\nevery = '1s'");
    assert_eq!(
        end.detail, ".rate is 4; wanted: .rate is below 1",
        "one that is wrong decides, however long it was right"
    );
    let end = asked(&serve(vec![rate, rate]), "json = '.rate'\nexpect = '< 1'\nover = '1s'\nevery = '1s'");
    assert!(end.detail.starts_with(".rate is 0.4, right in 2 answers over 1 s"), "{end:?}");
    let end = asked(&serve(vec![well; 3]), "times = 3\np95 = '1m'");
    assert!(end.detail.starts_with("p95 of 3 answers is "), "{end:?}");
    let end = asked(&serve(vec![slow; 3]), "times = 3\np50 = '1ms'");
    assert!(end.ending == Ending::Failed && end.detail.ends_with(", over 1 ms"), "{end:?}");
}

/// An answer whose value follows endless nested lists.
fn deep(mut stream: TcpStream) {
    read_request(&mut stream);
    let body = format!("{{\"x\":{}{},\"rate\":0.4}}", "[".repeat(100_000), "]".repeat(100_000));
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn slow(stream: TcpStream) {
    std::thread::sleep(Duration::from_millis(20));
    well(stream);
}

#[test]
fn the_deadline_holds_however_the_other_side_stalls() {
    for (scheme, script) in
        [("http", trickles as fn(TcpStream)), ("http", stalls), ("http", silent), ("https", stalls), ("https", silent)]
    {
        let url = serve(vec![script]).replace("http:", &format!("{scheme}:"));
        let end = asked(&url, "within = '300ms'");
        assert!(end.is_unknown() && end.detail.contains(" within 300 ms"), "{scheme}: {end:?}");
    }
}

fn sends(url: &str, more: &str) -> ActEnd {
    let action = action_for(Purpose::Do, &format!("http = '{url}'\nmethod = 'POST'\n{more}"));
    let run = RunId::parse("01JD000000000000000000000A").unwrap();
    act(&of_attempt(action, &run, "3.2"), &mut Vec::new(), &AtomicBool::new(false))
}

fn keyed(mut stream: TcpStream) {
    let head = read_request(&mut stream).to_lowercase();
    assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    assert!(head.contains("idempotency-key: 01jd000000000000000000000a-3\r\n"), "{head}");
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
}

fn status(line: &'static str) -> impl Fn(TcpStream) + Send + 'static {
    move |mut stream| {
        read_request(&mut stream);
        stream.write_all(format!("HTTP/1.1 {line}\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
    }
}

fn serve_one(script: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || script(listener.accept().unwrap().0));
    format!("http://{address}/")
}

#[test]
fn a_change_is_done_refused_or_unknown() {
    assert_eq!(sends(&serve(vec![keyed]), "").ending, Ending::Ok);
    assert_eq!(sends(&serve(vec![trickles]), "within = '300ms'").ending, Ending::Ok, "the status is there");
    for (line, ending) in [
        ("204 No Content", Ending::Ok),
        ("400 Bad Request", Ending::Failed),
        ("409 Conflict", Ending::Failed),
        ("307 Temporary Redirect", Ending::Failed),
        ("303 See Other", Ending::Unknown),
        ("500 Internal Server Error", Ending::Unknown),
        ("502 Bad Gateway", Ending::Unknown),
    ] {
        let end = sends(&serve_one(status(line)), "");
        assert_eq!(end.ending, ending, "{line}: {end:?}");
    }
    assert_eq!(
        sends(&serve(vec![well_post]), "status = 200").ending,
        Ending::Unknown,
        "another success than the one wanted"
    );
    for script in [silent as fn(TcpStream), breaks_before] {
        let end = sends(&serve(vec![script]), "within = '300ms'");
        assert!(end.ending == Ending::Unknown && end.detail.starts_with("it was sent, unknown whether"), "{end:?}");
    }
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let stalled = serve(vec![stalls]).replace("http:", "https:");
    for (url, more) in [(refused.as_str(), ""), ("http://no-such-host.invalid/", ""), (&stalled, "within = '300ms'")] {
        let end = sends(url, more);
        assert!(end.ending == Ending::Failed && end.detail.starts_with("nothing was sent: "), "{url}: {end:?}");
    }
}

fn well_post(mut stream: TcpStream) {
    read_request(&mut stream);
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
}

fn breaks_before(mut stream: TcpStream) {
    read_request(&mut stream);
}

#[test]
fn wrong_keys_are_reported() {
    let cases = [
        (Purpose::Do, "", "`method` is missing"),
        (Purpose::Do, "method = 'GET'", "GET changes nothing"),
        (Purpose::Check, "method = 'POST'", "POST changes something"),
        (Purpose::Check, "method = 'get'", "`method` must be GET"),
        (Purpose::Check, "body = 'x'", "`body` belongs to a request that changes"),
        (Purpose::Do, "method = 'PUT'\nbody = { a = 'secret:b' }", "never into a body"),
        (
            Purpose::Do,
            "method = 'PUT'\nheaders = { authorization = 'Bearer hunter2' }",
            "is a secret, and never in a procedure",
        ),
        (Purpose::Do, "method = 'PUT'\nheaders = { idempotency-key = 'x' }", "is set by the request itself"),
        (Purpose::Do, "method = 'PUT'\nheaders = { a = 'secret:aps' }", "there is no secret `aps`"),
        (Purpose::Check, "expect = '== 1'", "`expect` needs `json`"),
        (Purpose::Check, "json = '.a'", "`json` needs `expect`"),
        (Purpose::Check, "json = 'a'\nexpect = '== 1'", "`json` must be a path"),
        (Purpose::Check, "p95 = '1s'", "a percentile needs several answers"),
        (Purpose::Check, "over = '1m'\ntimes = 3", "either `times` or `over`"),
        (Purpose::Check, "every = '1m'", "`every` belongs to `over`"),
        (Purpose::Do, "method = 'PUT'\ntimes = 3", "unknown key `times`"),
    ];
    let secrets = crate::config::secrets::Secrets {
        places: [("api".to_owned(), crate::config::secrets::SecretPlace::Env("API".to_owned()))].into(),
    };
    for (purpose, more, words) in cases {
        let mut problems = Problems::of(Path::new("f"));
        let table = parse_toml(&format!("http = 'http://h/'\n{more}"), &mut problems);
        parse(purpose, table, Some(&secrets), &mut problems);
        let lines: Vec<String> = problems.into_sorted().into_iter().map(|it| it.message).collect();
        assert!(lines.iter().any(|it| it.contains(words)), "{more}: {lines:?}");
        assert!(!lines.iter().any(|it| it.contains("hunter2")), "{lines:?}");
    }
}

#[test]
fn a_plan_holds_the_place_of_a_secret_and_never_its_value() {
    let secrets = crate::config::secrets::Secrets {
        places: [("api".to_owned(), crate::config::secrets::SecretPlace::Env("API".to_owned()))].into(),
    };
    let mut problems = Problems::of(Path::new("f"));
    let toml = "http = 'http://h/x'\nmethod = 'DELETE'\nheaders = { Authorization = 'Bearer secret:api' }";
    let table = parse_toml(toml, &mut problems);
    let action = parse(Purpose::Do, table, Some(&secrets), &mut problems).unwrap();
    assert_eq!((action.least, action.line.as_str()), (EffectClass::Destroy, "DELETE http://h/x"));
    assert_eq!(action.spec["secrets"], serde_json::json!({"api": {"env": "API"}}));
    assert_eq!(action.spec["headers"], serde_json::json!([["Authorization", "Bearer secret:api"]]));
}

#[test]
fn a_long_body_is_shown_whole_and_a_short_one_in_its_line() {
    let put = |body: &str| {
        let toml = format!("http = 'http://127.0.0.1:1/banner'\nmethod = 'PUT'\nwithin = '50ms'\nbody = {body}");
        let action = action_for(Purpose::Do, &toml);
        let look = Look {
            limit: None,
            takes_s: None,
            undo: String::new(),
            host: "host".to_owned(),
            effect: EffectClass::Change,
            now: crate::probes::clock::now().wall,
            deadline: std::time::Instant::now() + Duration::from_secs(20),
            restless: Vec::new(),
        };
        (action.listing.clone(), preview(&action, &look, &mut Vec::new()).unwrap())
    };
    let text = format!("first line\n{}\nthe end", "x".repeat(500));
    let (planned, seen) = put(&format!("'''{text}'''"));
    let listing = seen.listing.clone().unwrap();
    assert_eq!((listing.name.as_str(), &listing.text), ("request body", &text));
    assert_eq!(planned, seen.listing);
    assert!(seen.facts.contains(&("body".to_owned(), format!("{} bytes", text.len()))), "{seen:?}");
    let (_, seen) = put("{ text = 'back at four' }");
    assert_eq!(seen.listing, None);
    let fact = ("body of 23 bytes".to_owned(), "{\"text\":\"back at four\"}".to_owned());
    assert!(seen.facts.contains(&fact), "{seen:?}");
}
