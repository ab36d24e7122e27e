//! A session that acts: on its own connection, one statement at a time, heard and cancelled.
//!
//! Dropping a question does not stop the server. It is asked to cancel, over a connection of its own, and the answer of the
//! statement itself tells when it has.

use crate::config::libpq::{Access, Server};
use crate::domain::quantity;
use crate::probes::postgres::connect::{FORM, Failure, Line, Manner, Session, WATCH, begin_as, settings_of};
use crate::probes::postgres::reasons;
use crate::probes::postgres::stream::{self, Meter, Stream};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{CancelToken, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a session that acts is allowed.
const ACT: &[(&str, &str)] = &[("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "10000")];
/// The setting by which a server looks, while it works, whether its client is still there; in milliseconds.
///
/// Source: PostgreSQL 14 release notes.
const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "1000");
/// `undefined_object` of a server before 14, and `invalid_parameter_value` of a platform where a server cannot look.
const NO_CLIENT_CHECK: [&str; 2] = ["42704", "22023"];
/// How many bytes an act may be told: `VACUUM VERBOSE` of many tables is long.
const ACT_BYTES: u64 = 1 << 40;
/// How long a wish to cancel may take to be delivered.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);

/// How a server is reached once more.
#[derive(Clone)]
pub(super) struct Again {
    pub(super) server: Server,
    /// The host's name goes with TLS.
    pub(super) tls: Option<(Arc<ClientConfig>, String)>,
}

/// What the server says while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `WARNING`, `NOTICE`, `INFO`; in the server's own language where it is an old one.
    pub severity: String,
    /// Whether it warns.
    pub is_warning: bool,
    /// Whether it says that a relation was skipped: then the statement ends well and has not done it.
    pub is_skipped: bool,
    /// Its text, with its detail.
    pub text: String,
}

impl From<&DbError> for Notice {
    fn from(db_error: &DbError) -> Self {
        let is_warning = match db_error.parsed_severity() {
            Some(severity) => severity == Severity::Warning,
            None => db_error.severity() == "WARNING",
        };
        // `vacuum_is_permitted_for_relation` and `vacuum_is_relation_owner` before 16, `vacuum_open_relation`: the text is in the
        // server's language, the name of the function is not.
        let routine = db_error.routine().unwrap_or_default();
        let skips = routine.starts_with("vacuum_is_") || routine == "vacuum_open_relation";
        let detail = db_error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        Self {
            severity: db_error.severity().to_owned(),
            is_warning,
            is_skipped: is_warning && (skips || db_error.message().contains("skipping")),
            text: format!("{}{detail}", db_error.message()),
        }
    }
}

/// What a statement that ended brought.
pub struct Done {
    /// The rows it gives.
    pub lines: Vec<Line>,
    /// The rows it touched, as the server counts them; 0 where it counts none.
    pub rows: u64,
}

/// A session that acts, with what the server says on the way.
pub struct Acting {
    session: Session,
    /// What is heard.
    pub notices: mpsc::UnboundedReceiver<Notice>,
    /// The server's process for this session.
    pub pid: i64,
}

/// Asks the server to stop what a session does.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    again: Again,
}

/// Opens a session that acts. A lock is waited for no longer than `lock_timeout`.
///
/// # Errors
/// Why there is none, in a few words and without any secret.
pub async fn connect_to_act(access: &Access, lock_timeout: Duration) -> Result<Acting, Failure> {
    let (unbounded_sender, received) = mpsc::unbounded_channel();
    let mut settings = settings_of(&[ACT, FORM]);
    settings.push(("lock_timeout", lock_timeout.as_millis().to_string()));
    let without = Manner { settings, acts: true, notices: Some(unbounded_sender) };
    let mut with = without.clone();
    with.settings.push((CLIENT_CHECK.0, CLIENT_CHECK.1.to_owned()));
    // All of it is part of the start: nothing is ever set in a session that a pooler might hand on.
    let session = match begin_as(access, &with).await {
        Err(failure) if failure.code.as_deref().is_some_and(|code| NO_CLIENT_CHECK.contains(&code)) => {
            begin_as(access, &without).await?
        }
        other => other?,
    };
    let line = session.row("SELECT pg_backend_pid() AS pid").await?;
    let pid = line.int("pid").ok_or_else(|| Failure::ours("the server does not tell its process".to_owned()))?;
    Ok(Acting { session, notices: received, pid })
}

/// The version of the server itself, as `150020`, where it can be reached as whoever acts would.
///
/// # Errors
/// Why not; [`Failure::is_of_pooler`] says that a pooler stands before it.
pub async fn version_to_act(access: &Access) -> Result<i64, Failure> {
    let manner = Manner { settings: settings_of(&[WATCH, FORM]), acts: true, notices: None };
    let session = begin_as(access, &manner).await?;
    let line = session.row("SELECT current_setting('server_version_num') AS version").await?;
    Ok(line.int("version").unwrap_or_default())
}

/// The option by which a server of this version ends what works for a client that is gone; none before 14.
#[must_use]
pub fn client_check(version: i64) -> Option<String> {
    (version >= 140_000).then(|| format!("-c {}={}", CLIENT_CHECK.0, CLIENT_CHECK.1))
}

impl Acting {
    /// The session, for questions before and after the statement.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What can stop the statement.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.session.client.cancel_token(), again: self.session.again.clone() }
    }

    /// Carries one statement out, in a message of its own, for as long as it takes; what is heard meanwhile goes to `hear`.
    ///
    /// # Errors
    /// What the server says, or how the connection ended: then nobody knows what came of the statement.
    pub async fn carry_out(&mut self, sql: &str, mut hear: impl FnMut(Notice)) -> Result<Done, Failure> {
        self.session.meter.allow(ACT_BYTES);
        let work = self.session.client.simple_query(sql);
        tokio::pin!(work);
        let answer = loop {
            tokio::select! {
                biased;
                Some(notice) = self.notices.recv() => hear(notice),
                answer = &mut work => break answer,
            }
        };
        while let Ok(notice) = self.notices.try_recv() {
            hear(notice);
        }
        let mut done = Done { lines: Vec::new(), rows: 0 };
        for message in answer.map_err(|error| self.session.failure_of(&error))? {
            match message {
                SimpleQueryMessage::Row(row) => done.lines.push(row.into()),
                SimpleQueryMessage::CommandComplete(rows) => done.rows = rows,
                _ => {}
            }
        }
        Ok(done)
    }
}

impl Canceller {
    /// Asks; whether the server heeds it shows in the answer to the statement.
    ///
    /// # Errors
    /// Why it could not be asked, in a few words.
    pub async fn cancel(&self) -> Result<(), String> {
        let asked = tokio::time::timeout(CANCEL_LIMIT, self.ask()).await;
        match asked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(reasons::of_asking(&*error).1),
            Err(_) => Err(format!("no answer within {}", quantity::span(CANCEL_LIMIT))),
        }
    }

    async fn ask(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let meter = Arc::new(Meter::default());
        meter.allow(1 << 20);
        let stream = stream::dial(&self.again.server, meter).await?;
        match &self.again.tls {
            Some((tls, host)) => {
                let mut maker = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let connector = MakeTlsConnect::<Stream>::make_tls_connect(&mut maker, host)?;
                self.token.cancel_query_raw(stream, connector).await?;
            }
            None => self.token.cancel_query_raw(stream, NoTls).await?,
        }
        Ok(())
    }
}
