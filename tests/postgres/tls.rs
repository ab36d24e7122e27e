//! TLS to a real server: what each `sslmode` believes.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

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

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_believes_what_the_manual_says() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let key = KeyPair::generate().unwrap();
    let good = signed(&ours, &key, "db.example", 2090);
    let access = "hostssl all watch 127.0.0.1/32 scram-sha-256\nhostnossl all bare 127.0.0.1/32 trust\n";
    let tls = Some((good.clone(), key.serialize_pem()));
    let server = start(&Setup { tcp: true, tls, access: access.into(), ..Setup::default() });
    let roles = "CREATE ROLE watch LOGIN PASSWORD 'pw' IN ROLE pg_monitor; CREATE ROLE bare LOGIN";
    server.sql("postgres", roles).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        format!("sslrootcert={}", dir.path().join(name).display())
    };
    let (root, other, own) = (file("ours.pem", &ours.pem), file("theirs.pem", &theirs.pem), file("own.pem", &good));
    let pw = [("PGPASSWORD", "pw")];
    let port = server.port();
    let to = |host: &str, rest: &str| {
        format!("host={host} hostaddr=127.0.0.1 port={port} user=watch dbname=postgres {rest}")
    };
    let good_name = |rest: &str| to("db.example", rest);

    for rest in [
        format!("sslmode=verify-full {root}"),
        format!("sslmode=verify-full {root} channel_binding=require ssl_min_protocol_version=TLSv1.3"),
        format!("sslmode=verify-ca {root}"),
        format!("sslmode=verify-full {own}"),
        format!("sslmode=require {root}"),
        "sslmode=require".to_owned(),
        "sslmode=prefer".to_owned(),
        "sslmode=allow".to_owned(),
    ] {
        let findings = read(&good_name(&rest), &pw).await.unwrap_or_else(|why| panic!("{rest}: {why}"));
        assert!(text(seen(&findings, ""), "tls").starts_with("TLSv1."), "{rest}");
    }
    let wrong_name = |rest: &str| to("other.example", rest);
    for rest in [format!("sslmode=verify-ca {root}"), format!("sslmode=verify-ca {own}"), "sslmode=require".to_owned()]
    {
        assert!(read(&wrong_name(&rest), &pw).await.is_ok(), "{rest}: the name does not count");
    }
    let no_tls = "no pg_hba.conf entry for role watch, without TLS";
    let full = format!("sslmode=verify-full {root}");
    for (written, expected) in [
        (wrong_name(&full), "TLS: certificate is not for other.example"),
        (wrong_name(&format!("sslmode=verify-full {own}")), "TLS: certificate is not for other.example"),
        (good_name(&format!("sslmode=verify-full {other}")), "TLS: certificate not trusted"),
        (good_name(&format!("sslmode=verify-ca {other}")), "TLS: certificate not trusted"),
        (good_name(&format!("sslmode=require {other}")), "TLS: certificate not trusted"),
        (good_name(&format!("sslmode=prefer {other}")), "TLS: certificate not trusted"),
        (good_name("sslmode=disable"), no_tls),
        (
            format!("hostaddr=127.0.0.1 port={port} user=watch {full}"),
            "a host name is needed to verify the certificate",
        ),
    ] {
        assert_eq!(refused(&written, &pw).await, expected, "{written}");
    }
    let missing = refused(&good_name("sslmode=verify-full sslrootcert=/nonexistent/root.pem"), &pw).await;
    assert!(missing.starts_with("TLS: /nonexistent/root.pem: "), "{missing}");
    // Where TLS is refused and only wished for, the plain way is taken.
    let bare = format!("host=127.0.0.1 port={port} user=bare dbname=postgres");
    assert_eq!(text(seen(&read(&bare, &[]).await.unwrap(), ""), "tls"), "none");

    let expired = signed(&ours, &key, "db.example", 2021);
    std::fs::write(server.data().join("expired.crt"), &expired).unwrap();
    server.sql("postgres", "ALTER SYSTEM SET ssl_cert_file = 'expired.crt'; SELECT pg_reload_conf()").unwrap();
    let expired_own = file("expired.pem", &expired);
    let mut patient = reader(&good_name(&full), &pw);
    until(&mut patient, |read| read.as_ref().is_err_and(|why| why == "TLS: certificate expired")).await;
    assert_eq!(
        refused(&good_name(&format!("sslmode=verify-full {expired_own}")), &pw).await,
        "TLS: certificate expired"
    );
    assert!(read(&good_name("sslmode=require"), &pw).await.is_ok(), "nobody asked for a verified one");
}
