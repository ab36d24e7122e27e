//! The commands that serve a shell and a reader: completions in a real bash, man pages for a real groff.

use crate::support::estate::{BINARY, Estate, finish};
use std::fs;
use std::path::Path;
use std::process::Command;

const LOOK: &str = "[[look]]\ntitle = \"Look\"\nmanual = \"Look at {{database}} in {{env}}.\"\n";

fn estate() -> Estate {
    let estate = Estate::default();
    estate.configure("packs = [\"cell0\"]\n[[postgres]]\nname = \"main\"\nwatch = \"service=a\"\n[[postgres]]\nname = \"mirror\"\nwatch = \"service=b\"\n");
    let params = "[params]\ndatabase = { target = \"postgres\" }\nenv = { one_of = [\"production\", \"staging\"] }\n";
    let file = format!(
        "format = 1\nid = \"test/look\"\ntitle = \"Look\"\npurpose = \"p\"\nowner = \"o\"\nreviewed = 2026-11-21\n\
         review_every = \"90d\"\nphases = [\"look\"]\n{params}{LOOK}"
    );
    fs::write(estate.beside("procedures/look.toml"), file).unwrap();
    let step = "[[look]]\ntitle = \"Sign\"\nmanual = \"Sign.\"\n";
    estate.procedure("sign", "", step);
    estate
}

