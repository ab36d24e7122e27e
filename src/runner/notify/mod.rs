//! Sends a notice to receivers: the act of a `notify` step that names receivers.
//!
//! ```text
//! engine: step.intent ─▶ shim ─▶ act: each receiver in turn ─▶ delivered · not delivered · delivery unknown
//! ```
//!
//! It runs under a shim like every act, so that the runner does not wait for it and its result outlives the runner. Each
//! attempt sends at most once to each receiver: if sending is interrupted after the text may have gone out, delivery is
//! unknown, and it is never sent again automatically. The act looks up the receivers in the current estate and reads their
//! secrets itself; no file of the run holds them.

mod mail;
mod message;
mod program;
mod web;

pub use message::Message;

use crate::config::estate::{Address, Estate, Receiver, Way};
use crate::config::paths::Surroundings;
use crate::config::secrets::Secret;
use crate::domain::error::system_text;
use crate::domain::{EffectClass, Error, Evidence};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::look::Around;
use crate::runner::adapters::{self as adapters, ActEnd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Its key; no procedure can use it.
pub const KEY: &str = "notify";

/// How long one receiver may take.
const EACH: Duration = Duration::from_secs(20);

/// How often sending checks whether it was stopped.
const GLANCE: Duration = Duration::from_millis(50);

/// How the fact of a receiver with a delivery begins; an older version wrote the second word.
const DELIVERED: [&str; 2] = ["delivered", "told"];

/// How the detail of a notice begins that was sent to no receiver; an older version wrote the second text.
const NOTHING_SENT: [&str; 2] = ["no receiver was notified", "nobody was told"];

/// One notice to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The names of the receivers.
    pub receivers: Vec<String>,
    /// The content.
    pub message: Message,
    /// How long all of it may take, in milliseconds.
    pub within_ms: u64,
    /// The place of the estate.
    pub around: Around,
}

impl Delivery {
    /// The notice as an action for a shim.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        let line = format!("notify {}", self.receivers.join(", "));
        let spec = serde_json::to_value(self).ok()?;
        Some(Action { adapter: KEY.to_owned(), least: EffectClass::Read, line, spec, listing: None })
    }
}

/// The result for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    /// It has the text; how it was sent.
    Delivered(String),
    /// It provably does not have the text; the reason.
    Not(String),
    /// It may have the text; the reason.
    Unclear(String),
}

impl Came {
    fn words(&self) -> String {
        match self {
            Self::Delivered(how) => format!("{} ({how})", DELIVERED[0]),
            Self::Not(why) => format!("not delivered: {}", system_text(why)),
            Self::Unclear(why) => format!("delivery unknown: {}", system_text(why)),
        }
    }
}

impl Came {
    /// Writes it to Midwatch's own log.
    fn log(&self, receiver: &str) {
        match self {
            Self::Delivered(how) => tracing::info!(receiver, how, "notice sent"),
            Self::Not(cause) => tracing::warn!(receiver, cause, "notice not sent"),
            Self::Unclear(cause) => tracing::warn!(receiver, cause, "notice may have been sent"),
        }
    }
}

/// Whether an attempt delivered to a receiver, by its facts.
#[must_use]
pub fn was_delivered(facts: &BTreeMap<String, String>, receiver: &str) -> bool {
    facts.get(receiver).is_some_and(|outcome| DELIVERED.iter().any(|word| outcome.starts_with(word)))
}

/// Whether the detail of a notice shows that it was sent to no receiver.
#[must_use]
pub fn was_nothing_sent(detail: &str) -> bool {
    NOTHING_SENT.iter().any(|text| detail.starts_with(text))
}

/// The limits of one delivery: a time, and a cancellation.
struct Bounds<'a> {
    until: Instant,
    cancel: &'a AtomicBool,
}

impl Bounds<'_> {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Waits until the time is up or it is cancelled; returns which.
    async fn over(&self) -> &'static str {
        loop {
            if self.is_cancelled() {
                return "it was stopped";
            }
            if self.left().is_zero() {
                return "it took too long";
            }
            tokio::time::sleep(GLANCE.min(self.left())).await;
        }
    }
}

/// The data that sending needs.
struct Sender<'a> {
    estate: &'a Estate,
    around: &'a Surroundings,
    message: &'a Message,
}

