//! Dialogs in which something is typed: parameters and the palette.

use crate::app::field::Field;
use crate::app::keymap::{ACTIONS, Entry};
use crate::app::msg::Offer;
use crate::domain::Error;
use std::collections::BTreeMap;

/// The parameters of a procedure being filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The procedure.
    pub offer: Offer,
    /// One field for each of its parameters.
    pub fields: Vec<Field>,
    /// The field under the cursor.
    pub cursor: usize,
    /// Whether the plan was asked for and is not here yet.
    pub planning: bool,
    /// Why there is no plan.
    pub error: Option<Error>,
}

impl Form {
    /// The form with what the row and the defaults say; the cursor is on the first field that says nothing.
    #[must_use]
    pub fn new(offer: Offer) -> Self {
        let fields = offer.params.iter().map(|param| Field::new(param.value.clone())).collect();
        let cursor = offer.params.iter().position(|param| param.value.is_empty()).unwrap_or(0);
        Self { offer, fields, cursor, planning: false, error: None }
    }

    /// The parameters as typed.
    #[must_use]
    pub fn params(&self) -> BTreeMap<String, String> {
        let names = self.offer.params.iter().map(|param| param.name.clone());
        names.zip(self.fields.iter().map(|field| field.text().trim().to_owned())).collect()
    }

    /// Moves to another field.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.fields.len().saturating_sub(1));
    }

    /// Whether the cursor is on the last field.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.cursor + 1 >= self.fields.len()
    }
}

/// Commands by name, narrowed by what is typed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Palette {
    /// What was typed.
    pub field: Field,
    /// The line under the cursor.
    pub cursor: usize,
    /// What can be chosen: actions first, then procedures.
    pub choices: Vec<Command>,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// An action of the registry.
    Action(&'static Entry),
    /// A procedure to launch.
    Procedure(Box<Offer>),
}

impl Command {
    /// What is typed to find it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Action(entry) => entry.name.to_owned(),
            Self::Procedure(offer) => format!("run {}", offer.procedure),
        }
    }

    /// What it does.
    #[must_use]
    pub fn doc(&self) -> &str {
        match self {
            Self::Action(entry) => entry.doc,
            Self::Procedure(offer) => &offer.title,
        }
    }
}

impl Palette {
    /// A palette of these actions.
    #[must_use]
    pub fn new(may: impl Fn(&Entry) -> bool) -> Self {
        let choices = ACTIONS.iter().filter(|entry| may(entry)).map(Command::Action).collect();
        Self { choices, ..Self::default() }
    }

    /// What matches: names that start with what was typed first, then names and sentences that contain it.
    #[must_use]
    pub fn matches(&self) -> Vec<&Command> {
        let needle = self.field.text().trim().to_lowercase();
        let rank = |command: &&Command| {
            let name = command.name().to_lowercase();
            match (name.starts_with(&needle), name.contains(&needle), command.doc().to_lowercase().contains(&needle)) {
                (true, ..) => 0,
                (_, true, _) => 1,
                (.., true) => 2,
                _ => 3,
            }
        };
        let mut found: Vec<&Command> = self.choices.iter().filter(|command| rank(command) < 3).collect();
        found.sort_by_key(rank);
        found
    }

    /// The line under the cursor.
    #[must_use]
    pub fn chosen(&self) -> Option<Command> {
        self.matches().get(self.cursor).map(|command| (*command).clone())
    }

    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.matches().len().saturating_sub(1));
    }
}
