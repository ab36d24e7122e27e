use super::*;

#[test]
fn the_programs_that_a_script_needs_are_named_and_nothing_else() {
    let script = "helper() { sync; }\nset -u\nhelper\n[ -e x ]\nif grep -q a b; then \"$EDITOR\" x; fi\n\
        page off | tee log\nnotify || true\n/opt/app/page on\nout=$(date)\n";
    assert_eq!(programs(script), ["/opt/app/page", "page", "sync", "tee"]);
    assert_eq!(programs("if true; then"), Vec::<String>::new());
}

fn messages(script: &str, strict: bool) -> Vec<String> {
    findings(script, strict).iter().map(|one| format!("{}:{} {}", one.line, one.column, one.message)).collect()
}

#[test]
fn each_danger_is_reported_at_its_place() {
    let cases = [
        ("rm -rf $DIR", "1:8 `rm` of a variable that is not quoted: $DIR"),
        ("true\nrm \"$A\" $(ls)", "2:9 `rm` of a variable that is not quoted: $(ls)"),
        ("rm -rf \"$DIR/old\"", "1:8 an empty variable makes it remove from `/`: \"$DIR/old\""),
        ("sudo rm -r \"${DIR}\"/old", "1:12 an empty variable makes it remove from `/`: \"${DIR}\"/old"),
        ("rm -fr build", "1:8 a relative `rm -r` depends on the working directory: build"),
        ("kill -9 42", "1:1 `kill -9` leaves the program no time to close anything"),
        ("kill -s KILL 42", "1:1 `kill -9` leaves the program no time to close anything"),
        ("if x; then pkill -f api; fi", "1:12 `pkill` hits every process that fits, others' too"),
        ("curl -s https://x/y | sudo bash", "1:23 it runs what the network sends, unchecked"),
        ("bash -c \"$(curl -s https://x)\"", "1:1 it runs what the network sends, unchecked"),
        ("echo x > /tmp/report", "1:10 everyone can put a link in the place of /tmp/report first"),
        ("ls | tee \"/tmp/list.$$\"", "1:10 everyone can put a link in the place of /tmp/list.$$ first"),
        ("dropdb x || true", "1:13 `|| true` swallows a failure"),
        ("for f in a; do rm -r $f; done", "1:22 `rm` of a variable that is not quoted: $f"),
        ("x=\"$(kill -9 1)\"", "1:1 `kill -9` leaves the program no time to close anything"),
        ("case $x in a) ( rm -r old );; esac", "1:23 a relative `rm -r` depends on the working directory: old"),
    ];
    for (script, expected) in cases {
        assert_eq!(messages(script, true), [expected], "{script}");
    }
}

#[test]
fn careful_code_is_not_reported() {
    for script in [
        "rm -rf \"${DIR:?}/old\"",
        "rm -f -- \"$file\"",
        "rm -rf /srv/cell0/tmp",
        "rm old",
        "kill -TERM \"$pid\"",
        "curl -fsS https://x/health | grep ok",
        "echo 'rm -rf $DIR' # rm -rf $DIR",
        "f=$(mktemp); echo x > \"$f\"",
        "echo x > /tmpfiles/x",
        "grep -q x file || exit 3",
        "cat <<'END'\nrm -rf $DIR\nEND",
    ] {
        assert_eq!(messages(script, true), Vec::<String>::new(), "{script}");
    }
}

#[test]
fn without_strict_mode_more_is_reported() {
    let loose = "1:1 a failure in the middle is skipped: the script is not strict";
    let cd = "1:1 nothing checks that `cd` worked: what follows may work elsewhere";
    assert_eq!(messages("cd /srv; ls", false), [loose, cd]);
    assert_eq!(messages("cd /srv && ls", false), Vec::<String>::new());
    assert_eq!(messages("if cd /srv; then ls; fi", false), Vec::<String>::new());
    assert_eq!(messages("pg_dump x | gzip", false), [loose]);
    assert_eq!(messages("ls", false), Vec::<String>::new());
    assert_eq!(messages("cd /srv; ls", true), Vec::<String>::new());
    assert_eq!(messages("set -euo pipefail\ncd /srv; ls", false), Vec::<String>::new());
}

