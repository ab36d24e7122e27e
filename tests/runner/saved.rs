//! What a read saves, and what a prompt shows, is whole, or it is refused with its size.

use crate::runner::redis::Cache;
use crate::runner::sql::{Base, outcome, preview};
use crate::support::estate::Estate;
use crate::support::run::{consent, demand};
use midwatch::domain::RunStatus;
use midwatch::journal::record::Ending;
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
    let printed = estate.start("read", &[]);
    let outcome = estate.run().view().step(0).unwrap().outcome.clone().unwrap();
    assert!(outcome.detail.contains("it printed 17") && outcome.detail.contains("at most 16"), "{}", outcome.detail);
    assert!(outcome.whole.is_empty() && printed.code != Some(0), "{:?}", printed.code);
}

/// An estate with so many series of backups, each with one file.
fn with_backups(number: usize) -> Estate {
    let estate = Estate::default();
    estate.file("backups/set.dump", "a backup");
    let written = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(estate.tree("backups/set.dump")).unwrap().set_modified(written).unwrap();
    let place = estate.tree("backups");
    let entry = |n: usize| {
        format!("[[backup]]\nname = \"series-{n:04}\"\nfiles = \"{}/*.dump\"\nmax_age = \"24h\"\n", place.display())
    };
    estate.configure(&(1..=number).map(entry).collect::<String>());
    estate
}

const FACTS: &str = "[[look]]\ntitle = \"Read\"\nread = { probe = \"backup\" }\nsave = \"before\"\n\
    [[look]]\ntitle = \"Use it\"\neffect = \"change\"\n\
    do = { exec = [\"sh\", \"-c\", \"printf %s \\\"$1\\\" > \\\"$2\\\"\", \"sh\", \"{{before[series-0040].newest}}\", \"{tree}/copy\"] }\n\
    undo = { none = \"a test\" }\n";

#[test]
fn the_facts_of_every_row_are_saved_or_the_read_is_refused_with_their_size() {
    let estate = with_backups(40);
    estate.procedure("facts", "", FACTS);
    estate.start("facts", &["--yes", "change"]).exits(0);
    assert_eq!(fs::read_to_string(estate.tree("copy")).unwrap(), "set.dump");
    let facts = estate.run().view().step(0).unwrap().outcome.clone().unwrap().evidence.unwrap().facts;
    assert!(facts.len() > 200 && !facts.contains_key("facts_left_out"), "{}", facts.len());
    let estate = with_backups(600);
    estate.procedure("facts", "", FACTS);
    assert_ne!(estate.start("facts", &["--yes", "change"]).code, Some(0));
    let outcome = estate.run().view().step(0).unwrap().outcome.clone().unwrap();
    let describe = |words: &str| assert!(outcome.detail.contains(words), "{}", outcome.detail);
    describe("unknown: it brought ");
    describe(" facts of ");
    describe("at most 128 KiB are kept");
    assert!(!estate.tree("copy").exists(), "nothing used a part of it");
    // A check is not refused for its output: it records how much of that is not kept.
    estate.procedure("check", "", "[[look]]\ntitle = \"Check\"\ncheck = { probe = \"backup\", at_least = \"warn\" }\n");
    estate.start("check", &[]);
    let facts = estate.run().view().step(0).unwrap().outcome.clone().unwrap().evidence.unwrap().facts;
    assert!(facts["facts_left_out"].parse::<u64>().unwrap() > 100, "{facts:?}");
}

#[test]
fn a_value_that_is_not_text_is_refused() {
    let estate = Estate::default();
    fs::write(estate.tree("big"), b"caf\xe9 au lait").unwrap();
    estate.procedure("read", "", STEPS.split("[[work]]\ntitle  = \"Use").next().unwrap());
    assert_ne!(estate.start("read", &[]).code, Some(0));
    let outcome = estate.run().view().step(0).unwrap().outcome.clone().unwrap();
    assert_eq!(outcome.detail, "unknown: it printed 12 B, which are no UTF-8 text from byte 4 on");
}

/// A read of a key, and a step that uses what it holds.
const READ: &str = "[[work]]\ntitle = \"Read\"\nread = { redis = \"get\", key = \"mode\" }\nsave = \"before\"\n\
    [[work]]\ntitle = \"Use it\"\neffect = \"change\"\n\
    do = { exec = [\"sh\", \"-c\", \"printf %s \\\"$1\\\" > \\\"$2\\\"\", \"sh\", \"{{before.value}}\", \"{tree}/copy\"] }\n\
    undo = { none = \"a test\" }\n";

#[test]
fn a_long_text_is_read_whole_and_too_long_a_one_is_refused_with_its_size() {
    let cache = Cache::new();
    cache.estate.procedure("redis", "", READ);
    let text = format!("{}the end", "x".repeat(20_000));
    cache.ask(&["SET", "mode", &text]);
    cache.estate.start("redis", &["--yes", "change"]).exits(0);
    assert!(fs::read_to_string(cache.estate.tree("copy")).unwrap() == text, "another text was passed on");
    let last = |words: &str| {
        let end = cache.estate.run().view().step(0).unwrap().outcome.clone().unwrap();
        assert!(end.detail.contains(words), "{}", end.detail);
        end.ending
    };
    assert_eq!(last("mode holds a text of 20 KiB"), Ending::Ok);
    cache.ask(&["SET", "mode", &"x".repeat(300 << 10)]);
    assert_ne!(cache.estate.start("redis", &["--yes", "change"]).code, Some(0));
    assert_eq!(last("unknown: mode holds 300 KiB, and the limit is 256 KiB"), Ending::Failed);
    let _: String = cache.server.ask(&["EVAL", "return redis.call('SET', 'mode', 'caf\\233')", "0"]).unwrap();
    assert_ne!(cache.estate.start("redis", &["--yes", "change"]).code, Some(0));
    assert_eq!(last("unknown: mode holds 4 B that are no UTF-8 text"), Ending::Failed);
    // Whether it is there does not depend on what it holds.
    let there = "[[work]]\ntitle = \"C\"\ncheck = { redis = \"get\", key = \"mode\", expect = \"present\" }\n";
    cache.estate.procedure("redis", "", there);
    cache.estate.start("redis", &[]).exits(0);
}

