//! What is read, and how often.

use crate::config::estate::{self, Limits};
use crate::config::libpq::Access;
use crate::config::paths::Surroundings;
use crate::config::secrets::Secrets;
use crate::domain::{Fact, Row, Section, TargetKind, Verdict};
use crate::probes::{self, backups, certs, http, mounts, postgres, units};
use std::path::PathBuf;
use std::time::Duration;

/// One thing to read; it becomes one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A part of this machine, with the limits that the estate has for it.
    Host(HostPart, Option<Limits>),
    /// A mounted file system.
    Mount(Mount),
    /// The mounts of this machine, where the mount table could not be read.
    Mounts,
    /// An HTTP service.
    Service(estate::Service),
    /// A systemd unit.
    Unit(estate::Unit),
    /// Every failed systemd unit of this host.
    FailedUnits,
    /// A PostgreSQL database: whether it answers, its replication, its connections.
    Postgres(Database),
    /// The tables and indexes of a PostgreSQL database.
    Bloat(Database),
    /// A Redis.
    Redis(RedisServer),
    /// A Kubernetes cluster.
    Kubernetes(Cluster),
    /// Certificates.
    Certificate(estate::Certificate),
    /// A series of backups.
    Backup(estate::Backup),
    /// What discovery could not find out.
    Unread(estate::Unread),
}

/// A database to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// How to reach it as a role that only looks.
    pub watch: Access,
    /// Whether the estate also says how to act on it.
    pub can_act: bool,
    /// Whether it is critical that it is down; a warning otherwise.
    pub critical: bool,
    /// From how many bytes on the bloat of one relation warns.
    pub bloat_size: u64,
    /// From which age on a transaction that waits for its client, or that was prepared and left, warns.
    pub transaction_age: Duration,
    /// From how many bytes on WAL warns that is kept for what does not take it.
    pub kept_wal: u64,
}

/// A Redis to read.
#[derive(Clone, Debug, PartialEq)]
pub struct RedisServer {
    /// What the estate says of it.
    pub entry: estate::Redis,
    /// The secrets that it may name.
    pub secrets: Secrets,
    /// The variables.
    pub around: Surroundings,
}

/// A cluster to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// What the estate says of it.
    pub entry: estate::Kubernetes,
    /// The variables: `KUBECONFIG`, `HOME`, and those of a pod.
    pub around: Surroundings,
}

/// A part of this machine that has a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPart {
    /// The busy share of all processors over a stated interval.
    Cpu,
    /// Memory, by what is available to programs.
    Memory,
    /// Swap.
    Swap,
    /// Pressure: the share of time in which work waited for a resource.
    Pressure,
    /// The load averages against the number of cores.
    Load,
}

/// A mounted file system to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// A mount point; of an own entry, any path in the mount that is meant.
    pub path: PathBuf,
    /// Its limits, for space and for inodes.
    pub limits: Limits,
    /// Whether it is an entry of the estate. Such an entry stands for the mount that holds its path; a discovered one is lost
    /// as soon as nothing is mounted there, because its figures would be those of the mount above it.
    pub own: bool,
    /// Whether its path must be a mount point, whatever this host says of it.
    pub mount_point: bool,
    /// Whether it is critical that it is not mounted, or has turned read-only; a warning otherwise.
    pub critical: bool,
}

/// How often each kind of target is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    /// Parts of the host.
    pub host: Duration,
    /// Mounts.
    pub mount: Duration,
    /// Units, databases, Redis servers and clusters.
    pub source: Duration,
    /// The tables and indexes of a database.
    pub bloat: Duration,
    /// Certificates and backups.
    pub store: Duration,
}

impl Default for Every {
    /// 5 s for what changes by the second, 10 s for servers, 15 s for mounts, a minute for bloat and what lies in files.
    fn default() -> Self {
        Self {
            host: Duration::from_secs(5),
            mount: Duration::from_secs(15),
            source: Duration::from_secs(10),
            bloat: Duration::from_secs(60),
            store: Duration::from_secs(60),
        }
    }
}

impl HostPart {
    /// Every part, in reading order.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Swap, Self::Pressure, Self::Load];

    /// The one word for it; the row's target.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Pressure => "pressure",
            Self::Load => "load",
        }
    }

    /// The file it is read from.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Cpu => "/proc/stat",
            Self::Memory | Self::Swap => "/proc/meminfo",
            Self::Pressure => "/proc/pressure",
            Self::Load => "/proc/loadavg",
        }
    }
}

impl Target {
    /// Every part of this machine; `cpu` are the limits of the busy share of its processors.
    #[must_use]
    pub fn host(cpu: Option<Limits>) -> Vec<Self> {
        let limits = |part| if part == HostPart::Cpu { cpu } else { None };
        HostPart::ALL.into_iter().map(|part| Self::Host(part, limits(part))).collect()
    }

    /// Every real mount of this machine, now, all with the same limits. Where the mount table cannot be read, one target stands
    /// for them all and says why.
    #[must_use]
    pub fn mounts(limits: Limits) -> Vec<Self> {
        let mount = |path| Self::Mount(Mount { path, limits, own: false, mount_point: false, critical: true });
        match mounts::discover() {
            Ok(found) => found.into_iter().map(mount).collect(),
            Err(_) => vec![Self::Mounts],
        }
    }

