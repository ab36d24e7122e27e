//! Who may read what, over which connection, and what a refusal says.

use super::*;

#[tokio::test]
async fn each_loss_of_rights_has_its_words_and_no_password_in_them() {
    let server = Server::start(&[]);
    for rules in [
        &["watch", "on", ">hunter2", "~*", "+@read", "+ping", "-@dangerous", "+info"][..],
        &["blind", "on", ">hunter2", "~*", "+ping"],
        &["dumb", "on", ">hunter2", "~*", "+info"],
        &["open", "on", "nopass", "~*", "+ping", "+info"],
    ] {
        server.send(&[&["ACL", "SETUSER"], rules].concat()).unwrap();
    }
    let at = |user: &str| format!("unix://{}?user={user}", server.socket().display());
    let mut reader = RedisReader::new(with_password(&at("watch"), "hunter2"));
    let found = rows(&mut reader).await;
    assert_eq!(row(&found, None).verdict, Verdict::Ok);
    // Without CONFIG nothing is known of the schedule; and it is asked for once only.
    assert!(!row(&found, Some("persistence")).facts.contains_key("save_schedule"));
    rows(&mut reader).await;
    let redis::Value::Array(log) = server.send(&["ACL", "LOG"]).unwrap() else { panic!("no log") };
    let log = format!("{log:?}");
    assert_eq!(log.matches("'\"config|get\"'").count(), 1, "{log}");
    assert_eq!(log.matches("'\"count\"'), int(1)").count(), log.matches("'\"count\"'").count(), "{log}");

    let mute = row(&rows(&mut RedisReader::new(with_password(&at("dumb"), "hunter2"))).await, None);
    assert_eq!((mute.verdict, &mute.facts["ping_error"]), (Verdict::Ok, &Fact::Text("NOPERM".to_owned())));
    assert!(!mute.facts.contains_key("latency_ms"));
    assert_eq!(row(&rows(&mut RedisReader::new(target(&at("open")))).await, None).verdict, Verdict::Ok);

    let denied = why(with_password(&at("blind"), "hunter2")).await;
    assert_eq!(denied, "INFO is denied to user blind (NOPERM)");
    let wrong = why(with_password(&at("watch"), "wr0ng")).await;
    assert_eq!(wrong, "password rejected for user watch");
    assert_eq!(why(with_password(&at("nobody"), "wr0ng")).await, "password rejected for user nobody");
    for user in ["watch", "nobody"] {
        assert_eq!(why(target(&at(user))).await, format!("a password is required for user {user}: none is given"));
    }
    let needless = why(with_password(&server.url(), "hunter2")).await;
    assert_eq!(needless, "it has no password, but the estate names one");
    let mut missing = with_password(&server.url(), "hunter2");
    missing.around = Surroundings::default();
    assert_eq!(why(missing).await, "secret redis: variable PASSWORD: it is not set");
    assert_eq!(why(with_password(&server.url(), "")).await, "secret redis: variable PASSWORD: it is set, but empty");

    let locked = Server::start(&["--requirepass", "hunter2"]);
    assert_eq!(why(target(&locked.url())).await, "a password is required (NOAUTH)");
    assert_eq!(why(with_password(&locked.url(), "wr0ng")).await, "password rejected");
    assert_eq!(rows(&mut RedisReader::new(with_password(&locked.url(), "hunter2"))).await.len(), 4);
}

#[tokio::test]
async fn a_command_that_is_taken_away_is_named_without_what_followed_it() {
    let server = Server::start(&["--rename-command", "INFO", ""]);
    assert_eq!(why(target(&server.url())).await, "it has no INFO: renamed or taken away");
    let server = Server::start(&["--rename-command", "AUTH", "", "--rename-command", "PING", ""]);
    assert_eq!(why(with_password(&server.url(), "hunter2")).await, "it has no AUTH: renamed or taken away");
    let mute = row(&rows(&mut server.reader()).await, None);
    assert_eq!((mute.verdict, &mute.facts["ping_error"]), (Verdict::Ok, &Fact::Text("ERR".to_owned())));
    let server = Server::start(&["--rename-command", "CONFIG", "", "--rename-command", "CLIENT", ""]);
    let found = rows(&mut server.reader()).await;
    assert_eq!(row(&found, Some("persistence")).verdict, Verdict::Ok);
    assert_eq!(why(target(&format!("{}?db=99", server.url()))).await, "it has no database of that number");
}

/// A certificate authority with a server certificate for 127.0.0.1, in files of a directory.
fn certificates(dir: &Path, name: &str) -> PathBuf {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Site Root");
    let authority = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let at = |end: &str| dir.join(format!("{name}.{end}"));
    std::fs::write(at("ca"), authority.pem()).unwrap();
    std::fs::write(at("pem"), leaf.pem()).unwrap();
    std::fs::write(at("key"), own.serialize_pem()).unwrap();
    at("ca")
}

