//! Chains as an endpoint serves them, beside what `openssl verify` says of the same: what it refuses is never ok.

use super::*;
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints};
use std::process::Command;

/// The moment at which all of them are judged.
const THEN: &str = "2026-12-15T12:00:00Z";

/// What is said of a chain that is served as `web.test`, with the roots of a file.
fn observe(chain: &str, roots: &str) -> Observation {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, roots).unwrap();
    fs::set_permissions(&ca, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let target = Certificate { connect: Some("web.test:443".into()), ca: Some(ca), ..entry() };
    let served = Served { held: pem::certificates(chain.as_bytes(), pem::LONGEST), forged: false };
    look(&target, Some(&served), at(THEN)).unwrap().remove(0).seen.unwrap()
}

/// Whether OpenSSL verifies a chain for a server of TLS.
fn is_verified(chain: &str, roots: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let (own, ca) = (dir.path().join("chain.pem"), dir.path().join("ca.pem"));
    fs::write(&own, chain).unwrap();
    fs::write(&ca, roots).unwrap();
    let seconds = at(THEN).0.as_second().to_string();
    let mut openssl = Command::new("openssl");
    openssl.args(["verify", "-purpose", "sslserver", "-auth_level", "1", "-verify_hostname", "web.test", "-attime"]);
    openssl.arg(seconds).arg("-CAfile").arg(&ca).arg("-untrusted").arg(&own).arg(&own);
    openssl.output().unwrap().status.success()
}

#[test]
fn what_openssl_does_not_verify_is_never_ok_where_it_is_served() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let cases = [
        (
            "issuer-cannot-sign",
            Verdict::Critical,
            "issuer NoSign may not sign certificates: its keyUsage lacks keyCertSign",
        ),
        ("issuer-no-ca", Verdict::Critical, "an issuer is no CA"),
        ("issuer-no-constraints", Verdict::Critical, "an issuer is no CA"),
        ("issuer-path-length", Verdict::Critical, "the chain is too long"),
        ("extension-critical-unknown", Verdict::Critical, "clients do not know its critical extension 1.2.3.4"),
        ("ca-as-leaf", Verdict::Warn, "it is a CA's own certificate, which some clients refuse"),
    ];
    for (name, verdict, words) in cases {
        let text = |ending: &str| fs::read_to_string(place.join(name).with_extension(ending));
        let roots = text("roots").unwrap_or_else(|_| fs::read_to_string(place.join("ca-as-leaf.roots")).unwrap());
        let chain = text("pem").unwrap();
        let seen = observe(&chain, &roots);
        assert_eq!(seen.verdict, verdict, "{name}: {}", seen.detail);
        assert!(seen.detail.contains(words), "{name}: {}", seen.detail);
        assert_eq!(is_verified(&chain, &roots), verdict != Verdict::Critical, "{name}");
    }
}

fn in_years(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2028, 1, 1));
    params
}

/// A chain that is made, and its root.
fn made(change: impl FnOnce([&mut CertificateParams; 3])) -> (String, String) {
    let (mut top, mut between) = (in_years(ca_params("Top")), in_years(ca_params("Between")));
    let mut own = in_years(host(&["web.test"], 0, 1));
    change([&mut own, &mut between, &mut top]);
    let top = CertifiedIssuer::self_signed(top, KeyPair::generate().unwrap()).unwrap();
    let between = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &top).unwrap();
    let own = own.signed_by(&KeyPair::generate().unwrap(), &between).unwrap();
    (own.pem() + &between.pem(), top.pem())
}

#[test]
fn the_limits_that_certificates_set_are_those_of_openssl() {
    let for_clients = || vec![ExtendedKeyUsagePurpose::ClientAuth];
    let depth = |most| IsCa::Ca(BasicConstraints::Constrained(most));
    let only = |name: &str| NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
        excluded_subtrees: Vec::new(),
    };
    let cases: [(&str, (String, String), bool); 10] = [
        ("plain", made(|_| ()), true),
        ("a name that is permitted", made(|[_, between, _]| between.name_constraints = Some(only("test"))), true),
        ("a name that is not", made(|[_, between, _]| between.name_constraints = Some(only("example"))), false),
        (
            "a name that the root does not permit",
            made(|[_, _, top]| top.name_constraints = Some(only("example"))),
            false,
        ),
        ("a certificate for clients", made(|[own, ..]| own.extended_key_usages = for_clients()), false),
        ("an issuer for clients", made(|[_, between, _]| between.extended_key_usages = for_clients()), false),
        ("a root for clients", made(|[_, _, top]| top.extended_key_usages = for_clients()), false),
        ("a root above one issuer", made(|[_, _, top]| top.is_ca = depth(1)), true),
        ("a root above none", made(|[_, _, top]| top.is_ca = depth(0)), false),
        (
            "a root that may not sign",
            made(|[_, _, top]| top.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
            false,
        ),
    ];
    for (name, (chain, roots), is_good) in cases {
        assert_eq!(is_verified(&chain, &roots), is_good, "{name}");
        let seen = observe(&chain, &roots);
        assert_eq!(seen.verdict == Verdict::Ok, is_good, "{name}: {}", seen.detail);
    }
}

#[test]
fn a_weak_signature_that_is_served_is_critical() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    for (name, words) in [("signed-with-sha-1", "signed with SHA-1"), ("signed-with-md5", "signed with MD5")] {
        let chain = fs::read_to_string(place.join(name).with_extension("pem")).unwrap();
        let seen = observe(&chain, &made(|_| ()).1);
        assert!(seen.verdict == Verdict::Critical && seen.detail.contains(words), "{name}: {}", seen.detail);
        // Below a root of the issuer's name the signature is all that is wrong with the chain.
        let root = in_years(ca_params("RSA CA"));
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let seen = observe(&chain, &root.pem());
        let is_stated = seen.verdict == Verdict::Critical && seen.detail.contains("a weak signature in the chain");
        assert!(is_stated, "{name}: {}", seen.detail);
    }
}
