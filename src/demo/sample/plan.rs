//! A plan for the sample, with its previews.

use super::journal::preview;
use crate::app::msg::PlanShown;
use crate::domain::{Digest, EffectClass, Error, Kind, Order, PromptScope, Verb};
use crate::procedure::plan::{Action, Budget, Gate, Plan, Step, UndoPlan};
use std::collections::BTreeMap;

/// A step of the plan; its act is the same for all.
fn step(phase: &str, title: &str, verb: Verb, effect: EffectClass, takes_s: u64) -> Step {
    Step {
        phase: phase.to_owned(),
        id: None,
        title: title.to_owned(),
        verb,
        effect,
        act: Some(Action {
            adapter: "files".to_owned(),
            least: effect,
            line: "delete data/sessions/*.json older than 90 d".to_owned(),
            spec: serde_json::Value::Null,
            listing: None,
        }),
        limit: None,
        takes_s: Some(takes_s),
        timeout_s: 60,
        gate: Gate::Hard,
        prove: None,
        undo: UndoPlan::None("in the backup proven above".to_owned()),
        rerun_safe: false,
        text: String::new(),
        note_required: false,
        four_eyes: false,
        why: String::new(),
        save: None,
        part: None,
        when: None,
        until: None,
        always: false,
        on_fail: Vec::new(),
        undo_of: Vec::new(),
        receivers: Vec::new(),
    }
}

/// A plan with its previews.
#[must_use]
pub fn plan() -> PlanShown {
    let plan = Plan {
        id: "cell0/data-retention".to_owned(),
        title: "Data retention cleanup".to_owned(),
        purpose: "Deletes sessions, archives and backups past retention".to_owned(),
        source: Digest::zero(),
        estate: "novacron".to_owned(),
        environment: "production".to_owned(),
        params: BTreeMap::from([("root".to_owned(), "/srv/cell0".to_owned())]),
        root: Some("/srv/cell0".to_owned()),
        locks: vec!["host".to_owned()],
        phases: vec!["look".to_owned(), "clean".to_owned()],
        order: Order::Listed,
        prompt: PromptScope::Step,
        uses: BTreeMap::new(),
        window: None,
        budget: Budget::default(),
        rollback: None,
        steps: vec![
            step("look", "Verify the newest backup", Verb::Check, EffectClass::Read, 5),
            step("clean", "Move rotated logs to the archive", Verb::Do, EffectClass::Change, 20),
            step("clean", "Delete old sessions", Verb::Do, EffectClass::Destroy, 9),
            step("clean", "Delete old log archives", Verb::Do, EffectClass::Destroy, 10),
        ],
    };
    let away = Error::new(Kind::Machine, "cannot read logs/archive: permission denied");
    PlanShown {
        hash: Digest::of(b"plan"),
        plan,
        previews: vec![
            None,
            Some(Ok(preview(EffectClass::Change))),
            Some(Ok(preview(EffectClass::Destroy))),
            Some(Err(away)),
        ],
        refused: None,
        late: false,
        preflight: None,
        warnings: Vec::new(),
    }
}
