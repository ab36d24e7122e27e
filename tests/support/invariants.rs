//! What must hold of every journal, checked from its bytes alone: nothing here is shared with the fold that the runner uses.
//!
//! ```text
//! chain    each line names the digest of the previous one; numbers increase by one; one run; the seal is the last record
//! intent   at most one attempt is open; its outcome follows it, with the same step and attempt; attempts count from 1; no
//!          attempt begins without the locks of the run, of a skipped step, or after an abort except of a cleanup step
//! consent  an intent above read names a prompt that was confirmed for this step and this set, and no other intent names one;
//!          a consent that lapsed was given before, and is no longer valid
//! unknown  a step with an unknown outcome is not tried again before it is settled as not done
//! answers  a prompt is answered at most once, with its own id, while it is open; the typed text is the consent of its class
//! people   a decision was offered; an override and an approval come from a person other than the first one
//! undo     only a step that ran is undone, and only once; outside of an `undo_of`, undos begin with the rollback, which lists
//!          the pending undos, last first
//! seal     nothing is open; the count of unknown steps is right; with a failed step that was not skipped, the run is not ok
//! time     the boot clock never goes backwards, whatever happens to the wall clock, and each jump of the wall clock is recorded
//! window   a change of a target begins while a window is open, and within the budgets
//! ```

mod back;
mod people;
mod time;

use midwatch::domain::Digest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use time::millis;

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
            check.violate("the seal is not the last record");
        }
    }
    check.wrong
}

/// A line as JSON, if its digest fits its content.
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
    /// Step, attempt, and whether it is an undo; an `undo_of` has the undos that it runs within it.
    open: Vec<(u64, u64, bool)>,
    attempts: BTreeMap<(u64, bool), u64>,
    /// Prompt, step, what is asked.
    prompt: Option<(String, u64, Value)>,
    /// Step to prompt and set.
    consents: BTreeMap<u64, (String, String)>,
    answered: BTreeSet<String>,
    unknown: BTreeSet<u64>,
    ran: BTreeSet<u64>,
    /// What was executed by an attempt that is over.
    executed: BTreeSet<u64>,
    undone: BTreeSet<u64>,
    /// Steps with an attempt that ended without an error, and that may not be tried again silently.
    done: BTreeSet<u64>,
    failed: BTreeSet<u64>,
    passed: BTreeSet<u64>,
    /// Steps that a second person started as an emergency.
    cannot_wait: BTreeSet<u64>,
    /// Who wrote the record at hand, and who wrote the first one.
    actor: Value,
    starter: Value,
    /// Who confirmed a prompt that waits for a second person.
    first: Option<Value>,
    terms: Value,
    /// The names of the locks that the run began with, and of those that its runner holds.
    locks: BTreeSet<String>,
    held: BTreeSet<String>,
    resumed: bool,
    standing: Value,
    stopped: bool,
    went_back: bool,
    /// The clock on the wall in milliseconds when the run began, and both clocks at the record before.
    began: i64,
    wall: i64,
    clocks: Option<(i64, i64)>,
}

impl Check {
    fn violate(&mut self, what: impl std::fmt::Display) {
        self.wrong.push(format!("record {}: {what}", self.seq));
    }

    fn chain(&mut self, record: &Value) {
        if record["seq"] != self.seq {
            self.violate(format_args!("it is numbered {}", record["seq"]));
        }
        let run = record["run"].clone();
        if *self.run.get_or_insert_with(|| run.clone()) != run {
            self.violate("it belongs to another run");
        }
        let boot = record["boot"].as_u64().unwrap_or_default();
        if boot < self.boot {
            self.violate("the clock of the machine went back");
        }
        self.boot = boot;
        if (self.seq == 1) != (record["kind"] == "run.created") {
            self.violate("run.created is the first record, and no other");
        }
        self.actor = record["actor"].clone();
        self.wall = millis(&record["wall"]);
        self.clocks(record, i64::try_from(boot / 1_000_000).unwrap_or(i64::MAX));
    }

