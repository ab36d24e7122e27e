//! How to reach a Redis, as a plan stores it: the written form and the places of its secrets, never their values.

use crate::config::estate::{self, Estate};
use crate::config::paths::Surroundings;
use crate::domain::Error;
use crate::probes::target::RedisServer;
use crate::runner::adapters::secret::{self, Places};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Way {
    /// A URL without a password.
    url: String,
    /// The name of the password's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// The place of that secret.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    secrets: Places,
    /// The CA certificates for the server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
}

/// One Redis of the estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Server {
    pub(in super::super) name: String,
    /// For looks.
    pub(in super::super) watch: Option<Way>,
    /// For acts; without it, no act is possible.
    pub(in super::super) act: Option<Way>,
}

impl Way {
    /// With the variables of this process.
    pub(super) fn server(&self, name: &str) -> RedisServer {
        let tls = self.url.starts_with("rediss:");
        let entry = estate::Redis {
            name: name.to_owned(),
            url: self.url.clone(),
            password: self.password.clone(),
            act: None,
            act_password: None,
            mode: None,
            memory: None,
            critical: true,
            ca: self.ca.clone().filter(|_| tls),
        };
        let around = Surroundings::of(std::env::vars_os());
        RedisServer { entry, secrets: secret::secrets(&self.secrets), around }
    }
}

/// The servers of an estate.
pub(in super::super) fn servers(estate: &Estate) -> Vec<Server> {
    let way = |url: &String, password: Option<&String>, ca: Option<&PathBuf>| Way {
        url: url.clone(),
        password: password.cloned(),
        secrets: secret::places(&estate.secrets, password.map(String::as_str)),
        ca: ca.cloned(),
    };
    let server = |entry: &estate::Redis| Server {
        name: entry.name.clone(),
        watch: Some(way(&entry.url, entry.password.as_ref(), entry.ca.as_ref())),
        act: entry
            .act
            .as_ref()
            .map(|act| way(act, entry.act_password.as_ref().or(entry.password.as_ref()), entry.ca.as_ref())),
    };
    estate.redis.iter().map(server).collect()
}

/// Runs the future to its end in its own runtime.
pub(super) fn finish<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start a client of Redis", cause))?;
    let done = runtime.block_on(work);
    // Do not wait for a name lookup that is still under way.
    runtime.shutdown_background();
    Ok(done)
}
