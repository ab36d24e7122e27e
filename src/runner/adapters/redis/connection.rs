//! How a Redis is reached, as a plan keeps it: what was written, and where its secrets lie; never their values.

use crate::config::estate::{self, Estate};
use crate::config::paths::Surroundings;
use crate::domain::Error;
use crate::probes::target::RedisServer;
use crate::runner::adapters::secret::{self, Places};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One way to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Way {
    /// A URL without a password.
    url: String,
    /// The name of the secret that is the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// The place of that secret.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    secrets: Places,
    /// The certificates that the server's must lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
}

/// One Redis of the estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Server {
    pub(in super::super) name: String,
    /// To look.
    pub(in super::super) watch: Option<Way>,
    /// For acts; without it, nothing can.
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

/// Does asynchronous work to its end, in a runtime of its own.
pub(super) fn finish<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start a client of Redis", cause))?;
    let done = runtime.block_on(work);
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    Ok(done)
}
