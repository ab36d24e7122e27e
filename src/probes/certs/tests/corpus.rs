//! Certificates that nobody should have made.

use super::*;
use rcgen::{
    DnValue, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SanType, SignatureAlgorithm,
};
use std::process::Command;

/// An RSA key of 16,384 bits that nobody has the other half of: making one takes minutes, and only its size is read.
struct Huge(Vec<u8>);

impl Huge {
    fn new() -> Self {
        let modulus = [&[0x02, 0x82, 0x08, 0x01, 0x00][..], &[0xc5; 2048]].concat();
        let inner = [&modulus[..], &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
        Self([&[0x30, 0x82], &u16::try_from(inner.len()).unwrap().to_be_bytes()[..], &inner].concat())
    }
}

impl PublicKeyData for Huge {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn made(params: &CertificateParams) -> Vec<u8> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// The same bytes with every occurrence of some of them made into others.
fn with(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = der.to_vec();
    let found: Vec<usize> = (0..der.len() - from.len()).filter(|start| der[*start..].starts_with(from)).collect();
    assert!(!found.is_empty(), "nothing to change");
    for start in found {
        out[start..start + to.len()].copy_from_slice(to);
    }
    out
}

fn with_serial(serial: &[u8]) -> Vec<u8> {
    let mut params = named("serial");
    params.serial_number = Some(vec![0x11; serial.len()].into());
    let element = |bytes: &[u8]| [&[0x02, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    with(&made(&params), &element(&vec![0x11; serial.len()]), &element(serial))
}

/// Each hostile certificate that is still one, by name.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let year = |from: i32, until: i32| {
        let mut params = named("years");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 12, 31) + Duration::from_secs(86_399);
        made(&params)
    };
    let mut nobody = CertificateParams::default();
    nobody.distinguished_name = rcgen::DistinguishedName::new();
    let mut names = named("many");
    names.distinguished_name.push(DnType::OrganizationName, "Let's Encrypt, \"Inc\" + Söhne");
    names.distinguished_name.push(DnType::CountryName, DnValue::PrintableString("US".try_into().unwrap()));
    names.subject_alt_names = vec![
        SanType::DnsName("*.novacron.io".try_into().unwrap()),
        SanType::DnsName("novacron.io".try_into().unwrap()),
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
    ];
    let ca = root("root of 16k");
    let huge = named("16k").signed_by(&Huge::new(), &ca).unwrap().der().to_vec();
    let of = |algorithm| named("key").self_signed(&KeyPair::generate_for(algorithm).unwrap()).unwrap().der().to_vec();
    vec![
        ("plain", made(&named("plain"))),
        ("no CN, no SAN", made(&nobody)),
        ("names", made(&names)),
        ("NUL and ESC", made(&named("a\0b\x1b[31mred"))),
        ("not yet valid", year(2050, 2051)),
        ("9999", year(2020, 9999)),
        ("1950", year(1950, 1951)),
        ("negative serial", with_serial(&[0x80, 0x01, 0x02])),
        ("minus one", with_serial(&[0xff])),
        ("long serial", with_serial(&[0x7f; 20])),
        ("RSA 16k", huge),
        (
            "unknown key",
            with(&made(&named("key")), &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 9]),
        ),
        (
            "unknown signature",
            with(
                &made(&named("sig")),
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 9],
            ),
        ),
        ("P-384", of(&PKCS_ECDSA_P384_SHA384)),
        ("Ed25519", of(&PKCS_ED25519)),
    ]
}

fn observed(der: &[u8], now: &str) -> Result<Observation, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("it.der");
    fs::write(&path, der).unwrap();
    look(&of_file(&path), None, at(now)).and_then(|mut found| found.remove(0).seen.map_err(String::from))
}

#[test]
fn openssl_reads_the_same_from_every_one() {
    let dir = tempfile::tempdir().unwrap();
    for (name, der) in corpus() {
        let path = dir.path().join("it.der");
        fs::write(&path, &der).unwrap();
        let openssl = Command::new("openssl")
            .args([
                "x509",
                "-inform",
                "DER",
                "-noout",
                "-serial",
                "-subject",
                "-issuer",
                "-dates",
                "-fingerprint",
                "-sha256",
            ])
            .args([
                "-dateopt",
                "iso_8601",
                "-nameopt",
                "esc_2253,esc_ctrl,utf8,sep_comma_plus,dn_rev,sname,dump_unknown,dump_der",
                "-ext",
                "subjectAltName",
                "-in",
            ])
            .arg(&path)
            .output()
            .unwrap();
        assert!(openssl.status.success(), "{name}: {openssl:?}");
        let output = String::from_utf8_lossy(&openssl.stdout).into_owned();
        let line = |key: &str| output.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
        let seen = observed(&der, NOW).unwrap();
        let moment = |key: &str| line(key).replace(' ', "T");
        assert_eq!(text(&seen, "serial"), line("serial="), "{name}");
        assert_eq!(text(&seen, "subject"), line("subject=").trim_start(), "{name}");
        assert_eq!(text(&seen, "issuer"), line("issuer=").trim_start(), "{name}");
        assert_eq!(text(&seen, "not_before"), moment("notBefore="), "{name}");
        assert_eq!(text(&seen, "not_after"), moment("notAfter="), "{name}");
        let digest = line("sha256 Fingerprint=").replace(':', "").to_lowercase();
        assert_eq!(text(&seen, "fingerprint_sha256"), digest, "{name}");
        let names = line("    ").replace("DNS:", "").replace("IP Address:", "");
        assert_eq!(text(&seen, "names"), names, "{name}");
    }
}

