//! The content of a notice: the run, its state, and the author's text.

use crate::domain::{Clean, Wall};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The estate's name.
    pub estate: String,
    /// Its environment.
    pub environment: String,
    /// The procedure's id.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// The run's id.
    pub run: String,
    /// The machine that it runs on.
    pub host: String,
    /// The step's number, from 1.
    pub step: u32,
    /// How many steps there are.
    pub steps: usize,
    /// The step's title.
    pub step_title: String,
    /// The outcomes of the steps so far: `12 done, 1 skipped`.
    pub outcome: String,
    /// When it was written.
    pub at: Wall,
    /// The author's own words; may be empty.
    pub text: String,
}

impl Message {
    /// The notice without control sequences, and without characters that change the reading order or are invisible: a
    /// terminal, a mail reader or a chat may obey them. The author's text keeps its lines.
    #[must_use]
    pub fn cleaned(&self) -> Self {
        let line = |text: &str| Clean::text(text).plain();
        let lines: Vec<String> = Clean::lines(&self.text).iter().map(Clean::plain).collect();
        Self {
            estate: line(&self.estate),
            environment: line(&self.environment),
            procedure: line(&self.procedure),
            title: line(&self.title),
            run: line(&self.run),
            host: line(&self.host),
            step: self.step,
            steps: self.steps,
            step_title: line(&self.step_title),
            outcome: line(&self.outcome),
            at: self.at,
            text: lines.join("\n"),
        }
    }

    /// The subject, in one line, with any titles.
    #[must_use]
    pub fn subject(&self) -> String {
        let subject = format!("[{}] {}: {}", self.environment.to_uppercase(), self.estate, self.title);
        subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
    }

    /// The whole text.
    #[must_use]
    pub fn body(&self) -> String {
        let mut body = String::new();
        if !self.text.is_empty() {
            let _ = writeln!(body, "{}\n", self.text);
        }
        let _ = writeln!(body, "{} ({})", self.title, self.procedure);
        let _ = writeln!(body, "estate {} · {}", self.estate, self.environment.to_uppercase());
        let _ = writeln!(body, "step {} of {}: {}", self.step, self.steps, self.step_title);
        let _ = writeln!(body, "so far: {}", self.outcome);
        let _ = writeln!(body, "run {} on {} · {} UTC", self.run, self.host, self.at.minute());
        body
    }

    /// Identifies this notice to one receiver; the same in every retry.
    #[must_use]
    pub fn key(&self, receiver: &str) -> String {
        format!("{}/{}/{receiver}", self.run, self.step)
    }

    /// The body of a webhook.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn json(&self, receiver: &str) -> Result<Vec<u8>, String> {
        let failed = |cause: serde_json::Error| format!("the notice cannot be written: {cause}");
        let mut value = serde_json::to_value(self).map_err(failed)?;
        if let Some(value) = value.as_object_mut() {
            value.insert("midwatch".to_owned(), 1.into());
            value.insert("receiver".to_owned(), receiver.into());
            value.insert("body".to_owned(), self.body().into());
        }
        serde_json::to_vec(&value).map_err(failed)
    }

    /// The body of a webhook of Slack and those like it. Source: api.slack.com, "Formatting text for app surfaces": `&`, `<` and `>`
    /// are escaped.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn slack(&self) -> Result<Vec<u8>, String> {
        let text = format!("*{}*\n{}", self.subject(), self.body());
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        serde_json::to_vec(&serde_json::json!({ "text": text }))
            .map_err(|cause| format!("the notice cannot be written: {cause}"))
    }
}
