//! Midwatch's own log: what a person who was not there reads afterwards.

use crate::runner::http::Service;
use crate::runner::redis::Cache;
use crate::runner::sql::{Base, SLOW, outcome};
use crate::support::estate::{Estate, LOOK, SOON};
use crate::support::hours::estate_of;
use crate::support::run::consent;
use crate::support::s3::{KEY, S3, SECRET};
use midwatch::domain::RunStatus;
use midwatch::journal::record::Answer;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

/// All files of the log, one after the other.
fn log(estate: &Estate) -> String {
    let mut files: Vec<_> =
        fs::read_dir(estate.state().join("log")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// Waits for a line that holds every one of these words.
#[track_caller]
fn line(estate: &Estate, words: &[&str]) -> String {
    let find = |log: &str| log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned);
    let deadline = Instant::now() + SOON;
    while Instant::now() < deadline {
        if let Some(found) = find(&log(estate)) {
            return found;
        }
        std::thread::sleep(LOOK);
    }
    panic!("no line has {words:?}:\n{}", log(estate));
}

#[test]
fn the_log_of_a_run_names_the_lost_target_the_rejected_answer_and_every_step() {
    let estate = Estate::default();
    estate.configure("[[service]]\nname = \"web\"\nurl = \"http://127.0.0.1:1/?key=l0ck\"\n");
    estate.file("old", "");
    let steps = "[[work]]\nid = \"remove\"\ntitle = \"Remove it\"\neffect = \"change\"\ndo = { exec = [\"rm\", \"{tree}/old\"] }\n\
                 undo = { none = \"a test\" }\n[[work]]\ntitle = \"Web\"\ncheck = { probe = \"service\", target = \"web\" }\n";
    estate.procedure("logged", "", steps);
    let run = estate.start_waiting("logged");
    let id = format!("run={}", run.dir.id);
    let prompt = run.prompt();
    let typed = "hunter2 is not the phrase";
    let _ = run.answer(&prompt, Answer::Confirm { typed: typed.to_owned() });
    run.accept(&prompt, Answer::Confirm { typed: "change".to_owned() });
    let failed = run.prompt_after(&prompt.id);
    run.midwatch("abort", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Failed));
    line(&estate, &[" run[", &id, "command", "what=\"start\"", "through=\"run\""]);
    line(&estate, &[" runner[", &id, "runner started", "Begin"]);
    line(&estate, &[" runner[", &id, "prompt.opened", "step=1", "id=\"remove\"", "what=\"confirm\"", &prompt.id.0]);
    line(&estate, &["WARN", &id, "answer.rejected", &prompt.id.0, "cause="]);
    line(&estate, &[&id, "answer.accepted", "step=1"]);
    line(&estate, &[&id, "step.intent", "step=1", "attempt=1"]);
    line(&estate, &[&id, "step.outcome", "step=1", "what=\"ok\""]);
    line(
        &estate,
        &["WARN", &id, "step=2: connection failed", "kind=\"http\"", "place=\"http://127.0.0.1:1\"", "refused"],
    );
    line(&estate, &["WARN", &id, "step=2: probe failed", "target=\"web\"", "cause="]);
    line(&estate, &["WARN", &id, "step.outcome", "step=2", "what=\"failed\"", "cause="]);
    line(&estate, &[&id, "prompt.opened", "what=\"decide\"", &failed.id.0]);
    line(&estate, &[" abort[", &id, "command", "what=\"abort\""]);
    line(&estate, &[&id, "run.sealed", "what=\"failed\""]);
    line(&estate, &[&id, "runner ended", "status=\"failed\""]);
    estate.midwatch(&["resume", run.dir.id.as_str()]).exits(2);
    line(&estate, &["WARN", " resume[", "command failed", "exit=2"]);
    let log = log(&estate);
    for secret in ["hunter2", "l0ck"] {
        assert!(!log.contains(secret), "{secret} stays out of it:\n{log}");
    }
    assert!(!log.chars().any(|c| c.is_control() && c != '\n'));
    let is_dated = |line: &str| line.starts_with("20") && line.get(10..11) == Some("T");
    assert!(log.lines().all(is_dated), "{log}");
}

