//! Procedures with windows and budgets, read with the real adapters.

use crate::calendar::{Calendar, WindowUse};
use crate::config::estate::Environment;
use crate::config::reader::Problem;
use crate::domain::Budget;
use crate::procedure::Procedure;
use crate::procedure::catalog::Library;
use crate::procedure::lint::windows::{Hours, contradicts, crowded, unserved};
use crate::procedure::plan::Plan;
use crate::procedure::read;
use crate::runner::adapters::BuiltIn;
use std::path::Path;

const PRODUCTION: Environment = Environment::Production;

fn procedure(header: &str, takes: &[&str]) -> Procedure {
    let mut text = format!("format = 1\nid = \"t/p{}\"\ntitle = \"T\"\nphases = [\"a\"]\n{header}\n", takes.len());
    for takes in takes {
        text.push_str(&format!(
            "[[a]]\ntitle = \"S\"\neffect = \"change\"\ntakes = \"{takes}\"\ndo = {{ exec = [\"/bin/true\"] }}\nundo = {{ none = \"x\" }}\n"
        ));
    }
    read::read(&text, Path::new("p.toml"), &BuiltIn::default()).unwrap()
}

fn problems(header: &str) -> Vec<String> {
    let text = format!(
        "format = 1\nid = \"t/x\"\ntitle = \"T\"\nphases = [\"a\"]\n{header}\n[[a]]\ntitle = \"M\"\nmanual = \"look\"\n"
    );
    let found = read::read(&text, Path::new("p.toml"), &BuiltIn::default()).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

fn plan(header: &str, params: &[(&str, &str)], environment: &str) -> Result<Plan, Vec<Problem>> {
    let procedure = procedure(header, &["1s"]);
    let given = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Plan::make(&procedure, &given, "e", environment, &BuiltIn::default(), &Library::default())
}

fn calendar() -> Calendar {
    let text = r#"schema = 1
[[window]]
name = "weekly"
environment = "production"
starts = "0 2 * * SUN"
lasts = "2h"
operations = ["vacuum", "patches"]
[[window]]
name = "monthly"
environment = "production"
starts = "0 1 * * SUN#1"
lasts = "5h"
operations = ["patches"]
"#;
    crate::calendar::parse(text, Path::new("windows.toml")).unwrap()
}

fn hours(calendar: &Calendar) -> Hours<'_> {
    Hours { file: Path::new("windows.toml"), calendar, environment: PRODUCTION }
}

fn library(procedures: &[&Procedure]) -> Library {
    procedures.iter().map(|procedure| (procedure.id.clone(), (*procedure).clone())).collect()
}

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_plan_has_its_window_and_its_budget() {
    let plan_of = |header: &str, params: &[(&str, &str)]| plan(header, params, "production").unwrap();
    let made = plan_of("window = \"weekly\"\nbudget = { run = \"70m\", undo = \"20m\" }", &[]);
    assert_eq!(made.window, Some(WindowUse::Named("weekly".into())));
    assert_eq!(made.budget, Budget { run_s: Some(4200), undo_s: Some(1200) });
    let header = "window = { environment = \"{{env}}\", operation = \"{{what}}\" }\nparams = { env = { one_of = [\"production\", \"staging\"] }, what = { text = true } }";
    let made = plan_of(header, &[("env", "production"), ("what", "vacuum")]);
    let wanted = WindowUse::Operation { environment: Some("production".into()), operation: "vacuum".into() };
    assert_eq!(made.window, Some(wanted));
    assert_eq!(Plan::from_json(&made.to_json().unwrap()).unwrap(), made);
    let other = plan(header, &[("env", "staging"), ("what", "vacuum")], "production").unwrap_err();
    assert_eq!(
        messages(&other),
        ["p.toml:5:26: this estate is production, and the windows of staging are not its own"]
    );
    assert_eq!(plan_of("", &[]).window, None);
}

