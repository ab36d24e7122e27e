//! How PostgreSQL's own programs find a server, for a client library that knows none of it.

use crate::config::paths::Surroundings;
use crate::config::secrets::Secrets;

/// How to reach one database: what was written, and what it may refer to.
///
/// Variables, the service file and the password file are read anew with every connection.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Access {
    /// A libpq string, a URL, or nothing: then the variables and defaults decide.
    pub written: String,
    /// The secrets that it may name.
    pub secrets: Secrets,
    /// The variables and the places of files.
    pub around: Surroundings,
}