#[test]
fn a_long_text_that_changed_since_it_was_shown_is_not_written_over() {
    let cache = Cache::new();
    cache.step("change", "\"set\", key = \"mode\", value = \"new\", expire = \"1h\"", "");
    cache.ask(&["SET", "mode", &"a".repeat(20_000)]);
    let (run, prompt) = cache.asked();
    // As long as before, and another.
    cache.ask(&["SET", "mode", &"b".repeat(20_000)]);
    run.to_it(demand(&prompt, consent(&prompt)));
    let after = run.prompt_after(&prompt.id);
    assert_ne!(prompt.ask.hash(), after.ask.hash());
    assert_eq!(cache.ask(&["GET", "mode"]), "b".repeat(20_000));
    let cache = Cache::new();
    cache.step("change", "\"set\", key = \"mode\", value = \"new\", expire = \"1h\"", "");
    cache.ask(&["SET", "mode", &"c".repeat(300 << 10)]);
    let (_run, prompt) = cache.asked();
    let text = "mode holds 300 KiB: its content is too long to be compared before the act";
    assert!(preview(&prompt).warnings.contains(&text.to_owned()), "{:?}", preview(&prompt).warnings);
}

#[test]
fn a_statement_of_several_lines_is_shown_and_kept_as_it_is_written() {
    let base = Base::new();
    // On one line everything behind the dashes would read as a comment, and the two spaces as one.
    let sql = "DELETE FROM public.tasks -- those that are done\nWHERE id < 10\n  AND note <> 'two  spaces'";
    base.step("destroy", sql, "");
    let (run, prompt) = base.asked();
    let seen = preview(&prompt);
    let listing = seen.listing.as_ref().unwrap();
    assert_eq!((listing.name.as_str(), listing.text.as_str()), ("SQL statement", sql));
    assert_eq!(run.view().step(0).unwrap().head.listing.as_ref(), Some(listing), "the plan had it, too");
    assert!(seen.headline.starts_with("DELETE FROM public.tasks "), "{}", seen.headline);
    run.accept(&prompt, consent(&prompt));
    assert_eq!(outcome(&run).ending, Ending::Ok, "{:?}", outcome(&run));
    let long = format!("UPDATE public.tasks SET note = '{}' WHERE id = 11", "y".repeat(300));
    base.step("change", &long, "");
    let (_run, prompt) = base.asked();
    let seen = preview(&prompt);
    assert_eq!(seen.listing.as_ref().map(|listing| listing.text.as_str()), Some(long.as_str()));
    assert!(seen.headline.contains("y… (") && seen.headline.contains(" more characters) on main"), "{}", seen.headline);
    base.step("change", "VACUUM public.tasks", "");
    let (_run, prompt) = base.asked();
    assert_eq!(preview(&prompt).listing, None, "its headline has it");
}

#[test]
fn a_sentence_for_a_long_row_is_used_whole() {
    let base = Base::new();
    base.estate.procedure(
        "sql",
        "",
        "[[work]]\ntitle = \"Read\"\nread = { sql = '''SELECT repeat('x', 5000) AS text, 'the end' AS z''' }\nsave = \"before\"\n\
         [[work]]\ntitle = \"Use it\"\neffect = \"change\"\n\
         do = { exec = [\"sh\", \"-c\", \"printf %s \\\"$1\\\" > \\\"$2\\\"\", \"sh\", \"{{before}}\", \"{tree}/copy\"] }\n\
         undo = { none = \"a test\" }\n",
    );
    base.estate.start("sql", &["--yes", "change"]).exits(0);
    let copy = fs::read_to_string(base.estate.tree("copy")).unwrap();
    assert_eq!(copy, format!("text {} · z the end", "x".repeat(5000)));
    let run = base.estate.run();
    let end = outcome(&run);
    assert!(end.detail.contains(" more, whole in saved/"), "{}", end.detail);
    run.midwatch("verify", &[]).exits(0);
}

#[test]
fn a_script_is_shown_whole_or_refused_with_its_size() {
    use std::os::unix::fs::PermissionsExt;
    let estate = Estate::default();
    let script = |text: &str| {
        estate.file("tool", text);
        fs::set_permissions(estate.tree("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let step = "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = { exec = [\"{tree}/tool\"] }\nundo = { none = \"a test\" }\n";
    estate.procedure("script", "", step);
    let long = format!("#!/bin/sh\n: {}\n{}: the end\n", "x".repeat(100 << 10), ": a line\n".repeat(9000));
    script(&long);
    let run = estate.start_waiting("script");
    assert_eq!(preview(&run.prompt()).listing.as_ref().unwrap().text, long);
    run.midwatch("abort", &[]).exits(0);
    script(&format!("#!/bin/sh\n{}", ": a line\n".repeat(40_000)));
    let printed = estate.start("script", &["--yes", "change"]).exits(7);
    printed.prints("tool: it has 352 KiB, and at most 256 KiB in 20,000 lines are shown");
    // As many bytes as may be shown, and each of them six in a record.
    script(&format!("#!/bin/sh\n: {}\n", "\u{1}".repeat(200 << 10)));
    estate.start("script", &["--yes", "change"]).exits(7).prints("and a prompt holds at most 480 KiB");
    assert_eq!(estate.names(""), ["tool"]);
}
