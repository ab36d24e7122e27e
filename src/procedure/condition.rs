//! Conditions: on the facts of a row (`acts_on`), on what was read and given (`when`), on what is seen (`until`), on one value
//! (`expect`).
//!
//! ```text
//! any     = all { "or" all }      all = test { "and" test }
//! test    = operand ( == | != | < | <= | > | >= ) operand
//! operand = fact | "{{" reference "}}" | number | 'text' | "text" | true | false
//! ```
//!
//! What is missing, is not a number, or is of another type than what it is compared with makes the whole condition unknown. A
//! quote inside a quoted text is doubled.

use crate::domain::Fact;
use crate::domain::quantity::parse_span;
use crate::procedure::template;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

mod read;
mod unmet;
mod words;

use read::{Token, test, tokens};
pub use unmet::Unmet;
pub use words::{in_words, value_in_words};

/// A condition: alternatives of tests that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(Vec<Vec<Test>>);

#[derive(Clone, Debug, PartialEq)]
struct Test {
    left: Operand,
    op: Op,
    right: Operand,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A fact of what is looked at, by its name.
    Fact(String),
    /// The text between two braces.
    Reference(String),
    /// A value.
    Literal(Fact),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Every comparison with its sign, the longer signs first.
const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("<", Op::Less),
    (">", Op::Greater),
];

/// A value that a condition is judged by.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It has a type, and is compared with no other.
    Typed(Fact),
    /// It is text, and is read as what it is compared with.
    Text(String),
}

impl Condition {
    /// Reads a condition; the error is the message for its author.
    ///
    /// # Errors
    /// When the text is not a condition.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text)?.into_iter();
        let mut alternatives = Vec::new();
        let mut tests = Vec::new();
        loop {
            tests.push(test(&mut tokens)?);
            match tokens.next() {
                None => break,
                Some(Token::Word(word)) if word == "and" => {}
                Some(Token::Word(word)) if word == "or" => alternatives.push(std::mem::take(&mut tests)),
                Some(other) => return Err(format!("`and` or `or` is expected, not {}", other.shown())),
            }
        }
        alternatives.push(tests);
        Ok(Self(alternatives))
    }

    /// Reads a condition on the facts of a row: each of them by its name, compared with a value.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn on_a_row(text: &str) -> Result<Self, String> {
        let read = Self::parse(text)?;
        let fits = |test: &Test| match (&test.left, &test.right) {
            (Operand::Fact(name), Operand::Literal(_)) => template::is_name(name),
            _ => false,
        };
        match read.0.iter().flatten().find(|test| !fits(test)) {
            None => Ok(read),
            Some(test) => Err(format!(
                "the name of a fact is expected, and a value beside it, not `{} … {}`",
                test.left, test.right
            )),
        }
    }

    /// Reads what one value must be, a comparison without its left side: `== 0`, `!= 'draining'`, `<= 0.5`.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn on_a_value(text: &str) -> Result<Self, String> {
        let shape = || format!("must be a comparison such as \"== 0\" or \"!= 'on'\", not \"{}\"", text.escape_debug());
        let read = Self::parse(&format!("value {text}")).map_err(|_| shape())?;
        let mut tests = read.0.iter().flatten();
        match (tests.next().map(|test| (test.op, &test.right)), tests.next()) {
            (Some((Op::Equal | Op::NotEqual, Operand::Literal(Fact::Text(_)))), None) => Ok(read),
            (Some((_, Operand::Literal(Fact::Text(_)))), None) => {
                Err("compares text by `==` and `!=` alone".to_owned())
            }
            (Some((_, Operand::Literal(Fact::Int(_) | Fact::Real(_)))), None) => Ok(read),
            _ => Err(shape()),
        }
    }

    /// Whether it holds for one value; `None` where the value is no number and one is wanted. What is empty is a text, too.
    #[must_use]
    pub fn holds_for_value(&self, value: &str) -> Option<bool> {
        let is_text = |operand: &Operand| matches!(operand, Operand::Literal(Fact::Text(_)));
        let seen = match self.operands().any(is_text) {
            true => Seen::Typed(Fact::Text(value.to_owned())),
            false => Seen::Text(value.to_owned()),
        };
        self.judge(|_| Ok(seen.clone())).ok()
    }

    /// Every operand, in the order of the text.
    pub fn operands(&self) -> impl Iterator<Item = &Operand> {
        self.0.iter().flatten().flat_map(|test| [&test.left, &test.right])
    }

    /// The names of its facts, in the order of the text.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.operands().filter_map(|operand| if let Operand::Fact(name) = operand { Some(name.as_str()) } else { None })
    }

    /// Whether it holds for the facts of a row; `None` where any fact it names is unknown.
    #[must_use]
    pub fn holds(&self, facts: &BTreeMap<&'static str, Fact>) -> Option<bool> {
        self.judge(|name| facts.get(name).cloned().map(Seen::Typed).ok_or_else(String::new)).ok()
    }

    /// Whether it holds for facts that are text.
    ///
    /// # Errors
    /// Why it is unknown: a fact is not there, is empty, or is not what it is compared with.
    pub fn holds_for(&self, facts: &BTreeMap<String, String>) -> Result<bool, String> {
        self.judge(|name| {
            let fact = facts.get(name).cloned().map(Seen::Text);
            fact.ok_or_else(|| match facts.len() {
                0 => format!("there is no `{name}`"),
                _ => format!("there is no `{name}`, only {}", known(facts.keys().map(String::as_str))),
            })
        })
    }

    /// Whether it holds, given what its facts and references are. All of them are looked up, also where the first ones decide.
    ///
    /// # Errors
    /// Why it is unknown.
    pub fn judge(&self, seen: impl Fn(&str) -> Result<Seen, String>) -> Result<bool, String> {
        let mut any = false;
        for tests in &self.0 {
            let mut all = true;
            for test in tests {
                all &= test.holds(&seen)?;
            }
            any |= all;
        }
        Ok(any)
    }

    /// The same with a value, or another name, in the place of each name that `by` knows.
    ///
    /// # Errors
    /// What `by` says of a name that has no value.
    pub fn bound(&self, by: impl Fn(&Operand) -> Result<Option<Value>, String>) -> Result<Self, String> {
        let mut out = self.clone();
        for test in out.0.iter_mut().flatten() {
            let (left, right) = (by(&test.left)?, by(&test.right)?);
            let before = (test.left.clone(), test.right.clone());
            test.left = left.map_or(before.0.clone(), |value| value.beside(&before.1));
            test.right = right.map_or(before.1, |value| value.beside(&before.0));
        }
        Ok(out)
    }
}

