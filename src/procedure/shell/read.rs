//! Reads a script within bounds that its text cannot exceed.
//!
//! brush's tokenizer descends once for each `$(`, `${` and `$[`; its grammar descends once for each command within a command and tries
//! some of them more than once, so that time doubles with each. What is read is therefore counted before: the expansions in the text
//! alone, the commands in the tokens ([`nesting`]). Both run on a thread whose stack suffices for these bounds.

use crate::procedure::shell::nesting;
use brush_parser::ast::Program;
use brush_parser::{ParseError, Parser, ParserOptions, parse_tokens, uncached_tokenize_str};

/// The most expansions of a script, whether or not they lie within one another.
const MOST_EXPANSIONS: usize = 10_000;

/// The stack of the thread that reads; memory that is not touched is not used.
const STACK: usize = if cfg!(debug_assertions) { 256 << 20 } else { 64 << 20 };

/// Why a script cannot be read, and where, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line of the script, from 1.
    pub line: Option<u32>,
    /// The column, in characters from 1.
    pub column: Option<u32>,
    /// What is wrong, in a few words.
    pub why: String,
}

impl Unreadable {
    pub(super) fn whole(why: impl Into<String>) -> Self {
        Self { line: None, column: None, why: why.into() }
    }
}

/// Reads a script.
///
/// # Errors
/// When bash's grammar does not have it, or its commands lie too deep within commands.
pub fn parse(script: &str) -> Result<Program, Unreadable> {
    let expansions = ["$(", "${", "$["].iter().map(|opens| script.matches(opens).count()).sum::<usize>();
    if expansions > MOST_EXPANSIONS {
        return Err(Unreadable::whole(format!("it has more than {MOST_EXPANSIONS} expansions")));
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("shell".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || read(script));
        let thread = thread.map_err(|cause| Unreadable::whole(format!("cannot start a thread to read it: {cause}")))?;
        thread.join().map_err(|_| Unreadable::whole("the parser stopped"))?
    })
}

fn read(script: &str) -> Result<Program, Unreadable> {
    let options = ParserOptions::default();
    let number = |number: usize| u32::try_from(number).ok();
    let program = match uncached_tokenize_str(script, &options.tokenizer_options()) {
        Ok(mut tokens) => {
            nesting::check(&tokens)?;
            nesting::tame(&mut tokens);
            parse_tokens(&tokens, &options)
        }
        // It stops at the same token, and reports where.
        Err(_) => Parser::new(script.as_bytes(), &options).parse_program(),
    };
    program.map_err(|cause| match cause {
        ParseError::ParsingNear(at) => Unreadable {
            line: number(at.line),
            column: number(at.column),
            why: format!("syntax error at column {}", at.column),
        },
        ParseError::ParsingAtEndOfInput => Unreadable {
            line: number(script.lines().count()),
            column: None,
            why: "syntax error: something is not closed by its end".to_owned(),
        },
        ParseError::Tokenizing { inner, position } => Unreadable {
            line: position.as_ref().and_then(|at| number(at.line)),
            column: position.as_ref().and_then(|at| number(at.column)),
            why: inner.to_string(),
        },
    })
}
