//! A procedure's header, and the procedure that it heads.

use crate::config::reader::{Node, Place, Problems, Table, Value};
use crate::domain::{Budget, Digest, EffectClass, Order, PromptScope, Row};
use crate::procedure::acts_on::{self, ActsOn, Refusal};
use crate::procedure::params::{self, Param};
use crate::procedure::rollback::{self, RawRollback};
use crate::procedure::steps::RawStep;
use crate::procedure::window::{self, RawWindow};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Every key of the header that this version reads; a phase cannot have such a name.
pub const KEYS: [&str; 17] = [
    "format",
    "id",
    "title",
    "purpose",
    "owner",
    "reviewed",
    "review_every",
    "phases",
    "order",
    "prompt",
    "params",
    "lock",
    "root",
    "rollback",
    "acts_on",
    "window",
    "budget",
];

/// A procedure as its file has it: read and checked, its parameters not bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Procedure {
    /// The file, or a name in angle brackets for one that is built in.
    pub file: PathBuf,
    /// The file's text: what a run freezes.
    pub text: String,
    /// The digest of the file's bytes.
    pub source: Digest,
    /// Its id: `cell0/data-retention`.
    pub id: String,
    /// Its title; may hold templates.
    pub title: Node,
    /// What it is for; may hold templates.
    pub purpose: Option<Node>,
    /// Who keeps it; may be empty.
    pub owner: String,
    /// When it was last reviewed.
    pub reviewed: Option<jiff::civil::Date>,
    /// How often it must be, in seconds.
    pub review_every_s: Option<u64>,
    /// Its phases, in order.
    pub phases: Vec<String>,
    /// In which order the steps of a phase are taken.
    pub order: Order,
    /// How much one prompt asks for.
    pub prompt: PromptScope,
    /// Its parameters, in the order of the file.
    pub params: Vec<Param>,
    /// The rows it is offered from.
    pub acts_on: Vec<ActsOn>,
    /// The names of the targets it locks; may hold templates.
    pub locks: Vec<Node>,
    /// The directory that nothing leaves; may hold templates.
    pub root: Option<Node>,
    /// The window that it belongs in; may hold templates.
    pub window: Option<RawWindow>,
    /// How long it may take.
    pub budget: Budget,
    /// How it is undone as a whole, where it says.
    pub rollback: Option<RawRollback>,
    /// Its steps, in order.
    pub steps: Vec<RawStep>,
}

impl Procedure {
    /// Its title as the file has it.
    #[must_use]
    pub fn title(&self) -> &str {
        text_of(&self.title)
    }

    /// What it is for, as the file has it; may be empty.
    #[must_use]
    pub fn purpose(&self) -> &str {
        self.purpose.as_ref().map_or("", text_of)
    }

    /// The greatest class among its steps.
    #[must_use]
    pub fn effect(&self) -> EffectClass {
        self.steps.iter().map(|step| step.effect).max().unwrap_or(EffectClass::Read)
    }

    /// The sum of its acts' declared times in seconds, where all are declared.
    #[must_use]
    pub fn takes_s(&self) -> Option<u64> {
        let acts = self.steps.iter().filter(|step| step.effect > EffectClass::Read);
        acts.map(|step| step.takes_s).try_fold(0_u64, |sum, takes| sum.checked_add(takes?))
    }

    /// The parameters that it takes from a row.
    ///
    /// # Errors
    /// Why each of its bindings to rows of that kind does not apply; none where it acts on no such row.
    pub fn offer(&self, row: &Row) -> Result<BTreeMap<String, String>, Vec<Refusal>> {
        let mut refusals = Vec::new();
        for binding in &self.acts_on {
            match binding.bind(row, &self.params) {
                Ok(params) => return Ok(params),
                Err(Refusal::Kind) => {}
                Err(refusal) => refusals.push(refusal),
            }
        }
        Err(refusals)
    }

    /// What each of its bindings takes from a row, whether or not its condition holds now; none that takes nothing.
    pub fn takes(&self, row: &Row) -> impl Iterator<Item = BTreeMap<String, String>> {
        let taken = self.acts_on.iter().filter_map(|binding| binding.take(row, &self.params).ok());
        taken.filter(|params| !params.is_empty())
    }
}

