//! A wrong estate file, as `lint`, `check` and every other command report it.

use crate::support::estate::{Estate, Printed, finish};
use rustix::fs::{CWD, Mode, mkfifoat};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Runs the program on a file as its estate.
fn on(estate: &Estate, file: &Path, args: &[&str]) -> Printed {
    let mut command = estate.command(args);
    command.arg("--config").arg(file);
    finish(command)
}

/// Asserts that each command refuses a file with this reason and its own code, and shows no secret.
fn refused(estate: &Estate, file: &Path, why: &str) {
    let named = file.to_str().unwrap();
    for (args, code) in [
        (&["lint"][..], 2),
        (&["lint", named], 2),
        (&["check"], 3),
        (&["check", "--json"], 3),
        (&["plan", "cell0/health-check"], 2),
        (&["run", "cell0/health-check"], 2),
    ] {
        let printed = on(estate, file, args).exits(code).prints(why);
        assert!(!printed.out.contains("hunter2") && !printed.err.contains("hunter2"), "{args:?}: {printed:?}");
    }
}

#[test]
fn twelve_mistakes_are_reported_at_once_without_the_password() {
    let estate = Estate::default();
    let file = estate.beside("midwatch.toml");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/estates/invalid");
    fs::copy(fixtures.join("twelve.toml"), &file).unwrap();
    let expected = fs::read_to_string(fixtures.join("twelve.expected")).unwrap();
    assert!(expected.lines().count() >= 12);
    for line in expected.lines() {
        refused(&estate, &file, &line.replace("twelve.toml", file.to_str().unwrap()));
    }
    let printed = on(&estate, &file, &["lint"]);
    assert_eq!(printed.out, expected.replace("twelve.toml", file.to_str().unwrap()));
}

