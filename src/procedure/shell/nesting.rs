//! How deep the commands of a script lie within commands, from its tokens: never less than the grammar will descend.
//!
//! What opens is counted wherever the grammar may take it for an opening. What closes counts only where the grammar can take it for
//! nothing else, so that `echo fi` or the pattern `esac)` hides no level; the count errs upwards.

use crate::procedure::shell::read::Unreadable;
use brush_parser::Token;

/// How deep commands may lie within commands.
const DEEPEST: usize = 40;

/// How many brackets and `case`s among them: the grammar tries each of these twice, so that time doubles with each.
const DEEPEST_TRIED: usize = 12;

/// The most brackets and quotes of a word that begins with the index of an array; its own bracket is one.
const MOST_IN_INDEX: usize = 6;

/// The most digits of a descriptor's number: the grammar stops at one that fits no machine word.
const DIGITS: usize = 9;

/// What is open at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `(`; whether a command may begin there, so that `)` ends one.
    Bracket(bool),
    /// `{`
    Brace,
    /// `if`
    If,
    /// `for`, `while`, `until`
    Loop,
    /// `case`
    Case,
    /// `[[`
    Test,
}

impl Open {
    /// What a reserved word opens.
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "{" => Self::Brace,
            "if" => Self::If,
            "for" | "while" | "until" => Self::Loop,
            "case" => Self::Case,
            "[[" => Self::Test,
            _ => return None,
        })
    }

    /// Whether a word closes it.
    fn ends_with(self, word: &str) -> bool {
        match self {
            Self::Brace => word == "}",
            Self::If => word == "fi",
            Self::Loop => word == "done",
            Self::Case => word == "esac",
            Self::Test => word == "]]",
            Self::Bracket(_) => false,
        }
    }

    /// Whether the grammar tries what is in it more than once.
    fn is_tried(self) -> bool {
        matches!(self, Self::Bracket(_) | Self::Case)
    }
}

/// What precedes a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The end of a command: behind it a reserved word closes, and a command may begin.
    End,
    /// A word or an operator behind which a command may begin, and nothing is closed.
    Begin,
    /// The name of a function or of a co-process, behind which its body may begin.
    Name,
    /// Anything else.
    Other,
}

/// Walks the tokens.
struct Count {
    open: Vec<Open>,
    before: Before,
    /// How many words in a row take a whole command behind them.
    row: usize,
}

/// Refuses a script that the grammar would descend into too deep.
///
/// # Errors
/// What lies too deep, with its place.
pub(super) fn check(tokens: &[Token]) -> Result<(), Unreadable> {
    let mut count = Count { open: Vec::new(), before: Before::End, row: 0 };
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        match token {
            Token::Operator(operator, _) => count.operator(operator),
            Token::Word(word, _) => count.word(word, next),
        }
        let tried = count.open.iter().filter(|open| open.is_tried()).count();
        if count.open.len() + count.row > DEEPEST || tried > DEEPEST_TRIED {
            return Err(refused(token, "commands lie too deep within commands"));
        }
        if is_no_descriptor(token, next) {
            return Err(refused(token, "the number of a descriptor is too large"));
        }
    }
    Ok(())
}

fn refused(token: &Token, why: &str) -> Unreadable {
    let start = &token.location().start;
    let number = |number: usize| u32::try_from(number).ok();
    Unreadable { line: number(start.line), column: number(start.column), why: why.to_owned() }
}

impl Count {
    fn operator(&mut self, operator: &str) {
        let mut ended = false;
        match operator {
            "(" => self.open.push(Open::Bracket(self.before != Before::Other)),
            ")" => {
                if let Some(Open::Bracket(command)) = self.open.last() {
                    ended = *command;
                    self.open.pop();
                }
            }
            _ => {}
        }
        // Several lines may lie between `!` or `coproc` and what they take, or behind an operator.
        if operator == "\n" {
            if self.before == Before::Other {
                self.before = Before::End;
            }
            return;
        }
        self.row = 0;
        self.before = match operator {
            ";" | "&" | ";;" | ";&" | ";;&" => Before::End,
            ")" if ended => Before::End,
            "&&" | "||" | "|" | "|&" | "(" | ")" => Before::Begin,
            _ => Before::Other,
        };
    }

    fn word(&mut self, word: &str, next: Option<&Token>) {
        let may_begin = self.before != Before::Other;
        let is_pattern = word == "esac" && next.is_some_and(|next| matches!(next.to_str(), ")" | "|"));
        let last = self.open.last().copied();
        let closes = last.is_some_and(|open| open.ends_with(word));
        // Within `[[` a word is an operand at any place.
        let may_close = self.before == Before::End && !is_pattern || last == Some(Open::Test);
        if closes && may_close {
            self.open.pop();
            (self.before, self.row) = (Before::End, 0);
            return;
        }
        let takes = matches!(word, "!" | "coproc");
        self.row = if takes { self.row + 1 } else { 0 };
        let opens = Open::of(word).filter(|_| may_begin || self.before == Before::Name);
        self.open.extend(opens);
        self.before = match word {
            "coproc" | "function" => Before::Name,
            "time" | "-p" | "!" | "if" | "then" | "elif" | "else" | "while" | "until" | "do" | "{" => Before::Begin,
            _ if self.before == Before::Name => Before::Begin,
            _ => Before::Other,
        };
    }
}

/// Whether a word is a descriptor's number that fits no machine word.
fn is_no_descriptor(token: &Token, next: Option<&Token>) -> bool {
    let Token::Word(word, _) = token else { return false };
    let redirects = next.is_some_and(|next| next.to_str().starts_with(['<', '>']));
    redirects && word.len() > DIGITS && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Escapes the bracket of an array's index that the grammar would descend into: no finding depends on an index.
pub(super) fn tame(tokens: &mut [Token]) {
    for token in tokens {
        let Token::Word(word, _) = token else { continue };
        let behind = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let at = word.len() - behind.len();
        let is_indexed = at > 0 && behind.starts_with('[');
        let opens = behind.matches(['(', '{', '[', '"', '`']).count();
        // A number behind `~` that fits no machine word breaks the grammar off.
        if is_indexed && (opens > MOST_IN_INDEX || behind.contains('~')) {
            word.insert(at, '\\');
        }
    }
}
