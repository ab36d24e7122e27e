use super::*;
use crate::domain::Fact;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::fs;
use std::path::PathBuf;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod places;
#[cfg(test)]
mod served;

/// The moment at which these tests judge, unless they read for real.
const NOW: &str = "2026-11-22T12:00:00Z";

type Ca = CertifiedIssuer<'static, KeyPair>;

fn at(moment: &str) -> Wall {
    Wall(moment.parse().unwrap())
}

fn named(common: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

/// Valid from some days from now on until others; what is left of the last day is an hour.
fn valid(mut params: CertificateParams, from: i64, until: i64) -> CertificateParams {
    let day = |days: i64, hours: i64| {
        let now = clock::now().wall.0.as_second();
        rcgen::date_time_ymd(1970, 1, 1)
            + Duration::from_secs(u64::try_from(now + days * 86_400 + hours * 3600).unwrap())
    };
    (params.not_before, params.not_after) = (day(from, 0), day(until, 1));
    params
}

fn host(names: &[&str], from: i64, until: i64) -> CertificateParams {
    let mut params = named(names[0]);
    let all = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.subject_alt_names = all.subject_alt_names;
    valid(params, from, until)
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = valid(named(name), -10, 1000);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn root(name: &str) -> Ca {
    CertifiedIssuer::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap()
}

fn entry() -> Certificate {
    Certificate {
        name: "it".into(),
        connect: None,
        server_name: None,
        file: None,
        ca: None,
        warn_days: 30,
        critical_days: 7,
    }
}

fn of_file(path: impl Into<PathBuf>) -> Certificate {
    Certificate { file: Some(path.into()), ..entry() }
}

/// The one row of a target that is read.
async fn one(target: Certificate) -> Result<Observation, String> {
    let mut found = CertReader::new(target).read().await?;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).seen.map_err(String::from)
}

fn text(seen: &Observation, fact: &str) -> String {
    match &seen.facts[fact] {
        Fact::Text(text) => text.clone(),
        other => panic!("{fact}: {other:?}"),
    }
}

#[test]
fn a_panic_of_a_library_is_a_reason() {
    assert_eq!(guarded(|| Ok(7)), Ok(7));
    let why = guarded(|| -> Result<u8, String> { panic!("year out of range") }).unwrap_err();
    assert!(why.starts_with("the probe crashed, which is a defect of Midwatch"), "{why}");
}
