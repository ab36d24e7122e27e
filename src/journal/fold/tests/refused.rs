//! Records that cannot follow.

use super::*;

#[test]
fn every_impossible_record_about_prompts_is_refused() {
    let ask = [opened(1, 1, confirm(Change, 1, &[2]))];
    let destroy = [opened(1, 3, confirm(Destroy, 3, &[]))];
    let decide_open = and(&over(Ending::Failed), &[opened(2, 1, decision(&[Choice::Skip, Choice::Retry]))]);
    let unknown_open = and(&over(Ending::Unknown), &[opened(2, 1, decision(&[Choice::Done, Choice::NotDone]))]);
    let no_phrase = Ask::Confirm { effect: Destroy, set: set(3), preview: Box::new(Preview::default()), also: vec![] };
    let no_choice = decision(&[]);
    let no_reason = Answer::Decide { choice: Choice::Skip, reason: " ".into() };
    let covers = "a confirmation of step 1 cannot cover step";
    let cases: Vec<(Vec<Event>, Event, &str)> = vec![
        (vec![], created(steps()), "a second run.created"),
        (ask.to_vec(), opened(2, 1, confirm(Change, 1, &[])), "a second prompt"),
        (running(), opened(2, 2, confirm(Change, 2, &[])), "a prompt while an attempt is open"),
        (vec![], opened(1, 9, confirm(Change, 9, &[])), "there is no step 9"),
        (vec![], opened(1, 3, confirm(Change, 3, &[])), "step 3 is of class destroy, not change"),
        (vec![], opened(1, 4, confirm(Read, 4, &[])), "this cannot be asked about a manual step that is planned"),
        (vec![], opened(1, 0, confirm(Read, 0, &[])), "this cannot be asked about a check step that is planned"),
        (over(Ending::Ok), opened(2, 1, confirm(Change, 1, &[])), "about a do step that is done"),
        (over(Ending::Unknown), opened(2, 1, confirm(Change, 1, &[])), "about a do step that is unknown"),
        (vec![skipped(1)], opened(2, 1, confirm(Change, 1, &[])), "about a do step that is skipped"),
        (vec![skipped(1)], opened(2, 1, decision(&[Choice::Retry])), "about a do step that is skipped"),
        (vec![], opened(1, 0, no_choice), "about a check step that is planned"),
        (vec![abort(false)], opened(1, 1, confirm(Change, 1, &[])), "after the run was stopped"),
        (vec![], opened(1, 1, sign(false)), "this cannot be asked about a do step that is planned"),
        (vec![], opened(1, 0, sign(false)), "this cannot be asked about a check step that is planned"),
        (over(Ending::Failed), opened(2, 1, sign(true)), "this cannot be asked about a do step that is failed"),
        (vec![], opened(1, 1, confirm(Change, 1, &[3])), covers),
        (vec![], opened(1, 1, confirm(Change, 1, &[1])), covers),
        (vec![], opened(1, 1, confirm(Change, 1, &[7])), "there is no step 7"),
        (vec![skipped(2)], opened(1, 1, confirm(Change, 1, &[2])), covers),
        (vec![], Event::PromptReread { prompt: prompt(1) }, "prompt.reread of a prompt that is not open"),
        (ask.to_vec(), Event::PromptReread { prompt: prompt(2) }, "prompt.reread of a prompt that is not open"),
        (vec![], prompt_closed(1), "prompt.closed of a prompt that is not open"),
        (ask.to_vec(), prompt_closed(2), "prompt.closed of a prompt that is not open"),
        (vec![], accepted(1, 1, typed("change")), "to a prompt that is not open"),
        (ask.to_vec(), accepted(2, 1, typed("change")), "to a prompt that is not open"),
        (ask.to_vec(), accepted(1, 2, typed("change")), "to a prompt that is not open"),
        (and(&ask, &[prompt_closed(1)]), accepted(1, 1, typed("change")), "to a prompt that is not open"),
        (and(&ask, &[accepted(1, 1, typed("change"))]), accepted(1, 1, Answer::Cancel), "to a prompt that is not open"),
        (ask.to_vec(), accepted(1, 1, typed("chnage")), "the phrase is not the one the prompt asks for"),
        (ask.to_vec(), accepted(1, 1, typed("")), "the phrase is not the one the prompt asks for"),
        (destroy.to_vec(), accepted(1, 3, typed("change")), "the phrase is not the one the prompt asks for"),
        (destroy.to_vec(), accepted(1, 3, typed("delete 1285 files")), "the phrase is not the one the prompt asks for"),
        (vec![opened(1, 3, no_phrase)], accepted(1, 3, typed("")), "the phrase is not the one the prompt asks for"),
        (ask.to_vec(), accepted(1, 1, answer("x")), "another kind than the prompt"),
        (ask.to_vec(), accepted(1, 1, decide(Choice::Done)), "another kind than the prompt"),
        (vec![opened(1, 4, sign(true))], accepted(1, 4, answer(" ")), "this sign-off needs a note"),
        (vec![opened(1, 4, sign(true))], accepted(1, 4, typed("change")), "another kind than the prompt"),
        (decide_open.clone(), accepted(2, 1, decide(Choice::Done)), "done is not among the choices"),
        (decide_open.clone(), accepted(2, 1, no_reason), "skip needs a reason"),
        (unknown_open, accepted(2, 1, typed("change")), "another kind than the prompt"),
        (decide_open, skipped(1), "step 1 is settled while a prompt about it is open"),
        (vec![], lapsed(1, 1), "a consent to step 1 lapses that was not given"),
        (and(&ask, &[accepted(1, 1, typed("change"))]), lapsed(2, 1), "a consent to step 1 lapses that was not given"),
        (running(), lapsed(1, 1), "a consent to step 1 lapses that was not given"),
    ];
    for (before, event, expected) in cases {
        let why = refusal(&before, &event);
        assert!(why.contains(expected), "{why} / {expected}: {event:?}");
    }
}