fn text_of(node: &Node) -> &str {
    match &node.value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// The header's values, before the steps are known.
pub(super) struct Header {
    pub(super) id: Option<String>,
    pub(super) title: Option<Node>,
    pub(super) purpose: Option<Node>,
    pub(super) owner: String,
    pub(super) reviewed: Option<jiff::civil::Date>,
    pub(super) review_every_s: Option<u64>,
    pub(super) phases: Vec<(Place, String)>,
    pub(super) order: Order,
    pub(super) prompt: PromptScope,
    pub(super) params: Vec<Param>,
    pub(super) acts_on: Vec<ActsOn>,
    pub(super) locks: Vec<Node>,
    pub(super) root: Option<Node>,
    pub(super) window: Option<RawWindow>,
    pub(super) budget: Budget,
    pub(super) rollback: Option<RawRollback>,
}

/// Takes the header's keys out of a file's table.
pub(super) fn read(table: &mut Table, problems: &mut Problems) -> Header {
    read_format(table, problems);
    let id_at = place_of(table, "id");
    let id = table.required_text("id", problems).filter(|id| is_id(id, id_at, problems));
    if !table.has("title") {
        problems.add(table.at, "`title` is missing");
    }
    let title = text_node(table, "title", problems);
    let purpose = text_node(table, "purpose", problems);
    let owner = table.text("owner", problems).unwrap_or_default();
    let reviewed = table.take("reviewed").and_then(|node| match node.value {
        Value::Date(date) => Some(date),
        other => {
            problems.add(node.at, format!("`reviewed` must be a date such as 2026-11-21, not {}", other.kind()));
            None
        }
    });
    let review_every_s = span(table, "review_every", problems);
    let order_at = place_of(table, "order");
    let order = match table.text("order", problems).as_deref() {
        None | Some("listed") => Order::Listed,
        Some("any") => Order::Any,
        Some(other) => {
            let message = format!("`order` must be \"listed\" or \"any\", not \"{}\"", other.escape_debug());
            problems.add(order_at, message);
            Order::Listed
        }
    };
    let prompt = read_prompt(table, order, problems);
    let phases = read_phases(table, problems);
    let params = table.table("params", problems).map(|table| params::read(table, problems)).unwrap_or_default();
    let acts_on = acts_on::read(table.tables("acts_on", problems), &params, problems);
    let locks = table.texts("lock", problems).unwrap_or_default();
    let locks = locks.into_iter().map(|(at, text)| Node { at, value: Value::Text(text) }).collect();
    let root = text_node(table, "root", problems);
    let window = window::read(table, problems);
    let budget = window::budget(table, problems);
    let rollback = rollback::rollback(table, problems);
    Header {
        id,
        title,
        purpose,
        owner,
        reviewed,
        review_every_s,
        phases,
        order,
        prompt,
        params,
        acts_on,
        locks,
        root,
        window,
        budget,
        rollback,
    }
}

fn read_format(table: &mut Table, problems: &mut Problems) {
    let at = place_of(table, "format");
    if !table.has("format") {
        table.take("format");
        problems.add(table.at, "`format` is missing: write `format = 1`");
    } else if let Some(version) = table.int("format", problems)
        && version != 1
    {
        problems.add(at, format!("format {version} is not known; this version reads format 1"));
    }
}

fn read_prompt(table: &mut Table, order: Order, problems: &mut Problems) -> PromptScope {
    let at = place_of(table, "prompt");
    match table.text("prompt", problems).as_deref() {
        None | Some("step") => PromptScope::Step,
        Some("phase") if order == Order::Any => {
            problems.add(at, "`prompt = \"phase\"` needs steps in order: a checklist asks for each item alone");
            PromptScope::Step
        }
        Some("phase") => PromptScope::Phase,
        Some(other) => {
            let message = format!("`prompt` must be \"step\" or \"phase\", not \"{}\"", other.escape_debug());
            problems.add(at, message);
            PromptScope::Step
        }
    }
}

fn read_phases(table: &mut Table, problems: &mut Problems) -> Vec<(Place, String)> {
    let at = place_of(table, "phases");
    if !table.has("phases") {
        table.take("phases");
        problems.add(table.at, "`phases` is missing");
        return Vec::new();
    }
    let Some(given) = table.texts("phases", problems) else { return Vec::new() };
    if given.is_empty() {
        problems.add(at, "`phases` must name at least one phase");
    }
    let mut phases: Vec<(Place, String)> = Vec::new();
    for (at, name) in given {
        let shown = name.escape_debug().to_string();
        if KEYS.contains(&name.as_str()) {
            problems.add(at, format!("`{shown}` is a key of the header and cannot name a phase"));
        } else if !is_word(&name) {
            problems.add(at, format!("a phase is named by lower-case letters, digits and `-`, not \"{shown}\""));
        } else if phases.iter().any(|(_, known)| *known == name) {
            problems.add(at, format!("the phase `{shown}` is named twice"));
        } else {
            phases.push((at, name));
        }
    }
    phases
}

/// Whether a word can name a phase or a step.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= 60
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_id(id: &str, at: Place, problems: &mut Problems) -> bool {
    let fits = id.len() <= 100 && id.split('/').all(is_word);
    if !fits {
        problems.add(
            at,
            format!(
                "`id` must be lower-case words joined by `-` and `/`, such as cell0/data-retention, not \"{}\"",
                id.escape_debug()
            ),
        );
    }
    fits
}

/// The place of a key's value, or of its table.
pub(super) fn place_of(table: &Table, key: &str) -> Place {
    table.entries.iter().find(|entry| entry.key == key).map_or(table.at, |entry| entry.node.at)
}

/// Takes text out with its place.
pub(super) fn text_node(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<Node> {
    let at = place_of(table, key);
    let text = table.text(key, problems)?;
    if text.trim().is_empty() {
        problems.add(at, format!("`{key}` must not be empty"));
    }
    Some(Node { at, value: Value::Text(text) })
}

/// Takes a span out, in whole seconds, at least one.
pub(super) fn span(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<u64> {
    table.parsed(key, "a span of at least a second such as \"90s\", \"12m\" or \"90d\"", problems, |text| {
        crate::domain::quantity::parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0)
    })
}
