//! The demo's own authority: a root, one authority below it, and certificates in every state, some of them served.
//!
//! ```text
//!  Midwatch Demo Root ── Demo R1 ─┬─ novacron.io       served, as its file has it
//!    tls/root.pem                 ├─ api.novacron.io · renewed in its file; what is served is the one before it
//!                                 ├─ shop.novacron.io  due in 9 days          live/NAME/{fullchain,privkey}.pem
//!                                 ├─ *.novacron.io     expired
//!                                 └─ next.novacron.io  not valid yet
//! ```
//! No machine trusts that root; the estate file names it, so that the rows say what is wrong with each certificate and nothing else.

use crate::demo::build;
use crate::demo::clients;
use crate::domain::Wall;
use crate::domain::error::{Error, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// How long a client may stay.
const CLIENT_LIMIT: Duration = Duration::from_secs(10);
/// How many clients there are at the same time.
const CLIENTS: usize = 64;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Certificates in their files, and an endpoint that serves some of them until this is dropped.
pub struct Certificates {
    /// Their entries in the estate file.
    pub entries: String,
    task: JoinHandle<()>,
}

/// A certificate of the demo: from when to when it is valid, in days from now.
struct Plan {
    name: &'static str,
    host: &'static str,
    valid: (i64, i64),
    /// The one that is served, where one is: from when to when it is valid; the same as in the file where that is the same.
    served: Option<(i64, i64)>,
}

const PLANS: [Plan; 5] = [
    Plan { name: "novacron.io", host: "novacron.io", valid: (-29, 61), served: Some((-29, 61)) },
    Plan { name: "api.novacron.io", host: "api.novacron.io", valid: (-1, 89), served: Some((-49, 41)) },
    Plan { name: "shop.novacron.io", host: "shop.novacron.io", valid: (-81, 9), served: None },
    Plan { name: "wildcard.novacron.io", host: "*.novacron.io", valid: (-93, -3), served: None },
    Plan { name: "next.novacron.io", host: "next.novacron.io", valid: (9, 99), served: None },
];

impl Certificates {
    /// Makes them in a directory, as of `now`, and serves them on a free loopback port, on the current runtime.
    ///
    /// # Errors
    /// A file cannot be written, or no port can be had.
    pub async fn start(dir: &Path, now: Wall) -> Result<Self> {
        let doing = |cause| Error::machine("serve TLS on 127.0.0.1", cause);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(doing)?;
        let connect = listener.local_addr().map_err(doing)?.to_string();
        let tls = dir.join("tls");
        let authority = Authority::new(now)?;
        let root = tls.join("root.pem");
        directory(&tls)?;
        build::write(&root, authority.root.pem().as_bytes(), now)?;
        let mut served = ResolvesServerCertUsingSni::new();
        let mut entries = String::new();
        for plan in &PLANS {
            let live = tls.join("live").join(plan.name);
            let own = authority.make(plan, plan.valid)?;
            own.write(&live, now)?;
            let file = live.join("fullchain.pem");
            let _ = write!(entries, "\n[[certificate]]\nname = {}\nfile = {}\n", quoted(plan.name), path(&file)?);
            let Some(valid) = plan.served else { continue };
            let shown = if valid == plan.valid { own } else { authority.make(plan, valid)? };
            served.add(plan.host, shown.certified()?).map_err(failed)?;
            let (connect, host, root) = (quoted(&connect), quoted(plan.host), path(&root)?);
            let _ = write!(entries, "connect = {connect}\nserver_name = {host}\nca = {root}\n");
        }
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(failed)?.with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_cert_resolver(Arc::new(served))));
        Ok(Self { entries, task: tokio::spawn(serve(listener, acceptor)) })
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until aborted.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    let meet = |stream| {
        let acceptor = acceptor.clone();
        let seen = async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                // Nothing is sent here: the client has seen the certificate.
                let _ = stream.read(&mut [0; 64]).await;
            }
        };
        async { drop(tokio::time::timeout(CLIENT_LIMIT, seen).await) }
    };
    clients::meet(listener, CLIENTS, meet).await;
}

struct Authority {
    root: Issuer,
    below: Issuer,
    now: Wall,
}

impl Authority {
    fn new(now: Wall) -> Result<Self> {
        let params = |name: &str, until: i64| {
            let mut params = named(name, (-400, until), now);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params
        };
        let key = || KeyPair::generate().map_err(failed);
        let root = Issuer::self_signed(params("Midwatch Demo Root", 3000), key()?).map_err(failed)?;
        let below = Issuer::signed_by(params("Demo R1", 800), key()?, &root).map_err(failed)?;
        Ok(Self { root, below, now })
    }

