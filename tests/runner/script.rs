//! Scripts through the real runner: strict, private, killed at every failpoint, and each effect once.

use crate::runner::failpoints::{OF_ONE_STEP, each, killed};
use crate::support::estate::Estate;
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Answer, Ask, Ending};
use std::os::unix::fs::PermissionsExt;

/// Writes a procedure of one step that runs a script.
fn step(estate: &Estate, script: &str, more: &str) {
    let steps = format!(
        r#"
[[work]]
title  = "Run it"
effect = "change"
do     = {{ script = '''
{script}
'''{more} }}
prove  = {{ exec = ["test", "-s", "{{tree}}/done"] }}
undo   = {{ none = "a test" }}
"#
    );
    estate.procedure("script", "", &steps);
}

#[test]
fn the_first_failure_ends_it_and_a_pipe_fails_with_its_first_part() {
    for script in ["false | cat", "echo $NOT_SET", "false", "cat /no/such/file | gzip >dump.gz"] {
        let estate = Estate::default();
        step(&estate, &format!("{script}\necho after >done"), "");
        estate.start("script", &["--yes", "change"]).exits(1);
        let end = estate.run().view().steps[0].outcome.clone().unwrap();
        assert_eq!((end.ending, estate.lines("done")), (Ending::Failed, 0), "{script}");
        assert!(end.code.is_some_and(|code| code != 0), "{end:?}");
    }
}

#[test]
fn it_gets_its_values_by_the_environment_alone_and_its_secret_is_kept_nowhere() {
    let script = "! grep -q hunter2 /proc/$$/cmdline\nenv >done\n\
                  echo \"pw=$PW and $(printf %s \"$PW\" | base64)\"\nread -r line || echo \"no input\"";
    let estate = Estate::default().with("MW_TEST_SECRET", "hunter2secret!");
    estate.configure("[secrets]\npw = \"env:MW_TEST_SECRET\"\n");
    step(&estate, script, ", env = { PW = \"secret:pw\", A = \"x; touch injected\" }");
    estate.start("script", &["--yes", "change"]).exits(0).prints("pw=[masked] and [masked]").prints("no input");
    let seen = std::fs::read_to_string(estate.tree("done")).unwrap();
    assert!(seen.contains("PW=hunter2secret!\n") && seen.contains("A=x; touch "), "{seen}");
    assert!(!seen.contains("MW_TEST_SECRET") && !estate.tree("injected").exists());
    let run = estate.run();
    let kept = run.dir.attempt("1.1").join("script");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    estate.keeps_nowhere("hunter2secret");
    run.is_whole_and_known();
}

#[test]
fn nothing_is_filled_into_the_text() {
    let estate = Estate::default();
    step(&estate, "echo {{run.dir}} >done", "");
    estate.midwatch(&["lint"]).prints("a script takes no `{{…}}`: bash would read the value as code");
    estate.start("script", &["--yes", "change"]).exits(2);
    assert_eq!(estate.lines("done"), 0);
}

#[test]
fn killed_anywhere_it_runs_once() {
    each(&OF_ONE_STEP, |point, case| {
        let mut estate = Estate::default().with("MIDWATCH_FAILPOINT", case);
        step(&estate, "echo once >>done", "");
        estate.start("script", &["--yes", "change"]);
        killed(&mut estate, point, case);
        let view = estate.run().drive();
        assert_eq!((view.sealed, estate.lines("done")), (Some(RunStatus::Ok), 1), "{case}");
        estate.run().is_whole_and_known();
        estate.nothing_runs();
    });
}

#[test]
fn its_text_is_shown_whole_in_the_plan_the_page_the_prompt_and_every_report() {
    let estate = Estate::default();
    let lines: Vec<String> = (1..=40).map(|number| format!("printf line-{number:03}")).collect();
    let undo: Vec<String> = (1..=9).map(|number| format!("printf undone-{number:03}")).collect();
    step(&estate, &format!("{}\necho over >done", lines.join("\n")), "");
    let file = estate.procedure_file("script");
    let script = format!("undo   = {{ script = '''\n{}\n''' }}", undo.join("\n"));
    let text = std::fs::read_to_string(&file).unwrap().replace("undo   = { none = \"a test\" }", &script);
    std::fs::write(&file, text).unwrap();
    let lines = [lines, undo].concat();
    let whole = |what: &str, text: &str| {
        let lacks: Vec<&String> = lines.iter().filter(|line| !text.contains(line.as_str())).collect();
        assert!(lacks.is_empty(), "{what} lacks {lacks:?}:\n{text}");
    };
    whole("the plan", &estate.midwatch(&["plan", "test/script"]).exits(0).out);
    whole("the page", &estate.midwatch(&["print", "test/script"]).exits(0).out);
    let run = estate.start_waiting("script");
    let prompt = run.prompt();
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    whole("the prompt", &preview.listing.as_ref().unwrap().text);
    whole("the first record", &run.view().steps[0].head.listing.as_ref().unwrap().text);
    run.accept(&prompt, Answer::Confirm { typed: "change".to_owned() });
    run.sealed();
    for format in ["md", "html", "json"] {
        whole(format, &run.midwatch("report", &["--format", format]).exits(0).out);
    }
}
