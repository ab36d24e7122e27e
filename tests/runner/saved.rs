//! What a read saves is whole, or it is refused with its size.

use crate::support::estate::Estate;
use midwatch::domain::RunStatus;
use std::fs;

/// A read of a file, and a step that uses the whole of what was read.
const STEPS: &str = r#"
[[work]]
title = "Read"
read  = { exec = ["cat", "{tree}/big"] }
save  = "before"
[[work]]
title  = "Use it"
effect = "change"
when   = "before.output matches *the*last*line*"
do     = { exec = ["sh", "-c", "printf %s \"$1\" > \"$2\"", "sh", "{{before.output}}", "{tree}/copy"] }
undo   = { none = "a test" }
"#;

fn estate(text: &str) -> Estate {
    let estate = Estate::default();
    fs::create_dir_all(estate.tree("")).unwrap();
    fs::write(estate.tree("big"), text).unwrap();
    estate
}

#[test]
fn a_long_output_is_saved_whole_and_used_whole() {
    // More lines and more bytes than the journal keeps, and less than one argument of a program holds.
    let lines: Vec<String> = (0..2000).map(|number| format!("{number:05} some line of output")).collect();
    let text = format!("{}\nthe last line", lines.join("\n"));
    let estate = estate(&format!("{text}\n"));
    let steps = STEPS.replace("when   = \"before.output matches *the*last*line*\"\n", "");
    estate.procedure("read", "", &steps);
    estate.start("read", &["--yes", "change"]).exits(0);
    assert!(fs::read_to_string(estate.tree("copy")).unwrap() == text, "another text was passed on");
    let run = estate.run();
    assert_eq!(run.view().sealed, Some(RunStatus::Ok));
    let outcome = run.view().step(0).unwrap().outcome.clone().unwrap();
    let whole = &outcome.whole["output"];
    assert_eq!(whole.bytes, text.len() as u64);
    let kept = run.dir.path.join("saved").join(whole.sha256.as_str());
    assert!(fs::read_to_string(&kept).unwrap() == text, "the file is not what was printed");
    let excerpt = &outcome.evidence.unwrap().facts["output"];
    assert!(excerpt.len() < 5000 && excerpt.contains("more, whole in saved/"), "{excerpt}");
    run.midwatch("verify", &[]).exits(0);
    fs::write(&kept, "another").unwrap();
    run.midwatch("verify", &[]).exits(4);
}

#[test]
fn an_output_that_is_too_long_is_refused_with_its_size() {
    let estate = estate(&"a line of sixteen\n".repeat((17 << 20) / 18));
    estate.procedure("read", "", STEPS.split("[[work]]\ntitle  = \"Use").next().unwrap());
    let said = estate.start("read", &[]);
    let outcome = estate.run().view().step(0).unwrap().outcome.clone().unwrap();
    assert!(outcome.detail.contains("it printed 17") && outcome.detail.contains("at most 16"), "{}", outcome.detail);
    assert!(outcome.whole.is_empty() && said.code != Some(0), "{:?}", said.code);
}
