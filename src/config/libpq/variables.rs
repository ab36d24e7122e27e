//! The environment by which PostgreSQL's own programs reach what is written.
//!
//! Variables are the weakest source that libpq has, so the service and this process's own variables are worked in before. What a
//! program finds by itself, the password file and the certificates below its home, is left to it.

use crate::config::libpq::settle::{self, value_of};
use crate::config::libpq::words::KNOWN;
use crate::config::libpq::{Access, ServerPlace};
use crate::config::secrets::Secret;
use std::collections::BTreeMap;

/// What goes by another way, or is worked in already.
const APART: [&str; 3] = ["password", "service", "servicefile"];

/// Variables for a program that links libpq.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Variables {
    /// Those that are no secret: `PGHOST`, `PGUSER`, …
    pub plain: BTreeMap<String, String>,
    /// `PGPASSWORD`, where a password is known.
    pub password: Option<Secret>,
}

/// Works them out.
pub(super) fn variables(access: &Access) -> Result<Variables, String> {
    let (mut given, secret) = settle::given(access)?;
    let password = secret.or_else(|| value_of(&given, "password").map(Secret::new));
    if value_of(&given, "host").or(value_of(&given, "hostaddr")).is_none() {
        let servers = settle::servers(&given, &access.around)?;
        if let Some(ServerPlace::Socket(directory)) = servers.first().map(|server| &server.place) {
            given.insert("host".to_owned(), directory.display().to_string());
        }
    }
    let one = |(name, variable): &(&str, Option<&str>)| {
        Some(((*variable)?.to_owned(), value_of(&given, name).filter(|_| !APART.contains(name))?.to_owned()))
    };
    Ok(Variables { plain: KNOWN.iter().filter_map(one).collect(), password })
}
