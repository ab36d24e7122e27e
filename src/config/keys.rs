//! The keys of a file as a table, from which its JSON Schema and its reference are made.
//!
//! A test holds every such table to the reader of its file: [`crate::config::estate::keys`].

pub mod page;
mod reference;
mod schema;

pub use reference::reference;
pub use schema::{object, property, schema};

/// One section of a file, or its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name; empty for the top of the file.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What its keys must make up together.
    pub needs: Needs,
}

/// How a section is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The keys at the top of the file.
    Top,
    /// `[name]`, once.
    Once,
    /// `[[name]]`, as often as needed.
    Many,
    /// `[name]` with names of the author's own, each with this kind of value; its one key describes all of them.
    Names,
    /// `[name]` with names of the author's own, each with a table of these keys.
    Defined,
    /// `[[…]]` under any name of the author's at the top.
    Rest,
    /// `{ name = … }`, the value of other keys.
    Inline,
}

/// What the keys of a section must make up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing more than each key says.
    Nothing,
    /// At least one of these.
    Any(&'static [&'static str]),
    /// Exactly one of these.
    One(&'static [&'static str]),
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it; `None` when it must be there.
    pub default: Option<&'static str>,
    /// A value for it, as it is written.
    pub example: &'static str,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The version of the file's format.
    Version,
    /// A name of 1 to 64 characters.
    Name,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Text of a shape: how the reference calls it, and a regular expression for it.
    Text(&'static str, &'static str),
    /// A list of such texts.
    Texts(&'static str, &'static str),
    /// An absolute path.
    Path,
    /// A list of absolute paths.
    Paths,
    /// A span such as `5s`.
    Span,
    /// A span of whole days such as `30d`.
    Days,
    /// A size such as `1 MiB`.
    Size,
    /// `true` or `false`.
    Flag,
    /// One HTTP status code, or a list of them.
    Status,
    /// `{ warn = "80%", critical = "90%" }`.
    Limits,
    /// `secret:NAME`.
    Secret,
    /// A list of some of these words.
    Words(&'static [&'static str]),
    /// A date without a time.
    Date,
    /// A whole number between two bounds, both included.
    Int(i64, i64),
    /// A list of texts and whole numbers.
    Arguments,
    /// Texts and whole numbers by names of the author's own.
    Variables,
    /// A value of any kind: how the reference calls it.
    Any(&'static str),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table with exactly one of these keys.
    OneOf(&'static [Key]),
    /// Any of these kinds.
    Either(&'static [Self]),
    /// What is defined under this name elsewhere in the schema: how the reference calls it.
    Defined(&'static str, &'static str),
}

impl Section {
    /// How its heading is written: `[[unit]]`; empty for the top.
    #[must_use]
    pub fn written(&self) -> String {
        match self.form {
            Form::Top => String::new(),
            Form::Once | Form::Names | Form::Defined => format!("[{}]", self.name),
            Form::Many | Form::Rest => format!("[[{}]]", self.name),
            Form::Inline => format!("{{ {} = … }}", self.name),
        }
    }
}

impl Key {
    /// A key that must be there.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Self {
        Self { name, kind, default: None, example, doc }
    }

    /// A key that may be left out; `default` says what holds then.
    #[must_use]
    pub const fn optional(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        example: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, kind, default: Some(default), example, doc }
    }
}
