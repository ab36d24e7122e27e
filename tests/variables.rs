//! What a variable may set, and that one which is set to nothing sets nothing.

use crate::support::estate::{Estate, finish};
use clap::CommandFactory;

/// The flags by which a person consents or ends something: no variable may set them.
const CONSENT: [&str; 6] =
    ["demo --stop", "run --yes", "run --emergency", "run --confirm", "abort --undo", "abort --set-aside"];

/// Every flag of the command tree with the variable that sets it: `run --yes`, `--config`.
fn flags(command: &clap::Command, path: &str) -> Vec<(String, Option<String>)> {
    let own = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && (path.is_empty() || !argument.is_global_set()));
    let named = own.filter_map(|argument| Some((argument.get_long()?, argument.get_env())));
    let named = named.filter(|(long, _)| !["help", "version"].contains(long));
    let mut found: Vec<_> = named
        .map(|(long, variable)| {
            let variable = variable.map(|name| name.to_str().unwrap().to_owned());
            (format!("{path} --{long}").trim_start().to_owned(), variable)
        })
        .collect();
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        found.extend(flags(below, format!("{path} {}", below.get_name()).trim_start()));
    }
    found
}

#[test]
fn no_variable_carries_consent_and_every_other_flag_has_one() {
    let mut command = midwatch::cli::args::Cli::command();
    command.build();
    let found = flags(&command, "");
    assert!(found.len() > 15, "{found:?}");
    let without: Vec<&str> =
        found.iter().filter(|(_, variable)| variable.is_none()).map(|(flag, _)| flag.as_str()).collect();
    assert_eq!(without, CONSENT);
    for (flag, variable) in &found {
        assert!(variable.as_ref().is_none_or(|name| name.starts_with("MIDWATCH_")), "{flag}: {variable:?}");
    }
}

#[test]
fn an_inherited_variable_takes_nothing_back_and_ends_nothing() {
    let estate = Estate::default().with("MIDWATCH_ABORT_UNDO", "true").with("MIDWATCH_UNDO", "true");
    let step = |word: &str| {
        format!(
            "[[work]]\ntitle = \"{word}\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"echo x >>{{tree}}/done\"] }}\n\
             undo = {{ exec = [\"sh\", \"-c\", \"echo x >>{{tree}}/undone\"] }}\n"
        )
    };
    estate.procedure("two", "", &format!("{}[[end]]\ntitle = \"M\"\nmanual = \"look\"\n", step("one")));
    estate.start("two", &["--yes", "change"]).exits(75);
    estate.midwatch(&["abort", estate.run().dir.id.as_str()]).exits(0);
    estate.run().sealed();
    assert_eq!((estate.lines("done"), estate.lines("undone")), (1, 0));
}

#[test]
fn a_switch_takes_the_usual_words_and_names_its_variable_otherwise() {
    let mut estate = Estate::default();
    for (word, set) in [
        ("1", true),
        ("true", true),
        ("YES", true),
        ("on", true),
        ("0", false),
        ("false", false),
        ("no", false),
        ("Off", false),
    ] {
        estate.set("MIDWATCH_JSON", word);
        let printed = estate.midwatch(&["runs"]).exits(0);
        assert_eq!(printed.out.trim_start().starts_with(['{', '[']), set, "{word}: {}", printed.out);
    }
    for variable in ["MIDWATCH_JSON", "MIDWATCH_READ_ONLY"] {
        let mut estate = Estate::default();
        estate.set(variable, "perhaps");
        estate.midwatch(&["runs"]).exits(2).prints(variable).prints("perhaps");
    }
}

/// Each command line that a variable can change, with those variables: a word stands for each argument that must be there.
fn lines_with_variables() -> Vec<(Vec<String>, Vec<String>)> {
    let mut root = midwatch::cli::args::Cli::command();
    root.build();
    let variables = |command: &clap::Command, global: bool| -> Vec<String> {
        let own = command.get_arguments().filter(|arg| arg.is_global_set() == global);
        own.filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned)).collect()
    };
    let word = |arg: &clap::Arg| arg.get_possible_values().first().map_or("x".to_owned(), |one| one.get_name().into());
    let mut lines = vec![(vec!["runs".to_owned()], variables(&root, true))];
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        let needed = command.get_positionals().filter(|arg| arg.is_required_set()).map(word);
        lines.push(([command.get_name().to_owned()].into_iter().chain(needed).collect(), variables(command, false)));
    }
    lines.retain(|(_, variables)| !variables.is_empty());
    lines
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_as_unset() {
    let lines = lines_with_variables();
    assert!(lines.iter().map(|(_, variables)| variables.len()).sum::<usize>() > 15, "{lines:?}");
    for (line, variables) in lines {
        let args: Vec<&str> = line.iter().map(String::as_str).collect();
        for variable in variables {
            let estate = Estate::default();
            let ended = |empty: bool| {
                let mut command = estate.command(&args);
                command.env_remove(&variable);
                if empty {
                    command.env(&variable, "");
                }
                let printed = finish(command);
                (printed.code, printed.err)
            };
            assert_eq!(ended(true), ended(false), "{variable}= {}", line.join(" "));
        }
    }
    // An option that is given is another matter.
    Estate::default().midwatch(&["--config", "", "runs"]).exits(2).prints("--config");
}
