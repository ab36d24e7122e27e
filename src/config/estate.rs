//! The estate file: everything one configuration looks after.
//!
//! The shape is told in `design.md`, section 5. Every problem of a file is found in one reading, and no
//! section is passed over, because one that is would look like a target that is well.

use crate::config::discovery::discover;
use crate::config::file::{read_trusted, refused};
use crate::config::packs::Pack;
use crate::config::paths::Surroundings;
use crate::config::reader::{Problem, Problems, parse};
use crate::config::secrets::Secrets;
use crate::domain::{Error, Fact, TargetKind, Verdict};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub mod keys;
mod policy;
mod read;
mod sources;

pub use policy::Keep;
pub use sources::{
    Address, Backup, BackupPlace, Certificate, Kubernetes, ObjectPlace, Postgres, Receiver, Redis, Store, Unit, Way,
    Workload,
};

/// How much is at stake; drawn, and weighs on confirmations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Environment {
    /// People depend on it.
    Production,
    /// A rehearsal of production.
    Staging,
    /// Anything else.
    Other,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 3] = [Self::Production, Self::Staging, Self::Other];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Other => "other",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.word() == word)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// From where on a used share is worth a warning, and from where on it is critical; ratios from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From this share on: warn.
    pub warn: f64,
    /// From this share on: critical.
    pub critical: f64,
}

impl Limits {
    /// Those of a mount that has none of its own: 80 % and 90 %.
    pub const DISK: Self = Self { warn: 0.8, critical: 0.9 };

    /// Those of the places for clients of a server: 80 % and 95 %. The first that is refused may be the one that would mend it.
    pub const CONNECTIONS: Self = Self { warn: 0.8, critical: 0.95 };

    /// The limits as facts; one that is never reached is none.
    pub fn facts(self) -> impl Iterator<Item = (&'static str, Fact)> {
        let limits = [("warn_ratio", self.warn), ("critical_ratio", self.critical)];
        limits.into_iter().filter(|(_, limit)| limit.is_finite()).map(|(name, limit)| (name, Fact::Real(limit)))
    }

    /// The verdict of a share; a share that is no number is unknown.
    #[must_use]
    pub fn judge(self, share: f64) -> Verdict {
        if share.is_nan() {
            Verdict::Unknown
        } else if share >= self.critical {
            Verdict::Critical
        } else if share >= self.warn {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }
}

/// Limits for whatever has none of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Used space and used inodes of a mount.
    pub disk: Limits,
    /// The busy share of the host's processors; `None` means that it is shown and not judged.
    pub cpu: Option<Limits>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { disk: Limits::DISK, cpu: None }
    }
}

/// An HTTP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, unique among services.
    pub name: String,
    /// What is asked for: `http` or `https`, without user or password.
    pub url: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// The status codes that are healthy; empty means any 2xx.
    pub status: Vec<u16>,
    /// Whether a failure is critical; a warning otherwise.
    pub critical: bool,
    /// How often it is asked.
    pub every: Duration,
    /// The roots that its certificate must lead to; the machine's own trust where it is `None`.
    pub ca: Option<PathBuf>,
}

impl Service {
    /// How long an answer may take unless the file says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// How often it is asked unless the file says otherwise.
    pub const EVERY: Duration = Duration::from_secs(10);

    /// A service of which nothing but its name and its URL is said.
    #[must_use]
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            timeout: Self::TIMEOUT,
            status: Vec::new(),
            critical: true,
            every: Self::EVERY,
            ca: None,
        }
    }

    /// Whether an answer with this status code is healthy.
    #[must_use]
    pub fn is_healthy(&self, status: u16) -> bool {
        if self.status.is_empty() { (200..300).contains(&status) } else { self.status.contains(&status) }
    }
}

/// A path that stands for the mount that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// The path, absolute and without `..`.
    pub path: PathBuf,
    /// Limits of its own.
    pub disk: Option<Limits>,
    /// Whether the path must be a mount point, whatever `/etc/fstab` says.
    pub mount_point: bool,
    /// Whether it is critical that it is not mounted, or has turned read-only; a warning otherwise.
    pub critical: bool,
}

/// What discovery was meant to find out and could not: a row that is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// What kind of row it is.
    pub kind: TargetKind,
    /// The row's name.
    pub name: String,
    /// Why it is not known.
    pub why: String,
}

