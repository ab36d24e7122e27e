//! Real endpoints on loopback.

mod odd;

use super::*;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, as a server shows it.
#[derive(Clone, Debug)]
struct Shown(Arc<CertifiedKey>);

fn shown(params: &CertificateParams, issuers: &[&Ca]) -> Shown {
    let key = KeyPair::generate().unwrap();
    let own = params.signed_by(&key, issuers[0]).unwrap();
    let mut chain = vec![own.der().clone()];
    // A root is not sent.
    let between = &issuers[..issuers.len() - 1];
    chain.extend(between.iter().map(|issuer| issuer.der().clone()));
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Shown(Arc::new(CertifiedKey::new(chain, ring::sign::any_supported_type(&key).unwrap())))
}

impl Shown {
    fn without_issuers(&self) -> Self {
        let mut key = CertifiedKey::clone(&self.0);
        key.cert.truncate(1);
        Self(Arc::new(key))
    }

    fn pem(&self) -> String {
        let encode = |der: &CertificateDer<'_>| {
            let text = base64(der);
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        self.0.cert.iter().map(encode).collect()
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let whole = three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(whole >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Another certificate for each name; none for the others.
#[derive(Debug)]
struct ByName(Vec<(&'static str, Shown)>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name()?;
        self.0.iter().find(|(name, _)| *name == asked).map(|(_, shown)| Arc::clone(&shown.0.clone()))
    }
}

/// A server for one test; where it listens.
async fn serving<S, F>(serve: S) -> String
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn tls(resolver: impl ResolvesServerCert + 'static) -> String {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    acceptor(config.with_cert_resolver(Arc::new(resolver))).await
}

async fn acceptor(config: ServerConfig) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serving(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0]).await;
            }
        }
    })
    .await
}

/// A place with the root's file, and an entry for an endpoint that answers for `api.novacron.io`.
struct Site {
    dir: tempfile::TempDir,
    root: Ca,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap(), root: root("Site Root") };
        fs::write(site.ca(), site.root.pem()).unwrap();
        site
    }

    fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn at(&self, connect: String) -> Certificate {
        Certificate {
            connect: Some(connect),
            server_name: Some("api.novacron.io".into()),
            ca: Some(self.ca()),
            ..entry()
        }
    }
}

fn outcome(seen: &Observation) -> (Verdict, &str) {
    (seen.verdict, seen.detail.as_str())
}

#[tokio::test]
async fn a_good_endpoint_is_fine_and_a_wildcard_covers_one_label() {
    let site = Site::new();
    let connect = tls(shown(&host(&["*.novacron.io"], -1, 61), &[&site.root])).await;
    let mut target = site.at(connect.clone());
    let seen = one(target.clone()).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Ok, "61 d · Site Root"));
    assert_eq!((text(&seen, "chain").as_str(), text(&seen, "endpoint")), ("trusted", connect.clone()));
    assert_eq!(seen.facts["name_matches"], Fact::Bool(true));
    assert!(!seen.facts.contains_key("served_matches_file"));
    for wrong in ["novacron.io", "a.b.novacron.io"] {
        target.server_name = Some(wrong.into());
        let seen = one(target.clone()).await.unwrap();
        assert_eq!(outcome(&seen), (Verdict::Critical, format!("61 d · Site Root · not for {wrong}").as_str()));
        assert_eq!(seen.facts["name_matches"], Fact::Bool(false));
    }
    target.server_name = None;
    assert_eq!(outcome(&one(target).await.unwrap()).1, "61 d · Site Root · not for 127.0.0.1");
}

#[tokio::test]
async fn dates_are_judged_apart_from_the_chain() {
    let site = Site::new();
    let cases = [
        (-5, 9, Verdict::Warn, "9 d · Site Root"),
        (-5, 3, Verdict::Critical, "3 d · Site Root"),
        (-5, -3, Verdict::Critical, "expired 2 d ago"),
    ];
    for (from, until, verdict, detail) in cases {
        let connect = tls(shown(&host(&["api.novacron.io"], from, until), &[&site.root])).await;
        let seen = one(site.at(connect)).await.unwrap();
        assert_eq!((outcome(&seen), text(&seen, "chain").as_str()), ((verdict, detail), "trusted"));
    }
    let connect = tls(shown(&host(&["api.novacron.io"], 5, 90), &[&site.root])).await;
    let seen = one(site.at(connect)).await.unwrap();
    assert!(seen.detail.starts_with("not valid before 20") && seen.verdict == Verdict::Critical, "{}", seen.detail);
}

#[tokio::test]
async fn a_chain_that_lacks_its_middle_or_its_root_says_so() {
    let site = Site::new();
    let between = CertifiedIssuer::signed_by(ca_params("R11"), KeyPair::generate().unwrap(), &site.root).unwrap();
    let whole = shown(&host(&["api.novacron.io"], -1, 61), &[&between, &site.root]);
    let connect = tls(whole.clone()).await;
    let seen = one(site.at(connect.clone())).await.unwrap();
    assert_eq!((outcome(&seen), &seen.facts["chain_length"]), ((Verdict::Ok, "61 d · R11"), &Fact::Int(2)));

    let lacks = tls(whole.without_issuers()).await;
    let seen = one(site.at(lacks)).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Critical, "61 d · R11 · issuer R11 is neither served nor trusted"));

    // The machine does not know this root; whether clients do is theirs to say.
    let seen = one(Certificate { ca: None, ..site.at(connect.clone()) }).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Warn, "61 d · R11 · issuer Site Root is neither served nor trusted"));
    let seen = one(Certificate { ca: Some("/nothing".into()), ..site.at(connect) }).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Unknown, "61 d · R11 · /nothing: no such file"));

    let own = KeyPair::generate().unwrap();
    let alone = host(&["api.novacron.io"], -1, 61).self_signed(&own).unwrap();
    let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let key = CertifiedKey::new(vec![alone.der().clone()], ring::sign::any_supported_type(&key).unwrap());
    let target = site.at(tls(Shown(Arc::new(key))).await);
    let seen = one(target.clone()).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Critical, "61 d · api.novacron.io · self-signed"));
    fs::write(site.ca(), alone.pem()).unwrap();
    let seen = one(target).await.unwrap();
    assert_eq!((outcome(&seen).0, text(&seen, "chain").as_str()), (Verdict::Ok, "trusted"), "the estate names it");
}

