//! Outside text for a Markdown page.

use crate::domain::Clean;
use crate::domain::reference::show;

/// Text on one line, with what would mark something up escaped.
pub(super) fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for symbol in one_line(&show(words)).chars() {
        if matches!(symbol, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' | '#') {
            out.push('\\');
        }
        out.push(symbol);
    }
    out
}

/// Text that ends as a sentence does.
pub(super) fn sentence(words: &str) -> String {
    let words = text(words);
    if words.ends_with(['.', '!', '?']) { words } else { words + "." }
}

/// Text as it is, between as many backticks as it takes (CommonMark, 6.1).
pub(super) fn code(words: &str) -> String {
    let words = one_line(&show(words));
    let longest = words.split(|symbol| symbol != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 || words.is_empty() { " " } else { "" };
    format!("{fence}{space}{words}{space}{fence}")
}

/// A text of several lines as it is, indented below a list item, between a fence that nothing in it can close (CommonMark, 4.5).
pub(super) fn block(words: &str) -> String {
    let lines: Vec<String> = Clean::lines(&show(words)).iter().map(Clean::plain).collect();
    let longest = lines.iter().flat_map(|line| line.split(|symbol| symbol != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("\n  {fence}\n{body}  {fence}\n\n")
}

/// Several of them.
pub(super) fn codes<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(|word| code(word)).collect::<Vec<_>>().join(", ")
}

fn one_line(words: &str) -> String {
    words.split(|c: char| c.is_control()).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_marks_nothing_up() {
        assert_eq!(text("a *b* <c>\n# d"), "a \\*b\\* \\<c\\> \\# d");
        assert_eq!(code("ls -l"), "`ls -l`");
        assert_eq!(code("a `b` ``c\n"), "``` a `b` ``c ```");
        assert_eq!(block("a\n  b\n```\u{1b}[31m\n"), "\n  ````\n  a\n    b\n  ```^[[31m\n  ````\n\n");
        assert_eq!(sentence("Done"), "Done.");
        assert_eq!(sentence("Done?"), "Done?");
    }
}
