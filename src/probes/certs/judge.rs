//! What certificates mean: facts, verdict and the words of the row.
//!
//! | what | verdict |
//! |---|---|
//! | expired, or not valid yet | critical |
//! | fewer whole days left than `critical_days`, than `warn_days` | critical, warn |
//! | an issuer in the chain that ends sooner | as if it were the certificate's own end |
//! | not for the name that is asked for | critical: every client refuses it |
//! | served without the key of the certificate | critical |
//! | the served chain leads to no trusted root | warn with the machine's trust, which clients may not share; critical with `ca` |
//! | served ≠ file | warn: a reload is due, and the served one's own days say when it hurts |
//! | the chain, the name or the file cannot be checked | unknown, unless something is worse |
//!
//! Of what lies in a file, the chain is told and not judged: a file may well hold the certificate alone.

use crate::domain::{Fact, Observation, Verdict, Wall, quantity};
use crate::probes::certs::chain::{Chain, issuers};
use crate::probes::certs::parse::Parsed;
use crate::probes::certs::pem::Held;
use crate::probes::said::Said;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// 9999-12-31T23:59:59Z: no well-defined end (RFC 5280, 4.1.2.5).
const NEVER: i64 = 253_402_300_799;

/// A certificate with the others that came with it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The one that is judged: the first, or the first that is no CA's.
    pub leaf: Parsed,
    /// The others that could be read.
    pub others: Vec<Parsed>,
    /// How many certificates there are in all.
    pub total: usize,
    /// What was not read.
    pub cut: Option<String>,
}

impl Bundle {
    /// Reads what is held.
    ///
    /// # Errors
    /// Why the first certificate cannot be read; what is wrong with a later one is among what was not read.
    pub fn new(held: &Held, first_alone: bool) -> Result<Self, String> {
        use crate::probes::certs::parse::parse;
        let mut all = held.certificates.iter().map(|one| one.as_ref().map_err(Clone::clone).and_then(|der| parse(der)));
        let first = all.next().ok_or("no certificate in it")??;
        let mut cut = held.cut.clone();
        let mut others = Vec::new();
        for (number, other) in (2..).zip(all) {
            match other {
                Ok(other) => others.push(other),
                Err(why) => cut = cut.or(Some(format!("certificate {number}: {why}"))),
            }
        }
        let mut leaf = first;
        if leaf.is_ca
            && !first_alone
            && let Some(own) = others.iter_mut().find(|other| !other.is_ca)
        {
            std::mem::swap(&mut leaf, own);
        }
        Ok(Self { leaf, others, total: held.total, cut })
    }
}