#[tokio::test]
async fn what_is_served_is_held_against_the_file() {
    let site = Site::new();
    let served = shown(&host(&["api.novacron.io"], -80, 9), &[&site.root]);
    let renewed = shown(&host(&["api.novacron.io"], -1, 89), &[&site.root]);
    let path = site.dir.path().join("fullchain.pem");
    let mut target = site.at(tls(served.clone()).await);
    target.file = Some(path.clone());
    fs::write(&path, served.pem()).unwrap();
    let seen = one(target.clone()).await.unwrap();
    assert_eq!(
        (outcome(&seen), &seen.facts["served_matches_file"]),
        ((Verdict::Warn, "9 d · Site Root"), &Fact::Bool(true))
    );
    fs::write(&path, renewed.pem()).unwrap();
    let seen = one(target.clone()).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Warn, "9 d · Site Root · served ≠ file"));
    assert_eq!(seen.facts["served_matches_file"], Fact::Bool(false));
    fs::remove_file(&path).unwrap();
    let seen = one(target).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Unknown, "9 d · Site Root · file: no such file"));
    assert_eq!(text(&seen, "file_lost"), "no such file");
}

#[tokio::test]
async fn the_name_that_is_asked_for_chooses_the_certificate() {
    let site = Site::new();
    let api = shown(&host(&["api.novacron.io"], -1, 61), &[&site.root]);
    let shop = shown(&host(&["shop.novacron.io"], -1, 9), &[&site.root]);
    let connect = tls(ByName(vec![("api.novacron.io", api), ("shop.novacron.io", shop)])).await;
    let mut target = site.at(connect);
    assert_eq!(one(target.clone()).await.unwrap().detail, "61 d · Site Root");
    target.server_name = Some("shop.novacron.io".into());
    assert_eq!(one(target.clone()).await.unwrap().detail, "9 d · Site Root");
    target.server_name = Some("other.novacron.io".into());
    let why = one(target).await.unwrap_err();
    assert_eq!(why, "TLS: the server refuses the handshake (alert access_denied)");
}

#[tokio::test]
async fn who_wants_a_certificate_of_ours_has_shown_its_own_first() {
    let site = Site::new();
    let shown = shown(&host(&["api.novacron.io"], -1, 61), &[&site.root]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(site.root.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(&provider));
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[version]).unwrap();
        let config = builder.with_client_cert_verifier(verifier.build().unwrap());
        let connect = acceptor(config.with_cert_resolver(Arc::new(shown.clone()))).await;
        assert_eq!(outcome(&one(site.at(connect)).await.unwrap()), (Verdict::Ok, "61 d · Site Root"), "{version:?}");
    }
}

#[tokio::test]
async fn a_cross_sign_that_has_expired_is_at_most_a_warning() {
    let site = Site::new();
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let own = || KeyPair::from_pem(&pem).unwrap();
    let top = CertifiedIssuer::self_signed(ca_params("Pub Root"), own()).unwrap();
    let old = root("Old Root");
    let cross = CertifiedIssuer::signed_by(valid(ca_params("Pub Root"), -900, -200), own(), &old).unwrap();
    let between = KeyPair::generate().unwrap().serialize_pem();
    let key = || KeyPair::from_pem(&between).unwrap();
    let good = CertifiedIssuer::signed_by(ca_params("R11"), key(), &top).unwrap();
    let late = CertifiedIssuer::signed_by(valid(ca_params("R11"), -900, -2), key(), &top).unwrap();
    fs::write(site.ca(), top.pem()).unwrap();
    let leaf = shown(&host(&["api.novacron.io"], -1, 61), &[&good, &top]);
    for (others, expired) in [
        ([&good, &cross], "Pub Root: expired 199 d ago"),
        ([&late, &good], "R11: expired 1 d ago"),
        ([&good, &late], "R11: expired 1 d ago"),
    ] {
        let mut key = CertifiedKey::clone(&leaf.0);
        key.cert.truncate(1);
        key.cert.extend(others.map(|other| other.der().clone()));
        let seen = one(site.at(tls(Shown(Arc::new(key))).await)).await.unwrap();
        assert_eq!(outcome(&seen), (Verdict::Warn, format!("61 d · R11 · {expired} · 1 of 3 expired").as_str()));
        assert_eq!(text(&seen, "chain"), "trusted");
    }
    // Where it is the only way, it is the certificate's own end.
    let mut key = CertifiedKey::clone(&leaf.0);
    key.cert.truncate(1);
    key.cert.push(late.der().clone());
    let seen = one(site.at(tls(Shown(Arc::new(key))).await)).await.unwrap();
    assert_eq!(outcome(&seen).0, Verdict::Critical, "{}", seen.detail);
}
