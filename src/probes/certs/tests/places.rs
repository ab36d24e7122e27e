//! Files, bundles, directories.

use super::*;
use std::os::unix::fs::symlink;

fn pem(params: &CertificateParams, ca: &Ca) -> String {
    params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().pem()
}

/// A certificate by a CA, with its key.
fn keyed(params: &CertificateParams, ca: &Ca) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn a_bundle_with_its_key_is_the_row_of_its_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let (own, key) = keyed(&host(&["api.novacron.io"], -1, 61), &ca);
    let path = dir.path().join("bundle.pem");
    let reversed = "Test Root stands before it, and servers take the first certificate";
    let other = "the key in it is of api.novacron.io, and servers take the first certificate";
    let (alone, with) = (format!("61 d · Test Root · {reversed}"), format!("61 d · Test Root · {other}"));
    for (order, verdict, detail) in [
        (vec![&own, &key, &ca.pem()], Verdict::Ok, "61 d · Test Root"),
        (vec![&ca.pem(), &own], Verdict::Critical, &alone),
        (vec![&ca.pem(), &key, &own], Verdict::Critical, &with),
    ] {
        fs::write(&path, order.iter().map(|part| part.as_str()).collect::<String>()).unwrap();
        let seen = one(of_file(&path)).await.unwrap();
        assert_eq!((seen.verdict, seen.detail.as_str()), (verdict, detail));
        assert_eq!(seen.facts["chain_length"], Fact::Int(2));
        assert_eq!(seen.facts["self_signed"], Fact::Bool(false));
        assert_eq!(text(&seen, "names"), "api.novacron.io");
        let shown = format!("{seen:?}");
        assert!(!shown.contains("PRIVATE") && !key.lines().skip(1).any(|line| shown.contains(line)));
        assert!(text(&seen, "chain").contains("Test Root"), "{}", text(&seen, "chain"));
    }
}

#[tokio::test]
async fn the_key_beside_a_file_is_that_of_its_first_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let (one_pem, one_key) = keyed(&host(&["one.example"], -1, 61), &ca);
    let (two_pem, two_key) = keyed(&host(&["two.example"], -1, 61), &ca);
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let place = |name: &str| dir.path().join(name);
    let servers = "servers take the first certificate";
    for (file, key_file) in [
        ("fullchain.pem", "privkey.pem"),
        ("tls.crt", "tls.key"),
        ("site.pem", "site-key.pem"),
        ("site.pem", "site_key.pem"),
        ("site.pem", "site.key.pem"),
        ("site.pem", "site.pem.key"),
    ] {
        fs::write(place(file), one_pem.clone() + &two_pem).unwrap();
        let of_two = format!("61 d · Test Root · the key {key_file} is of two.example, and {servers}");
        let of_other = format!("61 d · Test Root · the key {key_file} is of another certificate");
        for (key, verdict, detail) in [
            (&one_key, Verdict::Ok, "61 d · Test Root"),
            (&two_key, Verdict::Critical, &of_two),
            (&other_key, Verdict::Critical, &of_other),
        ] {
            fs::write(place(key_file), key).unwrap();
            let seen = one(of_file(place(file))).await.unwrap();
            assert_eq!((seen.verdict, seen.detail.as_str()), (verdict, detail), "{file} {key_file}");
            assert_eq!(seen.facts["key_matches"], Fact::Bool(verdict == Verdict::Ok));
            assert_eq!(text(&seen, "key_file"), place(key_file).display().to_string());
        }
        // A key that says nothing is none: not read, damaged, encrypted, of a kind that is not known here.
        for (key, why) in [
            ("words", "no key in it"),
            ("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n", "its kind is not read here"),
            ("-----BEGIN PRIVATE KEY-----\n", "it cannot be read"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n", "it is encrypted"),
        ] {
            fs::write(place(key_file), key).unwrap();
            let seen = one(of_file(place(file))).await.unwrap();
            assert_eq!((seen.verdict, text(&seen, "key_not_read").as_str()), (Verdict::Ok, why));
            assert!(!seen.facts.contains_key("key_matches"));
        }
        fs::remove_file(place(key_file)).unwrap();
        fs::remove_file(place(file)).unwrap();
    }
    // A list of CAs has no key.
    fs::write(place("roots.pem"), ca.pem() + &root("Other").pem()).unwrap();
    fs::write(place("roots.key"), &other_key).unwrap();
    assert_eq!(one(of_file(place("roots.pem"))).await.unwrap().verdict, Verdict::Ok);
}

#[tokio::test]
async fn openssl_takes_the_key_of_a_file_exactly_where_its_order_is_not_critical() {
    use std::process::Command;
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let (own, key) = keyed(&host(&["api.novacron.io"], -1, 61), &ca);
    let (other, other_key) = keyed(&host(&["api.novacron.io"], -1, 61), &ca);
    let (file, key_file) = (dir.path().join("site.pem"), dir.path().join("site.key"));
    for (certificates, key) in [
        (own.clone() + &ca.pem(), &key),
        (ca.pem() + &own, &key),
        (own.clone() + &ca.pem(), &other_key),
        (other.clone() + &own + &ca.pem(), &key),
        (own + &other + &ca.pem(), &key),
    ] {
        fs::write(&file, certificates).unwrap();
        fs::write(&key_file, key).unwrap();
        // It loads both as a server does, and ends at once: no server listens there.
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", "127.0.0.1:1", "-cert"]).arg(&file).arg("-key").arg(&key_file);
        let said = openssl.output().unwrap();
        let is_taken = !String::from_utf8_lossy(&said.stderr).contains("key values mismatch");
        let seen = one(of_file(&file)).await.unwrap();
        assert_eq!(seen.verdict != Verdict::Critical, is_taken, "{}: {said:?}", seen.detail);
    }
}

