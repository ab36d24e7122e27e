//! What must hold of every journal, checked from its bytes alone: nothing here is shared with the fold that the runner uses.
//!
//! ```text
//! chain    each line names the digest of the one before it; numbers go up by one; one run; the seal is the last
//! intent   one attempt is open at most; its outcome follows it, with the same step and attempt; attempts count up from 1
//! consent  an intent above read names a prompt that was answered yes for this step and this very set, and no other did
//! unknown  a step whose outcome nobody knows is not tried again before it is settled as not done
//! answers  a prompt is answered at most once, by what names it while it is open; what was typed is consent to its class
//! undo     what never ran is not taken back, and what was taken back is not taken back again
//! seal     nothing is open; the count of unknown steps is right
//! time     the clock of the machine never goes back, whatever the clock on the wall does
//! ```

use midwatch::domain::Digest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a journal; empty where all holds. A torn end is none of it.
pub fn violations(journal: &[u8]) -> Vec<String> {
    let mut check = Check::default();
    let whole = journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut prev = "0".repeat(64);
    let mut lines = journal[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    let mut number = 0;
    while let Some(line) = lines.next() {
        number += 1;
        let Some(record) = chained(line, &prev) else {
            check.wrong.push(format!("line {number} does not chain"));
            return check.wrong;
        };
        prev = record["h"].as_str().unwrap().to_owned();
        check.seq = number;
        check.chain(&record);
        check.record(record["kind"].as_str().unwrap_or_default(), &record["body"]);
        if record["kind"] == "run.sealed" && lines.peek().is_some() {
            check.say("the seal is not the last record");
        }
    }
    check.wrong
}

/// A line as JSON, if its digest is that of what it says.
fn chained(line: &[u8], prev: &str) -> Option<Value> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let at = line.windows(5).rposition(|part| part == b",\"h\":")?;
    let digest = Digest::of(&[prev.as_bytes(), &line[..at]].concat());
    (record["prev"] == prev && record["h"] == digest.as_str()).then_some(record)
}

#[derive(Default)]
struct Check {
    wrong: Vec<String>,
    seq: u64,
    run: Option<Value>,
    boot: u64,
    steps: Vec<Value>,
    /// Step, attempt, and whether it is an undo.
    open: Option<(u64, u64, bool)>,
    attempts: BTreeMap<(u64, bool), u64>,
    /// Prompt, step, what is asked.
    prompt: Option<(String, u64, Value)>,
    /// Step to prompt and set.
    consents: BTreeMap<u64, (String, String)>,
    answered: BTreeSet<String>,
    unknown: BTreeSet<u64>,
    ran: BTreeSet<u64>,
    undone: BTreeSet<u64>,
    /// Steps with an attempt that ended without an error, and that nobody may silently try again.
    done: BTreeSet<u64>,
}

impl Check {
    fn say(&mut self, what: impl std::fmt::Display) {
        self.wrong.push(format!("record {}: {what}", self.seq));
    }

    fn chain(&mut self, record: &Value) {
        if record["seq"] != self.seq {
            self.say(format_args!("it is numbered {}", record["seq"]));
        }
        let run = record["run"].clone();
        if *self.run.get_or_insert_with(|| run.clone()) != run {
            self.say("it belongs to another run");
        }
        let boot = record["boot"].as_u64().unwrap_or_default();
        if boot < self.boot {
            self.say("the clock of the machine went back");
        }
        self.boot = boot;
        if (self.seq == 1) != (record["kind"] == "run.created") {
            self.say("run.created is the first record, and no other");
        }
    }

    fn record(&mut self, kind: &str, body: &Value) {
        let step = body["step"].as_u64().unwrap_or(u64::MAX);
        let attempt = body["attempt"].as_u64().unwrap_or_default();
        match kind {
            "run.created" => self.steps = body["steps"].as_array().cloned().unwrap_or_default(),
            "run.resumed" => self.consents.clear(),
            "prompt.opened" => {
                if self.prompt.is_some() || self.open.is_some() {
                    self.say("a prompt opens beside a prompt or an attempt");
                }
                let id = body["prompt"].as_str().unwrap_or_default().to_owned();
                self.prompt = Some((id, step, body["ask"].clone()));
            }
            "prompt.closed" => {
                if self.prompt.take().is_none_or(|(id, ..)| body["prompt"] != id) {
                    self.say("a prompt closes that is not open");
                }
            }
            "answer.accepted" => self.accepted(step, body),
            "step.intent" => self.intent(step, attempt, body),
            "undo.intent" => {
                if !self.ran.contains(&step) || self.undone.contains(&step) {
                    self.say(format_args!("step {step} is taken back and never ran, or was taken back already"));
                }
                self.begin(step, attempt, true);
            }
            "step.outcome" | "undo.outcome" => {
                let undo = kind == "undo.outcome";
                if self.open.take() != Some((step, attempt, undo)) {
                    self.say(format_args!("an outcome of step {step}, attempt {attempt}, without its intent"));
                }
                match body["outcome"]["ending"].as_str() {
                    Some("unknown") => {
                        self.unknown.insert(step);
                    }
                    Some("not-started") => {}
                    Some("ok") if undo => {
                        self.undone.insert(step);
                    }
                    Some("ok") => {
                        self.done.insert(step);
                    }
                    Some("failed" | "timed-out" | "cancelled") => {}
                    other => self.say(format_args!("an outcome ends {other:?}")),
                }
            }
            "step.resolved" => {
                if !self.unknown.remove(&step) {
                    self.say(format_args!("step {step} is settled, and was not unknown"));
                }
            }
            "step.skipped" => {
                self.unknown.remove(&step);
            }
            "run.sealed" => {
                if self.open.is_some() || self.prompt.is_some() {
                    self.say("a seal while something is open");
                }
                if body["unknown"] != self.unknown.len() as u64 {
                    let told = format!("the seal counts {}, and {:?} are unknown", body["unknown"], self.unknown);
                    self.say(told);
                }
            }
            _ => {}
        }
    }

