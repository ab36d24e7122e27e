//! The report of an undone step, for each adapter with an undo: what its undo did.
//!
//! ```text
//! act ─ a sign-off is asked for ─ abort with undo ─▶ sealed ─▶ the Run pane · the step's page · plain lines · md · html · json
//! ```

use crate::runner::http::Service;
use crate::runner::redis::Cache;
use crate::runner::sql::Base;
use crate::sources::bus::{Bus, UNIT};
use crate::support::estate::Estate;
use crate::support::run::{Run, consent};
use midwatch::config::keys::Kind;
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::StepState;
use midwatch::journal::fold::RunView;
use midwatch::journal::record::Ending;
use midwatch::procedure::adapters::Purpose;
use midwatch::runner::adapters::keys;
use midwatch::ui::shot::{self, Paper};
use std::collections::BTreeSet;

/// What has the real parts, and runs a step on them.
type Parts = fn(&Case);

/// One adapter with an undo, in one of its forms.
struct Case {
    /// The adapter, and the word of what it does where it has several; of `files` what is undone.
    kind: &'static str,
    effect: &'static str,
    /// The step's `do` and `undo`.
    acts: (&'static str, &'static str),
    /// The report of the act, and of its undo.
    answer: (&'static str, &'static str),
    parts: Parts,
}

const fn case(
    kind: &'static str,
    acts: (&'static str, &'static str),
    output: (&'static str, &'static str),
    parts: Parts,
) -> Case {
    Case { kind, effect: "change", acts, answer: output, parts }
}

const RESTORE: &str = "files = 'restore'";

/// Every one there is; `sql` twice, with a statement and with rows.
const CASES: [Case; 19] = [
    case("exec", ("exec = ['touch', '{tree}/a']", "exec = ['rm', '{tree}/a']"), ("exit code 0", "exit code 0"), bare),
    case("script", ("script = 'echo up'", "script = 'echo down'"), ("exit code 0", "exit code 0"), bare),
    case(
        "files move",
        ("files = 'move', under = 'logs', match = '*.log', to = 'to'", RESTORE),
        ("moved 3 of 3", "restored 3 of 3"),
        files,
    ),
    case(
        "files archive",
        ("files = 'archive', under = 'logs', match = '*.log', to = 'to'", RESTORE),
        ("archived 3 of 3", "restored 3 of 3"),
        files,
    ),
    case(
        "files rotate",
        ("files = 'rotate', under = 'logs', match = '*.log', reopen = 'each-line'", RESTORE),
        ("rotated 3 of 3", "restored 3 of 3"),
        files,
    ),
    case(
        "files permissions",
        ("files = 'permissions', under = 'logs', match = '*.log', mode = '0600'", RESTORE),
        ("set 3 of 3", "restored 3 of 3"),
        files,
    ),
    case(
        "sql",
        (
            "sql = \"INSERT INTO public.tasks VALUES (90001, 'new')\"",
            "sql = 'DELETE FROM public.tasks WHERE id = 90001'",
        ),
        ("INSERT done, 1 row", "DELETE done, 1 row"),
        database,
    ),
    Case {
        effect: "destroy",
        ..case(
            "sql",
            (
                "sql = 'DELETE FROM public.tasks WHERE id < 10'",
                "sql = \"INSERT INTO public.tasks SELECT n, 'again' FROM generate_series(1, 9, 2) n\"",
            ),
            ("DELETE of 5 of 5 rows", "INSERT done, 5 rows"),
            database,
        )
    },
    case(
        "redis release",
        (
            "redis = 'set', key = 'drain', value = '{{run.id}}', expire = '2h', if = 'absent'",
            "redis = 'release', key = 'drain', value = '{{run.id}}'",
        ),
        ("set drain", "released drain"),
        cache,
    ),
    Case {
        effect: "destroy",
        ..case(
            "redis set",
            ("redis = 'delete', key = 'mode'", "redis = 'set', key = 'mode', value = 'calm', expire = '2h'"),
            ("deleted", "set mode"),
            cache,
        )
    },
    case(
        "redis expire",
        (
            "redis = 'set', key = 'mode', value = 'x', no_expiry = 'a test'",
            "redis = 'expire', key = 'mode', expire = '1m'",
        ),
        ("set mode", "mode expires in 60 s"),
        cache,
    ),
    case(
        "redis delete",
        ("redis = 'set', key = 'flag', value = 'x', expire = '2h'", "redis = 'delete', key = 'flag'"),
        ("set flag", "deleted"),
        cache,
    ),
    case(
        "http",
        (
            "http = 'URL/banner', method = 'PUT', body = { text = 'back at four' }",
            "http = 'URL/banner', method = 'DELETE', status = 204",
        ),
        ("answered 200", "answered 204"),
        service,
    ),
    case(
        "systemd start",
        ("systemd = 'stop', unit = 'UNIT'", "systemd = 'start', unit = 'UNIT'"),
        ("UNIT is inactive", "UNIT is active"),
        unit,
    ),
    case(
        "systemd stop",
        ("systemd = 'start', unit = 'UNIT'", "systemd = 'stop', unit = 'UNIT'"),
        ("UNIT is active", "UNIT is inactive"),
        unit,
    ),
    case(
        "systemd restart",
        ("systemd = 'stop', unit = 'UNIT'", "systemd = 'restart', unit = 'UNIT'"),
        ("UNIT is inactive", "UNIT is active"),
        unit,
    ),
    case(
        "systemd reload",
        ("systemd = 'stop', unit = 'UNIT'", "systemd = 'reload', unit = 'UNIT'"),
        ("UNIT is inactive", "UNIT is active"),
        unit,
    ),
    // An act whose undo is another program altogether, and reports nothing.
    case("exec", ("exec = ['true']", "exec = ['sh', '-c', 'echo back']"), ("exit code 0", "exit code 0"), bare),
    case("script", ("script = 'exit 0'", "script = 'true'"), ("exit code 0", "exit code 0"), bare),
];

