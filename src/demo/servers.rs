//! The demo's own servers: what is installed here runs, and what is not is named with the command that installs it.

use crate::demo::redis::{self, PrivateRedis, Worker};
use crate::domain::error::Result;
use std::fmt::Write as _;
use std::path::Path;

/// Servers that run until this is dropped.
#[derive(Debug, Default)]
pub struct Servers {
    // Before its server: it ends first.
    worker: Option<Worker>,
    redis: Option<PrivateRedis>,
    /// What does not run here, and why: a sentence each.
    pub absent: Vec<String>,
}

impl Servers {
    /// Starts every server that can be started, each in a directory of its own below the demo's.
    ///
    /// A server that does not start leaves the rest of the demo as it is.
    #[must_use]
    pub fn start(dir: &Path) -> Self {
        let mut servers = Self::default();
        let begun = match redis::unavailable() {
            Some(why) => Err(why),
            None => queue(&dir.join("redis")).map_err(|error| error.message),
        };
        match begun {
            Ok(redis) => {
                servers.worker = Some(redis.work());
                servers.redis = Some(redis);
            }
            Err(why) => servers.absent.push(format!("no Redis in the demo: {why}")),
        }
        servers
    }

    /// What the estate file says of them; what is absent is a comment there.
    #[must_use]
    pub fn entries(&self) -> String {
        let mut text = String::new();
        if let Some(redis) = &self.redis {
            let url = toml::Value::String(redis.url()).to_string();
            let _ = write!(text, "\n[[redis]]\nname = \"queue\"\nurl = {url}\nact = {url}\n");
        }
        for why in &self.absent {
            // A remark ends with its line, and holds no control character.
            let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = write!(text, "\n# {why}\n");
        }
        text
    }
}

fn queue(at: &Path) -> Result<PrivateRedis> {
    let server = PrivateRedis::start(at, &[])?;
    server.fill()?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_a_remark_of_a_readable_file() {
        let absent = vec!["no Redis in the demo: it failed\n[[service]]\u{7f}".to_owned()];
        let servers = Servers { absent, ..Servers::default() };
        let table: toml::Table = servers.entries().parse().unwrap();
        assert!(table.is_empty(), "{table}");
        assert_eq!(servers.entries(), "\n# no Redis in the demo: it failed [[service]] \n");
    }
}