/// What takes the place of a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A value, as text.
    Text(String),
    /// A reference that the run knows later.
    Later(String),
}

impl Value {
    /// A value as the operand that it is beside another one: a number beside a number, a text beside a text.
    fn beside(self, other: &Operand) -> Operand {
        match self {
            Self::Later(name) => Operand::Reference(name),
            Self::Text(text) => {
                let read = match other {
                    Operand::Literal(Fact::Text(_)) => None,
                    Operand::Literal(Fact::Bool(_)) => truth(&text),
                    _ => number(&text),
                };
                Operand::Literal(read.unwrap_or(Fact::Text(text)))
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, tests) in self.0.iter().enumerate() {
            f.write_str(if at > 0 { " or " } else { "" })?;
            for (at, test) in tests.iter().enumerate() {
                f.write_str(if at > 0 { " and " } else { "" })?;
                write!(f, "{test}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPS.iter().find(|(_, op)| *op == self.op).map_or("", |(sign, _)| sign);
        write!(f, "{} {sign} {}", self.left, self.right)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(name) => f.write_str(name),
            Self::Reference(name) => write!(f, "{{{{{name}}}}}"),
            Self::Literal(Fact::Bool(flag)) => write!(f, "{flag}"),
            Self::Literal(Fact::Int(number)) => write!(f, "{number}"),
            Self::Literal(Fact::Real(number)) => write!(f, "{number:?}"),
            Self::Literal(Fact::Text(text)) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

impl Test {
    fn holds(&self, seen: &impl Fn(&str) -> Result<Seen, String>) -> Result<bool, String> {
        let value = |operand: &Operand| match operand {
            Operand::Fact(name) | Operand::Reference(name) => seen(name),
            Operand::Literal(fact) => Ok(Seen::Typed(fact.clone())),
        };
        let (left, right) = (value(&self.left)?, value(&self.right)?);
        let order = compare(&left, &right).ok_or_else(|| self.incomparable(&left, &right))?;
        Ok(match self.op {
            Op::Equal => order == Ordering::Equal,
            Op::NotEqual => order != Ordering::Equal,
            Op::Less => order == Ordering::Less,
            Op::LessOrEqual => order != Ordering::Greater,
            Op::Greater => order == Ordering::Greater,
            Op::GreaterOrEqual => order != Ordering::Less,
        })
    }

    fn incomparable(&self, left: &Seen, right: &Seen) -> String {
        let empty = |seen: &Seen| matches!(seen, Seen::Text(text) if text.trim().is_empty());
        let shown = |seen: &Seen| match seen {
            Seen::Text(text) => format!("\"{}\"", text.escape_debug()),
            Seen::Typed(fact) => Operand::Literal(fact.clone()).to_string(),
        };
        match (empty(left), empty(right)) {
            (true, _) => format!("`{}` is empty", self.left),
            (_, true) => format!("`{}` is empty", self.right),
            _ => format!("{} and {} cannot be compared", shown(left), shown(right)),
        }
    }
}

/// Compares two values; `None` for NaN, for what is empty, and for different types.
fn compare(left: &Seen, right: &Seen) -> Option<Ordering> {
    match (left, right) {
        (Seen::Typed(left), Seen::Typed(right)) => facts(left, right),
        (Seen::Text(left), Seen::Typed(right)) => facts(&read_like(left, right)?, right),
        (Seen::Typed(left), Seen::Text(right)) => facts(left, &read_like(right, left)?),
        (Seen::Text(left), Seen::Text(right)) if left.trim().is_empty() || right.trim().is_empty() => None,
        (Seen::Text(left), Seen::Text(right)) => match (number(left), number(right)) {
            (Some(left), Some(right)) => facts(&left, &right),
            _ => Some(left.cmp(right)),
        },
    }
}

/// Compares values of one type.
fn facts(left: &Fact, right: &Fact) -> Option<Ordering> {
    #[allow(clippy::cast_precision_loss)] // A threshold; facts beyond 2^53 are not measured.
    match (left, right) {
        (Fact::Bool(a), Fact::Bool(b)) => Some(a.cmp(b)),
        (Fact::Text(a), Fact::Text(b)) => Some(a.cmp(b)),
        (Fact::Int(a), Fact::Int(b)) => Some(a.cmp(b)),
        (Fact::Real(a), Fact::Real(b)) => a.partial_cmp(b),
        (Fact::Int(a), Fact::Real(b)) => (*a as f64).partial_cmp(b),
        (Fact::Real(a), Fact::Int(b)) => a.partial_cmp(&(*b as f64)),
        _ => None,
    }
}

/// Text as a value of the type of another one.
fn read_like(text: &str, other: &Fact) -> Option<Fact> {
    match other {
        _ if text.trim().is_empty() => None,
        Fact::Text(_) => Some(Fact::Text(text.to_owned())),
        Fact::Bool(_) => truth(text),
        Fact::Int(_) | Fact::Real(_) => number(text),
    }
}

fn truth(text: &str) -> Option<Fact> {
    text.trim().parse().ok().map(Fact::Bool)
}

fn number(word: &str) -> Option<Fact> {
    let word = word.trim();
    if let Ok(number) = word.parse::<i64>() {
        return Some(Fact::Int(number));
    }
    let real: f64 = word.parse().ok()?;
    real.is_finite().then_some(Fact::Real(real))
}

fn known<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.take(8).collect::<Vec<_>>().join(", ")
}

/// A condition of a plan as its author would write it: `{{saved:2/before.replicas}} > 0` is `before.replicas > 0`.
#[must_use]
pub fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{saved:") {
        let Some((name, behind)) = from.split_once("}}") else { break };
        out.push_str(before);
        let scope = name.split_once('/').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        out.push_str(scope.map_or(name, |(_, name)| name));
        rest = behind;
    }
    out + rest
}

/// Splits `value == 0 for 30s` into the condition and the seconds that it must hold; 0 where it names none.
#[must_use]
pub fn split_for(text: &str) -> (&str, u64) {
    let whole = text.trim();
    let split = whole.rsplit_once(" for ");
    let span = split.and_then(|(before, span)| Some((before.trim_end(), parse_span(span.trim())?.as_secs())));
    span.filter(|(_, seconds)| *seconds > 0).unwrap_or((whole, 0))
}

#[cfg(test)]
mod tests;
