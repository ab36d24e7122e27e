//! Texts that were typed in a dialog and not used: they are there again when it opens again.

use crate::app::field::Field;
use crate::app::modal::{Emergency, Form, PromptDialog};
use crate::domain::RunId;
use std::collections::BTreeMap;

/// The values of a form as it opened, beside its procedure: the same form of another row is another one.
type FormId = (String, Vec<String>);

/// What was typed and not used. Never the words of a consent: those are typed each time.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Kept {
    /// Notes of sign-offs and reasons of decisions, by run and step.
    answers: BTreeMap<(RunId, u32), String>,
    /// Parameters.
    forms: BTreeMap<FormId, Vec<String>>,
    /// The reasons of emergencies, by procedure.
    reasons: BTreeMap<String, String>,
}

impl Kept {
    /// Keeps what a prompt's text field holds.
    pub fn keep_answer(&mut self, dialog: &PromptDialog) {
        let key = (dialog.run.clone(), dialog.prompt.step);
        match dialog.field.text() {
            _ if dialog.is_consent() => {}
            "" => drop(self.answers.remove(&key)),
            text => drop(self.answers.insert(key, text.to_owned())),
        }
    }

    /// Puts it into the field again.
    pub fn restore_answer(&self, dialog: &mut PromptDialog) {
        let text = self.answers.get(&(dialog.run.clone(), dialog.prompt.step));
        if let Some(text) = text.filter(|_| !dialog.is_consent()) {
            dialog.field = Field::new(text.clone());
        }
    }

    /// Forgets it: the prompt was answered.
    pub fn forget_answer(&mut self, run: &RunId, step: u32) {
        self.answers.remove(&(run.clone(), step));
    }

    /// Keeps what a form's fields hold.
    pub fn keep_form(&mut self, form: &Form) {
        let fields = form.fields.iter().map(|field| field.text().to_owned()).collect();
        self.forms.insert(form_id(form), fields);
    }

    /// Puts it into the fields again.
    pub fn restore_form(&self, form: &mut Form) {
        let texts = self.forms.get(&form_id(form)).map(Vec::as_slice).unwrap_or_default();
        for (field, text) in form.fields.iter_mut().zip(texts) {
            *field = Field::new(text.clone());
        }
    }

    /// Keeps the reason of an emergency.
    pub fn keep_reason(&mut self, emergency: &Emergency) {
        self.reasons.insert(emergency.shown.plan.id.clone(), emergency.field.text().to_owned());
    }

    /// The reason that was begun for an emergency.
    #[must_use]
    pub fn reason(&self, procedure: &str) -> Field {
        self.reasons.get(procedure).cloned().map(Field::new).unwrap_or_default()
    }

    /// Forgets what was typed for the start of a procedure: it was started.
    pub fn forget_start(&mut self, procedure: &str) {
        self.forms.retain(|(of, _), _| of != procedure);
        self.reasons.remove(procedure);
    }
}

fn form_id(form: &Form) -> FormId {
    (form.offer.procedure.clone(), form.offer.params.iter().map(|param| param.value.clone()).collect())
}
