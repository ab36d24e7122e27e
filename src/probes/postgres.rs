//! PostgreSQL databases: whether one answers, its connections, its replication, its archive.
//!
//! One database gives three rows: itself, `connections`, and `replication`; `archiving` where its server archives WAL, and
//! `subscriptions` where it has some. What a role without `pg_monitor` cannot see is named on the row that lacks it.

mod answer;
mod archiving;
pub mod connect;
mod connections;
mod identity;
mod kept;
pub mod names;
mod prepared;
mod reasons;
mod replication;
mod slots;
mod story;
mod stream;
mod subscriptions;
mod synchronous;
mod tls;
mod writable;

pub use identity::identity;

use crate::domain::{Fact, Finding, Loss, Observation, Trend, Verdict, quantity};
use crate::probes::clock;
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::kept::Kept;
use crate::probes::postgres::prepared::Prepared;
use crate::probes::postgres::replication::Standbys;
use crate::probes::postgres::subscriptions::Subscriptions;
use crate::probes::postgres::writable::Writable;
use crate::probes::renewal::{NO_NEW, Renewal};
use crate::probes::target::Database;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What the server says of itself; every role may ask.
///
/// Source: PostgreSQL 18 manual, 9.27.1 and 9.27.11.
const SERVER: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num') AS version_num, \
    pg_is_in_recovery() AS standby, \
    extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::bigint AS uptime_s, \
    current_user AS role, quote_ident(current_user) AS quoted, current_database() AS database, \
    pg_has_role(current_user, 'pg_monitor', 'USAGE') AS monitor, \
    (SELECT system_identifier FROM pg_control_system()) AS identifier, \
    (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls";
/// The SQLSTATE of a server that has no connection left (`too_many_connections`).
const NONE_LEFT: &str = "53300";

/// The objects that have a row of their own.
const CONNECTIONS: &str = "connections";
const REPLICATION: &str = "replication";
/// Those that only some servers have.
const ARCHIVING: &str = "archiving";
const SUBSCRIPTIONS: &str = "subscriptions";

/// What a reading tells of beside the server itself.
pub const PARTS: [&str; 4] = [CONNECTIONS, REPLICATION, ARCHIVING, SUBSCRIPTIONS];

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Database) -> String {
    target.watch.shown()
}

/// Reads one target again and again.
pub struct PostgresReader {
    target: Database,
    session: Option<Session>,
    renewal: Renewal,
    /// Whether a session that begins now would learn more than this one.
    is_old: bool,
    standbys: Standbys,
    subscriptions: Subscriptions,
}

/// What a server said of itself.
struct About {
    version: String,
    /// `150020` for 15.20.
    version_num: i64,
    standby: bool,
    /// Whether the role sees what `pg_monitor` does.
    monitor: bool,
    /// The role as SQL writes its name.
    role: String,
}

