//! Parses SQL with a bound on its nesting, on a stack that this bound cannot exhaust.
//!
//! The parser descends once for each bracket and for each word or operator that takes what follows it (`NOT`, `-`, `CASE`, a sub-select),
//! and a chain (`a AND b AND …`, `1 + 1 + …`, `… UNION …`) is a tree as deep as it is long, which is freed by recursion. [`nesting`]
//! counts all of these from the tokens alone, and errs upwards. What is within [`DEEPEST`] is parsed on a thread of its own whose stack
//! is `STACK`; the tree never leaves that thread.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};
use squawk_syntax::{Parse, SourceFile};
use std::fmt;

/// The deepest nesting that is parsed. A list of literals or rows of any length does not nest.
pub const DEEPEST: usize = 500;

/// The stack of the thread that parses. A level takes less than 2 KiB in a release build and less than 32 KiB in a debug build;
/// memory that is not touched is not used.
const STACK: usize = if cfg!(debug_assertions) { DEEPEST << 15 } else { DEEPEST << 12 };

/// How deep function bodies are followed into one another as code; a deeper one counts with its length.
const BODIES: usize = 4;

/// Why a statement was not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It nests deeper than [`DEEPEST`].
    TooDeep(usize),
    /// The system gave no thread: its error number, where there is one.
    NoThread(Option<i32>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep(nesting) => {
                write!(f, "the statement nests up to {nesting} levels deep, and at most {DEEPEST} are parsed")
            }
            Self::NoThread(code) => {
                let cause = code.map_or_else(
                    || "the thread ended".to_owned(),
                    |code| std::io::Error::from_raw_os_error(code).to_string(),
                );
                write!(f, "cannot start a thread to parse the statement: {cause}")
            }
        }
    }
}

/// Parses a statement and looks at it.
///
/// # Errors
/// When it nests too deep, or no thread can be started.
pub fn examine<T: Send>(sql: &str, look: impl FnOnce(&Parse<SourceFile>) -> T + Send) -> Result<T, Refused> {
    let nesting = nesting(sql);
    if nesting > DEEPEST {
        return Err(Refused::TooDeep(nesting));
    }
    std::thread::scope(|scope| {
        let work = move || look(&SourceFile::parse(sql));
        let thread = std::thread::Builder::new().name("sql".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        thread.map_err(|cause| Refused::NoThread(cause.raw_os_error()))?.join().map_err(|_| Refused::NoThread(None))
    })
}

/// The tokens of a statement, as they are written.
pub fn tokens(sql: &str) -> impl Iterator<Item = &str> {
    spans(sql).map(|(_, text)| text)
}

fn spans(sql: &str) -> impl Iterator<Item = (TokenKind, &str)> {
    let mut at = 0_usize;
    tokenize(sql).map(move |token| {
        let begin = at;
        at += usize::try_from(token.len).unwrap_or(usize::MAX);
        (token.kind, sql.get(begin..at).unwrap_or_default())
    })
}

/// One open bracket, or the statement itself.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Words since it began: they may hold clauses that go on behind a comma.
    words: usize,
    /// Other tokens since its last comma.
    others: usize,
}

/// How deep a statement nests at most: the sum, over the brackets that are open at a place, of the words and operators in each.
#[must_use]
pub fn nesting(sql: &str) -> usize {
    nesting_of(sql, 0)
}

fn nesting_of(sql: &str, body: usize) -> usize {
    if body > BODIES {
        return sql.len();
    }
    let holds_code = spans(sql).any(|(kind, text)| kind == TokenKind::Ident && is_bodied(text));
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let (mut open, mut deepest) = (0_usize, 0_usize);
    for (kind, text) in spans(sql) {
        let mut inner = 0;
        match kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
            TokenKind::Comma => level.others = 0,
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenCurly => {
                level.others += 1;
                open += level.words + level.others;
                outer.push(std::mem::take(&mut level));
            }
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseCurly => {
                if let Some(before) = outer.pop() {
                    open = open.saturating_sub(before.words + before.others);
                    level = before;
                }
            }
            TokenKind::Literal { kind } => {
                level.others += usize::from(holds_code);
                inner = if holds_code { nesting_of_literal(kind, text, body) } else { 0 };
            }
            TokenKind::Ident => level.words += 1,
            _ => level.others += 1,
        }
        deepest = deepest.max(open + level.words + level.others + inner);
    }
    deepest
}

/// Whether a word announces code between quotes. Source: PostgreSQL 18, CREATE FUNCTION, CREATE PROCEDURE, DO.
fn is_bodied(word: &str) -> bool {
    ["function", "procedure", "do"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// How deep the code in a literal nests. Escapes can spell anything, so that such a literal counts with its length.
fn nesting_of_literal(kind: LiteralKind, text: &str, body: usize) -> usize {
    match kind {
        LiteralKind::DollarQuotedString { .. } => {
            let inside = text.splitn(3, '$').nth(2).unwrap_or(text);
            nesting_of(inside, body + 1)
        }
        LiteralKind::Str { .. } | LiteralKind::NationalStr { .. } => {
            let inside = text.split_once('\'').map_or(text, |(_, inside)| inside);
            nesting_of(&inside.replace("''", "'"), body + 1)
        }
        LiteralKind::EscStr { .. } | LiteralKind::UnicodeEscStr { .. } => text.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
