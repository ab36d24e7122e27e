//! Series of backups in local directories.

use crate::config::estate::Backup;
use crate::domain::Finding;

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Backup) -> String {
    let _ = target;
    String::new()
}

/// Reads one target again and again.
pub struct BackupReader {
    target: Backup,
}

impl BackupReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Backup) -> Self {
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
