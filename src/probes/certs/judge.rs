//! What certificates mean: facts, verdict and the words of the row.
//!
//! | what | verdict |
//! |---|---|
//! | expired, or not valid yet | critical |
//! | fewer whole days left than `critical_days`, than `warn_days` | critical, warn |
//! | an issuer on the path that clients take, and that ends sooner | as if it were the certificate's own end |
//! | another certificate of the file, or one that is served beside that path | see `members` |
//! | a key of RSA of less than 2048 bits in it | warn |
//! | signed with MD5 or SHA-1, it or an issuer below the root | critical where it is served: clients refuse it; warn in a file |
//! | what no client takes: an extension, dates, a signature of its own that is wrong | critical |
//! | an issuer beside it that did not sign it, or may not | critical |
//! | a CA's own certificate, served | warn: clients that use rustls refuse it, those with OpenSSL do not |
//! | not for the name that is asked for | critical: every client refuses it |
//! | served without the key of the certificate | critical |
//! | the served chain leads to no trusted root | warn with the machine's trust, which clients may not share; critical with `ca` |
//! | served ≠ file | warn: a reload is due, and the served one's own days say when it hurts |
//! | a file in an order, or beside a key, that servers do not take | see `order` |
//! | the chain, the name or the file cannot be checked, or not all of it was read | unknown, unless something is worse |
//!
//! Of a bundle of CAs every member is judged, and the row names the worst.
//!
//! Of what lies in a file, the chain is told and not judged: a file may well hold the certificate alone.

use crate::domain::{Fact, Observation, Verdict, Wall, quantity};
use crate::probes::certs::chain::{self, Chain, Followed};
use crate::probes::certs::members::{self, Others};
use crate::probes::certs::parse::{Moment, Parsed};
use crate::probes::certs::pem::Held;
use crate::probes::certs::private::Match;
use crate::probes::certs::rights;
use crate::probes::certs::signed::{self, Signature};
use crate::probes::sentence::Sentence;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    /// Whether all of them are of CAs.
    pub of_cas: bool,
    /// How many stand before the one that is judged.
    pub at: usize,
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
        let (mut leaf, mut at) = (first, 0);
        if leaf.is_ca
            && !first_alone
            && let Some((place, own)) = others.iter_mut().enumerate().find(|(_, other)| !other.is_ca)
        {
            std::mem::swap(&mut leaf, own);
            at = place + 1;
        }
        let of_cas = !first_alone && leaf.is_ca;
        Ok(Self { leaf, others, total: held.total, cut, of_cas, at })
    }

    /// All that could be read, as they stand in the file.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Parsed> {
        let mut all: Vec<&Parsed> = self.others.iter().collect();
        // The first one stands where the one that is judged did.
        if let Some(place) = self.at.checked_sub(1).filter(|place| *place < all.len()) {
            let first = all.remove(place);
            all.insert(0, first);
        }
        all.insert(self.at.min(all.len()), &self.leaf);
        all
    }
}

