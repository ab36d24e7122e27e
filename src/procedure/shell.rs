//! Finds dangers in a shell script, from its syntax tree.
//!
//! | found | why |
//! |---|---|
//! | `rm` of an unquoted variable, or of `$X/…` where `X` may be empty | it removes other files than those meant |
//! | a relative `rm -r` | it removes files of the working directory, whichever that is |
//! | `cd` whose failure is ignored | what follows works elsewhere |
//! | `kill -9`, `pkill -f`, `killall` | nothing is closed, or others are hit |
//! | `curl … \| sh` | it runs what the network sends, unchecked |
//! | a file of a known name in `/tmp` | anybody can put a link there first |
//! | `\|\| true` | a failure is swallowed |
//! | a text that is not strict | a failure in the middle is skipped |
//! | `set +e` where strict mode is forced | it is turned off again |
//!
//! Where strict mode is forced (`set -euo pipefail`), a failing `cd` ends the script, and neither it nor the mode is reported.

mod nesting;
mod read;
mod rules;
#[cfg(test)]
mod tests;
mod words;

pub use read::{Unreadable, parse};

use brush_parser::ast::{AndOr, AndOrList, Command, CompoundCommand, CompoundList, Pipeline, Program, SourceLocation};
use std::collections::BTreeSet;

/// How deep commands are looked into that a word of another command substitutes.
const SUBSTITUTED: usize = 8;

/// Something that its reader should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line of the script, from 1.
    pub line: u32,
    /// The column, in characters from 1.
    pub column: u32,
    /// What is there, in a sentence.
    pub message: String,
    /// The way on.
    pub hint: &'static str,
}

/// Everything found in a script, in the order of its places. `strict` says that `set -euo pipefail` holds from its start.
#[must_use]
pub fn findings(script: &str, strict: bool) -> Vec<Finding> {
    findings_within(script, strict, 0)
}

/// The same for a script that other commands substitute, one within the other.
fn findings_within(script: &str, strict: bool, within: usize) -> Vec<Finding> {
    let mut reader = Reader { strict: strict || sets_strict(script), within, ..Reader::default() };
    match parse(script) {
        Ok(program) => {
            if !reader.strict && many(&program) {
                let text = "a failure in the middle is skipped: the script is not strict";
                let hint = "begin with `set -euo pipefail`, or use the adapter `script`";
                reader.found.push(Finding { line: 1, column: 1, message: text.to_owned(), hint });
            }
            program.complete_commands.iter().for_each(|list| reader.list(list, false));
            if strict {
                reader.found.extend(loosened(script));
            }
        }
        // The whole was read; only where a substitution ends may have been taken for another place.
        Err(_) if within > 0 => {}
        Err(Unreadable { line, column, why }) => {
            let sentence = format!("it cannot be read as a shell script: {why}");
            reader.found.push(Finding {
                line: line.unwrap_or(1),
                column: column.unwrap_or(1),
                message: sentence,
                hint: "",
            });
        }
    }
    reader.found.sort();
    reader.found.dedup();
    reader.found
}

/// Whether the script turns strict mode on itself before anything else.
fn sets_strict(script: &str) -> bool {
    let first = script.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first
        .and_then(|line| line.strip_prefix("set -"))
        .is_some_and(|flags| flags.split([' ', ';']).next().is_some_and(|short| short.contains('e')))
}

/// Lines that turn strict mode off again.
fn loosened(script: &str) -> Vec<Finding> {
    let off = |pair: &[&str]| matches!(pair, ["set", word] if word.starts_with('+') && word.contains(['e', 'u', 'o']));
    let is_off = |text: &str| {
        let words: Vec<&str> = text.split([' ', '\t', ';']).filter(|word| !word.is_empty()).collect();
        words.windows(2).any(off)
    };
    let column = |text: &str| {
        let before = text.split_once("set").map_or(0, |(before, _)| before.chars().count());
        u32::try_from(before + 1).unwrap_or(1)
    };
    let found = (1..).zip(script.lines()).filter(|(_, text)| is_off(text));
    let finding = |(line, text): (u32, &str)| Finding {
        line,
        column: column(text),
        message: "strict mode is turned off from here on".to_owned(),
        hint: "handle the commands that may fail: `if ! command; then …`",
    };
    found.map(finding).collect()
}

/// Whether there is more than one command whose failure counts: one after another, or in a pipe.
fn many(program: &Program) -> bool {
    let lists: Vec<&AndOrList> =
        program.complete_commands.iter().flat_map(|list| list.0.iter().map(|item| &item.0)).collect();
    lists.len() > 1 || lists.iter().any(|list| list.first.seq.len() > 1)
}