/// Sends the notice to the receivers, one after another.
pub fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let spec: Delivery = match serde_json::from_value(action.spec.clone()) {
        Ok(spec) => spec,
        Err(cause) => return ActEnd::new(Ending::Failed, format!("the notice cannot be read: {cause}")),
    };
    let (estate, around) = match spec.around.estate() {
        Ok(found) => found,
        Err(why) => return ActEnd::new(Ending::Failed, format!("{}: {why}", NOTHING_SENT[0])),
    };
    let message = spec.message.cleaned();
    let sender = Sender { estate: &estate, around: &around, message: &message };
    let until = Instant::now() + Duration::from_millis(spec.within_ms);
    let mut came = Vec::new();
    for name in &spec.receivers {
        let bounds = Bounds { until: until.min(Instant::now() + EACH), cancel };
        let one = sender.deliver(name, &bounds);
        one.log(name);
        let _ = writeln!(out, "{name}: {}", one.words());
        came.push((name.clone(), one));
    }
    end(&came)
}

/// The end of the act, with the result for each receiver.
fn end(came: &[(String, Came)]) -> ActEnd {
    let count = |of: fn(&Came) -> bool| came.iter().filter(|(_, one)| of(one)).count() as u64;
    let number = count(|one| matches!(one, Came::Delivered(_)));
    let unclear = count(|one| matches!(one, Came::Unclear(_)));
    let ending = match (number == came.len() as u64, unclear) {
        (true, _) => Ending::Ok,
        (false, 0) => Ending::Failed,
        (false, _) => Ending::Unknown,
    };
    let outcomes: Vec<String> = came.iter().map(|(name, one)| format!("{name}: {}", one.words())).collect();
    let facts = came.iter().map(|(name, one)| (name.clone(), one.words())).collect();
    let mut end = ActEnd::new(ending, outcomes.join(" · "));
    let counts = [("told", number), ("not_told", came.len() as u64 - number - unclear), ("unclear", unclear)];
    end.counts.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)));
    end.seen(Evidence { source: "what each receiver answered".to_owned(), seen: clock::now().wall, facts })
}

impl Sender<'_> {
    fn deliver(&self, name: &str, bounds: &Bounds<'_>) -> Came {
        if bounds.is_cancelled() || bounds.left().is_zero() {
            return Came::Not("the time for it was over".to_owned());
        }
        let Some(receiver) = self.estate.receivers.iter().find(|receiver| receiver.name == *name) else {
            return Came::Not("the estate has no such receiver".to_owned());
        };
        self.send_to(receiver, bounds).unwrap_or_else(Came::Not)
    }

    /// Sends to one receiver; the error is why nothing was sent.
    fn send_to(&self, receiver: &Receiver, bounds: &Bounds<'_>) -> Result<Came, String> {
        match &receiver.way {
            Way::Mail { to, smtp, from, password } => {
                let password = password.as_deref().map(|name| self.secret(name)).transpose()?;
                mail::send(&mail::Letter { to, smtp, from: from.as_deref(), password, message: self.message }, bounds)
            }
            Way::Webhook { url, token } => {
                let token = token.as_deref().map(|name| self.secret(name)).transpose()?;
                let body = self.message.json(&receiver.name)?;
                web::post(&self.url(url)?, token.as_ref(), body, &self.message.key(&receiver.name), bounds)
            }
            Way::Slack { url } => {
                let body = self.message.slack()?;
                web::post(&self.url(url)?, None, body, &self.message.key(&receiver.name), bounds)
            }
            Way::Program { argv } => program::run(argv, &receiver.name, self.message, bounds),
        }
    }

    fn secret(&self, name: &str) -> Result<Secret, String> {
        self.estate.secrets.read(name, self.around)
    }

    fn url(&self, address: &Address) -> Result<Secret, String> {
        match address {
            Address::Plain(url) => Ok(Secret::open(url.clone())),
            Address::Secret(name) => self.secret(name),
        }
    }
}

/// A runtime for one delivery.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let made = tokio::runtime::Builder::new_current_thread().enable_all().build();
    made.map_err(|cause| Error::machine("send a notice", cause).message)
}

/// The `PATH` of a program.
const PATH: &str = adapters::exec::PATH;

#[cfg(test)]
mod tests;
