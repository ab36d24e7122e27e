//! Which rows a procedure is offered from, and what it takes from them.
//!
//! ```text
//! when  = any { "or" any }        any = test { "and" test }
//! test  = fact ( == | != | < | <= | > | >= ) ( number | 'text' | "text" | true | false )
//! ```
//!
//! A fact that is missing, is not a number, or is of another type than its literal makes the whole condition unknown, and
//! unknown is not offered.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::domain::{Fact, Row, TargetKind};
use crate::procedure::params::Param;
use crate::procedure::template::{self, Allowed, Known, Piece, Reference};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One binding of a procedure to a kind of row.
#[derive(Clone, Debug, PartialEq)]
pub struct ActsOn {
    /// The kind of row.
    pub row: TargetKind,
    /// The condition on its facts.
    pub when: Option<Condition>,
    /// What each parameter takes: text with `{{row.…}}`.
    pub params: BTreeMap<String, String>,
}

/// A condition on facts: alternatives of tests that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(Vec<Vec<Test>>);

#[derive(Clone, Debug, PartialEq)]
struct Test {
    fact: String,
    op: Op,
    literal: Fact,
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

impl ActsOn {
    /// The parameters this binding takes from a row; `None` where it does not apply or anything it needs is unknown.
    #[must_use]
    pub fn bind(&self, row: &Row, params: &[Param]) -> Option<BTreeMap<String, String>> {
        if row.kind != self.row {
            return None;
        }
        let facts = &row.observation.as_ref()?.facts;
        if let Some(condition) = &self.when
            && condition.holds(facts) != Some(true)
        {
            return None;
        }
        let mut bound = BTreeMap::new();
        for (name, text) in &self.params {
            let mut out = String::new();
            for piece in template::pieces(text).ok()? {
                match piece {
                    Piece::Text(text) => out.push_str(&text),
                    Piece::Reference(Reference::RowTarget) => out.push_str(&row.target),
                    Piece::Reference(Reference::RowFact(fact)) => out.push_str(&words(facts.get(fact.as_str())?)?),
                    Piece::Reference(_) | Piece::Quoted(..) => return None,
                }
            }
            let param = params.iter().find(|param| param.name == *name)?;
            bound.insert(name.clone(), param.bind(&out).ok()?.text);
        }
        Some(bound)
    }
}

/// A fact in words; a number that is none has none.
fn words(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Bool(flag) => Some(flag.to_string()),
        Fact::Int(number) => Some(number.to_string()),
        Fact::Real(number) => number.is_finite().then(|| number.to_string()),
        Fact::Text(text) => Some(text.clone()),
    }
}

impl Condition {
    /// Reads a condition; the error is the sentence for whoever wrote it.
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

    /// Whether it holds; `None` where any fact it names is unknown.
    #[must_use]
    pub fn holds(&self, facts: &BTreeMap<&'static str, Fact>) -> Option<bool> {
        let mut any = false;
        for tests in &self.0 {
            let mut all = true;
            for test in tests {
                all &= test.holds(facts.get(test.fact.as_str())?)?;
            }
            any |= all;
        }
        Some(any)
    }
}

impl Test {
    fn holds(&self, fact: &Fact) -> Option<bool> {
        let order = compare(fact, &self.literal)?;
        Some(match self.op {
            Op::Equal => order == Ordering::Equal,
            Op::NotEqual => order != Ordering::Equal,
            Op::Less => order == Ordering::Less,
            Op::LessOrEqual => order != Ordering::Greater,
            Op::Greater => order == Ordering::Greater,
            Op::GreaterOrEqual => order != Ordering::Less,
        })
    }
}

/// Compares values of one type; `None` for NaN and for different types.
fn compare(left: &Fact, right: &Fact) -> Option<Ordering> {
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

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Op(Op),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Text(text) => format!("the text \"{}\"", text.escape_debug()),
            Self::Op(_) => "a comparison".to_owned(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = if first == '\'' || first == '"' {
            let inner = rest.strip_prefix(first).unwrap_or_default();
            let (text, behind) = inner.split_once(first).ok_or("a text is never closed")?;
            (Token::Text(text.to_owned()), behind)
        } else if let Some((op, behind)) = operator(rest) {
            (Token::Op(op), behind)
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if word.is_empty() {
                return Err(format!("`{}` is not understood", first.escape_debug()));
            }
            (Token::Word(word.to_owned()), behind)
        };
        found.push(token);
        rest = behind.trim_start();
    }
    Ok(found)
}

fn operator(text: &str) -> Option<(Op, &str)> {
    const OPS: [(&str, Op); 6] = [
        ("==", Op::Equal),
        ("!=", Op::NotEqual),
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("<", Op::Less),
        (">", Op::Greater),
    ];
    OPS.iter().find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (*op, rest)))
}