/// What a real bash offers where the cursor stands at the end of a line.
fn offered(estate: &Estate, line: &str) -> Vec<String> {
    let script = r#"
source <("$1" completions bash)
# As readline cuts it, at blanks and at COMP_WORDBREAKS.
mapfile -t COMP_WORDS < <(printf '%s' "$2" | sed 's/[=:]/\n&\n/g; s/ \+/\n/g' | sed '/^$/d')
[[ "$2" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_WORDS[0]=$1
COMP_LINE="$1${2#midwatch}" COMP_POINT=${#COMP_LINE}
COMPREPLY=()
spec=$(complete -p midwatch)
[[ "$spec" =~ -F\ ([^\ ]+) ]] && "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"#;
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script, "bash", BINARY, line]);
    estate.surround(&mut command);
    let printed = finish(command).exits(0);
    printed.out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_procedures_their_parameters_and_runs() {
    let estate = estate();
    estate.start_waiting("sign");
    let run = estate.run().dir.id.to_string();
    assert_eq!(offered(&estate, "midwatch rep"), ["report"]);
    assert_eq!(offered(&estate, "midwatch run test/"), ["test/look", "test/sign"]);
    assert_eq!(offered(&estate, "midwatch rehearse --json test/l"), ["test/look"]);
    assert!(offered(&estate, "midwatch plan ").contains(&"cell0/archive-logs".to_owned()));
    assert_eq!(offered(&estate, "midwatch run test/look "), ["database=", "env="]);
    assert_eq!(offered(&estate, "midwatch run test/look env=staging d"), ["database="]);
    // Behind the `=` bash puts what it is given.
    assert_eq!(offered(&estate, "midwatch run test/look database=m"), ["main", "mirror"]);
    assert_eq!(offered(&estate, "midwatch run test/look database=mi"), ["mirror"]);
    assert_eq!(offered(&estate, "midwatch run test/look env=p"), ["production"]);
    for command in ["attach", "resume", "abort --undo", "report --format json", "verify"] {
        assert_eq!(offered(&estate, &format!("midwatch {command} {}", &run[..6])), [run.as_str()], "{command}");
    }
    estate.midwatch(&["abort", &run]).exits(0);
    estate.run().sealed();
    assert_eq!(offered(&estate, &format!("midwatch verify {}", &run[..6])), [run.as_str()]);
    assert!(offered(&estate, &format!("midwatch abort {}", &run[..6])).is_empty(), "it is over");
    // Options stay what they were.
    assert!(offered(&estate, "midwatch run --").contains(&"--emergency".to_owned()));
}

#[test]
fn what_bash_puts_into_the_line_is_one_word_that_carries_nothing_out() {
    let estate = estate();
    let effect = estate.beside("effect");
    for value in ["two words; touch EFFECT", "$(touch EFFECT)", "it's \"quoted\"", "~ & * ?"] {
        let value = value.replace("EFFECT", &effect.display().to_string());
        let params = format!("[params]\nmessage = {{ text = true, default = {} }}\n", serde_json::json!(value));
        let step = "[[look]]\ntitle = \"Look\"\ncheck = { exec = [\"/bin/echo\", \"{{message}}\"] }\n";
        estate.procedure("say", &params, step);
        let given = offered(&estate, "midwatch run test/say message=");
        assert_eq!(given.len(), 1, "{value}: {given:?}");
        let mut command = Command::new("bash");
        command.args(["--norc", "-c", &format!("printf '%s\\n' message={}", given[0])]);
        let printed = finish(command).exits(0);
        assert_eq!(printed.out, format!("message={value}\n"));
        assert!(!effect.exists(), "{value}");
    }
}

#[test]
fn a_read_only_demo_builds_nothing_and_says_why() {
    let estate = estate();
    for args in [&["--read-only", "demo"][..], &["--read-only", "demo", "--stop"]] {
        let printed = estate.midwatch(args).exits(7);
        assert!(printed.err.contains("--read-only forbids it"), "{}", printed.err);
    }
    let demo = |dir: &Path| dir.ends_with("demo");
    let mut open = vec![estate.beside("")];
    while let Some(dir) = open.pop() {
        assert!(!demo(&dir), "{}", dir.display());
        let entries = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        open.extend(entries.filter(|path| path.is_dir() && !path.is_symlink()));
    }
}

#[test]
fn what_cannot_be_read_completes_nothing_and_says_nothing() {
    let estate = estate();
    for words in [
        &["run"][..],
        &["__complete"],
        &["__complete", "--", "no-such", ""],
        &["__complete", "--", "run", "no/such", ""],
    ] {
        if words.first() == Some(&"__complete") {
            let printed = estate.midwatch(words).exits(0);
            assert_eq!((printed.out.as_str(), printed.err.as_str()), ("", ""), "{words:?}");
        }
    }
    fs::write(estate.beside("midwatch.toml"), "schema = ").unwrap();
    let answer = estate.midwatch(&["__complete", "--", "run", ""]).exits(0);
    assert_eq!((answer.out.as_str(), answer.err.as_str()), ("", ""));
}

#[test]
fn a_file_of_any_name_is_linted_as_what_its_keys_say() {
    let estate = estate();
    let other = estate.beside("other-estate.toml");
    let path = other.to_str().unwrap();
    let problems = |text: &str| {
        fs::write(&other, text).unwrap();
        let printed = estate.midwatch(&["lint", path]).exits(2);
        printed.out.lines().filter(|line| line.contains("other-estate.toml:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let found = problems("schema = 1\nname = \"x\"\nenvironment = \"nowhere\"\n");
    assert!(matches!(found.as_slice(), [one] if one.contains("environment")), "{found:?}");
    let found = problems("[[window]]\nnonsense = 1\n");
    assert!(
        found.iter().any(|one| one.contains("nonsense")) && found.iter().all(|one| !one.contains("format")),
        "{found:?}"
    );
    let found = problems("format = 1\n");
    assert!(found.iter().any(|one| one.contains("title")), "{found:?}");
}

#[test]
fn every_script_is_one_that_its_shell_reads() {
    let estate = estate();
    for shell in ["bash", "zsh", "fish"] {
        let path = estate.beside(&format!("complete.{shell}"));
        fs::write(&path, estate.midwatch(&["completions", shell]).exits(0).out).unwrap();
        let mut command = Command::new(shell);
        command.arg("-n").arg(&path);
        match command.output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr)),
            Err(cause) => {
                assert!(shell != "bash", "{cause}");
                eprintln!("no {shell} is here: its script was not read by it");
            }
        }
    }
}

/// Reads a page as `man -l` does, and gives it as text; what the reader has to say against it is a failure.
fn read(path: &Path) -> String {
    let mut command = Command::new("groff");
    command.args(["-man", "-Tutf8", "-ww", "-P-cbou"]).arg(path);
    let printed = finish(command).exits(0);
    assert_eq!(printed.err, "", "{}", path.display());
    printed.out
}

/// What the first page tells, however its lines are broken.
const WHOLE: [&str; 14] = [
    "midwatch run [--yes CLASS] [--emergency REASON] [--confirm PHRASE]... [--json] PROC [KEY=VALUE]...",
    "midwatch check [--json] [PANE]...",
    "midwatch [--config FILE] [--state DIR] [--read-only] [--demo] [--theme NAME] [--keymap NAME] [COMMAND]",
    "ENVIRONMENT",
    "MIDWATCH_CONFIG",
    "As --config.",
    "NO_COLOR",
    "FILES",
    "/etc/midwatch/midwatch.toml",
    "KEYS",
    "Skips the item, with a reason.",
    "EXIT STATUS",
    "75",
    "midwatch-rehearse(1)",
];

#[test]
fn every_command_has_a_page_that_a_reader_of_pages_takes() {
    let estate = estate();
    let out = estate.beside("man/pages");
    estate.midwatch(&["man", "--out", out.to_str().unwrap()]).exits(0);
    let mut names: Vec<String> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let help = estate.midwatch(&["--help"]).exits(0).out;
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut wanted: Vec<String> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|word| *word != "help" && help.contains(&format!("\n  {word} ")))
        .map(|word| format!("midwatch-{word}.1"))
        .collect();
    wanted.push("midwatch.1".to_owned());
    wanted.sort();
    assert_eq!(names, wanted);
    if Command::new("groff").arg("--version").output().is_err() {
        eprintln!("no groff is here: the pages were not read");
        return;
    }
    for name in &names {
        let text = read(&out.join(name));
        assert!(text.contains("SYNOPSIS") && text.contains("NAME"), "{name}: {text}");
        assert!(!text.contains("__"), "{name} tells of what is hidden");
    }
    let whole = read(&out.join("midwatch.1"));
    for part in WHOLE {
        assert!(whole.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part}: {whole}");
    }
    let run = read(&out.join("midwatch-run.1"));
    assert!(
        run.contains("--emergency REASON") && run.contains("PROC [KEY=VALUE]...") && run.contains("SEE ALSO"),
        "{run}"
    );
    let printed = estate.midwatch(&["man"]).exits(0).out;
    assert_eq!(printed, fs::read_to_string(out.join("midwatch.1")).unwrap());
    // A place that cannot be written is said in words.
    fs::write(estate.beside("file"), "").unwrap();
    let answer = estate.midwatch(&["man", "--out", estate.beside("file/pages").to_str().unwrap()]).exits(1);
    assert!(
        answer.err.contains("a part of the path is not a directory") && !answer.err.contains("os error"),
        "{}",
        answer.err
    );
}

