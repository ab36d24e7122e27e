//! Who may use what.

use crate::arch::Finding;
use crate::arch::source::{Named, Source, Token, is_word};

/// The layers, lowest first. A module may use those of lower layers and of its own, but `app` and `runner` never use each
/// other. The demo stands beside them: it may use everything below the command line, and only that may use it.
const LAYERS: [(&str, u8); 15] = [
    ("domain", 0),
    ("config", 1),
    ("calendar", 1),
    ("procedure", 2),
    ("journal", 2),
    ("probes", 2),
    ("app", 3),
    ("runner", 3),
    ("history", 3),
    ("gate", 4),
    ("ui", 5),
    ("tui", 6),
    ("demo", 6),
    ("cli", 7),
    ("main", 8),
];

/// Libraries whose types stay inside the probes.
const CLIENTS: [&str; 7] = ["reqwest", "tokio_postgres", "redis", "kube", "k8s_openapi", "x509_parser", "x509"];

/// What a rule lets a file do that no other may: the rule, and the file or a directory with its slash.
pub const EXEMPT: [(&str, &str); 4] = [
    ("screen", "src/app/modal/"),
    ("colours", "src/ui/theme.rs"),
    ("colours", "src/ui/ink.rs"),
    ("authority", "src/gate/operate.rs"),
];

fn is_exempt(rule: &str, path: &str) -> bool {
    let holds = |place: &str| path == place || (place.ends_with('/') && path.starts_with(place));
    EXEMPT.iter().any(|(of, place)| *of == rule && holds(place))
}

fn layer_of(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(least, _)| *least == name).map(|(_, height)| *height)
}

/// The top-level module a file belongs to.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn found(source: &Source, line: usize, what: String) -> Finding {
    Finding { file: source.path.clone(), line, what }
}

/// What a path reaches from the crate's root, if it begins there: by `crate::`, or by as many `super::` as lead there.
fn reached<'a>(source: &Source, named: &'a Named) -> Option<&'a str> {
    let depth = source.path.trim_end_matches("/mod.rs").split('/').count() - 1;
    let supers = named.segments.iter().take_while(|segment| *segment == "super").count();
    let first = match named.segments.first().map(String::as_str) {
        Some("crate") => 1,
        Some("super") if supers == depth => supers,
        _ => return None,
    };
    named.segments.get(first).map(String::as_str)
}

/// Arrows that point upward, or sideways where they may not.
pub fn layers(source: &Source) -> Vec<Finding> {
    let here = module_of(&source.path);
    if here == "lib" {
        return Vec::new();
    }
    let judge = |named: &Named| {
        let there = reached(source, named)?;
        let what = match (layer_of(here), layer_of(there)) {
            _ if there == here => return None,
            (None, _) => format!("`{here}` has no layer: give it one in tests/arch"),
            (_, None) => format!("`{there}` has no layer: give it one in tests/arch"),
            _ if matches!((here, there), ("app", "runner") | ("runner", "app")) => {
                format!("`{here}` and `{there}` never use each other")
            }
            _ if there == "demo" && here != "cli" => format!("`{here}` uses the demo, which only `cli` may"),
            (Some(own), Some(other)) if other > own => format!("`{here}` reaches up to `{there}`"),
            _ => return None,
        };
        Some(found(source, named.line, what))
    };
    source.paths().iter().filter_map(judge).collect()
}

/// The terminal's libraries outside `ui` and `tui`; the text area's own state may be kept where dialogs are.
pub fn screen(source: &Source) -> Vec<Finding> {
    let here = module_of(&source.path);
    if matches!(here, "ui" | "tui") {
        return Vec::new();
    }
    let dialogs = is_exempt("screen", &source.path);
    let judge = |named: &Named| {
        let library = named.segments.iter().find(|segment| {
            matches!(segment.as_str(), "ratatui" | "crossterm") || (*segment == "tui_textarea" && !dialogs)
        })?;
        Some(found(source, named.line, format!("`{library}` belongs to `ui` and `tui`")))
    };
    source.paths().iter().filter_map(judge).collect()
}

