//! Which database of which server this is, whatever it is called here.

use crate::config::libpq::Access;
use crate::probes::postgres::connect::connect;

/// The system identifier is made by `initdb` and shared by a primary and its standbys; PostgreSQL manual, `pg_control_system`.
const ASK: &str = "SELECT system_identifier::text AS system, pg_catalog.current_database()::text AS database \
    FROM pg_catalog.pg_control_system()";

/// The server's system identifier and the database: `7461234567890123456/novacron`.
///
/// # Errors
/// Why it is not known, in a few words and without any secret.
pub async fn identity(access: &Access) -> Result<String, String> {
    let session = connect(access).await?;
    let row = session.row(ASK).await?;
    match (row.text("system"), row.text("database")) {
        (Some(system), Some(database)) => Ok(format!("{system}/{database}")),
        _ => Err("the server does not say which it is".to_owned()),
    }
}
