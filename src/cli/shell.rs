//! `midwatch completions` and `midwatch man`, generated from the same definitions as the help.

use crate::app::keymap::{ACTIONS, Context, Keymap};
use crate::cli::args::{Cli, Completions, Man};
use crate::cli::out;
use crate::config::keymap;
use crate::domain::Error;
use crate::domain::error::Result;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs;
use std::io;
use std::path::Path;

/// What bash asks beside the words that never change. The line is taken as it was typed, for bash cuts words at `=` and `:`, and
/// puts what it is given behind the last of them. It inserts a word as it is, so that it is quoted here; zsh and fish quote it.
const BASH: &str = r#"
_midwatch_live() {
    local line="${COMP_LINE:0:COMP_POINT}" found
    local -a words
    read -ra words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    local typed="${words[${#words[@]}-1]}"
    _midwatch "$@"
    mapfile -t found < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    if [[ ${#found[@]} -gt 0 ]]; then
        local one
        COMPREPLY=()
        for one in "${found[@]#"${typed%"${typed##*[=:]}"}"}"; do
            printf -v one %q "$one"
            COMPREPLY+=("$one")
        done
        [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _midwatch_live -o bashdefault -o default midwatch
"#;

/// The last lines of the script for zsh, which register its function.
const ZSH_END: &str = r#"if [ "$funcstack[1]" = "_midwatch" ]; then
    _midwatch "$@"
else
    compdef _midwatch midwatch
fi
"#;

/// What zsh asks beside the words that never change.
const ZSH: &str = r#"_midwatch_live() {
    local -a found
    found=("${(@f)$(${words[1]} __complete -- "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    if (( $#found )); then
        compadd -S '' -a found
    else
        _midwatch "$@"
    fi
}
if [ "$funcstack[1]" = "_midwatch" ]; then
    _midwatch_live "$@"
else
    compdef _midwatch_live midwatch
fi
"#;

/// What fish asks beside the words that never change.
const FISH: &str = r"
function __fish_midwatch_live
    set -l words (commandline -opc)
    $words[1] __complete -- $words[2..] (commandline -ct) 2>/dev/null
end
complete -c midwatch -a '(__fish_midwatch_live)'
";

/// Prints the completions of a shell. bash, zsh and fish also complete procedures with their parameters, and runs.
///
/// # Errors
/// When standard output is closed.
pub fn completions(args: &Completions) -> Result<u8> {
    out::print(script(args.shell).as_bytes())
}

fn script(shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "midwatch", &mut out);
    let made = String::from_utf8_lossy(&out).into_owned();
    match shell {
        Shell::Bash => made + BASH,
        Shell::Zsh => match made.strip_suffix(ZSH_END) {
            Some(made) => format!("{made}{ZSH}"),
            None => made,
        },
        Shell::Fish => made + FISH,
        _ => made,
    }
}

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

/// One page; the first one also tells of the keys and of the exit codes.
fn page(command: &clap::Command, whole: bool) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let failed = |cause: io::Error| Error::machine("make the man page", cause);
    // An empty date would be left out, and what follows it take its place.
    let man = clap_mangen::Man::new(command.clone()).date(" ").manual("Midwatch");
    man.render(&mut out).map_err(failed)?;
    let mut more = Roff::new();
    if whole {
        keys(&mut more);
        codes(&mut more);
    } else {
        more.control("SH", ["SEE ALSO"]).text([bold("midwatch"), roman("(1)")]);
    }
    more.to_writer(&mut out).map_err(failed)?;
    Ok(out)
}

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

fn codes(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    for (code, means) in CODES {
        page.control("TP", []).text([bold(*code)]).text([roman(*means)]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_that_can_ask_does() {
        for (shell, asks) in [
            (Shell::Bash, "complete -F _midwatch_live"),
            (Shell::Zsh, "compdef _midwatch_live"),
            (Shell::Fish, "(__fish_midwatch_live)"),
        ] {
            assert!(script(shell).contains(asks), "{shell}");
        }
        assert!(!script(Shell::Elvish).contains("__complete --"));
    }
}
