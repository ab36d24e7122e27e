//! One Rust file as tokens and paths, without comments, text, and (where asked) tests.

/// One token: an identifier, a number, `::`, or a single other character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it says.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
    /// Whether it belongs to an item that is compiled for tests only.
    pub in_test: bool,
}

/// A path such as `crate::domain::Error`, from a `use` tree or inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments; a glob is `*`.
    pub segments: Vec<String>,
    /// The line of its last segment.
    pub line: usize,
    /// Whether it is in test code.
    pub in_test: bool,
    /// Whether it is imported under another name.
    pub renamed: bool,
}

impl Named {
    /// Whether these segments follow each other anywhere in it.
    pub fn holds(&self, segments: &[&str]) -> bool {
        self.segments.windows(segments.len()).any(|window| window == segments)
    }

    /// Whether it begins with these segments.
    pub fn begins(&self, segments: &[&str]) -> bool {
        self.segments.iter().map(String::as_str).take(segments.len()).eq(segments.iter().copied())
    }
}

/// One file.
#[derive(Clone)]
pub struct Source {
    /// Its path from the package's root.
    pub path: String,
    /// How many lines it has.
    pub lines: usize,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

impl Source {
    /// Reads a file's text.
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(&without_text(text));
        mark_tests(&mut tokens);
        Self { path: path.to_owned(), lines: text.lines().count(), tokens }
    }

    /// Takes the whole file for test code.
    pub fn become_test(&mut self) {
        self.tokens.iter_mut().for_each(|token| token.in_test = true);
    }

    /// The modules that are compiled for tests only and lie in files of their own: `src/app/update/tests`.
    pub fn test_modules(&self) -> Vec<String> {
        let here = match self.path.rsplit_once('/') {
            Some((directory, "mod.rs" | "lib.rs" | "main.rs")) => directory,
            _ => self.path.trim_end_matches(".rs"),
        };
        let is_mod = |window: &[Token]| match window {
            [keyword, name, end] if keyword.in_test && keyword.text == "mod" && end.text == ";" => {
                Some(format!("{here}/{}", name.text))
            }
            _ => None,
        };
        self.tokens.windows(3).filter_map(is_mod).collect()
    }

    /// Whether this file is that module.
    pub fn is_module(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest == "/mod.rs")
    }

    /// Every path in it.
    pub fn paths(&self) -> Vec<Named> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            // `use<'a>` behind a bound captures, and imports nothing.
            let captures = self.tokens.get(at + 1).is_some_and(|next| next.text == "<");
            if token.text == "use" && !captures {
                at = use_tree(&self.tokens, at + 1, &[], &mut all);
            } else if is_word(&token.text) {
                let (named, next) = inline(&self.tokens, at);
                all.push(named);
                at = next;
            } else {
                at += 1;
            }
        }
        all
    }
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Reads `a::b::c` from a word on; an inline `crate::{` cannot be.
fn inline(tokens: &[Token], mut at: usize) -> (Named, usize) {
    let mut named = Named { segments: Vec::new(), line: 0, in_test: false, renamed: false };
    while let Some(token) = tokens.get(at).filter(|token| is_word(&token.text)) {
        named.segments.push(token.text.clone());
        (named.line, named.in_test) = (token.line, token.in_test);
        at += 1;
        match tokens.get(at) {
            Some(next) if next.text == "::" => at += 1,
            _ => break,
        }
    }
    (named, at)
}

/// Reads one branch of a `use` tree; says where it ends.
fn use_tree(tokens: &[Token], mut at: usize, before: &[String], all: &mut Vec<Named>) -> usize {
    let mut segments = before.to_vec();
    let mut last = None;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &segments, all);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            "as" => {
                if let Some(token) = last {
                    all.push(named(&segments, token, true));
                }
                return at + 2;
            }
            text if is_word(text) || text == "*" => {
                segments.push(text.to_owned());
                last = Some(token);
                at += 1;
            }
            _ => at += 1,
        }
    }
    if let Some(token) = last {
        all.push(named(&segments, token, false));
    }
    at
}

fn named(segments: &[String], token: &Token, renamed: bool) -> Named {
    Named { segments: segments.to_vec(), line: token.line, in_test: token.in_test, renamed }
}

/// The text with comments, strings and characters blanked out, line by line as long as before.
fn without_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let skipped = if is_word(&before.to_string()) && first != '"' { 0 } else { skip(rest) };
        let length = if skipped == 0 { first.len_utf8() } else { skipped };
        let (taken, after) = rest.split_at(length);
        if skipped == 0 {
            out.push_str(taken);
        } else {
            out.push(' ');
            out.extend(taken.chars().filter(|c| *c == '\n'));
        }
        before = if skipped == 0 { first } else { ' ' };
        rest = after;
    }
    out
}

