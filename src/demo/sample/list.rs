//! A checklist for the sample, at three moments, and the checklists of an estate.

use super::at;
use super::journal::{Story, head, preview};
use crate::app::msg::{Offer, Outline};
use crate::domain::{Digest, EffectClass, Evidence, Order, PromptId, RunStatus, Verb};
use crate::journal::record::{Ask, Ending, Event, Outcome, StepHead};
use std::collections::BTreeMap;

const WHY: &str = "Issues are cheapest while the window is open";

fn item(phase: &str, title: &str, verb: Verb, what: &str, why: &str) -> StepHead {
    let (what, why) = (what.to_owned(), why.to_owned());
    StepHead { what, why, ..head(phase, title, verb, EffectClass::Read, 60, "") }
}

fn begun() -> Story {
    let backup = "What goes wrong tonight is restored from it";
    let steps = vec![
        StepHead { hard: true, ..item("before", "Backup verified", Verb::Check, "every backup is ok", backup) },
        item("before", "Health is green", Verb::Check, "every service is ok", "To compare with afterwards"),
        StepHead {
            note_required: true,
            ..item("before", "Notify users", Verb::Manual, "Tell the users when the window opens and ends.", "")
        },
        item("before", "Deployments are frozen", Verb::Manual, "Freeze the pipeline.", ""),
        item("during", "Logs were archived", Verb::Check, "cell0/archive-logs ended well within 12 h", ""),
        StepHead {
            effect: EffectClass::Change,
            can_undo: true,
            undo: "move them back".to_owned(),
            ..item("during", "Old reports are out of the way", Verb::Do, "move reports/*.pdf to reports/archive", WHY)
        },
        item("during", "Check host load", Verb::Check, "host is ok or warn", WHY),
        StepHead {
            note_required: true,
            ..item(
                "during",
                "Write down every deviation",
                Verb::Manual,
                "Everything that was done otherwise than planned is a note beside its item. Say here that it is all.",
                "The next window is planned from it",
            )
        },
        item("during", "Approval by a second person", Verb::Approve, "Agree that the window may go on past three.", ""),
        item("after", "Health is green again", Verb::Check, "every service is ok", ""),
        item("after", "Announce the end", Verb::Notify, "The maintenance is over.", ""),
    ];
    let name = ("novacron/weekly-checklist", "Weekly window checklist");
    let mut story = Story::ordered(9, name, Order::Any, &["before", "during", "after"], steps);
    for record in &mut story.records {
        // The console of the sample watches this estate.
        if let Event::RunCreated { environment, .. } = &mut record.event {
            "production".clone_into(environment);
        }
    }
    story
}

/// A look that the runner makes by itself, or that a person asked for.
fn look(story: Story, (who, through): (&str, &str), step: u32, attempt: u32, seen: (bool, &str, &str)) -> Story {
    let (passed, detail, source) = seen;
    let log = format!("{}-{attempt}.log", step + 1);
    let intent = Event::StepIntent { step, attempt, effect: EffectClass::Read, set: None, permit: None, log };
    let story = story.through(through, who, intent);
    let outcome = Outcome {
        ending: if passed { Ending::Ok } else { Ending::Failed },
        detail: detail.to_owned(),
        code: None,
        signal: None,
        took_ms: 42,
        counts: BTreeMap::new(),
        log: None,
        recovered: false,
        unexecuted: false,
        evidence: Some(Evidence { source: source.to_owned(), seen: at(200), facts: BTreeMap::new() }),
        whole: BTreeMap::new(),
    };
    story.through(through, who, Event::StepOutcome { step, attempt, outcome })
}

const AUTO: (&str, &str) = ("operator", "runner");

/// A checklist that is being walked: before is over, during is open.
#[must_use]
pub fn checklist() -> Story {
    let story = look(begun(), AUTO, 0, 1, (true, "3 of 3 are ok", "probe backup"));
    let story = look(story, AUTO, 1, 1, (false, "1 of 4 is critical: worker 503", "probe service"));
    let by_hand = |step, note: &str| Event::StepClosed { step, note: note.to_owned() };
    let skip = |step, reason: &str| Event::StepSkipped { step, reason: reason.to_owned() };
    let note = |step, text: &str| Event::Note { step: Some(step), text: text.to_owned() };
    let story = story
        .record("lena", by_hand(1, "the worker restarts each night at this hour; it answered two minutes later"))
        .record("operator", by_hand(2, "told in #operations at 01:30"))
        .record("operator", skip(3, "nobody deploys on a Sunday night"));
    let story = look(story, AUTO, 4, 1, (true, "run 01K8X3 ended well 4 m ago", "run 01K8X3"));
    let story = look(story, AUTO, 6, 1, (false, "load 9.1 on 4 CPUs", "probe host"));
    story
        .record("lena", note(7, "archive disk is slow tonight"))
        .wait_until(430)
        .record("operator", note(7, "the worker was left alone: it came back by itself"))
}

/// The same with an item that asks for the consent to a change.
#[must_use]
pub fn checklist_asks() -> Story {
    let ask = Ask::Confirm {
        effect: EffectClass::Change,
        set: Digest::of(b"set"),
        preview: Box::new(preview(EffectClass::Change)),
        also: Vec::new(),
    };
    let prompt = PromptId::new(0x2000);
    checklist().wait_until(440).record("operator", Event::PromptOpened { prompt, step: 5, ask, expires: at(3600) })
}

/// A checklist that a person stopped.
#[must_use]
pub fn finished_checklist() -> Story {
    let stop = Event::AbortRequested { undo: false };
    checklist()
        .record("operator", stop)
        .record("operator", Event::RunSealed { status: RunStatus::Aborted, unknown: 0, rolled_back: None })
}

/// The checklists of an estate, none of them begun.
#[must_use]
pub fn checklists() -> Vec<Outline> {
    let outline = |procedure: &str, title: &str, items: &[(&str, &str)]| Outline {
        offer: Offer {
            procedure: procedure.to_owned(),
            title: title.to_owned(),
            purpose: String::new(),
            effect: EffectClass::Read,
            acts_on: Vec::new(),
            takes_s: None,
            params: Vec::new(),
        },
        items: items.iter().map(|(phase, title)| ((*phase).to_owned(), (*title).to_owned())).collect(),
    };
    let weekly = [
        ("before", "Backup verified"),
        ("before", "Health is green"),
        ("before", "Notify users"),
        ("during", "Logs were archived"),
        ("during", "Write down every deviation"),
        ("after", "Health is green again"),
        ("after", "Announce the end"),
    ];
    vec![
        outline("novacron/weekly-checklist", "Weekly window checklist", &weekly),
        outline("novacron/pre-maintenance", "NovaCron: before maintenance", weekly.split_at(3).0),
        outline("common/emergency", "Emergency: <incident>", weekly.split_at(2).0),
    ]
}
