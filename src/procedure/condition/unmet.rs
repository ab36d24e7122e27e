//! Why a condition does not hold for the facts of a row.

use crate::domain::Fact;
use crate::procedure::condition::{Condition, Operand, Seen, Test};
use std::collections::BTreeMap;
use std::fmt;

/// A test that does not hold, with the value that the row has: `used_ratio > 0.8 (0.41 now)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmet {
    /// The test, as the author wrote it.
    pub test: String,
    /// The value of its fact; `None` where the row does not have that fact.
    pub now: Option<Fact>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.now {
            Some(Fact::Text(text)) => write!(f, "{} ('{}' now)", self.test, text.escape_debug()),
            Some(fact) => write!(f, "{} ({} now)", self.test, Operand::Literal(fact.clone())),
            None => write!(f, "{} (not known now)", self.test),
        }
    }
}

impl Condition {
    /// The tests that fail, for each alternative that fails. A fact that is not known fails the whole condition, so that its
    /// test is listed even where another alternative holds.
    #[must_use]
    pub fn unmet(&self, facts: &BTreeMap<&'static str, Fact>) -> Vec<Vec<Unmet>> {
        let failing = |tests: &Vec<Test>| tests.iter().filter_map(|test| test.unmet(facts)).collect::<Vec<_>>();
        self.0.iter().map(failing).filter(|tests| !tests.is_empty()).collect()
    }
}

impl Test {
    fn unmet(&self, facts: &BTreeMap<&'static str, Fact>) -> Option<Unmet> {
        let seen = |name: &str| facts.get(name).cloned().map(Seen::Typed).ok_or_else(String::new);
        if self.holds(&seen) == Ok(true) {
            return None;
        }
        let fact = match &self.left {
            Operand::Fact(name) => facts.get(name.as_str()).cloned(),
            Operand::Reference(_) => None,
            Operand::Literal(value) => Some(value.clone()),
        };
        Some(Unmet { test: self.to_string(), now: fact.map(|fact| self.rounded(fact)) })
    }

    /// A real number with as few decimals, at least two, as leave the test failing: 0.7996 is not shown as 0.8 beside `> 0.79`.
    fn rounded(&self, fact: Fact) -> Fact {
        let Fact::Real(exact) = fact else { return fact };
        let fails = |short: &f64| self.holds(&|_: &str| Ok(Seen::Typed(Fact::Real(*short)))) == Ok(false);
        let short = (2..=6).filter_map(|digits| format!("{exact:.digits$}").parse().ok()).find(fails);
        Fact::Real(short.unwrap_or(exact))
    }
}