#[test]
fn each_is_a_row_that_says_what_it_is_and_takes_no_time() {
    let expected = [
        ("NUL and ESC", Verdict::Ok, "755726 d · a\0b\x1b[31mred"),
        ("no CN, no SAN", Verdict::Ok, "755726 d · its issuer has no name"),
        ("not yet valid", Verdict::Critical, "not valid before 2050-01-01"),
        ("9999", Verdict::Ok, "never expires · years"),
        ("1950", Verdict::Critical, "expired 27354 d ago"),
        ("negative serial", Verdict::Critical, "self-signed, and the signature is wrong · serial"),
    ];
    let corpus = corpus();
    for (name, verdict, detail) in expected {
        let (_, der) = corpus.iter().find(|(own, _)| *own == name).unwrap();
        let seen = observed(der, NOW).unwrap();
        assert_eq!((seen.verdict, seen.detail.as_str()), (verdict, detail), "{name}");
    }
    let keys = [
        ("RSA 16k", "RSA 16384"),
        ("plain", "EC P-256"),
        ("P-384", "EC P-384"),
        ("Ed25519", "Ed25519"),
        ("unknown key", "1.2.840.10045.2.9"),
    ];
    for (name, key) in keys {
        let (_, der) = corpus.iter().find(|(own, _)| *own == name).unwrap();
        assert_eq!(text(&observed(der, NOW).unwrap(), "key"), key, "{name}");
    }
    for (name, der) in &corpus {
        // Each ends, whatever it is: with an observation or a reason.
        assert!(observed(der, NOW).map_or_else(|why| !why.is_empty(), |seen| !seen.detail.is_empty()), "{name}");
    }
}

#[test]
fn days_are_floored_at_every_edge() {
    let mut params = named("edge");
    params.not_before = rcgen::date_time_ymd(2026, 11, 1);
    params.not_after = rcgen::date_time_ymd(2026, 12, 1);
    let der = made(&params);
    let cases = [
        ("2026-10-31T00:00:00Z", 31, Verdict::Critical, "not valid before 2026-11-01"),
        ("2026-10-31T23:59:59Z", 30, Verdict::Critical, "not valid before 2026-11-01 00:00 UTC"),
        ("2026-11-01T00:00:00Z", 30, Verdict::Ok, "30 d · edge"),
        ("2026-11-01T00:00:01Z", 29, Verdict::Warn, "29 d · edge"),
        ("2026-11-24T00:00:00Z", 7, Verdict::Warn, "7 d · edge"),
        ("2026-11-24T00:00:01Z", 6, Verdict::Critical, "6 d · edge"),
        ("2026-11-30T19:00:00Z", 0, Verdict::Critical, "5 h · edge"),
        ("2026-12-01T00:00:00Z", 0, Verdict::Critical, "1 m · edge"),
        ("2026-12-01T00:00:01Z", -1, Verdict::Critical, "expired 1 m ago"),
        ("2026-12-03T06:00:00Z", -3, Verdict::Critical, "expired 2 d ago"),
    ];
    // Whatever the moment is, the row and its facts tell the same days.
    let end = cases[7].0.parse::<jiff::Timestamp>().unwrap().as_second() - 1;
    for second in (-70 * 86_400..40 * 86_400).step_by(10_800).flat_map(|near| [near - 1, near, near + 1]) {
        let now = jiff::Timestamp::from_second(end + second).unwrap().to_string();
        let seen = observed(&der, &now).unwrap();
        let text = crate::domain::facts::format_fact("days_left", &seen.facts["days_left"]);
        let row = seen.detail.split(" · ").next().unwrap();
        match row.split_once(' ') {
            Some(("expired", ago)) if ago.ends_with(" d ago") => {
                assert_eq!(text, format!("0 d, expired {ago}"), "{now}");
            }
            Some(("expired", _)) => assert_eq!(text, "0 d, expired less than 1 d ago", "{now}"),
            Some(("not", _)) => {}
            Some((_, "d")) => assert_eq!(text, row, "{now}"),
            _ => assert_eq!(text, "0 d", "{now}: {row}"),
        }
    }
    for (now, days, verdict, detail) in cases {
        let seen = observed(&der, now).unwrap();
        assert_eq!((&seen.facts["days_left"], seen.verdict, seen.detail.as_str()), (&Fact::Int(days), verdict, detail));
    }
}

