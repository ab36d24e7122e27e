//! Resolves the name of a lock to the identity of its target, independent of its name in this estate.
//!
//! ```text
//! host            this machine's id
//! postgres:main   the server's system identifier and the database, as the server reports them
//! redis:cache     the server's replication id and the database; a replica has that of its primary
//! kubernetes:main the cluster's uid
//! anything else   itself, within its estate
//! ```
//! A target is locked twice over: by its name in the estate, and by what it is. So two names of one server collide; and a server that
//! came back with another identity, as a Redis does, is still claimed by its name.

use crate::config::estate::Estate;
use crate::config::libpq::Access;
use crate::config::paths::Surroundings;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::journal::list::walk_file;
use crate::probes::target::{Cluster, RedisServer};
use crate::probes::{kube, postgres, redis};
use crate::procedure::plan::Plan;
use crate::runner::identity;
use crate::runner::rundir::{RunDir, Start};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long a server may take to report its identity: less than the launcher waits for the runner's first record.
const PATIENCE: Duration = Duration::from_secs(6);

/// A lock target: its identity, and its name in the procedure.
pub type LockTarget = (String, String);

/// The prefix of a server's identity, by kind.
pub const KINDS: [&str; 3] = ["postgres", "redis", "kubernetes"];

/// What a run locks; a run that is taken over also locks what it held before.
///
/// # Errors
/// As [`behind`].
pub async fn of(plan: &Plan, start: &Start, dir: &RunDir, resume: bool) -> Result<Vec<LockTarget>> {
    let earlier = if resume { held_before(dir) } else { Vec::new() };
    behind(&plan.locks, &plan.estate, start.estate.as_deref(), &earlier).await
}

/// The identities of a plan's locks; a run that is taken over also has those that it held before.
///
/// # Errors
/// When the estate does not know a name; when a server does not say who it is, and the run held none before; kind `Refused` when
/// behind the name of a database is another server than the one that the run began with.
pub async fn behind(
    names: &[String],
    estate: &str,
    file: Option<&Path>,
    earlier: &[LockTarget],
) -> Result<Vec<LockTarget>> {
    let servers = names.iter().any(|name| kind_of(name).is_some());
    let around = Surroundings::of(std::env::vars_os());
    let known = match file {
        _ if !servers => None,
        Some(file) => Some(Estate::load(file)),
        None => Some(Ok(Estate::discovered(&identity::host_name(), &around))),
    };
    let mut targets = Vec::new();
    for name in names {
        targets.push((by_name(name, estate), name.clone()));
        let Some(known) = known.as_ref().filter(|_| kind_of(name).is_some()) else { continue };
        let before = earlier.iter().find(|(identity, of)| of == name && is_of_server(identity));
        let found = match known {
            Ok(known) => of_server(name, known, &around).await,
            // A run that is taken over keeps what it held.
            Err(cause) => Err(cause.clone()),
        };
        match (found, before) {
            (Ok(identity), Some((before, _))) if is_other(before, &identity) => return Err(other(name)),
            (Ok(identity), _) => targets.push((identity, name.clone())),
            (Err(_), Some(_)) => {}
            (Err(cause), None) => return Err(cause),
        }
    }
    targets.extend(earlier.iter().filter(|(_, name)| names.contains(name)).cloned());
    targets.sort();
    targets.dedup_by(|left, right| left.0 == right.0);
    Ok(targets)
}

/// What a run held when its journal was last written.
#[must_use]
pub fn held_before(dir: &RunDir) -> Vec<LockTarget> {
    let view = walk_file(&dir.journal()).ok().and_then(|walked| walked.view);
    let locks = view.map(|view| view.locks).unwrap_or_default();
    locks.into_iter().map(|(name, identity)| (identity, name)).collect()
}

/// The identity of a name that is not a server: `host` is this machine's id; any other name is itself, within its
/// estate.
#[must_use]
pub fn by_name(name: &str, estate: &str) -> String {
    if name != "host" {
        return format!("estate:{estate}:{name}");
    }
    let id = fs::read_to_string("/etc/machine-id").ok().filter(|id| !id.trim().is_empty());
    match id {
        Some(id) => format!("machine-id:{}", id.trim()),
        None => format!("host-name:{}", identity::host_name()),
    }
}

