//! `notify` with receivers through the real binary: each receiver is notified at most once, and no secret is stored.

use crate::runner::checklist::{accepted, becomes};
use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::post::{Manner, Post};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::ItemState;
use midwatch::journal::item::ItemAction;
use midwatch::journal::record::{Ask, Choice, Ending, Outcome};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The secrets, which no file may contain.
const SECRETS: [&str; 3] = ["hunter2-token", "hunter2-mail", "hunter2-room"];

/// An estate with four receivers: a Slack room whose URL is secret, a hook, mail, and a program that keeps what it reads.
fn estate(web: &Post, mail: &Post) -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_GRACE", "200");
    let secret = |name: &str, value: &str| {
        let path = estate.beside(name);
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        format!("\"file:{}\"", path.display())
    };
    let room = secret("room.secret", &format!("http://{}/{}", web.address, SECRETS[2]));
    let (token, password) = (secret("token.secret", SECRETS[0]), secret("mail.secret", SECRETS[1]));
    let pager = estate.beside("pager");
    let script = format!(
        "#!/bin/sh\necho paging\ncat >>{0}/paged\necho \"$MIDWATCH_RECEIVER\" >>{0}/paged\nexit $(cat {0}/code)\n",
        estate.tree("").display()
    );
    fs::write(&pager, script).unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    estate.file("code", "0");
    let text = fs::read_to_string(estate.beside("midwatch.toml")).unwrap();
    let receivers = format!(
        r#"
[secrets]
room = {room}
token = {token}
mail = {password}
[[notify]]
name = "room"
slack = "secret:room"
[[notify]]
name = "hook"
webhook = "http://{}/hook"
password = "secret:token"
[[notify]]
name = "oncall"
mail = ["oncall@test.example", "night@test.example"]
smtp = "smtp://watch@{}"
from = "midwatch@test.example"
password = "secret:mail"
[[notify]]
name = "pager"
program = ["{}"]
"#,
        web.address,
        mail.address,
        pager.display()
    );
    fs::write(estate.beside("midwatch.toml"), text + &receivers).unwrap();
    estate
}

fn procedure(estate: &Estate, receivers: &str, more: &str) {
    let steps = format!(
        r#"
[[work]]
title = "Begin"
manual = "Begin."
[[work]]
title   = "Notify them <now>"
notify  = {receivers}
message = "It is over & done."
{more}
"#
    );
    estate.procedure("notify", "", &steps);
}

/// Starts the run and signs its first step.
fn begin(estate: &Estate) -> Run<'_> {
    let run = estate.start_waiting("notify");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run
}

fn outcome(run: &Run<'_>) -> Outcome {
    run.wait("an outcome", |view| view.steps[1].outcome.is_some()).steps[1].outcome.clone().unwrap()
}

/// Asserts that no file below a directory holds a secret.
fn nowhere(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nowhere(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes);
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} is in {}", path.display());
            }
        }
    }
}

#[test]
fn every_kind_of_receiver_is_notified_once_and_no_secret_is_stored() {
    let (web, mail) = (Post::http(Manner::Takes), Post::smtp(Manner::Takes));
    let estate = estate(&web, &mail);
    procedure(&estate, r#"["room", "hook", "oncall", "pager"]"#, "");
    let run = begin(&estate);
    let view = run.sealed();
    assert_eq!(
        (view.sealed, view.steps[1].state),
        (Some(RunStatus::Ok), StepState::Done),
        "{:?}",
        view.steps[1].outcome
    );
    let outcome = outcome(&run);
    assert_eq!(outcome.counts["told"], 4);
    let facts = outcome.evidence.unwrap().facts;
    assert_eq!((facts["hook"].as_str(), facts["pager"].as_str()), ("delivered (HTTP 200)", "delivered (exit code 0)"));
    let lines = web.received();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("POST /hunter2-room HTTP/1.1") && lines[0].contains("It is over &amp; done."),
        "{lines:?}"
    );
    assert!(lines[0].contains("Notify them &lt;now&gt;"), "{lines:?}");
    let (head, body) = lines[1].split_once("\r\n\r\n").unwrap();
    assert!(head.contains("authorization: Bearer hunter2-token"), "{head}");
    assert!(head.contains(&format!("idempotency-key: {}/2/hook", run.dir.id)), "{head}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let describe = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (describe("estate"), describe("procedure"), describe("run")),
        ("test".into(), "test/notify".into(), run.dir.id.to_string())
    );
    assert_eq!((describe("outcome"), describe("text")), ("1 done".into(), "It is over & done.".into()));
    let letter = mail.received().concat();
    for part in
        ["AUTH PLAIN", "RCPT TO:<night@test.example>", "Subject: [OTHER] test: Test notify", "step 2 of 2: Notify them"]
    {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    let paged = fs::read_to_string(estate.tree("paged")).unwrap();
    assert!(paged.contains("so far: 1 done") && paged.ends_with("pager\n"), "{paged}");
    let report = run.midwatch("report", &[]).exits(0);
    assert!(report.out.contains("hook") && !SECRETS.iter().any(|secret| report.out.contains(secret)), "{}", report.out);
    nowhere(estate.state());
    run.is_whole_and_known();
    estate.nothing_runs();
}

#[test]
fn a_failed_delivery_is_a_fact_of_the_report_and_the_run_goes_on() {
    let (web, mail) = (Post::http(Manner::Refuses), Post::smtp(Manner::Refuses));
    let estate = estate(&web, &mail);
    estate.file("code", "3");
    procedure(&estate, r#"["hook", "oncall", "pager"]"#, "");
    let run = begin(&estate);
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[1].state), (Some(RunStatus::Ok), StepState::Skipped));
    let facts = outcome(&run).evidence.unwrap().facts;
    assert_eq!(facts["hook"], "not delivered: it answered 503");
    assert_eq!(facts["oncall"], "not delivered: the mail server refused: 550");
    assert_eq!(facts["pager"], "not delivered: exit code 3");
    assert!(view.steps[1].remark.as_ref().unwrap().contains("it answered 503"), "{:?}", view.steps[1].remark);
    assert!(run.midwatch("report", &[]).exits(0).out.contains("it answered 503"));
    nowhere(estate.state());
}