fn test(tokens: &mut impl Iterator<Item = Token>) -> Result<Test, String> {
    let fact = match tokens.next() {
        Some(Token::Word(word)) if template::is_name(&word) => word,
        Some(other) => return Err(format!("the name of a fact is expected, not {}", other.shown())),
        None => return Err("the name of a fact is expected at the end".to_owned()),
    };
    let Some(Token::Op(op)) = tokens.next() else {
        return Err(format!("`{fact}` must be followed by ==, !=, <, <=, > or >="));
    };
    let literal = match tokens.next() {
        Some(Token::Text(text)) => Fact::Text(text),
        Some(Token::Word(word)) if word == "true" => Fact::Bool(true),
        Some(Token::Word(word)) if word == "false" => Fact::Bool(false),
        Some(Token::Word(word)) => number(&word).ok_or_else(|| format!("`{word}` is not a number; quote a text"))?,
        _ => return Err(format!("`{fact}` must be compared with a number, a quoted text, true or false")),
    };
    Ok(Test { fact, op, literal })
}

fn number(word: &str) -> Option<Fact> {
    if let Ok(number) = word.parse::<i64>() {
        return Some(Fact::Int(number));
    }
    let real: f64 = word.parse().ok()?;
    real.is_finite().then_some(Fact::Real(real))
}

/// Reads the list of bindings.
pub fn read(tables: Vec<Table>, params: &[Param], problems: &mut Problems) -> Vec<ActsOn> {
    tables.into_iter().filter_map(|table| read_one(table, params, problems)).collect()
}

fn read_one(mut table: Table, params: &[Param], problems: &mut Problems) -> Option<ActsOn> {
    let at = table.entries.iter().find(|entry| entry.key == "row").map_or(table.at, |entry| entry.node.at);
    let row = table.required_text("row", problems).and_then(|word| kind(&word, at, problems));
    let when_at = table.entries.iter().find(|entry| entry.key == "when").map(|entry| entry.node.at);
    let when = table.text("when", problems).map(|text| Condition::parse(&text));
    let bound = table.table("params", problems).unwrap_or_default();
    table.finish(problems);
    let when = match when.transpose() {
        Ok(when) => when,
        Err(why) => {
            problems.say(when_at.unwrap_or(at), format!("`when` cannot be read: {why}"));
            return None;
        }
    };
    let mut taken = BTreeMap::new();
    for entry in bound.entries {
        if !params.iter().any(|param| param.name == entry.key) {
            let message = format!("`{}` is not a parameter", entry.key.escape_debug());
            match nearest(&entry.key, params.iter().map(|param| param.name.as_str())) {
                Some(near) => problems.say_with(entry.at, message, format!("did you mean `{near}`?")),
                None => problems.say(entry.at, message),
            }
            continue;
        }
        template::check(&entry.node, Allowed::Row, &Known::default(), &mut BTreeSet::new(), problems);
        match entry.node {
            Node { value: Value::Text(text), .. } => {
                taken.insert(entry.key, text);
            }
            Node { value: Value::Int(number), .. } => {
                taken.insert(entry.key, number.to_string());
            }
            Node { at, value } => {
                problems.say(at, format!("`{}` must be text or a whole number, not {}", entry.key, value.kind()));
            }
        }
    }
    Some(ActsOn { row: row?, when, params: taken })
}

fn kind(word: &str, at: Place, problems: &mut Problems) -> Option<TargetKind> {
    let found = TargetKind::from_word(word);
    if found.is_none() {
        let known = TargetKind::ALL.map(TargetKind::word);
        let message = format!("there are no rows of the kind \"{}\"", word.escape_debug());
        let hint = nearest(word, known)
            .map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        problems.say_with(at, message, hint);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ratio: f64) -> BTreeMap<&'static str, Fact> {
        BTreeMap::from([
            ("used_ratio", Fact::Real(ratio)),
            ("inodes", Fact::Int(9)),
            ("path", Fact::Text("/srv".to_owned())),
            ("ok", Fact::Bool(true)),
        ])
    }

    fn holds(text: &str) -> Option<bool> {
        Condition::parse(text).unwrap().holds(&facts(0.84))
    }

    #[test]
    fn conditions_are_judged() {
        let cases = [
            ("used_ratio > 0.8", Some(true)),
            ("used_ratio>0.8 and inodes == 9", Some(true)),
            ("used_ratio < 0.8 or path == '/srv'", Some(true)),
            ("used_ratio < 0.8 or inodes >= 10 and ok == true", Some(false)),
            ("inodes != 9.0", Some(false)),
            ("inodes <= 9", Some(true)),
            ("path != \"/srv\"", Some(false)),
            ("missing > 1", None),
            ("used_ratio > 0.8 or missing > 1", None),
            ("path > 1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(holds(text), expected, "{text}");
        }
    }

    #[test]
    fn not_a_number_never_matches() {
        for text in ["used_ratio > 0", "used_ratio != 0", "used_ratio == 0", "used_ratio <= 0"] {
            assert_eq!(Condition::parse(text).unwrap().holds(&facts(f64::NAN)), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,60}") {
            let _ = Condition::parse(&text);
        }
    }

    #[test]
    fn what_is_no_condition_is_said() {
        for bad in [
            "",
            "a",
            "a >",
            "a > b",
            "a => 1",
            "a == 'x",
            "a == 1 b == 2",
            "a == 1 and",
            "1 == a",
            "(a == 1)",
            "a == nan",
        ] {
            assert!(Condition::parse(bad).is_err(), "{bad}");
        }
    }
}
