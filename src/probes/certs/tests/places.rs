//! Files, bundles, directories.

use super::*;
use std::os::unix::fs::symlink;

fn pem(params: &CertificateParams, ca: &Ca) -> String {
    params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().pem()
}

#[tokio::test]
async fn a_bundle_with_its_key_is_the_row_of_its_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let ca = root("Test Root");
    let own = pem(&host(&["api.novacron.io"], -1, 61), &ca);
    let key = KeyPair::generate().unwrap().serialize_pem();
    let path = dir.path().join("bundle.pem");
    for order in [[&own, &key, &ca.pem()], [&ca.pem(), &key, &own]] {
        fs::write(&path, order.map(String::as_str).concat()).unwrap();
        let seen = one(of_file(&path)).await.unwrap();
        assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Ok, "61 d · Test Root"));
        assert_eq!(seen.facts["chain_length"], Fact::Int(2));
        assert_eq!(seen.facts["self_signed"], Fact::Bool(false));
        assert_eq!(text(&seen, "names"), "api.novacron.io");
        let shown = format!("{seen:?}");
        assert!(!shown.contains("PRIVATE") && !key.lines().skip(1).any(|line| shown.contains(line)));
        assert!(text(&seen, "chain").contains("Test Root"), "{}", text(&seen, "chain"));
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