    fn record(&mut self, kind: &str, body: &Value) {
        let step = body["step"].as_u64().unwrap_or(u64::MAX);
        let attempt = body["attempt"].as_u64().unwrap_or_default();
        match kind {
            "prompt.opened" => {
                if self.prompt.is_some() || !self.fits() {
                    self.violate("a prompt opens beside a prompt or an attempt");
                }
                let id = body["prompt"].as_str().unwrap_or_default().to_owned();
                self.prompt = Some((id, step, body["ask"].clone()));
                self.first = None;
            }
            "prompt.closed" => {
                let open = self.prompt.take();
                if open.is_none_or(|(id, ..)| body["prompt"] != id) {
                    self.violate("a prompt closes that is not open");
                }
            }
            "answer.accepted" => self.accepted(step, body),
            "consent.lapsed" => self.lapsed(step, body),
            "step.intent" => self.intent(step, attempt, body),
            "undo.intent" => {
                if !self.ran.contains(&step) || self.undone.contains(&step) {
                    self.violate(format_args!("step {step} is undone and never ran, or was undone already"));
                }
                let named = |(by, ..): &(u64, u64, bool)| {
                    self.head(*by)["undo_of"].as_array().is_some_and(|all| all.contains(&step.into()))
                };
                if !self.went_back && !self.open.iter().any(named) {
                    self.violate(format_args!("step {step} is undone without a rollback or a step that names it"));
                }
                self.is_locked();
                self.begin(step, attempt, true);
            }
            "step.outcome" | "undo.outcome" => {
                let undo = kind == "undo.outcome";
                if self.open.pop() != Some((step, attempt, undo)) {
                    self.violate(format_args!("an outcome of step {step}, attempt {attempt}, without its intent"));
                }
                self.ended(step, undo, &body["outcome"]);
            }
            "step.resolved" => {
                if !self.unknown.remove(&step) {
                    self.violate(format_args!("step {step} is settled, and was not unknown"));
                }
                if body["choice"] == "done" {
                    self.failed.remove(&step);
                }
            }
            "step.skipped" => {
                self.unknown.remove(&step);
                self.failed.remove(&step);
                self.passed.insert(step);
            }
            "step.reopened" => {
                self.passed.remove(&step);
            }
            _ => self.life(kind, body),
        }
    }

    /// How a run begins, is taken over, and ends.
    fn life(&mut self, kind: &str, body: &Value) {
        match kind {
            "run.created" => {
                self.steps = body["steps"].as_array().cloned().unwrap_or_default();
                self.terms = body["terms"].clone();
                (self.starter, self.began) = (self.actor.clone(), self.wall);
            }
            "run.resumed" => {
                self.consents.clear();
                self.held.clear();
                self.resumed = true;
            }
            "lock.taken" => {
                let name = body["name"].as_str().unwrap_or_default().to_owned();
                if !self.resumed {
                    self.locks.insert(name.clone());
                }
                self.held.insert(name);
            }
            "window.judged" => self.standing = body["standing"].clone(),
            "abort.requested" => self.stopped = true,
            "rollback.began" => self.check_rollback(body),
            "run.sealed" => {
                if !self.open.is_empty() || self.prompt.is_some() {
                    self.violate("a seal while something is open");
                }
                if body["unknown"] != self.unknown.len() as u64 {
                    let text = format!("the seal counts {}, and {:?} are unknown", body["unknown"], self.unknown);
                    self.violate(text);
                }
                if body["status"] == "ok" && !self.failed.is_empty() {
                    let failed = self.failed.clone();
                    self.violate(format_args!("it is called well, and {failed:?} failed"));
                }
            }
            _ => {}
        }
    }

    fn head(&self, step: u64) -> &Value {
        usize::try_from(step).ok().and_then(|step| self.steps.get(step)).unwrap_or(&Value::Null)
    }

    fn is_locked(&mut self) {
        if !self.locks.is_subset(&self.held) {
            let (wanted, held) = (self.locks.clone(), self.held.clone());
            self.violate(format_args!("something begins with {held:?} locked, and the run began with {wanted:?}"));
        }
    }

