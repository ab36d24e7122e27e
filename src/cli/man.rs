//! `midwatch man`, generated from the same definitions as the help.

use crate::app::keymap::{ACTIONS, Context, Keymap};
use crate::cli::args::{Cli, Man};
use crate::cli::out;
use crate::config::keymap;
use crate::domain::Error;
use crate::domain::error::Result;
use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, roman};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Prints the man page, or writes one page for every command into a directory.
///
/// # Errors
/// When standard output is closed, or the directory cannot be written.
pub fn man(args: &Man) -> Result<u8> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(out) = &args.out else { return out::print(&page(&root, true)?) };
    let failed = |path: &Path, cause| Error::machine(format_args!("write {}", path.display()), cause);
    fs::create_dir_all(out).map_err(|cause| failed(out, cause))?;
    let subs = root.get_subcommands().filter(|sub| !sub.is_hide_set());
    let pages = std::iter::once((&root, true)).chain(subs.map(|sub| (sub, false)));
    for (command, whole) in pages {
        let path = out.join(clap_mangen::Man::new(command.clone()).get_filename());
        let bytes = page(command, whole)?;
        fs::write(&path, bytes).map_err(|cause| failed(&path, cause))?;
    }
    Ok(0)
}

/// One page; the first one also tells of the variables, the files, the keys and the exit codes.
fn page(command: &Command, whole: bool) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let failed = |cause: io::Error| Error::machine("make the man page", cause);
    // An empty date would be left out, and what follows it take its place.
    let man = clap_mangen::Man::new(command.clone()).date(" ").manual("Midwatch");
    man.render_title(&mut out).and_then(|()| man.render_name_section(&mut out)).map_err(failed)?;
    synopsis(command, whole).to_writer(&mut out).map_err(failed)?;
    man.render_description_section(&mut out).and_then(|()| man.render_options_section(&mut out)).map_err(failed)?;
    let mut more = Roff::new();
    if whole {
        man.render_subcommands_section(&mut out).map_err(failed)?;
        environment(&mut more, command);
        entries(&mut more, "FILES", FILES);
        keys(&mut more);
        entries(&mut more, "EXIT STATUS", CODES);
    } else {
        more.control("SH", ["SEE ALSO"]).text([bold("midwatch"), roman("(1)")]);
    }
    more.to_writer(&mut out).map_err(failed)?;
    if whole {
        man.render_extra_section(&mut out).map_err(failed)?;
    }
    Ok(out)
}

/// How a command is typed, with the values of its options and its arguments; on the first page how each of them is.
fn synopsis(command: &Command, whole: bool) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]);
    let subs = command.get_subcommands().filter(|sub| whole && !sub.is_hide_set());
    for (place, one) in std::iter::once(command).chain(subs).enumerate() {
        if place > 0 {
            page.control("br", []);
        }
        let name = one.get_bin_name().unwrap_or_else(|| one.get_name()).to_owned();
        // What everything shares is told once.
        let is_own = |arg: &&Arg| !arg.is_hide_set() && (place == 0 || !arg.is_global_set());
        let mut words: Vec<String> = one.get_arguments().filter(is_own).filter_map(option).collect();
        words.extend(one.get_positionals().filter(is_own).map(positional));
        if one.has_subcommands() && place == 0 && whole {
            words.push("[COMMAND]".to_owned());
        }
        page.text([bold(name), roman(format!(" {}", words.join(" ")))]);
    }
    page
}

/// `[--yes CLASS]`; nothing for help and version, which every command has.
fn option(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !["help", "version"].contains(long))?;
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).and_then(<[_]>::first);
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    let more = if matches!(arg.get_action(), ArgAction::Append) { "..." } else { "" };
    Some(format!("[--{long}{value}]{more}"))
}

/// `PROC`, `[KEY=VALUE]...`.
fn positional(arg: &Arg) -> String {
    let name =
        arg.get_value_names().and_then(<[_]>::first).map_or_else(|| arg.get_id().to_string(), ToString::to_string);
    let more = if arg.get_num_args().is_some_and(|many| many.max_values() > 1) { "..." } else { "" };
    if arg.is_required_set() { format!("{name}{more}") } else { format!("[{name}]{more}") }
}

