//! Whether the ordinary transactions of a primary may write: `default_transaction_read_only`, as it is for sessions that say
//! nothing about it.
//!
//! Our own session is read-only in any case, so what counts is the value under it (`reset_val`), where the server's files decided it,
//! and what the catalog says of the database. What a single role has is its own affair, and is named without a warning.
//!
//! ```text
//!  role  >  database  >  all roles  >  the server's files
//! ```
//! Source: PostgreSQL 18 manual, 19.1, 19.11.1, 52.16 and 53.24.

use crate::domain::{Fact, Verdict};
use crate::probes::postgres::connect::{Failure, Line, Session};
use std::collections::BTreeMap;

const QUESTION: &str = "WITH own AS (SELECT d.setdatabase, d.setrole, split_part(c, '=', 2)::boolean AS is_on \
    FROM pg_db_role_setting AS d, unnest(d.setconfig) AS c \
    WHERE split_part(c, '=', 1) = 'default_transaction_read_only' \
    AND d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) \
    SELECT s.reset_val = 'on' AS is_on, s.source, quote_ident(current_database()) AS database, \
    (SELECT is_on FROM own WHERE setrole = 0 AND setdatabase <> 0) AS of_database, \
    (SELECT is_on FROM own WHERE setrole = 0 AND setdatabase = 0) AS of_all, \
    (SELECT string_agg(DISTINCT r.rolname, ', ' ORDER BY r.rolname) FROM own AS o \
        JOIN pg_roles AS r ON r.oid = o.setrole WHERE o.is_on AND r.rolname <> session_user) AS roles \
    FROM pg_settings AS s WHERE s.name = 'default_transaction_read_only'";

/// The sources of a value that every session has, unless the catalog or itself says something else.
const OF_SERVER: [&str; 4] = ["default", "environment variable", "configuration file", "command line"];
/// The sources of a value that the catalog had for the database or for all roles.
const OF_CATALOG: [&str; 2] = ["database", "global"];

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Writable {
    /// What makes ordinary transactions read-only, and the statements that undo it.
    read_only: Option<(String, String)>,
    /// The roles whose transactions alone are read-only.
    roles: Option<String>,
    /// Whether the catalog has changed under the session, so that another one would learn more.
    pub(super) is_old: bool,
}

/// Asks a primary.
pub(super) async fn read(session: &Session) -> Result<Writable, Failure> {
    Ok(Writable::of(&session.row(QUESTION).await?, session.read_only_from()))
}

impl Writable {
    fn of(line: &Line, began: Option<&str>) -> Self {
        let (of_database, of_all) = (line.flag("of_database"), line.flag("of_all"));
        let is_old = began.is_some_and(|began| OF_CATALOG.contains(&began)) && of_database.or(of_all).is_none();
        let from = began.or(line.text("source")).unwrap_or_default();
        let database = line.text("database").unwrap_or_default();
        // Unlike ALTER SYSTEM, these are refused in a read-only transaction, which is what a superuser gets, too.
        let reset = |whose: &str| {
            let undo = format!("ALTER {whose} RESET default_transaction_read_only;");
            (format!("ALTER {whose}"), format!("SET default_transaction_read_only = off; {undo}"))
        };
        let read_only = match (of_database, of_all) {
            (Some(true), _) => Some(reset(&format!("DATABASE {database}"))),
            (None, Some(true)) => Some(reset("ROLE ALL")),
            (Some(false), _) | (None, Some(false)) => None,
            (None, None) => (OF_SERVER.contains(&from) && line.flag("is_on") == Some(true)).then(|| {
                let undo = "ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf();";
                ("the server's configuration".to_owned(), undo.to_owned())
            }),
        };
        Self { read_only, roles: line.text("roles").map(str::to_owned), is_old }
    }

    /// Adds what it means to the row of the server; gives the verdict.
    pub(super) fn describe(self, detail: &mut String, facts: &mut BTreeMap<&'static str, Fact>) -> Verdict {
        facts.extend(self.roles.map(|roles| ("read_only_roles", Fact::Text(roles))));
        let Some((by, undo)) = self.read_only else { return Verdict::Ok };
        *detail = format!("writes fail: default_transaction_read_only is on by {by} · {detail}");
        facts.insert("read_only_by", Fact::Text(by));
        facts.insert("remedy_command", Fact::Text(undo));
        Verdict::Warn
    }
}
