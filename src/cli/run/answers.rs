//! What answers a prompt: what the command line allows, else a person, else nobody.

use crate::cli::interactive::Person;
use crate::cli::out;
use crate::cli::plan;
use crate::domain::preview::is_consent;
use crate::domain::{EffectClass, Kind, Preview};
use crate::journal::answer::consent_words;
use crate::journal::approval::break_glass_reason;
use crate::journal::fold::OpenPrompt;
use crate::journal::record::{About, Answer, Ask, Choice, Covered, consequences};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What an empty line does, in the place of a default.
pub(super) const NOTHING: &str = "nothing";

/// What may be answered, and by whom.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Whether every change prompt is answered in advance.
    pub yes_change: bool,
    /// The phrases that destroy prompts are answered with in advance.
    pub phrases: Vec<String>,
    /// Whether a person can be asked.
    pub person: bool,
    /// The steps that were answered in advance.
    spent: BTreeSet<u32>,
}

impl Answers {
    /// What the command line allows, and whether a person can be asked beside it.
    #[must_use]
    pub fn new(yes_change: bool, phrases: Vec<String>, person: bool) -> Self {
        Self { yes_change, phrases, person, spent: BTreeSet::new() }
    }

    /// The answer that the command line gives in advance. It counts once for a step: where a step asks again, what it would do
    /// has changed, or it failed, and a person must look.
    #[must_use]
    pub fn in_advance(&mut self, prompt: &OpenPrompt) -> Option<Answer> {
        let Ask::Confirm { effect, preview, also, .. } = &prompt.ask else { return None };
        if prompt.waits_for_second() || self.spent.contains(&prompt.step) {
            return None;
        }
        let typed = match effect {
            EffectClass::Destroy => self.phrases.iter().find(|phrase| is_consent(*effect, &preview.phrase, phrase))?,
            _ if self.yes_change => "change",
            _ => return None,
        };
        self.spent.extend(also.iter().map(|covered| covered.step).chain([prompt.step]));
        Some(Answer::Confirm { typed: typed.to_owned() })
    }

    /// Whether a step asks again that was answered in advance.
    #[must_use]
    pub fn is_spent(&self, prompt: &OpenPrompt) -> bool {
        matches!(prompt.ask, Ask::Confirm { .. }) && !prompt.waits_for_second() && self.spent.contains(&prompt.step)
    }

    /// The exit code when nobody can answer: a failed step is 1, a refusal 7, an unknown outcome 8, else 75.
    #[must_use]
    pub fn unanswered(prompt: &OpenPrompt) -> Kind {
        match &prompt.ask {
            // Its author wants it left as it is, until somebody comes.
            Ask::Decide { choices, .. } if choices.first() == Some(&Choice::Hold) => Kind::Waiting,
            Ask::Decide { about: About::Failed, .. } => Kind::StepFailed,
            Ask::Decide { about: About::Refused, .. } => Kind::Refused,
            Ask::Decide { about: About::Unknown, .. } => Kind::UnknownOutcome,
            _ => Kind::Waiting,
        }
    }
}

/// Asks the person at the terminal, with the run's parameters; the results say whether they can be the second person here, and whether
/// they can override a gate. `None` when they left without an answer.
#[must_use]
pub async fn ask_person(
    person: &mut Person,
    prompt: &OpenPrompt,
    params: Option<&str>,
    (may_approve, may_override): (&Result<(), String>, &Result<(), String>),
) -> Option<Answer> {
    match &prompt.ask {
        _ if prompt.waits_for_second() => second(person, prompt, params, may_approve).await,
        Ask::Approve { .. } => None,
        Ask::Confirm { effect, preview, also, .. } => {
            out::text(format_args!("{}", plan::clean(&shown(*effect, preview, params, also))));
            if prompt.four_eyes {
                out::line(format_args!("  four eyes: after this, another person must approve it"));
            }
            let phrase = if *effect == EffectClass::Destroy { preview.phrase.as_str() } else { "change" };
            let all = if also.is_empty() { String::new() } else { format!(" all {}", also.len() + 1) };
            loop {
                let typed = person.ask(&format!("type  {phrase}  to confirm{all}, or cancel [{NOTHING}]: ")).await?;
                match typed.as_str() {
                    "cancel" => return Some(Answer::Cancel),
                    "" => out::line(format_args!("nothing was confirmed")),
                    _ => return Some(Answer::Confirm { typed }),
                }
            }
        }
        Ask::Sign { text, note_required } => {
            out::text(format_args!("{}", plan::clean(text)));
            sign(person, *note_required).await
        }
        Ask::Decide { text, choices, means, .. } => {
            let mut page = format!("{text}\n");
            for (choice, means) in consequences(choices, means) {
                let _ = writeln!(page, "  {:<10} {means}", choice.word());
            }
            out::text(format_args!("{}", plan::clean(&page)));
            decide(person, choices, may_override).await
        }
    }
}