    fn make(&self, plan: &Plan, valid: (i64, i64)) -> Result<Made> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = named(plan.host, valid, self.now);
        let names = CertificateParams::new(vec![plan.host.to_owned()]).map_err(failed)?;
        params.subject_alt_names = names.subject_alt_names;
        let own = params.signed_by(&key, &self.below).map_err(failed)?;
        let chain = vec![own.der().clone(), self.below.der().clone()];
        Ok(Made { pem: own.pem() + &self.below.pem(), chain, key })
    }
}

/// A certificate with its chain and its key.
struct Made {
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Made {
    fn write(&self, live: &Path, now: Wall) -> Result<()> {
        directory(live)?;
        build::write(&live.join("fullchain.pem"), self.pem.as_bytes(), now)?;
        let key = live.join("privkey.pem");
        build::write(&key, self.key.serialize_pem().as_bytes(), now)?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))
            .map_err(|cause| Error::machine(format_args!("write {}", key.display()), cause))
    }

    fn certified(self) -> Result<CertifiedKey> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).map_err(failed)?;
        Ok(CertifiedKey::new(self.chain, ring::sign::any_supported_type(&key).map_err(failed)?))
    }
}

/// A subject that is valid between two days from now; half a day more, so that a demo shows the same days for as long as it is looked at.
fn named(name: &str, (from, until): (i64, i64), now: Wall) -> CertificateParams {
    let at = |days: i64| {
        let seconds = now.0.as_second().saturating_add(days * DAY + DAY / 2);
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (at(from), at(until));
    params
}

fn directory(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| Error::machine(format_args!("make {}", path.display()), cause))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| failed(format_args!("{}: the path is not UTF-8", path.display())))?;
    Ok(quoted(text))
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::machine("make the demo's certificates", cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::estate::Estate;
    use crate::domain::{Fact, Verdict};
    use crate::probes::{Target, read_all};

    #[tokio::test]
    async fn the_rows_say_what_each_certificate_and_each_backup_is() {
        let dir = tempfile::tempdir().unwrap();
        let now = crate::probes::clock::now().wall;
        let certificates = Certificates::start(dir.path(), now).await.unwrap();
        let built = build::build(dir.path(), now, &[], None, &certificates.entries).unwrap();
        let estate = Estate::load(&built.config).unwrap();
        let stores = estate.certificates.iter().cloned().map(Target::Certificate);
        let targets = stores.chain(estate.backups.iter().cloned().map(Target::Backup)).collect();
        let rows = read_all(targets, Duration::from_secs(20)).await;
        let seen: Vec<_> = rows
            .iter()
            .map(|all| (all.target.as_str(), all.rows[0].observation.as_ref().unwrap_or_else(|| panic!("{all:?}"))))
            .collect();
        let valid_from = build::before(now, Duration::ZERO).plus(Duration::from_secs(9 * 86_400 + 43_200)).date();
        let expected = [
            ("novacron.io", Verdict::Ok, "61 d · Demo R1".to_owned()),
            ("api.novacron.io", Verdict::Warn, "41 d · Demo R1 · served ≠ file".to_owned()),
            ("shop.novacron.io", Verdict::Warn, "9 d · Demo R1".to_owned()),
            ("wildcard.novacron.io", Verdict::Critical, "expired 2 d ago".to_owned()),
            ("next.novacron.io", Verdict::Critical, format!("not valid before {valid_from}")),
        ];
        let facts: Vec<_> = seen.iter().map(|(name, seen)| (*name, seen.verdict, seen.detail.clone())).collect();
        assert_eq!(facts[..5], expected);
        assert!(seen[0].1.facts["chain"] == Fact::Text("trusted".into()));
        assert_eq!(seen[2].1.facts["lineage"], Fact::Text("shop.novacron.io".into()));

        let sets: Vec<_> = facts[5..].iter().map(|(name, verdict, _)| (*name, *verdict)).collect();
        assert_eq!(sets, [("files", Verdict::Ok), ("database", Verdict::Critical), ("configs", Verdict::Critical)]);
        assert!(facts[5].2.contains("· verified · 96 KiB"), "{}", facts[5].2);
        assert_eq!(facts[6].2, "31 h old · limit 24 h · verified · 64 KiB");
        assert!(facts[7].2.contains("· checksum wrong · 14 KiB"), "{}", facts[7].2);
    }
}
