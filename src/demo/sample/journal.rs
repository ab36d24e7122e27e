//! Runs for the sample, each folded from records as a runner writes them.

use super::at;
use crate::domain::{
    Actor, Boot, Digest, EffectClass, Item, Listing, Order, Preview, PromptId, RunId, RunStatus, Verb,
};
use crate::journal::fold::{Impossible, RunView};
use crate::journal::record::{
    About, Answer, Ask, Choice, Closed, Covered, Ending, Event, LogEnd, Outcome, Record, StepHead,
};
use std::collections::BTreeMap;

/// A run under construction, record by record.
#[derive(Clone, Debug)]
pub struct Story {
    id: RunId,
    pub(super) records: Vec<Record>,
    clock: i64,
}

/// The id of a sample run.
#[must_use]
pub fn run_id(number: u128) -> RunId {
    RunId::new(1_795_315_200_000, number)
}

pub(super) fn actor(name: &str, through: &str) -> Actor {
    // Lena is another person than all the others.
    let uid = if name == "lena" { 1001 } else { 1000 };
    Actor {
        uid,
        login_uid: Some(uid),
        pid: 4242,
        name: name.to_owned(),
        host: "bastion-1".to_owned(),
        through: through.to_owned(),
    }
}

pub(super) fn head(phase: &str, title: &str, verb: Verb, effect: EffectClass, takes_s: u64, undo: &str) -> StepHead {
    StepHead {
        takes_s: Some(takes_s),
        undo: undo.to_owned(),
        can_undo: effect == EffectClass::Change,
        ..StepHead::new(phase, title, verb, effect)
    }
}

/// What a prompt shows of its set.
#[must_use]
pub fn preview(effect: EffectClass) -> Preview {
    let item = |name: &str, days: i64| Item {
        name: name.to_owned(),
        bytes: Some(1_720_000),
        modified: Some(at(-86_400 * days)),
        to: None,
    };
    let (headline, count, of, phrase, back) = match effect {
        EffectClass::Destroy => (
            "Delete 1,284 files under data/sessions",
            1284,
            Some(9702),
            "delete 1284 files",
            "none (in the backup proven above, 01:12 UTC)",
        ),
        _ => ("Move 42 files from logs to logs/archive", 42, None, "", "move them back from logs/archive"),
    };
    let (oldest, newest, below) = match effect {
        EffectClass::Destroy => ("s-0af1.json", "s-ffe9.json", "data/sessions"),
        _ => ("cell0.log.42", "cell0.log.1", "logs"),
    };
    Preview {
        headline: headline.to_owned(),
        place: format!("cell0-prod-1:/srv/cell0/{below}"),
        count,
        of,
        bytes: Some(2_254_857_830),
        oldest: Some(item(oldest, 630)),
        newest: Some(item(newest, 92)),
        facts: Vec::new(),
        listing: None,
        warnings: vec!["2 files are open in other processes and will be left alone".to_owned()],
        limit: of.map(|_| "13 %, limit 40 %".to_owned()),
        undo: back.to_owned(),
        takes_s: Some(9),
        phrase: phrase.to_owned(),
    }
}

impl Story {
    /// A run that was just created, at 02:41:40.
    #[must_use]
    pub fn begin() -> Self {
        let phases = ["look", "clean", "after"];
        let steps = vec![
            head("look", "Verify the newest backup", Verb::Check, EffectClass::Read, 5, ""),
            head("clean", "Move rotated logs to the archive", Verb::Do, EffectClass::Change, 20, "move them back"),
            head(
                "clean",
                "Delete old sessions",
                Verb::Do,
                EffectClass::Destroy,
                9,
                "none (in the backup proven above)",
            ),
            head("clean", "Move old reports to the archive", Verb::Do, EffectClass::Change, 10, "move them back"),
            head("after", "Write the version page", Verb::Manual, EffectClass::Read, 60, ""),
        ];
        Self::of(("cell0/data-retention", "Data retention cleanup"), &phases, steps)
    }

    fn of(name: (&str, &str), phases: &[&str], steps: Vec<StepHead>) -> Self {
        Self::ordered(0, name, Order::Listed, phases, steps)
    }

    /// A run of any order that was just created; `number` is its id's.
    pub(super) fn ordered(
        number: u128,
        (procedure, title): (&str, &str),
        order: Order,
        phases: &[&str],
        steps: Vec<StepHead>,
    ) -> Self {
        let created = Event::RunCreated {
            procedure: procedure.to_owned(),
            title: title.to_owned(),
            plan: Digest::of(b"plan"),
            source: Digest::of(b"source"),
            estate: "novacron".to_owned(),
            environment: "staging".to_owned(),
            params: BTreeMap::from([("root".to_owned(), "/srv/cell0".to_owned())]),
            phases: phases.iter().map(|phase| (*phase).to_owned()).collect(),
            steps,
            order,
            rollback: None,
            version: "0.1.0".to_owned(),
            confirmed: "console".to_owned(),
            terms: Box::default(),
        };
        Self { id: run_id(number), records: Vec::new(), clock: 100 }.record("operator", created)
    }

