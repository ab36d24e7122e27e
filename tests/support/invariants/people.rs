//! Who may answer what, as a journal has it.

use super::Check;
use serde_json::Value;

impl Check {
    /// The second of two answers: the first one names the set, and no one gives both. Break-glass needs a reason.
    pub(super) fn second(&mut self, first: &Value, step: u64, prompt: &str, ask: &Value, answer: &Value) {
        match answer["answer"].as_str() {
            Some("cancel") => {}
            Some("approve") if !is_same(first, &self.actor) => self.consented(step, prompt, ask, true),
            Some("break_glass") if answer["reason"].as_str().is_some_and(|why| !why.trim().is_empty()) => {
                self.consented(step, prompt, ask, true);
            }
            _ => {
                let by = self.actor.clone();
                self.violate(format_args!("{answer} of {by} is no second answer beside {first}"));
            }
        }
    }

    /// What a consent covers: its own step, and later ones while their sets stay; what takes two people, two people's alone.
    pub(super) fn consented(&mut self, step: u64, prompt: &str, ask: &Value, of_two: bool) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.consents.insert(step, (prompt.to_owned(), text(&ask["set"])));
        for also in ask["also"].as_array().into_iter().flatten() {
            let later = also["step"].as_u64().unwrap_or(u64::MAX);
            if self.head(later)["four_eyes"] == true && !of_two {
                self.violate(format_args!("one person's consent covers step {later}, which takes two"));
            }
            self.consents.insert(later, (prompt.to_owned(), text(&also["set"])));
        }
    }

    /// A decision was offered, and only a person other than the starter, with a reason, overrides a gate or the end of a window.
    pub(super) fn decided(&mut self, step: u64, ask: &Value, answer: &Value) {
        let choice = &answer["choice"];
        if !ask["choices"].as_array().is_some_and(|choices| choices.contains(choice)) {
            self.violate(format_args!("{choice} was not offered"));
        }
        if choice == "override" || choice == "emergency" {
            if is_same(&self.starter, &self.actor) || answer["reason"].as_str().is_none_or(str::is_empty) {
                self.violate("a hard gate, or an end, was led past by the starter, or without a reason");
            }
            if choice == "override" {
                self.failed.remove(&step);
            } else {
                self.cannot_wait.insert(step);
            }
        }
    }
}

/// Whether two actors are one person: by their account, or by a login that the kernel knows of both.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    let login = |actor: &Value| actor["login_uid"].as_u64();
    one["uid"] == other["uid"] || login(one).is_some_and(|known| login(other) == Some(known))
}
