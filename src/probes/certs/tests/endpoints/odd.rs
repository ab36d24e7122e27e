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

/// What a server says that answers to whatever comes, or before, with these bytes; to a question that begins so with these alone.
async fn speaking(first: &'static [u8], to: Option<(&'static [u8], &'static [u8])>) -> String {
    serving(move |mut stream| async move {
        let mut asked = [0; 1024];
        if to.is_none() {
            let _ = stream.write_all(first).await;
            let _ = stream.read(&mut asked).await;
            return;
        }
        let long = stream.read(&mut asked).await.unwrap_or_default();
        if let Some((_, answer)) = to.filter(|(begins, _)| asked[..long].starts_with(begins)) {
            let _ = stream.write_all(answer).await;
            let _ = stream.read(&mut asked).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_port_that_answers_without_tls_is_down_and_says_what_it_speaks() {
    let site = Site::new();
    let lost = async |connect: String| CertReader::new(site.at(connect)).read().await.unwrap_err();
    for (banner, protocol) in [
        (&b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"[..], " (HTTP)"),
        (b"<html><head><title>400</title>", " (HTTP)"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", " (SSH)"),
        (b"220 mail.novacron.io ESMTP Postfix\r\n", " (SMTP)"),
        (b"220 (vsFTPd 3.0.3)\r\n", " (FTP)"),
        (b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", " (IMAP)"),
        (b"+OK Dovecot ready.\r\n", " (POP3)"),
        (b"-ERR unknown command\r\n", " (Redis)"),
        (b"J\0\0\0\n8.0.36\0\x08\0\0\0", " (MySQL)"),
        (b"E\0\0\0\x50SFATAL\0VFATAL\0", " (PostgreSQL)"),
        (b"hello\r\n", ""),
    ] {
        let found = lost(speaking(banner, None).await).await;
        assert_eq!(found, Loss::down(format!("answers without TLS{protocol}")), "{}", banner.escape_ascii());
    }
    // What ends the connection without a word, or waits for the end of a line, is asked in the clear.
    for (begins, answer, protocol) in [
        (&b"HEAD / "[..], &b"HTTP/1.0 301 Moved\r\n\r\n"[..], "HTTP"),
        (b"HEAD / ", b"-ERR unknown command 'HEAD'\r\n", "Redis"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", b"N", "PostgreSQL"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", b"S", "PostgreSQL"),
    ] {
        let found = lost(speaking(b"", Some((begins, answer))).await).await;
        assert_eq!(found, Loss::down(format!("answers without TLS ({protocol})")), "{begins:?}");
    }
    let waits = serving(|mut stream| async move {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => asked.push(byte),
                Err(_) => return,
            }
        }
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await;
    });
    let short = Duration::from_millis(900);
    let late = serve::ask(&waits.await, "a", short).await.unwrap_err();
    assert_eq!(late, Loss::down("answers without TLS (HTTP)"));
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
