//! What is reported of single commands.

use crate::config::trust;
use crate::procedure::shell::words::expansions;
use crate::procedure::shell::{Reader, SUBSTITUTED, findings_within};
use brush_parser::ast::{
    Command, CommandPrefixOrSuffixItem as Item, IoFileRedirectKind as Kind, IoFileRedirectTarget as Target, IoRedirect,
    Pipeline, SimpleCommand, SourceLocation, Word,
};
use brush_parser::unquote_str;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Programs that start the one that is named behind them.
const WRAPPERS: [&str; 8] = ["sudo", "doas", "command", "exec", "nice", "nohup", "env", "xargs"];

/// Programs that read a script from standard input.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "ksh", "python", "python3", "perl", "ruby"];

/// Programs that fetch from the network.
const FETCHES: [&str; 2] = ["curl", "wget"];

/// Directories in which everyone may make files.
const SHARED: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];

/// The name of a simple command without its directory, behind commands that only start it, and the words behind it.
fn named(simple: &SimpleCommand) -> Option<(String, Vec<&Word>)> {
    let words = simple.suffix.iter().flat_map(|suffix| &suffix.0).filter_map(|item| match item {
        Item::Word(word) => Some(word),
        _ => None,
    });
    let mut words: Vec<&Word> = simple.word_or_name.iter().chain(words).collect();
    while let Some(first) = words.first() {
        let name = unquote_str(&first.value);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        words.remove(0);
        if !WRAPPERS.contains(&name.as_str()) {
            return Some((name, words));
        }
        let option = |word: &&Word| word.value.starts_with('-') || word.value.contains('=');
        let options = words.iter().take_while(|word| option(word)).count();
        words.drain(..options);
    }
    None
}

/// Whether a pipeline is `true` or `:` alone.
pub(super) fn does_nothing(pipeline: &Pipeline) -> bool {
    matches!(pipeline.seq.as_slice(), [Command::Simple(simple)]
        if named(simple).is_some_and(|(name, words)| words.is_empty() && matches!(name.as_str(), "true" | ":")))
}

/// The shell that runs what an earlier part of the pipe fetches.
pub(super) fn runs_the_network(pipeline: &Pipeline) -> Option<&Command> {
    let name = |command: &Command| match command {
        Command::Simple(simple) => named(simple).map(|(name, _)| name),
        _ => None,
    };
    let fetches =
        pipeline.seq.iter().position(|command| name(command).is_some_and(|name| FETCHES.contains(&name.as_str())))?;
    let mut behind = pipeline.seq.iter().skip(fetches + 1);
    behind.find(|command| name(command).is_some_and(|name| SHELLS.contains(&name.as_str())))
}

