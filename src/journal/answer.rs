//! Whether an answer is one that a prompt can take; asked by the console, by the runner and by the fold alike.

use crate::domain::Actor;
use crate::domain::preview::is_consent;
use crate::journal::approval::is_another;
use crate::journal::fold::OpenPrompt;
use crate::journal::record::{Answer, Ask, Choice};

/// Whether an answer is one to this question: of its kind, among its choices, with what it needs.
///
/// # Errors
/// Why it is not, in a sentence.
pub fn fits(ask: &Ask, answer: &Answer) -> Result<(), String> {
    match (ask, answer) {
        (_, Answer::Cancel) | (Ask::Approve { .. }, Answer::Approve { .. }) => Ok(()),
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
            if choice.needs_reason() && reason.trim().is_empty() {
                return Err(format!("{} needs a reason", choice.word()));
            }
            Ok(())
        }
        (Ask::Approve { .. }, Answer::BreakGlass { reason }) => require_break_glass_reason(reason),
        _ => Err("the answer is of another kind than the prompt".to_owned()),
    }
}

/// What a person did to confirm, as a sentence goes on: `by key press`, `by typing delete 3 files`. In a console one key confirms a
/// change; plain prompts and options of the command line take its word.
#[must_use]
pub fn consent_words(typed: &str, by: &Actor) -> String {
    match (typed, by.through.as_str()) {
        ("change", "console") => "by key press".to_owned(),
        ("change", _) => "with the word change".to_owned(),
        (phrase, "console") => format!("by typing {phrase}"),
        (phrase, _) => format!("with the phrase {phrase}"),
    }
}

/// Whether an answer is one that a prompt can take now: of two answers, first the confirmation, then the approval.
///
/// # Errors
/// Why it is not, in a sentence.
pub fn fits_now(open: &OpenPrompt, answer: &Answer) -> Result<(), String> {
    let Some((first, _)) = &open.confirmed else {
        return match answer {
            Answer::Approve { .. } | Answer::BreakGlass { .. } if open.four_eyes => {
                Err("it is not confirmed yet: a second person can only approve what the first one confirmed".to_owned())
            }
            _ => fits(&open.ask, answer),
        };
    };
    match answer {
        Answer::Cancel | Answer::Approve { .. } => Ok(()),
        Answer::BreakGlass { reason } => require_break_glass_reason(reason),
        _ => Err(format!("{} confirmed it already; it waits for a second person", first.name)),
    }
}

/// Whether this person may give this answer: no person approves their own step, and no starter overrides
/// a gate or the end of its window.
///
/// # Errors
/// Why not, in a sentence.
pub fn may_give(open: &OpenPrompt, starter: &Actor, by: &Actor, answer: &Answer) -> Result<(), String> {
    match answer {
        Answer::Approve { .. } => {
            is_another(by, starter, "started the run")?;
            match &open.confirmed {
                Some((first, _)) => is_another(by, first, "confirmed it"),
                None => Ok(()),
            }
        }
        Answer::Decide { choice: Choice::Override | Choice::Emergency, .. } => {
            is_another(by, starter, "started the run")
        }
        Answer::Decide { choice: Choice::RunChanged, .. } if open.of_two => is_another(by, starter, "started the run"),
        _ => Ok(()),
    }
}

fn require_break_glass_reason(reason: &str) -> Result<(), String> {
    require(!reason.trim().is_empty(), "break-glass needs a reason")
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::consent_words;
    use crate::journal::samples::actor;

    #[test]
    fn a_confirmation_is_shown_as_it_was_given() {
        for (typed, through, words) in [
            ("change", "console", "by key press"),
            ("change", "run", "with the word change"),
            ("delete 3 files", "console", "by typing delete 3 files"),
            ("delete 3 files", "run", "with the phrase delete 3 files"),
        ] {
            assert_eq!(consent_words(typed, &actor(through)), words);
        }
    }
}