    /// Goes on by one record.
    #[must_use]
    pub fn record(self, who: &str, event: Event) -> Self {
        self.through("console", who, event)
    }

    pub(super) fn through(mut self, through: &str, who: &str, event: Event) -> Self {
        self.clock += 20;
        self.records.push(Record {
            seq: self.records.len() as u64 + 1,
            run: self.id.clone(),
            wall: at(self.clock),
            boot: Boot(0),
            actor: actor(who, through),
            event,
            prev: Digest::zero(),
            h: Digest::zero(),
        });
        self
    }

    /// Lets time pass before the next record.
    #[must_use]
    pub fn wait_until(mut self, seconds: i64) -> Self {
        self.clock = seconds - 20;
        self
    }

    /// A step starts and, if `detail` is given, ends.
    #[must_use]
    pub fn act(self, step: u32, attempt: u32, effect: EffectClass, ending: Option<(Ending, &str)>) -> Self {
        let set = (effect > EffectClass::Read).then(|| Digest::of(b"set"));
        let permit = set.is_some().then(|| prompt_id(step));
        let log = format!("{}-{attempt}.log", step + 1);
        let story = self.record("operator", Event::StepIntent { step, attempt, effect, set, permit, log: log.clone() });
        let Some((ending, detail)) = ending else { return story };
        let outcome = Outcome {
            ending,
            detail: detail.to_owned(),
            code: Some(i32::from(ending != Ending::Ok)),
            signal: None,
            took_ms: 4210,
            counts: BTreeMap::from([("moved".to_owned(), 42), ("left_alone".to_owned(), 2)]),
            log: Some(LogEnd { file: log, bytes: 4096, dropped: 0, digest: None }),
            recovered: false,
            unexecuted: false,
            evidence: None,
            whole: BTreeMap::new(),
        };
        story.record("operator", Event::StepOutcome { step, attempt, outcome })
    }

    /// A prompt opens.
    #[must_use]
    pub fn ask(self, step: u32, ask: Ask) -> Self {
        self.record("operator", Event::PromptOpened { prompt: prompt_id(step), step, ask, expires: at(3600) })
    }

    /// A person confirms.
    #[must_use]
    pub fn agree(self, who: &str, step: u32, typed: &str) -> Self {
        let answer = Answer::Confirm { typed: typed.to_owned() };
        self.record(who, Event::AnswerAccepted { prompt: prompt_id(step), step, answer })
    }

    /// The run so far.
    ///
    /// # Errors
    /// When the story could not have happened.
    pub fn view(&self) -> Result<RunView, Impossible> {
        RunView::of(&self.records)
    }
}

fn prompt_id(step: u32) -> PromptId {
    PromptId::new(0x1000 + u128::from(step))
}

fn consent(effect: EffectClass, also: Vec<Covered>) -> Ask {
    Ask::Confirm { effect, set: Digest::of(b"set"), preview: Box::new(preview(effect)), also }
}

fn looked() -> Story {
    Story::begin().act(0, 1, EffectClass::Read, Some((Ending::Ok, "9,702 members, none damaged")))
}

fn drifted_logs() -> Story {
    let asked = looked().ask(1, consent(EffectClass::Change, Vec::new())).agree("operator", 1, "change");
    asked.act(1, 1, EffectClass::Change, Some((Ending::Ok, "moved 42, left 2 alone")))
}

/// A run whose change step is at work.
#[must_use]
pub fn running() -> Story {
    let asked = looked().ask(1, consent(EffectClass::Change, Vec::new())).agree("operator", 1, "change");
    let note = Event::Note { step: Some(1), text: "archive disk is slow tonight".to_owned() };
    asked.record("lena", note).wait_until(446).act(1, 1, EffectClass::Change, None)
}

/// A run that asks for the consent to a change.
#[must_use]
pub fn change() -> Story {
    looked().wait_until(440).ask(1, consent(EffectClass::Change, Vec::new()))
}

/// A run that asks for the consent to two changes of a phase at once, the first of them by a script.
#[must_use]
pub fn changes(script: &str) -> Story {
    let also = vec![Covered {
        step: 3,
        set: Digest::of(b"other"),
        headline: "Move 7 files from reports to reports/archive".to_owned(),
        preview: Some(Box::new(Preview {
            headline: "Move 7 files from reports to reports/archive".to_owned(),
            count: 7,
            ..preview(EffectClass::Change)
        })),
    }];
    let mut ask = consent(EffectClass::Change, also);
    if let Ask::Confirm { preview, .. } = &mut ask {
        preview.listing = Some(Listing { name: "bash script".to_owned(), text: script.to_owned() });
    }
    looked().wait_until(440).ask(1, ask)
}