impl PostgresReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Database) -> Self {
        Self::renewing(target, Renewal::default())
    }

    /// The same with a pace of its own for new connections.
    #[must_use]
    pub fn renewing(target: Database, renewal: Renewal) -> Self {
        let (standbys, subscriptions) = (Standbys::default(), Subscriptions::default());
        Self { target, session: None, renewal, is_old: false, standbys, subscriptions }
    }

    /// Reads once.
    ///
    /// # Errors
    /// Why nothing was learnt.
    pub async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        let session = match self.session.take().filter(|session| !session.is_over()) {
            Some(session) if !self.renewal.is_due() => session,
            kept => match (connect::begin(&self.target.watch).await, kept) {
                (Ok(session), _) => {
                    self.renewal.made();
                    session
                }
                // None is left, and the one that is here says how many there are.
                (Err(failure), Some(kept)) if failure.code.as_deref() == Some(NONE_LEFT) => kept,
                (Err(failure), Some(kept)) => {
                    self.session = Some(kept);
                    return Err(Loss::from(failure).of(NO_NEW));
                }
                (Err(failure), None) => return refused(failure),
            },
        };
        let findings = self.ask(&session).await?;
        // A session that ended under way is not kept, and neither is what was read of it in part.
        if session.is_over() {
            return Err("the connection ended during the reading".into());
        }
        self.session = Some(session).filter(|_| !self.is_old);
        Ok(findings)
    }

    async fn ask(&mut self, session: &Session) -> Result<Vec<Finding>, Loss> {
        let began = Instant::now();
        session.rows("SELECT 1").await?;
        let latency = began.elapsed();
        let line = session.row(SERVER).await?;
        let about = About::of(&line).ok_or("the server does not say what it is")?;
        let writable = if about.standby { None } else { Some(writable::read(session).await?) };
        self.is_old = writable.as_ref().is_some_and(|writable| writable.is_old);
        let prepared = prepared::read(session).await;
        let kept = Kept::from(self.target.kept_wal);
        let connections = connections::read(session, &about, self.target.transaction_age).await;
        let replication = self.standbys.read(session, &about, kept).await;
        let archiving = archiving::read(session, &about, kept).await.transpose();
        let subscriptions = self.subscriptions.read(session, &about).await.transpose();
        let parts = [
            (CONNECTIONS, Some(connections)),
            (REPLICATION, Some(replication)),
            (ARCHIVING, archiving),
            (SUBSCRIPTIONS, subscriptions),
        ];
        let parts = parts.into_iter().filter_map(|(part, seen)| Some(Finding::of(part, seen?.map_err(String::from))));
        let itself = self.itself(session, &line, (&about, writable, prepared), latency);
        Ok(std::iter::once(Finding::of_target(itself)).chain(parts).collect())
    }

    fn itself(
        &self,
        session: &Session,
        line: &Line,
        (about, writable, prepared): (&About, Option<Writable>, Result<Option<Prepared>, Failure>),
        latency: Duration,
    ) -> Observation {
        let latency_ms = i64::try_from(latency.as_millis()).unwrap_or(i64::MAX);
        let mut facts = BTreeMap::from([
            ("server", Fact::Text(session.server().to_owned())),
            ("latency_ms", Fact::Int(latency_ms)),
            ("version", Fact::Text(about.version.clone())),
            ("version_num", Fact::Int(about.version_num)),
            ("is_standby", Fact::Bool(about.standby)),
            ("has_pg_monitor", Fact::Bool(about.monitor)),
            ("can_act", Fact::Bool(self.target.can_act)),
            ("is_pooled", Fact::Bool(session.is_pooled())),
            ("tls", Fact::Text(line.text("tls").unwrap_or("none").to_owned())),
        ]);
        facts.extend(line.int("uptime_s").map(|uptime| ("uptime_s", Fact::Int(uptime))));
        let texts = [("role", "role"), ("database", "database"), ("system_identifier", "identifier")];
        facts.extend(texts.into_iter().filter_map(|(fact, column)| Some((fact, text(line, column)?))));
        let role = if about.standby { "standby" } else { "primary" };
        // Debian's packages add their own words behind the version.
        let version = about.version.split_whitespace().next().unwrap_or_default();
        let mut detail = format!("{role} {version} · {}", quantity::latency(latency));
        if let Some(up) = line.int("uptime_s").and_then(|up| u64::try_from(up).ok()) {
            detail.push_str(&format!(" · up {}", quantity::span(Duration::from_secs(up))));
        }
        if !about.monitor {
            detail.push_str(" · role without pg_monitor");
            facts.extend(about.remedy());
        }
        if session.is_pooled() {
            detail.push_str(" · through a pooler");
        }
        let mut verdict = Verdict::Ok;
        if let Some(why) = session.is_bare() {
            facts.insert("tls_failed", Fact::Text(why.to_owned()));
            detail.push_str(&format!(" · not encrypted ({why})"));
            verdict = Verdict::Warn;
        }
        if let Some(writable) = writable {
            verdict = verdict.worse(writable.describe(&mut detail, &mut facts));
        }
        match prepared {
            Ok(Some(prepared)) => {
                verdict = verdict.worse(prepared.describe(self.target.transaction_age, &mut detail, &mut facts));
            }
            Ok(None) => {}
            Err(failure) => {
                detail = format!("prepared transactions unknown: {failure} · {detail}");
                verdict = verdict.worse(Verdict::Unknown);
            }
        }
        let trend = Some(Trend::of("latency_ms"));
        Observation { verdict, detail, facts, observed_at: clock::now().wall, trend }
    }
}

impl About {
    fn of(line: &Line) -> Option<Self> {
        Some(Self {
            version: line.text("version")?.to_owned(),
            version_num: line.int("version_num")?,
            standby: line.flag("standby")?,
            monitor: line.flag("monitor")?,
            role: line.text("quoted")?.to_owned(),
        })
    }

    /// What a superuser would run, so that the role sees what it lacks.
    fn remedy(&self) -> Option<(&'static str, Fact)> {
        (!self.monitor).then(|| ("remedy_command", Fact::Text(format!("GRANT pg_monitor TO {};", self.role))))
    }
}

/// A server that says it has no connection left has said how its connections are.
fn refused(failure: Failure) -> Result<Vec<Finding>, Loss> {
    if failure.code.as_deref() != Some(NONE_LEFT) {
        return Err(failure.into());
    }
    let seen = Observation {
        verdict: Verdict::Critical,
        detail: "none left: the server refuses more".to_owned(),
        facts: BTreeMap::from([("connections_refused", Fact::Bool(true))]),
        observed_at: clock::now().wall,
        trend: None,
    };
    let mut itself = Finding::of(CONNECTIONS, Err(failure.reason.clone()));
    itself.object = None;
    Ok(vec![itself, Finding::of(CONNECTIONS, Ok(seen)), Finding::of(REPLICATION, Err(failure.reason))])
}

fn text(line: &Line, column: &str) -> Option<Fact> {
    line.text(column).map(|text| Fact::Text(text.to_owned()))
}

/// A count for the screen; what is negative is drawn as 0.
fn plain(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
