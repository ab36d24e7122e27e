//! TLS to a real server: what each `sslmode` believes.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::os::unix::fs::PermissionsExt;

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.clone().self_signed(&key).unwrap().pem();
    Authority { params, key, pem }
}

fn signed(by: &Authority, key: &KeyPair, name: &str, until: i32) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params.signed_by(key, &Issuer::from_params(&by.params, &by.key)).unwrap().pem()
}

/// A server with TLS, and the files that clients may believe.
struct Estate {
    server: PrivatePostgres,
    ours: Authority,
    key: KeyPair,
    dir: tempfile::TempDir,
}

const PW: [(&str, &str); 1] = [("PGPASSWORD", "pw")];

impl Estate {
    fn new() -> Self {
        let (ours, key) = (authority("ours"), KeyPair::generate().unwrap());
        let good = signed(&ours, &key, "db.example", 2090);
        let access = "hostssl all watch 127.0.0.1/32 scram-sha-256\nhostnossl all bare 127.0.0.1/32 trust\n";
        let tls = Some((good.clone(), key.serialize_pem()));
        let server = start(&Setup { tcp: true, tls, access: access.into(), ..Setup::default() });
        let roles = "CREATE ROLE watch LOGIN PASSWORD 'pw' IN ROLE pg_monitor; CREATE ROLE bare LOGIN";
        server.sql("postgres", roles).unwrap();
        let estate = Self { server, ours, key, dir: tempfile::tempdir().unwrap() };
        estate.file("own.pem", &good);
        estate.file("ours.pem", &estate.ours.pem);
        estate.file("theirs.pem", &authority("theirs").pem);
        estate
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// A connection to the server under a name; `root=NAME` in the rest is the certificate file of that name.
    fn to(&self, host: &str, rest: &str) -> String {
        let rest = rest.replace("root=", &format!("sslrootcert={}/", self.dir.path().display()));
        format!("host={host} hostaddr=127.0.0.1 port={} user=watch dbname=postgres {rest}", self.server.port())
    }

    fn good_name(&self, rest: &str) -> String {
        self.to("db.example", rest)
    }

    fn wrong_name(&self, rest: &str) -> String {
        self.to("other.example", rest)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_may_not_sign_is_believed_as_little_as_by_libpq() {
    let mut mute = authority("mute");
    mute.params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    mute.pem = mute.params.clone().self_signed(&mute.key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let good = signed(&mute, &key, "db.example", 2090);
    let access = "hostssl all all 127.0.0.1/32 trust\n";
    let server =
        start(&Setup { tcp: true, tls: Some((good, key.serialize_pem())), access: access.into(), ..Setup::default() });
    server.sql("postgres", "CREATE ROLE watch LOGIN IN ROLE pg_monitor").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("mute.pem");
    std::fs::write(&root, &mute.pem).unwrap();
    let to = |rest: &str| {
        format!("host=db.example hostaddr=127.0.0.1 port={} user=watch dbname=postgres {rest}", server.port())
    };
    let verified = to(&format!("sslmode=verify-full sslrootcert={}", root.display()));
    let why = refused(&verified, &[]).await;
    assert_eq!(
        why,
        "TLS: certificate not trusted: issuer mute may not sign certificates: its keyUsage lacks keyCertSign"
    );
    assert!(read(&to("sslmode=require"), &[]).await.is_ok());
    let psql = std::process::Command::new("psql").args([&verified, "-c", "SELECT 1"]).output().unwrap();
    assert!(
        !psql.status.success() && String::from_utf8_lossy(&psql.stderr).contains("certificate verify failed"),
        "{psql:?}"
    );
    // A key that nobody can use without a passphrase is said to be one.
    let at = |end: &str| dir.path().join(format!("client.{end}"));
    std::fs::write(at("pem"), signed(&mute, &KeyPair::generate().unwrap(), "watch", 2090)).unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(at("key"), encrypted).unwrap();
    std::fs::set_permissions(at("key"), PermissionsExt::from_mode(0o600)).unwrap();
    let shows = format!("sslmode=require sslcert={} sslkey={}", at("pem").display(), at("key").display());
    assert!(refused(&to(&shows), &[]).await.contains("the key is encrypted, and a probe has no passphrase"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_believes_what_the_manual_says() {
    let estate = Estate::new();
    for rest in [
        "sslmode=verify-full root=ours.pem",
        "sslmode=verify-full root=ours.pem channel_binding=require ssl_min_protocol_version=TLSv1.3",
        "sslmode=verify-ca root=ours.pem",
        "sslmode=verify-full root=own.pem",
        "sslmode=require root=ours.pem",
        "sslmode=require",
        "sslmode=prefer",
        "sslmode=allow",
    ] {
        let findings = read(&estate.good_name(rest), &PW).await.unwrap_or_else(|why| panic!("{rest}: {why}"));
        assert!(text(seen(&findings, ""), "tls").starts_with("TLSv1."), "{rest}");
    }
    for rest in ["sslmode=verify-ca root=ours.pem", "sslmode=verify-ca root=own.pem", "sslmode=require"] {
        assert!(read(&estate.wrong_name(rest), &PW).await.is_ok(), "{rest}: the name does not count");
    }
    let no_tls = "no pg_hba.conf entry for role watch, without TLS";
    let nameless = estate.good_name("sslmode=verify-full root=ours.pem").replace("host=db.example ", "");
    for (written, expected) in [
        (
            estate.wrong_name("sslmode=verify-full root=ours.pem"),
            "TLS: certificate is not for other.example (it names db.example)",
        ),
        (estate.wrong_name("sslmode=verify-full root=own.pem"), "TLS: certificate is not for other.example"),
        (estate.good_name("sslmode=verify-full root=theirs.pem"), "TLS: certificate not trusted"),
        (estate.good_name("sslmode=verify-ca root=theirs.pem"), "TLS: certificate not trusted"),
        (estate.good_name("sslmode=require root=theirs.pem"), "TLS: certificate not trusted"),
        (estate.good_name("sslmode=prefer root=theirs.pem"), "TLS: certificate not trusted"),
        (estate.good_name("sslmode=disable"), no_tls),
        (nameless, "a host name is needed to verify the certificate"),
    ] {
        assert_eq!(refused(&written, &PW).await, expected, "{written}");
    }
    // Where TLS is refused and only wished for, the plain way is taken.
    let bare = format!("host=127.0.0.1 port={} user=bare dbname=postgres", estate.server.port());
    assert_eq!(text(seen(&read(&bare, &[]).await.unwrap(), ""), "tls"), "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_may_change_is_not_believed() {
    let estate = Estate::new();
    // Whoever can change a root decides whom it believes; whoever can change the directory puts another in its place.
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let (dir, root) = (estate.dir.path(), estate.dir.path().join("ours.pem"));
    for (place, open, closed) in [(root.as_path(), 0o646, 0o644), (dir, 0o777, 0o700)] {
        mode(place, open);
        let loose = refused(&estate.good_name("sslmode=verify-full root=ours.pem"), &PW).await;
        let expected = format!("others may write to {} (mode {open:04o})", place.display());
        assert!(loose.starts_with("TLS: ") && loose.contains(&expected), "{loose}");
        mode(place, closed);
    }
    // So does whoever can change what is shown to the server.
    let own = KeyPair::generate().unwrap();
    estate.file("client.pem", &signed(&estate.ours, &own, "watch", 2090));
    estate.file("client.key", &own.serialize_pem());
    mode(&dir.join("client.key"), 0o600);
    let shows = format!("sslmode=require sslcert={0}/client.pem sslkey={0}/client.key", dir.display());
    assert!(read(&estate.good_name(&shows), &PW).await.is_ok());
    mode(&dir.join("client.pem"), 0o666);
    assert!(refused(&estate.good_name(&shows), &PW).await.contains("others may write to"));
    mode(&dir.join("client.pem"), 0o644);
    let missing = refused(&estate.good_name("sslmode=verify-full sslrootcert=/nonexistent/root.pem"), &PW).await;
    assert!(missing.starts_with("TLS: /nonexistent/root.pem: "), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told() {
    let estate = Estate::new();
    let expired = signed(&estate.ours, &estate.key, "db.example", 2021);
    std::fs::write(estate.server.data().join("expired.crt"), &expired).unwrap();
    estate.server.sql("postgres", "ALTER SYSTEM SET ssl_cert_file = 'expired.crt'; SELECT pg_reload_conf()").unwrap();
    estate.file("expired.pem", &expired);
    let mut patient = reader(&estate.good_name("sslmode=verify-full root=ours.pem connect_timeout=2"), &PW);
    let text = "TLS: certificate expired";
    let began = Instant::now();
    // The server takes its new certificate a moment later; whoever is connected stays so.
    while patient.read().await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(60), "the certificate was not taken");
        patient = reader(&estate.good_name("sslmode=verify-full root=ours.pem"), &PW);
    }
    for rest in
        ["sslmode=verify-full root=ours.pem", "sslmode=verify-ca root=ours.pem", "sslmode=verify-full root=expired.pem"]
    {
        let why = refused(&estate.good_name(rest), &PW).await;
        assert!(why.starts_with(text), "{rest}: {why}");
    }
    assert!(read(&estate.good_name("sslmode=require"), &PW).await.is_ok(), "nobody asked for a verified one");
}

/// The parts of a DER value that others make up: each with its header.
fn parts(value: &[u8]) -> Vec<&[u8]> {
    let header = |value: &[u8]| match usize::from(value[1]) {
        short if short < 0x80 => (2, short),
        long => {
            let count = long & 0x7f;
            (2 + count, value[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    let (from, length) = header(value);
    let mut rest = &value[from..from + length];
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (from, length) = header(rest);
        let (part, behind) = rest.split_at(from + length);
        parts.push(part);
        rest = behind;
    }
    parts
}

/// A DER value.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: &[u8] = match content.len() {
        0..0x80 => &length[7..],
        0x80..0x100 => &[&[0x81], &length[7..]].concat(),
        _ => &[&[0x82], &length[6..]].concat(),
    };
    [&[tag], length, content].concat()
}

/// The same certificate as X.509 version 1: without its version and its extensions.
fn of_version_1(pem: &str, by: &KeyPair) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use rcgen::SigningKey;
    let (_, read) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let whole = parts(&read.contents);
    let kept: Vec<&[u8]> = parts(whole[0]).into_iter().filter(|part| !matches!(part[0], 0xa0 | 0xa3)).collect();
    let inner = value(0x30, &kept.concat());
    let signature = [&[0], by.sign(&inner).unwrap().as_slice()].concat();
    let certificate = value(0x30, &[inner, whole[1].to_vec(), value(0x03, &signature)].concat());
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_version_1_serve_where_nothing_is_verified_and_are_refused_in_words_elsewhere() {
    let estate = Estate::new();
    let old = of_version_1(&signed(&estate.ours, &estate.key, "db.example", 2090), &estate.ours.key);
    let (_, read_back) = x509_parser::pem::parse_x509_pem(old.as_bytes()).unwrap();
    assert_eq!(read_back.parse_x509().unwrap().version(), x509_parser::x509::X509Version::V1);
    std::fs::write(estate.server.data().join("old.crt"), &old).unwrap();
    let set = "ALTER SYSTEM SET ssl_cert_file = 'old.crt'; SELECT pg_reload_conf()";
    estate.server.sql("postgres", set).unwrap();
    let expected = "TLS: the certificate is X.509 version 1, which is not verified: issue it as version 3";
    let began = Instant::now();
    // The server takes its new certificate a moment later.
    let mut refusal = String::new();
    while !refusal.starts_with(expected) {
        assert!(began.elapsed() < Duration::from_secs(60), "{refusal}");
        refusal = read(&estate.good_name("sslmode=verify-full root=ours.pem"), &PW)
            .await
            .err()
            .map(String::from)
            .unwrap_or_default();
    }
    assert!(refusal.ends_with("(sslmode=require without sslrootcert)") && !refusal.contains("Version("), "{refusal}");
    assert!(refused(&estate.good_name("sslmode=verify-ca root=ours.pem"), &PW).await.starts_with(expected));
    // As with libpq, and with either version of TLS.
    for rest in ["sslmode=require", "sslmode=prefer", "sslmode=require ssl_min_protocol_version=TLSv1.3"] {
        let findings = read(&estate.good_name(rest), &PW).await.unwrap_or_else(|why| panic!("{rest}: {why}"));
        assert!(text(seen(&findings, ""), "tls").starts_with("TLSv1."), "{rest}");
    }
    estate
        .server
        .sql("postgres", "ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'; SELECT pg_reload_conf()")
        .unwrap();
    let of_2 = |findings: &[Finding]| text(seen(findings, ""), "tls") == "TLSv1.2";
    let began = Instant::now();
    while !of_2(&read(&estate.good_name("sslmode=require"), &PW).await.unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(60), "the version was not taken");
    }
    // So does one's own, where its key is the right one.
    let own = KeyPair::generate().unwrap();
    estate.file("client.pem", &of_version_1(&signed(&estate.ours, &own, "watch", 2090), &estate.ours.key));
    let shows = format!("sslmode=require sslcert={0}/client.pem sslkey={0}/client.key", estate.dir.path().display());
    for (key, fits) in [(&own, true), (&KeyPair::generate().unwrap(), false)] {
        let path = estate.dir.path().join("client.key");
        std::fs::write(&path, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let why = read(&estate.good_name(&shows), &PW).await.err();
        assert_eq!(why.is_none(), fits, "{why:?}");
        assert!(why.is_none_or(|why| why.why().ends_with("the key is not that of the certificate")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn going_on_without_tls_where_it_failed_is_not_silent() {
    let estate = Estate::new();
    let to = estate.good_name("sslmode=prefer root=theirs.pem").replace("user=watch", "user=bare");
    let findings = read(&to, &[]).await.unwrap();
    let itself = seen(&findings, "");
    assert_eq!((itself.verdict, text(itself, "tls")), (midwatch::domain::Verdict::Warn, "none"));
    assert!(itself.detail.ends_with(" · not encrypted (TLS: certificate not trusted)"), "{}", itself.detail);
    // Where the server lets the role in without TLS alone, nothing failed.
    let findings = read(&estate.good_name("sslmode=prefer").replace("user=watch", "user=bare"), &[]).await;
    assert_eq!(seen(&findings.unwrap(), "").verdict, midwatch::domain::Verdict::Ok);
}
