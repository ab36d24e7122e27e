//! The parameters of a procedure being filled in.

use crate::app::field::Field;
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
