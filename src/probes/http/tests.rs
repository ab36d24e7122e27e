use super::*;
use crate::probes::endless::{BODY, Endless, Flood, HEADS};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn with_ring() {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A server for one test: every connection is handled by `serve` after its request head has been read.
async fn server<S, F>(serve: S) -> String
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                match stream.read(&mut byte).await {
                    Ok(1) => head.extend(byte),
                    _ => break,
                }
            }
            tokio::spawn(serve(stream));
        }
    });
    url
}

/// A server that always writes these bytes and closes.
async fn saying(bytes: &'static [u8]) -> String {
    server(move |mut stream| async move {
        let _ = stream.write_all(bytes).await;
    })
    .await
}

/// Whether the other end of a connection on this machine has not read all that was sent (`proc_pid_net(5)`: `tx_queue:rx_queue`).
fn unread(stream: &TcpStream) -> bool {
    let (own, other) = (stream.local_addr().unwrap().port(), stream.peer_addr().unwrap().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_empty = |from: u16, to: u16| {
        let is_it = |line: &&str| {
            let mut fields = line.split_whitespace().skip(1);
            let mut port = || fields.next().and_then(|field| u16::from_str_radix(field.split_once(':')?.1, 16).ok());
            (port(), port()) == (Some(from), Some(to))
        };
        let queues = table.lines().find(is_it).and_then(|line| line.split_whitespace().nth(4).map(str::to_owned));
        queues.is_none_or(|queues| queues == "00000000:00000000")
    };
    !(is_empty(own, other) && is_empty(other, own))
}

/// Reads a service that answers in its own time.
async fn asked(url: &str) -> Result<Observation, Loss> {
    asked_within(url, Duration::from_secs(30)).await
}

async fn asked_within(url: &str, timeout: Duration) -> Result<Observation, Loss> {
    with_ring();
    let service = Service { timeout, ..Service::new("it", url) };
    read(&Http::default(), &service).await
}

/// What a reading says before its latency.
fn status(seen: &Observation) -> &str {
    seen.detail.split(" · ").next().unwrap()
}

#[tokio::test]
async fn any_2xx_is_healthy_and_the_facts_are_there() {
    let url = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let seen = asked(&url).await.unwrap();
    assert_eq!((seen.verdict, status(&seen)), (Verdict::Ok, "200"));
    let Fact::Int(took) = seen.facts["latency_ms"] else { panic!("{seen:?}") };
    assert_eq!(seen.detail, format!("200 · {took} ms"), "the figure that is read is the one that is kept");
    assert_eq!(seen.facts["bytes"], Fact::Int(2));
    assert_eq!(seen.facts["url"], Fact::Text(url));
    assert!(matches!((&seen.facts["latency_ms"], seen.trend), (Fact::Int(_), Some(_))));
    let url = saying(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(asked(&url).await.unwrap().verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_wrong_status_is_an_answer_and_a_redirect_is_not_followed() {
    let url = saying(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    let seen = asked(&url).await.unwrap();
    assert_eq!((seen.verdict, status(&seen)), (Verdict::Critical, "503"));
    assert_eq!(seen.facts["expected_status"], Fact::Text("200 to 299".to_owned()));
    let mut service = Service { critical: false, ..Service::new("it", &url) };
    assert_eq!(read(&Http::default(), &service).await.unwrap().verdict, Verdict::Warn);
    service.status = vec![503];
    assert_eq!(read(&Http::default(), &service).await.unwrap().verdict, Verdict::Ok);
    service.status = vec![200];
    let seen = read(&Http::default(), &service).await.unwrap();
    assert_eq!((status(&seen), &seen.facts["expected_status"]), ("503, not 200", &Fact::Text("200".to_owned())));
    service.status = vec![200, 204];
    let seen = read(&Http::default(), &service).await.unwrap();
    assert_eq!(seen.facts["expected_status"], Fact::Text("200 or 204".to_owned()));
    let url = saying(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(status(&asked(&url).await.unwrap()), "302");
}

#[tokio::test]
async fn a_body_that_is_huge_or_never_ends_is_no_answer() {
    let url = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await;
        let block = vec![b'x'; 1 << 20];
        // More than any deadline lets through.
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let lost = asked(&url).await.unwrap_err();
    let known = ["the answer has more than 16 MiB", "timed out after 30 s"];
    assert!(known.contains(&lost.why()) && !lost.is_proof(), "{lost}");
    let url = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        let _ = stream.write_all(&vec![b'x'; 100 << 10]).await;
        std::future::pending::<()>().await;
    })
    .await;
    let read = asked_within(&url, Duration::from_millis(400)).await;
    assert_eq!(read.unwrap_err(), Loss::unread("timed out after 400 ms"));
    let url = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 102400\r\n\r\n").await;
        let _ = stream.write_all(&vec![b'x'; 100 << 10]).await;
    })
    .await;
    let seen = asked(&url).await.unwrap();
    assert_eq!((seen.verdict, &seen.facts["bytes"]), (Verdict::Ok, &Fact::Int(102_400)));
}

#[tokio::test]
async fn an_answer_of_many_headers_is_one() {
    let headers = (0..150).map(|number| format!("set-cookie: c{number}=1\r\n")).collect::<String>();
    let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
    let url = saying(answer.into_bytes().leak()).await;
    assert_eq!(asked(&url).await.unwrap().verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_server_that_sends_faster_than_it_is_read_holds_up_no_other_reading() {
    with_ring();
    let flood = Flood::new();
    let url = format!("http://{}/", flood.address);
    let service = Service { timeout: Duration::from_secs(120), ..Service::new("it", &url) };
    assert_eq!(read(&Http::default(), &service).await.unwrap().verdict, Verdict::Ok);
    assert!(flood.left_room(), "nothing else was done while it was read");
}

#[tokio::test]
async fn an_answer_without_an_end_ends_at_a_limit() {
    for (begins, again, is_odd) in HEADS {
        let server = Endless::new(begins, again);
        let lost = asked_within(&format!("http://{}/", server.address), Duration::from_millis(600)).await.unwrap_err();
        assert_eq!(lost, Loss::unread(if is_odd { "the answer is not HTTP" } else { "timed out after 600 ms" }));
    }
    let server = Endless::new(BODY.0, BODY.1);
    let lost = asked(&format!("http://{}/", server.address)).await.unwrap_err();
    assert_eq!(lost, Loss::unread("the answer has more than 16 MiB"));
    assert!(server.sent() < 64 << 20, "{} bytes were taken", server.sent());
}

#[tokio::test]
async fn silence_stalls_and_trickles_run_into_the_deadline() {
    let silent = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let stalls = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal").await;
        std::future::pending::<()>().await;
    })
    .await;
    let trickles = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while stream.write_all(b".").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for url in [silent, stalls, trickles] {
        let read = asked_within(&url, Duration::from_millis(400)).await;
        assert_eq!(read.unwrap_err(), Loss::unread("timed out after 400 ms"));
    }
}

#[tokio::test]
async fn every_way_of_not_answering_has_its_reason() {
    let closes = saying(b"").await;
    assert_eq!(asked(&closes).await.unwrap_err(), Loss::down("connection closed by the server"));
    let cut = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal").await;
    assert_eq!(asked(&cut).await.unwrap_err(), Loss::unread("connection closed by the server"), "it has answered");
    let garbage = saying(b"\x00\x1b[31mSSH-2.0-nothing\r\n\r\n").await;
    assert_eq!(asked(&garbage).await.unwrap_err(), Loss::unread("the answer is not HTTP"));
    let resets = server(|stream| async move {
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert_eq!(asked(&resets).await.unwrap_err(), Loss::down("connection closed by the server"));
    let breaks = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal").await;
        // Sent before the reset, and read.
        while unread(&stream) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert!(!asked(&breaks).await.unwrap_err().is_proof(), "a service that disconnects in its answer has answered");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(asked(&format!("http://{free}/")).await.unwrap_err(), Loss::down("connection refused"));
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let refused = asked(&url).await.unwrap_err();
    assert_eq!(refused, Loss::down("TLS: the server answers without TLS"));
    for bad in ["not a url", "/health", "ftp://127.0.0.1/"] {
        assert!(asked(bad).await.unwrap_err().why().starts_with("not a URL"), "{bad}");
    }
    // Without a name server the lookup may also run into the deadline.
    let lookup = asked_within("http://nowhere.invalid/", Duration::from_millis(400)).await.unwrap_err();
    let known = ["name not found", "no name server answers", "timed out after 400 ms"];
    assert!(known.contains(&lookup.why()) && !lookup.is_proof(), "{lookup}");
}

/// A certificate for `localhost` with the issuers below its root, and its key.
type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);
type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn shown(name: &str, until: i32, root: &Ca, between: Option<&Ca>) -> Shown {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let own = params.signed_by(&key, between.unwrap_or(root)).unwrap();
    let chain = std::iter::once(own.der().clone()).chain(between.map(|issuer| issuer.der().clone())).collect();
    (chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// A server over TLS that says that all is ok.
async fn over_tls((chain, key): Shown) -> String {
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[tokio::test]
async fn a_service_is_verified_by_the_roots_that_it_names() {
    with_ring();
    let dir = tempfile::tempdir().unwrap();
    let root = CertifiedIssuer::self_signed(ca_params("Site Root"), KeyPair::generate().unwrap()).unwrap();
    let mut mute = ca_params("Mute CA");
    mute.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let mute = CertifiedIssuer::signed_by(mute, KeyPair::generate().unwrap(), &root).unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, root.pem()).unwrap();
    let read_by = |url: String, ca: Option<&Path>| {
        let (ca, timeout) = (ca.map(Path::to_owned), Duration::from_secs(30));
        let service = Service { ca, timeout, ..Service::new("it", url) };
        async move { read(&Http::default(), &service).await }
    };
    let good = || shown("localhost", 2090, &root, None);
    let seen = read_by(over_tls(good()).await, Some(&ca)).await.unwrap();
    assert_eq!((seen.verdict, status(&seen)), (Verdict::Ok, "200"));
    let cases = [
        (
            good(),
            None,
            false,
            "TLS: certificate not trusted; let `ca` name its root, if this machine does not trust it",
        ),
        (shown("localhost", 2026, &root, None), Some(ca.as_path()), true, "TLS: certificate expired "),
        (
            shown("web.test", 2090, &root, None),
            Some(&ca),
            true,
            "TLS: certificate is not for localhost (it names web.test)",
        ),
        (
            shown("localhost", 2090, &root, Some(&mute)),
            Some(&ca),
            false,
            "TLS: certificate not trusted: issuer Mute CA may not sign certificates: its keyUsage lacks keyCertSign",
        ),
        (good(), Some(Path::new("/nothing/ca.pem")), false, "TLS: /nothing/ca.pem: no such file or directory"),
    ];
    for (shown, ca, is_down, words) in cases {
        let loss = read_by(over_tls(shown).await, ca).await.unwrap_err();
        assert!(loss.why().starts_with(words), "{loss} instead of {words}");
        assert_eq!(loss.is_proof(), is_down, "{loss}");
    }
    // One that is renewed is read again.
    let other = CertifiedIssuer::self_signed(ca_params("Site Root"), KeyPair::generate().unwrap()).unwrap();
    std::fs::write(&ca, other.pem()).unwrap();
    let url = over_tls(good()).await;
    let http = Http::default();
    let service = Service { ca: Some(ca.clone()), ..Service::new("it", url) };
    let foreign = read(&http, &service).await.unwrap_err();
    assert!(foreign.why().starts_with("TLS: certificate not trusted"), "{foreign}");
    std::fs::write(&ca, root.pem()).unwrap();
    assert_eq!(read(&http, &service).await.unwrap().verdict, Verdict::Ok);
}

#[test]
fn credentials_are_not_shown() {
    assert_eq!(without_credentials("https://a:b@host/x?q=1"), "https://host/x?q=1");
    assert_eq!(without_credentials("https://host"), "https://host");
    assert_eq!(without_credentials("not a url"), "not a url");
}