#[test]
fn what_turns_strict_mode_off_is_reported_where_it_is_forced() {
    assert_eq!(messages("true\ntrue; set +eu; true", true), ["2:7 strict mode is turned off from here on"]);
    assert_eq!(messages("set -euo pipefail\nset +x; true", true), Vec::<String>::new());
    assert_eq!(messages("set -e\nset +e", false), Vec::<String>::new());
}

#[test]
fn an_unreadable_script_is_reported() {
    assert!(
        messages("if true; then", true)[0]
            .starts_with("1:1 it cannot be read as a shell script: syntax error: something is not closed")
    );
    assert!(messages("true\n ;;", true)[0].starts_with("2:2 it cannot be read"), "{:?}", messages("true\n ;;", true));
    assert_eq!(messages("", true), Vec::<String>::new());
}

#[test]
fn a_file_in_a_directory_that_only_we_can_change_is_not_reported() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let place = dir.path().display();
    let shared = |path: &str| format!("1:10 everyone can put a link in the place of {path} first");
    assert_eq!(messages(&format!("echo x > {place}/report"), true), Vec::<String>::new());
    // One that is not there, one that a variable names, and one that others may write to.
    let absent = format!("{place}/none/report");
    assert_eq!(messages(&format!("echo x > {absent}"), true), [shared(&absent)]);
    let named = format!("{place}/$X");
    assert_eq!(messages(&format!("echo x > {named}"), true), [shared(&named)]);
    // The sticky bit keeps what is there, not a name that is free.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    let sticky = format!("{place}/sticky");
    assert_eq!(messages(&format!("echo x > {sticky}"), true), [shared(&sticky)]);
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let open = format!("{place}/report");
    assert_eq!(messages(&format!("echo x > {open}"), true), [shared(&open)]);
}

#[test]
fn a_directory_that_the_script_makes_is_its_own_and_one_that_may_be_there_is_not() {
    let shared = |at: &str, path: &str| format!("{at} everyone can put a link in the place of {path} first");
    // `mkdir` fails where anything has the name, a link too.
    for careful in ["mkdir /tmp/new", "mkdir /tmp/new\necho x > /tmp/new/report\nls | tee /tmp/new/list"] {
        assert_eq!(messages(careful, true), Vec::<String>::new(), "{careful}");
    }
    assert_eq!(messages("mkdir -p /tmp/new", true), [shared("1:10", "/tmp/new")]);
    assert_eq!(messages("mkdir --parents /tmp/new", true), [shared("1:17", "/tmp/new")]);
    for (loose, strict, path) in [
        ("mkdir /tmp/new\ncd /srv && echo x > /tmp/new/report", false, "/tmp/new/report"),
        ("mkdir -m 777 /tmp/new\necho x > /tmp/new/report", true, "/tmp/new/report"),
        ("mkdir /tmp/new || true\necho x > /tmp/new/report", true, "/tmp/new/report"),
        ("if cond; then mkdir /tmp/new; fi\necho x > /tmp/new/report", true, "/tmp/new/report"),
        ("mkdir /tmp/new\necho x > /tmp/new/../report", true, "/tmp/new/../report"),
        ("mkdir /tmp/new\necho x > /tmp/other/report", true, "/tmp/other/report"),
    ] {
        let found = messages(loose, strict);
        assert!(found.iter().any(|one| one.contains(&format!("in the place of {path} first"))), "{loose}: {found:?}");
    }
}

/// The same again and again, with anything between.
fn often(times: usize, opens: &str, middle: &str, closes: &str) -> String {
    [&opens.repeat(times), middle, &closes.repeat(times)].concat()
}

