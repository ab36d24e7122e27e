//! What an estate looks after.

use crate::config::estate::Limits;
use crate::config::secrets::Secrets;
use std::path::PathBuf;
use std::time::Duration;

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

    /// A service with a name and a URL alone.
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

/// A path, for the mount that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// The path, absolute and without `..`.
    pub path: PathBuf,
    /// Limits of its own.
    pub disk: Option<Limits>,
    /// Whether the path must be a mount point, regardless of `/etc/fstab`.
    pub mount_point: bool,
    /// Whether it is critical that it is not mounted, or has turned read-only; a warning otherwise.
    pub critical: bool,
}

/// One `[[unit]]`: a systemd unit of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name with its suffix: `nginx.service`.
    pub name: String,
    /// Whether a unit that is not active is critical; a warning otherwise.
    pub critical: bool,
}

/// One `[[postgres]]`: one database of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Its name, unique among databases.
    pub name: String,
    /// How to reach it as a role that cannot act: a libpq string, a URL, or a service. A password is in it only as
    /// `password=secret:NAME`.
    pub watch: String,
    /// How acts reach it; without it, nothing that acts on it is offered.
    pub act: Option<String>,
    /// From how many bytes on the bloat of one relation warns; [`Self::BLOAT_SIZE`] otherwise.
    pub bloat_size: Option<u64>,
    /// From which age on a transaction that waits for its client, or that was prepared and left, warns;
    /// [`Self::TRANSACTION_AGE`] otherwise.
    pub transaction_age: Option<Duration>,
    /// From how many bytes on WAL warns that is kept for an unused slot or waits to be archived; [`Self::KEPT_WAL`] otherwise.
    pub kept_wal: Option<u64>,
    /// Whether it is critical that it is down; a warning otherwise.
    pub critical: bool,
}

impl Postgres {
    /// From how many bytes on the bloat of one relation warns unless the file says otherwise: less is not worth a lock on anything.
    pub const BLOAT_SIZE: u64 = 100 << 20;
    /// From which age on a forgotten transaction warns unless the file says otherwise: it keeps its locks, and dead rows.
    pub const TRANSACTION_AGE: Duration = Duration::from_secs(600);
    /// From how many bytes on kept WAL warns unless the file says otherwise: four segments.
    pub const KEPT_WAL: u64 = 64 << 20;
}

/// One `[[redis]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Redis {
    /// Its name, unique among these.
    pub name: String,
    /// `redis://`, `rediss://` (TLS), `unix://` or `redis+unix://`; a user name may be in it, a password never.
    pub url: String,
    /// The secret that is the password.
    pub password: Option<String>,
    /// How acts reach it, written as `url` is; without it, nothing that acts on it is offered.
    pub act: Option<String>,
    /// The secret that is the password for `act`; that of `url` otherwise.
    pub act_password: Option<String>,
    /// The mode that it must run in; any serves where there is none.
    pub mode: Option<RedisMode>,
    /// The share of `maxmemory` from which on to warn and to be critical.
    pub memory: Option<Limits>,
    /// Whether it is critical that it is down; a warning otherwise.
    pub critical: bool,
    /// A file of certificates that the server's must lead to; the machine's own trust otherwise.
    pub ca: Option<PathBuf>,
}

/// The mode of a Redis, as INFO names it (`redis_mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisMode {
    /// A server by itself, or one with replicas.
    Standalone,
    /// A node of a cluster.
    Cluster,
    /// A sentinel.
    Sentinel,
}

impl RedisMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Standalone, Self::Cluster, Self::Sentinel];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// One `[[kubernetes]]`: one cluster, or some of its namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// Its name, unique among clusters.
    pub name: String,
    /// The kubeconfig; `$KUBECONFIG`, `~/.kube/config` or the cluster we run in otherwise.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one otherwise.
    pub context: Option<String>,
    /// The namespaces that are watched; the context's own where none is named.
    pub namespaces: Vec<String>,
    /// Whether it is critical that its API is down; a warning otherwise.
    pub critical: bool,
    /// The workloads that must be there.
    pub workloads: Vec<Workload>,
}

/// A workload that must be there: `deployment/api`, or `deployment/shop/api` where several namespaces are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// `deployment`, `statefulset` or `daemonset`.
    pub kind: String,
    /// Its namespace; the only one that is watched otherwise.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Workload {
    /// Every kind.
    pub const KINDS: [&str; 3] = ["deployment", "statefulset", "daemonset"];

    /// Reads `kind/name` or `kind/namespace/name`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return None,
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let is_name = |name: &str| (1..=253).contains(&name.len()) && name.bytes().all(plain);
        let fits = Self::KINDS.contains(&kind) && is_name(name) && namespace.as_deref().is_none_or(is_name);
        fits.then(|| Self { kind: kind.to_owned(), namespace, name: name.to_owned() })
    }
}

