//! A prompt of the runner, as it is being answered.

use crate::app::field::Field;
use crate::domain::{Digest, EffectClass, PromptId, RunId};
use crate::journal::fold::{OpenPrompt, PromptEnd};
use crate::journal::record::{Answer, Ask, Choice};

/// A prompt and what was typed and chosen so far. A consent opens with nothing chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptDialog {
    /// The run.
    pub run: RunId,
    /// The prompt as the journal tells it.
    pub prompt: OpenPrompt,
    /// The phrase, the sign-off's note or the decision's reason.
    pub field: Field,
    /// Whether letters go into the field.
    pub in_field: bool,
    /// The choice under the cursor of a decision.
    pub choice: Option<usize>,
    /// Whether a first key asked to decline.
    pub declining: bool,
    /// What the operator should know after a key that did nothing.
    pub hint: Option<String>,
    /// Whether an answer was sent and nothing came back yet.
    pub sent: bool,
    /// How the prompt ended, when it closed under the operator's eyes.
    pub ended: Option<PromptEnd>,
    /// Whether no runner is there to take an answer.
    pub orphaned: bool,
    /// The first row of its lines on the screen.
    pub scroll: u16,
    /// The page in sight of a prompt that asks for several steps, from 0.
    pub page: usize,
    /// Whether another prompt of its run was answered here before it: a second press of the key for that one must not answer this one.
    pub follows: bool,
}

/// Where the cursor of a decision rests: on its first choice, which is the safe one; nowhere where that one would say how
/// something ended that nobody knows, or would end what still runs.
fn resting(ask: &Ask) -> Option<usize> {
    let Ask::Decide { choices, .. } = ask else { return None };
    choices.first().filter(|first| !first.needs_reason() && **first != Choice::End).map(|_| 0)
}

impl PromptDialog {
    /// The dialog for an open prompt: a destroy in its empty phrase field, a required note in its field, all else outside.
    #[must_use]
    pub fn new(run: RunId, prompt: OpenPrompt, may_answer: bool, orphaned: bool) -> Self {
        let in_field = may_answer
            && match &prompt.ask {
                Ask::Confirm { effect, .. } => *effect == EffectClass::Destroy && !prompt.waits_for_second(),
                Ask::Sign { note_required, .. } => *note_required,
                Ask::Decide { .. } | Ask::Approve { .. } => false,
            };
        let choice = resting(&prompt.ask).filter(|_| may_answer);
        Self {
            run,
            prompt,
            field: Field::default(),
            in_field,
            choice,
            declining: false,
            hint: None,
            sent: false,
            ended: None,
            orphaned,
            scroll: 0,
            page: 0,
            follows: false,
        }
    }

    /// The prompt's id.
    #[must_use]
    pub fn id(&self) -> &PromptId {
        &self.prompt.id
    }

    /// Whether it has a text field at all: a change is confirmed by a key alone.
    #[must_use]
    pub fn has_field(&self) -> bool {
        self.prompt.waits_for_second()
            || !matches!(&self.prompt.ask, Ask::Confirm { effect, .. } if *effect != EffectClass::Destroy)
    }

    /// Whether it is the consent to an act, which nothing may be pasted into.
    #[must_use]
    pub fn is_consent(&self) -> bool {
        matches!(self.prompt.ask, Ask::Confirm { .. } | Ask::Approve { .. })
    }

    /// Takes the prompt as it stands now; `true` where it asks for another answer than before, and must be looked at again.
    pub fn renew(&mut self, open: &OpenPrompt) -> bool {
        let moved_on = open.waits_for_second() != self.prompt.waits_for_second();
        self.prompt = open.clone();
        if moved_on {
            (self.field, self.in_field, self.declining) = (Field::default(), false, false);
            (self.sent, self.hint) = (false, None);
        }
        moved_on
    }

    /// The frozen set behind it.
    #[must_use]
    pub fn set(&self) -> Option<&Digest> {
        match &self.prompt.ask {
            Ask::Confirm { set, .. } => Some(set),
            _ => None,
        }
    }

    /// The choice under the cursor of a decision.
    #[must_use]
    pub fn chosen(&self) -> Option<Choice> {
        match &self.prompt.ask {
            Ask::Decide { choices, .. } => choices.get(self.choice?).copied(),
            _ => None,
        }
    }

    /// Moves among the choices of a decision.
    pub fn choose(&mut self, by: isize) {
        if let Ask::Decide { choices, .. } = &self.prompt.ask {
            let last = choices.len().saturating_sub(1);
            self.choice = Some(match self.choice {
                Some(at) => at.saturating_add_signed(by).min(last),
                None if by < 0 => last,
                None => 0,
            });
            self.hint = None;
        }
    }

    /// What the key that confirms would answer, or what is still missing.
    ///
    /// # Errors
    /// The hint to show.
    pub fn confirmed(&self) -> Result<Answer, &'static str> {
        let typed = || self.field.text().trim().to_owned();
        match &self.prompt.ask {
            _ if self.prompt.waits_for_second() => Ok(Answer::Approve { note: String::new() }),
            Ask::Approve { .. } => Ok(Answer::Approve { note: String::new() }),
            Ask::Confirm { effect: EffectClass::Destroy, .. } => Err("a destroy is confirmed by its phrase alone"),
            Ask::Confirm { .. } => Ok(Answer::Confirm { typed: "change".to_owned() }),
            Ask::Sign { note_required: true, .. } if typed().is_empty() => Err("this sign-off needs a note"),
            Ask::Sign { .. } => Ok(Answer::Sign { note: typed() }),
            Ask::Decide { .. } => match self.chosen() {
                None => Err("nothing is chosen yet"),
                Some(choice) if choice.needs_reason() && typed().is_empty() => Err("this choice needs a reason"),
                Some(choice) => Ok(Answer::Decide { choice, reason: typed() }),
            },
        }
    }
}