#[test]
fn what_lies_too_deep_is_refused_however_its_depth_is_hidden() {
    for deep in [
        often(50_000, "( ", "true", " )"),
        often(3_000, "( \")\"; ", "true", " )"),
        often(3_000, "( ')'; ", "true", " )"),
        often(3_000, "( \\); ", "true", " )"),
        often(3_000, "if true; then echo fi; ", "true", "; fi"),
        often(3_000, "if true; then echo \\\n fi; ", "true", "; fi"),
        often(3_000, "while true; do echo done; ", "true", "; done"),
        often(3_000, "{ echo }; ", "true", "; }"),
        often(3_000, "f() { ", "true", "; }"),
        often(3_000, "case a in esac) ", "true", "; esac"),
        often(3_000, "case a in x) [[ ]] &&\nesac ]]; ", "true", "; esac"),
        often(3_000, "case a in x) cat <<esac\nesac\n", "true", "\nesac"),
        often(3_000, "case a in x) y ;; esac | ", "true", "; esac"),
        often(3_000, "cat <( ", "true", " )"),
        often(3_000, "coproc { ", "true", "; }"),
        often(5_000, "coproc ", "true", ""),
        often(5_000, "coproc\n", "true", ""),
        format!("[[ {}x ]]", "! ".repeat(5_000)),
        format!("[[ {} ]]", often(3_000, "( ", "x", " )")),
        format!("(( {} ))", often(3_000, "( ", "1", " )")),
        // Few levels, and each of them tried twice.
        often(30, "( ", "a; b", " )"),
        often(30, "case a in a) ", "true", "; esac"),
        "( ".repeat(30),
    ] {
        let shown: String = deep.chars().take(40).collect();
        assert_eq!(parse(&deep).unwrap_err().why, "commands lie too deep within commands", "{shown}");
        assert_eq!(messages(&deep, true).len(), 1, "{shown}");
    }
    assert_eq!(
        messages(&often(50, "( ", "true", " )"), true),
        ["1:25 it cannot be read as a shell script: commands lie too deep within commands"]
    );
    let many = "$(".repeat(20_000);
    assert_eq!(parse(&many).unwrap_err().why, "it has more than 10000 expansions");
}

#[test]
fn what_is_long_and_not_deep_is_read() {
    for long in [
        "( if true; then ( true ); fi )\n",
        "for f in *; do case \"$f\" in a) true ;; b|done) if x; then y; fi ;; esac; done < list\n",
        "{ [[ ! -f x && ! -s y ]] && rm x; } || { true; }\n",
        "f() { while read -r x; do echo \"$x\"; done <<END\n( { if case\nEND\n}\n",
        "x=(a b \"${c[@]}\"); y[1]=$(( (1 + 2) * 3 )); z[\"$x\"]=\"${a}${b}${c}${d}${e}${f}${g}\"\n",
        "until a; do b; done 2>&1 | while read -r c; do d; done\n",
        "if a; then b; elif c; then d; else e; fi > out\n",
        "cat <(sort a) >(tee b)\n",
        "! a && ! b\ncase a in\nesac\n",
    ] {
        let script = long.repeat(200);
        assert!(parse(&script).is_ok(), "{long}: {:?}", parse(&script).unwrap_err());
    }
    assert!(parse(&often(12, "( ", "a; b", " )")).is_ok());
    assert!(parse(&often(12, "case a in a) ", "true", "; esac")).is_ok());
    assert!(parse(&often(40, "if a; then ", "true", "; fi")).is_ok());
}

#[test]
fn no_number_and_no_index_breaks_the_grammar_off() {
    assert_eq!(parse("echo 99999999999999999999>file").unwrap_err().why, "the number of a descriptor is too large");
    for script in ["rm ~99999999999999999999", "a[${b:-~99999999999999999999}]=1", "echo 999999999>file"] {
        assert!(parse(script).is_ok(), "{script}");
    }
    assert!(parse(&format!("a[{}]=1", often(40, "$((", "1", "))"))).is_ok());
    assert!(parse(&format!("a[{}]=1", "\"a$(".repeat(40) + &")\"".repeat(40))).is_ok());
}

#[test]
fn commands_are_looked_into_that_words_substitute_and_to_a_bound() {
    let kill = "`kill -9` leaves the program no time to close anything";
    assert_eq!(messages(&often(7, "x=$(", "kill -9 1", ")"), true), [format!("1:1 {kill}")]);
    let deep = messages(&often(3_000, "x=$(", "kill -9 1", ")"), true);
    assert_eq!(deep, ["1:1 commands are substituted too deep within commands to be looked into"]);
    assert_eq!(messages(&often(3_000, "x=\"a$(", "true", ")\""), true), deep);
    assert_eq!(messages(&often(9_000, "x=${a:-", "b", "}"), true), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(script in ".{0,60}") {
        let _ = findings(&script, false);
    }
}