#[test]
fn every_impossible_record_about_steps_is_refused() {
    let ask = [opened(1, 1, confirm(Change, 1, &[2]))];
    let consented = and(&ask, &[accepted(1, 1, typed("change"))]);
    let other_set = Event::StepIntent {
        step: 1,
        attempt: 1,
        effect: Change,
        set: Some(set(2)),
        permit: Some(prompt(1)),
        log: "l".into(),
    };
    let no_consent = "step 1 would act without a confirmation of this very set";
    let unknown_and_consent = vec![
        opened(1, 1, confirm(Change, 1, &[2])),
        accepted(1, 1, typed("change")),
        intent(1, 1, Change, Some(1)),
        ended(1, 1, Ending::Unknown),
    ];
    let signed = [opened(1, 4, sign(false)), accepted(1, 4, answer(""))];
    let cases: Vec<(Vec<Event>, Event, &str)> = vec![
        (running(), intent(2, 1, Change, None), "an intent while an attempt or a prompt is open"),
        (ask.to_vec(), intent(0, 1, Read, None), "an intent while an attempt or a prompt is open"),
        (vec![], intent(9, 1, Read, None), "there is no step 9"),
        (vec![], intent(4, 1, Read, None), "an intent of a manual step"),
        (consented.clone(), intent(1, 1, Read, None), "step 1 is of class change, not read"),
        (vec![], intent(0, 2, Read, None), "attempt 2 of step 0 follows attempt 0"),
        (vec![], intent(0, 0, Read, None), "attempt 0 of step 0 follows attempt 0"),
        (vec![], intent(1, 1, Change, None), no_consent),
        (vec![], intent(1, 1, Change, Some(1)), no_consent),
        (consented.clone(), intent(1, 1, Change, None), no_consent),
        (consented.clone(), intent(1, 1, Change, Some(2)), no_consent),
        (consented.clone(), other_set, no_consent),
        (and(&ask, &[accepted(1, 1, Answer::Cancel)]), intent(1, 1, Change, Some(1)), no_consent),
        (and(&ask, &[prompt_closed(1)]), intent(1, 1, Change, Some(1)), no_consent),
        (and(&consented, &[Event::RunResumed { why: "gone".into() }]), intent(1, 1, Change, Some(1)), no_consent),
        (
            and(&consented, &[opened(2, 1, confirm(Change, 1, &[])), prompt_closed(2)]),
            intent(1, 1, Change, Some(1)),
            no_consent,
        ),
        (over(Ending::Failed), intent(1, 2, Change, Some(1)), no_consent),
        (and(&consented, &[abort(false)]), intent(1, 1, Change, Some(1)), "after the run was stopped"),
        (unknown_and_consent, intent(2, 1, Change, Some(1)), "while the outcome of another is unknown"),
        (over(Ending::Ok), intent(1, 2, Change, Some(1)), "an intent of a step that is done"),
        (over(Ending::Unknown), intent(1, 2, Change, Some(1)), "an intent of a step that is unknown"),
        (vec![skipped(0)], intent(0, 1, Read, None), "an intent of a step that is skipped"),
        (vec![], ended(1, 1, Ending::Ok), "an outcome of step 1 without its intent"),
        (running(), ended(2, 1, Ending::Ok), "an outcome of step 2 without its intent"),
        (running(), ended(1, 2, Ending::Ok), "an outcome of step 1 without its intent"),
        (running(), undone(1, 1, Ending::Ok), "an undo outcome of step 1 without its intent"),
        (over(Ending::Ok), ended(1, 1, Ending::Ok), "an outcome of step 1 without its intent"),
        (over(Ending::Failed), resolved(1, Choice::Done), "step 1 is failed, not unknown"),
        (vec![], resolved(1, Choice::Done), "step 1 is planned, not unknown"),
        (vec![], resolved(9, Choice::Done), "there is no step 9"),
        (over(Ending::Unknown), resolved(1, Choice::Retry), "settled as done or as not-done"),
        (over(Ending::Failed), skipped(1), "step 1 failed or is unknown, and no decision to skip it is recorded"),
        (over(Ending::Unknown), skipped(1), "step 1 failed or is unknown, and no decision to skip it is recorded"),
        (over(Ending::Ok), skipped(1), "step 1 is done already"),
        (running(), skipped(1), "step 1 is running already"),
        (ask.to_vec(), skipped(1), "step 1 is settled while a prompt about it is open"),
        (vec![], skipped(9), "there is no step 9"),
        (vec![], closed(1), "a do step is closed by its outcome"),
        (vec![], closed(0), "a check step is closed by its outcome"),
        (vec![], closed(4), "step 4 has no sign-off"),
        (and(&signed, &[closed(4)]), closed(4), "step 4 is done already"),
        (vec![closed(5)], closed(5), "step 5 is done already"),
        (signed[..1].to_vec(), closed(4), "step 4 is settled while a prompt about it is open"),
        (vec![], Event::Note { step: Some(9), text: "x".into() }, "there is no step 9"),
    ];
    for (before, event, expected) in cases {
        let why = refusal(&before, &event);
        assert!(why.contains(expected), "{why} / {expected}: {event:?}");
    }
}

