//! What answers a prompt: what the command line allows, else a person, else nobody.

use crate::cli::interactive::Person;
use crate::cli::plan;
use crate::domain::preview::is_consent;
use crate::domain::{EffectClass, Kind, Preview};
use crate::journal::fold::OpenPrompt;
use crate::journal::record::{Answer, Ask, Choice, consequences};
use std::fmt::Write;

/// What may be answered, and by whom.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Whether every change prompt is answered in advance.
    pub yes_change: bool,
    /// The phrases that destroy prompts are answered with in advance.
    pub phrases: Vec<String>,
    /// Whether a person can be asked.
    pub person: bool,
}

impl Answers {
    /// The answer that the command line gives in advance.
    #[must_use]
    pub fn in_advance(&self, prompt: &OpenPrompt) -> Option<Answer> {
        let Ask::Confirm { effect, preview, .. } = &prompt.ask else { return None };
        let typed = match effect {
            EffectClass::Destroy => self.phrases.iter().find(|phrase| is_consent(*effect, &preview.phrase, phrase))?,
            _ if self.yes_change => "change",
            _ => return None,
        };
        Some(Answer::Confirm { typed: typed.to_owned() })
    }

    /// The exit code when nobody can answer: a failed step is 1, a refusal 7, an unknown outcome 8, else 75.
    #[must_use]
    pub fn unanswered(prompt: &OpenPrompt) -> Kind {
        match &prompt.ask {
            // Its author wants it left as it is, until somebody comes.
            Ask::Decide { choices, .. } if choices.first() == Some(&Choice::Hold) => Kind::Waiting,
            Ask::Decide { text, .. } if text.starts_with("failed") => Kind::StepFailed,
            Ask::Decide { text, .. } if text.starts_with("refused") => Kind::Refused,
            Ask::Decide { text, .. } if text.starts_with("outcome unknown") => Kind::UnknownOutcome,
            _ => Kind::Waiting,
        }
    }
}

/// Asks the person at the terminal; `None` when they left without an answer.
#[must_use]
pub async fn ask_person(person: &mut Person, prompt: &OpenPrompt) -> Option<Answer> {
    match &prompt.ask {
        Ask::Confirm { effect, preview, also, .. } => {
            print!("{}", plan::clean(&shown(*effect, preview, also.iter().map(|covered| covered.headline.as_str()))));
            let phrase = if *effect == EffectClass::Destroy { preview.phrase.as_str() } else { "change" };
            let typed = person.ask(&format!("type  {phrase}  to confirm, or cancel: ")).await?;
            Some(if typed == "cancel" { Answer::Cancel } else { Answer::Confirm { typed } })
        }
        Ask::Sign { text, note_required } => {
            print!("{}", plan::clean(text));
            let word =
                if *note_required { "note (required), or cancel: " } else { "note, or Enter for none, or cancel: " };
            let note = person.ask(word).await?;
            Some(if note == "cancel" { Answer::Cancel } else { Answer::Sign { note } })
        }
        Ask::Decide { text, choices, means } => {
            let mut page = format!("{text}\n");
            for (choice, means) in consequences(choices, means) {
                let _ = writeln!(page, "  {:<10} {means}", choice.word());
            }
            print!("{}", plan::clean(&page));
            decide(person, choices).await
        }
    }
}

async fn decide(person: &mut Person, choices: &[Choice]) -> Option<Answer> {
    loop {
        let typed = person.ask("decide: ").await?;
        let Some(choice) = Choice::from_word(typed.trim()).filter(|choice| choices.contains(choice)) else {
            println!("type one of the words above");
            continue;
        };
        let reason = if choice.needs_reason() { person.ask("reason: ").await? } else { String::new() };
        return Some(Answer::Decide { choice, reason });
    }
}

fn shown<'a>(effect: EffectClass, preview: &Preview, also: impl Iterator<Item = &'a str>) -> String {
    let mut page = format!("  {}\n", effect.word().to_uppercase());
    plan::preview_lines(&mut page, preview);
    for headline in also {
        let _ = writeln!(page, "       also, unless it changes: {headline}");
    }
    page
}