    fn accepted(&mut self, step: u64, body: &Value) {
        let id = body["prompt"].as_str().unwrap_or_default().to_owned();
        let Some((_, of, ask)) = self.prompt.take_if(|(open, ..)| *open == id) else {
            return self.say("an answer to a prompt that is not open");
        };
        if of != step || !self.answered.insert(id.clone()) {
            self.say("an answer for another step, or a second one");
        }
        if body["answer"]["answer"] != "confirm" {
            return;
        }
        let typed = body["answer"]["typed"].as_str().unwrap_or_default().replace(',', "");
        let phrase = ask["preview"]["phrase"].as_str().unwrap_or_default().replace(',', "");
        let wanted = if ask["effect"] == "destroy" { phrase } else { "change".to_owned() };
        if wanted.is_empty() || typed != wanted {
            self.say(format_args!("`{typed}` counts as consent, and `{wanted}` was asked for"));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.consents.insert(step, (id.clone(), text(&ask["set"])));
        for also in ask["also"].as_array().into_iter().flatten() {
            let later = also["step"].as_u64().unwrap_or(u64::MAX);
            self.consents.insert(later, (id.clone(), text(&also["set"])));
        }
    }

    fn intent(&mut self, step: u64, attempt: u64, body: &Value) {
        let head = usize::try_from(step).ok().and_then(|step| self.steps.get(step)).cloned();
        let Some(head) = head else { return self.say(format_args!("there is no step {step}")) };
        if body["effect"] != head["effect"] {
            self.say(format_args!("step {step} is of another class than it was created with"));
        }
        if self.unknown.contains(&step) {
            self.say(format_args!("step {step} is tried again, and its outcome is unknown"));
        }
        if body["effect"] != "read" {
            if self.done.contains(&step) && !self.undone.contains(&step) {
                self.say(format_args!("step {step} is done, and is tried again"));
            }
            let held = self.consents.remove(&step);
            let named = (body["permit"].as_str(), body["set"].as_str());
            if held.as_ref().is_none_or(|(prompt, set)| named != (Some(prompt), Some(set))) {
                self.say(format_args!("step {step} acts without consent to this very set: {held:?}, {named:?}"));
            }
        }
        self.ran.insert(step);
        self.begin(step, attempt, false);
    }

    fn begin(&mut self, step: u64, attempt: u64, undo: bool) {
        if self.open.is_some() || (!undo && self.prompt.is_some() && self.listed()) {
            self.say("an intent while an attempt or a prompt is open");
        }
        let last = self.attempts.entry((step, undo)).or_default();
        *last += 1;
        if *last != attempt {
            let last = *last;
            self.say(format_args!("attempt {attempt} of step {step} is the {last}th"));
        }
        self.open = Some((step, attempt, undo));
    }

    /// Whether steps are taken one after another; a checklist looks at one item while another asks.
    fn listed(&self) -> bool {
        self.steps.iter().all(|step| step["what"].is_null())
    }
}

/// Chains records again after a test changed them.
pub fn chain_again(records: &[Value]) -> Vec<u8> {
    let mut prev = "0".repeat(64);
    let mut out = Vec::new();
    for record in records {
        let mut record = record.clone();
        record["prev"] = prev.clone().into();
        let mut line = String::from("{");
        for key in ["v", "seq", "run", "kind", "wall", "boot", "actor", "body", "prev"] {
            line += &format!("{}\"{key}\":{}", if line.len() > 1 { "," } else { "" }, record[key]);
        }
        prev = Digest::of(format!("{prev}{line}").as_bytes()).to_string();
        out.extend_from_slice(format!("{line},\"h\":\"{prev}\"}}\n").as_bytes());
    }
    out
}
