//! What a rewrite of each table and index of a PostgreSQL database would give back.

use crate::domain::Finding;
use crate::probes::target::Database;

/// Reads one target again and again.
pub struct BloatReader {
    target: Database,
}

impl BloatReader {
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
