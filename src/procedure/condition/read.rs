//! Reads a condition's text, word by word.

use crate::domain::Fact;
use crate::procedure::condition::{OPS, Op, Operand, Test, number};
use crate::procedure::template;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Reference(String),
    Text(String),
    Op(Op),
}

impl Token {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Reference(name) => format!("`{{{{{}}}}}`", name.escape_debug()),
            Self::Text(text) => format!("the text \"{}\"", text.escape_debug()),
            Self::Op(_) => "a comparison".to_owned(),
        }
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = if first == '\'' || first == '"' {
            quoted(rest, first)?
        } else if let Some(inside) = rest.strip_prefix("{{") {
            let (name, behind) = inside.split_once("}}").ok_or("`{{` is never closed by `}}`")?;
            (Token::Reference(name.trim().to_owned()), behind)
        } else if let Some((op, behind)) = operator(rest) {
            (Token::Op(op), behind)
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | '[' | ']');
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

/// A quoted text; a doubled quote means one.
fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let mut out = String::new();
    let mut rest = text.strip_prefix(quote).unwrap_or_default();
    loop {
        let (piece, behind) = rest.split_once(quote).ok_or("a text is never closed")?;
        out.push_str(piece);
        match behind.strip_prefix(quote) {
            Some(_) => out.push(quote),
            None => return Ok((Token::Text(out), behind)),
        }
        rest = behind.strip_prefix(quote).unwrap_or_default();
    }
}

fn operator(text: &str) -> Option<(Op, &str)> {
    OPS.iter().find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (*op, rest)))
}

pub(super) fn test(tokens: &mut impl Iterator<Item = Token>) -> Result<Test, String> {
    let left = match tokens.next() {
        Some(Token::Word(word)) if is_operand(&word) => Operand::Fact(word),
        Some(Token::Reference(name)) => Operand::Reference(name),
        // What a plan holds in the place of a reference.
        Some(Token::Text(text)) => Operand::Literal(Fact::Text(text)),
        Some(Token::Word(word)) if literal(&word).is_some() => {
            Operand::Literal(literal(&word).unwrap_or(Fact::Bool(false)))
        }
        Some(other) => return Err(format!("the name of a fact is expected, not {}", other.shown())),
        None => return Err("the name of a fact is expected at the end".to_owned()),
    };
    let Some(Token::Op(op)) = tokens.next() else {
        return Err(format!("`{left}` must be followed by ==, !=, <, <=, > or >="));
    };
    let right = match tokens.next() {
        Some(Token::Text(text)) => Operand::Literal(Fact::Text(text)),
        Some(Token::Reference(name)) => Operand::Reference(name),
        Some(Token::Word(word)) => {
            Operand::Literal(literal(&word).ok_or_else(|| format!("`{word}` is not a number; quote a text"))?)
        }
        _ => return Err(format!("`{left}` must be compared with a number, a quoted text, true or false")),
    };
    Ok(Test { left, op, right })
}

/// Whether a word can name a fact, or an entry of one: `value`, `before.replicas`, `before[it].replicas`.
fn is_operand(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
    begins && !matches!(word, "true" | "false") && template::is_reference(word)
}

fn literal(word: &str) -> Option<Fact> {
    match word {
        "true" => Some(Fact::Bool(true)),
        "false" => Some(Fact::Bool(false)),
        _ => number(word),
    }
}