/// Everything one configuration looks after.
#[derive(Clone, Debug, PartialEq)]
pub struct Estate {
    /// Its name.
    pub name: String,
    /// How much is at stake.
    pub environment: Environment,
    /// The packs of built-in procedures that are offered beside the common ones.
    pub packs: Vec<Pack>,
    /// Programs that only read, by absolute path.
    pub trusted_reads: Vec<PathBuf>,
    /// Limits for whatever has none of its own.
    pub thresholds: Thresholds,
    /// Its HTTP services.
    pub services: Vec<Service>,
    /// Its mounts; every mount of this host is shown beside them.
    pub mounts: Vec<Mount>,
    /// Where its secrets lie.
    pub secrets: Secrets,
    /// Its units.
    pub units: Vec<Unit>,
    /// Whether every failed unit of this host is shown: so in a discovered estate.
    pub failed_units: bool,
    /// Its databases.
    pub postgres: Vec<Postgres>,
    /// Its Redis servers.
    pub redis: Vec<Redis>,
    /// Its clusters.
    pub kubernetes: Vec<Kubernetes>,
    /// Its certificates.
    pub certificates: Vec<Certificate>,
    /// Its backups.
    pub backups: Vec<Backup>,
    /// Buckets of object stores.
    pub stores: Vec<Store>,
    /// Who is told of what happens.
    pub receivers: Vec<Receiver>,
    /// How long its sealed runs are kept.
    pub keep: Keep,
    /// The file it was read from; `None` when it was discovered.
    pub source: Option<PathBuf>,
    /// What discovery found, a phrase each.
    pub discovered: Vec<String>,
    /// What discovery did not find or did not look for, a phrase each.
    pub not_found: Vec<String>,
    /// What could not be looked for, or was named and is wrong.
    pub unread: Vec<Unread>,
}

impl Estate {
    /// The estate of a host without a file, taken for production: what [`discover`] finds.
    #[must_use]
    pub fn discovered(hostname: &str, around: &Surroundings) -> Self {
        discover(hostname, around)
    }

