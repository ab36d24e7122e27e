//! Why a condition does not hold for the facts of a row.

use crate::domain::{Fact, facts};
use crate::procedure::condition::{Condition, Operand, Seen, Test};
use std::collections::BTreeMap;
use std::fmt;

/// A test that does not hold, with the value that the row has: `used above 80 % (now 41 %)`; of a fact that is yes or no,
/// `a row that is verified (this one is not)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmet {
    /// What is compared, in words.
    pub label: String,
    /// What it must be.
    pub wanted: String,
    /// What it is; `None` where the row does not have that fact.
    pub now: Option<String>,
    /// Of a fact that is yes or no: what must hold of the row, and the beginning of what does.
    pub yes_no: Option<(String, &'static str)>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.now.as_deref();
        match &self.yes_no {
            Some((must, short)) if now.is_some() => write!(f, "a row that {must} (this one {short})"),
            Some((must, _)) => write!(f, "a row that {must} (not known of this one)"),
            None => write!(
                f,
                "{} {} ({})",
                self.label,
                self.wanted,
                now.map_or("not known".to_owned(), |now| format!("now {now}"))
            ),
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
        let now = fact.map(|fact| self.now(&fact));
        Some(Unmet { label: self.label(), wanted: self.wanted(), now, yes_no: self.yes_no() })
    }

    /// What must hold of a row for a fact that is yes or no, and the beginning of what holds where it does not.
    fn yes_no(&self) -> Option<(String, &'static str)> {
        let (name, yes) = self.asked_yes_no()?;
        Some((facts::predicate(name, yes)?, facts::short(name, !yes)?))
    }

    /// The value of a fact, exactly where its unit would round it to what it must be above or below.
    fn now(&self, fact: &Fact) -> String {
        let (now, wanted) = (self.format_fact(fact), self.wanted());
        let point = |other: f64| {
            now.ends_with('%')
                && matches!(&self.right, Operand::Literal(Fact::Real(than)) if (than - other).abs() < 0.01)
        };
        match fact {
            Fact::Real(exact) if wanted.ends_with(&now) || point(*exact) => format!("{now}, exactly {exact:?}"),
            _ => now,
        }
    }
}
