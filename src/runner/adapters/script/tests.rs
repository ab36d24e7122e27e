//! Real scripts, read by the grammar and by bash.

use super::*;
use crate::config::reader::parse as parse_toml;
use crate::config::secrets::{SecretPlace, Secrets};
use crate::domain::Wall;
use crate::procedure::adapters::Adapters;
use crate::runner::adapters::BuiltIn;
use crate::runner::adapters::sql::connection::Database;
use std::time::{Duration, Instant};

fn read(purpose: Purpose, toml: &str) -> (Option<Action>, Vec<String>) {
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let places = BTreeMap::from([("pg".to_owned(), SecretPlace::Env("NO_SUCH_VARIABLE_HERE".to_owned()))]);
    let secrets = Secrets { places };
    let database = |name: &str| Database { name: name.to_owned(), watch: None, act: None };
    let databases = [database("main"), database("mute")];
    let known = Known { trusted: &[], secrets: Some(&secrets), databases: Some(&databases) };
    let action = parse(purpose, table, &Scope::default(), &known, &mut problems);
    let into_iter = problems.into_sorted().into_iter();
    (action, into_iter.map(|problem| format!("{}: {}", problem.place.line, problem.message)).collect())
}

fn action(toml: &str) -> Action {
    let (action, lines) = read(Purpose::Do, toml);
    assert_eq!(lines, Vec::<String>::new());
    action.unwrap()
}

fn look() -> Look {
    Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: "h".to_owned(),
        effect: EffectClass::Change,
        now: Wall::from_unix(0, 0),
        deadline: Instant::now() + Duration::from_secs(60),
        restless: Vec::new(),
    }
}

#[test]
fn what_is_no_script_is_refused_with_its_line() {
    let cases = [
        ("script = ''", "1: `script` must not be empty"),
        ("script = 3", "1: `script` must be text, not a whole number"),
        ("script = '''\nset -x\nif true; then\n  echo a\n'''", "1: `script`: line 3 of the script: syntax error"),
        ("script = '''\necho 'a\n'''", "1: `script`: "),
        ("script = '''\necho a\nfi\n'''", "1: `script`: line 2 of the script: syntax error"),
        ("script = 'true'\ncwd = 'var'", "2: `cwd` must be an absolute path"),
        ("script = 'true'\nenv = { BASH_ENV = '/x' }", "2: `BASH_ENV` would have bash read other code or options"),
        ("script = 'true'\nenv = { A = 'secret:pq' }", "2: the estate names no secret `pq`"),
        ("script = 'true'\npostgres = 'maim'", "2: the estate has no postgres `maim`"),
        ("script = 'true'\npostgres = 'mute'", "2: mute has no `act`: the estate names no role that programs may use"),
        ("script = 'true'\nshell = 'zsh'", "2: unknown key"),
    ];
    for (toml, why) in cases {
        let (_, lines) = read(Purpose::Do, toml);
        assert!(lines.len() == 1 && lines[0].starts_with(why), "{toml}: {lines:?}");
    }
}

#[test]
fn what_lies_too_deep_is_refused_and_not_read() {
    let deep = format!("{}true{}", "( ".repeat(50_000), " )".repeat(50_000));
    assert_eq!(shell::parse(&deep).unwrap_err().why, "commands lie too deep within commands");
}

#[test]
fn what_bash_reads_is_a_script() {
    for text in [
        "a=(1 2); echo \"${a[@]}\"",
        "cat <<'END'\nit's\nEND",
        "for f in *.log; do [[ -f $f ]] || continue; gzip -- \"$f\"; done",
        "case $1 in a|b) echo;; *) exit 1;; esac",
        "f() { local x=$(( 1 + 2 )); printf '%s\\n' \"$x\" | tee >(cat) >/dev/null; }; f",
        "while read -r line; do echo \"${line%%:*}\"; done < <(getent passwd)",
        "trap 'rm -f \"$t\"' EXIT; t=$(mktemp)",
    ] {
        assert!(shell::parse(text).is_ok(), "{text}");
        reads(Path::new("/bin/bash"), text).unwrap();
    }
}

#[test]
fn its_least_effect_is_change_with_any_text() {
    let adapters = BuiltIn::default();
    let mut problems = Problems::of(Path::new("f"));
    let mut table = parse_toml("script = 'true'", &mut problems);
    let action = adapters.parse(Purpose::Check, &mut table, &Scope::default(), &mut problems).unwrap();
    assert_eq!((action.least, action.line.as_str()), (EffectClass::Change, "bash script of 1 line: true"));
}

#[test]
fn the_preview_shows_the_whole_script_and_what_loosens_it() {
    let toml = "script = '''\n# look\necho \"$A\"\nset +e; true\n'''\nenv = { A = 'b c' }\ncwd = '/'";
    let freeze = |toml: &str| {
        let mut set = Vec::new();
        preview(&action(toml), &look(), &mut set).map(|preview| (preview, set))
    };
    let (preview, set) = freeze(toml).unwrap();
    assert_eq!(preview.headline, "Run a bash script of 3 lines");
    assert_eq!(preview.warnings, ["line 3: strict mode is turned off from here on"]);
    assert!(preview.facts.contains(&("variables".to_owned(), "A=b c".to_owned())), "{:?}", preview.facts);
    let (all, shown) = adapters::items(&mut &*set, 1, 1).unwrap();
    assert_eq!((all, shown.len(), shown[0].name.as_str()), (3, 1, "   2  echo \"$A\""));
    assert_eq!(set, freeze(toml).unwrap().1, "nothing in it ages");
    let (_, other) = freeze(&toml.replace("b c", "d")).unwrap();
    assert_eq!(adapters::drift(&mut &*set, &mut &*other), ["the env is another than the one shown"]);
    let why = freeze("script = 'true'\nenv = { A = 'secret:pg' }").unwrap_err().message;
    assert!(why.ends_with("secret pg: variable NO_SUCH_VARIABLE_HERE: it is not set"), "{why}");
}

#[test]
fn a_secret_is_in_no_word_of_the_action() {
    let action = action("script = 'true'\nenv = { PGPASSWORD = 'secret:pg' }");
    let program = program(&action).unwrap();
    assert_eq!(program.argv, ["bash", "--noprofile", "--norc", "-euo", "pipefail"]);
    assert!(program.secrets.contains_key("PGPASSWORD") && !program.env.contains_key("PGPASSWORD"));
    assert!(program.environment().unwrap_err().contains("it is not set"));
}
