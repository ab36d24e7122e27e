//! How an estate resolves a procedure's databases.

use crate::config::estate::Estate;
use crate::config::reader::Problem;
use crate::procedure::catalog::Library;
use crate::procedure::plan::Plan;
use crate::procedure::read::{lint, read};
use crate::runner::adapters::BuiltIn;
use std::collections::BTreeMap;
use std::path::Path;

const SECRETS: &str = "schema = 1\nname = \"e\"\nenvironment = \"other\"\n[secrets]\npg = \"env:PG_SECRET\"\nother = \"env:OTHER_SECRET\"\n";
const MAIN: &str =
    "[[postgres]]\nname = \"main\"\nwatch = \"service=watch\"\nact = \"host=db user=admin password=secret:pg\"\n";
const COPY: &str = "[[postgres]]\nname = \"copy\"\nwatch = \"service=copy\"\n";

fn adapters(entries: &[&str]) -> BuiltIn {
    let text = format!("{SECRETS}{}", entries.concat());
    BuiltIn::of(&Estate::parse(&text, Path::new("midwatch.toml")).unwrap())
}

fn procedure(on: &str) -> String {
    let head = "format = 1\nid = \"t\"\ntitle = \"T\"\nphases = [\"a\"]\n[params]\nbase = { target = \"postgres\" }\n";
    format!(
        "{head}[[a]]\ntitle = \"{{{{base}}}}\"\n{on}\neffect = \"change\"\ndo = {{ sql = \"VACUUM public.a\" }}\n\
         undo = {{ sql = \"ANALYZE public.a\" }}\n"
    )
}

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|it| format!("{} | {}", it.message, it.hint.as_deref().unwrap_or_default())).collect()
}

fn planned(on: &str, base: &str, adapters: &BuiltIn) -> Result<Plan, Vec<String>> {
    let file = Path::new("f");
    let procedure = read(&procedure(on), file, &BuiltIn::default()).unwrap();
    let given = BTreeMap::from([("base".to_owned(), base.to_owned())]);
    Plan::make(&procedure, &given, "e", "other", adapters, &Library::default()).map_err(|problems| messages(&problems))
}

#[test]
fn a_plan_holds_the_way_to_its_database_and_places_of_secrets_alone() {
    let plan = planned("on = \"{{base}}\"", "main", &adapters(&[MAIN, COPY])).unwrap();
    let act = plan.steps[0].act.as_ref().unwrap();
    assert_eq!(act.line, "main: VACUUM public.a");
    let expected = serde_json::json!({
        "target": "main",
        "watch": {"written": "service=watch"},
        "act": {"written": "host=db user=admin password=secret:pg", "secrets": {"pg": {"env": "PG_SECRET"}}},
        "ask": {"statement": {"sql": "VACUUM public.a", "lock_timeout_ms": 2000, "undo": false}},
    });
    assert_eq!(act.spec, expected);
    let crate::procedure::plan::UndoPlan::Undo(undo) = &plan.steps[0].undo else { panic!() };
    assert_eq!(undo.spec["act"], expected["act"], "the undo has its step's database");
}

#[test]
fn a_database_is_named_where_it_must_be_and_known_where_an_estate_is() {
    let both = adapters(&[MAIN, COPY]);
    let named = "on = \"{{base}}\"";
    let cases: [(&str, &str, &BuiltIn, &str); 7] = [
        (named, "mian", &both, "`base`: the estate has no postgres `mian` | did you mean `main`?"),
        (
            named,
            "copy",
            &both,
            "copy has no `act`: the estate names no role that may change it | add `act = \"…\"` to the [[postgres]] `copy`",
        ),
        ("", "main", &both, "`on` is missing: the estate has several databases: main, copy | "),
        ("", "main", &adapters(&[MAIN]), ""),
        ("on = \"manin\"", "main", &both, "the estate has no postgres `manin` | did you mean `main`?"),
        ("on = \"x\"", "main", &BuiltIn::default(), ""),
        ("", "x", &adapters(&[]), "`base`: the estate has no postgres `x` | "),
    ];
    for (on, base, adapters, expected) in cases {
        let found = planned(on, base, adapters).err().map(|lines| lines.first().cloned().unwrap_or_default());
        assert_eq!(found.unwrap_or_default(), expected, "{on} {base}");
    }
}

#[test]
fn a_file_is_checked_without_any_estate() {
    for adapters in [adapters(&[]), adapters(&[COPY]), adapters(&[MAIN, COPY]), BuiltIn::default()] {
        assert_eq!(lint(&procedure("on = \"{{base}}\""), Path::new("f"), &adapters), []);
    }
    assert_eq!(lint(&procedure("on = \"nowhere\""), Path::new("f"), &adapters(&[MAIN])).len(), 1);
    assert_eq!(lint(&procedure(""), Path::new("f"), &adapters(&[MAIN, COPY])).len(), 1);
}