/// One `[[certificate]]`: what a file holds, what an endpoint serves, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its name, unique among certificates.
    pub name: String,
    /// `host:port` of the endpoint.
    pub connect: Option<String>,
    /// The name that is asked for (SNI) and must be in the certificate; the host of `connect` otherwise.
    pub server_name: Option<String>,
    /// A PEM or DER file, a bundle, or a directory of these.
    pub file: Option<PathBuf>,
    /// A file of the roots that what is served must lead to; the machine's own trust otherwise.
    pub ca: Option<PathBuf>,
    /// Fewer whole days left than this: a warning.
    pub warn_days: u32,
    /// Fewer whole days left than this: critical.
    pub critical_days: u32,
}

impl Certificate {
    /// Days left below which a certificate warns unless the file says otherwise: certbot renews at 30.
    pub const WARN_DAYS: u32 = 30;
    /// Days left below which it is critical unless the file says otherwise.
    pub const CRITICAL_DAYS: u32 = 7;
    /// How long an endpoint may take to serve its certificate.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}

/// One `[[backup]]`: a series of backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its name, unique among backups.
    pub name: String,
    /// Where its members lie.
    pub place: BackupPlace,
    /// A newest backup older than this is critical.
    pub max_age: Duration,
    /// How far apart its members are meant to be; taken from the series itself otherwise.
    pub every: Option<Duration>,
    /// A newest member smaller than this is critical.
    pub min_size: Option<u64>,
    /// Patterns of members whose series have ended; they are not judged.
    pub ended: Vec<String>,
}

/// Where the members of a series of backups lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupPlace {
    /// Files or directories by a pattern whose last part may hold `*` and `?`: `/backups/*.dump`.
    Files(String),
    /// A prefix of an object store.
    Objects(Box<ObjectPlace>),
}

/// A prefix of an object store, with what is needed to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// `s3://bucket/prefix/`.
    pub prefix: String,
    /// The estate's `[[store]]` of this bucket; the `AWS_*` variables say how to reach it otherwise.
    pub store: Option<Store>,
    /// The places of the secrets that the store names.
    pub secrets: Secrets,
}

/// One `[[store]]`: a bucket of an S3-compatible object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its name, unique among stores.
    pub name: String,
    /// The bucket, unique among stores.
    pub bucket: String,
    /// Where it answers, `http` or `https`; Amazon's own otherwise.
    pub endpoint: Option<String>,
    /// Its region; `AWS_REGION`, or `us-east-1`, otherwise.
    pub region: Option<String>,
    /// The secret that is the access key's id; `AWS_ACCESS_KEY_ID`, or what the machine is given, otherwise.
    pub access_key: Option<String>,
    /// The secret that is the access key itself; `AWS_SECRET_ACCESS_KEY` otherwise.
    pub secret_key: Option<String>,
    /// The secret that is the session's token; `AWS_SESSION_TOKEN` otherwise, unless both keys are set here.
    pub token: Option<String>,
    /// A file of certificates that the server's must lead to, beside the machine's own trust.
    pub ca: Option<PathBuf>,
}

/// One `[[notify]]`: a receiver of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name, unique among receivers.
    pub name: String,
    /// How it is reached.
    pub way: Way,
}

/// How a receiver is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By e-mail.
    Mail {
        /// The addresses.
        to: Vec<String>,
        /// Where it is handed in: `smtps://`, `smtp://`, or `smtp://…?tls=required` (STARTTLS); with the user who logs in,
        /// who is the sender otherwise.
        smtp: String,
        /// The sender; `midwatch@` this host where none is named.
        from: Option<String>,
        /// The secret that is the password.
        password: Option<String>,
    },
    /// By a POST of JSON.
    Webhook {
        /// The URL.
        url: Address,
        /// The secret that is the bearer token.
        token: Option<String>,
    },
    /// By a POST as Slack and those like it take it.
    Slack {
        /// The URL.
        url: Address,
    },
    /// By a program that reads the text on standard input.
    Program {
        /// The program's absolute path, and its arguments.
        argv: Vec<String>,
    },
}

/// A URL, or the secret that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The URL itself.
    Plain(String),
    /// The name of the secret.
    Secret(String),
}