/// Looks at one command, at what it redirects, and into what it substitutes.
pub(super) fn simple(reader: &mut Reader, simple: &SimpleCommand, checked: bool) {
    let items =
        simple.prefix.iter().flat_map(|prefix| &prefix.0).chain(simple.suffix.iter().flat_map(|suffix| &suffix.0));
    for item in items {
        match item {
            Item::IoRedirect(io) => redirect(reader, io, simple),
            Item::Word(word) | Item::AssignmentWord(_, word) => substituted(reader, word, simple),
            Item::ProcessSubstitution(_, shell) => reader.list(&shell.list, false),
        }
    }
    if let Some(word) = simple.word_or_name.as_ref().filter(|_| !checked) {
        let name = unquote_str(&word.value);
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+[:".contains(c);
        if !name.is_empty() && name.chars().all(plain) {
            reader.called.insert(name.to_string());
        }
    }
    let Some((name, words)) = named(simple) else { return };
    match name.as_str() {
        "rm" => removes(reader, &words),
        "cd" if !checked && !reader.strict => {
            let text = "nothing checks that `cd` worked: what follows may work elsewhere".to_owned();
            reader.report(simple, text, "`cd DIR || exit`, or absolute paths");
        }
        "kill" if words.iter().any(|word| is_kill(&word.value)) => {
            let message = "`kill -9` leaves the program no time to close anything".to_owned();
            reader.report(simple, message, "send TERM, wait, and only then KILL");
        }
        "pkill" | "killall" => {
            let sentence = format!("`{name}` hits every process that fits, others' too");
            reader.report(simple, sentence, "name the unit or the process");
        }
        "mkdir" => makes(reader, &words, checked, simple),
        "tee" | "touch" => words.iter().for_each(|word| shared(reader, word, simple)),
        name if SHELLS.contains(&name) && words.iter().any(|word| fetched(word)) => {
            let wording = "it runs what the network sends, unchecked".to_owned();
            reader.report(simple, wording, "fetch it to a file, hold it to a checksum, then run it");
        }
        _ => {}
    }
}

fn is_kill(word: &str) -> bool {
    matches!(word, "-9" | "-KILL" | "-SIGKILL" | "KILL" | "SIGKILL" | "--signal=9" | "--signal=KILL")
}

/// Whether a word substitutes what is fetched.
fn fetched(word: &Word) -> bool {
    ["$(curl ", "$(wget ", "`curl ", "`wget "].iter().any(|start| word.value.contains(start))
}

fn removes(reader: &mut Reader, words: &[&Word]) {
    let is_option = |word: &Word| word.value.starts_with('-') && word.value.len() > 1;
    let recursive = words.iter().any(|word| {
        is_option(word)
            && (word.value == "--recursive" || (!word.value.starts_with("--") && word.value.contains(['r', 'R'])))
    });
    for word in words.iter().filter(|word| !is_option(word)) {
        let shown = &word.value;
        if expansions(shown).iter().any(|expansion| !expansion.quoted) {
            let text = format!("`rm` of a variable that is not quoted: {shown}");
            reader.report(*word, text, "write it between double quotes");
        } else if leads_with_expansion(shown) {
            let message = format!("an empty variable makes it remove from `/`: {shown}");
            reader.report(*word, message, "`${NAME:?}` stops where it is empty");
        } else if recursive && !unquote_str(shown).starts_with(['/', '$', '~', '{']) {
            let sentence = format!("a relative `rm -r` depends on the working directory: {shown}");
            reader.report(*word, sentence, "write the absolute path");
        }
    }
}

/// Whether a path begins with a variable that may be empty, and a slash behind it.
fn leads_with_expansion(word: &str) -> bool {
    let bare = word.trim_start_matches('"');
    let Some(rest) = bare.strip_prefix('$') else { return false };
    let behind = match rest.strip_prefix('{') {
        Some(inner) => match inner.split_once('}') {
            Some((name, _)) if name.contains(":?") => return false,
            Some((_, behind)) => behind,
            None => return false,
        },
        None => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    };
    behind.trim_start_matches('"').starts_with('/')
}

/// A file that is written where everyone may put a link first.
pub(super) fn redirect(reader: &mut Reader, redirect: &IoRedirect, at: &impl SourceLocation) {
    match redirect {
        IoRedirect::File(
            _,
            Kind::Write | Kind::Append | Kind::Clobber | Kind::ReadAndWrite,
            Target::Filename(word),
        )
        | IoRedirect::OutputAndError(word, _) => shared(reader, word, at),
        IoRedirect::File(_, _, Target::ProcessSubstitution(_, shell)) => reader.list(&shell.list, false),
        _ => {}
    }
}

/// A directory that is made. Without `-p` it is made by this script or the command fails, if anything is in its place (mkdir(2)); in
/// a strict script, no other user can then replace what is written below it.
fn makes(reader: &mut Reader, words: &[&Word], checked: bool, at: &impl SourceLocation) {
    let is_option = |word: &&&Word| word.value.starts_with('-') && word.value.len() > 1;
    let takes_any =
        |word: &&Word| word.value == "--parents" || (!word.value.starts_with("--") && word.value.contains('p'));
    // A mode may let others in.
    let has_mode =
        |word: &&Word| word.value.starts_with("--mode") || (!word.value.starts_with("--") && word.value.contains('m'));
    if words.iter().filter(is_option).any(takes_any) {
        words.iter().for_each(|word| shared(reader, word, at));
    } else if reader.strict && !checked && reader.depth == 0 && !words.iter().filter(is_option).any(has_mode) {
        reader
            .made
            .extend(words.iter().filter(|word| !is_option(word)).map(|word| unquote_str(&word.value).to_string()));
    }
}

fn shared(reader: &mut Reader, word: &Word, at: &impl SourceLocation) {
    let path = unquote_str(&word.value);
    if !SHARED.iter().any(|shared| path.starts_with(shared)) || is_ours_alone(&path) || is_below_made(reader, &path) {
        return;
    }
    let text = format!("everyone can put a link in the place of {path} first");
    let hint = "`mktemp`, or `{{run.dir}}` by way of `env`";
    match word.loc {
        Some(_) => reader.report(word, text, hint),
        None => reader.report(at, text, hint),
    }
}

/// Whether a file would lie in a directory that the script has made.
fn is_below_made(reader: &Reader, path: &str) -> bool {
    let leaves = path.split('/').any(|part| part == "..");
    let directory = Path::new(path).parent().and_then(Path::to_str);
    !leaves && directory.is_some_and(|directory| reader.made.contains(directory))
}

/// Whether a file would lie in a directory of its own below a shared one, which is there and which only root and this user can change.
/// One with the sticky bit is not: who may make files there may make a link.
fn is_ours_alone(path: &str) -> bool {
    // The value of a variable is known when the script runs.
    let Some(directory) = Path::new(path).parent().filter(|_| !path.contains(['$', '`', '*', '?', '['])) else {
        return false;
    };
    let is_shared = SHARED.iter().any(|shared| directory == Path::new(shared));
    let is_directory =
        directory.symlink_metadata().is_ok_and(|found| found.is_dir() && found.permissions().mode() & 0o1000 == 0);
    !is_shared && is_directory && trust::check_directory(directory).is_ok()
}

/// Looks into commands that a word substitutes; they are reported at the word.
fn substituted(reader: &mut Reader, word: &Word, at: &impl SourceLocation) {
    let within = reader.within;
    let mut describe = |text: String, hint: &'static str| match word.loc {
        Some(_) => reader.report(word, text, hint),
        None => reader.report(at, text, hint),
    };
    for script in expansions(&word.value).into_iter().filter_map(|expansion| expansion.script) {
        if within >= SUBSTITUTED {
            describe(
                "commands are substituted too deep within commands to be looked into".to_owned(),
                "give them names: `x=$(…)`",
            );
            return;
        }
        for finding in findings_within(&script, true, within + 1) {
            describe(finding.message, finding.hint);
        }
    }
}
