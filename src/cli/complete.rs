//! `midwatch __complete`: what fits where the cursor of a shell stands; the completions of every shell ask it.
//!
//! It reads the estate file, the procedures and the list of the runs, and nothing else: no source is asked. Whatever goes wrong
//! gives no candidate and no word, for a shell would draw it into the line that is being typed.

use crate::app::msg::RunSummary;
use crate::cli::args::{Cli, Common, Complete};
use crate::cli::{demo, out, setup};
use crate::domain::error::Result;
use crate::gate::{World, lookup};
use crate::procedure::adapters::Adapters;
use crate::procedure::params::{Param, ParamKind};
use clap::CommandFactory;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The subcommands that are of no use on a run that is over.
const ON_LIVE: [&str; 2] = ["resume", "abort"];

/// Prints the candidates, one a line.
///
/// # Errors
/// When standard output is closed.
pub fn run(args: &Complete) -> Result<u8> {
    // A name with a control character would be read as another one, or drawn as something else.
    let plain = |text: &String| !text.chars().any(char::is_control);
    let found: Vec<String> = candidates(&args.words).unwrap_or_default().into_iter().filter(plain).collect();
    let text: String = found.iter().map(|candidate| format!("{candidate}\n")).collect();
    out::print(text.as_bytes())
}

/// What stands before the cursor.
#[derive(Debug, Default, PartialEq)]
struct Line {
    common: Common,
    command: String,
    /// The name of the argument that the cursor stands in.
    argument: String,
    /// The arguments before it.
    before: Vec<String>,
}

fn candidates(words: &[String]) -> Option<Vec<String>> {
    let (typed, before) = words.split_last()?;
    let mut line = read(before).filter(|_| !typed.starts_with('-'))?;
    line.common = demo::resolve(line.common).ok()?;
    let all = match line.argument.as_str() {
        "procedure" => procedures(&setup::world(&line.common).ok()?),
        "params" => params(&setup::world(&line.common).ok()?, &line.before, typed)?,
        "run" => runs(&setup::world_of_runs(&line.common).ok()?, &line.command)?,
        _ => return None,
    };
    Some(all.into_iter().filter(|candidate| candidate.starts_with(typed.as_str())).collect())
}

/// Reads the words before the one under the cursor, by the definitions that the help is made of.
fn read(words: &[String]) -> Option<Line> {
    let mut root = Cli::command();
    root.build();
    let (mut line, mut command) = (Line::default(), &root);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) {
            let (name, inline) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let known = command.get_arguments().find(|arg| arg.get_long() == Some(name));
            let takes = known.is_some_and(|arg| arg.get_action().takes_values());
            let value = if takes { Some(inline.or_else(|| words.next().map(String::as_str))?) } else { None };
            match (name, value) {
                ("config", Some(value)) => line.common.config = Some(PathBuf::from(value)),
                ("state", Some(value)) => line.common.state = Some(PathBuf::from(value)),
                ("demo", None) => line.common.demo = true,
                _ => {}
            }
        } else if line.command.is_empty() {
            command = command.find_subcommand(word)?;
            word.clone_into(&mut line.command);
        } else if !word.starts_with('-') {
            line.before.push(word.clone());
        }
    }
    // The last of them takes all that follow.
    let places: Vec<_> = command.get_positionals().collect();
    let place = places
        .get(line.before.len())
        .or_else(|| places.last().filter(|last| last.get_num_args().is_some_and(|many| many.max_values() > 1)));
    place?.get_id().as_str().clone_into(&mut line.argument);
    Some(line)
}

fn procedures(world: &World) -> Vec<String> {
    world.catalog().procedures().map(|procedure| procedure.id.clone()).collect()
}

/// The newest first.
fn runs(world: &World, command: &str) -> Option<Vec<String>> {
    let of_use = |run: &RunSummary| !(ON_LIVE.contains(&command) && run.status.is_over());
    Some(lookup::runs(world).ok()?.iter().filter(|run| of_use(run)).map(|run| run.id.to_string()).collect())
}

/// The parameters that are not given yet, as `name=`; behind the `=`, what may stand there.
fn params(world: &World, before: &[String], typed: &str) -> Option<Vec<String>> {
    let (procedure, given) = before.split_first()?;
    let catalog = world.catalog();
    let params = &catalog.find(procedure).ok()?.params;
    if let Some((name, _)) = typed.split_once('=') {
        let param = params.iter().find(|param| param.name == name)?;
        return Some(values(world, param).into_iter().map(|value| format!("{name}={value}")).collect());
    }
    let given: BTreeSet<&str> = given.iter().filter_map(|given| given.split_once('=')).map(|(name, _)| name).collect();
    let open = params.iter().filter(|param| !given.contains(param.name.as_str()));
    Some(open.map(|param| format!("{}=", param.name)).collect())
}

fn values(world: &World, param: &Param) -> Vec<String> {
    let known = match &param.kind {
        ParamKind::OneOf(words) | ParamKind::List(words) => words.clone(),
        ParamKind::Map(names) => names.iter().map(|name| format!("{name}=")).collect(),
        ParamKind::Target(kind) => world.adapters().targets(*kind).unwrap_or_default(),
        ParamKind::Days(..) | ParamKind::Int(..) | ParamKind::Text | ParamKind::Path => Vec::new(),
    };
    if known.is_empty() { param.default.iter().cloned().collect() } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Option<(String, String, Vec<String>)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&words).map(|line| (line.command, line.argument, line.before))
    }

    #[test]
    fn the_place_of_the_cursor_is_read_by_the_definitions() {
        let of = |command: &str, argument: &str, before: &[&str]| {
            Some((command.to_owned(), argument.to_owned(), before.iter().map(|word| (*word).to_owned()).collect()))
        };
        assert_eq!(line(&["run"]), of("run", "procedure", &[]));
        assert_eq!(line(&["run", "a/b"]), of("run", "params", &["a/b"]));
        assert_eq!(line(&["run", "a/b", "x=1", "--json"]), of("run", "params", &["a/b", "x=1"]));
        assert_eq!(line(&["--config", "f", "run", "--yes", "change", "--confirm=x y"]), of("run", "procedure", &[]));
        assert_eq!(line(&["attach", "--plain"]), of("attach", "run", &[]));
        assert_eq!(line(&["attach", "01X"]), None, "there is only one");
        for nothing in [&["runs"][..], &["no-such"], &["run", "--confirm"], &[]] {
            assert_eq!(line(nothing), None, "{nothing:?}");
        }
        let words = ["--state=/s", "--config", "/c", "abort"].map(str::to_owned);
        let common = read(&words).unwrap().common;
        assert_eq!((common.state, common.config), (Some("/s".into()), Some("/c".into())));
    }
}
