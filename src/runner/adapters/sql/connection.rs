//! How to reach a database, as a plan stores it: the written form and the places of its secrets, never their values.

use crate::config::estate::Estate;
use crate::config::libpq::Access;
use crate::config::paths::Surroundings;
use crate::config::secrets::Secrets;
use crate::domain::Error;
use crate::runner::adapters::secret::{self, Places};
use serde::{Deserialize, Serialize};

/// One connection to a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// A libpq string, a URL, or a service.
    written: String,
    /// The places of its secrets.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    secrets: Places,
}

/// One database of the estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name in the estate.
    pub name: String,
    /// As a role that cannot act.
    pub watch: Option<Way>,
    /// For acts; without it, no act is possible.
    pub act: Option<Way>,
}

impl Way {
    fn of(written: &str, secrets: &Secrets) -> Self {
        let named = secrets.places.keys().filter(|name| written.contains(&format!("secret:{name}")));
        Self { written: written.to_owned(), secrets: secret::places(secrets, named.map(String::as_str)) }
    }

    /// With the variables of this process.
    pub(in super::super) fn access(&self) -> Access {
        Access {
            written: self.written.clone(),
            secrets: secret::secrets(&self.secrets),
            around: Surroundings::of(std::env::vars_os()),
        }
    }
}

/// The databases of an estate.
pub(in super::super) fn databases(estate: &Estate) -> Vec<Database> {
    let way = |written: &String| Way::of(written, &estate.secrets);
    let database = |entry: &crate::config::estate::Postgres| Database {
        name: entry.name.clone(),
        watch: Some(way(&entry.watch)),
        act: entry.act.as_ref().map(way),
    };
    estate.postgres.iter().map(database).collect()
}

/// Runs the future to its end in its own runtime.
pub(in super::super) fn finish<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start a client of PostgreSQL", cause))?;
    let done = runtime.block_on(work);
    // Do not wait for a name lookup that is still under way.
    runtime.shutdown_background();
    Ok(done)
}
