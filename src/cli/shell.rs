//! `midwatch completions`, generated from the same definitions as the help.

use crate::cli::args::{Cli, Completions};
use crate::cli::out;
use crate::domain::error::Result;
use clap::CommandFactory;
use clap_complete::Shell;

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
