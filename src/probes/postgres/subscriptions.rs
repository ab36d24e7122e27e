//! Subscriptions of logical replication: whether each is applied, and whether its tables are copied.
//!
//! ```text
//!  pg_subscription             enabled, or disabled (by hand, or by an error: disable_on_error)
//!  pg_stat_subscription        the worker that applies, and those that copy tables; none between two tries
//!  pg_stat_subscription_stats  errors since the statistics began       version 15 on
//!  pg_subscription_rel         i d f: not copied yet, s r: copied      of the own database alone
//! ```
//! A worker that fails ends, and is started again after `wal_retrieve_retry_interval` (5 s): of a loop of errors, one look most often
//! sees no worker, and two readings see the number of errors grow.
//!
//! Source: PostgreSQL 18 manual, 27.2.9, 27.2.10, 53.54, 53.55 and 29.2. Every role sees all but the connection strings.

use crate::domain::{Fact, Observation, Verdict, quantity};
use crate::probes::postgres::About;
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::story::Story;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long it takes to the second look.
const PAUSE: Duration = Duration::from_secs(1);
/// The first versions that let every role read `pg_subscription.oid`, and that count errors and disable a subscription by one.
const WITH_OID: i64 = 140_000;
const WITH_ERRORS: i64 = 150_000;

/// The subscriptions of a server, with their errors at the reading before.
#[derive(Default)]
pub(super) struct Subscriptions {
    before: BTreeMap<(String, String), Errors>,
}

/// How often a subscription has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Errors {
    apply: i64,
    copy: i64,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subscription {
    name: String,
    /// Its database, where that is another one.
    elsewhere: Option<String>,
    database: String,
    is_enabled: bool,
    /// Whether an error disables it.
    ends_by_error: bool,
    is_applied: bool,
    is_copying: bool,
    /// How many of its tables are not copied yet.
    uncopied: i64,
    errors: Errors,
}

/// The question for a version. `pg_stat_subscription` has a row for each worker, and one without a process where there is none.
fn question(version: i64) -> String {
    let same = if version >= WITH_OID { "p.oid = w.subid" } else { "p.subname = w.subname" };
    let (ends, apply, copy, errors) = if version >= WITH_ERRORS {
        (
            "p.subdisableonerr",
            "e.apply_error_count",
            "e.sync_error_count",
            "LEFT JOIN pg_stat_subscription_stats AS e ON e.subid = w.subid",
        )
    } else {
        ("false", "0", "0", "")
    };
    format!(
        "SELECT p.subname AS name, d.datname AS database, d.datname = current_database() AS own, \
         p.subenabled AS enabled, {ends} AS ends_by_error, w.applied, w.copying, \
         (SELECT count(*) FROM pg_subscription_rel AS r WHERE r.srsubid = w.subid AND r.srsubstate IN ('i', 'd', 'f') \
             AND d.datname = current_database()) AS uncopied, \
         coalesce({apply}, 0) AS apply_errors, coalesce({copy}, 0) AS copy_errors \
         FROM (SELECT s.subid, s.subname, bool_or(s.pid IS NOT NULL AND s.relid IS NULL) AS applied, \
                   bool_or(s.pid IS NOT NULL AND s.relid IS NOT NULL) AS copying \
               FROM pg_stat_subscription AS s GROUP BY s.subid, s.subname) AS w \
         JOIN pg_subscription AS p ON {same} JOIN pg_database AS d ON d.oid = p.subdbid {errors} \
         ORDER BY d.datname <> current_database(), d.datname, p.subname"
    )
}