/// The kind and the name of a server: `("postgres", "main")`.
fn kind_of(name: &str) -> Option<(&'static str, &str)> {
    let (kind, own) = name.split_once(':')?;
    KINDS.into_iter().find(|known| *known == kind).map(|kind| (kind, own))
}

fn is_of_server(identity: &str) -> bool {
    kind_of(identity).is_some()
}

/// Whether the name now refers to another database or cluster. A Redis may have another identity after each start.
fn is_other(before: &str, now: &str) -> bool {
    before != now && !before.starts_with("redis:")
}

fn other(name: &str) -> Error {
    let message = format!("{name} is another server now than the one that the run began with");
    Error::new(Kind::Refused, message).hint("what it did was done there, and could not be undone here")
}

/// Asks a server for its identity.
async fn of_server(name: &str, estate: &Estate, around: &Surroundings) -> Result<String> {
    let Some((kind, own)) = kind_of(name) else { return Ok(by_name(name, &estate.name)) };
    let asked = async {
        if kind == "kubernetes" {
            let entry = estate.kubernetes.iter().find(|entry| entry.name == own)?.clone();
            Some(kube::identity(&Cluster { entry, around: around.clone() }).await)
        } else if kind == "postgres" {
            let entry = estate.postgres.iter().find(|entry| entry.name == own)?;
            let written = entry.act.as_ref().unwrap_or(&entry.watch).clone();
            let access = Access { written, secrets: estate.secrets.clone(), around: around.clone() };
            Some(postgres::identity(&access).await)
        } else {
            let entry = estate.redis.iter().find(|entry| entry.name == own)?.clone();
            let server = RedisServer { entry, secrets: estate.secrets.clone(), around: around.clone() };
            Some(redis::identity(&server).await)
        }
    };
    let doing = format!("lock {name}");
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Some(Ok(identity))) => Ok(format!("{kind}:{identity}")),
        Ok(Some(Err(why))) => {
            Err(Error::machine(doing, why)
                .hint("a lock is on the server itself, so the server must report its identity"))
        }
        Ok(None) => Err(Error::new(Kind::Usage, format!("cannot {doing}: the estate has no {kind} `{own}`"))),
        Err(_) => Err(Error::machine(doing, format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::kube::double::{Double, Fail, SYSTEM};

    fn named(dir: &Path, clusters: &[(&str, &Double)]) -> std::path::PathBuf {
        let mut text = "schema = 1\nname = \"e\"\nenvironment = \"other\"\n".to_owned();
        for (name, double) in clusters {
            let own = dir.join(name);
            fs::create_dir_all(&own).unwrap();
            let config = double.kubeconfig(&own, "token: t0p");
            text.push_str(&format!("[[kubernetes]]\nname = \"{name}\"\nkubeconfig = \"{}\"\n", config.display()));
        }
        let file = dir.join("midwatch.toml");
        fs::write(&file, text).unwrap();
        file
    }

    #[tokio::test]
    async fn two_names_of_one_cluster_share_an_identity_and_an_unidentified_cluster_is_not_locked() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Double::new().await, Double::new().await);
        let file = named(dir.path(), &[("main", &one), ("alias", &one), ("other", &other)]);
        let of = async |name: &str, earlier: &[LockTarget]| behind(&[name.to_owned()], "e", Some(&file), earlier).await;
        let server =
            |targets: Vec<LockTarget>| targets.into_iter().find(|(identity, _)| is_of_server(identity)).unwrap().0;
        let main = server(of("kubernetes:main", &[]).await.unwrap());
        assert!(main.len() > "kubernetes:".len(), "{main}");
        assert_eq!(server(of("kubernetes:alias", &[]).await.unwrap()), main);
        assert_ne!(server(of("kubernetes:other", &[]).await.unwrap()), main);
        let earlier = [(main.clone(), "kubernetes:other".to_owned())];
        assert_eq!(of("kubernetes:other", &earlier).await.unwrap_err().kind, Kind::Refused);
        one.fail(SYSTEM, Fail::Refuse(403, vec![]));
        let error = of("kubernetes:main", &[]).await.unwrap_err();
        assert!(error.message.contains("forbidden (403)"), "{}", error.message);
        // A run that is taken over keeps what it held.
        let earlier = [(main.clone(), "kubernetes:main".to_owned())];
        assert_eq!(server(of("kubernetes:main", &earlier).await.unwrap()), main);
    }
}
