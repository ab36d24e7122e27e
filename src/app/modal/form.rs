//! The parameters of a procedure being filled in.

use crate::app::field::Field;
use crate::app::msg::Offer;
use crate::domain::Error;
use crate::domain::key::{Key, KeyCode};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Why a key was not taken.
    pub hint: Option<String>,
    /// The fields that a key went into.
    written: BTreeSet<usize>,
}

impl Form {
    /// The form with what the row and the defaults say; the cursor is on the first field that says nothing.
    #[must_use]
    pub fn new(offer: Offer) -> Self {
        let fields = offer.params.iter().map(|param| Field::new(param.value.clone())).collect();
        let cursor = offer.params.iter().position(|param| param.value.is_empty()).unwrap_or(0);
        Self { offer, fields, cursor, planning: false, error: None, hint: None, written: BTreeSet::new() }
    }

    /// Takes a key into the field under the cursor. An arrow goes through the choices, where the field holds one or nothing.
    pub fn take(&mut self, key: Key) {
        self.hint = None;
        let by = match key.code {
            KeyCode::Left => -1,
            KeyCode::Right => 1,
            _ => 0,
        };
        if by != 0 && self.choose(by) {
            return;
        }
        if let Some(field) = self.fields.get_mut(self.cursor) {
            // A key that means nothing to a line of text, PageDown say, shows no intent to write.
            if field.take(key) {
                self.written.insert(self.cursor);
            }
        }
    }

    /// Goes to another choice; `false` where there are none to go through.
    fn choose(&mut self, by: isize) -> bool {
        let choices = self.offer.params.get(self.cursor).map(|param| param.choices.as_slice()).unwrap_or_default();
        let Some(field) = self.fields.get_mut(self.cursor) else { return false };
        let at = choices.iter().position(|choice| choice == field.text());
        if choices.len() < 2 || (at.is_none() && !field.text().is_empty()) {
            return false;
        }
        let last = choices.len() - 1;
        let next = match at {
            None if by < 0 => last,
            None => 0,
            Some(at) => at.checked_add_signed(by).filter(|next| *next <= last).unwrap_or(if by < 0 { last } else { 0 }),
        };
        if let Some(choice) = choices.get(next) {
            *field = Field::new(choice.clone());
        }
        true
    }

    /// Whether the field under the cursor holds what it was opened with. The key that confirms, pressed one Enter early, is no text
    /// for it: it would be a part of a path or a name that reads almost as before.
    #[must_use]
    pub fn is_prefilled(&self) -> bool {
        let held = self.fields.get(self.cursor).map(Field::text).unwrap_or_default();
        let given = self.offer.params.get(self.cursor).map(|param| param.value.as_str());
        !held.is_empty() && given == Some(held) && !self.written.contains(&self.cursor)
    }

    /// The parameters as typed.
    #[must_use]
    pub fn params(&self) -> BTreeMap<String, String> {
        let names = self.offer.params.iter().map(|param| param.name.clone());
        names.zip(self.fields.iter().map(|field| field.text().trim().to_owned())).collect()
    }

    /// Moves to another field.
    pub fn step(&mut self, by: isize) {
        self.hint = None;
        self.cursor = self.cursor.saturating_add_signed(by).min(self.fields.len().saturating_sub(1));
    }

    /// Whether the cursor is on the last field.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.cursor + 1 >= self.fields.len()
    }
}
