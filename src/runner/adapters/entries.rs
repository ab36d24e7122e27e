//! The names of an estate's targets by kind, which locks and probes may use.

use crate::config::estate::Estate;
use crate::domain::TargetKind;
use crate::probes::target::HostPart;
use crate::procedure::adapters::NoTarget;
use crate::procedure::params::no_such_target;
use crate::runner::adapters::BuiltIn;
use crate::runner::lock_targets;

/// The names of each kind that an estate must declare before they are read.
#[derive(Clone, Debug, Default)]
pub struct Entries(Vec<(TargetKind, Vec<String>)>);

impl Entries {
    /// Builds it from an estate. The host's parts need no entry; nor do its mounts, which come and go.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let postgres: Vec<String> = estate.postgres.iter().map(|entry| entry.name.clone()).collect();
        let mut units: Vec<String> = estate.units.iter().map(|entry| entry.name.clone()).collect();
        if estate.failed_units {
            units.push("failed units".to_owned());
        }
        Self(vec![
            (TargetKind::Host, HostPart::ALL.map(|part| part.word().to_owned()).to_vec()),
            (TargetKind::Service, estate.services.iter().map(|entry| entry.name.clone()).collect()),
            (TargetKind::Unit, units),
            (TargetKind::Bloat, postgres.clone()),
            (TargetKind::Postgres, postgres),
            (TargetKind::Redis, estate.redis.iter().map(|entry| entry.name.clone()).collect()),
            (TargetKind::Kubernetes, estate.kubernetes.iter().map(|entry| entry.name.clone()).collect()),
            (TargetKind::Backup, estate.backups.iter().map(|entry| entry.name.clone()).collect()),
            (TargetKind::Certificate, estate.certificates.iter().map(|entry| entry.name.clone()).collect()),
        ])
    }

    /// Why the estate has no such target; `None` if it has, or if the name contains an open reference.
    #[must_use]
    pub fn refuses(&self, kind: &str, name: &str) -> Option<NoTarget> {
        let kind = TargetKind::from_word(kind).filter(|_| !name.contains("{{"))?;
        if kind == TargetKind::Mount && !name.starts_with('/') {
            let why = format!("a mount is named by its absolute path, and `{}` is none", name.escape_debug());
            return Some(NoTarget { why, hint: Some("`/` or `/srv`, as the Health pane has it".to_owned()) });
        }
        let (_, known) = self.0.iter().find(|(of, _)| *of == kind)?;
        if known.iter().any(|known| known == name) {
            return None;
        }
        let (why, hint) = no_such_target(kind, name, known);
        Some(NoTarget { why, hint })
    }

    /// Why a lock of this name is refused: the identity of a server is asked for, so the estate must declare it.
    #[must_use]
    pub fn refuses_lock(&self, lock: &str) -> Option<NoTarget> {
        let (kind, name) = lock.split_once(':').filter(|(kind, _)| lock_targets::KINDS.contains(kind))?;
        self.refuses(kind, name)
    }
}

impl BuiltIn {
    /// Like the lint check, for a plan: all values are real, so a named target must exist.
    #[must_use]
    pub fn planning(self) -> Self {
        Self { plans: true, ..self }
    }
}
