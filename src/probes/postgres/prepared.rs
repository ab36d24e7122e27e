//! Prepared transactions that nothing has ended: one keeps its locks, and every row that has died since, across restarts, until it is
//! committed or rolled back by its identifier. Those of all databases of the server are listed: they share its transaction ids.
//!
//! Source: PostgreSQL 18 manual, 53.16 (`pg_prepared_xacts`), PREPARE TRANSACTION.

use crate::domain::{Fact, Verdict, quantity};
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::names::named;
use crate::probes::postgres::plain;
use std::collections::BTreeMap;
use std::time::Duration;

/// The oldest of them, and how many there are. Every role sees them all. The owner is null where its role was dropped since.
const QUESTION: &str = "SELECT {{p.gid}} AS gid, {{coalesce(p.owner::text, 'dropped')}} AS owner, {{p.database}} AS database, \
    extract(epoch FROM clock_timestamp() - p.prepared)::bigint AS age_s, count(*) OVER () AS many \
    FROM pg_prepared_xacts AS p ORDER BY p.prepared, p.gid LIMIT 1";

/// One is critical at this many times the age from which on it warns: no client will come back for it.
const CRITICAL: u32 = 6;
/// How many characters of an identifier a row shows; one may have 200.
const SHOWN: usize = 60;

/// The oldest prepared transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    gid: String,
    owner: String,
    database: String,
    age: Duration,
    many: i64,
}

/// Asks for the oldest one.
pub(super) async fn read(session: &Session) -> Result<Option<Prepared>, Failure> {
    let rows = session.rows(&named(QUESTION)).await?;
    rows.first().map(|line| Prepared::of(line).ok_or_else(unreadable)).transpose()
}

/// A row that lacks a value is no proof that there is nothing.
fn unreadable() -> Failure {
    Failure::ours("pg_prepared_xacts has a row without its values".to_owned())
}

impl Prepared {
    fn of(line: &Line) -> Option<Self> {
        let text = |column: &str| line.text(column).map(str::to_owned);
        Some(Self {
            gid: text("gid")?,
            owner: text("owner")?,
            database: text("database")?,
            age: Duration::from_secs(plain(line.int("age_s")?)),
            many: line.int("many")?,
        })
    }

    /// Adds what it means to the row of the server; gives the verdict. `limit`: from which age on one warns.
    pub(super) fn describe(
        self,
        limit: Duration,
        detail: &mut String,
        facts: &mut BTreeMap<&'static str, Fact>,
    ) -> Verdict {
        let verdict = judge(self.age, limit);
        let age = i64::try_from(self.age.as_secs()).unwrap_or(i64::MAX);
        if verdict != Verdict::Ok {
            let Self { gid, owner, database, age, many } = &self;
            let gid = quantity::shortened(gid, SHOWN);
            let others = if *many > 1 { format!(", oldest of {many}") } else { String::new() };
            let age = quantity::age(*age);
            let reason =
                format!("prepared transaction {gid} is {age} old (database {database}, owner {owner}{others})");
            *detail = format!("{reason} · {detail}");
            facts.insert("reason", Fact::Text(reason));
        }
        facts.insert("prepared_transactions", Fact::Int(self.many));
        facts.insert("prepared_age_s", Fact::Int(age));
        let texts = [("prepared_gid", self.gid), ("prepared_database", self.database), ("prepared_owner", self.owner)];
        facts.extend(texts.map(|(fact, text)| (fact, Fact::Text(text))));
        verdict
    }
}

fn judge(age: Duration, limit: Duration) -> Verdict {
    match age {
        _ if age >= limit.saturating_mul(CRITICAL) => Verdict::Critical,
        _ if age >= limit => Verdict::Warn,
        _ => Verdict::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_the_oldest_one_is_judged_by_the_limit() {
        let limit = Duration::from_secs(600);
        let verdict = |seconds| judge(Duration::from_secs(seconds), limit);
        assert_eq!((verdict(599), verdict(600), verdict(3599)), (Verdict::Ok, Verdict::Warn, Verdict::Warn));
        assert_eq!(verdict(3600), Verdict::Critical);
    }

    #[test]
    fn the_reason_names_it_with_its_age_database_and_owner() {
        let (gid, owner, database) = ("x".repeat(70), "batch".to_owned(), "app".to_owned());
        let one = Prepared { gid, owner, database, age: Duration::from_secs(36 * 60), many: 3 };
        let (mut detail, mut facts) = ("primary 15.18".to_owned(), BTreeMap::new());
        assert_eq!(one.describe(Duration::from_secs(600), &mut detail, &mut facts), Verdict::Warn);
        let reason = format!(
            "prepared transaction {}… (10 more characters) is 36 m old (database app, owner batch, oldest of 3)",
            "x".repeat(60)
        );
        assert_eq!((detail, &facts["reason"]), (format!("{reason} · primary 15.18"), &Fact::Text(reason)));
        assert_eq!(facts["prepared_gid"], Fact::Text("x".repeat(70)), "the fact has it whole");
    }
}