#[test]
fn errors_of_the_system_are_told_in_words_wherever_they_come_up() {
    let estate = estate();
    estate.file("file", "x");
    let inside = estate.tree("file/inside");
    let inside = inside.to_str().unwrap();
    let words = "a part of the path is not a directory";
    for args in [
        &["--config", inside, "check"][..],
        &["--state", inside, "runs"],
        &["lint", inside],
        &["lint", "/none/such.toml"],
        &["man", "--out", inside],
    ] {
        let printed = estate.midwatch(args);
        assert_ne!(printed.code, Some(0), "{args:?}");
        let all = printed.out + &printed.err;
        assert!(!all.contains("os error"), "{args:?}: {all}");
        assert!(all.contains(words) || all.contains("no such file or directory"), "{args:?}: {all}");
    }
    // What a run records and reports.
    estate.procedure(
        "words",
        "",
        "[[work]]\ntitle = \"List\"\nread = { files = \"newest\", under = \"file\", match = \"*\" }\n",
    );
    estate.start("words", &[]).exits(1);
    let run = estate.run();
    let detail = run.prompt();
    assert!(format!("{:?}", detail.ask).contains(words), "{detail:?}");
    let report = run.midwatch("report", &[]).exits(0).out;
    let journal = fs::read_to_string(run.dir.journal()).unwrap();
    assert!(!(report + &journal).contains("os error"), "{journal}");
}

#[test]
fn a_wrong_command_line_of_check_is_a_verdict_wherever_check_stands() {
    use std::os::unix::ffi::OsStrExt;
    let estate = Estate::default();
    for (line, code) in [
        (&["check", "--bad"][..], 3),
        (&["--config", "midwatch.toml", "check", "--bad"], 3),
        (&["--config=midwatch.toml", "--read-only", "check", "nothing"], 3),
        (&["--config", "check", "runs", "--bad"], 2),
        (&["runs", "check"], 2),
        (&["--bad"], 2),
    ] {
        estate.midwatch(line).exits(code);
    }
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    for (first, code) in [("check", 3), ("runs", 2)] {
        let mut command = estate.command(&[first]);
        command.arg(odd);
        let printed = finish(command).exits(code);
        assert!(!printed.err.contains("panicked"), "{}", printed.err);
    }
    let mut command = estate.command(&[]);
    command.arg(odd);
    finish(command).exits(2);
}

#[test]
fn a_theme_or_a_keymap_that_does_not_exist_is_refused_by_every_command_with_those_that_do() {
    let estate = Estate::default();
    fs::create_dir_all(estate.beside("themes")).unwrap();
    fs::write(estate.beside("themes/mine.toml"), "schema = 1\nname = \"mine\"\n").unwrap();
    // `check` has 2 for a critical row, and 3 for what it cannot read.
    let commands: [(&[&str], i32); 9] = [
        (&[], 2),
        (&["watch"], 2),
        (&["demo"], 2),
        (&["runs"], 2),
        (&["windows"], 2),
        (&["history"], 2),
        (&["procedures"], 2),
        (&["attach", "last"], 2),
        (&["check", "health"], 3),
    ];
    for (command, code) in commands {
        for (option, known) in
            [("theme", "base16, contrast, day, mine, mono, night, okabe"), ("keymap", "default, vim")]
        {
            let printed = estate.midwatch(&[command, &[&format!("--{option}"), "nihgt"]].concat()).exits(code);
            assert!(printed.err.contains(&format!("there is no {option} \"nihgt\"")), "{command:?}: {}", printed.err);
            assert!(printed.err.contains(&format!("there are {known};")), "{command:?}: {}", printed.err);
            assert_eq!(printed.err.contains("did you mean night?"), option == "theme", "{}", printed.err);
        }
    }
    // Before the subcommand, too; one of the user's own is found, and a variable is no reason to refuse.
    estate.midwatch(&["--keymap", "emacs", "runs"]).exits(2);
    estate.midwatch(&["runs", "--theme", "mine", "--keymap", "vim"]).exits(0);
    estate.with("MIDWATCH_THEME", "nihgt").with("MIDWATCH_KEYMAP", "emacs").midwatch(&["runs"]).exits(0);
}
