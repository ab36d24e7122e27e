//! Whether an answer is one that a prompt can take; asked by the console, by the runner and by the fold alike.

use crate::domain::preview::is_consent;
use crate::journal::record::{Answer, Ask};

/// Whether an answer is one to this question: of its kind, among its choices, with what it needs.
///
/// # Errors
/// Why it is not, in a sentence.
pub fn fits(ask: &Ask, answer: &Answer) -> Result<(), String> {
    match (ask, answer) {
        (_, Answer::Cancel) => Ok(()),
        (Ask::Confirm { effect, preview, .. }, Answer::Confirm { typed }) => {
            require(is_consent(*effect, &preview.phrase, typed), "the phrase is not the one the prompt asks for")
        }
        (Ask::Sign { note_required, .. }, Answer::Sign { note }) => {
            require(!*note_required || !note.trim().is_empty(), "this sign-off needs a note")
        }
        (Ask::Decide { choices, .. }, Answer::Decide { choice, reason }) => {
            if !choices.contains(choice) {
                return Err(format!("{} is not among the choices", choice.word()));
            }
            let needs_reason = choice.needs_reason();
            if needs_reason && reason.trim().is_empty() {
                return Err(format!("{} needs a reason", choice.word()));
            }
            Ok(())
        }
        _ => Err("the answer is of another kind than the prompt".to_owned()),
    }
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