#[tokio::test]
async fn tls_is_verified_against_the_named_authority() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, other) = (certificates(dir.path(), "one"), certificates(dir.path(), "two"));
    let at = |end: &str| dir.path().join(end).to_str().unwrap().to_owned();
    let (port, plain) = (free_port().to_string(), free_port().to_string());
    let server = Server::start(&[
        "--tls-port",
        &port,
        "--port",
        &plain,
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &at("one.pem"),
        "--tls-key-file",
        &at("one.key"),
        "--tls-ca-cert-file",
        &at("one.ca"),
    ]);
    let url = format!("rediss://127.0.0.1:{port}");
    let trusting = |url: &str, ca: Option<&Path>| {
        let mut target = target(url);
        target.entry.ca = ca.map(Path::to_owned);
        target
    };
    let mut reader = RedisReader::new(trusting(&url, Some(&ca)));
    assert_eq!(row(&rows(&mut reader).await, None).verdict, Verdict::Ok);
    assert!(server.info("total_connections_received").parse::<u32>().unwrap() >= 1);
    assert_eq!(rows(&mut RedisReader::new(target(&format!("redis://127.0.0.1:{plain}")))).await.len(), 4);

    let foreign = why(trusting(&url, Some(&other))).await;
    assert!(foreign.starts_with("TLS: certificate not trusted"), "{foreign}");
    let unknown = why(target(&url)).await;
    assert!(unknown.starts_with("TLS: certificate not trusted; let `ca` name its root"), "{unknown}");
    let misnamed = why(trusting(&url.replace("127.0.0.1", "localhost"), Some(&ca))).await;
    assert_eq!(misnamed, "TLS: certificate is not for localhost (it names 127.0.0.1)");
    let insecure = why(trusting(&format!("{url}/#insecure"), Some(&ca))).await;
    assert_eq!(insecure, "an unverified TLS connection is not made: name a `ca` instead");
    let absent = why(trusting(&url, Some(Path::new("/nonexistent/ca.pem")))).await;
    assert_eq!(absent, "TLS: /nonexistent/ca.pem: no such file or directory");
    std::fs::write(at("none.ca"), "nothing\n").unwrap();
    let empty = why(trusting(&url, Some(Path::new(&at("none.ca"))))).await;
    assert!(empty.ends_with("no certificate in it"), "{empty}");
    // Whoever can change the file decides whom it believes.
    let mode = |mode| std::fs::set_permissions(&ca, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o666);
    let loose = why(trusting(&url, Some(&ca))).await;
    let command = format!("close it: chmod go-w {}", ca.display());
    assert!(loose.contains("others may write to") && loose.ends_with(&command), "{loose}");
    mode(0o644);
    assert_eq!(rows(&mut RedisReader::new(trusting(&url, Some(&ca)))).await.len(), 4);
    // Each spoken as the other: the server is up, and it is our URL that is wrong.
    let lost = async |target| RedisReader::new(target).read().await.unwrap_err();
    let hidden = lost(target(&format!("redis://127.0.0.1:{port}"))).await;
    assert_eq!(hidden, Loss::unread("the port speaks TLS: its URL must begin with rediss://"));
    let bare = lost(trusting(&format!("rediss://127.0.0.1:{plain}"), Some(&ca))).await;
    assert_eq!(bare, Loss::unread("the port speaks Redis without TLS: its URL must begin with redis://"));
    server.send(&["CONFIG", "SET", "requirepass", "hunter2"]).unwrap();
    assert_eq!(lost(trusting(&format!("rediss://127.0.0.1:{plain}"), Some(&ca))).await, bare);
    let web =
        why(trusting(&saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", true).await.replace("redis:", "rediss:"), Some(&ca)));
    assert_eq!(web.await, "the server does not speak TLS");
}

#[test]
fn a_source_shows_who_and_where_and_no_secret() {
    let cases = [
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("redis://watch@cache.example:6380/3", "redis://watch@cache.example:6380/3"),
        ("rediss://watch:hunter2@[::1]:6380", "rediss://watch@[::1]:6380/0"),
        ("redis://:hunter2@127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+unix:///run/redis.sock?db=2&user=watch&pass=hunter2", "unix:///run/redis.sock?db=2&user=watch"),
        ("http://:hunter2@127.0.0.1", "redis"),
        ("redis://:hunter2@127.0.0.1/x", "redis"),
    ];
    for (url, shown) in cases {
        assert_eq!(source(&target(url)), shown);
    }
}

#[tokio::test]
async fn a_wrong_url_is_told_without_it() {
    for url in ["", "http://:hunter2@127.0.0.1", "redis://:hunter2@127.0.0.1/x", "redis://:hunter2@0.0.0.0"] {
        assert_eq!(why(target(url)).await, "not the URL of a Redis");
    }
}
