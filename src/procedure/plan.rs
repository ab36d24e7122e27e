//! A plan: a procedure with its parameters bound and every step checked, before anything is touched.
//!
//! A plan is self-contained: the runner executes it without the estate or the procedure's file. Its hash is the
//! digest of its JSON, and the confirmed start of a run is bound to that hash. The only references left in it are
//! `{{run.id}}` and `{{run.dir}}`, and `{{saved:…}}` for what a `read` saves; a run fills them in when it reaches a step.

pub use crate::calendar::WindowUse;
pub use crate::domain::Budget;
use crate::domain::{Digest, EffectClass, Error, Listing, Order, PromptScope, Verb};
use crate::journal::record::Choice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A procedure, bound and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The procedure's id: `cell0/data-retention`.
    pub id: String,
    /// Its title, filled in.
    pub title: String,
    /// What it is for; may be empty.
    pub purpose: String,
    /// The digest of the file's bytes.
    pub source: Digest,
    /// The estate's name.
    pub estate: String,
    /// The estate's environment: `production`, `staging` or `other`.
    pub environment: String,
    /// The parameters as they will be shown and recorded.
    pub params: BTreeMap<String, String>,
    /// The directory that nothing leaves, absolute.
    pub root: Option<String>,
    /// The names of the targets it locks.
    pub locks: Vec<String>,
    /// The phases, in order.
    pub phases: Vec<String>,
    /// In which order the steps of a phase are taken.
    #[serde(default, skip_serializing_if = "Order::is_listed")]
    pub order: Order,
    /// How much one prompt asks for.
    #[serde(default, skip_serializing_if = "PromptScope::is_step")]
    pub prompt: PromptScope,
    /// The procedures it includes: each id with the digest of its file's bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<String, Digest>,
    /// The window that it needs: the one that its procedure names, or any, where the rule of the environment demands one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowUse>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Budget::is_unset")]
    pub budget: Budget,
    /// How it is undone as a whole, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// How a run is undone as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// What a failed step leads to.
    pub on_fail: OnFail,
    /// The earliest phase whose steps are undone, itself included; all phases where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The ids of the checks that prove, after the undo, that all is ok.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prove: Vec<String>,
}

/// What a failed step leads to, where its own `on_fail` does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFail {
    /// A person decides.
    #[default]
    Ask,
    /// The undo begins by itself.
    Rollback,
}

/// When a `wait` is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Until {
    /// The condition on what was seen, as the author wrote it: `value == 0`.
    pub condition: String,
    /// How long it must hold without a break, in seconds; 0 where once is enough.
    #[serde(default)]
    pub for_s: u64,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its phase.
    pub phase: String,
    /// Its id, where something refers to it.
    pub id: Option<String>,
    /// Its title, filled in.
    pub title: String,
    /// Its verb.
    pub verb: Verb,
    /// Its effect class: what the author declared, never below the adapter's least effect.
    pub effect: EffectClass,
    /// What it does, for `read`, `check` and `do`.
    pub act: Option<Action>,
    /// The ceiling of its frozen set.
    pub limit: Option<Limit>,
    /// How long it should take, in seconds.
    pub takes_s: Option<u64>,
    /// When it is killed, in seconds.
    pub timeout_s: u64,
    /// Whether a failed check stops the run.
    pub gate: Gate,
    /// What asks, read-only, whether the step's effect is there.
    pub prove: Option<Action>,
    /// How it is undone.
    #[serde(rename = "way_back")]
    pub undo: UndoPlan,
    /// Whether the runner may repeat it by itself when its outcome is unknown.
    pub rerun_safe: bool,
    /// What a person shall do (`manual`) or agree to (`approve`), or the text of a notice (`notify`).
    pub text: String,
    /// Whether a sign-off needs a note.
    pub note_required: bool,
    /// Whether the author asks for a second person.
    pub four_eyes: bool,
    /// Why it is there, as its author says; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The name under which the facts that it reads are saved in the run; those of an included procedure have its number
    /// before them: `2/before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
    /// The included procedure that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The condition under which it is taken, with references to what was saved; filled in and judged when it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// When a `wait` is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Whether it is taken in every ending: after success, failure and abort alike.
    #[serde(default, skip_serializing_if = "is_false")]
    pub always: bool,
    /// What may be chosen when it fails; all that apply where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_fail: Vec<Choice>,
    /// The ids of the steps whose undo an `undo_of` runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_of: Vec<String>,
    /// The names of the receivers of a `notify`; the screen and the journal alone where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What one adapter shall do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The adapter's key: `exec`, `files`, `http`.
    pub adapter: String,
    /// The least class of this very action.
    #[serde(rename = "floor")]
    pub least: EffectClass,
    /// It, in one line for people: `delete data/sessions/*.json older than 90 d`.
    pub line: String,
    /// It, as the adapter's own type in JSON.
    pub spec: serde_json::Value,
    /// The complete text that it runs, where `line` cannot hold it: a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
}

/// The ceiling of a frozen set; a larger one is refused, not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A share of what was looked at, from 0 to 1.
    Share(f64),
    /// A number of objects.
    Count(u64),
    /// A sum of sizes, in bytes.
    Bytes(u64),
}

/// What a failed check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// The run stops and asks.
    Hard,
    /// The run goes on after a person wrote a note.
    Soft,
}

/// How a step is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoPlan {
    /// Nothing was changed, so there is nothing to undo.
    NotNeeded,
    /// There is none, for this reason.
    None(String),
    /// This action, given the step's own frozen set.
    Undo(Action),
}

impl Step {
    /// The complete text that it runs, and that its undo would run.
    #[must_use]
    pub fn listing(&self) -> Option<Listing> {
        self.with_undo_text(self.act.as_ref().and_then(|act| act.listing.clone()))
    }

    /// What an act was found to run, with what its undo would run below it.
    #[must_use]
    pub fn with_undo_text(&self, seen: Option<Listing>) -> Option<Listing> {
        let undo = if let UndoPlan::Undo(undo) = &self.undo { undo.listing.as_ref() } else { None };
        Listing::with_undo(seen, undo)
    }
}

impl UndoPlan {
    /// In words, for the prompt; empty where nothing is changed.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NotNeeded => String::new(),
            Self::None(reason) => format!("none ({reason})"),
            Self::Undo(action) => action.line.clone(),
        }
    }
}

impl Plan {
    /// Whether any of its steps changes something by itself.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|step| step.verb == Verb::Do && step.effect > EffectClass::Read)
    }

    /// The bytes of `plan.json`: what is hashed, frozen and executed.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|cause| Error::machine("write the plan as JSON", cause))
    }

    /// Reads `plan.json`.
    ///
    /// # Errors
    /// When the bytes are not a plan.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|cause| Error::machine("read the plan", cause))
    }

    /// The digest that a confirmed start is bound to.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn hash(&self) -> Result<Digest, Error> {
        Ok(Digest::of(&self.to_json()?))
    }
}