/// Literal colours outside the theme and the one file that carries them over.
pub fn colours(source: &Source) -> Vec<Finding> {
    if is_exempt("colours", &source.path) {
        return Vec::new();
    }
    let judge = |named: &Named| {
        let last = named.segments.last().map(String::as_str);
        let literal = named.segments.iter().rev().skip(1).any(|segment| segment == "Color");
        let hidden = (last == Some("Color") && named.renamed) || last == Some("Stylize");
        let what = "colours have meaning in src/ui/theme.rs alone: draw by role";
        (!named.in_test && (literal || hidden)).then(|| found(source, named.line, what.to_owned()))
    };
    source.paths().iter().filter_map(judge).collect()
}

/// Processes outside the layers that may start them.
pub fn processes(source: &Source) -> Vec<Finding> {
    let here = module_of(&source.path);
    if matches!(here, "runner" | "gate" | "demo") {
        return Vec::new();
    }
    let judge = |named: &Named| {
        let of_std = named.begins(&["std", "process"]) || named.begins(&["process"]);
        let starts = ["Command", "Child", "*"].iter().any(|name| named.holds(&["process", name]));
        let renamed = named.begins(&["std", "process"]) && named.segments.len() == 2 && named.renamed;
        let breaks = named.holds(&["tokio", "process"]) || (of_std && starts) || renamed;
        let what = format!("`{here}` may not start processes: runner, gate and demo may");
        (!named.in_test && breaks).then(|| found(source, named.line, what))
    };
    source.paths().iter().filter_map(judge).collect()
}

/// The right to act, taken anywhere but in the operating gate.
pub fn authority(source: &Source) -> Vec<Finding> {
    if is_exempt("authority", &source.path) {
        return Vec::new();
    }
    let judge = |named: &Named| {
        let renamed = named.renamed && named.segments.last().is_some_and(|last| last == "Authority");
        let taken = named.holds(&["Authority", "grant"]) || renamed;
        let what = "the right to act is granted in src/gate/operate.rs alone";
        (!named.in_test && taken).then(|| found(source, named.line, what.to_owned()))
    };
    source.paths().iter().filter_map(judge).collect()
}

/// Types of client libraries in what the probes show to others.
pub fn probe_signatures(source: &Source) -> Vec<Finding> {
    if module_of(&source.path) != "probes" {
        return Vec::new();
    }
    let tokens: Vec<&Token> = source.tokens.iter().filter(|token| !token.in_test).collect();
    let foreign = foreign_names(source, &tokens);
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "pub") {
        let signature = signature(tokens.get(at + 1..).unwrap_or_default());
        if let Some(shown) = signature.iter().find(|token| foreign.contains(&token.text)) {
            all.push(found(source, token.line, format!("a probe shows `{}` of a client library", shown.text)));
        }
    }
    all
}

/// The client libraries, and every name that a file imports from them.
fn foreign_names(source: &Source, tokens: &[&Token]) -> Vec<String> {
    let mut names: Vec<String> = CLIENTS.iter().map(ToString::to_string).collect();
    for named in source.paths().iter().filter(|named| named.segments.len() > 1) {
        if named.segments.first().is_some_and(|first| CLIENTS.contains(&first.as_str())) {
            names.extend(named.segments.last().cloned());
        }
    }
    // `as` gives such a name a second one; not one of the standard library that is called alike.
    for (at, window) in tokens.windows(3).enumerate() {
        if let [known, keyword, second] = window
            && keyword.text == "as"
            && names.contains(&known.text)
            && !matches!(root_of(tokens, at), "std" | "core")
        {
            names.push(second.text.clone());
        }
    }
    names.retain(|name| name != "*" && name != "self");
    names
}