fn bare(case: &Case) {
    case.check(&Estate::default(), "");
}

fn files(case: &Case) {
    let estate = Estate::default();
    estate.file("to/kept", "");
    for number in 0..3 {
        estate.file(&format!("logs/{number}.log"), "log\n");
    }
    case.check(&estate, "");
}

fn database(case: &Case) {
    let base = Base::new();
    base.sql("GRANT USAGE ON SCHEMA public TO watch, admin");
    case.check(&base.estate, "");
}

fn cache(case: &Case) {
    let cache = Cache::new();
    cache.ask(&["SET", "mode", "calm"]);
    case.check(&cache.estate, "");
}

fn service(case: &Case) {
    let (_service, url) = Service::start();
    case.check(&Estate::default(), &url);
}

fn unit(case: &Case) {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::start(dir.path());
    case.check(&Estate::default().with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address()), "");
}

impl Case {
    /// Runs it, undoes it, and compares every form of the report with what the undo did.
    fn check(&self, estate: &Estate, url: &str) {
        let filled = |text: &str| text.replace("URL", url).replace("UNIT", UNIT);
        let (act, undo) = (filled(self.acts.0), filled(self.acts.1));
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"{}\"\ndo = {{ {act} }}\nundo = {{ {undo} }}\n\
             [[work]]\ntitle = \"Look\"\nmanual = \"Look at it.\"\n",
            self.effect
        );
        estate.procedure("undone", "", &steps);
        let run = estate.start_waiting("undone");
        let prompt = run.prompt();
        run.accept(&prompt, consent(&prompt));
        run.prompt_after(&prompt.id);
        run.midwatch("abort", &["--undo"]).exits(0);
        let over = |view: &RunView| view.sealed.is_some() || (view.steps[0].undo.is_some() && view.prompt.is_some());
        let view = run.wait(self.kind, over);
        assert!(view.sealed.is_some(), "{}: {:?}", self.kind, view.prompt);
        run.sealed();
        let (did, back) = (filled(self.answer.0), filled(self.answer.1));
        let step = &view.steps[0];
        let outcome = |end: &Option<midwatch::journal::record::Outcome>| {
            let end = end.clone().unwrap_or_else(|| panic!("{}: {view:?}", self.kind));
            (end.ending, end.detail)
        };
        let (act, undo) = (outcome(&step.outcome), outcome(&step.undo));
        assert_eq!((step.state, act.0, undo.0), (StepState::Undone, Ending::Ok, Ending::Ok), "{}", self.kind);
        assert!(act.1.contains(&did), "{}: {act:?}", self.kind);
        assert!(undo.1.contains(&back), "{}: {undo:?}", self.kind);
        let wrong = [Self::drawn(&view, &act.1, &undo.1), Self::reported(&run, &act.1, &undo.1)].concat();
        assert!(wrong.is_empty(), "{}: {}", self.kind, wrong.join("\n"));
    }

    /// What the Run pane and the page of the step do not say as they should.
    fn drawn(view: &RunView, act: &str, undo: &str) -> Vec<String> {
        let pane = screen(view, "6 z");
        let page = screen(view, "6 z g g Enter");
        let (did, back) = (page.find(&format!("outcome ok: {act}")), page.find(&format!("undo ok: {undo}")));
        let row = pane.contains(&format!("last step 1 undone · undo ok: {undo}"));
        missing([("row", row, &pane), ("step", did.is_some() && did < back, &page)])
    }

    /// The same of the plain lines, and of every form of the report.
    fn reported(run: &Run<'_>, act: &str, undo: &str) -> Vec<String> {
        let plain = run.midwatch("attach", &["--plain"]).exits(9).out;
        let line = plain.contains(&format!("undo of step 1 of 2 (Work): ok · {undo}"));
        let report = |form: &str| run.midwatch("report", &["--format", form]).exits(0).out;
        // The result of the undo comes first: it is the current state.
        let ordered = |row: &str, act: &str, undo: &str| {
            let (back, did) = (row.find(&format!("undo: ok: {undo}")), row.find(&format!("act: ok: {act}")));
            back.is_some() && back < did
        };
        let md = report("md").replace('\\', "");
        let md_row = md.lines().find(|line| line.starts_with("| 1 |")).unwrap_or_default();
        let html = report("html");
        let html_row = html.lines().find(|line| line.contains(">undone</td>")).unwrap_or_default();
        let json = report("json");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let step = &value["steps"][0];
        missing([
            ("plain", line, &plain),
            ("md", md_row.contains("| undone |") && ordered(md_row, act, undo), &md),
            ("md attempts", md.contains(&format!("| undo ok: {undo} (")), &md),
            ("html", ordered(html_row, &escaped(act), &escaped(undo)), &html),
            ("timeline", html.contains(&format!("The undo of Work: ok, {}", escaped(undo))), &html),
            ("json", (&step["state"], &step["undo"]["detail"]) == (&"undone".into(), &undo.into()), &json),
            ("json act", step["outcome"]["detail"] == act && step["undo"]["ending"] == "ok", &json),
        ])
    }
}