/// A run that asks for the consent to a destroy.
#[must_use]
pub fn destroy() -> Story {
    drifted_logs().wait_until(440).ask(2, consent(EffectClass::Destroy, Vec::new()))
}

/// A run whose destroy takes two answers, before the first.
#[must_use]
pub fn four_eyes() -> Story {
    let mut story = drifted_logs();
    for record in &mut story.records {
        if let Event::RunCreated { steps, .. } = &mut record.event {
            for step in steps.iter_mut().filter(|step| step.effect == EffectClass::Destroy) {
                step.four_eyes = true;
            }
        }
    }
    story.wait_until(440).ask(2, consent(EffectClass::Destroy, Vec::new()))
}

/// The same after the operator confirmed it: it waits for another person.
#[must_use]
pub fn confirmed() -> Story {
    four_eyes().agree("operator", 2, "delete 1284 files")
}

/// The same after Lena did, who is another person than the operator.
#[must_use]
pub fn confirmed_by_another() -> Story {
    four_eyes().agree("lena", 2, "delete 1284 files")
}

/// A run whose start another person shall approve.
#[must_use]
pub fn start_to_approve() -> Story {
    let text = "Emergency, outside of every window: the disk of cell0-prod-1 is full".to_owned();
    Story::begin().ask(0, Ask::Approve { text, hash: Digest::of(b"plan"), start: true })
}

/// A run that went on for a reason instead of a second person.
#[must_use]
pub fn break_glass() -> Story {
    let answer = Answer::BreakGlass { reason: "the disk is full, and nobody else is awake".to_owned() };
    let broken = confirmed().record("operator", Event::AnswerAccepted { prompt: prompt_id(2), step: 2, answer });
    broken.act(2, 1, EffectClass::Destroy, Some((Ending::Ok, "deleted 1,284, left 2 alone")))
}

/// A run that asks what a failed step means, after a refused answer.
#[must_use]
pub fn decide() -> Story {
    let asked = drifted_logs().ask(2, consent(EffectClass::Destroy, Vec::new()));
    let wrong = Event::AnswerRejected { prompt: "x".to_owned(), why: "the phrase is not the one shown".to_owned() };
    let failed = asked.record("lena", wrong).agree("operator", 2, "delete 1284 files").act(
        2,
        1,
        EffectClass::Destroy,
        Some((Ending::Failed, "deleted 800, then: permission denied")),
    );
    let text = "Step 3 failed: deleted 800, then: permission denied".to_owned();
    let choices = vec![Choice::Retry, Choice::Rollback, Choice::Skip, Choice::Hold, Choice::Abort];
    let means = [
        "preview this step and ask again, ~9 s",
        "stop; undo 1 step in ~20 s",
        "leave this step, with a reason; go on with step 4",
        Choice::Hold.consequence(),
        "stop; leave 1 step as it is",
    ];
    failed.ask(
        2,
        Ask::Decide { about: About::Failed, text, choices, means: means.map(str::to_owned).to_vec(), set: None },
    )
}

/// A run that asks a person to do something and sign.
#[must_use]
pub fn sign() -> Story {
    let skipped = |story: Story, step| {
        story.record("operator", Event::StepSkipped { step, reason: "nothing to do tonight".to_owned() })
    };
    let story = skipped(skipped(drifted_logs(), 2), 3);
    let text = "Set the running digests in the version page; paste the link.".to_owned();
    story.ask(4, Ask::Sign { text, note_required: true })
}

/// A run whose prompt closed because its set drifted.
#[must_use]
pub fn drifted() -> Story {
    let why = Event::PromptClosed {
        prompt: prompt_id(2),
        why: Closed::Drifted,
        drift: vec!["3 files are gone".to_owned(), "s-9c1d.json grew from 1.2 KiB to 4.0 KiB".to_owned()],
    };
    destroy().record("operator", why)
}

/// A run whose runner died in mid-step.
#[must_use]
pub fn interrupted() -> Story {
    running()
}

/// A prompt that another operator answered.
#[must_use]
pub fn ended() -> Story {
    destroy().agree("lena", 2, "delete 1284 files")
}

/// A run that ended well.
#[must_use]
pub fn finished() -> Story {
    let story = destroy().agree("operator", 2, "delete 1284 files");
    let story = story.act(2, 1, EffectClass::Destroy, Some((Ending::Ok, "deleted 1,284, left 2 alone")));
    let skip = |step| Event::StepSkipped { step, reason: "nothing to do tonight".to_owned() };
    let story = story.record("operator", skip(3)).record("operator", skip(4));
    story.wait_until(640).record("operator", Event::RunSealed { status: RunStatus::Ok, unknown: 0, rolled_back: None })
}

/// A run that changed something and can still undo it.
#[must_use]
pub fn finished_but_last() -> Story {
    drifted_logs()
}
