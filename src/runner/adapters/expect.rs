//! `expect`: what one value must be.
//!
//! ```text
//! == 0     != 'draining'     < 1     <= 0.5     > 10     >= 2.5
//! ```
//!
//! A number is compared as a number, quoted text by its characters and only with `==` and `!=`.

/// A condition on one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expect {
    op: Op,
    literal: Literal,
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

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Number(f64),
    Text(String),
}

/// The longest signs first: `<=` begins with `<`.
const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("<", Op::Less),
    (">", Op::Greater),
];

impl Expect {
    /// Reads a condition.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let shape = || format!("must be a comparison such as \"== 0\" or \"!= 'on'\", not \"{}\"", text.escape_debug());
        let trimmed = text.trim();
        let found = OPS.into_iter().find_map(|(sign, op)| Some((op, trimmed.strip_prefix(sign)?.trim())));
        let (op, rest) = found.ok_or_else(shape)?;
        let quoted = ['\'', '"'].into_iter().find_map(|mark| rest.strip_prefix(mark)?.strip_suffix(mark));
        let literal = match quoted {
            Some(text) => Literal::Text(text.to_owned()),
            None => Literal::Number(number(rest).ok_or_else(shape)?),
        };
        if matches!(literal, Literal::Text(_)) && !matches!(op, Op::Equal | Op::NotEqual) {
            return Err("compares text by `==` and `!=` alone".to_owned());
        }
        Ok(Self { op, literal })
    }

    /// Whether it holds; `None` where the value is no number and one is wanted.
    pub(super) fn holds(&self, value: &str) -> Option<bool> {
        use std::cmp::Ordering;
        let order = match &self.literal {
            Literal::Text(text) if value == text => Ordering::Equal,
            Literal::Text(_) => Ordering::Less,
            Literal::Number(wanted) => number(value.trim())?.partial_cmp(wanted)?,
        };
        Some(match self.op {
            Op::Equal => order.is_eq(),
            Op::NotEqual => order.is_ne(),
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Greater => order.is_gt(),
            Op::GreaterOrEqual => order.is_ge(),
        })
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared() {
        for (condition, value, holds) in [
            ("== 0", "0", Some(true)),
            ("== 0", "0.0", Some(true)),
            ("==0", "12", Some(false)),
            ("!= 0", "1", Some(true)),
            ("< 1", "0.99", Some(true)),
            ("<= 1", "1", Some(true)),
            ("> 1", "1", Some(false)),
            (">= 1", " 1 ", Some(true)),
            ("== 0", "", None),
            ("== 0", "null", None),
            ("!= 0", "NaN", None),
            ("< 1", "-inf", None),
            ("== 'on'", "on", Some(true)),
            ("!= \"on\"", "off", Some(true)),
            ("== ''", "", Some(true)),
        ] {
            assert_eq!(Expect::parse(condition).unwrap().holds(value), holds, "{value:?} {condition}");
        }
    }

    #[test]
    fn what_is_no_comparison_is_refused() {
        for text in ["", "0", "== ", "= 0", "== on", "< 'on'", "=> 1", "== inf", "== 'on"] {
            assert!(Expect::parse(text).is_err(), "{text}");
        }
    }
}
