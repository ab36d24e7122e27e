//! From an estate to what is read of it.

use crate::config::estate::{Estate, Postgres};
use crate::config::libpq::Access;
use crate::config::paths::Surroundings;
use crate::probes::target::{Cluster, Database, Mount, RedisServer, Target};

/// What an estate wants read: this host, its mounts, and everything that it names.
#[must_use]
pub fn targets(estate: &Estate, around: &Surroundings) -> Vec<Target> {
    let disk = estate.thresholds.disk;
    let mut targets = Target::host(estate.thresholds.cpu);
    // A mount that the estate names has one row, with the limits that it has there.
    let is_named = |target: &Target| match target {
        Target::Mount(found) => estate.mounts.iter().any(|named| named.path == found.path),
        _ => false,
    };
    targets.extend(Target::mounts(disk).into_iter().filter(|target| !is_named(target)));
    targets.extend(estate.mounts.iter().map(|mount| {
        Target::Mount(Mount {
            path: mount.path.clone(),
            limits: mount.disk.unwrap_or(disk),
            own: true,
            mount_point: mount.mount_point,
            critical: mount.critical,
        })
    }));
    targets.extend(estate.services.iter().cloned().map(Target::Service));
    targets.extend(estate.units.iter().cloned().map(Target::Unit));
    if estate.failed_units {
        targets.push(Target::FailedUnits);
    }
    for entry in &estate.postgres {
        let (secrets, around) = (estate.secrets.clone(), around.clone());
        let watch = Access { written: entry.watch.clone(), secrets, around };
        let (name, can_act, critical) = (entry.name.clone(), entry.act.is_some(), entry.critical);
        let bloat_size = entry.bloat_size.unwrap_or(Postgres::BLOAT_SIZE);
        let transaction_age = entry.transaction_age.unwrap_or(Postgres::TRANSACTION_AGE);
        let kept_wal = entry.kept_wal.unwrap_or(Postgres::KEPT_WAL);
        let database = Database { name, watch, can_act, critical, bloat_size, transaction_age, kept_wal };
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
    targets.extend(estate.unread.iter().cloned().map(Target::Unread));
    targets
}
