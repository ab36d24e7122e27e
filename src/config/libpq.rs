//! How PostgreSQL's own programs find a server, for a client library that knows none of it.
//!
//! ```text
//!  string or URL  >  service file  >  PG* variables  >  defaults      the password: these, then the password file
//! ```
//! Source: PostgreSQL 18 manual, chapter 32 (libpq): 32.1.2 keywords, 32.15 variables, 32.16 password file, 32.17 service file,
//! 32.19 TLS. What is known there and not honoured here is refused by name, unless it cannot matter.

mod passfile;
mod service;
mod settle;
mod variables;
mod words;

pub use variables::Variables;

use crate::config::paths::Surroundings;
use crate::config::secrets::{Secret, Secrets};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach one database: what was written, and what it may refer to.
///
/// Variables, the service file and the password file are read again with every connection.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Access {
    /// A libpq string, a URL, or nothing: then the variables and defaults decide.
    pub written: String,
    /// The secrets that it may name.
    pub secrets: Secrets,
    /// The variables and the places of files.
    pub around: Surroundings,
}

/// Everything that a connection needs, worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The servers, in the order in which they are tried; at least one.
    pub servers: Vec<Server>,
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// How much TLS is asked for. It is never used on a unix socket.
    pub tls: Tls,
    /// How long one server may take; `None` where it is not set.
    pub connect_timeout: Option<Duration>,
    /// `application_name`, where it is set.
    pub application_name: Option<String>,
    /// Options for the server's command line.
    pub options: Option<String>,
    /// Which kind of server is wanted.
    pub session: SessionKind,
    /// Whether the password exchange is bound to the TLS session.
    pub channel_binding: ChannelBinding,
    /// Why the password file was not read although it is there; reported when a password is missing.
    pub passfile_refused: Option<String>,
}

/// One server of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub place: ServerPlace,
    /// Its port; of a socket, the number in its name.
    pub port: u16,
    /// The password for it.
    pub password: Option<Secret>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerPlace {
    /// The directory of its unix socket.
    Socket(PathBuf),
    /// A host: the name that is looked up and that its certificate must have, an address that saves the look-up, or both.
    Tcp {
        /// `host`.
        name: Option<String>,
        /// `hostaddr`.
        address: Option<IpAddr>,
    },
}

/// `sslmode` and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// How much is asked for.
    pub mode: TlsMode,
    /// The certificates that the server's must lead to.
    pub root: TlsRoot,
    /// Our own certificate and its key, in PEM files.
    pub own: Option<(PathBuf, PathBuf)>,
    /// Whether the client sends the server's name (SNI).
    pub sni: bool,
    /// Whether TLS begins at once, as PostgreSQL 17 allows.
    pub direct: bool,
    /// The oldest version that is taken: 1.2, or 1.3 when this is set.
    pub only_1_3: bool,
}

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Only where the server wants it.
    Allow,
    /// Where the server can.
    Prefer,
    /// Always; the certificate is verified only where a root is given.
    Require,
    /// Always, with a certificate that leads to the root, of any name.
    VerifyCa,
    /// Always, with a certificate that leads to the root and has the host's name.
    VerifyFull,
}

/// `sslrootcert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsRoot {
    /// There is none; any certificate is taken.
    None,
    /// A PEM file.
    File(PathBuf),
    /// The machine's own trust.
    System,
}

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Any server.
    Any,
    /// One that takes writes.
    ReadWrite,
    /// One that does not.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One that is.
    Standby,
    /// A standby; any server where there is none.
    PreferStandby,
}

/// `channel_binding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Always.
    Require,
}

impl Access {
    /// Works out everything a connection needs; reads the service file, the password file and a named secret.
    ///
    /// # Errors
    /// What is wrong or missing, in a sentence without any secret.
    pub fn resolve(&self) -> Result<Parameters, String> {
        settle::parameters(self)
    }

    /// The variables by which PostgreSQL's own programs reach the same; reads the service file and a named secret.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn variables(&self) -> Result<Variables, String> {
        variables::variables(self)
    }

    /// The servers and the database in a few words, without role or password; what could not be worked out is left out. It opens
    /// no file of a user, whose home may lie on a file server that has gone: a service is shown by its name.
    #[must_use]
    pub fn shown(&self) -> String {
        settle::shown(self).unwrap_or_else(|_| "PostgreSQL".to_owned())
    }
}

/// Every parameter that a connection string may have, secrets included.
pub(crate) fn parameters() -> impl Iterator<Item = &'static str> {
    words::KNOWN.iter().map(|(name, _)| *name)
}

impl fmt::Display for Parameters {
    /// `db1:5432,db2:5432/app`, `/run/postgresql:5432/app`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (turn, server) in self.servers.iter().enumerate() {
            write!(f, "{}{server}", if turn > 0 { "," } else { "" })?;
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            ServerPlace::Socket(directory) => write!(f, "{}:{}", directory.display(), self.port),
            ServerPlace::Tcp { name: Some(name), .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            ServerPlace::Tcp { name: Some(name), .. } => write!(f, "{name}:{}", self.port),
            ServerPlace::Tcp { address: Some(IpAddr::V6(address)), .. } => write!(f, "[{address}]:{}", self.port),
            ServerPlace::Tcp { address: Some(address), .. } => write!(f, "{address}:{}", self.port),
            ServerPlace::Tcp { .. } => write!(f, "localhost:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests;
