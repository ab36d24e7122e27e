//! A unit before and after it is changed, and the job that changes it.

use crate::domain::Wall;
use crate::probes::units::bus::{Bus, Trouble};
use crate::probes::units::seen::Seen;
use futures_util::StreamExt;
use zbus::{MessageStream, OwnedObjectPath};

/// A unit, as whoever changes it must know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// `loaded`, `not-found`, `masked` and their like.
    pub(crate) load: String,
    /// `active`, `inactive`, `failed`, `activating` and their like.
    pub(crate) active: String,
    /// `running`, `exited`, `dead`, `auto-restart` and their like.
    pub(crate) sub: String,
    /// When it came into this state.
    pub(crate) since: Option<Wall>,
    /// The main process of a service.
    pub(crate) main_pid: Option<u64>,
    /// How its last run ended: `success`, `exit-code`, `timeout` and their like.
    pub(crate) result: Option<String>,
    /// Whether it is a service that runs once and ends.
    pub(crate) oneshot: bool,
    /// Whether its file has changed since it was loaded.
    pub(crate) need_daemon_reload: Option<bool>,
    /// Whether it can be reloaded.
    pub(crate) can_reload: Option<bool>,
    /// The file it is defined by.
    pub(crate) fragment: String,
    /// The number of this run of it, in hexadecimal digits: each start has another.
    pub(crate) invocation: String,
    /// Units that are stopped or started again with it.
    pub(crate) follow: Vec<String>,
    /// Units that are reloaded with it.
    pub(crate) reload_with: Vec<String>,
}

/// Reads a unit.
///
/// # Errors
/// Why its state is not known.
pub(crate) async fn state(bus: &mut Bus, name: &str) -> Result<State, String> {
    let path = bus.load_unit(name).await.map_err(|trouble| trouble.words())?;
    let seen = Seen::read(bus, name, &path).await?;
    let unit = bus.properties(&path, "Unit").await.map_err(|trouble| trouble.words())?;
    // Source: systemd.unit(5): the reverses of Requires=, Requisite=, BindsTo= and PartOf=.
    let mut follow: Vec<String> =
        ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf"].iter().flat_map(|list| unit.texts(list)).collect();
    follow.sort();
    follow.dedup();
    Ok(State {
        load: seen.load,
        active: seen.active,
        sub: seen.sub,
        since: seen.since,
        main_pid: seen.service.as_ref().and_then(|service| service.main_pid),
        result: seen.result,
        oneshot: seen.service.as_ref().is_some_and(|service| service.oneshot && !service.remains),
        need_daemon_reload: seen.need_reload,
        can_reload: unit.flag("CanReload"),
        fragment: unit.text("FragmentPath").unwrap_or_default().to_owned(),
        invocation: unit.bytes("InvocationID").iter().map(|byte| format!("{byte:02x}")).collect(),
        follow,
        reload_with: unit.texts("PropagatesReloadTo"),
    })
}

/// A job of systemd that is under way.
pub(crate) struct Job {
    path: String,
    ended: MessageStream,
}

/// Asks systemd for a change of a unit: `RestartUnit`, `StartUnit`, `StopUnit`, `ReloadUnit`.
///
/// # Errors
/// As [`Trouble`] has it: refused before anything happened, or lost, and then nobody knows.
pub(crate) async fn begin(bus: &mut Bus, member: &str, name: &str) -> Result<Job, Trouble> {
    // Before the call: a job may be over before its caller is told of it.
    let ended = match bus.ended_jobs().await {
        Ok(ended) => ended,
        Err(trouble) => {
            let (name, message) = ("midwatch.NotAsked".to_owned(), trouble.words());
            return Err(Trouble::Refused { name, message });
        }
    };
    let path: OwnedObjectPath = bus.manager(member, &(name, "replace")).await?;
    Ok(Job { path: path.as_str().to_owned(), ended })
}

impl Job {
    /// Its number.
    pub(crate) fn id(&self) -> Option<u32> {
        self.path.rsplit('/').next()?.parse().ok()
    }

    /// Waits until it is over: `done`, `failed`, `canceled`, `timeout`, `dependency`, `skipped`; `None` where the bus went away.
    pub(crate) async fn over(&mut self) -> Option<String> {
        while let Some(Ok(message)) = self.ended.next().await {
            let body = message.body();
            if let Ok((_, job, _, result)) = body.deserialize::<(u32, OwnedObjectPath, String, String)>()
                && job.as_str() == self.path
            {
                return Some(result);
            }
        }
        None
    }
}