/// The first name of the path that ends at a token.
fn root_of<'a>(tokens: &[&'a Token], mut at: usize) -> &'a str {
    while at >= 2 && tokens.get(at - 1).is_some_and(|before| before.text == "::") {
        at -= 2;
    }
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// The tokens of what stands behind `pub`: up to a body or an end; with the body for an enum, a trait and a re-export.
fn signature<'a>(tokens: &[&'a Token]) -> Vec<&'a Token> {
    let mut rest = tokens.iter().copied().peekable();
    if rest.peek().is_some_and(|token| token.text == "(") {
        // pub(crate)
        while rest.next().is_some_and(|token| token.text != ")") {}
    }
    let keyword = rest.peek().map(|token| token.text.as_str()).unwrap_or_default();
    let whole = matches!(keyword, "enum" | "trait" | "use");
    // A module may be called after the library that it speaks with.
    if keyword == "mod" {
        return Vec::new();
    }
    let item = whole || matches!(keyword, "fn" | "async" | "const" | "static" | "type" | "struct" | "unsafe");
    let is_struct = keyword == "struct";
    let (mut depth, mut braces) = (0_usize, 0_usize);
    let mut taken = Vec::new();
    for token in rest {
        match token.text.as_str() {
            "(" if is_struct && depth == 0 => break,
            "(" | "[" | "<" => depth += 1,
            ")" | "]" | ">" if depth == 0 && !item => break,
            ")" | "]" | ">" => depth = depth.saturating_sub(1),
            "{" if whole => braces += 1,
            "}" if whole && braces > 1 => braces -= 1,
            "{" | "}" => break,
            ";" if braces == 0 && depth == 0 => break,
            "," if !item && depth == 0 => break,
            _ if is_word(&token.text) => taken.push(token),
            _ => {}
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: impl Fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Source::new(path, text)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn an_arrow_upward_is_found_however_it_is_written() {
        let upward = [
            "use crate::app::Model;",
            "use crate::{domain::Error, app::Model};",
            "use crate::{\n domain::Error};\nfn f() -> crate::ui::Frame {}",
            "pub use crate::cli;",
            "use super::super::gate::Operate;",
            "#[cfg(test)]\nmod tests { use crate::runner::x; }",
            "use crate::demo::Estate;",
            "use crate::nowhere::X;",
            "fn f() { crate::tui::run::<crate::domain::Error>(); }",
        ];
        for text in upward {
            assert_eq!(lines(layers, "src/journal/append.rs", text).len(), 1, "{text}");
        }
        let downward = "use crate::domain::{Error, Kind};\nuse crate::journal::chain;\nuse crate::config::reader;\n\
            use crate::procedure::plan::Plan;\n// crate::app::Model\nuse super::chain;\nconst X: &str = \"crate::ui\";";
        assert_eq!(lines(layers, "src/journal/append.rs", downward), [0; 0]);
    }

    #[test]
    fn the_sides_that_never_meet_are_kept_apart() {
        assert_eq!(lines(layers, "src/app/update.rs", "\nuse crate::runner::engine;"), [2]);
        assert_eq!(lines(layers, "src/runner/engine.rs", "use crate::app::Model;"), [1]);
        assert_eq!(lines(layers, "src/demo/mod.rs", "use crate::cli::Args;"), [1]);
        assert_eq!(lines(layers, "src/demo/mod.rs", "use crate::tui::run;\nuse crate::gate::Gate;"), [0; 0]);
        assert_eq!(lines(layers, "src/cli/demo.rs", "use crate::demo::keeper;"), [0; 0]);
        assert_eq!(lines(layers, "src/gate/mod.rs", "use crate::demo::keeper;"), [1]);
        assert_eq!(lines(layers, "src/stray.rs", "use crate::domain::Error;"), [1]);
    }

    #[test]
    fn screen_libraries_are_found_outside_their_layers() {
        let text = "use ratatui::style::Style;\nuse tui_textarea::TextArea;\nfn f() { crossterm::execute!(); }";
        assert_eq!(lines(screen, "src/app/update.rs", text), [1, 2, 3]);
        assert_eq!(lines(screen, "src/app/modal/note.rs", text), [1, 3]);
        assert_eq!(lines(screen, "src/ui/mod.rs", text), [0; 0]);
    }

    #[test]
    fn colours_are_found_outside_the_theme() {
        let text = "use ratatui::style::Color;\nfn f(c: Color) { c == Color::Red; style::Color::Rgb(1, 2, 3); }\n\
            use ratatui::style::Color as C;\nuse ratatui::style::Stylize;\nuse ratatui::style::Color::*;\n\
            #[cfg(test)]\nmod tests { fn f() { Color::Red; } }";
        assert_eq!(lines(colours, "src/ui/panes/health.rs", text), [2, 2, 3, 4, 5]);
        assert_eq!(lines(colours, "src/ui/theme.rs", text), [0; 0]);
    }

    #[test]
    fn processes_are_found_outside_their_layers() {
        let text = "use std::process::Command;\nuse std::process::{ExitCode, Child};\nuse tokio::{fs, process};\n\
            use std::process;\nfn f() { process::Command::new(x); std::process::exit(1); rustix::process::getpid(); }\n\
            use std::process as p;\nuse std::process::*;\n#[cfg(test)]\nmod tests { use std::process::Command; }";
        assert_eq!(lines(processes, "src/probes/host.rs", text), [1, 2, 3, 5, 6, 7]);
        for path in ["src/runner/shim.rs", "src/gate/mod.rs", "src/demo/supervisor.rs"] {
            assert_eq!(lines(processes, path, text), [0; 0], "{path}");
        }
    }

    #[test]
    fn the_right_to_act_is_found_where_it_is_taken() {
        let text = "use crate::app::confirm::Authority;\nfn f() { Authority::grant(); confirm::Authority::grant(); }\n\
            use crate::app::confirm::Authority as A;\n#[cfg(test)]\nmod tests { fn f() { Authority::grant(); } }";
        assert_eq!(lines(authority, "src/cli/run.rs", text), [2, 2, 3]);
        assert_eq!(lines(authority, "src/gate/operate.rs", text), [0; 0]);
        assert_eq!(lines(authority, "src/app/confirm.rs", "impl Authority { pub fn grant() -> Self {} }"), [0; 0]);
    }

    #[test]
    fn client_types_are_found_in_what_probes_show() {
        let bad = [
            "pub fn new(client: reqwest::Client) -> Self {}",
            "use reqwest::Client;\npub fn new(a: u8, client: &Client) {}",
            "use reqwest::{Client as Http};\npub async fn f() -> Vec<Http> {}",
            "pub struct Probe { pub name: String, pub client: reqwest::Client }",
            "pub struct Probe(pub reqwest::Client);",
            "pub enum Lost { Why(String), Http { cause: reqwest::Error } }",
            "pub trait Ask { fn ask(&self) -> redis::Value; }",
            "pub use tokio_postgres::Row;",
            "pub type Answer = Result<(), kube::Error>;",
            "pub(crate) fn f<T>(x: T) where T: Into<x509_parser::X> {}",
        ];
        for text in bad {
            assert_eq!(lines(probe_signatures, "src/probes/http.rs", text).len(), 1, "{text}");
        }
        let good = "use reqwest::Client;\npub struct Probe { client: Client, pub name: String }\nstruct Own(Client);\n\
            pub struct Hidden(Client);\nfn own(client: &Client) {}\n\
            pub fn f(name: &str) -> Result<(), String> { let c: Client = reqwest::get(); }\nimpl From<reqwest::Error> for X {}";
        assert_eq!(lines(probe_signatures, "src/probes/http.rs", good), [0; 0]);
        let of_std = "use std::error::Error as Cause;\npub fn f(cause: &dyn Cause) { g::<reqwest::Error>(); }";
        assert_eq!(lines(probe_signatures, "src/probes/http.rs", of_std), [0; 0]);
        assert_eq!(lines(probe_signatures, "src/runner/http.rs", bad[0]), [0; 0]);
    }
}