/// The names that bash carries out itself. Source: bash(1), "SHELL BUILTIN COMMANDS".
const BUILTINS: [&str; 61] = [
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// The programs that a script calls by a plain name and without looking at whether that worked; sorted. What it calls by a
/// variable, in a condition or behind `||` is not among them, nor what is bash's own or a function of the script.
#[must_use]
pub fn programs(script: &str) -> Vec<String> {
    let mut reader = Reader { strict: true, ..Reader::default() };
    if let Ok(program) = parse(script) {
        program.complete_commands.iter().for_each(|list| reader.list(list, false));
    }
    let own = |name: &String| BUILTINS.contains(&name.as_str()) || reader.functions.contains(name);
    reader.called.iter().filter(|name| !own(name)).cloned().collect()
}

/// Walks the tree.
#[derive(Default)]
struct Reader {
    strict: bool,
    /// How many substitutions this script is nested in.
    within: usize,
    found: Vec<Finding>,
    /// The plain names of what is called and not looked at.
    called: BTreeSet<String>,
    /// How many compound commands the walk is nested in.
    depth: usize,
    /// The directories that the script has made, or has ended.
    made: BTreeSet<String>,
    /// The functions that are defined.
    functions: BTreeSet<String>,
}

impl Reader {
    fn report(&mut self, at: &impl SourceLocation, text: String, hint: &'static str) {
        let start = at.location().map(|span| (span.start.line, span.start.column)).unwrap_or((1, 1));
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.found.push(Finding { line: number(start.0), column: number(start.1), message: text, hint });
    }

    /// `checked`: the script looks at the status of the list.
    fn list(&mut self, list: &CompoundList, checked: bool) {
        for item in &list.0 {
            self.and_or(&item.0, checked);
        }
    }

    fn and_or(&mut self, list: &AndOrList, checked: bool) {
        let mut checked_here = checked || !list.additional.is_empty();
        self.pipeline(&list.first, checked_here);
        for (number, next) in list.additional.iter().enumerate() {
            checked_here = checked || number + 1 < list.additional.len();
            match next {
                AndOr::And(pipeline) => self.pipeline(pipeline, checked_here),
                AndOr::Or(pipeline) => {
                    if rules::does_nothing(pipeline) {
                        let text = "`|| true` swallows a failure".to_owned();
                        self.report(pipeline, text, "name the exit codes that are fine, or let it fail");
                    }
                    self.pipeline(pipeline, checked_here);
                }
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, checked: bool) {
        if let Some(at) = rules::runs_the_network(pipeline) {
            let text = "it runs what the network sends, unchecked".to_owned();
            self.report(at, text, "fetch it to a file, hold it to a checksum, then run it");
        }
        for command in &pipeline.seq {
            self.command(command, checked || pipeline.bang);
        }
    }

    fn command(&mut self, command: &Command, checked: bool) {
        match command {
            Command::Simple(simple) => rules::simple(self, simple, checked),
            Command::Compound(compound, redirects) => {
                self.compound(compound, checked);
                redirects.iter().flat_map(|list| &list.0).for_each(|redirect| rules::redirect(self, redirect, command));
            }
            Command::Function(function) => {
                self.functions.insert(function.fname.value.clone());
                self.compound(&function.body.0, false);
            }
            Command::ExtendedTest(..) => {}
        }
    }

    fn compound(&mut self, compound: &CompoundCommand, checked: bool) {
        self.depth += 1;
        self.inside(compound, checked);
        self.depth -= 1;
    }

    fn inside(&mut self, compound: &CompoundCommand, checked: bool) {
        match compound {
            CompoundCommand::Arithmetic(_) => {}
            CompoundCommand::ArithmeticForClause(clause) => self.list(&clause.body.list, false),
            CompoundCommand::BraceGroup(group) => self.list(&group.list, checked),
            CompoundCommand::Subshell(shell) => self.list(&shell.list, checked),
            CompoundCommand::ForClause(clause) => self.list(&clause.body.list, false),
            CompoundCommand::CaseClause(clause) => {
                clause.cases.iter().filter_map(|case| case.cmd.as_ref()).for_each(|list| self.list(list, false));
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition, true);
                self.list(&clause.then, false);
                for other in clause.elses.iter().flatten() {
                    other.condition.iter().for_each(|condition| self.list(condition, true));
                    self.list(&other.body, false);
                }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0, true);
                self.list(&clause.1.list, false);
            }
            CompoundCommand::Coprocess(process) => self.command(&process.body, checked),
        }
    }
}
