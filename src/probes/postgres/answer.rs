//! What comes back: one row of an answer, or why there is none.

use crate::domain::Loss;
use std::fmt;
use tokio_postgres::SimpleQueryRow;

/// One row of an answer; every value is text, as the server writes it.
pub struct Line(SimpleQueryRow);

impl From<SimpleQueryRow> for Line {
    fn from(row: SimpleQueryRow) -> Self {
        Self(row)
    }
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The SQLSTATE, where the server answered with an error.
    pub code: Option<String>,
    /// The reason in a few words.
    pub reason: String,
    /// Whether nothing serves there: the connection was refused or reset, or the socket does not exist.
    pub refused: bool,
}

/// `crash_shutdown` and `cannot_connect_now`: the server says itself that it serves nobody, because it ends, starts or recovers.
///
/// Source: PostgreSQL 18 manual, appendix A.
const SERVES_NOT: [&str; 2] = ["57P02", "57P03"];
/// `invalid_catalog_name`: the server has no such database.
const NO_DATABASE: &str = "3D000";

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.reason
    }
}

impl From<Failure> for Loss {
    fn from(failure: Failure) -> Self {
        match failure.code.as_deref() {
            _ if failure.refused => Self::down(failure.reason),
            Some(code) if SERVES_NOT.contains(&code) => Self::down(failure.reason),
            Some(NO_DATABASE) => Self::missing(failure.reason),
            _ => Self::unread(failure.reason),
        }
    }
}

impl Failure {
    /// A reason of our own, without a SQLSTATE.
    #[must_use]
    pub fn ours(reason: String) -> Self {
        Self::from_server(None, reason)
    }

    /// A reason with the SQLSTATE of the server, where it answered.
    pub(super) fn from_server(code: Option<String>, reason: String) -> Self {
        Self { code, reason, refused: false }
    }

    /// Whether the role may not do this (SQLSTATE 42501).
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.code.as_deref() == Some("42501")
    }
}

impl Line {
    /// A value as text; `None` where it is null, or there is no such column.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// A value as text by its place, from 0; `None` where it is null, or there is no such column.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&str> {
        self.0.try_get(place).ok().flatten()
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns().iter().map(tokio_postgres::SimpleColumn::name)
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }

    /// A real number; `NaN` and infinities are none.
    #[must_use]
    pub fn real(&self, column: &str) -> Option<f64> {
        self.text(column)?.parse().ok().filter(|figure: &f64| figure.is_finite())
    }

    /// A truth: `t` or `f`.
    #[must_use]
    pub fn flag(&self, column: &str) -> Option<bool> {
        match self.text(column)? {
            "t" => Some(true),
            "f" => Some(false),
            _ => None,
        }
    }
}
