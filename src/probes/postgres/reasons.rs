//! Why a connection or a question failed, in a few words.

use crate::config::libpq::{Parameters, Server, ServerPlace};
use crate::probes::postgres::answer::Failure;
use crate::probes::postgres::tls;
use crate::probes::{cause, handshake};
use std::error::Error as Cause;
use std::io;
use tokio_postgres::error::{DbError, SqlState};

/// What was tried when it failed.
pub(super) struct Attempt<'a> {
    pub parameters: &'a Parameters,
    pub server: &'a Server,
    /// The first byte that came back.
    pub first: Option<u8>,
}

impl Attempt<'_> {
    /// Whether it went on in TLS: the server took the wish for it, or began a record of it at once (RFC 8446, 5.1).
    fn is_encrypted(&self) -> bool {
        matches!(self.first, Some(b'S' | 0x16))
    }
}

/// How a PostgreSQL server's first byte may be: `S` or `N` to the wish for TLS, or a message of the start of a session.
const OPENINGS: &[u8] = b"SNREvK";

/// Why no connection came about, and the SQLSTATE where the server itself says so. Of a limit of one role or one database it has
/// none: that says nothing of the places of the server.
pub(super) fn of_connecting(error: &(dyn Cause + 'static), attempt: &Attempt) -> Failure {
    let found = find::<DbError>(error);
    if let Some(whose) = found.and_then(|db_error| narrower_limit(db_error, attempt.parameters)) {
        return Failure::ours(format!("too many connections for {whose}: its CONNECTION LIMIT is reached"));
    }
    match found {
        Some(answer) => Failure::from_server(Some(answer.code().code().to_owned()), of_server(answer, Some(attempt))),
        None => Failure { refused: refuses(error, attempt), ..Failure::ours(of_the_way(error, attempt)) },
    }
}

/// Whether nothing serves there. That the server ends the connection counts only before anything was answered.
fn refuses(error: &(dyn Cause + 'static), attempt: &Attempt) -> bool {
    let local = matches!(attempt.server.place, ServerPlace::Socket(_));
    let by_kind = find::<io::Error>(error).map(|cause| match cause.kind() {
        io::ErrorKind::ConnectionRefused => true,
        io::ErrorKind::NotFound => local,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            attempt.first.is_none()
        }
        _ => false,
    });
    by_kind.unwrap_or(is_closed(error) && attempt.first.is_none())
}

/// Whether the client library says that the server ended the connection.
fn is_closed(error: &(dyn Cause + 'static)) -> bool {
    find::<tokio_postgres::Error>(error).is_some_and(tokio_postgres::Error::is_closed)
}

/// The SQLSTATE with which the server itself, or what stands before it, refused a connection.
pub(super) fn code<'a>(error: &'a (dyn Cause + 'static)) -> Option<&'a str> {
    find::<DbError>(error).map(|db_error| db_error.code().code())
}

/// Whose limit was reached, where it is not that of the server. By the function that raised it, since texts are translated.
/// Source: PostgreSQL 18, `miscinit.c` and `postinit.c`.
fn narrower_limit(db_error: &DbError, parameters: &Parameters) -> Option<String> {
    if *db_error.code() != SqlState::TOO_MANY_CONNECTIONS {
        return None;
    }
    match db_error.routine()? {
        "InitializeSessionUserId" => Some(format!("role {}", parameters.user)),
        "CheckMyDatabase" => Some(format!("database {}", parameters.database)),
        _ => None,
    }
}

/// Why no connection came about, when the server had no say in it.
fn of_the_way(error: &(dyn Cause + 'static), attempt: &Attempt) -> String {
    let role = &attempt.parameters.user;
    if let Some(tls) = find::<rustls::Error>(error) {
        return of_tls(tls, attempt.server);
    }
    if attempt.first.is_some_and(|first| !OPENINGS.contains(&first)) {
        return "the answer is not PostgreSQL's".to_owned();
    }
    if is_closed(error) {
        return cause::CLOSED.to_owned();
    }
    // What follows has no type of its own in the client library, which speaks one language (`error/mod.rs`, `connect_tls.rs` and
    // `connect_raw.rs` of tokio-postgres 0.7; the last one is the resolver's, by way of the standard library).
    let (own, deep) = (error.to_string(), deepest(error).to_string());
    match deep.as_str() {
        "password missing" => {
            let why = attempt.parameters.passfile_refused.as_ref();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            return format!("a password is needed for role {role}, and none is given{why}");
        }
        "server does not support TLS" => return "TLS: the server does not offer it".to_owned(),
        "server did not use channel binding" => return "the server does not bind the password to TLS".to_owned(),
        "unsupported authentication method" => return "the server asks for a proof that is not supported".to_owned(),
        "failed to lookup address" => return "name not found".to_owned(),
        _ => {}
    }
    match own.as_str() {
        "authentication error" => format!("the server failed to prove that it knows the password: {deep}"),
        "unexpected message from server" | "error parsing response from server" => {
            "the answer is not PostgreSQL's".to_owned()
        }
        _ => find::<io::Error>(error).map_or(deep, |cause| of_io(cause, Some(attempt.server))),
    }
}

/// Why a question was not answered, and its SQLSTATE where the server itself says so.
pub(super) fn of_asking(error: &(dyn Cause + 'static)) -> (Option<String>, String) {
    if let Some(db_error) = find::<DbError>(error) {
        return (Some(db_error.code().code().to_owned()), of_server(db_error, None));
    }
    let io = find::<io::Error>(error).map(|cause| of_io(cause, None));
    let closed = is_closed(error).then(|| cause::CLOSED.to_owned());
    (None, io.or(closed).unwrap_or_else(|| deepest(error).to_string()))
}

/// Whether another try with or without TLS may do better: the handshake failed, or `pg_hba.conf` wants it otherwise.
pub(super) fn is_of_transport(error: &(dyn Cause + 'static)) -> bool {
    let refused = find::<DbError>(error)
        .is_some_and(|db_error| *db_error.code() == SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    refused || is_of_handshake(error)
}

/// Whether TLS itself failed: a kind of the client library that it shows by its text alone (`error/mod.rs` of tokio-postgres 0.7).
pub(super) fn is_of_handshake(error: &(dyn Cause + 'static)) -> bool {
    error.to_string() == "error performing TLS handshake"
}

/// Whether the server ends the session with this answer: its severity is FATAL or PANIC.
pub(super) fn is_last(error: &(dyn Cause + 'static)) -> bool {
    use tokio_postgres::error::Severity::{Fatal, Panic};
    find::<DbError>(error).is_some_and(|db_error| matches!(db_error.parsed_severity(), Some(Fatal | Panic)))
}

/// The function that looks a connection up in `pg_hba.conf`: it raises the error of one without an entry, and of one that an entry
/// rejects or wants a client certificate of. Texts are translated. Source: PostgreSQL 18, `auth.c`.
const ACCESS: &str = "ClientAuthentication";

/// The functions that end a session whose postmaster has gone. Source: PostgreSQL 18, `be-secure.c`.
const DIED: [&str; 2] = ["secure_read", "secure_write"];

fn of_server(db_error: &DbError, attempt: Option<&Attempt>) -> String {
    let text = db_error.message();
    let parameters = attempt.map(|attempt| attempt.parameters);
    let role = parameters.map_or("", |parameters| parameters.user.as_str());
    let database = parameters.map_or("", |parameters| parameters.database.as_str());
    match db_error.code().code() {
        "28P01" => format!("password rejected for role {role}"),
        "28000" if db_error.routine() == Some(ACCESS) => {
            let is_encrypted = attempt.is_some_and(Attempt::is_encrypted);
            let how = if is_encrypted { ", or one that wants a client certificate" } else { ", without TLS" };
            format!("no pg_hba.conf entry for role {role}{how}")
        }
        "3D000" if parameters.is_some() => format!("database {database} does not exist"),
        "53300" => "too many connections".to_owned(),
        "57P01" if db_error.routine().is_some_and(|routine| DIED.contains(&routine)) => "the server died".to_owned(),
        "57P01" => "the connection was ended by the server's administrator".to_owned(),
        "57P02" => "the server crashed and starts again".to_owned(),
        "57P03" => text.replace("the database system", "the server"),
        // A cancel of whatever cause has one code and one function (`ProcessInterrupts` in postgres.c): only the text tells them apart.
        "57014" if text.contains("statement timeout") => "the answer took longer than statement_timeout".to_owned(),
        "55P03" => "a lock was in the way".to_owned(),
        // No such relation, no such function: often one that is there, in a schema that is not named.
        "42P01" | "42883" => {
            format!("{text}; a name without its schema is looked for in pg_catalog alone: write SCHEMA.NAME")
        }
        _ => text.to_owned(),
    }
}

/// What to do about a certificate that nothing can be verified by. `openssl x509 -req` makes one unless it is told of extensions.
const VERSION_1: &str = "the certificate is X.509 version 1, which is not verified: issue it as version 3 (openssl x509 -req -extfile), \
    or verify nothing (sslmode=require without sslrootcert)";

fn of_tls(error: &rustls::Error, server: &Server) -> String {
    let host = match &server.place {
        ServerPlace::Tcp { name: Some(name), .. } => Some(name.as_str()),
        _ => None,
    };
    match error {
        rustls::Error::InvalidCertificate(bad) if tls::is_of_version(bad) => format!("TLS: {VERSION_1}"),
        rustls::Error::InvalidMessage(_) => "the answer is not TLS".to_owned(),
        _ => handshake::why(error, host),
    }
}

fn of_io(error: &io::Error, server: Option<&Server>) -> String {
    let socket = server.and_then(|server| match &server.place {
        ServerPlace::Socket(directory) => Some(directory.join(format!(".s.PGSQL.{}", server.port))),
        ServerPlace::Tcp { .. } => None,
    });
    match (error.kind(), socket) {
        (io::ErrorKind::NotFound, Some(socket)) => format!("no socket {}", socket.display()),
        (io::ErrorKind::PermissionDenied, Some(socket)) => format!("not allowed to use {}", socket.display()),
        (io::ErrorKind::ConnectionRefused, Some(socket)) => format!("nobody listens on {}", socket.display()),
        (io::ErrorKind::WouldBlock, Some(_)) => "too many wait at the socket".to_owned(),
        (io::ErrorKind::ConnectionRefused, _) => "connection refused".to_owned(),
        (io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof, _) => {
            cause::CLOSED.to_owned()
        }
        (io::ErrorKind::HostUnreachable, _) => "no route to the host".to_owned(),
        (io::ErrorKind::NetworkUnreachable, _) => "network unreachable".to_owned(),
        (io::ErrorKind::TimedOut, _) => "connection timed out".to_owned(),
        (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData, _) => "the answer is not PostgreSQL's".to_owned(),
        // So does the one who cuts the stream into messages, of one that ended in the middle (tokio-util's `decode_eof`).
        _ if error.to_string() == "bytes remaining on stream" => cause::CLOSED.to_owned(),
        // The resolver gives only its text (`gai_strerror(3)`).
        _ if error.to_string().contains("Temporary failure") => "no name server answers".to_owned(),
        _ if error.to_string().contains("failed to lookup address") => "name not found".to_owned(),
        _ => error.to_string(),
    }
}

/// The first cause of a kind, through the wrappings that hide one from `source`.
fn find<'a, T: Cause + 'static>(error: &'a (dyn Cause + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(found) = this.downcast_ref::<T>() {
            return Some(found);
        }
        cause = match this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Cause + 'static)),
            None => this.source(),
        };
    }
    None
}

/// The innermost cause.
fn deepest<'a>(error: &'a (dyn Cause + 'static)) -> &'a (dyn Cause + 'static) {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last
}