    fn accepted(&mut self, step: u64, body: &Value) {
        let id = body["prompt"].as_str().unwrap_or_default().to_owned();
        let Some((_, of, ask)) = self.prompt.take_if(|(open, ..)| *open == id) else {
            return self.violate("an answer to a prompt that is not open");
        };
        if of != step || !self.answered.insert(id.clone()) {
            self.violate("an answer for another step, or a second one");
        }
        if body["answer"]["answer"] == "decide" {
            return self.decided(step, &ask, &body["answer"]);
        }
        if let Some(first) = self.first.take() {
            return self.second(&first, step, &id, &ask, &body["answer"]);
        }
        if body["answer"]["answer"] != "confirm" {
            return;
        }
        let typed = body["answer"]["typed"].as_str().unwrap_or_default().replace(',', "");
        let phrase = ask["preview"]["phrase"].as_str().unwrap_or_default().replace(',', "");
        let wanted = if ask["effect"] == "destroy" { phrase } else { "change".to_owned() };
        if wanted.is_empty() || typed != wanted {
            self.violate(format_args!("`{typed}` counts as consent, and `{wanted}` was asked for"));
        }
        if self.head(step)["four_eyes"] == true {
            // It stays open for a second person.
            self.first = Some(self.actor.clone());
            self.answered.remove(&id);
            self.prompt = Some((id, of, ask));
            return;
        }
        self.consented(step, &id, &ask, false);
    }

    fn lapsed(&mut self, step: u64, body: &Value) {
        if self.consents.remove(&step).is_none_or(|(prompt, _)| body["prompt"] != prompt) {
            self.violate(format_args!("a consent to step {step} lapses that was not given"));
        }
    }

    fn intent(&mut self, step: u64, attempt: u64, body: &Value) {
        let head = self.head(step).clone();
        if head.is_null() {
            return self.violate(format_args!("there is no step {step}"));
        }
        if self.passed.contains(&step) {
            self.violate(format_args!("step {step} was skipped, and is taken"));
        }
        if self.stopped && head["always"] != true {
            self.violate(format_args!("step {step} is taken after the run was stopped"));
        }
        self.is_locked();
        if body["effect"] != "read" {
            self.has_time(step, &head);
        }
        if body["effect"] != head["effect"] {
            self.violate(format_args!("step {step} is of another class than it was created with"));
        }
        if self.unknown.contains(&step) {
            self.violate(format_args!("step {step} is tried again, and its outcome is unknown"));
        }
        if body["effect"] != "read" {
            if self.done.contains(&step) && !self.undone.contains(&step) {
                self.violate(format_args!("step {step} is done, and is tried again"));
            }
            if !self.stopped && !self.unknown.is_empty() {
                let unknown = self.unknown.clone();
                self.violate(format_args!("step {step} acts while the outcome of {unknown:?} is unknown"));
            }
            let held = self.consents.remove(&step);
            let named = (body["permit"].as_str(), body["set"].as_str());
            // To an undo was consented with its act, where it is taken in an ending, or in every one.
            let closing = head["verb"] == "undo_of" && (self.stopped || head["always"] == true);
            if !closing && held.as_ref().is_none_or(|(prompt, set)| named != (Some(prompt), Some(set))) {
                self.violate(format_args!("step {step} acts without consent to this very set: {held:?}, {named:?}"));
            }
        }
        self.ran.insert(step);
        self.begin(step, attempt, false);
    }

    fn begin(&mut self, step: u64, attempt: u64, undo: bool) {
        if !self.fits() || (!undo && self.prompt.is_some() && self.listed()) {
            self.violate("an intent while an attempt or a prompt is open");
        }
        let last = self.attempts.entry((step, undo)).or_default();
        *last += 1;
        if *last != attempt {
            let last = *last;
            self.violate(format_args!("attempt {attempt} of step {step} is the {last}th"));
        }
        self.open.push((step, attempt, undo));
    }

    /// Whether nothing is open, or only an `undo_of`.
    fn fits(&self) -> bool {
        match self.open.as_slice() {
            [] => true,
            [(step, _, false)] => self.head(*step)["verb"] == "undo_of",
            _ => false,
        }
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