impl Subscriptions {
    /// Reads a primary that subscribes; `None` of one that does not.
    pub(super) async fn read(&mut self, session: &Session, about: &About) -> Result<Option<Observation>, Failure> {
        if about.standby {
            // It has those of its primary, and applies none.
            return Ok(None);
        }
        let mut all = read(session, about).await?;
        if all.is_empty() {
            self.before.clear();
            return Ok(None);
        }
        if all.iter().any(Subscription::lacks_worker) {
            tokio::time::sleep(PAUSE).await;
            let again = read(session, about).await?;
            let first = |one: &Subscription| all.iter().find(|first| first.key() == one.key()).cloned();
            let both = again.into_iter().map(|second| match first(&second) {
                Some(first) => second.or_worker_of(&first),
                None => second,
            });
            all = both.collect();
        }
        let mut story = Story::new(false);
        let sum = |figure: &dyn Fn(&Subscription) -> i64| Some(all.iter().map(figure).sum());
        story.count([
            ("subscriptions", i64::try_from(all.len()).ok()),
            ("subscriptions_disabled", sum(&|one| i64::from(!one.is_enabled))),
            ("subscription_tables_uncopied", sum(&|one| one.uncopied)),
        ]);
        if about.version_num >= WITH_ERRORS {
            story.count([
                ("subscription_apply_errors", sum(&|one| one.errors.apply)),
                ("subscription_copy_errors", sum(&|one| one.errors.copy)),
            ]);
        }
        let mut fine = 0_u64;
        for one in &all {
            let before = self.before.get(&one.key()).copied();
            let judged = one.judge(before);
            fine += u64::from(judged.is_empty());
            if let (Some((verdict, _)), false) = (judged.first(), story.facts.contains_key("subscription")) {
                story.facts.extend((*verdict != Verdict::Ok).then(|| ("subscription", Fact::Text(one.name.clone()))));
            }
            for (verdict, words) in judged {
                story.add(verdict, words);
            }
        }
        if fine > 0 {
            story.add(Verdict::Ok, quantity::counted(fine, "subscription applied", "subscriptions applied"));
        }
        self.before = all.into_iter().map(|one| (one.key(), one.errors)).collect();
        Ok(Some(story.end()))
    }
}

async fn read(session: &Session, about: &About) -> Result<Vec<Subscription>, Failure> {
    let lines = session.rows(&question(about.version_num)).await?;
    let unreadable = || Failure::ours("pg_stat_subscription has a row without its values".to_owned());
    lines.iter().map(|line| Subscription::of(line).ok_or_else(unreadable)).collect()
}

impl Subscription {
    fn of(line: &Line) -> Option<Self> {
        let (name, database) = (line.text("name")?.to_owned(), line.text("database")?.to_owned());
        Some(Self {
            elsewhere: (line.flag("own") != Some(true)).then(|| database.clone()),
            name,
            database,
            is_enabled: line.flag("enabled")?,
            ends_by_error: line.flag("ends_by_error")?,
            is_applied: line.flag("applied")?,
            is_copying: line.flag("copying")?,
            uncopied: line.int("uncopied")?,
            errors: Errors { apply: line.int("apply_errors")?, copy: line.int("copy_errors")? },
        })
    }

    fn key(&self) -> (String, String) {
        (self.database.clone(), self.name.clone())
    }

    /// Whether a worker is missing that a second look may see.
    fn lacks_worker(&self) -> bool {
        self.is_enabled && (!self.is_applied || (self.uncopied > 0 && !self.is_copying))
    }

    /// The later of two looks, with the workers that either saw.
    fn or_worker_of(self, first: &Self) -> Self {
        Self {
            is_applied: self.is_applied || first.is_applied,
            is_copying: self.is_copying || first.is_copying,
            ..self
        }
    }

