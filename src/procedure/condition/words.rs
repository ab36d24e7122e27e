//! A condition as people say it: `used is above 80 %`, `before.replicas is not 0`.

use crate::domain::facts::Unit;
use crate::domain::{Fact, facts, quantity};
use crate::procedure::condition::{Condition, Op, Operand, Test, readable};

/// The text of a condition in words; unchanged where it cannot be read.
#[must_use]
pub fn in_words(text: &str) -> String {
    let text = readable(text);
    Condition::parse(&text).map_or(text, |condition| condition.words())
}

/// What one value must be, in words: `== 0` is `is 0`; another word, such as `present`, stays as it is.
#[must_use]
pub fn value_in_words(expect: &str) -> String {
    let read = Condition::on_a_value(expect).map(|condition| condition.words());
    read.ok().and_then(|words| words.strip_prefix("value ").map(str::to_owned)).unwrap_or_else(|| expect.to_owned())
}

impl Condition {
    /// All of it in words.
    #[must_use]
    pub fn words(&self) -> String {
        let all = |tests: &Vec<Test>| tests.iter().map(Test::words).collect::<Vec<_>>().join(" and ");
        self.0.iter().map(all).collect::<Vec<_>>().join(" or ")
    }
}

impl Test {
    fn words(&self) -> String {
        if let Some(predicate) = self.asked_yes_no().and_then(|(name, yes)| facts::predicate(name, yes)) {
            return format!("it {predicate}");
        }
        let op = self.op.words();
        let space = if op.is_empty() { "" } else { " " };
        format!("{} is{space}{op} {}", self.label(), self.value())
    }

    /// The fact that must be yes, or no, and which of both.
    pub(super) fn asked_yes_no(&self) -> Option<(&str, bool)> {
        let (Operand::Fact(name), Operand::Literal(Fact::Bool(yes))) = (&self.left, &self.right) else { return None };
        match self.op {
            Op::Equal => Some((name, *yes)),
            Op::NotEqual => Some((name, !yes)),
            _ => None,
        }
    }

    /// What is compared, in words.
    pub(super) fn label(&self) -> String {
        match &self.left {
            Operand::Fact(name) => facts::label(name).to_owned(),
            Operand::Reference(name) => readable(&format!("{{{{{name}}}}}")).trim_matches(['{', '}']).to_owned(),
            Operand::Literal(fact) => format_fact("", fact),
        }
    }

    /// What it must be, in words and in the unit of the fact: `above 80 %`.
    pub(super) fn wanted(&self) -> String {
        let op = self.op.words();
        let space = if op.is_empty() { "" } else { " " };
        format!("{op}{space}{}", self.value())
    }

    fn value(&self) -> String {
        match &self.right {
            Operand::Literal(fact) => self.share(fact).unwrap_or_else(|| self.format_fact(fact)),
            Operand::Fact(name) => facts::label(name).to_owned(),
            Operand::Reference(name) => readable(&format!("{{{{{name}}}}}")).trim_matches(['{', '}']).to_owned(),
        }
    }

    /// A share that a share is held against, as it is written; none of anything else.
    fn share(&self, fact: &Fact) -> Option<String> {
        match (&self.left, fact) {
            (Operand::Fact(name), Fact::Real(share)) if is_share(name) => Some(quantity::limit(*share)),
            _ => None,
        }
    }

    /// A value of its fact.
    pub(super) fn format_fact(&self, fact: &Fact) -> String {
        match &self.left {
            Operand::Fact(name) => format_fact(name, fact),
            _ => format_fact("", fact),
        }
    }
}

/// Whether a fact is shown in percent.
fn is_share(name: &str) -> bool {
    facts::find(name).is_some_and(|entry| matches!(entry.unit, Unit::Share | Unit::Used | Unit::Limit))
}

impl Op {
    fn words(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::NotEqual => "not",
            Self::Less => "below",
            Self::LessOrEqual => "at most",
            Self::Greater => "above",
            Self::GreaterOrEqual => "at least",
        }
    }
}

/// A value in the unit of a fact that the catalogue has, else as it is. A text that is no plain word is quoted.
fn format_fact(name: &str, fact: &Fact) -> String {
    match fact {
        Fact::Text(text) => {
            let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@');
            // What the run fills in later is shown by its name, which needs no marks.
            let plain = text.contains("{{") || !text.is_empty() && text.chars().all(is_plain) && !text.ends_with(':');
            if plain { text.clone() } else { format!("\"{}\"", text.escape_debug()) }
        }
        Fact::Int(number) if facts::find(name).is_none() => number.to_string(),
        Fact::Real(number) if facts::find(name).is_none() => format!("{number:?}"),
        fact => facts::format_fact(name, fact),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_words, value_in_words};

    #[test]
    fn a_condition_is_shown_in_words() {
        for (text, words) in [
            ("kind == 'index' and can_act == true", "kind is index and it can be changed from here"),
            ("used_ratio > 0.8 or path != '/a b'", "used is above 80 % or path is not \"/a b\""),
            ("bloat_ratio >= 0.255", "bloat is at least 25.5 %"),
            ("{{saved:2/before.replicas}} >= 3", "before.replicas is at least 3"),
            ("before[worker].output != 'v2'", "before[worker].output is not v2"),
            ("value <= 0.5", "value is at most 0.5"),
            ("value < 1200", "value is below 1200"),
            ("what is not one", "what is not one"),
        ] {
            assert_eq!(in_words(text), words);
        }
        for (text, words) in
            [("== 0", "is 0"), ("!= 'on'", "is not on"), ("== '{{a.b}}'", "is {{a.b}}"), ("absent", "absent")]
        {
            assert_eq!(value_in_words(text), words);
        }
    }
}
