//! What becomes a part of SQL is quoted, and is a token of its own.

use crate::procedure::sql;
use crate::procedure::template::{Piece, pieces};
use std::collections::BTreeSet;

/// How a value is quoted that becomes a part of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// `|ident`: an identifier, always between double quotes.
    Ident,
    /// `|literal`: a text, always between single quotes.
    Literal,
}

impl Quote {
    /// The word behind the `|`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ident => "ident",
            Self::Literal => "literal",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Ident, Self::Literal].into_iter().find(|quote| quote.word() == word)
    }

    /// Quotes a value so that it is one token with any content.
    ///
    /// Source: PostgreSQL 18 manual, 4.1.1 and 4.1.2. A `\` is doubled and announced, which holds under either value of
    /// `standard_conforming_strings`.
    #[must_use]
    pub fn quote(self, value: &str) -> String {
        match self {
            Self::Ident => format!("\"{}\"", value.replace('"', "\"\"")),
            Self::Literal if value.contains('\\') => {
                format!(" E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
            }
            Self::Literal => format!("'{}'", value.replace('\'', "''")),
        }
    }
}

/// Whether every quoted reference of a text is separate: not inside a text, a quoted name or a comment, and not glued to its
/// neighbour. Otherwise what it brings could be read as something else.
///
/// # Errors
/// The message for its author.
pub(super) fn is_separate(text: &str) -> Result<(), String> {
    let Ok(found) = pieces(text) else { return Ok(()) };
    let (mut text, mut marks) = (String::new(), Vec::new());
    for piece in found {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Reference(_) => text.push('x'),
            Piece::Quoted(_, quote) => {
                let mark = quote.quote(&format!("midwatch reference {}", marks.len()));
                text.push_str(&mark);
                marks.push((mark, quote));
            }
        }
    }
    let tokens: BTreeSet<&str> = sql::tokens(&text).collect();
    match marks.iter().find(|(mark, _)| !tokens.contains(mark.trim_start())) {
        None => Ok(()),
        Some((_, Quote::Ident)) => Err("`|ident` makes a whole name: it cannot be inside another text".to_owned()),
        Some((_, Quote::Literal)) => Err("`|literal` makes a whole text: it cannot be inside another one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_token_of_its_own() {
        for good in [
            "VACUUM (ANALYZE) {{a|ident}}.{{b|ident}}",
            "SELECT {{a|literal}}, {{ b | ident }} FROM x -- 'it''s'",
            "SELECT $$a$$ || {{a|literal}}",
            "SELEC {{a|ident}} nonsense",
            "SELECT 1",
        ] {
            assert_eq!(is_separate(good), Ok(()), "{good}");
        }
        for bad in [
            "SELECT 'it is {{a|literal}}'",
            "SELECT \"{{a|literal}}\"",
            "SELECT \"x{{a|ident}}\"",
            "SELECT $${{a|literal}}$$",
            "SELECT 1 -- {{a|ident}}",
            "SELECT 1 /* {{a|ident}} */",
            "SELECT {{a|ident}}{{b|ident}}",
            "SELECT {{a|literal}}{{b|literal}}",
            "SELECT E{{a|literal}}",
            "SELECT U&{{a|ident}}",
        ] {
            assert!(is_separate(bad).is_err(), "{bad}");
        }
    }
}