/// The names of what is not so, each with what stands there instead.
fn missing<const N: usize>(all: [(&str, bool, &String); N]) -> Vec<String> {
    all.into_iter().filter(|(_, is_so, _)| !is_so).map(|(name, _, text)| format!("WRONG {name}: {text}")).collect()
}

/// What a console shows of a sealed run after some keys; without frames, each space once.
fn screen(view: &RunView, keys: &str) -> String {
    let mut model = sample::following((200, 50), None, view.clone(), false);
    sample::press(&mut model, keys);
    let text = shot::of(&mut model, &Theme::labelled(Glyphs::Unicode), Paper::Dark).text;
    let text: String = text.chars().map(|c| if ('\u{2500}'..='\u{257f}').contains(&c) { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn every_adapter_reports_its_undo_wherever_an_undone_step_is_shown() {
    std::thread::scope(|scope| {
        for cases in CASES.chunks(5) {
            scope.spawn(|| cases.iter().for_each(|case| (case.parts)(case)));
        }
    });
}

/// The kinds with an undo, as the adapters declare them.
fn kinds() -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for way in keys::ways().iter().filter(|way| way.purposes.contains(&Purpose::Undo)) {
        let name = way.section.name;
        match way.section.keys.first().map(|key| &key.kind) {
            Some(Kind::Word(words)) if *words == ["restore"] => {
                kinds.extend(restored().into_iter().map(|word| format!("{name} {word}")));
            }
            Some(Kind::Word(words)) => kinds.extend(words.iter().map(|word| format!("{name} {word}"))),
            _ => drop(kinds.insert(name.to_owned())),
        }
    }
    kinds
}

/// What `files = "restore"` undoes, as it shows after other text.
fn restored() -> Vec<String> {
    let estate = Estate::default();
    let steps = "[[work]]\ntitle = \"Work\"\neffect = \"destroy\"\n\
                 do = { files = \"delete\", under = \"logs\", match = \"*\" }\nundo = { files = \"restore\" }\n";
    estate.procedure("none", "", steps);
    let text = estate.start("none", &[]).exits(2).err;
    let words = text.split_once(" follows ").unwrap_or_else(|| panic!("{text}")).1;
    let words = words.split_once(" of files only").unwrap_or_else(|| panic!("{text}")).0;
    words.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn no_adapter_that_can_take_a_step_back_is_left_out() {
    let cases: BTreeSet<String> = CASES.iter().map(|case| case.kind.to_owned()).collect();
    assert_eq!(cases, kinds());
}