/// Everything that is known of one certificate.
pub struct Known<'a> {
    /// The certificate.
    pub bundle: &'a Bundle,
    /// Days left below which it warns and is critical.
    pub limits: (u32, u32),
    /// Where its chain leads, and through which others.
    pub followed: &'a Followed<'a>,
    /// What a chain to no root is worth; `None` where it is only told.
    pub untrusted: Option<Verdict>,
    /// The name it must be for, and whether it is.
    pub name: Option<(&'a str, Result<bool, String>)>,
    /// The certificate in the file, where one is served, too.
    pub file: Option<Result<Parsed, String>>,
    /// What is wrong with the order of the file, or with the key beside it.
    pub order: Option<(Verdict, String)>,
    /// Which certificate of the file the key beside it is of, with the key's place.
    pub private: Option<(Match, PathBuf)>,
    /// Whether what was signed on serving it is not signed with its key, or by one that is not checked.
    pub forged: bool,
    /// Further facts: where it was read.
    pub places: Vec<(&'static str, String)>,
}

/// Judges it at a moment.
#[must_use]
pub fn judge(known: &Known<'_>, now: Wall) -> Observation {
    let seconds = now.0.as_second();
    let bundle = known.bundle;
    let leaf = &bundle.leaf;
    let (verdict, words) = own_time(leaf, known.limits, seconds);
    let mut sentence = Sentence::of(members::verdict_of_leaf(bundle, verdict), words);
    let is_one_of_many = bundle.of_cas && !bundle.others.is_empty();
    if is_one_of_many {
        sentence.add(Verdict::Ok, leaf.subject_word.clone());
    } else if is_in_time(leaf, seconds) {
        sentence.add(Verdict::Ok, issuer_of(leaf));
    }
    let path: &[&Parsed] = if bundle.of_cas { &[] } else { &known.followed.path };
    let soonest = path.iter().copied().min_by_key(|issuer| issuer.not_after.unix);
    if let Some(issuer) = soonest.filter(|issuer| issuer.not_after.unix < leaf.not_after.unix) {
        let (verdict, words) = own_time(issuer, known.limits, seconds);
        if verdict != Verdict::Ok {
            sentence.add(verdict, format!("issuer {}: {words}", issuer.subject_word));
        }
    }
    let others = members::judge(bundle, path, known.limits, seconds, known.untrusted.is_some());
    sentence.others(&others, bundle, is_one_of_many);
    sentence.keys(known, path);
    sentence.links(known, path, seconds);
    sentence.trust(known);
    if let Some((verdict, words)) = &known.order {
        sentence.add(*verdict, words.clone());
    }
    if let Some(cut) = &bundle.cut {
        sentence.add(Verdict::Unknown, cut.clone());
    }
    let mut facts = facts(known, soonest, seconds);
    facts.insert("expired", Fact::Int(i64::try_from(others.expired).unwrap_or(i64::MAX)));
    sentence.note_reason(&mut facts);
    Observation { verdict: sentence.verdict, detail: sentence.words.join(" · "), facts, observed_at: now, trend: None }
}

impl Sentence {
    /// The worst of the others, and how many of all have expired.
    fn others(&mut self, others: &Others, bundle: &Bundle, is_one_of_many: bool) {
        let total = bundle.total;
        match &others.worst {
            Some((verdict, words)) if !is_one_of_many => self.add(*verdict, words.clone()),
            // The one that leads the row is no better.
            Some((verdict, words)) => self.weigh(*verdict, words),
            None if !is_one_of_many => return,
            None => {}
        }
        if others.expired > 0 {
            self.add(Verdict::Ok, format!("{} of {total} expired", others.expired));
        }
        if others.soon > 0 && is_one_of_many {
            self.add(Verdict::Ok, format!("{} of {total} end soon", others.soon));
        }
    }

    /// Weak keys, and a key that is not the certificate's.
    fn keys(&mut self, known: &Known<'_>, path: &[&Parsed]) {
        let leaf = &known.bundle.leaf;
        if known.forged && leaf.key.is_checked {
            self.add(Verdict::Critical, "served without its key".to_owned());
        } else if known.forged {
            let verdict = if leaf.key.is_weak { Verdict::Warn } else { Verdict::Unknown };
            self.add(verdict, leaf.key.unchecked());
        } else if leaf.key.is_weak {
            self.add(Verdict::Warn, format!("{} is weak", leaf.key.word));
        }
        if let Some(issuer) = path.iter().find(|issuer| issuer.key.is_weak && !issuer.self_issued) {
            self.add(Verdict::Warn, format!("issuer {}: {} is weak", issuer.subject_word, issuer.key.word));
        }
    }

    /// Signatures that clients refuse, and issuers that are none.
    fn links(&mut self, known: &Known<'_>, path: &[&Parsed], now: i64) {
        let leaf = &known.bundle.leaf;
        for one in std::iter::once(leaf).chain(path.iter().copied()) {
            let Signature::Weak(digest) = one.signature else { continue };
            if !one.self_issued || (one.der == leaf.der && !leaf.is_ca) {
                let verdict = if known.untrusted.is_some() { Verdict::Critical } else { Verdict::Warn };
                let whose = if one.der == leaf.der { String::new() } else { format!("issuer {}: ", one.subject_word) };
                self.add(verdict, format!("{whose}signed with {digest}, which clients refuse"));
                break;
            }
        }
        if known.bundle.of_cas || known.followed.chain == Chain::Trusted {
            return;
        }
        if let Some(issuer) = signed::impostor(leaf, &known.bundle.others) {
            self.add(Verdict::Critical, format!("not signed by the {} beside it", issuer.subject_word));
        } else if known.untrusted.is_none()
            && let Some(why) = rights::forbidden(leaf, path, None).or_else(|| chain::constrained(leaf, path, now))
        {
            self.add(Verdict::Critical, why);
        }
    }

    /// The name, the chain, and whether the file holds the same.
    fn trust(&mut self, known: &Known<'_>) {
        match &known.name {
            Some((name, Ok(false))) => self.add(Verdict::Critical, format!("not for {name}")),
            Some((_, Err(why))) => self.add(Verdict::Unknown, why.clone()),
            _ => {}
        }
        match (&known.followed.chain, known.untrusted) {
            (Chain::Untrusted(why), Some(verdict)) => self.add(verdict, why.clone()),
            (Chain::Tolerated(why), Some(_)) => self.add(Verdict::Warn, why.clone()),
            (Chain::Unknown(why), Some(_)) => self.add(Verdict::Unknown, why.clone()),
            _ => {}
        }
        match &known.file {
            Some(Ok(file)) if file.der != known.bundle.leaf.der => {
                self.add(Verdict::Warn, "served ≠ file".to_owned());
            }
            Some(Err(why)) => self.add(Verdict::Unknown, format!("file: {why}")),
            _ => {}
        }
    }
}

/// The issuer in a word; of one without a name, whose it is.
fn issuer_of(leaf: &Parsed) -> String {
    match leaf.names.first() {
        _ if !leaf.issuer_word.is_empty() => leaf.issuer_word.clone(),
        Some(name) if leaf.self_issued => name.clone(),
        _ => "its issuer has no name".to_owned(),
    }
}

fn is_in_time(leaf: &Parsed, now: i64) -> bool {
    now >= leaf.not_before.unix && now <= leaf.not_after.unix
}

/// Whole days until a certificate's end, rounded down: negative as soon as it is over, and -1 less than the whole days since then.
fn days_left(certificate: &Parsed, now: i64) -> i64 {
    match certificate.not_after.unix.saturating_sub(now) {
        left @ 0.. => left / DAY,
        over => over / DAY - 1,
    }
}

/// What a certificate's own dates mean.
pub(super) fn own_time(certificate: &Parsed, (warn, critical): (u32, u32), now: i64) -> (Verdict, String) {
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
        let Moment { unix, date, text } = &certificate.not_before;
        // Where it begins soon, the day alone would be no news.
        let time = text.get(10..16).filter(|_| unix - now < DAY).map(|time| time.replace('T', " ") + " UTC");
        return (Verdict::Critical, format!("not valid before {date}{}", time.unwrap_or_default()));
    }
    if let Some(flaw) = &certificate.flaw {
        return flaw.clone();
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
    let chain = match &known.followed.chain {
        Chain::Trusted => "trusted".to_owned(),
        Chain::Tolerated(why) | Chain::Untrusted(why) | Chain::Unknown(why) => why.clone(),
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
        ("key", text(&leaf.key.word)),
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
    if let Some((found, path)) = &known.private {
        facts.insert("key_file", Fact::Text(path.display().to_string()));
        match found {
            Match::Unknown(why) => facts.insert("key_not_read", text(why)),
            found => facts.insert("key_matches", Fact::Bool(*found == Match::First)),
        };
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
