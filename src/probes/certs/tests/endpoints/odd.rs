//! Endpoints that serve badly, too much, or not at all.

use super::*;

#[tokio::test]
async fn who_lacks_the_key_is_found_out() {
    let site = Site::new();
    let (real, own) = (shown(&host(&["api.novacron.io"], -1, 61), &[&site.root]), KeyPair::generate().unwrap());
    let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let forged = CertifiedKey::new(real.0.cert.clone(), ring::sign::any_supported_type(&key).unwrap());
    let seen = one(site.at(tls(Shown(Arc::new(forged))).await)).await.unwrap();
    assert_eq!(outcome(&seen), (Verdict::Critical, "61 d · Site Root · served without its key"));
}

#[tokio::test]
async fn every_way_of_not_serving_has_its_reason() {
    let site = Site::new();
    let lost = async |connect: String| CertReader::new(site.at(connect)).read().await.unwrap_err();
    let why = async |connect: String| match lost(connect).await {
        Loss::Unread(why) => why,
        proof => panic!("{proof:?}"),
    };
    let speaks = serving(|mut stream| async move {
        let _ = stream.write_all(b"220 mail.novacron.io ESMTP\r\n").await;
        let _ = stream.read(&mut [0; 1024]).await;
    });
    assert_eq!(why(speaks.await).await, "answers, but not TLS");
    let http = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
    });
    assert_eq!(why(http.await).await, "answers, but not TLS");
    let closes = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
    });
    assert_eq!(lost(closes.await).await, Loss::down("connection closed by the server"));
    // Closed with unread bytes: the kernel resets.
    let resets = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 1]).await;
    });
    assert_eq!(lost(resets.await).await, Loss::down("connection closed by the server"));
    let refuses = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    assert_eq!(lost(refuses).await, Loss::down("connection refused"));
    assert_eq!(
        why("nobody.invalid:443".to_owned()).await.replace("no name server answers", "name not found"),
        "name not found"
    );
    assert_eq!(why("nonsense".to_owned()).await, "nonsense is not HOST:PORT");

    let stalls = serving(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let short = Duration::from_millis(200);
    let late = serve::ask(&stalls.await, "a", short).await.unwrap_err();
    assert_eq!(late, Loss::unread("connected, but no TLS answer within 200 ms"));
}

#[tokio::test]
async fn a_chain_of_ten_thousand_is_refused_and_one_of_a_hundred_is_cut() {
    let site = Site::new();
    let shown = shown(&host(&["api.novacron.io"], -1, 61), &[&site.root]);
    for (many, expected) in [(120, Ok("only the first 100 certificates are read")), (10_000, Err("more than 64 KiB"))] {
        let mut key = CertifiedKey::clone(&shown.0);
        key.cert.extend(vec![site.root.der().clone(); many]);
        let seen = one(site.at(tls(Shown(Arc::new(key))).await)).await;
        match expected {
            Ok(cut) => assert_eq!(text(&seen.unwrap(), "not_read"), cut),
            Err(part) => assert!(seen.as_ref().unwrap_err().contains(part), "{seen:?}"),
        }
    }
}

/// OpenSSL serves what rustls refuses to sign with. It ends with this value.
struct OpenSsl(std::process::Child);

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_key_too_weak_to_be_checked_is_called_weak_and_not_forged() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let (key, own) = (dir.path().join("key.pem"), dir.path().join("own.pem"));
    let mut made = Command::new("openssl");
    made.args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "62", "-subj", "/CN=printer"]);
    made.args(["-addext", "subjectAltName=DNS:printer", "-keyout"]).arg(&key).arg("-out").arg(&own);
    assert!(made.output().unwrap().status.success());
    for version in ["-tls1_2", "-tls1_3"] {
        let mut server = Command::new("openssl");
        server.args(["s_server", "-accept", "127.0.0.1:0", "-cipher", "ALL:@SECLEVEL=0", version, "-key"]);
        server.arg(&key).arg("-cert").arg(&own);
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = OpenSsl(server.spawn().unwrap());
        // Kept to the end: a server whose output is closed may stop.
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let connect =
            lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
        let target = Certificate { connect, server_name: Some("printer".into()), ca: Some(own.clone()), ..entry() };
        let seen = one(target).await.unwrap();
        let detail = seen.detail.clone();
        assert_eq!(
            (seen.verdict, detail.split(" · ").last()),
            (Verdict::Warn, Some("RSA 1024 is too weak to be checked")),
            "{detail}"
        );
        assert_eq!(text(&seen, "key"), "RSA 1024");
        drop(lines);
    }
}
