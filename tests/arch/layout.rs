//! How long files and functions may be.

use crate::arch::Finding;
use crate::arch::source::{Source, Token};

/// The most lines of a file, tests within it not counted.
pub const LONGEST_FILE: usize = 400;

/// The most lines of a function, from its name to its closing brace.
pub const LONGEST_FUNCTION: usize = 60;

/// Whether a file is too long.
pub fn long_file(source: &Source) -> Option<Finding> {
    let mut of_tests = 0;
    for run in source.tokens.chunk_by(|one, other| one.in_test == other.in_test) {
        if let (Some(first), Some(last)) = (run.first().filter(|token| token.in_test), run.last()) {
            of_tests += last.line - first.line + 1;
        }
    }
    let lines = source.lines.saturating_sub(of_tests);
    let is_test = source.tokens.first().is_some_and(|token| token.in_test);
    let what = format!("{lines} lines: a file has at most {LONGEST_FILE}");
    let found = Finding { file: source.path.clone(), line: LONGEST_FILE, what };
    (lines > LONGEST_FILE && !is_test).then_some(found)
}

/// The functions that are too long, by name; those of tests are not counted.
pub fn long_functions(source: &Source) -> Vec<(String, Finding)> {
    let mut all = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let rest = source.tokens.get(at + 1..).unwrap_or_default();
        if token.text != "fn" || token.in_test {
            continue;
        }
        if let (Some(name), Some(end)) = (rest.first(), body_end(rest)) {
            let lines = end.line - token.line + 1;
            if lines > LONGEST_FUNCTION {
                let what = format!("`{}` has {lines} lines: a function has at most {LONGEST_FUNCTION}", name.text);
                all.push((name.text.clone(), Finding { file: source.path.clone(), line: token.line, what }));
            }
        }
    }
    all
}

/// The brace that closes a function's body; none where it has no body.
fn body_end(tokens: &[Token]) -> Option<&Token> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for token in tokens {
        match token.text.as_str() {
            "(" | "[" => others += 1,
            ")" | "]" => others = others.saturating_sub(1),
            ";" if braces == 0 && others == 0 => return None,
            "{" => braces += 1,
            "}" if braces == 1 => return Some(token),
            "}" => braces = braces.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_without_their_tests() {
        let line = "const X: u8 = 1;\n";
        let fits = line.repeat(LONGEST_FILE) + "#[cfg(test)]\nmod tests {\n" + &line.repeat(300) + "}\n";
        assert_eq!(long_file(&Source::new("src/x.rs", &fits)), None);
        assert!(long_file(&Source::new("src/x.rs", &(line.to_owned() + &fits))).is_some());
        assert!(long_file(&Source::new("src/x.rs", &"\n// word\n".repeat(LONGEST_FILE))).is_some());
    }

    #[test]
    fn long_functions_are_found_by_name() {
        let function = |name: &str, lines: usize| format!("fn {name}(x: [u8; 2]) {{\n{}}}\n", "x;\n".repeat(lines - 2));
        let text = function("fits", 60) + &function("long", 61) + "trait T { fn none(&self); }\n#[cfg(test)]\n";
        let found = long_functions(&Source::new("src/x.rs", &(text + &function("test", 99))));
        let found: Vec<_> = found.iter().map(|(name, finding)| (name.as_str(), finding.line)).collect();
        assert_eq!(found, [("long", 61)]);
    }
}
