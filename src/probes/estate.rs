//! From an estate to what is read of it.

use crate::config::estate::{Estate, Limits, Service as Configured};
use crate::config::libpq::Access;
use crate::config::paths::Surroundings;
use crate::probes::target::{Cluster, Database, Mount, RedisServer, Service, Target, Thresholds};

/// What an estate wants read: this host, its mounts, and everything that it names.
#[must_use]
pub fn targets(estate: &Estate, around: &Surroundings) -> Vec<Target> {
    let disk = thresholds(estate.thresholds.disk);
    let mut targets = Target::host();
    // Mount points that cannot be listed leave the host's other rows; the mounts of the estate say why themselves.
    targets.extend(Target::mounts(disk).unwrap_or_default());
    targets.extend(estate.mounts.iter().map(|mount| {
        let thresholds = mount.disk.map_or(disk, thresholds);
        Target::Mount(Mount { path: mount.path.clone(), thresholds, own: true })
    }));
    targets.extend(estate.services.iter().map(|service| Target::Service(watched(service))));
    targets.extend(estate.units.iter().cloned().map(Target::Unit));
    if estate.failed_units {
        targets.push(Target::FailedUnits);
    }
    for entry in &estate.postgres {
        let (secrets, around) = (estate.secrets.clone(), around.clone());
        let watch = Access { written: entry.watch.clone(), secrets, around };
        let database = Database { name: entry.name.clone(), watch, can_act: entry.act.is_some() };
        targets.extend([Target::Postgres(database.clone()), Target::Bloat(database)]);
    }
    targets.extend(estate.redis.iter().cloned().map(|entry| {
        let (secrets, around) = (estate.secrets.clone(), around.clone());
        Target::Redis(RedisServer { entry, secrets, around })
    }));
    let cluster = |entry| Target::Kubernetes(Cluster { entry, around: around.clone() });
    targets.extend(estate.kubernetes.iter().cloned().map(cluster));
    targets.extend(estate.certificates.iter().cloned().map(Target::Certificate));
    targets.extend(estate.backups.iter().cloned().map(Target::Backup));
    targets
}

fn thresholds(limits: Limits) -> Thresholds {
    Thresholds { warn: limits.warn, critical: limits.critical }
}

fn watched(service: &Configured) -> Service {
    Service {
        timeout: service.timeout,
        status: service.status.clone(),
        critical: service.critical,
        every: Some(service.every),
        ..Service::new(service.name.clone(), service.url.clone())
    }
}