/// How many bytes of a comment or literal begin here; 0 where none does.
fn skip(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        let (mut depth, mut at) = (0_usize, 0);
        loop {
            let tail = rest.get(at..).unwrap_or_default();
            if tail.starts_with("/*") {
                (depth, at) = (depth + 1, at + 2);
            } else if tail.starts_with("*/") {
                (depth, at) = (depth - 1, at + 2);
            } else {
                let Some(c) = tail.chars().next() else { return rest.len() };
                at += c.len_utf8();
            }
            if depth == 0 {
                return at;
            }
        }
    }
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c']).len();
    let literal = rest.get(prefix.min(1)..).unwrap_or_default();
    let skipped = match literal.chars().next() {
        Some('r') => raw_string(literal),
        Some('"') => quoted(literal, '"'),
        Some('\'') => character(literal),
        _ => 0,
    };
    if skipped == 0 { 0 } else { prefix.min(1) + skipped }
}

fn raw_string(literal: &str) -> usize {
    let after = literal.get(1..).unwrap_or_default();
    let hashes = after.len() - after.trim_start_matches('#').len();
    let Some(body) = after.get(hashes..).and_then(|body| body.strip_prefix('"')) else { return 0 };
    let end = format!("\"{}", "#".repeat(hashes));
    2 + hashes + body.find(&end).map_or(body.len(), |at| at + end.len())
}

fn quoted(literal: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in literal.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    literal.len()
}

/// A character, as opposed to a lifetime.
fn character(literal: &str) -> usize {
    let mut chars = literal.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(literal, '\''),
        _ => 0,
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let mut all = Vec::new();
    for (text, line) in code.lines().zip(1..) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(rest) {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            all.push(Token { text: token.to_owned(), line, in_test: false });
            rest = after.trim_start();
        }
    }
    all
}

/// Marks every item behind an attribute `#[cfg(test)]` or `#[cfg(all(test, …))]`, the attribute included.
fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        let here = tokens.get(at..).unwrap_or_default();
        let begins = |words: &[&str]| here.iter().map(|token| token.text.as_str()).take(words.len()).eq(words.to_vec());
        let is_test =
            begins(&["#", "[", "cfg", "(", "test", ")"]) || begins(&["#", "[", "cfg", "(", "all", "(", "test"]);
        let length = if is_test { item_length(here) } else { 1 };
        if is_test {
            tokens.iter_mut().skip(at).take(length).for_each(|token| token.in_test = true);
        }
        at += length;
    }
}

/// How many tokens an item takes with its attributes: up to its `;`, or to the end of its first braces.
fn item_length(tokens: &[Token]) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" => others += 1,
            ")" | "]" => others = others.saturating_sub(1),
            "{" => braces += 1,
            "}" if braces == 1 => return at + 1,
            "}" => braces = braces.saturating_sub(1),
            ";" if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::new("src/x.rs", text).paths().iter().map(|named| named.segments.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        let expected = ["pub", "crate::a::B", "crate::a::c::D", "crate::a::c::*", "std::fmt", "x"];
        assert_eq!(paths("pub use crate::a::{B as C, c::{D, *}};\nuse std::{fmt};\nx"), expected);
    }

    #[test]
    fn a_bound_that_captures_is_no_import() {
        let found = paths("fn f() -> impl Fn(A) + use<> { g::h(); }\nuse i::j;");
        assert!(found.contains(&"g::h".to_owned()) && found.contains(&"i::j".to_owned()), "{found:?}");
    }

    #[test]
    fn comments_and_texts_are_not_code() {
        let text = "// crate::a\n/* crate::b /* crate::c */ crate::d */ let x: &'a str = \"crate::e \\\" crate::f\";\n\
            r#\"crate::g \" \"# b\"crate::h\" '\"' '\\'' crate::real 'x' br\"crate::i\"";
        let found: Vec<_> = paths(text).into_iter().filter(|path| path.starts_with("crate")).collect();
        assert_eq!(found, ["crate::real"]);
    }

    #[test]
    fn lines_are_kept() {
        let source = Source::new("src/x.rs", "/* one\ntwo */ \"a\nb\"\ncrate::x");
        assert_eq!(source.paths().first().map(|named| named.line), Some(4));
    }

    #[test]
    fn test_items_are_marked_and_nothing_else() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() { if c {} } }\nfn d() {}\n\
            #[cfg(test)]\nuse e::{f};\n#[cfg(all(test, unix))]\nmod more;\nfn g() {}";
        let source = Source::new("src/app/mod.rs", text);
        let live: Vec<_> = source.tokens.iter().filter(|token| !token.in_test && is_word(&token.text)).collect();
        assert_eq!(live.iter().map(|token| token.text.as_str()).collect::<Vec<_>>(), ["fn", "a", "fn", "d", "fn", "g"]);
        assert_eq!(source.test_modules(), ["src/app/more"]);
        assert!(Source::new("src/app/more.rs", "").is_module("src/app/more"));
    }
}
