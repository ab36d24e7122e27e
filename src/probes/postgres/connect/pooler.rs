//! A connection pooler before the server: how it is recognised, and how a session that only looks goes through it.
//!
//! ```text
//! start with `options`, one of them a name that no other session has
//!   ├─ refused (08P01, as PgBouncer does)   ─▶ start without ─▶ a pooler
//!   ├─ the server does not know the name    ─▶ options dropped ─▶ a pooler
//!   └─ the server knows it                  ─▶ the server itself
//! a pooler: who acts is refused; who looks puts all that it needs into the transaction of each question
//! ```
//! A pooler is recognised by what it does, so that PgBouncer, pgcat, Odyssey and those of the clouds are alike. Which pooling mode it is
//! in cannot be seen from outside: one client at a time gets the same server connection in every mode.

use crate::probes::postgres::answer::Failure;
use std::time::Duration;

/// A setting of a session with its value.
pub(in crate::probes::postgres) type Setting = (&'static str, String);

/// The setting that names a session. Any role may set a name with a dot, and the server gives it no meaning.
///
/// Source: PostgreSQL 18 manual, 19.16.
const NAME: &str = "midwatch.session";
/// `protocol_violation`: what PgBouncer answers to a startup parameter that it does not take.
const REFUSED: &str = "08P01";
/// The column in which a pooled server says which one it is.
const WHICH: &str = "pg_postmaster_start_time()";
/// Settings of a whole session that have no meaning in one transaction.
const OF_SESSIONS: [&str; 2] = [READ_ONLY, "idle_in_transaction_session_timeout"];
/// The setting that is not in the start: what it would be without us is then still there to be read (`pg_settings.reset_val`).
pub(super) const READ_ONLY: &str = "default_transaction_read_only";

/// What to do where a session that acts meets a pooler.
const NO_ACT: &str = "a connection pooler such as PgBouncer stands before the server, and settings \
    of a session would stay with its other clients: let `act` name the host and the port of the server itself";
/// What to do where what a question needs cannot go through a pooler.
pub const NO_LOOK: &str = "a connection pooler such as PgBouncer stands before the server, and this needs a session of its own: \
    let `watch` name the host and the port of the server itself";
/// What to do where the estate's own `options` are lost in a pooler.
pub(in crate::probes::postgres) const NO_OPTIONS: &str = "a connection pooler such as PgBouncer stands before the server and drops \
    the `options` of the estate: name the host and the port of the server itself, or leave `options` out";
/// What to do where two questions reached two servers.
pub(in crate::probes::postgres) const ANOTHER: &str = "the connection pooler leads to another server than before, or the server was \
    restarted: name the host and the port of one server";

/// A session's own name.
pub(in crate::probes::postgres) struct Own(String);

impl Own {
    /// A name that no other session has.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub(in crate::probes::postgres) fn new() -> Result<Self, Failure> {
        let mut bytes = [0; 16];
        match rustix::rand::getrandom(bytes.as_mut_slice(), rustix::rand::GetRandomFlags::empty()) {
            Ok(given) if given == bytes.len() => Ok(Self(format!("{:032x}", u128::from_ne_bytes(bytes)))),
            Ok(_) => Err(Failure::ours("the kernel gives too few random bytes".to_owned())),
            Err(cause) => Err(Failure::ours(format!("the kernel gives no random bytes: {cause}"))),
        }
    }

    /// The startup parameter `options`: theirs first, so that nobody's options widen what a session is allowed.
    pub(in crate::probes::postgres) fn options(&self, theirs: Option<&str>, settings: &[Setting]) -> String {
        let ours = settings.iter().filter(|(name, _)| *name != READ_ONLY);
        let ours = ours.map(|(name, value)| format!("-c {name}={value}"));
        let all = theirs.map(str::to_owned).into_iter().chain(ours).chain([format!("-c {NAME}={}", self.0)]);
        all.collect::<Vec<_>>().join(" ")
    }

    /// The question whose answer is this name where the server itself was reached; and what decides whether a session may write.
    pub(in crate::probes::postgres) fn question() -> String {
        format!(
            "SELECT current_setting('{NAME}', true) AS session, \
            (SELECT source FROM pg_catalog.pg_settings WHERE name = '{READ_ONLY}') AS source"
        )
    }

    /// Whether the answer is this name.
    pub(in crate::probes::postgres) fn is(&self, answer: Option<&str>) -> bool {
        answer == Some(self.0.as_str())
    }
}

/// Why a session that acts is not opened through a pooler.
pub(in crate::probes::postgres) fn no_act() -> Failure {
    Failure::from_server(Some(REFUSED.to_owned()), NO_ACT.to_owned())
}

impl Failure {
    /// Whether a pooler stands before the server, and refuses or is refused.
    #[must_use]
    pub fn is_of_pooler(&self) -> bool {
        self.code.as_deref() == Some(REFUSED)
    }
}

/// Whether an error at the start of a session may mean that a pooler does not take `options`.
pub(in crate::probes::postgres) fn may_refuse_options(code: Option<&str>) -> bool {
    code == Some(REFUSED)
}

/// A question with all that it needs, as one message: the server makes one transaction of it and takes the settings back at its end.
/// The first row of the answer says which server it is.
///
/// Source: PostgreSQL 18 manual, 54.2.2.1 Multiple Statements in a Simple Query.
pub(in crate::probes::postgres) fn whole(settings: &[Setting], sql: &str, limit: Option<Duration>) -> String {
    let limit = limit.map(|limit| limit.as_millis().to_string());
    let local = settings.iter().filter(|(name, _)| !OF_SESSIONS.contains(name)).map(|(name, value)| {
        let value = limit.as_ref().filter(|_| *name == "statement_timeout").unwrap_or(value);
        format!("SET LOCAL {name} = '{value}'; ")
    });
    format!("SET TRANSACTION READ ONLY; {}SELECT {WHICH}; {sql}", local.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Vec<Setting> {
        [("default_transaction_read_only", "on"), ("statement_timeout", "5000"), ("TimeZone", "UTC")]
            .map(|(name, value)| (name, value.to_owned()))
            .into()
    }

    #[test]
    fn a_session_is_named_in_its_start_and_its_own_options_come_last() {
        let own = Own("01X".to_owned());
        assert_eq!(
            own.options(Some("-c statement_timeout=0"), &settings()),
            "-c statement_timeout=0 -c statement_timeout=5000 -c TimeZone=UTC \
             -c midwatch.session=01X"
        );
        assert!(own.is(Some("01X")) && !own.is(Some("01Y")) && !own.is(None));
        assert_ne!(Own::new().unwrap().0, Own::new().unwrap().0);
    }

    #[test]
    fn a_question_through_a_pooler_sets_nothing_beyond_its_own_transaction() {
        let whole = whole(&settings(), "SELECT 1", Some(Duration::from_secs(30)));
        let expected = "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '30000'; SET LOCAL TimeZone = 'UTC'; \
            SELECT pg_postmaster_start_time(); SELECT 1";
        assert_eq!(whole, expected);
        let sets = whole.split("; ").filter(|statement| statement.starts_with("SET "));
        assert!(sets.into_iter().all(|set| set.starts_with("SET LOCAL ") || set.starts_with("SET TRANSACTION ")));
    }
}
