//! What is left of a certificate when a byte of it is lost, doubled or another one: never well where OpenSSL refuses it.

use super::*;
use std::process::{Command, Output};

/// The moment at which all of them are judged.
const THEN: &str = "2026-12-15T12:00:00Z";
/// How many mutations there are of each certificate.
const EACH: usize = 100;

/// Numbers that are the same in every run (a linear congruential generator with Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// A certificate with one byte that is another one, lacks, or comes twice.
fn mutated(der: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = der.to_vec();
    let place = numbers.below(der.len());
    match numbers.below(8) {
        0 => drop(out.remove(place)),
        1 => out.insert(place, der[place]),
        2..5 => out[place] ^= 1 << numbers.below(8),
        _ => out[place] = out[place].wrapping_add(1 + u8::try_from(numbers.below(255)).unwrap()),
    }
    out
}

fn openssl(args: &[&str], path: &Path) -> Output {
    Command::new("openssl").args(args).arg(path).output().unwrap()
}

/// Whether OpenSSL reads it, its key included, and verifies it where it is trusted itself.
fn is_taken(der: &[u8], dir: &Path) -> bool {
    let path = dir.join("it.der");
    fs::write(&path, der).unwrap();
    let read = openssl(&["x509", "-inform", "DER", "-noout", "-text", "-in"], &path);
    if !read.status.success() || String::from_utf8_lossy(&read.stdout).contains("Unable to load Public Key") {
        return false;
    }
    let seconds = at(THEN).0.as_second().to_string();
    let trusted = ["verify", "-partial_chain", "-attime", &seconds, "-trusted", path.to_str().unwrap()];
    openssl(&trusted, &path).status.success()
}

#[test]
fn what_openssl_refuses_is_never_ok() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mutated");
    let dir = tempfile::tempdir().unwrap();
    let (mut wrong, mut both, mut stricter) = (Vec::new(), 0, 0);
    for name in ["rsa", "ecdsa", "ed25519", "extensions"] {
        let held = pem::certificates(&fs::read(place.join(name).with_extension("pem")).unwrap(), 9);
        let der = held.certificates[0].clone().unwrap();
        let mut numbers = Numbers(7);
        let own = |der: &[u8]| {
            let path = dir.path().join("own.der");
            fs::write(&path, der).unwrap();
            look(&of_file(&path), None, at(THEN)).and_then(|mut found| found.remove(0).seen.map_err(String::from))
        };
        assert!(is_taken(&der, dir.path()) && own(&der).unwrap().verdict == Verdict::Ok, "{name}");
        for number in 0..EACH {
            let bytes = mutated(&der, &mut numbers);
            let seen = own(&bytes);
            let is_ok = seen.as_ref().is_ok_and(|seen| seen.verdict == Verdict::Ok);
            match (is_taken(&bytes, dir.path()), is_ok) {
                (false, true) => wrong.push(format!("{name} {number}: {}", seen.unwrap().detail)),
                (true, true) => both += 1,
                (true, false) => stricter += 1,
                (false, false) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} are refused by OpenSSL and shown as ok\n{}", wrong.len(), wrong.join("\n"));
    // Of a certificate alone nobody sees a change in its names, in its RSA key or in its issuer's signature.
    assert!(both > 60 && stricter < both, "{both} are taken by both, {stricter} by OpenSSL alone");
}
