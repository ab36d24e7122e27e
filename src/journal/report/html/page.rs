//! A page under construction, and the one way for text to come into it.

use crate::domain::Clean;

/// The look of the page.
const STYLE: &str = include_str!("style.css");

/// What the page may load: its own inline style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page under construction.
pub(in crate::journal::report) struct Page(String);

impl Page {
    /// Begins a page.
    pub fn begin(title: &str) -> Self {
        let title = text(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        ))
    }

    /// Adds markup. Text from outside went through [`text`] before.
    pub fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Begins a section.
    pub fn section(&mut self, heading: &str) {
        self.raw(&format!("<h2>{}</h2>\n", text(heading)));
    }

    /// Adds a name, as text, with its value, as markup, to a list of such.
    pub fn pair(&mut self, name: &str, markup: &str) {
        self.raw(&format!("<dt>{}</dt><dd>{markup}</dd>\n", text(name)));
    }

    /// Begins a table with these column heads.
    pub fn table(&mut self, heads: &[&str]) {
        self.raw("<div class=\"card wide\"><table><thead><tr>");
        for head in heads {
            self.raw(&format!("<th scope=\"col\">{}</th>", text(head)));
        }
        self.raw("</tr></thead><tbody>\n");
    }

    /// Ends it.
    pub fn end_table(&mut self) {
        self.raw("</tbody></table></div>\n");
    }

    /// The whole page.
    pub fn end(mut self) -> String {
        self.raw("</body>\n</html>\n");
        self.0
    }
}

/// Text from anywhere as markup on one line: sanitised, then every mark of HTML escaped.
pub(in crate::journal::report) fn text(raw: &str) -> String {
    escape(&Clean::text(raw).plain())
}

/// The same on as many lines as it has.
pub(in crate::journal::report) fn lines(raw: &str) -> String {
    let lines: Vec<String> = Clean::lines(raw).iter().map(|line| escape(&line.plain())).collect();
    lines.join("<br>\n")
}

fn escape(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    for symbol in clean.chars() {
        match symbol {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}