    /// The pane that shows its rows.
    #[must_use]
    pub fn section(&self) -> Section {
        self.unread(Every::default()).kind.section()
    }

    /// How often it is read.
    #[must_use]
    pub fn every(&self, every: Every) -> Duration {
        match self {
            Self::Host(..) => every.host,
            Self::Mount(_) | Self::Mounts => every.mount,
            Self::Service(service) => service.every,
            Self::Unit(_) | Self::FailedUnits | Self::Postgres(_) | Self::Redis(_) | Self::Kubernetes(_) => {
                every.source
            }
            Self::Bloat(_) => every.bloat,
            Self::Certificate(_) | Self::Backup(_) | Self::Unread(_) => every.store,
        }
    }

    /// How long one reading may take before it counts as lost.
    ///
    /// Sources that know better end earlier by themselves.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        match self {
            Self::Service(service) => service.timeout.saturating_add(Duration::from_secs(60)),
            // 64 are read at a time; waiting for a turn is not the endpoint's fault.
            Self::Certificate(_) => estate::Certificate::TIMEOUT + Duration::from_secs(60),
            Self::Bloat(_) | Self::Backup(_) => Duration::from_secs(30),
            _ => Duration::from_secs(10),
        }
    }

    /// How bad it is that it provably does not serve.
    #[must_use]
    pub fn down(&self) -> Verdict {
        let critical = match self {
            // A mount that the estate does not name may be left over from earlier.
            Self::Mount(mount) => mount.critical && mount.own,
            Self::Service(service) => service.critical,
            Self::Unit(unit) => unit.critical,
            Self::Postgres(database) | Self::Bloat(database) => database.critical,
            Self::Redis(server) => server.entry.critical,
            Self::Kubernetes(cluster) => cluster.entry.critical,
            Self::Host(..) | Self::Mounts | Self::FailedUnits => true,
            Self::Certificate(_) | Self::Backup(_) | Self::Unread(_) => true,
        };
        if critical { Verdict::Critical } else { Verdict::Warn }
    }

    /// The facts that are known of it without a reading.
    #[must_use]
    pub fn own(&self) -> Vec<(&'static str, Fact)> {
        match self {
            Self::Service(service) => vec![("url", Fact::Text(http::without_credentials(&service.url)))],
            Self::Mount(mount) => {
                let path = mount.path.to_string_lossy().into_owned();
                vec![("path", Fact::Text(path)), ("configured", Fact::Bool(mount.own))]
            }
            _ => Vec::new(),
        }
    }

    /// Its row before the first reading.
    #[must_use]
    pub fn unread(&self, every: Every) -> Row {
        let (kind, target, source) = match self {
            Self::Host(part, _) => (TargetKind::Host, part.word().to_owned(), part.source().to_owned()),
            Self::Mount(mount) => {
                let path = mount.path.to_string_lossy().into_owned();
                let source = format!("statvfs {path}");
                (TargetKind::Mount, path, source)
            }
            Self::Mounts => (TargetKind::Mount, "mounts".to_owned(), mounts::TABLE.to_owned()),
            Self::Service(service) => {
                (TargetKind::Service, service.name.clone(), http::without_credentials(&service.url))
            }
            Self::Unit(unit) => (TargetKind::Unit, unit.name.clone(), units::SOURCE.to_owned()),
            Self::FailedUnits => (TargetKind::Unit, "failed units".to_owned(), units::SOURCE.to_owned()),
            Self::Postgres(database) => (TargetKind::Postgres, database.name.clone(), postgres::source(database)),
            Self::Bloat(database) => (TargetKind::Bloat, database.name.clone(), postgres::source(database)),
            Self::Redis(server) => (TargetKind::Redis, server.entry.name.clone(), probes::redis::source(server)),
            Self::Kubernetes(cluster) => {
                (TargetKind::Kubernetes, cluster.entry.name.clone(), probes::kube::source(cluster))
            }
            Self::Certificate(entry) => (TargetKind::Certificate, entry.name.clone(), certs::source(entry)),
            Self::Backup(entry) => (TargetKind::Backup, entry.name.clone(), backups::source(entry)),
            Self::Unread(unread) => (unread.kind, unread.name.clone(), "discovery".to_owned()),
        };
        Row::unread(kind, target, source, self.every(every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unread_row_names_its_target_and_hides_a_password() {
        let every = Every::default();
        let mut service = estate::Service::new("api", "http://admin:hunter2@127.0.0.1:1/health");
        service.every = Duration::from_secs(30);
        let row = Target::Service(service).unread(every);
        assert_eq!((row.kind, row.target.as_str(), row.every), (TargetKind::Service, "api", Duration::from_secs(30)));
        assert_eq!(row.source, "http://127.0.0.1:1/health");
        let mount =
            Mount { path: "/srv/cell0".into(), limits: Limits::DISK, own: true, mount_point: false, critical: true };
        let row = Target::Mount(mount).unread(every);
        assert_eq!((row.target.as_str(), row.every), ("/srv/cell0", every.mount));
        assert!(row.observation.is_none() && row.lost.is_none());
    }
}