#[test]
fn each_connection_is_logged_with_its_step_by_the_runner_that_looks_and_the_act_that_works() {
    let base = Base::new();
    let cache = Cache::new();
    let (service, url) = Service::start();
    let s3 = S3::start("nova");
    let mut estate = base.estate;
    for (name, value) in [("S3_ID", KEY), ("S3_KEY", SECRET), ("API", "b4rn0wl")] {
        estate.set(name, value);
    }
    let redis = cache.server.url();
    let servers = format!("[[redis]]\nname = \"cache\"\nurl = \"{redis}\"\nact = \"{redis}\"\n");
    let secrets = s3.entry("nova").replace("[secrets]\n", "[secrets]\napi = \"env:API\"\n");
    estate.configure(&(servers + &secrets));
    estate.file("backup/db.dump", "database");
    let steps = format!(
        "[[work]]\ntitle = \"S\"\neffect = \"change\"\ndo = {{ sql = \"VACUUM public.tasks\" }}\nundo = {{ none = \"a test\" }}\n\
         [[work]]\ntitle = \"R\"\neffect = \"change\"\ndo = {{ redis = \"set\", key = \"flag\", value = \"1\", expire = \"2h\" }}\nundo = {{ none = \"a test\" }}\n\
         [[work]]\ntitle = \"H\"\neffect = \"change\"\ndo = {{ http = \"{url}/banner\", method = \"PUT\", body = {{ a = 1 }}, \
         headers = {{ Authorization = \"Bearer secret:api\" }} }}\nundo = {{ none = \"a test\" }}\n\
         [[work]]\ntitle = \"O\"\neffect = \"change\"\ndo = {{ objects = \"put\", from = \"{{tree}}/backup\", to = \"s3://nova/one/\" }}\nundo = {{ none = \"a test\" }}\n"
    );
    estate.procedure("all", "", &steps);
    estate.midwatch(&["lint"]).exits(0);
    estate.start("all", &["--yes", "change"]).exits(0);
    let run = estate.run();
    let id = format!("run={}", run.dir.id);
    let place = |url: &str| format!("place=\"{}", url.trim_end_matches('/'));
    for (step, kind, place, keeps) in [
        ("step=1", "kind=\"postgres\"", "/postgres\"".to_owned(), true),
        ("step=2", "kind=\"redis\"", place(&redis), true),
        ("step=3", "kind=\"http\"", place(&url), false),
        ("step=4", "kind=\"s3\"", "/nova\"".to_owned(), false),
    ] {
        let attempt = format!("attempt={}.1", step.trim_start_matches("step="));
        for words in [vec![" runner[", step], vec![" act[", step, &attempt]] {
            line(&estate, &[&words[..], &[&id, "connection made", kind, &place]].concat());
            if keeps {
                line(&estate, &[&words[..], &[&id, "connection closed", kind, &place]].concat());
            }
        }
    }
    assert_eq!(service.of("PUT").len(), 1);
    for secret in [SECRET, "b4rn0wl"] {
        assert!(!log(&estate).contains(secret), "{secret} stays out of it");
    }
}

#[test]
fn a_connection_that_is_lost_in_mid_work_is_logged_as_lost() {
    let mut base = Base::new();
    base.step("change", SLOW, "");
    {
        let (run, prompt) = base.asked();
        run.accept(&prompt, consent(&prompt));
    }
    base.at_work("UPDATE");
    base.postgres.kill();
    outcome(&base.estate.run());
    let id = format!("run={}", base.estate.run().dir.id);
    line(&base.estate, &["WARN", " act[", &id, "step=1 attempt=1.1: connection lost", "kind=\"postgres\"", "cause="]);
}

#[test]
fn every_refusal_is_logged_with_its_cause() {
    let estate = estate_of("production", "04:30");
    let step =
        "[[work]]\ntitle = \"C\"\neffect = \"change\"\ndo = { exec = [\"true\"] }\nundo = { none = \"a test\" }\n";
    estate.procedure("change", "", step);
    estate.start("change", &["--yes", "change"]).exits(7);
    line(&estate, &["WARN", " run[", "command failed", "exit=7", "no window is open"]);
    // The directory of the log is there now, so that those who only look write to it, too.
    estate.midwatch(&["plan", "test/change"]).exits(7);
    line(&estate, &["WARN", " plan[", "command failed", "exit=7", "no window is open"]);
    estate.procedure("wrong", "lock = [3]", step);
    estate.midwatch(&["lint"]).exits(2);
    line(&estate, &["WARN", " lint[", "file refused", "wrong.toml:"]);
    fs::remove_file(estate.beside("procedures/wrong.toml")).unwrap();
    fs::set_permissions(estate.beside("midwatch.toml"), Permissions::from_mode(0o666)).unwrap();
    estate.midwatch(&["check"]).exits(3);
    line(&estate, &["WARN", " check[", "command failed", "midwatch.toml"]);
    fs::set_permissions(estate.beside("midwatch.toml"), Permissions::from_mode(0o644)).unwrap();

    let estate = Estate::default();
    let step = step.replace("\"true\"", "\"sleep\", \"600\"");
    estate.procedure("one", "lock = [\"grand\"]", &step);
    let run = estate.start_waiting("one");
    estate.start("one", &[]).exits(6);
    line(&estate, &["WARN", " run[", "command refused", "what=\"start\"", "grand is held by", run.dir.id.as_str()]);
    let gave_up = line(&estate, &["ERROR", " runner[", "runner gave up", "exit=6", "grand is held by"]);
    assert!(!gave_up.contains(&format!("run={}", run.dir.id)), "it is the other run's line: {gave_up}");
}

#[test]
fn commands_that_only_look_make_no_log_where_there_is_none() {
    let estate = Estate::default();
    estate.midwatch(&["check", "health"]);
    estate.midwatch(&["lint"]).exits(0);
    assert!(!estate.state().exists());
}