#[test]
fn a_hard_gate_asks_and_notifies_again_only_receivers_without_a_delivery() {
    let (web, mail) = (Post::http(Manner::Takes), Post::smtp(Manner::Refuses));
    let estate = estate(&web, &mail);
    procedure(&estate, r#"["hook", "oncall"]"#, "gate = \"hard\"");
    let run = begin(&estate);
    let prompt = run.prompt_after(&midwatch::domain::PromptId::new(0));
    let Ask::Decide { text, choices, .. } = &prompt.ask else { panic!("{prompt:?}") };
    assert!(text.contains("the mail server refused: 550") && !choices.contains(&Choice::Skip), "{text} {choices:?}");
    mail.turn(Manner::Takes);
    run.accept(&prompt, decide(Choice::Retry));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!((web.received().len(), mail.received().len()), (1, 1));
}

#[test]
fn a_delivery_interrupted_by_a_crash_is_reported_and_not_sent_again() {
    let (web, mail) = (Post::http(Manner::Hangs), Post::smtp(Manner::Takes));
    let estate = estate(&web, &mail);
    procedure(&estate, r#"["hook", "oncall"]"#, "");
    let run = begin(&estate);
    wait_for("the request", || (web.received().len() == 1).then_some(()));
    run.kill_runner();
    for file in ["shim.json", "act.json"] {
        kill_wholly(run.pid_of("2.1", file));
    }
    run.midwatch("resume", &[]).exits(0);
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[1].state), (Some(RunStatus::Ok), StepState::Skipped));
    assert_eq!(outcome(&run).ending, Ending::Unknown);
    assert!(view.steps[1].remark.as_ref().unwrap().contains("is not sent again"), "{:?}", view.steps[1].remark);
    assert_eq!((web.received().len(), mail.received().len()), (1, 0));
    estate.nothing_runs();
}

#[test]
fn a_delivery_ends_at_its_timeout_and_an_abort_ends_it_at_once() {
    let (web, mail) = (Post::http(Manner::Hangs), Post::smtp(Manner::Hangs));
    let estate = estate(&web, &mail);
    procedure(&estate, r#"["oncall", "hook"]"#, "timeout = \"2s\"");
    let run = begin(&estate);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    let facts = outcome(&run).evidence.unwrap().facts;
    assert_eq!(facts["oncall"], "delivery unknown: it took too long");
    assert_eq!(facts["hook"], "not delivered: the time for it was over");
    procedure(&estate, r#"["hook"]"#, "");
    let run = begin(&estate);
    wait_for("the request", || (!web.received().is_empty()).then_some(()));
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[1].state), (Some(RunStatus::Aborted), StepState::Skipped));
    assert_eq!(outcome(&run).ending, Ending::Unknown);
    estate.nothing_runs();
}

#[test]
fn an_item_of_a_checklist_is_closed_by_the_answers_of_its_receivers() {
    let (web, mail) = (Post::http(Manner::Refuses), Post::smtp(Manner::Takes));
    let estate = estate(&web, &mail);
    estate.procedure("list", "order = \"any\"", "[[after]]\nnotify = [\"hook\"]\n");
    let run = estate.start_waiting("list");
    let item = run.view().item(0).unwrap();
    assert_eq!((item.title.as_str(), item.what.as_str()), ("Notify hook", "notify hook"));
    let reply = run.ask(Demand::Item { step: 0, seq: item.seq, action: ItemAction::Close });
    assert!(matches!(&reply, Reply::Rejected { why } if why.contains("it answered 503")), "{reply:?}");
    web.turn(Manner::Takes);
    accepted(&run, 0, ItemAction::Close);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    becomes(&run, 0, ItemState::Evidence);
    assert_eq!(web.received().len(), 2);
}

#[test]
fn a_receiver_that_the_estate_does_not_have_is_no_plan() {
    let (web, mail) = (Post::http(Manner::Takes), Post::smtp(Manner::Takes));
    let estate = estate(&web, &mail);
    procedure(&estate, r#"["oncal"]"#, "");
    estate.midwatch(&["lint"]).exits(2).prints("the estate has no receiver `oncal` (did you mean `oncall`?)");
    estate.start("notify", &[]).exits(2);
}
