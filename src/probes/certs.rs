//! Certificates in files and as endpoints serve them.
//!
//! ```text
//!  endpoint ── serve ──> held ─┐
//!                              ├─ judge: parse, chain, is_for ──> finding
//!  file, directory ── files ───┘
//! ```
//! An endpoint is one row; a file too, and each file of a directory that holds certificates. Where both are named, the row is of what
//! is served, and says whether the file holds the same. `judge` says what is critical and what warns.
//!
//! Facts: `not_before` `not_after` (RFC 3339, UTC) `days_left` (whole days, rounded down; negative when it is over) `serial` `subject`
//! `issuer` `names` `fingerprint_sha256` `key` `self_signed` `is_ca` `chain_length` `chain` (`trusted`, or why not) `chain_days_left`
//! (of the issuer that ends first) `expired` (how many of them have) `name` `name_matches` `served_matches_file` `file_lost` `not_read` (what a limit left out) `endpoint`
//! `path` `lineage` (of certbot) `key_file` `key_matches` (the first certificate of the file) `key_not_read` (why that is not known).

mod chain;
mod element;
mod files;
mod judge;
mod key;
mod kind;
mod members;
mod name;
mod order;
mod parse;
pub mod pem;
mod plain;
mod private;
mod rights;
mod serve;
mod signed;
mod strict;

use crate::config::estate::Certificate;
use crate::domain::{Finding, Loss, Observation, Verdict, Wall};
use crate::probes::blocking::Blocking;
use crate::probes::certs::chain::{Chain, Followed};
use crate::probes::certs::judge::{Bundle, Known};
use crate::probes::certs::pem::Held;
use crate::probes::certs::private::{Match, Private};
use crate::probes::certs::serve::Served;
use crate::probes::{clock, panics};
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

pub(crate) use chain::Trust;

/// How many certificates are read at the same time.
static TURNS: Semaphore = Semaphore::const_new(64);
/// How long files may take to be read; a hung NFS server never answers.
const FILES_DEADLINE: Duration = Duration::from_secs(4);

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Certificate) -> String {
    let endpoint = target.connect.as_ref().map(|connect| match &target.server_name {
        Some(name) => format!("{connect} as {name}"),
        None => connect.clone(),
    });
    let file = target.file.as_ref().map(|file| file.display().to_string());
    let all: Vec<String> = endpoint.into_iter().chain(file).collect();
    all.join(" and ")
}

/// Reads one target again and again.
pub struct CertReader {
    target: Certificate,
    blocking: Blocking<Vec<Finding>>,
}

impl CertReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Certificate) -> Self {
        Self { target, blocking: Blocking::new("certificates") }
    }

    /// Reads once.
    ///
    /// # Errors
    /// Why nothing was learnt.
    pub async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        // Waiting for a turn is nobody's fault: the deadlines start after it.
        let _turn = TURNS.acquire().await.map_err(|cause| cause.to_string())?;
        let served = match &self.target.connect {
            Some(connect) => Some(serve::ask(connect, name(&self.target)?, Certificate::TIMEOUT).await?),
            None => None,
        };
        let target = self.target.clone();
        let work = move || look(&target, served.as_ref(), clock::now().wall);
        Ok(self.blocking.within(FILES_DEADLINE, work).await?)
    }
}

/// Why a chain that rustls takes is refused by clients that use OpenSSL; its dates and its signatures have been verified.
pub(crate) fn forbidden(
    own: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    trust: &Trust,
    now: i64,
) -> Option<String> {
    let leaf = match parse::parse(own) {
        Ok(leaf) => leaf,
        Err(why) => return Some(why),
    };
    if let Some((_, why)) = leaf.flaw {
        return Some(why);
    }
    let others: Vec<_> = others.iter().filter_map(|other| parse::parse(other).ok()).collect();
    match chain::follow(&leaf, &others, trust, now).chain {
        Chain::Trusted | Chain::Tolerated(_) => None,
        Chain::Untrusted(why) | Chain::Unknown(why) => Some(why),
    }
}

/// The name that an endpoint is asked for.
fn name(target: &Certificate) -> Result<&str, String> {
    match (&target.server_name, &target.connect) {
        (Some(name), _) => Ok(name),
        (None, Some(connect)) => Ok(serve::parts(connect)?.0),
        (None, None) => Err("no name".to_owned()),
    }
}

/// Reads the files and judges everything.
fn look(target: &Certificate, served: Option<&Served>, now: Wall) -> Result<Vec<Finding>, String> {
    let (trust, untrusted) = trust(target);
    let eye = Eye { target, trust, untrusted, now };
    if let Some(served) = served {
        return Ok(vec![Finding::of_target(guarded(|| eye.served(served))?)]);
    }
    let path = target.file.as_deref().ok_or("neither an endpoint nor a file is named")?;
    if path.is_dir() && files::lineage_file(path).is_none() {
        return eye.directory(path);
    }
    Ok(vec![Finding::of_target(guarded(|| eye.file(path))?)])
}