#[tokio::test]
async fn roots_that_others_can_change_are_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let (path, roots) = (dir.path().join("own.pem"), dir.path().join("roots.pem"));
    fs::write(&path, pem(&host(&["a"], -1, 61), &ca)).unwrap();
    fs::write(&roots, ca.pem()).unwrap();
    for (mode, chain) in [(0o644, "trusted"), (0o666, "others may write to"), (0o646, "chmod o-w")] {
        fs::set_permissions(&roots, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let seen = one(Certificate { ca: Some(roots.clone()), ..of_file(&path) }).await.unwrap();
        assert!(text(&seen, "chain").contains(chain), "{mode:o}: {}", text(&seen, "chain"));
    }
}

#[tokio::test]
async fn an_issuer_that_ends_sooner_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let top = root("Top");
    let mut between = ca_params("Between");
    between = valid(between, -100, 3);
    let between = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &top).unwrap();
    let path = dir.path().join("fullchain.pem");
    fs::write(&path, pem(&host(&["a"], -1, 61), &between) + &between.pem()).unwrap();
    let seen = one(of_file(&path)).await.unwrap();
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, "61 d · Between · issuer Between: 3 d"));
    assert_eq!(seen.facts["chain_days_left"], Fact::Int(3));
}

#[tokio::test]
async fn each_file_of_a_directory_is_a_row_and_keys_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let write = |name: &str, text: &[u8]| fs::write(dir.path().join(name), text).unwrap();
    write("good.pem", pem(&host(&["a"], -1, 61), &ca).as_bytes());
    write("soon.crt", pem(&host(&["b"], -1, 9), &ca).as_bytes());
    write("roots.pem", (ca.pem() + &root("Other").pem()).as_bytes());
    write("raw.der", ca.der());
    write("broken.pem", b"-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n");
    write("empty.crt", b"");
    write("tls.key", KeyPair::generate().unwrap().serialize_pem().as_bytes());
    write("secret.pem", KeyPair::generate().unwrap().serialize_pem().as_bytes());
    write("README", b"words");
    for copy in ["good.pem.bak", "good.pem~", "good.crt.dpkg-old", "old.PEM.OLD"] {
        write(copy, pem(&host(&["old.example"], -9, -2), &ca).as_bytes());
    }
    symlink("good.pem", dir.path().join("0a1b2c3d.0")).unwrap();
    symlink("nowhere", dir.path().join("gone.pem")).unwrap();
    let live = dir.path().join("shop.example");
    fs::create_dir(&live).unwrap();
    fs::write(live.join("fullchain.pem"), pem(&host(&["shop.example"], -1, -2), &ca)).unwrap();
    fs::create_dir(dir.path().join("other")).unwrap();

    let found = CertReader::new(of_file(dir.path())).read().await.unwrap();
    let facts: Vec<(String, String)> = found
        .iter()
        .map(|row| {
            let message = match &row.seen {
                Ok(seen) => format!("{} {}", seen.verdict.word(), seen.detail),
                Err(loss) => loss.why().to_owned(),
            };
            (row.object.clone().unwrap(), message)
        })
        .collect();
    let expected = [
        ("broken.pem", "line 1: what follows this BEGIN line is not base64"),
        ("empty.crt", "the file is empty"),
        ("gone.pem", "no such file"),
        ("good.pem", "ok 61 d · Test Root"),
        ("raw.der", "ok 1000 d · Test Root"),
        ("roots.pem", "ok 1000 d · Test Root"),
        ("shop.example", "critical expired 1 d ago"),
        ("soon.crt", "warn 9 d · Test Root"),
    ];
    let expected = expected.map(|(name, sentence)| (name.to_owned(), sentence.to_owned()));
    assert_eq!(facts, expected);
    assert_eq!(found[3].source.as_deref(), Some(dir.path().join("good.pem").to_str().unwrap()));
}

#[tokio::test]
async fn a_lineage_of_certbot_is_one_row_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("letsencrypt/live/api");
    fs::create_dir_all(&live).unwrap();
    let ca = root("R11");
    let leaf = pem(&host(&["api.novacron.io"], -1, 9), &ca);
    fs::write(live.join("fullchain.pem"), leaf.clone() + &ca.pem()).unwrap();
    fs::write(live.join("cert.pem"), leaf).unwrap();
    for path in [live.clone(), live.join("cert.pem")] {
        let seen = one(of_file(&path)).await.unwrap();
        assert_eq!((seen.detail.as_str(), text(&seen, "lineage").as_str()), ("9 d · R11", "api"));
    }
    assert_eq!(text(&one(of_file(&live)).await.unwrap(), "path"), live.join("fullchain.pem").to_str().unwrap());
}

#[tokio::test]
async fn a_directory_without_certificates_is_no_good_reading() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(one(of_file(dir.path())).await.unwrap_err(), "no certificate in this directory");
    for number in 0..1003 {
        fs::write(dir.path().join(format!("{number:04}.txt")), "words").unwrap();
    }
    fs::write(dir.path().join("0000.pem"), root("First").pem()).unwrap();
    let found = CertReader::new(of_file(dir.path())).read().await.unwrap();
    let last = found.last().unwrap();
    assert_eq!((found.len(), last.seen.clone().unwrap_err().why()), (2, "4 more files are not read"));
}

#[test]
fn the_source_names_endpoint_and_file() {
    let mut target = of_file("/etc/ssl/a.pem");
    assert_eq!(source(&target), "/etc/ssl/a.pem");
    target.connect = Some("127.0.0.1:443".into());
    target.server_name = Some("a".into());
    assert_eq!(source(&target), "127.0.0.1:443 as a and /etc/ssl/a.pem");
}