#[test]
fn what_is_no_estate_file_is_refused_with_its_reason_and_never_waited_for() {
    let estate = Estate::default();
    let at = |name: &str| estate.beside(name).join("midwatch.toml");
    let place = |name: &str| {
        fs::create_dir(estate.beside(name)).unwrap();
        at(name)
    };
    refused(&estate, &at("missing"), "no such file or directory");
    fs::write(place("empty"), "\n \n").unwrap();
    refused(&estate, &at("empty"), "it is empty");
    fs::write(place("binary"), b"schema = 1\n\x7fELF\x00\xff\xfe").unwrap();
    refused(&estate, &at("binary"), "line 2 is not UTF-8 text");
    File::create(place("large")).unwrap().set_len(100 << 20).unwrap();
    refused(&estate, &at("large"), "it has 100 MiB, and 4.0 MiB is the most that is read");
    // One that could not be read within the test's time: only its size is looked at.
    File::create(place("endless")).unwrap().set_len(1 << 40).unwrap();
    refused(&estate, &at("endless"), "it has 1.0 TiB");
    fs::create_dir(place("directory")).unwrap();
    refused(&estate, &at("directory"), "it is a directory, not a file");
    mkfifoat(CWD, place("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    refused(&estate, &at("fifo"), "it is a FIFO, not a file");
}

#[test]
fn a_file_that_may_not_be_read_is_refused() {
    let estate = Estate::default();
    let file = estate.beside("midwatch.toml");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(estate.beside(""), Permissions::from_mode(0o755)).unwrap();
    for (word, code) in [("lint", 2_i32), ("check", 3)] {
        let mut command: Command = estate.command(&[word]);
        command.arg("--config").arg(&file);
        if rustix::process::geteuid().is_root() {
            // Root may read everything.
            command.uid(65_534).gid(65_534);
        }
        finish(command).exits(code).prints("permission denied");
    }
}

#[test]
fn mistakes_of_all_files_beside_the_estate_are_reported_together() {
    let estate = Estate::default();
    for (name, text) in [
        ("midwatch.toml", "schema = 1\nname = \"n\"\nenvironment = \"prod\"\n"),
        ("themes/own.toml", "schema = 1\nname = \"own\"\ninherits = \"nihgt\"\n"),
        ("keymaps/own.toml", "schema = 1\nname = \"own\"\nzzz = 1\n"),
        ("procedures/own.toml", "format = 1\nid = \"a/b\"\nzzz = 1\n"),
    ] {
        fs::create_dir_all(estate.beside(name).parent().unwrap()).unwrap();
        fs::write(estate.beside(name), text).unwrap();
    }
    let printed = on(&estate, &estate.beside("midwatch.toml"), &["lint"]).exits(2);
    for (file, place) in [
        ("midwatch.toml", "3:15: `environment` must be"),
        ("themes/own.toml", "3:12: there is no theme `nihgt` (did you mean `night`?)"),
        ("keymaps/own.toml", "3:1: unknown "),
        ("procedures/own.toml", "3:1: unknown key `zzz`"),
    ] {
        let expected = format!("{}:{place}", estate.beside(file).display());
        assert!(printed.out.contains(&expected), "{expected}\n{}", printed.out);
    }
}

#[test]
fn a_missing_theme_and_a_missing_keymap_are_reported_together() {
    let estate = Estate::default();
    let printed = estate.midwatch(&["lint", "--theme", "nihgt", "--keymap", "emacs"]).exits(2);
    assert_eq!(
        printed.out,
        "themes/nihgt.toml:1:1: there is no theme `nihgt` (did you mean `night`?)\n\
         keymaps/emacs.toml:1:1: there is no keymap `emacs` (there are default, vim)\n"
    );
    estate.midwatch(&["lint", "--theme", "night", "--keymap", "vim"]).exits(0);
}

#[test]
fn includes_of_a_wrong_procedure_are_checked_and_problems_keep_the_order_of_the_file() {
    let estate = Estate::default();
    let steps = "[[work]]\ntitle = \"A\"\nmanual = \"x\"\nfrob = 1\n[[work]]\nuse = \"test/nothing\"\n\
         [[work]]\nuse = \"test/other\"\n[[work]]\ntitle = \"B\"\nmanual = \"x\"\nfrob = 2\n";
    estate.procedure("wrong", "", steps);
    // One that is wrong itself is there all the same.
    estate.procedure("other", "", "[[work]]\ntitle = \"C\"\nmanual = 3\n");
    let file = estate.beside("procedures/wrong.toml");
    let text = fs::read_to_string(&file).unwrap();
    let line = |part: &str| text.lines().position(|line| line == part).unwrap() + 1;
    let at = |line: usize, what: &str| format!("{}:{line}:{what}\n", file.display());
    let expected = at(line("frob = 1"), "1: unknown key `frob`")
        + &at(line("use = \"test/nothing\""), "7: there is no procedure `test/nothing`")
        + &at(line("frob = 2"), "1: unknown key `frob`");
    for args in [&["lint"][..], &["lint", file.to_str().unwrap()]] {
        let printed = estate.midwatch(args).exits(2);
        let own: String =
            printed.out.lines().filter(|line| line.contains("wrong.toml")).map(|l| l.to_owned() + "\n").collect();
        assert_eq!(own, expected, "{args:?}");
    }
}

#[test]
fn a_file_of_any_name_is_linted_as_what_its_own_keys_say() {
    let estate = Estate::default();
    for (name, text, words) in [
        (
            "shop.toml",
            "schema = 1\nname = \"x\"\nenvironment = \"mars\"\n",
            "3:15: `environment` must be production, staging or other, not \"mars\"",
        ),
        ("weekly.toml", "schema = 1\n[[window]]\nname = \"w\"\nlasts = \"2h\"\n", "2:1: `starts` is missing"),
        ("steps.toml", "format = 1\ntitle = 3\n", "2:9: `title` must be text, not a whole number"),
    ] {
        let file = estate.beside(name);
        fs::write(&file, text).unwrap();
        let printed = finish(estate.command(&["lint", file.to_str().unwrap()])).exits(2).prints(words);
        assert!(!printed.out.contains("`format` is missing"), "{name}: {}", printed.out);
    }
}

#[test]
fn the_schema_is_printed() {
    let printed = finish(Estate::default().command(&["schema"])).exits(0);
    let schema: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(schema["properties"]["backup"]["items"]["required"], serde_json::json!(["name", "max_age"]));
    let other = finish(Estate::default().command(&["schema", "nothing"]));
    other.exits(2).prints("estate");
}

#[test]
fn warnings_differ_from_errors_and_fail_only_with_strict() {
    let estate = Estate::default();
    let steps = "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = { exec = [\"bash\", \"-c\", 'kill -9 1'] }\nundo = { none = \"x\" }\n";
    let header = "reviewed = 2020-01-01\nreview_every = \"90d\"\nowner = \"operations\"";
    estate.procedure("late", header, steps);
    let file = estate.beside("procedures/late.toml");
    let review = format!("{}:6:12: warning: its review by operations was due on 2020-03-31\n", file.display());
    let shell = format!("{}:12:31: warning: `kill -9` leaves the program no time to close anything", file.display());
    let printed = estate.midwatch(&["lint"]).exits(0);
    assert!(printed.out.starts_with(&review) && printed.out.contains(&shell), "{}", printed.out);
    estate.midwatch(&["lint", "--strict"]).exits(1);
    estate.midwatch(&["lint", "--strict", file.to_str().unwrap()]).exits(1).prints(&shell);
    let report = estate.midwatch(&["lint", "--json"]).exits(0).out;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((report["errors"].as_array().unwrap().len(), report["warnings"].as_array().unwrap().len()), (0, 2));
    assert_eq!((&report["warnings"][1]["line"], &report["warnings"][1]["column"]), (&12.into(), &31.into()));
    estate.procedure("wrong", "zzz = 1", "[[work]]\ntitle = \"W\"\nmanual = \"x\"");
    estate.midwatch(&["lint"]).exits(2).prints("unknown key `zzz`").prints("warning: its review");
}

#[test]
fn procedures_and_windows_are_held_against_one_another() {
    let estate = Estate::default();
    let step = |takes: &str| {
        format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ntakes = \"{takes}\"\ndo = {{ exec = [\"/bin/true\"] }}\nundo = {{ none = \"x\" }}\n"
        )
    };
    let window = "starts = \"0 2 * * SUN\"\nlasts = \"2h\"\noperations = [\"vacuum\"]\n";
    fs::write(estate.beside("windows.toml"), format!("schema = 1\n[[window]]\nname = \"weekly\"\n{window}")).unwrap();
    estate.procedure("one", "window = \"weekly\"", &step("80m"));
    estate.midwatch(&["lint"]).exits(0);
    estate.procedure("two", "window = \"weekly\"", &step("50m"));
    let windows = estate.beside("windows.toml");
    let crowded = format!("{}:3:8: what belongs in this window takes 2 h 10 m, and it lasts 2 h", windows.display());
    estate.midwatch(&["lint"]).exits(2).prints(&crowded);
    // Reported where the windows are named, and not where one procedure is checked by itself.
    estate.midwatch(&["lint", windows.to_str().unwrap()]).exits(2).prints(&crowded);
    let two = estate.beside("procedures/two.toml");
    estate.midwatch(&["lint", two.to_str().unwrap()]).exits(0);
    estate.procedure("two", "window = { operation = \"patches\" }", &step("50m"));
    let nothing = "no window of other is for the operation `patches`";
    estate.midwatch(&["lint", two.to_str().unwrap()]).exits(2).prints(nothing);
    estate.procedure("two", "window = \"weekly\"", &step("121m"));
    estate.midwatch(&["lint"]).exits(2).prints("this takes 2 h 1 m, and the window `weekly` lasts 2 h");
    fs::remove_file(estate.beside("procedures/one.toml")).unwrap();
    fs::remove_file(two).unwrap();
    let unserved = "warning: no procedure is for the operation `vacuum` of this window";
    estate.midwatch(&["lint"]).exits(0).prints(unserved);
    estate.midwatch(&["lint", "--strict"]).exits(1);
}

/// An estate with one PostgreSQL, one service and one Redis.
fn three_targets() -> Estate {
    let estate = Estate::default();
    estate.configure(
        "[[postgres]]\nname = \"main\"\nwatch = \"service=a\"\n[[service]]\nname = \"api\"\nurl = \"http://127.0.0.1:1/\"\n\
         [[redis]]\nname = \"cache\"\nurl = \"redis://127.0.0.1:1\"\n",
    );
    estate
}

/// A check of a target.
fn step(kind: &str, target: &str) -> String {
    format!("[[look]]\ntitle = \"L\"\ncheck = {{ probe = \"{kind}\", target = \"{target}\" }}\n")
}

/// A check of a part of a target.
fn part(kind: &str, target: &str, object: &str) -> String {
    step(kind, target).replace(" }\n", &format!(", object = \"{object}\" }}\n"))
}

#[test]
fn what_the_estate_does_not_have_is_refused_with_its_place_and_the_nearest_name() {
    let estate = three_targets();
    let sound = "lock = [\"host\", \"postgres:main\", \"redis:cache\", \"the archive\"]";
    let all: String = [("postgres", "main"), ("bloat", "main"), ("service", "api"), ("redis", "cache")]
        .map(|(kind, target)| step(kind, target))
        .concat();
    estate.procedure("sound", sound, &all);
    let printed = estate.midwatch(&["lint", "--strict"]).exits(0);
    assert_eq!(printed.out, "ok: midwatch.toml, 1 procedure of yours, 8 built in\n");
    let file = estate.beside("procedures/wrong.toml");
    let params = "lock = [\"postgres:{{db}}\"]\n[params]\ndb = { text = true }\nat = { text = true }\n";
    for (header, steps, place, what) in [
        (
            "lock = [\"host\", \"postgres:mian\"]",
            step("postgres", "main"),
            "6:17",
            "no postgres `mian` (did you mean `main`?)",
        ),
        ("lock = [\"redis:main\"]", step("postgres", "main"), "6:9", "no redis `main` (one of cache)"),
        ("", step("postgres", "mian"), "9:40", "no postgres `mian` (did you mean `main`?)"),
        ("", step("backup", "daily"), "9:38", "no backup `daily`"),
        ("", step("certificate", "web"), "9:43", "no certificate `web`"),
        ("", step("kubernetes", "web"), "9:42", "no kubernetes `web`"),
        ("", step("unit", "web.service"), "9:36", "no unit `web.service`"),
        ("", step("service", "apo"), "9:39", "no service `apo` (did you mean `api`?)"),
    ] {
        estate.procedure("wrong", header, &steps);
        let expected = format!("{}:{place}: the estate has {what}\n", file.display());
        for more in [&[][..], &["--strict"], &[file.to_str().unwrap()]] {
            let answer = estate.midwatch(&[&["lint"], more].concat()).exits(2);
            assert!(answer.out.ends_with(&expected), "{expected}{}", answer.out);
        }
        let why = what.split(" (").next().unwrap();
        estate.midwatch(&["plan", "test/wrong"]).exits(2).prints(&format!(":{place}: the estate has {why}"));
    }
    // What parameters decide is judged by their values.
    estate.procedure("wrong", params, &step("service", "{{at}}"));
    estate.midwatch(&["lint"]).exits(0);
    estate.midwatch(&["print", "test/wrong"]).exits(0);
    let plan = |db: &str, at: &str| estate.midwatch(&["plan", "test/wrong", &format!("db={db}"), &format!("at={at}")]);
    plan("main", "apo").exits(2).prints("no service `apo`").prints("did you mean `api`?");
    plan("mian", "api").exits(2).prints("no postgres `mian`").prints("did you mean `main`?");
}

#[test]
fn a_part_of_a_reading_and_a_mount_that_cannot_be_are_refused() {
    let estate = three_targets();
    let parts = part("postgres", "main", "connections") + &part("redis", "cache", "persistence");
    estate.procedure("sound", "", &(parts + &step("host", "cpu") + &step("mount", "/srv")));
    estate.midwatch(&["lint", "--strict"]).exits(0);
    let file = estate.beside("procedures/wrong.toml");
    for (step, place, what) in [
        (part("redis", "cache", "memroy"), "9:55", "a reading of redis has no `memroy` (did you mean `memory`?)"),
        (
            part("postgres", "main", "x"),
            "9:57",
            "a reading of postgres has no `x` (one of connections, replication, archiving, subscriptions)",
        ),
        (part("service", "api", "x"), "9:55", "a reading of service has no `x` (leave `object` out)"),
        (
            step("mount", "srv"),
            "9:37",
            "a mount is named by its absolute path, and `srv` is none (`/` or `/srv`, as the Health pane has it)",
        ),
        (step("host", "cpuu"), "9:36", "the estate has no host `cpuu` (did you mean `cpu`?)"),
    ] {
        estate.procedure("wrong", "", &step);
        let expected = format!("{}:{place}: {what}\n", file.display());
        let printed = estate.midwatch(&["lint"]).exits(2);
        assert!(printed.out.ends_with(&expected), "{expected}{}", printed.out);
    }
}

/// A procedure that deletes packed files below a root after some days.
fn deleting(estate: &Estate, name: &str, header: &str, under: &str, days: u32) {
    let step = format!(
        "[[a]]\ntitle = \"Delete\"\neffect = \"destroy\"\n\
         do = {{ files = \"delete\", under = \"{under}\", match = \"*.gz\", older = \"{days}d\" }}\nundo = {{ none = \"past retention\" }}\n"
    );
    let text = format!("format = 1\nid = \"test/{name}\"\ntitle = \"T\"\nphases = [\"a\"]\n{header}\n{step}");
    fs::write(estate.procedure_file(name), text).unwrap();
}

#[test]
fn a_root_that_a_parameter_gives_is_held_against_the_roots_that_are_known() {
    let estate = Estate::default();
    estate.configure("packs = [\"cell0\"]\n");
    let tree = estate.tree("").display().to_string();
    let tree = tree.trim_end_matches('/');
    fs::create_dir_all(estate.tree("logs/archive")).unwrap();
    std::os::unix::fs::symlink(estate.tree("logs"), estate.beside("link")).unwrap();
    let file = estate.procedure_file("short");
    let kept = "this deletes after 30 d what cell0/data-retention keeps for 365 d";
    let so = format!("where `root` of cell0/data-retention is {tree} (<built-in>/cell0/data-retention.toml:");
    for (root, under) in [
        (tree.to_owned(), "logs/archive"),
        (format!("{tree}/"), "logs/archive/"),
        (format!("{tree}/logs"), "archive"),
        (format!("{tree}/logs/archive"), "."),
        (estate.beside("link").display().to_string(), "archive/"),
    ] {
        deleting(&estate, "short", &format!("root = \"{root}\""), under, 30);
        let text = estate.midwatch(&["lint"]).exits(0).out;
        assert!(
            text.contains(&format!("{}:", file.display())) && text.contains(&format!("warning: {kept}, {so}")),
            "{root}: {text}"
        );
        estate.midwatch(&["lint", "--strict"]).exits(1);
    }
    for (root, under) in
        [(tree.to_owned(), "data"), (tree.to_owned(), "logs/archive2"), (format!("{tree}/logs/archive/x"), ".")]
    {
        // What is deleted below a directory that the other one deletes from with all that is in it is found all the same.
        deleting(&estate, "short", &format!("root = \"{root}\""), under, 30);
        let output = estate.midwatch(&["lint"]).exits(0).out;
        assert_eq!(output.contains(kept), root.ends_with("/x"), "{root} {under}: {output}");
    }
    // Two parameters may be one directory under any names.
    deleting(&estate, "short", "root = \"{{place}}/logs\"\n[params]\nplace = { path = true }", "archive", 30);
    let both = "where `place` of test/short and `root` of cell0/data-retention are one directory";
    estate.midwatch(&["lint"]).exits(0).prints(&format!("{kept}, {both}"));
    // What is known on both sides contradicts for sure.
    deleting(&estate, "short", &format!("root = \"{tree}/logs/\""), "archive", 30);
    deleting(&estate, "long", &format!("root = \"{tree}\""), "logs/archive", 60);
    estate.midwatch(&["lint"]).exits(2).prints("this deletes after 30 d what test/long keeps for 60 d (");
}

#[test]
fn what_rows_of_the_estate_give_to_a_procedure_is_held_against_its_own() {
    let estate = Estate::default();
    let backups = estate.tree("backups").display().to_string();
    deleting(&estate, "short", &format!("root = \"{backups}\""), ".", 30);
    let text = estate.midwatch(&["lint", "--strict"]).exits(0).out;
    assert!(text.starts_with("ok: "), "no row gives that directory: {text}");
    estate.configure(&format!("[[backup]]\nname = \"set\"\nfiles = \"{backups}/*.tar.gz\"\nmax_age = \"24h\"\n"));
    let what = "warning: this deletes after 30 d what common/delete-old-backups keeps for 180 d";
    estate
        .midwatch(&["lint"])
        .exits(0)
        .prints(&format!("{what}, where `directory` of common/delete-old-backups is {backups} ("));
}
