//! Every key of a procedure's file: the tables behind `midwatch schema procedure` and its page in `docs/reference`.
//!
//! A test holds each table to the reader: it asks for these keys and for no others.

mod schema;
mod steps;

use crate::config::keys::{Form, Key, Kind, Needs, Section, reference};
use crate::procedure::adapters::Purpose;

pub use schema::schema;
pub use steps::{STEP, StepKey, belongs};

/// The title of the file's schema.
pub const TITLE: &str = "Midwatch procedure";

/// One form of an adapter's action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The adapter's key first, then those beside it.
    pub section: Section,
    /// What it may be.
    pub purposes: &'static [Purpose],
}

const WORDS: &str = "lower-case words joined by `-` and `/`";

/// The sections of the file but for its steps; the first is the top.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        form: Form::Top,
        doc: "What it is, who keeps it, and in which order its phases come. `title`, `purpose`, `lock` and `root` may hold `{{parameters}}`.",
        keys: HEADER,
        needs: Needs::Nothing,
    },
    Section {
        name: "params",
        form: Form::Defined,
        doc: "What is asked for before it can be planned: `name = { … }`, named by lower-case letters, digits and `_`.",
        keys: PARAM,
        needs: Needs::One(&["days", "int", "one_of", "text", "path", "target", "list", "map"]),
    },
    Section {
        name: "acts_on",
        form: Form::Many,
        doc: "The rows that it is offered from.",
        keys: ACTS_ON,
        needs: Needs::Nothing,
    },
];

const HEADER: &[Key] = &[
    Key::required("format", Kind::Version, "1", "The version of the format."),
    Key::required(
        "id",
        Kind::Text(WORDS, "^[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)*$"),
        "\"cell0/data-retention\"",
        "Its id, unique.",
    ),
    Key::required("title", Kind::Text("text", r"\S"), "\"Data retention cleanup\"", "What people call it."),
    Key::optional(
        "purpose",
        Kind::Text("text", r"\S"),
        "none",
        "\"Delete what is past its retention\"",
        "What it is for.",
    ),
    Key::optional("owner", Kind::Text("text", ""), "none", "\"cell0-operations\"", "Who keeps it."),
    Key::optional("reviewed", Kind::Date, "never", "2026-11-21", "When it was last reviewed."),
    Key::optional(
        "review_every",
        Kind::Span,
        "not due",
        "\"90d\"",
        "How often it must be; `midwatch lint` warns when it is due.",
    ),
    Key::required(
        "phases",
        Kind::Texts("words", "^[a-z][a-z0-9-]*$"),
        "[\"look\", \"clean\"]",
        "Its phases in order; none may be called like a key of the top.",
    ),
    Key::optional(
        "order",
        Kind::Word(&["listed", "any"]),
        "listed",
        "\"any\"",
        "`any` makes it a checklist: every item of a phase is open at once.",
    ),
    Key::optional(
        "prompt",
        Kind::Word(&["step", "phase"]),
        "step",
        "\"phase\"",
        "How much one prompt asks for: its own step, or every change of its phase that can be previewed when it opens. It counts them and shows each whole; a destroy always asks for itself.",
    ),
    Key::optional(
        "lock",
        Kind::Texts("names of targets", r"\S"),
        "none",
        "[\"host\"]",
        "What no other run may work on at the same time.",
    ),
    Key::optional(
        "root",
        Kind::Text("an absolute path", r"^(/|\{\{)"),
        "none",
        "\"/srv/cell0\"",
        "The directory that no file leaves.",
    ),
    Key::optional(
        "window",
        Kind::Either(&[Kind::Text("a window's name", r"\S"), Kind::Table(WINDOW)]),
        "any time",
        "{ operation = \"security_patches\" }",
        "The window that it belongs in: one by its name, or whichever allows an operation.",
    ),
    Key::optional("budget", Kind::Table(BUDGET), "none", "{ run = \"70m\", undo = \"20m\" }", "How long it may take."),
    Key::optional(
        "rollback",
        Kind::Table(ROLLBACK),
        "a person decides",
        "{ on_fail = \"ask\", to = \"prepare\", prove = [\"healthy\"] }",
        "How it is undone as a whole.",
    ),
];

const WINDOW: &[Key] = &[
    Key::optional(
        "environment",
        Kind::Text("an environment", r"\S"),
        "the estate's own",
        "\"production\"",
        "Whose windows.",
    ),
    Key::required("operation", Kind::Text("a word", r"\S"), "\"security_patches\"", "One of a window's `operations`."),
];