/// The variables: those that stand for an option, from the definitions, and the others.
fn environment(page: &mut Roff, root: &Command) {
    page.control("SH", ["ENVIRONMENT"]).text([roman("A variable that is set to nothing counts as unset.")]);
    let all = std::iter::once(root).chain(root.get_subcommands().filter(|sub| !sub.is_hide_set()));
    let args = all.flat_map(Command::get_arguments).filter(|arg| !arg.is_hide_set());
    let known: BTreeMap<String, String> = args
        .filter_map(|arg| Some((arg.get_env()?.to_str()?.to_owned(), format!("As --{}.", arg.get_long()?))))
        .collect();
    for (name, means) in &known {
        page.control("TP", []).text([bold(name.as_str())]).text([roman(means.as_str())]);
    }
    for (name, means) in VARIABLES {
        page.control("TP", []).text([bold(*name)]).text([roman(*means)]);
    }
}

fn entries(page: &mut Roff, section: &str, all: &[(&str, &str)]) {
    page.control("SH", [section]);
    for (name, means) in all {
        page.control("TP", []).text([bold(*name)]).text([roman(*means)]);
    }
}

/// The variables that stand for no option.
const VARIABLES: &[(&str, &str)] = &[
    ("XDG_CONFIG_HOME", "Where midwatch/midwatch.toml is looked for; ~/.config otherwise."),
    ("XDG_STATE_HOME", "Where midwatch/ keeps runs and its log; ~/.local/state otherwise."),
    ("MIDWATCH_LOG", "A filter for Midwatch's own log, such as midwatch=debug."),
    ("NO_COLOR, COLORTERM, TERM", "How many colours are shown."),
    ("LC_ALL, LC_CTYPE, LANG", "Whether signs may be more than ASCII."),
    (
        "PG*, REDIS_URL, KUBECONFIG",
        "Without an estate file: what is looked at. PG* hold for every connection as libpq has them.",
    ),
];

/// The files that are read and written.
const FILES: &[(&str, &str)] = &[
    (
        "$XDG_CONFIG_HOME/midwatch/midwatch.toml",
        "The estate file; then /etc/midwatch/midwatch.toml. --config names another one.",
    ),
    ("windows.toml", "Beside the estate file: the maintenance windows."),
    ("procedures/**/*.toml", "Beside the estate file: its procedures."),
    ("themes/NAME.toml, keymaps/NAME.toml", "Beside the estate file, or in $XDG_CONFIG_HOME/midwatch."),
    (
        "$XDG_STATE_HOME/midwatch",
        "Runs with their journals, logs and frozen sets; locks. --state names another directory.",
    ),
    ("/var/lib/midwatch", "The same for a team, where it has the setgid bit."),
    ("$XDG_STATE_HOME/midwatch/log/midwatch.DATE.log", "Midwatch's own log."),
];

/// Every key of the default keymap, by where it means something.
fn keys(page: &mut Roff) {
    let keymap = Keymap::build(&keymap::default_layers()).unwrap_or_default();
    page.control("SH", ["KEYS"]);
    for context in Context::ALL {
        page.control("SS", [context.word()]);
        for entry in ACTIONS.iter().filter(|entry| entry.context == context) {
            page.control("TP", []).text([bold(keymap.all_shown(entry.action))]).text([roman(entry.doc)]);
        }
    }
}

/// The exit codes and what they mean.
const CODES: &[(&str, &str)] = &[
    ("0", "All went well."),
    ("1", "A step failed, or the machine did."),
    ("2", "The command line, the estate file or a procedure is wrong."),
    ("6", "Another run holds a lock."),
    ("7", "Refused: read-only, outside the window, over a limit, or a second person is needed."),
    ("8", "Unknown outcomes remain."),
    ("9", "A person stopped the run."),
    ("74", "The journal could not be written."),
    ("75", "A person is needed, and none is here."),
    ("check", "0 ok, 1 warn, 2 critical, 3 unknown or not asked."),
    ("verify", "0 whole, 3 torn at its end, 4 damaged."),
];
