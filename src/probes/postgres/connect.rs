//! A session with a PostgreSQL server, kept between readings.
//!
//! What a session is allowed is part of its start, not set afterwards: behind a pooler, what is set would stay with others.

pub mod act;
mod pooler;
mod session;

use crate::config::libpq::{Access, ChannelBinding, Parameters, Server, ServerPlace, SessionKind, TlsMode};
use crate::domain::{Loss, quantity};
use crate::probes::blocking::run_blocking_within;
use crate::probes::contact;
use crate::probes::postgres::connect::act::{Again, Notice};
use crate::probes::postgres::connect::pooler::{Own, Setting};
use crate::probes::postgres::connect::session::Pooled;
use crate::probes::postgres::reasons::{self, Attempt};
use crate::probes::postgres::stream::{self, Meter, Stream};
use crate::probes::postgres::tls;
use rustls::ClientConfig;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, config};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use crate::probes::postgres::answer::{Failure, Line};
pub use crate::probes::postgres::connect::pooler::NO_LOOK;

/// How long all servers of an access may take together, and one where nobody says.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
const SERVER_LIMIT: Duration = Duration::from_secs(5);
/// How long the service file, the password file and the certificates may take.
const FILES_LIMIT: Duration = Duration::from_secs(3);
/// How many bytes the start of a session may be.
const START_BYTES: u64 = 1 << 20;
/// How long a session that is not needed any more may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// The name under which the server knows us.
const NAME: &str = "midwatch";
/// What a session that only looks is allowed; it holds no snapshot and waits behind no lock.
///
/// Source: PostgreSQL 18 manual, 19.11. Read-only mode does not stop VACUUM or REINDEX: the role must not be able to.
pub(super) const WATCH: &[(&str, &str)] = &[
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "5000"),
    ("lock_timeout", "500"),
    ("idle_in_transaction_session_timeout", "10000"),
];
/// How every session writes and reads values. Names are those of `pg_catalog`, or have their schema before them.
pub(super) const FORM: &[(&str, &str)] = &[
    ("search_path", "pg_catalog"),
    ("standard_conforming_strings", "on"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
];

/// What a session is for.
#[derive(Clone)]
pub(super) struct Manner {
    /// What it is allowed, and how it reads and writes.
    pub(super) settings: Vec<Setting>,
    /// Whether it changes things; through a pooler none may.
    pub(super) acts: bool,
    /// Receives the notices of the server.
    pub(super) notices: Option<mpsc::UnboundedSender<Notice>>,
}

impl Manner {
    fn to_watch() -> Self {
        Self { settings: settings_of(&[WATCH, FORM]), acts: false, notices: None }
    }
}

/// Tables of settings as one list.
fn settings_of(tables: &[&[(&'static str, &str)]]) -> Vec<Setting> {
    tables.concat().into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// A session with one server.
pub struct Session {
    client: Client,
    meter: Arc<Meter>,
    /// How its server is reached once more, for what must be said beside the session.
    again: Again,
    ended: Arc<Mutex<Option<String>>>,
    server: String,
    /// Why it is not encrypted although the server offered to be.
    bare: Option<String>,
    /// What each question takes with it where a pooler stands before the server.
    pooled: Option<Pooled>,
    read_only_from: Option<String>,
    /// Dropped with the session; the connection then has [`GOODBYE`] to end.
    _needed: oneshot::Sender<()>,
}

/// Opens a session that only looks.
///
/// # Errors
/// Why there is none, in a few words and without any secret.
pub async fn connect(access: &Access) -> Result<Session, String> {
    Ok(begin(access).await?)
}

/// As [`connect`], with the SQLSTATE where the only server refused.
pub(in crate::probes) async fn begin(access: &Access) -> Result<Session, Failure> {
    begin_as(access, &Manner::to_watch()).await
}

/// The same for another purpose than looking.
pub(super) async fn begin_as(access: &Access, manner: &Manner) -> Result<Session, Failure> {
    let (parameters, tls) = prepared(access).await.map_err(Failure::ours)?;
    let all = tokio::time::timeout(CONNECT_LIMIT, to_any(&parameters, tls, manner));
    all.await.unwrap_or_else(|_| Err(Failure::ours(late(CONNECT_LIMIT))))
}

/// Reads the files in a thread of their own: a home may lie on a file server that has gone.
async fn prepared(access: &Access) -> Result<(Parameters, Option<Arc<ClientConfig>>), String> {
    let access = access.clone();
    let place = format!("postgres {}", access.written);
    let work = move || {
        let parameters = access.resolve()?;
        let remote = parameters.servers.iter().any(|server| matches!(server.place, ServerPlace::Tcp { .. }));
        let wanted = remote && parameters.tls.mode > TlsMode::Disable;
        let tls = wanted.then(|| tls::config(&parameters.tls)).transpose()?;
        Ok((parameters, tls.map(Arc::new)))
    };
    run_blocking_within(FILES_LIMIT, "postgres", place, work).await
}

/// Tries each server, and for a standby that is only preferred each once more.
async fn to_any(parameters: &Parameters, tls: Option<Arc<ClientConfig>>, manner: &Manner) -> Result<Session, Failure> {
    let kinds: &[SessionKind] = match parameters.session {
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        ref only => std::slice::from_ref(only),
    };
    let mut failures: Vec<(&Server, Failure)> = Vec::new();
    for kind in kinds {
        failures.clear();
        for server in &parameters.servers {
            let limit = parameters.connect_timeout.unwrap_or(SERVER_LIMIT);
            let tried = tokio::time::timeout(limit, to_one(parameters, server, *kind, tls.as_ref(), manner)).await;
            match tried.unwrap_or_else(|_| Err(Failure::ours(late(limit)))) {
                Ok(session) => return Ok(session),
                Err(failure) => failures.push((server, failure)),
            }
        }
    }
    match failures.as_slice() {
        [(_, only)] => Err(only.clone()),
        many => {
            let lines: Vec<String> = many.iter().map(|(server, failure)| format!("{server}: {failure}")).collect();
            // As long as one of them may serve, it is not down.
            let refused = many.iter().all(|(_, failure)| Loss::from(failure.clone()).is_proof());
            Err(Failure { refused, ..Failure::ours(lines.join("; ")) })
        }
    }
}

fn late(limit: Duration) -> String {
    format!("no answer within {}", quantity::span(limit))
}

/// Tries one server, with and without TLS as the mode has it.
async fn to_one(
    parameters: &Parameters,
    server: &Server,
    kind: SessionKind,
    tls: Option<&Arc<ClientConfig>>,
    manner: &Manner,
) -> Result<Session, Failure> {
    use config::SslMode::{Disable, Prefer, Require};
    let local = matches!(server.place, ServerPlace::Socket(_));
    let modes: &[config::SslMode] = match parameters.tls.mode {
        _ if local => &[Disable],
        TlsMode::Disable => &[Disable],
        TlsMode::Allow => &[Disable, Require],
        TlsMode::Prefer => &[Prefer, Disable],
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => &[Require],
    };
    let (mut first, mut broken) = (None, false);
    for mode in modes {
        let meter = Arc::new(Meter::default());
        meter.allow(START_BYTES);
        let way = Way { parameters, server, mode: *mode, tls, meter: &meter, manner };
        let tried = way.reach().await;
        let attempt = Attempt { parameters, server, first: meter.first() };
        match tried {
            Ok(session) => {
                let mut session = session?;
                session.bare = first.filter(|_| *mode == Disable && broken).map(|failure: Failure| failure.reason);
                return fitting(session, kind).await;
            }
            Err(error) => {
                let failure = reasons::of_connecting(&*error, &attempt);
                if !reasons::is_of_transport(&*error) {
                    return Err(failure);
                }
                broken |= reasons::is_of_handshake(&*error);
                // What the wanted way says weighs more than what the other one does.
                first.get_or_insert(failure);
            }
        }
    }
    Err(first.unwrap_or_else(|| Failure::ours("there is no way to it".to_owned())))
}

/// Why a connection did not come about.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// One way to one server.
struct Way<'a> {
    parameters: &'a Parameters,
    server: &'a Server,
    mode: config::SslMode,
    tls: Option<&'a Arc<ClientConfig>>,
    meter: &'a Arc<Meter>,
    manner: &'a Manner,
}

impl Way<'_> {
    /// Opens a session and finds out whether it is one with the server itself. The inner error is that it does not serve.
    async fn reach(&self) -> Result<Result<Session, Failure>, Cause> {
        let own = match Own::new() {
            Ok(own) => own,
            Err(failure) => return Ok(Err(failure)),
        };
        let theirs = self.parameters.options.as_deref();
        let session = match self.open(Some(own.options(theirs, &self.manner.settings))).await {
            Ok(session) => session,
            Err(cause) if pooler::may_refuse_options(reasons::code(&*cause)) => {
                return self.open(None).await.map(|session| self.through_pooler(session));
            }
            Err(cause) => return Err(cause),
        };
        match session.row(&Own::question()).await {
            Ok(answer) if own.is(answer.text("session")) => {
                Ok(session.restricted(&self.manner.settings, &answer).await)
            }
            Ok(_) => Ok(self.through_pooler(session)),
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// What may be done with a session that a pooler gave.
    fn through_pooler(&self, mut session: Session) -> Result<Session, Failure> {
        if self.manner.acts {
            return Err(pooler::no_act());
        }
        if self.parameters.options.is_some() {
            return Err(Failure::ours(pooler::NO_OPTIONS.to_owned()));
        }
        session.pooled = Some(Pooled::new(self.manner.settings.clone()));
        Ok(session)
    }

    /// Opens the connection, and starts what keeps it going.
    async fn open(&self, options: Option<String>) -> Result<Session, Cause> {
        let Self { parameters, server, mode, tls, meter, manner } = *self;
        let stream = stream::dial(server, Arc::clone(meter)).await?;
        let settings = settings(parameters, server, mode, options);
        let place = format!("{server}/{}", parameters.database);
        let ended = Arc::new(Mutex::new(None));
        let (needed, gone) = oneshot::channel();
        let received = manner.notices.clone();
        let made = || contact::Connection::made("postgres", place.clone());
        let (client, tls) = match (tls, &server.place) {
            (Some(tls), ServerPlace::Tcp { name, address }) if mode != config::SslMode::Disable => {
                let host = name.clone().or(address.map(|address| address.to_string())).unwrap_or_default();
                if name.is_none() && parameters.tls.mode == TlsMode::VerifyFull {
                    return Err("a host name is needed to verify the certificate".into());
                }
                let mut maker = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let connector = MakeTlsConnect::<Stream>::make_tls_connect(&mut maker, &host)?;
                let (client, connection) = settings.connect_raw(stream, connector).await?;
                tokio::spawn(keep(connection, made(), Arc::clone(&ended), gone, received));
                (client, Some((Arc::clone(tls), host)))
            }
            _ => {
                let (client, connection) = settings.connect_raw(stream, NoTls).await?;
                tokio::spawn(keep(connection, made(), Arc::clone(&ended), gone, received));
                (client, None)
            }
        };
        let again = Again { server: server.clone(), tls };
        Ok(Session {
            client,
            meter: Arc::clone(meter),
            again,
            ended,
            server: place,
            bare: None,
            pooled: None,
            read_only_from: None,
            _needed: needed,
        })
    }
}

fn settings(parameters: &Parameters, server: &Server, mode: config::SslMode, options: Option<String>) -> Config {
    let mut settings = Config::new();
    settings.user(&parameters.user).dbname(&parameters.database).ssl_mode(mode);
    settings.application_name(parameters.application_name.as_deref().unwrap_or(NAME));
    if let Some(options) = options {
        settings.options(options);
    }
    if parameters.tls.direct && mode != config::SslMode::Disable {
        settings.ssl_negotiation(config::SslNegotiation::Direct);
    }
    settings.channel_binding(match parameters.channel_binding {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    });
    if let Some(password) = &server.password {
        settings.password(password.expose());
    }
    // Only its presence counts here: the connector has the name.
    settings.host("tls");
    settings
}

/// Keeps a connection going until it ends, or until nobody needs it and it has had time to say goodbye.
async fn keep<S, T>(
    mut connection: Connection<S, T>,
    mut made: contact::Connection,
    ended: Arc<Mutex<Option<String>>>,
    mut gone: oneshot::Receiver<()>,
    notices: Option<mpsc::UnboundedSender<Notice>>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let serve = async {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notice(db_error))) => {
                    let _ = notices.as_ref().map(|received| received.send(Notice::from(&db_error)));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return reasons::of_asking(&error).1,
                None => return "the server closed the connection".to_owned(),
            }
        }
    };
    tokio::pin!(serve);
    // What ends while it is needed is lost; after that it has some time to say goodbye.
    let why = tokio::select! {
        biased;
        why = &mut serve => Some(why),
        _ = &mut gone => None,
    };
    match why {
        Some(why) => {
            made.lose(&why);
            // The reason is noted before the connection goes, and with it whoever waits for an answer.
            if let Ok(mut ended) = ended.lock() {
                ended.get_or_insert(why);
            }
        }
        None => drop(tokio::time::timeout(GOODBYE, serve).await),
    }
}

/// The session, where its server is of the wanted kind. Our own sessions never write: a primary stands for one that can.
async fn fitting(session: Session, kind: SessionKind) -> Result<Session, Failure> {
    let standby = match kind {
        SessionKind::Any | SessionKind::PreferStandby => return Ok(session),
        SessionKind::Primary | SessionKind::ReadWrite => false,
        SessionKind::Standby | SessionKind::ReadOnly => true,
    };
    let answer = session.row("SELECT pg_is_in_recovery() AS standby").await?;
    match answer.flag("standby") {
        Some(found) if found == standby => Ok(session),
        Some(true) => Err(Failure::ours("the server is a standby".to_owned())),
        Some(false) => Err(Failure::ours("the server is a primary".to_owned())),
        None => Err(Failure::ours("the server does not say whether it is a standby".to_owned())),
    }
}

impl Session {
    /// What went wrong: how the connection ended tells more than that it did.
    fn failure_of(&self, error: &tokio_postgres::Error) -> Failure {
        let (code, reason) = reasons::of_asking(error);
        // The server closes the connection behind such an answer; another question would only find that out.
        if reasons::is_last(error) {
            self.end(&reason);
        }
        let ended = self.ended.lock().ok().and_then(|ended| ended.clone());
        match ended {
            Some(why) if code.is_none() => Failure::ours(why),
            _ => Failure::from_server(code, reason),
        }
    }
}
