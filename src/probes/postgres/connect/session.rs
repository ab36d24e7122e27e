//! Questions over a session that is open.

use crate::probes::postgres::answer::{Failure, Line};
use crate::probes::postgres::connect::pooler::{self, Setting};
use crate::probes::postgres::connect::{Session, late};
use std::sync::Mutex;
use std::time::Duration;
use tokio_postgres::SimpleQueryMessage;

/// How long an answer may take; the server itself gives up a second earlier.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);
/// How many bytes an answer may be.
const ANSWER_BYTES: u64 = 256 << 20;

/// A session through a pooler: nothing of it stays at a server between two questions.
pub(super) struct Pooled {
    settings: Vec<Setting>,
    /// Which server answered first.
    which: Mutex<Option<String>>,
}

impl Pooled {
    /// What each question takes with it.
    pub(super) fn new(settings: Vec<Setting>) -> Self {
        Self { settings, which: Mutex::new(None) }
    }

    /// Whether the server that answered is the one that answered first.
    fn is_same(&self, which: Option<&str>) -> bool {
        let (Some(which), Ok(mut first)) = (which, self.which.lock()) else { return false };
        *first.get_or_insert_with(|| which.to_owned()) == which
    }
}

impl Session {
    /// Turns read-only what only looks, where the server itself was reached and `answer` is what it said to the first question.
    pub(super) async fn restricted(mut self, settings: &[Setting], answer: &Line) -> Result<Self, Failure> {
        self.read_only_from = answer.text("source").map(str::to_owned);
        for (name, value) in settings.iter().filter(|(name, _)| *name == pooler::READ_ONLY) {
            self.rows(&format!("SET {name} = {value}")).await?;
        }
        Ok(self)
    }

    /// What decided at its start whether its transactions may write, as `pg_settings` names it; none through a pooler.
    #[must_use]
    pub fn read_only_from(&self) -> Option<&str> {
        self.read_only_from.as_deref()
    }

    /// The server and the database, without the role: `db1:5432/app`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Why it is not encrypted although the server offered to be: `sslmode=prefer` went on without.
    #[must_use]
    pub fn is_bare(&self) -> Option<&str> {
        self.bare.as_deref()
    }

    /// Whether it has ended; another one must be opened.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.client.is_closed() || self.ended.lock().is_ok_and(|ended| ended.is_some())
    }

    /// Asks; one statement, whose rows are given.
    ///
    /// # Errors
    /// What the server says, or how the connection ended. A session whose answer did not come is over.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Line>, Failure> {
        self.rows_within(sql, ANSWER_LIMIT).await
    }

    /// As [`Self::rows`], with another limit than 6 s; `statement_timeout` is 5 s unless a statement before sets it.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn rows_within(&self, sql: &str, limit: Duration) -> Result<Vec<Line>, Failure> {
        self.lines(sql, None, limit).await
    }

    /// As [`Self::rows`], of a question that the server may work on for `span`.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn long_rows(&self, sql: &str, span: Duration) -> Result<Vec<Line>, Failure> {
        if self.pooled.is_none() {
            self.rows(&format!("SET statement_timeout = {}", span.as_millis())).await?;
        }
        self.lines(sql, Some(span), span + Duration::from_secs(1)).await
    }

    /// Whether a pooler stands before the server: then no two questions share a transaction or a setting.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled.is_some()
    }

    async fn lines(&self, sql: &str, span: Option<Duration>, limit: Duration) -> Result<Vec<Line>, Failure> {
        self.meter.allow(ANSWER_BYTES);
        let whole = self.pooled.as_ref().map(|pooled| pooler::whole(&pooled.settings, sql, span));
        let work = self.client.simple_query(whole.as_deref().unwrap_or(sql));
        let answer = match tokio::time::timeout(limit, work).await {
            Ok(answer) => answer.map_err(|error| self.failure_of(&error))?,
            Err(_) => {
                let reason = late(limit);
                self.end(&reason);
                return Err(Failure::ours(reason));
            }
        };
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(Line::from(row)),
            _ => None,
        };
        let mut lines: Vec<Line> = answer.into_iter().filter_map(row).collect();
        if let Some(pooled) = &self.pooled {
            let first = (!lines.is_empty()).then(|| lines.remove(0));
            if !pooled.is_same(first.as_ref().and_then(|line| line.at(0))) {
                self.end(pooler::ANOTHER);
                return Err(Failure::ours(pooler::ANOTHER.to_owned()));
            }
        }
        Ok(lines)
    }

    /// As [`Self::rows`], of a question that has one row for an answer.
    ///
    /// # Errors
    /// As [`Self::rows`], or there is none.
    pub async fn row(&self, sql: &str) -> Result<Line, Failure> {
        let none = || Failure::ours("the server's answer is empty".to_owned());
        self.rows(sql).await?.into_iter().next().ok_or_else(none)
    }

    /// Notes that it is over.
    pub(super) fn end(&self, reason: &str) {
        if let Ok(mut ended) = self.ended.lock() {
            ended.get_or_insert_with(|| reason.to_owned());
        }
    }
}