#[test]
fn every_impossible_record_about_the_end_is_refused() {
    let stopped = and(&over(Ending::Ok), &[abort(true)]);
    let ask = [opened(1, 1, confirm(Change, 1, &[]))];
    let none = "step 1 cannot be undone now";
    let other_set = Event::UndoIntent { step: 1, attempt: 1, set: None, log: "l".into() };
    let cases: Vec<(Vec<Event>, Event, &str)> = vec![
        (over(Ending::Ok), undo(1, 1), "an undo that was not asked for"),
        (and(&over(Ending::Ok), &[abort(false)]), undo(1, 1), "an undo that was not asked for"),
        (and(&running(), &[abort(true)]), undo(1, 1), "an undo while an attempt or a prompt is open"),
        (vec![abort(true)], undo(1, 1), none),
        (stopped.clone(), undo(1, 2), none),
        (stopped.clone(), other_set, none),
        (stopped.clone(), undo(9, 1), "there is no step 9"),
        (and(&stopped, &[undo(1, 1), undone(1, 1, Ending::Ok)]), undo(1, 2), none),
        (and(&over(Ending::Unknown), &[abort(true)]), undo(1, 1), none),
        (and(&over(Ending::Unknown), &[resolved(1, Choice::NotDone), abort(true)]), undo(1, 1), none),
        (stopped.clone(), undone(1, 1, Ending::Ok), "an undo outcome of step 1 without its intent"),
        (and(&stopped, &[undo(1, 1)]), undone(1, 2, Ending::Ok), "an undo outcome of step 1 without its intent"),
        (and(&stopped, &[undo(1, 1)]), ended(1, 1, Ending::Ok), "an outcome of step 1 without its intent"),
        (and(&stopped, &[undo(1, 1)]), undo(1, 2), "an undo while an attempt or a prompt is open"),
        (running(), sealed(RunStatus::Failed, 0), "a seal while an attempt or a prompt is open"),
        (ask.to_vec(), sealed(RunStatus::Aborted, 0), "a seal while an attempt or a prompt is open"),
        (vec![], sealed(RunStatus::Running, 0), "a run cannot be sealed as running"),
        (vec![], sealed(RunStatus::Interrupted, 0), "a run cannot be sealed as interrupted"),
        (vec![], sealed(RunStatus::Waiting, 0), "a run cannot be sealed as waiting"),
        (over(Ending::Unknown), sealed(RunStatus::Failed, 0), "the seal counts 0 unknown steps, the records 1"),
        (vec![], sealed(RunStatus::Failed, 1), "the seal counts 1 unknown steps, the records 0"),
        (vec![], sealed(RunStatus::Ok, 0), "sealed as ok while a step of it is not over"),
        (over(Ending::Failed), sealed(RunStatus::Ok, 0), "sealed as ok while a step of it is not over"),
        (vec![sealed(RunStatus::Failed, 0)], Event::Note { step: None, text: "x".into() }, "record 3 follows the seal"),
        (vec![sealed(RunStatus::Failed, 0)], sealed(RunStatus::Failed, 0), "record 3 follows the seal"),
    ];
    for (before, event, expected) in cases {
        let why = refusal(&before, &event);
        assert!(why.contains(expected), "{why} / {expected}: {event:?}");
    }
}