/// Asks for the second of two answers: an approval, or the reason that stands for it.
async fn second(
    person: &mut Person,
    prompt: &OpenPrompt,
    params: Option<&str>,
    may_approve: &Result<(), String>,
) -> Option<Answer> {
    let mut page = String::new();
    match &prompt.ask {
        Ask::Confirm { effect, preview, also, .. } => {
            page.push_str(&shown(*effect, preview, params, also));
        }
        Ask::Approve { text, hash, .. } => {
            let _ = writeln!(page, "  approve: {text}\n  plan sha256 {hash}");
            let _ = params.map(|params| writeln!(page, "  params: {params}"));
        }
        Ask::Sign { .. } | Ask::Decide { .. } => {}
    }
    if let Some((by, typed)) = &prompt.confirmed {
        let _ = writeln!(page, "  {} (uid {}) confirmed it {}", by.name, by.uid, consent_words(typed, by));
    }
    if let Some(hash) = prompt.ask.hash().filter(|_| prompt.confirmed.is_some()) {
        let _ = writeln!(page, "  set sha256 {hash}");
    }
    let question = match may_approve {
        Ok(()) => "type  approve , or break glass: REASON , or cancel [nothing]: ",
        Err(why) => {
            let _ = writeln!(page, "  it waits for a second person: {why}");
            "wait, or type  break glass: REASON , or cancel [nothing]: "
        }
    };
    out::text(format_args!("{}", plan::clean(&page)));
    loop {
        let typed = person.ask(question).await?;
        match (typed.trim(), break_glass_reason(&typed)) {
            ("cancel", _) => return Some(Answer::Cancel),
            ("approve", _) => return Some(Answer::Approve { note: String::new() }),
            (_, Some(reason)) => return Some(Answer::BreakGlass { reason: reason.to_owned() }),
            _ => out::line(format_args!("nothing happened")),
        }
    }
}

/// Asks for a sign-off: the word `done`, with a note behind it where one is wanted. Any other line signs nothing: it was meant
/// for something else.
async fn sign(person: &mut Person, note_required: bool) -> Option<Answer> {
    let question = match note_required {
        true => "type  done: NOTE  to sign off, or cancel [nothing]: ",
        false => "type  done  or  done: NOTE  to sign off, or cancel [nothing]: ",
    };
    loop {
        let typed = person.ask(question).await?;
        match typed.trim() {
            "cancel" => return Some(Answer::Cancel),
            line => match note_of(line).filter(|note| !(note_required && note.is_empty())) {
                Some(note) => return Some(Answer::Sign { note: note.to_owned() }),
                None => out::line(format_args!("nothing was signed off")),
            },
        }
    }
}

/// The note of a line that signs off: `done` or `done: NOTE`.
pub(super) fn note_of(line: &str) -> Option<&str> {
    match line.strip_prefix("done")? {
        "" => Some(""),
        rest => rest.trim_start().strip_prefix(':').map(str::trim),
    }
}

/// Asks for one of the choices, with its reason behind a colon where it needs one; a line that names none decides nothing.
async fn decide(person: &mut Person, choices: &[Choice], may_override: &Result<(), String>) -> Option<Answer> {
    let words: Vec<String> = choices.iter().map(|choice| choice_words(*choice)).collect();
    let question = format!("type  {}  [{NOTHING}]: ", words.join(" | "));
    loop {
        let typed = person.ask(&question).await?;
        let (word, reason) = with_reason(&typed);
        let Some(choice) = Choice::from_word(word).filter(|choice| choices.contains(choice)) else {
            out::line(format_args!("nothing was decided"));
            continue;
        };
        if let (Choice::Override | Choice::Emergency, Err(why)) = (choice, may_override) {
            out::text(format_args!("{}", plan::clean(why)));
            continue;
        }
        if choice.needs_reason() && reason.is_empty() {
            out::line(format_args!("nothing was decided: type  {}", choice_words(choice)));
            continue;
        }
        return Some(Answer::Decide { choice, reason: reason.to_owned() });
    }
}

/// A choice as it is typed: `hold`, `skip: REASON`.
fn choice_words(choice: Choice) -> String {
    if choice.needs_reason() { format!("{}: REASON", choice.word()) } else { choice.word().to_owned() }
}

/// The word of a line, and what stands behind its colon.
pub(super) fn with_reason(line: &str) -> (&str, &str) {
    line.split_once(':').map_or((line.trim(), ""), |(word, reason)| (word.trim(), reason.trim()))
}

fn shown(effect: EffectClass, preview: &Preview, params: Option<&str>, also: &[Covered]) -> String {
    let count = if also.is_empty() { String::new() } else { format!(" {} steps", also.len() + 1) };
    let mut page = format!("  {}{count}\n", effect.word().to_uppercase());
    plan::preview_lines(&mut page, preview);
    let _ = params.map(|params| writeln!(page, "       params: {params}"));
    for covered in also {
        let _ = writeln!(page, "  and step {}", covered.step + 1);
        match &covered.preview {
            Some(preview) => plan::preview_lines(&mut page, preview),
            None => {
                let _ = writeln!(page, "       now: {}", covered.headline);
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, PromptId, Wall};

    #[test]
    fn the_kind_of_a_question_decides_the_exit_code_and_its_words_do_not() {
        let at = Wall::from_unix(0, 0);
        let prompt = |about: About, text: &str, first: Choice| OpenPrompt {
            id: PromptId::new(1),
            step: 0,
            ask: Ask::Decide { about, text: text.to_owned(), choices: vec![first], means: Vec::new(), set: None },
            seq: 1,
            opened: at,
            read: at,
            expires: at,
            four_eyes: false,
            confirmed: None::<(Actor, String)>,
            of_two: false,
        };
        for (about, kind) in [
            (About::Failed, Kind::StepFailed),
            (About::Refused, Kind::Refused),
            (About::Unknown, Kind::UnknownOutcome),
            (About::Other, Kind::Waiting),
        ] {
            for text in ["failed: x", "refused: x", "outcome unknown: x", "no preview: x"] {
                assert_eq!(Answers::unanswered(&prompt(about, text, Choice::Retry)), kind, "{text}");
                assert_eq!(Answers::unanswered(&prompt(about, text, Choice::Hold)), Kind::Waiting);
            }
        }
    }
}