/// Everything that is known of one certificate.
pub struct Known<'a> {
    /// The certificate.
    pub bundle: &'a Bundle,
    /// Days left below which it warns and is critical.
    pub limits: (u32, u32),
    /// Where its chain leads.
    pub chain: &'a Chain,
    /// What a chain to no root is worth; `None` where it is only told.
    pub untrusted: Option<Verdict>,
    /// The name it must be for, and whether it is.
    pub name: Option<(&'a str, Result<bool, String>)>,
    /// The certificate in the file, where one is served, too.
    pub file: Option<Result<Parsed, String>>,
    /// Whether whoever served it lacks its key.
    pub forged: bool,
    /// Further facts: where it was read.
    pub places: Vec<(&'static str, String)>,
}

/// Judges it at a moment.
#[must_use]
pub fn judge(known: &Known<'_>, now: Wall) -> Observation {
    let seconds = now.0.as_second();
    let leaf = &known.bundle.leaf;
    let mut said = Said { verdict: Verdict::Ok, words: Vec::new() };
    let (verdict, words) = own_time(leaf, known.limits, seconds);
    said.say(verdict, words);
    if is_in_time(leaf, seconds) {
        said.say(Verdict::Ok, leaf.issuer_word.clone());
    }
    let soonest = issuers(leaf, &known.bundle.others).into_iter().min_by_key(|issuer| issuer.not_after.unix);
    if let Some(issuer) = soonest.filter(|issuer| issuer.not_after.unix < leaf.not_after.unix) {
        let (verdict, words) = own_time(issuer, known.limits, seconds);
        if verdict != Verdict::Ok {
            said.say(verdict, format!("issuer {}: {words}", issuer.subject_word));
        }
    }
    if known.forged {
        said.say(Verdict::Critical, "served without its key".to_owned());
    }
    match &known.name {
        Some((name, Ok(false))) => said.say(Verdict::Critical, format!("not for {name}")),
        Some((_, Err(why))) => said.say(Verdict::Unknown, why.clone()),
        _ => {}
    }
    match (known.chain, known.untrusted) {
        (Chain::Untrusted(why), Some(verdict)) => said.say(verdict, why.clone()),
        (Chain::Unknown(why), Some(_)) => said.say(Verdict::Unknown, why.clone()),
        _ => {}
    }
    match &known.file {
        Some(Ok(file)) if file.der != leaf.der => said.say(Verdict::Warn, "served ≠ file".to_owned()),
        Some(Err(why)) => said.say(Verdict::Unknown, format!("file: {why}")),
        _ => {}
    }
    let facts = facts(known, soonest, seconds);
    Observation { verdict: said.verdict, detail: said.words.join(" · "), facts, observed_at: now, trend: None }
}

fn is_in_time(leaf: &Parsed, now: i64) -> bool {
    now >= leaf.not_before.unix && now <= leaf.not_after.unix
}

/// Whole days until a certificate's end, rounded down: negative as soon as it is over.
fn days_left(certificate: &Parsed, now: i64) -> i64 {
    certificate.not_after.unix.saturating_sub(now).div_euclid(DAY)
}

/// What a certificate's own dates mean.
fn own_time(certificate: &Parsed, (warn, critical): (u32, u32), now: i64) -> (Verdict, String) {
    let left = certificate.not_after.unix.saturating_sub(now);
    let days = days_left(certificate, now);
    let span = |seconds: i64| {
        let seconds = seconds.unsigned_abs();
        if seconds < DAY.unsigned_abs() {
            quantity::age(Duration::from_secs(seconds.max(60)))
        } else {
            format!("{} d", seconds / DAY.unsigned_abs())
        }
    };
    if left < 0 {
        return (Verdict::Critical, format!("expired {} ago", span(left)));
    }
    if now < certificate.not_before.unix {
        return (Verdict::Critical, format!("not valid before {}", certificate.not_before.date));
    }
    let verdict = if days < i64::from(critical) {
        Verdict::Critical
    } else if days < i64::from(warn) {
        Verdict::Warn
    } else {
        Verdict::Ok
    };
    let words = if certificate.not_after.unix >= NEVER { "never expires".to_owned() } else { span(left) };
    (verdict, words)
}

fn facts(known: &Known<'_>, soonest: Option<&Parsed>, now: i64) -> BTreeMap<&'static str, Fact> {
    let (bundle, leaf) = (known.bundle, &known.bundle.leaf);
    let mut names = leaf.names.join(", ");
    if leaf.more_names > 0 {
        names.push_str(&format!(" and {} more", quantity::count(u64::try_from(leaf.more_names).unwrap_or(u64::MAX))));
    }
    let chain = match known.chain {
        Chain::Trusted => "trusted".to_owned(),
        Chain::Untrusted(why) | Chain::Unknown(why) => why.clone(),
    };
    let text = |text: &str| Fact::Text(text.to_owned());
    let mut facts = BTreeMap::from([
        ("not_before", text(&leaf.not_before.text)),
        ("not_after", text(&leaf.not_after.text)),
        ("days_left", Fact::Int(days_left(leaf, now))),
        ("serial", text(&leaf.serial)),
        ("subject", text(&leaf.subject)),
        ("issuer", text(&leaf.issuer)),
        ("names", Fact::Text(names)),
        ("fingerprint_sha256", text(leaf.fingerprint.as_str())),
        ("key", text(&leaf.key)),
        ("self_signed", Fact::Bool(leaf.self_issued)),
        ("is_ca", Fact::Bool(leaf.is_ca)),
        ("chain_length", Fact::Int(i64::try_from(bundle.total).unwrap_or(i64::MAX))),
        ("chain", Fact::Text(chain)),
    ]);
    facts.extend(soonest.map(|issuer| ("chain_days_left", Fact::Int(days_left(issuer, now)))));
    facts.extend(bundle.cut.as_ref().map(|cut| ("not_read", text(cut))));
    if let Some((name, matches)) = &known.name {
        facts.insert("name", text(name));
        facts.extend(matches.as_ref().ok().map(|matches| ("name_matches", Fact::Bool(*matches))));
    }
    let (warn, critical) = known.limits;
    facts.extend([("warn_days", Fact::Int(warn.into())), ("critical_days", Fact::Int(critical.into()))]);
    match &known.file {
        Some(Ok(file)) => facts.extend(beside(leaf, file)),
        Some(Err(why)) => facts.extend([("file_lost", text(why))]),
        None => {}
    }
    facts.extend(known.places.iter().map(|(key, place)| (*key, text(place))));
    facts
}

/// The certificate in the file beside the one that is served: only where it is another one.
fn beside(served: &Parsed, file: &Parsed) -> Vec<(&'static str, Fact)> {
    if file.der == served.der {
        return vec![("served_matches_file", Fact::Bool(true))];
    }
    let text = |text: &str| Fact::Text(text.to_owned());
    let newer = match file.not_before.unix.cmp(&served.not_before.unix) {
        Ordering::Greater => Some("file"),
        Ordering::Less => Some("served"),
        Ordering::Equal => None,
    };
    let facts = [
        ("served_matches_file", Fact::Bool(false)),
        ("file_serial", text(&file.serial)),
        ("file_issuer", text(&file.issuer)),
        ("file_not_before", text(&file.not_before.text)),
        ("file_not_after", text(&file.not_after.text)),
        ("file_fingerprint_sha256", text(file.fingerprint.as_str())),
    ];
    facts.into_iter().chain(newer.map(|newer| ("newer", text(newer)))).collect()
}