#[test]
fn no_truncation_and_no_flipped_byte_breaks_the_reader() {
    let (_, der) = corpus().into_iter().find(|(name, _)| *name == "names").unwrap();
    for end in 0..der.len() {
        assert!(parse::parse(&der[..end]).is_err(), "cut to {end} bytes");
    }
    let mut read = 0;
    for place in 0..der.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut wrong = der.clone();
            wrong[place] ^= change;
            let held = pem::certificates(&wrong, pem::LONGEST);
            let Ok(bundle) = Bundle::new(&held, false) else { continue };
            read += 1;
            let trust = Trust::of_file(Path::new("/nothing"));
            let followed = chain::follow(&bundle.leaf, &bundle.others, &trust, 0);
            let known = Known {
                bundle: &bundle,
                limits: (30, 7),
                followed: &followed,
                untrusted: None,
                name: Some(("a", chain::is_for(&bundle.leaf, "a"))),
                file: None,
                order: None,
                private: None,
                forged: false,
                places: Vec::new(),
            };
            assert!(!judge::judge(&known, at(NOW)).detail.is_empty());
        }
    }
    assert!(read > 100, "most flips are in the key, the signature and the names: {read}");
}

#[test]
fn what_is_no_certificate_is_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let good = made(&named("good"));
    let mut fat = vec![0x30, 0x84, 0, 0x98, 0x96, 0x80];
    fat.resize(10_000_006, 0);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("empty", vec![], "the file is empty"),
        ("words", b"a page of words\n".to_vec(), "no certificate in it"),
        ("random", vec![0x30, 0x82, 1, 0, 9, 9, 9], "not a certificate: "),
        ("cut", good[..good.len() - 7].to_vec(), "not a certificate: "),
        ("fat", fat, "a certificate of more than 64 KiB"),
        ("pkcs7", b"-----BEGIN PKCS7-----\nAQID\n-----END PKCS7-----\n".to_vec(), "PKCS#7 is not read"),
        (
            "late",
            [vec![b'\n'; 3 << 20], b"-----BEGIN CERTIFICATE-----".to_vec()].concat(),
            "no certificate in its first 2 MiB",
        ),
    ];
    for (name, bytes, expected) in cases {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let why = look(&of_file(&path), None, at(NOW)).unwrap_err();
        assert!(why.starts_with(expected), "{name}: {why}");
    }
    assert_eq!(look(&of_file("/nothing/at/all"), None, at(NOW)).unwrap_err(), "no such file");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(look(&of_file(dir.path().join("pipe")), None, at(NOW)).unwrap_err(), "not a regular file");
}

/// Elements of a kind within one another, each a whole one: the lengths are right.
fn nested(tag: u8, times: usize) -> Vec<u8> {
    let mut back: Vec<u8> = vec![0x00, 0x05];
    for _ in 0..times {
        let length = u32::try_from(back.len()).unwrap().to_le_bytes();
        back.extend(length);
        back.extend([0x84, tag]);
    }
    back.reverse();
    back
}

#[test]
fn what_nests_without_end_is_no_certificate() {
    let dir = tempfile::tempdir().unwrap();
    // Sequences, sets, and the tags that a certificate and its extensions begin with.
    for tag in [0x30, 0x31, 0xa0, 0xa3, 0xa4] {
        let deep = nested(tag, 10_000);
        assert!(parse::parse(&deep).is_err(), "{tag:x}");
        let path = dir.path().join("deep");
        fs::write(&path, &deep).unwrap();
        look(&of_file(&path), None, at(NOW)).unwrap_err();
    }
    // Within a certificate that is one otherwise: as an extension that is read, as one that is not, and as a name.
    for (oid, tag) in
        [(&[2, 5, 29, 17][..], 0xa4), (&[2, 5, 29, 17], 0x30), (&[2, 5, 29, 32], 0x30), (&[1, 2, 3], 0x30)]
    {
        let mut params = named("deep");
        let extension = rcgen::CustomExtension::from_oid_content(oid, nested(tag, 5_000));
        params.custom_extensions.push(extension);
        let _ = parse::parse(&made(&params));
    }
}

#[test]
fn a_chain_of_ten_thousand_is_read_to_its_limit_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chain.pem");
    let one = named("one").self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    fs::write(&path, one.repeat(10_000)).unwrap();
    let seen = look(&of_file(&path), None, at(NOW)).unwrap().remove(0).seen.unwrap();
    let Fact::Int(length) = seen.facts["chain_length"] else { panic!() };
    assert!(length > 1000, "{length}");
    assert_eq!(text(&seen, "not_read"), "only the first 2 MiB are read");
    assert_eq!(seen.verdict, Verdict::Unknown, "{}", seen.detail);
    fs::write(&path, one.repeat(1050)).unwrap();
    let seen = look(&of_file(&path), None, at(NOW)).unwrap().remove(0).seen.unwrap();
    assert_eq!(
        (&seen.facts["chain_length"], text(&seen, "not_read").as_str()),
        (&Fact::Int(1050), "only the first 1000 certificates are read")
    );
}
