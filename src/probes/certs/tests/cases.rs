//! Certificates as they are met, one case a file, judged at one moment.

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The moment at which all of them are judged.
const THEN: &str = "2026-11-30T12:00:00Z";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case is.
    what: String,
    verdict: String,
    /// What the row says; of an unknown one, what its reason begins with.
    detail: String,
    /// Whether roots lie beside it that are trusted.
    #[serde(default)]
    roots: bool,
    #[serde(default)]
    facts: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Bool(bool),
    Int(i64),
    Text(String),
}

impl Expected {
    fn is(&self, fact: Option<&Fact>) -> bool {
        match (self, fact) {
            (Self::Bool(own), Some(Fact::Bool(is))) => own == is,
            (Self::Int(own), Some(Fact::Int(is))) => own == is,
            (Self::Text(own), Some(Fact::Text(is))) => own == is,
            _ => false,
        }
    }
}

/// What is wrong with what is read of a case.
fn wrong(place: &Path, name: &str, case: &Case) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    // A checkout may be one that others can write to, and then its roots are not believed.
    let copied = |from: String, to: &str| {
        let to = dir.path().join(to);
        fs::write(&to, fs::read(place.join(from)).unwrap()).unwrap();
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        to
    };
    let mut target = of_file(copied(format!("{name}.pem"), "it.pem"));
    target.ca = case.roots.then(|| copied(format!("{name}.roots"), "roots.pem"));
    let found = look(&target, None, at(THEN)).map(|mut found| found.remove(0).seen.map_err(|loss| loss.to_string()));
    match found.and_then(|seen| seen) {
        Ok(seen) => {
            let is_stated = match seen.verdict {
                Verdict::Unknown => seen.detail.starts_with(&case.detail),
                _ => seen.detail == case.detail,
            };
            let lacking = case.facts.iter().find(|(fact, expected)| !expected.is(seen.facts.get(fact.as_str())));
            let lacking = lacking.map(|(fact, _)| format!("{fact}: {:?}", seen.facts.get(fact.as_str())));
            let shown = format!("{} · {}", seen.verdict.word(), seen.detail);
            (seen.verdict.word() != case.verdict || !is_stated || lacking.is_some())
                .then(|| format!("{shown} {}", lacking.unwrap_or_default()))
        }
        Err(why) => (case.verdict != "unknown" || !why.starts_with(&case.detail)).then_some(why),
    }
}

#[test]
fn every_case_is_judged_as_it_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let (mut failed, mut cases) = (Vec::new(), 0);
    for file in fs::read_dir(&place).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        cases += 1;
        let case: Case =
            toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        let name = path.file_stem().unwrap().to_str().unwrap();
        if let Some(found) = wrong(&place, name, &case) {
            failed.push(format!(
                "{name}: {}\n  expected {} · {}\n  found    {found}",
                case.what, case.verdict, case.detail
            ));
        }
    }
    assert!(cases >= 60, "only {cases} cases in {}", place.display());
    assert!(failed.is_empty(), "{} of {cases} cases are wrong\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn openssl_reads_a_file_of_certificates_exactly_where_it_is_not_unknown() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let mut shapes = 0;
    for file in fs::read_dir(&place).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|ending| ending != "pem") || !name.starts_with("pem-") {
            continue;
        }
        shapes += 1;
        let bundled =
            std::process::Command::new("openssl").args(["crl2pkcs7", "-nocrl", "-certfile"]).arg(&path).output();
        let openssl = bundled.unwrap();
        let all = count_in(&openssl.stdout);
        let own = pem::certificates(&fs::read(&path).unwrap(), pem::MEMBERS);
        let good =
            own.certificates.iter().filter(|one| one.as_ref().is_ok_and(|der| parse::parse(der).is_ok())).count();
        let is_whole = good == own.total && own.total > 0;
        assert!(!is_whole || all == good, "{name}: OpenSSL reads {all}, here are {good}");
    }
    assert!(shapes >= 20, "only {shapes} shapes");
}

/// How many certificates a PKCS#7 of OpenSSL holds.
fn count_in(pkcs7: &[u8]) -> usize {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut openssl = Command::new("openssl");
    openssl
        .args(["pkcs7", "-print_certs", "-noout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = openssl.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(pkcs7);
    let lines = child.wait_with_output().unwrap().stdout;
    String::from_utf8_lossy(&lines).lines().filter(|line| line.starts_with("subject=")).count()
}