    /// What is wrong with it, by what it had at the reading before.
    fn judge(&self, before: Option<Errors>) -> Vec<(Verdict, String)> {
        let of = self.elsewhere.as_ref().map_or_else(String::new, |database| format!(" of database {database}"));
        let called = format!("subscription {}{of}", self.name);
        let Errors { apply, copy } = self.errors;
        if !self.is_enabled {
            return vec![if self.ends_by_error && apply + copy > 0 {
                (Verdict::Critical, format!("{called} is disabled after an error"))
            } else {
                (Verdict::Warn, format!("{called} is disabled"))
            }];
        }
        let grew = |now: i64, past: fn(Errors) -> i64| before.is_some_and(|before| now > past(before));
        let mut judged = Vec::new();
        let mut add = |has_worker: bool, errors: i64, grew: bool, what: &str| {
            let many = quantity::counted(u64::try_from(errors).unwrap_or(0), "error", "errors");
            let fails = format!("{called}: {what} fails, {many}; see the server's log");
            let found = match (has_worker, errors > 0) {
                (false, true) => Some((Verdict::Critical, fails)),
                (false, false) => Some((Verdict::Warn, format!("{called}: no worker, {what} has stopped"))),
                (true, _) => grew.then_some((Verdict::Warn, fails)),
            };
            judged.extend(found);
        };
        add(self.is_applied, apply, grew(apply, |errors| errors.apply), "apply");
        if self.uncopied > 0 && self.is_applied {
            add(self.is_copying, copy, grew(copy, |errors| errors.copy), "the copy of tables");
        }
        if self.uncopied > 0 {
            let tables = quantity::counted(u64::try_from(self.uncopied).unwrap_or(0), "table", "tables");
            judged.push((Verdict::Ok, format!("{called}: {tables} not copied yet")));
        }
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Subscription {
        Subscription {
            name: "sub1".to_owned(),
            elsewhere: None,
            database: "app".to_owned(),
            is_enabled: true,
            ends_by_error: false,
            is_applied: true,
            is_copying: false,
            uncopied: 0,
            errors: Errors::default(),
        }
    }

    fn worst(one: &Subscription, before: Option<Errors>) -> (Verdict, String) {
        one.judge(before).into_iter().next().unwrap_or((Verdict::Ok, String::new()))
    }

    #[test]
    fn the_question_asks_for_nothing_that_a_version_has_not() {
        let has = |version: i64, words: &str| question(version).contains(words);
        let seen = |words| [130_000, 140_000, 150_000, 160_000, 170_000, 180_000].map(|version| has(version, words));
        assert_eq!(seen("p.oid"), [false, true, true, true, true, true]);
        assert_eq!(seen("p.subname = w.subname"), [true, false, false, false, false, false]);
        for words in ["subdisableonerr", "pg_stat_subscription_stats", "apply_error_count", "sync_error_count"] {
            assert_eq!(seen(words), [false, false, true, true, true, true], "{words}");
        }
    }

    #[test]
    fn one_that_is_not_applied_or_not_copied_is_never_ok() {
        let one = subscription();
        assert_eq!(one.judge(None), []);
        let failed = Errors { apply: 3, copy: 0 };
        assert_eq!(worst(&Subscription { is_applied: false, ..one.clone() }, None).0, Verdict::Warn);
        let (verdict, words) = worst(&Subscription { is_applied: false, errors: failed, ..one.clone() }, None);
        assert_eq!(
            (verdict, words.as_str()),
            (Verdict::Critical, "subscription sub1: apply fails, 3 errors; see the server's log")
        );
        // With a worker just now, by its errors since the reading before; those of long ago are over.
        let loops = Subscription { errors: failed, ..one.clone() };
        assert_eq!((worst(&loops, None).0, worst(&loops, Some(failed)).0), (Verdict::Ok, Verdict::Ok));
        assert_eq!(worst(&loops, Some(Errors { apply: 2, copy: 0 })).0, Verdict::Warn);

        let copies = Subscription { uncopied: 2, is_copying: true, ..one.clone() };
        assert_eq!(copies.judge(None), [(Verdict::Ok, "subscription sub1: 2 tables not copied yet".to_owned())]);
        let stuck = Subscription { is_copying: false, ..copies };
        assert_eq!(worst(&stuck, None).0, Verdict::Warn);
        assert_eq!(worst(&Subscription { errors: Errors { apply: 0, copy: 1 }, ..stuck }, None).0, Verdict::Critical);

        let off = Subscription { is_enabled: false, is_applied: false, ..one.clone() };
        assert_eq!(worst(&off, None), (Verdict::Warn, "subscription sub1 is disabled".to_owned()));
        let by_error = Subscription { ends_by_error: true, errors: failed, elsewhere: Some("b".to_owned()), ..off };
        assert_eq!(
            worst(&by_error, None),
            (Verdict::Critical, "subscription sub1 of database b is disabled after an error".to_owned())
        );
    }

    #[test]
    fn a_worker_that_one_of_two_looks_saw_is_there() {
        let gone = Subscription { is_applied: false, ..subscription() };
        assert!(gone.lacks_worker() && !subscription().lacks_worker());
        assert!(gone.clone().or_worker_of(&subscription()).is_applied);
        assert!(!gone.clone().or_worker_of(&gone).is_applied);
    }
}