    /// Reads an estate file.
    ///
    /// # Errors
    /// Kind `Usage`: the file cannot be read, or anything in it is wrong, each thing told with its line and column.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = read_trusted(path, "the estate file")?;
        Self::parse(&text, path).map_err(|problems| refused("the estate file", path, &problems))
    }

    /// Reads an estate from text; `file` is named in problems and becomes the source.
    ///
    /// # Errors
    /// Every problem of the text, in the order of their places.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::of(file);
        let mut root = parse(text, &mut problems);
        let estate = read::read(&mut root, file, &mut problems);
        match estate {
            Some(estate) if problems.is_empty() => Ok(estate),
            _ => Err(problems.into_sorted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secrets::SecretPlace;
    use std::collections::BTreeMap;
    use std::fs;

    #[test]
    fn a_whole_file_is_read() {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/estates/valid/full.toml"));
        let estate = Estate::parse(&text.unwrap(), Path::new("full.toml")).unwrap();
        let secrets = Secrets {
            places: BTreeMap::from([
                ("pg".to_owned(), SecretPlace::File("/etc/midwatch/pg.secret".into())),
                ("cache-password".to_owned(), SecretPlace::Env("CACHE_PASSWORD".to_owned())),
            ]),
        };
        let store = || Store {
            name: "backups".into(),
            bucket: "novacron-backups".into(),
            endpoint: Some("https://minio.novacron.io:9000".into()),
            region: Some("eu-central-1".into()),
            access_key: Some("cache-password".into()),
            secret_key: Some("pg".into()),
            token: None,
            ca: Some("/etc/midwatch/ca.pem".into()),
        };
        let expected = Estate {
            name: "novacron".into(),
            environment: Environment::Staging,
            packs: vec![Pack::NovaCron],
            trusted_reads: vec!["/opt/cell0/cell0-doctor.py".into()],
            thresholds: Thresholds {
                disk: Limits { warn: 0.7, critical: 0.85 },
                cpu: Some(Limits { warn: 0.9, critical: 0.99 }),
            },
            services: vec![
                Service {
                    name: "novacron-api".into(),
                    url: "https://novacron.io/health/api".into(),
                    timeout: Duration::from_secs(2),
                    status: vec![],
                    critical: true,
                    every: Service::EVERY,
                    ca: Some("/etc/midwatch/ca.pem".into()),
                },
                Service {
                    name: "shop".into(),
                    url: "http://127.0.0.1:8080/".into(),
                    timeout: Service::TIMEOUT,
                    status: vec![200, 401],
                    critical: false,
                    every: Duration::from_secs(60),
                    ca: None,
                },
            ],
            mounts: vec![
                Mount {
                    path: "/srv/cell0".into(),
                    disk: Some(Limits { warn: 0.8, critical: 0.95 }),
                    mount_point: true,
                    critical: true,
                },
                Mount { path: "/var/log".into(), disk: None, mount_point: false, critical: false },
            ],
            secrets: secrets.clone(),
            units: vec![
                Unit { name: "nginx.service".into(), critical: true },
                Unit { name: r"getty@tty1\x2dextra.service".into(), critical: false },
            ],
            failed_units: false,
            postgres: vec![
                Postgres {
                    name: "main".into(),
                    watch: "service=novacron_watch".into(),
                    act: Some("host=db1 user='midwatch admin' password=secret:pg".into()),
                    bloat_size: Some(1 << 30),
                    critical: true,
                },
                Postgres {
                    name: "audit".into(),
                    watch: "postgresql://watch@db1:5433,db2/audit?sslmode=verify-full&password=secret:pg".into(),
                    act: None,
                    bloat_size: None,
                    critical: false,
                },
            ],
            redis: vec![
                Redis {
                    name: "cache".into(),
                    url: "rediss://watch@cache1:6380/0".into(),
                    password: Some("cache-password".into()),
                    act: Some("rediss://admin@cache1:6380/0".into()),
                    act_password: Some("pg".into()),
                    memory: Some(Limits { warn: 0.7, critical: 0.9 }),
                    critical: false,
                    ca: Some("/etc/midwatch/ca.pem".into()),
                },
                Redis {
                    name: "queue".into(),
                    url: "unix:///run/redis/queue.sock?db=1".into(),
                    password: None,
                    act: None,
                    act_password: None,
                    memory: None,
                    critical: true,
                    ca: None,
                },
            ],
            kubernetes: vec![
                Kubernetes {
                    name: "main".into(),
                    kubeconfig: Some("/etc/midwatch/kubeconfig".into()),
                    context: Some("novacron".into()),
                    namespaces: vec!["novacron".into(), "ingress-nginx".into()],
                    critical: false,
                    workloads: vec![Workload {
                        kind: "deployment".into(),
                        namespace: Some("novacron".into()),
                        name: "api".into(),
                    }],
                },
                Kubernetes {
                    name: "here".into(),
                    kubeconfig: None,
                    context: None,
                    namespaces: vec![],
                    workloads: vec![],
                    critical: true,
                },
            ],
            certificates: vec![
                Certificate {
                    name: "api".into(),
                    connect: Some("api.novacron.io:443".into()),
                    server_name: None,
                    file: Some("/etc/letsencrypt/live/api/fullchain.pem".into()),
                    ca: None,
                    warn_days: 30,
                    critical_days: 7,
                },
                Certificate {
                    name: "inner".into(),
                    connect: Some("[fd00::1]:8443".into()),
                    server_name: Some("inner.novacron.io".into()),
                    file: None,
                    ca: Some("/etc/midwatch/ca.pem".into()),
                    warn_days: 14,
                    critical_days: 3,
                },
            ],
            backups: vec![
                Backup {
                    name: "database".into(),
                    place: BackupPlace::Files("/backups/*.dump".into()),
                    max_age: Duration::from_secs(86_400),
                    every: None,
                    min_size: None,
                },
                Backup {
                    name: "objects".into(),
                    place: BackupPlace::Objects(Box::new(ObjectPlace {
                        prefix: "s3://novacron-backups/database/".into(),
                        store: Some(store()),
                        secrets: secrets.clone(),
                    })),
                    max_age: Duration::from_secs(8 * 86_400),
                    every: Some(Duration::from_secs(7 * 86_400)),
                    min_size: Some(1 << 20),
                },
            ],
            stores: vec![store()],
            receivers: vec![
                Receiver {
                    name: "oncall".into(),
                    way: Way::Mail {
                        to: vec!["oncall@novacron.io".into(), "night@novacron.io".into()],
                        smtp: "smtp://midwatch@mail.novacron.io?tls=required".into(),
                        from: Some("midwatch@novacron.io".into()),
                        password: Some("cache-password".into()),
                    },
                },
                Receiver { name: "room".into(), way: Way::Slack { url: Address::Secret("pg".into()) } },
                Receiver {
                    name: "customers".into(),
                    way: Way::Webhook {
                        url: Address::Plain("https://status.novacron.io/hook".into()),
                        token: Some("pg".into()),
                    },
                },
                Receiver {
                    name: "pager".into(),
                    way: Way::Program { argv: vec!["/opt/novacron/page".into(), "--low".into()] },
                },
            ],
            keep: Keep { runs: Some(500), age: Some(Duration::from_secs(400 * 86_400)) },
            source: Some("full.toml".into()),
            discovered: vec![],
            not_found: vec![],
            unread: vec![],
        };
        assert_eq!(estate, expected);
        assert!(expected.services[0].is_healthy(204) && !expected.services[0].is_healthy(401));
        assert!(expected.services[1].is_healthy(401) && !expected.services[1].is_healthy(204));
    }

    #[test]
    fn limits_are_reached_at_their_value_and_no_number_is_unknown() {
        let limits = Limits::DISK;
        let cases = [
            (0.799, Verdict::Ok),
            (0.8, Verdict::Warn),
            (0.899, Verdict::Warn),
            (0.9, Verdict::Critical),
            (f64::NAN, Verdict::Unknown),
        ];
        for (share, expected) in cases {
            assert_eq!(limits.judge(share), expected, "{share}");
        }
    }

    #[test]
    fn a_refused_file_is_told_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("midwatch.toml");
        fs::write(&path, "schema = 1\nname = 3\nenvironment = \"other\"\nmonut = 1\n").unwrap();
        let error = Estate::load(&path).unwrap_err();
        let told = error.to_string().replace(&path.display().to_string(), "FILE");
        let expected = "cannot use the estate file FILE: 2 things are wrong\n  FILE:2:8: `name` must be text, not a \
            whole number\n  FILE:4:1: unknown key `monut` (did you mean `mount`?)";
        assert_eq!(told, expected);
        assert_eq!(error.kind.exit_code(), 2);
    }
}