/// What chains must lead to, and what one that leads elsewhere is worth.
fn trust(target: &Certificate) -> (Arc<Trust>, Verdict) {
    match &target.ca {
        Some(path) => (Arc::new(Trust::of_file(path)), Verdict::Critical),
        None => (Trust::machine(), Verdict::Warn),
    }
}

/// The certificates of a file, or of the lineage that a directory is.
fn held(path: &Path) -> Result<Held, String> {
    let inner = files::lineage_file(path);
    files::read(inner.as_deref().unwrap_or(path), pem::MEMBERS)
}

/// The certificates of a file with the key that belongs to them.
struct Kept {
    bundle: Bundle,
    key: Option<Private>,
}

impl Kept {
    fn new(held: &Held, path: &Path) -> Result<Self, String> {
        let bundle = Bundle::new(held, false)?;
        let inner = files::lineage_file(path);
        // A CA's key is none of what is kept beside a list of CAs.
        let key = if bundle.of_cas { None } else { Private::beside(inner.as_deref().unwrap_or(path)) };
        Ok(Self { bundle, key })
    }

    fn order(&self) -> Option<(Verdict, String)> {
        order::judge(&self.bundle, self.key.as_ref())
    }

    fn private(&self) -> Option<(Match, PathBuf)> {
        self.key.as_ref().map(|key| (key.of(&self.bundle.in_order()), key.path.clone()))
    }
}

struct Eye<'a> {
    target: &'a Certificate,
    trust: Arc<Trust>,
    untrusted: Verdict,
    now: Wall,
}

impl Eye<'_> {
    fn served(&self, served: &Served) -> Result<Observation, String> {
        let bundle = Bundle::new(&served.held, true)?;
        let name = name(self.target)?;
        let followed = self.follow(&bundle);
        let kept = self.target.file.as_deref().map(|path| Kept::new(&held(path)?, path)).transpose();
        let (order, private) = match &kept {
            Ok(Some(kept)) => (kept.order(), kept.private()),
            _ => (None, None),
        };
        let file = kept.map(|kept| kept.map(|kept| kept.bundle.leaf)).transpose();
        let mut places = self.target.file.as_deref().map(places).unwrap_or_default();
        places.extend(self.target.connect.clone().map(|connect| ("endpoint", connect)));
        let known = Known {
            bundle: &bundle,
            limits: self.limits(),
            followed: &followed,
            untrusted: Some(self.untrusted),
            name: Some((name, chain::is_for(&bundle.leaf, name))),
            file,
            order: order.map(|(verdict, words)| (verdict, format!("file: {words}"))),
            private,
            forged: served.forged,
            places,
        };
        Ok(judge::judge(&known, self.now))
    }

    fn file(&self, path: &Path) -> Result<Observation, String> {
        self.judged(&held(path)?, path, self.target.server_name.as_deref())
    }

    fn directory(&self, path: &Path) -> Result<Vec<Finding>, String> {
        let listing = files::list(path, pem::MEMBERS)?;
        if listing.entries.is_empty() {
            return Err("no certificate in this directory".to_owned());
        }
        let found = |entry: files::Entry| {
            let seen = entry.held.and_then(|held| guarded(|| self.judged(&held, &entry.path, None)));
            Finding { source: Some(entry.path.display().to_string()), ..Finding::of(entry.name, seen) }
        };
        let mut rows: Vec<Finding> = listing.entries.into_iter().map(found).collect();
        if listing.unread > 0 {
            let why = format!("{} more files are not read", listing.unread);
            rows.push(Finding { object: None, source: None, seen: Err(why.into()) });
        }
        Ok(rows)
    }

    fn judged(&self, held: &Held, path: &Path, name: Option<&str>) -> Result<Observation, String> {
        let mut kept = Kept::new(held, path)?;
        let (order, private) = (kept.order(), kept.private());
        members::lead_by_worst(&mut kept.bundle, self.limits(), self.now.0.as_second());
        let bundle = &kept.bundle;
        let followed = self.follow(bundle);
        let known = Known {
            bundle,
            limits: self.limits(),
            followed: &followed,
            untrusted: None,
            name: name.map(|name| (name, chain::is_for(&bundle.leaf, name))),
            file: None,
            order,
            private,
            forged: false,
            places: places(path),
        };
        Ok(judge::judge(&known, self.now))
    }

    fn follow<'a>(&self, bundle: &'a Bundle) -> Followed<'a> {
        chain::follow(&bundle.leaf, &bundle.others, &self.trust, self.now.0.as_second())
    }

    fn limits(&self) -> (u32, u32) {
        (self.target.warn_days, self.target.critical_days)
    }
}

/// Keeps a panic of a library to the one file that it is about.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panics::caught_at_once(work)?
}

/// Where a file is, with the lineage it belongs to.
fn places(path: &Path) -> Vec<(&'static str, String)> {
    let inner = files::lineage_file(path).unwrap_or_else(|| path.to_owned());
    let lineage = files::lineage(&inner).map(|name| ("lineage", name));
    lineage.into_iter().chain([("path", inner.display().to_string())]).collect()
}

#[cfg(test)]
mod tests;