#[test]
fn all_wrong_windows_and_budgets_are_reported_at_once() {
    let cases = [
        ("window = 3", "p.toml:5:10: `window` must be text, not a whole number"),
        ("window = \"\"", "p.toml:5:10: `window` must not be empty"),
        ("window = { name = \"weekly\" }", "`operation` is missing|unknown key `name`"),
        ("window = { environment = \"prod\", operation = \"x\" }", "must be one of production, staging, other"),
        ("window = \"{{nothing}}\"", "nothing"),
        ("budget = { }", "`budget` says nothing"),
        ("budget = { run = \"soon\", back = \"1m\" }", "`run` must be a span|unknown key `back`"),
        ("budget = \"70m\"", "`budget` must be a table"),
    ];
    for (header, expected) in cases {
        let text = problems(header).join("\n");
        for part in expected.split('|') {
            assert!(text.contains(part), "{header}: {text}");
        }
    }
}

#[test]
fn a_procedure_that_fits_no_window_is_reported() {
    let calendar = calendar();
    let describe = |header: &str, takes: &[&str]| {
        messages(&contradicts(&procedure(header, takes), &Library::default(), hours(&calendar)))
    };
    assert_eq!(describe("window = \"weekly\"", &["30m", "80m"]), Vec::<String>::new());
    let long =
        "p.toml:5:10: this takes 3 h, and the window `weekly` lasts 2 h (a longer window, or fewer steps at a time)";
    assert_eq!(describe("window = \"weekly\"", &["90m", "90m"]), [long]);
    // The longest window that allows it counts.
    assert_eq!(describe("window = { operation = \"patches\" }", &["90m", "90m"]), Vec::<String>::new());
    assert!(describe("window = { operation = \"vacuum\" }", &["90m", "90m"])[0].contains("`weekly` lasts 2 h"));
    let both = describe("window = \"weekly\"\nbudget = { run = \"110m\", undo = \"20m\" }", &["1m"]);
    assert!(both[0].contains("this takes 1 h 50 m and 20 m for the rollback"), "{both:?}");
    assert!(
        describe("window = \"weakly\"", &["1m"])[0].ends_with("there is no window `weakly` (did you mean `weekly`?)")
    );
    assert!(describe("window = { operation = \"vacum\" }", &["1m"])[0].contains("did you mean `vacuum`?"));
    let open = "window = \"{{which}}\"\nparams = { which = { text = true } }";
    assert_eq!(describe(open, &["1m"]), Vec::<String>::new());
}

#[test]
fn a_window_reports_that_it_is_too_short_or_that_no_procedure_uses_it() {
    let calendar = calendar();
    let hours = hours(&calendar);
    let weekly = procedure("window = \"weekly\"", &["80m"]);
    let vacuum = procedure("window = { operation = \"vacuum\" }", &["30m", "30m"]);
    let patches = procedure("window = { operation = \"patches\" }", &["30m", "30m", "30m"]);
    let message = "what belongs in this window takes 2 h 20 m, and it lasts 2 h: t/p1 1 h 20 m, t/p2 1 h";
    assert_eq!(
        messages(&crowded(hours, &library(&[&weekly, &vacuum, &patches]))),
        [format!("windows.toml:3:8: {message}")]
    );
    assert_eq!(crowded(hours, &library(&[&vacuum, &patches])), []);
    assert_eq!(messages(&unserved(hours, &library(&[&weekly, &vacuum, &patches]))), Vec::<String>::new());
    let left = messages(&unserved(hours, &library(&[&vacuum])));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].starts_with("windows.toml:3:8: no procedure is for the operation `patches`"));
    assert!(left[1].starts_with("windows.toml:9:8: no procedure is for the operation `patches`"));
    let any = procedure("window = { operation = \"{{o}}\" }\nparams = { o = { text = true } }", &["1m"]);
    assert_eq!(unserved(hours, &library(&[&any])), []);
}
