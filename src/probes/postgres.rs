//! PostgreSQL databases: whether one answers, its replication, its connections.

pub mod connect;
mod reasons;
mod stream;
mod tls;

use crate::domain::Finding;
use crate::probes::target::Database;

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Database) -> String {
    let _ = target;
    String::new()
}

/// Reads one target again and again.
pub struct PostgresReader {
    target: Database,
}

impl PostgresReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Database) -> Self {
        Self { target }
    }

    /// Reads once.
    ///
    /// # Errors
    /// Why nothing was learnt.
    pub async fn read(&mut self) -> Result<Vec<Finding>, String> {
        let _ = &self.target;
        Err("not read by this version".to_owned())
    }
}