const BUDGET: &[Key] = &[
    Key::optional("run", Kind::Span, "none", "\"70m\"", "For all steps together."),
    Key::optional("undo", Kind::Span, "none", "\"20m\"", "For the undo."),
];

const ROLLBACK: &[Key] = &[
    Key::optional("on_fail", Kind::Word(&["ask", "rollback"]), "ask", "\"ask\"", "What a failed step leads to."),
    Key::optional(
        "to",
        Kind::Text("a phase", r"\S"),
        "the first phase",
        "\"prepare\"",
        "The earliest phase that is undone.",
    ),
    Key::optional(
        "prove",
        Kind::Texts("ids of checks", r"\S"),
        "none",
        "[\"healthy\"]",
        "What proves then that all is ok.",
    ),
];

const PARAM: &[Key] = &[
    Key::optional("days", Kind::Any("two whole numbers"), "", "[30, 3650]", "A number of days between these bounds."),
    Key::optional("int", Kind::Any("two whole numbers"), "", "[1, 8]", "A whole number between these bounds."),
    Key::optional("one_of", Kind::Texts("words", ""), "", "[\"production\", \"staging\"]", "One of these words."),
    Key::optional("text", Kind::Flag, "", "true", "Text of one line."),
    Key::optional("path", Kind::Flag, "", "true", "An absolute path without `..`."),
    Key::optional(
        "target",
        Kind::Text("a kind of target", r"\S"),
        "",
        "\"postgres\"",
        "The name of one of the estate's targets of this kind.",
    ),
    Key::optional(
        "list",
        Kind::Either(&[Kind::Flag, Kind::Texts("words to choose from", "")]),
        "",
        "[\"api\", \"worker\"]",
        "Several words; as a value `a,b`.",
    ),
    Key::optional(
        "map",
        Kind::Texts("names", ""),
        "",
        "[\"api\", \"worker\"]",
        "A text for each of these names; as a value `a=x,b=y`.",
    ),
    Key::optional(
        "match",
        Kind::Text("a pattern", r"\S"),
        "any",
        "'@sha256:[0-9a-f]{64}$'",
        "What each text must fit, for `text`, `list` and `map`.",
    ),
    Key::optional(
        "default",
        Kind::Either(&[
            Kind::Text("text", ""),
            Kind::Int(i64::MIN, i64::MAX),
            Kind::Texts("texts", ""),
            Kind::Variables,
        ]),
        "it is asked for",
        "90",
        "Its value where none is given.",
    ),
    Key::optional(
        "help",
        Kind::Text("a sentence of one line", r"\S"),
        "none",
        "\"How old a session must be\"",
        "What it is for: shown in the form, by `procedures ID`, in the plan and on the printed page.",
    ),
];

const ACTS_ON: &[Key] = &[
    Key::required("row", Kind::Text("a kind of target", r"\S"), "\"mount\"", "The kind of the row."),
    Key::optional(
        "when",
        Kind::Text("a condition on its facts", r"\S"),
        "always",
        "\"used_ratio > 0.8\"",
        "When it is offered; an unknown fact is no.",
    ),
    Key::optional(
        "params",
        Kind::Variables,
        "none",
        "{ root = \"{{row.facts.path}}\" }",
        "What it takes from the row.",
    ),
];

/// The reference of the whole format, in Markdown; `ways` are the adapters' actions.
#[must_use]
pub fn format_reference(ways: &[Way]) -> String {
    let mut text = reference(SECTIONS);
    text.push_str(&steps::reference());
    text.push_str("**Actions.** The adapter's key and those beside it, as the value of a verb, `prove` or `undo`.\n\n");
    let mut last = "";
    for way in ways {
        let purposes: Vec<String> = way.purposes.iter().map(|purpose| format!("`{}`", purpose.word())).collect();
        let under = format!("Under {}.", purposes.join(", "));
        let table = reference(&[way.section]);
        let (heading, rows) = table.split_once('\n').unwrap_or((&table, ""));
        if last == way.section.name {
            text.push_str(&format!("{} {under}\n{rows}", way.section.doc));
        } else {
            text.push_str(&format!("{heading} {under}\n{rows}"));
        }
        last = way.section.name;
    }
    text
}
